"""CIFAR-10: small photographs of ten kinds of things.

References
----------
.. [1] Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling.datasets.archives import read_members
from data_scaling.datasets.array_pickles import read_array_pickle
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.features import FeatureOptions
from data_scaling.datasets.images import ImageSource
from data_scaling.datasets.labelled_items import (
    LabelledItems,
    name_classes,
    select_columns,
)
from data_scaling.datasets.preparation import make_item_table, prepare_dataset
from data_scaling.datasets.sources import (
    SourceFile,
    describe_source,
    find_source,
    warn_of_size,
)
from data_scaling.datasets.splits import Split, split_rows
from data_scaling.datasets.table_files import read_frame
from data_scaling.errors import DatasetError

SOURCE = SourceFile(
    "cifar-10-python.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    "https://www.cs.toronto.edu/~kriz/cifar.html",
)
FORMS = (
    SOURCE.name,
    "cifar-10-batches-py",
    "cifar10.parquet",
    "cifar10_jpeg_20k.parquet",
)
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
N_ROWS = 60_000
N_VAL = 1_000
_SIDE = 32
_BATCH = re.compile(r"(?:^|/)(data_batch_[1-5]|test_batch)$")
_IMAGE_COLUMNS = ("jpeg", "image", "img", "png")


def load_cifar10(
    data_dir: str | os.PathLike[str] | None, seed: int, features: FeatureOptions
) -> Dataset:
    """Read the images; the published training part is the training part.

    Of the published test part, 1,000 images, drawn by the seed and stratified, are the
    validation part, and the other 9,000 the test part, as in the paper. Row
    identifiers count the images in the published order, those of the test part last.

    Parameters
    ----------
    data_dir : path or None
        Folder with one of the ``FORMS``; see :func:`find_source`. A Parquet file has
        the columns ``image`` (or ``jpeg``, ``img``, ``png``; bytes of an image file),
        ``label`` (0 to 9 or a name) and ``split`` (train or test).
    seed : int
        Seed of the validation part.
    features : FeatureOptions
        How images become features.

    Raises
    ------
    DatasetError
        If the file is missing or damaged.
    InputError
        If the features are of another kind.
    """
    features.find_kind("images")  # before anything is downloaded
    path = find_source(data_dir, FORMS, SOURCE)
    read = _read_table if path.suffix == ".parquet" else _read_batches
    images, is_test = read(path)
    warn_of_size(path, len(images.items), N_ROWS)
    return prepare_dataset(
        make_item_table(images.labels, images.row_ids, images=images.items),
        name="cifar10",
        seed=seed,
        features=features,
        split=_split(path, images.labels, is_test, seed),
        source=describe_source(SOURCE.page, [path]),
    )


def _split(
    path: Path, labels: NDArray[np.str_], is_test: NDArray[np.bool_], seed: int
) -> Split:
    train, held_out = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    if not len(train) or not len(held_out):
        raise DatasetError(
            f"{path} holds {len(train)} training and {len(held_out)} test images. Give "
            "both parts."
        )
    rng = np.random.default_rng(seed)
    n_val = min(N_VAL, len(held_out) // 2)
    parts = split_rows(labels[held_out], rng, val_size=n_val, test_size=0)
    return Split(train, held_out[parts.val], held_out[parts.train])


def _read_table(
    path: Path,
) -> tuple[LabelledItems[ImageSource], NDArray[np.bool_]]:
    frame = read_frame(path)
    column = next((name for name in _IMAGE_COLUMNS if name in frame.columns), "image")
    frame = select_columns(path, frame, (column, "label", "split"))
    by_number = {str(code): name for code, name in enumerate(CLASSES)}
    labels = name_classes(
        path,
        frame["label"].tolist(),
        by_number | {name: name for name in CLASSES},
    )
    parts = name_classes(
        path, frame["split"].tolist(), {"train": "train", "test": "test"}
    )
    images = [_get_bytes(path, row, v) for row, v in enumerate(frame[column].tolist())]
    return LabelledItems(images, labels, np.arange(len(frame))), parts == "test"


def _get_bytes(path: Path, row: int, value: Any) -> bytes:
    """Return the bytes of an image, which some programs put into a record."""
    content = value.get("bytes") if isinstance(value, Mapping) else value
    if not isinstance(content, bytes):
        raise DatasetError(
            f"{path}: the image of row {row} is of type {type(content).__name__}. Give "
            "the bytes of a JPEG or PNG file."
        )
    return content


def _read_batches(
    path: Path,
) -> tuple[LabelledItems[ImageSource], NDArray[np.bool_]]:
    batches = {
        Path(name).name: _read_batch(f"{path}: {name}", content)
        for name, content in read_members(path, lambda n: bool(_BATCH.search(n)))
    }
    if len(batches) < 6:
        raise DatasetError(
            f"{path} holds {len(batches)} of the six batches of CIFAR-10 "
            f"({', '.join(sorted(batches))}). Get the archive from {SOURCE.page}."
        )
    names = sorted(batches)  # test_batch is the last
    pixels = np.concatenate([batches[name][0] for name in names])
    codes = np.concatenate([batches[name][1] for name in names])
    sizes = [len(batches[name][1]) for name in names]
    is_test = np.repeat([name == "test_batch" for name in names], sizes)
    labels = np.array(CLASSES)[codes]
    return LabelledItems(list(pixels), labels, np.arange(len(labels))), is_test


def _read_batch(
    name: str, content: bytes
) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """Return images, (n_images, 32, 32, 3), and codes of classes of a batch."""
    batch = read_array_pickle(content, name)
    rows, labels = batch.get("data"), batch.get("labels")
    if not (isinstance(rows, np.ndarray) and isinstance(labels, list)):
        raise DatasetError(f"{name} has no data and labels. Get the archive again.")
    if rows.shape != (len(labels), 3 * _SIDE * _SIDE):
        raise DatasetError(
            f"{name} has data of shape {rows.shape} and {len(labels)} labels. Get the "
            "archive again."
        )
    wrong = [label for label in labels if label not in range(len(CLASSES))]
    if wrong:
        raise DatasetError(
            f"{name} has a label {wrong[0]!r}, but labels are 0 to 9. Get the archive "
            "again."
        )
    by_channel = rows.reshape(-1, 3, _SIDE, _SIDE)
    return by_channel.transpose(0, 2, 3, 1), np.array(labels, dtype=np.intp)
