"""The closed form of the likelihood, and what a prior and draws say together."""

import numpy as np
import pytest
import torch
from scipy import stats

from data_scaling.amortized.marginal import (
    BETAS,
    TAUS,
    Prior,
    average,
    expect,
    update,
)
from data_scaling.amortized.marginal_likelihood import log_likelihood
from data_scaling.amortized.prior_training import sum_scaled
from data_scaling.contributions import Contributions

BASE, POWERS = 300.0, np.array([1.0, 2.0])
FACTOR = np.array([[1.1, 0.0, 0.0], [-0.4, 1 / 1.1, 0.0], [0.3, 0.2, 0.8]])


def make_draws(n_points=3, n_draws=6):
    rng = np.random.default_rng(0)
    k = rng.integers(100, 1001, (n_points, n_draws))
    return Contributions(rng.normal(size=k.shape) + 300.0 / k, k)


def make_prior(n_points=3, seed=1, n_powers=2):
    rng = np.random.default_rng(seed)

    def logs(size):
        return torch.tensor(np.log(rng.dirichlet(np.ones(size), n_points)))

    return Prior(
        mean=torch.tensor(rng.normal(size=(n_points, n_powers))),
        log_variance=torch.tensor(rng.normal(size=n_points)),
        log_beta=logs(len(BETAS)),
        log_tau=logs(len(TAUS)),
        log_shape=torch.tensor(0.6, dtype=torch.float64),
        factor=torch.tensor(FACTOR[:n_powers, :n_powers]),
    )


def sums_of(draws, powers=POWERS):
    return sum_scaled(draws, BASE, powers, 1.0, "cpu")


def design(draws, point):
    return (BASE / draws.cardinality[point][:, None]) ** POWERS


def test_the_likelihood_is_that_of_a_multivariate_t():
    """Each cell's likelihood against scipy's density of the draws themselves."""
    draws, prior = make_draws(), make_prior()
    cov = (prior.factor @ prior.factor.T).numpy()
    expected = np.zeros(3)
    for point in range(3):
        x, shape = design(draws, point), float(prior.log_shape.exp())
        for b, beta in enumerate(BETAS):
            noise = np.diag((draws.cardinality[point] / BASE) ** -beta)
            for t, tau in enumerate(TAUS):
                spread = (tau * x @ cov @ x.T + noise) * float(
                    prior.log_variance[point].exp()
                )
                density = stats.multivariate_t(
                    loc=x @ prior.mean[point].numpy(), shape=spread, df=2 * shape
                ).pdf(draws.delta[point])
                cell = prior.log_beta[point, b] + prior.log_tau[point, t]
                expected[point] += float(cell.exp()) * density
    found = log_likelihood(prior, sums_of(draws)).numpy()
    np.testing.assert_allclose(found, np.log(expected), rtol=1e-8)


@pytest.mark.parametrize("n_powers", [1, 2, 3])
def test_the_gradient_is_the_likelihoods(n_powers):
    """Against differences of the likelihood, for each part of the prior."""
    draws, prior = make_draws(4), make_prior(4, n_powers=n_powers)
    delta = draws.delta.copy()
    delta[1, 2:] = delta[2] = np.nan
    some = Contributions(delta, draws.cardinality)
    sums = sums_of(some, np.arange(1.0, 1.0 + n_powers))
    parts = [part.requires_grad_(True) for part in prior]
    assert torch.autograd.gradcheck(
        lambda *parts: log_likelihood(Prior(*parts), sums), parts
    )


def test_the_posterior_is_that_of_conjugate_regression():
    """One cell of the grid, by textbook formulas."""
    draws, prior = make_draws(2, 8), make_prior(2)
    only = torch.full((2, len(BETAS)), -700.0, dtype=torch.float64)
    only[:, 2] = 0.0
    strong = torch.full((2, len(TAUS)), -700.0, dtype=torch.float64)
    strong[:, 6] = 0.0
    prior = prior._replace(log_beta=only, log_tau=strong)
    belief = update(prior, sums_of(draws))
    cov = (prior.factor @ prior.factor.T).numpy()
    for point in range(2):
        x, mean = design(draws, point), prior.mean[point].numpy()
        w = (draws.cardinality[point] / BASE) ** BETAS[2]
        y = draws.delta[point] - x @ mean
        a = x.T @ (w[:, None] * x) + np.linalg.inv(TAUS[6] * cov)
        best = np.linalg.solve(a, x.T @ (w * y))
        residual = np.sum(w * y**2) - best @ a @ best
        shape = float(prior.log_shape.exp())
        rate = shape * float(prior.log_variance[point].exp()) + residual / 2
        variance = rate / (shape + 4 - 1)
        np.testing.assert_allclose(belief.mean[point], mean + best, rtol=1e-8)
        np.testing.assert_allclose(
            belief.covariance[point], variance * np.linalg.inv(a), rtol=1e-7
        )
        assert float(belief.variance[point]) == np.float64(variance).round(12) or (
            abs(float(belief.variance[point]) / variance - 1) < 1e-9
        )
    np.testing.assert_allclose(belief.beta, BETAS[2])


def test_without_draws_the_posterior_is_the_prior():
    draws = Contributions(np.full((3, 2), np.nan), np.full((3, 2), 200))
    prior = make_prior()._replace(log_shape=torch.tensor(1.5, dtype=torch.float64))
    for before, after in zip(expect(prior), update(prior, sums_of(draws)), strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-9)


def test_with_many_draws_the_prior_does_not_matter():
    rng = np.random.default_rng(4)
    k = rng.integers(100, 1001, (1, 20_000))
    delta = 2.0 * 300 / k - 1.0 * (300 / k) ** 2 + 0.1 * rng.normal(size=k.shape)
    sums = sums_of(Contributions(delta, k))
    for seed in range(3):
        found = update(make_prior(1, seed), sums).mean.numpy()
        np.testing.assert_allclose(found, [[2.0, -1.0]], atol=0.02)


def test_the_average_of_one_prior_is_that_prior():
    prior = make_prior()
    for one, same in zip(prior, average([prior, prior]), strict=True):
        np.testing.assert_allclose(same, one, rtol=1e-12)
