r"""What draws make of the prior: conjugate regressions on a grid.

For a given cell of the grid (see :mod:`.prior`) the regression of the draws is
conjugate: with :math:`A = \sum w x x' + (\tau\Sigma)^{-1}`, the coefficients have mean
:math:`A^{-1} \sum w x \Delta`, the sum of squares is
:math:`Q = \sum w \Delta^2 - (\sum w x \Delta)' A^{-1} \sum w x \Delta`, and the
likelihood with coefficients and :math:`s^2` integrated out is a Student's t.
Diagonalising :math:`L' (\sum w x x') L` with :math:`\Sigma = L L'` makes every
:math:`\tau` a matter of a few products.

:math:`Q` is the residual sum of squares of the least-squares fit, which tells of the
noise alone, and the rest, which tells of the signal in units of the noise. Where draws
have heavier tails than normal ones the first counts in part (``Prior.noise_share``).

References
----------
.. [1] Gelman et al., "Bayesian Data Analysis", 3rd edition, section 14.8.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from data_scaling._typing import FloatArray
from data_scaling.estimators.moments import Moments
from data_scaling.estimators.prior import Prior, all_powers

# Directions of the regression that are known less than this, relative to the best
# known one, have no least-squares fit.
_UNKNOWN = 1e-12


@dataclass(frozen=True, eq=False)
class Branch:
    """What draws say of the coefficients of one model, for every point and cell.

    Attributes
    ----------
    weight : (n_points, n_beta, n_tau) float64 array
        Posterior probability of the cell.
    basis : (n_points, n_beta, n_powers, n_powers) float64 array
        Columns in which the coefficients are uncorrelated, whatever tau.
    mean, spread : (n_points, n_beta, n_tau, n_powers) float64 array
        Mean of the coefficients in the basis, and their variance in units of s^2.
    shape : (n_points,) float64 array
        Shape of the precision's gamma distribution.
    rate : (n_points, n_beta, n_tau) float64 array
        Its rate, in squared units of the utility.
    """

    weight: FloatArray
    basis: FloatArray
    mean: FloatArray
    spread: FloatArray
    shape: FloatArray
    rate: FloatArray

    def noise_variance(self) -> FloatArray:
        """Return the mean of s^2 in every cell, (n_points, n_beta, n_tau)."""
        return self.rate / np.maximum(self.shape - 1.0, 0.5)[:, None, None]

    def sum_moments(self, factor: FloatArray, own: FloatArray) -> FloatArray:
        """Return sums over cells of factor mean mean' + own spread, per point.

        Parameters
        ----------
        factor, own : (n_points, n_beta, n_tau) float64 array
            Weights of the two terms in each cell.

        Returns
        -------
        (n_points, n_powers, n_powers) float64 array
            In the coefficients themselves, out of the basis.
        """
        scaled = self.mean * np.sqrt(factor)[..., None]
        second = scaled.transpose(0, 1, 3, 2) @ scaled
        diagonal = np.arange(self.mean.shape[-1])
        second[..., diagonal, diagonal] += np.einsum("nbt,nbtp->nbp", own, self.spread)
        turned = self.basis @ second @ self.basis.transpose(0, 1, 3, 2)
        return np.asarray(turned.sum(axis=1))


@dataclass(frozen=True, eq=False)
class Posterior:
    """What draws say of every point.

    Attributes
    ----------
    prior : Prior
        What was known before.
    branches : tuple of Branch
        What is known of the coefficients of each model.
    log_likelihood : (n_points,) float64 array
        Logarithm of the draws' likelihood with everything integrated out, in nats.
    """

    prior: Prior
    branches: tuple[Branch, ...]
    log_likelihood: FloatArray

    def noise(self) -> tuple[FloatArray, FloatArray]:
        """Return the means of s^2 and of beta over all cells, (n_points,) each."""
        variance = np.zeros(len(self.log_likelihood))
        exponent = np.zeros(len(self.log_likelihood))
        for branch in self.branches:
            variance += np.sum(branch.weight * branch.noise_variance(), axis=(1, 2))
            exponent += branch.weight.sum(axis=2) @ self.prior.betas
        return variance, exponent

    def coefficients(self) -> tuple[FloatArray, FloatArray]:
        """Return mean and covariance of the coefficients over all cells and models.

        A model's coefficients are 0 for the powers that it lacks. So mean and
        covariance of psi at any size follow exactly, also where models are mixed.

        Returns
        -------
        mean : (n_points, n_powers) float64 array
            For all powers of the models, ascending.
        covariance : (n_points, n_powers, n_powers) float64 array
            Their covariance.
        """
        powers = all_powers(self.prior.models)
        n_points = len(self.log_likelihood)
        mean = np.zeros((n_points, len(powers)))
        second = np.zeros((n_points, len(powers), len(powers)))
        for model, branch in zip(self.prior.models, self.branches, strict=True):
            place = np.searchsorted(powers, model)
            in_basis = np.einsum("nbt,nbtp->nbp", branch.weight, branch.mean)
            mean[:, place] += np.einsum("nbpq,nbq->np", branch.basis, in_basis)
            own = branch.weight * branch.noise_variance()
            moments = branch.sum_moments(branch.weight, own)
            second[:, place[:, None], place] += moments
        return mean, second - mean[:, :, None] * mean[:, None, :]


def update(prior: Prior, moments: Moments) -> Posterior:
    """Return what draws make of the prior.

    Parameters
    ----------
    prior : Prior
        What is known before.
    moments : Moments
        Sums over the draws of n_points points, for the exponents of the prior.
    """
    branches = [_regress(prior, place, moments) for place in range(len(prior.models))]
    highest = np.max([branch.weight.max(axis=(1, 2)) for branch in branches], axis=0)
    total = np.zeros(len(highest))
    for branch in branches:
        np.exp(branch.weight - highest[:, None, None], out=branch.weight)
        total += branch.weight.sum(axis=(1, 2))
    for branch in branches:
        np.divide(branch.weight, total[:, None, None], out=branch.weight)
    constant = prior.shape * np.log(prior.shape * prior.variance)
    constant -= gammaln(prior.shape)
    constant -= 0.5 * prior.noise_share * moments.count * np.log(2 * np.pi)
    return Posterior(prior, tuple(branches), highest + np.log(total) + constant)


def _regress(prior: Prior, place: int, moments: Moments) -> Branch:
    """Regress on one model; its weights are logarithms, and not yet normalised."""
    xx, xy = moments.of_powers(prior.models[place])
    strength, basis = _diagonalise(xx, prior.sigmas[place])
    slope = np.einsum("nbpi,nbp->nbi", basis, xy)
    spread = 1.0 / (strength[:, :, None, :] + 1.0 / prior.taus[:, None])
    mean = spread * slope[:, :, None, :]
    explained = np.einsum("nbti,nbi->nbt", mean, slope)
    squares = np.maximum(moments.yy[:, :, None] - explained, 0.0)
    least = np.minimum(_least_squares(moments.yy, slope, strength), squares)
    unshared = 1.0 - prior.noise_share
    rate = prior.shape * prior.variance + 0.5 * (squares - unshared * least)
    told = prior.noise_share * moments.count
    told += unshared * np.minimum(xx.shape[-1], moments.count)
    shape = prior.shape + 0.5 * told
    log_cell = prior.noise_share * moments.log_weight[:, :, None]
    log_cell = log_cell - shape[:, None, None] * np.log(rate)
    log_cell += 0.5 * np.sum(np.log(spread / prior.taus[:, None]), axis=-1)
    log_cell += np.log(prior.weights[place]) + gammaln(shape)[:, None, None]
    return Branch(log_cell, basis, mean, spread, shape, rate)


def _diagonalise(xx: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the strengths of the directions that are uncorrelated, and these."""
    root = np.linalg.cholesky(sigma)
    if len(root) == 1:
        return xx[..., 0] * root[0] ** 2, np.broadcast_to(root, xx.shape)
    strength, vectors = np.linalg.eigh(root.T @ xx @ root)
    return np.maximum(strength, 0.0), root @ vectors


def _least_squares(
    yy: FloatArray, slope: FloatArray, strength: FloatArray
) -> FloatArray:
    """Return the residual sums of squares of fits without a prior, (n, n_beta, 1)."""
    is_known = strength > _UNKNOWN * strength.max(axis=-1, keepdims=True)
    explained = np.where(is_known, slope**2, 0.0) / np.where(is_known, strength, 1.0)
    return np.asarray(np.maximum(yy - explained.sum(axis=-1), 0.0)[:, :, None])
