"""Sampling: right numbers, the same bits however they were drawn, failures told."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import psutil
import pytest
from fake_learners import (
    DeadlyLearner,
    InfiniteLearner,
    InterruptedLearner,
    MeanLearner,
    TellingLearner,
    make_dataset,
)
from same_bits import assert_same_bits

from data_scaling.coalitions import draw_coalition, group_pool
from data_scaling.contributions import Contributions
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import (
    AllDrawsFailedError,
    FailedDrawWarning,
    InputError,
    LedgerError,
    PlanMismatchError,
    WorkerLostError,
)
from data_scaling.ledger import (
    describe_ledger,
    open_ledger,
    read_learning_curve,
    verify_ledger,
)
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions

DATASET = make_dataset()
PLAN = SamplingPlan(60, 5, 30, seed=3)
PLANS = {
    "shared": PLAN,
    "independent": replace(PLAN, coalitions="independent", points=(7, 3, 31)),
    "staggered": SamplingPlan(20, cardinalities=[5, 12, 40], points=10, seed=9),
}


@pytest.mark.parametrize("kind", PLANS)
def test_each_draw_is_the_contribution_to_its_own_coalition(kind):
    plan, pool = PLANS[kind], group_pool(DATASET)
    drawn = sample_contributions(DATASET, MeanLearner(), plan)
    assert drawn.delta.shape == (len(drawn.points), plan.total_draws)
    values = DATASET.x_train[:, 0]
    for row, point in enumerate(drawn.points):
        for draw in (0, 1, 41):
            rng = plan.spawn_rng(draw, int(point))
            size = plan.draw_cardinality(draw, rng)
            without = None if plan.is_shared else int(point)
            others = draw_coalition(pool, size, rng, without=without)
            others = others[others != point]
            grown = np.append(others, point)
            expected = values[others].mean() - values[grown].mean()
            assert drawn.delta[row, draw] == pytest.approx(expected, abs=1e-12)
            assert drawn.cardinality[row, draw] == len(others)


@pytest.mark.parametrize("kind", PLANS)
def test_memory_and_ledger_and_a_second_reading_have_the_same_bits(kind, tmp_path):
    path, plan = tmp_path / "x", PLANS[kind]
    in_memory = sample_contributions(DATASET, MeanLearner(), plan)
    assert_same_bits(
        in_memory, sample_contributions(DATASET, MeanLearner(), plan, ledger=path)
    )
    n_bytes = path.stat().st_size
    again = sample_contributions(DATASET, MeanLearner(), plan, ledger=path)
    assert_same_bits(in_memory, again)
    assert_same_bits(in_memory, Contributions.load(path))
    assert path.stat().st_size == n_bytes


@pytest.mark.parametrize("kind", PLANS)
def test_two_jobs_give_the_bits_of_one(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("data_scaling._workers.PILOT_SECONDS", 0.01)
    monkeypatch.setattr("data_scaling._workers.TASK_SECONDS", 0.02)
    monkeypatch.setattr("data_scaling._workers.START_SECONDS", 0.0)
    path, plan, learner = tmp_path / "x", PLANS[kind], MeanLearner(seconds=0.004)
    alone = sample_contributions(DATASET, MeanLearner(), plan)
    both = sample_contributions(DATASET, learner, plan, ledger=path, n_jobs=2)
    assert_same_bits(alone, both)
    summary = describe_ledger(path)
    assert summary.is_complete
    assert summary.n_segments > 10


@pytest.mark.parametrize("backend", ["threading", "multiprocessing"])
def test_other_backends_give_the_same_bits(backend, monkeypatch):
    """The second cannot stream results, so it gets its draws in waves."""
    monkeypatch.setattr("data_scaling._workers.START_SECONDS", 0.0)
    learner = MeanLearner(seconds=0.01)
    with joblib.parallel_config(backend, n_jobs=2):
        drawn = sample_contributions(DATASET, learner, PLAN)
    assert_same_bits(drawn, sample_contributions(DATASET, MeanLearner(), PLAN))


def test_waves_keep_their_workers_and_the_data_travels_once_to_each(
    tmp_path, monkeypatch
):
    """Seven waves of four tasks for each of two workers."""
    monkeypatch.setattr("data_scaling._workers.START_SECONDS", 0.0)
    monkeypatch.setattr("data_scaling._workers.TASK_SECONDS", 0.01)
    learner = TellingLearner(seconds=0.01, folder=str(tmp_path))
    with joblib.parallel_config("multiprocessing", n_jobs=2):
        sample_contributions(DATASET, learner, PLAN)
    notes = [path.name.split("-") for path in tmp_path.iterdir()]
    drew = {note[1] for note in notes if note[0] == "drew"} - {str(os.getpid())}
    assert len(drew) == 2
    assert sum(note[0] == "unpacked" for note in notes) == 2


def test_large_arrays_reach_the_workers_unchanged(monkeypatch):
    monkeypatch.setattr("data_scaling._workers.START_SECONDS", 0.0)
    x = np.random.default_rng(1).normal(size=(60_000, 3))  # above joblib's 1 MB
    dataset = Dataset(x, x[:, 0], x[:5], x[:5, 0])
    plan = SamplingPlan(40, 100, 1000, points=50)
    learner = MeanLearner(seconds=0.02)
    both = sample_contributions(dataset, learner, plan, n_jobs=2)
    assert_same_bits(both, sample_contributions(dataset, MeanLearner(), plan))


def test_more_draws_extend_a_ledger_and_fewer_are_its_first(tmp_path):
    path = tmp_path / "x"
    for n_draws in (20, 60, 35):
        plan = replace(PLAN, n_draws=n_draws)
        drawn = sample_contributions(DATASET, MeanLearner(), plan, ledger=path)
        assert_same_bits(drawn, sample_contributions(DATASET, MeanLearner(), plan))
    assert describe_ledger(path).n_coalitions == 60


@pytest.mark.parametrize("kind", ["shared", "independent"])
def test_an_interrupted_run_keeps_its_draws_and_goes_on(kind, tmp_path):
    path, plan = tmp_path / "x", PLANS[kind]
    with pytest.raises(KeyboardInterrupt):
        sample_contributions(DATASET, InterruptedLearner(), plan, ledger=path)
    n_kept = describe_ledger(path).n_coalitions
    assert n_kept >= 3
    drawn = sample_contributions(DATASET, MeanLearner(), plan, ledger=path)
    assert_same_bits(drawn, sample_contributions(DATASET, MeanLearner(), plan))
    curve = read_learning_curve(path, with_points=True)
    assert curve.n_draws == describe_ledger(path).n_coalitions
    assert curve.n_failed == 0


KILLED = """
from fake_learners import MeanLearner, make_dataset
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions
plan = SamplingPlan({n_draws}, 5, 30, seed=3)
learner = MeanLearner(seconds=0.05)
sample_contributions(make_dataset(), learner, plan, ledger={path!r}, n_jobs={n_jobs})
"""


def make_killed(path: Path, n_draws: int = 60, n_jobs: int = 1) -> list[str]:
    """Return the command of a run to be killed."""
    code = KILLED.format(path=str(path), n_draws=n_draws, n_jobs=n_jobs)
    return [sys.executable, "-c", code]


def count_drawn(path: Path) -> int:
    return describe_ledger(path).n_coalitions if path.exists() else 0


def test_runs_killed_at_any_moment_go_on_to_the_same_bits(tmp_path):
    path = tmp_path / "x"
    command = make_killed(path)
    for n_least in (1, 12, 25):
        with subprocess.Popen(command, cwd=Path(__file__).parent) as run:
            while count_drawn(path) < n_least:
                time.sleep(0.02)
                assert run.poll() is None
            run.kill()
        assert n_least <= count_drawn(path) < 60
    drawn = sample_contributions(DATASET, MeanLearner(), PLAN, ledger=path)
    assert_same_bits(drawn, sample_contributions(DATASET, MeanLearner(), PLAN))
    assert [file.name for file in tmp_path.iterdir()] == ["x"]


def test_the_workers_of_a_run_that_is_killed_end_soon(tmp_path):
    """Their memory is not kept until they have been idle for minutes."""
    path = tmp_path / "x"
    command = make_killed(path, n_draws=2_000, n_jobs=2)
    with subprocess.Popen(command, cwd=Path(__file__).parent) as run:
        # This process draws half of them while the workers start.
        while count_drawn(path) < 40:
            time.sleep(0.1)
            assert run.poll() is None
        started = psutil.Process(run.pid).children(recursive=True)
        run.kill()
    assert len(started) >= 2
    assert not psutil.wait_procs(started, timeout=20)[1]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_twenty_runs_killed_at_random_moments_go_on_to_the_same_bits(tmp_path):
    """Each draws for 3 s, half of them with workers, and is killed within as many."""
    rng = np.random.default_rng(8)
    expected = sample_contributions(DATASET, MeanLearner(), PLAN)
    n_in_the_middle = 0
    for run in range(20):
        path = tmp_path / str(run)
        command = make_killed(path, n_jobs=1 + run % 2)
        with subprocess.Popen(command, cwd=Path(__file__).parent) as process:
            while not path.exists() and process.poll() is None:
                time.sleep(0.01)
            time.sleep(3.0 * rng.random())
            process.kill()
        n_in_the_middle += 0 < count_drawn(path) < 60
        drawn = sample_contributions(DATASET, MeanLearner(), PLAN, ledger=path)
        assert_same_bits(drawn, expected)
        assert verify_ledger(path).is_sound
    assert n_in_the_middle > 10


def test_failed_draws_are_nan_and_counted_and_reported(tmp_path):
    learner = MeanLearner(fails_below=10)
    for ledger in (None, tmp_path / "x", tmp_path / "x"):
        with pytest.warns(FailedDrawWarning, match=r"of 2400 draws failed") as told:
            drawn = sample_contributions(DATASET, learner, PLAN, ledger=ledger)
        is_small = drawn.cardinality < 9
        assert np.isnan(drawn.delta[is_small]).all()
        assert not np.isnan(drawn.delta[drawn.cardinality > 10]).any()
        message = str(told[0].message)
        assert message.startswith(f"{drawn.n_failed} of 2400 draws")
        assert " are too few." in message
    assert describe_ledger(tmp_path / "x").n_failed == drawn.n_failed > 0


def test_a_run_where_every_draw_fails_is_an_error_that_keeps_the_ledger(tmp_path):
    learner = MeanLearner(fails_below=99)
    for _ in range(2):
        with pytest.raises(AllDrawsFailedError, match=r"(?s)All 2400 .*are too few"):
            sample_contributions(DATASET, learner, PLAN, ledger=tmp_path / "x")
    assert describe_ledger(tmp_path / "x").is_complete


def test_an_infinite_contribution_is_a_failure():
    with pytest.warns(FailedDrawWarning, match="no finite number"):
        drawn = sample_contributions(DATASET, InfiniteLearner(), PLAN)
    assert drawn.n_failed == drawn.delta.size / 2


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (replace(PLAN, max_cardinality=41), "max_cardinality is 41, but the pool"),
        (replace(PLAN, points=41), "asks for point 40, but the pool has 40"),
        (replace(PLAN, min_cardinality=3), "at least 2 of every class"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused_before_any_work(plan, message, tmp_path):
    with pytest.raises(InputError, match=message):
        sample_contributions(DATASET, MeanLearner(), plan, ledger=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_ledger_of_another_run_is_refused(tmp_path):
    path = tmp_path / "x"
    sample_contributions(DATASET, MeanLearner(), PLAN, ledger=path)
    asked = [
        (DATASET, MeanLearner(), replace(PLAN, seed=4), None, "another plan:\n  seed"),
        (make_dataset(seed=1), MeanLearner(), PLAN, None, "another dataset:"),
        (DATASET, MeanLearner(fails_below=1), PLAN, None, "another learner:"),
        (DATASET, MeanLearner(), PLAN, "brier", "another metric:\n  metric: log_loss"),
    ]
    for dataset, learner, plan, metric, message in asked:
        with pytest.raises(PlanMismatchError, match=message):
            sample_contributions(dataset, learner, plan, metric=metric, ledger=path)
    assert describe_ledger(path).is_complete


def test_two_runs_on_one_ledger_are_refused(tmp_path):
    path = tmp_path / "x"
    sample_contributions(DATASET, MeanLearner(), PLAN, ledger=path)
    more = replace(PLAN, n_draws=70)
    with (
        open_ledger(path, describe_ledger(path).header),
        pytest.raises(LedgerError, match="being written by another run"),
    ):
        sample_contributions(DATASET, MeanLearner(), more, ledger=path)


def test_a_worker_that_ends_is_told_and_the_draws_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("data_scaling._workers.START_SECONDS", 0.0)
    learner = DeadlyLearner(seconds=0.02, spared=os.getpid())
    with pytest.raises(WorkerLostError, match="in the ledger are kept"):
        sample_contributions(DATASET, learner, PLAN, ledger=tmp_path / "x", n_jobs=2)
    assert describe_ledger(tmp_path / "x").n_coalitions > 0
    drawn = sample_contributions(DATASET, MeanLearner(), PLAN, ledger=tmp_path / "x")
    assert_same_bits(drawn, sample_contributions(DATASET, MeanLearner(), PLAN))


def test_learners_may_be_named():
    drawn = sample_contributions(DATASET, "logreg", SamplingPlan(3, 10, 20))
    assert drawn.learner == "logreg"
    assert drawn.n_failed == 0


def test_progress_is_quiet_where_there_is_no_terminal(capfd):
    sample_contributions(DATASET, MeanLearner(), PLAN)
    assert capfd.readouterr() == ("", "")


def test_progress_shows_counts_and_failures_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with pytest.warns(FailedDrawWarning):
        sample_contributions(DATASET, MeanLearner(fails_below=10), PLAN)
    shown = capsys.readouterr().err
    assert "60/60" in shown
    assert "draw/s" in shown
    assert "failed=" in shown
