"""Finding source files and reading their lines, plain or gzipped."""

import csv
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from data_scaling.errors import DatasetError

DATA_DIR_VARIABLE = "DATA_SCALING_DATA"


def find_source_file(
    data_dir: str | os.PathLike[str] | None, file_name: str, origin: str
) -> Path:
    """Return the path of a source file, or of its gzipped form.

    Parameters
    ----------
    data_dir : path or None
        Folder to look in; None means the folder that the environment variable
        ``DATA_SCALING_DATA`` names.
    file_name : str
        Name of the original file, without ``.gz``.
    origin : str
        Where a person gets the file, for the message.

    Raises
    ------
    DatasetError
        If no folder is named, or neither form of the file is in it.
    """
    folder = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    wanted = f"{file_name} or {file_name}.gz"
    if not folder:
        raise DatasetError(
            f"This dataset needs the file {wanted}, but no folder was named. Get it "
            f"from {origin} and name its folder by data_dir or by the environment "
            f"variable {DATA_DIR_VARIABLE}."
        )
    for candidate in (Path(folder) / file_name, Path(folder) / f"{file_name}.gz"):
        if candidate.is_file():
            return candidate
    raise DatasetError(
        f"This dataset needs the file {wanted}, which is not in {folder}. Get it from "
        f"{origin} and put it there."
    )


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
