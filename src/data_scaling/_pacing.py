"""How long a draw takes, and how many make a task for a worker."""

import time
from collections.abc import Iterator
from dataclasses import replace

from data_scaling._drawing import Recipe, Task, draw_segment, group_spans
from data_scaling.ledger import Span

TASK_SECONDS = 0.5  # drawing per task: long against its transport, short to wait for
PILOT_SECONDS = 0.1  # a block of draws this long tells what a draw takes
PROBE_FACTOR = 16  # how the number of probed points grows
LAST_PARTS = 4  # the last tasks are parts of others, so that no worker waits long
MAX_TASK_BYTES = 2**25  # of results, so that what is under way fits in memory


class GrowingTasks:
    """Spans of coalitions of one kind, taken from in tasks of changing size.

    Parameters
    ----------
    recipe : Recipe
        What to draw from; it limits the size of a task.
    spans : list of (int, int)
        First coalition and end of each run, ascending.
    """

    def __init__(self, recipe: Recipe, spans: list[Span]) -> None:
        n_points = recipe.count_points(spans[0][0])
        self._limit = max(1, MAX_TASK_BYTES // (9 * n_points + 12))
        self._spans = spans

    @property
    def n_left(self) -> int:
        """Number of coalitions that nobody has taken."""
        return sum(stop - first for first, stop in self._spans)

    def take(self, size: int) -> Task:
        """Take the next task away; it is empty when nothing is asked for or left."""
        return self._cut(min(size, self._limit))

    def take_all(self, size: int, n_workers: int = 0) -> Iterator[Task]:
        """Return what is left, in tasks of one size.

        Parameters
        ----------
        size : int
            Coalitions of a task.
        n_workers : int
            So many tasks at the end are cut to smaller ones, for those who share them
            to end at about the same time.
        """
        size = min(max(size, 1), self._limit)
        first = self._cut(self.n_left - n_workers * size)
        last, self._spans = self._spans, []
        yield from group_spans(first, size)
        yield from group_spans(last, max(size // LAST_PARTS, 1))

    def _cut(self, n_coalitions: int) -> Task:
        """Take the first of what is left away; nothing for a number below 1."""
        if n_coalitions < 1:
            return ()
        cut = next(group_spans(self._spans, n_coalitions), ())
        if cut:
            end, old_end = cut[-1][1], self._spans[len(cut) - 1][1]
            rest = [(end, old_end)] if end < old_end else []
            self._spans = rest + self._spans[len(cut) :]
        return cut


def probe_seconds(recipe: Recipe, number: int) -> float:
    """Estimate the time of a draw by parts of it; 0.0 if it does not fill a task.

    The coalition is drawn for a few of its points, then for more, and what was drawn
    is thrown away: a whole draw, by this process alone, would keep all others waiting.

    Parameters
    ----------
    recipe : Recipe
        What to draw from.
    number : int
        Number of the coalition.
    """
    n_points = recipe.count_points(number)
    seconds, n_probed, n_next = 0.0, 1, 1
    # The first call imports and warms caches, so it is not counted.
    is_warm = False
    while seconds < PILOT_SECONDS and 2 * n_next < n_points:
        part = replace(recipe, points=recipe.points[:n_next])
        started = time.perf_counter()
        draw_segment(part, number, number + 1)
        if is_warm:
            seconds, n_probed = time.perf_counter() - started, n_next
            n_next *= PROBE_FACTOR
        is_warm = True
    estimate = seconds * n_points / n_probed
    return estimate if estimate >= TASK_SECONDS else 0.0
