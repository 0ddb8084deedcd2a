r"""Add a point to a fitted coalition of several classes, or remove one.

As for two classes (:mod:`._logistic_updates`), with :math:`m` log-odds per point where
there one was enough.

1. *Start.* With :math:`U = H^{-1}(x \otimes I_m)` and :math:`G = (x \otimes I_m)'U` the
   quadratic model of :math:`F_D` has its minimum with :math:`\ell_z` at
   :math:`\theta_D - U\rho`, where :math:`\rho = p(v - G\rho) - y` and :math:`v` are
   the point's log-odds by :math:`\theta_D`. For a removal the quadratic model of
   :math:`F_D - \ell_z` gives :math:`\theta_D + U(I - S G)^{-1}(p(v) - y)` with
   :math:`S = \mathrm{diag}(p) - pp'`.
2. *Corrections* by :mod:`._descent`. The first inverse Hessian is
   :math:`H^{-1} - U K U'` with :math:`K = \pm S (I \pm G S)^{-1}` (Woodbury); without
   the point's own term the steps diverge. All of :math:`U` costs as much as one
   application of :math:`H^{-1}`.

The search is in single precision (:mod:`._multinomial_arithmetic`); the gradients of
its last steps are in double precision. Points that are not finished so are searched for
in double precision throughout.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import BoolArray, FloatArray
from data_scaling.learners._descent import (
    SMALLEST_SIZE,
    Batch,
    Effort,
    Sign,
    Slopes,
    descend,
    restart,
)
from data_scaling.learners._exact_draws import Search
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._multinomial_arithmetic import Arithmetic
from data_scaling.learners._multinomial_fit import MultinomialFit
from data_scaling.learners._multinomial_start import (
    class_curvature,
    multiply,
    point_softmax,
    solve_residual,
)

PLAIN_STEPS: Final = 30
CAREFUL_STEPS: Final = 60
_MEMORY: Final = 8
# Steps so short, relative to the whole way, are where single precision ends.
_NEAR: Final = 256 * float(np.finfo(np.float32).eps)
_TINY: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class MultinomialObjective:
    """The objectives of a batch, as functions of the change from the coalition's fit.

    Attributes
    ----------
    quick : Arithmetic
        Precision of the search.
    exact : Arithmetic
        Precision of the gradients near its end.
    """

    quick: Arithmetic
    exact: Arithmetic

    def start(self, x: FloatArray, y: FloatArray, sign: Sign) -> Batch:
        """Put every point at the minimum of its quadratic model.

        Parameters are those of :class:`._exact_draws.Search`.
        """
        (n_points, m), dtype = y.shape, self.quick.dtype
        rows = x.astype(dtype, copy=False)
        blocks = self.quick.inverse_hessian.reshape(m, x.shape[1], -1)
        u = np.empty((n_points, m, blocks.shape[2]), dtype)
        for contrast in range(m):
            np.matmul(rows, blocks[contrast], out=u[:, contrast])
        columns = u.reshape(n_points, m * m, -1)
        g = np.matmul(columns, rows[:, :, None]).astype(np.float64)
        g = g.reshape(n_points, m, m)
        margin = x @ self.exact.fit.theta.reshape(m, -1).T
        rho, curvature = _start_residual(margin, y, g, sign)
        kappa = sign * np.linalg.solve(np.eye(m) + sign * curvature @ g, curvature)
        theta = -np.matmul(rho[:, None, :].astype(dtype), u)[:, 0].astype(np.float64)
        size = np.sqrt(np.maximum(row_dot(rho, multiply(g, rho)), 0.0))
        return Batch(x, y, margin, u, kappa.astype(dtype), sign, theta, size, size)

    def gradients(self, batch: Batch) -> NDArray[Any]:
        """Return the gradient of every point's objective at its own parameters."""
        gradient = np.empty(batch.theta.shape, self.quick.dtype)
        near = batch.size <= _NEAR * batch.reach
        for rows, arithmetic in ((~near, self.quick), (near, self.exact)):
            if not rows.any():
                continue
            part = batch if rows.all() else batch.take(rows)
            total = arithmetic.gradients(part.theta)
            own = (part.sign * _own_residual(part)).astype(total.dtype)
            x = part.x.astype(total.dtype, copy=False)
            by_class = total.reshape(*own.shape, -1)
            by_class += own[:, :, None] * x[:, None, :]
            gradient[rows] = total
        return gradient

    def scale(self, batch: Batch, rows: NDArray[Any]) -> NDArray[Any]:
        """Apply the points' own inverse Hessians at the start to rows, (n, m p)."""
        scaled = rows @ self.quick.inverse_hessian
        x = batch.x.astype(scaled.dtype, copy=False)
        weight = multiply(batch.kappa, _own_shift(x, scaled))
        scaled -= np.matmul(weight[:, None, :], batch.u)[:, 0]
        return np.asarray(scaled)

    def slopes(self, batch: Batch, step: NDArray[Any]) -> Slopes:
        """Return the first two derivatives along the steps, as functions of length."""
        quick = self.quick
        dtype = quick.probability.dtype
        shift = quick.shifts(batch.theta.astype(dtype))
        along = quick.shifts(step.astype(dtype))
        own = batch.margin + _own_shift(batch.x, batch.theta)
        own_along = _own_shift(batch.x, step)
        penalised = quick.fit.problem.penalise(np.asarray(step, dtype=np.float64))
        linear, quadratic = row_dot(penalised, batch.theta), row_dot(penalised, step)

        def derivatives(length: FloatArray) -> tuple[FloatArray, FloatArray]:
            residual = shift + length.astype(dtype)[:, None, None] * along
            quick.make_residuals(residual)
            p = residual + quick.probability
            mean = np.einsum("bck,bck->bk", p, along)
            first: FloatArray = np.einsum("bck,bck->b", residual, along) + linear
            second: FloatArray = np.einsum("bck,bck,bck->b", p, along, along)
            second -= row_dot(mean, mean)
            own_p = point_softmax(own + length[:, None] * own_along)
            own_mean = row_dot(own_p, own_along)
            first += length * quadratic
            first += batch.sign * row_dot(own_p - batch.y, own_along)
            own_square = row_dot(own_p, own_along**2)
            second += quadratic + batch.sign * (own_square - own_mean**2)
            return first, second

        return derivatives


class MultinomialUpdater:
    """Updates of one fitted coalition.

    Parameters
    ----------
    fit : MultinomialFit
        The coalition.
    utility_norm : float
        nu, the norm of the utility's gradient in the metric of the inverse Hessian.
    tolerance : float
        Error of a utility that may be left, in units of the utility.
    """

    def __init__(self, fit: MultinomialFit, utility_norm: float, tolerance: float):
        self.fit = fit
        # An error of this length is the tolerance if its direction is random; along the
        # utility's gradient it would be as many times larger.
        expected_norm = max(utility_norm / len(fit.theta) ** 0.5, _TINY)
        smallest_size = max(tolerance / expected_norm, SMALLEST_SIZE)
        self._effort = Effort(
            smallest_size, smallest_size, PLAIN_STEPS, CAREFUL_STEPS, _MEMORY
        )
        exact = Arithmetic(fit, np.float64)
        self._quick = MultinomialObjective(Arithmetic(fit, np.float32), exact)
        self._exact = MultinomialObjective(exact, exact)

    @property
    def searches(self) -> tuple[Search, ...]:
        """Ways of searching: what one does not finish is for the next to begin anew.

        The first goes from the start; the second from where the objective is least on
        the way there, for the few points that the start overshoots; the last, for next
        to none, has line searches and double precision throughout.
        """
        return (
            partial(self._search, self._quick, restarted=False, careful=False),
            partial(self._search, self._quick, restarted=True, careful=False),
            partial(self._search, self._exact, restarted=True, careful=True),
        )

    def start(
        self, x: FloatArray, y: FloatArray, sign: Sign
    ) -> tuple[FloatArray, BoolArray]:
        """Return where the search begins, as a search that is finished there."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            batch = self._quick.start(x, y, sign)
        return batch.theta, np.ones(len(x), dtype=bool)

    def _search(
        self,
        objective: MultinomialObjective,
        x: FloatArray,
        y: FloatArray,
        sign: Sign,
        *,
        restarted: bool,
        careful: bool,
    ) -> tuple[FloatArray, BoolArray]:
        # A search that overflows is not finished, and the next one does it.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            batch = objective.start(x, y, sign)
            if restarted:
                batch = restart(objective, batch, np.zeros(len(self.fit.theta)))
            return descend(objective, batch, self._effort, careful=careful)


def _start_residual(
    margin: FloatArray, y: FloatArray, g: FloatArray, sign: Sign
) -> tuple[FloatArray, FloatArray]:
    """Return rho of the start, (n, m), and the point's curvature S there."""
    if sign == 1:
        rho = solve_residual(margin, y, g)
        return rho, class_curvature(point_softmax(margin - multiply(g, rho)))
    probability = point_softmax(margin)
    curvature = class_curvature(probability)
    system = np.eye(margin.shape[1]) - curvature @ g
    solution = np.linalg.solve(system, (y - probability)[:, :, None])
    return np.asarray(solution[:, :, 0]), curvature


def _own_shift(x: NDArray[Any], change: NDArray[Any]) -> NDArray[Any]:
    """Return by how much changed parameters move the points' own log-odds, (n, m)."""
    by_class = change.reshape(len(x), -1, x.shape[1])
    return np.asarray(np.matmul(by_class, x[:, :, None])[:, :, 0])


def _own_residual(batch: Batch) -> FloatArray:
    margin = batch.margin + _own_shift(batch.x, batch.theta)
    return point_softmax(margin) - batch.y
