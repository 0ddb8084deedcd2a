"""The formula of linear regression against draws of the exact learner."""

import numpy as np
import pytest

import data_scaling as ds
from data_scaling.errors import InputError
from data_scaling.plotting import plot_theory
from data_scaling.theory import predict_linear_terms


def make_well_specified():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 4))
    y = x @ [1.0, -2.0, 0.5, 0.0] + rng.normal(size=4000)
    return ds.Dataset(x[:2000], y[:2000], x[2000:], y[2000:], name="linear")


def compare(dataset, n_draws, sizes):
    plan = ds.SamplingPlan(n_draws, cardinalities=sizes, points=200)
    draws = ds.sample_contributions(dataset, "linreg", plan)
    fit = ds.LogEstimator(sizes).regress(draws)
    terms = [term[draws.points] for term in predict_linear_terms(dataset)]
    _, frame = plot_theory(fit, terms, draws.points)
    return frame, frame.attrs["summary"].set_index("cardinality")


def test_means_of_draws_follow_the_paper_where_all_is_validated():
    """Over 200 points; the noise of the means leaves a correlation of about 0.98.

    A slope off by 0.15 is more than five of its standard errors.
    """
    dataset = make_well_specified()
    x, y = dataset.x_train, dataset.y_train
    frame, summary = compare(ds.Dataset(x, y, x, y), 3000, [50, 100, 200])
    assert summary.loc[100, "pearson_of_second"] > 0.95
    assert 0.85 < summary.loc[100, "slope"] < 1.15
    assert frame.alpha.median() == pytest.approx(2.0, abs=0.2)
    # Terms of higher order, not yet small at these sizes, make it steeper.
    assert 2.8 < frame.beta.median() < 3.8
    assert np.isnan(summary.beta.iloc[0])
    assert 2.8 < summary.loc[200, "beta"] < summary.loc[100, "beta"] < 4.0


def test_a_finite_validation_part_adds_the_term_of_first_order():
    """It is several times as large as the paper's term here."""
    frame, summary = compare(make_well_specified(), 300, [100, 200, 400])
    assert summary.loc[400, "pearson"] > 0.98
    assert 0.9 < summary.loc[400, "slope"] < 1.1
    assert summary.loc[400, "pearson_of_second"] < 0.7
    assert frame.alpha.median() < 1.6


def test_an_outlier_harms_and_points_near_the_line_help():
    """One of 2,000 residuals is 20, so that s^2 is 1.2 and P(e^2 < 2 s^2) is 0.879."""
    dataset = make_well_specified()
    x, y = dataset.x_train.copy(), dataset.y_train.copy()
    y[0] += 20.0
    _, c = predict_linear_terms(ds.Dataset(x, y, x, y))
    assert c[0] == c.min() < 0
    assert np.mean(c > 0) == pytest.approx(0.879, abs=0.03)


def test_a_classification_has_no_formula():
    with pytest.raises(InputError, match="is a classification"):
        predict_linear_terms(ds.load_dataset("wine"))
