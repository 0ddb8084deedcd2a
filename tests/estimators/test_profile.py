import numpy as np
import pytest

from data_scaling.contributions import Contributions
from data_scaling.estimators import LikelihoodEstimator
from data_scaling.estimators.grid import find_basins, sum_squares_on_grid
from data_scaling.estimators.information import (
    expected_covariance,
    observed_covariance,
    unscale_covariance,
)
from data_scaling.estimators.profile import (
    profile_likelihood,
    profile_scale,
    scale_draws,
)


def draw(n_points=5, n_draws=30, seed=0):
    rng = np.random.default_rng(seed)
    k = rng.integers(20, 200, (n_points, n_draws)).astype(float)
    return 3 / k + 0.5 / k * rng.normal(size=k.shape), k


def negative_log_likelihood(delta, k, c, alpha, log_sigma, beta):
    variance = np.exp(2 * log_sigma) * k**-beta
    return np.sum(np.log(variance) + (delta - c * k**-alpha) ** 2 / variance) / 2


def differentiate(function, at, step=1e-4):
    """Central differences: gradient and Hessian."""
    n = len(at)
    unit = step * np.eye(n)
    gradient = [(function(at + u) - function(at - u)) / (2 * step) for u in unit]
    hessian = [
        [
            (
                function(at + u + v)
                - function(at + u - v)
                - function(at - u + v)
                + function(at - u - v)
            )
            / (4 * step**2)
            for v in unit
        ]
        for u in unit
    ]
    return np.array(gradient), np.array(hessian)


@pytest.mark.parametrize("with_missing", [False, True])
def test_derivatives_equal_finite_differences(with_missing):
    delta, k = draw()
    usable = None
    if with_missing:
        usable = np.random.default_rng(1).random(delta.shape) < 0.7
        delta = np.where(usable, delta, np.nan)
    draws = scale_draws(delta, k, usable)
    theta = np.random.default_rng(2).uniform(0.3, 3, (5, 2))
    profile = profile_likelihood(draws, theta)

    for row in range(5):

        def value(at, row=row):
            return profile_likelihood(draws.take([row]), at[None]).value[0]

        gradient, hessian = differentiate(value, theta[row])
        np.testing.assert_allclose(
            profile.gradient[row], gradient, rtol=1e-6, atol=1e-6
        )
        expected = hessian[[0, 0, 1], [0, 1, 1]]
        np.testing.assert_allclose(profile.hessian[row], expected, rtol=1e-5, atol=1e-5)


def test_profiled_value_is_the_full_likelihood_at_its_best_scales():
    delta, k = draw(2)
    theta = np.array([[0.7, 1.5], [2.0, 3.0]])
    value = profile_likelihood(scale_draws(delta, k, None), theta).value
    c, sigma = profile_scale(delta, k, *theta.T)
    full = [
        negative_log_likelihood(
            delta[i], k[i], c[i], theta[i, 0], np.log(sigma[i]), theta[i, 1]
        )
        - 15 * np.log(np.mean(delta[i] ** 2))
        for i in range(2)
    ]
    constant = 15 * (1 - np.log(30))
    np.testing.assert_allclose(value + constant, full, rtol=1e-12)


def test_closed_form_scales_beat_their_neighbours():
    delta, k = draw(1)
    c, sigma = profile_scale(delta, k, np.array([1.2]), np.array([1.8]))

    def value(at):
        return negative_log_likelihood(delta[0], k[0], at[0], 1.2, at[1], 1.8)

    gradient, hessian = differentiate(value, np.array([c[0], np.log(sigma[0])]))
    assert np.abs(gradient).max() < 1e-5
    assert np.linalg.eigvalsh(hessian).min() > 0


def test_observed_covariance_inverts_the_full_hessian():
    delta, k = draw(3, 60)
    laws = LikelihoodEstimator().fit(Contributions(delta, k))
    for row in range(3):
        at = np.array([laws.c[row], laws.alpha[row], laws.sigma[row], laws.beta[row]])

        def value(scaled, row=row, at=at):
            c, alpha, sigma, beta = scaled * at
            return negative_log_likelihood(
                delta[row], k[row], c, alpha, np.log(sigma), beta
            )

        _, hessian = differentiate(value, np.ones(4), 2e-4)
        expected = np.linalg.inv(hessian) * np.outer(at, at) * 60 / 56
        np.testing.assert_allclose(laws.covariance[row], expected, rtol=2e-3)


def test_expected_covariance_is_that_of_weighted_regression():
    delta, k = draw(1, 40)
    theta = np.array([[1.1, 1.9]])
    draws = scale_draws(delta, k, None)
    profile = profile_likelihood(draws, theta)
    c, sigma = profile_scale(delta, k, *theta.T)
    covariance = unscale_covariance(
        expected_covariance(draws, theta, profile), draws, c, theta[:, 0], sigma
    )[0]

    shape = k[0] ** -1.1
    design = np.stack([shape, -c[0] * np.log(k[0]) * shape], axis=1)
    weight = k[0] ** 1.9 / sigma[0] ** 2
    regression = np.linalg.inv(design.T @ (weight[:, None] * design))
    np.testing.assert_allclose(covariance[:2, :2], regression, rtol=1e-8)
    np.testing.assert_allclose(covariance[:2, 2:], 0, atol=1e-12)


def test_observed_information_says_where_it_is_not_positive():
    delta, k = draw(1)
    profile = profile_likelihood(scale_draws(delta, k, None), np.array([[7.0, 0.0]]))
    assert not observed_covariance(profile)[1].any()


@pytest.mark.parametrize("with_missing", [False, True])
def test_grid_holds_the_weighted_sums_of_squares(with_missing):
    delta, k = draw(2)
    usable = np.ones(delta.shape, dtype=bool)
    if with_missing:
        usable[:, ::4] = False
        delta = np.where(usable, delta, np.nan)
    draws = scale_draws(delta, k, usable if with_missing else None)
    grid = sum_squares_on_grid(draws, 0.25, 12)
    for i, j in ((0, 0), (4, 8), (12, 3), (12, 12)):
        theta = np.tile([i * 0.25, j * 0.25], (2, 1))
        value = profile_likelihood(draws, theta).value
        expected = np.exp(2 * value / draws.n_usable)
        np.testing.assert_allclose(grid[i, j], expected, rtol=1e-10)


def test_basins_are_local_minima_and_every_point_has_one():
    delta, k = draw(40)
    draws = scale_draws(delta, k, None)
    grid = sum_squares_on_grid(draws, 0.25, 28)
    rows, starts = find_basins(draws, 7.0, 28, 4)
    assert set(rows) == set(range(40))
    assert (np.diff(rows) >= 0).all()
    i, j = np.rint(starts / 0.25).astype(int).T
    padded = np.pad(grid, ((1, 1), (1, 1), (0, 0)), constant_values=np.inf)
    around = np.min(
        [padded[i + a, j + b, rows] for a in range(3) for b in range(3)], axis=0
    )
    np.testing.assert_array_equal(grid[i, j, rows], around)
    np.testing.assert_array_equal(
        np.minimum.reduceat(grid[i, j, rows], np.unique(rows, return_index=True)[1]),
        grid.min(axis=(0, 1)),
    )


def test_crowded_points_keep_their_lowest_basins():
    rng = np.random.default_rng(4)
    k = np.exp(rng.uniform(0, 12, (200, 6)))
    draws = scale_draws(rng.normal(size=k.shape), k, None)
    rows, _ = find_basins(draws, 7.0, 28, 4)
    limited, _ = find_basins(draws, 7.0, 28, 1)
    assert np.bincount(rows).max() > 1
    assert np.bincount(limited).max() == 1
    assert len(limited) == 200
