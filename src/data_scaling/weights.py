r"""Weights of dataset sizes that make known semivalues.

A semivalue gives every size the weight :math:`w_k`; all coalitions of one size weigh
the same. For a game of n points a point joins coalitions of 0 to n - 1 others. A
scaling law has no value at 0, so that the weights here start at 1 and are scaled to the
sum 1.

============  =======================================================================
value         weight of size k, up to a factor
============  =======================================================================
Shapley       1
Banzhaf       :math:`\binom{n-1}{k}`
Beta(a, b)    :math:`\binom{n-1}{k}\,B(k + b,\ n - 1 - k + a)`
============  =======================================================================

References
----------
.. [1] Wang and Jia, "Data Banzhaf: A Robust Data Valuation Framework for Machine
   Learning", AISTATS 2023.
.. [2] Kwon and Zou, "Beta Shapley: a Unified and Noise-reduced Data Valuation Framework
   for Machine Learning", AISTATS 2022.
"""

import numpy as np
from scipy.special import betaln, gammaln

from data_scaling._checks import check_at_least
from data_scaling._typing import FloatArray
from data_scaling.errors import InputError

# Weights below this share of the largest are left out.
_NEGLIGIBLE = 1e-16


def banzhaf_weights(n_points: int) -> dict[int, float]:
    """Return the weights of the Banzhaf value, for ``semivalues``.

    Parameters
    ----------
    n_points : int
        Size of the dataset, at least 2. Nearly all weight lies within a few square
        roots of it around its half; sizes without are left out.

    Raises
    ------
    InputError
        If there are fewer than two points.

    Examples
    --------
    >>> from data_scaling.weights import banzhaf_weights
    >>> {k: round(weight, 3) for k, weight in banzhaf_weights(4).items()}
    {1: 0.429, 2: 0.429, 3: 0.143}
    """
    n_others = check_at_least("n_points", n_points, 2) - 1
    sizes = np.arange(1.0, n_others + 1)
    return _normalise(sizes, _log_binomial(n_others, sizes))


def beta_weights(n_points: int, alpha: float, beta: float) -> dict[int, float]:
    """Return the weights of the Beta Shapley value, for ``semivalues``.

    Parameters
    ----------
    n_points : int
        Size of the dataset, at least 2.
    alpha, beta : float
        Parameters, positive. Beta(1, 1) is the Shapley value; a larger ``alpha`` gives
        small sizes more weight, as Beta(16, 1) does.

    Raises
    ------
    InputError
        If there are fewer than two points, or a parameter is not positive.

    Examples
    --------
    >>> from data_scaling.weights import beta_weights
    >>> {k: round(weight, 3) for k, weight in beta_weights(4, 1, 1).items()}
    {1: 0.333, 2: 0.333, 3: 0.333}
    >>> {k: round(weight, 3) for k, weight in beta_weights(4, 4, 1).items()}
    {1: 0.667, 2: 0.267, 3: 0.067}
    """
    n_others = check_at_least("n_points", n_points, 2) - 1
    if not (alpha > 0 and beta > 0 and np.isfinite(alpha + beta)):
        raise InputError(
            f"alpha is {alpha} and beta is {beta}. Give two positive numbers."
        )
    sizes = np.arange(1.0, n_others + 1)
    log_weight = _log_binomial(n_others, sizes)
    log_weight += betaln(sizes + beta, n_others - sizes + alpha)
    return _normalise(sizes, log_weight)


def _log_binomial(n: int, k: FloatArray) -> FloatArray:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _normalise(sizes: FloatArray, log_weight: FloatArray) -> dict[int, float]:
    weight = np.exp(log_weight - log_weight.max())
    kept = weight > _NEGLIGIBLE
    weight = weight[kept] / weight[kept].sum()
    return dict(zip(sizes[kept].astype(int).tolist(), weight.tolist(), strict=True))
