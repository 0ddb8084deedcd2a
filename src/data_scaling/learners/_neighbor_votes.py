"""What neighbours vote for, and what a validation point scores by their mean."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray
from data_scaling.metrics import (
    Accuracy,
    Brier,
    LogLoss,
    MeanSquaredError,
    Metric,
    SoftmaxLogLoss,
)

_SMALLEST: Final = float(np.finfo(np.float64).tiny)
# Metrics whose utility is a mean of one term per validation point.
_MEANS: Final = (LogLoss, SoftmaxLogLoss, Brier, Accuracy, MeanSquaredError)


class Votes(Protocol):
    """The votes of pool points, and the score of a prediction at one class or all.

    Attributes
    ----------
    width : int
        Numbers in one vote.
    """

    @property
    def width(self) -> int:
        """Numbers in one vote."""

    def cast(self, ids: NDArray[Any], low: int) -> FloatArray:
        """Return the votes of pool points, (B, m, width).

        Row i of ``ids`` (B, m) are voters for the validation point ``low + i``.
        """

    def score(self, prediction: FloatArray, low: int) -> FloatArray:
        """Return the terms of the utility, (B, m), of predictions (B, m, width)."""


@dataclass(frozen=True, eq=False)
class TruthVotes:
    """Votes for the true class or against it: all that the log-loss looks at.

    Attributes
    ----------
    y : (n_pool,) int array
        Class codes of the pool.
    y_val : (n_val,) int array
        Class codes of the validation points.
    """

    y: NDArray[Any]
    y_val: NDArray[Any]
    width: int = 1

    def cast(self, ids: NDArray[Any], low: int) -> FloatArray:
        """Return 1 for the true class, 0 for another; see :class:`Votes`."""
        truth = self.y_val[low : low + len(ids), None]
        return np.asarray((self.y[ids] == truth).astype(np.float64)[..., None])

    def score(self, prediction: FloatArray, low: int) -> FloatArray:
        """Return the log-likelihoods, in nats; see :class:`Votes`."""
        del low
        return np.asarray(np.log(np.maximum(prediction[..., 0], _SMALLEST)))


@dataclass(frozen=True, eq=False)
class ClassVotes:
    """Votes for one of several classes, scored by any metric of classification.

    Attributes
    ----------
    one_hot : (n_pool, n_classes) float64 array
        Votes of the pool.
    y_val : (n_val,) int array
        Class codes of the validation points.
    metric : Metric
        A metric that is a mean over validation points.
    """

    one_hot: FloatArray
    y_val: NDArray[Any]
    metric: Metric

    @property
    def width(self) -> int:
        """Numbers in one vote."""
        return int(self.one_hot.shape[1])

    def cast(self, ids: NDArray[Any], low: int) -> FloatArray:
        """Return indicators of the classes; see :class:`Votes`."""
        del low
        return np.asarray(self.one_hot[ids])

    def score(self, prediction: FloatArray, low: int) -> FloatArray:
        """Return the terms of the metric; see :class:`Votes`.

        Each is the utility of a validation part of one point.
        """
        scores = np.empty(prediction.shape[:2])
        truth = self.y_val[low : low + len(prediction)]
        for code in np.unique(truth):
            rows = truth == code
            one_point = np.ascontiguousarray(prediction[rows])[:, :, None, :]
            scores[rows] = self.metric.utilities(np.array([code]), one_point)
        return scores


@dataclass(frozen=True, eq=False)
class NumberVotes:
    """Numbers, scored by the squared error.

    Attributes
    ----------
    y : (n_pool,) float64 array
        Targets of the pool.
    y_val : (n_val,) float64 array
        Targets of the validation points.
    """

    y: FloatArray
    y_val: FloatArray
    width: int = 1

    def cast(self, ids: NDArray[Any], low: int) -> FloatArray:
        """Return the targets; see :class:`Votes`."""
        del low
        return np.asarray(self.y[ids])[..., None]

    def score(self, prediction: FloatArray, low: int) -> FloatArray:
        """Return minus the squared errors; see :class:`Votes`."""
        truth = self.y_val[low : low + len(prediction), None]
        return np.asarray(-((prediction[..., 0] - truth) ** 2))


def is_mean(metric: Metric) -> bool:
    """Say whether the utility is a mean of one term per validation point."""
    return isinstance(metric, _MEANS)


def make_votes(
    y: NDArray[Any], y_val: NDArray[Any], n_classes: int, metric: Metric
) -> Votes:
    """Return the narrowest votes that serve a metric."""
    if not n_classes:
        return NumberVotes(y, y_val)
    if isinstance(metric, LogLoss):
        # Narrow codes are quicker to gather.
        code = np.min_scalar_type(n_classes)
        return TruthVotes(y.astype(code), y_val.astype(code))
    return ClassVotes(np.eye(n_classes)[y], y_val, metric)
