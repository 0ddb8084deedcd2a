r"""Power laws, the family of the paper.

.. math:: \psi_k(z) = c\,k^{-\alpha}, \qquad
    \mathrm{Var}[\Delta(z, D) : |D| = k] = \sigma^2 k^{-\beta}.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from data_scaling._typing import BoolArray, FloatArray, Int32Array, IntArray
from data_scaling.contributions import Contributions, find_points
from data_scaling.laws.arrays import (
    check_arrays,
    describe_laws,
    half_width,
    log_sizes,
    select_rows,
    shape_of,
    tabulate,
    weight_below_zero,
)
from data_scaling.laws.notebook import to_html
from data_scaling.laws.storage import save_laws

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

PARAMETERS = ("c", "alpha", "sigma", "beta")
# Logarithm of the sum of squares that is allowed, at most: the exponential of more is
# no number.
_MOST_ALLOWED = 600.0
# Points whose cells are looked at together, so that a million take little memory.
_BLOCK_POINTS = 2**13


@final
@dataclass(frozen=True, eq=False, repr=False)
class PowerLaws:
    r"""One power law per point, with the uncertainty of its four parameters.

    Parameters
    ----------
    points : (n_points,) intp array
        Index of each point in the pool.
    c, sigma : (n_points,) float64 array
        Signed scale of the mean, and scale of the standard deviation of one draw, in
        units of the utility at ``k = 1``.
    alpha, beta : (n_points,) float64 array
        Exponents of the mean and of the variance; NaN where psi is 0.
    covariance : (n_points, 4, 4) float64 array
        Covariance of the estimates of (c, alpha, sigma, beta).
    status : (n_points,) int8 array
        Value of the :class:`FitStatus` of each point.
    n_draws : (n_points,) int32 array
        Number of usable draws behind each law.
    cardinality_range : (n_points, 2) int32 array
        Smallest and largest size among those draws; beyond them psi is an
        extrapolation. 0 where there is no draw.
    freedom : (n_points,) float64 array, optional
        Degrees of freedom of the intervals' Student's t; by default ``n_draws - 4``,
        and at least 1.
    cells : (n_points, n_cells, 4) float64 array, optional
        Laws around the estimate that the draws allow, for intervals by the likelihood
        ratio: for each cell alpha; the likeliest c given alpha; the width w in c; and
        the sum of squares q, relative to the smallest. A c is allowed where
        ``q + ((c - c_cell) / w)^2`` is at most ``exp(t^2 / freedom)``, with t the
        quantile of Student's t. NaN for a point, or no cells, for intervals by the
        standard error.
    dataset, fingerprint : str, optional
        Name and digest of the dataset that the points are of.
    row_ids : (n_points,) int or str array, optional
        Identifier of each point in the user's own table; the index in the pool by
        default.

    Raises
    ------
    InputError
        If the shapes disagree.

    Notes
    -----
    Standard errors of psi come from the delta method. What was measured of the
    intervals' coverage stands with
    :class:`~data_scaling.estimators.LikelihoodEstimator`.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.laws import PowerLaws
    >>> laws = PowerLaws(
    ...     points=np.array([4]), c=np.array([8.0]), alpha=np.array([1.5]),
    ...     sigma=np.array([1.0]), beta=np.array([2.0]),
    ...     covariance=np.diag([0.04, 0, 0, 0])[None], status=np.array([0]),
    ...     n_draws=np.array([100]), cardinality_range=np.array([[10, 1000]]),
    ... )
    >>> laws.psi([1, 100]).round(6).tolist()
    [[8.0, 0.008]]
    >>> laws.psi_std(100).round(6).tolist(), laws.noise_std(100).round(6).tolist()
    ([0.0002], [0.01])
    """

    points: IntArray
    c: FloatArray
    alpha: FloatArray
    sigma: FloatArray
    beta: FloatArray
    covariance: FloatArray
    status: NDArray[np.int8]
    n_draws: Int32Array
    cardinality_range: Int32Array
    freedom: FloatArray = None  # type: ignore[assignment]  # filled in __post_init__
    cells: FloatArray = None  # type: ignore[assignment]  # filled in __post_init__
    dataset: str = ""
    fingerprint: str = ""
    row_ids: NDArray[Any] = None  # type: ignore[assignment]  # filled in __post_init__

    def __post_init__(self) -> None:
        if self.freedom is None:
            freedom = np.maximum(np.asarray(self.n_draws) - 4.0, 1.0)
            object.__setattr__(self, "freedom", freedom)
        if self.cells is None:
            n_points = len(np.atleast_1d(self.points))
            object.__setattr__(self, "cells", np.empty((n_points, 0, 4)))
        n_cells = np.shape(self.cells)[1] if np.ndim(self.cells) == 3 else 0
        check_arrays(self, {"covariance": (4, 4), "cells": (n_cells, 4)})

    def __repr__(self) -> str:
        """Return the number of points and how their fits ended."""
        return describe_laws(self)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.points)

    def __getitem__(self, rows: Any) -> "PowerLaws":
        """Return the laws of some rows: a mask, positions, a slice or a number."""
        return PowerLaws(**select_rows(self, rows))

    def take(self, points: ArrayLike) -> "PowerLaws":
        """Return the laws of some points, named by their index in the pool.

        Raises
        ------
        InputError
            If a point has no law here.
        """
        return self[find_points(self.points, points)]

    def psi(self, k: ArrayLike) -> FloatArray:
        """Return the expected contribution at size k, in units of the utility.

        Parameters
        ----------
        k : float or (n_k,) or (n_points, n_k) array_like
            Sizes, at least 1 and finite; they need not be whole.

        Returns
        -------
        (n_points,) or (n_points, n_k) float64 array
            NaN for a point without a law.

        Raises
        ------
        InputError
            If a size is below 1 or has a wrong shape.
        """
        log_k = log_sizes(k, len(self))
        return _scaled_power(self.c, self.alpha, log_k).reshape(shape_of(k, len(self)))

    def psi_std(self, k: ArrayLike) -> FloatArray:
        """Return the standard error of psi, by the delta method; shapes as in psi."""
        log_k = log_sizes(k, len(self))
        psi = _scaled_power(self.c, self.alpha, log_k)
        by_c = _scaled_power(np.ones(len(self)), self._exponents(), log_k)
        by_alpha = -psi * log_k
        of_c, of_both, of_alpha = (
            self.covariance[:, i, j, None] for i, j in ((0, 0), (0, 1), (1, 1))
        )
        variance = (
            of_c * by_c**2 + 2 * of_both * by_c * by_alpha + of_alpha * by_alpha**2
        )
        # Two terms cancel where psi is known best; rounding may leave less than 0.
        return np.sqrt(np.maximum(variance, 0.0)).reshape(shape_of(k, len(self)))

    def noise_std(self, k: ArrayLike) -> FloatArray:
        """Return the standard deviation of one draw at size k; shapes as in psi."""
        log_k = log_sizes(k, len(self))
        return _scaled_power(self.sigma, self.beta / 2, log_k).reshape(
            shape_of(k, len(self))
        )

    def interval(
        self, k: ArrayLike, level: float = 0.95
    ) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper ends of intervals for psi; shapes as in psi.

        Parameters
        ----------
        k : float or array_like
            Sizes, as for psi.
        level : float
            Probability with which an interval is to cover psi, between 0 and 1.

        Raises
        ------
        InputError
            If the level is not between 0 and 1.
        """
        psi = self.psi(k)
        half = half_width(self.psi_std(k), self._freedom(k), level)
        low, high = psi - half, psi + half
        rows = np.flatnonzero(self._has_cells())
        has_own_sizes = np.ndim(k) == 2 and len(np.asarray(k)) == len(self)
        for first in range(0, len(rows), _BLOCK_POINTS):
            some = rows[first : first + _BLOCK_POINTS]
            sizes = np.asarray(k)[some] if has_own_sizes else k
            low[some], high[some] = self[some]._allow(sizes, level)
        return low, high

    def exponent(self, k: ArrayLike) -> FloatArray:
        """Return the local exponent, which is alpha at every size; shapes as in psi."""
        log_k = log_sizes(k, len(self))
        return np.broadcast_to(self.alpha[:, None], log_k.shape).reshape(
            shape_of(k, len(self))
        )

    def probability_negative(self, k: ArrayLike) -> FloatArray:
        """Return how sure it is that psi is below 0; shapes as in psi.

        It is one less the level of the one-sided interval that ends at 0, and 0 for a
        point whose psi is exactly 0.
        """
        psi = self.psi(k)
        below = weight_below_zero(psi, self.psi_std(k), self._freedom(k))
        has_cells = self._has_cells()
        if has_cells.any():
            _, c, width, least = np.moveaxis(self.cells[has_cells], -1, 0)
            ratio = np.min(least + (c / width) ** 2, axis=1)
            freedom = self.freedom[has_cells]
            score = np.sqrt(freedom * np.log(np.maximum(ratio, 1.0)))
            tail = np.asarray(stats.t.cdf(-score, freedom))
            positive = psi[has_cells].T > 0
            below[has_cells] = np.where(positive, tail, 1.0 - tail).T
        return below

    def tangent(self, k: float) -> "PowerLaws":
        """Return the power laws that touch these laws at size k: these laws."""
        log_sizes(k, len(self))
        return self

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per point.

        Its columns are the point and its row; c, alpha, sigma, beta and their standard
        errors (``c_std``, ...); n_draws, min_cardinality, max_cardinality and status.
        """
        std = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))
        columns: dict[str, Any] = {name: getattr(self, name) for name in PARAMETERS}
        columns |= {f"{name}_std": std[:, i] for i, name in enumerate(PARAMETERS)}
        return tabulate(self, columns)

    def plot(
        self, point: int, contributions: Contributions | None = None
    ) -> tuple["Figure", "pd.DataFrame"]:
        """Show the law of a point, and its draws if given; return figure and table.

        It is :func:`data_scaling.plotting.plot_law`, which needs the extra ``plot``.
        """
        # Figures stand above laws, so they are imported when one is asked for.
        from data_scaling.plotting import plot_law

        return plot_law(self, point, contributions)

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return to_html(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the laws to one ``.npz`` file that ``load_laws`` reads."""
        save_laws(path, "power", self)

    def _exponents(self) -> FloatArray:
        """Exponents of the mean, 0 where psi is 0 at every size and has none."""
        return np.where((self.c == 0) & np.isnan(self.alpha), 0.0, self.alpha)

    def _freedom(self, k: ArrayLike) -> FloatArray:
        """Degrees of freedom, broadcasting against psi(k)."""
        return self.freedom[:, None] if np.ndim(k) else self.freedom

    def _has_cells(self) -> BoolArray:
        if not self.cells.shape[1]:
            return np.zeros(len(self), dtype=np.bool_)
        return np.asarray(np.isfinite(self.cells[:, 0, 0]))

    def allowed_scales(
        self, level: float = 0.95
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the values of c that draws allow beside each exponent of the cells.

        The interval for psi at size k is the hull of ``[low, high] * k**-alpha`` over
        the cells, and of psi itself.

        Parameters
        ----------
        level : float
            Probability with which an interval is to cover psi, between 0 and 1.

        Returns
        -------
        alpha, low, high : (n_points, n_cells) float64 array
            Exponents, and the ends of c in units of the utility; infinity and minus
            infinity where no c is allowed, NaN for a point without cells.

        Raises
        ------
        InputError
            If the level is not between 0 and 1.
        """
        quantile = half_width(np.ones(len(self)), self.freedom, level)
        bound = np.exp(np.minimum(quantile**2 / self.freedom, _MOST_ALLOWED))
        alpha, c, width, least = np.moveaxis(self.cells, -1, 0)
        room = bound[:, None] - least
        half = width * np.sqrt(np.maximum(room, 0.0))
        low = np.where(room < 0, np.inf, c - half)
        return alpha, low, np.where(room < 0, -np.inf, c + half)

    def _allow(self, k: ArrayLike, level: float) -> tuple[FloatArray, FloatArray]:
        """Return the ends of the intervals that the cells allow; shapes as in psi."""
        alpha, lower, upper = self.allowed_scales(level)
        log_k = log_sizes(k, len(self))
        low, high = np.empty((2, *log_k.shape))
        closed = np.isinf(lower)
        lower, upper = np.where(closed, 0.0, lower), np.where(closed, 0.0, upper)
        for place in range(log_k.shape[1]):
            fall = np.exp(-alpha * log_k[:, place, None])
            low[:, place] = np.where(closed, np.inf, lower * fall).min(axis=1)
            high[:, place] = np.where(closed, -np.inf, upper * fall).max(axis=1)
        psi = _scaled_power(self.c, self._exponents(), log_k)
        shape = shape_of(k, len(self))
        return np.minimum(low, psi).reshape(shape), np.maximum(high, psi).reshape(shape)


def _scaled_power(
    scale: FloatArray, exponent: FloatArray, log_k: FloatArray
) -> FloatArray:
    # A scale of 0 is 0 at every size, also where it has no exponent.
    rate = np.where(scale == 0, 0.0, exponent)
    power: FloatArray = scale[:, None] * np.exp(-rate[:, None] * log_k)
    return power
