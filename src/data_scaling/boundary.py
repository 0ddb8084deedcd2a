"""Where points lie to the decision boundary of a logistic regression."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.linear_model import LogisticRegression

from data_scaling._typing import FloatArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError


def boundary_distances(dataset: Dataset, *, C: float = 1.0) -> FloatArray:
    r"""Return how far each training point lies on its own side of the boundary.

    A logistic regression is fitted to the whole pool. The distance of x is
    :math:`(w^\top x + b)/\|w\|`, positive on the side of the point's own class and
    negative where it is misclassified.

    Parameters
    ----------
    dataset : Dataset
        A classification of two classes.
    C : float
        Inverse strength of the L2 penalty, as in scikit-learn.

    Returns
    -------
    (n_points,) float64 array
        Signed distances, in units of the features.

    Raises
    ------
    InputError
        If the dataset has not two classes.

    Examples
    --------
    >>> from data_scaling.boundary import boundary_distances
    >>> from data_scaling.datasets import load_dataset
    >>> distance = boundary_distances(load_dataset("breast_cancer"))
    >>> bool((distance > 0).mean() > 0.95)
    True
    """
    if len(dataset.classes) != 2:
        raise InputError(
            f"{dataset.name} has {len(dataset.classes)} classes. A boundary lies "
            "between two: give a classification of two classes."
        )
    model = LogisticRegression(C=C, solver="newton-cholesky", max_iter=1000)
    model.fit(dataset.x_train, dataset.y_train)
    log_odds = model.decision_function(dataset.x_train)
    side = np.where(dataset.y_train == 1, 1.0, -1.0)
    return np.asarray(side * log_odds / np.linalg.norm(model.coef_))


@dataclass(frozen=True)
class ClassCorrelation:
    """Correlations of a number with the distance, over the points of one class.

    Attributes
    ----------
    label : str
        Name of the class.
    n_points : int
        Points that have both numbers.
    pearson, spearman : float
        Correlations of the numbers and of their ranks.
    """

    label: str
    n_points: int
    pearson: float
    spearman: float


def correlate_by_class(
    distance: ArrayLike, values: ArrayLike, labels: ArrayLike
) -> list[ClassCorrelation]:
    """Correlate a number of every point with its distance, class by class.

    Parameters
    ----------
    distance, values : (n_points,) array_like
        Numbers of the same points; pairs with NaN or infinity are left out.
    labels : (n_points,) array_like
        Class of each point.

    Returns
    -------
    list of ClassCorrelation
        One per class, in sorted order; NaN with fewer than three pairs, or where a
        side is constant.

    Raises
    ------
    InputError
        If the shapes differ.

    Examples
    --------
    >>> from data_scaling.boundary import correlate_by_class
    >>> labels = list("aaabbb")
    >>> found = correlate_by_class([1, 2, 3, 1, 2, 3], [3, 2, 1, 1, 2, 4], labels)
    >>> [(one.label, round(one.pearson, 2)) for one in found]
    [('a', -1.0), ('b', 0.98)]
    """
    x, y = (np.asarray(side, dtype=np.float64) for side in (distance, values))
    classes = np.asarray(labels)
    if not x.shape == y.shape == classes.shape or x.ndim != 1:
        raise InputError(
            f"distance has shape {x.shape}, values {y.shape} and labels "
            f"{classes.shape}. Give one of each per point."
        )
    known = np.isfinite(x) & np.isfinite(y)
    return [
        _correlate(str(label), x[chosen], y[chosen])
        for label in np.unique(classes)
        for chosen in [known & (classes == label)]
    ]


def _correlate(label: str, x: FloatArray, y: FloatArray) -> ClassCorrelation:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return ClassCorrelation(label, len(x), float("nan"), float("nan"))
    pearson, spearman = stats.pearsonr(x, y)[0], stats.spearmanr(x, y)[0]
    return ClassCorrelation(label, len(x), float(pearson), float(spearman))
