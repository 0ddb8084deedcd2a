r"""Weighted sums over draws, from which all of the hierarchical fit follows.

For noise of variance :math:`s^2 (k/k_0)^{-\beta}` the draws of a point enter the
regression on :math:`x = ((k/k_0)^{-p})_p` through the sums, with weights
:math:`w = (k/k_0)^\beta`, of :math:`w x x'`, :math:`w x \Delta` and
:math:`w \Delta^2`, and through the number of draws. They are taken once for a grid of
exponents :math:`\beta`; no later step passes over the draws.
"""

from dataclasses import dataclass

import numpy as np

from data_scaling._typing import FloatArray, Int32Array

# Draws per block: the arrays of a block fit the cache.
_BLOCK_DRAWS = 16_384


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the usable draws of every point, for each exponent of the noise.

    Attributes
    ----------
    xx : (n_points, n_beta, n_powers, n_powers) float64 array
        Sums of w x x', dimensionless.
    xy : (n_points, n_beta, n_powers) float64 array
        Sums of w x delta, in units of the utility.
    yy : (n_points, n_beta) float64 array
        Sums of w delta^2, in squared units of the utility.
    log_weight : (n_points, n_beta) float64 array
        Half the sums of log w.
    count : (n_points,) float64 array
        Usable draws.
    """

    xx: FloatArray
    xy: FloatArray
    yy: FloatArray
    log_weight: FloatArray
    count: FloatArray


def sum_draws(
    delta: FloatArray,
    cardinality: Int32Array,
    reference: float,
    powers: FloatArray,
    betas: FloatArray,
) -> Moments:
    """Return the moments of some points.

    Parameters
    ----------
    delta : (n_points, n_draws) float64 array
        Marginal contributions, in units of the utility; NaN draws are left out.
    cardinality : (n_points, n_draws) int32 array
        Size of each draw.
    reference : float
        Size k0 at which all terms are one.
    powers : (n_powers,) float64 array
        Powers of the expansion.
    betas : (n_beta,) float64 array
        Exponents of the noise variance.
    """
    n_points, n_draws = delta.shape
    n_beta, n_powers = len(betas), len(powers)
    xx = np.empty((n_points, n_beta, n_powers, n_powers))
    xy = np.empty((n_points, n_beta, n_powers))
    yy, log_weight = np.empty((2, n_points, n_beta))
    count = np.empty(n_points)
    n_rows = max(1, _BLOCK_DRAWS // max(1, n_draws))
    for first in range(0, n_points, n_rows):
        rows = slice(first, first + n_rows)
        usable = ~np.isnan(delta[rows])
        y = np.where(usable, delta[rows], 0.0)
        log_k = np.log(cardinality[rows] / reference)
        x = np.exp(-log_k[..., None] * powers) * usable[..., None]
        count[rows] = usable.sum(axis=1)
        log_weight[rows] = 0.5 * np.sum(log_k * usable, axis=1)[:, None] * betas
        columns = np.concatenate([x, y[..., None]], axis=-1)
        for j, beta in enumerate(betas):
            weighted = columns * np.exp(beta * log_k)[..., None]
            products = weighted.transpose(0, 2, 1) @ columns
            xx[rows, j] = products[:, :n_powers, :n_powers]
            xy[rows, j] = products[:, :n_powers, n_powers]
            yy[rows, j] = products[:, n_powers, n_powers]
    return Moments(xx, xy, yy, log_weight, count)
