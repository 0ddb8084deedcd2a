"""Drawing numbered coalitions: one after the other, or by joblib's workers."""

import secrets
import time
import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, islice
from typing import Any, TypeAlias

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from joblib.parallel import get_active_backend
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data_scaling._typing import IntArray
from data_scaling.coalitions import Pool, draw_coalition
from data_scaling.learners import BoundLearner
from data_scaling.ledger import Segment
from data_scaling.plan import SamplingPlan

TASK_SECONDS = 0.5  # drawing per task: long against its transport, short to wait for
PILOT_SECONDS = 0.1  # a block of draws this long tells what a draw takes
MAX_TASK_BYTES = 2**25  # of results, so that what is under way fits in memory
LARGE_BLOCK_BYTES = 31 * 2**20  # just below the largest block that glibc learns from

Span: TypeAlias = tuple[int, int]  # number of the first coalition, and the end


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that a worker needs to draw any coalition of a run.

    Attributes
    ----------
    learner : BoundLearner
        Trains on a coalition.
    plan : SamplingPlan
        Sizes and random streams.
    pool : Pool
        What coalitions are drawn from.
    points : (n_points,) intp array
        The points to value, by their index in the pool.
    """

    learner: BoundLearner
    plan: SamplingPlan
    pool: Pool
    points: IntArray


def draw_segment(recipe: Recipe, first: int, stop: int) -> Segment:
    """Draw consecutive coalitions and evaluate their points, with one BLAS thread.

    Parameters
    ----------
    recipe : Recipe
        What to draw from.
    first, stop : int
        Number of the first coalition, and of the one after the last.
    """
    n_points = len(recipe.points) if recipe.plan.is_shared else 1
    cardinality = np.empty(stop - first, dtype=np.int32)
    utility = np.empty(stop - first)
    delta = np.empty((stop - first, n_points))
    members = np.empty((stop - first, n_points), dtype=np.bool_)
    failures: Counter[str] = Counter()
    with threadpool_limits(1):
        for row, number in enumerate(range(first, stop)):
            coalition, points = _draw_numbered(recipe, number)
            draw = recipe.learner.draw(coalition, points)
            cardinality[row] = len(coalition)
            members[row] = _contains(coalition, points, recipe.pool.n_points)
            utility[row], delta[row] = draw.utility, draw.delta
            missing = ~np.isfinite(delta[row])
            delta[row, missing] = np.nan
            failures.update(draw.failures)
            if missing.any() and not draw.failures:
                failures["The learner gave no finite number."] += 1
    return Segment(first, cardinality, utility, delta, members, dict(failures))


def _draw_numbered(recipe: Recipe, number: int) -> tuple[IntArray, IntArray]:
    """Return a coalition by its number in the plan, and the points it serves."""
    plan, points = recipe.plan, recipe.points
    if plan.is_shared:
        rng = plan.spawn_rng(number, -1)
        cardinality = plan.draw_cardinality(number, rng)
        return draw_coalition(recipe.pool, cardinality, rng), points
    draw, position = divmod(number, len(points))
    point = int(points[position])
    rng = plan.spawn_rng(draw, point)
    cardinality = plan.draw_cardinality(draw, rng)
    coalition = draw_coalition(recipe.pool, cardinality, rng, without=point)
    return coalition, points[position : position + 1]


def _contains(coalition: IntArray, points: IntArray, n_pool: int) -> Any:
    if len(points) == 1:
        return points[0] in coalition
    is_member = np.zeros(n_pool, dtype=np.bool_)
    is_member[coalition] = True
    return is_member[points]


def find_missing(drawn: Iterable[Span], n_coalitions: int) -> Iterator[Span]:
    """Yield the gaps that ascending spans leave.

    Examples
    --------
    >>> from data_scaling._drawing import find_missing
    >>> list(find_missing([(0, 3), (3, 5), (8, 9)], 12))
    [(5, 8), (9, 12)]
    """
    reached = 0
    for first, stop in chain(drawn, [(n_coalitions, n_coalitions)]):
        if reached < min(first, n_coalitions):
            yield reached, min(first, n_coalitions)
        reached = max(reached, stop)


def split_spans(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """Yield the spans in pieces of at most a size.

    Examples
    --------
    >>> from data_scaling._drawing import split_spans
    >>> list(split_spans([(0, 5), (9, 10)], 3))
    [(0, 3), (3, 5), (9, 10)]
    """
    for first, stop in spans:
        for start in range(first, stop, size):
            yield start, min(start + size, stop)


def draw_spans(
    recipe: Recipe, spans: list[Span], n_jobs: int | None
) -> Generator[Segment, None, None]:
    """Yield the segments of spans as they are ready, in any order.

    A pilot runs in this process; it tells how many draws make a task for the workers.

    Parameters
    ----------
    recipe : Recipe
        What to draw from.
    spans : list of (int, int)
        First coalition and end of each run of coalitions to draw.
    n_jobs : int, optional
        Number of processes, as in joblib.
    """
    _keep_freed_memory()
    bytes_each = 9 * (len(recipe.points) if recipe.plan.is_shared else 1) + 12
    limit = max(1, MAX_TASK_BYTES // bytes_each)
    size, seconds = 1, 0.0
    # The first calls import and warm caches, so the pilot grows until its last block
    # takes long enough to be believed.
    while spans and seconds < PILOT_SECONDS:
        (first, stop), *rest = spans
        middle = min(first + size, stop)
        started = time.perf_counter()
        yield draw_segment(recipe, first, middle)
        seconds = time.perf_counter() - started
        n_timed = middle - first
        spans = [(middle, stop), *rest] if middle < stop else rest
        size = min(2 * size, limit)
    if not spans:
        return
    size = round(n_timed * TASK_SECONDS / max(seconds, 1e-9))
    tasks = split_spans(spans, min(max(size, 1), limit))
    yield from _run_tasks(recipe, tasks, n_jobs)


def _run_tasks(
    recipe: Recipe, tasks: Iterator[Span], n_jobs: int | None
) -> Iterator[Segment]:
    n_workers = effective_n_jobs(n_jobs)  # type: ignore[arg-type]  # None is allowed
    if n_workers == 1:
        for span in tasks:
            yield draw_segment(recipe, *span)
        return
    backend, _ = get_active_backend()
    parcel = pack_recipe(recipe)
    if getattr(backend, "supports_return_generator", False):
        parallel = Parallel(n_jobs, return_as="generator_unordered", batch_size=1)
        calls = (delayed(_draw_packed)(parcel, *span) for span in tasks)
        with _stop_quietly(parallel(calls)) as segments:
            yield from segments
        return
    # This backend gives its results only when all are done, so it gets them in waves.
    parallel = Parallel(n_jobs, batch_size=1)
    while wave := list(islice(tasks, 4 * n_workers)):
        yield from parallel(delayed(_draw_packed)(parcel, *span) for span in wave)


@dataclass(frozen=True)
class Parcel:
    """A recipe on its way to the workers, named so that each unpacks it once.

    The content is one array: joblib writes it to a temporary folder once and gives
    each task a memory map of it, however small the recipe's own arrays are. Unpacked,
    these are ordinary arrays of the worker, which learners need not tell from others.

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


@lru_cache(maxsize=1)
def unpack_recipe(parcel: Parcel) -> Recipe:
    """Return the recipe in a parcel; a process unpacks each parcel once."""
    _keep_freed_memory()
    recipe: Recipe = cloudpickle.loads(parcel.content.data)
    return recipe


def _keep_freed_memory() -> None:
    """Let the C library reuse the memory of a learner's temporary arrays.

    Until a process has freed a large block once, glibc gives the memory of every array
    above 128 kB back to the system at once and asks for it again, which costs a third
    of the drawing in page faults.
    """
    np.empty(LARGE_BLOCK_BYTES, dtype=np.uint8)


def _draw_packed(parcel: Parcel, first: int, stop: int) -> Segment:
    return draw_segment(unpack_recipe(parcel), first, stop)


@contextmanager
def _stop_quietly(results: Any) -> Iterator[Iterator[Segment]]:
    """Stop the workers if the block raises, without joblib's warning that they were."""
    try:
        yield results
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()
