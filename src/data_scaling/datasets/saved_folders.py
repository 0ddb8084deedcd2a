"""Folders that ``Dataset.save_to_disk`` of Hugging Face wrote, as data frames.

The files are Arrow streams, so that the package ``datasets`` is not needed.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_scaling._checks import require_extra
from data_scaling.datasets.splits import PARTS
from data_scaling.datasets.table_files import restore_index
from data_scaling.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd

SPLIT = "split"
_logger = logging.getLogger(__name__)


def read_saved(path: Path) -> tuple["pd.DataFrame", str | None, Sequence[Path]]:
    """Read a dataset, or a dictionary of its parts.

    The parts are kept if there is a training and a validation part; else they are
    pooled, which is said.

    Parameters
    ----------
    path : Path
        The folder.

    Returns
    -------
    frame : pandas.DataFrame
        All rows; those of parts are named by part and number, as ``train/7``.
    split : str or None
        The column that says which part a row belongs to, if there is one.
    files : sequence of Path
        Files it was read from.

    Raises
    ------
    DatasetError
        If it is no such folder, or damaged.
    """
    parts = _read_json(path / "dataset_dict.json").get("splits", [])
    if not parts:
        return _read_part(path), None, sorted(path.glob("*.arrow"))
    frames = {part: _read_part(path / part) for part in map(str, parts)}
    is_split = {PARTS.get(part) for part in frames} >= {"train", "val"}
    if not is_split and len(frames) > 1:
        _logger.warning(
            "%s has the parts %s, but not both train and validation: their rows are "
            "pooled and split anew.",
            path,
            ", ".join(frames),
        )
    split = SPLIT if is_split else None
    return _pool(path, frames, split), split, sorted(path.glob("*/*.arrow"))


def _pool(
    path: Path, frames: dict[str, "pd.DataFrame"], split: str | None
) -> "pd.DataFrame":
    """Return all parts as one frame, with a column of their names if one is named."""
    pandas = require_extra("pandas", "data")
    taken = [part for part, frame in frames.items() if split in frame.columns]
    if taken:
        raise DatasetError(
            f"{path} has a column named {split!r} in the part {taken[0]!r}, beside the "
            "parts themselves, which go by that name. Rename the column."
        )
    if split:
        frames = {p: frame.assign(**{split: p}) for p, frame in frames.items()}
    named = [
        frame.set_axis([f"{part}/{row}" for row in frame.index], axis="index")
        for part, frame in frames.items()
    ]
    pooled: pd.DataFrame = pandas.concat(named)
    return pooled


def _read_part(folder: Path) -> "pd.DataFrame":
    state = _read_json(folder / "state.json")
    if "_data_files" not in state:
        raise DatasetError(
            f"{folder} is no folder of a dataset: neither one that data-scaling "
            "preprocess wrote, nor one that Dataset.save_to_disk of Hugging Face "
            "wrote. Give one of these, or a file."
        )
    arrow = require_extra("pyarrow", "data")
    tables = []
    for entry in state["_data_files"]:
        path = folder / Path(entry["filename"]).name
        try:
            with arrow.memory_map(str(path)) as mapped:
                tables.append(arrow.ipc.open_stream(mapped).read_all())
        except (arrow.ArrowException, OSError) as error:
            raise DatasetError(
                f"{path} cannot be read as Arrow ({error}). Save the dataset again."
            ) from error
    frame: pd.DataFrame = arrow.concat_tables(tables).to_pandas()
    features = _read_json(folder / "dataset_info.json").get("features") or {}
    for name, feature in features.items():
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
            frame[name] = [_name_label(feature["names"], code) for code in frame[name]]
    return restore_index(frame)


def _name_label(names: list[str], code: Any) -> str | None:
    """Return the name of a class; a missing one is -1 or null."""
    return names[int(code)] if code is not None and code >= 0 else None


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read ({error}). Save the dataset again."
        ) from error
    return record
