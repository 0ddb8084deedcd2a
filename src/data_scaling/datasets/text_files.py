"""Reading the rows of delimited text files, plain or gzipped."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from data_scaling.errors import DatasetError

_LONGEST_FIELD = 2**31 - 1
"""Characters of the longest field, which is as many as the reader can count."""


def read_rows(
    path: Path, *, separator: str = ",", skip_initial_space: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Read the rows of a delimited text file, blank lines left out.

    Yields
    ------
    line : int
        Line on which the row ends, the first is 1.
    fields : list of str
        The row's fields.

    Raises
    ------
    DatasetError
        If the file cannot be read as delimited UTF-8 text to its end.
    """
    line = 0
    csv.field_size_limit(_LONGEST_FIELD)  # of 131,072 otherwise: long texts are longer
    try:
        with _open_text(path) as file:
            reader = csv.reader(
                file, delimiter=separator, skipinitialspace=skip_initial_space
            )
            for fields in reader:
                line = reader.line_num
                if fields:
                    yield line, fields
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(
            f"{path}, after line {line}: the gzip stream is damaged or ends early "
            f"({error}). Get the file again."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(
            f"{path}, after line {line}: not delimited UTF-8 text ({error}). Save the "
            "file as UTF-8 CSV."
        ) from error
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read ({error}). Check the path and its permissions."
        ) from error


def _open_text(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
