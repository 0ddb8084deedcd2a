r"""How much of a law is the networks' and how much the hierarchical fit's.

Both are posteriors of the same draws, from another prior. Their mixture is

.. math:: w\,p_\mathrm{networks} + (1 - w)\,p_\mathrm{plain},

with the weight for which the mean predicts draws best that neither has seen, of points
that the network has not seen either. It depends on how many draws a point has of its
own, and so it is found for several numbers of them, none among these. Of each number
the coalitions that judge say how well it is known.

References
----------
.. [1] Breiman, "Stacked Regressions", Machine Learning 24, 1996.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.contributions import Contributions
from data_scaling.estimators.choice import Choice, choose_laws, weigh_evidence
from data_scaling.estimators.estimate import Estimate
from data_scaling.estimators.held_out import LearningDraws
from data_scaling.estimators.learned_laws import (
    CHOOSING_POINTS,
    LEARNING_POINTS,
    LearnedLaws,
    is_quiet,
    learn_laws,
    spread_draws,
)
from data_scaling.estimators.moments import Powers

# Times the typical distance of two estimates from which on a point counts less.
_FAR = 10.0
_MAX_ITERATIONS, _FEW_ITERATIONS = 300, 30
# Weight of the networks where the draws tell nothing of it, and coalitions below which
# it is 0: from a handful of them networks learn their luck.
_GUESS, _FEW_COALITIONS = 0.5, 16


@dataclass(frozen=True, eq=False)
class Trial:
    """What two estimates said of draws that they had not seen.

    Attributes
    ----------
    gained, apart : (n_points, n_judges) float64 array
        (delta - plain)(other - plain) and (other - plain)^2 of every draw, over the
        standard deviation of a point's noise; those of a column may share a coalition.
    """

    gained: FloatArray
    apart: FloatArray


def choose(contributions: Contributions, base: float, powers: Powers | None) -> Choice:
    """Return the laws that the hierarchical fit would choose."""
    rows = _find_drawn(contributions)
    draws = spread_draws(contributions, rows, base, CHOOSING_POINTS, _MAX_ITERATIONS)
    return choose_laws(draws, powers, is_quiet=is_quiet(contributions, rows))


def learn_plain(contributions: Contributions, choice: Choice) -> LearnedLaws:
    """Return what the hierarchical fit learns."""
    draws = _spread(contributions, choice.base, LEARNING_POINTS, _MAX_ITERATIONS)
    return learn_laws(draws, choice)[0]


def learn_roughly(contributions: Contributions, choice: Choice) -> LearnedLaws:
    """Return nearly the same in less time, to be tried and then forgotten."""
    draws = _spread(contributions, choice.base, CHOOSING_POINTS, _FEW_ITERATIONS)
    return learn_laws(draws, choice)[0]


def compare(
    one: Estimate, plain: Estimate, judges: Contributions, choice: Choice
) -> Trial:
    """Judge two estimates by draws that they have not seen.

    Squares over the variance of the noise would be known best, but are those of the
    points whose contributions are small; plain squares are those of the largest. Those
    over its standard deviation stand between.
    """
    is_judge = np.any(~np.isnan(judges.delta), axis=0)
    k, delta = judges.cardinality[:, is_judge], judges.delta[:, is_judge]
    expected = plain.predict(k, choice.base, choice.powers)
    apart = one.predict(k, choice.base, choice.powers) - expected
    noise = np.sqrt(plain.variance)[:, None]
    scale = (k / choice.base) ** plain.exponent[:, None] / noise
    precision = np.where(np.isnan(delta), 0.0, scale)
    missed = np.where(np.isnan(delta), 0.0, delta - expected)
    return Trial(precision * missed * apart, precision * apart**2)


def count_coalitions(contributions: Contributions) -> int:
    """Return how many coalitions there are at least, as the sizes of draws tell.

    A coalition has one size for all points, and one less for its members: so many sizes
    in a row are of half as many coalitions or more.
    """
    n_coalitions = 0
    drawn = ~np.isnan(contributions.delta)
    for sizes, usable in zip(contributions.cardinality.T, drawn.T, strict=True):
        found = np.unique(sizes[usable])
        starts = np.flatnonzero(np.diff(found, prepend=-2) > 1)
        lengths = np.diff(starts, append=len(found))
        n_coalitions += int(np.sum((lengths + 1) // 2))
    return n_coalitions


def guess_weight(n_coalitions: int) -> float:
    """Return the weight of the networks that is expected before any trial."""
    return _GUESS if n_coalitions >= _FEW_COALITIONS else 0.0


def weigh(trials: Sequence[Trial], guess: float = _GUESS) -> float:
    """Return the weight of the one over the plain estimate, between 0 and 1.

    A point on which the two are apart by far more than on others counts hardly more
    than these: a few enormous contributions are not to decide for all. The weight is
    drawn towards a guess as far as the coalitions that judge leave it open.
    """
    apart = np.concatenate([trial.apart.sum(axis=1) for trial in trials])
    if not np.any(apart > 0.0):
        return guess
    share = 1.0 / (1.0 + apart / (_FAR * float(np.median(apart[apart > 0.0]))))
    ends = np.cumsum([len(trial.apart) for trial in trials])
    gained, squares = [], []
    for trial, counted in zip(trials, np.split(share, ends[:-1]), strict=True):
        gained.append(counted @ trial.gained)
        squares.append(counted @ trial.apart)
    product, square = np.concatenate(gained), np.concatenate(squares)
    return weigh_evidence(product, square, guess)


def list_numbers(n_draws: int) -> list[int]:
    """Return the numbers of own draws for which weights are found: 0, 1, 2, 4, ..."""
    numbers = [2**i for i in range(n_draws.bit_length()) if 2**i < n_draws]
    return [0, *numbers, n_draws]


def hide(contributions: Contributions, hidden: BoolArray) -> Contributions:
    """Return draws without some columns, which become missing."""
    delta = np.where(hidden, np.nan, contributions.delta)
    return replace(contributions, delta=delta)


def _spread(
    contributions: Contributions, base: float, n_points: int, max_iterations: int
) -> LearningDraws:
    """Return the draws of points spread evenly over those that have any."""
    rows = _find_drawn(contributions)
    return spread_draws(contributions, rows, base, n_points, max_iterations)


def _find_drawn(contributions: Contributions) -> IntArray:
    return np.flatnonzero(np.any(~np.isnan(contributions.delta), axis=1))
