r"""Logistic regression of two classes: contributions to second order, far quicker.

One Newton fit of the coalition, in single precision, serves every point, and no point
that moves it little is searched for. In the white coordinates of the fit
(:mod:`._logistic_fit`) a point of white features :math:`x`, :math:`h = x'x`, moves the
parameters by :math:`v = t x / h`, where the scalar :math:`t` is as in
:mod:`._logistic_updates`, and the utility by

.. math:: \pm\left(g'v + \tfrac12\, v' G v\right),

:math:`g` and :math:`G` the utility's first two derivatives at the fit. Points that move
further than :data:`NEAR` are searched for along two lines (:mod:`._far_points`), and
judged on the whole validation part, in the precision of the fit.

The error is far below the spread between coalitions, and the cost is little more than
that of the coalition's fit: these draws are controls for exact ones
(:func:`data_scaling.adjust`), not a replacement of them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from data_scaling._typing import FloatArray, IntArray
from data_scaling.learners._descent import Sign
from data_scaling.learners._far_points import FarPoints, Points
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._margins import MarginScorer
from data_scaling.learners._rough_fit import RoughFit
from data_scaling.learners._single_scores import SingleScorer

#: Length of a change, in the metric of the Hessian, up to which the expansion is taken.
NEAR: Final = 0.6
# Most Newton steps to the root of the scalar equation, more of which a larger leverage
# needs; and the step, in log-odds, from which on it is found.
_SCALAR_STEPS: Final = 40
_SCALAR_TOLERANCE: Final = 1e-9
# Points that are worked on together: what they need fits the second-level cache.
_CHUNK: Final = 2048
# Log-odds beyond which nothing is left of the other class.
_LARGEST: Final = 500.0
_EPS: Final = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class ExpandedLogistic:
    """A fitted coalition, with the expansion of its utility.

    Attributes
    ----------
    x : (n_pool, p) float array
        Features of the pool, with the intercept's column of ones if there is one; as
        all arrays of the precision of the fit.
    y : (n_pool,) float64 array
        Targets, 0 or 1.
    scorer : MarginScorer
        The validation part and the metric.
    fit : RoughFit
        The coalition.
    chunk : int
        Number of points to be worked on together.
    """

    x: NDArray[Any]
    y: FloatArray
    scorer: MarginScorer
    fit: RoughFit
    chunk: int = _CHUNK

    @property
    def theta(self) -> FloatArray:
        """The coalition's parameters."""
        return np.asarray(self.fit.theta, dtype=np.float64)

    @property
    def utility(self) -> float:
        """U(D), in units of the metric."""
        return self.scorer.utility(self.theta)

    def contributions(
        self, points: IntArray, sign: Sign, failures: list[str]
    ) -> FloatArray:
        """Return the contributions of points all outside (sign 1), or inside (-1)."""
        x, y = self.x[points], self.y[points]
        white = x @ self.fit.whitener
        h = row_dot(white, white).astype(np.float64)
        asked = Points(y, (x @ self.fit.theta).astype(np.float64), h)
        ratio = _solve_ratio(asked, sign)
        delta = self._expand(ratio.astype(white.dtype), white)
        far = np.flatnonzero(~(np.abs(ratio) * np.sqrt(h) <= NEAR))
        if self._derivatives is None:
            far = np.arange(len(points))
        if len(far):
            searched = FarPoints(self.fit, asked.take(far), white[far], sign)
            change = searched.search(ratio[far])
            delta[far] = self._judge(change)
        failures += ["the expansion is not finite"] * int(np.isnan(delta).sum())
        return sign * delta

    def _judge(self, change: NDArray[Any]) -> FloatArray:
        """Return the changes of the utility on the whole validation part, (n,).

        ``change``, (n, p), is of the parameters. What overflows single precision is
        judged in double.
        """
        delta = np.full(len(change), np.nan)
        if self.fit.is_single and self._single_scorer is not None:
            delta = self._single_scorer.changes(change @ self._turn)
        left = ~np.isfinite(delta)
        if left.any():
            delta[left] = self.scorer.changes(self.theta + change[left], self.theta)
        return delta

    @cached_property
    def _turn(self) -> NDArray[np.float32]:
        """What turns changes into those for orthonormal features, (p, r)."""
        return self.scorer.orthonormal[1].T.astype(np.float32)

    @cached_property
    def _single_scorer(self) -> SingleScorer | None:
        """What judges changes in single precision, if the metric has such."""
        return self.scorer.find_single(self.theta)

    def _expand(self, ratio: NDArray[Any], white: NDArray[Any]) -> FloatArray:
        """Return the changes of the utility to second order, (n,)."""
        if self._derivatives is None:
            return np.empty(len(ratio))
        slope, curvature = self._derivatives
        along, bend = white @ slope, row_dot(white @ curvature, white)
        return np.asarray(ratio * (along + 0.5 * ratio * bend), dtype=np.float64)

    @cached_property
    def _derivatives(self) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """First two derivatives of the utility in white coordinates, (p,), (p, p)."""
        slopes = self.scorer.slopes(self.theta)
        if slopes is None:
            return None
        rows = self.scorer.single if self.fit.is_single else self.scorer.signed
        white = rows @ self.fit.whitener
        first, second = (slope.astype(white.dtype) for slope in slopes)
        return first @ white, _sum_squares(white, second)


def _sum_squares(rows: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
    """Return the sum of the rows' squares, weighted, (p, p): of each sign by itself.

    A matrix times itself is half the work of one times another.
    """
    total = np.zeros((rows.shape[1],) * 2, dtype=rows.dtype)
    for sign in (1, -1):
        part = sign * weight > 0
        if part.any():
            scaled = rows[part] * np.sqrt(np.abs(weight[part]))[:, None]
            total += sign * (scaled.T @ scaled)
    return total


def _solve_ratio(points: Points, sign: Sign) -> FloatArray:
    """Return the length of the points' changes over their white features, (n,).

    To add a point, t is the root of ``t + h (sigmoid(margin + t) - y)``. From where the
    log-odds of the point's own class are 0, or from t = 0 if they are above 0, Newton's
    method approaches it from one side.
    """
    turn, h = 2.0 * points.y - 1.0, points.h
    u = turn * points.margin
    if sign == -1:
        left = expit(-u)
        return -turn * left / np.maximum(1.0 - left * expit(u) * h, _EPS)
    t = np.maximum(0.0, -u)
    for _ in range(_SCALAR_STEPS):
        left = 1.0 / (1.0 + np.exp(np.minimum(u + t, _LARGEST)))
        step = (t - h * left) / (1.0 + h * left * (1.0 - left))
        t -= step
        if np.max(np.abs(step), initial=0.0) < _SCALAR_TOLERANCE:
            break
    return np.asarray(turn * np.divide(t, h, out=np.zeros_like(t), where=h > 0))
