"""``data-scaling run`` and ``info``, as a person runs them."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import data_scaling as ds
from data_scaling.ledger import describe_ledger

SHORT = ["--draws", "40", "--validation-draws", "3", "--jobs", "1"]


def call(*arguments, folder):
    return subprocess.run(
        [sys.executable, "-m", "data_scaling", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, call("run", "breast_cancer", *SHORT, folder=folder)


def test_a_run_says_what_matters(finished):
    folder, done = finished
    assert done.returncode == 0, done.stderr
    for phrase in (
        "breast_cancer: 341 points with 30 features, judged on 114 validation points",
        "40 draws per point, coalitions of 27 to 272: 13,640 contributions, 0 failed",
        "Most valuable at 27 points",
        "Most harmful at 272 points",
        "95 % interval",
        "the ranking changes: rank correlation",
        "341 laws in",
        "Tested on 200 points at 10 sizes with about 3 fresh draws each: R²",
    ):
        assert phrase in done.stdout
    at = [done.stdout.index(f"Most harmful at {size} points") for size in (272, 27)]
    assert at == sorted(at)
    lines = done.stdout.partition("Written")[2].split("\n")[1:-1]
    told = {folder / line.split()[-1] for line in lines}
    there = set((folder / "runs/breast_cancer").iterdir())
    assert {path.with_suffix("") for path in told} == {p.with_suffix("") for p in there}
    assert told <= there
    assert (folder / "runs/breast_cancer/summary.txt").read_text() == done.stdout


def test_the_table_of_laws_equals_the_laws(finished):
    folder, _ = finished
    laws = ds.load_laws(folder / "runs/breast_cancer/laws.npz")
    table = pd.read_csv(folder / "runs/breast_cancer/laws.csv")
    data = ds.load_dataset("breast_cancer")
    first = next(name for name in table.columns if name.startswith("a_1_at_"))
    np.testing.assert_allclose(table[first], laws.coefficients[:, 0], rtol=1e-5)
    np.testing.assert_allclose(table["psi_272"], laws.psi(272), rtol=1e-5)
    assert table["label"].tolist() == data.target_names(laws.points)
    assert table["row"].tolist() == data.row_ids.tolist()
    assert set(table["status"]) <= {status.label for status in ds.FitStatus}
    assert sorted(table["rank_27"]) == list(range(1, 342))


def test_the_listed_points_are_the_surest(finished):
    folder, done = finished
    table = pd.read_csv(folder / "runs/breast_cancer/laws.csv")
    expected = table.sort_values("low_272", ascending=False)["row"].head(5).tolist()
    listing = done.stdout.partition("Most valuable at 272")[2].split("\n")[2:7]
    assert [int(line.split()[0]) for line in listing] == expected


def test_adjusted_draws_say_what_was_removed(tmp_path):
    arguments = ("breast_cancer", "--draws", "20", "--validation-draws", "0")
    done = call("run", *arguments, "--adjust", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "of the variance of the typical point's draws was removed" in done.stdout
    quick = "runs/breast_cancer/draws.ledger.approximate"
    assert (tmp_path / quick).exists()
    assert quick in done.stdout.partition("Written")[2]


def test_a_second_run_draws_nothing_and_says_the_same(finished):
    folder, first = finished
    before = (folder / "runs/breast_cancer/laws.csv").read_bytes()
    again = call("run", "breast_cancer", *SHORT, folder=folder)

    def numbers(text):
        return [
            line
            for line in text.split("\n")
            if " took " not in line and " in " not in line
        ]

    assert numbers(again.stdout) == numbers(first.stdout)
    assert (folder / "runs/breast_cancer/laws.csv").read_bytes() == before


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path):
    arguments = ["run", "lm_clf", "--draws", "10", "--max-cardinality", "150"]
    arguments += ["--validation-draws", "0", "--jobs", "1"]
    arguments += ["--method", "likelihood"]
    whole = call(*arguments, "--out", "whole", folder=tmp_path)
    assert whole.returncode == 0, whole.stderr
    ledger = tmp_path / "killed" / "draws.ledger"
    command = [sys.executable, "-m", "data_scaling", *arguments, "--out", "killed"]
    with subprocess.Popen(command, cwd=tmp_path) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _has_draws(ledger):
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    drawn = describe_ledger(ledger).n_coalitions
    assert 0 < drawn < 10
    resumed = call(*arguments, "--out", "killed", folder=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    first = ds.Contributions.load(tmp_path / "whole/draws.ledger")
    second = ds.Contributions.load(ledger)
    np.testing.assert_array_equal(first.delta, second.delta)


def _has_draws(ledger):
    try:
        return describe_ledger(ledger).n_coalitions > 0
    except ds.LedgerError:
        return False


def test_another_plan_is_refused_with_what_differs(finished):
    folder, _ = finished
    done = call("run", "breast_cancer", *SHORT, "--seed", 3, folder=folder)
    assert done.returncode == 1
    assert "seed: 0 in the ledger, 3 asked" in done.stderr
    assert "Traceback" not in done.stderr


def test_info_says_how_far_a_ledger_is(finished):
    folder, _ = finished
    done = call("info", "runs/breast_cancer/draws.ledger", folder=folder)
    assert done.returncode == 0
    assert "all 40 draws of 341 points" in done.stdout
    assert "failed   none" in done.stdout


def test_a_users_table_runs(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(120, 2)), columns=["size", "age"])
    frame["town"] = rng.choice(["<b>Ulm</b>", "Bonn"], 120)
    frame["sold"] = np.where(frame["size"] + rng.normal(size=120) > 0, "yes", "no")
    frame.to_csv(tmp_path / "houses.csv", index=False)
    arguments = ["run", "houses.csv", "--target", "sold", "--learner", "tree"]
    done = call(*arguments, *SHORT, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "houses: 72 points with 4 features" in done.stdout
    table = pd.read_csv(tmp_path / "runs/houses/laws.csv")
    truth = frame["sold"].iloc[table["row"]].tolist()
    assert table["label"].tolist() == truth


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.csv"], "'nothing.csv' is no file and no dataset's name"),
        (["wine", "--target", "x"], "--target: these are for files"),
        (["wine", "--learner", "linreg"], "is for regression, but wine is a classif"),
        (["wine", "--metric", "mse"], "'mse' is for regression"),
        (["wine", "--draws", "1"], "--draws is 1. Give at least 2"),
        (["wine", "--max-cardinality", "500"], "Give at most 106"),
        (["wine", "--max-cardinality", "0"], "is 0. Give"),
        (["wine", "--min-cardinality", "0"], "is 0. Give"),
        (["wine", "--min-cardinality", "3"], "Give a --min-cardinality of at least"),
    ],
)
def test_bad_input_is_refused_before_any_work(arguments, message, tmp_path):
    done = call("run", *arguments, *SHORT[2:], folder=tmp_path)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path(tmp_path, "runs").exists()


def test_a_file_needs_a_target(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    done = call("run", "a.csv", folder=tmp_path)
    assert "No target was given for a.csv" in done.stderr


@pytest.mark.parametrize("verb", ["run", "info"])
def test_help_carries_an_example(verb, tmp_path):
    done = call(verb, "--help", folder=tmp_path)
    assert done.returncode == 0
    assert f"Example: data-scaling {verb} " in " ".join(done.stdout.split())


def test_an_interrupted_run_says_that_it_can_go_on(tmp_path):
    arguments = ["run", "lm_clf", "--draws", "400", "--jobs", "1", "--out", "run"]
    process = subprocess.Popen(
        [sys.executable, "-m", "data_scaling", *arguments],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _has_draws(tmp_path / "run/draws.ledger"):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the draws so far are kept" in stderr
    assert "Traceback" not in stderr


def test_the_csv_is_rectangular(finished):
    folder, _ = finished
    with (folder / "runs/breast_cancer/laws.csv").open(newline="") as file:
        widths = {len(row) for row in csv.reader(file)}
    assert len(widths) == 1
