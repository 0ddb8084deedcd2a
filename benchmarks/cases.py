"""The cases of the benchmark of marginal contributions, one row each."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.tree import DecisionTreeClassifier

from data_scaling.datasets import Dataset, load_dataset, read_table

N_VAL = 1000


@dataclass(frozen=True)
class Case:
    """What is compared with what, on which data.

    Attributes
    ----------
    load : callable
        ``data_dir`` -> the dataset.
    estimator : estimator
        At scikit-learn's default settings: fitted twice per draw on one side, and given
        to ``make_learner`` on the other.
    reference : estimator
        As exact as scikit-learn gets, for the errors.
    count_flops : callable, optional
        ``(k, d, n_val)`` -> floating-point operations in the matrix products that a
        draw needs at least.
    target : float
        The ratio to reach.
    n_points : int
        Points per coalition, at most.
    """

    load: Callable[[Path], Dataset]
    estimator: Any
    reference: Any
    count_flops: Callable[[int, int, int], float] | None
    target: float
    n_points: int = 10_000


def draw_linear_model(_: Path, *, n_features: int, n_classes: int = 0) -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((10_000 + N_VAL, n_features))
    y = x @ rng.standard_normal(n_features) / np.sqrt(n_features)
    y += 0.3 * rng.standard_normal(len(x))
    if n_classes:
        y = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    return Dataset(x[:-N_VAL], y[:-N_VAL], x[-N_VAL:], y[-N_VAL:], name="linear model")


def load_named(data_dir: Path, *, name: str) -> Dataset:
    return load_dataset(name, data_dir)


def load_table(data_dir: Path, *, name: str, target: str) -> Dataset:
    path = data_dir / f"{name}.parquet"
    return read_table(path, target, val_size=N_VAL, test_size=0)


def load_embeddings(data_dir: Path) -> Dataset:
    with np.load(data_dir / "imdb_minilm.npz") as arrays:
        x, y = arrays["x"].astype(np.float64), arrays["y"].astype(np.int64)
    train, val = slice(0, 20_000), slice(20_000, 20_000 + N_VAL)
    return Dataset(x[train], y[train], x[val], y[val], name="imdb_minilm")


def load_cifar(data_dir: Path) -> Dataset:
    """CIFAR-10 pixels, reduced to 256 principal components of the training part."""
    pandas, image = import_module("pandas"), import_module("PIL.Image")
    table = pandas.read_parquet(data_dir / "cifar10_jpeg_20k.parquet")
    table = table.iloc[: 10_000 + N_VAL]
    column = next(name for name in table.columns if "image" in name or "jpeg" in name)
    pixels = np.stack(
        [np.asarray(image.open(BytesIO(row))).ravel() for row in table[column]]
    )
    train, val = slice(0, 10_000), slice(10_000, None)
    pca = PCA(256, whiten=True, random_state=0).fit(pixels[train] / 255.0)
    x, y = pca.transform(pixels / 255.0), table["label"].to_numpy()
    return Dataset(x[train], y[train], x[val], y[val], name="cifar10 pixels")


def count_linear(_k: int, d: int, _n_val: int) -> float:
    """Two symmetric quadratic forms per point."""
    return 2.0 * d * d


def count_logistic(k: int, d: int, n_val: int) -> float:
    """A start, one gradient, one correction and the validation margins."""
    return 4.0 * d * d + 4.0 * k * d + 2.0 * n_val * d


def make_regression_case(estimator: Any, load: Callable[[Path], Dataset]) -> Case:
    return Case(load, estimator, estimator, count_linear, 2000)


def make_logistic_case(
    load: Callable[[Path], Dataset], target: float, n_points: int = 10_000
) -> Case:
    tight = LogisticRegression(solver="newton-cholesky", tol=1e-15, max_iter=1000)
    default = LogisticRegression(max_iter=1000)
    return Case(load, default, tight, count_logistic, target, n_points)


def make_neighbor_case(kind: Any, load: Callable[[Path], Dataset]) -> Case:
    estimator = kind(50, weights="distance")
    # Trees measure distances by differences: duplicates are at distance zero.
    reference = kind(50, weights="distance", algorithm="kd_tree")
    return Case(load, estimator, reference, None, 1000)


def make_refit_case(estimator: Any, load: Callable[[Path], Dataset]) -> Case:
    return Case(load, estimator, estimator, None, 1.9, n_points=20)


LINEAR_50 = partial(draw_linear_model, n_features=50)
LINEAR_256 = partial(draw_linear_model, n_features=256)
CLASSES_50 = partial(draw_linear_model, n_features=50, n_classes=2)
CLASSES_256 = partial(draw_linear_model, n_features=256, n_classes=2)
CALIFORNIA = partial(load_table, name="california_housing", target="median_house_value")
POL = partial(load_table, name="pol", target="target")
SPAMBASE = partial(load_table, name="spambase", target="label")

CASES: dict[str, Case] = {
    "linreg-50": make_regression_case(LinearRegression(), LINEAR_50),
    "linreg-256": make_regression_case(LinearRegression(), LINEAR_256),
    "linreg-california": make_regression_case(LinearRegression(), CALIFORNIA),
    "linreg-pol": make_regression_case(LinearRegression(), POL),
    "ridge-50": make_regression_case(Ridge(), LINEAR_50),
    "ridge-256": make_regression_case(Ridge(), LINEAR_256),
    "ridge-california": make_regression_case(Ridge(), CALIFORNIA),
    "ridge-pol": make_regression_case(Ridge(), POL),
    "knn-50": make_neighbor_case(KNeighborsClassifier, CLASSES_50),
    "knn-spambase": make_neighbor_case(KNeighborsClassifier, SPAMBASE),
    "knn-california": make_neighbor_case(KNeighborsRegressor, CALIFORNIA),
    "logistic-50": make_logistic_case(CLASSES_50, 250),
    "logistic-256": make_logistic_case(CLASSES_256, 150),
    "logistic-imdb": make_logistic_case(load_embeddings, 100),
    "logistic-adult": make_logistic_case(partial(load_named, name="adult"), 100),
    "logistic-spambase": make_logistic_case(SPAMBASE, 100),
    "logistic-digits": make_logistic_case(partial(load_named, name="digits"), 15),
    "logistic-cifar": make_logistic_case(load_cifar, 5, n_points=5_000),
    "refit-tree": make_refit_case(DecisionTreeClassifier(random_state=0), CLASSES_50),
}
