"""Choosing the points that are worth most at a dataset size."""

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._checks import check_at_least
from data_scaling._typing import FloatArray, IntArray
from data_scaling.coalitions import allocate_quotas
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws


def select_points(
    laws: ScalingLaws,
    cardinality: float,
    n_select: int,
    labels: ArrayLike | None = None,
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

    Returns
    -------
    (n_select,) intp array
        Index in the pool of the selected points, the best first; on a tie the earlier
        one.

    Raises
    ------
    InputError
        If there are fewer points with a law than asked for, in all or in a class, or
        if there is not one label per point.

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
    psi = laws.psi(cardinality)
    if labels is None:
        rows = _best_rows(psi, np.arange(len(psi)), n_select, "all")
    else:
        rows = _best_rows_by_class(psi, np.asarray(labels), n_select)
    return laws.points[rows[np.argsort(-psi[rows], kind="stable")]]


def _best_rows_by_class(
    psi: FloatArray,
    labels: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    n_select: int,
) -> IntArray:
    if labels.shape != psi.shape:
        raise InputError(
            f"labels has shape {labels.shape}, but there are {len(psi)} laws. Give one "
            "label per law."
        )
    classes, codes = np.unique(labels, return_inverse=True)
    quotas = allocate_quotas(np.bincount(codes), n_select)
    chosen = [
        _best_rows(psi, np.flatnonzero(codes == code), int(quota), str(classes[code]))
        for code, quota in enumerate(quotas)
    ]
    return np.sort(np.concatenate(chosen))


def _best_rows(psi: FloatArray, rows: IntArray, n_select: int, group: str) -> IntArray:
    known = rows[~np.isnan(psi[rows])]
    if len(known) < n_select:
        raise InputError(
            f"{n_select} points of {group!r} were asked for, but {len(known)} of "
            f"{len(rows)} have a law. Select fewer, or add draws."
        )
    return known[np.argsort(-psi[known], kind="stable")[:n_select]]
