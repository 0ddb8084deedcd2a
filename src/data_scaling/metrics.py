r"""Metrics: what a trained model is worth on held-out data.

A metric turns true targets and predictions into a utility, higher is better, in a unit
that it names. Every metric takes a stack of predictions at once, with any leading axes.

====================  ==============  ===============================================
name                  task            utility
====================  ==============  ===============================================
``log_loss``          classification  minus the cross-entropy, nats per point
``softmax_log_loss``  classification  minus the cross-entropy of the probabilities
                                      taken as logits: the published figures' metric
``brier``             classification  minus the Brier score
``accuracy``          classification  share of points predicted right
``mse``               regression      minus the mean squared error
====================  ==============  ===============================================
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray
from data_scaling.datasets.dataset import Task
from data_scaling.errors import InputError

MetricLike: TypeAlias = "Metric | str | Callable[..., float] | None"

_SMALLEST = np.finfo(np.float64).tiny


@runtime_checkable
class Metric(Protocol):
    """A score on held-out data, higher is better.

    Attributes
    ----------
    name : str
        Short name for ledgers and reports.
    task : {"classification", "regression"}
        What the predictions are: class probabilities, or numbers.
    unit : str
        Unit of the utility, for axes and tables.
    """

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""

    @property
    def task(self) -> Task:
        """What the predictions are: class probabilities, or numbers."""

    @property
    def unit(self) -> str:
        """Unit of the utility, for axes and tables."""

    def utilities(self, y_true: NDArray[Any], prediction: FloatArray) -> FloatArray:
        """Score a stack of predictions.

        Parameters
        ----------
        y_true : (n_val,) array
            Class codes (int64), or numbers (float64).
        prediction : (..., n_val, n_classes) or (..., n_val) float64 array
            Class probabilities that sum to one, or predicted numbers.

        Returns
        -------
        (...) float64 array
            Utilities, in ``unit``.
        """


def _probability_of_truth(y_true: NDArray[Any], probability: FloatArray) -> FloatArray:
    column = np.broadcast_to(y_true[:, None], (*probability.shape[:-1], 1))
    return np.take_along_axis(probability, column, axis=-1)[..., 0]


@dataclass(frozen=True)
class LogLoss:
    """Minus the cross-entropy, in nats per validation point."""

    name: str = "log_loss"
    task: Task = "classification"
    unit: str = "nats per validation point"

    def utilities(self, y_true: NDArray[Any], prediction: FloatArray) -> FloatArray:
        """Score a stack of class probabilities; see :class:`Metric`."""
        truth = np.maximum(_probability_of_truth(y_true, prediction), _SMALLEST)
        return np.asarray(np.mean(np.log(truth), axis=-1))


@dataclass(frozen=True)
class SoftmaxLogLoss:
    """Minus the cross-entropy of the softmax *of the probabilities*.

    The published figures were computed so: the probabilities entered a loss that takes
    logits. It confines the loss of a binary classifier to [0.313, 1.313] and is offered
    for comparison with them only.
    """

    name: str = "softmax_log_loss"
    task: Task = "classification"
    unit: str = "nats per validation point, softmax applied twice"

    def utilities(self, y_true: NDArray[Any], prediction: FloatArray) -> FloatArray:
        """Score a stack of class probabilities; see :class:`Metric`."""
        truth = _probability_of_truth(y_true, prediction)
        # Probabilities are at most 1, so that nothing can overflow.
        log_total = np.log(np.exp(prediction).sum(axis=-1))
        return np.asarray(np.mean(truth - log_total, axis=-1))


@dataclass(frozen=True)
class Brier:
    """Minus the Brier score, halved for two classes as is usual."""

    name: str = "brier"
    task: Task = "classification"
    unit: str = "Brier score"

    def utilities(self, y_true: NDArray[Any], prediction: FloatArray) -> FloatArray:
        """Score a stack of class probabilities; see :class:`Metric`."""
        n_classes = prediction.shape[-1]
        error = prediction - np.eye(n_classes)[y_true]
        score = np.sum(error**2, axis=-1) / (2 if n_classes == 2 else 1)
        return np.asarray(-np.mean(score, axis=-1))


@dataclass(frozen=True)
class Accuracy:
    """Share of validation points whose most probable class is right."""

    name: str = "accuracy"
    task: Task = "classification"
    unit: str = "share of validation points"

    def utilities(self, y_true: NDArray[Any], prediction: FloatArray) -> FloatArray:
        """Score a stack of class probabilities; see :class:`Metric`."""
        return np.asarray(np.mean(prediction.argmax(axis=-1) == y_true, axis=-1))


@dataclass(frozen=True)
class MeanSquaredError:
    """Minus the mean squared error, in squared units of the target."""

    name: str = "mse"
    task: Task = "regression"
    unit: str = "squared units of the target"

    def utilities(self, y_true: NDArray[Any], prediction: FloatArray) -> FloatArray:
        """Score a stack of predicted numbers; see :class:`Metric`."""
        return np.asarray(-np.mean((prediction - y_true) ** 2, axis=-1))


@dataclass(frozen=True)
class CallableMetric:
    """A user's function ``(y_true, prediction) -> float``, higher is better."""

    function: Callable[..., float]
    task: Task
    name: str
    unit: str = "utility"

    def utilities(self, y_true: NDArray[Any], prediction: FloatArray) -> FloatArray:
        """Score a stack of predictions one by one; see :class:`Metric`."""
        trailing = 2 if self.task == "classification" else 1
        leading = prediction.shape[: prediction.ndim - trailing]
        stack = prediction.reshape(-1, *prediction.shape[prediction.ndim - trailing :])
        scores = [float(self.function(y_true, one)) for one in stack]
        return np.array(scores).reshape(leading)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        LogLoss(),
        SoftmaxLogLoss(),
        Brier(),
        Accuracy(),
        MeanSquaredError(),
    )
}


def make_metric(metric: MetricLike, task: Task) -> Metric:
    """Return the metric that is meant, checked against the task.

    Parameters
    ----------
    metric : str, Metric, callable or None
        A name of the table above, a metric object, a function
        ``(y_true, prediction) -> float`` (higher is better; predictions are class
        probabilities, or numbers), or None for the default of the task: ``log_loss``
        or ``mse``.
    task : {"classification", "regression"}
        Task of the dataset.

    Raises
    ------
    InputError
        If the name is unknown, the metric is of no such kind, or it belongs to the
        other task.

    Examples
    --------
    >>> make_metric(None, "regression").name
    'mse'
    """
    if metric is None:
        return METRICS["log_loss" if task == "classification" else "mse"]
    if isinstance(metric, str):
        if metric not in METRICS:
            raise InputError(
                f"The metric {metric!r} is not known. Give one of "
                f"{', '.join(METRICS)}, or a function (y_true, prediction) -> float."
            )
        metric = METRICS[metric]
    elif not isinstance(metric, Metric):
        if not callable(metric):
            raise InputError(
                f"The metric is {metric!r}, which is no name, metric or function. Give "
                f"one of {', '.join(METRICS)}, or a function (y_true, prediction) -> "
                "float."
            )
        name = getattr(metric, "__qualname__", type(metric).__qualname__)
        metric = CallableMetric(metric, task, f"{metric.__module__}.{name}")
    if metric.task != task:
        fitting = [name for name, other in METRICS.items() if other.task == task]
        raise InputError(
            f"The metric {metric.name!r} is for {metric.task}, but the dataset is a "
            f"{task}. Give one of {', '.join(fitting)}."
        )
    return metric
