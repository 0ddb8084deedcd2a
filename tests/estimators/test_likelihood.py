import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from data_scaling.contributions import Contributions
from data_scaling.errors import FitWarning, InputError
from data_scaling.estimators import LikelihoodEstimator, profile_scale
from data_scaling.laws import FitStatus, PowerLaws

PARAMETERS = ("c", "alpha", "sigma", "beta", "covariance")


def planted(n_points, n_draws, seed, signal=1.0):
    """Draws of laws whose mean at k = 400 is ``signal`` noise deviations."""
    rng = np.random.default_rng(seed)
    k = rng.integers(100, 1001, (n_points, n_draws))
    alpha, beta = rng.uniform(0.6, 1.8, n_points), rng.uniform(1, 3, n_points)
    c = signal * rng.normal(size=n_points) * 400 ** (alpha - beta / 2)
    noise = k ** (-beta[:, None] / 2) * rng.normal(size=k.shape)
    return Contributions(c[:, None] * k ** -alpha[:, None] + noise, k)


def assert_same_laws(left, right, rtol=1e-12):
    for name in PARAMETERS:
        np.testing.assert_allclose(
            getattr(left, name), getattr(right, name), rtol=rtol, err_msg=name
        )
    np.testing.assert_array_equal(left.status, right.status)
    np.testing.assert_array_equal(left.n_draws, right.n_draws)


def negative_log_likelihood(draws, row, alpha, beta):
    delta, k = draws.delta[row], draws.cardinality[row].astype(float)
    _, sigma = profile_scale(delta[None], k[None], np.array([alpha]), np.array([beta]))
    return delta.size * np.log(sigma[0]) - beta / 2 * np.log(k).sum()


@pytest.mark.parametrize(("n_draws", "signal"), [(8, 0.3), (100, 0.3), (30, 5.0)])
def test_no_restart_of_another_optimiser_finds_a_higher_likelihood(n_draws, signal):
    draws = planted(30, n_draws, seed=n_draws, signal=signal)
    laws = LikelihoodEstimator().fit(draws)
    starts = np.random.default_rng(0).uniform(0, np.e**2, (6, 2))
    for row in range(30):
        ours = negative_log_likelihood(draws, row, laws.alpha[row], laws.beta[row])
        others = min(
            minimize(
                lambda at, row=row: negative_log_likelihood(draws, row, *at),
                start,
                method="L-BFGS-B",
                bounds=[(0, np.e**2)] * 2,
            ).fun
            for start in starts
        )
        assert ours <= others + 1e-8 * n_draws


def test_all_points_at_once_equal_one_by_one():
    draws = planted(600, 40, seed=1)
    together = LikelihoodEstimator().fit(draws)
    for row in (0, 255, 256, 409, 599):
        assert_same_laws(
            LikelihoodEstimator().fit(draws.take([row])), together.take([row]), 1e-11
        )


def test_order_of_points_and_draws_changes_nothing():
    draws = planted(300, 50, seed=2)
    rng = np.random.default_rng(0)
    points, order = rng.permutation(300), rng.permutation(50)
    shuffled = Contributions(
        draws.delta[points][:, order], draws.cardinality[points][:, order], points
    )
    laws = LikelihoodEstimator().fit(shuffled).take(np.arange(300))
    whole = LikelihoodEstimator().fit(draws)
    np.testing.assert_allclose(laws.psi([100, 1000]), whole.psi([100, 1000]), rtol=1e-7)
    np.testing.assert_array_equal(laws.status, whole.status)


def test_missing_draws_equal_removed_draws():
    draws = planted(50, 40, seed=3)
    delta = draws.delta.copy()
    delta[:, 30:] = np.nan
    with_missing = LikelihoodEstimator().fit(Contributions(delta, draws.cardinality))
    removed = LikelihoodEstimator().fit(draws.first(30))
    for k in (100, 1000):
        np.testing.assert_allclose(with_missing.psi(k), removed.psi(k), rtol=1e-8)
        np.testing.assert_allclose(
            with_missing.psi_std(k), removed.psi_std(k), rtol=1e-6
        )
    np.testing.assert_array_equal(with_missing.n_draws, 30)
    np.testing.assert_array_equal(
        with_missing.cardinality_range, removed.cardinality_range
    )


def test_missing_draws_of_one_point_leave_the_others_alone():
    draws = planted(20, 30, seed=4)
    delta = draws.delta.copy()
    delta[7, ::2] = np.nan
    laws = LikelihoodEstimator().fit(Contributions(delta, draws.cardinality))
    whole = LikelihoodEstimator().fit(draws)
    others = np.arange(20) != 7
    np.testing.assert_allclose(laws[others].alpha, whole[others].alpha, rtol=1e-9)
    assert laws.n_draws[7] == 15


@settings(max_examples=25, deadline=None)
@given(
    scale=st.floats(1e-12, 1e12) | st.floats(-1e12, -1e-12),
    seed=st.integers(0, 2**32 - 1),
)
def test_scaled_deltas_scale_c_and_sigma_alone(scale, seed):
    draws = planted(3, 25, seed=seed)
    scaled = Contributions(scale * draws.delta, draws.cardinality)
    laws, other = (LikelihoodEstimator().fit(each) for each in (draws, scaled))
    for k in (100, 1000):
        np.testing.assert_allclose(
            other.psi(k), scale * laws.psi(k), rtol=1e-5, atol=1e-9 * abs(scale)
        )
        np.testing.assert_allclose(
            other.noise_std(k), abs(scale) * laws.noise_std(k), rtol=1e-6
        )
    np.testing.assert_allclose(other.alpha, laws.alpha, atol=1e-5)
    np.testing.assert_allclose(other.beta, laws.beta, atol=1e-5)


def test_tiny_and_huge_deltas_are_fitted():
    draws = planted(3, 25, seed=5)
    laws = LikelihoodEstimator().fit(draws)
    for scale in (1e-200, 1e150):
        other = LikelihoodEstimator().fit(
            Contributions(scale * draws.delta, draws.cardinality)
        )
        np.testing.assert_allclose(other.alpha, laws.alpha, rtol=1e-6)
        np.testing.assert_allclose(other.psi(300), scale * laws.psi(300), rtol=1e-6)


def test_every_status_in_one_call():
    k = np.array([100, 150, 200, 300, 400, 600, 800, 1000])
    noise = np.random.default_rng(6).normal(size=k.size)
    rows = {
        FitStatus.CONVERGED: 5 / k**1.2 + 0.5 * noise / k**1.2,
        FitStatus.AT_BOUND: k**0.5 * (5 + 0.5 * noise),
        FitStatus.TOO_FEW_DRAWS: np.where(np.arange(8) < 2, noise, np.nan),
        FitStatus.NO_SIGNAL: np.zeros(8),
        FitStatus.DEGENERATE: np.full(8, 0.25),
    }
    draws = Contributions(np.stack(list(rows.values())), k)
    with pytest.warns(FitWarning, match=r"2 of 5 laws .*1 too few draws, 1 degenerate"):
        laws = LikelihoodEstimator().fit(draws)
    assert [FitStatus(value) for value in laws.status] == list(rows)
    assert np.isfinite(laws.psi(500)).tolist() == [True, True, False, True, False]
    assert laws.psi(500)[3] == laws.psi_std(500)[3] == 0
    assert laws.n_draws.tolist() == [8, 8, 2, 8, 8]


def test_iteration_limit_is_a_status():
    with pytest.warns(FitWarning, match="iteration limit"):
        laws = LikelihoodEstimator(max_iterations=1).fit(planted(50, 20, seed=7))
    assert (laws.status == FitStatus.ITERATION_LIMIT).any()


@pytest.mark.parametrize(
    ("delta", "k"),
    [
        ([0.3, 0.1, 0.2, 0.5], [100, 100, 100, 100]),
        ([3 / 100, 3 / 200, 3 / 300, 3 / 400], [100, 200, 300, 400]),
        ([2.0, 2.0, 1.0, 1.0], [100, 100, 200, 200]),
        ([np.nan, 2.0, 1.0, 3.0], [100, 200, 200, 200]),
    ],
    ids=["one size", "exact law", "two exact sizes", "one usable size"],
)
def test_draws_without_a_maximum_are_degenerate(delta, k):
    with pytest.warns(FitWarning, match="degenerate"):
        laws = LikelihoodEstimator().fit(Contributions([delta], [k]))
    assert laws.status.tolist() == [FitStatus.DEGENERATE]
    assert np.isnan(laws.c).all()


def test_warning_names_the_points_and_their_draws():
    delta = np.full((7, 5), np.nan)
    draws = Contributions(delta, [1, 2, 3, 4, 5], np.arange(10, 17))
    with pytest.warns(FitWarning) as caught:
        LikelihoodEstimator().fit(draws)
    assert str(caught[0].message) == (
        "7 of 7 laws did not converge (7 too few draws): points 10, 11, 12, 13, 14, "
        "....\nAdd draws (these points have 0), or see laws.status."
    )
    assert caught[0].filename == __file__


def test_three_draws_give_a_law_with_a_wide_interval():
    laws = LikelihoodEstimator().fit(Contributions([[0.3, 0.2, 0.05]], [100, 200, 300]))
    low, high = laws.interval(200)
    assert low < 0.2 < high
    assert laws.status[0] in (FitStatus.CONVERGED, FitStatus.AT_BOUND)


def test_no_points_give_no_laws():
    laws = LikelihoodEstimator().fit(Contributions(np.empty((0, 5)), [1, 2, 3, 4, 5]))
    assert isinstance(laws, PowerLaws)
    assert len(laws) == 0


def test_no_draws_are_too_few():
    with pytest.warns(FitWarning, match="too few draws"):
        laws = LikelihoodEstimator().fit(Contributions(np.empty((2, 0)), []))
    assert laws.status.tolist() == [FitStatus.TOO_FEW_DRAWS] * 2


def test_exponents_respect_another_bound():
    draws = planted(200, 30, seed=8)
    laws = LikelihoodEstimator(max_exponent=1.0).fit(draws)
    assert laws.alpha.max() == laws.beta.max() == 1.0
    at_bound = (laws.alpha == 1) | (laws.beta == 1)
    assert (laws.status[at_bound] == FitStatus.AT_BOUND).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"max_exponent": 0}, "above 0"), ({"max_iterations": 0}, "at least 1")],
)
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        LikelihoodEstimator(**arguments)


def test_fit_of_good_draws_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LikelihoodEstimator().fit(planted(20, 50, seed=9))
