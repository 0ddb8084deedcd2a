"""What is chosen by looking at the draws: the weight of tails, powers, trust in laws.

The points of a coalition share its luck, so that a likelihood which multiplies over
points is overconfident, and prefers powers that are not there. Powers and the trust in
laws are therefore chosen by what laws predict for coalitions that they were not fitted
to, a coalition counting once. Where adjusting has removed most of the noise, the number
of draws decides too.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.estimators.held_out import (
    N_FOLDS,
    HeldOut,
    LearningDraws,
    evaluate,
    predict_held_out,
)
from data_scaling.estimators.learning import Learned
from data_scaling.estimators.moments import Powers
from data_scaling.estimators.posterior import update
from data_scaling.estimators.prior import all_powers

# The first is taken unless another is clearly better.
CANDIDATES: Final[tuple[Powers, ...]] = (
    (1.0, 2.0),
    (1.0, 1.5),
    (1.0, 1.5, 2.0),
    (1.0, 2.0, 3.0),
)
#: Shapes that the coefficients' covariance of an expansion is a mixture of.
N_SHAPES: Final = 3
# A law's own bias weighs as much as the noise of adjusted draws where most of that was
# removed. Their law is the mean of two from so many draws on, as fewer coalitions say
# too little of a third term; and of two richer ones from so many on. A term k^-0.5
# would serve the sizes drawn better, and far larger ones worse.
_MEAN_DRAWS, _MANY_DRAWS = 8, 40
_WITH_CUBE: Final[Powers] = (1.0, 2.0, 3.0)
#: Powers of the two laws of many adjusted draws.
RICHER: Final[tuple[Powers, Powers]] = ((1.0, 1.5, 2.0), (1.0, 1.5, 2.0, 3.0))
#: Models of the law that is averaged with an expansion: one term each.
SINGLE_TERMS: Final[tuple[Powers, ...]] = ((1.0,), (1.5,), (2.0,))
# A gain is clear from so many standard errors on, and this share of the error.
_CLEAR, _MATERIAL = 2.5, 0.005
# How far from one half the trust in a law may well be, and the least that counts.
_OPEN, _LEAST_TRUST = 0.25, 0.05
# A point's draws tell of its noise as at least, and at most, so many normal draws
# would: more trust in a point's own variance made laws of real data worse.
_LEAST_TOLD, _MOST_TOLD = 3.0, 10.0
# A squared residual counts as at most so many typical ones where the bend is measured;
# steps of that; draws of a point at which half of it is believed, and the largest.
_FARTHEST, _BEND_STEPS, _BEND_DRAWS, _LARGEST_BEND = 20.0, 30, 10.0, 1.5


@dataclass(frozen=True)
class Law:
    """One of the laws whose mean is fitted to all points.

    Attributes
    ----------
    models : tuple of tuple of float
        Powers of each model that it is a mixture of.
    noise_share : float
        Share of a draw that tells of its point's noise.
    weight : float
        Weight in the mean; those of all laws sum to 1.
    """

    models: tuple[Powers, ...]
    noise_share: float = 1.0
    weight: float = 1.0


@dataclass(frozen=True)
class Choice:
    """What is fitted to all points.

    Attributes
    ----------
    laws : tuple of Law
        The laws whose mean is taken.
    base : float
        Size k0 at which all terms are one.
    bend : float
        By how much the noise is lower far from k0 than a power of the size says.
    level, slope : float
        The line nearest to that bend: what it adds to the logarithm of the variance
        at k0, and to its exponent.
    """

    laws: tuple[Law, ...]
    base: float
    bend: float = 0.0
    level: float = 0.0
    slope: float = 0.0

    @property
    def powers(self) -> FloatArray:
        """Powers of all laws, ascending."""
        return all_powers([model for law in self.laws for model in law.models])


def choose_laws(
    draws: LearningDraws, powers: Powers | None, *, is_quiet: bool
) -> Choice:
    """Return the laws whose mean is to be fitted, the simplest expansion first.

    Parameters
    ----------
    draws : LearningDraws
        Draws of some points; those of a column share a coalition, or may share one.
    powers : tuple of float, optional
        Powers of the expansion, which is then the only law.
    is_quiet : bool
        Whether most of the draws' noise has been removed from them.
    """
    first = draws.learn((powers or CANDIDATES[0],), 1.0)
    noise_share = measure_noise_share(draws, first)
    if is_quiet:
        bend = measure_bend(draws, first)
        laws = _choose_quiet(draws, powers, noise_share)
        return Choice(laws, draws.base, bend, *_straighten(draws, bend))
    chosen = powers or choose_powers(draws, noise_share)
    law = Law(_repeat(chosen), noise_share)
    trust = 0.0 if powers else weigh_single_terms(draws, chosen, noise_share)
    if trust == 0.0:
        return Choice((law,), draws.base)
    single = Law(SINGLE_TERMS, weight=trust)
    return Choice((replace(law, weight=1.0 - trust), single), draws.base)


def _choose_quiet(
    draws: LearningDraws, powers: Powers | None, noise_share: float
) -> tuple[Law, ...]:
    """Return the laws of draws most of whose noise has been removed."""
    n_draws = draws.delta.shape[1]
    if not powers and n_draws >= _MANY_DRAWS:
        # Of one shape each: the draws themselves tell how a point's law bends.
        return tuple(Law((model,), noise_share, 0.5) for model in RICHER)
    chosen = powers or choose_powers(draws, noise_share)
    if powers or n_draws < _MEAN_DRAWS or chosen == _WITH_CUBE:
        return (Law(_repeat(chosen), noise_share),)
    first = Law(_repeat(CANDIDATES[0]), noise_share, 0.5)
    return (first, Law((_WITH_CUBE,), noise_share, 0.5))


def _repeat(powers: Powers) -> tuple[Powers, ...]:
    """Return the models that an expansion is a mixture of."""
    return (powers,) * (N_SHAPES if len(powers) > 1 else 1)


def _straighten(draws: LearningDraws, bend: float) -> tuple[float, float]:
    """Return level and slope of the line nearest to the bend of the log variance."""
    if bend == 0.0:
        return 0.0, 0.0
    sizes, counts = np.unique(draws.cardinality, return_counts=True)
    x = np.log(sizes / draws.base)
    slope, level = np.polyfit(x, -bend * x**2, 1, w=np.sqrt(counts))
    return float(level), float(slope)


def measure_noise_share(draws: LearningDraws, learned: Learned) -> float:
    r"""Return the share of a draw that tells of its point's noise.

    The variance of a sample of m draws of kurtosis :math:`\kappa` is known as well as
    that of :math:`m \cdot 2/(\kappa - 1)` normal draws, within bounds. The kurtosis
    is that of the residuals of all points together; with a the mean over points of
    :math:`m \sum r^4 / (\sum r^2)^2`, it is a (m - 1) / (m - a), which has no bias for
    normal draws however few they are.
    """
    residual = _standardise(draws, learned)
    count = np.sum(~np.isnan(residual), axis=1)
    squares, fourths = (np.nansum(residual**power, axis=1) for power in (2, 4))
    told = squares > 0
    ratio = float(np.mean(count[told] * fourths[told] / squares[told] ** 2))
    n_draws = float(count[told].mean())
    kurtosis = ratio * (n_draws - 1) / max(n_draws - ratio, 1e-9)
    share = 2.0 / max(kurtosis - 1.0, 2.0)
    told = np.clip(share * n_draws, _LEAST_TOLD, _MOST_TOLD)
    return float(min(told / n_draws, 1.0))


def measure_bend(draws: LearningDraws, learned: Learned) -> float:
    r"""Return by how much the noise is lower far from k0 than a power law says.

    It is b of the variance :math:`e^{a - \beta x - b x^2}` with
    :math:`x = \log(k / k_0)`, by regression of the squared residuals of all points
    with a logarithmic link, and less of it where there are few draws. Contributions
    of logistic regression vary most where k is near the number of features.
    """
    squared = _standardise(draws, learned) ** 2
    with np.errstate(invalid="ignore"):
        squared /= np.nanmean(squared, axis=1, keepdims=True)
    usable = np.isfinite(squared)
    value = np.minimum(squared[usable], _FARTHEST)
    x = np.log(draws.cardinality / draws.base)[usable]
    if np.ptp(x) == 0.0:
        return 0.0
    terms = np.stack([np.ones_like(x), x, x**2], axis=1)
    inverse, level = np.linalg.pinv(terms), np.zeros(3)
    for _ in range(_BEND_STEPS):
        level += inverse @ np.clip(value * np.exp(-terms @ level) - 1.0, -1.0, 1.0)
    n_draws = draws.delta.shape[1]
    shrunk = -level[2] * n_draws / (n_draws + _BEND_DRAWS)
    return float(np.clip(shrunk, -_LARGEST_BEND, _LARGEST_BEND))


def choose_powers(draws: LearningDraws, noise_share: float) -> Powers:
    """Return the powers that predict held-out coalitions best, the first if unclear.

    Parameters
    ----------
    draws : LearningDraws
        Draws of some points; those of a column share a coalition, or may share one.
    noise_share : float
        Share of a draw that tells of its point's noise.
    """
    n_draws = draws.delta.shape[1]
    if n_draws < 2 * N_FOLDS:
        return CANDIDATES[0]
    errors = [
        _measure_errors(draws, predict_held_out(draws, (powers,), noise_share))
        for powers in CANDIDATES
    ]
    weight = 1.0 / np.nanmean(errors[0], axis=1, keepdims=True)
    best, largest = CANDIDATES[0], 0.0
    for powers, error in zip(CANDIDATES[1:], errors[1:], strict=True):
        gain = np.nansum(weight * (errors[0] - error), axis=0)
        clear = _CLEAR * gain.std(ddof=1) / np.sqrt(n_draws)
        if gain.mean() > max(clear, _MATERIAL * len(error), largest):
            best, largest = powers, float(gain.mean())
    return best


def weigh_single_terms(
    draws: LearningDraws, powers: Powers, noise_share: float
) -> float:
    r"""Return the trust in a law of single terms, beside an expansion.

    The mean of both laws has the squared error
    :math:`\sum (\Delta - (1 - t)\,\psi_1 - t\,\psi_2)^2` on coalitions left out, whose
    least value is at a :math:`t` in closed form. How well it is known is told by how it
    varies over coalitions; see :func:`weigh_evidence`, whose guess is one half.

    Parameters
    ----------
    draws : LearningDraws
        Draws of some points; those of a column share a coalition, or may share one.
    powers : tuple of float
        Powers of the expansion.
    noise_share : float
        Share of a draw that tells of its point's noise, for the expansion. The law of
        single terms takes draws in full: their tails mislead it less.

    Returns
    -------
    float
        Weight of the law of single terms, between 0 and 1.
    """
    first = predict_held_out(draws, (powers,), noise_share)
    second = predict_held_out(draws, SINGLE_TERMS, 1.0)
    error = np.nanmean(_measure_errors(draws, first), axis=1, keepdims=True)
    # Points of more noise have larger contributions too: neither they alone shall
    # tell, as without a weight, nor the others, as with the inverse of the variance.
    weight = first.scale / np.sqrt(error)
    apart = second.prediction - first.prediction
    product = np.nansum(weight * apart * (draws.delta - first.prediction), axis=0)
    square = np.nansum(weight * apart**2 * ~np.isnan(draws.delta), axis=0)
    if square.sum() == 0.0:
        return 0.0
    trust = weigh_evidence(product, square, 0.5)
    return 0.0 if trust < _LEAST_TRUST else trust


def weigh_evidence(product: FloatArray, square: FloatArray, guess: float) -> float:
    r"""Return the weight t of the second of two predictions, between 0 and 1.

    The least of the errors :math:`\sum_j (y - x_1 - t (x_2 - x_1))^2` over coalitions j
    is drawn towards a guess as far as their differences leave it open.

    Parameters
    ----------
    product, square : (n_coalitions,) float64 array
        Sums over a coalition's points of (y - x1)(x2 - x1) and of (x2 - x1)^2, not all
        of them 0.
    guess : float
        What is expected, give or take 0.25.
    """
    total = square.sum()
    trust = product.sum() / total
    variance = np.sum(((product - trust * square) / total) ** 2)
    known = _OPEN**2 / (_OPEN**2 + variance)
    return float(np.clip(known * trust + (1.0 - known) * guess, 0.0, 1.0))


def _measure_errors(draws: LearningDraws, held_out: HeldOut) -> FloatArray:
    """Return squared errors of held-out draws, in units of (k/k0)^-beta."""
    return np.asarray((draws.delta - held_out.prediction) ** 2 * held_out.scale)


def _standardise(draws: LearningDraws, learned: Learned) -> FloatArray:
    """Return the draws less psi, in units of (k/k0)^(-beta/2)."""
    posterior = update(learned.prior, learned.moments)
    mean, _ = posterior.coefficients()
    _, exponent = posterior.noise()
    ratio = draws.cardinality / draws.base
    psi = evaluate(mean, all_powers(learned.prior.models), ratio)
    return np.asarray((draws.delta - psi) * ratio ** (exponent[:, None] / 2))
