"""Regression of draws on controls that say nothing, or something."""

import numpy as np
import pytest

from data_scaling.adjustment.shrinkage import predict_by_shared


def plant(seed, n_draws, effect):
    """Draws of 50 points whose coalitions share a luck, and eight descriptors of it."""
    rng = np.random.default_rng(seed)
    luck = rng.standard_t(3, size=(3, n_draws))
    draws = rng.normal(size=(50, 3)) @ luck + rng.standard_t(3, size=(50, n_draws))
    descriptors = rng.normal(size=(n_draws, 8))
    descriptors[:, :3] += effect * luck.T
    return draws, descriptors / descriptors.std(axis=0)


@pytest.mark.parametrize("n_draws", [10, 20])
def test_useless_descriptors_are_seldom_used(n_draws):
    """In 9 and 3 of 100 problems; at a rate of 9 %, over 18 have a chance of 1e-3."""
    used = [
        predict_by_shared(*plant(seed, n_draws, 0.0), np.ones((n_draws, 1))).any()
        for seed in range(100)
    ]
    assert sum(used) <= 18


def test_descriptors_that_tell_are_used():
    """Means of 20 draws come nearer to 0 in most of 20 problems (by chance: 1e-3)."""
    nearer = 0
    for seed in range(20):
        draws, descriptors = plant(seed, 20, 3.0)
        left = draws - predict_by_shared(draws, descriptors, np.ones((20, 1)))
        nearer += np.mean(left.mean(axis=1) ** 2) < np.mean(draws.mean(axis=1) ** 2)
    assert nearer >= 17
