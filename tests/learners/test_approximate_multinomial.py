"""The quick approximation of logistic regression of several classes."""

import numpy as np
import pytest

from data_scaling.coalitions import draw_coalition, group_pool
from data_scaling.datasets import Dataset, load_dataset
from data_scaling.learners import ApproximateLearner, make_learner


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def draw_both(dataset, metric, size, n_draws, n_points):
    """Return exact and approximate contributions, (n_draws, n_points) each."""
    pool, rng = group_pool(dataset), np.random.default_rng(0)
    points = rng.choice(dataset.n_points, n_points, replace=False)
    coalitions = [draw_coalition(pool, size, rng) for _ in range(n_draws)]
    learners = make_learner("logreg"), ApproximateLearner("logreg")
    return (
        np.array([bound.draw(each, points).delta for each in coalitions])
        for bound in (learner.bind(dataset, metric) for learner in learners)
    )


@pytest.mark.parametrize("metric", ["log_loss", "softmax_log_loss", "brier"])
def test_approximation_explains_the_spread_between_coalitions(digits, metric):
    """At least 90 % of the variance of most points, 99 % of the typical one."""
    exact, quick = draw_both(digits, metric, 300, 20, 60)
    left = (exact - quick).var(axis=0) / exact.var(axis=0)
    assert np.median(left) < 0.01
    assert np.quantile(left, 0.8) < 0.1


def test_a_coalition_of_fewer_rows_than_features_is_approximated():
    """Of 90 features and 50 rows, over 10 coalitions."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 90))
    y = np.argmax(x[:, :3] + 0.5 * rng.normal(size=(400, 3)), axis=1)
    dataset = Dataset(x[:300], y[:300], x[300:], y[300:])
    exact, quick = draw_both(dataset, "log_loss", 50, 10, 40)
    assert np.corrcoef(exact.ravel(), quick.ravel())[0, 1] > 0.98


def test_the_same_call_gives_the_same_bits_and_the_same_utility(digits):
    bound = ApproximateLearner("logreg").bind(digits)
    coalition, points = np.arange(0, 600, 2), np.arange(30)
    first, second = (bound.draw(coalition, points) for _ in range(2))
    assert np.array_equal(first.delta, second.delta)
    assert first.utility == bound.utility(coalition) == second.utility
    exact = make_learner("logreg").bind(digits).utility(coalition)
    assert first.utility == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1e5, 1e18])
def test_features_that_single_precision_cannot_tell_are_fitted_in_double(scale):
    """Correlation with exact draws over 8 coalitions; one feature in other units."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(400, 4))
    y = np.argmax(x[:, :3] + 0.5 * rng.normal(size=(400, 3)), axis=1)
    x[:, 3] = scale * (1e3 + x[:, 3])
    dataset = Dataset(x[:300], y[:300], x[300:], y[300:])
    exact, quick = draw_both(dataset, "log_loss", 150, 8, 40)
    assert np.corrcoef(exact.ravel(), quick.ravel())[0, 1] > 0.98


def test_a_coalition_that_lacks_a_class_fails_with_a_reason(digits):
    bound = ApproximateLearner("logreg").bind(digits)
    draw = bound.draw(np.flatnonzero(digits.y_train < 5)[:40], np.arange(5))
    assert np.isnan(draw.utility)
    assert np.isnan(draw.delta).all()
    assert draw.failures == ("the coalition has 5 of 10 classes",)
