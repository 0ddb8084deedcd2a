"""The loss around the aggregate law, against the likelihood itself."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from data_scaling.errors import InputError
from data_scaling.estimators import AggregateLikelihoodEstimator
from data_scaling.estimators.surface import measure_aggregate_loss


def make_curve():
    rng = np.random.default_rng(0)
    k = rng.integers(50, 2000, 300).astype(float)
    return k, 0.3 + 4.0 / k**0.8 + 0.3 * rng.normal(size=300) / k**0.5


def negative_log_likelihood(k, error, eps, alpha, c, sigma, beta):
    variance = sigma**2 * k**-beta
    residual = error - eps - c * k**-alpha
    return 0.5 * np.sum(np.log(2 * np.pi * variance) + residual**2 / variance)


def test_the_loss_is_the_profile_of_the_likelihood():
    k, error = make_curve()
    law = AggregateLikelihoodEstimator().fit(k, error)
    own = negative_log_likelihood(
        k, error, law.eps, law.alpha, law.c, law.sigma, law.beta
    )
    alpha, eps = 1.1, 0.31
    found = measure_aggregate_loss(law, k, error, [alpha], [eps])[0, 0]

    def best_over_sigma(c):
        residual = error - eps - c * k**-alpha
        sigma = np.sqrt(np.mean(k**law.beta * residual**2))
        return negative_log_likelihood(k, error, eps, alpha, c, sigma, law.beta)

    expected = minimize_scalar(best_over_sigma, (1.0, 20.0), tol=1e-12).fun - own
    assert found == pytest.approx(expected, abs=1e-6)


def test_the_fit_lies_at_the_bottom():
    k, error = make_curve()
    law = AggregateLikelihoodEstimator().fit(k, error)
    alphas = law.alpha + np.linspace(-0.3, 0.3, 7)
    epsilons = law.eps + np.linspace(-0.02, 0.02, 5)
    loss = measure_aggregate_loss(law, k, error, alphas, epsilons)
    assert loss.shape == (5, 7)
    assert loss.argmin() == 2 * 7 + 3
    assert loss[2, 3] == pytest.approx(0.0, abs=1e-6)


def test_arrays_of_other_shapes_are_refused():
    k, error = make_curve()
    law = AggregateLikelihoodEstimator().fit(k, error)
    with pytest.raises(InputError, match="one error per size"):
        measure_aggregate_loss(law, k[:5], error, [1.0], [0.1])
