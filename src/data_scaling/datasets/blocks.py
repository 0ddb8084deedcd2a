"""Columns of a table as features: one block for each kind of column."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.datasets.features import ItemFeatures
from data_scaling.errors import DatasetError

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Block:
    """Columns of one kind with the transformer that was fitted to them.

    Attributes
    ----------
    values : (n_rows, n_columns) array
        Raw columns, or features where there is no transformer.
    transformer : sklearn Pipeline or None
        What turns them into features.
    feature_names : tuple of str
        Names of the features.
    description : dict
        How they were made, for the provenance.
    """

    values: NDArray[Any]
    transformer: Pipeline | None
    feature_names: tuple[str, ...]
    description: dict[str, Any]

    def transform(self, rows: IntArray) -> FloatArray:
        """Return the features of some rows."""
        values = self.values[rows]
        if self.transformer is None:
            return values
        features: FloatArray = self.transformer.transform(values)
        return features


def fit_numeric(
    values: FloatArray, names: tuple[str, ...], train: IntArray
) -> list[Block]:
    """Return a block of imputed and standardised numbers, or none if none varies."""
    missing = np.isnan(values[train])
    lowest = np.where(missing, np.inf, values[train]).min(axis=0)
    highest = np.where(missing, -np.inf, values[train]).max(axis=0)
    kept = _select_varying(lowest < highest, names)
    if not len(kept):
        return []
    transformer = make_pipeline(
        SimpleImputer(strategy="median"), StandardScaler(copy=False)
    )
    # An overflow gives infinite features, which are reported with their names.
    with np.errstate(over="ignore", invalid="ignore"):
        transformer.fit(values[train][:, kept])
    description = {
        "columns": [names[column] for column in kept],
        "missing": "median of the training part",
        "imputed": int(np.isnan(values[:, kept]).sum()),
        "scaling": "mean 0, standard deviation 1 on the training part",
    }
    feature_names = tuple(names[column] for column in kept)
    return [Block(values[:, kept], transformer, feature_names, description)]


def fit_categorical(
    values: NDArray[np.object_],
    names: tuple[str, ...],
    train: IntArray,
    *,
    standardise: bool,
) -> list[Block]:
    """Return a block of 0/1 features, one per category, or none if none varies."""
    seen = values[train]
    kept = _select_varying((seen != seen[:1]).any(axis=0), names)
    if not len(kept):
        return []
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    steps = [encoder, StandardScaler(copy=False)] if standardise else [encoder]
    transformer = make_pipeline(*steps)
    transformer.fit(seen[:, kept])
    feature_names = tuple(
        f"{names[column]}={'missing' if value is None else value}"
        for column, categories in zip(kept, encoder.categories_, strict=True)
        for value in categories
    )
    description = {
        "columns": [names[column] for column in kept],
        "missing": "a category of its own",
        "scaling": "mean 0, standard deviation 1" if standardise else "0 or 1",
    }
    return [Block(values[:, kept], transformer, feature_names, description)]


def take_features(column: str, features: ItemFeatures) -> Block:
    """Return a block of the features of texts or images."""
    width = features.values.shape[1]
    names = tuple(f"{column}_{i}" for i in range(width))
    description = {"columns": [column], **features.description}
    return Block(features.values, None, names, description)


def join_blocks(blocks: Sequence[Block], part: str, rows: IntArray) -> FloatArray:
    """Return the features of a part, those of all blocks side by side.

    Raises
    ------
    DatasetError
        If a feature is not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        features: FloatArray = np.hstack([block.transform(rows) for block in blocks])
    finite = np.isfinite(features).all(axis=0)
    if not finite.all():
        names = [name for block in blocks for name in block.feature_names]
        bad = [names[column] for column in np.flatnonzero(~finite)]
        raise DatasetError(
            f"{len(bad)} features are NaN or infinite after preparation in the "
            f"{part} part: {', '.join(bad[:5])}. Their values are too large to be "
            "standardised: rescale or drop these columns."
        )
    return features


def _select_varying(varies: BoolArray, names: tuple[str, ...]) -> IntArray:
    constant = [names[column] for column in np.flatnonzero(~varies)]
    if constant:
        _logger.info(
            "Left out %d columns that do not vary in the training part: %s",
            len(constant),
            ", ".join(constant),
        )
    return np.flatnonzero(varies)
