"""Checking every segment of a ledger, also of one that is damaged."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from data_scaling.errors import LedgerError
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.reader import open_reader
from data_scaling.ledger.segment import COLUMNS, Segment, decode_segment


@dataclass(frozen=True)
class LedgerCheck:
    """What is well and what is not in a ledger.

    Attributes
    ----------
    n_segments : int
        Segments that are what was written.
    n_coalitions : int
        Coalitions in them, with points or without.
    faults : tuple of str
        One sentence for every segment that is not, or for the part of the file where
        segments cannot be found any more.
    """

    n_segments: int
    n_coalitions: int
    faults: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether there is no fault."""
        return not self.faults


def verify_ledger(path: str | os.PathLike[str]) -> LedgerCheck:
    """Read every segment and check it against its checksum.

    Raises
    ------
    LedgerError
        If the file is no ledger, or so damaged that it does not say what it holds.
    """
    n_segments = n_coalitions = 0
    faults = []
    with open_reader(path) as (connection, header):
        for found in iterate_sound(connection, header):
            if isinstance(found, Segment):
                n_segments += 1
                n_coalitions += len(found.cardinality)
            else:
                faults.append(found)
    return LedgerCheck(n_segments, n_coalitions, tuple(faults))


def iterate_sound(
    connection: sqlite3.Connection, header: LedgerHeader
) -> Iterator[Segment | str]:
    """Yield every sound segment in its order, and a sentence for each other one."""
    columns = ", ".join(COLUMNS)
    query = f"SELECT {columns} FROM segment WHERE first_coalition = ?"  # noqa: S608
    keys, fault = _list_keys(connection)
    if fault:
        yield fault
    reached = 0
    for key in keys:
        try:
            row = connection.execute(query, (key,)).fetchone()
            segment = decode_segment(row, header.points_per_coalition)
        except (sqlite3.Error, LedgerError, ValueError, TypeError) as error:
            is_own = isinstance(error, LedgerError)
            yield str(error) if is_own else f"segment {key} cannot be read ({error})"
            continue
        if segment.first < reached:
            yield f"segment {key} holds draws for a second time"
            continue
        reached = segment.stop
        yield segment


def _list_keys(connection: sqlite3.Connection) -> tuple[list[int], str]:
    """Return the keys of all segments that can be found, and what is in the way."""
    keys: set[int] = set()
    fault = ""
    # Where a page of the index is broken, the other end leads up to it as well.
    for order in ("ASC", "DESC"):
        query = f"SELECT first_coalition FROM segment ORDER BY 1 {order}"  # noqa: S608
        try:
            for (key,) in connection.execute(query):
                keys.add(key)
            break
        except sqlite3.Error as error:
            fault = f"some segments cannot be found any more ({error})"
    return sorted(keys), fault
