r"""The likelihood of a point's draws under a predicted prior, and the posterior.

For every point the network predicts the prior

.. math:: a \mid s^2, \tau \sim N(m, s^2 \tau\,L L'), \qquad
    1/s^2 \sim \mathrm{Gamma}(h, h s_0^2),

with the mean :math:`m`, the scale :math:`s_0^2` of the noise and the weights of two
grids: over the noise's exponent :math:`\beta`, and over the ratio :math:`\tau` of what
is not predicted to the noise. The shape :math:`h` and the factor :math:`L` are shared.
With :math:`m = 0` and nothing predicted it is the prior of the hierarchical estimator.
For given :math:`\beta, \tau` the regression of the draws less :math:`x'm` on the powers
:math:`x` is conjugate, so that the likelihood with the coefficients and :math:`s^2`
integrated out is a Student's t, and all of it follows from the sums over the draws
(:mod:`data_scaling.estimators.moments`): a step of training passes over no draw.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data_scaling._checks import require_extra

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

BETAS = np.linspace(0.0, 6.0, 9)
TAUS = np.logspace(-5, 2, 8)


class Prior(NamedTuple):
    """What is predicted of laws before their draws are seen.

    Attributes
    ----------
    mean : (n_points, n_powers) tensor
        Prior mean of the coefficients, in units of the utility.
    log_variance : (n_points,) tensor
        Logarithm of s0^2, in squared units of the utility.
    log_beta : (n_points, n_beta) tensor
        Logarithm of the probability of each exponent of the noise.
    log_tau : (n_points, n_tau) tensor
        Logarithm of the probability of each tau.
    log_shape : () tensor
        Logarithm of the shape h of the precision's gamma distribution.
    factor : (n_powers, n_powers) tensor
        Lower triangular factor L of the coefficients' covariance.
    """

    mean: "Tensor"
    log_variance: "Tensor"
    log_beta: "Tensor"
    log_tau: "Tensor"
    log_shape: "Tensor"
    factor: "Tensor"


class Sums(NamedTuple):
    """Moments of the draws as tensors, see :class:`..estimators.moments.Moments`."""

    xx: "Tensor"
    xy: "Tensor"
    yy: "Tensor"
    log_weight: "Tensor"
    n_draws: "Tensor"

    def take(self, rows: "Tensor") -> "Sums":
        """Return the sums of some points."""
        return Sums(*(part[rows] for part in self))


class Cells(NamedTuple):
    """The regression of each point in each cell of the grid over beta and tau.

    Attributes
    ----------
    log_weight : (n_points, n_beta, n_tau) tensor
        Logarithm of the joint density of draws and cell, in nats.
    rate : (n_points, n_beta, n_tau) tensor
        Rate of the precision's gamma distribution.
    shape : (n_points,) tensor
        Its shape.
    precision : (n_points, n_beta, n_tau, n_powers, n_powers) tensor
        Precision of L^-1 (a - m) in units of 1/s^2.
    slope : (n_points, n_beta, n_powers) tensor
        Sum of w L'x (delta - x'm).
    """

    log_weight: "Tensor"
    rate: "Tensor"
    shape: "Tensor"
    precision: "Tensor"
    slope: "Tensor"


class Belief(NamedTuple):
    """What is known of laws, with or without their own draws.

    Attributes
    ----------
    mean : (n_points, n_powers) tensor
        Mean of the coefficients, in units of the utility.
    covariance : (n_points, n_powers, n_powers) tensor
        Their covariance.
    variance : (n_points,) tensor
        Mean of s^2, in squared units of the utility.
    beta : (n_points,) tensor
        Mean of the noise's exponent.
    """

    mean: "Tensor"
    covariance: "Tensor"
    variance: "Tensor"
    beta: "Tensor"


def regress(prior: Prior, sums: Sums) -> Cells:
    """Return the regressions of the draws on the powers in all cells."""
    by_mean = torch.einsum("nbpq,nq->nbp", sums.xx, prior.mean)
    slope = (sums.xy - by_mean) @ prior.factor
    twice = torch.einsum("nbp,np->nb", 2.0 * sums.xy - by_mean, prior.mean)
    squares = (sums.yy - twice).clamp_min(0.0)
    information = prior.factor.T @ sums.xx @ prior.factor
    log_tau = _log_grid(TAUS, prior.mean)
    n_powers = information.shape[-1]
    identity = torch.eye(n_powers, dtype=information.dtype, device=information.device)
    ridge = (-log_tau).exp()[:, None, None]
    precision = information[:, :, None] + ridge * identity
    log_det, explained = _solve(precision, slope)
    log_volume = -0.5 * (log_det + n_powers * log_tau)
    shape0 = prior.log_shape.exp()
    shape = shape0 + 0.5 * sums.n_draws
    rate0 = shape0 * prior.log_variance.exp()
    residual = (squares[:, :, None] - explained).clamp_min(0.0)
    rate = rate0[:, None, None] + 0.5 * residual
    constant = (
        shape0 * rate0.log()
        + torch.lgamma(shape)
        - torch.lgamma(shape0)
        - 0.5 * np.log(2 * np.pi) * sums.n_draws
    )
    log_weight = (
        sums.log_weight[:, :, None]
        + log_volume
        - shape[:, None, None] * rate.log()
        + prior.log_beta[:, :, None]
        + prior.log_tau[:, None]
        + constant[:, None, None]
    )
    return Cells(log_weight, rate, shape, precision, slope)


def log_likelihood(prior: Prior, sums: Sums) -> "Tensor":
    """Return the logarithm of the likelihood of each point's draws, (n_points,)."""
    return regress(prior, sums).log_weight.flatten(1).logsumexp(1)


def expect(prior: Prior) -> Belief:
    """Return what a prior says of points without draws."""
    variance = prior.log_variance.exp() * inflate(prior.log_shape.exp())
    spread = variance * (prior.log_tau + _log_grid(TAUS, prior.mean)).exp().sum(1)
    shape = prior.factor @ prior.factor.T
    betas = torch.as_tensor(BETAS, dtype=prior.mean.dtype, device=prior.mean.device)
    return Belief(
        mean=prior.mean,
        covariance=spread[:, None, None] * shape,
        variance=variance,
        beta=prior.log_beta.exp() @ betas,
    )


def update(prior: Prior, sums: Sums) -> Belief:
    """Return what a prior and the points' own draws say together."""
    cells = regress(prior, sums)
    weight = cells.log_weight.flatten(1).softmax(1).view_as(cells.log_weight)
    variance = cells.rate / cells.shape[:, None, None]
    variance = variance * inflate(cells.shape)[:, None, None]
    inverse = torch.linalg.inv(cells.precision)
    shift = torch.einsum("nbtpq,nbq->nbtp", inverse, cells.slope)
    mean = torch.einsum("nbt,nbtp->np", weight, shift)
    around = shift - mean[:, None, None]
    covariance = torch.einsum("nbt,nbtp,nbtq->npq", weight, around, around)
    within = torch.einsum("nbt,nbtpq->npq", weight * variance, inverse)
    covariance = prior.factor @ (covariance + within) @ prior.factor.T
    betas = torch.as_tensor(BETAS, dtype=mean.dtype, device=mean.device)
    return Belief(
        mean=prior.mean + mean @ prior.factor.T,
        covariance=covariance,
        variance=(weight * variance).sum((1, 2)),
        beta=weight.sum(2) @ betas,
    )


def average(priors: "list[Prior]") -> Prior:
    """Return one prior for the predictions of several networks.

    Logarithms are averaged, probabilities, and means in units of the noise, so that no
    network can outshout the others.
    """
    n_priors = len(priors)
    parts = Prior(*(torch.stack(part) for part in zip(*priors, strict=True)))
    log_variance = parts.log_variance.mean(0)
    units = (0.5 * (log_variance - parts.log_variance)).exp()
    shape = (parts.factor @ parts.factor.mT).mean(0)
    return Prior(
        mean=(units[..., None] * parts.mean).mean(0),
        log_variance=log_variance,
        log_beta=parts.log_beta.logsumexp(0) - np.log(n_priors),
        log_tau=parts.log_tau.logsumexp(0) - np.log(n_priors),
        log_shape=parts.log_shape.mean(0),
        factor=torch.linalg.cholesky(shape),
    )


def inflate(shape: "Tensor") -> "Tensor":
    """Return the mean of s^2 over the inverse of the precision's mean."""
    return shape / (shape - 1.0).clamp_min(0.5)


def _log_grid(values: np.ndarray, like: "Tensor") -> "Tensor":
    return torch.as_tensor(np.log(values), dtype=like.dtype, device=like.device)


def _solve(precision: "Tensor", slope: "Tensor") -> "tuple[Tensor, Tensor]":
    """Return log det A and u'A^-1 u by Cholesky, written out for the few powers."""
    n_powers = slope.shape[-1]
    rows: list[list[Tensor]] = []
    forward: list[Tensor] = []
    log_det = explained = torch.zeros_like(precision[..., 0, 0])
    for i in range(n_powers):
        row: list[Tensor] = []
        for j in range(i):
            below = precision[..., i, j]
            for q in range(j):
                below = below - row[q] * rows[j][q]
            row.append(below / rows[j][j])
        pivot = precision[..., i, i]
        value = slope[:, :, None, i]
        for j in range(i):
            pivot = pivot - row[j] ** 2
            value = value - row[j] * forward[j]
        # Rounding must not make a pivot vanish.
        pivot = pivot.clamp_min(1e-12)
        row.append(pivot.sqrt())
        rows.append(row)
        forward.append(value / row[i])
        log_det = log_det + pivot.log()
        explained = explained + forward[i] ** 2
    return log_det, explained
