r"""The prior over laws: what is known of a law before its draws are seen.

A *model* is a set of powers; a single power makes a power law. For every point, given
the model,

.. math:: a \mid s^2, \tau \sim N(0, s^2 \tau\,\Sigma), \qquad
    1/s^2 \sim \mathrm{Gamma}(\nu/2, \nu s_0^2/2),

with the model, the exponent :math:`\beta` of the noise and the signal-to-noise ratio
:math:`\tau` on a grid whose weights are part of the prior. A set of powers may stand
several times, each with a shape :math:`\Sigma` of its own: so points whose laws bend in
different ways are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.estimators.moments import Moments, Powers

BETAS = np.linspace(0.0, 7.0, 15)
TAUS = np.logspace(-6, 3, 10)
# Rows of the grid that hold less than this of the prior are given up while learning.
_NEGLIGIBLE = 1e-3
# Where a model stands several times, the variance that its first shapes have across
# their long direction, relative to that along it.
_WIDTH = 0.25


@dataclass(frozen=True, eq=False)
class Prior:
    """What is known of a law before its draws are seen.

    Attributes
    ----------
    models : tuple of tuple of float
        Powers of each model; several may have the same.
    sigmas : tuple of (n_powers, n_powers) float64 arrays
        Shape of the coefficients' covariance in each model, of determinant 1.
    betas, taus : (n_beta,), (n_tau,) float64 arrays
        Exponents of the noise variance and signal-to-noise ratios.
    weights : (n_models, n_beta, n_tau) float64 array
        Prior probability of each cell of the grid; they sum to 1.
    shape : float
        nu / 2, the shape of the precision's gamma distribution.
    variance : float
        s0^2, in squared units of the utility at the base size.
    noise_share : float
        Share of a draw that counts as knowledge of the point's own noise, between 0
        and 1. It is 1 for normal draws and falls with the weight of their tails: the
        variance of a heavy-tailed sample says little of the true one.
    """

    models: tuple[Powers, ...]
    sigmas: tuple[FloatArray, ...]
    betas: FloatArray
    taus: FloatArray
    weights: FloatArray
    shape: float
    variance: float
    noise_share: float


def all_powers(models: Sequence[Powers]) -> FloatArray:
    """Return the powers of all models, ascending."""
    return np.unique(np.concatenate(models))


def first_prior(
    models: Sequence[Powers], moments: Moments, noise_share: float
) -> Prior:
    """Return the prior that learning starts from: every cell alike.

    The shapes of a model that stands several times are long in directions spread evenly
    from its lowest to its highest power, of either sign.
    """
    shape = (len(models), len(BETAS), len(TAUS))
    variance = moments.yy[:, len(BETAS) // 3] / moments.count
    return Prior(
        models=tuple(models),
        sigmas=_first_shapes(models),
        betas=BETAS,
        taus=TAUS,
        weights=np.full(shape, 1.0 / np.prod(shape)),
        shape=1.0,
        variance=float(np.median(variance[variance > 0])),
        noise_share=noise_share,
    )


def normalise(sigma: FloatArray) -> FloatArray:
    """Scale a covariance to determinant 1."""
    return np.asarray(sigma / np.linalg.det(sigma) ** (1.0 / len(sigma)))


def _first_shapes(models: Sequence[Powers]) -> tuple[FloatArray, ...]:
    shapes = []
    for place, model in enumerate(models):
        alike = [other for other, powers in enumerate(models) if powers == model]
        shape = np.eye(len(model))
        if len(alike) > 1:
            angle = np.pi * alike.index(place) / len(alike)
            direction = np.zeros(len(model))
            direction[[0, -1]] = np.cos(angle), np.sin(angle)
            shape = _WIDTH * shape + np.outer(direction, direction)
        shapes.append(normalise(shape))
    return tuple(shapes)


def prune(prior: Prior, moments: Moments) -> tuple[Prior, Moments]:
    """Give up models, exponents and ratios of negligible weight.

    High ratios are kept, however rare: a single point of enormous leverage, whose
    signal would else be taken for noise, may need one.

    Parameters
    ----------
    prior : Prior
        What was learned so far.
    moments : Moments
        Sums for the exponents of the prior.
    """
    weights = prior.weights
    axes = ((1, 2), (0, 2), (0, 1))
    kept = [np.flatnonzero(weights.sum(axis=axis) > _NEGLIGIBLE) for axis in axes]
    models, betas, taus = kept
    taus = np.arange(taus[0], len(prior.taus))
    weights = weights[np.ix_(models, betas, taus)]
    smaller = replace(
        prior,
        models=tuple(prior.models[place] for place in models),
        sigmas=tuple(prior.sigmas[place] for place in models),
        betas=prior.betas[betas],
        taus=prior.taus[taus],
        weights=weights / weights.sum(),
    )
    return smaller, moments.take_betas(betas)
