"""Refitting: by hand-made refits, with failures counted, without randomness."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import Perceptron, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from data_scaling.datasets import Dataset, load_dataset
from data_scaling.errors import InputError
from data_scaling.learners import RefitLearner


class Moody(ClassifierMixin, BaseEstimator):
    """Refuses coalitions that hold the point whose first feature is 99."""

    def fit(self, x, y):
        if np.any(x[:, 0] == 99.0):
            raise ValueError("cannot stand 99")
        self.classes_, self.share_ = np.unique(y), np.mean(y)
        return self

    def predict_proba(self, x):
        share = np.nan if len(x) == 0 else self.share_
        return np.tile([1.0 - share, share], (len(x), 1))


class Undecided(Moody):
    """Predicts numbers that are not finite."""

    def predict_proba(self, x):
        return np.full((len(x), 2), np.nan)


def small_dataset(seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(40, 3)), np.arange(40) % 2
    return Dataset(x[:30], y[:30], x[30:], y[30:], name="small")


def test_contributions_are_differences_of_refits():
    dataset, coalition = small_dataset(), np.arange(10)
    estimator = KNeighborsClassifier(3)
    bound = RefitLearner(estimator).bind(dataset, "brier")

    def utility(rows):
        model = estimator.fit(dataset.x_train[rows], dataset.y_train[rows])
        p = model.predict_proba(dataset.x_val)[:, 1]
        return -np.mean((p - dataset.y_val) ** 2)

    base = utility(coalition)
    draw = bound.draw(coalition, np.array([20, 4]))
    assert draw.utility == pytest.approx(base)
    assert draw.delta[0] == pytest.approx(utility([*range(10), 20]) - base)
    without = [i for i in range(10) if i != 4]
    assert draw.delta[1] == pytest.approx(base - utility(without))
    np.testing.assert_array_equal(draw.delta, bound.marginals(coalition, [20, 4]))


def test_regressors_and_pipelines_work():
    dataset = load_dataset("diabetes")
    estimator = make_pipeline(StandardScaler(), Ridge())
    delta = RefitLearner(estimator).bind(dataset).marginals(np.arange(50), [3, 60])
    assert np.isfinite(delta).all()
    assert (delta != 0).all()


def test_a_failing_point_is_nan_and_named():
    dataset = small_dataset()
    x_train = dataset.x_train.copy()
    x_train[25, 0] = 99.0
    moody = Dataset(x_train, dataset.y_train, dataset.x_val, dataset.y_val)
    bound = RefitLearner(Moody()).bind(moody)
    draw = bound.draw(np.arange(11), np.array([20, 25]))
    assert np.isfinite(draw.delta[0])
    assert np.isnan(draw.delta[1])
    assert draw.failures == ("ValueError: cannot stand 99",)


def test_a_failing_coalition_fails_for_all_points():
    bound = RefitLearner(Undecided()).bind(small_dataset())
    draw = bound.draw(np.arange(11), np.array([20, 25]))
    assert np.isnan(draw.utility)
    assert np.isnan(draw.delta).all()
    assert draw.failures == ("the estimator's predictions are not all finite",)


def test_a_coalition_that_lacks_a_class_fails():
    bound = RefitLearner(DecisionTreeClassifier()).bind(small_dataset())
    draw = bound.draw(np.array([0, 2, 4]), np.array([1]))
    assert np.isnan(draw.delta).all()
    assert draw.failures == ("ValueError: the coalition has 1 of 2 classes",)


def test_randomness_is_fixed_also_inside_pipelines():
    tree = DecisionTreeClassifier(max_features=1, splitter="random")
    learner = RefitLearner(make_pipeline(StandardScaler(), tree))
    bound = learner.bind(small_dataset())
    first = bound.marginals(np.arange(12), np.arange(30))
    np.testing.assert_array_equal(first, bound.marginals(np.arange(12), np.arange(30)))
    assert "random_state=0" in bound.description


def test_the_description_holds_no_addresses():
    description = RefitLearner(
        KNeighborsClassifier(metric=lambda a, b: float(np.sum(np.abs(a - b))))
    ).bind(small_dataset())
    assert " at 0x" not in description.description


def test_the_users_estimator_is_left_alone():
    tree = DecisionTreeClassifier()
    RefitLearner(tree)
    assert tree.random_state is None


def test_no_estimator_is_refused():
    with pytest.raises(InputError, match="is no scikit-learn estimator"):
        RefitLearner(3)


def test_an_estimator_of_the_other_task_is_refused():
    with pytest.raises(InputError, match="Ridge is no classifier"):
        RefitLearner(Ridge()).bind(small_dataset())


def test_a_metric_of_probabilities_needs_them():
    learner = RefitLearner(Perceptron())
    with pytest.raises(InputError, match="Perceptron has no predict_proba"):
        learner.bind(small_dataset())
    assert np.isfinite(learner.bind(small_dataset(), "accuracy").utility(np.arange(9)))
