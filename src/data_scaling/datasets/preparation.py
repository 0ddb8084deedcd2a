"""From a raw table to a dataset: split, and every column turned into features.

Everything that is estimated (medians, categories, means, standard deviations, words,
components) is estimated on the training part alone and applied to the two others.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray, IntArray
from data_scaling.datasets.blocks import (
    Block,
    fit_categorical,
    fit_numeric,
    join_blocks,
    take_features,
)
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.features import (
    FeatureOptions,
    make_image_features,
    make_text_features,
)
from data_scaling.datasets.images import ImageSource, make_thumbnail
from data_scaling.datasets.preview import MAX_FIELDS, Previews
from data_scaling.datasets.splits import Split, split_rows
from data_scaling.errors import DatasetError

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns of a table before preparation.

    Attributes
    ----------
    numeric : (n_rows, n_numeric) float64 array
        Numeric columns; NaN is a missing value.
    numeric_names : tuple of str
        Their names.
    categorical : (n_rows, n_categorical) object array
        Categorical columns of strings; None is a missing value.
    categorical_names : tuple of str
        Their names.
    target : (n_rows,) array
        float64 in a regression; integer or string labels in a classification.
    texts : mapping of str to sequence of (n_rows,) str
        Columns of texts.
    images : mapping of str to sequence of (n_rows,) images
        Columns of images.
    row_ids : (n_rows,) array, optional
        Identifiers of the rows; their numbers by default.
    """

    numeric: FloatArray
    numeric_names: tuple[str, ...]
    categorical: NDArray[np.object_]
    categorical_names: tuple[str, ...]
    target: NDArray[Any]
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    images: Mapping[str, Sequence[ImageSource]] = field(default_factory=dict)
    row_ids: NDArray[Any] | None = None


def make_numeric_table(
    numbers: FloatArray,
    names: Sequence[str],
    target: NDArray[Any],
    row_ids: NDArray[Any],
) -> RawTable:
    """Return a table of numbers and no other columns."""
    no_categories = np.empty((len(target), 0), dtype=object)
    return RawTable(numbers, tuple(names), no_categories, (), target, row_ids=row_ids)


def make_item_table(
    target: NDArray[Any],
    row_ids: NDArray[Any],
    *,
    texts: Sequence[str] | None = None,
    images: Sequence[ImageSource] | None = None,
) -> RawTable:
    """Return a table with one column of texts or images and no other."""
    empty = make_numeric_table(np.empty((len(target), 0)), (), target, row_ids)
    return replace(
        empty,
        texts={"text": texts} if texts is not None else {},
        images={"image": images} if images is not None else {},
    )


def prepare_dataset(
    table: RawTable,
    *,
    name: str,
    seed: int,
    val_size: float = 0.2,
    test_size: float = 0.2,
    standardise_one_hot: bool = False,
    features: FeatureOptions | None = None,
    split: Split | None = None,
    source: Mapping[str, Any] | None = None,
) -> Dataset:
    """Split a table by a seed and turn its columns into features.

    Numeric columns come first: missing values become the training median, then mean
    0 and standard deviation 1 on the training part. Each categorical column follows
    with one 0/1 feature per category of the training part, a missing value being a
    category of its own; a category that the training part lacks is all zeros. Columns
    that do not vary in the training part are left out. Then come texts and images.

    Parameters
    ----------
    table : RawTable
        The columns.
    name : str
        Name of the dataset.
    seed : int
        Seed of the split.
    val_size, test_size : float or int
        Share of the rows if below 1, else their number.
    standardise_one_hot : bool
        Whether the 0/1 features are standardised too. A rare category then has
        values far above 1.
    features : FeatureOptions, optional
        How texts and images become features.
    split : Split, optional
        The parts, where they are not to be drawn by the seed.
    source : mapping, optional
        Where the table came from, for the provenance.

    Returns
    -------
    Dataset
        Its ``row_ids`` are those of the table; its previews show the first raw
        columns of each training row.

    Raises
    ------
    DatasetError
        If the rows cannot be split, no column varies, a feature is not finite, or an
        image or encoder cannot be read.
    """
    rng = np.random.default_rng(seed)
    parts = split or split_rows(
        table.target, rng, val_size=val_size, test_size=test_size
    )
    blocks = _make_blocks(
        table,
        parts.train,
        standardise_one_hot,
        features or FeatureOptions(),
        seed,
        _name_origin(name, source or {}),
    )
    if not blocks:
        raise DatasetError(
            f"No column of {name} varies in the training part of {len(parts.train)} "
            "rows. Give a table with features that vary."
        )
    rows = {"train": parts.train, "val": parts.val, "test": parts.test}
    x = {
        part: join_blocks(blocks, part, rows[part]) for part in rows if len(rows[part])
    }
    row_ids = np.arange(len(table.target)) if table.row_ids is None else table.row_ids
    return Dataset(
        x["train"],
        table.target[parts.train],
        x["val"],
        table.target[parts.val],
        x.get("test"),
        table.target[parts.test] if "test" in x else None,
        name=name,
        row_ids=row_ids[parts.train],
        feature_names=[n for block in blocks for n in block.feature_names],
        previews=_preview_rows(table, parts.train),
        provenance={
            "source": dict(source or {}),
            "preprocessing": [block.description for block in blocks],
            "split": {
                "seed": seed,
                "val_rows": row_ids[parts.val].tolist(),
                "test_rows": row_ids[parts.test].tolist(),
            },
            "duplicates": _count_duplicates(name, x),
        },
    )


def _make_blocks(
    table: RawTable,
    train: IntArray,
    standardise_one_hot: bool,
    options: FeatureOptions,
    seed: int,
    origin: str,
) -> list[Block]:
    blocks = [
        *fit_numeric(table.numeric, table.numeric_names, train),
        *fit_categorical(
            table.categorical,
            table.categorical_names,
            train,
            standardise=standardise_one_hot,
        ),
    ]
    for column, texts in table.texts.items():
        _warn_of_empty(column, texts)
        of_texts = make_text_features(texts, train, options, seed)
        blocks.append(take_features(column, of_texts))
    for column, images in table.images.items():
        called = f"{origin}: image {column!r} of row"
        of_images = make_image_features(images, train, options, called=called)
        blocks.append(take_features(column, of_images))
    return blocks


def _name_origin(name: str, source: Mapping[str, Any]) -> str:
    """Return what errors call the table: its path, or else its file or name."""
    files = [str(file["name"]) for file in source.get("files", [])]
    return str(source.get("table") or next(iter(files), name))


def _warn_of_empty(column: str, texts: Sequence[str]) -> None:
    empty = [row for row, text in enumerate(texts) if not text.strip()]
    if empty:
        _logger.warning(
            "%d of %d texts in %s are empty, the first is row %d; they are kept.",
            len(empty),
            len(texts),
            column,
            empty[0],
        )


def _preview_rows(table: RawTable, rows: IntArray) -> Previews:
    columns: dict[str, NDArray[Any]] = {}
    for names, values in (
        (table.numeric_names, table.numeric),
        (table.categorical_names, table.categorical),
    ):
        for i, name in enumerate(names[: MAX_FIELDS - len(columns)]):
            columns[name] = values[rows, i]
    texts = next(iter(table.texts.values()), None)
    images = next(iter(table.images.values()), None)
    return Previews(
        len(rows),
        [texts[row] for row in rows] if texts is not None else (),
        columns,
        [make_thumbnail(images[row], f"Image {row}") for row in rows]
        if images is not None
        else (),
    )


def _count_duplicates(name: str, x: Mapping[str, FloatArray]) -> dict[str, int]:
    """Count the rows of the other parts whose features a training row has too."""
    seen = {_hash(row) for row in x["train"]}
    counts = {
        part: sum(_hash(row) in seen for row in x[part])
        for part in x
        if part != "train"
    }
    for part, n_rows in counts.items():
        if n_rows:
            _logger.warning(
                "%s: %d of %d rows of the %s part have the features of a training row; "
                "they are kept.",
                name,
                n_rows,
                len(x[part]),
                {"val": "validation"}.get(part, part),
            )
    return counts


def _hash(row: FloatArray) -> bytes:
    return hashlib.blake2b(row.tobytes(), digest_size=16).digest()
