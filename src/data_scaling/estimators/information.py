r"""Covariances of the estimated law, from the curvature of the likelihood."""

import numpy as np

from data_scaling._typing import BoolArray, FloatArray
from data_scaling.estimators.profile import Profile, ScaledDraws

TINY = 1e-9


def observed_covariance(profile: Profile) -> tuple[FloatArray, BoolArray]:
    r"""Invert the observed information, the Hessian of the negative log-likelihood.

    With :math:`P` the Hessian of the profiled likelihood in the two exponents,
    :math:`B` the cross derivatives and :math:`D` the curvature in the two scales, the
    inverse has the blocks :math:`P^{-1}`, :math:`-P^{-1} B D^{-1}` and
    :math:`D^{-1} + D^{-1} B^T P^{-1} B D^{-1}`.

    Returns
    -------
    covariance : (n_points, 4, 4) float64 array
        Of (alpha, beta, c, log sigma), c and sigma at the geometric mean size.
    is_positive : (n_points,) bool array
        Whether the information is positive definite, as it is at a maximum inside
        the bounds.
    """
    return _invert_blocks(profile.hessian, profile.cross, profile.scale_curvature)


def expected_covariance(
    draws: ScaledDraws, theta: FloatArray, profile: Profile
) -> FloatArray:
    r"""Invert the expected (Fisher) information, which needs no maximum.

    It takes every residual at its expectation: the mean is then regressed on
    :math:`k^{-\alpha}` and :math:`k^{-\alpha} \log k`, which says how well psi is
    known also where the draws do not show alpha.

    Returns
    -------
    (n_points, 4, 4) float64 array
        Covariance of (alpha, beta, c, log sigma).
    """
    weight = np.exp((theta[:, 1:] - 2 * theta[:, :1]) * draws.log_k)
    if draws.usable is not None:
        weight *= draws.usable
    weight /= profile.sigma[:, None] ** 2
    square = draws.log_k**2
    first = np.einsum("ij,ij->i", weight, draws.log_k)
    second = np.einsum("ij,ij->i", weight, square)
    curvature = np.stack([weight.sum(axis=1), 2 * draws.n_usable], axis=1)
    cross = np.zeros_like(profile.cross)
    # A mean of exactly 0 would leave alpha, and with it the inverse, undefined.
    c = np.where(np.abs(profile.c) < TINY, TINY, profile.c)
    cross[:, 0, 0] = -c * first
    hessian = np.zeros_like(profile.hessian)
    hessian[:, 0] = c**2 * (second - first**2 / curvature[:, 0])
    hessian[:, 2] = square.sum(axis=1) / 2
    return _invert_blocks(hessian, cross, curvature)[0]


def unscale_covariance(
    covariance: FloatArray,
    draws: ScaledDraws,
    c: FloatArray,
    alpha: FloatArray,
    sigma: FloatArray,
) -> FloatArray:
    """Carry a covariance of the scaled parameters over to (c, alpha, sigma, beta).

    Parameters
    ----------
    covariance : (n_points, 4, 4) float64 array
        Of (alpha, beta, c, log sigma) in scaled units.
    draws : ScaledDraws
        The scales.
    c, alpha, sigma : (n_points,) float64 array
        Parameters of the law, the scales in units of the utility at ``k = 1``.

    Returns
    -------
    (n_points, 4, 4) float64 array
        Covariance of (c, alpha, sigma, beta), the units as for c and sigma.
    """
    jacobian = np.zeros_like(covariance)
    jacobian[:, 0, 0] = c * draws.log_k0
    jacobian[:, 0, 2] = draws.delta_scale * np.exp(alpha * draws.log_k0)
    jacobian[:, 1, 0] = 1.0
    jacobian[:, 2, 1] = sigma * draws.log_k0 / 2
    jacobian[:, 2, 3] = sigma
    jacobian[:, 3, 1] = 1.0
    unscaled: FloatArray = jacobian @ covariance @ jacobian.transpose(0, 2, 1)
    return unscaled


def _invert_blocks(
    hessian: FloatArray, cross: FloatArray, curvature: FloatArray
) -> tuple[FloatArray, BoolArray]:
    first, mixed, second = hessian.T
    determinant = first * second - mixed**2
    covariance = np.zeros((len(hessian), 4, 4))
    covariance[:, 0, 0] = second / determinant
    covariance[:, 1, 1] = first / determinant
    covariance[:, 0, 1] = covariance[:, 1, 0] = -mixed / determinant
    inverse = covariance[:, :2, :2]
    slope = -cross / curvature[:, None, :]
    between = inverse @ slope
    covariance[:, :2, 2:] = between
    covariance[:, 2:, :2] = between.transpose(0, 2, 1)
    covariance[:, 2:, 2:] = slope.transpose(0, 2, 1) @ between
    covariance[:, [2, 3], [2, 3]] += 1 / curvature
    return covariance, (first > 0) & (determinant > 0)
