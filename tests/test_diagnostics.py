"""Diagnostics: families told apart, misfits named, changes of sign found."""

import numpy as np
import pytest

from data_scaling.contributions import Contributions
from data_scaling.diagnostics import diagnose
from data_scaling.errors import InputError
from data_scaling.estimators import HierarchicalEstimator


def plant(n_points=120, n_draws=60, seed=0):
    """Points a/k + b/k^2 of which the first ten change their sign at 300."""
    rng = np.random.default_rng(seed)
    k = rng.integers(100, 1001, (n_points, n_draws))
    a, b = rng.normal(size=(2, n_points, 1))
    a[:10], b[:10] = 3.0, -3.0
    x = 300 / k
    noise = 0.3 * x * rng.normal(size=k.shape)
    return Contributions(a * x + b * x**2 + noise, k)


def test_expansions_are_likelier_than_a_constant_and_signs_change():
    draws = plant()
    found = diagnose(HierarchicalEstimator(powers=(1, 2)).fit(draws), draws)
    scores = found.log_likelihood
    assert scores["expansion"] > scores["constant"] + 0.1
    assert scores["expansion"] >= scores["power"]
    assert found.changes_sign[:10].all()
    assert np.mean(found.misfit < 0.05) < 0.15


def test_a_point_that_its_law_does_not_fit_is_named():
    draws = plant()
    delta = draws.delta.copy()
    delta[50] += 5.0 * (draws.cardinality[50] < 300)
    laws = HierarchicalEstimator(powers=(1, 2)).fit(draws)
    found = diagnose(laws, Contributions(delta, draws.cardinality))
    assert 50 in found.misfits()
    assert len(found.misfits()) <= 3


def test_too_few_draws_are_refused():
    draws = plant().first(5)
    with pytest.raises(InputError, match="5 draws per point"):
        diagnose(HierarchicalEstimator(powers=(1, 2)).fit(draws), draws)
