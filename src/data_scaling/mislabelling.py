r"""Finding points with a wrong label: a test of values, and other scores beside them.

Labels are flipped on purpose; a score of every point, lower for the more suspicious, is
judged by how well it tells the flipped ones from the others.

References
----------
.. [1] Jia et al., "Efficient Task-Specific Data Valuation for Nearest Neighbor
   Algorithms", VLDB 2019, theorem 1.
.. [2] Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in
   Dataset Labels", JAIR 70, 2021 (self-confidence).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from data_scaling._checks import check_at_least, check_share
from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError

# Validation points whose distances are held at a time.
_BLOCK = 64


def flip_labels(
    dataset: Dataset, share: float, *, seed: int = 0
) -> tuple[Dataset, BoolArray]:
    """Give a share of the training points the label of another class.

    Parameters
    ----------
    dataset : Dataset
        A classification; its validation and test parts keep their labels.
    share : float
        Share of the training points, from 0 to 1.
    seed : int
        Seed of the choice of points and of labels.

    Returns
    -------
    dataset : Dataset
        The same with wrong labels; previews show the rows as they were.
    flipped : (n_points,) bool array
        Which points have one.

    Raises
    ------
    InputError
        If the dataset is a regression, or the share is none.

    Examples
    --------
    >>> from data_scaling.datasets import load_dataset
    >>> from data_scaling.mislabelling import flip_labels
    >>> clean = load_dataset("wine")
    >>> dirty, flipped = flip_labels(clean, 0.1)
    >>> int(flipped.sum()), int((dirty.y_train != clean.y_train).sum())
    (11, 11)
    """
    n_classes = _count_classes(dataset)
    check_at_least("seed", seed, 0)
    rng = np.random.default_rng(seed)
    n_flipped = round(check_share("share", share) * dataset.n_points)
    rows = rng.choice(dataset.n_points, n_flipped, replace=False)
    y_train = dataset.y_train.copy()
    y_train[rows] = (y_train[rows] + rng.integers(1, n_classes, n_flipped)) % n_classes
    flipped = np.zeros(dataset.n_points, dtype=bool)
    flipped[rows] = True
    has_test = len(dataset.x_test) > 0
    dirty = Dataset(
        dataset.x_train,
        y_train,
        dataset.x_val,
        dataset.y_val,
        dataset.x_test if has_test else None,
        dataset.y_test if has_test else None,
        name=f"{dataset.name}_flipped",
        row_ids=dataset.row_ids,
        feature_names=dataset.feature_names,
        previews=dataset.previews,
        provenance=dataset.provenance,
        classes=dataset.classes,
    )
    return dirty, flipped


@dataclass(frozen=True)
class Detection:
    """How well a score finds flipped labels.

    Attributes
    ----------
    auc : float
        Area under the ROC: the probability that a flipped point has a lower score than
        another one; one half by chance.
    precision : float
        Share of flipped points among those of lowest score, as many as are flipped.
    """

    auc: float
    precision: float


def judge_detection(score: ArrayLike, flipped: ArrayLike) -> Detection:
    """Judge a score by the flipped labels it finds.

    Parameters
    ----------
    score : (n_points,) array_like
        Lower for the more suspicious; points with NaN count as the least suspicious.
    flipped : (n_points,) array_like of bool
        Which labels are wrong.

    Raises
    ------
    InputError
        If the shapes differ, or none or all labels are flipped.

    Examples
    --------
    >>> from data_scaling.mislabelling import judge_detection
    >>> judge_detection([0.1, 0.9, 0.3, 0.8], [True, False, False, True])
    Detection(auc=0.75, precision=0.5)
    """
    values = np.asarray(score, dtype=np.float64)
    wrong = np.asarray(flipped, dtype=bool)
    if values.shape != wrong.shape or values.ndim != 1:
        raise InputError(
            f"score has shape {values.shape} and flipped {wrong.shape}. Give one of "
            "each per point."
        )
    n_wrong, n_right = int(wrong.sum()), int((~wrong).sum())
    if not n_wrong or not n_right:
        raise InputError(
            f"{n_wrong} of {len(wrong)} labels are flipped. Give some, and not all."
        )
    values = np.where(np.isnan(values), np.inf, values)
    rank = stats.rankdata(values)
    auc = 1.0 - (rank[wrong].sum() / n_wrong - (n_wrong + 1) / 2) / n_right
    lowest = np.argsort(values, kind="stable")[:n_wrong]
    return Detection(float(auc), float(wrong[lowest].mean()))


def knn_shapley_values(dataset: Dataset, n_neighbors: int = 5) -> FloatArray:
    """Return exact Shapley values of a nearest-neighbour classifier.

    The utility is the share of the nearest neighbours, of n_neighbors, that have a
    validation point's own label.

    Parameters
    ----------
    dataset : Dataset
        A classification.
    n_neighbors : int
        Number of neighbours, at least 1.

    Returns
    -------
    (n_points,) float64 array
        Values in shares of validation points.

    Raises
    ------
    InputError
        If the dataset is a regression, or there are fewer points than neighbours.

    Examples
    --------
    >>> from data_scaling.datasets import Dataset
    >>> from data_scaling.mislabelling import knn_shapley_values
    >>> line = [[0.0], [1.0], [2.0]]
    >>> dataset = Dataset(line, [0, 0, 1], [[0.0], [2.0]], [0, 1])
    >>> knn_shapley_values(dataset, 1).round(3).tolist()
    [0.25, 0.25, 0.5]
    """
    _count_classes(dataset)
    n_neighbors = check_at_least("n_neighbors", n_neighbors, 1)
    if n_neighbors > dataset.n_points:
        raise InputError(
            f"n_neighbors is {n_neighbors}, but there are {dataset.n_points} points. "
            "Give fewer."
        )
    total = np.zeros(dataset.n_points)
    for first in range(0, len(dataset.x_val), _BLOCK):
        rows = slice(first, first + _BLOCK)
        distance = pairwise_distances(dataset.x_val[rows], dataset.x_train)
        order = np.argsort(distance, axis=1, kind="stable")
        hit = dataset.y_train[order] == dataset.y_val[rows, None]
        np.add.at(total, order, _shares_by_rank(hit.astype(np.float64), n_neighbors))
    return total / len(dataset.x_val)


def self_confidence(
    dataset: Dataset, estimator: ClassifierMixin | None = None, *, n_folds: int = 5
) -> FloatArray:
    """Return the probability that a cross-validated model gives a point's own label.

    Parameters
    ----------
    dataset : Dataset
        A classification.
    estimator : classifier, optional
        With ``predict_proba``; by default a logistic regression.
    n_folds : int
        Number of folds, at least 2, stratified and in the order of the points.

    Returns
    -------
    (n_points,) float64 array
        Probabilities, of models that were not trained on the point.

    Raises
    ------
    InputError
        If the dataset is a regression.
    """
    _count_classes(dataset)
    model = clone(estimator or LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(check_at_least("n_folds", n_folds, 2))
    probability = cross_val_predict(
        model, dataset.x_train, dataset.y_train, cv=folds, method="predict_proba"
    )
    return _probability_of_label(probability, dataset.y_train)


def fit_confidence(
    dataset: Dataset, estimator: ClassifierMixin | None = None
) -> FloatArray:
    """Return the probability that a model gives labels it was trained on.

    The lower, the larger the point's training loss. Parameters as in
    :func:`self_confidence`.

    Raises
    ------
    InputError
        If the dataset is a regression.
    """
    _count_classes(dataset)
    model = clone(estimator or LogisticRegression(max_iter=1000))
    model.fit(dataset.x_train, dataset.y_train)
    return _probability_of_label(model.predict_proba(dataset.x_train), dataset.y_train)


def _count_classes(dataset: Dataset) -> int:
    if dataset.task != "classification":
        raise InputError(
            f"{dataset.name} is a regression. Labels can be wrong in a classification: "
            "give one."
        )
    return len(dataset.classes)


def _probability_of_label(probability: FloatArray, label: IntArray) -> FloatArray:
    column = np.take_along_axis(probability, label[:, None], axis=1)
    return np.asarray(column[:, 0], dtype=np.float64)


def _shares_by_rank(hit: FloatArray, n_neighbors: int) -> FloatArray:
    """Return the value of the i-th nearest point for each validation point.

    Theorem 1 of Jia et al. from the farthest point inwards, as one cumulated sum.
    """
    n = hit.shape[1]
    step = np.empty_like(hit)
    step[:, -1] = hit[:, -1] / n
    rank = np.arange(1.0, n)
    factor = np.minimum(n_neighbors, rank) / (rank * n_neighbors)
    step[:, :-1] = (hit[:, :-1] - hit[:, 1:]) * factor
    return np.asarray(np.cumsum(step[:, ::-1], axis=1)[:, ::-1])
