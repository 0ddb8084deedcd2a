"""Features that a network has made of texts or images, from one file of arrays."""

import os
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

from data_scaling._checks import check_finite
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.splits import split_rows
from data_scaling.errors import DatasetError


def read_embeddings(
    path: str | os.PathLike[str],
    *,
    n_components: int = 256,
    val_size: float = 0.25,
    test_size: float = 0.25,
    name: str | None = None,
    seed: int = 0,
) -> Dataset:
    """Read embeddings with their labels, split them and reduce them as the paper does.

    Principal components of the training part become the features, not scaled further:
    their size says how much the penalty of a linear learner holds them back.

    Parameters
    ----------
    path : path
        An ``.npz`` file with ``x`` (n_rows, n_columns), any floating type, and ``y``
        (n_rows,), integer labels.
    n_components : int
        Number of principal components, at most that of the columns.
    val_size, test_size : float or int
        Share of the rows if below 1, else their number.
    name : str, optional
        Name of the dataset; by default the file's, without its ending.
    seed : int
        Seed of the split.

    Raises
    ------
    DatasetError
        If the file cannot be read, or lacks one of the two arrays.
    InputError
        If a value is not finite.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = f"{folder}/news.npz"
    ...     np.savez(path, x=rng.normal(size=(40, 8)), y=np.arange(40) % 2)
    ...     dataset = read_embeddings(path, n_components=3)
    >>> dataset.name, dataset.x_train.shape, dataset.x_val.shape
    ('news', (20, 3), (10, 3))
    """
    file = Path(path)
    try:
        with np.load(file, allow_pickle=False) as arrays:
            x, y = np.asarray(arrays["x"], dtype=np.float64), arrays["y"]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(
            f"{file} cannot be read as embeddings ({error}). Give an .npz file with "
            "the arrays x and y."
        ) from error
    check_finite("x", x)
    rng = np.random.default_rng(seed)
    split = split_rows(y, rng, val_size=val_size, test_size=test_size)
    reduction = PCA(min(n_components, x.shape[1]), svd_solver="full")
    reduction.fit(x[split.train])
    train, val, test = (
        reduction.transform(x[rows]) for rows in (split.train, split.val, split.test)
    )
    return Dataset(
        train,
        y[split.train],
        val,
        y[split.val],
        test,
        y[split.test],
        name=name or file.stem,
        row_ids=split.train,
    )
