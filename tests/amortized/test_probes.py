"""What probes tell of a point, against contributions and in odd cases."""

import numpy as np
import pytest

import data_scaling as ds
from data_scaling.amortized.encoding import learn_encoding
from data_scaling.amortized.probes import learn_probes


def make_dataset(task, n_points=600, n_features=6, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_points + 400, n_features))
    # Heavy tails give some points a large leverage.
    x *= np.exp(0.5 * rng.normal(size=(len(x), 1)))
    y = x[:, 0] - 0.5 * x[:, 1] + 1.5 * rng.normal(size=len(x))
    if task != "regression":
        y = np.digitize(y, [0.0] if task == "two classes" else [-1.0, 1.0])
    return ds.Dataset(x[:-400], y[:-400], x[-400:], y[-400:])


def learn(dataset, base=120.0, seed=0):
    encoding = learn_encoding(dataset)
    probes = learn_probes(dataset, encoding, base, np.random.default_rng(seed))
    return encoding, probes


@pytest.mark.parametrize("task", ["two classes", "three classes", "regression"])
def test_the_first_two_orders_tell_most_of_a_contribution(task):
    """R^2 of psi by r x'H^-1 g and r^2 h alone, 200 draws of one size; fixed seeds."""
    dataset, base = make_dataset(task), 120
    learner = "linreg" if task == "regression" else "logreg"
    plan = ds.SamplingPlan(200, cardinalities=[base], points=("random", 200))
    draws = ds.sample_contributions(dataset, learner, plan, progress=False)
    psi = np.nanmean(draws.delta, axis=1)
    encoding, probes = learn(dataset, base)
    traits = probes.look(
        *encoding.encode(dataset.x_train[draws.points], dataset.y_train[draws.points])
    )
    # The residual once the model has moved, as the point itself is fitted.
    left = np.exp(traits.log_shift - 0.5 * traits.log_miss)
    first = left * traits.tilt * traits.reach
    second = (left * traits.reach) ** 2
    terms = np.stack([np.ones(len(psi)), first, second], axis=1)
    coefficients, *_ = np.linalg.lstsq(terms, psi, rcond=None)

    assert ds.agreement(terms @ coefficients, psi).r2 > 0.75
    assert coefficients[1] > 0


@pytest.mark.parametrize("task", ["two classes", "three classes", "regression"])
def test_traits_of_the_pool_are_standardised_and_all_are_finite(task):
    dataset = make_dataset(task)
    encoding, probes = learn(dataset)
    told = probes.describe(*encoding.encode(dataset.x_train, dataset.y_train))
    far = probes.describe(*encoding.encode(1e6 * dataset.x_val, dataset.y_val))

    assert told.shape == (600, probes.n_traits)
    np.testing.assert_allclose(told.mean(axis=0), 0.0, atol=1e-4)
    np.testing.assert_allclose(told.std(axis=0), 1.0, atol=1e-3)
    assert np.isfinite(far).all()


def test_a_class_that_parts_lack_and_columns_alike_are_no_obstacle():
    rng = np.random.default_rng(0)
    x = np.hstack([rng.normal(size=(200, 2)), np.ones((200, 1))])
    x = np.hstack([x, x[:, :1]])
    is_rare = np.isin(np.arange(200), [7, 160])
    y = np.where(is_rare, "rare", np.where(x[:, 0] > 0, "a", "b"))
    dataset = ds.Dataset(x[:150], y[:150], x[150:], y[150:])
    encoding, probes = learn(dataset, base=20.0)
    told = probes.look(*encoding.encode(dataset.x_train, dataset.y_train))

    assert all(np.isfinite(part).all() for part in told)
    assert np.argmax(told.log_miss) == 7


def test_the_scale_of_all_features_is_what_the_learner_sees():
    """Small features are penalised more: the same parts give smaller odds."""
    dataset = make_dataset("two classes")
    small = ds.Dataset(
        0.01 * dataset.x_train, dataset.y_train, 0.01 * dataset.x_val, dataset.y_val
    )
    found = []
    for each in (dataset, small):
        encoding, probes = learn(each)
        told = probes.look(*encoding.encode(each.x_train, each.y_train))
        found.append(np.std(told.odds))
    assert found[1] < 0.1 * found[0]
