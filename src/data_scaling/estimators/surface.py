"""How sharply a learning curve says its law: the loss around the fit."""

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._checks import check_finite
from data_scaling._typing import FloatArray
from data_scaling.errors import InputError
from data_scaling.estimators.aggregate import AggregateLaw


def measure_aggregate_loss(
    law: AggregateLaw,
    cardinality: ArrayLike,
    error: ArrayLike,
    alphas: ArrayLike,
    epsilons: ArrayLike,
) -> FloatArray:
    r"""Return the loss of learning-curve laws around a fitted one.

    For every pair of exponent and floor the scale c and the noise sigma take their best
    values, in closed form; beta is that of the fitted law. The loss is minus the
    log-likelihood, in nats, less that of the fitted law: pairs below 2 are hardly
    worse.

    Parameters
    ----------
    law : AggregateLaw
        Fitted to the curve.
    cardinality, error : (n_draws,) array_like
        The curve.
    alphas : (n_alphas,) array_like
        Exponents.
    epsilons : (n_epsilons,) array_like
        Errors without end of data, in units of the error.

    Returns
    -------
    (n_epsilons, n_alphas) float64 array
        Losses in nats; negative only where an epsilon is below 0, or by rounding.

    Raises
    ------
    InputError
        If a number is not finite, or the curve's arrays differ in shape.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.estimators import AggregateLikelihoodEstimator
    >>> from data_scaling.estimators.surface import measure_aggregate_loss
    >>> rng = np.random.default_rng(0)
    >>> k = rng.integers(50, 2000, 400)
    >>> error = 0.3 + 4.0 / k**0.8 + 0.02 * rng.normal(size=400)
    >>> law = AggregateLikelihoodEstimator().fit(k, error)
    >>> loss = measure_aggregate_loss(law, k, error, [law.alpha, 2.0], [law.eps])
    >>> bool(abs(loss[0, 0]) < 1e-6), bool(loss[0, 1] > 10)
    (True, True)
    """
    sizes, errors = (
        check_finite("cardinality", cardinality),
        check_finite("error", error),
    )
    if sizes.shape != errors.shape or sizes.ndim != 1 or not sizes.size:
        raise InputError(
            f"cardinality has shape {sizes.shape} and error {errors.shape}. Give one "
            "error per size."
        )
    exponent, floor = (
        np.atleast_1d(check_finite(name, values))
        for name, values in (("alphas", alphas), ("epsilons", epsilons))
    )
    log_k = np.log(sizes)
    weight = np.exp(law.beta * (log_k - log_k.mean()))
    # One row per exponent; the shapes are relative to the mean size, so that no
    # exponent overflows.
    shape = np.exp(-exponent[:, None] * (log_k - log_k.mean()))
    above = errors - floor[:, None]
    crossed = (weight * above) @ shape.T
    explained = crossed**2 / (weight * shape**2).sum(axis=1)
    left = (weight * above**2).sum(axis=1)[:, None] - explained
    residual = errors - law.error(sizes)
    best = float(np.sum(weight * residual**2))
    return np.asarray(0.5 * len(sizes) * np.log(left / best))
