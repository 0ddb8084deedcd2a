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
2. *Corrections.* Limited-memory BFGS steps on the exact gradient, whose first inverse
   Hessian is :math:`H^{-1}` with the point's own rank-one term (Sherman and Morrison).
   A gradient of a batch is two matrix products. The few points whose steps do not
   contract start again with an exact line search, which cannot fail on a convex
   function.
3. *End.* With the decrement :math:`\delta^2 = g'B g` of a step, :math:`B` the
   approximate inverse Hessian, the utility is off by at most about
   :math:`\nu\,\delta`, where :math:`\nu^2 = \nabla U' H^{-1} \nabla U`. A point is
   finished when this bound on what its *next* step would change is below the tolerance.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal, TypeAlias

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.learners._lbfgs import History, row_dot
from data_scaling.learners._logistic_fit import LogisticFit

Sign: TypeAlias = Literal[1, -1]

MEMORY: Final = 4
PLAIN_STEPS: Final = 8
CAREFUL_STEPS: Final = 60
# A step that shrinks at least so much tells how long the next one would be.
_CONTRACTING: Final = 0.5
# A step that grows so much is no progress: the point starts again, carefully.
_DIVERGING: Final = 2.0
_SCALAR_STEPS: Final = 40
_LINE_STEPS: Final = 30
# Rows per pass: their margins on a coalition of 1,000 then fit the cache.
_ROWS: Final = 256
_TINY: Final = float(np.finfo(np.float64).tiny)
_EPS: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Batch:
    """Points to be added (``sign`` 1) or removed (-1), and where their search is.

    Attributes
    ----------
    x : (n_points, p) float64 array
        Features, with the intercept's one.
    y : (n_points,) float64 array
        Targets, 0 or 1.
    u : (n_points, p) float64 array
        H^-1 x.
    kappa : (n_points,) float64 array
        Factor of the rank-one term: the point's own inverse Hessian is
        ``H^-1 - kappa u u'``.
    sign : {1, -1}
        Whether the points are added or removed.
    theta : (n_points, p) float64 array
        Current parameters.
    size : (n_points,) float64 array
        Length of the last step in the metric of the Hessian.
    """

    x: FloatArray
    y: FloatArray
    u: FloatArray
    kappa: FloatArray
    sign: Sign
    theta: FloatArray
    size: FloatArray

    def take(self, rows: BoolArray | IntArray) -> "Batch":
        """Return the batch of some of its points."""
        fields = ("x", "y", "u", "kappa", "theta", "size")
        return replace(self, **{name: getattr(self, name)[rows] for name in fields})


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
    tolerance : float
        Largest error of a utility that is left, in units of the utility.
    """

    def __init__(self, fit: LogisticFit, utility_norm: float, tolerance: float) -> None:
        self.fit = fit
        self._smallest_size = tolerance / max(utility_norm, _TINY)
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
        theta, converged = self._descend(start, careful=False)
        left = np.flatnonzero(~converged)
        if len(left):
            again = self._restart(start.take(left))
            theta[left], converged[left] = self._descend(again, careful=True)
        return theta, converged

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
        return Batch(x, y, u, kappa, sign, theta + ratio[:, None] * u, size)

    def _restart(self, start: Batch) -> Batch:
        """Go from the coalition's own fit towards the start only as far as it helps."""
        base = np.broadcast_to(self.fit.theta, start.theta.shape)
        step = start.theta - base
        length = self._lengths(replace(start, theta=base), step)
        return replace(start, theta=base + length * step)

    def _descend(self, batch: Batch, *, careful: bool) -> tuple[FloatArray, BoolArray]:
        """Take quasi-Newton steps until every point is finished or given up."""
        theta, converged = batch.theta.copy(), np.zeros(len(batch.y), dtype=bool)
        active, history = np.arange(len(theta)), History(MEMORY)
        gradient = self.gradients(batch)
        for _ in range(CAREFUL_STEPS if careful else PLAIN_STEPS):
            step = -history.apply(gradient, partial(self._scale, batch))
            size = np.sqrt(np.maximum(-row_dot(step, gradient), 0.0))
            ratio = size / np.maximum(batch.size, _TINY)
            if careful:
                step *= self._lengths(batch, step)
            batch = replace(batch, theta=batch.theta + step, size=size)
            finished = self._is_finished(size, ratio)
            theta[active[finished]] = batch.theta[finished]
            converged[active[finished]] = True
            keep = ~finished & (np.isfinite(size) if careful else ratio < _DIVERGING)
            if not keep.any():
                break
            if not keep.all():
                active, batch = active[keep], batch.take(keep)
                step, gradient = step[keep], gradient[keep]
                history.keep(keep)
            moved = self.gradients(batch)
            history.append(step, moved - gradient)
            gradient = moved
        return theta, converged

    def _scale(self, batch: Batch, rows: FloatArray) -> FloatArray:
        """Apply the points' own inverse Hessians at the start to rows, (n, p)."""
        scaled = rows @ self.fit.inverse_hessian
        scaled -= (batch.kappa * row_dot(batch.u, rows))[:, None] * batch.u
        return scaled

    def _is_finished(self, size: FloatArray, ratio: FloatArray) -> BoolArray:
        """Say whose next step would be too short to matter.

        Where steps contract the next one is shorter by the same ratio at least; where
        they do not, it is taken to be twice as long.
        """
        following = np.where(ratio < _CONTRACTING, ratio, 2.0) * size
        return np.asarray(following <= self._smallest_size)

    def _lengths(self, batch: Batch, step: FloatArray) -> FloatArray:
        """Return the step lengths, (n_points, 1), that minimise along each step.

        The derivative along a step increases; its root is bracketed, and Newton steps
        that leave the bracket are replaced by its middle.
        """
        slope = self._slopes(batch, step)
        low, high = np.zeros(len(step)), np.full(len(step), np.inf)
        length = np.ones(len(step))
        for _ in range(_LINE_STEPS):
            first, second = slope(length)
            low = np.where(first < 0, length, low)
            high = np.where(first > 0, length, high)
            with np.errstate(divide="ignore", invalid="ignore"):
                newton = length - first / second
            inside = (newton > low) & (newton < high)
            middle = np.where(np.isinf(high), 4.0 * low + 1.0, 0.5 * (low + high))
            moved = np.where(inside, newton, middle)
            is_settled = np.all(np.abs(moved - length) <= 1e-3 * length)
            length = moved
            if is_settled:
                break
        return length[:, None]

    def _slopes(
        self, batch: Batch, step: FloatArray
    ) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
        """Return the first two derivatives along the steps, as a function of length."""
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
