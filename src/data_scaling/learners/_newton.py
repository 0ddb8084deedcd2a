"""Newton's method for a smooth convex function, to round-off."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Protocol

import numpy as np
from scipy import linalg

from data_scaling._typing import FloatArray
from data_scaling.learners._precision import find_lapack

MAX_ITERATIONS = 200
_SUFFICIENT_DECREASE = 1e-4
_SMALLEST_STEP = 2.0**-40
# Decrements, relative to the objective: at round-off; where one that no longer shrinks
# is at round-off too; and from which on full steps are safe.
_FLOOR = 1e-28
_STALLED = 1e-20
_NEAR = 1e-9
NOT_CONVERGED = f"the logistic fit did not converge in {MAX_ITERATIONS} Newton steps"
# Rows whose part above the diagonal is filled at once.
_MIRRORED = 128


class SingularFitError(ArithmeticError):
    """The objective has no finite minimum, or Newton's method did not reach it."""


class ConvexProblem(Protocol):
    """A smooth convex function of p parameters."""

    def value(self, theta: FloatArray) -> float:
        """Return the function at ``theta`` (p,)."""

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return its gradient, (p,)."""

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return its Hessian, (p, p)."""


def minimise(
    problem: ConvexProblem, start: FloatArray, *, floor: float = _FLOOR
) -> FloatArray:
    """Minimise the objective by damped Newton steps from ``start``.

    Parameters
    ----------
    problem : ConvexProblem
        The objective.
    start : (p,) float64 array
        First guess.
    floor : float
        Decrement, relative to the objective, whose step is the last; round-off by
        default.

    Returns
    -------
    theta : (p,) float64 array
        Minimiser; by default its gradient is zero to round-off.

    Raises
    ------
    SingularFitError
        If there is no finite minimum, or it is not reached.
    """
    previous = np.inf
    for theta, step, decrement, scale in _descend(problem, start):
        if decrement <= floor * scale:
            return theta + step
        # Full steps converge quadratically until round-off stops them.
        if 0.25 * previous < decrement <= _STALLED * scale:
            return theta
        previous = decrement
    raise SingularFitError(NOT_CONVERGED)


def polish(
    problem: ConvexProblem, theta: FloatArray, inverse_hessian: FloatArray
) -> FloatArray:
    """Go on from near the minimum to round-off, by an inverse Hessian from nearby.

    Where its steps do not contract, Newton's method goes on instead.

    Raises
    ------
    SingularFitError
        If there is no finite minimum, or it is not reached.
    """
    scale, previous = 1.0 + abs(problem.value(theta)), np.inf
    for _ in range(MAX_ITERATIONS):
        gradient = problem.gradient(theta)
        step = -inverse_hessian @ gradient
        decrement = float(-step @ gradient)
        if decrement <= _FLOOR * scale:
            return theta + step
        if not decrement <= 0.25 * previous:
            return theta if decrement <= _STALLED * scale else minimise(problem, theta)
        theta, previous = theta + step, decrement
    return minimise(problem, theta)


def invert_hessian(problem: ConvexProblem, theta: FloatArray) -> FloatArray:
    """Return the inverse of the Hessian at ``theta``, (p, p), symmetric.

    It is of the precision of the Hessian.

    Raises
    ------
    SingularFitError
        If the Hessian is not positive definite.
    """
    factor = factor_hessian(problem, theta)
    (invert,) = find_lapack(("potri",), factor.dtype)
    inverse, status = invert(factor, lower=1, overwrite_c=1)
    if status != 0:
        raise SingularFitError("the logistic Hessian is singular")
    for low in range(0, len(inverse), _MIRRORED):
        high = low + _MIRRORED
        corner = np.tril(inverse[low:high, low:high], -1)
        inverse[low:high, low:high] = np.tril(inverse[low:high, low:high]) + corner.T
        inverse[low:high, high:] = inverse[high:, low:high].T
    return np.asarray(inverse)


def factor_hessian(problem: ConvexProblem, theta: FloatArray) -> FloatArray:
    """Return the lower Cholesky factor of the Hessian, arbitrary above it.

    Raises
    ------
    SingularFitError
        If the Hessian is not positive definite.
    """
    try:
        factor, _ = linalg.cho_factor(
            problem.hessian(theta), lower=True, overwrite_a=True, check_finite=False
        )
    except linalg.LinAlgError as error:
        raise SingularFitError("the logistic Hessian is singular") from error
    return np.asarray(factor)


def _descend(
    problem: ConvexProblem, theta: FloatArray
) -> Iterator[tuple[FloatArray, FloatArray, float, float]]:
    """Go down by damped Newton steps.

    Yields
    ------
    tuple
        Where it stands, the next step, twice the decrease that the step promises, and
        the scale of the objective.
    """
    value = problem.value(theta)
    for _ in range(MAX_ITERATIONS):
        gradient, factor = problem.gradient(theta), factor_hessian(problem, theta)
        step, decrement = _newton_step(factor, gradient)
        scale = 1.0 + abs(value)
        yield theta, step, decrement, scale
        # Values no longer tell steps apart where the decrement is small.
        if decrement > _NEAR * scale:
            evaluate = partial(_evaluate_along, problem, theta, step)
            length, value = search_line(evaluate, value, decrement)
            theta = theta + length * step
        else:
            theta = theta + step
            value = problem.value(theta)


def _newton_step(factor: FloatArray, gradient: FloatArray) -> tuple[FloatArray, float]:
    """Return the Newton step and twice the decrease that it promises."""
    step = -linalg.cho_solve((factor, True), gradient, check_finite=False)
    decrement = float(-step @ gradient)
    if not np.isfinite(decrement):
        raise SingularFitError("the logistic fit gave a number that is not finite")
    return np.asarray(step), decrement


def _evaluate_along(
    problem: ConvexProblem, theta: FloatArray, step: FloatArray, length: float
) -> float:
    return problem.value(theta + length * step)


def search_line(
    evaluate: Callable[[float], float], value: float, decrement: float
) -> tuple[float, float]:
    """Halve a step until the objective decreases enough.

    Parameters
    ----------
    evaluate : callable
        The objective at a part of the step, from 0 to 1.
    value, decrement : float
        The objective at 0, and twice the decrease that the whole step promises.

    Returns
    -------
    length, value : float
        The part of the step, and the objective there.

    Raises
    ------
    SingularFitError
        If no part of the step decreases the objective.
    """
    length = 1.0
    while length > _SMALLEST_STEP:
        there = evaluate(length)
        if there <= value - _SUFFICIENT_DECREASE * length * decrement:
            return length, there
        length /= 2.0
    raise SingularFitError(
        "the logistic fit found no step that decreases its objective"
    )
