"""Synthetic datasets of a linear model: the paper's ``lm_reg`` and ``lm_clf``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray
from data_scaling.datasets.dataset import Dataset

N_TRAIN, N_VAL, N_TEST = 10_000, 1_000, 1_000
N_FEATURES = 50
NOISE = 0.1


def make_linear_regression(seed: int) -> Dataset:
    r"""Draw ``lm_reg``: :math:`y = x^\top w + 0.1\,\varepsilon`.

    Features, weights and :math:`\varepsilon` are independent standard normal, as in
    the paper: 10,000 training, 1,000 validation and 1,000 test rows of 50 features.
    Features are not standardised further.

    Parameters
    ----------
    seed : int
        Seed of features, weights and noise.
    """
    x, score = _draw_linear_model(seed)
    return _split_in_order("lm_reg", x, score)


def make_linear_classification(seed: int) -> Dataset:
    r"""Draw ``lm_clf``: the class is 1 where the noisy score is positive.

    The score is the target of ``lm_reg`` at the same seed,
    :math:`x^\top w + 0.1\,\varepsilon`, so that the classes are balanced and nearly
    separable by a hyperplane.

    Parameters
    ----------
    seed : int
        Seed of features, weights and noise.
    """
    x, score = _draw_linear_model(seed)
    return _split_in_order("lm_clf", x, (score > 0).astype(np.int64))


def _draw_linear_model(seed: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    n_rows = N_TRAIN + N_VAL + N_TEST
    x = rng.standard_normal((n_rows, N_FEATURES))
    weights = rng.standard_normal(N_FEATURES)
    # A sum and no matrix product: its bits do not depend on the number of threads.
    score = np.sum(x * weights, axis=1) + NOISE * rng.standard_normal(n_rows)
    return x, score


def _split_in_order(name: str, x: FloatArray, y: NDArray[Any]) -> Dataset:
    train, val = slice(0, N_TRAIN), slice(N_TRAIN, N_TRAIN + N_VAL)
    test = slice(N_TRAIN + N_VAL, None)
    return Dataset(x[train], y[train], x[val], y[val], x[test], y[test], name=name)
