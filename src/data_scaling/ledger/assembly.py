"""Putting segments together into contributions."""

from collections import Counter

import numpy as np

from data_scaling._typing import FloatArray, Int32Array
from data_scaling.contributions import Contributions
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.segment import Segment


class Assembly:
    """Contributions in the making: arrays that segments are written into.

    The arrays are allocated once; a segment is gone when it was added, so that the
    memory in use is that of the result.

    Parameters
    ----------
    header : LedgerHeader
        What is drawn; its plan says how many draws there are. Coalitions beyond them
        are left out.

    Attributes
    ----------
    failures : Counter of str
        How often each reason of a failed training occurred.
    """

    def __init__(self, header: LedgerHeader) -> None:
        self._header = header
        shape = (len(header.points), header.plan.total_draws)
        self._delta: FloatArray = np.full(shape, np.nan)
        smallest = header.plan.min_cardinality
        self._cardinality: Int32Array = np.full(shape, smallest, dtype=np.int32)
        self.failures: Counter[str] = Counter()

    def add(self, segment: Segment) -> None:
        """Write the draws of a segment to their places."""
        n_kept = min(segment.stop, self._header.n_coalitions) - segment.first
        if n_kept <= 0:
            return
        self.failures.update(segment.failures)
        delta, members = segment.delta[:n_kept], segment.members[:n_kept]
        sizes = segment.cardinality[:n_kept, None] - members.view(np.int8)
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
