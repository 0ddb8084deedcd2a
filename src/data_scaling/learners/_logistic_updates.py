r"""Add a point to a fitted coalition, or remove one: many points at once.

The minimiser of :math:`F_D(\theta) \pm \ell_z(\theta)` is sought for a batch of points
:math:`z` from the minimiser :math:`\theta_D` of :math:`F_D`, in white coordinates
:math:`v` of the coalition (:class:`._logistic_fit.LogisticFit`): its Hessian is the
identity in them. With white features :math:`x` and the log-odds
:math:`m = x'\theta_D`, :math:`h = x'x`:

1. *Start.* The quadratic model of :math:`F_D` has its minimum with :math:`\ell_z` at
   :math:`v = t x/h`, where :math:`t` solves :math:`t + h\,(\sigma(m + t) - y) = 0`. For
   a removal the quadratic model of :math:`F_D - \ell_z` gives
   :math:`v = x\,(\sigma(m) - y)/(1 - w h)` with :math:`w = \sigma(1 - \sigma)`.
2. *Corrections* by :mod:`._descent`. The first inverse Hessian is the identity with the
   point's own rank-one term (Sherman and Morrison). The gradient is

   .. math:: v + \sum_{i \in D} x_i\,r_i \pm x\,(\sigma(m + x'v) - y), \qquad
             r_i = \sigma(m_i + s_i) - \sigma(m_i) - w_i s_i,\ s_i = x_i'v:

   two matrix products for a batch. In white coordinates nothing is ill-conditioned, so
   that they may be taken in single precision: its round-off is relative to the point's
   own influence.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.special import expit

from data_scaling._typing import BoolArray, FloatArray
from data_scaling.learners._descent import (
    SMALLEST_SIZE,
    Batch,
    Effort,
    Sign,
    Slopes,
    descend,
    search,
)
from data_scaling.learners._exact_draws import Search
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._logistic_fit import LogisticFit

PLAIN_STEPS: Final = 20
CAREFUL_STEPS: Final = 60
MEMORY: Final = 8
_SCALAR_STEPS: Final = 40
# Length of a step, relative to the whole way, that single precision hides.
_ROUND_OFF: Final = 4 * float(np.finfo(np.float32).eps)
# Lengths that are short enough, in which round-off may lose so many; a search that
# loses more ends in double precision, and one that loses far more is done there.
_MOST_LOST: Final = 3.0
_FAR_LOST: Final = 40.0
# Bytes of the log-odds of the coalition in one pass: they fit the second-level cache.
_PASS: Final = 2**19
_TINY: Final = float(np.finfo(np.float64).tiny)
_EPS: Final = float(np.finfo(np.float64).eps)


def solve_scalar(margin: FloatArray, y: FloatArray, h: FloatArray) -> FloatArray:
    """Solve ``t + h (sigmoid(margin + t) - y) = 0`` by safeguarded Newton steps.

    All arguments are (n_points,) float64 arrays; ``h`` is at least 0. The left side
    increases in t, so that the root is unique.
    """
    low, high = np.minimum(0.0, h * (y - 1.0)), np.maximum(0.0, h * y)
    t = np.zeros_like(margin)
    for _ in range(_SCALAR_STEPS):
        probability = expit(margin + t)
        value = t + h * (probability - y)
        low, high = np.where(value < 0, t, low), np.where(value > 0, t, high)
        newton = t - value / (1.0 + h * probability * (1.0 - probability))
        inside = (newton > low) & (newton < high)
        moved = np.where(inside, newton, 0.5 * (low + high))
        if np.max(np.abs(moved - t), initial=0.0) < 1e-9:
            return moved
        t = moved
    return t


@dataclass(frozen=True, eq=False)
class LogisticObjective:
    """The objectives of a batch as functions of white changes, in one precision.

    Attributes
    ----------
    fit : LogisticFit
        The coalition.
    dtype : float32 or float64
        Precision; a change of the log-odds beyond what exp can take gives NaN.
    """

    fit: LogisticFit
    dtype: DTypeLike

    def start(self, x: FloatArray, y: FloatArray, sign: Sign) -> Batch:
        """Put every point at the minimum of its quadratic model.

        Parameters
        ----------
        x : (n_points, p) float64 array
            Features of the points; those to be removed are rows of the coalition.
        y : (n_points,) float64 array
            Their targets, 0 or 1.
        sign : {1, -1}
            1 to add, -1 to remove.
        """
        margin, white = x @ self.fit.theta, self.fit.whiten(x)
        h = row_dot(white, white)
        if sign == 1:
            t = solve_scalar(margin, y, h)
            ratio = np.divide(t, h, out=np.zeros_like(t), where=h > 0)
            probability = expit(margin + t)
        else:
            probability = expit(margin)
            left = 1.0 - probability * (1.0 - probability) * h
            ratio = (probability - y) / np.maximum(left, _EPS)
        weight = sign * probability * (1.0 - probability)
        kappa = (weight / np.maximum(1.0 + weight * h, _EPS)).astype(self.dtype)
        size = np.abs(ratio) * np.sqrt(h)
        white = white.astype(self.dtype, copy=False)
        moved = ratio.astype(self.dtype)[:, None] * white
        return Batch(white, y, margin, white, kappa, sign, moved, size, size)

    def gradients(self, batch: Batch) -> NDArray[Any]:
        """Return the gradient of every point's objective at its own parameters."""
        change = batch.theta
        gradient = np.empty_like(change)
        n_rows = max(1, _PASS // self._columns[0].nbytes)
        for low in range(0, len(change), n_rows):
            part = slice(low, low + n_rows)
            np.matmul(
                self._excess(change[part] @ self._columns),
                self._rows,
                out=gradient[part],
            )
        gradient += change
        residual = expit(batch.margin + row_dot(batch.x, change)) - batch.y
        gradient += (batch.sign * residual).astype(self.dtype)[:, None] * batch.x
        return gradient

    def scale(self, batch: Batch, rows: NDArray[Any]) -> NDArray[Any]:
        """Apply the points' own inverse Hessians at the start to rows, (n, p)."""
        return np.asarray(
            rows - (batch.kappa * row_dot(batch.x, rows))[:, None] * batch.x
        )

    def slopes(self, batch: Batch, step: NDArray[Any]) -> Slopes:
        """Return the first two derivatives along the steps, as functions of length."""
        shift, along = batch.theta @ self._columns, step @ self._columns
        own = batch.margin + row_dot(batch.x, batch.theta)
        own_along = row_dot(batch.x, step)
        linear, quadratic = row_dot(batch.theta, step), row_dot(step, step)

        def derivatives(length: FloatArray) -> tuple[FloatArray, FloatArray]:
            moved = shift + length[:, None] * along
            p = expit(self._margin + moved)
            first = row_dot(self._excess(moved), along) + linear + length * quadratic
            second = row_dot((p * (1.0 - p) - self._weight) * along, along) + quadratic
            own_p = expit(own + length * own_along)
            first += batch.sign * (own_p - batch.y) * own_along
            second += batch.sign * own_p * (1.0 - own_p) * own_along**2
            return first, second

        return derivatives

    def _excess(self, shift: NDArray[Any]) -> NDArray[Any]:
        """Return r for changes of the log-odds, (n, k).

        With p the smaller probability nothing cancels in 1 + p expm1(s).
        """
        excess: NDArray[Any] = np.expm1(shift)
        divisor = self._probability * excess
        divisor += 1.0
        excess /= divisor
        excess -= shift
        excess *= self._weight
        return excess

    @cached_property
    def _margin(self) -> NDArray[Any]:
        """Log-odds of the coalition's less probable classes, (k,)."""
        return (-np.abs(self.fit.margin)).astype(self.dtype)

    @cached_property
    def _probability(self) -> NDArray[Any]:
        return np.asarray(expit(-np.abs(self.fit.margin)), dtype=self.dtype)

    @cached_property
    def _weight(self) -> NDArray[Any]:
        margin = self.fit.margin
        return np.asarray(expit(margin) * expit(-margin), dtype=self.dtype)

    @cached_property
    def _rows(self) -> NDArray[Any]:
        """White rows, turned so that their log-odds are negative, (k, p)."""
        turn = np.where(self.fit.margin > 0.0, -1.0, 1.0)
        return (turn[:, None] * self.fit.white_rows).astype(self.dtype)

    @cached_property
    def _columns(self) -> NDArray[Any]:
        return np.ascontiguousarray(self._rows.T)


class LogisticUpdater:
    """Updates of one fitted coalition.

    Parameters
    ----------
    fit : LogisticFit
        The coalition.
    utility_norm : float
        nu, the norm of the utility's gradient in white coordinates.
    largest_norm : float
        What nu is at most, whatever the parameters.
    tolerance : float
        Error of a utility that may be left, in units of the utility.
    """

    def __init__(
        self,
        fit: LogisticFit,
        utility_norm: float,
        largest_norm: float,
        tolerance: float,
    ) -> None:
        # An error of this length is the tolerance if its direction is random; along the
        # utility's gradient it would be as many times larger.
        n_parameters = len(fit.theta)
        sizes = [
            max(tolerance * n_parameters**0.5 / max(norm, _TINY), SMALLEST_SIZE)
            for norm in (utility_norm, largest_norm)
        ]
        self._effort = Effort(sizes[0], sizes[1], PLAIN_STEPS, CAREFUL_STEPS, MEMORY)
        self._quick = LogisticObjective(fit, np.float32)
        self._exact = LogisticObjective(fit, np.float64)
        self._base = np.zeros(n_parameters)

    @property
    def searches(self) -> tuple[Search, ...]:
        """Ways of searching: what one does not finish is for the next to begin anew."""
        return self._search_quickly, self._search_exactly

    def _search_quickly(
        self, x: FloatArray, y: FloatArray, sign: Sign
    ) -> tuple[NDArray[Any], BoolArray]:
        effort = replace(self._effort, round_off=_ROUND_OFF)
        # A search that overflows is not finished, and the next one does it.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            start = self._quick.start(x, y, sign)
            change, converged = descend(self._quick, start, effort, careful=False)
        # Round-off grows with the way, and as little of a member's leverage is left.
        h = row_dot(start.x, start.x)
        lost = _ROUND_OFF * start.reach * (1.0 + np.abs(start.kappa) * h)
        # Even the result of a far search would lose too much in single precision.
        converged &= lost <= _FAR_LOST * effort.smallest_size
        rough = np.flatnonzero(converged & (lost > _MOST_LOST * effort.smallest_size))
        if len(rough):
            near = self._exact.start(x[rough], y[rough], sign)
            near = replace(near, theta=change[rough].astype(np.float64))
            finished = descend(self._exact, near, self._effort, careful=False)
            change[rough], converged[rough] = finished
        return change, converged

    def _search_exactly(
        self, x: FloatArray, y: FloatArray, sign: Sign
    ) -> tuple[FloatArray, BoolArray]:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            start = self._exact.start(x, y, sign)
            return search(self._exact, start, self._base, self._effort)
