"""The datasets that are known by a name, and those that were prepared before."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from data_scaling._checks import check_at_least
from data_scaling.datasets._names import list_names
from data_scaling.datasets.adult import load_adult
from data_scaling.datasets.bundled import BUNDLED_NAMES, load_bundled
from data_scaling.datasets.cifar10 import load_cifar10
from data_scaling.datasets.corpora import BBC, IMDB, load_corpus
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.features import FeatureKind, FeatureOptions
from data_scaling.datasets.miniboone import load_miniboone
from data_scaling.datasets.prepared import is_prepared, load_prepared
from data_scaling.datasets.synthetic import (
    make_linear_classification,
    make_linear_regression,
)
from data_scaling.datasets.wave_energy import load_wave_energy
from data_scaling.errors import InputError

_Folder: TypeAlias = str | os.PathLike[str] | None
_Maker: TypeAlias = Callable[[int], Dataset]
_Reader: TypeAlias = Callable[[_Folder, int], Dataset]
_ItemReader: TypeAlias = Callable[[_Folder, int, FeatureOptions], Dataset]

_MAKERS: dict[str, _Maker] = {
    **{name: partial(load_bundled, name) for name in BUNDLED_NAMES},
    "lm_clf": make_linear_classification,
    "lm_reg": make_linear_regression,
}
_READERS: dict[str, _Reader] = {
    "adult": load_adult,
    "MiniBooNE": load_miniboone,
    "wave_energy": load_wave_energy,
}
_ITEM_READERS: dict[str, _ItemReader] = {
    "imdb": partial(load_corpus, IMDB),
    "bbc": partial(load_corpus, BBC),
    "cifar10": load_cifar10,
}


def dataset_names() -> tuple[str, ...]:
    """Return the names that :func:`load_dataset` knows.

    Examples
    --------
    >>> from data_scaling.datasets import dataset_names
    >>> "breast_cancer" in dataset_names()
    True
    """
    return (*_MAKERS, *_READERS, *_ITEM_READERS)


def load_dataset(
    name: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    features: FeatureKind | None = None,
    model: str | None = None,
    device: str | None = None,
) -> Dataset:
    """Load a dataset by its name, prepared and split, or one that was saved.

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
    MiniBooNE      2 classes      70,998 / 1,000 / 1,000, 50 features
    wave_energy    regression     70,000 / 1,000 / 1,000, 48 features
    imdb           2 classes      25,000 / 12,500 / 12,500 texts
    bbc            5 classes      50/25/25 % of 2,225 texts
    cifar10        10 classes     50,000 / 1,000 / 9,000 images
    ============== ============== =================================================

    Features are standardised on the training part, except in the synthetic datasets,
    where they are standard normal as drawn, and those of texts and images, which are
    at most 256 components. For a table of your own, see :func:`read_table`.

    Parameters
    ----------
    name : str or path
        One of the names above, or a folder that :func:`save_dataset` wrote.
    data_dir : path, optional
        Folder that holds the original files; by default the folder that the
        environment variable ``DATA_SCALING_DATA`` names. What is missing there is
        downloaded (extra ``data``). The first six datasets need no files.
    seed : int
        Seed of the split, and of the numbers of a synthetic dataset; a saved dataset
        is split already.
    features : {"embed", "tfidf", "pixels", "tfidf+pixels"}, optional
        How texts and images become features: ``embed`` by a pretrained encoder (extra
        ``embed``), which is the default and the paper's way; ``tfidf`` for texts and
        ``pixels`` for images without one, ``tfidf+pixels`` for a table with both.
    model : str, optional
        The encoder: its name on the Hugging Face hub, or a local folder. By default
        DistilBERT for texts and ResNet-50 for images.
    device : str, optional
        Where the encoder runs; a GPU if there is one by default.

    Raises
    ------
    InputError
        If the name is unknown, the seed is negative, or ``features``, ``model`` or
        ``device`` is given for a dataset without texts and images.
    DatasetError
        If a source file is missing or damaged, or an encoder cannot be loaded.
    MissingExtraError
        If packages of an extra that it needs are not installed.

    Examples
    --------
    >>> from data_scaling.datasets import load_dataset
    >>> dataset = load_dataset("wine")
    >>> dataset.x_train.shape, dataset.classes
    ((106, 13), ('class_0', 'class_1', 'class_2'))
    """
    check_at_least("seed", seed, 0)
    if name in _ITEM_READERS:
        options = FeatureOptions(features, model, device=device)
        return _ITEM_READERS[str(name)](data_dir, seed, options)
    if features or model or device:
        raise InputError(
            f"features, model and device are for texts and images, but {str(name)!r} "
            f"has none. Leave them out; they are for {', '.join(_ITEM_READERS)}."
        )
    if name in _MAKERS:
        return _MAKERS[str(name)](seed)
    if name in _READERS:
        return _READERS[str(name)](data_dir, seed)
    if is_prepared(name):
        return load_prepared(Path(name))
    known = list_names(str(name), dataset_names())
    raise InputError(
        f"There is no dataset named {str(name)!r}. Known are {known}. A folder is read "
        "if save_dataset wrote it; for a table of your own use read_table."
    )
