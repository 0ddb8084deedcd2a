"""Drawing by joblib's workers: on one machine, on a cluster, or in waves."""

import logging
import signal
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from typing import Any

from joblib import Parallel, delayed, effective_n_jobs
from joblib.externals.loky.backend import resource_tracker as loky_tracker  # type: ignore[import-untyped]
from joblib.parallel import get_active_backend

from data_scaling._dask import is_cluster, send_ahead
from data_scaling._drawing import Recipe, Task, draw_task
from data_scaling._pacing import (
    PILOT_SECONDS,
    TASK_SECONDS,
    GrowingTasks,
    probe_seconds,
)
from data_scaling._parcel import Parcel, draw_packed, keep_freed_memory, pack_recipe
from data_scaling.errors import WorkerLostError
from data_scaling.ledger import Segment, Span

# What starting worker processes costs. Less work than this is done without them; of
# more, the driver draws this long itself while they start.
START_SECONDS = 1.0
MAX_SENDINGS = 3  # of the data to the workers of Dask, where they lose it

_logger = logging.getLogger(__name__)


def draw_spans(
    recipe: Recipe, spans: list[Span], n_jobs: int | None
) -> Generator[Segment, None, None]:
    """Yield the segments of spans as they are ready, in any order.

    A pilot runs in this process; it tells how many draws make a task for the workers,
    and whether there is enough to draw for starting any.

    Parameters
    ----------
    recipe : Recipe
        What to draw from.
    spans : list of (int, int)
        First coalition and end of each run of coalitions to draw, ascending; all with
        points, or all without.
    n_jobs : int, optional
        Number of processes, as in joblib.
    """
    keep_freed_memory()
    if not spans:
        return
    tasks = GrowingTasks(recipe, spans)
    is_alone = _is_alone(n_jobs)
    seconds = 0.0 if is_alone else probe_seconds(recipe, spans[0][0])
    if not seconds:
        seconds = yield from _draw_pilot(recipe, tasks)
    size = round(TASK_SECONDS / seconds)
    if is_alone or tasks.n_left * seconds < START_SECONDS:
        for task in tasks.take_all(size):
            yield from draw_task(recipe, task)
        return
    own = tasks.take(round(START_SECONDS / seconds))
    n_workers = effective_n_jobs(n_jobs)  # type: ignore[arg-type]  # None too
    yield from _run_tasks(recipe, own, tasks.take_all(size, n_workers), n_jobs)


def _is_alone(n_jobs: int | None) -> bool:
    """Whether this process is the only one that draws."""
    backend, _ = get_active_backend()
    # None is allowed, as in joblib.
    return effective_n_jobs(n_jobs) == 1 and not is_cluster(backend)  # type: ignore[arg-type]


def _draw_pilot(recipe: Recipe, tasks: GrowingTasks) -> Generator[Segment, None, float]:
    """Draw the first draws; return how many seconds one took.

    The first calls import and warm caches, so the pilot grows until its last block
    takes long enough to be believed.
    """
    seconds, size, n_timed = 0.0, 1, 1
    while seconds < PILOT_SECONDS and (task := tasks.take(size)):
        started = time.perf_counter()
        yield from draw_task(recipe, task)
        seconds = time.perf_counter() - started
        n_timed = sum(stop - first for first, stop in task)
        size *= 2
    return max(seconds, 1e-9) / n_timed


def _run_tasks(
    recipe: Recipe, own: Task, tasks: Iterator[Task], n_jobs: int | None
) -> Iterator[Segment]:
    """Have the workers draw tasks, and this process one of its own meanwhile."""
    backend, _ = get_active_backend()
    parcel = pack_recipe(recipe)
    with _explain_loss():
        if is_cluster(backend):
            yield from _run_on_cluster(backend, recipe, parcel, own, list(tasks))
        elif getattr(backend, "supports_return_generator", False):
            yield from _stream(recipe, parcel, own, tasks, n_jobs)
        else:
            yield from _draw_in_waves(recipe, parcel, own, tasks, n_jobs)


def _run_on_cluster(
    backend: Any, recipe: Recipe, parcel: Parcel, own: Task, tasks: list[Task]
) -> Iterator[Segment]:
    """Stream from the workers of Dask, and send the parcel again where it was lost.

    It is if the workers that have it are lost all at once, or while it is sent.
    """
    drawn: set[Span] = set()
    for n_left in reversed(range(MAX_SENDINGS)):
        left = [task for task in tasks if task[0] not in drawn]
        own = tuple(span for span in own if span not in drawn)
        try:
            with send_ahead(backend, parcel.content):
                for segment in _stream(recipe, parcel, own, iter(left), None):
                    yield segment
                    drawn.add((segment.first, segment.stop))
            return
        except CancelledError as error:
            if not n_left:
                raise
            _logger.warning("The data was lost with Dask workers (%s); again.", error)


def _stream(
    recipe: Recipe,
    parcel: Parcel,
    own: Task,
    tasks: Iterator[Task],
    n_jobs: int | None,
) -> Iterator[Segment]:
    """Yield what the workers draw as it arrives, after what this process draws."""
    parallel = Parallel(n_jobs, return_as="generator_unordered", batch_size=1)
    with _deaf_to_interruptions():
        started = parallel(_make_calls(parcel, tasks))
    with _stop_quietly(started) as results:
        yield from draw_task(recipe, own)
        for segments in results:
            yield from segments


def _draw_in_waves(
    recipe: Recipe,
    parcel: Parcel,
    own: Task,
    tasks: Iterator[Task],
    n_jobs: int | None,
) -> Iterator[Segment]:
    """Do so where results come when all are there, so that not all is asked at once."""
    yield from draw_task(recipe, own)
    calls = _make_calls(parcel, tasks)
    n_wave = 4 * effective_n_jobs(n_jobs)  # type: ignore[arg-type]  # None too
    # Entered, it keeps its workers from one wave to the next.
    with Parallel(n_jobs, batch_size=1) as parallel:
        while wave := list(islice(calls, n_wave)):
            for segments in parallel(wave):
                yield from segments


def _make_calls(parcel: Parcel, tasks: Iterator[Task]) -> Iterator[Any]:
    return (delayed(draw_packed)(parcel.name, parcel.content, task) for task in tasks)


@contextmanager
def _deaf_to_interruptions() -> Iterator[None]:
    """Have the processes that are started here never hear of interruptions.

    The terminal interrupts all processes; this one then ends the others, which would
    show tracebacks. They inherit that the signal is blocked. Here it waits, and is
    heard at the end of the block: ignored, it would be lost.
    """
    can_block = hasattr(signal, "pthread_sigmask")  # not on Windows
    if not can_block or threading.current_thread() is not threading.main_thread():
        yield
        return
    # Where these are started, the signal is let through again.
    loky_tracker.ensure_running()
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _explain_loss() -> Iterator[None]:
    """Say what it means that a worker process is gone."""
    try:
        yield
    except (BrokenExecutor, CancelledError) as error:
        raise WorkerLostError(
            f"A process that drew has ended ({type(error).__name__}: {error}); on one "
            "machine mostly because memory ran out, on Dask because a task ended "
            "several workers. The draws in the ledger are kept: take fewer jobs or "
            "smaller coalitions, and run again."
        ) from error


@contextmanager
def _stop_quietly(results: Any) -> Iterator[Iterator[list[Segment]]]:
    """Stop the workers if the block raises, without joblib's warning that they were."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()
