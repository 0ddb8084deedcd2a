r"""A grid over (alpha, beta) that finds every basin of the profiled likelihood.

On a lattice with equal steps :math:`s` in both exponents, the sum of squares is

.. math:: S = A(\beta) - B(\beta - \alpha)^2 / C(\beta - 2 \alpha), \quad
    A(p) = \sum_j k_j^p \Delta_j^2,\;
    B(p) = \sum_j k_j^p \Delta_j,\;
    C(p) = \sum_j k_j^p,

and all exponents :math:`p` are multiples of :math:`s`: one chain of products
:math:`k^p k^s = k^{p+s}` serves the whole grid.
"""

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.estimators.profile import ScaledDraws


def find_basins(
    draws: ScaledDraws, max_exponent: float, n_steps: int, max_basins: int
) -> tuple[IntArray, FloatArray]:
    """Return the lowest local minima of the grid as starts.

    Parameters
    ----------
    draws : ScaledDraws
        Draws of a block of points that fits the cache.
    max_exponent : float
        The grid covers [0, max_exponent] in both exponents.
    n_steps : int
        Number of steps of the grid.
    max_basins : int
        Largest number of starts per point.

    Returns
    -------
    rows : (n_starts,) intp array
        Row of the point of each start, ascending; every point has at least one.
    starts : (n_starts, 2) float64 array
        Exponents alpha and beta.
    """
    squares = sum_squares_on_grid(draws, max_exponent / n_steps, n_steps)
    minimum = _is_local_minimum(squares)
    n_points = squares.shape[-1]
    lowest = np.where(minimum, squares, np.inf).reshape(-1, n_points).T
    rows, cells = np.nonzero(minimum.reshape(-1, n_points).T)
    counts = np.bincount(rows, minlength=n_points)
    crowded = np.flatnonzero(counts > max_basins)
    if crowded.size:
        bound = np.full(n_points, np.inf)
        bound[crowded] = np.partition(lowest[crowded], max_basins - 1, axis=1)[
            :, max_basins - 1
        ]
        kept = lowest[rows, cells] <= bound[rows]
        rows, cells = rows[kept], cells[kept]
    starts = np.stack(np.divmod(cells, n_steps + 1), axis=1)
    return rows, starts * (max_exponent / n_steps)


def sum_squares_on_grid(draws: ScaledDraws, step: float, n_steps: int) -> FloatArray:
    """Evaluate S at alpha = i step, beta = j step for i, j = 0..n_steps.

    Returns
    -------
    (n_steps + 1, n_steps + 1, n_points) float64 array
        Weighted sums of squared residuals, c profiled out; axes alpha, beta, points.
    """
    alpha, beta = np.arange(n_steps + 1)[:, None], np.arange(n_steps + 1)[None, :]
    lowest = -2 * n_steps
    n_points = len(draws.delta)
    sums = np.zeros((3 * n_steps + 1, n_points))
    products = np.zeros((2 * n_steps + 1, n_points))
    squares = np.zeros((n_steps + 1, n_points))
    squared_delta = draws.delta**2
    power = np.exp(lowest * step * draws.log_k)
    ratio = np.exp(step * draws.log_k)
    if draws.usable is not None:
        power *= draws.usable
    for exponent in range(lowest, n_steps + 1):
        power.sum(axis=1, out=sums[exponent - lowest])
        if exponent >= -n_steps:
            np.einsum("ij,ij->i", power, draws.delta, out=products[exponent + n_steps])
        if exponent >= 0:
            np.einsum("ij,ij->i", power, squared_delta, out=squares[exponent])
        power *= ratio
    grid: FloatArray = products[beta - alpha + n_steps]
    grid *= grid
    grid /= sums[beta - 2 * alpha - lowest]
    np.subtract(squares[None], grid, out=grid)
    return grid


def _is_local_minimum(grid: FloatArray) -> BoolArray:
    """Tell which cells are no higher than their eight neighbours."""
    along = np.minimum(grid[1:], grid[:-1])
    by_alpha = grid.copy()
    np.minimum(by_alpha[1:], along, out=by_alpha[1:])
    np.minimum(by_alpha[:-1], along, out=by_alpha[:-1])
    around = by_alpha.copy()
    np.minimum(around[:, 1:], by_alpha[:, :-1], out=around[:, 1:])
    np.minimum(around[:, :-1], by_alpha[:, 1:], out=around[:, :-1])
    minimum: BoolArray = grid <= around
    return minimum
