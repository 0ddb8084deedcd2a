r"""Values of points: means of expected contributions over dataset sizes.

A semivalue is :math:`\sum_k w_k \psi_k(z)` with weights that are not negative and sum
to 1; the Shapley value gives every size of a range the same weight.

References
----------
.. [1] Covert, Ji, Hashimoto and Zou, "Scaling Laws for the Value of Individual Data
   Points in Machine Learning", ICML 2024, section 4.3.
.. [2] Gautschi, "Orthogonal Polynomials: Computation and Approximation", 2004,
   section 1.5 (discrete Chebyshev polynomials) and section 3.1 (Gauss rules).
"""

from collections.abc import Mapping

import numpy as np
from scipy.linalg import eigh_tridiagonal

from data_scaling._checks import check_at_least, check_finite
from data_scaling._typing import FloatArray
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws

# With this many nodes a panel [a, 2a] gives the sum of a power law to round-off.
GAUSS_NODES = 16
# Sizes evaluated at a time, so that memory does not grow with the range.
BLOCK_SIZES = 128


def shapley_values(
    laws: ScalingLaws, min_cardinality: int, max_cardinality: int
) -> FloatArray:
    r"""Average psi over all whole sizes of a range, both ends included.

    .. math:: \frac{1}{b - a + 1} \sum_{k=a}^{b} \psi_k(z)

    Laws are smooth in k, so the sum needs few evaluations: the range is cut where it
    doubles, and each panel is summed by the Gauss rule of its whole numbers, which is
    exact for polynomials of degree 31 and equals the full sum to rounding. A million
    sizes take some 250 evaluations.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of n_points points.
    min_cardinality, max_cardinality : int
        Ends of the range, at least 1.

    Returns
    -------
    (n_points,) float64 array
        Values in units of the utility; NaN for a point without a law.

    Raises
    ------
    InputError
        If an end is below 1, or the range is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> from data_scaling.valuation import shapley_values
    >>> draws = Contributions([[0.9, 0.6, 0.3, 0.2]], [1, 2, 3, 4])
    >>> laws = LikelihoodEstimator().fit(draws)
    >>> np.allclose(shapley_values(laws, 1, 500), laws.psi(np.arange(1, 501)).mean(1))
    True
    """
    sizes, weights = average_rule(min_cardinality, max_cardinality)
    return _weighted_psi(laws, sizes, weights)


def semivalues(laws: ScalingLaws, weights: Mapping[int, float]) -> FloatArray:
    """Average psi over sizes with given weights.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of n_points points.
    weights : mapping of int to float
        Weight of each size, not negative; they sum to 1.

    Returns
    -------
    (n_points,) float64 array
        Values in units of the utility; NaN for a point without a law.

    Raises
    ------
    InputError
        If a weight is negative or not finite, or the weights do not sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> from data_scaling.valuation import semivalues
    >>> draws = Contributions([[0.9, 0.6, 0.3, 0.2]], [1, 2, 3, 4])
    >>> laws = LikelihoodEstimator().fit(draws)
    >>> np.allclose(semivalues(laws, {10: 1.0}), laws.psi(10))
    True
    """
    sizes = check_finite("the sizes in weights", list(weights))
    shares = check_finite("weights", list(weights.values()))
    if (shares < 0).any() or not np.isclose(shares.sum(), 1.0, rtol=0, atol=1e-9):
        raise InputError(
            f"weights sum to {shares.sum():.12g} and the smallest is "
            f"{shares.min(initial=np.inf):g}. Give weights of at least 0 that sum to 1."
        )
    return _weighted_psi(laws, sizes, shares)


def monte_carlo_values(contributions: Contributions) -> FloatArray:
    """Average the usable draws of every point: the value without a law.

    Parameters
    ----------
    contributions : Contributions
        Draws over the sizes that the value is to average.

    Returns
    -------
    (n_points,) float64 array
        Means in units of the utility; NaN for a point without a usable draw.

    Examples
    --------
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.valuation import monte_carlo_values
    >>> draws = Contributions([[1.0, 3.0, float("nan")]], [2, 3, 4])
    >>> monte_carlo_values(draws).tolist()
    [2.0]
    """
    usable = ~np.isnan(contributions.delta)
    total = np.sum(contributions.delta, axis=1, where=usable)
    count = np.count_nonzero(usable, axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def average_rule(
    min_cardinality: int, max_cardinality: int
) -> tuple[FloatArray, FloatArray]:
    """Return sizes and weights that average a smooth function over whole numbers.

    Parameters
    ----------
    min_cardinality, max_cardinality : int
        Ends of the range, both included, at least 1.

    Returns
    -------
    sizes, weights : (n_sizes,) float64 array
        Sizes need not be whole; the weights are positive and sum to 1.

    Raises
    ------
    InputError
        If an end is below 1, or the range is empty.

    Examples
    --------
    >>> from data_scaling.valuation import average_rule
    >>> sizes, weights = average_rule(1, 1_000_000)
    >>> len(sizes) < 300, float((sizes * weights).sum().round(6))
    (True, 500000.5)
    """
    low = check_at_least("min_cardinality", min_cardinality, 1)
    high = check_at_least("max_cardinality", max_cardinality, 1)
    if high < low:
        raise InputError(
            f"The range of sizes is empty: min_cardinality is {low}, max_cardinality "
            f"is {high}. Give a max_cardinality of at least min_cardinality."
        )
    n_sizes = high - low + 1
    sizes, weights = [], []
    while low <= high:
        last = min(2 * low, high)
        panel, share = _sum_rule(last - low + 1)
        sizes.append(low + panel)
        weights.append(share / n_sizes)
        low = last + 1
    return np.concatenate(sizes), np.concatenate(weights)


def _sum_rule(n_terms: int) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights that sum a smooth function over 0..n_terms - 1."""
    if n_terms <= 2 * GAUSS_NODES:
        return np.arange(float(n_terms)), np.ones(n_terms)
    order = np.arange(1.0, GAUSS_NODES)
    middle = (n_terms - 1) / 2
    # Recurrence of the discrete Chebyshev polynomials, on the scale of half a panel.
    squared = order**2 * (1 - (order / n_terms) ** 2) / (4 * order**2 - 1)
    beside = np.sqrt(squared) * (n_terms / 2)
    offset, vectors = eigh_tridiagonal(np.zeros(GAUSS_NODES), beside)
    weights: FloatArray = n_terms * np.square(vectors[0])
    return np.asarray(middle + offset, dtype=np.float64), weights


def _weighted_psi(
    laws: ScalingLaws, sizes: FloatArray, weights: FloatArray
) -> FloatArray:
    total = np.zeros(len(laws))
    for first in range(0, len(sizes), BLOCK_SIZES):
        block = slice(first, first + BLOCK_SIZES)
        total += laws.psi(sizes[block]) @ weights[block]
    return total
