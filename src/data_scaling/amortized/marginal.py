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
    """Moments of the draws as tensors, see :class:`..estimators.moments.Moments`.

    Points come last, so that sums over powers and betas run along long rows.

    Attributes
    ----------
    xx : (n_powers, n_powers, n_beta, n_points) tensor
        Sums of w x x'.
    xy : (n_powers, n_beta, n_points) tensor
        Sums of w x delta.
    yy, log_weight : (n_beta, n_points) tensor
        Sums of w delta^2, and half the sums of the logarithms of w.
    n_draws : (n_points,) tensor
        Numbers of usable draws.
    """

    xx: "Tensor"
    xy: "Tensor"
    yy: "Tensor"
    log_weight: "Tensor"
    n_draws: "Tensor"

    def take(self, rows: "Tensor") -> "Sums":
        """Return the sums of some points, rows on the same device."""
        return Sums(*(part.index_select(-1, rows) for part in self))


class Cells(NamedTuple):
    """The regression of each point in each cell of the grid over tau and beta.

    Attributes
    ----------
    log_weight : (n_tau, n_beta, n_points) tensor
        Logarithm of the joint density of draws and cell, in nats.
    rate, log_rate : (n_tau, n_beta, n_points) tensor
        Rate of the precision's gamma distribution, and its logarithm.
    shape : (n_points,) tensor
        Its shape.
    inverse : (n_powers,) list of (n_powers,) lists of (n_tau, n_beta, n_points) tensor
        Covariance of z = L^-1 (a - m) in units of s^2.
    shift : (n_powers,) list of (n_tau, n_beta, n_points) tensor
        Mean of z.
    rest : (n_powers, n_beta, n_points) tensor
        Sum of w x (delta - x'm).
    """

    log_weight: "Tensor"
    rate: "Tensor"
    log_rate: "Tensor"
    shape: "Tensor"
    inverse: "list[list[Tensor]]"
    shift: "list[Tensor]"
    rest: "Tensor"


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
    mean = prior.mean.T.contiguous()[:, None]
    rest = sums.xy - (sums.xx * mean).sum(1)
    squares = (sums.yy - ((sums.xy + rest) * mean).sum(0)).clamp_min(0.0)
    slope = turn(prior.factor, rest)
    information = turn(prior.factor, turn(prior.factor, sums.xx).transpose(0, 1))
    log_tau = _log_grid(TAUS, prior.mean)[:, None, None]
    inverse, log_det = _invert(information, (-log_tau).exp())
    shift = [_combine(row, slope) for row in inverse]
    shape0 = prior.log_shape.exp()
    shape = shape0 + 0.5 * sums.n_draws
    rate0 = shape0 * prior.log_variance.exp()
    rate = rate0 + 0.5 * (squares - _combine(shift, slope)).clamp_min(0.0)
    constant = (
        shape0 * rate0.log()
        + torch.lgamma(shape)
        - torch.lgamma(shape0)
        - 0.5 * np.log(2 * np.pi) * sums.n_draws
    )
    log_rate = rate.log()
    log_weight = (
        sums.log_weight
        + prior.log_beta.T
        + (prior.log_tau.T + constant)[:, None]
        - 0.5 * (log_det + len(slope) * log_tau)
        - shape * log_rate
    )
    return Cells(log_weight, rate, log_rate, shape, inverse, shift, rest)


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
    weight = cells.log_weight.flatten(0, 1).softmax(0).view_as(cells.log_weight)
    variance = cells.rate / cells.shape * inflate(cells.shape)
    mean = torch.stack([(weight * one).sum((0, 1)) for one in cells.shift])
    around = [one - middle for one, middle in zip(cells.shift, mean, strict=True)]
    covariance = torch.stack(
        [
            torch.stack(
                [
                    (weight * (variance * part + left * right)).sum((0, 1))
                    for part, right in zip(row, around, strict=True)
                ]
            )
            for row, left in zip(cells.inverse, around, strict=True)
        ]
    )
    betas = torch.as_tensor(BETAS, dtype=mean.dtype, device=mean.device)
    return Belief(
        mean=prior.mean + mean.T @ prior.factor.T,
        covariance=prior.factor @ covariance.permute(2, 0, 1) @ prior.factor.T,
        variance=(weight * variance).sum((0, 1)),
        beta=betas @ weight.sum(0),
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


def turn(factor: "Tensor", parts: "Tensor") -> "Tensor":
    """Return L' times the first axis of (n_powers, ...) parts."""
    return (factor.T @ parts.flatten(1)).view_as(parts)


def _combine(parts: "list[Tensor]", weights: "Tensor") -> "Tensor":
    """Return the sum of the parts, each times its weights."""
    total = parts[0] * weights[0]
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total = torch.addcmul(total, part, weight)
    return total


def _log_grid(values: np.ndarray, like: "Tensor") -> "Tensor":
    return torch.as_tensor(np.log(values), dtype=like.dtype, device=like.device)


def _invert(
    information: "Tensor", ridge: "Tensor"
) -> "tuple[list[list[Tensor]], Tensor]":
    """Return the entries of A^-1 and log det A of A = information + ridge.

    Gauss and Jordan's steps, one per power, written out for all points at once.
    """
    n_powers = len(information)
    entries = [list(row) for row in information]
    for i in range(n_powers):
        entries[i][i] = entries[i][i] + ridge
    determinant = torch.ones_like(entries[0][0])
    for k in range(n_powers):
        # Rounding must not make a pivot vanish.
        pivot = entries[k][k].clamp_min(1e-12)
        determinant *= pivot
        others = [i for i in range(n_powers) if i != k]
        scaled = {i: entries[i][k] / pivot for i in others}
        for i in others:
            for j in others:
                if j >= i:
                    entries[i][j] = entries[i][j] - scaled[i] * entries[k][j]
                    entries[j][i] = entries[i][j]
        for i in others:
            # Of columns that are done, minus the inverse is held.
            entries[i][k] = entries[k][i] = scaled[i]
        entries[k][k] = -1.0 / pivot
    return [[-entry for entry in row] for row in entries], determinant.log()
