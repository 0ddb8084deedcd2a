r"""Points that move a coalition's fit far, near to whose minima two lines lead.

In the white coordinates of the fit (:mod:`.approximate_logistic`) the objective with
the point, or without it, is minimised along the point's own features :math:`x`. From
there the Newton step

.. math:: -(I \pm w\,x x')^{-1} \nabla F,

:math:`w` the point's curvature at the place reached, gives the second line. Gradients
are changes from the fit's own: where the fit is rough, this does not show in what the
point changes.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from data_scaling._typing import FloatArray, IntArray
from data_scaling.learners._descent import Sign, Slopes, find_lengths
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._rough_fit import RoughFit

# Relative change of all lengths of a line that is the last; and the least that is left
# of the curvature along the features of a point that is taken out.
_LINE_TOLERANCE: Final = 0.3
_LEAST_CURVATURE: Final = 0.05


@dataclass(frozen=True, eq=False)
class Points:
    """Points asked for: targets, log-odds and leverages, (n_points,) each."""

    y: FloatArray
    margin: FloatArray
    h: FloatArray

    def take(self, rows: IntArray) -> "Points":
        """Return some of the points."""
        return Points(self.y[rows], self.margin[rows], self.h[rows])


class Change(NamedTuple):
    """Changed parameters of some points, and what they change.

    Attributes
    ----------
    theta : (n_points, p) float array
        Changes of the parameters.
    margin : (n_points, k) float array
        Changes of the coalition's log-odds.
    own : (n_points,) float array
        Changes of the points' own log-odds.
    """

    theta: NDArray[Any]
    margin: NDArray[Any]
    own: NDArray[Any]

    def go(self, step: "Change", length: FloatArray) -> "Change":
        """Return the change after a part of another one."""
        by_row = length.astype(self.theta.dtype)[:, None]
        return Change(
            self.theta + by_row * step.theta,
            self.margin + by_row * step.margin,
            self.own + length * step.own,
        )


@dataclass(frozen=True, eq=False)
class FarPoints:
    """Points for which the expansion at the fit does not do.

    Attributes
    ----------
    fit : RoughFit
        The coalition.
    points : Points
        The points.
    white : (n_points, p) float array
        Their white features.
    sign : 1 or -1
        Whether they are added, or taken out.
    """

    fit: RoughFit
    points: Points
    white: NDArray[Any]
    sign: Sign

    def search(self, ratio: FloatArray) -> NDArray[Any]:
        """Return the changes of the parameters, (n_points, p).

        A row that is not finite is of a point that was not found.

        Parameters
        ----------
        ratio : (n_points,) float64 array
            Lengths of the first steps over the white features.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            first = self._expand(ratio.astype(self.white.dtype)[:, None] * self.white)
            nowhere = Change(*(np.zeros_like(part) for part in first))
            halfway = self._minimise(nowhere, first)
            second = self._expand(self._find_step(halfway))
            change = self._minimise(halfway, second)
        is_found = np.isfinite(change.theta).all(axis=1)[:, None]
        return np.where(is_found, change.theta, halfway.theta)

    def _expand(self, step: NDArray[Any]) -> Change:
        """Return what steps in white coordinates, (n_points, p), change."""
        theta = step @ self.fit.whitener.T
        return Change(theta, theta @ self.fit.problem.x.T, row_dot(self.white, step))

    def _minimise(self, change: Change, step: Change) -> Change:
        """Return the changes where the points' objectives are least along steps."""
        slopes = self._slopes(change, step)
        length = find_lengths(slopes, len(step.own), tolerance=_LINE_TOLERANCE)
        return change.go(step, length)

    def _slopes(self, change: Change, step: Change) -> Slopes:
        """Return the derivatives of the points' objectives along their steps."""
        points, sign, penalty = self.points, self.sign, self.fit.problem.penalty
        linear = row_dot(penalty * change.theta, step.theta)
        linear -= step.margin @ self._probability
        quadratic = (step.theta**2) @ penalty
        base, own = self._margin + change.margin, points.margin + change.own

        def derivatives(length: FloatArray) -> tuple[FloatArray, FloatArray]:
            by_row = length.astype(base.dtype)[:, None]
            p = _sigmoid(base + by_row * step.margin)
            first = row_dot(p, step.margin) + linear + length * quadratic
            p *= 1.0 - p
            p *= step.margin
            second = row_dot(p, step.margin) + quadratic
            own_p = expit(own + length * step.own)
            first = first + sign * (own_p - points.y) * step.own
            second = second + sign * own_p * (1.0 - own_p) * step.own**2
            return first, second

        return derivatives

    def _find_step(self, change: Change) -> NDArray[Any]:
        """Return Newton steps from changed parameters, in white coordinates."""
        problem, points = self.fit.problem, self.points
        p = _sigmoid(self._margin + change.margin)
        gradient = (p - self._probability) @ problem.x + problem.penalty * change.theta
        own_p = expit(points.margin + change.own)
        pull = (self.sign * (own_p - points.y)).astype(gradient.dtype)
        gradient = gradient @ self.fit.whitener + pull[:, None] * self.white
        curvature = self.sign * own_p * (1.0 - own_p)
        left = np.maximum(1.0 + curvature * points.h, _LEAST_CURVATURE)
        back = curvature * row_dot(self.white, gradient) / left
        step = back.astype(gradient.dtype)[:, None] * self.white - gradient
        return np.asarray(step)

    @cached_property
    def _margin(self) -> NDArray[Any]:
        """Log-odds of the coalition by its fit, (k,)."""
        return np.asarray(self.fit.problem.x @ self.fit.theta)

    @cached_property
    def _probability(self) -> NDArray[Any]:
        """Their probabilities, (k,)."""
        return _sigmoid(self._margin)


def _sigmoid(margin: NDArray[Any]) -> NDArray[Any]:
    """Return ``1 / (1 + exp(-margin))``, in the precision of the margin."""
    odds = np.exp(-margin)
    odds += 1.0
    return np.asarray(np.divide(1.0, odds, out=odds))
