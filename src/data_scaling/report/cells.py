"""The map of more points than a page can draw: cells of a grid, each with its mean.

Every point with an exponent is in a cell, by its exponent, its log10|c| and its sign.
The mean psi of a cell is computed from all its points at each size of the slider.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.laws import ScalingLaws

N_COLUMNS: Final = 64
N_ROWS: Final = 44
# Points that are looked at together, so that a million take little memory.
_BLOCK_POINTS: Final = 2**15


@dataclass(frozen=True, eq=False)
class Place:
    """Where points lie on the map.

    Attributes
    ----------
    alpha, log_c : (n_points,) float64 array
        Exponent and log10|c| of the power law that touches each law at the reference
        size; NaN for a point without.
    is_positive : (n_points,) bool array
        Whether c is positive.
    x_range, y_range : (float, float)
        Part of the map that is shown first: nearly all points, without the farthest.
    """

    alpha: FloatArray
    log_c: FloatArray
    is_positive: BoolArray
    x_range: tuple[float, float]
    y_range: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells with at least one point.

    Attributes
    ----------
    x, y : (n_cells,) float64 array
        Centres.
    width, height : float
        Of every cell.
    is_positive : (n_cells,) uint8 array
        Whether its points have a positive c.
    count : (n_cells,) uint32 array
        Number of points; those outside of the map count in the cells at its edge.
    psi : (n_sizes, n_cells) float64 array
        Mean psi at each size.
    sure : (n_sizes, n_cells) float64 array
        Share of points whose 95 % interval does not hold 0.
    """

    x: FloatArray
    y: FloatArray
    width: float
    height: float
    is_positive: NDArray[np.uint8]
    count: NDArray[np.uint32]
    psi: FloatArray
    sure: FloatArray


def place_points(laws: ScalingLaws, reference: float) -> Place:
    """Return the exponent and log10|c| of every point at a reference size."""
    tangent = laws.tangent(reference)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_c = np.log10(np.abs(tangent.c))
    known = np.isfinite(log_c) & np.isfinite(tangent.alpha)
    alpha = np.where(known, tangent.alpha, np.nan)
    log_c = np.where(known, log_c, np.nan)
    return Place(
        alpha, log_c, tangent.c > 0, trim_range(alpha[known]), trim_range(log_c[known])
    )


def trim_range(values: FloatArray) -> tuple[float, float]:
    """Return a range that holds nearly all values, with a margin."""
    if not values.size:
        return 0.0, 1.0
    low, middle, high = np.quantile(values, [0.03, 0.5, 0.97])
    low = max(float(values.min()), middle - 1.3 * (middle - low))
    high = min(float(values.max()), middle + 1.3 * (high - middle))
    margin = 0.06 * (high - low) or 0.5
    return float(low - margin), float(high + margin)


def fill_cells(laws: ScalingLaws, place: Place, sizes: FloatArray) -> Cells:
    """Put all points into cells, and average psi in each at every size.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of all points.
    place : Place
        Where they lie.
    sizes : (n_sizes,) float64 array
        Sizes to average at.
    """
    rows = np.flatnonzero(np.isfinite(place.alpha))
    column = _bin(place.alpha[rows], place.x_range, N_COLUMNS)
    line = _bin(place.log_c[rows], place.y_range, N_ROWS)
    key = (line * N_COLUMNS + column) * 2 + place.is_positive[rows]
    found, member, count = np.unique(key, return_inverse=True, return_counts=True)
    shape = (len(sizes), len(found))
    psi, sure = np.zeros(shape), np.zeros(shape)
    for first in range(0, len(rows), _BLOCK_POINTS):
        block = slice(first, first + _BLOCK_POINTS)
        some, own = laws[rows[block]], member[block]
        low, high = some.interval(sizes)
        for totals, values in ((psi, some.psi(sizes)), (sure, (low > 0) | (high < 0))):
            for j, at_size in enumerate(values.T):
                totals[j] += np.bincount(own, at_size, len(found))
    width = (place.x_range[1] - place.x_range[0]) / N_COLUMNS
    height = (place.y_range[1] - place.y_range[0]) / N_ROWS
    cell = found // 2
    return Cells(
        x=place.x_range[0] + (cell % N_COLUMNS + 0.5) * width,
        y=place.y_range[0] + (cell // N_COLUMNS + 0.5) * height,
        width=width,
        height=height,
        is_positive=(found % 2).astype(np.uint8),
        count=count.astype(np.uint32),
        psi=psi / count,
        sure=sure / count,
    )


def _bin(values: FloatArray, ends: tuple[float, float], n_bins: int) -> IntArray:
    share = (values - ends[0]) / (ends[1] - ends[0])
    return np.clip(np.floor(share * n_bins), 0, n_bins - 1).astype(np.intp)
