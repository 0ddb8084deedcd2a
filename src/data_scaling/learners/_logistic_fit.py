r"""Binary logistic regression of one coalition, to round-off.

The objective is scikit-learn's, divided by ``C``: with :math:`x` the features and a
constant one for the intercept,

.. math:: F_D(\theta) = \sum_{i \in D} \log(1 + e^{x_i'\theta}) - y_i x_i'\theta
          + \tfrac12 \theta' R\,\theta,

where the diagonal :math:`R` is :math:`1/C` for weights and 0 for the intercept.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import blas
from scipy.special import expit

from data_scaling._typing import FloatArray
from data_scaling.learners._newton import factor_hessian


@dataclass(frozen=True, eq=False)
class LogisticProblem:
    """The regularised logistic objective of some rows, in their precision.

    Attributes
    ----------
    x : (k, p) float array
        Features of the rows, with a last column of ones if there is an intercept.
    y : (k,) float array
        Targets, 0 or 1.
    penalty : (p,) float array
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


@dataclass(frozen=True, eq=False)
class LogisticFit:
    r"""A fitted coalition and what its updates need.

    With the Hessian :math:`H = L L'` at the minimiser, the coordinates
    :math:`v = L'(\theta - \theta_D)` are *white*: the Hessian is the identity in them,
    and features :math:`x` become :math:`L^{-1} x`.

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
    def white_rows(self) -> FloatArray:
        """Features of the coalition in white coordinates, (k, p)."""
        return self.whiten(self.problem.x)

    @cached_property
    def margin(self) -> FloatArray:
        """Log-odds of the coalition's rows, (k,)."""
        return self.problem.x @ self.theta

    def whiten(self, x: FloatArray) -> FloatArray:
        """Return rows of features in white coordinates, (n, p)."""
        return np.asarray(blas.dtrsm(1.0, self._factor, x.T, lower=1).T)

    def unwhiten(self, change: FloatArray) -> FloatArray:
        """Return by how much the parameters change, (n, p), for white changes."""
        white = change.T.astype(np.float64)
        return np.asarray(blas.dtrsm(1.0, self._factor, white, lower=1, trans_a=1).T)

    @cached_property
    def _factor(self) -> FloatArray:
        """Lower Cholesky factor L of the Hessian at the minimiser."""
        return np.asfortranarray(factor_hessian(self.problem, self.theta))
