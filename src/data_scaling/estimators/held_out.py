"""What laws predict of coalitions that they were not fitted to.

The points of a coalition share its luck, so that draws of one coalition say nothing of
how well a law that has seen others of them will do. Coalitions are left out whole, in
folds, and the prior that all draws teach is adapted to those of each fold.
"""

from dataclasses import dataclass

import numpy as np

from data_scaling._typing import FloatArray, Int32Array, IntArray
from data_scaling.estimators.learning import Learned, learn
from data_scaling.estimators.moments import Powers, sum_draws
from data_scaling.estimators.posterior import update
from data_scaling.estimators.prior import BETAS, all_powers, first_prior

N_FOLDS = 4
# Steps by which a prior learned from all draws is adapted to those of a fold.
_FOLD_STEPS = 8


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


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a law predicts of draws that it was not fitted to.

    Attributes
    ----------
    prediction : (n_points, n_draws) float64 array
        Expected contribution at each draw's size, from the other folds' draws.
    scale : (n_points, n_draws) float64 array
        (k/k0)^beta with the typical exponent: squared errors times it vary alike at
        all sizes.
    """

    prediction: FloatArray
    scale: FloatArray


def predict_held_out(
    draws: LearningDraws, models: tuple[Powers, ...], noise_share: float
) -> HeldOut:
    """Predict every draw by a law that is fitted to the other folds.

    Parameters
    ----------
    draws : LearningDraws
        Draws of some points; those of a column share a coalition, or may share one.
    models : tuple of tuple of float
        Powers of each model that the law is a mixture of.
    noise_share : float
        Share of a draw that tells of its point's noise.
    """
    learned = draws.learn(models, noise_share)
    betas = learned.prior.betas
    fold = _assign_folds(draws)
    prediction = np.empty_like(draws.delta)
    for number in range(min(N_FOLDS, len(fold))):
        held = fold == number
        training = sum_draws(
            draws.delta[:, ~held],
            draws.cardinality[:, ~held],
            draws.base,
            learned.prior.models,
            betas,
        )
        prior = learn(learned.prior, training, _FOLD_STEPS).prior
        kept = training.take_betas(np.searchsorted(betas, prior.betas))
        mean, _ = update(prior, kept).coefficients()
        ratio = draws.cardinality[:, held] / draws.base
        prediction[:, held] = evaluate(mean, all_powers(prior.models), ratio)
    exponent = float(betas @ learned.prior.weights.sum(axis=(0, 2)))
    scale = (draws.cardinality / draws.base) ** exponent
    return HeldOut(prediction, scale)


def _assign_folds(draws: LearningDraws) -> IntArray:
    """Return the fold of every column: alike in their sizes, whatever the order."""
    usable = ~np.isnan(draws.delta)
    total = np.where(usable, draws.delta, 0.0).sum(axis=0)
    size = draws.cardinality.mean(axis=0)
    fold = np.empty(len(size), dtype=np.intp)
    fold[np.lexsort((total, size, ~usable.any(axis=0)))] = (
        np.arange(len(size)) % N_FOLDS
    )
    return fold


def evaluate(mean: FloatArray, powers: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return psi at sizes of each point's own, (n_points, n_draws)."""
    psi = np.zeros(ratio.shape)
    for column, power in zip(mean.T, powers, strict=True):
        psi += column[:, None] * ratio**-power
    return psi
