"""Marginal contributions as two arrays: what sampling gives and estimators take."""

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_scaling._checks import check_at_least, require_extra
from data_scaling._typing import FloatArray, Int32Array, IntArray
from data_scaling.errors import InputError
from data_scaling.learning_curve import LearningCurve

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Contributions:
    """Draws of marginal contributions for a list of points.

    Arrays are not copied where their type is right already; the views held here are
    read-only.

    Parameters
    ----------
    delta : (n_points, n_draws) float64 array
        U(D + z) - U(D), in units of the metric. NaN marks a draw that failed or is
        missing.
    cardinality : (n_points, n_draws) int32 array
        Size of the coalition of each draw, the point itself not counted; at least 1.
        An (n_draws,) array stands for sizes that all points share.
    points : (n_points,) intp array, optional
        Index of each point in the pool; 0, 1, ... by default.
    metric, unit, dataset, learner, fingerprint : str
        Where the draws come from, for reports: names of the metric, its unit, the
        dataset and the learner, and the fingerprint of the dataset.
    coalitions : LearningCurve, optional
        The coalitions that the deltas were measured on: their size (a point inside
        counted), U(D) and descriptor. Shared ones are ``n_draws``, one per column;
        independent ones ``n_draws * n_points``, all points of the first draw first.
    base : LearningCurve, optional
        The coalitions that were drawn without any point.
    variance_removed : (n_points,) float64 array, optional
        Of adjusted draws, the share of each point's variance that was removed.
    row_ids : (n_points,) int or str array, optional
        Identifier of each point in the user's own table; the index in the pool by
        default.

    Raises
    ------
    InputError
        If shapes disagree, a size is not an integer of at least 1, a delta is
        infinite, a point stands twice, or an identifier is neither integer nor string.

    Examples
    --------
    >>> from data_scaling.contributions import Contributions
    >>> draws = Contributions([[0.2, 0.1], [0.4, float("nan")]], [100, 200], [7, 3])
    >>> draws.n_points, draws.n_draws, draws.n_failed
    (2, 2, 1)
    >>> draws.take([3]).cardinality.tolist()
    [[100, 200]]
    """

    delta: FloatArray
    cardinality: Int32Array
    points: IntArray = None  # type: ignore[assignment]  # filled in __post_init__
    metric: str = ""
    unit: str = ""
    dataset: str = ""
    learner: str = ""
    fingerprint: str = ""
    coalitions: LearningCurve | None = None
    base: LearningCurve | None = None
    variance_removed: FloatArray | None = None
    row_ids: NDArray[Any] = None  # type: ignore[assignment]  # filled in __post_init__

    def __post_init__(self) -> None:
        delta, sizes, points = _check_draws(self.delta, self.cardinality, self.points)
        _check_coalitions(self.coalitions, delta.shape)
        arrays: dict[str, NDArray[Any]]
        arrays = {"delta": delta, "cardinality": sizes, "points": points}
        arrays["row_ids"] = check_row_ids(self.row_ids, points)
        for name, array in arrays.items():
            view = array.view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)

    def __repr__(self) -> str:
        origin = f" of {self.learner} on {self.dataset}" if self.learner else ""
        return f"<Contributions{origin}: {self.n_points} points x {self.n_draws} draws>"

    @property
    def n_points(self) -> int:
        """Number of points."""
        return int(self.delta.shape[0])

    @property
    def n_draws(self) -> int:
        """Number of draws per point, failed ones included."""
        return int(self.delta.shape[1])

    @property
    def n_failed(self) -> int:
        """Number of pairs of point and draw without a number."""
        return int(np.count_nonzero(np.isnan(self.delta)))

    @property
    def origin(self) -> dict[str, Any]:
        """What laws keep of where they come from: points, their rows, the dataset."""
        names = ("points", "row_ids", "dataset", "fingerprint")
        return {name: getattr(self, name) for name in names}

    def first(self, n_draws: int) -> "Contributions":
        """Return the first draws of every point.

        Raises
        ------
        InputError
            If there are fewer draws.
        """
        n_draws = check_at_least("n_draws", n_draws, 1)
        if n_draws > self.n_draws:
            raise InputError(
                f"{n_draws} draws were asked for, but there are {self.n_draws}. Ask "
                "for fewer, or draw more."
            )
        return replace(
            self,
            delta=self.delta[:, :n_draws],
            cardinality=self.cardinality[:, :n_draws],
            coalitions=self._take_coalitions(np.arange(self.n_points), n_draws),
        )

    def take(self, points: ArrayLike) -> "Contributions":
        """Return the draws of some points, named by their index in the pool.

        Raises
        ------
        InputError
            If a point was not drawn.
        """
        rows = find_points(self.points, points)
        removed = self.variance_removed
        return replace(
            self,
            delta=self.delta[rows],
            cardinality=self.cardinality[rows],
            points=self.points[rows],
            row_ids=self.row_ids[rows],
            variance_removed=removed if removed is None else removed[rows],
            coalitions=self._take_coalitions(rows, self.n_draws),
        )

    def _take_coalitions(self, rows: IntArray, n_draws: int) -> LearningCurve | None:
        """Return the coalitions of some rows and of the first draws."""
        if self.coalitions is None:
            return None
        draws = np.arange(n_draws)
        if self.coalitions.n_draws > self.n_draws:
            draws = (self.n_points * draws[:, None] + rows).ravel()
        return self.coalitions.take(draws)

    def to_frame(self) -> "pd.DataFrame":
        """Return a long table: point, row, draw, cardinality and delta."""
        frame: Any = require_extra("pandas", "data").DataFrame
        table: pd.DataFrame = frame(
            {
                "point": np.repeat(self.points, self.n_draws),
                "row": np.repeat(self.row_ids, self.n_draws),
                "draw": np.tile(np.arange(self.n_draws), self.n_points),
                "cardinality": self.cardinality.ravel(),
                "delta": self.delta.ravel(),
            }
        )
        return table

    def require_draws(self) -> None:
        """Raise unless there is a draw.

        Raises
        ------
        InputError
            If there are no points, or no draws of them.
        """
        if not self.delta.size:
            raise InputError(
                f"There are {self.n_points} points with {self.n_draws} draws each: "
                "nothing to learn from. Draw some first."
            )

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Contributions":
        """Read the draws of a ledger.

        Raises
        ------
        LedgerError
            If the file cannot be read as a ledger.
        """
        # The ledger builds Contributions, so it cannot be imported before this class.
        from data_scaling.ledger import read_contributions

        contributions: Contributions = read_contributions(path)
        return contributions


def find_points(known: IntArray, asked: ArrayLike) -> IntArray:
    """Return the row of each asked point.

    Parameters
    ----------
    known : (n_points,) intp array
        Distinct indices of points in the pool, in the order of the rows.
    asked : (n_asked,) array_like of int
        Indices of points in the pool.

    Returns
    -------
    (n_asked,) intp array
        Position of each asked point in ``known``.

    Raises
    ------
    InputError
        If a point is not among the known ones.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import find_points
    >>> find_points(np.array([7, 3, 5]), [5, 7]).tolist()
    [2, 0]
    """
    wanted = np.atleast_1d(np.asarray(asked))
    if wanted.size == 0:
        return np.empty(0, dtype=np.intp)
    if wanted.dtype.kind not in "iu" or wanted.ndim != 1:
        raise InputError(
            f"points has shape {wanted.shape} and dtype {wanted.dtype}. Give a list of "
            "integers, the indices of points in the pool."
        )
    unknown = np.setdiff1d(wanted, known)
    if unknown.size:
        raise InputError(
            f"{unknown.size} of the asked points are not here, the first is "
            f"{unknown[0]}; there are {known.size} points. Ask for points that were "
            "drawn, see .points."
        )
    order = np.argsort(known, kind="stable")
    rows: IntArray = order[np.searchsorted(known, wanted, sorter=order)]
    return rows


def check_row_ids(row_ids: ArrayLike | None, points: IntArray) -> NDArray[Any]:
    """Return one identifier per point, the index in the pool where none is given.

    Raises
    ------
    InputError
        If there is not one integer or string per point.
    """
    if row_ids is None:
        return points
    array = np.asarray(row_ids)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iuU" or array.shape != points.shape:
        raise InputError(
            f"row_ids has shape {array.shape} and dtype {array.dtype}, but there are "
            f"{len(points)} points. Give one integer or string per point."
        )
    return array


class HasOrigin(Protocol):
    """Draws or laws, which say the dataset that they are of."""

    @property
    def dataset(self) -> str:
        """Name of the dataset, or nothing."""

    @property
    def fingerprint(self) -> str:
        """Digest of the dataset, or nothing."""


def check_same_dataset(
    what: str, known: HasOrigin, dataset: str, fingerprint: str
) -> None:
    """Raise unless draws or laws are of the dataset that they are set beside.

    Where one of the two has no fingerprint, nothing is known and nothing refused.

    Parameters
    ----------
    what : str
        What is known, for the error: ``"laws"``.
    known : HasOrigin
        Draws or laws.
    dataset, fingerprint : str
        Name and digest of the other one's dataset.

    Raises
    ------
    InputError
        If the fingerprints differ.

    Examples
    --------
    >>> from data_scaling.contributions import Contributions, check_same_dataset
    >>> draws = Contributions([[0.1]], [9], dataset="wine", fingerprint="f1")
    >>> check_same_dataset("draws", draws, "wine", "f1")
    """
    if known.fingerprint and fingerprint and known.fingerprint != fingerprint:
        raise InputError(
            f"The {what} are of the dataset {known.dataset or 'without a name'} "
            f"(fingerprint {known.fingerprint}), but {dataset or 'a dataset'} "
            f"(fingerprint {fingerprint}) was given beside them. Give parts that "
            "belong together, of one dataset and one split."
        )


def _check_draws(
    delta: ArrayLike, cardinality: ArrayLike, points: ArrayLike | None
) -> tuple[FloatArray, Int32Array, IntArray]:
    values = np.asarray(delta, dtype=np.float64)
    if values.ndim != 2:
        raise InputError(
            f"delta has shape {values.shape}. Give a matrix of points by draws."
        )
    n_infinite = int(np.count_nonzero(np.isinf(values)))
    if n_infinite:
        where = tuple(int(i) for i in np.argwhere(np.isinf(values))[0])
        raise InputError(
            f"delta holds {n_infinite} infinite values, the first at index {where}. "
            "Mark draws that failed by NaN."
        )
    sizes = _check_sizes(cardinality, values.shape)
    given = np.arange(len(values)) if points is None else np.asarray(points)
    if given.size == 0:
        given = given.astype(np.intp)
    if given.shape != (len(values),) or given.dtype.kind not in "iu":
        raise InputError(
            f"points has shape {given.shape} and dtype {given.dtype}, but delta has "
            f"{len(values)} rows. Give one integer per row."
        )
    repeated = np.sort(given)[1:][np.diff(np.sort(given)) == 0]
    if repeated.size:
        raise InputError(f"Point {repeated[0]} stands twice. Give each point one row.")
    return values, sizes, given.astype(np.intp, copy=False)


def _check_coalitions(coalitions: LearningCurve | None, shape: tuple[int, ...]) -> None:
    n_points, n_draws = shape
    if coalitions is None or coalitions.n_draws in (n_draws, n_draws * n_points):
        return
    raise InputError(
        f"There are {coalitions.n_draws} coalitions, but delta has shape {shape}. Give "
        f"one for each of the {n_draws} draws, or one for each point and draw."
    )


def _check_sizes(cardinality: ArrayLike, shape: tuple[int, ...]) -> Int32Array:
    given = np.asarray(cardinality)
    if given.shape not in (shape, shape[1:]):
        raise InputError(
            f"cardinality has shape {given.shape}, but delta has shape {shape}. Give "
            "one size per draw."
        )
    if given.size == 0:
        return np.empty(shape, dtype=np.int32)
    with np.errstate(invalid="ignore"):  # NaN becomes a number, and is refused below
        sizes = given.astype(np.int32, copy=False)
    if given.dtype.kind not in "iuf" or not np.array_equal(sizes, given):
        raise InputError(
            f"cardinality has dtype {given.dtype} and holds values that are not "
            "integers of 32 bits. Give the number of points in each coalition."
        )
    if sizes.min() < 1:
        raise InputError(
            f"cardinality holds {sizes.min()}. Sizes are at least 1, as the law has no "
            "value at 0."
        )
    return np.broadcast_to(sizes, shape)
