"""What is sound of a ledger, whatever else is wrong with it."""

import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from data_scaling.errors import LedgerError
from data_scaling.ledger.database import DamageError, decode_header, explain_errors
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.pages import FoundRow, PageFile
from data_scaling.ledger.reader import open_reader
from data_scaling.ledger.segment import COLUMNS, Segment, decode_segment

META_COLUMNS = 3
# SQLite stores a float without a fraction as an integer, and gives a float back.
FLOAT_COLUMNS = [COLUMNS.index("seconds"), COLUMNS.index("written_at")]
QUERY = f"SELECT {', '.join(COLUMNS)} FROM segment WHERE first_coalition = ?"  # noqa: S608
UNREADABLE = (sqlite3.Error, LedgerError, ValueError, TypeError)


@contextmanager
def open_sound(
    path: str | os.PathLike[str],
) -> Iterator[tuple[Iterator[Segment | str], LedgerHeader]]:
    """Open a ledger for what is sound of it.

    Gives an iterator over every sound segment, in the order of its coalitions, and over
    a sentence for each fault; and the header.

    Raises
    ------
    LedgerError
        If the file is no ledger, or so damaged that it does not say what it holds.
    """
    path = Path(path)
    with ExitStack() as stack:
        try:
            connection, header = stack.enter_context(open_reader(path))
            source = _Source(path, connection)
        except DamageError as error:
            source = _Source(path, None, error.reason)
            header = source.find_header()
        yield source.iterate(header.points_per_coalition), header


class _Source:
    """The segments of a file: from SQLite, and where that fails from its pages."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection | None, fault: str = ""
    ) -> None:
        self._path = path
        self._connection = connection
        self._fault = fault

    @cached_property
    def _file(self) -> PageFile:
        with explain_errors(self._path):
            return PageFile(self._path)

    @cached_property
    def _found(self) -> dict[int, list[FoundRow]]:
        """Where the segments of each key lie in the pages; mostly one each."""
        rows = defaultdict(list)
        for row in self._file.find_rows(len(COLUMNS)):
            rows[row.key].append(row)
        return rows

    def find_header(self) -> LedgerHeader:
        """Return the header from the pages, which SQLite cannot read any more."""
        rows = []
        # Where a row was written twice, the later one counts.
        for row in sorted(self._file.find_rows(META_COLUMNS), key=lambda row: row.key):
            try:
                name, value, crc32 = self._file.read_row(row)
            except ValueError:
                continue
            rows.append((name, value, crc32))
        if not rows:
            raise DamageError(
                self._path, f"{self._fault}, and what it holds is not told any more"
            )
        return decode_header(rows, self._path)

    def iterate(self, n_points: int) -> Iterator[Segment | str]:
        """Yield sound segments in their order, and a sentence for each fault."""
        keys = self._list_keys()
        if self._fault:
            yield self._fault
        reached = 0
        for key in keys:
            found = self._read_segment(key, n_points)
            if isinstance(found, Segment):
                if found.first < reached:
                    yield f"segment {key} holds draws for a second time"
                    continue
                reached = found.stop
            yield found

    def _list_keys(self) -> list[int]:
        """Return the keys of all segments that can be found; note what cannot."""
        keys: set[int] = set()
        if self._connection:
            try:
                query = "SELECT first_coalition FROM segment"
                keys.update(key for (key,) in self._connection.execute(query))
                # A page may say that it holds fewer rows than it does.
                (answer,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
                if answer != "ok":
                    self._fault = " ".join(f"the file is damaged ({answer})".split())
            except sqlite3.Error as error:
                self._fault = f"some segments cannot be found any more ({error})"
        if self._fault:
            keys.update(self._found)
        return sorted(keys)

    def _read_segment(self, key: int, n_points: int) -> Segment | str:
        """Return a segment, or say what is wrong with it."""
        fault = f"segment {key} cannot be read"
        if self._connection:
            try:
                row = self._connection.execute(QUERY, (key,)).fetchone()
                return decode_segment(row, n_points)
            except UNREADABLE as error:
                fault = _explain(key, error)
        for found in self._found.get(key, []):
            try:
                return decode_segment(self._restore(found), n_points)
            except UNREADABLE as error:
                fault = _explain(key, error)
        return fault

    def _restore(self, found: FoundRow) -> list[Any]:
        """Return a segment's row as SQLite would."""
        row = [found.key, *self._file.read_row(found)[1:]]
        for column in FLOAT_COLUMNS:
            row[column] = float(row[column])
        return row


def _explain(key: int, error: Exception) -> str:
    if isinstance(error, LedgerError):
        return str(error)
    return f"segment {key} cannot be read ({error})"
