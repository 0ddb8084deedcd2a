"""Which columns of a data frame are numbers and which categories."""

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray
from data_scaling.datasets.dataset import Task
from data_scaling.datasets.preparation import RawTable
from data_scaling.errors import DatasetError, InputError

if TYPE_CHECKING:
    import pandas as pd

MAX_CLASSES = 20
"""A target of more whole numbers than this is taken for a regression's."""

MAX_CATEGORIES = 1_000
"""A categorical column of more categories is refused."""

MAX_SPARSE_CATEGORIES = 50
"""The same for a column in which a category has fewer than two rows on average."""

_Kind: TypeAlias = Literal["numeric", "categorical"]
_KINDS: dict[str, _Kind] = {
    "floating": "numeric",
    "integer": "numeric",
    "integer-na": "numeric",
    "mixed-integer-float": "numeric",
    "decimal": "numeric",
    "empty": "numeric",
    "string": "categorical",
    "boolean": "categorical",
    "categorical": "categorical",
}


def build_raw_table(
    origin: str, frame: "pd.DataFrame", labels: NDArray[Any]
) -> RawTable:
    """Sort the feature columns into numbers and categories.

    Parameters
    ----------
    origin : str
        What messages call the table.
    frame : pandas.DataFrame
        Feature columns.
    labels : (n_rows,) array
        Encoded target.

    Raises
    ------
    DatasetError
        If a column is neither, holds infinite values or has too many categories.
    """
    kinds = {str(name): _find_kind(origin, frame[name]) for name in frame.columns}
    numeric = [name for name, kind in kinds.items() if kind == "numeric"]
    categorical = [name for name, kind in kinds.items() if kind == "categorical"]
    numbers = np.empty((len(frame), len(numeric)))
    for i, name in enumerate(numeric):
        numbers[:, i] = _to_numbers(origin, frame[name])
    categories = np.empty((len(frame), len(categorical)), dtype=object)
    for i, name in enumerate(categorical):
        categories[:, i] = _to_categories(origin, frame[name])
    return RawTable(numbers, tuple(numeric), categories, tuple(categorical), labels)


def encode_target(
    origin: str, column: "pd.Series[Any]", task: Task | None
) -> NDArray[Any]:
    """Return the target as class labels or as numbers.

    Parameters
    ----------
    origin : str
        What messages call the table.
    column : pandas.Series
        The target column.
    task : {"classification", "regression"} or None
        None: a classification if the target holds strings, booleans or at most
        ``MAX_CLASSES`` different whole numbers.

    Returns
    -------
    (n_rows,) array
        float64 in a regression; int64 or strings in a classification.

    Raises
    ------
    DatasetError
        If a value is missing or infinite, or the column does not fit the task.
    InputError
        If the task is unknown.
    """
    if task not in (None, "classification", "regression"):
        raise InputError(
            f"task is {task!r}. Give 'classification', 'regression' or None."
        )
    _check_complete(origin, column)
    if _find_kind(origin, column) == "categorical":
        if task == "regression":
            return _booleans_to_numbers(origin, column)
        return np.array(column.astype(str).tolist())
    numbers = _to_numbers(origin, column)
    is_whole = bool(np.all(numbers == np.floor(numbers)))
    is_class = is_whole and len(np.unique(numbers)) <= MAX_CLASSES
    if task == "regression" or (task is None and not is_class):
        return numbers
    return numbers.astype(np.int64) if is_whole else numbers.astype(str)


def _check_complete(origin: str, column: "pd.Series[Any]") -> None:
    missing = np.flatnonzero(column.isna().to_numpy())
    if len(missing):
        raise DatasetError(
            f"{origin}: the target {column.name!r} is missing in {len(missing)} of "
            f"{len(column)} rows, the first is row {missing[0]} (from 0, after the "
            "column names). Fill in or remove those rows; in a CSV file NA, null and "
            "None count as missing too."
        )


def _find_kind(origin: str, column: "pd.Series[Any]") -> _Kind:
    pandas = require_extra("pandas", "data")
    inferred: str = pandas.api.types.infer_dtype(column, skipna=True)
    if inferred not in _KINDS:
        raise DatasetError(
            f"{origin}: column {column.name!r} holds values of the kind {inferred!r}, "
            "which are neither numbers nor categories. Convert them to one of these, "
            f"or leave the column out by drop=[{column.name!r}] (--drop)."
        )
    return _KINDS[inferred]


def _to_numbers(origin: str, column: "pd.Series[Any]") -> FloatArray:
    numbers: FloatArray = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.flatnonzero(np.isinf(numbers))
    if len(infinite):
        raise DatasetError(
            f"{origin}: column {column.name!r} is infinite in {len(infinite)} rows, "
            f"the first is row {infinite[0]} (from 0, after the column names). Leave "
            "such fields empty to have them imputed, or remove the rows."
        )
    return numbers


def _to_categories(origin: str, column: "pd.Series[Any]") -> NDArray[np.object_]:
    codes, uniques = column.factorize()
    categories = [str(value) for value in uniques]
    n_categories = len(categories)
    is_sparse = n_categories > max(MAX_SPARSE_CATEGORIES, len(column) / 2)
    if n_categories > MAX_CATEGORIES or is_sparse:
        raise DatasetError(
            f"{origin}: column {column.name!r} has {n_categories} different values in "
            f"{len(column)} rows, too many for one feature each: it looks like an "
            f"identifier or free text. Leave it out by drop=[{column.name!r}] (--drop)"
            ", or name it by row_id (--row-id) or text (--text)."
            f"{_describe_numbers(categories)}"
        )
    # The code of a missing value is -1: it takes the last place.
    with_missing = np.array([*categories, None], dtype=object)
    column_of_categories: NDArray[np.object_] = with_missing[codes]
    return column_of_categories


def _describe_numbers(categories: list[str]) -> str:
    pandas = require_extra("pandas", "data")
    numbers = pandas.to_numeric(pandas.Series(categories), errors="coerce")
    others = [categories[i] for i in np.flatnonzero(numbers.isna().to_numpy())]
    if not others or len(others) > len(categories) / 2:
        return ""
    return (
        f" Most of its values are numbers, but {len(others)} are not, such as "
        f"{others[0]!r}: leave such fields empty if they mean a missing value."
    )


def _booleans_to_numbers(origin: str, column: "pd.Series[Any]") -> FloatArray:
    values = column.tolist()
    if all(isinstance(value, bool) for value in values):
        return np.array(values, dtype=np.float64)
    raise DatasetError(
        f"{origin}: a regression was asked on the target {column.name!r}, which holds "
        f"values that are no numbers, such as {str(values[0])!r}. Choose a numeric "
        "target, or ask for task='classification' (--task)."
    )
