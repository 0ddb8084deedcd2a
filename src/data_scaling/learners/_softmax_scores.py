"""The utility of many linear classifiers of several classes on one validation part."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray
from data_scaling.learners._multinomial_fit import log_partition, softmax
from data_scaling.metrics import LogLoss, Metric

# Bytes of the log-odds of the classifiers in one pass.
_PASS: Final = 2**20
# Changes of the log-odds from which on a difference of two losses is as good.
_LARGEST_CHANGE: Final = 8.0


@dataclass(frozen=True, eq=False)
class SoftmaxScorer:
    """Validation part and metric, for parameters of linear classifiers.

    Parameters are flat and relative to the last class, as in :mod:`._multinomial_fit`.

    Attributes
    ----------
    x_val : (n_val, p) float64 array
        Features, with the intercept's column of ones if there is one.
    y_val : (n_val,) int64 array
        Class codes.
    n_classes : int
        Number of classes, m + 1.
    metric : Metric
        A metric of classification.
    """

    x_val: FloatArray
    y_val: NDArray[Any]
    n_classes: int
    metric: Metric

    def utility(self, theta: FloatArray) -> float:
        """Return the utility of one classifier, ``theta`` (m p,)."""
        margin = self._margins(theta[None])
        if isinstance(self.metric, LogLoss):
            loss = log_partition(margin[0]).sum() - self._of_truth @ theta
            return -float(loss) / len(self.y_val)
        return float(self._utilities(margin)[0])

    def changes(self, change: FloatArray, base: FloatArray) -> FloatArray:
        """Return U(base + change) - U(base) for every row of ``change``.

        Parameters
        ----------
        change : (n, m p) float64 array
            Changed parameters of n classifiers; a row of NaN gives NaN.
        base : (m p,) float64 array
            Parameters of the classifier to compare with.

        Returns
        -------
        (n,) float64 array
            Changes of the utility, in units of the metric.
        """
        changes = np.empty(len(change))
        margin = self._margins(base[None])[0]
        probability = softmax(margin)
        utility = self.utility(base)
        n_rows = max(1, _PASS // margin.nbytes)
        for low in range(0, len(change), n_rows):
            rows = slice(low, low + n_rows)
            shift = self._margins(change[rows])
            if isinstance(self.metric, LogLoss):
                loss = _partition_changes(shift, margin, probability).sum(axis=1)
                gain = change[rows] @ self._of_truth - loss
                changes[rows] = gain / len(self.y_val)
            else:
                changes[rows] = self._utilities(margin + shift) - utility
        return changes

    def log_loss_gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient of minus the log-loss, (m p,), in nats per point."""
        expected = (softmax(self._margins(theta[None])[0]) @ self.x_val).ravel()
        return np.asarray((self._of_truth - expected) / len(self.y_val))

    @cached_property
    def _of_truth(self) -> FloatArray:
        """Vector whose product with theta is the sum of the true classes' log-odds."""
        is_class = self.y_val == np.arange(self.n_classes - 1)[:, None]
        return np.asarray((is_class @ self.x_val).ravel())

    def _margins(self, theta: FloatArray) -> FloatArray:
        """Return log-odds against the last class, (n, m, n_val)."""
        by_class = theta.reshape(-1, self.x_val.shape[1])
        return (by_class @ self.x_val.T).reshape(len(theta), -1, len(self.x_val))

    def _utilities(self, margin: FloatArray) -> FloatArray:
        probability = softmax(margin)
        # No class has less than nothing, whatever round-off says.
        last = np.maximum(1.0 - probability.sum(axis=1, keepdims=True), 0.0)
        everything = np.concatenate([probability, last], axis=1)
        utilities = self.metric.utilities(self.y_val, np.swapaxes(everything, 1, 2))
        return np.where(np.isfinite(margin).all(axis=(1, 2)), utilities, np.nan)


def _partition_changes(
    shift: FloatArray, margin: FloatArray, probability: FloatArray
) -> FloatArray:
    r"""Return how much :math:`\log(1 + \sum_c e^{v_c})` grows, (n, n_val).

    It is :math:`\log(1 + \sum_c p_c\,\mathrm{expm1}(s_c))`, which subtracts no two
    large numbers, for log-odds that grow by s; classifiers with a large change need no
    such care.
    """
    is_far = ~(np.max(np.abs(shift), axis=(1, 2), initial=0.0) < _LARGEST_CHANGE)
    far = log_partition(margin + shift[is_far]) - log_partition(margin)
    shift[is_far] = 0.0
    np.expm1(shift, out=shift)
    shift *= probability
    changes = np.log1p(shift.sum(axis=1))
    changes[is_far] = far
    return np.asarray(changes)
