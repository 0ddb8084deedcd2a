"""Checking every segment of a ledger, also of one that is damaged."""

import os
from dataclasses import dataclass

from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.salvage import open_sound
from data_scaling.ledger.segment import Segment


@dataclass(frozen=True)
class LedgerCheck:
    """What is well and what is not in a ledger.

    Attributes
    ----------
    n_segments : int
        Segments that are what was written.
    n_coalitions : int
        Coalitions in them, with points or without.
    header : LedgerHeader
        Plan, dataset, learner, metric and versions; the shard, if it is one.
    faults : tuple of str
        One sentence for every segment that is not, or for the part of the file where
        segments cannot be found any more.
    """

    n_segments: int
    n_coalitions: int
    header: LedgerHeader
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether there is no fault."""
        return not self.faults


def verify_ledger(path: str | os.PathLike[str]) -> LedgerCheck:
    """Read every segment and check it against its checksum.

    Parameters
    ----------
    path : path
        The ledger; it is only read, and may be in use by a run.

    Raises
    ------
    LedgerError
        If the file is no ledger, or so damaged that it does not say what it holds.

    Examples
    --------
    >>> import tempfile
    >>> import data_scaling as ds
    >>> dataset, path = ds.load_dataset("wine"), tempfile.mkdtemp() + "/draws.ledger"
    >>> plan = ds.SamplingPlan(4, 20, 60, points=5, n_base_draws=6)
    >>> _ = ds.sample_ledger(dataset, "logreg", plan, path)
    >>> check = ds.verify_ledger(path)
    >>> check.n_coalitions, check.is_sound
    (10, True)
    """
    n_segments = n_coalitions = 0
    faults = []
    with open_sound(path) as (segments, header):
        for found in segments:
            if isinstance(found, Segment):
                n_segments += 1
                n_coalitions += len(found.cardinality)
            else:
                faults.append(found)
    return LedgerCheck(n_segments, n_coalitions, header, tuple(faults))
