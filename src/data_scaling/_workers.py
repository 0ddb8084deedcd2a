"""Drawing by joblib's workers: tasks, and the recipe's way to the processes."""

import logging
import secrets
import signal
import threading
import time
import warnings
from collections.abc import Generator, Iterator
from concurrent.futures import BrokenExecutor, CancelledError
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
from joblib import Parallel, delayed, effective_n_jobs, parallel_config
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data_scaling._drawing import Recipe, Task, draw_segment
from data_scaling._pacing import (
    PILOT_SECONDS,
    TASK_SECONDS,
    GrowingTasks,
    probe_seconds,
)
from data_scaling.errors import InputError, WorkerLostError
from data_scaling.ledger import Segment, Span
from data_scaling.ledger.header import list_versions

# What starting worker processes costs. Less work than this is done without them; of
# more, the driver draws this long itself while they start.
START_SECONDS = 1.0
LARGE_BLOCK_BYTES = 31 * 2**20  # just below the largest block that glibc learns from

_logger = logging.getLogger(__name__)
_unpacking = threading.Lock()


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
    _keep_freed_memory()
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
    return effective_n_jobs(n_jobs) == 1 and not _is_cluster(backend)  # type: ignore[arg-type]


def _is_cluster(backend: Any) -> bool:
    return hasattr(backend, "client")


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


def draw_task(recipe: Recipe, task: Task) -> list[Segment]:
    """Draw the spans of a task, each as a segment."""
    return [draw_segment(recipe, *span) for span in task]


def _run_tasks(
    recipe: Recipe, own: Task, tasks: Iterator[Task], n_jobs: int | None
) -> Iterator[Segment]:
    """Have the workers draw tasks, and this process one of its own meanwhile."""
    backend, _ = get_active_backend()
    parcel = pack_recipe(recipe)
    calls = (delayed(_draw_packed)(parcel.name, parcel.content, t) for t in tasks)
    is_cluster = _is_cluster(backend)
    ahead = _send_ahead(backend, parcel) if is_cluster else nullcontext()
    with _explain_loss(), ahead:
        if getattr(backend, "supports_return_generator", False):
            parallel = Parallel(n_jobs, return_as="generator_unordered", batch_size=1)
            with _deaf_to_interruptions():
                started = parallel(calls)
            with _stop_quietly(started) as results:
                yield from draw_task(recipe, own)
                for segments in results:
                    yield from segments
            return
        yield from draw_task(recipe, own)
        # This backend gives its results when all are done, so it gets them in waves.
        parallel = Parallel(n_jobs, batch_size=1)
        n_wave = 4 * effective_n_jobs(n_jobs)  # type: ignore[arg-type]  # None too
        while wave := list(islice(calls, n_wave)):
            for segments in parallel(wave):
                yield from segments


@contextmanager
def _deaf_to_interruptions() -> Iterator[None]:
    """Have the processes that are started here ignore interruptions for good.

    The terminal interrupts all processes; this one then ends the others, which would
    show tracebacks. (Blocking the signal would not do: loky lets it through again.)
    """
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class Parcel:
    """A recipe on its way to the workers, named so that each unpacks it once.

    The content is one array: joblib writes it to a temporary folder once and gives
    each task a memory map of it, however small the recipe's own arrays are; Dask keeps
    it on every worker. Unpacked, these are ordinary arrays of the worker, which
    learners need not tell from others.

    Attributes
    ----------
    name : str
        Unlike that of any other parcel.
    content : (n_bytes,) uint8 array
        The recipe, serialised.
    """

    name: str
    content: NDArray[np.uint8] = field(compare=False, repr=False)


def pack_recipe(recipe: Recipe) -> Parcel:
    """Serialise a recipe for transport between the processes of one run."""
    content = np.frombuffer(cloudpickle.dumps(recipe), dtype=np.uint8)
    return Parcel(secrets.token_hex(16), content)


_unpacked: dict[str, Recipe] = {}


def unpack_recipe(parcel: Parcel) -> Recipe:
    """Return the recipe in a parcel; a process unpacks each parcel once.

    The parcel's content is let go: joblib waits a second at the end of a run for a
    folder of memory maps that a worker still holds.
    """
    if parcel.name in _unpacked:
        return _unpacked[parcel.name]
    _unpacked.clear()
    _keep_freed_memory()
    # For good: where a worker draws in several threads, a limit that ends with one
    # segment would end in the middle of another.
    threadpool_limits(1)
    recipe: Recipe = cloudpickle.loads(parcel.content.data)
    _unpacked[parcel.name] = recipe
    return recipe


def _keep_freed_memory() -> None:
    """Let the C library reuse the memory of a learner's temporary arrays.

    Until a process has freed a large block once, glibc gives the memory of every array
    above 128 kB back to the system at once and asks for it again, page by page.
    """
    np.empty(LARGE_BLOCK_BYTES, dtype=np.uint8)


def _draw_packed(name: str, content: NDArray[np.uint8], task: Task) -> list[Segment]:
    with _unpacking:
        recipe = unpack_recipe(Parcel(name, content))
    return draw_task(recipe, task)


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
def _send_ahead(backend: Any, parcel: Parcel) -> Iterator[None]:
    """Put the parcel on every worker of a Dask cluster before the first task.

    Left to itself, joblib would put it on one, and with that worker it would be lost.
    """
    _check_workers(backend.client.run(list_versions, on_error="return"))
    sending = type(backend)(
        client=backend.client,
        scatter=[parcel.content],
        wait_for_workers_timeout=backend.wait_for_workers_timeout,
        **backend.submit_kwargs,
    )
    with parallel_config(sending):
        yield


def _check_workers(answers: dict[str, Any]) -> None:
    """Raise if a worker has no such package; tell if its versions are others.

    Raises
    ------
    InputError
        Naming the worker and what it said.
    """
    own = list_versions()
    for address, answer in answers.items():
        if isinstance(answer, BaseException):
            raise InputError(
                f"The Dask worker at {address} cannot draw ({answer}). Install "
                f"data-scaling {own['data-scaling']} in its environment too."
            )
        if answer != own:
            _logger.warning(
                "The Dask worker at %s has the versions %s, this process has %s; draws "
                "may differ in the last bits.",
                address,
                answer,
                own,
            )


@contextmanager
def _stop_quietly(results: Any) -> Iterator[Iterator[list[Segment]]]:
    """Stop the workers if the block raises, without joblib's warning that they were."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()
