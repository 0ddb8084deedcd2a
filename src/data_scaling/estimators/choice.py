"""What is chosen by looking at the draws: the weight of their tails, the powers.

The points of a coalition share its luck, so that a likelihood which multiplies over
points is overconfident, and prefers powers that are not there. Powers are therefore
chosen by what laws predict for coalitions that they were not fitted to, a coalition
counting once.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data_scaling._typing import FloatArray, Int32Array
from data_scaling.estimators.learning import Learned, learn
from data_scaling.estimators.moments import Powers, sum_draws
from data_scaling.estimators.posterior import update
from data_scaling.estimators.prior import BETAS, all_powers, first_prior

# The first is taken unless another is clearly better.
CANDIDATES: Final[tuple[Powers, ...]] = (
    (1.0, 2.0),
    (1.0, 1.5),
    (1.0, 1.5, 2.0),
    (1.0, 2.0, 3.0),
)
# A gain is clear from so many standard errors on, and this share of the error.
_CLEAR, _MATERIAL = 2.5, 0.005
_FOLDS = 4
# Steps by which a prior learned from all draws is adapted to those of a fold.
_FOLD_STEPS = 8
# A point's draws tell of its noise as at least, and at most, so many normal draws
# would: more trust in a point's own variance made laws of real data worse.
_LEAST_TOLD, _MOST_TOLD = 3.0, 10.0
# A squared residual counts as at most so many typical ones where the bend is measured;
# steps of that; draws of a point at which half of it is believed, and the largest.
_FARTHEST, _BEND_STEPS, _BEND_DRAWS, _LARGEST_BEND = 20.0, 30, 10.0, 1.5


@dataclass(frozen=True, eq=False)
class LearningDraws:
    """Draws of the points that the prior is learned from.

    Attributes
    ----------
    delta : (n_points, n_draws) float64 array
        Marginal contributions; NaN is left out.
    cardinality : (n_points, n_draws) int32 array
        Their sizes.
    base : float
        Size k0 at which all terms are one.
    max_iterations : int
        Largest number of steps of EM.
    bend : float
        By how much the noise is lower far from k0 than a power of the size says.
    """

    delta: FloatArray
    cardinality: Int32Array
    base: float
    max_iterations: int
    bend: float = 0.0

    def learn(self, models: tuple[Powers, ...], noise_share: float) -> Learned:
        """Return the prior that all draws teach."""
        moments = sum_draws(
            self.delta, self.cardinality, self.base, models, BETAS, self.bend
        )
        prior = first_prior(models, moments, noise_share)
        return learn(prior, moments, self.max_iterations)


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
    if n_draws < 2 * _FOLDS:
        return CANDIDATES[0]
    errors = [_predict_folds(draws, powers, noise_share) for powers in CANDIDATES]
    weight = 1.0 / np.nanmean(errors[0], axis=1, keepdims=True)
    best, largest = CANDIDATES[0], 0.0
    for powers, error in zip(CANDIDATES[1:], errors[1:], strict=True):
        gain = np.nansum(weight * (errors[0] - error), axis=0)
        clear = _CLEAR * gain.std(ddof=1) / np.sqrt(n_draws)
        if gain.mean() > max(clear, _MATERIAL * len(error), largest):
            best, largest = powers, float(gain.mean())
    return best


def _predict_folds(
    draws: LearningDraws, powers: Powers, noise_share: float
) -> FloatArray:
    """Return squared errors of held-out draws, in units of (k/k0)^-beta."""
    learned = draws.learn((powers,), noise_share)
    betas = learned.prior.betas
    fold = np.arange(draws.delta.shape[1]) % _FOLDS
    errors = np.empty_like(draws.delta)
    for number in range(_FOLDS):
        held = fold == number
        training = sum_draws(
            draws.delta[:, ~held],
            draws.cardinality[:, ~held],
            draws.base,
            (powers,),
            betas,
        )
        prior = learn(learned.prior, training, _FOLD_STEPS).prior
        kept = training.take_betas(np.searchsorted(betas, prior.betas))
        mean, _ = update(prior, kept).coefficients()
        ratio = draws.cardinality[:, held] / draws.base
        psi = _evaluate(mean, np.array(powers), ratio)
        errors[:, held] = (draws.delta[:, held] - psi) ** 2
    return errors * (draws.cardinality / draws.base) ** float(
        betas @ learned.prior.weights.sum(axis=(0, 2))
    )


def _standardise(draws: LearningDraws, learned: Learned) -> FloatArray:
    """Return the draws less psi, in units of (k/k0)^(-beta/2)."""
    posterior = update(learned.prior, learned.moments)
    mean, _ = posterior.coefficients()
    _, exponent = posterior.noise()
    ratio = draws.cardinality / draws.base
    psi = _evaluate(mean, all_powers(learned.prior.models), ratio)
    return np.asarray((draws.delta - psi) * ratio ** (exponent[:, None] / 2))


def _evaluate(mean: FloatArray, powers: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return psi at sizes of each point's own, (n_points, n_draws)."""
    psi = np.zeros(ratio.shape)
    for column, power in zip(mean.T, powers, strict=True):
        psi += column[:, None] * ratio**-power
    return psi
