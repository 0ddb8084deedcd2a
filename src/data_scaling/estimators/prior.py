r"""The prior over laws, what draws make of it, and how it is learned.

For every point

.. math:: a \mid s^2, \tau \sim N(0, s^2 \tau\,\Sigma), \qquad
    1/s^2 \sim \mathrm{Gamma}(\nu/2, \nu s_0^2/2),

with the exponent :math:`\beta` of the noise and the signal-to-noise ratio :math:`\tau`
on a grid whose weights are part of the prior. For given :math:`\beta, \tau` the
regression of the draws is conjugate: with
:math:`A = \sum w x x' + (\tau\Sigma)^{-1}`, the coefficients have mean
:math:`A^{-1} \sum w x \Delta`, the residual sum of squares is
:math:`Q = \sum w \Delta^2 - (\sum w x \Delta)' A^{-1} \sum w x \Delta`, and the
likelihood with both integrated out is a Student's t. Diagonalising
:math:`L' (\sum w x x') L` with :math:`\Sigma = L L'` makes every :math:`\tau` a matter
of a few products. EM on the likelihood of all points learns :math:`\Sigma`, the
weights, :math:`\nu` and :math:`s_0`.

References
----------
.. [1] Efron, "Large-Scale Inference: Empirical Bayes Methods for Estimation, Testing,
   and Prediction", Cambridge University Press 2010, chapter 1.
.. [2] Gelman et al., "Bayesian Data Analysis", 3rd edition, section 14.8.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import digamma, gammaln

from data_scaling._typing import FloatArray
from data_scaling.estimators.moments import Moments

BETAS = np.linspace(0.0, 7.0, 15)
TAUS = np.logspace(-6, 3, 19)
# Weight that every cell of the grid keeps, so that none is ruled out for good.
_SMALLEST_WEIGHT = 1e-6
_SHAPES = (0.2, 200.0)


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of a law before its draws are seen.

    Attributes
    ----------
    sigma : (n_powers, n_powers) float64 array
        Shape of the coefficients' covariance, of determinant 1.
    weights : (n_beta, n_tau) float64 array
        Prior probability of each cell of the grid; they sum to 1.
    shape : float
        nu / 2, the shape of the precision's gamma distribution.
    variance : float
        s0^2, in squared units of the utility at the reference size.
    """

    sigma: FloatArray
    weights: FloatArray
    shape: float
    variance: float


@dataclass(frozen=True, eq=False)
class Posterior:
    """What draws say, for every point and cell of the grid.

    Attributes
    ----------
    weight : (n_points, n_beta, n_tau) float64 array
        Posterior probability of the cell.
    basis : (n_points, n_beta, n_powers, n_powers) float64 array
        Columns in which the coefficients are uncorrelated, whatever tau.
    mean, spread : (n_points, n_beta, n_tau, n_powers) float64 array
        Mean of the coefficients in the basis, and their variance in units of s^2.
    rate : (n_points, n_beta, n_tau) float64 array
        Rate of the precision's gamma distribution, in squared units of the utility.
    shape : (n_points,) float64 array
        Its shape.
    log_likelihood : (n_points,) float64 array
        Logarithm of the draws' likelihood with everything integrated out, in nats.
    """

    weight: FloatArray
    basis: FloatArray
    mean: FloatArray
    spread: FloatArray
    rate: FloatArray
    shape: FloatArray
    log_likelihood: FloatArray

    def noise_variance(self) -> FloatArray:
        """Return the mean of s^2 in every cell, (n_points, n_beta, n_tau)."""
        return self.rate / np.maximum(self.shape - 1.0, 0.5)[:, None, None]

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """Return mean and covariance of the coefficients over all cells."""
        in_basis = np.einsum("nbt,nbtp->nbp", self.weight, self.mean)
        mean = np.einsum("nbpq,nbq->np", self.basis, in_basis)
        scaled = self.weight * self.noise_variance()
        within = np.einsum("nbt,nbtp->nbp", scaled, self.spread)
        second = np.einsum(
            "nbt,nbtp,nbtq->nbpq", self.weight, self.mean, self.mean, optimize=True
        )
        second[..., range(len(mean.T)), range(len(mean.T))] += within
        moment = np.einsum(
            "nbpi,nbij,nbqj->npq", self.basis, second, self.basis, optimize=True
        )
        return mean, moment - mean[:, :, None] * mean[:, None, :]


def update(prior: Prior, moments: Moments) -> Posterior:
    """Return what draws make of the prior."""
    root = np.linalg.cholesky(prior.sigma)
    information = np.einsum("pi,nbpq,qj->nbij", root, moments.xx, root, optimize=True)
    strength, vectors = np.linalg.eigh(information)
    strength = np.maximum(strength, 0.0)
    basis = root @ vectors
    slope = np.einsum("nbpi,nbp->nbi", basis, moments.xy)
    spread = 1.0 / (strength[:, :, None, :] + 1.0 / TAUS[:, None])
    mean = spread * slope[:, :, None, :]
    explained = np.einsum("nbti,nbi->nbt", mean, slope)
    residual = np.maximum(moments.yy[:, :, None] - explained, 0.0)
    rate = prior.shape * prior.variance + 0.5 * residual
    shape = prior.shape + 0.5 * moments.count
    log_volume = 0.5 * np.sum(np.log(spread / TAUS[:, None]), axis=-1)
    log_cell = moments.log_weight[:, :, None] + log_volume
    log_cell = log_cell - shape[:, None, None] * np.log(rate) + np.log(prior.weights)
    highest = log_cell.max(axis=(1, 2), keepdims=True)
    weight = np.exp(log_cell - highest)
    total = weight.sum(axis=(1, 2), keepdims=True)
    constant = prior.shape * np.log(prior.shape * prior.variance)
    constant = constant + gammaln(shape) - gammaln(prior.shape)
    constant = constant - 0.5 * moments.count * np.log(2 * np.pi)
    log_likelihood = (highest + np.log(total))[:, 0, 0] + constant
    return Posterior(weight / total, basis, mean, spread, rate, shape, log_likelihood)


def improve(posterior: Posterior) -> Prior:
    """Return the prior that suits the posteriors of all points best: a step of EM."""
    weight = posterior.weight
    n_points, n_powers = len(weight), posterior.mean.shape[-1]
    cells = weight.mean(axis=0) + _SMALLEST_WEIGHT
    precision = posterior.shape[:, None, None] / posterior.rate
    # The second moment of a / s over sqrt(tau), in the basis and then out of it.
    share = weight / TAUS
    second = np.einsum(
        "nbt,nbtp,nbtq->nbpq",
        share * precision,
        posterior.mean,
        posterior.mean,
        optimize=True,
    )
    own = np.einsum("nbt,nbtp->nbp", share, posterior.spread)
    second[..., range(n_powers), range(n_powers)] += own
    basis = posterior.basis
    sigma = np.einsum("nbpi,nbij,nbqj->pq", basis, second, basis, optimize=True)
    sigma /= n_points
    mean_precision = float(np.einsum("nbt,nbt->", weight, precision) / n_points)
    log_rate = np.einsum("nbt,nbt->n", weight, np.log(posterior.rate))
    mean_log = float(np.mean(digamma(posterior.shape) - log_rate))
    return Prior(
        sigma=sigma / np.linalg.det(sigma) ** (1.0 / n_powers),
        weights=cells / cells.sum(),
        shape=_fit_shape(np.log(mean_precision) - mean_log),
        variance=1.0 / mean_precision,
    )


def _fit_shape(gap: float) -> float:
    """Return the shape of a gamma distribution from log of mean less mean of log."""

    def excess(shape: float) -> float:
        return float(np.log(shape) - digamma(shape)) - gap

    low, high = _SHAPES
    if excess(low) <= 0:
        return low
    if excess(high) >= 0:
        return high
    return float(brentq(excess, low, high))
