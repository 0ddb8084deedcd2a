r"""How much of a law is the networks' and how much the hierarchical fit's.

Both are posteriors of the same draws, from another prior. Their mixture is

.. math:: w\,p_\mathrm{networks} + (1 - w)\,p_\mathrm{plain},

with the weight for which the mean predicts draws best that neither has seen, of points
that the network has not seen either. It depends on how many draws a point has of its
own, and so it is found for several numbers of them, none among these.

References
----------
.. [1] Breiman, "Stacked Regressions", Machine Learning 24, 1996.
"""

from dataclasses import dataclass, replace

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, Int32Array
from data_scaling.contributions import Contributions
from data_scaling.estimators.choice import (
    CANDIDATES,
    choose_powers,
    measure_noise_share,
)
from data_scaling.estimators.held_out import LearningDraws
from data_scaling.estimators.hierarchical import N_SHAPES
from data_scaling.estimators.moments import Powers, sum_draws
from data_scaling.estimators.posterior import update
from data_scaling.estimators.prior import Prior

# Points that the plain prior is learned from, and that its powers are chosen by.
_LEARNING_POINTS, _CHOOSING_POINTS = 2000, 500
# Times the typical distance of two estimates from which on a point counts less.
_FAR, _TINY = 10.0, 1e-300
_MAX_ITERATIONS, _FEW_ITERATIONS = 300, 30


@dataclass(frozen=True, eq=False)
class Estimate:
    """Laws of some points in arrays, in units of the utility.

    Attributes
    ----------
    coefficients : (n_points, n_powers) float64 array
        Means of the coefficients.
    covariance : (n_points, n_powers, n_powers) float64 array
        Their covariance.
    variance, exponent : (n_points,) float64 array
        Variance of the noise at the base size, and the exponent of its fall.
    """

    coefficients: FloatArray
    covariance: FloatArray
    variance: FloatArray
    exponent: FloatArray

    def predict(
        self, cardinality: Int32Array, base: float, powers: FloatArray
    ) -> FloatArray:
        """Return psi at each of a point's sizes, (n_points, n_draws)."""
        psi = np.zeros(cardinality.shape)
        for column, power in enumerate(powers):
            psi += self.coefficients[:, column, None] * (cardinality / base) ** -power
        return psi


@dataclass(frozen=True, eq=False)
class Trial:
    """What two estimates said of draws that they had not seen, summed up.

    Attributes
    ----------
    gained, apart : (n_points,) float64 array
        Sums over each point's draws of (delta - plain)(other - plain) and of
        (other - plain)^2, in units of the noise.
    """

    gained: FloatArray
    apart: FloatArray


def choose(contributions: Contributions, base: float) -> Powers:
    """Return the powers that the hierarchical fit would choose."""
    draws = _spread(contributions, base, _CHOOSING_POINTS, _MAX_ITERATIONS)
    return choose_powers(draws, measure_share(contributions, base, CANDIDATES[0]))


def measure_share(contributions: Contributions, base: float, powers: Powers) -> float:
    """Return the share of a draw that tells of its point's noise."""
    draws = _spread(contributions, base, _CHOOSING_POINTS, _MAX_ITERATIONS)
    return measure_noise_share(draws, draws.learn((powers,), 1.0))


def learn_plain(
    contributions: Contributions, base: float, powers: Powers, noise_share: float
) -> Prior:
    """Return the prior of the hierarchical fit with given powers."""
    draws = _spread(contributions, base, _LEARNING_POINTS, _MAX_ITERATIONS)
    return draws.learn(_repeat(powers), noise_share).prior


def learn_roughly(
    contributions: Contributions, base: float, powers: Powers, noise_share: float
) -> Prior:
    """Return nearly the same in less time, to be tried and then forgotten."""
    draws = _spread(contributions, base, _CHOOSING_POINTS, _FEW_ITERATIONS)
    return draws.learn(_repeat(powers), noise_share).prior


def _repeat(powers: Powers) -> tuple[Powers, ...]:
    """Return the models that the hierarchical fit mixes."""
    return (powers,) * (N_SHAPES if len(powers) > 1 else 1)


def estimate_plain(prior: Prior, contributions: Contributions, base: float) -> Estimate:
    """Return what a plain prior and the points' own draws say together."""
    moments = sum_draws(
        contributions.delta,
        contributions.cardinality,
        base,
        prior.models,
        prior.betas,
    )
    posterior = update(prior, moments)
    return Estimate(*posterior.coefficients(), *posterior.noise())


def expect_plainly(prior: Prior, base: float) -> Estimate:
    """Return what a plain prior says of a point without draws: arrays of one row."""
    none = Contributions(np.full((1, 1), np.nan), np.full((1, 1), round(base)))
    return estimate_plain(prior, none, base)


def mix(weight: FloatArray, one: Estimate, other: Estimate) -> Estimate:
    """Return the mixture of two estimates, the weight of each point that of the one."""
    w = weight[:, None]
    mean = w * one.coefficients + (1.0 - w) * other.coefficients
    covariance = np.zeros_like(one.covariance)
    for share, part in ((weight, one), (1.0 - weight, other)):
        around = part.coefficients - mean
        outer = around[:, :, None] * around[:, None, :]
        covariance += share[:, None, None] * (part.covariance + outer)
    return Estimate(
        mean,
        covariance,
        weight * one.variance + (1.0 - weight) * other.variance,
        weight * one.exponent + (1.0 - weight) * other.exponent,
    )


def compare(
    one: Estimate,
    plain: Estimate,
    judges: Contributions,
    base: float,
    powers: FloatArray,
) -> Trial:
    """Judge two estimates by draws that they have not seen, in units of the noise."""
    k = judges.cardinality
    expected = plain.predict(k, base, powers)
    apart = one.predict(k, base, powers) - expected
    precision = (k / base) ** plain.exponent[:, None] / plain.variance[:, None]
    usable = ~np.isnan(judges.delta)
    missed = np.where(usable, judges.delta - expected, 0.0)
    return Trial(
        np.sum(precision * missed * apart, axis=1),
        np.sum(precision * usable * apart**2, axis=1),
    )


def weigh(trials: list[Trial]) -> float:
    """Return the weight of the one over the plain estimate, between 0 and 1.

    A point on which the two are apart by far more than on others counts hardly more
    than these: a few enormous contributions are not to decide for all.
    """
    apart = np.concatenate([trial.apart for trial in trials])
    gained = np.concatenate([trial.gained for trial in trials])
    share = 1.0 / (1.0 + apart / max(_FAR * float(np.median(apart)), _TINY))
    total = float(np.sum(share * apart))
    return float(np.clip(share @ gained / total, 0.0, 1.0)) if total > 0 else 1.0


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
    rows = np.flatnonzero(np.any(~np.isnan(contributions.delta), axis=1))
    places = np.linspace(0, rows.size - 1, min(n_points, rows.size))
    chosen = rows[places.round().astype(np.intp)]
    return LearningDraws(
        contributions.delta[chosen],
        contributions.cardinality[chosen],
        base,
        max_iterations,
    )
