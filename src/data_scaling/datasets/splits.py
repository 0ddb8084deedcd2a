"""Splitting the rows of a table into training, validation and test part.

Every part gets each class in proportion, to within one row, and at least one row of
each class. Sampling is systematic: the rows of a class, in random order, are laid at
equal distances on the unit interval with a random start, and a part takes the rows
that lie lowest.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import IntArray
from data_scaling.errors import DatasetError, InputError

PARTS = {
    "train": "train",
    "training": "train",
    "validation": "val",
    "valid": "val",
    "val": "val",
    "dev": "val",
    "test": "test",
}
"""The part that the name of a split means."""


@dataclass(frozen=True)
class Split:
    """Rows of the three parts: disjoint, ascending, together all rows.

    Attributes
    ----------
    train, val, test : (n_rows_of_part,) intp array
        Row numbers; ``test`` may be empty.
    """

    train: IntArray
    val: IntArray
    test: IntArray


def split_rows(
    target: NDArray[Any],
    rng: np.random.Generator,
    *,
    val_size: float = 0.2,
    test_size: float = 0.2,
) -> Split:
    """Split rows at random, stratified by class.

    Parameters
    ----------
    target : (n_rows,) array
        Floating-point targets (a regression, not stratified) or class labels.
    rng : numpy.random.Generator
        Source of the split.
    val_size, test_size : float or int
        Share of the rows if below 1, else their number; ``test_size`` may be 0.

    Raises
    ------
    DatasetError
        If the target has one class, or a class or the table has too few rows to be in
        every part.
    InputError
        If a size is not a share or a number of rows.
    """
    n_rows = len(target)
    n_val = _count_rows("val_size", val_size, n_rows)
    n_test = _count_rows("test_size", test_size, n_rows)
    n_parts = 3 if n_test or test_size else 2
    strata = np.zeros(n_rows, dtype=np.intp)
    if target.dtype.kind != "f":
        labels, strata = np.unique(target, return_inverse=True)
        _check_classes(labels, np.bincount(strata), n_parts)
    _check_parts(n_rows, n_val, n_test, n_parts, int(strata.max(initial=0)) + 1)
    rest = np.arange(n_rows)
    val = _take(rest, strata, n_val, n_parts - 1, rng)
    rest = np.setdiff1d(rest, val)
    test = _take(rest, strata[rest], n_test, 1, rng) if n_test else rest[:0]
    return Split(np.setdiff1d(rest, test), val, test)


def _take(
    rows: IntArray, strata: IntArray, n_take: int, n_left: int, rng: np.random.Generator
) -> IntArray:
    """Take rows of every stratum in proportion, leaving at least ``n_left`` of each."""
    order = rng.permutation(len(rows))
    order = order[np.argsort(strata[order], kind="stable")]
    stratum = strata[order]
    counts = np.bincount(stratum)
    rank = np.arange(len(rows)) - (np.cumsum(counts) - counts)[stratum]
    position = (rank + rng.random(len(counts))[stratum]) / counts[stratum]
    position[rank == 0] = -1.0
    position[rank >= counts[stratum] - n_left] = np.inf
    taken: IntArray = np.sort(rows[order[np.argsort(position, kind="stable")[:n_take]]])
    return taken


def _count_rows(name: str, size: float, n_rows: int) -> int:
    if 0 <= size < 1:
        return round(size * n_rows)
    if size >= 1 and float(size).is_integer():
        return int(size)
    raise InputError(
        f"{name} is {size}. Give a share of the rows between 0 and 1, or a whole "
        "number of rows."
    )


def _check_classes(
    labels: NDArray[Any], counts: NDArray[np.intp], n_parts: int
) -> None:
    if len(labels) < 2:
        raise DatasetError(
            f"The target has one class only ({labels[0]!s}, {counts[0]} rows). Choose "
            "another target column, or rows of at least two classes."
        )
    rare = np.flatnonzero(counts < n_parts)
    if len(rare):
        named = ", ".join(f"{labels[i]!s} ({counts[i]} rows)" for i in rare[:5])
        raise DatasetError(
            f"{len(rare)} of the {len(labels)} classes of the target have fewer than "
            f"{n_parts} rows and cannot be in each of the {n_parts} parts: {named}. "
            "Leave those rows out or merge the classes; if the target is a number and "
            "not a class, ask for task='regression' (--task regression)."
        )


def _check_parts(
    n_rows: int, n_val: int, n_test: int, n_parts: int, n_classes: int
) -> None:
    n_train = n_rows - n_val - n_test
    smallest = min(n_train, n_val, n_test) if n_parts == 3 else min(n_train, n_val)
    if smallest < n_classes:
        raise DatasetError(
            f"A table of {n_rows} rows was to be split into {n_train} training, "
            f"{n_val} validation and {n_test} test rows, but each part needs at least "
            f"{n_classes} (one per class). Give more rows, or other sizes by val_size "
            "and test_size."
        )
