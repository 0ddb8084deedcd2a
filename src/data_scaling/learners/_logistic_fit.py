r"""Binary logistic regression of one coalition, to round-off.

The objective is scikit-learn's, divided by ``C``: with :math:`x` the features and a
constant one for the intercept,

.. math:: F_D(\theta) = \sum_{i \in D} \log(1 + e^{x_i'\theta}) - y_i x_i'\theta
          + \tfrac12 \theta' R\,\theta,

where the diagonal :math:`R` is :math:`1/C` for weights and 0 for the intercept.
Newton's method with a line search ends when round-off stops it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg
from scipy.special import expit

from data_scaling._typing import FloatArray

MAX_ITERATIONS = 200
_SUFFICIENT_DECREASE = 1e-4
_SMALLEST_STEP = 2.0**-40
# Decrements, relative to the objective: at round-off; where one that no longer shrinks
# is at round-off too; and from which on full steps are safe.
_FLOOR = 1e-28
_STALLED = 1e-20
_NEAR = 1e-9


class SingularFitError(ArithmeticError):
    """The objective has no finite minimum, or Newton's method did not reach it."""


@dataclass(frozen=True, eq=False)
class LogisticProblem:
    """The regularised logistic objective of some rows.

    Attributes
    ----------
    x : (k, p) float64 array
        Features of the rows, with a last column of ones if there is an intercept.
    y : (k,) float64 array
        Targets, 0 or 1.
    penalty : (p,) float64 array
        Diagonal of R.
    """

    x: FloatArray
    y: FloatArray
    penalty: FloatArray

    def value(self, theta: FloatArray) -> float:
        """Return F(theta), in nats."""
        margin = self.x @ theta
        loss = np.logaddexp(0.0, margin) - self.y * margin
        return float(loss.sum() + 0.5 * self.penalty @ theta**2)

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient of F, (p,)."""
        residual = expit(self.x @ theta) - self.y
        return residual @ self.x + self.penalty * theta

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return the Hessian of F, (p, p)."""
        probability = expit(self.x @ theta)
        scaled = self.x * np.sqrt(probability * (1.0 - probability))[:, None]
        hessian = scaled.T @ scaled
        hessian[np.diag_indices_from(hessian)] += self.penalty
        return hessian


def fit_logistic(problem: LogisticProblem, start: FloatArray) -> FloatArray:
    """Minimise the objective by damped Newton steps from ``start``.

    Parameters
    ----------
    problem : LogisticProblem
        The rows and the penalty.
    start : (p,) float64 array
        First guess.

    Returns
    -------
    theta : (p,) float64 array
        Minimiser, its gradient zero to round-off.

    Raises
    ------
    SingularFitError
        If there is no finite minimum, or it is not reached.
    """
    theta = start
    value, previous = problem.value(theta), np.inf
    for _ in range(MAX_ITERATIONS):
        step, decrement = _newton_step(problem, theta)
        scale = 1.0 + abs(value)
        if decrement <= _FLOOR * scale:
            return theta + step
        if decrement <= _NEAR * scale:
            # The values of F no longer tell steps apart; full steps converge here
            # quadratically until round-off stops them.
            if 0.25 * previous < decrement <= _STALLED * scale:
                return theta
            length = 1.0
        else:
            length = _search_line(problem, theta, step, value, decrement)
        theta = theta + length * step
        value, previous = problem.value(theta), decrement
    raise SingularFitError(
        f"the logistic fit did not converge in {MAX_ITERATIONS} Newton steps"
    )


def _newton_step(
    problem: LogisticProblem, theta: FloatArray
) -> tuple[FloatArray, float]:
    """Return the Newton step and twice the decrease that it promises."""
    gradient = problem.gradient(theta)
    try:
        factor = linalg.cho_factor(problem.hessian(theta), check_finite=False)
    except linalg.LinAlgError as error:
        raise SingularFitError("the logistic Hessian is singular") from error
    step = -linalg.cho_solve(factor, gradient, check_finite=False)
    decrement = float(-step @ gradient)
    if not np.isfinite(decrement):
        raise SingularFitError("the logistic fit gave a number that is not finite")
    return np.asarray(step), decrement


def _search_line(
    problem: LogisticProblem,
    theta: FloatArray,
    step: FloatArray,
    value: float,
    decrement: float,
) -> float:
    """Halve the step until the objective decreases enough."""
    length = 1.0
    while length > _SMALLEST_STEP:
        bound = value - _SUFFICIENT_DECREASE * length * decrement
        if problem.value(theta + length * step) <= bound:
            return length
        length /= 2.0
    raise SingularFitError(
        "the logistic fit found no step that decreases its objective"
    )


@dataclass(frozen=True, eq=False)
class LogisticFit:
    """A fitted coalition and what its updates need.

    Attributes
    ----------
    problem : LogisticProblem
        The coalition's rows.
    theta : (p,) float64 array
        Its minimiser.
    """

    problem: LogisticProblem
    theta: FloatArray

    @cached_property
    def inverse_hessian(self) -> FloatArray:
        """Inverse of the Hessian at the minimiser, (p, p), symmetric."""
        hessian = self.problem.hessian(self.theta)
        factor = linalg.cho_factor(hessian, check_finite=False)
        inverse = linalg.cho_solve(factor, np.eye(len(hessian)), check_finite=False)
        return np.asarray(0.5 * (inverse + inverse.T))
