"""Learners by name, and which engine they get."""

import logging

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from data_scaling.datasets import load_dataset
from data_scaling.errors import InputError
from data_scaling.learners import LEARNERS, LogisticLearner, make_learner
from data_scaling.learners.logistic import BoundLogistic
from data_scaling.learners.neighbors import BoundNeighbors
from data_scaling.learners.refit import BoundRefit
from data_scaling.learners.ridge import BoundRidge

NAMED = [(name, task) for name, tasks in LEARNERS.items() for task in tasks]


@pytest.mark.parametrize(("name", "task"), NAMED)
def test_every_name_gives_finite_contributions(name, task):
    data = load_dataset("breast_cancer" if task == "classification" else "diabetes")
    coalition = np.linspace(0, data.n_points - 1, 60).astype(int)
    draw = make_learner(name).bind(data).draw(coalition, np.array([1, coalition[0]]))
    assert np.isfinite(draw.delta).all()
    assert draw.failures == ()


def test_logistic_regression_of_two_classes_is_exact():
    dataset = load_dataset("breast_cancer")
    assert isinstance(make_learner("logreg").bind(dataset), BoundLogistic)
    bound = make_learner(LogisticRegression(C=3.0)).bind(dataset)
    assert isinstance(bound, BoundLogistic)
    assert "C=3.0" in bound.description


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (LogisticRegression(class_weight="balanced"), "class weights"),
        (LogisticRegression(C=np.inf), "no penalty"),
        (LogisticRegression(solver="liblinear"), "the liblinear objective"),
        (LogisticRegression(l1_ratio=1.0, solver="saga"), "an l1 penalty"),
    ],
)
def test_other_options_are_refitted_and_said(estimator, reason, caplog):
    with caplog.at_level(logging.WARNING):
        bound = make_learner(estimator).bind(load_dataset("breast_cancer"))
    assert isinstance(bound, BoundRefit)
    assert reason in caplog.text


@pytest.mark.parametrize(
    ("estimator", "kind", "setting"),
    [
        (LinearRegression(fit_intercept=False), BoundRidge, "fit_intercept=False"),
        (LinearRegression(tol=1e-4), BoundRidge, "rcond=0.0001"),
        (Ridge(0.3), BoundRidge, "alpha=0.3"),
        (KNeighborsRegressor(7), BoundNeighbors, "n_neighbors=7, weights='uniform'"),
        (KNeighborsRegressor(weights="distance"), BoundNeighbors, "'distance'"),
    ],
)
def test_regressors_with_exact_updates_get_them(estimator, kind, setting):
    dataset, coalition, points = load_dataset("diabetes"), np.arange(60), [3, 70]
    bound = make_learner(estimator).bind(dataset)
    assert isinstance(bound, kind)
    assert setting in bound.description
    refit = make_learner(estimator, engine="refit").bind(dataset)
    assert isinstance(refit, BoundRefit)
    np.testing.assert_allclose(
        bound.marginals(coalition, points), refit.marginals(coalition, points)
    )


def test_neighbours_of_the_paper_are_exact():
    bound = make_learner("knn").bind(load_dataset("breast_cancer"))
    assert isinstance(bound, BoundNeighbors)
    assert "n_neighbors=50, weights='distance'" in bound.description


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (LinearRegression(positive=True), "positive weights"),
        (LinearRegression(tol=0.0), "tol=0.0"),
        (Ridge(positive=True), "positive weights"),
        (Ridge(0.0), "no penalty"),
        (Ridge(np.array([1.0])), "a penalty per target"),
        (KNeighborsRegressor(metric="cityblock"), "another distance"),
        (KNeighborsRegressor(p=1), "another distance"),
        (KNeighborsRegressor(weights=np.exp), "weights by a function"),
    ],
)
def test_other_options_of_regressors_are_refitted_and_said(estimator, reason, caplog):
    with caplog.at_level(logging.WARNING):
        bound = make_learner(estimator).bind(load_dataset("diabetes"))
    assert isinstance(bound, BoundRefit)
    assert reason in caplog.text


def test_a_subclass_of_an_exact_estimator_is_refitted():
    class Stubborn(KNeighborsClassifier):
        pass

    bound = make_learner(Stubborn()).bind(load_dataset("breast_cancer"))
    assert isinstance(bound, BoundRefit)


def test_refitting_can_be_forced_and_agrees():
    dataset = load_dataset("breast_cancer")
    refit = make_learner("logreg", engine="refit").bind(dataset)
    assert isinstance(refit, BoundRefit)
    coalition, points = np.arange(80), np.array([3, 200])
    exact = make_learner("logreg").bind(dataset).marginals(coalition, points)
    refitted = refit.marginals(coalition, points)
    np.testing.assert_allclose(exact, refitted, rtol=1e-5, atol=1e-10)


def test_a_learner_is_returned_as_it_is():
    learner = LogisticLearner(C=2.0)
    assert make_learner(learner) is learner


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"'xgb' is not known. Give one of logreg"):
        make_learner("xgb")


def test_an_unknown_engine_is_refused():
    with pytest.raises(InputError, match="engine is 'gpu'"):
        make_learner("logreg", engine="gpu")


@pytest.mark.parametrize("estimator", ["linreg", Ridge()])
def test_a_learner_of_the_other_task_is_refused(estimator):
    with pytest.raises(InputError, match=r"is for regression.*Give one of logreg"):
        make_learner(estimator).bind(load_dataset("breast_cancer"))


def test_an_estimators_name_is_its_class():
    assert make_learner(DecisionTreeClassifier()).name == "DecisionTreeClassifier"


def test_a_device_is_for_networks_alone():
    assert make_learner("mlp", device="cpu").device == "cpu"
    with pytest.raises(InputError, match="device is 'cuda', but the learner is logreg"):
        make_learner("logreg", device="cuda")
    with pytest.raises(InputError, match="one that is given whole"):
        make_learner(Ridge(), device="cuda")
    with pytest.raises(InputError, match="'lgreg' is not known"):
        make_learner("lgreg", device="cuda")
