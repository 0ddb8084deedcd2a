"""Columns of a table that are not features: texts, images, identifiers, parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_scaling.datasets.images import ImageSource
from data_scaling.datasets.splits import PARTS, Split
from data_scaling.datasets.table_sources import TableSource
from data_scaling.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd


def get_texts(column: "pd.Series[Any]") -> list[str]:
    """Return a column as texts, a missing one empty."""
    return [str(value) for value in column.astype(object).where(column.notna(), "")]


def get_images(table: TableSource, column: str) -> list[ImageSource]:
    """Return a column as images: paths or the bytes of files.

    Raises
    ------
    DatasetError
        If a value is neither, or there is no such file, naming the row.
    """
    values = table.frame[column].tolist()
    return [_get_image(table, column, row, value) for row, value in enumerate(values)]


def _get_image(table: TableSource, column: str, row: int, value: Any) -> ImageSource:
    if isinstance(value, Mapping):  # a record of Hugging Face
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    path = table.folder / value if isinstance(value, (str, Path)) else None
    if path is None or not path.is_file():
        raise DatasetError(
            f"{table.origin}: the image {column!r} of row {row} is "
            f"{str(value)[:80]!r}, and there is no such file (relative to "
            f"{table.folder.absolute()}). Give the path of an image file, or its bytes."
        )
    return path


def get_row_ids(table: TableSource, column: str | None) -> NDArray[Any]:
    """Return the identifiers of the rows: a column, the index, or the numbers.

    Raises
    ------
    DatasetError
        If the column misses a value, holds other than integers or strings, or one
        twice.
    """
    frame = table.frame
    if column is None:
        index = frame.index
        named = _as_identifiers(index.tolist()) if index.is_unique else None
        return np.arange(len(frame)) if named is None else named
    values = frame.index if is_index(frame, column) else frame[column]
    identifiers = _as_identifiers(values.tolist())
    if identifiers is None:
        raise DatasetError(
            f"{table.origin}: the row identifiers in {column!r} are not all integers, "
            "or all strings, or one is empty. Fill in missing ones, or number the rows."
        )
    different, counts = np.unique(identifiers, return_counts=True)
    if len(different) < len(identifiers):
        raise DatasetError(
            f"{table.origin}: {column!r} holds {np.sum(counts > 1)} identifiers more "
            f"than once, such as {different[counts > 1][0]!s}. Give each row its own."
        )
    return identifiers


def is_index(frame: "pd.DataFrame", column: str) -> bool:
    """Whether a name is that of the frame's index, and of no column."""
    return column == frame.index.name and column not in frame.columns


def _as_identifiers(values: list[Any]) -> NDArray[Any] | None:
    """Return integers or strings as an array, None if there is anything else."""
    if "" in values:
        return None
    kinds = {type(value) for value in values}
    return np.array(values) if kinds <= {int} or kinds <= {str} else None


def get_split(table: TableSource, column: str) -> Split:
    """Return the parts that a column names.

    Raises
    ------
    DatasetError
        If a value names no part, or there is no training or validation row.
    """
    values = [str(value).strip().lower() for value in table.frame[column]]
    parts = np.array([PARTS.get(value, "") for value in values])
    if "" in parts:
        row = int(np.flatnonzero(parts == "")[0])
        raise DatasetError(
            f"{table.origin}: the part {column!r} of row {row} is {values[row]!r}. "
            f"Give one of {', '.join(PARTS)}."
        )
    rows = [np.flatnonzero(parts == part) for part in ("train", "val", "test")]
    if not len(rows[0]) or not len(rows[1]):
        raise DatasetError(
            f"{table.origin}: {column!r} names {len(rows[0])} training and "
            f"{len(rows[1])} validation rows. Give both, or leave the split to be "
            "drawn."
        )
    return Split(*rows)
