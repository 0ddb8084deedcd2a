"""Writing a ledger: the one driver of a run, its lock and its commits."""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data_scaling.errors import PlanMismatchError
from data_scaling.ledger.database import (
    connect,
    create_ledger,
    explain_errors,
    read_header,
    write_header,
)
from data_scaling.ledger.header import LedgerHeader, refuse_mismatch
from data_scaling.ledger.reader import read_segments
from data_scaling.ledger.segment import COLUMNS, Segment, Span, encode_segment

_logger = logging.getLogger(__name__)

# A commit waits until the drawing since the last one took this many times as long as
# that one did, so that commits take at most a twentieth of the run; or until this many
# bytes wait.
COMMIT_RATIO = 20.0
MAX_WAITING_BYTES = 2**26


class LedgerWriter:
    """The ledger of a run that draws; made by :func:`open_ledger`.

    The write lock of SQLite is held from one commit to the next, so no second run can
    write; it ends with the process, however that ends.

    Attributes
    ----------
    drawn : list of (int, int)
        First coalition and end of each segment that the ledger held when opened,
        ascending.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        drawn: list[Span],
    ) -> None:
        self.path = path
        self.drawn = drawn
        self._connection = connection
        self._waiting_bytes = 0
        self._committed_at = time.perf_counter()
        self._commit_seconds = 0.0

    def append(self, segment: Segment) -> None:
        """Write a segment; it is durable at the next commit, which may be now.

        Raises
        ------
        LedgerError
            If it cannot be written, or its coalitions were written before.
        """
        marks = ", ".join("?" * len(COLUMNS))
        with explain_errors(self.path):
            self._connection.execute(
                f"INSERT INTO segment VALUES ({marks})",  # noqa: S608
                encode_segment(segment, time.time()),
            )
        self._waiting_bytes += segment.delta.nbytes
        seconds = time.perf_counter() - self._committed_at
        if (
            seconds >= COMMIT_RATIO * self._commit_seconds
            or self._waiting_bytes >= MAX_WAITING_BYTES
        ):
            self.flush()

    def flush(self) -> None:
        """Make everything appended durable.

        Raises
        ------
        LedgerError
            If it cannot be written; what was durable before stays so.
        """
        started = time.perf_counter()
        with explain_errors(self.path):
            if self._connection.in_transaction:
                self._connection.execute("COMMIT")
            self._connection.execute("BEGIN IMMEDIATE")
        self._waiting_bytes = 0
        self._committed_at = time.perf_counter()
        self._commit_seconds = self._committed_at - started

    def close(self) -> None:
        """Commit, and leave one file without side files."""
        try:
            with explain_errors(self.path):
                if self._connection.in_transaction:
                    self._connection.execute("COMMIT")
            try:
                self._connection.execute("PRAGMA journal_mode = DELETE")
            except sqlite3.OperationalError as error:  # somebody reads it at the moment
                _logger.debug("%s stays in WAL mode: %s", self.path, error)
        finally:
            self._connection.close()


@contextmanager
def open_ledger(
    path: str | os.PathLike[str], header: LedgerHeader
) -> Iterator[LedgerWriter]:
    """Open a ledger to draw into it, or make it.

    An existing one is checked first: it must be of the same plan, dataset, learner and
    metric, and every segment must match its checksum. A plan with more draws extends
    it. Whatever ends the block, what was appended is committed.

    Parameters
    ----------
    path : path
        Where the ledger lies or will lie; missing folders are made.
    header : LedgerHeader
        What is to be drawn.

    Raises
    ------
    PlanMismatchError
        If the ledger was drawn from something else.
    LedgerError
        If it is damaged or no ledger, is being written by another run, or cannot be
        written. It is left as it is.
    """
    path = Path(path)
    with explain_errors(path):
        if not path.exists():
            create_ledger(path, header)
        connection = connect(path, "rw")
        try:
            stored = read_header(connection, path)
            refuse_mismatch(path, stored, header)
            _refuse_other_shard(path, stored, header)
            # Before the first write, so that a damaged file stays as it is.
            for _ in read_segments(connection, path, stored):
                pass
            _take_lock(connection)
            writer = _start_writer(path, connection, header)
        except BaseException:
            connection.close()
            raise
    try:
        yield writer
    finally:
        writer.close()


def _refuse_other_shard(path: Path, stored: LedgerHeader, header: LedgerHeader) -> None:
    """Raise if one shard would be drawn into the ledger of another.

    Raises
    ------
    PlanMismatchError
        Naming both.
    """
    if stored.shard is None or header.shard is None or stored.shard == header.shard:
        return
    there, asked = (f"{n}/{of}" for n, of in (stored.shard, header.shard))
    raise PlanMismatchError(
        f"The ledger {path} is for shard {there} of its plan, and shard {asked} was "
        "asked for. Give each shard a ledger of its own, and merge them by combine."
    )


def _take_lock(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # Commits are at most a few in a second, so the disk can be asked to really write
    # each of them: a draw then survives a power cut, not only a killed process.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    # A run lets go of the lock for an instant at each commit. Having met that instant,
    # we give it time to take the lock back, and then find it held.
    connection.execute("ROLLBACK")
    time.sleep(0.05)
    connection.execute("BEGIN IMMEDIATE")
    # From now on the instant of another opening is waited out, not an error.
    connection.execute("PRAGMA busy_timeout = 10000")


def _start_writer(
    path: Path, connection: sqlite3.Connection, asked: LedgerHeader
) -> LedgerWriter:
    stored = read_header(connection, path)
    refuse_mismatch(path, stored, asked)
    drawn = connection.execute(
        "SELECT first_coalition, first_coalition + n_coalitions FROM segment ORDER BY 1"
    ).fetchall()
    if stored.versions != asked.versions:
        _logger.warning(
            "The ledger %s was begun with the versions %s; these draws are made with "
            "%s, and may differ in the last bits.",
            path,
            stored.versions,
            asked.versions,
        )
    extended = stored.extend(asked)
    if extended != stored:
        write_header(connection, extended)
    return LedgerWriter(path, connection, drawn)
