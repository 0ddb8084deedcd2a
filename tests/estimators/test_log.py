"""The regression of logarithms, against planted laws and scipy's lines."""

import numpy as np
import pytest
from scipy import stats

from data_scaling.contributions import Contributions
from data_scaling.errors import FitWarning
from data_scaling.estimators import LogEstimator
from data_scaling.estimators.log import fit_lines
from data_scaling.laws import FitStatus

SIZES = [100, 200, 400, 800]


def plant_draws(c, alpha, sigma, beta, n_per_size, seed):
    rng = np.random.default_rng(seed)
    k = np.tile(SIZES, n_per_size)
    psi = np.asarray(c)[:, None] / k ** np.asarray(alpha)[:, None]
    noise = sigma * k ** (-beta / 2) * rng.normal(size=psi.shape)
    return Contributions(psi + noise, k)


def test_planted_laws_are_recovered_within_their_errors():
    """z-scores of alpha and beta over 500 points have a standard deviation near 1.

    With two degrees of freedom per line the scores follow Student's t with two; the
    share within its quartiles is 1/2, and a binomial test at 1e-4 says so.
    """
    n = 500
    draws = plant_draws(np.full(n, -3.0), np.full(n, 1.4), 1.0, 2.2, 400, 0)
    laws = LogEstimator(SIZES).fit(draws)
    for name, truth, place in (("alpha", 1.4, 1), ("beta", 2.2, 3)):
        std = np.sqrt(laws.covariance[:, place, place])
        inside = np.abs(getattr(laws, name) - truth) / std < stats.t(2).ppf(0.75)
        assert stats.binomtest(int(inside.sum()), n, 0.5).pvalue > 1e-4, name
    np.testing.assert_allclose(np.median(laws.c), -3.0, rtol=0.05)
    np.testing.assert_allclose(np.median(laws.sigma), 1.0, rtol=0.05)


def test_lines_equal_scipys():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=6), rng.normal(size=(4, 6))
    y[2, 1] = np.nan
    lines = fit_lines(x, y)
    for row in range(4):
        known = np.isfinite(y[row])
        line = stats.linregress(x[known], y[row, known])
        np.testing.assert_allclose(lines.slope[row], line.slope)
        np.testing.assert_allclose(lines.intercept[row], line.intercept)
        np.testing.assert_allclose(lines.covariance[row, 1, 1], line.stderr**2)
        np.testing.assert_allclose(
            lines.covariance[row, 0, 0], line.intercept_stderr**2
        )
        np.testing.assert_allclose(lines.r2[row], line.rvalue**2)


def test_sign_changes_are_counted():
    k = np.repeat(SIZES, 2)
    means = np.array([[1.0, 0.5, -0.2, 0.1], [-1.0, -0.5, -0.2, -0.1]])
    jitter = np.tile([0.01, -0.01], 4)
    fit = LogEstimator(SIZES).regress(Contributions(np.repeat(means, 2, 1) + jitter, k))
    assert fit.n_sign_changes.tolist() == [1, 0]
    assert fit.sign.tolist() == [1.0, -1.0]


def test_points_without_three_means_have_no_law():
    delta = np.full((3, 8), np.nan)
    delta[0, :4] = 1.0, 1.1, 0.5, 0.6
    delta[1] = 0.0
    delta[2] = np.repeat([0.8, 0.4, 0.2, 0.1], 2) + np.tile([0.01, -0.01], 4)
    with pytest.warns(FitWarning, match="1 of 3 laws"):
        laws = LogEstimator(SIZES).fit(Contributions(delta, np.repeat(SIZES, 2)))
    assert laws.status.tolist() == [
        FitStatus.TOO_FEW_DRAWS,
        FitStatus.NO_SIGNAL,
        FitStatus.CONVERGED,
    ]
    assert np.isnan(laws.psi(100)[0])
    assert laws.psi(100)[1] == 0.0
    assert laws.psi(300)[2] == pytest.approx(0.8 / 3, rel=1e-3)


def test_intervals_have_the_freedom_of_a_line():
    """Four means and two parameters: Student's t with two degrees of freedom."""
    laws = LogEstimator(SIZES).fit(plant_draws([2.0], [1.2], 0.5, 2.0, 50, 3))
    low, high = laws.interval(300)
    width = 2 * stats.t(2).ppf(0.975) * laws.psi_std(300)
    np.testing.assert_allclose(high - low, width)
