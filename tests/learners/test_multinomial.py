"""The exact multinomial learner against tight refits of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refits import refit_marginals, refit_utility
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from data_scaling.datasets import Dataset, load_dataset
from data_scaling.errors import InputError
from data_scaling.learners import _multinomial_updates, make_learner
from data_scaling.learners.multinomial import BoundMultinomial, MultinomialLearner
from data_scaling.metrics import METRICS

CLASSIFICATION = [m.name for m in METRICS.values() if m.task == "classification"]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """The matrices are small; more threads would only wait for each other."""
    with threadpool_limits(1):
        yield


def load_coarse_digits():
    """Digits of 16 pixels: its refits take a tenth of the time."""
    digits = load_dataset("digits")
    pixels = np.flatnonzero(np.std(digits.x_train, axis=0) > 0)[::4]
    parts = digits.x_train[:600, pixels], digits.y_train[:600]
    return Dataset(*parts, digits.x_val[:, pixels], digits.y_val)


def draw_balanced(dataset, size, rng):
    """At least two members of every class, the rest at random."""
    classes = range(len(dataset.classes))
    members = np.concatenate(
        [
            rng.choice(np.flatnonzero(dataset.y_train == code), 2, False)
            for code in classes
        ]
    )
    others = np.setdiff1d(np.arange(dataset.n_points), members)
    return np.append(members, rng.choice(others, size - len(members), False))


def some_points(dataset, coalition, n_each, rng):
    outside = np.setdiff1d(np.arange(dataset.n_points), coalition)
    return np.concatenate(
        [rng.choice(outside, n_each, False), rng.choice(coalition, n_each, False)]
    )


def largest_points(draw, n):
    """Points with the largest contributions: the hardest ones."""
    return np.argsort(-np.abs(draw.delta))[:n]


def worst_error(
    dataset, coalition, metric=None, *, n_each=4, n_largest=4, **parameters
):
    """Largest difference from refits, in units of the spread of all contributions.

    Compared are ``n_each`` random points outside and inside, and the ``n_largest``.
    """
    rng = np.random.default_rng(0)
    bound = MultinomialLearner(**parameters).bind(dataset, metric)
    everyone = bound.draw(coalition, np.arange(dataset.n_points))
    assert everyone.failures == ()
    points = some_points(dataset, coalition, n_each, rng)
    points = np.append(points, largest_points(everyone, n_largest))
    refits = refit_marginals(dataset, coalition, points, metric, **parameters)
    return np.max(np.abs(everyone.delta[points] - refits)) / np.std(everyone.delta)


def test_contributions_equal_refits_on_digits():
    """40 members are fewer than the 61 features that vary, and separable."""
    dataset = load_dataset("digits")
    coalition = draw_balanced(dataset, 40, np.random.default_rng(1))
    assert worst_error(dataset, coalition, n_each=1, n_largest=1) <= 1e-6


@pytest.mark.parametrize("size", [20, 100, 400])
def test_contributions_equal_refits_on_coarse_digits(size):
    dataset = load_coarse_digits()
    coalition = draw_balanced(dataset, size, np.random.default_rng(1))
    assert worst_error(dataset, coalition) <= 2e-6


@pytest.mark.slow
def test_contributions_equal_refits_on_large_coalitions_of_digits():
    dataset = load_dataset("digits")
    coalition = draw_balanced(dataset, 800, np.random.default_rng(1))
    assert worst_error(dataset, coalition, n_each=2, n_largest=4) <= 1e-6


@pytest.mark.parametrize("size", [12, 30, 70])
def test_contributions_equal_refits_on_wine(size):
    dataset = load_dataset("wine")
    coalition = draw_balanced(dataset, size, np.random.default_rng(2))
    assert worst_error(dataset, coalition, n_each=10, n_largest=10) <= 1e-5


@pytest.mark.parametrize("metric", CLASSIFICATION)
def test_every_metric_equals_refits(metric):
    dataset = load_dataset("wine")
    coalition = draw_balanced(dataset, 30, np.random.default_rng(3))
    assert worst_error(dataset, coalition, metric) <= 1e-5


@pytest.mark.parametrize(
    "parameters", [{"C": 0.01}, {"C": 100.0}, {"C": 1e4}, {"fit_intercept": False}]
)
@pytest.mark.parametrize("load", [lambda: load_dataset("wine"), load_coarse_digits])
def test_every_setting_equals_refits(load, parameters):
    dataset = load()
    coalition = draw_balanced(dataset, 60, np.random.default_rng(4))
    assert worst_error(dataset, coalition, n_each=3, n_largest=2, **parameters) <= 1e-5


def test_utility_equals_a_refit():
    dataset = load_coarse_digits()
    coalition = draw_balanced(dataset, 80, np.random.default_rng(5))
    for metric in CLASSIFICATION:
        bound = MultinomialLearner().bind(dataset, metric)
        expected = refit_utility(dataset, coalition, metric)
        assert bound.utility(coalition) == pytest.approx(expected, rel=1e-9)
        assert bound.draw(coalition, np.arange(3)).utility == bound.utility(coalition)


@st.composite
def awkward_datasets(draw):
    """Small problems with duplicates, constant and collinear columns, rare classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    n_pool, n_features = draw(st.integers(30, 60)), draw(st.integers(1, 8))
    n_classes = draw(st.integers(3, 5))
    x = rng.normal(size=(n_pool + 20, n_features))
    x *= draw(st.sampled_from([0.1, 1.0, 10.0]))
    if draw(st.booleans()):
        x[:, 0] = 1.0
    if draw(st.booleans()) and n_features > 2:
        x[:, 1] = 2.0 * x[:, 2]
    if draw(st.booleans()):
        x[1 : n_pool // 2] = x[0]
    rare = draw(st.sampled_from([0.05, 1.0]))
    share = np.append(np.ones(n_classes - 1), rare)
    y = rng.choice(n_classes, n_pool + 20, p=share / share.sum())
    y[: 2 * n_classes] = np.tile(np.arange(n_classes), 2)
    y[-n_classes:] = np.arange(n_classes)
    return Dataset(x[:n_pool], y[:n_pool], x[n_pool:], y[n_pool:])


@settings(max_examples=25, deadline=None)
@given(awkward_datasets(), st.sampled_from(CLASSIFICATION), st.integers(0, 100))
def test_awkward_problems_equal_refits(dataset, metric, seed):
    rng = np.random.default_rng(seed)
    n_certain = 2 * len(dataset.classes)
    others = rng.choice(np.arange(n_certain, dataset.n_points), 12, replace=False)
    coalition = np.concatenate([np.arange(n_certain), others])
    points = np.append([0, 4], rng.choice(dataset.n_points, 4))
    bound = MultinomialLearner().bind(dataset, metric)
    exact = bound.marginals(coalition, points)
    refits = refit_marginals(dataset, coalition, points, metric)
    if metric == "accuracy":
        # A validation point on the boundary itself may fall on either side.
        assert np.mean(np.abs(exact - refits) > 1e-12) <= 0.35
    else:
        spread = np.std(bound.marginals(coalition, np.arange(dataset.n_points)))
        assert np.max(np.abs(exact - refits)) <= 1e-5 * max(spread, 1e-8)


def test_no_point_of_a_whole_pool_is_off():
    """All contributions against Newton's method, which the learner ends with anyway."""
    dataset = load_dataset("wine")
    coalition = draw_balanced(dataset, 20, np.random.default_rng(6))
    bound = MultinomialLearner().bind(dataset)
    points = np.arange(dataset.n_points)
    refits = refit_marginals(dataset, coalition, points)
    error = np.abs(bound.marginals(coalition, points) - refits)
    assert np.max(error) <= 1e-5 * np.std(refits)


def test_a_batch_equals_its_points_one_by_one():
    dataset = load_coarse_digits()
    coalition = draw_balanced(dataset, 60, np.random.default_rng(7))
    bound = MultinomialLearner().bind(dataset)
    points = np.arange(0, dataset.n_points, 30)
    together = bound.marginals(coalition, points)
    alone = [bound.marginals(coalition, points[[i]])[0] for i in range(len(points))]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6 * np.std(together))


def test_the_same_call_gives_the_same_bits():
    rng = np.random.default_rng(8)
    dataset = load_dataset("wine")
    coalition = draw_balanced(dataset, 40, rng)
    bound = MultinomialLearner().bind(dataset)
    points = np.arange(dataset.n_points)
    first = bound.marginals(coalition, points)
    bound.marginals(draw_balanced(dataset, 60, rng), points)
    np.testing.assert_array_equal(bound.marginals(coalition, points), first)


@pytest.mark.parametrize(("plain", "careful"), [(0, 60), (1, 60), (0, 0)])
def test_points_that_do_not_contract_are_finished_otherwise(
    monkeypatch, plain, careful
):
    """Without plain steps the careful search does it; without both, Newton's method."""
    monkeypatch.setattr(_multinomial_updates, "PLAIN_STEPS", plain)
    monkeypatch.setattr(_multinomial_updates, "CAREFUL_STEPS", careful)
    dataset = load_dataset("wine")
    coalition = draw_balanced(dataset, 40, np.random.default_rng(9))
    assert worst_error(dataset, coalition) <= 1e-5


@pytest.mark.parametrize("first", [0, 1, 2])
def test_every_search_alone_is_exact(monkeypatch, first):
    """Only Newton's method comes after the one search."""
    searches = _multinomial_updates.MultinomialUpdater.searches.fget
    monkeypatch.setattr(
        _multinomial_updates.MultinomialUpdater,
        "searches",
        property(lambda updater: searches(updater)[first : first + 1]),
    )
    dataset = load_coarse_digits()
    coalition = draw_balanced(dataset, 100, np.random.default_rng(10))
    assert worst_error(dataset, coalition, n_each=2, n_largest=2) <= 2e-6


def test_a_coalition_that_lacks_a_class_fails():
    dataset = load_dataset("wine")
    bound = MultinomialLearner().bind(dataset)
    coalition = np.flatnonzero(dataset.y_train != 1)[:20]
    draw = bound.draw(coalition, np.arange(5))
    assert np.isnan(draw.utility)
    assert np.isnan(bound.utility(coalition))
    assert np.isnan(draw.delta).all()
    n_present = len(np.unique(dataset.y_train[coalition]))
    assert draw.failures == (f"the coalition has {n_present} of 3 classes",)


def test_the_last_member_of_a_class_cannot_be_removed():
    dataset = load_dataset("wine")
    bound = MultinomialLearner().bind(dataset)
    zeros, twos = (np.flatnonzero(dataset.y_train == code)[:15] for code in (0, 2))
    one = np.flatnonzero(dataset.y_train == 1)[0]
    coalition = np.concatenate([zeros, twos, [one]])
    draw = bound.draw(coalition, np.array([one, zeros[0]]))
    assert np.isnan(draw.delta[0])
    assert np.isfinite(draw.delta[1])
    assert draw.failures == ("without the point a class has no member left",)


def test_two_classes_are_refused():
    with pytest.raises(InputError, match="three classes or more; breast_cancer has 2"):
        MultinomialLearner().bind(load_dataset("breast_cancer"))


def test_a_metric_of_regression_is_refused():
    with pytest.raises(InputError, match="'mse' is for regression"):
        MultinomialLearner().bind(load_dataset("wine"), "mse")


def test_logistic_regression_of_several_classes_is_exact():
    dataset = load_dataset("wine")
    assert isinstance(make_learner("logreg").bind(dataset), BoundMultinomial)
    estimator = LogisticRegression(C=3.0, fit_intercept=False)
    bound = make_learner(estimator).bind(dataset)
    assert isinstance(bound, BoundMultinomial)
    assert "C=3.0, fit_intercept=False" in bound.description


@pytest.mark.parametrize("c", [0, -1, float("inf"), float("nan"), "1"])
def test_a_strength_that_is_no_positive_number_is_refused(c):
    with pytest.raises(InputError, match=r"C is .* Give a number above 0"):
        MultinomialLearner(C=c)
