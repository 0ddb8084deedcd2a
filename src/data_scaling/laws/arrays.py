"""Sizes, intervals and arrays: what all families of laws treat alike."""

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray
from data_scaling.contributions import check_row_ids
from data_scaling.errors import InputError
from data_scaling.laws.status import FitStatus

if TYPE_CHECKING:
    import pandas as pd

_DTYPES: Mapping[str, Any] = {
    "points": np.intp,
    "status": np.int8,
    "n_draws": np.int32,
    "cardinality_range": np.int32,
}


def log_sizes(k: ArrayLike, n_points: int) -> FloatArray:
    """Return the logarithms of the sizes, (n_points, n_k).

    Raises
    ------
    InputError
        If a size is below 1 or not finite, or the shape fits no number of points.
    """
    sizes = np.asarray(k, dtype=np.float64)
    if sizes.ndim > 2 or (sizes.ndim == 2 and len(sizes) not in (1, n_points)):
        raise InputError(
            f"k has shape {sizes.shape}, but there are {n_points} points. Give a "
            "number, a list of sizes, or one row of sizes per point."
        )
    if not (np.isfinite(sizes) & (sizes >= 1)).all():
        raise InputError(
            f"k holds {sizes.min() if sizes.size else k}. Give finite sizes of at "
            "least 1."
        )
    n_k = sizes.shape[-1] if sizes.ndim else 1
    return np.broadcast_to(np.log(sizes), (n_points, n_k))


def shape_of(k: ArrayLike, n_points: int) -> tuple[int, ...]:
    """Return the shape of a result at sizes k: one number per point and size."""
    return (n_points, *np.shape(k)[-1:])


def half_width(std: FloatArray, freedom: FloatArray, level: float) -> FloatArray:
    """Return half the width of intervals of Student's t.

    Raises
    ------
    InputError
        If the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise InputError(f"level is {level}. Give a number between 0 and 1.")
    return np.asarray(std * stats.t.ppf((1 + level) / 2, freedom))


def weight_below_zero(
    psi: FloatArray, std: FloatArray, freedom: FloatArray
) -> FloatArray:
    """Return the weight below 0 of Student's t; 0 where psi is exactly 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.asarray(stats.t.cdf(-psi / std, freedom))
    return np.where((psi == 0) & (std == 0), 0.0, below)


def check_arrays(laws: Any, tails: Mapping[str, tuple[int, ...]]) -> None:
    """Bring the arrays of laws to their types and make them read-only.

    Parameters
    ----------
    laws : dataclass
        Its array fields have one entry per point.
    tails : dict of str to tuple of int
        Shape of one point's entry, for the fields where it is no single number.

    Raises
    ------
    InputError
        If a shape disagrees.
    """
    points = np.atleast_1d(np.asarray(laws.points))
    object.__setattr__(laws, "row_ids", check_row_ids(laws.row_ids, points))
    for name in ("dataset", "fingerprint"):
        object.__setattr__(laws, name, str(getattr(laws, name)))
    n_points = len(points)
    tails = {"cardinality_range": (2,), **tails}
    for name in array_names(laws):
        given = np.asarray(getattr(laws, name))
        dtype = given.dtype if name == "row_ids" else _DTYPES.get(name, np.float64)
        array = given.astype(dtype, copy=False).view()
        expected = (n_points, *tails.get(name, ()))
        if array.shape != expected:
            raise InputError(
                f"{name} has shape {array.shape}, but the laws of {n_points} points "
                f"need {expected}. Give one entry per point."
            )
        array.setflags(write=False)
        object.__setattr__(laws, name, array)


def describe_laws(laws: Any) -> str:
    """Return one line for people: how many points, and how their fits ended."""
    counts = {status: int(np.sum(laws.status == status)) for status in FitStatus}
    ends = ", ".join(f"{n} {status.label}" for status, n in counts.items() if n)
    return f"<{type(laws).__name__} of {len(laws)} points: {ends}>"


def array_names(laws: Any) -> list[str]:
    """Return the names of the fields that have one entry per point."""
    return [field.name for field in fields(laws) if field.name not in SCALARS]


#: Fields that all points share.
SCALARS = ("powers", "base_cardinality", "dataset", "fingerprint")


def select_rows(laws: Any, rows: Any) -> dict[str, Any]:
    """Return the fields of some rows: a mask, positions, a slice or a number."""
    kept = np.atleast_1d(np.arange(len(laws))[rows])
    return {
        field.name: getattr(laws, field.name)
        if field.name in SCALARS
        else getattr(laws, field.name)[kept]
        for field in fields(laws)
    }


def name_points(laws: Any) -> dict[str, NDArray[Any]]:
    """Return the columns that name points in a table: index in the pool, and row."""
    return {"point": laws.points, "row": laws.row_ids}


def tabulate(laws: Any, own: Mapping[str, NDArray[Any]]) -> "pd.DataFrame":
    """Return a table with one row per point, from the columns of a family's own.

    Before them stand the point and its row; after them n_draws, min_cardinality,
    max_cardinality and status.
    """
    labels = {status.value: status.label for status in FitStatus}
    columns: dict[str, Any] = {**name_points(laws), **own}
    columns["n_draws"] = laws.n_draws
    columns["min_cardinality"] = laws.cardinality_range[:, 0]
    columns["max_cardinality"] = laws.cardinality_range[:, 1]
    columns["status"] = [labels[int(value)] for value in laws.status]
    table: pd.DataFrame = require_extra("pandas", "data").DataFrame(columns)
    return table
