"""Reading ledgers: contributions, utilities, a summary, a check of every segment."""

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_scaling._checks import check_at_least
from data_scaling._typing import FloatArray, Int32Array
from data_scaling.contributions import Contributions
from data_scaling.errors import LedgerError
from data_scaling.ledger.assembly import Assembly
from data_scaling.ledger.database import (
    connect,
    damage_error,
    explain_errors,
    read_header,
)
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.segment import COLUMNS, Segment, decode_segment


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
        Coalitions drawn so far, of ``header.n_coalitions``.
    n_segments : int
        Segments they were written in.
    n_failed : int
        Pairs of point and draw without a number, of those drawn.
    failures : dict of str to int
        How often each reason of a failed training occurred, the most frequent first.
    n_bytes : int
        Size of the file.
    """

    path: Path
    header: LedgerHeader
    n_coalitions: int
    n_segments: int
    n_failed: int
    failures: dict[str, int]
    n_bytes: int

    @property
    def n_drawn(self) -> int:
        """Pairs of point and draw so far, failed ones included."""
        return self.n_coalitions * self.header.points_per_coalition

    @property
    def is_complete(self) -> bool:
        """Whether every draw of the plan is there."""
        return self.n_coalitions >= self.header.n_coalitions


def read_contributions(
    path: str | os.PathLike[str], *, n_draws: int | None = None
) -> Contributions:
    """Read the draws of a ledger.

    Parameters
    ----------
    path : path
        The ledger; it may be in use by a run.
    n_draws : int, optional
        Read the first draws only, counted as in the plan (per size in a staggered
        one); all by default.

    Returns
    -------
    Contributions
        Draws that the ledger does not hold yet are NaN, at the smallest size of the
        plan.

    Raises
    ------
    LedgerError
        If the file is no ledger, is damaged, or has fewer draws.
    """
    return read_assembly(path, n_draws=n_draws).finish()


def read_assembly(
    path: str | os.PathLike[str], *, n_draws: int | None = None
) -> Assembly:
    """Read the draws of a ledger, with the reasons of those that failed.

    Parameters and errors are those of :func:`read_contributions`.
    """
    with _open_reader(path) as (connection, header):
        if n_draws is not None:
            header = _shorten_plan(header, n_draws)
        assembly = Assembly(header)
        for segment in read_segments(connection, Path(path), header):
            assembly.add(segment)
    return assembly


def read_utilities(path: str | os.PathLike[str]) -> tuple[Int32Array, FloatArray]:
    """Read the utility of every coalition of a ledger: a learning curve.

    Returns
    -------
    cardinality : (n_coalitions,) int32 array
        Size of each coalition drawn so far.
    utility : (n_coalitions,) float64 array
        U(D), in units of the metric; NaN if the training failed.

    Raises
    ------
    LedgerError
        If the file is no ledger, or is damaged.
    """
    with _open_reader(path) as (connection, header):
        parts = [
            (segment.cardinality, segment.utility)
            for segment in read_segments(connection, Path(path), header)
        ]
    cardinality, utility = zip(*parts, strict=True) if parts else ([], [])
    return (
        np.concatenate([np.empty(0, dtype=np.int32), *cardinality]),
        np.concatenate([np.empty(0), *utility]),
    )


def describe_ledger(path: str | os.PathLike[str]) -> LedgerSummary:
    """Say what a ledger holds, how far it is, and how many draws failed and why.

    The draws themselves are not read; see :func:`verify_ledger`.

    Raises
    ------
    LedgerError
        If the file is no ledger.
    """
    path = Path(path)
    failures: Counter[str] = Counter()
    with _open_reader(path) as (connection, header):
        rows = connection.execute(
            "SELECT n_coalitions, n_failed, failures FROM segment"
        ).fetchall()
    try:
        for *_, text in rows:
            failures.update(json.loads(text))
    except (ValueError, TypeError) as error:
        raise damage_error(path, f"failures cannot be read ({error})") from error
    return LedgerSummary(
        path=path,
        header=header,
        n_coalitions=sum(row[0] for row in rows),
        n_segments=len(rows),
        n_failed=sum(row[1] for row in rows),
        failures=dict(failures.most_common()),
        n_bytes=path.stat().st_size,
    )


def verify_ledger(path: str | os.PathLike[str]) -> int:
    """Read every segment, check it against its checksum, and return their number.

    Raises
    ------
    LedgerError
        Naming the first segment that is not what was written.
    """
    with _open_reader(path) as (connection, header):
        return sum(1 for _ in read_segments(connection, Path(path), header))


def read_segments(
    connection: sqlite3.Connection, path: Path, header: LedgerHeader
) -> Iterator[Segment]:
    """Yield every segment in the order of its coalitions, checked.

    Raises
    ------
    LedgerError
        Naming the first segment that is not what was written.
    """
    columns = ", ".join(COLUMNS)
    # The key is SQLite's row number, so that no sorting has to hold the deltas.
    query = f"SELECT {columns} FROM segment ORDER BY first_coalition"  # noqa: S608
    stop = 0
    for row in connection.execute(query):
        try:
            segment = decode_segment(row, header.points_per_coalition)
            if segment.first < stop:
                raise LedgerError(f"segment {row[0]} holds draws for a second time")
        except (LedgerError, ValueError, TypeError) as error:
            raise damage_error(path, str(error)) from error
        stop = segment.stop
        yield segment


@contextmanager
def _open_reader(
    path: str | os.PathLike[str],
) -> Iterator[tuple[sqlite3.Connection, LedgerHeader]]:
    path = Path(path)
    with explain_errors(path), closing(connect(path, "ro")) as connection:
        # One transaction, so that a run that writes meanwhile cannot be half seen.
        connection.execute("BEGIN")
        yield connection, read_header(connection, path)


def _shorten_plan(header: LedgerHeader, n_draws: int) -> LedgerHeader:
    n_draws = check_at_least("n_draws", n_draws, 1)
    if n_draws > header.plan.n_draws:
        raise LedgerError(
            f"{n_draws} draws were asked for, but the ledger's plan has "
            f"{header.plan.n_draws}. Ask for fewer, or draw more."
        )
    return replace(header, plan=replace(header.plan, n_draws=n_draws))
