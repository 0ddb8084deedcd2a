"""``fit``, ``value``, ``select`` and ``plot``: what Python gives, from the command."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import data_scaling as ds
from data_scaling import fitting
from data_scaling.cli.app import app
from data_scaling.errors import DataScalingError, InputError
from data_scaling.selection import select_harmful
from data_scaling.weights import banzhaf_weights, beta_weights


def call(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("verbs")
    data = ds.load_dataset("breast_cancer")
    plan = ds.SamplingPlan(40, 30, 200)
    ds.sample_ledger(data, "logreg", plan, path / "draws.ledger")
    staggered = ds.SamplingPlan(5, cardinalities=[30, 80, 200], points=50, seed=1)
    ds.sample_ledger(data, "logreg", staggered, path / "test.ledger")
    said = call("fit", path / "draws.ledger", path / "laws.npz")
    assert "341 laws from 40 draws each: 341 converged" in said.output
    return path


def test_fitted_laws_are_those_of_the_estimator(folder):
    draws = ds.Contributions.load(folder / "draws.ledger")
    expected = ds.HierarchicalEstimator().fit(draws).psi(100)
    np.testing.assert_array_equal(ds.load_laws(folder / "laws.npz").psi(100), expected)
    other = folder / "other.npz"
    options = ["--method", "likelihood", "--first", 20]
    assert (
        "from 20 draws" in call("fit", folder / "draws.ledger", other, *options).output
    )
    expected = ds.LikelihoodEstimator().fit(draws.first(20)).psi(100)
    np.testing.assert_array_equal(ds.load_laws(other).psi(100), expected)


def test_amortized_laws_and_their_model_are_written(folder, tmp_path, monkeypatch):
    pytest.importorskip("torch")
    quick = partial(ds.AmortizedEstimator, n_epochs=2)
    monkeypatch.setattr(fitting, "AmortizedEstimator", quick)
    laws, model = tmp_path / "laws.npz", tmp_path / "model.safetensors"
    ledger, method = folder / "draws.ledger", ["--method", "amortized", "--first", 4]
    asked = [*method, "--dataset", "breast_cancer", "--model", model]
    said = call("fit", ledger, laws, *asked)
    assert str(model) in said.output
    data = ds.load_dataset("breast_cancer")
    draws = ds.Contributions.load(ledger).first(4)
    again = ds.AmortizedEstimator.load(model).update(draws, data)
    np.testing.assert_array_equal(ds.load_laws(laws).psi(100), again.psi(100))

    said = call("fit", ledger, laws, *method)
    assert isinstance(said.exception, InputError)
    assert "--dataset" in str(said.exception)
    said = call("fit", ledger, laws, "--dataset", "breast_cancer")
    assert "for --method amortized, but it is 'hierarchical'" in str(said.exception)


@pytest.mark.parametrize(
    ("kind", "weights"),
    [
        ("shapley", None),
        ("banzhaf", banzhaf_weights(200)),
        ("beta:4,1", beta_weights(200, 4, 1)),
    ],
)
def test_values_are_written_from_high_to_low(folder, kind, weights):
    laws, out = ds.load_laws(folder / "laws.npz"), folder / "values.csv"
    options = ["--kind", kind, "--min-cardinality", 30, "--max-cardinality", 200]
    said = call("value", folder / "laws.npz", *options, "--out", out)
    assert "341 of 341 points have a value" in said.output
    assert "CSV files also have its index in the training part" in said.output
    table = pd.read_csv(out).set_index("point")
    row_ids = ds.load_dataset("breast_cancer").row_ids
    np.testing.assert_array_equal(table.row, row_ids[table.index])
    first = said.output.splitlines()[2].split()[0]
    assert int(first) == table.row.iloc[0] != table.index[0]
    expected = (
        ds.semivalues(laws, weights) if weights else ds.shapley_values(laws, 30, 200)
    )
    np.testing.assert_allclose(table.loc[laws.points, "value"], expected, rtol=1e-5)
    assert table["value"].is_monotonic_decreasing


def test_values_need_a_kind_and_a_size(folder):
    laws = folder / "laws.npz"
    assert isinstance(call("value", laws).exception, InputError)
    unknown = call("value", laws, "--kind", "gini", "--max-cardinality", 9).exception
    assert "beta:A,B" in str(unknown)


def test_selected_points_are_those_of_the_library(folder):
    laws, out = ds.load_laws(folder / "laws.npz"), folder / "points.csv"
    options = ["--number", 7, "--balance", "breast_cancer", "--out", out]
    said = call("select", folder / "laws.npz", 500, *options)
    assert said.exit_code == 0, said.output
    assert "7 points that are worth most at size 500" in said.output
    drawn = laws.cardinality_range
    assert f"drawn: {drawn.min()} to {drawn.max()}; beyond" in said.output
    labels = ds.load_dataset("breast_cancer").target_names(laws.points)
    expected = ds.select_points(laws, 500, 7, labels)
    table = pd.read_csv(out)
    assert table.point.tolist() == expected.tolist()
    rows = ds.load_dataset("breast_cancer").row_ids[expected]
    assert table.row.tolist() == rows.tolist()
    assert said.output.splitlines()[2].split()[0] == str(rows[0])


@pytest.mark.parametrize(
    ("other", "reason"), [("diabetes", "no classes"), ("wine", "but wine (fingerprint")]
)
def test_seats_by_another_dataset_are_refused(folder, other, reason):
    said = call("select", folder / "laws.npz", 500, "--balance", other)
    assert reason in str(said.exception)
    assert isinstance(said.exception, DataScalingError)


def test_harmful_points_are_those_of_the_library(folder):
    laws, out = ds.load_laws(folder / "laws.npz"), folder / "harmful.csv"
    call("select", folder / "laws.npz", 200, "--harmful", "--rate", 0.2, "--out", out)
    expected = select_harmful(laws, 200, false_discovery_rate=0.2)
    table = pd.read_csv(out)
    assert table.point.tolist() == expected.tolist()
    assert table.probability_negative.mean() >= 0.8


def test_another_split_of_the_same_data_is_another_dataset(folder, tmp_path):
    """As many points of the same name, but others: only the fingerprint tells."""
    other = ds.load_dataset("breast_cancer", seed=1)
    asked = call("select", folder / "laws.npz", 9, "--balance", other.name, "--seed", 1)
    assert "The laws are of the dataset breast_cancer" in str(asked.exception)
    ledger = tmp_path / "other.ledger"
    ds.sample_ledger(other, "logreg", ds.SamplingPlan(2, 30, 60), ledger)
    out = tmp_path / "figure"
    said = call("plot", folder / "laws.npz", ledger, "--out", out)
    assert other.fingerprint in str(said.exception)
    assert isinstance(said.exception, InputError)
    assert not list(tmp_path.glob("figure*"))


def test_a_certainty_leaves_points_out(folder):
    arguments = [folder / "laws.npz", 200, "--number", 300, "--certainty", 0.99]
    refused = call("select", *arguments, "--converged").exception
    assert "have a law and are eligible" in str(refused)


def test_a_figure_is_plotted_with_its_numbers(folder):
    out = folder / "figure"
    said = call("plot", folder / "laws.npz", folder / "test.ledger", "--out", out)
    assert said.exit_code == 0, said.output
    assert "R2 pooled" in said.output
    assert len(pd.read_csv(out.with_suffix(".csv"))) == 50 * 3
    assert out.with_suffix(".png").exists()
    assert out.with_suffix(".pdf").exists()
