"""Coalitions of fewer rows than features, with fewer features and with all of them."""

import numpy as np
import pytest

from data_scaling.datasets import Dataset
from data_scaling.learners import multinomial
from data_scaling.learners._span import Span
from data_scaling.learners.multinomial import MultinomialLearner


def make_penalty(d, has_intercept):
    return np.append(np.full(d, 0.5), np.zeros(int(has_intercept)))


@pytest.mark.parametrize("has_intercept", [True, False])
def test_log_odds_are_the_same_with_fewer_features(has_intercept):
    """Those of the coalition's rows, of the point itself and of any other row."""
    rng = np.random.default_rng(0)
    penalty = make_penalty(9, has_intercept)
    x = np.column_stack([rng.normal(size=(20, 9)), np.ones((20, int(has_intercept)))])
    rows, points = x[:4], x[4:12]
    span = Span.of(rows, penalty)
    assert len(span.reduced_penalty) == 5 + int(has_intercept)
    theta = rng.normal(size=(8, 2 * len(span.reduced_penalty)))
    whole = span.expand(theta, points).reshape(8, 2, -1)
    reduced = theta.reshape(8, 2, -1)
    of_rows = span.reduce(rows, is_spanned=True)
    np.testing.assert_allclose(whole @ rows.T, reduced @ of_rows.T, atol=1e-12)
    own = span.reduce(points, is_spanned=False)
    np.testing.assert_allclose(
        np.einsum("icp,ip->ic", whole, points),
        np.einsum("icp,ip->ic", reduced, own),
        atol=1e-12,
    )
    # Nothing is penalised more or less than it was.
    np.testing.assert_allclose(
        np.sum(whole**2 * penalty, axis=2),
        np.sum(reduced**2 * span.reduced_penalty, axis=2),
    )


def test_many_rows_are_taken_as_they_are():
    x = np.random.default_rng(0).normal(size=(9, 9))
    span = Span.of(x, make_penalty(9, False))
    assert span.basis is None
    assert span.reduce(x, is_spanned=False) is x
    assert span.expand(x, x) is x
    assert span.leave(x).shape == (9, 0)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_contributions_are_those_of_all_features(monkeypatch, fit_intercept):
    """Also of points that lie in the span: members, their doubles, sums and zero."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(120, 40)), rng.integers(0, 3, 120)
    x[30:40], x[40], x[41] = x[:10], x[0] + x[1], 0.0
    dataset = Dataset(x[:80], y[:80], x[80:], y[80:])
    bound = MultinomialLearner(fit_intercept=fit_intercept).bind(dataset)
    coalition, points = np.arange(20), np.arange(80)
    found = bound.draw(coalition, points)
    monkeypatch.setattr(
        multinomial.Span, "of", lambda rows, penalty: Span(penalty, None)
    )
    expected = bound.draw(coalition, points)
    assert found.failures == expected.failures == ()
    spread = np.std(expected.delta)
    np.testing.assert_allclose(found.delta, expected.delta, rtol=0, atol=2e-6 * spread)
    np.testing.assert_allclose(found.utility, expected.utility, rtol=1e-12)
    np.testing.assert_allclose(found.model, expected.model, atol=1e-11)


def test_a_point_that_no_search_finishes_is_refitted_with_all_features(monkeypatch):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(120, 40)), rng.integers(0, 3, 120)
    dataset = Dataset(x[:80], y[:80], x[80:], y[80:])
    bound = MultinomialLearner().bind(dataset)
    coalition, points = np.arange(20), np.arange(15, 25)
    expected = bound.marginals(coalition, points)
    monkeypatch.setattr(
        multinomial.MultinomialUpdater, "searches", property(lambda updater: ())
    )
    found = bound.marginals(coalition, points)
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.std(expected))
