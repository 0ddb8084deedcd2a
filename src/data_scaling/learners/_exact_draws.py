"""Draws by learners that update one fit of a coalition for every point."""

from collections.abc import Callable
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
    inside = np.isin(points, coalition)
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
    return Draw(fitted.utility, delta, tuple(failures))


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
