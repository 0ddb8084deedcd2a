"""The utility of many linear classifiers of two classes on one validation part."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from data_scaling._typing import FloatArray
from data_scaling.learners._single_scores import (
    SINGLE_METRICS,
    SingleScorer,
    Tiles,
    make_single_scorer,
    make_tiles,
)
from data_scaling.metrics import LogLoss, Metric, SoftmaxLogLoss

# Rows per pass: their margins on 1,000 validation points then fit the cache.
_ROWS: Final = 256
# Factors whose product is taken before one logarithm. With margins that change by less
# than _LARGEST_CHANGE, a product of so many can neither overflow nor underflow.
_GROUP: Final = 8
_LARGEST_CHANGE: Final = 80.0


@dataclass(frozen=True, eq=False)
class MarginScorer:
    """Validation part and metric, for parameters of linear classifiers.

    Attributes
    ----------
    x_val : (n_val, p) float64 array
        Features, with the intercept's column of ones if there is one.
    y_val : (n_val,) int64 array
        Targets, 0 or 1.
    metric : Metric
        A metric of classification.
    """

    x_val: FloatArray
    y_val: NDArray[Any]
    metric: Metric

    def utility(self, theta: FloatArray) -> float:
        """Return the utility of one classifier, ``theta`` (p,)."""
        if isinstance(self.metric, LogLoss):
            return -float(np.mean(np.logaddexp(0.0, self.signed @ theta)))
        return float(self._utilities(theta[None])[0])

    def changes(self, theta: FloatArray, base: FloatArray) -> FloatArray:
        """Return U(theta) - U(base) for every row of ``theta``.

        Parameters
        ----------
        theta : (n, p) float64 array
            Parameters of n classifiers; a row of NaN gives NaN.
        base : (p,) float64 array
            Parameters of the classifier to compare with.

        Returns
        -------
        (n,) float64 array
            Changes of the utility, in units of the metric.
        """
        changes = np.empty(len(theta))
        is_log_loss = isinstance(self.metric, LogLoss)
        base_utility = 0.0 if is_log_loss else self.utility(base)
        wrong = self.signed @ base if is_log_loss else base
        for low in range(0, len(theta), _ROWS):
            rows = slice(low, low + _ROWS)
            if is_log_loss:
                changes[rows] = self._log_loss_changes(theta[rows] - base, wrong)
            else:
                changes[rows] = self._utilities(theta[rows]) - base_utility
        return changes

    def slopes(self, theta: FloatArray) -> tuple[FloatArray, FloatArray] | None:
        """Return how the utility of one classifier changes with its log-odds.

        Returns
        -------
        first, second : (n_val,) float64 arrays
            Derivatives of the utility with respect to the log-odds of each validation
            point's wrong class; None for a metric that is not smooth in them.
        """
        wrong = self.signed @ theta
        if isinstance(self.metric, LogLoss):
            q = expit(wrong)
            return -q / len(q), -q * expit(-wrong) / len(q)
        if isinstance(self.metric, SoftmaxLogLoss):
            gap = np.tanh(-0.5 * wrong)
            loss, step = expit(-gap), 0.5 * (1.0 - gap**2)
            second = -loss * step * (expit(gap) * step + gap)
            return -loss * step / len(gap), second / len(gap)
        return None

    @cached_property
    def signed(self) -> FloatArray:
        """Rows whose product with theta is the log-odds of the wrong class."""
        return np.where(self.y_val == 1, -1.0, 1.0)[:, None] * self.x_val

    @cached_property
    def single(self) -> NDArray[np.float32]:
        """The signed rows in single precision."""
        return self.signed.astype(np.float32)

    @cached_property
    def orthonormal(self) -> tuple[FloatArray, FloatArray]:
        """The signed rows as a product of orthonormal columns and a triangle.

        Returns
        -------
        features : (n_val, r) float64 array
            Features of the validation part, r the smaller of n_val and p, whose
            products with each other over the part are 1 or 0.
        triangle : (r, p) float64 array
            Its product with a change of parameters is the change for these features.
        """
        features, triangle = np.linalg.qr(self.signed)
        return features, triangle

    @cached_property
    def tiles(self) -> Tiles:
        """The orthonormal features in single precision."""
        return make_tiles(self.orthonormal[0])

    def find_single(self, theta: FloatArray) -> SingleScorer | None:
        """Return what scores changes of a classifier for the orthonormal features.

        In single precision; None if the metric has no such scores.
        """
        if not isinstance(self.metric, SINGLE_METRICS):
            return None
        features, wrong = self.orthonormal[0], self.signed @ theta
        return make_single_scorer(features, self.tiles, wrong, self.metric)

    @cached_property
    def _signed_columns(self) -> FloatArray:
        """The signed rows as columns, filled up by zeros to a multiple of the group."""
        width = -(-len(self.y_val) // _GROUP) * _GROUP
        columns = np.zeros((self.x_val.shape[1], width))
        columns[:, : len(self.y_val)] = self.signed.T
        return columns

    def _utilities(self, theta: FloatArray) -> FloatArray:
        if isinstance(self.metric, SoftmaxLogLoss):
            # The truth's probability less the other's is tanh of half its log-odds.
            gap = np.tanh(theta @ (-0.5 * self.signed.T))
            np.exp(np.negative(gap, out=gap), out=gap)
            return np.asarray(-np.log1p(gap, out=gap).mean(axis=1))
        p = expit(theta @ self.x_val.T)
        utilities = self.metric.utilities(self.y_val, np.stack([1.0 - p, p], axis=-1))
        return np.where(np.isfinite(theta).all(axis=1), utilities, np.nan)

    def _log_loss_changes(self, change: FloatArray, wrong: FloatArray) -> FloatArray:
        r"""Return the change of the utility without subtracting two utilities.

        A validation point whose wrong class has probability q loses
        :math:`\log(1 - q + q e^{s})` when the log-odds of that class grow by s.
        """
        shift = change @ self._signed_columns
        base = np.zeros(shift.shape[1])
        base[: len(wrong)] = wrong
        if not np.max(np.abs(shift), initial=0.0) < _LARGEST_CHANGE:
            with np.errstate(invalid="ignore"):  # a failed row is NaN and stays so
                loss = np.logaddexp(0.0, base + shift) - np.logaddexp(0.0, base)
            return np.asarray(-loss.sum(axis=1) / len(wrong))
        np.exp(shift, out=shift)
        shift *= expit(base)
        # Not 1 - q, of which nothing is left where q rounds to 1.
        shift += expit(-base)
        groups = shift.reshape(len(change), _GROUP, -1)
        products = np.multiply.reduce(groups, axis=1)
        return np.asarray(-np.log(products).sum(axis=1) / len(wrong))
