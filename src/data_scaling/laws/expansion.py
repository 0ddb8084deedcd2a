r"""Expansions in falling powers of the size, of which a power law is an effective fit.

.. math:: \psi_k(z) = \sum_p a_p(z)\,(k/k_0)^{-p}, \qquad
    \mathrm{Var}[\Delta(z, D) : |D| = k] = s^2 (k/k_0)^{-\beta}.

The size :math:`k_0` is the same for all points. An expansion is linear in
its coefficients and can change its sign with the size, which a power law cannot.
"""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_scaling._typing import FloatArray, Int32Array, IntArray
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
from data_scaling.laws.power import PowerLaws
from data_scaling.laws.storage import save_laws

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# The posterior variance holds what is not known of the noise: its tails are normal.
_NORMAL = np.array(np.inf)


@final
@dataclass(frozen=True, eq=False, repr=False)
class ExpansionLaws:
    r"""One expansion per point, as the mean and covariance of its coefficients.

    Parameters
    ----------
    points : (n_points,) intp array
        Index of each point in the pool.
    powers : (n_powers,) float64 array
        Powers p of the expansion, the same for all points.
    base_cardinality : float
        Size :math:`k_0`.
    coefficients : (n_points, n_powers) float64 array
        Posterior mean of the coefficients, in units of the utility at k0.
    covariance : (n_points, n_powers, n_powers) float64 array
        Posterior covariance of the coefficients.
    noise : (n_points,) float64 array
        Standard deviation s of one draw at k0, in units of the utility.
    noise_exponent : (n_points,) float64 array
        Exponent beta of the variance of one draw.
    status : (n_points,) int8 array
        Value of the :class:`FitStatus` of each point.
    n_draws : (n_points,) int32 array
        Number of usable draws behind each law.
    cardinality_range : (n_points, 2) int32 array
        Smallest and largest size among those draws; 0 where there is no draw.
    dataset, fingerprint : str, optional
        Name and digest of the dataset that the points are of.
    row_ids : (n_points,) int or str array, optional
        Identifier of each point in the user's own table; the index in the pool by
        default.

    Raises
    ------
    InputError
        If the shapes disagree.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.laws import ExpansionLaws
    >>> laws = ExpansionLaws(
    ...     points=np.array([4]), powers=np.array([1.0, 2.0]), base_cardinality=100.0,
    ...     coefficients=np.array([[-1.0, 2.0]]), covariance=np.zeros((1, 2, 2)),
    ...     noise=np.array([3.0]), noise_exponent=np.array([2.0]),
    ...     status=np.array([0]), n_draws=np.array([50]),
    ...     cardinality_range=np.array([[50, 500]]),
    ... )
    >>> laws.psi([100, 200, 400]).round(6).tolist()
    [[1.0, 0.0, -0.125]]
    >>> laws.noise_std(200).round(6).tolist()
    [1.5]
    """

    points: IntArray
    powers: FloatArray
    base_cardinality: float
    coefficients: FloatArray
    covariance: FloatArray
    noise: FloatArray
    noise_exponent: FloatArray
    status: NDArray[np.int8]
    n_draws: Int32Array
    cardinality_range: Int32Array
    dataset: str = ""
    fingerprint: str = ""
    row_ids: NDArray[Any] = None  # type: ignore[assignment]  # filled in __post_init__

    def __post_init__(self) -> None:
        powers = np.asarray(self.powers, dtype=np.float64).view()
        powers.setflags(write=False)
        object.__setattr__(self, "powers", powers)
        object.__setattr__(self, "base_cardinality", float(self.base_cardinality))
        tails = {"coefficients": powers.shape, "covariance": powers.shape * 2}
        check_arrays(self, tails)

    def __repr__(self) -> str:
        """Return the number of points and how their fits ended."""
        return describe_laws(self)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.points)

    def __getitem__(self, rows: Any) -> "ExpansionLaws":
        """Return the laws of some rows: a mask, positions, a slice or a number."""
        return ExpansionLaws(**select_rows(self, rows))

    def take(self, points: ArrayLike) -> "ExpansionLaws":
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
        psi = np.einsum("nkp,np->nk", self._terms(k), self.coefficients)
        return np.asarray(psi.reshape(shape_of(k, len(self))))

    def psi_std(self, k: ArrayLike) -> FloatArray:
        """Return the posterior standard deviation of psi; shapes as in psi."""
        terms = self._terms(k)
        variance = np.einsum("nkp,npq,nkq->nk", terms, self.covariance, terms)
        # Terms of opposite sign may leave less than 0 by rounding.
        std = np.sqrt(np.maximum(variance, 0.0))
        return np.asarray(std.reshape(shape_of(k, len(self))))

    def noise_std(self, k: ArrayLike) -> FloatArray:
        """Return the standard deviation of one draw at size k; shapes as in psi."""
        ratio = log_sizes(k, len(self)) - np.log(self.base_cardinality)
        std = self.noise[:, None] * np.exp(-0.5 * self.noise_exponent[:, None] * ratio)
        return np.asarray(std.reshape(shape_of(k, len(self))))

    def interval(
        self, k: ArrayLike, level: float = 0.95
    ) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper ends of intervals for psi; shapes as in psi.

        Parameters
        ----------
        k : float or array_like
            Sizes, as for psi.
        level : float
            Posterior probability of an interval, between 0 and 1.

        Raises
        ------
        InputError
            If the level is not between 0 and 1.
        """
        psi = self.psi(k)
        half = half_width(self.psi_std(k), _NORMAL, level)
        return psi - half, psi + half

    def exponent(self, k: ArrayLike) -> FloatArray:
        """Return the local exponent -d log|psi| / d log k; shapes as in psi.

        It grows without bound where psi changes its sign.
        """
        parts = self._terms(k) * self.coefficients[:, None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            exponent = (parts @ self.powers) / parts.sum(axis=-1)
        return np.asarray(exponent.reshape(shape_of(k, len(self))))

    def probability_negative(self, k: ArrayLike) -> FloatArray:
        """Return the posterior probability that psi is below 0; shapes as in psi."""
        return weight_below_zero(self.psi(k), self.psi_std(k), _NORMAL)

    def tangent(self, k: float) -> PowerLaws:
        """Return the power laws that touch these laws at size k.

        They have the same psi and the same local exponent there. The uncertainty of c
        and alpha follows by the delta method; that of sigma and beta is not known here
        and NaN. Where psi changes its sign so near k that c has no finite number, c and
        alpha are NaN.
        """
        alpha, psi = self.exponent(k), self.psi(k)
        log_k, log_k0 = float(np.log(k)), float(np.log(self.base_cardinality))
        terms = self._terms(k)[:, 0, :]
        covariance = np.full((len(self), 4, 4), np.nan)
        with np.errstate(all="ignore"):
            scale = np.exp(alpha * log_k)
            by_alpha = terms * (self.powers - alpha[:, None]) / psi[:, None]
            by_c = scale[:, None] * (terms + (psi * log_k)[:, None] * by_alpha)
            slopes = np.stack([by_c, by_alpha], axis=1)
            covariance[:, :2, :2] = slopes @ self.covariance @ slopes.transpose(0, 2, 1)
            c = psi * scale
        # c has overflowed, or vanished.
        steep = (psi != 0) & ((c == 0) | ~np.isfinite(c))
        c, alpha = np.where(steep, np.nan, c), np.where(steep, np.nan, alpha)
        return PowerLaws(
            points=self.points,
            c=c,
            alpha=alpha,
            sigma=self.noise * np.exp(0.5 * self.noise_exponent * log_k0),
            beta=self.noise_exponent,
            covariance=covariance,
            status=self.status,
            n_draws=self.n_draws,
            cardinality_range=self.cardinality_range,
            freedom=np.full(len(self), np.inf),
            dataset=self.dataset,
            fingerprint=self.fingerprint,
            row_ids=self.row_ids,
        )

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per point.

        Its columns are the point and its row; the coefficients (``a_1`` belongs to 1/k)
        and their standard deviations (``a_1_std``, ...); noise and noise_exponent;
        n_draws, min_cardinality, max_cardinality and status.
        """
        std = np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))
        columns: dict[str, Any] = {}
        for j, power in enumerate(self.powers):
            columns[f"a_{power:g}"] = self.coefficients[:, j]
            columns[f"a_{power:g}_std"] = std[:, j]
        columns |= {"noise": self.noise, "noise_exponent": self.noise_exponent}
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
        save_laws(path, "expansion", self)

    def _terms(self, k: ArrayLike) -> FloatArray:
        """Return the falling powers (k/k0)^-p, (n_points, n_k, n_powers)."""
        ratio = log_sizes(k, len(self)) - np.log(self.base_cardinality)
        return np.asarray(np.exp(-ratio[..., None] * self.powers))
