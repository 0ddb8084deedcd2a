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
from scipy.special import expit

from data_scaling._typing import FloatArray
from data_scaling.learners._newton import invert_hessian


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
        return invert_hessian(self.problem, self.theta)
