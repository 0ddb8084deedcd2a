"""Base draws stand beside draws of their own size."""

import numpy as np
import pytest

from data_scaling.adjustment.matching import match_sizes


def test_every_draw_has_as_many_base_draws_of_about_its_size():
    rng = np.random.default_rng(0)
    sizes, base = rng.integers(100, 1001, 20), rng.integers(100, 1001, 215)
    match = match_sizes(sizes, base)
    assert match.partners.shape == (20, 10)
    assert len(np.unique(match.partners)) == 200
    near = base[match.partners].mean(axis=1)
    assert np.corrcoef(near, sizes)[0, 1] > 0.98


def test_equal_sizes_are_matched_exactly():
    sizes = np.tile([100, 300, 900], 4)
    match = match_sizes(sizes, np.tile([900, 100, 300], 20))
    assert np.array_equal(
        match.base_cardinality[match.partners], np.tile(sizes[:, None], 5)
    )


def test_deviations_of_a_smooth_function_are_zero():
    rng = np.random.default_rng(1)
    sizes, base = rng.integers(100, 1001, 15), rng.integers(100, 1001, 90)
    smooth = [3.0 - 50.0 / k + 1e3 / k**2 for k in (sizes, base)]
    deviation = match_sizes(sizes, base).deviate(smooth[0][None], smooth[1][None])
    for part in deviation:
        assert part == pytest.approx(np.zeros((1, 15)), abs=1e-9)


def test_deviations_at_one_size_are_differences_of_means():
    rng = np.random.default_rng(2)
    match = match_sizes(np.full(4, 50), np.full(12, 50))
    own, base = rng.normal(size=(2, 4)), rng.normal(size=(2, 12))
    expected = own - base[:, match.partners].mean(axis=2)
    found = match.deviate(own, base)
    assert found.own - found.beside == pytest.approx(expected, abs=1e-9)
    assert found.own == pytest.approx(own - base.mean(axis=1, keepdims=True))


def test_missing_controls_are_left_out():
    match = match_sizes(np.full(2, 50), np.full(4, 50))
    base = np.array([[1.0, np.nan, 3.0, 5.0], [np.nan, np.nan, 3.0, 5.0]])
    own = np.array([[2.0, np.nan], [2.0, 2.0]])
    assert match.partners.tolist() == [[0, 1], [2, 3]]
    found = match.deviate(own, base)
    expected = [[1.0, np.nan], [np.nan, -2.0]]
    np.testing.assert_allclose(found.own - found.beside, expected, atol=1e-9)
