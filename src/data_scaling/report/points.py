"""What a run keeps of its dataset: identifiers, targets and previews of the points.

One ``.npz`` file without pickle: arrays of numbers, and texts as UTF-8 in one row of
bytes beside the places where each text ends.
"""

import json
import math
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._files import write_whole
from data_scaling.datasets import Dataset, Previews
from data_scaling.datasets.preview import MAX_FIELDS
from data_scaling.errors import InputError

POINTS_FILE = "points.npz"
_FORMAT, _VERSION = "data_scaling points", 1


@dataclass(frozen=True, eq=False)
class PointTable:
    """The points of a pool as a person knows them.

    Attributes
    ----------
    dataset, fingerprint : str
        Name of the dataset and digest of its arrays.
    n_features, n_validation : int
        Columns of the features, and rows of the validation part.
    row_ids : (n_pool,) int64 or str array
        Identifier of each point in the user's own table.
    target : (n_pool,) int64 or float64 array
        Code of the class, its position in ``classes``; in a regression the target.
    classes : tuple of str
        Names of the classes; empty in a regression.
    previews : Previews
        What a person sees of each point; of no rows if nothing is kept.
    are_features : bool
        Whether the previews show the features that the learner sees, as the dataset
        has no previews of its own.
    """

    dataset: str
    fingerprint: str
    n_features: int
    n_validation: int
    row_ids: NDArray[Any]
    target: NDArray[Any]
    classes: tuple[str, ...]
    previews: Previews
    are_features: bool = False

    @classmethod
    def of(cls, dataset: Dataset) -> "PointTable":
        """Return the points of a dataset's pool.

        A dataset without previews is shown by its first features.

        Examples
        --------
        >>> from data_scaling.datasets import Dataset
        >>> from data_scaling.report.points import PointTable
        >>> dataset = Dataset([[0.5], [1.0]], ["a", "b"], [[0.2], [0.9]], ["a", "b"])
        >>> PointTable.of(dataset).previews[0].fields
        (('x0', '0.5'),)
        """
        previews = dataset.previews
        are_features = not len(previews)
        if are_features:
            names = dataset.feature_names[:MAX_FIELDS]
            columns = {name: dataset.x_train[:, j] for j, name in enumerate(names)}
            previews = Previews(dataset.n_points, columns=columns)
        return cls(
            dataset.name,
            dataset.fingerprint,
            dataset.n_features,
            len(dataset.x_val),
            dataset.row_ids,
            dataset.y_train,
            dataset.classes,
            previews,
            are_features,
        )


def save_points(path: str | os.PathLike[str], dataset: Dataset) -> None:
    """Write what a report shows of a dataset's points to one ``.npz`` file.

    Parameters
    ----------
    path : path
        Where to; the file appears whole or not at all.
    dataset : Dataset
        Its pool's row identifiers, targets and previews are kept.

    Examples
    --------
    >>> import tempfile
    >>> from data_scaling.datasets import Dataset
    >>> from data_scaling.report import load_points, save_points
    >>> dataset = Dataset(
    ...     [[0.0], [1.0]], ["no", "yes"], [[0.2], [0.9]], ["no", "yes"],
    ...     row_ids=["first", "second"],
    ... )
    >>> path = tempfile.mkdtemp() + "/points.npz"
    >>> save_points(path, dataset)
    >>> load_points(path).row_ids.tolist()
    ['first', 'second']
    """
    table = PointTable.of(dataset)
    shown = table.previews
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "dataset": table.dataset,
        "fingerprint": table.fingerprint,
        "n_features": table.n_features,
        "n_validation": table.n_validation,
        "classes": table.classes,
        "are_features": table.are_features,
        "columns": list(shown.columns),
        "n_previews": len(shown),
    }
    arrays = {"row_ids": table.row_ids, "target": table.target}
    arrays |= _pack("texts", [text.encode() for text in shown.texts])
    arrays |= _pack("thumbnails", shown.thumbnails)
    for j, values in enumerate(shown.columns.values()):
        if values.dtype.kind in "biuf":
            arrays[f"column{j}"] = values
        else:
            arrays |= _pack(f"column{j}", [_to_bytes(value) for value in values])
    with write_whole(path) as temporary, temporary.open("wb") as file:
        packed: dict[str, Any] = {"header": np.array(json.dumps(header)), **arrays}
        np.savez_compressed(file, **packed)


def load_points(path: str | os.PathLike[str]) -> PointTable:
    """Read what :func:`save_points` wrote.

    Raises
    ------
    InputError
        If the file is no such file, is damaged, or is of another version.
    FileNotFoundError
        If there is no such file.
    """
    try:
        # Opened here, as NumPy leaves a damaged file open.
        with Path(path).open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        header = json.loads(str(arrays.pop("header")))
        if (header["format"], header["version"]) != (_FORMAT, _VERSION):
            raise ValueError(f"it is {header['format']} {header['version']}")
        columns = {
            name: _column(arrays, f"column{j}")
            for j, name in enumerate(header["columns"])
        }
        texts = [text.decode() for text in _unpack(arrays, "texts")]
        thumbnails = _unpack(arrays, "thumbnails")
        previews = Previews(header["n_previews"], texts, columns, thumbnails)
        return PointTable(
            header["dataset"],
            header["fingerprint"],
            header["n_features"],
            header["n_validation"],
            arrays["row_ids"],
            arrays["target"],
            tuple(header["classes"]),
            previews,
            header["are_features"],
        )
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is not a file of points of this version, or is damaged "
            f"({error}). Give the run's command again, which writes it anew."
        ) from error


def _to_bytes(value: object) -> bytes:
    is_missing = value is None or (isinstance(value, float) and math.isnan(value))
    return b"" if is_missing else str(value).encode()


def _pack(name: str, pieces: Sequence[bytes]) -> dict[str, NDArray[Any]]:
    """Return pieces of bytes as one array, and where each of them ends."""
    if not len(pieces):
        return {}
    ends = np.cumsum([len(piece) for piece in pieces])
    joined = np.frombuffer(b"".join(pieces), dtype=np.uint8)
    return {name: joined, f"{name}_ends": ends.astype(np.int64)}


def _unpack(arrays: dict[str, NDArray[Any]], name: str) -> list[bytes]:
    if name not in arrays:
        return []
    joined, ends = arrays[name].tobytes(), arrays[f"{name}_ends"].tolist()
    return [joined[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _column(arrays: dict[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if f"{name}_ends" not in arrays:
        return arrays[name]
    pieces = _unpack(arrays, name)
    return np.array([piece.decode() for piece in pieces], dtype=object)
