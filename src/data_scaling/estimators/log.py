r"""The paper's regression of logarithms, for draws at a few sizes.

With many draws at each of a few sizes, :math:`\log|\bar\Delta_k| \approx \log|c| -
\alpha \log k` is a straight line in :math:`\log k`, and so is the logarithm of the
variance, :math:`2\log\sigma - \beta\log k`. The estimate is as good as the means are:
where a mean is mostly noise, or changes its sign, its logarithm misleads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from data_scaling._typing import FloatArray, IntArray
from data_scaling.contributions import Contributions
from data_scaling.estimators.inspection import (
    describe_draws,
    empty_counts,
    warn_of_failures,
)
from data_scaling.laws import FitStatus, PowerLaws
from data_scaling.size_means import SizeMeans, average_by_size

_MIN_SIZES = 3


@dataclass(frozen=True, eq=False)
class Line:
    """Straight lines through some numbers of every point, by least squares.

    Attributes
    ----------
    intercept, slope : (n_points,) float64 array
        Lines in log k; NaN with fewer than three numbers.
    covariance : (n_points, 2, 2) float64 array
        Covariance of intercept and slope.
    r2 : (n_points,) float64 array
        Share of the variance over sizes that the line explains.
    n_used : (n_points,) intp array
        Numbers that the line was fitted to.
    """

    intercept: FloatArray
    slope: FloatArray
    covariance: FloatArray
    r2: FloatArray
    n_used: IntArray


@dataclass(frozen=True, eq=False)
class LogFit:
    """The regressions behind the laws of a :class:`LogEstimator`.

    Attributes
    ----------
    means : SizeMeans
        What was regressed.
    of_mean, of_variance : Line
        Lines of log|mean| and of the logarithm of the variance.
    sign : (n_points,) float64 array
        Sign of the mean at most sizes, 1 or -1.
    n_sign_changes : (n_points,) intp array
        Sizes at which the mean has the other sign.
    """

    means: SizeMeans
    of_mean: Line
    of_variance: Line
    sign: FloatArray
    n_sign_changes: IntArray


@final
@dataclass(frozen=True)
class LogEstimator:
    """Fit power laws by regressing log|mean| and log variance on log size.

    Parameters
    ----------
    cardinalities : sequence of float, optional
        Sizes to group the draws by: those of the staggered plan. By default ten sizes
        spaced evenly in ratio over the range of the draws.

    References
    ----------
    .. [1] Covert, Ji, Hashimoto and Zou, "Scaling Laws for the Value of Individual
       Data Points in Machine Learning", ICML 2024, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LogEstimator
    >>> rng = np.random.default_rng(0)
    >>> k = np.repeat([100, 200, 400, 800], 500)
    >>> delta = 3.0 / k**1.5 + rng.normal(size=(1, k.size)) / k**2
    >>> laws = LogEstimator([100, 200, 400, 800]).fit(Contributions(delta, k))
    >>> laws.alpha.round(2).tolist()
    [1.5]
    """

    cardinalities: Sequence[float] | None = None

    def fit(self, contributions: Contributions) -> PowerLaws:
        """Return the law of every point.

        A point with fewer than three means that are not 0 has no law; its status is
        ``TOO_FEW_DRAWS``, or ``NO_SIGNAL`` if all its draws are 0.

        Parameters
        ----------
        contributions : Contributions
            Many draws at a few sizes.

        Warns
        -----
        FitWarning
            If a point has no law.
        """
        fit = self.regress(contributions)
        n_points = contributions.n_points
        counts = empty_counts(n_points)
        usable = ~np.isnan(contributions.delta)
        status = describe_draws(
            contributions.delta, contributions.cardinality, usable, counts
        )
        c = fit.sign * np.exp(fit.of_mean.intercept)
        sigma = np.exp(0.5 * fit.of_variance.intercept)
        covariance = np.zeros((n_points, 4, 4))
        covariance[:, :2, :2] = _scale(fit.of_mean.covariance, c, -1.0)
        covariance[:, 2:, 2:] = _scale(fit.of_variance.covariance, 0.5 * sigma, -1.0)
        silent = status == FitStatus.NO_SIGNAL
        status[np.isnan(c) & ~silent] = FitStatus.TOO_FEW_DRAWS
        c[silent] = sigma[silent] = covariance[silent] = 0.0
        laws = PowerLaws(
            c=c,
            alpha=-fit.of_mean.slope,
            sigma=sigma,
            beta=-fit.of_variance.slope,
            covariance=covariance,
            freedom=np.maximum(fit.of_mean.n_used - 2.0, 1.0),
            **(contributions.origin | counts),
        )
        warn_of_failures(laws)
        return laws

    def regress(self, contributions: Contributions) -> LogFit:
        """Return the regressions themselves, with their R^2 and the signs."""
        means = average_by_size(contributions, self.cardinalities)
        log_k = np.log(means.cardinality)
        signs = np.sign(np.nan_to_num(means.mean))
        sign = np.where(signs.sum(axis=1) < 0, -1.0, 1.0)
        changes = np.sum((signs != 0) & (signs != sign[:, None]), axis=1)
        return LogFit(
            means,
            fit_lines(log_k, _log(np.abs(means.mean))),
            fit_lines(log_k, _log(means.variance)),
            sign,
            changes.astype(np.intp),
        )


def fit_lines(x: FloatArray, y: FloatArray) -> Line:
    """Fit a straight line to every row by least squares.

    Parameters
    ----------
    x : (n,) float64 array
        Positions, the same for all rows.
    y : (n_rows, n) float64 array
        Heights; NaN is left out.
    """
    known = np.isfinite(y)
    count = known.sum(axis=1)
    rows = np.where(known, x, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        x_mean = np.nansum(rows, axis=1) / count
        y_mean = np.nansum(y, axis=1) / count
        dx, dy = rows - x_mean[:, None], y - y_mean[:, None]
        sxx, sxy, syy = (np.nansum(p, axis=1) for p in (dx * dx, dx * dy, dy * dy))
        slope = np.where(count >= _MIN_SIZES, sxy / sxx, np.nan)
        intercept = y_mean - slope * x_mean
        noise = np.maximum(syy - slope * sxy, 0.0) / (count - 2)
        slope_variance = noise / sxx
        shared = -x_mean * slope_variance
        own = noise / count + x_mean**2 * slope_variance
        r2 = np.where(count >= _MIN_SIZES, sxy**2 / (sxx * syy), np.nan)
    pairs = np.stack([own, shared, shared, slope_variance], axis=1)
    return Line(intercept, slope, pairs.reshape(-1, 2, 2), r2, count)


def _log(values: FloatArray) -> FloatArray:
    """Return logarithms, NaN where there is none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(values)
    return np.where(np.isfinite(logs), logs, np.nan)


def _scale(covariance: FloatArray, first: FloatArray, second: float) -> FloatArray:
    """Return covariances of the two quantities times two factors."""
    factors = np.stack([first, np.full_like(first, second)], axis=1)
    return covariance * factors[:, :, None] * factors[:, None, :]
