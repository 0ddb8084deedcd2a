"""Which estimators have exact updates, what they do not support, and their learners."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from data_scaling.datasets.dataset import Dataset
from data_scaling.learners.logistic import LogisticLearner
from data_scaling.learners.multinomial import MultinomialLearner
from data_scaling.learners.neighbors import NeighborsLearner
from data_scaling.learners.protocol import Learner
from data_scaling.learners.ridge import RidgeLearner


@dataclass(frozen=True)
class ExactEngine:
    """An exact learner for one type of estimator.

    Attributes
    ----------
    find_obstacles : callable
        ``(estimator, dataset)`` -> what keeps it from exact updates, by name.
    build : callable
        ``(estimator, dataset)`` -> the learner, if nothing does.
    """

    find_obstacles: Callable[[Any, Dataset], Mapping[str, bool]]
    build: Callable[[Any, Dataset], Learner]

    def why_not(self, estimator: Any, dataset: Dataset) -> str:
        """Say what keeps an estimator from exact updates; empty if nothing."""
        obstacles = self.find_obstacles(estimator, dataset)
        return " and ".join(name for name, is_so in obstacles.items() if is_so)


def _find_in_logistic(estimator: Any, dataset: Dataset) -> Mapping[str, bool]:
    del dataset
    return {
        "an l1 penalty": bool(estimator.l1_ratio) or estimator.penalty == "elasticnet",
        "no penalty": not np.isfinite(estimator.C) or estimator.penalty is None,
        "class weights": estimator.class_weight is not None,
        "the liblinear objective": estimator.solver == "liblinear",
        # Earlier releases of scikit-learn have this parameter.
        "one-versus-rest fits": getattr(estimator, "multi_class", None) == "ovr",
    }


def _build_logistic(estimator: Any, dataset: Dataset) -> Learner:
    kind = LogisticLearner if len(dataset.classes) == 2 else MultinomialLearner
    return kind(float(estimator.C), bool(estimator.fit_intercept))


def _find_in_linear(estimator: Any, dataset: Dataset) -> Mapping[str, bool]:
    del dataset
    tolerance = _get_tolerance(estimator)
    return {
        "positive weights": bool(estimator.positive),
        f"tol={tolerance!r}": not 1e-11 <= tolerance <= 1e-2,
    }


def _build_linear(estimator: Any, dataset: Dataset) -> Learner:
    del dataset
    return RidgeLearner(0.0, bool(estimator.fit_intercept), _get_tolerance(estimator))


def _get_tolerance(estimator: Any) -> float:
    """Return where singular values are cut; earlier releases do it at round-off."""
    return float(getattr(estimator, "tol", 1e-6))


def _find_in_ridge(estimator: Any, dataset: Dataset) -> Mapping[str, bool]:
    del dataset
    alpha = np.asarray(estimator.alpha)
    return {
        "positive weights": bool(estimator.positive),
        "a penalty per target": alpha.ndim > 0,
        "no penalty": bool(np.any(alpha <= 0.0)),
    }


def _build_ridge(estimator: Any, dataset: Dataset) -> Learner:
    del dataset
    return RidgeLearner(float(estimator.alpha), bool(estimator.fit_intercept))


def _find_in_neighbors(estimator: Any, dataset: Dataset) -> Mapping[str, bool]:
    del dataset
    is_euclidean = estimator.metric in ("euclidean", "l2") or (
        estimator.metric == "minkowski" and estimator.p == 2
    )
    return {
        "another distance than the Euclidean": not is_euclidean,
        "parameters of the distance": bool(estimator.metric_params),
        "weights by a function": callable(estimator.weights),
    }


def _build_neighbors(estimator: Any, dataset: Dataset) -> Learner:
    del dataset
    return NeighborsLearner(estimator.n_neighbors, estimator.weights or "uniform")


_NEIGHBORS: Final = ExactEngine(_find_in_neighbors, _build_neighbors)

#: The exact engine of each type; subclasses may differ in anything and have none.
EXACT_ENGINES: Final[dict[type, ExactEngine]] = {
    LogisticRegression: ExactEngine(_find_in_logistic, _build_logistic),
    LinearRegression: ExactEngine(_find_in_linear, _build_linear),
    Ridge: ExactEngine(_find_in_ridge, _build_ridge),
    KNeighborsClassifier: _NEIGHBORS,
    KNeighborsRegressor: _NEIGHBORS,
}
