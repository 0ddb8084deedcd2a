"""What a person sees of a training row: some text, some fields, a small image."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_scaling._typing import IntArray
from data_scaling.errors import DatasetError

MAX_TEXT = 400
"""Characters of a text that are kept, an ellipsis included."""

MAX_FIELDS = 16
"""Fields of a row that are kept."""

MAX_FIELD = 60
"""Characters of a field that are shown, an ellipsis included."""


@dataclass(frozen=True)
class Preview:
    """A row as a person recognises it; what a row does not have is empty.

    Attributes
    ----------
    text : str
        Beginning of the row's text.
    fields : tuple of (name, value)
        Raw values of the row's columns, as short strings.
    thumbnail : bytes
        A small PNG or JPEG image.
    """

    text: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    thumbnail: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, eq=False)
class Previews(Sequence[Preview]):
    """Previews of many rows, stored by column and put together when one is asked for.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    texts : sequence of (n_rows,) str
        Texts, or empty if no row has one.
    columns : mapping of str to (n_rows,) array
        Raw columns: numbers, of which NaN is left out, or strings, of which the empty
        one is left out.
    thumbnails : sequence of (n_rows,) bytes
        Images, or empty if no row has one.

    Raises
    ------
    DatasetError
        If texts, thumbnails or a column are for another number of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.datasets import Previews
    >>> previews = Previews(2, columns={"age": np.array([41.0, np.nan])})
    >>> previews[0].fields, previews[1].fields
    ((('age', '41'),), ())
    """

    n_rows: int
    texts: Sequence[str] = ()
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    thumbnails: Sequence[bytes] = ()

    def __post_init__(self) -> None:
        kept = dict(list(self.columns.items())[:MAX_FIELDS])
        object.__setattr__(self, "columns", kept)
        object.__setattr__(self, "texts", tuple(shorten(text) for text in self.texts))
        object.__setattr__(self, "thumbnails", tuple(self.thumbnails))
        for what, values in [
            ("texts", self.texts),
            ("thumbnails", self.thumbnails),
            *((f"values of {name!r}", values) for name, values in kept.items()),
        ]:
            is_optional = what in ("texts", "thumbnails")
            if len(values) != self.n_rows and not (is_optional and not len(values)):
                raise DatasetError(
                    f"Previews of {self.n_rows} rows were given {len(values)} {what}. "
                    "Give one for each row."
                )

    def __len__(self) -> int:
        return self.n_rows

    def __iter__(self) -> Iterator[Preview]:
        return (self[row] for row in range(self.n_rows))

    @overload
    def __getitem__(self, row: int) -> Preview: ...
    @overload
    def __getitem__(self, row: slice) -> "Previews": ...
    def __getitem__(self, row: int | slice) -> "Preview | Previews":
        if isinstance(row, slice):
            return self.take(np.arange(self.n_rows)[row])
        if not -self.n_rows <= row < self.n_rows:
            raise IndexError(f"There is no preview {row}: there are {self.n_rows}.")
        pairs = ((name, _format(values[row])) for name, values in self.columns.items())
        return Preview(
            self.texts[row] if self.texts else "",
            tuple((name, value) for name, value in pairs if value),
            self.thumbnails[row] if self.thumbnails else b"",
        )

    def take(self, rows: ArrayLike) -> "Previews":
        """Return the previews of some rows, in the order given."""
        chosen: IntArray = np.asarray(rows, dtype=np.intp)
        return Previews(
            len(chosen),
            [self.texts[row] for row in chosen] if self.texts else (),
            {name: values[chosen] for name, values in self.columns.items()},
            [self.thumbnails[row] for row in chosen] if self.thumbnails else (),
        )


def as_previews(previews: Sequence[Preview] | None) -> Previews:
    """Return previews stored by column; None becomes none.

    Rows may have different fields: names are kept in the order in which they are first
    met.
    """
    if isinstance(previews, Previews):
        return previews
    rows = tuple(previews or ())
    names = dict.fromkeys(name for row in rows for name, _ in row.fields)
    fields = [dict(row.fields) for row in rows]
    return Previews(
        len(rows),
        [row.text for row in rows] if any(row.text for row in rows) else (),
        {
            name: np.array([of_row.get(name, "") for of_row in fields], dtype=object)
            for name in names
        },
        [row.thumbnail for row in rows] if any(row.thumbnail for row in rows) else (),
    )


def shorten(text: str, width: int = MAX_TEXT) -> str:
    """Return the beginning of a text on one line, with an ellipsis where it was cut."""
    # Enough for many blanks; splitting a whole novel for its first line is slow.
    line = " ".join(text[: 4 * width].split())
    is_whole = len(line) <= width and len(text) <= 4 * width
    return line if is_whole else line[: width - 1].rstrip() + "…"


def _format(value: Any) -> str:
    """Return a field as a short string, a missing one as an empty one."""
    if isinstance(value, (float, np.floating)):
        return "" if np.isnan(value) else f"{value:.6g}"
    return "" if value is None else shorten(str(value), MAX_FIELD)
