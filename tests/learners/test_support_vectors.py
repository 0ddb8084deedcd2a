"""The quick support vector machine is scikit-learn's, fit for fit."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.svm import SVC

import data_scaling as ds
from data_scaling.learners.registry import LEARNERS
from data_scaling.learners.support_vectors import KernelSVC, evaluate_kernel


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits])
def test_is_scikit_learns_machine(load):
    x, y = load(return_X_y=True)
    x = (x - x.mean(0)) / (x.std(0) + 1)
    train, judged = slice(0, 240), slice(240, 500)
    quick = KernelSVC(tol=1e-10).fit(x[train], y[train])
    slow = SVC(tol=1e-10).fit(x[train], y[train])
    expected = slow.decision_function(x[judged])
    np.testing.assert_allclose(
        quick.decision_function(x[judged]), expected, rtol=0, atol=1e-8
    )
    np.testing.assert_array_equal(quick.predict(x[judged]), slow.predict(x[judged]))


def test_constant_features_have_scikit_learns_scale():
    x, y = np.ones((6, 2)), np.array([0, 1] * 3)
    np.testing.assert_array_equal(
        KernelSVC().fit(x, y).predict(x), SVC().fit(x, y).predict(x)
    )


def test_features_far_from_zero_give_the_same_machine():
    x, y = load_breast_cancer(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    near, far = (
        KernelSVC(tol=1e-10).fit(c + x[:240], y[:240]).decision_function(c + x[240:])
        for c in (0.0, 1e6)
    )
    np.testing.assert_allclose(far, near, rtol=0, atol=1e-7)


def test_kernel_of_a_row_with_itself_is_one():
    x = np.random.default_rng(0).normal(size=(50, 7))
    kernel = evaluate_kernel(x, x, 0.1)
    assert kernel.max() <= 1.0
    np.testing.assert_allclose(np.diag(kernel), 1.0, atol=1e-12)


def test_learner_draws_what_scikit_learns_machine_draws():
    dataset = ds.load_dataset("breast_cancer")
    coalition, points = np.arange(120), np.arange(115, 125)
    learner = ds.make_learner("svm").bind(dataset, "log_loss")
    slow = CalibratedClassifierCV(SVC(C=1.0, tol=1e-8), ensemble=False)
    expected = ds.make_learner(slow).bind(dataset, "log_loss")
    delta = learner.draw(coalition, points).delta
    reference = expected.draw(coalition, points).delta
    np.testing.assert_allclose(delta, reference, rtol=0, atol=1e-8)
    assert np.abs(reference).max() > 1e-4


def test_registry_has_it_and_it_clones():
    estimator = LEARNERS["svm"]["classification"]()
    assert clone(estimator).get_params()["estimator__C"] == 1.0
    assert isinstance(estimator.estimator, KernelSVC)
