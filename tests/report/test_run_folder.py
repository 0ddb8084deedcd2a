"""A run's folder is read, and refused where its parts are not of one run."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from planted_runs import make_run

import data_scaling as ds
from data_scaling.errors import InputError
from data_scaling.report import Run, load_run, save_points


def draw_run(folder, name):
    """Draw, fit and keep, as the command does."""
    dataset = ds.load_dataset(name)
    plan = ds.SamplingPlan(6, 30, 90)
    draws = ds.sample_contributions(
        dataset, "logreg", plan, ledger=folder / "draws.ledger", n_jobs=1
    )
    ds.HierarchicalEstimator().fit(draws).save(folder / "laws.npz")
    save_points(folder / "points.npz", dataset)
    staggered = ds.SamplingPlan(3, cardinalities=[40, 80], points=20, seed=1)
    ledger = folder / "validation.ledger"
    ds.sample_contributions(dataset, "logreg", staggered, ledger=ledger, n_jobs=1)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folders = {}
    for name in ("wine", "breast_cancer"):
        folders[name] = tmp_path_factory.mktemp(name)
        draw_run(folders[name], name)
    return folders


@pytest.fixture
def folder(drawn, tmp_path):
    shutil.copytree(drawn["wine"], tmp_path / "run")
    return tmp_path / "run"


def test_a_run_is_read_with_what_tests_it(folder):
    run = load_run(folder)
    assert run.points.dataset == "wine"
    np.testing.assert_array_equal(run.laws.points, run.contributions.points)
    assert run.validation.cardinality.tolist() == [40.0, 80.0]
    assert len(run.validation.points) == 20
    assert run.curve.n_draws == 6
    assert run.seconds > 0


def test_a_run_that_was_not_tested_is_read(folder):
    (folder / "validation.ledger").unlink()
    assert load_run(folder).validation is None


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder of a run"):
        load_run(tmp_path / "nothing")
    (tmp_path / "dataset.json").touch()
    with pytest.raises(InputError, match="holds nothing that data-scaling run writes"):
        load_run(tmp_path)


@pytest.mark.parametrize("name", ["laws.npz", "draws.ledger", "points.npz"])
def test_a_run_without_a_part_is_refused(name, folder):
    (folder / name).unlink()
    with pytest.raises(InputError, match=rf"lacks {name}.* Give the command"):
        load_run(folder)


def test_laws_of_another_dataset_are_refused(folder, drawn):
    shutil.copy(drawn["breast_cancer"] / "laws.npz", folder)
    with pytest.raises(InputError, match=r"laws are of the dataset breast.*but wine"):
        load_run(folder)


def test_laws_of_another_split_are_refused_though_all_counts_agree(folder):
    dataset = ds.load_dataset("wine", seed=1)
    draws = ds.sample_contributions(dataset, "logreg", ds.SamplingPlan(6, 30, 90))
    ds.HierarchicalEstimator().fit(draws).save(folder / "laws.npz")
    with pytest.raises(InputError, match=rf"fingerprint {dataset.fingerprint}"):
        load_run(folder)


def test_laws_of_other_points_are_refused():
    run = make_run()
    with pytest.raises(InputError, match="laws are of 3 points, the draws of 100"):
        Run(run.contributions, run.laws[:3], run.points)


def test_laws_of_other_draws_are_refused():
    """Another dataset with as many points has draws of other numbers and sizes."""
    run = make_run()
    laws = replace(run.laws, n_draws=run.laws.n_draws + 1)
    with pytest.raises(InputError, match="fitted to 21 draws of point 0"):
        Run(run.contributions, laws, run.points)


@pytest.mark.parametrize("name", ["points.npz", "validation.ledger"])
def test_parts_of_another_dataset_are_refused(name, folder, drawn):
    shutil.copy(drawn["breast_cancer"] / name, folder)
    with pytest.raises(InputError, match="breast_cancer") as refused:
        load_run(folder)
    assert "wine" in str(refused.value)


def test_a_run_in_which_all_failed_is_refused():
    run = make_run()
    nothing = np.full_like(run.laws.coefficients, np.nan)
    laws = replace(run.laws, coefficients=nothing, n_draws=np.zeros(100))
    failed = np.full_like(run.contributions.delta, np.nan)
    draws = replace(run.contributions, delta=failed)
    with pytest.raises(InputError, match=r"None of the 100 points .* 2,000 of 2,000"):
        Run(draws, laws, run.points)
