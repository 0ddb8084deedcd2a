"""Validation of laws: groups, means, R^2 and its ceiling."""

from dataclasses import replace

import numpy as np
import pytest
from test_ranking import make_laws

from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.validation import (
    Validation,
    describe_validation,
    split_draws,
    validate_laws,
)


def draw_from_laws(laws, k, noise, seed):
    rng = np.random.default_rng(seed)
    psi = laws.psi(np.broadcast_to(k, (len(laws), len(k))))
    delta = psi + noise * np.abs(psi) * rng.normal(size=psi.shape)
    return Contributions(delta, np.asarray(k, dtype=np.int32), points=laws.points)


def test_draws_go_to_the_nearest_size_in_ratio():
    """A member of a coalition of 100 was drawn at 99 and belongs to 100."""
    laws = make_laws([1.0], [1.0])
    k = np.array([99, 100, 301, 300, 990, 1000])
    validation = validate_laws(laws, draw_from_laws(laws, k, 0.0, 0), [100, 300, 1000])
    assert validation.n_draws.tolist() == [[2, 2, 2]]
    np.testing.assert_allclose(
        validation.mean[0], [199 / 19800, 601 / 180600, 199e-5 / 1.98], rtol=1e-2
    )
    np.testing.assert_allclose(validation.mean, validation.predicted)


def test_draws_are_split_into_halves_of_what_was_drawn():
    """Of eight columns four were drawn, the first, second, fifth and sixth."""
    delta = np.full((2, 8), np.nan)
    delta[:, [0, 1, 4, 5]] = 1.0
    draws = Contributions(delta, np.full((2, 8), 30))
    first, second = (np.sum(~np.isnan(half.delta)) for half in split_draws(draws))

    assert first == second == 4
    with pytest.raises(InputError):
        split_draws(Contributions(delta[:, :1], np.full((2, 1), 30)))


def test_means_and_standard_errors_are_those_of_the_draws():
    delta = np.array([[1.0, 3.0, np.nan, 8.0]])
    draws = Contributions(delta, np.array([10, 10, 10, 20]), points=np.array([10]))
    validation = validate_laws(make_laws([1.0], [1.0]), draws, [10, 20])
    np.testing.assert_allclose(validation.mean, [[2.0, 8.0]])
    np.testing.assert_allclose(validation.mean_std[0, 0], 1.0)
    assert np.isnan(validation.mean_std[0, 1])
    np.testing.assert_allclose(validation.predicted, [[0.1, 0.05]])


def test_true_laws_reach_the_ceiling():
    """R^2 of the true laws is within four of its standard errors of the ceiling.

    Under the null the difference of the two has mean 0; over 2,000 points a false
    alarm has a probability below 1e-4 per size.
    """
    rng = np.random.default_rng(3)
    laws = make_laws(rng.normal(size=2000), rng.uniform(0.8, 1.5, 2000))
    k = np.repeat([50, 100, 200], 20)
    validation = validate_laws(laws, draw_from_laws(laws, k, 3.0, 4), [50, 100, 200])
    error = (validation.mean - validation.predicted) ** 2 - validation.mean_std**2
    spread = np.var(validation.mean, axis=0)
    tolerance = 4 * error.std(axis=0) / np.sqrt(2000) / spread
    assert (validation.r2_ceiling < 0.85).all()
    assert (np.abs(validation.r2 - validation.r2_ceiling) < tolerance).all()


def test_wrong_laws_fall_short_of_the_ceiling():
    laws = make_laws([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    k = np.repeat([50, 100, 200], 20)
    draws = draw_from_laws(laws, k, 0.01, 5)
    wrong = make_laws([3.0, 2.0, 1.0], [1.0, 1.0, 1.0])
    assert (validate_laws(wrong, draws).r2 < 0).all()
    assert validate_laws(laws, draws).r2_pooled > 0.99


def test_straight_means_have_a_log_r2_of_1():
    laws = make_laws([1.0, -2.0], [1.3, 0.7])
    k = np.repeat([50, 100, 200, 400], 2)
    validation = validate_laws(
        laws, draw_from_laws(laws, k, 0.0, 0), [50, 100, 200, 400]
    )
    np.testing.assert_allclose(validation.log_r2, 1.0)


def test_a_point_that_clearly_changes_sign_is_told_from_noise():
    sizes = np.array([10.0, 20.0, 40.0, 80.0])
    mean = np.array([[4.0, 1, -1, -4], [4, 2, 1, 0.5], [4, 2, 1, -2], [np.nan] * 4])
    found = Validation(
        np.arange(4),
        sizes,
        np.full((4, 4), 9),
        mean,
        np.where(np.isnan(mean), np.nan, 1.0),
        mean,
        np.ones((4, 4)),
    )
    assert found.changes_sign.tolist() == [True, False, False, False]
    told = describe_validation(found)
    assert told["share whose sign depends on the size"] == 0.25
    assert told["R2 at 20"] == 1.0


def test_too_few_means_have_no_log_r2():
    laws = make_laws([1.0, 0.0], [1.0, 1.0])
    draws = draw_from_laws(laws, np.array([50, 100]), 0.0, 0)
    assert np.isnan(validate_laws(laws, draws, [50, 100]).log_r2).all()


def test_default_sizes_span_the_draws():
    laws = make_laws([1.0], [1.0])
    draws = draw_from_laws(laws, np.arange(100, 1001), 0.1, 0)
    validation = validate_laws(laws, draws)
    assert validation.cardinality[[0, -1]].tolist() == [100, 1000]
    assert len(validation.cardinality) == 10
    assert validation.n_draws.sum() == 901


@pytest.mark.parametrize(
    ("sizes", "message"),
    [([100, 100], "only 1 different"), ([0, 10], "at least 1"), ([], "at least 1")],
)
def test_bad_sizes_are_refused(sizes, message):
    laws = make_laws([1.0], [1.0])
    draws = draw_from_laws(laws, np.array([50, 100]), 0.0, 0)
    with pytest.raises(InputError, match=message):
        validate_laws(laws, draws, sizes)


def test_points_without_laws_are_refused():
    laws = make_laws([1.0, 2.0], [1.0, 1.0])
    draws = draw_from_laws(laws, np.array([50, 100]), 0.0, 0)
    with pytest.raises(InputError, match="11"):
        validate_laws(laws[:1], draws)


def test_coverage_is_that_of_the_laws_own_intervals():
    """Laws of three draws have intervals of Student's t with one degree of freedom."""
    laws = replace(
        make_laws([1.0, 1.0], [1.0, 1.0]), freedom=np.array([1.0, 1e9]), cells=None
    )
    covariance = np.zeros((2, 4, 4))
    covariance[:, 0, 0] = 1.0
    laws = replace(laws, covariance=covariance)
    draws = Contributions([[0.5, 0.5]] * 2, np.array([10, 10]), points=laws.points)
    validation = validate_laws(laws, draws, [10])
    np.testing.assert_allclose(validation.half_width[:, 0], [1.27062, 0.195996], 1e-4)
    assert validation.coverage.tolist() == [0.5]
