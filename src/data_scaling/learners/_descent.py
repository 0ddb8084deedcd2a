r"""Minimise many perturbed objectives at once from approximate minimisers.

Every point :math:`z` has an objective :math:`F_D(\theta) \pm \ell_z(\theta)` of its
own. All are minimised together: limited-memory BFGS steps on the exact gradients, whose
first inverse Hessians the objective gives. The few points whose steps do not contract
start again with an exact line search, which cannot fail on a convex function.

With the decrement :math:`\delta^2 = g'B g` of a step, :math:`B` the approximate inverse
Hessian, a utility is off by at most about :math:`\nu\,\delta`, where
:math:`\nu^2 = \nabla U' H^{-1} \nabla U`. A point is finished when this bound on what
its *next* step would change is below the tolerance.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal, Protocol, TypeAlias

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.learners._lbfgs import History, row_dot

Sign: TypeAlias = Literal[1, -1]
#: First two derivatives of the objectives along steps, at some lengths of the steps.
Slopes: TypeAlias = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

#: Length of a step, in the metric of the Hessian, that round-off hides.
SMALLEST_SIZE: Final = 1e-12

# A step that shrinks at least so much tells how long the next one would be.
_CONTRACTING: Final = 0.5
# A step that grows so much is no progress: the point starts again, carefully.
_DIVERGING: Final = 2.0
_LINE_STEPS: Final = 30
_TINY: Final = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class Batch:
    """Points to be added (``sign`` 1) or removed (-1), and where their search is.

    The shapes are for two classes; with more, where ``m`` is their number less one, the
    shapes that follow a semicolon hold, and p counts the parameters of all classes.

    Attributes
    ----------
    x : (n_points, p) float array; (n_points, p / m)
        Features, with the intercept's one.
    y : (n_points,) float64 array; (n_points, m)
        Targets, 0 or 1.
    margin : (n_points,) float64 array; (n_points, m)
        Log-odds of the points by the coalition's own fit.
    u : (n_points, p) float array; (n_points, m, p)
        H^-1 x.
    kappa : (n_points,) float array; (n_points, m, m)
        Factor of the rank-one term: the point's own inverse Hessian is
        ``H^-1 - u kappa u'``.
    sign : {1, -1}
        Whether the points are added or removed.
    theta : (n_points, p) float array
        Current parameters.
    reach : (n_points,) float64 array
        Length of the way from the coalition's fit to the start, in the metric of the
        Hessian.
    size : (n_points,) float64 array
        Length of the last step, in the same metric.
    """

    x: FloatArray
    y: FloatArray
    margin: FloatArray
    u: FloatArray
    kappa: FloatArray
    sign: Sign
    theta: FloatArray
    reach: FloatArray
    size: FloatArray

    def take(self, rows: BoolArray | IntArray) -> "Batch":
        """Return the batch of some of its points."""
        fields = ("x", "y", "margin", "u", "kappa", "theta", "reach", "size")
        return replace(self, **{name: getattr(self, name)[rows] for name in fields})


@dataclass(frozen=True)
class Effort:
    """When a search stops.

    Attributes
    ----------
    smallest_size : float
        Length of a next step, in the metric of the Hessian, that is short enough for a
        point near the coalition's own fit.
    safe_size : float
        Length that is short enough for any point: far from the coalition's fit the
        utility may be steeper than it is there.
    plain_steps, careful_steps : int
        Steps after which a point is given up, without and with line searches.
    memory : int
        Steps that are remembered.
    round_off : float
        Length of a step, relative to the way from the coalition's fit to the start,
        that round-off hides.
    """

    smallest_size: float
    safe_size: float
    plain_steps: int
    careful_steps: int
    memory: int
    round_off: float = 0.0


class Objective(Protocol):
    """The objectives of a batch of points."""

    def gradients(self, batch: Batch) -> FloatArray:
        """Return the gradient of every point's objective at its own parameters."""

    def scale(self, batch: Batch, rows: FloatArray) -> FloatArray:
        """Apply the points' own inverse Hessians at the start to rows, (n, p)."""

    def slopes(self, batch: Batch, step: FloatArray) -> Slopes:
        """Return the first two derivatives along the steps, as functions of length."""


def search(
    objective: Objective, start: Batch, base: FloatArray, effort: Effort
) -> tuple[FloatArray, BoolArray]:
    """Minimise every point's objective, plainly and where that fails carefully.

    Parameters
    ----------
    objective : Objective
        The objectives.
    start : Batch
        The points at the minima of their quadratic models.
    base : (p,) float64 array
        Minimiser of the coalition's objective, from where the careful search begins.
    effort : Effort
        When to stop.

    Returns
    -------
    theta : (n_points, p) float64 array
        Minimisers.
    converged : (n_points,) bool array
        Whether the minimiser is within the tolerance.
    """
    theta, converged = descend(objective, start, effort, careful=False)
    left = np.flatnonzero(~converged)
    if len(left):
        again = restart(objective, start.take(left), base)
        theta[left], converged[left] = descend(objective, again, effort, careful=True)
    return theta, converged


def descend(
    objective: Objective, batch: Batch, effort: Effort, *, careful: bool
) -> tuple[FloatArray, BoolArray]:
    """Take quasi-Newton steps until every point is finished or given up.

    The arguments and results are those of :func:`search`; ``careful`` steps have an
    exact line search each.
    """
    theta, converged = batch.theta.copy(), np.zeros(len(batch.y), dtype=bool)
    active, history = np.arange(len(theta)), History(effort.memory)
    gradient = objective.gradients(batch)
    for _ in range(effort.careful_steps if careful else effort.plain_steps):
        step = -history.apply(gradient, partial(objective.scale, batch))
        size = _make_size(step, gradient)
        ratio = size / np.maximum(batch.size, _TINY)
        if careful:
            step *= _lengths(objective, batch, step)
        batch = replace(batch, theta=batch.theta + step, size=size)
        finished = _expected_size(size, ratio) <= _short_enough(batch, effort)
        theta[active[finished]] = batch.theta[finished]
        converged[active[finished]] = True
        keep = ~finished & (np.isfinite(size) if careful else ratio < _DIVERGING)
        if not keep.any():
            break
        if not keep.all():
            active, batch = active[keep], batch.take(keep)
            step, gradient = step[keep], gradient[keep]
            history.keep(keep)
        moved = objective.gradients(batch)
        history.append(step, moved - gradient)
        gradient = moved
    return theta, converged


def _make_size(step: FloatArray, gradient: FloatArray) -> FloatArray:
    """Return the lengths of quasi-Newton steps in the metric of the Hessian, (n,).

    A step that does not go downwards, which round-off can cause, is no step: NaN.
    """
    decrement = -row_dot(step, gradient)
    return np.sqrt(np.where(decrement >= 0.0, decrement, np.nan))


def restart(objective: Objective, start: Batch, base: FloatArray) -> Batch:
    """Go from the coalition's own fit towards the start only as far as it helps."""
    origin = np.broadcast_to(base, start.theta.shape)
    step = start.theta - origin
    length = _lengths(objective, replace(start, theta=origin), step)
    return replace(start, theta=origin + length * step)


def _expected_size(size: FloatArray, ratio: FloatArray) -> FloatArray:
    """Return how long the next step would be.

    Where steps contract the next one is shorter by the same ratio at least; where
    they do not, it is taken to be twice as long.
    """
    return np.asarray(np.where(ratio < _CONTRACTING, ratio, 2.0) * size)


def _short_enough(batch: Batch, effort: Effort) -> FloatArray:
    """Return the length of a next step that would not matter, for every point.

    The residuals of the validation part, and with them the slope of the utility, may
    grow by the exponential of the way that a point has gone.
    """
    grown = effort.smallest_size * np.exp(-batch.reach)
    grown = np.maximum(grown, min(effort.safe_size, effort.smallest_size))
    return np.maximum(grown, effort.round_off * batch.reach)


def find_lengths(slopes: Slopes, n_points: int, *, tolerance: float) -> FloatArray:
    """Return the lengths, (n_points,), that minimise convex functions along lines.

    A derivative along a line increases; its root is bracketed, and Newton steps that
    leave the bracket are replaced by its middle.

    Parameters
    ----------
    slopes : callable
        First two derivatives along the lines, negative at length 0.
    n_points : int
        Number of lines.
    tolerance : float
        Relative change of a length that is its last.
    """
    low, high = np.zeros(n_points), np.full(n_points, np.inf)
    length, is_settled = np.ones(n_points), np.zeros(n_points, dtype=bool)
    for _ in range(_LINE_STEPS):
        first, second = slopes(length)
        low = np.where(first < 0, length, low)
        high = np.where(first > 0, length, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = length - first / second
        inside = (newton > low) & (newton < high)
        middle = np.where(np.isinf(high), 4.0 * low + 1.0, 0.5 * (low + high))
        moved = np.where(inside, newton, middle)
        # A line that is settled waits: what is found of it is its own alone.
        settles = ~is_settled & (np.abs(moved - length) <= tolerance * length)
        length = np.where(is_settled, length, moved)
        is_settled |= settles
        if is_settled.all():
            break
    return length


def _lengths(objective: Objective, batch: Batch, step: FloatArray) -> FloatArray:
    """Return the step lengths, (n_points, 1), that minimise along each step."""
    slopes = objective.slopes(batch, step)
    return find_lengths(slopes, len(step), tolerance=1e-3)[:, None]
