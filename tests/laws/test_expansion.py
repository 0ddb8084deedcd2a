"""Expansion laws against closed forms, and against power laws where they agree."""

import numpy as np
import pytest
from scipy import stats

from data_scaling.errors import InputError
from data_scaling.laws import ExpansionLaws, load_laws


def make_expansions(
    coefficients, *, covariance=None, powers=(1.0, 2.0), base_cardinality=200.0
):
    coefficients = np.atleast_2d(np.asarray(coefficients, dtype=float))
    n, p = coefficients.shape
    return ExpansionLaws(
        points=5 + np.arange(n),
        powers=np.asarray(powers),
        base_cardinality=base_cardinality,
        coefficients=coefficients,
        covariance=np.zeros((n, p, p)) if covariance is None else covariance,
        noise=np.full(n, 2.0),
        noise_exponent=np.full(n, 1.5),
        status=np.zeros(n),
        n_draws=np.full(n, 31),
        cardinality_range=np.tile([50, 800], (n, 1)),
    )


def random_expansions(n=30, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, 2, 2))
    return make_expansions(
        rng.normal(size=(n, 2)), covariance=root @ root.transpose(0, 2, 1)
    )


def test_psi_is_the_sum_of_its_terms():
    laws = make_expansions([[3.0, -1.0], [0.0, 2.0]])
    np.testing.assert_allclose(laws.psi([200, 400]), [[2.0, 1.25], [2.0, 0.5]])
    np.testing.assert_allclose(laws.psi(400), [1.25, 0.5])
    np.testing.assert_allclose(laws.psi([[200.0], [400.0]]), [[2.0], [0.5]])


def test_the_standard_deviation_is_that_of_a_linear_form():
    laws = random_expansions()
    terms = np.array([0.5, 0.25])
    expected = np.sqrt([terms @ cov @ terms for cov in laws.covariance])
    np.testing.assert_allclose(laws.psi_std(400), expected)
    np.testing.assert_allclose(laws.psi_std([200, 400])[:, 1], expected)


def test_intervals_and_signs_are_normal():
    laws = random_expansions()
    low, high = laws.interval(300, 0.9)
    width = 2 * stats.norm.ppf(0.95) * laws.psi_std(300)
    np.testing.assert_allclose(high - low, width)
    expected = stats.norm.cdf(-laws.psi(300) / laws.psi_std(300))
    np.testing.assert_allclose(laws.probability_negative(300), expected)


def test_the_exponent_is_the_local_slope():
    laws = random_expansions()
    h = 1e-6
    up, down = np.abs(laws.psi([300 * np.exp(h), 300 * np.exp(-h)])).T
    slope = -(np.log(up) - np.log(down)) / (2 * h)
    np.testing.assert_allclose(laws.exponent(300), slope, rtol=1e-5)


def test_the_tangent_touches():
    laws = random_expansions()
    tangent = laws.tangent(300)
    np.testing.assert_allclose(tangent.psi(300), laws.psi(300))
    np.testing.assert_allclose(tangent.alpha, laws.exponent(300))
    np.testing.assert_allclose(tangent.psi_std(300), laws.psi_std(300))
    np.testing.assert_allclose(
        tangent.noise_std([100, 900]), laws.noise_std([100, 900])
    )
    np.testing.assert_array_equal(tangent.points, laws.points)


def test_a_point_that_changes_its_sign_at_k_has_no_tangent():
    laws = make_expansions([[1.0, -1.0 + 1e-9], [1.0, 1.0]])
    tangent = laws.tangent(200)
    assert np.isnan(tangent.c[0])
    assert np.isnan(tangent.alpha[0])
    assert np.isfinite(tangent.c[1])


def test_a_single_power_is_a_power_law():
    laws = make_expansions([[2.0], [-1.0]], powers=[1.3])
    tangent = laws.tangent(70)
    np.testing.assert_allclose(tangent.alpha, 1.3)
    np.testing.assert_allclose(tangent.psi([10, 1000]), laws.psi([10, 1000]))


def test_selected_laws_are_those_of_the_points():
    laws = random_expansions()
    np.testing.assert_array_equal(laws[3:5].psi(9), laws.psi(9)[3:5])
    np.testing.assert_array_equal(laws.take([9, 6]).psi(9), laws.psi(9)[[4, 1]])
    with pytest.raises(InputError, match="99"):
        laws.take([99])


def test_saved_and_loaded_laws_have_the_same_bits(tmp_path):
    laws = random_expansions()
    laws.save(tmp_path / "laws.npz")
    again = load_laws(tmp_path / "laws.npz")
    assert isinstance(again, ExpansionLaws)
    np.testing.assert_array_equal(again.psi([7, 77]), laws.psi([7, 77]))
    np.testing.assert_array_equal(again.psi_std(7), laws.psi_std(7))
    np.testing.assert_array_equal(again.noise_std(7), laws.noise_std(7))


def test_the_frame_names_the_powers():
    frame = make_expansions([[3.0, -1.0, 2.0]], powers=[1.0, 1.5, 2.0]).to_frame()
    assert frame.columns[:5].tolist() == ["point", "row", "a_1", "a_1_std", "a_1.5"]
    assert frame.loc[0, "a_1.5"] == -1.0
    assert frame.loc[0, "status"] == "converged"


def test_arrays_of_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"coefficients has shape \(1, 3\)"):
        make_expansions([[1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match=r"level is 1\.5"):
        random_expansions().interval(10, 1.5)
