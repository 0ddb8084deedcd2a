"""Learners by name, and which engine they get."""

import logging

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from data_scaling.datasets import load_dataset
from data_scaling.errors import InputError
from data_scaling.learners import LEARNERS, LogisticLearner, make_learner
from data_scaling.learners.logistic import BoundLogistic
from data_scaling.learners.refit import BoundRefit

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
