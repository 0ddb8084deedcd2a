"""Weights of semivalues, against their closed forms and a game solved by hand."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy.special import beta as beta_function

from data_scaling.errors import InputError
from data_scaling.laws import PowerLaws
from data_scaling.valuation import semivalues, shapley_values
from data_scaling.weights import banzhaf_weights, beta_weights


def test_banzhaf_is_the_mean_over_all_coalitions_but_the_empty_one():
    """A symmetric game, in which psi_k = 1/k, over every coalition of five others."""
    weights = banzhaf_weights(6)
    gains = [1 / k for k in range(1, 6) for _ in combinations(range(5), k)]
    value = sum(weight / k for k, weight in weights.items())
    assert value == pytest.approx(np.mean(gains))


@pytest.mark.parametrize(("alpha", "beta"), [(1, 1), (16, 1), (4, 1), (1, 4)])
def test_beta_weights_are_those_of_the_definition(alpha, beta):
    n = 12
    sizes = np.arange(1, n)
    raw = [comb(n - 1, k) * beta_function(k + beta, n - 1 - k + alpha) for k in sizes]
    found = beta_weights(n, alpha, beta)
    assert list(found) == sizes.tolist()
    np.testing.assert_allclose(list(found.values()), raw / np.sum(raw), rtol=1e-12)


def test_weights_of_a_large_dataset_are_finite_and_sum_to_one():
    for weights in (banzhaf_weights(100_000), beta_weights(100_000, 16, 1)):
        assert sum(weights.values()) == pytest.approx(1, abs=1e-12)
        assert np.isfinite(list(weights.values())).all()
    assert abs(np.mean(list(banzhaf_weights(100_000))) - 50_000) < 1


def test_beta_of_one_and_one_is_the_shapley_value():
    laws = PowerLaws(
        points=np.arange(2),
        c=np.array([1.0, -2.0]),
        alpha=np.array([1.1, 0.4]),
        sigma=np.ones(2),
        beta=np.ones(2),
        covariance=np.zeros((2, 4, 4)),
        status=np.zeros(2),
        n_draws=np.full(2, 9),
        cardinality_range=np.ones((2, 2)),
    )
    found = semivalues(laws, beta_weights(500, 1, 1))
    np.testing.assert_allclose(found, shapley_values(laws, 1, 499), rtol=1e-10)


def test_bad_games_are_refused():
    with pytest.raises(InputError, match="at least 2"):
        banzhaf_weights(1)
    with pytest.raises(InputError, match="two positive numbers"):
        beta_weights(10, 0, 1)
