"""Any scikit-learn estimator: one refit per point, the coalition's own fit shared."""

import re
import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.exceptions import ConvergenceWarning

from data_scaling._typing import FloatArray, IntArray
from data_scaling.datasets.dataset import Dataset, Task
from data_scaling.errors import InputError
from data_scaling.learners.protocol import Draw
from data_scaling.metrics import Accuracy, Metric, MetricLike, make_metric

#: Errors of an estimator that make a draw fail; any other stops the run.
FIT_ERRORS: Final = (ArithmeticError, LookupError, RuntimeError, ValueError)


@dataclass(frozen=True, eq=False)
class RefitLearner:
    """A scikit-learn estimator, trained anew for every point.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn classifier or regressor, pipelines included. It is cloned for
        every fit; a ``random_state`` of None is fixed, so that a contribution is the
        point's and not the seed's.
    name : str, optional
        Short name; the estimator's class by default.
    random_state : int
        What a ``random_state`` of None is set to.

    Raises
    ------
    InputError
        If the estimator is no classifier or regressor of scikit-learn's form.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from data_scaling.datasets import load_dataset
    >>> learner = RefitLearner(DecisionTreeClassifier(max_depth=2))
    >>> bound = learner.bind(load_dataset("breast_cancer"), "accuracy")
    >>> bound.utility(np.arange(100)) > 0.8
    True
    """

    estimator: Any
    name: str = ""
    random_state: int = 0

    def __post_init__(self) -> None:
        if not hasattr(self.estimator, "fit") or not hasattr(
            self.estimator, "get_params"
        ):
            raise InputError(
                f"{self.estimator!r} is no scikit-learn estimator. Give an instance of "
                "a classifier or regressor, or a learner's name."
            )
        estimator = _fix_randomness(clone(self.estimator), self.random_state)
        object.__setattr__(self, "estimator", estimator)
        object.__setattr__(self, "name", self.name or type(estimator).__name__)

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> "BoundRefit":
        """Fix the dataset and the metric.

        Raises
        ------
        InputError
            If the estimator is for the other task, or gives no probabilities though the
            metric needs them.
        """
        _check_task(self.estimator, dataset.task)
        bound_metric = make_metric(metric, dataset.task)
        needs_probability = dataset.task == "classification" and not isinstance(
            bound_metric, Accuracy
        )
        if needs_probability and not hasattr(self.estimator, "predict_proba"):
            raise InputError(
                f"The metric {bound_metric.name!r} needs class probabilities, but "
                f"{self.name} has no predict_proba. Give metric='accuracy', or wrap "
                "the estimator in sklearn.calibration.CalibratedClassifierCV."
            )
        description = _describe(self.estimator)
        return BoundRefit(self.estimator, dataset, bound_metric, description)


@dataclass(frozen=True, eq=False)
class BoundRefit:
    """A scikit-learn estimator bound to a dataset and a metric."""

    estimator: Any
    dataset: Dataset
    metric: Metric
    description: str

    def utility(self, coalition: IntArray) -> float:
        """Return U(D), in units of the metric; NaN if the training fails."""
        return self._try_utility(coalition, [])

    def score(self, model: FloatArray) -> float:
        """Return the utility of the predictions that a draw gave, (n_values,)."""
        n_rows, n_classes = len(self.dataset.y_val), len(self.dataset.classes)
        return self._score(model.reshape((n_rows, n_classes) if n_classes else n_rows))

    def marginals(self, coalition: IntArray, points: IntArray) -> FloatArray:
        """Return the contributions of ``points``, (n_points,), as ``draw`` does."""
        return self.draw(coalition, points).delta

    def draw(self, coalition: IntArray, points: IntArray) -> Draw:
        """Train on a coalition, and again with or without every asked point.

        Parameters
        ----------
        coalition : (k,) integer array
            Members, as indices in the pool.
        points : (n_points,) integer array
            Points asked for, inside the coalition or outside.
        """
        points = np.asarray(points, dtype=np.intp)
        failures: list[str] = []
        prediction = self._try_predict(coalition, failures)
        delta = np.full(len(points), np.nan)
        if prediction is None:
            return Draw(float("nan"), delta, tuple(failures))
        utility = self._score(prediction)
        inside = np.isin(points, coalition)
        for row, point in enumerate(points):
            if inside[row]:
                without = coalition[coalition != point]
                delta[row] = utility - self._try_utility(without, failures)
            else:
                with_point = np.append(coalition, point)
                delta[row] = self._try_utility(with_point, failures) - utility
        return Draw(utility, delta, tuple(failures), model=prediction.ravel())

    def _try_utility(self, rows: IntArray, failures: list[str]) -> float:
        """Train on rows of the pool; a failure is NaN and a sentence."""
        prediction = self._try_predict(rows, failures)
        return float("nan") if prediction is None else self._score(prediction)

    def _score(self, prediction: FloatArray) -> float:
        return float(self.metric.utilities(self.dataset.y_val, prediction))

    def _try_predict(self, rows: IntArray, failures: list[str]) -> FloatArray | None:
        """Predict the validation part; a failure is None and a sentence."""
        try:
            prediction = self._predict(rows)
        except FIT_ERRORS as error:
            failures.append(f"{type(error).__name__}: {error}")
            return None
        if not np.isfinite(prediction).all():
            failures.append("the estimator's predictions are not all finite")
            return None
        return prediction

    def _predict(self, rows: IntArray) -> FloatArray:
        dataset = self.dataset
        target = dataset.y_train[rows]
        _check_classes(target, len(dataset.classes))
        with warnings.catch_warnings():
            # A fit that stops at its iteration limit is the estimator that was asked
            # for; one warning per fit would bury all others.
            warnings.simplefilter("ignore", ConvergenceWarning)
            # Full batches are asked for by a batch that no coalition fills.
            warnings.filterwarnings("ignore", message="Got `batch_size` less than 1")
            model = clone(self.estimator).fit(dataset.x_train[rows], target)
            if dataset.task == "regression":
                return np.asarray(model.predict(dataset.x_val), dtype=np.float64)
            if hasattr(model, "predict_proba"):
                return np.asarray(model.predict_proba(dataset.x_val), dtype=np.float64)
            return np.asarray(
                np.eye(len(dataset.classes))[model.predict(dataset.x_val)]
            )


def _check_classes(target: NDArray[Any], n_classes: int) -> None:
    """Refuse rows that lack a class: probabilities would have no column for it."""
    present = len(np.unique(target)) if n_classes else 0
    if present < n_classes:
        raise ValueError(f"the coalition has {present} of {n_classes} classes")


def _check_task(estimator: Any, task: Task) -> None:
    is_fitting, wanted = {
        "classification": (is_classifier, "classifier"),
        "regression": (is_regressor, "regressor"),
    }[task]
    if not is_fitting(estimator):
        raise InputError(
            f"The dataset is a {task}, but {type(estimator).__name__} is no {wanted}. "
            "Give another learner, or another target."
        )


def _fix_randomness(estimator: Any, random_state: int) -> Any:
    """Set every ``random_state`` of None, nested ones included."""
    parameters = estimator.get_params(deep=True)
    free = {
        name: random_state
        for name, value in parameters.items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return estimator.set_params(**free)


def _describe(estimator: Any) -> str:
    """Return class, parameters and library version as one line.

    Addresses of objects are left out: they differ from one process to the next.
    """
    parameters = sorted(estimator.get_params(deep=True).items())
    kind = f"{type(estimator).__module__}.{type(estimator).__qualname__}"
    text = ", ".join(
        f"{name}={' '.join(repr(value).split())}" for name, value in parameters
    )
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return f"refit {kind}({text}), scikit-learn {sklearn.__version__}"
