r"""Ends of intervals by the likelihood ratio, as a page evaluates them at any size.

Such an interval is the hull of falling powers, :math:`a_j k^{-\alpha_j}` over the cells
that the draws allow, so that its ends have one sign at all sizes, and

.. math:: \log|\mathrm{end}(k)| = \max_j\,(\log|a_j(k_0)| - \alpha_j L)
    \quad\text{or}\quad \min_j\,(\ldots), \qquad L = \log(k / k_0),

the largest where the end is on its own side of 0 (a lower end below it), the smallest
where it is on the other side. Of the lines those are kept that are the extreme one at
some size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import BoolArray, FloatArray
from data_scaling.laws import PowerLaws, ScalingLaws
from data_scaling.report.parameters import LEVEL

# Points whose lines are compared pair by pair at a time.
_BLOCK_POINTS = 2000


@dataclass(frozen=True, eq=False)
class Ends:
    """One end of the intervals of n_points points.

    Attributes
    ----------
    sign : (n_points,) int8 array
        Sign of the end; 0 for a point whose interval is symmetric, and not written
        here.
    start : (n_points + 1,) uint32 array
        Where the lines of each point start.
    alpha, log_end : (n_lines,) float64 array
        Exponent of each line, and its logarithm at the reference size.
    """

    sign: NDArray[np.int8]
    start: NDArray[np.uint32]
    alpha: FloatArray
    log_end: FloatArray


def write_ends(
    laws: ScalingLaws, reference: float, largest: float
) -> tuple[Ends, Ends] | None:
    """Return the lower and upper ends, None if all intervals are symmetric.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of the points that a page lists.
    reference : float
        Size at which the lines have the logarithms that are written.
    largest : float
        Largest size that is asked for; the smallest is 1.
    """
    if not isinstance(laws, PowerLaws) or not laws.cells.shape[1]:
        return None
    has_cells = np.asarray(np.isfinite(laws.cells).all(axis=(1, 2)))
    alpha, low, high = laws.allowed_scales(LEVEL)
    span = -np.log(reference), np.log(largest / reference)
    log_k0 = np.log(reference)
    return (
        _write(alpha, low, -1, has_cells, log_k0, span),
        _write(alpha, high, 1, has_cells, log_k0, span),
    )


def _write(
    alpha: FloatArray,
    scale: FloatArray,
    side: int,
    has_cells: BoolArray,
    log_k0: float,
    span: tuple[float, float],
) -> Ends:
    """Return one end: side is -1 for the lower one, 1 for the upper one."""
    allowed = np.isfinite(scale) & has_cells[:, None]
    is_own_side = np.asarray((allowed & (side * scale > 0)).any(axis=1))
    sign = np.where(has_cells, np.where(is_own_side, side, -side), 0)
    # On the own side, lines on the other side are never the extreme one.
    usable = allowed & ((side * scale > 0) | ~is_own_side[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        height = np.log(np.abs(scale)) - alpha * log_k0
    usable &= np.isfinite(height)
    kept = np.zeros_like(usable)
    for first in range(0, len(alpha), _BLOCK_POINTS):
        rows = slice(first, first + _BLOCK_POINTS)
        upward = np.where(is_own_side[rows], 1.0, -1.0)[:, None]
        kept[rows] = _find_extreme(
            -upward * alpha[rows], upward * height[rows], usable[rows], span
        )
    start = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return Ends(
        sign.astype(np.int8), start.astype(np.uint32), alpha[kept], height[kept]
    )


def _find_extreme(
    slope: FloatArray, height: FloatArray, usable: BoolArray, span: tuple[float, float]
) -> BoolArray:
    """Say which lines are the highest of their row somewhere within a span.

    Parameters
    ----------
    slope, height : (n_rows, n_lines) float64 array
        Lines ``height + slope * L``.
    usable : (n_rows, n_lines) bool array
        Which of them count.
    span : (float, float)
        Ends of L.
    """
    height = np.where(usable, height, -np.inf)
    steeper = slope[:, None, :] - slope[:, :, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = height[:, None, :] - height[:, :, None]
        meeting = -rise / steeper
    # Line i is above j left of where they meet if j is steeper, right of it if flatter.
    until = np.where(steeper > 0, meeting, span[1]).min(axis=2)
    since = np.where(steeper < 0, meeting, span[0]).max(axis=2)
    beaten = (steeper == 0) & (rise > 0)
    first_of_equals = np.tril(np.ones(steeper.shape[1:], dtype=np.bool_), -1)
    beaten |= (steeper == 0) & (rise == 0) & first_of_equals
    reaches = (until >= since) & (until >= span[0]) & (since <= span[1])
    return np.asarray(usable & reaches & ~beaten.any(axis=2))
