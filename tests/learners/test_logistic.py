"""The exact logistic learner against tight refits of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refits import refit_marginals, refit_utility

from data_scaling.datasets import Dataset, load_dataset, read_table
from data_scaling.errors import InputError
from data_scaling.learners import LogisticLearner, _logistic_updates
from data_scaling.metrics import METRICS

CLASSIFICATION = [m.name for m in METRICS.values() if m.task == "classification"]


def draw_balanced(dataset, size, rng):
    share = [np.mean(dataset.y_train == code) for code in range(len(dataset.classes))]
    members = [
        rng.choice(np.flatnonzero(dataset.y_train == code), round(size * part), False)
        for code, part in enumerate(share)
    ]
    return np.sort(np.concatenate(members))


def worst_error(dataset, coalition, points, metric=None, **parameters):
    """Largest difference from refits, in units of the spread of all contributions."""
    bound = LogisticLearner(**parameters).bind(dataset, metric)
    everyone = bound.draw(coalition, np.arange(dataset.n_points))
    assert everyone.failures == ()
    exact = bound.marginals(coalition, points)
    refits = refit_marginals(dataset, coalition, points, metric, **parameters)
    return np.max(np.abs(exact - refits)) / np.std(everyone.delta)


def some_points(dataset, coalition, n_each, rng):
    outside = np.setdiff1d(np.arange(dataset.n_points), coalition)
    return np.concatenate(
        [rng.choice(outside, n_each, False), rng.choice(coalition, n_each, False)]
    )


@pytest.mark.parametrize("size", [60, 100, 400])
def test_contributions_equal_refits_on_synthetic_data(size):
    """60 members have less than twice as many rows as the 50 features."""
    rng = np.random.default_rng(1)
    dataset = load_dataset("lm_clf")
    coalition = draw_balanced(dataset, size, rng)
    points = some_points(dataset, coalition, 15, rng)
    assert worst_error(dataset, coalition, points) <= 5e-6


@pytest.mark.parametrize("size", [20, 60, 250])
def test_contributions_equal_refits_on_breast_cancer(size):
    """20 members are fewer than the 30 features, and separable."""
    rng = np.random.default_rng(2)
    dataset = load_dataset("breast_cancer")
    coalition = draw_balanced(dataset, size, rng)
    points = some_points(dataset, coalition, 15, rng)
    assert worst_error(dataset, coalition, points) <= 5e-6


@pytest.mark.real_data
@pytest.mark.parametrize("size", [100, 1000])
def test_contributions_equal_refits_on_adult(size, data_dir):
    """The points of highest leverage are among the compared ones."""
    rng = np.random.default_rng(3)
    dataset = load_dataset("adult", data_dir)
    coalition = draw_balanced(dataset, size, rng)
    leverage = np.sum(dataset.x_train**2, axis=1)
    extreme = np.argsort(leverage)[-10:]
    points = np.union1d(some_points(dataset, coalition, 20, rng), extreme)
    assert worst_error(dataset, coalition, points) <= 5e-6


@pytest.mark.parametrize("metric", CLASSIFICATION)
def test_every_metric_equals_refits(metric):
    rng = np.random.default_rng(4)
    dataset = load_dataset("breast_cancer")
    coalition = draw_balanced(dataset, 50, rng)
    points = some_points(dataset, coalition, 10, rng)
    assert worst_error(dataset, coalition, points, metric) <= 5e-6


@pytest.mark.parametrize(
    "parameters", [{"C": 0.01}, {"C": 100.0}, {"fit_intercept": False}]
)
def test_every_setting_equals_refits(parameters):
    rng = np.random.default_rng(5)
    dataset = load_dataset("breast_cancer")
    coalition = draw_balanced(dataset, 40, rng)
    points = some_points(dataset, coalition, 10, rng)
    assert worst_error(dataset, coalition, points, **parameters) <= 5e-6


def test_utility_equals_a_refit():
    rng = np.random.default_rng(6)
    dataset = load_dataset("breast_cancer")
    coalition = draw_balanced(dataset, 50, rng)
    for metric in CLASSIFICATION:
        bound = LogisticLearner().bind(dataset, metric)
        expected = refit_utility(dataset, coalition, metric)
        assert bound.utility(coalition) == pytest.approx(expected, rel=1e-9)
        assert bound.draw(coalition, np.arange(3)).utility == bound.utility(coalition)


@st.composite
def awkward_datasets(draw):
    """Small problems with duplicates, constant and collinear columns, rare classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    n_pool, n_features = draw(st.integers(24, 60)), draw(st.integers(1, 8))
    x = rng.normal(size=(n_pool + 20, n_features))
    x *= draw(st.sampled_from([0.1, 1.0, 10.0]))
    if draw(st.booleans()):
        x[:, 0] = 1.0
    if draw(st.booleans()) and n_features > 2:
        x[:, 1] = 2.0 * x[:, 2]
    if draw(st.booleans()):
        x[1 : n_pool // 2] = x[0]
    rare = draw(st.sampled_from([0.05, 0.5]))
    y = (rng.random(n_pool + 20) < rare).astype(int)
    y[:3], y[3:6], y[-2:] = 0, 1, [0, 1]
    return Dataset(x[:n_pool], y[:n_pool], x[n_pool:], y[n_pool:])


@settings(max_examples=40, deadline=None)
@given(awkward_datasets(), st.sampled_from(CLASSIFICATION), st.integers(0, 100))
def test_awkward_problems_equal_refits(dataset, metric, seed):
    rng = np.random.default_rng(seed)
    others = rng.choice(np.arange(6, dataset.n_points), 12, replace=False)
    coalition = np.concatenate([[0, 1, 3, 4], others])
    points = np.concatenate([[0, 4, 5], rng.choice(dataset.n_points, 3)])
    bound = LogisticLearner().bind(dataset, metric)
    exact = bound.marginals(coalition, points)
    refits = refit_marginals(dataset, coalition, points, metric)
    if metric == "accuracy":
        # A validation point on the boundary itself may fall on either side.
        assert np.mean(np.abs(exact - refits) > 1e-12) <= 0.2
    else:
        spread = np.std(bound.marginals(coalition, np.arange(dataset.n_points)))
        assert np.max(np.abs(exact - refits)) <= 5e-6 * max(spread, 1e-8)


def test_a_batch_equals_its_points_one_by_one():
    rng = np.random.default_rng(7)
    dataset = load_dataset("breast_cancer")
    coalition = draw_balanced(dataset, 60, rng)
    bound = LogisticLearner().bind(dataset)
    points = rng.permutation(dataset.n_points)[:40]
    together = bound.marginals(coalition, points)
    alone = [bound.marginals(coalition, points[i : i + 1])[0] for i in range(40)]
    np.testing.assert_allclose(together, alone, rtol=0, atol=2e-6 * np.std(together))


def test_the_same_call_gives_the_same_bits():
    rng = np.random.default_rng(8)
    dataset = load_dataset("breast_cancer")
    coalition = draw_balanced(dataset, 60, rng)
    bound = LogisticLearner().bind(dataset)
    points = np.arange(dataset.n_points)
    first = bound.marginals(coalition, points)
    bound.marginals(draw_balanced(dataset, 100, rng), points)
    np.testing.assert_array_equal(bound.marginals(coalition, points), first)


def test_every_search_alone_is_exact(monkeypatch):
    """In single precision and in double; only Newton's method comes after them."""
    searches = _logistic_updates.LogisticUpdater.searches.fget
    rng = np.random.default_rng(10)
    dataset = load_dataset("lm_clf")
    coalition = draw_balanced(dataset, 200, rng)
    points = some_points(dataset, coalition, 5, rng)
    for number in (0, 1):
        monkeypatch.setattr(
            _logistic_updates.LogisticUpdater,
            "searches",
            property(lambda updater, n=number: searches(updater)[n : n + 1]),
        )
        assert worst_error(dataset, coalition, points) <= 5e-6


def test_no_contribution_of_a_whole_pool_is_off():
    """The largest ones and the members included, whatever the precision."""
    dataset = load_dataset("breast_cancer")
    coalition = draw_balanced(dataset, 80, np.random.default_rng(11))
    assert worst_error(dataset, coalition, np.arange(dataset.n_points)) <= 1e-5


@pytest.mark.real_data
def test_round_off_of_far_searches_does_not_show(data_dir):
    """Searches in single precision that are long or nearly undo a member."""
    dataset = read_table(data_dir / "spambase.parquet", "label", val_size=1000)
    bound = LogisticLearner().bind(dataset)
    coalition = draw_balanced(dataset, 250, np.random.default_rng(13))
    points = np.arange(dataset.n_points)
    quick = bound.marginals(coalition, points)
    searches = _logistic_updates.LogisticUpdater.searches.fget
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            _logistic_updates.LogisticUpdater,
            "searches",
            property(lambda updater: searches(updater)[1:]),
        )
        exact = bound.marginals(coalition, points)
    assert np.max(np.abs(quick - exact)) <= 1e-5 * np.std(exact)


@pytest.mark.parametrize("careful", [0, 60])
def test_points_that_do_not_contract_are_finished_otherwise(monkeypatch, careful):
    """Without plain steps the careful search does it; without both, Newton's method."""
    rng = np.random.default_rng(9)
    dataset = load_dataset("breast_cancer")
    coalition = draw_balanced(dataset, 40, rng)
    points = some_points(dataset, coalition, 8, rng)
    monkeypatch.setattr(_logistic_updates, "PLAIN_STEPS", 0)
    monkeypatch.setattr(_logistic_updates, "CAREFUL_STEPS", careful)
    assert worst_error(dataset, coalition, points) <= 5e-6


def test_a_coalition_of_one_class_fails():
    dataset = load_dataset("breast_cancer")
    bound = LogisticLearner().bind(dataset)
    coalition = np.flatnonzero(dataset.y_train == 0)[:20]
    draw = bound.draw(coalition, np.arange(5))
    assert np.isnan(draw.utility)
    assert np.isnan(bound.utility(coalition))
    assert np.isnan(draw.delta).all()
    assert draw.failures == ("the coalition has one class only",)


def test_the_last_member_of_a_class_cannot_be_removed():
    dataset = load_dataset("breast_cancer")
    bound = LogisticLearner().bind(dataset)
    zeros = np.flatnonzero(dataset.y_train == 0)[:20]
    one = np.flatnonzero(dataset.y_train == 1)[0]
    draw = bound.draw(np.append(zeros, one), np.array([one, zeros[0]]))
    assert np.isnan(draw.delta[0])
    assert np.isfinite(draw.delta[1])
    assert draw.failures == ("without the point one class only is left",)


def test_more_than_two_classes_are_refused():
    with pytest.raises(InputError, match="needs two classes; wine has 3"):
        LogisticLearner().bind(load_dataset("wine"))


def test_a_metric_of_regression_is_refused():
    with pytest.raises(InputError, match="'mse' is for regression"):
        LogisticLearner().bind(load_dataset("breast_cancer"), "mse")


@pytest.mark.parametrize("c", [0, -1, float("nan"), "1"])
def test_a_strength_that_is_no_positive_number_is_refused(c):
    with pytest.raises(InputError, match=r"C is .* Give a number above 0"):
        LogisticLearner(C=c)
