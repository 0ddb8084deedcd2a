"""Drawing numbered coalitions, one after the other, and choosing which to draw."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from data_scaling._typing import FloatArray, IntArray
from data_scaling.coalitions import Pool, draw_coalition
from data_scaling.learners import BoundLearner
from data_scaling.ledger import FIRST_BASE, Segment, Span
from data_scaling.ledger.segment import stack_descriptors
from data_scaling.plan import SamplingPlan

Task: TypeAlias = tuple[Span, ...]


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

    def count_points(self, first: int) -> int:
        """Return how many points a coalition serves, by its number."""
        if first >= FIRST_BASE:
            return 0
        return len(self.points) if self.plan.is_shared else 1


def draw_segment(recipe: Recipe, first: int, stop: int) -> Segment:
    """Draw consecutive coalitions and evaluate their points, with one BLAS thread.

    Parameters
    ----------
    recipe : Recipe
        What to draw from.
    first, stop : int
        Number of the first coalition, and of the one after the last.
    """
    n_points = recipe.count_points(first)
    cardinality = np.empty(stop - first, dtype=np.int32)
    utility = np.empty(stop - first)
    delta = np.empty((stop - first, n_points))
    members = np.empty((stop - first, n_points), dtype=np.bool_)
    descriptors: list[FloatArray] = []
    failures: Counter[str] = Counter()
    seconds = 0.0
    with threadpool_limits(1):
        for row, number in enumerate(range(first, stop)):
            coalition, points = _draw_numbered(recipe, number)
            started = time.perf_counter()
            draw = recipe.learner.draw(coalition, points)
            seconds += time.perf_counter() - started
            cardinality[row] = len(coalition)
            members[row] = _contains(coalition, points, recipe.pool.n_points)
            utility[row], delta[row] = draw.utility, draw.delta
            numbers = delta[row] if n_points else utility[row : row + 1]
            missing = ~np.isfinite(numbers)
            numbers[missing] = np.nan
            descriptors.append(_as_row(draw.descriptor))
            failures.update(_count_by_reason(draw.failures, int(missing.sum())))
    return Segment(
        first,
        cardinality,
        utility,
        delta,
        members,
        stack_descriptors(descriptors),
        dict(failures),
        seconds,
    )


def draw_task(recipe: Recipe, task: Task) -> list[Segment]:
    """Draw the spans of a task, each as a segment."""
    return [draw_segment(recipe, *span) for span in task]


def _draw_numbered(recipe: Recipe, number: int) -> tuple[IntArray, IntArray]:
    """Return a coalition by its number in the plan, and the points it serves."""
    plan, points = recipe.plan, recipe.points
    if number >= FIRST_BASE:
        draw = number - FIRST_BASE
        rng = plan.spawn_base_rng(draw)
        cardinality = plan.draw_cardinality(draw, rng)
        return draw_coalition(recipe.pool, cardinality, rng), points[:0]
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


def _as_row(descriptor: FloatArray | None) -> FloatArray:
    return np.empty((1, 0)) if descriptor is None else descriptor[None, :]


def _count_by_reason(reasons: tuple[str, ...], n_failed: int) -> Counter[str]:
    """Return how many of a coalition's draws failed for each reason.

    A learner gives one for each training that failed, and that of the coalition itself
    costs all draws: those that no reason accounts for are the first one's.
    """
    counts = Counter(reasons)
    if n_failed > counts.total():
        first = next(iter(reasons), "The learner gave no finite number.")
        counts[first] += n_failed - counts.total()
    return counts


def find_missing(drawn: Iterable[Span], wanted: Iterable[Span]) -> Iterator[Span]:
    """Yield the parts of wanted spans that no drawn span covers; both ascend.

    Examples
    --------
    >>> from data_scaling._drawing import find_missing
    >>> list(find_missing([(0, 3), (3, 5), (8, 9)], [(0, 12), (20, 22)]))
    [(5, 8), (9, 12), (20, 22)]
    """
    there = iter(drawn)
    span = next(there, None)
    for first, stop in wanted:
        while first < stop:
            while span and span[1] <= first:
                span = next(there, None)
            if span is None or span[0] >= stop:
                yield first, stop
                break
            if first < span[0]:
                yield first, span[0]
            first = span[1]


def group_spans(spans: Iterable[Span], size: int) -> Iterator[Task]:
    """Yield tasks: spans that hold a number of coalitions together.

    Examples
    --------
    >>> from data_scaling._drawing import group_spans
    >>> list(group_spans([(0, 5), (9, 10), (12, 13)], 3))
    [((0, 3),), ((3, 5), (9, 10)), ((12, 13),)]
    """
    task: list[Span] = []
    room = size
    for first, stop in spans:
        while first < stop:
            end = min(stop, first + room)
            task.append((first, end))
            room -= end - first
            first = end
            if not room:
                yield tuple(task)
                task, room = [], size
    if task:
        yield tuple(task)
