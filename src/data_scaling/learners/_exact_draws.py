"""Draws by learners that update one fit of a coalition for every point."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.learners._descent import Sign
from data_scaling.learners._newton import SingularFitError
from data_scaling.learners.protocol import Draw


class FittedCoalition(Protocol):
    """A coalition that is fitted, and can be updated for points."""

    @property
    def utility(self) -> float:
        """U(D), in units of the metric."""

    @property
    def theta(self) -> FloatArray:
        """The coalition's parameters."""

    @property
    def chunk(self) -> int:
        """Number of points to be updated together."""

    def contributions(
        self, points: IntArray, sign: Sign, failures: list[str]
    ) -> FloatArray:
        """Return the contributions of points all outside (sign 1), or inside (-1).

        Failures are NaN, and a sentence more in ``failures``.
        """


def draw_by_updates(
    fit: Callable[[IntArray], FittedCoalition],
    codes: NDArray[Any],
    coalition: IntArray,
    points: IntArray,
    *,
    last_of_class: str,
) -> Draw:
    """Fit a coalition and update the fit for every asked point.

    Parameters
    ----------
    fit : callable
        Fits a coalition; it raises SingularFitError where that cannot be done.
    codes : (n_pool,) array
        Class codes of the pool.
    coalition : (k,) integer array
        Members, as indices in the pool.
    points : (n_points,) integer array
        Points asked for, inside the coalition or outside.
    last_of_class : str
        Why a member that is the only one of its class cannot be removed.
    """
    points = np.asarray(points, dtype=np.intp)
    delta = np.full(len(points), np.nan)
    try:
        fitted = fit(coalition)
    except SingularFitError as error:
        return Draw(float("nan"), delta, (str(error),))
    is_member = np.zeros(len(codes), dtype=bool)
    is_member[coalition] = True
    inside = is_member[points]
    counts = np.bincount(codes[coalition], minlength=int(codes.max()) + 1)
    last = inside & (counts[codes[points]] <= 1)
    failures: list[str] = []
    sides: list[tuple[Sign, BoolArray]] = [(1, ~inside), (-1, inside & ~last)]
    for sign, asked in sides:
        where = np.flatnonzero(asked)
        for low in range(0, len(where), fitted.chunk):
            chunk = where[low : low + fitted.chunk]
            delta[chunk] = fitted.contributions(points[chunk], sign, failures)
    failures += [last_of_class] * int(last.sum())
    return Draw(fitted.utility, delta, tuple(failures), model=fitted.theta)


class Search(Protocol):
    """Seeks the minimisers for points to be added (``sign`` 1) or removed (-1)."""

    def __call__(
        self, x: FloatArray, y: FloatArray, sign: Sign
    ) -> tuple[NDArray[Any], BoolArray]:
        """Return by how much each point changes the parameters.

        Parameters
        ----------
        x : (n_points, d) float64 array
            Features of the points; those to be removed are rows of the coalition.
        y : (n_points, ...) float64 array
            Their targets.
        sign : {1, -1}
            1 to add, -1 to remove.

        Returns
        -------
        change : (n_points, p) float array
            Minimisers less the coalition's own, in the search's coordinates.
        converged : (n_points,) bool array
            Whether the minimiser is within the tolerance.
        """


def search_in_turn(
    searches: Sequence[Search],
    score: Callable[[NDArray[Any], IntArray], FloatArray],
    x: FloatArray,
    y: FloatArray,
    sign: Sign,
    *,
    n_together: int,
) -> tuple[FloatArray, IntArray]:
    """Search for every point, by the next way where one does not finish it.

    Parameters
    ----------
    searches : sequence of Search
        Ways of searching, the quickest first.
    score : callable
        Turns changes of the parameters, and the rows of ``x`` that they are of, into
        changes of the utility, (n,); NaN where it cannot, which the next search may
        mend.
    x, y, sign
        As for :class:`Search`.
    n_together : int
        Number of points that are searched for together.

    Returns
    -------
    delta : (n_points,) float64 array
        Contributions.
    left : (n_left,) integer array
        Points that no search finished.
    """
    delta, left = np.empty(len(x)), np.arange(len(x))
    for search in searches:
        unfinished = [left[:0]]
        for low in range(0, len(left), n_together):
            rows = left[low : low + n_together]
            change, finished = search(x[rows], y[rows], sign)
            delta[rows[finished]] = sign * score(change[finished], rows[finished])
            finished[finished] = np.isfinite(delta[rows[finished]])
            unfinished.append(rows[~finished])
        left = np.concatenate(unfinished)
    return delta, left


def change_rows(
    x: FloatArray, y: FloatArray, row: FloatArray, target: FloatArray, sign: Sign
) -> tuple[FloatArray, FloatArray]:
    """Append one point to the rows, or delete the first row that equals it.

    Parameters
    ----------
    x : (k, p) float64 array
        Features of the rows.
    y : (k, ...) float64 array
        Their targets.
    row, target : (p,), (...) float64 array
        Features and target of the point.
    sign : {1, -1}
        1 to append, -1 to delete.
    """
    if sign == 1:
        return np.vstack([x, row]), np.concatenate([y, [target]])
    is_same = np.all(x == row, axis=1)
    is_same &= np.all((y == target).reshape(len(y), -1), axis=1)
    member = int(np.argmax(is_same))
    return np.delete(x, member, axis=0), np.delete(y, member, axis=0)
