"""The one-liner equals the steps it stands for."""

from functools import partial

import numpy as np
import pytest

import data_scaling as ds
from data_scaling import fitting


def test_one_call_equals_the_steps():
    data = ds.load_dataset("breast_cancer")
    arrays = data.x_train, data.y_train, data.x_val, data.y_val
    laws = ds.fit_scaling_laws(
        "logreg", *arrays, cardinalities=(30, 90), n_draws=12, points=20, seed=4
    )
    plan = ds.SamplingPlan(12, 30, 90, points=20, seed=4)
    draws = ds.sample_contributions(ds.Dataset(*arrays), "logreg", plan)
    expected = ds.HierarchicalEstimator().fit(draws)
    np.testing.assert_array_equal(laws.psi([30, 900]), expected.psi([30, 900]))
    np.testing.assert_array_equal(laws.points, np.arange(20))


def test_the_papers_method_can_be_asked_for():
    data = ds.load_dataset("breast_cancer")
    arrays = data.x_train, data.y_train, data.x_val, data.y_val
    laws = ds.fit_scaling_laws(
        "logreg",
        *arrays,
        cardinalities=(30, 90),
        n_draws=12,
        points=20,
        method="likelihood",
    )
    assert isinstance(laws, ds.PowerLaws)


def test_the_amortized_method_sees_the_features(monkeypatch):
    pytest.importorskip("torch")
    quick = partial(ds.AmortizedEstimator, n_epochs=2)
    monkeypatch.setattr(fitting, "AmortizedEstimator", quick)
    data = ds.load_dataset("breast_cancer")
    arrays = data.x_train, data.y_train, data.x_val, data.y_val
    options = {"cardinalities": (30, 90), "n_draws": 6, "progress": False}
    laws = ds.fit_scaling_laws("logreg", *arrays, method="amortized", **options)
    dataset = ds.Dataset(*arrays)
    draws = ds.sample_contributions(dataset, "logreg", ds.SamplingPlan(6, 30, 90))
    expected = quick(progress=False).fit(draws, dataset)

    np.testing.assert_array_equal(laws.psi(50), expected.psi(50))
    with pytest.raises(ds.InputError, match="no dataset was given"):
        fitting.make_estimator("amortized")


def test_an_unknown_method_is_refused_before_any_work():
    with pytest.raises(ds.InputError, match="method is 'bayes'"):
        ds.fit_scaling_laws("logreg", [], [], [], [], method="bayes")
