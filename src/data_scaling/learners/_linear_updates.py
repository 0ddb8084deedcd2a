r"""Add a point to a linear fit, or remove one: many points at once.

The fitted function of the coalition with (or without) the point :math:`z = (x, y)`
differs from the coalition's own by

.. math:: t\,\bigl((v - \bar x)'q + c\bigr)

at a position :math:`v`. With :math:`P` the pseudo-inverse of :math:`X'X + \alpha I`
(:math:`X` the centred rows), :math:`u = P (x - \bar x)`, the leverage
:math:`h = 1/k + (x - \bar x)'u`, the residual :math:`e` of z under the coalition's fit
and :math:`b` the part of :math:`x - \bar x` outside the span of the rows, there are
four cases (without an intercept :math:`\bar x` and :math:`1/k` are zero):

===================================  ==================  ===========  =============
case                                 :math:`t`           :math:`q`    :math:`c`
===================================  ==================  ===========  =============
z added, or penalty                  :math:`e/(1+h)`     :math:`u`    :math:`1/k`
z added, brings a new direction      :math:`e/|b|^2`     :math:`b`    0
z removed, or penalty                :math:`-e/(1-h)`    :math:`u`    :math:`1/k`
z removed, the last of a direction   :math:`-u'w/|u|^2`  :math:`u`    :math:`1/k`
===================================  ==================  ===========  =============

In the second case the solution of least norm interpolates z; in the last one, where
:math:`h = 1`, it loses its part along u. Points for which round-off could choose the
wrong case are marked, and refitted by the caller.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data_scaling._typing import BoolArray, FloatArray
from data_scaling.learners._descent import Sign
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._linear_fit import ROUND_OFF, LinearFit

# With less than this left of a member's leverage, round-off shows in the removal.
_LEAST_LEFT: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Moves:
    """How the fitted function changes with each of some points.

    Attributes
    ----------
    length : (n,) float64 array
        t, in units of the target.
    direction : (n, d) float64 array
        q.
    constant : (n,) float64 array
        c.
    is_certain : (n,) bool array
        Whether the case is beyond doubt; the others have to be refitted.
    """

    length: FloatArray
    direction: FloatArray
    constant: FloatArray
    is_certain: BoolArray


def find_moves(fit: LinearFit, x: FloatArray, y: FloatArray, sign: Sign) -> Moves:
    """Return how the fitted function changes with each point.

    Parameters
    ----------
    fit : LinearFit
        The coalition.
    x : (n, d) float64 array
        Features of the points; those to be removed are members of the coalition.
    y : (n,) float64 array
        Their targets.
    sign : {1, -1}
        1 to add, -1 to remove.
    """
    offset = x - fit.centre
    residual = y - fit.level - offset @ fit.weights
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if fit.settings.alpha > 0.0:
            return _move_penalised(fit, offset, residual, sign)
        if sign == 1:
            return _add_plain(fit, offset, residual)
        return _remove_plain(fit, offset, residual)


def _split(fit: LinearFit, offset: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return coordinates in the span of the rows, and what lies outside of it."""
    coordinates = offset @ fit.axes.T
    outside = offset - coordinates @ fit.axes
    # Once more: the first difference is orthogonal to the span only to its own scale.
    outside -= (outside @ fit.axes.T) @ fit.axes
    return coordinates, outside


def _move_penalised(
    fit: LinearFit, offset: FloatArray, residual: FloatArray, sign: Sign
) -> Moves:
    alpha = fit.settings.alpha
    coordinates, outside = _split(fit, offset)
    scaled = coordinates / (fit.singular**2 + alpha)
    direction = scaled @ fit.axes + outside / alpha
    leverage = fit.share + row_dot(scaled, coordinates)
    leverage += row_dot(outside, outside) / alpha
    left = 1.0 + sign * leverage
    constant = np.full(len(offset), fit.share)
    return Moves(sign * residual / left, direction, constant, left > _LEAST_LEFT)


def _add_plain(fit: LinearFit, offset: FloatArray, residual: FloatArray) -> Moves:
    coordinates, outside = _split(fit, offset)
    scaled = coordinates / fit.singular
    leverage = fit.share + row_dot(scaled, scaled)
    square = row_dot(outside, outside)
    # Bounds of the largest and of the smallest singular value with the point.
    reach = np.sqrt(fit.largest**2 + row_dot(offset, offset))
    is_inside = np.sqrt(square) <= np.maximum(ROUND_OFF * reach, fit.round_off)
    is_new = np.sqrt(square / (1.0 + leverage)) > fit.settings.clear * reach
    is_new &= ~is_inside
    smallest = fit.singular[-1] if len(fit.singular) else np.inf
    is_certain = (is_new | is_inside) & (smallest > fit.settings.clear * reach)
    direction = (scaled / fit.singular) @ fit.axes
    direction[is_new] = outside[is_new]
    length = residual / np.where(is_new, square, 1.0 + leverage)
    constant = np.where(is_new, 0.0, fit.share)
    return Moves(length, direction, constant, is_certain & (not fit.is_delicate))


def _remove_plain(fit: LinearFit, offset: FloatArray, residual: FloatArray) -> Moves:
    scaled = (offset @ fit.axes.T) / fit.singular
    own = row_dot(scaled, scaled)
    left = 1.0 - fit.share - own
    direction = (scaled / fit.singular) @ fit.axes
    square = row_dot(direction, direction)
    # The smallest singular value without the point is at least sqrt(left own) / |u|.
    is_last = left < 0.1 * fit.settings.rcond**2
    is_kept = left > _LEAST_LEFT
    is_kept &= left * own > (fit.settings.clear * fit.largest) ** 2 * square
    # A point in the centre has no direction that it could be the last of.
    is_kept |= (own == 0.0) & (left > _LEAST_LEFT)
    length = np.where(is_last, -(direction @ fit.weights) / square, -residual / left)
    constant = np.full(len(offset), fit.share)
    is_certain = (is_last | is_kept) & (not fit.is_delicate)
    return Moves(length, direction, constant, is_certain)
