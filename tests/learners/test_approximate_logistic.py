"""The quick approximation of logistic regression against the exact learner."""

import numpy as np
import pytest
from scipy.special import expit

from data_scaling.coalitions import draw_coalition, group_pool
from data_scaling.datasets import Dataset, load_dataset
from data_scaling.errors import InputError
from data_scaling.learners import ApproximateLearner, LogisticLearner
from data_scaling.learners.approximate_logistic import (
    Points,
    _solve_ratio,
    _sum_squares,
)


@pytest.fixture(scope="module")
def cancer():
    return load_dataset("breast_cancer")


def draw_both(dataset, metric, size, n_draws, n_points=100):
    """Return exact and approximate contributions, (n_draws, n_points) each."""
    exact = LogisticLearner().bind(dataset, metric)
    pool, rng = group_pool(dataset), np.random.default_rng(0)
    points = rng.choice(dataset.n_points, n_points, replace=False)
    coalitions = [draw_coalition(pool, size, rng) for _ in range(n_draws)]
    return (
        np.array([bound.draw(each, points).delta for each in coalitions])
        for bound in (exact, exact.approximation)
    )


@pytest.mark.parametrize("metric", ["log_loss", "softmax_log_loss", "brier"])
def test_approximation_explains_the_spread_between_coalitions(cancer, metric):
    """At least 90 % of the variance of most points, 99 % of the typical one."""
    exact, quick = draw_both(cancer, metric, 200, 40)
    left = (exact - quick).var(axis=0) / exact.var(axis=0)
    assert np.median(left) < 0.01
    assert np.quantile(left, 0.8) < 0.1


def test_approximation_is_near_with_many_features():
    exact, quick = draw_both(load_dataset("lm_clf"), "log_loss", 400, 10)
    assert (exact - quick).std() < 0.1 * exact.std()


@pytest.mark.parametrize("inside", [False, True])
def test_points_that_move_the_fit_far_are_found_near_their_minima(inside):
    """Mislabelled points, five times as far out as the others.

    Errors are 0.04 and 0.05 of the spread; along the points' own lines alone they are
    0.08 and 0.14.
    """
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 5))
    y = (x[:, 0] + 0.5 * rng.normal(size=400) > 0).astype(int)
    far = np.arange(0, 300, 10)
    x[far] *= 5.0
    y[far] = x[far, 0] < 0
    dataset = Dataset(x[:300], y[:300], x[300:], y[300:])
    ordinary = np.setdiff1d(np.arange(120), far)
    exact = LogisticLearner().bind(dataset, "log_loss")
    expected, found = (
        np.concatenate(
            [
                bound.marginals(
                    np.append(ordinary, [point] * inside).astype(int), np.array([point])
                )
                for point in far
            ]
        )
        for bound in (exact, exact.approximation)
    )
    error = np.sqrt(np.mean((found - expected) ** 2))
    assert error < 0.065 * expected.std()


@pytest.mark.parametrize("metric", ["log_loss", "softmax_log_loss"])
def test_slopes_are_the_derivatives_of_the_utility(cancer, metric):
    bound = LogisticLearner().bind(cancer, metric)
    scorer, rng = bound.scorer, np.random.default_rng(1)
    theta = rng.normal(size=len(bound.penalty)) * 0.3
    first, second = scorer.slopes(theta)
    step = 1e-3 * rng.normal(size=len(theta))
    shift = scorer.signed @ step
    expected = first @ shift + 0.5 * second @ shift**2
    (change,) = scorer.changes((theta + step)[None], theta)
    assert change == pytest.approx(expected, rel=1e-3)
    assert abs(change - first @ shift) > 10 * abs(change - expected)


def test_a_metric_without_derivatives_is_judged_on_the_whole_validation_part(cancer):
    exact, quick = draw_both(cancer, "accuracy", 200, 5)
    assert np.mean(np.abs(exact - quick) < 1e-9) > 0.9


def test_the_same_call_gives_the_same_bits(cancer):
    bound = ApproximateLearner("logreg").bind(cancer)
    coalition, points = np.arange(0, 300, 2), np.arange(50)
    first, second = (bound.draw(coalition, points) for _ in range(2))
    assert np.array_equal(first.delta, second.delta)
    assert first.utility == bound.utility(coalition) == second.utility


def test_a_point_has_the_same_contribution_beside_others_and_alone(cancer):
    """But for the rounding of single precision, relative to the spread."""
    bound = ApproximateLearner("logreg").bind(cancer)
    coalition, points = np.arange(0, 120, 2), np.arange(100)
    together = bound.marginals(coalition, points)
    alone = [bound.marginals(coalition, points[[i]])[0] for i in range(len(points))]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-4 * together.std())


@pytest.mark.parametrize("metric", ["log_loss", "softmax_log_loss"])
def test_points_that_change_log_odds_beyond_single_precision_are_judged(metric):
    """Validation points far out, whose log-odds some points change by hundreds.

    Of the others that are searched for, single precision holds all changes.
    """
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 4))
    y = (x[:, 0] + rng.normal(size=300) > 0).astype(int)
    x[:20] *= 20.0
    x[-4:] *= 3e2
    dataset = Dataset(x[:200], y[:200], x[200:], y[200:])
    bound = LogisticLearner().bind(dataset, metric)
    coalition, points = np.arange(60, 160), np.arange(60)
    expected = bound.marginals(coalition, points)
    found = bound.approximation.marginals(coalition, points)
    assert np.isfinite(found).all()
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def test_a_coalition_of_one_class_fails_with_a_reason(cancer):
    bound = ApproximateLearner("logreg").bind(cancer)
    draw = bound.draw(np.flatnonzero(cancer.y_train == 0)[:20], np.arange(5))
    assert np.isnan(draw.utility)
    assert np.isnan(draw.delta).all()
    assert draw.failures == ("the coalition has one class only",)


def test_features_far_apart_in_scale_stay_finite():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 4)) * [1e-6, 1.0, 1e3, 1e5]
    y = (x[:, 1] + 0.1 * rng.normal(size=200) > 0).astype(int)
    dataset = Dataset(x[:150], y[:150], x[150:], y[150:])
    draw = (
        ApproximateLearner("logreg").bind(dataset).draw(np.arange(60), np.arange(150))
    )
    assert np.isfinite(draw.delta).all()
    assert draw.failures == ()


@pytest.mark.parametrize(("offset", "spread"), [(1e4, 1.0), (1.6e9, 1e3), (0.0, 1e20)])
def test_features_that_single_precision_cannot_tell_are_taken_in_double(offset, spread):
    """Correlation with exact draws over 8 coalitions; one feature far off."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(400, 5))
    y = (x[:, 0] + 0.5 * x[:, 1] + 0.5 * rng.normal(size=400) > 0).astype(int)
    x[:, 1] = offset + spread * x[:, 1]
    dataset = Dataset(x[:300], y[:300], x[300:], y[300:])
    exact, quick = draw_both(dataset, "log_loss", 120, 8)
    assert np.corrcoef(exact.ravel(), quick.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("sign_of_margin", [-1.0, 1.0])
def test_the_scalar_is_found_for_points_of_any_leverage(sign_of_margin):
    """t + h (sigmoid(margin + t) - 1) = 0, up to leverages of rare categories."""
    h = np.logspace(-2, 5, 50)
    margin = sign_of_margin * np.linspace(0.0, 12.0, 50)
    t = _solve_ratio(Points(np.ones(50), margin, h), 1) * h
    assert (t > 0).all()
    np.testing.assert_allclose(t, h * expit(-margin - t), rtol=1e-7)


def test_squares_of_either_sign_are_summed():
    rng = np.random.default_rng(5)
    rows, weight = rng.normal(size=(30, 4)), rng.normal(size=30)
    expected = (rows * weight[:, None]).T @ rows
    np.testing.assert_allclose(_sum_squares(rows, weight), expected, atol=1e-12)


def test_a_learner_without_approximation_is_refused(cancer):
    with pytest.raises(InputError, match="'tree' has no approximation"):
        ApproximateLearner("tree").bind(cancer)
