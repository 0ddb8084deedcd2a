r"""Where the likelihood stays high: the grid behind intervals of power laws.

Where an exponent is hardly known, psi is no linear function of the parameters over the
region that the draws allow, and a standard error says too little. For exponents held
fixed the sum of squares is a parabola in c, so that the values of c which a likelihood
ratio allows are an interval in closed form; the interval for psi at any size is the
hull of these over a grid of exponents around the estimate.

References
----------
.. [1] Cox and Hinkley, "Theoretical Statistics", 1974, section 7.4 (intervals from the
   likelihood ratio).
"""

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.estimators.profile import ScaledDraws

# Values of alpha, over so many standard errors to both sides, and of beta.
N_ALPHA = 12
_REACH = 4.0
_BETA_SHIFTS = np.array([-1.0, 0.0, 1.0])
N_CELLS = N_ALPHA * len(_BETA_SHIFTS)


def sum_cells(
    draws: ScaledDraws, theta: FloatArray, std: FloatArray, max_exponent: float
) -> FloatArray:
    """Return the parabolas of the sum of squares around the estimates.

    Parameters
    ----------
    draws : ScaledDraws
        Draws of n_points points.
    theta, std : (n_points, 2) float64 array
        Estimates of alpha and beta, and their standard errors.
    max_exponent : float
        Upper bound of both.

    Returns
    -------
    (n_points, n_cells, 4) float64 array
        As ``PowerLaws.cells``; NaN for draws without noise.
    """
    reach = np.where(np.isfinite(std), std, max_exponent)
    low = np.clip(theta[:, 0] - _REACH * reach[:, 0], 0.0, max_exponent)
    high = np.clip(theta[:, 0] + _REACH * reach[:, 0], 0.0, max_exponent)
    beta = theta[:, 1:] + _BETA_SHIFTS * reach[:, 1:]
    weight = np.exp(np.clip(beta, 0, max_exponent)[:, None] * draws.log_k[..., None])
    if draws.usable is not None:
        weight *= draws.usable[..., None]
    alpha, shapes = _chain_shapes(low, high, draws.log_k)
    weighted = weight * draws.delta[..., None]
    squares = np.einsum("nm,nmb->nb", draws.delta, weighted)
    product, curvature = shapes @ weighted, (shapes * shapes) @ weight
    c = product / curvature
    least = np.maximum(squares[:, None, :] - product * c, 0.0)
    smallest = least.min(axis=(1, 2), keepdims=True)
    spread = np.broadcast_to(alpha[:, :, None], c.shape)
    unit = np.exp(spread * draws.log_k0[:, None, None])
    unit = unit * draws.delta_scale[:, None, None]
    width = unit * np.sqrt(smallest / curvature)
    columns = (spread, unit * c, width, least / smallest)
    return np.stack([column.reshape(len(c), -1) for column in columns], axis=-1)


def _chain_shapes(
    low: FloatArray, high: FloatArray, log_k: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return evenly spaced exponents and k^-alpha, (n_points, N_ALPHA, n_draws)."""
    step = (high - low) / (N_ALPHA - 1)
    shapes = np.empty((len(low), N_ALPHA, log_k.shape[1]))
    np.exp(-low[:, None] * log_k, out=shapes[:, 0])
    ratio = np.exp(-step[:, None] * log_k)
    for place in range(1, N_ALPHA):
        np.multiply(shapes[:, place - 1], ratio, out=shapes[:, place])
    return low[:, None] + step[:, None] * np.arange(N_ALPHA), shapes
