"""Choosing points by their contribution at a dataset size: the best, or the harmful."""

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._checks import check_at_least, check_share
from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.coalitions import allocate_quotas
from data_scaling.errors import InputError
from data_scaling.laws import FitStatus, ScalingLaws


def select_points(
    laws: ScalingLaws,
    cardinality: float,
    n_select: int,
    labels: ArrayLike | None = None,
    *,
    eligible: ArrayLike | None = None,
) -> IntArray:
    """Select the points with the largest psi at a dataset size.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of n_points points; a point without a law is never selected.
    cardinality : float
        Size of the dataset that the points are to join.
    n_select : int
        Number of points to select.
    labels : (n_points,) array_like, optional
        Class of each point of ``laws``. With labels every class gets seats in
        proportion to its size, by the largest-remainder rule.
    eligible : (n_points,) array_like of bool, optional
        Which points may be selected, as :func:`find_eligible` says, or a measure of
        the fit such as ``validation.log_r2 > 0.9``. All by default.

    Returns
    -------
    (n_select,) intp array
        Index in the pool of the selected points, the best first; on a tie the earlier
        one.

    Raises
    ------
    InputError
        If the cardinality is no single size, if there are fewer points with a law (and
        eligible) than asked for, in all or in a class, or if there is not one label,
        or one mark, per point.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> from data_scaling.selection import select_points
    >>> k = np.array([1, 2, 3, 4])
    >>> wobble = 1 + np.array([0.1, -0.1, 0.2, -0.1])
    >>> draws = Contributions([wobble / k, 3 * wobble / k, 2 * wobble / k], k)
    >>> laws = LikelihoodEstimator().fit(draws)
    >>> select_points(laws, 100, 2).tolist()
    [1, 2]
    >>> select_points(laws, 100, 2, labels=["a", "b", "b"]).tolist()
    [1, 0]
    """
    n_select = check_at_least("n_select", n_select, 1)
    psi = laws.psi(_check_one_size(cardinality))
    which = "have a law"
    if eligible is not None:
        marks = _check_per_law("eligible", eligible, len(psi))
        psi = np.where(marks.astype(bool), psi, np.nan)
        which = "have a law and are eligible"
    return laws.points[select_best(psi, n_select, labels, which=which)]


def select_best(
    score: FloatArray,
    n_select: int,
    labels: ArrayLike | None = None,
    *,
    which: str = "have a score",
) -> IntArray:
    """Select the rows of highest score, each class in proportion to its size.

    Parameters
    ----------
    score : (n_points,) float64 array
        Higher is better; a row of NaN is never selected.
    n_select : int
        Number of rows.
    labels : (n_points,) array_like, optional
        Class of each row.
    which : str
        What the rows that are not NaN do, for the error.

    Returns
    -------
    (n_select,) intp array
        Rows, the best first; on a tie the earlier one.

    Raises
    ------
    InputError
        If there are too few rows with a score, in all or in a class, or not one label
        per row.
    """
    if labels is None:
        rows = _best_rows(score, np.arange(len(score)), n_select, "all", which)
    else:
        classes = _check_per_law("labels", labels, len(score))
        rows = _best_rows_by_class(score, classes, n_select, which)
    return np.asarray(rows[np.argsort(-score[rows], kind="stable")])


def find_eligible(
    laws: ScalingLaws,
    cardinality: float,
    *,
    certainty: float = 0.0,
    converged: bool = False,
) -> BoolArray:
    """Say which points are surely useful, or have a fit that converged.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of n_points points.
    cardinality : float
        Dataset size at which psi is looked at.
    certainty : float
        Probability with which psi has to be above 0, from 0 to 1.
    converged : bool
        Whether the fit has to have converged inside its bounds.

    Returns
    -------
    (n_points,) bool array
        False for a point without a law.

    Raises
    ------
    InputError
        If the cardinality is no single size, or the certainty no probability.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> from data_scaling.selection import find_eligible
    >>> k = np.arange(1, 9)
    >>> wobble = 1 + 0.1 * np.cos(k)
    >>> laws = LikelihoodEstimator().fit(Contributions([wobble / k, -wobble / k], k))
    >>> find_eligible(laws, 5, certainty=0.9).tolist()
    [True, False]
    """
    sure = check_share("certainty", certainty)
    # NaN, which is no law, compares as False.
    useful = laws.probability_negative(_check_one_size(cardinality)) <= 1.0 - sure
    if converged:
        useful &= laws.status == FitStatus.CONVERGED
    return np.asarray(useful)


def select_harmful(
    laws: ScalingLaws, cardinality: float, *, false_discovery_rate: float = 0.1
) -> IntArray:
    r"""Select the points that lower the utility at a dataset size.

    The points of highest :math:`P(\psi_k < 0)` are taken, as many as keep the mean of
    :math:`1 - P(\psi_k < 0)` over them at or below the rate: the share of them that is
    expected to do no harm after all, if the laws' probabilities are right.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of n_points points; a point without a law is never selected.
    cardinality : float
        Dataset size.
    false_discovery_rate : float
        Expected share of points selected wrongly, from 0 to 1.

    Returns
    -------
    (n_selected,) intp array
        Index in the pool of the selected points, the surest first; there may be none.

    Raises
    ------
    InputError
        If the cardinality is no single size, or the rate no share.

    References
    ----------
    .. [1] Storey, "The positive false discovery rate: a Bayesian interpretation and
       the q-value", Annals of Statistics 31, 2003.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.laws import ExpansionLaws
    >>> laws = ExpansionLaws(
    ...     points=np.array([4, 7, 9]), powers=np.array([1.0]), base_cardinality=100.0,
    ...     coefficients=np.array([[-3.0], [2.0], [-1.0]]),
    ...     covariance=np.ones((3, 1, 1)), noise=np.ones(3),
    ...     noise_exponent=np.ones(3), status=np.zeros(3), n_draws=np.full(3, 50),
    ...     cardinality_range=np.full((3, 2), 100),
    ... )
    >>> select_harmful(laws, 100, false_discovery_rate=0.05).tolist()
    [4]
    >>> select_harmful(laws, 100, false_discovery_rate=0.1).tolist()
    [4, 9]
    """
    rate = check_share("false_discovery_rate", false_discovery_rate)
    probability = laws.probability_negative(_check_one_size(cardinality))
    rows = np.flatnonzero(probability > 0)
    rows = rows[np.argsort(-probability[rows], kind="stable")]
    expected = np.cumsum(1.0 - probability[rows]) / np.arange(1, len(rows) + 1)
    # The running mean grows, as each point is less sure than those before.
    return laws.points[rows[: int(np.sum(expected <= rate))]]


def _check_one_size(cardinality: float) -> float:
    if np.ndim(cardinality):
        raise InputError(
            f"cardinality is {cardinality!r}. Points are selected at one dataset size: "
            "give one number, and call once for each size."
        )
    return float(cardinality)


def _check_per_law(
    what: str, values: ArrayLike, n_laws: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    array = np.asarray(values)
    if array.shape != (n_laws,):
        raise InputError(
            f"{what} has shape {array.shape}, but there are {n_laws} laws. Give one "
            "entry per law."
        )
    return array


def _best_rows_by_class(
    psi: FloatArray,
    labels: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    n_select: int,
    which: str,
) -> IntArray:
    classes, codes = np.unique(labels, return_inverse=True)
    quotas = allocate_quotas(np.bincount(codes), n_select)
    chosen = [
        _best_rows(psi, np.flatnonzero(codes == code), int(quota), str(name), which)
        for code, (quota, name) in enumerate(zip(quotas, classes, strict=True))
    ]
    return np.sort(np.concatenate(chosen))


def _best_rows(
    psi: FloatArray, rows: IntArray, n_select: int, group: str, which: str
) -> IntArray:
    known = rows[~np.isnan(psi[rows])]
    if len(known) < n_select:
        raise InputError(
            f"{n_select} points of {group!r} were asked for, but {len(known)} of "
            f"{len(rows)} {which}. Select fewer, or add draws."
        )
    return known[np.argsort(-psi[known], kind="stable")[:n_select]]
