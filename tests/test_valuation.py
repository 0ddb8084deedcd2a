import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.laws import PowerLaws
from data_scaling.valuation import (
    average_rule,
    monte_carlo_values,
    semivalues,
    shapley_values,
)


def make_laws(c, alpha):
    n = len(c)
    return PowerLaws(
        points=np.arange(n),
        c=np.array(c, dtype=float),
        alpha=np.array(alpha, dtype=float),
        sigma=np.ones(n),
        beta=np.ones(n),
        covariance=np.zeros((n, 4, 4)),
        status=np.zeros(n),
        n_draws=np.full(n, 9),
        cardinality_range=np.ones((n, 2)),
    )


LAWS = make_laws([1.0, -2.0, 3.0, 5.0, np.nan], [0.0, 0.5, 1.3, np.e**2, np.nan])


@settings(max_examples=60, deadline=None)
@given(low=st.integers(1, 3000), length=st.integers(0, 5000))
def test_shapley_value_equals_the_plain_mean(low, length):
    sizes = np.arange(low, low + length + 1)
    value = shapley_values(LAWS, low, low + length)
    np.testing.assert_allclose(value, LAWS.psi(sizes).mean(axis=1), rtol=1e-12)


def test_shapley_value_over_a_million_sizes():
    k = np.arange(1.0, 1_000_001)
    expected = [np.mean(c * k**-a) for c, a in zip(LAWS.c, LAWS.alpha, strict=True)]
    np.testing.assert_allclose(shapley_values(LAWS, 1, 1_000_000), expected, rtol=1e-12)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (5, 36), (100, 1000), (7, 10**7)])
def test_rule_has_positive_weights_inside_the_range(low, high):
    sizes, weights = average_rule(low, high)
    assert sizes.min() >= low
    assert sizes.max() <= high
    assert weights.min() > 0
    assert weights.sum() == pytest.approx(1, rel=1e-13)
    assert (weights @ sizes**2) == pytest.approx(
        (high * (high + 1) * (2 * high + 1) - (low - 1) * low * (2 * low - 1))
        / 6
        / (high - low + 1),
        rel=1e-12,
    )


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [(0, 10, "at least 1"), (10, 9, "range of sizes is empty"), (1.5, 3, "integer")],
)
def test_bad_ranges_are_refused(low, high, message):
    with pytest.raises(InputError, match=message):
        shapley_values(LAWS, low, high)


def test_semivalue_with_equal_weights_is_the_shapley_value():
    weights = dict.fromkeys(range(100, 1001), 1 / 901)
    np.testing.assert_allclose(
        semivalues(LAWS, weights), shapley_values(LAWS, 100, 1000), rtol=1e-12
    )


@pytest.mark.parametrize(
    "weights", [{10: 0.5}, {10: 1.5, 20: -0.5}, {}, {10: float("nan")}]
)
def test_weights_that_are_no_semivalue_are_refused(weights):
    with pytest.raises(InputError, match="weights"):
        semivalues(LAWS, weights)


def test_monte_carlo_value_is_the_mean_of_the_usable_draws():
    delta = [[1.0, 2.0, 6.0], [np.nan, 2.0, 4.0], [np.nan] * 3]
    values = monte_carlo_values(Contributions(delta, [5, 6, 7]))
    np.testing.assert_array_equal(values, [3.0, 3.0, np.nan])
