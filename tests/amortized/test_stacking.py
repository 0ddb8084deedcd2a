"""Mixtures of the networks' and the plain estimate, and the weight between them."""

import numpy as np
import pytest

import data_scaling as ds
from data_scaling.amortized.encoding import learn_encoding
from data_scaling.amortized.model import AmortizedModel
from data_scaling.amortized.stacking import (
    Trial,
    choose,
    compare,
    count_coalitions,
    guess_weight,
    hide,
    learn_plain,
    list_numbers,
    weigh,
)
from data_scaling.estimators.choice import Choice, Law
from data_scaling.estimators.estimate import Estimate, mix

BASE, POWERS = 200.0, np.array([1.0, 2.0])
CHOICE = Choice((Law(((1.0, 2.0),)),), BASE)


def make_estimate(coefficients, spread=0.0):
    n_points, n_powers = coefficients.shape
    covariance = np.broadcast_to(spread * np.eye(n_powers), (n_points, 2, 2))
    return Estimate(coefficients, covariance, np.ones(n_points), np.full(n_points, 2.0))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_weight_is_that_of_the_best_mixture(share):
    """Recovered to 0.02 from 40,000 draws of noise 1; fixed seed."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 400, 2))
    k = rng.integers(100, 401, (400, 100))
    truth = make_estimate(share * one + (1 - share) * other)
    delta = truth.predict(k.astype(np.int32), BASE, POWERS)
    judges = ds.Contributions(delta + rng.normal(size=k.shape) * BASE / k, k)
    trials = [
        compare(
            make_estimate(one[part.points]),
            make_estimate(other[part.points]),
            part,
            CHOICE,
        )
        for part in (judges.take(range(200)), judges.take(range(200, 400)))
    ]

    assert weigh(trials) == pytest.approx(share, abs=0.02)


def test_a_weight_stays_between_zero_and_one():
    one, other = np.zeros((3, 2)), np.ones((3, 2))
    k = np.full((3, 4), 200)
    for value, expected in ((9.0, 0.0), (-9.0, 1.0)):
        judges = ds.Contributions(np.full((3, 4), value), k)
        arguments = make_estimate(one), make_estimate(other), judges, CHOICE
        assert weigh([compare(*arguments)]) == expected
    assert weigh([compare(*[make_estimate(one)] * 2, judges, CHOICE)]) == 0.5


def test_one_point_of_enormous_contributions_does_not_decide_for_all():
    """One in 200 is told wrongly, by a thousand times what the others are told."""
    rng = np.random.default_rng(4)
    truth, zero = rng.normal(size=(200, 2)), np.zeros((200, 2))
    k = rng.integers(100, 401, (200, 50))
    law = make_estimate(truth)
    delta = law.predict(k.astype(np.int32), BASE, POWERS)
    judges = ds.Contributions(delta + rng.normal(size=k.shape) * BASE / k, k)
    told = truth.copy()
    told[7] *= -1000.0
    trial = compare(make_estimate(told), make_estimate(zero), judges, CHOICE)

    assert weigh([trial]) > 0.8


def test_a_mixture_has_the_moments_of_its_parts():
    """Against 200,000 draws of the mixture, to five standard errors; fixed seed."""
    rng = np.random.default_rng(1)
    one = make_estimate(np.array([[1.0, -1.0]]), 0.5)
    other = make_estimate(np.array([[-2.0, 0.5]]), 0.1)
    mixed = mix([one, other], [np.array([0.3]), np.array([0.7])])
    drawn = np.where(
        rng.random((200_000, 1)) < 0.3,
        rng.normal(one.coefficients, 0.5**0.5, (200_000, 2)),
        rng.normal(other.coefficients, 0.1**0.5, (200_000, 2)),
    )

    np.testing.assert_allclose(mixed.coefficients[0], drawn.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(mixed.covariance[0], np.cov(drawn.T), atol=0.03)


@pytest.mark.parametrize("powers", [None, (1.0, 2.0)])
def test_the_plain_estimate_is_that_of_the_hierarchical_fit(powers):
    rng = np.random.default_rng(2)
    k = rng.integers(100, 401, (300, 12))
    a = rng.normal(size=(300, 1))
    draws = ds.Contributions(a / k + rng.normal(size=k.shape) / k, k)
    laws = ds.HierarchicalEstimator(powers=powers).fit(draws)
    learned = learn_plain(draws, choose(draws, laws.base_cardinality, powers))
    found = learned.estimate(draws)

    np.testing.assert_array_equal(learned.choice.powers, laws.powers)
    np.testing.assert_allclose(found.coefficients, laws.coefficients, rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(found.variance), laws.noise, rtol=1e-9)


def count(sizes, missing=None):
    delta = np.where(
        np.zeros(np.shape(sizes), bool) if missing is None else missing, np.nan, 1
    )
    return count_coalitions(ds.Contributions(delta, sizes))


def test_coalitions_are_counted_by_their_sizes():
    """Two shared ones, whose members see one less, and some of each point's own."""
    shared = np.array([[50, 80], [49, 80], [50, 79]])
    own = np.array([[50], [60], [70]])
    many = np.random.default_rng(0).integers(30, 200, (1000, 10))

    assert count(shared) == 2
    assert count(np.hstack([shared, own])) == 5
    assert 10 * 60 < count(many) <= 10 * 85
    assert count(shared, missing=shared > 70) == 1


def test_points_without_judges_leave_the_weight_to_the_others():
    """Most points have no draw in the columns that judge."""
    gained, apart = np.zeros((2, 20, 8))
    gained[:5], apart[:5] = 0.9, 1.0

    assert weigh([Trial(gained, apart)]) == pytest.approx(0.9)
    assert weigh([Trial(0 * gained, 0 * apart)], 0.3) == 0.3


def test_an_estimate_among_more_powers_predicts_the_same():
    rng = np.random.default_rng(6)
    estimate = make_estimate(rng.normal(size=(4, 2)), 0.5)
    wider = np.array([1.0, 1.5, 2.0])
    k = rng.integers(50, 500, (4, 3)).astype(np.int32)
    found = estimate.among(POWERS, wider)

    np.testing.assert_allclose(
        found.predict(k, BASE, wider), estimate.predict(k, BASE, POWERS)
    )
    assert found.covariance[0].tolist() == [[0.5, 0, 0], [0, 0, 0], [0, 0, 0.5]]


def test_few_judges_leave_the_weight_near_the_guess():
    """Three coalitions that contradict each other, and thirty that agree."""
    apart = np.ones((10, 3))
    gained = np.tile([2.0, -1.0, 0.5], (10, 1))
    for guess in (0.0, 0.5):
        assert abs(weigh([Trial(gained, apart)], guess) - guess) < 0.1
    agreed = Trial(np.full((10, 30), 0.8), np.ones((10, 30)))
    assert weigh([agreed], 0.0) == pytest.approx(0.8)
    assert guess_weight(15) == 0.0
    assert guess_weight(16) == 0.5


def test_hidden_draws_are_missing_and_numbers_double():
    draws = ds.Contributions(np.ones((2, 3)), np.full((2, 3), 50))

    hidden = hide(draws, np.array([False, True, False]))
    assert np.isnan(hidden.delta).tolist() == [[False, True, False]] * 2
    assert list_numbers(1) == [0, 1]
    assert list_numbers(8) == [0, 1, 2, 4, 8]
    assert list_numbers(3) == [0, 1, 2, 3]


def test_weights_are_interpolated_over_the_logarithm():
    model = AmortizedModel(
        "hierarchical",
        learn_encoding(ds.load_dataset("wine")),
        (),
        (8,),
        POWERS,
        BASE,
        1.0,
        numbers=np.array([0, 1, 7]),
        weights=np.array([0.9, 0.8, 0.4]),
    )

    found = model.weigh(np.array([0, 1, 3, 7, 100]))
    np.testing.assert_allclose(found, [0.9, 0.8, 0.6, 0.4, 0.4])
