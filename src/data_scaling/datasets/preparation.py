"""From a raw table to a dataset: imputed, one-hot, standardised, split.

Everything that is estimated (medians, categories, means, standard deviations) is
estimated on the training part alone and applied to the two others.
"""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.datasets.dataset import Dataset
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
    """

    numeric: FloatArray
    numeric_names: tuple[str, ...]
    categorical: NDArray[np.object_]
    categorical_names: tuple[str, ...]
    target: NDArray[Any]


@dataclass(frozen=True, eq=False)
class _Block:
    """Columns of one kind with the transformer that was fitted to them."""

    values: NDArray[Any]
    transformer: Pipeline
    feature_names: tuple[str, ...]


def prepare_dataset(
    table: RawTable,
    *,
    name: str,
    seed: int,
    val_size: float = 0.2,
    test_size: float = 0.2,
    standardise_one_hot: bool = False,
) -> Dataset:
    """Split a table by a seed and turn its columns into features.

    Numeric columns come first: missing values become the training median, then mean
    0 and standard deviation 1 on the training part. Each categorical column follows
    with one 0/1 feature per category of the training part, a missing value being a
    category of its own; a category that the training part lacks is all zeros. Columns
    that do not vary in the training part are left out.

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

    Returns
    -------
    Dataset
        Its ``row_ids`` are the row numbers in the table; its previews show the first
        raw columns of each training row.

    Raises
    ------
    DatasetError
        If the rows cannot be split, no column varies, or a feature is not finite.
    """
    split = split_rows(
        table.target,
        np.random.default_rng(seed),
        val_size=val_size,
        test_size=test_size,
    )
    blocks = [
        *_fit_numeric(table, split.train),
        *_fit_categorical(table, split.train, standardise_one_hot),
    ]
    if not blocks:
        raise DatasetError(
            f"No column of {name} varies in the training part of {len(split.train)} "
            "rows. Give a table with features that vary."
        )
    feature_names = tuple(
        feature for block in blocks for feature in block.feature_names
    )
    parts = _transform_parts(blocks, split, feature_names)
    return Dataset(
        parts["train"],
        table.target[split.train],
        parts["val"],
        table.target[split.val],
        parts.get("test"),
        table.target[split.test] if "test" in parts else None,
        name=name,
        row_ids=split.train,
        feature_names=feature_names,
        previews=_preview_rows(table, split.train),
    )


def _preview_rows(table: RawTable, rows: IntArray) -> Previews:
    columns: dict[str, NDArray[Any]] = {}
    for names, values in (
        (table.numeric_names, table.numeric),
        (table.categorical_names, table.categorical),
    ):
        for i, name in enumerate(names[: MAX_FIELDS - len(columns)]):
            columns[name] = values[rows, i]
    return Previews(len(rows), columns=columns)


def _fit_numeric(table: RawTable, train: IntArray) -> list[_Block]:
    values = table.numeric[train]
    missing = np.isnan(values)
    lowest = np.where(missing, np.inf, values).min(axis=0)
    highest = np.where(missing, -np.inf, values).max(axis=0)
    kept = _select_varying(lowest < highest, table.numeric_names)
    if not len(kept):
        return []
    transformer = make_pipeline(
        SimpleImputer(strategy="median"), StandardScaler(copy=False)
    )
    # An overflow gives infinite features, which are reported with their names.
    with np.errstate(over="ignore", invalid="ignore"):
        transformer.fit(values[:, kept])
    names = tuple(table.numeric_names[column] for column in kept)
    return [_Block(table.numeric[:, kept], transformer, names)]


def _fit_categorical(
    table: RawTable, train: IntArray, standardise_one_hot: bool
) -> list[_Block]:
    values = table.categorical[train]
    kept = _select_varying((values != values[:1]).any(axis=0), table.categorical_names)
    if not len(kept):
        return []
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    steps = [encoder, StandardScaler(copy=False)] if standardise_one_hot else [encoder]
    transformer = make_pipeline(*steps)
    transformer.fit(values[:, kept])
    names = tuple(
        f"{table.categorical_names[column]}={'missing' if value is None else value}"
        for column, categories in zip(kept, encoder.categories_, strict=True)
        for value in categories
    )
    return [_Block(table.categorical[:, kept], transformer, names)]


def _select_varying(varies: BoolArray, names: tuple[str, ...]) -> IntArray:
    constant = [names[column] for column in np.flatnonzero(~varies)]
    if constant:
        _logger.info(
            "Left out %d columns that do not vary in the training part: %s",
            len(constant),
            ", ".join(constant),
        )
    return np.flatnonzero(varies)


def _transform_parts(
    blocks: list[_Block], split: Split, feature_names: tuple[str, ...]
) -> dict[str, FloatArray]:
    parts: dict[str, FloatArray] = {}
    for part, rows in (
        ("train", split.train),
        ("val", split.val),
        ("test", split.test),
    ):
        if not len(rows):
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            parts[part] = np.hstack(
                [block.transformer.transform(block.values[rows]) for block in blocks]
            )
        finite = np.isfinite(parts[part]).all(axis=0)
        if not finite.all():
            bad = [feature_names[column] for column in np.flatnonzero(~finite)]
            raise DatasetError(
                f"{len(bad)} features are NaN or infinite after preparation in the "
                f"{part} part: {', '.join(bad[:5])}. Their values are too large to be "
                "standardised: rescale or drop these columns."
            )
    return parts
