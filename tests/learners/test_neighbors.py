"""The exact nearest-neighbour learner against refits of scikit-learn, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from data_scaling.datasets import Dataset, load_dataset, read_table
from data_scaling.errors import InputError
from data_scaling.learners import RefitLearner, _neighbor_order, neighbors
from data_scaling.learners.neighbors import NeighborsLearner
from data_scaling.metrics import METRICS, make_metric


def expected_calibration(y_true, prediction):
    """A callable that is no mean over validation points."""
    if prediction.ndim == 1:
        return -float(np.median(np.abs(prediction - y_true)))
    return -float(np.abs(np.mean(prediction[:, 1] - (y_true == 1))))


METRIC_OF = {
    task: [m.name for m in METRICS.values() if m.task == task] + [expected_calibration]
    for task in ("classification", "regression")
}


def make_estimator(dataset, n_neighbors, weights, algorithm="kd_tree"):
    """Trees take distances from differences, so that duplicates are at distance 0."""
    is_class = dataset.task == "classification"
    kind = KNeighborsClassifier if is_class else KNeighborsRegressor
    return kind(n_neighbors, weights=weights, algorithm=algorithm)


def worst_error(dataset, coalition, points, n_neighbors, weights, metric, **options):
    """Largest difference from refits, in units of the spread of all contributions."""
    bound = NeighborsLearner(n_neighbors, weights).bind(dataset, metric)
    everyone = bound.draw(coalition, np.arange(dataset.n_points))
    estimator = make_estimator(dataset, n_neighbors, weights, **options)
    refits = RefitLearner(estimator).bind(dataset, metric).draw(coalition, points)
    assert len(refits.failures) == np.isnan(everyone.delta[points]).sum()
    assert everyone.utility == pytest.approx(refits.utility, rel=1e-12)
    assert bound.utility(coalition) == everyone.utility
    error = np.nanmax(np.abs(everyone.delta[points] - refits.delta))
    return error / np.nanstd(everyone.delta)


def draw_both_sides(dataset, size, n_each, rng):
    order = rng.permutation(dataset.n_points)
    return np.sort(order[:size]), order[size - n_each : size + n_each]


def small_dataset(task, rng, n_features=3):
    x = rng.normal(size=(90, n_features))
    y = x[:, 0] + rng.normal(size=90)
    if task == "classification":
        y = np.digitize(y, [-0.7, 0.7])
        y[:3] = y[-3:] = [0, 1, 2]
    return Dataset(x[:60], y[:60], x[60:], y[60:])


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("size", [51, 300])
@pytest.mark.parametrize("name", ["lm_clf", "lm_reg"])
def test_contributions_equal_refits_on_synthetic_data(name, size, weights):
    """Brute force, which scikit-learn takes for 50 features."""
    rng = np.random.default_rng(1)
    dataset = load_dataset(name)
    coalition, points = draw_both_sides(dataset, size, 8, rng)
    error = worst_error(
        dataset, coalition, points, 50, weights, None, algorithm="brute"
    )
    assert error <= 1e-9


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("table", "target"),
    [("california_housing", "median_house_value"), ("electricity", "label")],
)
def test_contributions_equal_refits_on_real_tables(table, target, data_dir):
    rng = np.random.default_rng(2)
    path = data_dir / f"{table}.parquet"
    dataset = read_table(path, target, val_size=200)
    coalition, points = draw_both_sides(dataset, 300, 15, rng)
    error = worst_error(dataset, coalition, points, 50, "distance", None)
    assert error <= 1e-9


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("n_neighbors", [1, 2, 7])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_metric_equals_refits(task, n_neighbors, weights):
    rng = np.random.default_rng(3)
    dataset = small_dataset(task, rng)
    coalition, points = draw_both_sides(dataset, 25, 20, rng)
    for metric in METRIC_OF[task]:
        error = worst_error(dataset, coalition, points, n_neighbors, weights, metric)
        assert error <= 1e-9


@st.composite
def awkward_datasets(draw):
    """Small problems with duplicates, constant columns and rare classes.

    Duplicates have the same target, so that it does not matter which of them votes;
    some validation points are duplicates too.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    n_pool, n_features = draw(st.integers(24, 60)), draw(st.integers(1, 4))
    x = rng.normal(size=(n_pool + 20, n_features))
    y = x.sum(axis=1)
    if draw(st.booleans()):
        y = (y > draw(st.sampled_from([0.0, 1.5]))).astype(int)
        y[:3], y[3:6], y[-2:] = 0, 1, [0, 1]
    if draw(st.booleans()) and n_features > 1:
        # Alone it would tie all distances.
        x[:, 0] = 1.0
    if draw(st.booleans()):
        copied = rng.choice(n_pool, n_pool // 2)
        x[6 : 6 + len(copied)], y[6 : 6 + len(copied)] = x[copied], y[copied]
    if draw(st.booleans()):
        x[n_pool : n_pool + 5], y[n_pool : n_pool + 5] = x[:5], y[:5]
    return Dataset(x[:n_pool], y[:n_pool], x[n_pool:], y[n_pool:])


@settings(max_examples=50, deadline=None)
@given(
    awkward_datasets(),
    st.sampled_from(["uniform", "distance"]),
    st.integers(1, 12),
    st.integers(0, 10),
    st.integers(0, 100),
)
def test_awkward_problems_equal_refits(dataset, weights, n_neighbors, more, seed):
    rng = np.random.default_rng(seed)
    metrics = METRIC_OF[dataset.task]
    metric = metrics[seed % len(metrics)]
    size = max(n_neighbors, 4) + more
    others = rng.choice(np.arange(6, dataset.n_points), size - 4, replace=False)
    coalition = np.concatenate([[0, 1, 3, 4], others])
    points = np.arange(dataset.n_points)
    exact = NeighborsLearner(n_neighbors, weights).bind(dataset, metric)
    refit = RefitLearner(make_estimator(dataset, n_neighbors, weights))
    delta = exact.marginals(coalition, points)
    reference = refit.bind(dataset, metric).marginals(coalition, points)
    np.testing.assert_allclose(delta, reference, rtol=0, atol=1e-11)


def predict_by_hand(x, y, x_val, n_neighbors, weights):
    """Neighbours at the same distance in the order of the rows."""
    predictions = []
    for position in x_val:
        distance = np.sqrt(np.sum((x - position) ** 2, axis=1))
        nearest = np.argsort(distance, kind="stable")[:n_neighbors]
        weight = np.ones(n_neighbors)
        if weights == "distance":
            is_zero = distance[nearest] == 0
            weight = is_zero if is_zero.any() else 1 / distance[nearest]
        vote = np.eye(2)[y[nearest]] if y.dtype.kind == "i" else y[nearest]
        predictions.append(np.average(vote, axis=0, weights=weight))
    return np.array(predictions)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("n_neighbors", [1, 3, 6])
def test_ties_follow_the_stated_rule(task, n_neighbors, weights):
    """On a grid nearly all distances are tied, and many are zero."""
    rng = np.random.default_rng(4)
    x = rng.integers(0, 3, size=(60, 2)).astype(float)
    y = rng.integers(0, 2, 60) if task == "classification" else rng.normal(size=60)
    dataset = Dataset(x[:45], y[:45], x[45:], y[45:])
    metric = make_metric(None, task)
    coalition = np.sort(rng.choice(45, 12, replace=False))

    def utility(rows):
        prediction = predict_by_hand(
            x[rows], dataset.y_train[rows], dataset.x_val, n_neighbors, weights
        )
        return float(metric.utilities(dataset.y_val, prediction))

    expected = [
        utility(coalition) - utility(coalition[coalition != point])
        if point in coalition
        else utility(np.append(coalition, point)) - utility(coalition)
        for point in range(45)
    ]
    bound = NeighborsLearner(n_neighbors, weights).bind(dataset)
    # A sum of votes whose terms are in another order may differ in its last bit.
    np.testing.assert_allclose(
        bound.marginals(coalition, np.arange(45)), expected, rtol=0, atol=1e-12
    )


def test_a_very_near_neighbour_leaves_no_round_off_when_removed():
    """Its weight is 1e12 times that of the others."""
    rng = np.random.default_rng(5)
    dataset = small_dataset("regression", rng)
    x_train = dataset.x_train.copy()
    x_train[:5] = dataset.x_val[:5] + 1e-12
    near = Dataset(x_train, dataset.y_train, dataset.x_val, dataset.y_val)
    assert worst_error(near, np.arange(20), np.arange(5), 6, "distance", None) <= 1e-9


def test_without_memory_for_all_distances_the_numbers_are_the_same(monkeypatch):
    rng = np.random.default_rng(6)
    dataset = load_dataset("breast_cancer")
    coalition, points = draw_both_sides(dataset, 100, 100, rng)
    learner = NeighborsLearner(10, "distance")
    stored = learner.bind(dataset)
    monkeypatch.setattr(_neighbor_order, "MAX_BYTES", 0)
    anew = learner.bind(dataset)
    assert stored.pool.order is not None
    assert anew.pool.order is None
    np.testing.assert_array_equal(
        anew.marginals(coalition, points), stored.marginals(coalition, points)
    )


def test_few_points_of_a_large_pool_are_drawn_without_passing_over_it(monkeypatch):
    rng = np.random.default_rng(9)
    dataset = load_dataset("lm_clf")
    coalition, points = draw_both_sides(dataset, 100, 2, rng)
    bound = NeighborsLearner(50, "distance").bind(dataset)
    narrowed = bound.draw(coalition, points)
    monkeypatch.setattr(neighbors, "_NARROWING", np.inf)
    whole = bound.draw(coalition, points)
    spread = np.std(bound.marginals(coalition, np.arange(dataset.n_points)))
    assert narrowed.utility == pytest.approx(whole.utility, rel=1e-12)
    np.testing.assert_allclose(narrowed.delta, whole.delta, rtol=0, atol=1e-10 * spread)


@pytest.mark.parametrize("metric", ["log_loss", "brier", expected_calibration])
def test_a_batch_equals_its_points_one_by_one(metric):
    rng = np.random.default_rng(7)
    dataset = load_dataset("breast_cancer")
    coalition, points = draw_both_sides(dataset, 60, 20, rng)
    bound = NeighborsLearner(5).bind(dataset, metric)
    together = bound.marginals(coalition, points)
    alone = [bound.marginals(coalition, points[i : i + 1])[0] for i in range(40)]
    np.testing.assert_array_equal(together, alone)


def test_a_coalition_in_another_order_gives_the_same_bits():
    rng = np.random.default_rng(8)
    dataset = load_dataset("breast_cancer")
    coalition, points = draw_both_sides(dataset, 60, 60, rng)
    bound = NeighborsLearner(5).bind(dataset)
    np.testing.assert_array_equal(
        bound.marginals(coalition[::-1], points), bound.marginals(coalition, points)
    )


def test_too_small_a_coalition_fails():
    bound = NeighborsLearner(10).bind(load_dataset("breast_cancer"))
    draw = bound.draw(np.arange(9), np.arange(3))
    assert np.isnan(draw.utility)
    assert np.isnan(bound.utility(np.arange(9)))
    assert np.isnan(draw.delta).all()
    assert draw.failures == ("the coalition has 9 members, n_neighbors is 10",)


def test_no_member_can_be_spared_of_the_least_coalition():
    bound = NeighborsLearner(10).bind(load_dataset("diabetes"))
    draw = bound.draw(np.arange(10), np.array([3, 20, 4]))
    np.testing.assert_array_equal(np.isnan(draw.delta), [True, False, True])
    assert (
        draw.failures
        == ("without the point 9 members are left, n_neighbors is 10",) * 2
    )


def test_a_class_must_be_in_the_coalition():
    dataset = load_dataset("breast_cancer")
    zeros = np.flatnonzero(dataset.y_train == 0)[:20]
    one = np.flatnonzero(dataset.y_train == 1)[0]
    bound = NeighborsLearner().bind(dataset)
    assert bound.draw(zeros, zeros[:1]).failures == (
        "the coalition has 1 of 2 classes",
    )
    draw = bound.draw(np.append(zeros, one), np.array([one, zeros[0]]))
    np.testing.assert_array_equal(np.isnan(draw.delta), [True, False])
    assert draw.failures == ("without the point a class has no member",)


def test_all_settings_are_in_the_description():
    dataset = load_dataset("wine")
    learners = [
        NeighborsLearner(),
        NeighborsLearner(6),
        NeighborsLearner(weights="distance"),
    ]
    assert len({learner.bind(dataset).description for learner in learners}) == 3


@pytest.mark.parametrize("parameters", [{"n_neighbors": 0}, {"weights": "squared"}])
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(InputError, match="Give"):
        NeighborsLearner(**parameters)


def test_a_metric_of_the_other_task_is_refused():
    with pytest.raises(InputError, match="'mse' is for regression"):
        NeighborsLearner().bind(load_dataset("wine"), "mse")


@pytest.mark.parametrize("n_neighbors", [0, 2.5, True])
def test_a_number_of_neighbours_that_is_no_count_is_refused(n_neighbors):
    with pytest.raises(InputError, match=r"n_neighbors is .* at least 1"):
        NeighborsLearner(n_neighbors)
