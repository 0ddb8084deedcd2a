"""Metrics against scikit-learn's, and their stacks against single predictions."""

import numpy as np
import pytest
from sklearn import metrics as sk

from data_scaling.errors import InputError
from data_scaling.metrics import METRICS, make_metric


def predict_classes(n_classes, seed=0, stack=()):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, 40)
    p = rng.dirichlet(np.ones(n_classes), size=(*stack, 40))
    return y, p


@pytest.mark.parametrize("n_classes", [2, 4])
def test_classification_metrics_equal_scikit_learn(n_classes):
    y, p = predict_classes(n_classes)
    labels = np.arange(n_classes)
    expected = {
        "log_loss": -sk.log_loss(y, p, labels=labels),
        "accuracy": sk.accuracy_score(y, p.argmax(1)),
    }
    for name, utility in expected.items():
        assert METRICS[name].utilities(y, p) == pytest.approx(utility, rel=1e-12)


def test_brier_is_halved_for_two_classes():
    y, p = predict_classes(2)
    expected = -sk.brier_score_loss(y, p[:, 1])
    assert METRICS["brier"].utilities(y, p) == pytest.approx(expected, rel=1e-12)


def test_brier_of_more_classes_sums_over_them():
    y, p = predict_classes(3)
    expected = -np.mean(np.sum((p - np.eye(3)[y]) ** 2, axis=1))
    assert METRICS["brier"].utilities(y, p) == pytest.approx(expected, rel=1e-12)


def test_softmax_log_loss_is_confined():
    """Right and wrong with certainty give the bounds 0.313 and 1.313."""
    y = np.array([0, 1])
    right, wrong = np.eye(2), 1.0 - np.eye(2)
    utilities = METRICS["softmax_log_loss"].utilities(y, np.stack([right, wrong]))
    np.testing.assert_allclose(-utilities, [np.log1p(np.exp(-1)), np.log1p(np.e)])


def test_mse_equals_scikit_learn():
    rng = np.random.default_rng(1)
    y, prediction = rng.normal(size=(2, 30))
    expected = -sk.mean_squared_error(y, prediction)
    assert METRICS["mse"].utilities(y, prediction) == pytest.approx(expected)


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_stack_equals_single_predictions(name):
    metric = METRICS[name]
    y, stack = predict_classes(3, stack=(2, 5))
    if metric.task == "regression":
        y, stack = y.astype(float), stack[..., 0]
    together = metric.utilities(y, stack)
    alone = [[metric.utilities(y, one) for one in row] for row in stack]
    np.testing.assert_array_equal(together, alone)


def test_a_function_is_a_metric():
    y, stack = predict_classes(2, stack=(3,))
    metric = make_metric(lambda y, p: sk.roc_auc_score(y, p[:, 1]), "classification")
    expected = [sk.roc_auc_score(y, p[:, 1]) for p in stack]
    np.testing.assert_allclose(metric.utilities(y, stack), expected)


def test_the_default_follows_the_task():
    assert make_metric(None, "classification").name == "log_loss"
    assert make_metric(None, "regression").name == "mse"


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"'auc' is not known. Give one of log_loss"):
        make_metric("auc", "classification")


def test_a_metric_of_the_other_task_is_refused():
    with pytest.raises(InputError, match="Give one of mse"):
        make_metric("brier", "regression")


def test_a_certain_error_costs_a_finite_number():
    utility = METRICS["log_loss"].utilities(np.array([1]), np.array([[1.0, 0.0]]))
    assert utility == pytest.approx(np.log(np.finfo(float).tiny))


@pytest.mark.parametrize("metric", [5, 2.5, ["log_loss"]])
def test_what_is_no_metric_is_refused(metric):
    with pytest.raises(InputError, match=r"is no name, metric or function\. Give"):
        make_metric(metric, "classification")
