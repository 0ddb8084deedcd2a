"""Changes of the log-loss without cancellation, against long arithmetic."""

from math import fsum

import numpy as np
import pytest

from data_scaling.learners._margins import MarginScorer
from data_scaling.learners._single_scores import make_single_scorer, make_tiles
from data_scaling.metrics import METRICS

METRICS_OF_CLASSES = [
    name for name, metric in METRICS.items() if metric.task == "classification"
]


@pytest.mark.parametrize("name", METRICS_OF_CLASSES)
def test_the_utility_is_that_of_the_probabilities(name):
    rng = np.random.default_rng(1)
    x, y, theta = rng.normal(size=(37, 3)), rng.integers(0, 2, 37), rng.normal(size=3)
    p = 1 / (1 + np.exp(-x @ theta))
    expected = METRICS[name].utilities(y, np.stack([1 - p, p], axis=-1))
    found = MarginScorer(x, y, METRICS[name]).utility(theta)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("shift", [1e-6, 1.0, 60.0, 400.0])
def test_changes_equal_differences_of_losses(scale, shift):
    """Also where a validation point was surely wrong before and is right now."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(37, 3))
    y = rng.integers(0, 2, 37)
    base = scale * rng.normal(size=3)
    theta = base + shift * rng.normal(size=(20, 3))
    scorer = MarginScorer(x, y, METRICS["log_loss"])
    found = scorer.changes(theta, base)

    signed = np.where(y == 1, -1.0, 1.0)[:, None] * x
    before = np.longdouble(signed @ base)
    after = before + np.longdouble((theta - base) @ signed.T)
    change = np.logaddexp(np.longdouble(0), after) - np.logaddexp(
        np.longdouble(0), before
    )
    expected = np.array([-fsum(row) / 37 for row in change])
    tolerance = 1e-11 * np.abs(change).mean(axis=1).astype(float) + 1e-15
    assert (np.abs(found - expected) <= tolerance).all()


def test_a_row_of_nan_gives_nan():
    scorer = MarginScorer(np.ones((5, 1)), np.array([0, 1, 1, 0, 1]), METRICS["brier"])
    for metric in METRICS_OF_CLASSES:
        scorer = MarginScorer(scorer.x_val, scorer.y_val, METRICS[metric])
        found = scorer.changes(np.array([[0.3], [np.nan]]), np.array([0.1]))
        assert np.isfinite(found[0])
        assert np.isnan(found[1])


@pytest.mark.parametrize("name", ["log_loss", "softmax_log_loss"])
@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0])
@pytest.mark.parametrize("shift", [1e-4, 0.1, 3.0])
def test_single_precision_errs_relative_to_the_change(name, scale, shift):
    """Against long arithmetic; surely right and surely wrong points included.

    2,500 validation points take three tiles.
    """
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2500, 4)), rng.integers(0, 2, 2500)
    base = scale * rng.normal(size=4)
    change = (shift * rng.normal(size=(50, 4))).astype(np.float32)
    signed = np.where(y == 1, -1.0, 1.0)[:, None] * x
    scorer = make_single_scorer(
        signed, make_tiles(signed), signed @ base, METRICS[name]
    )
    found = scorer.changes(change)
    before = np.longdouble(signed @ base)
    growth = np.longdouble(change) @ np.longdouble(signed.T)
    expected = -np.mean(lose(name, before + growth) - lose(name, before), axis=1)
    size = np.mean(np.abs(growth), axis=1)
    assert (np.abs(found - expected) <= 1e-6 * size).all()


def lose(name, wrong):
    """Loss by the log-odds of the wrong class, in long arithmetic."""
    if name == "softmax_log_loss":
        wrong = np.tanh(wrong / 2)
    return np.logaddexp(np.longdouble(0), wrong)


@pytest.mark.parametrize("name", ["log_loss", "softmax_log_loss"])
def test_single_precision_gives_no_number_where_it_overflows(name):
    signed = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    metric, tiles = METRICS[name], make_tiles(signed)
    scorer = make_single_scorer(signed, tiles, 0.5 * signed[:, 0], metric)
    found = scorer.changes(np.array([[1.0], [-200.0]], dtype=np.float32))
    assert np.isfinite(found[0])
    assert not np.isfinite(found[1])


def test_orthonormal_features_give_the_same_growth():
    """With collinear features, and with less points than features."""
    rng = np.random.default_rng(0)
    for n_val in (40, 3):
        x = rng.normal(size=(n_val, 5))
        x[:, 4] = x[:, 0] - x[:, 1]
        y = rng.integers(0, 2, n_val)
        scorer = MarginScorer(x, y, METRICS["log_loss"])
        features, triangle = scorer.orthonormal
        identity = np.eye(min(n_val, 5))
        np.testing.assert_allclose(features.T @ features, identity, atol=1e-14)
        np.testing.assert_allclose(features @ triangle, scorer.signed, atol=1e-13)
        np.testing.assert_array_equal(scorer.tiles[0], features.T.astype(np.float32))
