"""Does the law hold? Means of many draws at each size, against what laws predict."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._agreement import agreement
from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.contributions import Contributions, check_same_dataset
from data_scaling.laws import ScalingLaws
from data_scaling.size_means import average_by_size, average_in_groups

_NORMAL_95 = 1.96
_STRAIGHT = 0.95
# Standard errors beyond which a mean's sign is clear.
_CLEAR = 3.0


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
    half_width : (n_points, n_sizes) float64 array
        Distance from psi at the size to that end of the law's 95 % interval which is
        on the side of the mean, in units of the utility.
    """

    points: IntArray
    cardinality: FloatArray
    n_draws: IntArray
    mean: FloatArray
    mean_std: FloatArray
    predicted: FloatArray
    half_width: FloatArray

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
    def coverage(self) -> FloatArray:
        """Share of points whose 95 % interval holds the mean at each size, (n_sizes,).

        The interval is the law's own, widened by 1.96 standard errors of the mean.
        NaN where no point has both.
        """
        error = np.abs(self.mean - self.predicted)
        with np.errstate(invalid="ignore"):
            inside = error <= np.hypot(self.half_width, _NORMAL_95 * self.mean_std)
            known = np.isfinite(error) & np.isfinite(self.mean_std)
            return np.asarray(np.sum(inside & known, axis=0) / np.sum(known, axis=0))

    @property
    def r2_pooled(self) -> float:
        """R^2 over all points and sizes together."""
        return _r2(self.predicted.ravel(), self.mean.ravel())

    @property
    def point_r2(self) -> FloatArray:
        """R^2 of each point's own law over the sizes, (n_points,).

        Below 0 where the law is farther from the means than their mean is; NaN for a
        point with fewer than three means, or whose means are all the same.
        """
        usable = np.isfinite(self.mean) & np.isfinite(self.predicted)
        mean = np.where(usable, self.mean, np.nan)
        left = np.nansum((mean - self.predicted) ** 2, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = 1.0 - left / np.nansum(_centred(mean) ** 2, axis=1)
        known = (usable.sum(axis=1) >= 3) & np.isfinite(r2)
        return np.asarray(np.where(known, r2, np.nan))

    @property
    def log_r2(self) -> FloatArray:
        """R^2 of a straight line of log|mean| on log size, point by point, (n_points,).

        It says how far a power law, of whatever exponent, suits the means; an expansion
        need not be straight. NaN for a point with fewer than three means other than 0.
        """
        log_k = np.broadcast_to(np.log(self.cardinality), self.mean.shape)
        usable = np.isfinite(self.mean) & (self.mean != 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_mean = np.where(usable, np.log(np.abs(self.mean)), np.nan)
            x = _centred(np.where(usable, log_k, np.nan))
            y = _centred(log_mean)
            r2 = np.nansum(x * y, 1) ** 2 / (np.nansum(x**2, 1) * np.nansum(y**2, 1))
        return np.where(usable.sum(axis=1) >= 3, r2, np.nan)

    @property
    def changes_sign(self) -> BoolArray:
        """Whether the sign of a point's mean depends on the size, (n_points,).

        It is clearly above 0 at one size and clearly below at another, by three
        standard errors; no power law has both.
        """
        with np.errstate(invalid="ignore"):
            above = (self.mean > _CLEAR * self.mean_std).any(axis=1)
            below = (self.mean < -_CLEAR * self.mean_std).any(axis=1)
        return np.asarray(above & below)


def describe_validation(validation: Validation) -> dict[str, float]:
    """Return the numbers that are told of a validation, by name.

    ``R2 averaged over sizes`` is the paper's overall number; ``R2 pooled`` is over all
    points and sizes together. The shares are of the points whose R^2 over the sizes is
    above 0.95: of the means' straight line on log axes (once more without the points
    whose sign depends on the size), and of each point's own law.
    """
    by_size = zip(validation.cardinality, validation.r2, strict=True)
    changing = validation.changes_sign
    log_r2, one_sign_r2, point_r2 = (
        values[np.isfinite(values)]
        for values in (
            validation.log_r2,
            validation.log_r2[~changing],
            validation.point_r2,
        )
    )
    return {
        "R2 averaged over sizes": float(np.mean(validation.r2)),
        "R2 pooled": validation.r2_pooled,
        "R2 of true laws, averaged": float(np.mean(validation.r2_ceiling)),
        **{f"R2 at {k:.0f}": float(r2) for k, r2 in by_size},
        "share of log-log R2 above 0.95": _share_above(log_r2),
        "share whose sign depends on the size": float(np.mean(changing)),
        "share of log-log R2 above 0.95, of the others": _share_above(one_sign_r2),
        "share of own-law R2 above 0.95": _share_above(point_r2),
        "draws per point and size": float(np.median(validation.n_draws)),
    }


def split_draws(contributions: Contributions) -> tuple[Contributions, Contributions]:
    """Split draws in two halves: one to fit to, one to judge by.

    Draws that no point has, as in a ledger that is not finished, do not count. The
    second half does not keep the coalitions behind its draws.

    Raises
    ------
    InputError
        If there are fewer than two draws.
    """
    drawn = np.flatnonzero(~np.isnan(contributions.delta).all(axis=0))
    n_first = int(drawn[len(drawn) // 2]) if len(drawn) else 0
    rest = replace(
        contributions,
        delta=contributions.delta[:, n_first:],
        cardinality=contributions.cardinality[:, n_first:],
        coalitions=None,
    )
    return contributions.first(n_first), rest


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
        If the laws are of another dataset, a point has no law, or a size is below 1 or
        given twice.

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
    check_same_dataset("laws", laws, contributions.dataset, contributions.fingerprint)
    means = average_by_size(contributions, cardinalities)
    chosen = laws.take(contributions.points)
    psi = chosen.psi(contributions.cardinality)
    usable = np.isfinite(contributions.delta)
    predicted = np.column_stack(
        [
            average_in_groups(psi, usable & (means.group == j))
            for j in range(len(means.cardinality))
        ]
    )
    at_size = chosen.psi(means.cardinality)
    low, high = chosen.interval(means.cardinality)
    is_above = means.mean > predicted
    return Validation(
        contributions.points,
        means.cardinality,
        means.n_draws,
        means.mean,
        means.mean_std,
        predicted,
        np.where(is_above, high - at_size, at_size - low),
    )


def _r2(predicted: FloatArray, mean: FloatArray) -> float:
    """Return R^2, NaN where fewer than two points have both numbers."""
    n_pairs = np.sum(np.isfinite(predicted) & np.isfinite(mean))
    return agreement(predicted, mean).r2 if n_pairs >= 2 else float("nan")


def _share_above(r2: FloatArray) -> float:
    return float(np.mean(r2 > _STRAIGHT)) if r2.size else float("nan")


def _nanmean(columns: FloatArray) -> FloatArray:
    """Return the means of columns over what is not NaN; NaN where nothing is left."""
    return np.asarray(np.nansum(columns, 0) / np.sum(~np.isnan(columns), axis=0))


def _centred(rows: FloatArray) -> FloatArray:
    """Subtract from every row its mean over what is not NaN."""
    count = np.sum(~np.isnan(rows), axis=1, keepdims=True)
    return np.asarray(rows - np.nansum(rows, axis=1, keepdims=True) / count)
