"""Rows of a damaged ledger, found page by page without SQLite.

SQLite reaches a row by a tree of pages, and refuses a file that lacks any. Its leaves,
which hold the rows, can be told by their first byte, and each says where its rows
begin; what does not fit a leaf continues on a chain of pages. That is all that reading
the rows takes [1]_. A row that was found proves itself by its checksum.

References
----------
.. [1] "Database File Format", https://www.sqlite.org/fileformat.html, sections 1.6
   and 2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data_scaling._typing import IntArray

TABLE_LEAF = 0x0D
HEAD_BYTES = 100  # the file's own header, before the first page's
INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
DEFAULT_PAGE_BYTES = 16_384
MAX_KINDS_BYTES = 200


@dataclass(frozen=True)
class FoundRow:
    """Where a row begins: its key, its length and the first of its content."""

    key: int
    n_bytes: int
    start: int


class PageFile:
    """A file that was an SQLite database, of which some pages may be gone.

    Parameters
    ----------
    path : Path
        Where it lies; it is only read.

    Raises
    ------
    OSError
        If it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        n_bytes = path.stat().st_size
        # Mapped, so that memory holds the pages in use and not the file.
        self._content = np.memmap(path, np.uint8, "r") if n_bytes else np.empty(0, "u1")
        self._page_bytes = int.from_bytes(self._take(16, 2)) if n_bytes > 18 else 0
        if self._page_bytes not in {2**power for power in range(9, 16)}:
            self._page_bytes = DEFAULT_PAGE_BYTES

    def find_rows(self, n_values: int) -> Iterator[FoundRow]:
        """Yield the rows of so many values that leaves name, in the order of pages."""
        for page in range(0, len(self._content), self._page_bytes):
            head = page or HEAD_BYTES
            if head + 8 > len(self._content) or self._content[head] != TABLE_LEAF:
                continue
            for pointer in self._list_pointers(head):
                try:
                    row = self._find_row(page + int(pointer))
                    if len(self._list_kinds(row)) == n_values:
                        yield row
                except ValueError:  # the page only looks like a leaf
                    continue

    def read_row(self, row: FoundRow) -> tuple[Any, ...]:
        """Return the values of a row; None stands for its key as well.

        Raises
        ------
        ValueError
            If a part of it lies beyond the end of the file, or makes no sense.
        """
        record = self._join_content(row)
        at, _ = _read_varint(record, 0)
        values = []
        for kind in self._list_kinds(row):
            value, at = _read_value(record, at, kind)
            values.append(value)
        return tuple(values)

    def _list_pointers(self, head: int) -> IntArray:
        n_rows = int.from_bytes(self._take(head + 3, 2))
        pointers = self._content[head + 8 : head + 8 + 2 * n_rows]
        pairs = pointers[: len(pointers) // 2 * 2].reshape(-1, 2).astype(np.intp)
        return pairs[:, 0] * 256 + pairs[:, 1]

    def _find_row(self, at: int) -> FoundRow:
        start = self._take(at, 18)
        n_bytes, used = _read_varint(start, 0)
        key, used = _read_varint(start, used)
        if not 0 < n_bytes <= len(self._content):
            raise ValueError("a row has an impossible length")
        return FoundRow(key, n_bytes, at + used)

    def _list_kinds(self, row: FoundRow) -> list[int]:
        """Return the kind of each value, which a row says before the values."""
        start = self._take(row.start, min(row.n_bytes, MAX_KINDS_BYTES))
        width, at = _read_varint(start, 0)
        kinds = []
        while at < width:
            kind, at = _read_varint(start, at)
            kinds.append(kind)
        return kinds

    def _join_content(self, row: FoundRow) -> bytes:
        """Return a row's bytes on its leaf and on the chain of pages behind it."""
        n_local = self._count_local(row.n_bytes)
        parts = [self._take(row.start, min(n_local, row.n_bytes), exact=True)]
        n_left = row.n_bytes - len(parts[0])
        at = row.start + n_local
        while n_left > 0:
            page = (int.from_bytes(self._take(at, 4, exact=True)) - 1) * (
                self._page_bytes
            )
            if page <= 0:
                raise ValueError("its chain of pages is broken")
            part = self._take(page + 4, min(n_left, self._page_bytes - 4), exact=True)
            parts.append(part)
            n_left -= len(part)
            at = page
        return b"".join(parts)

    def _count_local(self, n_bytes: int) -> int:
        """Return how many of a row's bytes lie on its leaf."""
        most = self._page_bytes - 35
        if n_bytes <= most:
            return n_bytes
        least = (self._page_bytes - 12) * 32 // 255 - 23
        n_local = least + (n_bytes - least) % (self._page_bytes - 4)
        return n_local if n_local <= most else least

    def _take(self, start: int, n_bytes: int, *, exact: bool = False) -> bytes:
        part = self._content[start : start + n_bytes].tobytes()
        if exact and len(part) < n_bytes:
            raise ValueError("a part of it lies beyond the end of the file")
        return part


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    """Return a number of one to nine bytes, and the place after it."""
    number = 0
    for used, byte in enumerate(content[at : at + 8], start=1):
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at + used
    if at + 9 > len(content):
        raise ValueError("a number is cut off")
    number = number << 8 | content[at + 8]
    return number - 2**64 if number >= 2**63 else number, at + 9


def _read_value(record: bytes, at: int, kind: int) -> tuple[Any, int]:
    """Return a value of a record, and the place after it."""
    if kind in (0, 8, 9):
        return {0: None, 8: 0, 9: 1}[kind], at
    n_bytes = 8 if kind == 7 else INTEGER_BYTES.get(kind, (kind - 12) // 2)
    part = record[at : at + n_bytes]
    if n_bytes < 0 or len(part) < n_bytes:
        raise ValueError("a value is cut off")
    if kind == 7:
        return float(np.frombuffer(part, ">f8")[0]), at + n_bytes
    if kind in INTEGER_BYTES:
        return int.from_bytes(part, signed=True), at + n_bytes
    return part if kind % 2 == 0 else part.decode(), at + n_bytes
