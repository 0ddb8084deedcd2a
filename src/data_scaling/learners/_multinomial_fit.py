r"""Multinomial logistic regression of one coalition, to round-off.

scikit-learn's objective, divided by ``C``, has a weight vector :math:`w_c` for every
class and penalises all of them. At its minimum the weights of the classes sum to zero,
so that those relative to the last class, :math:`\theta_c = w_c - w_m` for the
:math:`m` other classes, say everything; nothing is then left undetermined, the
intercepts included. With :math:`x` the features and a constant one for the intercept,

.. math:: F_D(\theta) = \sum_{i \in D} \log\Bigl(1 + \sum_c e^{x_i'\theta_c}\Bigr)
          - \sum_c y_{ic} x_i'\theta_c + \tfrac12 \sum_{cd} M_{cd}\,
          \theta_c' R\,\theta_d, \qquad M = I - \tfrac1{m+1} 1 1',

where the diagonal :math:`R` is :math:`1/C` for weights and 0 for the intercept.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from data_scaling._typing import FloatArray
from data_scaling.learners._newton import (
    SingularFitError,
    invert_hessian,
    minimise,
    polish,
)
from data_scaling.learners._precision import to_single

# Cheap first steps, before a Hessian is factored; and by what share of itself one of
# them decreases the objective, times the round-off of a number, when it is the last.
_FIRST_ITERATIONS = 200
_FIRST_DECREASE = 1e6
# The same where a rough fit does.
_ROUGH_DECREASE = 1e10
# Decrement, relative to the objective, after which one inverse Hessian does.
_NEARBY = 1e-7


def softmax(margin: FloatArray) -> FloatArray:
    """Return the probabilities of all classes but the last.

    Parameters
    ----------
    margin : (..., m, n) float64 array
        Log-odds of every class against the last one.
    """
    top = np.maximum(margin.max(axis=-2, keepdims=True), 0.0)
    odds = np.exp(margin - top)
    odds /= odds.sum(axis=-2, keepdims=True) + np.exp(-top)
    return np.asarray(odds)


def log_partition(margin: FloatArray) -> FloatArray:
    """Return ``log(1 + sum exp(margin))`` over the axis before the last."""
    top = np.maximum(margin.max(axis=-2, keepdims=True), 0.0)
    total = np.exp(margin - top).sum(axis=-2) + np.exp(-top[..., 0, :])
    return np.asarray(top[..., 0, :] + np.log(total))


@dataclass(frozen=True, eq=False)
class MultinomialProblem:
    """The regularised multinomial objective of some rows.

    Parameters are flat: those of the first class, then those of the second, up to the
    last class but one.

    Attributes
    ----------
    x : (k, p) float array
        Features of the rows, with a last column of ones if there is an intercept; as
        all arrays of one precision.
    y : (m, k) float array
        Whether a row is of a class, 0 or 1, for all classes but the last.
    penalty : (p,) float64 array
        Diagonal of R.
    """

    x: FloatArray
    y: FloatArray
    penalty: FloatArray

    def margins(self, theta: FloatArray) -> FloatArray:
        """Return the log-odds against the last class, (m, k)."""
        return np.asarray(theta.reshape(len(self.y), -1) @ self.x.T)

    def value(self, theta: FloatArray) -> float:
        """Return F(theta), in nats."""
        return self.value_and_gradient(theta)[0]

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient of F, (m p,)."""
        return self.value_and_gradient(theta)[1]

    def value_and_gradient(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return F(theta), in nats, and its gradient, (m p,)."""
        margin, penalised = self.margins(theta), self.penalise(theta[None])[0]
        top = np.maximum(margin.max(axis=0), 0.0)
        odds = np.exp(margin - top)
        total = odds.sum(axis=0) + np.exp(-top)
        loss = np.sum(top + np.log(total)) - np.vdot(self.y, margin)
        odds /= total
        odds -= self.y
        gradient = (odds @ self.x).ravel() + penalised
        return float(loss + 0.5 * theta @ penalised), np.asarray(gradient)

    def hessian(self, theta: FloatArray) -> FloatArray:
        """Return the Hessian of F, (m p, m p)."""
        probability = softmax(self.margins(theta))
        (n_contrasts, n_rows), width = probability.shape, self.x.shape[1]
        weighted = probability.T[:, :, None] * self.x[:, None, :]
        weighted = weighted.reshape(n_rows, -1)
        hessian = weighted.T @ weighted
        np.negative(hessian, out=hessian)
        blocks = hessian.reshape(n_contrasts, width, n_contrasts, width)
        own = weighted.reshape(n_rows, n_contrasts, width)
        for contrast in range(n_contrasts):
            blocks[contrast, :, contrast] += own[:, contrast].T @ self.x
        diagonal = np.arange(width)
        mixing = np.eye(n_contrasts) - 1.0 / (n_contrasts + 1)
        blocks[:, diagonal, :, diagonal] += self.penalty[:, None, None] * mixing
        return np.asarray(hessian)

    def penalise(self, theta: FloatArray) -> FloatArray:
        """Apply the penalty's matrix to every row of ``theta``, (n, m p)."""
        classes = theta.reshape(len(theta), len(self.y), -1)
        mean = classes.sum(axis=1, keepdims=True) / (len(self.y) + 1)
        penalty = self.penalty.astype(theta.dtype, copy=False)
        return np.asarray((penalty * (classes - mean)).reshape(theta.shape))


@dataclass(frozen=True, eq=False)
class MultinomialFit:
    """A fitted coalition and what its updates need.

    Attributes
    ----------
    problem : MultinomialProblem
        The coalition's rows.
    theta : (m p,) float64 array
        Its minimiser; of a rough fit, near it.
    inverse_hessian : (m p, m p) float array
        Inverse of the Hessian at the minimiser, or so close to it that steps by the one
        or the other are the same to several digits; symmetric.
    """

    problem: MultinomialProblem
    theta: FloatArray
    inverse_hessian: FloatArray


def fit_multinomial(problem: MultinomialProblem) -> MultinomialFit:
    """Fit a coalition: limited-memory steps, and then steps by one inverse Hessian.

    A Hessian is formed and factored once, where the first steps come near enough.

    Raises
    ------
    SingularFitError
        If there is no finite minimum, or it is not reached.
    """
    near = _approach(problem, _FIRST_DECREASE)
    inverse_hessian = invert_hessian(problem, near)
    value, gradient = problem.value_and_gradient(near)
    if not gradient @ inverse_hessian @ gradient <= _NEARBY * (1.0 + abs(value)):
        near = minimise(problem, near, floor=_NEARBY)
        inverse_hessian = invert_hessian(problem, near)
    theta = polish(problem, near, inverse_hessian)
    return MultinomialFit(problem, theta, inverse_hessian)


def fit_multinomial_roughly(problem: MultinomialProblem) -> MultinomialFit:
    """Fit a coalition as precisely as an expansion needs it.

    Fewer first steps, and one by a Hessian in single precision, which is kept: where
    that does not come near enough, the fit is that of :func:`fit_multinomial`.

    Raises
    ------
    SingularFitError
        If there is no finite minimum, or it is not reached.
    """
    near = _approach(problem, _ROUGH_DECREASE)
    parts = problem.x, problem.y, problem.penalty
    # What is too large for single precision is not finite, and refused.
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            single = MultinomialProblem(*map(to_single, parts))
            inverse_hessian = invert_hessian(single, to_single(near))
        except SingularFitError:
            return fit_multinomial(problem)
        theta = near - inverse_hessian @ problem.gradient(near)
        value, gradient = problem.value_and_gradient(theta)
        decrement = gradient @ inverse_hessian @ gradient
    if not decrement <= _NEARBY * (1.0 + abs(value)):
        return fit_multinomial(problem)
    return MultinomialFit(problem, theta, inverse_hessian)


def _approach(problem: MultinomialProblem, decrease: float) -> FloatArray:
    """Return parameters near the minimum, by limited-memory steps from zero."""
    near, _, _ = optimize.fmin_l_bfgs_b(
        problem.value_and_gradient,
        np.zeros(problem.y.shape[0] * problem.x.shape[1]),
        maxiter=_FIRST_ITERATIONS,
        factr=decrease,
    )
    return np.asarray(near)
