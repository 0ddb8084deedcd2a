"""Adjusted draws have the mean of the draws, and their intervals cover it.

The pool has 12 points, so that the mean over all coalitions of a size is enumerated.
Seeds are fixed.
"""

import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from data_scaling.adjustment import adjust
from data_scaling.contributions import Contributions
from data_scaling.datasets import Dataset, load_dataset
from data_scaling.errors import AdjustmentWarning
from data_scaling.learners import LogisticLearner
from data_scaling.learning_curve import LearningCurve

SIZES, N_REPETITIONS, N_EACH = (4, 6, 8), 400, 8
EVERYONE = np.arange(12)


class Game:
    """All coalitions of one size, with their draws."""

    def __init__(self, bound, size):
        halves = [
            list(combinations(half, size // 2)) for half in (range(6), range(6, 12))
        ]
        coalitions = [np.array(a + b) for a in halves[0] for b in halves[1]]
        drawn = [bound.draw(coalition, EVERYONE) for coalition in coalitions]
        quick = [bound.approximation.draw(each, EVERYONE) for each in coalitions]
        self.delta = np.array([draw.delta for draw in drawn])
        self.quick = np.array([draw.delta for draw in quick])
        self.utility = np.array([draw.utility for draw in drawn])
        self.model = np.array([draw.model for draw in drawn])
        members = np.array([np.isin(EVERYONE, each) for each in coalitions])
        self.cardinality = size - members


@pytest.fixture(scope="module")
def games():
    data, rng = load_dataset("breast_cancer"), np.random.default_rng(0)
    of_class = [np.flatnonzero(data.y_train == code) for code in (0, 1)]
    rows = np.concatenate([rng.choice(each, 6, replace=False) for each in of_class])
    dataset = Dataset(
        data.x_train[rows][:, :4], data.y_train[rows], data.x_val[:, :4], data.y_val
    )
    bound = LogisticLearner().bind(dataset)
    return {size: Game(bound, size) for size in SIZES}


def draw(games, kind, n_draws, rng):
    """Return draws in turn over the sizes, and the same adjusted."""
    sizes = np.resize(SIZES, n_draws * (1 + N_EACH))
    places = [rng.integers(len(games[size].utility)) for size in sizes]

    def gather(name):
        pairs = zip(sizes, places, strict=True)
        return np.array([getattr(games[size], name)[place] for size, place in pairs])

    utility, model = gather("utility"), gather("model")
    if kind == "useless":
        utility = rng.normal(size=len(sizes))
        model = rng.normal(size=(len(sizes), 8))
    own = slice(n_draws)
    curve = LearningCurve(sizes.astype(np.int32), utility, model)
    draws = Contributions(
        gather("delta")[own].T,
        gather("cardinality")[own].T,
        coalitions=curve.take(np.arange(n_draws)),
        base=curve.take(np.arange(n_draws, len(sizes))),
    )
    quick = Contributions(gather("quick").T, gather("cardinality").T, coalitions=curve)
    with warnings.catch_warnings():
        # In some repetitions descriptors say next to nothing, useless ones in most.
        warnings.simplefilter("ignore", AdjustmentWarning)
        return draws, adjust(draws, quick if kind == "quick" else None)


def repeat(games, kind, n_draws):
    """Return errors of plain and adjusted means, and their t-ratios."""
    rng = np.random.default_rng(1)
    truth = np.array([games[size].delta.mean(axis=0) for size in SIZES])
    errors, ratios = [], []
    for _ in range(N_REPETITIONS):
        for draws in draw(games, kind, n_draws, rng):
            at_size = draws.delta.reshape(12, -1, len(SIZES)).transpose(2, 0, 1)
            error = at_size.mean(axis=2) - truth
            std = at_size.std(axis=2, ddof=1) / np.sqrt(at_size.shape[2])
            errors.append(error)
            ratios.append(error / std)
    shape = (N_REPETITIONS, 2, len(SIZES), 12)
    return np.reshape(errors, shape), np.reshape(ratios, shape)


@pytest.mark.parametrize("kind", ["quick", "descriptors", "useless"])
def test_the_mean_is_that_over_all_coalitions(games, kind):
    """36 means within 4 standard errors: false alarm 0.3 % for each kind."""
    errors, _ = repeat(games, kind, 12)
    adjusted = errors[:, 1]
    z = adjusted.mean(axis=0) / (adjusted.std(axis=0, ddof=1) / np.sqrt(len(adjusted)))
    assert np.abs(z).max() < 4.0


def test_the_error_falls_by_what_the_approximation_explains(games):
    """About 1 / (1/8 + what is not explained); 14,400 squared errors."""
    errors, _ = repeat(games, "quick", 12)
    plain, adjusted = (errors**2).mean(axis=(0, 2, 3))
    assert plain / adjusted > 4.0


def test_useless_descriptors_do_not_hurt(games):
    """At most 5 % more squared error, at 12 draws; the same draws, so no noise."""
    errors, _ = repeat(games, "useless", 12)
    plain, adjusted = (errors**2).mean(axis=(0, 2, 3))
    assert adjusted < 1.05 * plain


@pytest.mark.parametrize(("kind", "n_draws"), [("quick", 30), ("descriptors", 90)])
def test_intervals_of_adjusted_draws_cover(games, kind, n_draws):
    """95 % t-intervals of the means at each size hold the truth in 93 to 97 %.

    The points of a repetition share its coalitions; 400 repetitions of 36 intervals
    have a standard error of at most 0.5 %. Descriptors leave the draws as skewed as
    they are, so that they need as many draws as those for it.
    """
    _, ratios = repeat(games, kind, n_draws)
    limit = stats.t.ppf(0.975, n_draws // len(SIZES) - 1)
    assert 0.93 < np.mean(np.abs(ratios[:, 1]) < limit) < 0.97


@pytest.mark.parametrize("kind", ["descriptors", "useless"])
def test_intervals_of_a_few_described_draws_cover_as_those_of_draws(games, kind):
    """Within 2 %, of 14,400 intervals each by the same draws."""
    _, ratios = repeat(games, kind, 30)
    limit = stats.t.ppf(0.975, 30 // len(SIZES) - 1)
    plain, adjusted = np.mean(np.abs(ratios) < limit, axis=(0, 2, 3))
    assert abs(plain - adjusted) < 0.02
