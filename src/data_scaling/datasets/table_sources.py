"""Everything that a user may hold a table in, as a pandas data frame."""

import logging
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from data_scaling._checks import require_extra
from data_scaling.datasets.saved_folders import read_saved
from data_scaling.datasets.sources import describe_source
from data_scaling.datasets.table_files import read_frame
from data_scaling.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

TARGET = "target"
_TARGET_KEYS = ("y", "target", "label", "labels")
_FEATURE_KEYS = ("x", "X", "data", "features")
_ROW_IDS = "row_ids"
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TableSource:
    """A table with what is known about it.

    Attributes
    ----------
    frame : pandas.DataFrame
        All columns, in the order of the source.
    origin : str
        What messages call it: its path, or its kind.
    name : str
        Name of the dataset, unless another is given.
    target : str or None
        The target's column, where the source says which it is.
    split : str or None
        The column that says which part a row belongs to, where the source has one.
    row_id : str or None
        What identifies the rows, where the source says it.
    folder : Path
        What relative paths of images start from.
    files : sequence of Path
        Files it was read from.
    """

    frame: "pd.DataFrame"
    origin: str
    name: str
    target: str | None = None
    split: str | None = None
    row_id: str | None = None
    folder: Path = field(default_factory=Path)
    files: Sequence[Path] = ()

    def describe(self) -> dict[str, Any]:
        """Return where the table came from, for the provenance."""
        return {"table": self.origin, **describe_source("", self.files)}


def read_source(
    source: Any, separator: str | None = None, *, verbatim: Sequence[str] = ()
) -> TableSource:
    """Return a user's table, whatever holds it.

    Parameters
    ----------
    source : path, frame, Bunch or TensorDataset
        A CSV, Parquet or npz file; a folder that a Hugging Face dataset was saved in;
        a data frame of pandas or polars (or whatever has ``to_pandas``); a ``Bunch``
        of scikit-learn; a ``TensorDataset`` of torch.
    separator : str, optional
        What separates the fields of a CSV file; see :func:`read_frame`.
    verbatim : sequence of str
        Columns of a CSV file in which every field is taken as it is written.

    Raises
    ------
    DatasetError
        If it is none of these, or cannot be read.
    MissingExtraError
        If pandas or pyarrow is not installed (the extra ``data``).
    """
    pandas = require_extra("pandas", "data")
    if isinstance(source, (str, os.PathLike)):
        return _read_path(Path(source), separator, verbatim)
    if isinstance(source, pandas.DataFrame):
        return TableSource(_name_columns(source), "the data frame", "table")
    if isinstance(source, Bunch):
        return _read_bunch(source)
    if hasattr(source, "tensors"):
        return _read_tensors(source.tensors)
    if hasattr(source, "collect") and not hasattr(source, "to_pandas"):
        source = source.collect()  # a lazy frame of polars
    if hasattr(source, "to_pandas"):
        frame = _name_columns(source.to_pandas())
        return TableSource(frame, "the data frame", "table")
    raise DatasetError(
        f"A {type(source).__name__} is no table that can be read. Give a path, a data "
        "frame, a Bunch, a TensorDataset, or arrays to Dataset itself."
    )


def _read_path(
    path: Path, separator: str | None, verbatim: Sequence[str]
) -> TableSource:
    if path.is_dir():
        frame, split, files = read_saved(path)
        return TableSource(
            frame, str(path), path.name, split=split, folder=path, files=files
        )
    if path.suffix.lower() == ".npz":
        return _read_npz(path)
    name = path.name.partition(".")[0]
    frame = read_frame(path, separator, verbatim=verbatim)
    return TableSource(frame, str(path), name, folder=path.parent, files=[path])


def _name_columns(frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return a frame whose columns are named by strings, each once."""
    names = [str(name) for name in frame.columns]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise DatasetError(
            "The data frame has several columns of the same name: "
            f"{', '.join(sorted(repeated)[:5])}. Rename or remove them."
        )
    return frame.set_axis(names, axis="columns")


def _read_npz(path: Path) -> TableSource:
    try:
        # Opened here, as NumPy leaves a damaged file open.
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(
            f"{path} cannot be read as arrays without pickle ({error}). Write numbers "
            "or strings by numpy.savez."
        ) from error
    x = next((arrays[name] for name in _FEATURE_KEYS if name in arrays), None)
    y = next((arrays[name] for name in _TARGET_KEYS if name in arrays), None)
    if x is None or y is None:
        raise DatasetError(
            f"{path} holds the arrays {', '.join(map(repr, arrays))}. Name the "
            f"features {' or '.join(_FEATURE_KEYS)}, and the target "
            f"{' or '.join(_TARGET_KEYS)}."
        )
    frame = _join(str(path), x, y, arrays.pop("feature_names", None))
    row_ids = arrays.pop(_ROW_IDS, None)
    if row_ids is not None:
        frame.index = _make_index(path, row_ids, len(frame))
    unread = [
        name for name, array in arrays.items() if array is not x and array is not y
    ]
    if unread:
        _logger.warning("%s: the arrays %s are not read.", path, ", ".join(unread))
    row_id = _ROW_IDS if row_ids is not None else None
    return TableSource(frame, str(path), path.stem, TARGET, row_id=row_id, files=[path])


def _make_index(path: Path, row_ids: NDArray[Any], n_rows: int) -> "pd.Index[Any]":
    pandas = require_extra("pandas", "data")
    if row_ids.shape != (n_rows,):
        raise DatasetError(
            f"{path} has {_ROW_IDS} of shape {row_ids.shape} for {n_rows} rows. Give "
            "one identifier for each row."
        )
    index: pd.Index[Any] = pandas.Index(row_ids, name=_ROW_IDS)
    return index


def _read_bunch(bunch: Bunch) -> TableSource:
    lacking = [key for key in ("data", "target") if bunch.get(key) is None]
    if lacking:
        raise DatasetError(
            f"The Bunch has no {' and no '.join(lacking)}. Give one with both, as "
            "scikit-learn's loaders return with return_X_y=False."
        )
    target = np.asarray(bunch.target)
    names = bunch.get("target_names")
    if target.dtype.kind in "iu" and names is not None and len(names) > target.max():
        target = np.asarray(names).astype(str)[target]
    if hasattr(bunch.data, "columns"):
        frame = _add_target("the Bunch", _name_columns(bunch.data), target)
    else:
        frame = _join("the Bunch", bunch.data, target, bunch.get("feature_names"))
    return TableSource(frame, "the Bunch", "bunch", TARGET)


def _read_tensors(tensors: Sequence[Any]) -> TableSource:
    if len(tensors) != 2:
        raise DatasetError(
            f"The TensorDataset has {len(tensors)} tensors. Give two: features and "
            "targets."
        )
    x, y = (tensor.detach().cpu().numpy() for tensor in tensors)
    return TableSource(
        _join("the TensorDataset", x, y, None), "the TensorDataset", "tensors", TARGET
    )


def _join(
    origin: str, x: Any, y: NDArray[Any], feature_names: Sequence[Any] | None
) -> "pd.DataFrame":
    """Return features and target as one frame; more axes than two become columns."""
    pandas = require_extra("pandas", "data")
    rows = x.toarray() if hasattr(x, "toarray") else np.asarray(x)
    targets = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    if rows.ndim < 2 or targets.shape != (len(rows),):
        raise DatasetError(
            f"{origin} has features of shape {rows.shape} and targets of shape "
            f"{y.shape}. Give a matrix of features and one target for each row."
        )
    flat = rows.reshape(len(rows), -1)
    names = [f"x{i}" for i in range(flat.shape[1])]
    if feature_names is not None and len(feature_names) == flat.shape[1]:
        names = [str(name) for name in feature_names]
    return _add_target(origin, pandas.DataFrame(flat, columns=names), targets)


def _add_target(
    origin: str, features: "pd.DataFrame", target: NDArray[Any]
) -> "pd.DataFrame":
    if TARGET in features.columns:
        raise DatasetError(
            f"{origin} has a feature named {TARGET!r} beside its target, which goes by "
            "that name. Rename the feature."
        )
    return features.assign(**{TARGET: target})
