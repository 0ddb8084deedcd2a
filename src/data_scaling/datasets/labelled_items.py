"""Texts or images with labels, as the readers of several forms hand them on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from data_scaling.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

Item = TypeVar("Item", covariant=True)


@dataclass(frozen=True, eq=False)
class LabelledItems(Generic[Item]):
    """Items in the order of their source.

    Attributes
    ----------
    items : sequence of (n_items,) str or images
        Texts or images.
    labels : (n_items,) str array
        Class of each.
    row_ids : (n_items,) array
        Row numbers in a table, or names of files in an archive.
    """

    items: Sequence[Item]
    labels: NDArray[np.str_]
    row_ids: NDArray[Any]


def select_columns(
    path: Path, frame: "pd.DataFrame", wanted: Sequence[str]
) -> "pd.DataFrame":
    """Return some columns of a table.

    Raises
    ------
    DatasetError
        If a column lacks, or misses a value, naming the row.
    """
    columns = [str(name) for name in frame.columns]
    lacking = [name for name in wanted if name not in columns]
    if lacking:
        raise DatasetError(
            f"{path} has no column {', '.join(map(repr, lacking))}. Its columns are "
            f"{', '.join(map(repr, columns[:20]))}. Get the original file again."
        )
    for name in wanted:
        missing = np.flatnonzero(frame[name].isna().to_numpy())
        if len(missing):
            raise DatasetError(
                f"{path}: {name!r} is missing in {len(missing)} of {len(frame)} rows, "
                f"the first is row {missing[0]} (from 0, after the column names). Get "
                "the original file again, or remove those rows."
            )
    return frame[list(wanted)]


def name_classes(
    path: Path, labels: Sequence[Any], classes: Mapping[str, str]
) -> NDArray[np.str_]:
    """Return the class of each label.

    Raises
    ------
    DatasetError
        If a label names no class, naming the first such row.
    """
    named = [classes.get(_write_label(label)) for label in labels]
    if None in named:
        row = named.index(None)
        raise DatasetError(
            f"{path}: the label of row {row} is {labels[row]!r}, but it must be one of "
            f"{', '.join(classes)}. Get the original file again."
        )
    return np.array(named, dtype=np.str_)


def _write_label(label: Any) -> str:
    """Return a label as classes are listed: 1.0 as 1, names in lower case."""
    is_whole = isinstance(label, float) and label.is_integer()
    return str(int(label)) if is_whole else str(label).strip().lower()
