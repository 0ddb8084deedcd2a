"""Selections added to random datasets: the right difference, in any number of parts."""

import numpy as np
import pytest
from fake_learners import MeanLearner
from sklearn.tree import DecisionTreeRegressor

from data_scaling.addition import join_additions, simulate_additions
from data_scaling.datasets import Dataset, load_dataset
from data_scaling.errors import InputError
from data_scaling.learners.refit import BoundRefit


def _minus_largest_error(y_true, prediction):
    return -float(np.abs(y_true - prediction).max())


def make_toy():
    """Training points of value 1, but the first ten of value -9."""
    x = np.ones((100, 2))
    x[:10] = -9.0
    y = np.arange(100) % 2
    return Dataset(x, y, x[:4], y[:4], x[:6], y[:6], name="toy")


def simulate(dataset, **settings):
    return simulate_additions(
        dataset,
        MeanLearner(),
        {"low": range(10), "high": range(10, 20)},
        [10, 30],
        metrics=["accuracy", "log_loss"],
        **settings,
    )


def test_the_change_is_that_of_the_utility():
    """The utility is minus the mean: ten points of -9 among k of 1 raise it."""
    found = simulate(make_toy(), n_repetitions=4)
    assert found.selections == ("low", "high", "random")
    assert found.change.shape == (4, 3, 2, 2)
    for j, k in enumerate((10, 30)):
        expected = 1 - (k - 90) / (k + 10)
        np.testing.assert_allclose(found.change[:, 0, j], expected)
    np.testing.assert_allclose(found.change[:, 1:], 0.0)
    excess, error = found.beyond()
    np.testing.assert_allclose(excess[0], found.mean[0])
    np.testing.assert_allclose(error, 0.0, atol=1e-12)


def test_parts_joined_and_two_jobs_give_the_same_numbers():
    dataset = load_dataset("breast_cancer")
    settings = {"metrics": ["log_loss"], "seed": 5}
    whole, first, second = (
        simulate_additions(
            dataset,
            "logreg",
            {"first": range(5)},
            [30, 60],
            n_repetitions=n,
            first_repetition=start,
            n_jobs=jobs,
            **settings,
        )
        for n, start, jobs in ((6, 0, 1), (2, 0, 1), (4, 2, 2))
    )
    joined = join_additions([first, second])
    assert joined.change.tobytes() == whole.change.tobytes()
    np.testing.assert_allclose(
        whole.standard_error, whole.change.std(axis=0, ddof=1) / np.sqrt(6)
    )
    with pytest.raises(InputError, match="2 kinds"):
        join_additions([whole, simulate(make_toy(), n_repetitions=1)])


@pytest.mark.parametrize(
    ("name", "learner", "metrics"),
    [
        ("breast_cancer", "logreg", ["accuracy", "log_loss"]),
        ("wine", "logreg", ["accuracy", "log_loss"]),
        ("wine", "tree", ["log_loss", "accuracy"]),
        ("diabetes", DecisionTreeRegressor(max_depth=2), ["mse", _minus_largest_error]),
        ("breast_cancer", "knn", ["accuracy", "log_loss"]),
    ],
)
def test_one_training_scored_by_two_metrics_is_as_one_for_each(name, learner, metrics):
    """Accuracy first and last, so that either may come of the other's training."""
    dataset = load_dataset(name)
    both, *each = (
        simulate_additions(
            dataset, learner, {"a": [1, 2, 3]}, [60], metrics=asked, n_repetitions=2
        )
        for asked in (metrics, metrics[:1], metrics[1:])
    )
    alone = np.concatenate([part.change for part in each], axis=-1)
    assert both.change.tobytes() == alone.tobytes()
    assert np.isfinite(alone).all()


def test_a_learner_that_can_is_trained_once_for_all_metrics(monkeypatch):
    trained = []
    predict = BoundRefit._predict
    monkeypatch.setattr(
        BoundRefit,
        "_predict",
        lambda bound, rows: trained.append(len(rows)) or predict(bound, rows),
    )
    simulate_additions(
        load_dataset("wine"),
        "tree",
        {"a": [1, 2, 3]},
        [60],
        metrics=["accuracy", "log_loss", "brier"],
        n_repetitions=2,
        n_jobs=1,
    )
    assert trained == [60, 63, 63] * 2


def test_what_cannot_be_simulated_is_refused():
    toy = make_toy()
    untested = Dataset(toy.x_train, toy.y_train, toy.x_val, toy.y_val)
    with pytest.raises(InputError, match="0 test points"):
        simulate(untested, n_repetitions=1)
    with pytest.raises(InputError, match="need 100 points, but 90"):
        simulate_additions(
            toy,
            MeanLearner(),
            {"a": range(10)},
            [90],
            metrics=["accuracy"],
            n_repetitions=1,
        )


@pytest.mark.parametrize(
    ("selections", "reason"),
    [({"random": [1]}, "named 'random'"), ({"last": [-1]}, "holds point -1")],
)
def test_selections_that_would_be_taken_for_others_are_refused(selections, reason):
    with pytest.raises(InputError, match=reason):
        simulate_additions(
            make_toy(),
            MeanLearner(),
            selections,
            [10],
            metrics=["accuracy"],
            n_repetitions=1,
        )
