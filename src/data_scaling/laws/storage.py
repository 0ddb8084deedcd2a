"""Files of laws: NumPy's ``.npz`` without pickle, with a header that names the kind."""

import json
import os
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._files import write_whole
from data_scaling.errors import InputError

FORMAT = "data_scaling laws"
VERSION = 1


def save_laws(path: str | os.PathLike[str], kind: str, laws: Any) -> None:
    """Write the fields of laws of one kind to a file, whole or not at all."""
    arrays: dict[str, Any] = {
        field.name: np.asarray(getattr(laws, field.name)) for field in fields(laws)
    }
    header = json.dumps({"format": FORMAT, "version": VERSION, "kind": kind})
    with write_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, header=np.array(header), **arrays)


def read_arrays(path: str | os.PathLike[str]) -> tuple[str, dict[str, NDArray[Any]]]:
    """Return the kind and the arrays of a file of laws.

    Raises
    ------
    InputError
        If the file is no file of laws, is damaged, or is of another version.
    FileNotFoundError
        If there is no such file.
    """
    try:
        # Opened here, as NumPy leaves a damaged file open.
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays.pop("header")))
        kind, version = str(header["kind"]), header["version"]
        is_ours = header["format"] == FORMAT
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not a file of laws, or is damaged ({error}). Give a file that "
            "laws.save wrote."
        ) from error
    if not is_ours or version != VERSION:
        raise InputError(
            f"{path} holds {header['format']!r}, version {version}, but this program "
            f"reads {FORMAT!r}, version {VERSION}. Update data-scaling, or save the "
            "laws anew."
        )
    return kind, arrays
