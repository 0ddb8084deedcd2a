"""Does the law hold? Means of many draws at each size, against what laws predict."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._typing import BoolArray, FloatArray, Int32Array, IntArray
from data_scaling.agreement import agreement
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws

N_SIZES = 10


@dataclass(frozen=True, eq=False)
class Validation:
    """Mean contributions at some sizes beside the laws' predictions.

    Attributes
    ----------
    points : (n_points,) intp array
        Index of each point in the pool.
    cardinality : (n_sizes,) float64 array
        Sizes, ascending; a size stands for the draws nearest to it.
    n_draws : (n_points, n_sizes) intp array
        Usable draws behind each mean.
    mean, mean_std : (n_points, n_sizes) float64 array
        Mean of the draws and its standard error, in units of the utility; NaN below
        one and two draws.
    predicted : (n_points, n_sizes) float64 array
        Mean of psi over the very sizes of those draws, in units of the utility.
    """

    points: IntArray
    cardinality: FloatArray
    n_draws: IntArray
    mean: FloatArray
    mean_std: FloatArray
    predicted: FloatArray

    @property
    def r2(self) -> FloatArray:
        """R^2 over points at each size, (n_sizes,)."""
        return np.array(
            [
                _r2(*columns)
                for columns in zip(self.predicted.T, self.mean.T, strict=True)
            ]
        )

    @property
    def r2_ceiling(self) -> FloatArray:
        """R^2 that true laws would be expected to have at each size, (n_sizes,).

        It is below 1 because the means that the laws are judged by have noise.
        """
        known = np.isfinite(self.mean_std) & np.isfinite(self.predicted)
        noise = np.where(known, self.mean_std**2, np.nan)
        spread = np.where(known, self.mean, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            share = _nanmean(noise) / _nanmean((spread - _nanmean(spread)) ** 2)
        return 1.0 - share

    @property
    def r2_pooled(self) -> float:
        """R^2 over all points and sizes together."""
        return _r2(self.predicted.ravel(), self.mean.ravel())

    @property
    def log_r2(self) -> FloatArray:
        """R^2 of a straight line of log|mean| on log size, point by point, (n_points,).

        NaN for a point with fewer than three means that are not 0.
        """
        log_k = np.broadcast_to(np.log(self.cardinality), self.mean.shape)
        usable = np.isfinite(self.mean) & (self.mean != 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_mean = np.where(usable, np.log(np.abs(self.mean)), np.nan)
            x = _centred(np.where(usable, log_k, np.nan))
            y = _centred(log_mean)
            r2 = np.nansum(x * y, 1) ** 2 / (np.nansum(x**2, 1) * np.nansum(y**2, 1))
        return np.where(usable.sum(axis=1) >= 3, r2, np.nan)


def validate_laws(
    laws: ScalingLaws,
    contributions: Contributions,
    cardinalities: ArrayLike | None = None,
) -> Validation:
    """Compare laws with the mean contributions at some sizes.

    Draws that the laws were not fitted to make it an honest test; a staggered plan,
    with many draws at few sizes, makes it a sharp one.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of at least the points of the contributions.
    contributions : Contributions
        Draws to judge by.
    cardinalities : (n_sizes,) array_like, optional
        Sizes to group the draws by, each draw at the nearest one in ratio; by default
        ten sizes spaced evenly in ratio over the range of the draws.

    Raises
    ------
    InputError
        If a point has no law, or a size is below 1 or given twice.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> rng = np.random.default_rng(0)
    >>> k = rng.integers(10, 100, size=(3, 400))
    >>> delta = np.array([[1.0], [2.0], [-1.0]]) / k + rng.normal(size=k.shape) / k**2
    >>> draws = Contributions(delta, k)
    >>> laws = LikelihoodEstimator().fit(draws.first(200))
    >>> round(validate_laws(laws, draws, [10, 30, 90]).r2_pooled, 3)
    1.0
    """
    sizes = _check_sizes(cardinalities, contributions)
    group = _find_nearest(sizes, contributions.cardinality)
    usable = np.isfinite(contributions.delta)
    predicted = laws.take(contributions.points).psi(contributions.cardinality)
    columns = [
        _summarise(contributions.delta, predicted, usable & (group == j))
        for j in range(len(sizes))
    ]
    n_draws, mean, mean_std, psi = (
        np.column_stack(part) for part in zip(*columns, strict=True)
    )
    return Validation(
        contributions.points, sizes, n_draws.astype(np.intp), mean, mean_std, psi
    )


def _r2(predicted: FloatArray, mean: FloatArray) -> float:
    """Return R^2, NaN where fewer than two points have both numbers."""
    n_pairs = np.sum(np.isfinite(predicted) & np.isfinite(mean))
    return agreement(predicted, mean).r2 if n_pairs >= 2 else float("nan")


def _check_sizes(
    cardinalities: ArrayLike | None, contributions: Contributions
) -> FloatArray:
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
    delta: FloatArray, predicted: FloatArray, chosen: BoolArray
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Return count, mean, its standard error and mean prediction of chosen draws."""
    count = np.sum(chosen, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.sum(delta, axis=1, where=chosen) / count
        psi = np.sum(predicted, axis=1, where=chosen) / count
        residual = (delta - mean[:, None]) ** 2
        variance = np.sum(residual, axis=1, where=chosen) / (count - 1)
        mean_std = np.sqrt(variance / count)
    return count, mean, np.where(count > 1, mean_std, np.nan), psi


def _nanmean(columns: FloatArray) -> FloatArray:
    """Return the means of columns over what is not NaN; NaN where nothing is left."""
    return np.asarray(np.nansum(columns, 0) / np.sum(~np.isnan(columns), axis=0))


def _centred(rows: FloatArray) -> FloatArray:
    """Subtract from every row its mean over what is not NaN."""
    count = np.sum(~np.isnan(rows), axis=1, keepdims=True)
    return np.asarray(rows - np.nansum(rows, axis=1, keepdims=True) / count)
