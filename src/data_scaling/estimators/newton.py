r"""Newton's method in a box, for many problems of two unknowns at once.

Every problem minimises a smooth function over :math:`[l_1, u_1] \times [l_2, u_2]`
with exact derivatives. A step is damped until the value decreases (Levenberg), with
the curvature made positive where it is not; an unknown at a bound whose gradient
points outwards is held there. Only unfinished problems are evaluated.

References
----------
.. [1] Nocedal and Wright, "Numerical Optimization", 2006, sections 3.4 and 16.7.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, IntArray

Evaluate: TypeAlias = Callable[
    [FloatArray, IntArray], tuple[FloatArray, FloatArray, FloatArray]
]

# Curvature below this share of the problem's scale counts as none.
FLAT = 1e-10


@dataclass(frozen=True, eq=False)
class BoxMinimum:
    """Where the problems ended.

    Attributes
    ----------
    theta : (n_problems, 2) float64 array
        The minimisers.
    value : (n_problems,) float64 array
        Their values before the last step, which changes them by rounding alone.
    converged : (n_problems,) bool array
        Whether the next step would gain less than the tolerance.
    """

    theta: FloatArray
    value: FloatArray
    converged: BoolArray


def minimise_in_box(
    evaluate: Evaluate,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    scale: FloatArray,
    max_iterations: int,
) -> BoxMinimum:
    """Minimise many functions of two unknowns, each from its own start.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(theta, problems)`` gives the value (n,), the gradient (n, 2) and
        the entries (11, 12, 22) of the Hessian (n, 3) of the listed problems.
    start : (n_problems, 2) float64 array
        Starts; they are put into the box.
    lower, upper : (2,) float64 array
        Bounds of the box.
    scale : (n_problems,) float64 array
        Scale of the values: a step that promises less than 1e-12 of it is the last.
    max_iterations : int
        Largest number of evaluations per problem.
    """
    theta = np.clip(start, lower, upper)
    converged = np.zeros(len(theta), dtype=np.bool_)
    active = np.arange(len(theta))
    value, gradient, hessian = evaluate(theta, active)
    lowest = value.copy()
    damping = np.zeros(len(theta))
    for _ in range(max_iterations):
        held = _is_held(theta[active], gradient, lower, upper)
        step, gain, curvature, is_plain = _propose_steps(
            gradient, hessian, held, damping, scale[active]
        )
        trial = np.clip(theta[active] + step, lower, upper)
        is_last = is_plain & (gain <= 1e-12 * scale[active])
        theta[active[is_last]] = trial[is_last]
        converged[active[is_last]] = True
        # Values that are no numbers (no noise is left) cannot be improved either.
        going = ~is_last & np.isfinite(gain)
        if not going.any():
            break
        active, trial = active[going], trial[going]
        value, gradient, hessian = value[going], gradient[going], hessian[going]
        damping, curvature = damping[going], curvature[going]
        new_value, new_gradient, new_hessian = evaluate(trial, active)
        better = new_value <= value
        theta[active[better]] = trial[better]
        value = np.where(better, new_value, value)
        lowest[active] = value
        gradient = np.where(better[:, None], new_gradient, gradient)
        hessian = np.where(better[:, None], new_hessian, hessian)
        relaxed = np.where(damping < 1e-3 * curvature, 0.0, damping / 8)
        damping = np.where(better, relaxed, np.maximum(4 * damping, curvature / 4))
    return BoxMinimum(theta, lowest, converged)


def _is_held(
    theta: FloatArray, gradient: FloatArray, lower: FloatArray, upper: FloatArray
) -> BoolArray:
    held: BoolArray = ((theta <= lower) & (gradient > 0)) | (
        (theta >= upper) & (gradient < 0)
    )
    return held


def _propose_steps(
    gradient: FloatArray,
    hessian: FloatArray,
    held: BoolArray,
    damping: FloatArray,
    scale: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, BoolArray]:
    """Return steps, promised gains, largest curvatures, and which steps are plain.

    A plain step is Newton's own, neither damped nor turned away from a maximum.
    """
    slope = np.where(held, 0.0, gradient)
    first = np.where(held[:, 0], 0.0, hessian[:, 0])
    mixed = np.where(held.any(axis=1), 0.0, hessian[:, 1])
    second = np.where(held[:, 1], 0.0, hessian[:, 2])
    # The curvature of a held unknown must not pass for a flat or negative direction.
    first = np.where(held[:, 0], np.abs(second), first)
    second = np.where(held[:, 1], np.abs(first), second)
    middle, radius = (first + second) / 2, np.hypot((first - second) / 2, mixed)
    smallest = middle - radius
    curvature = np.abs(middle) + radius
    flat = FLAT * scale
    lift = np.where(smallest < flat, flat + 2 * np.abs(smallest), 0.0)
    shift = np.maximum(damping, lift)
    first, second = first + shift, second + shift
    determinant = first * second - mixed**2
    step = np.empty_like(slope)
    step[:, 0] = (mixed * slope[:, 1] - second * slope[:, 0]) / determinant
    step[:, 1] = (mixed * slope[:, 0] - first * slope[:, 1]) / determinant
    step[held] = 0.0
    gain = np.where(held.all(axis=1), 0.0, -np.sum(slope * step, axis=1) / 2)
    return step, gain, curvature, shift <= 3 * flat
