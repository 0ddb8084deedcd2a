"""Learners by name, and the choice between exact updates and refitting."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from data_scaling.datasets.dataset import Dataset, Task
from data_scaling.errors import InputError
from data_scaling.learners._exact import EXACT_ENGINES
from data_scaling.learners.mlp import MlpLearner
from data_scaling.learners.protocol import BoundLearner, Learner
from data_scaling.learners.refit import RefitLearner
from data_scaling.learners.support_vectors import KernelSVC
from data_scaling.metrics import MetricLike

logger = logging.getLogger(__name__)

Engine: TypeAlias = Literal["auto", "refit"]

_MLP: Final[dict[str, Any]] = {
    "hidden_layer_sizes": (32,),
    "learning_rate_init": 0.01,
    "alpha": 0.01,
    "max_iter": 200,
    # Larger than any coalition: full batches (scikit-learn clips it to the rows).
    "batch_size": 1_000_000,
}

#: Estimators of each name, by task, with the paper's settings.
LEARNERS: Final[dict[str, dict[Task, Callable[[], Any]]]] = {
    "logreg": {
        # Where it is refitted, the default tolerance would leave differences of two
        # fits mostly wrong.
        "classification": lambda: LogisticRegression(
            solver="newton-cholesky", tol=1e-12, max_iter=1000
        )
    },
    "linreg": {"regression": LinearRegression},
    "knn": {
        "classification": lambda: KNeighborsClassifier(50, weights="distance"),
        "regression": lambda: KNeighborsRegressor(50, weights="distance"),
    },
    "svm": {
        # As for logreg, scikit-learn's tolerance (1e-3) would show in differences.
        "classification": lambda: CalibratedClassifierCV(
            KernelSVC(C=1.0, tol=1e-8), ensemble=False
        ),
        "regression": lambda: SVR(C=1.0, tol=1e-8),
    },
    "tree": {
        "classification": DecisionTreeClassifier,
        "regression": DecisionTreeRegressor,
    },
    "rf": {
        "classification": lambda: RandomForestClassifier(50),
        "regression": lambda: RandomForestRegressor(50),
    },
    "gbm": {
        "classification": HistGradientBoostingClassifier,
        "regression": HistGradientBoostingRegressor,
    },
    "skmlp": {
        "classification": lambda: MLPClassifier(**_MLP),
        "regression": lambda: MLPRegressor(**_MLP),
    },
    "mlp": {"classification": lambda: MlpLearner("classification")},
    "regmlp": {"regression": lambda: MlpLearner("regression")},
}


def make_learner(
    estimator: Learner | str | Any, *, engine: Engine = "auto", device: str = "cpu"
) -> Learner:
    """Return the learner that is meant.

    Parameters
    ----------
    estimator : str, estimator or Learner
        A name (``logreg``, ``linreg``, ``knn``, ``svm``, ``tree``, ``rf``, ``gbm``,
        ``skmlp``; ``mlp`` and ``regmlp`` with the extra ``torch``), any scikit-learn
        classifier or regressor, or a learner, which is returned as it is.
    engine : {"auto", "refit"}
        Whether contributions come from exact updates where there are any for the
        estimator, or always from refitting.
    device : {"cpu", "cuda", "mps"}
        Where ``mlp`` and ``regmlp`` are trained; all others need the processor.

    Raises
    ------
    InputError
        If the name or the engine is unknown, the estimator is none, or the device is
        not there or not for it.
    MissingExtraError
        If a network is asked for without torch.

    Examples
    --------
    >>> make_learner("logreg").name
    'logreg'
    """
    if engine not in ("auto", "refit"):
        raise InputError(f"engine is {engine!r}. Give 'auto' or 'refit'.")
    if isinstance(estimator, str):
        if estimator not in LEARNERS:
            raise InputError(
                f"The learner {estimator!r} is not known. Give one of "
                f"{', '.join(LEARNERS)}, or a scikit-learn estimator."
            )
        if estimator in ("mlp", "regmlp"):
            network: MlpLearner
            (network,) = (make() for make in LEARNERS[estimator].values())
            return replace(network, device=device)
        _check_processor(estimator, device)
        return EstimatorLearner(estimator, LEARNERS[estimator], engine)
    _check_processor("one that is given whole", device)
    if hasattr(estimator, "bind"):
        return estimator
    name = RefitLearner(estimator).name
    task: Task = "classification" if is_classifier(estimator) else "regression"
    return EstimatorLearner(name, {task: lambda: estimator}, engine)


def _check_processor(name: str, device: str) -> None:
    if device != "cpu":
        raise InputError(
            f"device is {device!r}, but the learner is {name}. Leave the device out, "
            "or ask for 'mlp' or 'regmlp'; a network of your own has it: "
            f"MlpLearner(device={device!r})."
        )


@dataclass(frozen=True, eq=False)
class EstimatorLearner:
    """An estimator for each task, bound to the quickest exact engine that fits it."""

    name: str
    estimators: Mapping[Task, Callable[[], Any]]
    engine: Engine = "auto"

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> BoundLearner:
        """Fix the dataset and the metric.

        Raises
        ------
        InputError
            If the learner or the metric does not fit the dataset's task.
        """
        if dataset.task not in self.estimators:
            fitting = [
                name for name, tasks in LEARNERS.items() if dataset.task in tasks
            ]
            raise InputError(
                f"The learner {self.name!r} is for {', '.join(self.estimators)}, but "
                f"{dataset.name} is a {dataset.task}. Give one of {', '.join(fitting)}."
            )
        estimator = self.estimators[dataset.task]()
        exact = EXACT_ENGINES.get(type(estimator))
        if self.engine == "auto" and exact:
            reason = exact.why_not(estimator, dataset)
            if not reason:
                return exact.build(estimator, dataset).bind(dataset, metric)
            logger.warning("%s is refitted for every point: %s", self.name, reason)
        return RefitLearner(estimator, self.name).bind(dataset, metric)
