r"""The Gaussian likelihood of a power law, with both scales profiled out.

The draws of a point follow
:math:`\Delta(z, D) \sim N(c\,k^{-\alpha}, \sigma^2 k^{-\beta})` with :math:`k = |D|`
[1]_. For given exponents :math:`c` and :math:`\sigma` have a closed form, and what is
left is a function of :math:`\alpha` and :math:`\beta` alone,

.. math::
    \ell(\alpha, \beta) = \frac{m}{2} \log S(\alpha, \beta)
        - \frac{\beta}{2} \sum_j \log k_j, \qquad
    S = \sum_j k_j^\beta (\Delta_j - c\,k_j^{-\alpha})^2,

the negative log-likelihood up to a constant. Here sizes are divided by their geometric
mean, so that the second term is zero, and deltas by their root mean square.

References
----------
.. [1] Covert, Ji, Hashimoto and Zou, "Scaling Laws for the Value of Individual Data
   Points in Machine Learning", ICML 2024, section 3.
"""

from dataclasses import dataclass

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, IntArray


def profile_scale(
    delta: FloatArray, cardinality: FloatArray, alpha: FloatArray, beta: FloatArray
) -> tuple[FloatArray, FloatArray]:
    r"""Maximise the likelihood over the two scales, the exponents held fixed.

    For known exponents it is a weighted least-squares problem in :math:`c` alone, so
    both scales have a closed form.

    Parameters
    ----------
    delta : (n_points, n_draws) float array
        Marginal contributions, in units of the utility.
    cardinality : (n_points, n_draws) float array
        Coalition size of each draw; dimensionless, at least 1.
    alpha, beta : (n_points,) float array
        Decay exponents of the mean and of the variance.

    Returns
    -------
    c, sigma : (n_points,) float array
        Signed scale of the mean and scale of the standard deviation, both in units of
        the utility at ``k = 1``.

    References
    ----------
    .. [1] Covert, Ji, Hashimoto and Zou, "Scaling Laws for the Value of Individual
       Data Points in Machine Learning", ICML 2024, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.estimators.profile import profile_scale
    >>> k = np.array([[1.0, 2.0, 4.0, 4.0]])
    >>> delta = 8.0 / k + [[0.0, 0.0, 1.0, -1.0]]
    >>> c, sigma = profile_scale(delta, k, np.ones(1), np.zeros(1))
    >>> c.round(12).tolist(), (sigma**2).round(12).tolist()
    ([8.0], [0.5])
    """
    log_k = np.log(cardinality)
    mean_shape = np.exp(-alpha[:, None] * log_k)
    weight = np.exp(beta[:, None] * log_k)
    c = np.sum(weight * mean_shape * delta, 1) / np.sum(weight * mean_shape**2, 1)
    residual = delta - c[:, None] * mean_shape
    sigma = np.sqrt(np.mean(weight * residual**2, axis=1))
    return c, sigma


@dataclass(frozen=True, eq=False)
class ScaledDraws:
    """Draws of a block of points, brought to a common scale.

    Attributes
    ----------
    delta : (n_points, n_draws) float64 array
        Deltas divided by ``delta_scale``; 0 where a draw is missing.
    log_k : (n_points, n_draws) float64 array
        log(k / k0) with k0 the geometric mean of the usable sizes of the point, so
        that its mean over the usable draws is 0; 0 where a draw is missing.
    usable : (n_points, n_draws) float64 array or None
        1 for a usable draw, 0 for a missing one; None if none is missing.
    n_usable : (n_points,) float64 array
        Number of usable draws.
    delta_scale : (n_points,) float64 array
        Root mean square of the usable deltas, in units of the utility.
    log_k0 : (n_points,) float64 array
        Logarithm of the geometric mean size.
    """

    delta: FloatArray
    log_k: FloatArray
    usable: FloatArray | None
    n_usable: FloatArray
    delta_scale: FloatArray
    log_k0: FloatArray

    def take(self, rows: IntArray) -> "ScaledDraws":
        """Return the draws of some rows."""
        return ScaledDraws(
            self.delta[rows],
            self.log_k[rows],
            None if self.usable is None else self.usable[rows],
            self.n_usable[rows],
            self.delta_scale[rows],
            self.log_k0[rows],
        )


def scale_draws(
    delta: FloatArray, cardinality: FloatArray, usable: BoolArray | None
) -> ScaledDraws:
    """Centre the log sizes and normalise the deltas of each point.

    Parameters
    ----------
    delta, cardinality : (n_points, n_draws) float64 array
        Draws, every point with at least one that is usable and not 0.
    usable : (n_points, n_draws) bool array or None
        Which draws count; None for all.
    """
    n_points, n_draws = delta.shape
    mask = None if usable is None else usable.astype(np.float64)
    count = np.full(n_points, float(n_draws)) if mask is None else mask.sum(axis=1)
    values = delta if usable is None else np.where(usable, delta, 0.0)
    log_k = np.log(cardinality)
    if mask is not None:
        log_k *= mask
    log_k0 = log_k.sum(axis=1) / count
    log_k -= log_k0[:, None]
    if mask is not None:
        log_k *= mask
    # The largest value first, or squares of tiny deltas would vanish.
    largest = np.abs(values).max(axis=1)
    values = values / largest[:, None]
    root = np.sqrt(np.einsum("ij,ij->i", values, values) / count)
    values /= root[:, None]
    return ScaledDraws(values, log_k, mask, count, largest * root, log_k0)


@dataclass(frozen=True, eq=False)
class Profile:
    """The profiled likelihood and its derivatives at one (alpha, beta) per point.

    All arrays are float64; scales are those of :class:`ScaledDraws`.

    Attributes
    ----------
    value : (n_points,) array
        m/2 log S, in nats.
    gradient : (n_points, 2) array
        Derivatives in (alpha, beta).
    hessian : (n_points, 3) array
        Second derivatives (alpha alpha, alpha beta, beta beta) of the profiled value.
    c, sigma : (n_points,) array
        The scales that maximise the likelihood, at the geometric mean size.
    cross : (n_points, 2, 2) array
        Second derivatives of the full likelihood in (alpha, beta) by (c, log sigma).
    scale_curvature : (n_points, 2) array
        Second derivatives in c and in log sigma; their mixed one is 0.
    """

    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray
    c: FloatArray
    sigma: FloatArray
    cross: FloatArray
    scale_curvature: FloatArray


def profile_likelihood(draws: ScaledDraws, theta: FloatArray) -> Profile:
    """Profile both scales out of the likelihood, and differentiate it twice.

    With a = k^(beta/2 - alpha) / sigma, q = c a, L = log k and the standardised
    residual e, the full negative log-likelihood has the second derivatives
    sum (qL)^2 - e q L^2 (alpha, alpha); sum e q L^2 (alpha, beta);
    sum L^2 e^2 / 2 (beta, beta); sum (e - q) a L (alpha, c); -2 sum e q L
    (alpha, log sigma); -sum L e a (beta, c); -sum L e^2 (beta, log sigma);
    sum a^2 (c, c) and 2 m (log sigma, log sigma). The Hessian of the profiled value
    is the Schur complement of the last two.

    Parameters
    ----------
    draws : ScaledDraws
        Draws of n_points points.
    theta : (n_points, 2) float64 array
        Exponents alpha and beta.
    """
    delta, log_k, m = draws.delta, draws.log_k, draws.n_usable
    shape = np.exp(-theta[:, :1] * log_k)
    weight = np.exp(theta[:, 1:] * log_k)
    if draws.usable is not None:
        weight *= draws.usable
    weighted = weight * shape
    shape_0 = _row_dot(weighted, shape)
    c = _row_dot(weighted, delta) / shape_0
    residual = delta - c[:, None] * shape
    weight *= residual
    weight *= residual
    noise_0, noise_1 = weight.sum(axis=1), _row_dot(weight, log_k)
    weight *= log_k
    noise_2 = _row_dot(weight, log_k)
    weighted *= log_k
    shape_1, mixed_1 = _row_dot(weighted, shape), _row_dot(weighted, residual)
    weighted *= log_k
    shape_2, mixed_2 = _row_dot(weighted, shape), _row_dot(weighted, residual)

    variance = noise_0 / m
    cross = np.empty((len(c), 2, 2))
    cross[:, 0, 0] = (mixed_1 - c * shape_1) / variance
    cross[:, 0, 1] = -2 * c * mixed_1 / variance
    cross[:, 1, 0] = -mixed_1 / variance
    cross[:, 1, 1] = -noise_1 / variance
    scale_curvature = np.stack([shape_0 / variance, 2 * m], axis=1)
    full = (
        np.stack([c * (c * shape_2 - mixed_2), c * mixed_2, noise_2 / 2], axis=1)
        / variance[:, None]
    )
    return Profile(
        value=m / 2 * np.log(noise_0),
        gradient=np.stack([c * mixed_1, noise_1 / 2], axis=1) / variance[:, None],
        hessian=full - _schur_term(cross, scale_curvature),
        c=c,
        sigma=np.sqrt(variance),
        cross=cross,
        scale_curvature=scale_curvature,
    )


def _row_dot(left: FloatArray, right: FloatArray) -> FloatArray:
    product: FloatArray = np.einsum("ij,ij->i", left, right)
    return product


def _schur_term(cross: FloatArray, curvature: FloatArray) -> FloatArray:
    alpha, beta = cross[:, 0], cross[:, 1]
    return np.stack(
        [
            np.sum(left * right / curvature, axis=1)
            for left, right in ((alpha, alpha), (alpha, beta), (beta, beta))
        ],
        axis=1,
    )
