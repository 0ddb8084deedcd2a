r"""Maximum likelihood for all points at once (section 3 of the paper).

Every point maximises the Gaussian likelihood of
:math:`\Delta(z, D) \sim N(c\,k^{-\alpha}, \sigma^2 k^{-\beta})` over
:math:`\alpha, \beta \in [0, e^2]` and the two scales. The scales have a closed form;
a grid over the exponents finds every basin, and Newton's method with exact derivatives
goes down from the lowest ones (the original starts Adam at one place, and stays in
that place's basin).

References
----------
.. [1] Covert, Ji, Hashimoto and Zou, "Scaling Laws for the Value of Individual Data
   Points in Machine Learning", ICML 2024, section 3.
"""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import check_at_least, check_positive
from data_scaling._typing import BoolArray, FloatArray, Int32Array, IntArray
from data_scaling.contributions import Contributions
from data_scaling.estimators.cells import N_CELLS, sum_cells
from data_scaling.estimators.grid import find_basins
from data_scaling.estimators.information import (
    expected_covariance,
    observed_covariance,
    unscale_covariance,
)
from data_scaling.estimators.inspection import (
    describe_draws,
    empty_counts,
    warn_of_failures,
)
from data_scaling.estimators.newton import minimise_in_box
from data_scaling.estimators.profile import (
    Profile,
    ScaledDraws,
    profile_likelihood,
    scale_draws,
)
from data_scaling.laws import FitStatus, PowerLaws

# The paper's bound of both exponents.
MAX_EXPONENT = float(np.exp(2))
GRID_STEPS = 30
MAX_BASINS = 4
# A block's arrays fit the cache: the work is many passes over them.
BLOCK_DRAWS, BLOCK_POINTS = 16_384, 256
# Residuals below this share of the mean are rounding: the draws have no noise.
NO_NOISE = 1e-12


@final
@dataclass(frozen=True)
class LikelihoodEstimator:
    """Fit the likeliest power law to the draws of every point.

    Draws that are NaN are left out. The result depends neither on the order of the
    draws nor on which other points are fitted beside a point.

    Parameters
    ----------
    max_exponent : float
        Upper bound of both exponents, e^2 in the paper; the lower one is 0.
    max_iterations : int
        Largest number of Newton steps per start; some ten suffice.

    Raises
    ------
    InputError
        If a parameter is not positive.

    Notes
    -----
    Standard errors come from the observed information. Where an exponent ends at a
    bound (or where that information is not positive) the expected information is
    inverted instead, with the exponent counted as free: holding it fixed there would
    make psi look far better known than it is. Both are multiplied by m / (m - 4) for
    m usable draws and four parameters.

    Intervals come from the likelihood ratio, over a grid of exponents around the
    estimate, with quantiles of Student's t for m - 4 degrees of freedom: the region
    that draws allow is no ellipse where an exponent is hardly known. Over planted laws
    (alpha in 0.8..1.8, beta in 1..3, k uniform on 100..1000, the mean at k = 400 from
    a quarter to twice the noise of one draw) those of 95 % cover 0.93 to 0.97 at
    k = 100, 316, 1000 and 2500, with 20, 50 and 200 draws.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> rng = np.random.default_rng(0)
    >>> k = rng.integers(100, 1001, (2, 400))
    >>> noise = rng.normal(size=k.shape)
    >>> laws = LikelihoodEstimator().fit(Contributions(5 / k**1.2 + noise / k, k))
    >>> low, high = laws.interval(500)
    >>> bool(np.all((low < 5 / 500**1.2) & (5 / 500**1.2 < high)))
    True
    """

    max_exponent: float = MAX_EXPONENT
    max_iterations: int = 100

    def __post_init__(self) -> None:
        check_at_least("max_iterations", self.max_iterations, 1)
        check_positive("max_exponent", self.max_exponent)

    def fit(self, contributions: Contributions) -> PowerLaws:
        """Return the law of every point.

        Parameters
        ----------
        contributions : Contributions
            Draws over several sizes.

        Returns
        -------
        PowerLaws
            NaN for a point without a law; ``status`` says why.

        Warns
        -----
        FitWarning
            If a point has no law, or its fit did not converge.
        """
        n_points, n_draws = contributions.delta.shape
        fitted = _empty_arrays(n_points)
        n_rows = min(BLOCK_POINTS, max(1, BLOCK_DRAWS // max(1, n_draws)))
        for first in range(0, n_points, n_rows):
            block = slice(first, first + n_rows)
            views = {name: array[block] for name, array in fitted.items()}
            self._fit_block(
                contributions.delta[block], contributions.cardinality[block], views
            )
        laws = PowerLaws(**(contributions.origin | fitted))
        warn_of_failures(laws)
        return laws

    def _fit_block(
        self,
        delta: FloatArray,
        cardinality: Int32Array,
        fitted: dict[str, NDArray[Any]],
    ) -> None:
        missing = np.isnan(delta)
        usable = ~missing if missing.any() else None
        status = describe_draws(delta, cardinality, usable, fitted)
        rows = np.flatnonzero(status == FitStatus.CONVERGED)
        silent = status == FitStatus.NO_SIGNAL
        fitted["c"][silent] = fitted["sigma"][silent] = 0.0
        fitted["covariance"][silent] = 0.0
        if not rows.size:
            return
        with np.errstate(all="ignore"):  # draws without noise end as DEGENERATE below
            draws = scale_draws(
                delta[rows],
                cardinality[rows].astype(np.float64),
                None if usable is None else usable[rows],
            )
            theta, converged = self._maximise(draws)
            profile = profile_likelihood(draws, theta)
            status[rows] = self._judge(theta, converged, profile)
            _write_laws(draws, theta, profile, status[rows], fitted, rows)
            variance = fitted["covariance"][rows][:, [1, 3], [1, 3]]
            std = np.sqrt(np.maximum(variance, 0.0))
            cells = sum_cells(draws, theta, std, self.max_exponent)
            kept = np.isfinite(cells).all(axis=(1, 2))
            fitted["cells"][rows[kept]] = cells[kept]

    def _maximise(self, draws: ScaledDraws) -> tuple[FloatArray, BoolArray]:
        """Return the exponents of the global maximum, and whether Newton got there."""
        rows, starts = find_basins(draws, self.max_exponent, GRID_STEPS, MAX_BASINS)

        def evaluate(
            theta: FloatArray, problems: IntArray
        ) -> tuple[FloatArray, FloatArray, FloatArray]:
            profile = profile_likelihood(draws.take(rows[problems]), theta)
            return profile.value, profile.gradient, profile.hessian

        found = minimise_in_box(
            evaluate,
            starts,
            np.zeros(2),
            np.full(2, self.max_exponent),
            scale=draws.n_usable[rows],
            max_iterations=self.max_iterations,
        )
        order = np.lexsort((found.value, rows))
        best = order[np.diff(rows[order], prepend=-1) > 0]
        return found.theta[best], found.converged[best]

    def _judge(
        self, theta: FloatArray, converged: BoolArray, profile: Profile
    ) -> NDArray[np.int8]:
        at_bound = ((theta <= 0) | (theta >= self.max_exponent)).any(axis=1)
        status = np.where(at_bound, FitStatus.AT_BOUND, FitStatus.CONVERGED)
        status[~converged] = FitStatus.ITERATION_LIMIT
        # c^2 sum a^2 is the sum of squares of the mean in units of the noise.
        signal = profile.c**2 * profile.scale_curvature[:, 0]
        noise = profile.scale_curvature[:, 1] / 2
        status[~(signal * NO_NOISE**2 < noise)] = FitStatus.DEGENERATE
        return status.astype(np.int8)


def _empty_arrays(n_points: int) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {
        name: np.full(n_points, np.nan) for name in ("c", "alpha", "sigma", "beta")
    }
    arrays["covariance"] = np.full((n_points, 4, 4), np.nan)
    arrays["cells"] = np.full((n_points, N_CELLS, 4), np.nan)
    return arrays | empty_counts(n_points)


def _write_laws(
    draws: ScaledDraws,
    theta: FloatArray,
    profile: Profile,
    status: NDArray[np.int8],
    fitted: dict[str, NDArray[Any]],
    rows: IntArray,
) -> None:
    alpha, beta = theta.T
    c = profile.c * draws.delta_scale * np.exp(alpha * draws.log_k0)
    sigma = profile.sigma * draws.delta_scale * np.exp(beta / 2 * draws.log_k0)
    covariance, is_positive = observed_covariance(profile)
    replaced = np.flatnonzero(~is_positive | (status != FitStatus.CONVERGED))
    if replaced.size:
        covariance[replaced] = expected_covariance(draws, theta, profile)[replaced]
    inflation = draws.n_usable / np.maximum(draws.n_usable - 4, 1)
    covariance = unscale_covariance(covariance, draws, c, alpha, sigma)
    covariance *= inflation[:, None, None]
    kept = status != FitStatus.DEGENERATE
    for name, values in (
        ("c", c),
        ("alpha", alpha),
        ("sigma", sigma),
        ("beta", beta),
        ("covariance", covariance),
    ):
        fitted[name][rows[kept]] = values[kept]
