"""Putting segments together into contributions, and into learning curves."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from data_scaling._typing import FloatArray, Int32Array
from data_scaling.contributions import Contributions
from data_scaling.learning_curve import LearningCurve
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.segment import Segment, stack_descriptors, take_coalitions

# Columns are written together: enough of them to fill cache lines and to be worth the
# threads, but no more than this many bytes.
BLOCK_COALITIONS, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES = 64, 2**22, 2**27
TILE_BYTES = 2**18
N_THREADS = 2


class Assembly:
    """Contributions in the making: arrays that segments are written into.

    The arrays are allocated once; a few segments wait to be written together, so that
    the memory in use is hardly more than that of the result.

    Parameters
    ----------
    header : LedgerHeader
        What is drawn; its plan says how many draws there are. Coalitions beyond them
        are left out.
    """

    def __init__(self, header: LedgerHeader) -> None:
        self._header = header
        shape = (len(header.points), header.plan.total_draws)
        # Untouched memory costs nothing; what stays untouched is filled at the end.
        self._delta: FloatArray = np.empty(shape)
        self._cardinality: Int32Array = np.empty(shape, dtype=np.int32)
        self._is_there = np.zeros(header.n_coalitions, dtype=np.bool_)
        self._waiting: list[Segment] = []
        self._coalitions = CurveAssembly(header, with_points=True)
        self._base = CurveAssembly(header)

    @property
    def failures(self) -> Counter[str]:
        """How many draws failed for each reason."""
        return self._coalitions.failures + self._base.failures

    def add(self, segment: Segment) -> None:
        """Write the draws of a segment to their places."""
        self._coalitions.add(segment)
        self._base.add(segment)
        n_kept = min(segment.stop, self._header.n_coalitions) - segment.first
        if n_kept <= 0:
            return
        kept = take_coalitions(segment, segment.first, segment.first + n_kept)
        self._is_there[kept.first : kept.stop] = True
        if not self._header.plan.is_shared:
            numbers = np.arange(kept.first, kept.stop)
            draws, rows = np.divmod(numbers, len(self._header.points))
            self._delta[rows, draws] = kept.delta[:, 0]
            self._cardinality[rows, draws] = kept.cardinality - kept.members[:, 0]
            return
        if self._waiting and self._waiting[-1].stop != kept.first:
            self._write_columns()
        for first in range(kept.first, kept.stop, BLOCK_COALITIONS):
            piece = take_coalitions(
                kept, first, min(first + BLOCK_COALITIONS, kept.stop)
            )
            self._waiting.append(piece)
            n_waiting = piece.stop - self._waiting[0].first
            n_bytes = 8 * n_waiting * piece.delta.shape[1]
            is_wide = n_waiting >= BLOCK_COALITIONS and n_bytes >= MIN_BLOCK_BYTES
            if is_wide or n_bytes >= MAX_BLOCK_BYTES:
                self._write_columns()

    def _write_columns(self) -> None:
        """Transpose the waiting segments into their columns, in tiles.

        A tile fits the cache, and its rows are long enough to write whole cache lines.
        """
        waiting, self._waiting = self._waiting, []
        columns = slice(waiting[0].first, waiting[-1].stop)
        sizes = np.concatenate([segment.cardinality for segment in waiting])
        n_rows = max(16, TILE_BYTES // (8 * len(sizes)))

        def write_tile(first: int) -> None:
            tile = slice(first, first + n_rows)
            delta = np.concatenate([segment.delta[:, tile] for segment in waiting])
            self._delta[tile, columns] = delta.T
            inside = np.concatenate([segment.members[:, tile] for segment in waiting])
            transposed = np.ascontiguousarray(inside.T).view(np.int8)
            np.subtract(sizes, transposed, out=self._cardinality[tile, columns])

        with ThreadPoolExecutor(N_THREADS) as pool:
            for _ in pool.map(write_tile, range(0, len(self._delta), n_rows)):
                pass

    def finish(self) -> Contributions:
        """Return the contributions; what was not added is NaN."""
        if self._waiting:
            self._write_columns()
        header = self._header
        missing = np.flatnonzero(~self._is_there)
        if missing.size:
            draws, rows = np.divmod(missing, header.coalitions_per_draw)
            place = (slice(None), draws) if header.plan.is_shared else (rows, draws)
            self._delta[place] = np.nan
            self._cardinality[place] = header.plan.min_cardinality
        return Contributions(
            self._delta,
            self._cardinality,
            header.points,
            row_ids=header.name_rows(),
            metric=header.metric,
            unit=header.unit,
            dataset=header.dataset,
            learner=header.learner,
            fingerprint=header.fingerprint,
            coalitions=self._coalitions.finish(),
            base=self._base.finish() if header.n_base else None,
        )


class CurveAssembly:
    """A learning curve in the making, from the segments of one kind of coalition.

    Parameters
    ----------
    header : LedgerHeader
        What is drawn. Coalitions beyond its plan are left out.
    with_points : bool
        Whether the coalitions with points are wanted, or those without.

    Attributes
    ----------
    failures : Counter of str
        How many draws failed for each reason.
    """

    def __init__(self, header: LedgerHeader, *, with_points: bool = False) -> None:
        self._header = header
        self._first, self._stop = header.spans[0 if with_points else 1]
        self._segments: list[Segment] = []
        self.failures: Counter[str] = Counter()

    def add(self, segment: Segment) -> None:
        """Keep what a segment says of its coalitions."""
        if not self._first <= segment.first < self._stop:
            return
        self.failures.update(segment.failures)
        # New arrays: an empty view would keep the deltas in memory.
        nothing = np.empty((len(segment.utility), 0))
        light = replace(segment, delta=nothing, members=nothing.astype(np.bool_))
        self._segments.append(light)

    def finish(self) -> LearningCurve:
        """Return the curve; what was not added is NaN, at the plan's smallest size."""
        header, n_draws = self._header, self._stop - self._first
        cardinality = np.full(n_draws, header.plan.min_cardinality, dtype=np.int32)
        utility = np.full(n_draws, np.nan)
        stacked = stack_descriptors([segment.descriptor for segment in self._segments])
        descriptor = np.full((n_draws, stacked.shape[1]), np.nan)
        row = 0
        for segment in self._segments:
            n_kept = min(segment.stop, self._stop) - segment.first
            place = slice(
                segment.first - self._first, segment.first - self._first + n_kept
            )
            cardinality[place] = segment.cardinality[:n_kept]
            utility[place] = segment.utility[:n_kept]
            descriptor[place] = stacked[row : row + n_kept]
            row += len(segment.cardinality)
        return LearningCurve(
            cardinality,
            utility,
            descriptor,
            metric=header.metric,
            unit=header.unit,
            dataset=header.dataset,
            learner=header.learner,
            fingerprint=header.fingerprint,
        )
