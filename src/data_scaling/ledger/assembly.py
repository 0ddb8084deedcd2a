"""Putting segments together into contributions, and into learning curves."""

from collections import Counter
from dataclasses import replace

import numpy as np

from data_scaling._typing import FloatArray, Int32Array
from data_scaling.contributions import Contributions
from data_scaling.learning_curve import LearningCurve
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.segment import Segment, stack_descriptors


class Assembly:
    """Contributions in the making: arrays that segments are written into.

    The arrays are allocated once; a segment is gone when it was added, so that the
    memory in use is that of the result.

    Parameters
    ----------
    header : LedgerHeader
        What is drawn; its plan says how many draws there are. Coalitions beyond them,
        and those without points, are left out.

    Attributes
    ----------
    failures : Counter of str
        How often each reason of a failed training occurred.
    """

    def __init__(self, header: LedgerHeader) -> None:
        self._header = header
        shape = (len(header.points), header.plan.total_draws)
        # Untouched memory costs nothing; what stays untouched is filled at the end.
        self._delta: FloatArray = np.empty(shape)
        self._cardinality: Int32Array = np.empty(shape, dtype=np.int32)
        self._is_there = np.zeros(header.n_coalitions, dtype=np.bool_)
        self.failures: Counter[str] = Counter()

    def add(self, segment: Segment) -> None:
        """Write the draws of a segment to their places."""
        n_kept = min(segment.stop, self._header.n_coalitions) - segment.first
        if n_kept <= 0:
            return
        self.failures.update(segment.failures)
        delta, members = segment.delta[:n_kept], segment.members[:n_kept]
        sizes = segment.cardinality[:n_kept, None] - members.view(np.int8)
        self._is_there[segment.first : segment.first + n_kept] = True
        if self._header.plan.is_shared:
            columns = slice(segment.first, segment.first + n_kept)
            self._delta[:, columns] = delta.T
            self._cardinality[:, columns] = sizes.T
            return
        numbers = np.arange(segment.first, segment.first + n_kept)
        draws, rows = np.divmod(numbers, len(self._header.points))
        self._delta[rows, draws] = delta[:, 0]
        self._cardinality[rows, draws] = sizes[:, 0]

    def finish(self) -> Contributions:
        """Return the contributions; what was not added is NaN."""
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
            metric=header.metric,
            unit=header.unit,
            dataset=header.dataset,
            learner=header.learner,
            fingerprint=header.fingerprint,
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
        How often each reason of a failed training occurred.
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
        nothing = segment.delta[:, :0]
        light = replace(segment, delta=nothing, members=segment.members[:, :0])
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
