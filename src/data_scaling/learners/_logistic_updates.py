r"""Add a point to a fitted coalition, or remove one: many points at once.

The minimiser of :math:`F_D(\theta) \pm \ell_z(\theta)` is sought for a batch of points
:math:`z` from the minimiser :math:`\theta_D` of :math:`F_D`, whose Hessian :math:`H` is
inverted once for all of them.

1. *Start.* With :math:`u = H^{-1}x` the quadratic model of :math:`F_D` has its minimum
   with :math:`\ell_z` at :math:`\theta_D + t u/h,\ h = x'u`, where :math:`t` solves
   :math:`t + h\,(\sigma(x'\theta_D + t) - y) = 0`. For a removal the quadratic model of
   :math:`F_D - \ell_z` gives
   :math:`\theta_D + u\,(\sigma(x'\theta_D) - y)/(1 - w h)` with
   :math:`w = \sigma(1 - \sigma)`.
2. *Corrections* by :mod:`._descent`. The first inverse Hessian is :math:`H^{-1}` with
   the point's own rank-one term (Sherman and Morrison); a gradient of a batch is
   two matrix products.
"""

from typing import Final

import numpy as np

from data_scaling._typing import BoolArray, FloatArray
from data_scaling.learners._descent import (
    SMALLEST_SIZE,
    Batch,
    Effort,
    Sign,
    Slopes,
    search,
)
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._logistic_fit import LogisticFit

PLAIN_STEPS: Final = 20
CAREFUL_STEPS: Final = 60
MEMORY: Final = 8
_SCALAR_STEPS: Final = 40
# Rows per pass: their margins on a coalition of 1,000 then fit the cache.
_ROWS: Final = 256
_TINY: Final = float(np.finfo(np.float64).tiny)
_EPS: Final = float(np.finfo(np.float64).eps)


def sigmoid(margin: FloatArray) -> FloatArray:
    """Return 1 / (1 + exp(-margin)); the hyperbolic tangent is the quickest way."""
    return 0.5 + 0.5 * np.tanh(0.5 * margin)


def solve_scalar(margin: FloatArray, y: FloatArray, h: FloatArray) -> FloatArray:
    """Solve ``t + h (sigmoid(margin + t) - y) = 0`` by safeguarded Newton steps.

    All arguments are (n_points,) float64 arrays; ``h`` is at least 0. The left side
    increases in t, so that the root is unique.
    """
    low, high = np.minimum(0.0, h * (y - 1.0)), np.maximum(0.0, h * y)
    t = np.zeros_like(margin)
    for _ in range(_SCALAR_STEPS):
        probability = sigmoid(margin + t)
        value = t + h * (probability - y)
        low, high = np.where(value < 0, t, low), np.where(value > 0, t, high)
        newton = t - value / (1.0 + h * probability * (1.0 - probability))
        inside = (newton > low) & (newton < high)
        moved = np.where(inside, newton, 0.5 * (low + high))
        if np.max(np.abs(moved - t), initial=0.0) < 1e-9:
            return moved
        t = moved
    return t


class LogisticUpdater:
    """Updates of one fitted coalition.

    Parameters
    ----------
    fit : LogisticFit
        The coalition.
    utility_norm : float
        nu, the norm of the utility's gradient in the metric of the inverse Hessian.
    largest_norm : float
        What nu is at most, whatever the parameters.
    tolerance : float
        Largest error of a utility that is left, in units of the utility.
    """

    def __init__(
        self,
        fit: LogisticFit,
        utility_norm: float,
        largest_norm: float,
        tolerance: float,
    ) -> None:
        self.fit = fit
        smallest_size = max(tolerance / max(utility_norm, _TINY), SMALLEST_SIZE)
        safe_size = max(tolerance / max(largest_norm, _TINY), SMALLEST_SIZE)
        self._effort = Effort(
            smallest_size, safe_size, PLAIN_STEPS, CAREFUL_STEPS, MEMORY
        )
        self._half_x = 0.5 * fit.problem.x
        self._half_xt = np.ascontiguousarray(self._half_x.T)
        self._offset = (0.5 - fit.problem.y) @ fit.problem.x

    def update(
        self, x: FloatArray, y: FloatArray, sign: Sign
    ) -> tuple[FloatArray, BoolArray]:
        """Return the parameters with each point added or removed.

        Parameters
        ----------
        x : (n_points, p) float64 array
            Features of the points; those to be removed are rows of the coalition.
        y : (n_points,) float64 array
            Their targets, 0 or 1.
        sign : {1, -1}
            1 to add, -1 to remove.

        Returns
        -------
        theta : (n_points, p) float64 array
            Minimisers.
        converged : (n_points,) bool array
            Whether the minimiser is within the tolerance.
        """
        start = self._start(x, y, sign)
        return search(self, start, self.fit.theta, self._effort)

    def gradients(self, batch: Batch) -> FloatArray:
        """Return the gradient of every point's objective at its own parameters."""
        theta = batch.theta
        gradient = np.empty_like(theta)
        margins = np.empty((min(_ROWS, len(theta)), len(self._half_x)))
        for low in range(0, len(theta), _ROWS):
            rows = slice(low, low + _ROWS)
            tanh = margins[: len(theta[rows])]
            np.matmul(theta[rows], self._half_xt, out=tanh)
            np.tanh(tanh, out=tanh)
            np.matmul(tanh, self._half_x, out=gradient[rows])
        gradient += self._offset
        gradient += self.fit.problem.penalty * theta
        residual = sigmoid(row_dot(batch.x, theta)) - batch.y
        gradient += (batch.sign * residual)[:, None] * batch.x
        return gradient

    def _start(self, x: FloatArray, y: FloatArray, sign: Sign) -> Batch:
        """Put every point at the minimum of its quadratic model."""
        theta = self.fit.theta
        u = x @ self.fit.inverse_hessian
        h = row_dot(u, x)
        margin = x @ theta
        if sign == 1:
            t = solve_scalar(margin, y, h)
            ratio = np.divide(t, h, out=np.zeros_like(t), where=h > 0)
            probability = sigmoid(margin + t)
        else:
            probability = sigmoid(margin)
            left = 1.0 - probability * (1.0 - probability) * h
            ratio = (probability - y) / np.maximum(left, _EPS)
        weight = sign * probability * (1.0 - probability)
        kappa = weight / np.maximum(1.0 + weight * h, _EPS)
        size = np.abs(ratio) * np.sqrt(h)
        moved = theta + ratio[:, None] * u
        return Batch(x, y, margin, u, kappa, sign, moved, size, size)

    def scale(self, batch: Batch, rows: FloatArray) -> FloatArray:
        """Apply the points' own inverse Hessians at the start to rows, (n, p)."""
        scaled = rows @ self.fit.inverse_hessian
        scaled -= (batch.kappa * row_dot(batch.u, rows))[:, None] * batch.u
        return scaled

    def slopes(self, batch: Batch, step: FloatArray) -> Slopes:
        """Return the first two derivatives along the steps, as functions of length."""
        problem = self.fit.problem
        margin, along = batch.theta @ problem.x.T, step @ problem.x.T
        own, own_along = row_dot(batch.x, batch.theta), row_dot(batch.x, step)
        linear = row_dot(problem.penalty * batch.theta, step)
        quadratic = row_dot(problem.penalty * step, step)

        def derivatives(length: FloatArray) -> tuple[FloatArray, FloatArray]:
            p = sigmoid(margin + length[:, None] * along)
            first = row_dot(p - problem.y, along) + linear + length * quadratic
            second = row_dot(p * (1.0 - p) * along, along) + quadratic
            own_p = sigmoid(own + length * own_along)
            first += batch.sign * (own_p - batch.y) * own_along
            second += batch.sign * own_p * (1.0 - own_p) * own_along**2
            return first, second

        return derivatives
