"""Laws say which dataset their points are of, and what its rows are called."""

import os
from dataclasses import replace

import numpy as np
import pytest

import data_scaling as ds
from data_scaling.errors import InputError
from data_scaling.plotting import plot_law
from data_scaling.validation import validate_laws

ESTIMATORS = [ds.HierarchicalEstimator, ds.LikelihoodEstimator, ds.LogEstimator]


@pytest.fixture(scope="module")
def draws():
    rng = np.random.default_rng(0)
    k = rng.integers(20, 200, (6, 60))
    delta = np.linspace(1, 2, 6)[:, None] / k + rng.normal(size=k.shape) / k**1.5
    names = [f"row {i}" for i in range(6)]
    return ds.Contributions(
        delta, k, np.arange(6) + 4, row_ids=names, dataset="own", fingerprint="f" * 32
    )


@pytest.fixture(scope="module", params=ESTIMATORS)
def laws(request, draws):
    return request.param().fit(draws)


def test_every_estimator_passes_the_origin_on(laws, draws, tmp_path):
    laws.save(tmp_path / "laws.npz")
    for known in (laws, ds.load_laws(tmp_path / "laws.npz"), laws.tangent(50.0)):
        assert known.row_ids.tolist() == draws.row_ids.tolist()
        assert (known.dataset, known.fingerprint) == ("own", "f" * 32)
    some = laws.take([9, 5])
    assert some.row_ids.tolist() == ["row 5", "row 1"]
    assert some.fingerprint == laws.fingerprint
    assert laws.to_frame()["row"].tolist() == draws.row_ids.tolist()
    assert "<td>row 5</td>" in laws._repr_html_()


def test_a_file_of_before_is_read_and_names_points_by_their_index(laws, tmp_path):
    laws.save(tmp_path / "laws.npz")
    with np.load(tmp_path / "laws.npz") as file:
        arrays = dict(file)
    for name in ("row_ids", "dataset", "fingerprint"):
        del arrays[name]
    np.savez(tmp_path / "old.npz", **arrays)
    old = ds.load_laws(tmp_path / "old.npz")
    assert old.row_ids.tolist() == old.points.tolist()
    assert (old.dataset, old.fingerprint) == ("", "")
    np.testing.assert_array_equal(old.psi(70), laws.psi(70))


def test_draws_of_another_dataset_are_refused_and_unknown_ones_are_not(laws, draws):
    other = replace(draws, dataset="other", fingerprint="0" * 32)
    for ask in (lambda: validate_laws(laws, other), lambda: plot_law(laws, 5, other)):
        with pytest.raises(
            InputError, match=r"laws are of the dataset own .*but other"
        ):
            ask()
    unknown = replace(draws, fingerprint="")
    assert len(validate_laws(laws, unknown).points) == 6
    assert plot_law(laws, 5, unknown)[0].get_suptitle() == "Point 5 (row row 1)"


@pytest.mark.parametrize("names", [None, [f"é{i}" for i in range(20)]])
def test_a_ledger_keeps_the_names_of_rows(names, tmp_path):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 2)), np.tile([0, 1], 15)
    ids = np.arange(20) * 3 + 1 if names is None else names
    dataset = ds.Dataset(x[:20], y[:20], x[20:], y[20:], row_ids=ids)
    plan = ds.SamplingPlan(3, 5, 12, points=[7, 2])
    draw = ds.sample_contributions
    drawn = draw(dataset, "logreg", plan, ledger=tmp_path / "a.ledger")
    expected = [ids[7], ids[2]]
    assert drawn.row_ids.tolist() == expected
    assert draw(dataset, "logreg", plan).row_ids.tolist() == expected
    summary = ds.combine_ledgers(tmp_path / "b.ledger", [tmp_path / "a.ledger"])
    assert "row_ids" not in repr(summary)  # there may be a million of them
    again = ds.Contributions.load(os.fspath(tmp_path / "b.ledger"))
    assert again.row_ids.tolist() == expected


def test_a_ledger_without_names_gets_them_when_it_is_drawn_on(tmp_path):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 2)), np.tile([0, 1], 15)
    plan, path = ds.SamplingPlan(3, 5, 12), tmp_path / "a.ledger"
    unnamed = ds.Dataset(x[:20], y[:20], x[20:], y[20:])
    first = ds.sample_contributions(unnamed, "logreg", plan, ledger=path)
    assert first.row_ids.tolist() == list(range(20))
    named = ds.Dataset(x[:20], y[:20], x[20:], y[20:], row_ids=np.arange(20) + 100)
    second = ds.sample_contributions(named, "logreg", plan, ledger=path)
    np.testing.assert_array_equal(second.delta, first.delta)
    assert second.row_ids.tolist() == list(range(100, 120))
