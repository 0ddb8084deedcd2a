"""A prepared dataset as a folder: arrays without pickle, and a JSON file about them.

::

    FOLDER/dataset.json   name, task, classes, shapes, features, provenance, fingerprint
    FOLDER/arrays.npz     features and targets of the three parts, row identifiers
    FOLDER/previews.npz   what a person is shown of each training row
"""

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from numpy.typing import NDArray

from data_scaling._files import write_whole
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.preview import Previews
from data_scaling.errors import DatasetError

FORMAT = 1
_RECORD, _ARRAYS, _PREVIEWS = "dataset.json", "arrays.npz", "previews.npz"
_PARTS = ("train", "val", "test")


def save_dataset(dataset: Dataset, folder: str | os.PathLike[str]) -> Path:
    """Write a dataset into a folder, for :func:`load_dataset` to read.

    Parameters
    ----------
    dataset : Dataset
        What is written, previews and provenance included.
    folder : path
        Where; a dataset that is there is replaced.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    DatasetError
        If the folder cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> from data_scaling.datasets import load_dataset, save_dataset
    >>> dataset = load_dataset("wine")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_dataset(save_dataset(dataset, folder))
    >>> again.fingerprint == dataset.fingerprint
    True
    """
    place = Path(folder)
    try:
        # The record is removed first and comes back last: a folder that has one is
        # whole.
        (place / _RECORD).unlink(missing_ok=True)
        _write_arrays(place / _ARRAYS, _list_arrays(dataset), compressed=False)
        packed = _pack_previews(dataset.previews)
        _write_arrays(place / _PREVIEWS, packed, compressed=True)
        with write_whole(place / _RECORD) as temporary:
            temporary.write_text(_to_json(_describe(dataset)), encoding="utf-8")
    except OSError as error:
        raise DatasetError(
            f"The dataset cannot be written to {place} ({error}). Give another folder."
        ) from error
    return place


def is_prepared(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a prepared dataset.

    Parameters
    ----------
    folder : path
        It need not exist.

    Examples
    --------
    >>> from data_scaling.datasets import is_prepared
    >>> is_prepared("nowhere")
    False
    """
    return (Path(folder) / _RECORD).is_file()


def load_prepared(folder: Path) -> Dataset:
    """Read a dataset that :func:`save_dataset` wrote.

    Raises
    ------
    DatasetError
        If a file is missing, damaged, or not of the same dataset as the others.
    """
    record = _read_record(folder / _RECORD)
    arrays = _read_arrays(folder / _ARRAYS)
    try:
        dataset = _build(record, arrays, _read_arrays(folder / _PREVIEWS))
    except (KeyError, IndexError, TypeError) as error:
        raise DatasetError(
            f"The dataset in {folder} lacks {error}. Prepare it again."
        ) from error
    if dataset.fingerprint != record["fingerprint"]:
        raise DatasetError(
            f"The arrays in {folder} have the fingerprint {dataset.fingerprint}, but "
            f"{_RECORD} says {record['fingerprint']}. Prepare the dataset again."
        )
    return dataset


def _describe(dataset: Dataset) -> dict[str, Any]:
    balance = {}
    if dataset.task == "classification":
        counts = np.bincount(dataset.y_train, minlength=len(dataset.classes))
        balance = dict(zip(dataset.classes, counts.tolist(), strict=True))
    return {
        "format": FORMAT,
        "name": dataset.name,
        "task": dataset.task,
        "fingerprint": dataset.fingerprint,
        "rows": {part: len(getattr(dataset, f"x_{part}")) for part in _PARTS},
        "classes": list(dataset.classes),
        "training_rows_of_class": balance,
        "n_features": dataset.n_features,
        "feature_names": list(dataset.feature_names),
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "provenance": dataset.provenance,
    }


def _to_json(record: Mapping[str, Any]) -> str:
    """Return a record with one line per entry: lists of names and rows are long."""
    lines = [f"  {json.dumps(name)}: {json.dumps(v)}" for name, v in record.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _list_arrays(dataset: Dataset) -> dict[str, NDArray[Any]]:
    names = [f"{axis}_{part}" for part in _PARTS for axis in "xy"]
    return {name: getattr(dataset, name) for name in (*names, "row_ids")}


def _build(
    record: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    packed: Mapping[str, NDArray[Any]],
) -> Dataset:
    has_test = len(arrays["y_test"]) > 0
    return Dataset(
        arrays["x_train"],
        arrays["y_train"],
        arrays["x_val"],
        arrays["y_val"],
        arrays["x_test"] if has_test else None,
        arrays["y_test"] if has_test else None,
        name=record["name"],
        row_ids=arrays["row_ids"],
        feature_names=record["feature_names"],
        previews=_unpack_previews(packed),
        provenance=record["provenance"],
        classes=record["classes"] or None,
    )


def _pack_previews(previews: Previews) -> dict[str, NDArray[Any]]:
    """Return previews as arrays: strings and images as bytes with their lengths."""
    arrays: dict[str, NDArray[Any]] = {"n_rows": np.array(previews.n_rows)}
    arrays |= _pack("texts", [text.encode() for text in previews.texts])
    arrays |= _pack("thumbnails", previews.thumbnails)
    arrays |= _pack("names", [name.encode() for name in previews.columns])
    for i, values in enumerate(previews.columns.values()):
        if values.dtype.kind in "biuf":
            arrays[f"column{i}"] = values
        else:
            strings = ["" if value is None else str(value) for value in values]
            arrays |= _pack(f"column{i}", [value.encode() for value in strings])
    return arrays


def _unpack_previews(arrays: Mapping[str, NDArray[Any]]) -> Previews:
    columns: dict[str, NDArray[Any]] = {}
    for i, name in enumerate(_unpack(arrays, "names")):
        if f"column{i}" in arrays:
            columns[name.decode()] = arrays[f"column{i}"]
        else:
            values = [value.decode() for value in _unpack(arrays, f"column{i}")]
            columns[name.decode()] = np.array(values, dtype=object)
    return Previews(
        int(arrays["n_rows"]),
        [text.decode() for text in _unpack(arrays, "texts")],
        columns,
        _unpack(arrays, "thumbnails"),
    )


def _pack(name: str, values: Sequence[bytes]) -> dict[str, NDArray[Any]]:
    return {
        f"{name}_bytes": np.frombuffer(b"".join(values), dtype=np.uint8),
        f"{name}_lengths": np.array([len(value) for value in values], dtype=np.int64),
    }


def _unpack(arrays: Mapping[str, NDArray[Any]], name: str) -> list[bytes]:
    content = arrays[f"{name}_bytes"].tobytes()
    ends = np.cumsum(arrays[f"{name}_lengths"]).tolist()
    return [content[start:end] for start, end in pairwise([0, *ends])]


def _write_arrays(
    path: Path, arrays: Mapping[str, NDArray[Any]], *, compressed: bool
) -> None:
    write = np.savez_compressed if compressed else np.savez
    with write_whole(path) as temporary, temporary.open("wb") as file:
        write(file, **arrays)  # type: ignore[arg-type]  # a mapping of arrays alone


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        # Opened here, as NumPy leaves a damaged file open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise DatasetError(
            f"{path} cannot be read ({error}). Prepare the dataset again."
        ) from error


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        written = record["format"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path} cannot be read ({error}). Prepare the dataset again."
        ) from error
    if written != FORMAT:
        raise DatasetError(
            f"{path} is of format {written}; this version reads format {FORMAT}. "
            "Prepare the dataset again."
        )
    return record
