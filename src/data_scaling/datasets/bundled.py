"""The datasets that come with scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import datasets

from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.preparation import make_numeric_table, prepare_dataset

_LOADERS: dict[str, Callable[[], Any]] = {
    "breast_cancer": datasets.load_breast_cancer,
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
    "diabetes": datasets.load_diabetes,
}
BUNDLED_NAMES = tuple(_LOADERS)


def load_bundled(name: str, seed: int) -> Dataset:
    """Load a bundled dataset, 60/20/20 % of its rows for the three parts.

    The split is stratified by class; features are standardised on the training part,
    and those that do not vary there are left out (some pixels of ``digits``).

    Parameters
    ----------
    name : str
        One of ``BUNDLED_NAMES``.
    seed : int
        Seed of the split.
    """
    bunch = _LOADERS[name]()
    target = np.asarray(bunch.target)
    if target.dtype.kind != "f":
        target = np.asarray(bunch.target_names)[target]
    x = np.asarray(bunch.data, dtype=np.float64)
    names = [str(feature) for feature in bunch.feature_names]
    table = make_numeric_table(x, names, target, np.arange(len(x)))
    source = {"page": "https://scikit-learn.org/stable/datasets/toy_dataset.html"}
    return prepare_dataset(table, name=name, seed=seed, source=source)
