"""What is known of the laws of some points, in arrays, and mixtures of that."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data_scaling._typing import FloatArray, Int32Array
from data_scaling.estimators.held_out import evaluate


@dataclass(frozen=True, eq=False)
class Estimate:
    """Expansions of some points in arrays, in units of the utility.

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
        return evaluate(self.coefficients, powers, cardinality / base)

    def among(self, powers: FloatArray, wider: FloatArray) -> "Estimate":
        """Return the same with coefficients for more powers, 0 for those it lacks."""
        n_points, place = len(self.coefficients), np.searchsorted(wider, powers)
        coefficients = np.zeros((n_points, len(wider)))
        covariance = np.zeros((n_points, len(wider), len(wider)))
        coefficients[:, place] = self.coefficients
        covariance[:, place[:, None], place] = self.covariance
        return Estimate(coefficients, covariance, self.variance, self.exponent)


def mix(
    estimates: Sequence[Estimate], weights: Sequence[float | FloatArray]
) -> Estimate:
    """Return the mixture of estimates of the same powers.

    What they lie apart is part of its covariance.

    Parameters
    ----------
    estimates : sequence of Estimate
        What is mixed.
    weights : sequence of float or (n_points,) float64 array
        Weight of each; those of a point sum to 1.
    """
    if len(estimates) == 1:
        return estimates[0]
    first = estimates[0]
    mean = np.zeros_like(first.coefficients)
    variance, exponent = np.zeros((2, len(mean)))
    for estimate, weight in zip(estimates, weights, strict=True):
        mean += np.multiply(weight, estimate.coefficients.T).T
        variance += weight * estimate.variance
        exponent += weight * estimate.exponent
    covariance = np.zeros_like(first.covariance)
    for estimate, weight in zip(estimates, weights, strict=True):
        apart = estimate.coefficients - mean
        around = estimate.covariance + apart[:, :, None] * apart[:, None, :]
        covariance += np.multiply(weight, around.T).T
    return Estimate(mean, covariance, variance, exponent)
