"""The exact linear learner against refits of scikit-learn."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, Ridge

from data_scaling.datasets import Dataset, load_dataset, read_table
from data_scaling.errors import InputError
from data_scaling.learners import RefitLearner, _squared_error
from data_scaling.learners.ridge import RidgeLearner

TABLES = {"california_housing": "median_house_value", "pol": "target"}


def mean_absolute_error(y_true, prediction):
    return -float(np.mean(np.abs(prediction - y_true)))


def make_estimator(alpha, fit_intercept=True):
    if alpha:
        return Ridge(alpha, fit_intercept=fit_intercept)
    return LinearRegression(fit_intercept=fit_intercept)


def worst_error(
    dataset, coalition, points, alpha=0.0, *, fit_intercept=True, metric=None
):
    """Largest difference from refits, in units of the spread of all contributions."""
    bound = RidgeLearner(alpha, fit_intercept).bind(dataset, metric)
    everyone = bound.draw(coalition, np.arange(dataset.n_points))
    assert everyone.failures == ()
    estimator = make_estimator(alpha, fit_intercept)
    refits = RefitLearner(estimator).bind(dataset, metric).draw(coalition, points)
    assert everyone.utility == pytest.approx(refits.utility, rel=1e-9)
    error = np.max(np.abs(everyone.delta[points] - refits.delta))
    return error / np.std(everyone.delta)


def draw_both_sides(dataset, size, n_each, rng):
    order = rng.permutation(dataset.n_points)
    return order[:size], order[size - n_each : size + n_each]


@pytest.mark.parametrize("alpha", [0.0, 1.0, 1e-4])
@pytest.mark.parametrize("size", [20, 50, 51, 52, 53, 60, 400])
def test_contributions_equal_refits_on_synthetic_data(size, alpha):
    """With 50 features and an intercept, 52 members are the first to leave a rest."""
    rng = np.random.default_rng(1)
    dataset = load_dataset("lm_reg")
    coalition, points = draw_both_sides(dataset, size, 15, rng)
    assert worst_error(dataset, coalition, points, alpha) <= 1e-6


@pytest.mark.real_data
@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("size", [20, 100, 1000])
@pytest.mark.parametrize("table", TABLES)
def test_contributions_equal_refits_on_real_tables(table, size, alpha, data_dir):
    """One-hot columns are collinear, and most coalitions lack the rarest category.

    The points that are farthest from the coalition's span are among those compared.
    """
    rng = np.random.default_rng(2)
    dataset = read_table(data_dir / f"{table}.parquet", TABLES[table], val_size=1000)
    coalition, points = draw_both_sides(dataset, size, 15, rng)
    bound = RidgeLearner(alpha).bind(dataset)
    delta = bound.marginals(coalition, np.arange(dataset.n_points))
    points = np.union1d(points, np.argsort(np.abs(delta))[-20:])
    assert worst_error(dataset, coalition, points, alpha) <= 1e-6


@pytest.mark.parametrize("metric", ["mse", mean_absolute_error])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_every_metric_and_setting_equals_refits(metric, fit_intercept, alpha):
    rng = np.random.default_rng(3)
    dataset = load_dataset("diabetes")
    for size in (8, 10, 11, 40):
        coalition, points = draw_both_sides(dataset, size, 5, rng)
        error = worst_error(
            dataset,
            coalition,
            points,
            alpha,
            fit_intercept=fit_intercept,
            metric=metric,
        )
        assert error <= 1e-6


@st.composite
def awkward_datasets(draw):
    """Small problems with duplicates, constant, collinear and rare columns."""
    rng = np.random.default_rng(draw(st.integers(0, 2**20)))
    n_pool, n_features = draw(st.integers(24, 60)), draw(st.integers(1, 12))
    x = rng.normal(size=(n_pool + 20, n_features))
    x *= draw(st.sampled_from([0.1, 1.0, 10.0]))
    if draw(st.booleans()):
        x[:, 0] = 1.0
    if draw(st.booleans()) and n_features > 2:
        x[:, 1] = 2.0 * x[:, 2]
    if draw(st.booleans()) and n_features > 3:
        x[:, 3] = (np.arange(len(x)) % 13 == 1).astype(float)
    if draw(st.booleans()):
        x[1 : n_pool // 2] = x[0]
    if draw(st.booleans()):
        x += 100.0
    y = x @ rng.normal(size=n_features) + rng.normal(size=len(x))
    return Dataset(x[:n_pool], y[:n_pool], x[n_pool:], y[n_pool:])


@settings(max_examples=60, deadline=None)
@given(
    awkward_datasets(),
    st.sampled_from([0.0, 0.0, 1e-3, 1.0]),
    st.booleans(),
    st.sampled_from(["mse", mean_absolute_error]),
    st.integers(2, 20),
    st.integers(0, 100),
)
def test_awkward_problems_equal_refits(
    dataset, alpha, fit_intercept, metric, size, seed
):
    rng = np.random.default_rng(seed)
    coalition, _ = draw_both_sides(dataset, size, 0, rng)
    points = np.arange(dataset.n_points)
    # Of equal rows scikit-learn takes the round-off about their mean for features.
    assume(alpha or len(np.unique(dataset.x_train[coalition], axis=0)) > 2)
    exact = RidgeLearner(alpha, fit_intercept).bind(dataset, metric)
    refit = RefitLearner(make_estimator(alpha, fit_intercept)).bind(dataset, metric)
    delta, reference = (
        exact.marginals(coalition, points),
        refit.marginals(coalition, points),
    )
    # What float64 can tell of the difference of two utilities.
    scale = max(np.std(reference), 1e-6 * abs(exact.utility(coalition)))
    assert np.max(np.abs(delta - reference)) <= 1e-6 * scale


def test_equal_rows_predict_their_mean_target():
    """Their mean differs from them by round-off, which is no direction."""
    rng = np.random.default_rng(10)
    for n_features in (1, 3):
        for _ in range(50):
            x, y = rng.normal(size=(12, n_features)), rng.normal(size=12)
            x[1:6] = x[0]
            dataset = Dataset(x[:10], y[:10], x[10:], y[10:])
            bound = RidgeLearner(0.0).bind(dataset)
            draw = bound.draw(np.arange(3), np.array([0, 4, 8]))

            def mse(rows, dataset=dataset):
                mean = dataset.y_train[rows].mean()
                return np.mean((dataset.y_val - mean) ** 2)

            base = mse([0, 1, 2])
            assert draw.utility == pytest.approx(-base)
            assert draw.delta[0] == pytest.approx(mse([1, 2]) - base)
            assert draw.delta[1] == pytest.approx(base - mse([0, 1, 2, 4]))
            # The point that differs is met exactly, and gives the only direction.
            offset, rise = x[8] - x[0], y[8] - y[:3].mean()
            along = (dataset.x_val - x[0]) @ offset / (offset @ offset)
            moved = y[:3].mean() + along * rise
            expected = base - np.mean((moved - dataset.y_val) ** 2)
            assert draw.delta[2] == pytest.approx(expected)


def test_the_closed_form_equals_the_fitted_functions(monkeypatch):
    """The way by singular vectors serves ill-conditioned coalitions and any metric."""
    rng = np.random.default_rng(4)
    dataset = load_dataset("lm_reg")
    coalition, points = draw_both_sides(dataset, 200, 200, rng)
    for alpha in (0.0, 2.0):
        bound = RidgeLearner(alpha).bind(dataset)
        closed = bound.marginals(coalition, points)
        monkeypatch.setattr(_squared_error, "_LARGEST_CONDITION", 0.0)
        general = bound.marginals(coalition, points)
        monkeypatch.undo()
        np.testing.assert_allclose(general, closed, rtol=0, atol=1e-10 * np.std(closed))


def test_uncertain_points_are_refitted(monkeypatch):
    rng = np.random.default_rng(5)
    dataset = load_dataset("diabetes")
    coalition, points = draw_both_sides(dataset, 30, 10, rng)
    bound = RidgeLearner(0.0).bind(dataset)
    closed = bound.marginals(coalition, points)
    monkeypatch.setattr(_squared_error, "_LEAST_LEFT", np.inf)
    refitted = bound.marginals(coalition, points)
    np.testing.assert_allclose(refitted, closed, rtol=0, atol=1e-9 * np.std(closed))


def test_a_direction_near_the_cut_is_left_to_refits():
    """The second feature of all but two points is tiny; at 1e-6 it is cut."""
    rng = np.random.default_rng(6)
    for scale in (1e-4, 3e-6, 1e-6, 3e-7, 1e-9, 1e-14):
        x = rng.normal(size=(80, 2)) * [1.0, scale]
        x[[5, 50], 1] = 1.0
        y = x[:, 0] + rng.normal(size=80)
        x[60:, 1] += 0.3
        dataset = Dataset(x[:60], y[:60], x[60:], y[60:])
        for coalition in (np.arange(20), np.arange(10, 40)):
            points = np.arange(60)
            fit = RidgeLearner(0.0).bind(dataset).marginals(coalition, points)
            refit = RefitLearner(LinearRegression()).bind(dataset)
            reference = refit.marginals(coalition, points)
            error = np.max(np.abs(fit - reference))
            assert error <= 1e-6 * np.std(reference), scale


def test_a_single_member_cannot_be_removed():
    dataset = load_dataset("diabetes")
    for alpha in (0.0, 1.0):
        draw = RidgeLearner(alpha).bind(dataset).draw(np.array([3]), np.array([3, 4]))
        assert np.isnan(draw.delta[0])
        assert np.isfinite(draw.delta[1])
        assert draw.failures == ("without the point nothing is left",)


def test_an_empty_coalition_fails():
    bound = RidgeLearner().bind(load_dataset("diabetes"))
    draw = bound.draw(np.array([], dtype=int), np.arange(3))
    assert np.isnan(draw.utility)
    assert np.isnan(draw.delta).all()
    assert draw.failures == ("the coalition is empty",)


def test_the_same_call_gives_the_same_bits():
    rng = np.random.default_rng(7)
    dataset = load_dataset("lm_reg")
    coalition, points = draw_both_sides(dataset, 100, 100, rng)
    bound = RidgeLearner(0.0).bind(dataset)
    first = bound.draw(coalition, points)
    bound.marginals(coalition[:50], points)
    np.testing.assert_array_equal(bound.marginals(coalition, points), first.delta)
    assert bound.utility(coalition) == first.utility


def test_a_batch_equals_its_points_one_by_one():
    rng = np.random.default_rng(8)
    dataset = load_dataset("lm_reg")
    coalition, points = draw_both_sides(dataset, 40, 20, rng)
    bound = RidgeLearner(0.0).bind(dataset)
    together = bound.marginals(coalition, points)
    alone = [bound.marginals(coalition, points[i : i + 1])[0] for i in range(40)]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-10 * np.std(together))


def test_all_settings_are_in_the_description():
    dataset = load_dataset("diabetes")
    learners = [
        RidgeLearner(0.5),
        RidgeLearner(0.25),
        RidgeLearner(0.5, fit_intercept=False),
        RidgeLearner(0.0),
        RidgeLearner(0.0, rcond=1e-5),
    ]
    assert len({learner.bind(dataset).description for learner in learners}) == 5


@pytest.mark.parametrize(
    "parameters", [{"alpha": -1.0}, {"alpha": np.inf}, {"rcond": 0.0}, {"rcond": 0.5}]
)
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(InputError, match="Give a number"):
        RidgeLearner(**parameters)


def test_a_classification_is_refused():
    with pytest.raises(InputError, match="breast_cancer is a classification"):
        RidgeLearner().bind(load_dataset("breast_cancer"))


def test_a_metric_of_classification_is_refused():
    with pytest.raises(InputError, match="'log_loss' is for classification"):
        RidgeLearner().bind(load_dataset("diabetes"), "log_loss")
