"""Means of draws at a few sizes: what laws are regressed on, or judged by."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._typing import BoolArray, FloatArray, Int32Array, IntArray
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError

N_SIZES = 10


@dataclass(frozen=True, eq=False)
class SizeMeans:
    """Mean and variance of every point's draws at some sizes.

    Attributes
    ----------
    cardinality : (n_sizes,) float64 array
        Sizes, ascending; a size stands for the draws nearest to it in ratio.
    group : (n_points, n_draws) intp array
        Position of the size that each draw belongs to.
    n_draws : (n_points, n_sizes) intp array
        Usable draws behind each mean.
    mean, mean_std : (n_points, n_sizes) float64 array
        Mean of the draws and its standard error, in units of the utility; NaN below
        one and two draws.
    variance : (n_points, n_sizes) float64 array
        Variance of single draws, in squared units of the utility; NaN below two draws.
    """

    cardinality: FloatArray
    group: IntArray
    n_draws: IntArray
    mean: FloatArray
    mean_std: FloatArray
    variance: FloatArray


def average_by_size(
    contributions: Contributions, cardinalities: ArrayLike | None = None
) -> SizeMeans:
    """Average the draws of every point at a few sizes.

    Parameters
    ----------
    contributions : Contributions
        Draws of a staggered plan, or of a range of sizes.
    cardinalities : (n_sizes,) array_like, optional
        Sizes to group the draws by, each draw at the nearest one in ratio; by default
        ten sizes spaced evenly in ratio over the range of the draws.

    Raises
    ------
    InputError
        If there are no draws, or a size is below 1 or given twice.

    Examples
    --------
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.size_means import average_by_size
    >>> draws = Contributions([[1.0, 3.0, 8.0]], [10, 10, 20])
    >>> average_by_size(draws, [10, 20]).mean.tolist()
    [[2.0, 8.0]]
    """
    sizes = _check_sizes(cardinalities, contributions)
    group = _find_nearest(sizes, contributions.cardinality)
    usable = np.isfinite(contributions.delta)
    columns = [
        _summarise(contributions.delta, usable & (group == j))
        for j in range(len(sizes))
    ]
    count, mean, variance = (np.column_stack(c) for c in zip(*columns, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_std = np.sqrt(variance / count)
    return SizeMeans(sizes, group, count.astype(np.intp), mean, mean_std, variance)


def space_sizes(smallest: int, largest: int, n_sizes: int) -> list[int]:
    """Return whole sizes spaced evenly in ratio, both ends included.

    They are rounded down, as the paper's are, and each is given once.

    Examples
    --------
    >>> space_sizes(100, 1000, 10)
    [100, 129, 166, 215, 278, 359, 464, 599, 774, 1000]
    """
    spaced = np.geomspace(smallest, largest, n_sizes)
    # A whole number may come out smaller by rounding.
    return [int(size) for size in np.unique(np.floor(spaced + 1e-9))]


def average_in_groups(values: FloatArray, chosen: BoolArray) -> FloatArray:
    """Return the mean of every row's chosen values, (n_points,); NaN where none is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sum(values, axis=1, where=chosen) / np.sum(chosen, axis=1))


def _check_sizes(
    cardinalities: ArrayLike | None, contributions: Contributions
) -> FloatArray:
    contributions.require_draws()
    if cardinalities is None:
        drawn = np.unique(contributions.cardinality)
        spaced = np.unique(np.geomspace(drawn[0], drawn[-1], N_SIZES).round())
        return spaced[np.unique(_find_nearest(spaced, drawn))]
    sizes = np.asarray(cardinalities, dtype=np.float64)
    if sizes.ndim != 1 or sizes.size == 0 or not (sizes >= 1).all():
        raise InputError(
            f"cardinalities is {cardinalities}. Give a list of sizes of at least 1."
        )
    distinct = np.unique(sizes)
    if distinct.size < sizes.size:
        raise InputError(
            f"cardinalities holds {sizes.size} sizes, but only {distinct.size} "
            "different ones. Give each size once."
        )
    return distinct


def _find_nearest(sizes: FloatArray, cardinality: Int32Array) -> IntArray:
    """Return the position of the size that is nearest in ratio to each cardinality."""
    between = np.sqrt(sizes[1:] * sizes[:-1])
    return np.searchsorted(between, cardinality, side="right")


def _summarise(
    delta: FloatArray, chosen: BoolArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return count, mean and variance of every point's chosen draws."""
    count = np.sum(chosen, axis=1)
    mean = average_in_groups(delta, chosen)
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = np.sum((delta - mean[:, None]) ** 2, axis=1, where=chosen)
        variance = np.where(count > 1, squares / (count - 1), np.nan)
    return count, mean, variance
