"""The datasets that are known by a name."""

import os
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from data_scaling._checks import check_at_least
from data_scaling.datasets._names import list_names
from data_scaling.datasets.adult import load_adult
from data_scaling.datasets.bundled import BUNDLED_NAMES, load_bundled
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.synthetic import (
    make_linear_classification,
    make_linear_regression,
)
from data_scaling.errors import InputError

_Maker: TypeAlias = Callable[[int], Dataset]
_Reader: TypeAlias = Callable[[str | os.PathLike[str] | None, int], Dataset]

_MAKERS: dict[str, _Maker] = {
    **{name: partial(load_bundled, name) for name in BUNDLED_NAMES},
    "lm_clf": make_linear_classification,
    "lm_reg": make_linear_regression,
}
_READERS: dict[str, _Reader] = {"adult": load_adult}


def dataset_names() -> tuple[str, ...]:
    """Return the names that :func:`load_dataset` knows.

    Examples
    --------
    >>> from data_scaling.datasets import dataset_names
    >>> "breast_cancer" in dataset_names()
    True
    """
    return (*_MAKERS, *_READERS)


def load_dataset(
    name: str, data_dir: str | os.PathLike[str] | None = None, *, seed: int = 0
) -> Dataset:
    """Load a dataset by its name, prepared and split.

    ============== ============== =================================================
    name           task           training / validation / test rows
    ============== ============== =================================================
    breast_cancer  2 classes      60/20/20 % of 569, 30 features
    digits         10 classes     60/20/20 % of 1,797, 64 features less the constant
    wine           3 classes      60/20/20 % of 178, 13 features
    diabetes       regression     60/20/20 % of 442, 10 features
    lm_clf         2 classes      10,000 / 1,000 / 1,000, 50 features, synthetic
    lm_reg         regression     10,000 / 1,000 / 1,000, 50 features, synthetic
    adult          2 classes      46,842 / 1,000 / 1,000, about 108 features
    ============== ============== =================================================

    Features are standardised on the training part, except in the synthetic datasets,
    where they are standard normal as drawn. For a table of your own, see
    :func:`read_table`.

    Parameters
    ----------
    name : str
        One of the names above.
    data_dir : path, optional
        Folder that holds the source files of ``adult`` (``adult.data`` and
        ``adult.test``, or either with ``.gz``); by default the folder that the
        environment variable ``DATA_SCALING_DATA`` names. The other datasets need none.
    seed : int
        Seed of the split, and of the numbers of a synthetic dataset.

    Raises
    ------
    InputError
        If the name is unknown or the seed is negative.
    DatasetError
        If a source file is missing or damaged.

    Examples
    --------
    >>> from data_scaling.datasets import load_dataset
    >>> dataset = load_dataset("wine")
    >>> dataset.x_train.shape, dataset.classes
    ((106, 13), ('class_0', 'class_1', 'class_2'))
    """
    check_at_least("seed", seed, 0)
    if name in _MAKERS:
        return _MAKERS[name](seed)
    if name in _READERS:
        return _READERS[name](data_dir, seed)
    known = list_names(name, dataset_names())
    raise InputError(
        f"There is no dataset named {name!r}. Known are {known}. For a CSV or Parquet "
        "file of your own use read_table."
    )
