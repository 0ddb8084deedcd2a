"""Reading files of numbers alone: columns between blanks or commas, and ARFF."""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import arff

from data_scaling._typing import FloatArray
from data_scaling.datasets.labelled_items import select_columns
from data_scaling.datasets.table_files import read_frame
from data_scaling.errors import DatasetError


def read_number_lines(
    name: str, lines: Iterable[bytes], n_columns: int, *, separator: bytes | None = None
) -> FloatArray:
    """Read lines of numbers, blank lines left out.

    Parameters
    ----------
    name : str
        What messages call the file.
    lines : iterable of bytes
        The lines; the first is line 1 of the messages unless ``lines`` says otherwise.
    n_columns : int
        Numbers on each line.
    separator : bytes, optional
        What separates them; any blanks by default.

    Returns
    -------
    (n_rows, n_columns) float64 array

    Raises
    ------
    DatasetError
        If a line has another number of fields, or one that is no finite number.
    """
    row_type = np.dtype((np.float64, n_columns))
    parsed = _parse_lines(name, lines, n_columns, separator)
    rows: FloatArray = np.fromiter(parsed, dtype=row_type)
    finite = np.isfinite(rows)
    if not finite.all():
        row, column = (int(i) for i in np.argwhere(~finite)[0])
        raise DatasetError(
            f"{name}: column {column + 1} of row {row} is {rows[row, column]}, which "
            "is no finite number. Get the original file again."
        )
    return rows


def _parse_lines(
    name: str, lines: Iterable[bytes], n_columns: int, separator: bytes | None
) -> Iterator[list[float]]:
    for number, line in enumerate(lines, start=1):
        fields = line.split(separator)
        if not line.strip():
            continue
        if len(fields) != n_columns:
            raise DatasetError(
                f"{name}, line {number}: {len(fields)} fields, but it should have "
                f"{n_columns}. Get the original file again."
            )
        try:
            yield [float(field) for field in fields]
        except ValueError as error:
            raise DatasetError(
                f"{name}, line {number}: {error}. Get the original file again."
            ) from error


def read_lines(path: Path) -> Iterator[bytes]:
    """Read the lines of a file, plain or gzipped.

    Raises
    ------
    DatasetError
        If the gzip stream is damaged or ends early, or the file cannot be read.
    """
    n_read = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                yield line
                n_read += 1
    except (EOFError, zlib.error, OSError) as error:
        raise DatasetError(
            f"{path}, after line {n_read}: the file is damaged or ends early "
            f"({error}). Get the file again."
        ) from error


def read_openml(
    path: Path, targets: Sequence[str]
) -> tuple[FloatArray, list[str], list[str]]:
    """Read a table of OpenML, ARFF or Parquet: numbers, and a target.

    Parameters
    ----------
    path : Path
        A ``.arff``, ``.parquet`` or ``.pq`` file.
    targets : sequence of str
        Names that the target column may have.

    Returns
    -------
    numbers : (n_rows, n_columns) float64 array
        All other columns.
    names : list of str
        Their names.
    labels : list of (n_rows,) str
        The target, as it is written.

    Raises
    ------
    DatasetError
        If the file is damaged, lacks the target, or holds what is no number.
    """
    columns = _read_arff(path) if path.suffix == ".arff" else _read_parquet(path)
    target = next((name for name in targets if name in columns), None)
    if target is None:
        raise DatasetError(
            f"{path} has no column {' or '.join(map(repr, targets))}. Its columns are "
            f"{', '.join(map(repr, list(columns)[:60]))}. Get the original file again."
        )
    labels = [str(value) for value in columns.pop(target)]
    try:
        numbers = np.column_stack(
            [np.asarray(values, dtype=np.float64) for values in columns.values()]
        )
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"{path}: not all columns are numbers ({error}). Get the original file "
            "again."
        ) from error
    return numbers, list(columns), labels


def _read_arff(path: Path) -> dict[str, Sequence[Any]]:
    text = b"".join(read_lines(path)).decode("utf-8", "replace")
    try:
        rows, meta = arff.loadarff(io.StringIO(text))
    except (arff.ArffError, ValueError, IndexError, StopIteration) as error:
        raise DatasetError(
            f"{path} cannot be read as ARFF ({error}). Get the file again."
        ) from error
    return {
        name: [v.decode() if isinstance(v, bytes) else v for v in rows[name].tolist()]
        for name in meta.names()
    }


def _read_parquet(path: Path) -> dict[str, Sequence[Any]]:
    frame = read_frame(path)
    names = [str(name) for name in frame.columns]
    checked = select_columns(path, frame, names)
    return {name: checked[name].tolist() for name in names}
