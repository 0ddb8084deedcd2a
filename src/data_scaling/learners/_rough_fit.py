"""Binary logistic regression of one coalition, as precise as an expansion needs it."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_scaling.learners._logistic_fit import LogisticProblem
from data_scaling.learners._newton import (
    MAX_ITERATIONS,
    NOT_CONVERGED,
    SingularFitError,
    search_line,
)
from data_scaling.learners._precision import find_lapack, to_single

Pair: TypeAlias = tuple[NDArray[Any], NDArray[Any]]

# Decrement of the fit, relative to its objective, whose step is the last; and the least
# entry of the Hessian's factor, relative to the largest, that single precision tells.
_FLOOR: Final = 1e-5
_LEAST_SINGLE: Final = 1e-2


@dataclass(frozen=True, eq=False)
class RoughFit:
    """A coalition fitted as precisely as an expansion needs it.

    All arrays are of single precision where that does, else of double.

    Attributes
    ----------
    problem : LogisticProblem
        The coalition's rows.
    theta : (p,) float array
        Near its minimiser.
    whitener : (p, p) float array
        Rows of features times it are white: the Hessian, one step before the last, is
        the identity for them.
    """

    problem: LogisticProblem
    theta: NDArray[Any]
    whitener: NDArray[Any]

    @property
    def is_single(self) -> bool:
        """Whether single precision does."""
        return self.whitener.dtype == np.float32


def fit_roughly(problem: LogisticProblem) -> RoughFit:
    """Fit a coalition as precisely as an expansion needs it.

    Single precision does where no direction of the features is far shorter than others.

    Raises
    ------
    SingularFitError
        If the Hessian is singular, or the minimum is not reached. Separable rows
        without a penalty have none: their fit ends where the objective is flat.
    """
    # What is too large for single precision is not finite, and refused.
    with np.errstate(over="ignore", invalid="ignore"):
        parts = problem.x, problem.y, problem.penalty
        single = LogisticProblem(*map(to_single, parts))
        try:
            theta, factor = _minimise(single)
            if _are_alike(np.diagonal(factor)):
                return RoughFit(single, theta, _invert(factor))
        except SingularFitError:
            pass
        theta, factor = _minimise(problem)
    return RoughFit(problem, theta, _invert(factor))


def _minimise(problem: LogisticProblem) -> tuple[NDArray[Any], NDArray[Any]]:
    """Minimise by damped Newton steps from zero, in the precision of the rows.

    Log-odds are held and moved with the parameters: a step passes over the rows for the
    Hessian, the gradient and its own shift alone.

    Returns
    -------
    theta : (p,) array
        Near the minimiser: one step after the decrement, relative to the objective, is
        below the floor.
    factor : (p, p) array
        Lower Cholesky factor of the Hessian one step before, arbitrary above it.

    Raises
    ------
    SingularFitError
        If that is not reached.
    """
    x, y, penalty = problem.x, problem.y, problem.penalty
    factorise, solve = find_lapack(("potrf", "potrs"), x.dtype)
    theta, margin = np.zeros_like(penalty), np.zeros_like(y)
    value = _evaluate(problem, margin, theta)
    for _ in range(MAX_ITERATIONS):
        probability = 1.0 / (1.0 + np.exp(-margin))
        gradient = (probability - y) @ x + penalty * theta
        scaled = x * np.sqrt(probability * (1.0 - probability))[:, None]
        hessian = scaled.T @ scaled
        hessian.flat[:: len(hessian) + 1] += penalty
        factor, status = factorise(hessian.T, lower=1, clean=0, overwrite_a=1)
        if status != 0:
            raise SingularFitError("the logistic Hessian is singular")
        step, _ = solve(factor, -gradient, lower=1)
        decrement, scale = -float(step @ gradient), 1.0 + abs(value)
        if not np.isfinite(decrement):
            raise SingularFitError("the logistic fit gave a number that is not finite")
        if decrement <= _FLOOR * scale:
            return theta + step, factor
        shift = x @ step
        evaluate = partial(_evaluate_along, problem, (margin, theta), (shift, step))
        length, value = search_line(evaluate, value, decrement)
        margin, theta = margin + length * shift, theta + length * step
    raise SingularFitError(NOT_CONVERGED)


def _evaluate_along(
    problem: LogisticProblem, start: Pair, change: Pair, length: float
) -> float:
    """Return the objective at a part of a change of log-odds and parameters."""
    moved = (a + length * b for a, b in zip(start, change, strict=True))
    return _evaluate(problem, *moved)


def _evaluate(
    problem: LogisticProblem, margin: NDArray[Any], theta: NDArray[Any]
) -> float:
    """Return the objective, in nats, from log-odds."""
    loss = np.log1p(np.exp(-np.abs(margin))).sum()
    loss += (np.maximum(margin, 0.0) - problem.y * margin).sum()
    return float(loss + 0.5 * problem.penalty @ theta**2)


def _are_alike(diagonal: NDArray[Any]) -> bool:
    """Say whether single precision leaves something of a factor's least direction."""
    return bool(diagonal.min() > _LEAST_SINGLE * diagonal.max())


def _invert(factor: NDArray[Any]) -> NDArray[Any]:
    """Return the transposed inverse of a lower triangle, whose upper part is noise."""
    (invert,) = find_lapack(("trtri",), factor.dtype)
    inverse, status = invert(factor, lower=1)
    if status != 0:
        raise SingularFitError("the logistic Hessian is singular")
    return np.ascontiguousarray(np.tril(inverse).T)
