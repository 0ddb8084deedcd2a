"""What a ledger holds, how far it is, what failed, and how long is left."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from data_scaling.ledger.database import DamageError
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.reader import open_reader
from data_scaling.ledger.segment import FIRST_BASE

# Between two segments of one run there is less than this and twice the drawing.
PAUSE_SECONDS = 60.0


@dataclass(frozen=True)
class LedgerSummary:
    """What a ledger holds and how far it is.

    Attributes
    ----------
    path : Path
        Where it lies.
    header : LedgerHeader
        Plan, dataset, learner, metric and versions.
    n_coalitions : int
        Coalitions with points drawn so far.
    n_base : int
        Coalitions without points drawn so far.
    n_wanted : (int, int)
        Coalitions with points, and without, that the plan has; of a shard, its own.
    n_segments : int
        Segments they were written in.
    n_failed : int
        Draws without a number (pairs of point and draw, and coalitions without
        points), of those drawn.
    failures : dict of str to int
        How many draws failed for each reason, the most frequent first.
    n_bytes : int
        Size of the file.
    seconds : float
        Time that the learner took, added over all jobs.
    seconds_left : float or None
        Expected time until all is drawn, at the pace and with the number of jobs of the
        last run; None if it cannot be told yet.
    """

    path: Path
    header: LedgerHeader
    n_coalitions: int
    n_base: int
    n_wanted: tuple[int, int]
    n_segments: int
    n_failed: int
    failures: dict[str, int]
    n_bytes: int
    seconds: float
    seconds_left: float | None

    @property
    def n_drawn(self) -> int:
        """Draws so far, failed ones included."""
        return self.n_coalitions * self.header.points_per_coalition + self.n_base

    @property
    def is_complete(self) -> bool:
        """Whether every draw of the plan, or of its shard, is there."""
        n_coalitions, n_base = self.n_wanted
        return self.n_coalitions >= n_coalitions and self.n_base >= n_base


class _Entry(NamedTuple):
    first: int
    n_coalitions: int
    n_failed: int
    failures: str
    seconds: float
    written_at: float


def describe_ledger(path: str | os.PathLike[str]) -> LedgerSummary:
    """Say what a ledger holds, how far it is, and how many draws failed and why.

    The draws themselves are not read; see :func:`verify_ledger`.

    Parameters
    ----------
    path : path
        The ledger; it is only read, and may be in use by a run.

    Raises
    ------
    LedgerError
        If the file is no ledger, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> import data_scaling as ds
    >>> dataset, path = ds.load_dataset("wine"), tempfile.mkdtemp() + "/draws.ledger"
    >>> plan = ds.SamplingPlan(10, 20, 60, points=5)
    >>> _ = ds.sample_ledger(dataset, "logreg", plan, path, shard=(1, 2))
    >>> summary = ds.describe_ledger(path)
    >>> summary.header.shard, summary.n_drawn, summary.n_failed, summary.is_complete
    ((1, 2), 25, 0, True)
    """
    path = Path(path)
    failures: Counter[str] = Counter()
    with open_reader(path) as (connection, header):
        rows = connection.execute(
            "SELECT first_coalition, n_coalitions, n_failed, failures, seconds, "
            "written_at FROM segment"
        ).fetchall()
    try:
        entries = [_Entry(*row) for row in rows]
        for entry in entries:
            failures.update(json.loads(entry.failures))
        n_drawn = [sum(e.n_coalitions for e in kind) for kind in _split_kinds(entries)]
        seconds_left = _expect_seconds_left(entries, header)
    except (ValueError, TypeError) as error:
        raise DamageError(path, f"segments cannot be read ({error})") from error
    return LedgerSummary(
        path=path,
        header=header,
        n_coalitions=n_drawn[0],
        n_base=n_drawn[1],
        n_wanted=header.count_wanted(),
        n_segments=len(entries),
        n_failed=sum(entry.n_failed for entry in entries),
        failures=dict(failures.most_common()),
        n_bytes=path.stat().st_size,
        seconds=sum(entry.seconds for entry in entries),
        seconds_left=seconds_left,
    )


def _split_kinds(entries: Sequence[_Entry]) -> tuple[list[_Entry], list[_Entry]]:
    """Return the segments with points, and those without."""
    return (
        [entry for entry in entries if entry.first < FIRST_BASE],
        [entry for entry in entries if entry.first >= FIRST_BASE],
    )


def _expect_seconds_left(
    entries: Sequence[_Entry], header: LedgerHeader
) -> float | None:
    """Divide the work that is left by the pace at which the last run got it done."""
    work_left = 0.0
    kinds = zip(_split_kinds(entries), header.count_wanted(), strict=True)
    for kind, n_wanted in kinds:
        n_drawn = sum(entry.n_coalitions for entry in kind)
        n_left = n_wanted - n_drawn
        if n_left > 0 and not n_drawn:
            return None
        if n_left > 0:
            work_left += n_left * sum(entry.seconds for entry in kind) / n_drawn
    if not work_left:
        return 0.0
    work, seconds = _measure_last_run(entries)
    return work_left / work * seconds if work > 0 and seconds > 0 else None


def _measure_last_run(entries: Sequence[_Entry]) -> tuple[float, float]:
    """Return the learner's time in the last run, and the time that went by."""
    newest, *older = sorted(entries, key=lambda entry: -entry.written_at)
    work, oldest = newest.seconds, newest
    for entry in older:
        if oldest.written_at - entry.written_at > PAUSE_SECONDS + 2 * oldest.seconds:
            break
        work += entry.seconds
        oldest = entry
    # The run began, at the latest, when its first segment did.
    return work, newest.written_at - (oldest.written_at - oldest.seconds)
