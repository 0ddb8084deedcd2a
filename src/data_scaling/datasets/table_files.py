"""Reading a CSV or Parquet file into a data frame, with its damage named."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_scaling._checks import require_extra
from data_scaling.datasets.text_files import read_rows
from data_scaling.errors import DatasetError, InputError

if TYPE_CHECKING:
    import pandas as pd

_UNNAMED_INDEX = re.compile(r"__index_level_\d+__")
"""How pandas calls an index without a name where it stores it as a column."""

_MAX_DIGITS = 18
"""A longer integer may not fit into 64 bits."""


def read_frame(
    path: Path, separator: str | None = None, *, verbatim: Collection[str] = ()
) -> "pd.DataFrame":
    """Read all named columns of a table.

    Parameters
    ----------
    path : Path
        A ``.csv``, ``.tsv`` (plain or ``.gz``) or ``.parquet`` file.
    separator : str, optional
        What separates the fields of a CSV file, one character; by default a comma, or
        a tabulator in a file that ends in ``.tsv``.
    verbatim : collection of str
        Columns of a CSV file in which every field is taken as it is written: ``007``
        and ``NA`` are strings. They are integers where all are written as such.

    Returns
    -------
    pandas.DataFrame
        Rows in the order of the file, numbered from 0, or by the index that pandas
        stored in a Parquet file; without columns that have no name.

    Raises
    ------
    DatasetError
        If the file is missing, of another kind, damaged or empty, or two columns have
        the same name.
    """
    if separator is not None and len(separator) != 1:
        raise InputError(f"separator is {separator!r}. Give one character.")
    if not path.is_file():
        raise DatasetError(f"There is no file {path}. Check the path.")
    lower = path.name.lower()
    if lower.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
        usual = "\t" if lower.endswith((".tsv", ".tsv.gz")) else ","
        frame = _read_csv(path, separator or usual, verbatim)
    elif lower.endswith((".parquet", ".pq")):
        frame = _read_parquet(path)
    else:
        raise DatasetError(
            f"{path} has an ending that tells no known format. Give a file that ends "
            "in .csv, .tsv (plain or .gz) or .parquet."
        )
    if frame.empty:
        raise DatasetError(
            f"{path} holds {frame.shape[0]} rows and {frame.shape[1]} columns. Give a "
            "table with at least one of each."
        )
    return frame


def _read_csv(path: Path, separator: str, verbatim: Collection[str]) -> "pd.DataFrame":
    pandas = require_extra("pandas", "data")
    header, as_written = _check_csv(path, separator, verbatim)
    frame: pd.DataFrame = pandas.read_csv(
        path,
        sep=separator,
        names=range(len(header)),
        header=0,
        index_col=False,
        encoding="utf-8-sig",
        low_memory=False,  # in chunks, one column could get two types
    )
    named = [i for i, column in enumerate(header) if column]
    frame = frame[named]
    frame.columns = pandas.Index([header[i] for i in named])
    for column, fields in as_written.items():
        is_integers = all(map(_is_integer, fields))
        values = list(map(int, fields)) if is_integers else fields
        frame[column] = pandas.Series(values, dtype=object)
    return frame


def _is_integer(field: str) -> bool:
    """Whether a field is an integer that is written as Python would write it."""
    digits = field.removeprefix("-")
    is_short = digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS
    return is_short and str(int(field)) == field


def _check_csv(
    path: Path, separator: str, verbatim: Collection[str]
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the column names, and some columns, once no row is too short or long.

    Pandas fills up a row that is too short by missing values, and does not say so.
    """
    header: list[str] = []
    kept: dict[int, list[str]] = {}
    for line, fields in read_rows(path, separator=separator):
        if not header:
            header = [column.strip() for column in fields]
            _check_unique(path, header)
            kept = {i: [] for i, column in enumerate(header) if column in verbatim}
        elif len(fields) != len(header):
            raise DatasetError(
                f"{path}, line {line}: {len(fields)} fields, but the line of column "
                f"names has {len(header)}. Mend this row."
            )
        else:
            for i, fields_so_far in kept.items():
                fields_so_far.append(fields[i])
    if not header:
        raise DatasetError(
            f"{path} is empty. Give a table with a line of column names."
        )
    return header, {header[i]: column for i, column in kept.items()}


def _read_parquet(path: Path) -> "pd.DataFrame":
    parquet = require_extra("pyarrow.parquet", "data")
    arrow = require_extra("pyarrow", "data")
    require_extra("pandas", "data")
    try:
        table = parquet.read_table(path)
    except (arrow.ArrowException, OSError) as error:
        raise DatasetError(
            f"{path} cannot be read as Parquet ({error}). Write the file again."
        ) from error
    _check_unique(path, table.column_names)
    index_columns = (table.schema.pandas_metadata or {}).get("index_columns", [])
    stored = [name for name in index_columns if isinstance(name, str)]
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return restore_index(frame, stored)


def restore_index(
    frame: "pd.DataFrame", stored: Sequence[str] | None = None
) -> "pd.DataFrame":
    """Return a frame with the index that pandas stored in some of its columns.

    Without names of columns, those that have the name of an index without one.
    """
    if stored is None:
        stored = [name for name in frame.columns if _UNNAMED_INDEX.fullmatch(name)]
    if not stored:
        return frame
    indexed = frame.set_index(list(stored))
    if _UNNAMED_INDEX.fullmatch(stored[0]):
        indexed = indexed.rename_axis(index=None)
    return indexed


def _check_unique(path: Path, columns: list[str]) -> None:
    repeated = [name for name, n in Counter(columns).items() if n > 1 and name]
    if repeated:
        raise DatasetError(
            f"{path} has several columns of the same name: {', '.join(repeated[:5])}. "
            "Rename or remove them."
        )
