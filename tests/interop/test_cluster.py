"""Drawing on Dask: real workers over TCP, the same bits, a worker that is killed."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import ClassVar

import joblib
import numpy as np
import pytest
from fake_learners import (
    BoundMeanLearner,
    DeadlyLearner,
    MeanLearner,
    TellingLearner,
    make_dataset,
)
from same_bits import assert_same_bits
from typer.testing import CliRunner

from data_scaling import _workers
from data_scaling._dask import check_workers, make_sure, send_ahead
from data_scaling._drawing import draw_task
from data_scaling._parcel import pack_recipe
from data_scaling.cli.app import app
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError, WorkerLostError
from data_scaling.interop.cluster import use_dask
from data_scaling.learners import Draw
from data_scaling.ledger import describe_ledger, verify_ledger
from data_scaling.ledger.header import list_versions
from data_scaling.metrics import make_metric
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import prepare_run, sample_contributions, sample_ledger

distributed = pytest.importorskip("distributed")
CommClosedError = pytest.importorskip("distributed.comm").CommClosedError
# What Dask leaves open when its processes are killed is closed by the collector.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
    ),
    # The workers import all that a draw needs, which is long where other programs keep
    # the cores.
    pytest.mark.timeout(400),
]

DATASET = make_dataset()
PLAN = SamplingPlan(120, 5, 30, seed=3, n_base_draws=30)


@pytest.fixture(scope="module", autouse=True)
def _patient_clusters() -> Iterator[None]:
    """Where other programs keep the cores, a worker takes long to start again.

    Dask's own cluster would give one up that is not there after 15 seconds.
    """
    patience = {"distributed.deploy.lost-worker-timeout": "5 minutes"}
    with pytest.importorskip("dask").config.set(patience):
        yield


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """A scheduler and two worker processes that speak TCP."""
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        host="tcp://127.0.0.1",
        dashboard_address=":0",
        silence_logs="CRITICAL",
    ) as running:
        running.wait_for_workers(2)
        yield running


def test_two_workers_give_the_bits_of_one_job(cluster, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    learner = TellingLearner(seconds=0.03, folder=str(notes))
    with use_dask(cluster.scheduler_address):
        sample_ledger(DATASET, learner, PLAN, tmp_path / "x")
    assert describe_ledger(tmp_path / "x").is_complete
    drawn = sample_contributions(DATASET, MeanLearner(), PLAN, ledger=tmp_path / "x")
    expected = sample_contributions(DATASET, MeanLearner(), PLAN)
    assert_same_bits(drawn, expected)
    names = [path.name.split("-") for path in notes.iterdir()]
    processes = {name[1] for name in names if name[0] == "drew"}
    assert len(processes - {str(os.getpid())}) == 2
    assert {name[2] for name in names if name[0] == "drew"} == {"threads1"}
    # Once per worker and kind of coalition, though there were many tasks.
    assert sum(name[0] == "unpacked" for name in names) <= 4
    assert describe_ledger(tmp_path / "x").n_segments > 8


@pytest.mark.parametrize("n_victims", [1, 2])
def test_workers_that_are_killed_lose_nothing_and_do_not_stop_the_run(
    cluster, tmp_path, n_victims
):
    """With both the data is lost on all workers, and sent again."""
    path, learner = tmp_path / "x", MeanLearner(seconds=0.05)
    with distributed.Client(cluster.scheduler_address) as client:
        answers = client.run(os.getpid, on_error="return").values()
    # One that the test before has killed may still be answered for.
    victims = [answer for answer in answers if isinstance(answer, int)][:n_victims]

    def kill_in_the_middle() -> None:
        while not path.exists() or describe_ledger(path).n_coalitions < 40:
            time.sleep(0.05)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill_in_the_middle)
    killer.start()
    with use_dask(cluster.scheduler_address):
        drawn = sample_contributions(DATASET, learner, PLAN, ledger=path)
    killer.join()
    expected = sample_contributions(DATASET, MeanLearner(), PLAN)
    assert_same_bits(drawn, expected)
    assert verify_ledger(path).is_sound
    with distributed.Client(cluster.scheduler_address) as client:
        client.wait_for_workers(2, timeout=200)
        answers = client.run(os.getpid, on_error="return").values()
    assert not set(victims) & set(answers)


@dataclass(frozen=True)
class CrowdLearner(MeanLearner):
    """Draws of other threads than the first wait until there is a crowd of them."""

    def bind(self, dataset, metric=None):
        return BoundCrowd(self, dataset.x_train, make_metric(metric, dataset.task))


@dataclass(frozen=True, eq=False)
class BoundCrowd(BoundMeanLearner):
    drawing: ClassVar[list[int]] = []
    has_begun: ClassVar[threading.Event] = threading.Event()
    is_crowd: ClassVar[threading.Event] = threading.Event()

    def draw(self, coalition: np.ndarray, points: np.ndarray) -> Draw:
        if threading.current_thread() is not threading.main_thread():
            self.drawing.append(1)
            self.has_begun.set()
            if len(self.drawing) >= 7:
                self.is_crowd.set()
            self.is_crowd.wait(60)
            self.drawing.pop()
        return super().draw(coalition, points)


def test_workers_that_come_later_draw_too(monkeypatch):
    """As from a batch queue; they are threads here, which are there sooner."""
    monkeypatch.setattr(_workers, "TASK_SECONDS", 0.1)
    monkeypatch.setattr(_workers, "START_SECONDS", 0.0)
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address=":0",
            silence_logs="CRITICAL",
        ) as growing,
        distributed.Client(growing),
        joblib.parallel_config("dask"),
    ):

        def grow() -> None:
            BoundCrowd.has_begun.wait()
            growing.scale(8)

        grower = threading.Thread(target=grow, daemon=True)
        grower.start()
        drawn = sample_contributions(DATASET, CrowdLearner(seconds=0.05), PLAN)
        grower.join()
    assert BoundCrowd.is_crowd.is_set()
    assert_same_bits(drawn, sample_contributions(DATASET, MeanLearner(), PLAN))


def test_a_single_worker_that_every_task_ends_ends_the_run_with_an_error(tmp_path):
    """It is what draws, not this process, and takes the data with it each time."""
    path, learner = tmp_path / "x", DeadlyLearner(seconds=0.05, spared=os.getpid())
    sample_ledger(DATASET, MeanLearner(), replace(PLAN, n_draws=5), path)
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            host="tcp://127.0.0.1",
            dashboard_address=":0",
            silence_logs="CRITICAL",
        ) as running,
        use_dask(running.scheduler_address),
        pytest.raises(WorkerLostError, match="in the ledger are kept"),
    ):
        sample_contributions(DATASET, learner, PLAN, ledger=path)
    assert describe_ledger(path).n_coalitions >= 5


def test_joblib_is_told_of_tasks_that_dask_gives_up():
    worker = SimpleNamespace(address="tcp://a:1")
    errors = {
        BrokenExecutor: distributed.KilledWorker("x", worker, 3),
        ModuleNotFoundError: ModuleNotFoundError("No module named 'x'"),
    }

    class OneWorker:
        def configure(self):
            return 1

        def submit(self, func, callback):
            future = Future()
            is_error = isinstance(func, Exception)
            (future.set_exception if is_error else future.set_result)(func)
            return future

    sure, told = make_sure(OneWorker)(), []
    assert sure.configure() > 2
    for error in (*errors.values(), "a result"):
        sure.submit(error, told.append)
    assert [type(error) for error in told] == list(errors)


def test_a_worker_that_is_lost_while_the_data_is_sent_has_it_sent_again():
    class Losing:
        client = SimpleNamespace(
            wait_for_workers=lambda *_, **__: None, run=lambda *_, **__: {}
        )
        wait_for_workers_timeout, submit_kwargs = 1, {}

        def __init__(self, **_: object) -> None:
            raise CommClosedError("in <TCP>")

    backend = object.__new__(Losing)
    with (
        pytest.raises(CancelledError, match="a worker was lost"),
        send_ahead(backend, np.empty(1, np.uint8)),
    ):
        pass


@pytest.mark.parametrize("n_before", [0, 1])
def test_what_this_process_draws_is_drawn_once_where_the_data_is_lost(
    monkeypatch, n_before
):
    """The data is lost while it is sent, or after this process drew."""
    _, recipe = prepare_run(DATASET, MeanLearner(), PLAN, None)
    losses = [CancelledError()]

    @contextmanager
    def lose_once(*_: object) -> Iterator[None]:
        if losses and not n_before:
            raise losses.pop()
        yield

    def stream(recipe, parcel, own, tasks, n_jobs):
        yield from draw_task(recipe, own)
        if losses:
            raise losses.pop()
        for task in tasks:
            yield from draw_task(recipe, task)

    monkeypatch.setattr(_workers, "send_ahead", lose_once)
    monkeypatch.setattr(_workers, "_stream", stream)
    own, tasks = ((0, 3), (5, 6)), [((3, 5),), ((6, 9),)]
    found = _workers._run_on_cluster(None, recipe, pack_recipe(recipe), own, tasks)
    spans = [(segment.first, segment.stop) for segment in found]
    assert sorted(spans) == [(0, 3), (3, 5), (5, 6), (6, 9)]


def test_a_users_own_client_and_settings_are_taken(cluster):
    with (
        distributed.Client(cluster.scheduler_address),
        joblib.parallel_config("dask", wait_for_workers_timeout=3, priority=1),
    ):
        plan = SamplingPlan(30, 5, 30)
        drawn = sample_contributions(DATASET, MeanLearner(seconds=0.02), plan)
    expected = sample_contributions(DATASET, MeanLearner(), plan)
    assert_same_bits(drawn, expected)


def test_a_worker_without_the_package_is_named_and_other_versions_are_told(caplog):
    own = list_versions()
    answers = {"tcp://a:1": own, "tcp://b:2": own | {"numpy": "0"}}
    check_workers(answers)
    assert "The Dask worker at tcp://b:2 has the versions" in caplog.text
    assert "tcp://a:1" not in caplog.text
    # One that is lost while it is asked is no reason to end the run.
    check_workers(answers | {"tcp://d:4": CommClosedError("in <TCP>")})
    answers["tcp://c:3"] = ModuleNotFoundError("No module named 'data_scaling'")
    with pytest.raises(InputError, match=r"tcp://c:3 cannot draw .*Install data-scal"):
        check_workers(answers)


def test_the_command_draws_on_a_cluster(cluster, tmp_path):
    options = ["--draws", "20", "--points", "30"]
    arguments = ["sample", "breast_cancer", str(tmp_path / "x"), *options]
    done = CliRunner().invoke(app, [*arguments, "--dask", cluster.scheduler_address])
    assert done.exit_code == 0, done.output
    alone = ["sample", "breast_cancer", str(tmp_path / "y"), *options, "--jobs", "1"]
    assert CliRunner().invoke(app, alone).exit_code == 0
    one, other = (Contributions.load(tmp_path / name) for name in "xy")
    assert_same_bits(one, other)


def test_an_address_where_nobody_answers_is_told(monkeypatch):
    monkeypatch.setattr("data_scaling.interop.cluster.CONNECT_SECONDS", 0.3)
    with (
        pytest.raises(InputError, match=r"No Dask scheduler answers at tcp://127"),
        use_dask("tcp://127.0.0.1:9"),
    ):
        pass
    with (
        pytest.raises(InputError, match="No Dask scheduler answers at nowhere"),
        use_dask("nowhere://x"),
    ):
        pass


def test_a_cluster_without_workers_is_told(monkeypatch):
    monkeypatch.setattr("data_scaling.interop.cluster.CONNECT_SECONDS", 0.5)
    with (
        distributed.LocalCluster(
            n_workers=0, processes=True, dashboard_address=":0", host="tcp://127.0.0.1"
        ) as empty,
        pytest.raises(
            InputError, match=r"has no workers, .* Start some by `dask worker"
        ),
        use_dask(empty.scheduler_address),
    ):
        pass


def test_the_first_worker_is_waited_for():
    """A script may start scheduler, workers and drawing at about the same time."""
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=":0", protocol="tcp"
    ) as growing:
        starter = threading.Timer(0.5, growing.scale, [1])
        starter.start()
        with use_dask(growing.scheduler_address):
            assert starter.finished.is_set()
        starter.join()
