r"""Linear regression of one coalition by the singular value decomposition.

With :math:`\bar x, \bar y` the coalition's means (zero without an intercept) and
:math:`X = U \operatorname{diag}(s) V'` its centred rows, the weights are

.. math:: w = V \operatorname{diag}\bigl(s / (s^2 + \alpha)\bigr) U' (y - \bar y).

For :math:`\alpha = 0` singular values up to ``rcond`` times the largest one count as
zero, which gives the solution of least norm, as in scikit-learn's ``LinearRegression``.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data_scaling._typing import FloatArray

#: Singular values below this share of the largest one are round-off.
ROUND_OFF: Final = 1e-12
# Error of a mean and a difference, generously.
_N_ROUNDINGS: Final = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class LinearSettings:
    """What determines a linear fit.

    Attributes
    ----------
    alpha : float
        Penalty of the squared weights; 0 for least squares of least norm.
    fit_intercept : bool
        Whether there is an intercept; it is not penalised.
    rcond : float
        Singular values up to this share of the largest one count as zero where there
        is no penalty.
    """

    alpha: float
    fit_intercept: bool
    rcond: float

    @property
    def clear(self) -> float:
        """Share of the largest singular value from which on none is cut, surely."""
        return 10.0 * self.rcond


@dataclass(frozen=True, eq=False)
class LinearFit:
    """A fitted coalition and the factors of its rows.

    Attributes
    ----------
    settings : LinearSettings
        Penalty and intercept.
    n_members : int
        Number of rows, k.
    centre : (d,) float64 array
        Mean of the features; zero without an intercept.
    level : float
        Mean of the target; zero without an intercept.
    weights : (d,) float64 array
        Coefficients of the features.
    singular : (r,) float64 array
        Singular values that count, in falling order.
    axes : (r, d) float64 array
        Their right singular vectors.
    round_off : float
        Distance from the centre below which a row is at the centre, but for round-off.
    is_delicate : bool
        Whether a singular value is so near the cut that one point more or less may
        move it to the other side.
    """

    settings: LinearSettings
    n_members: int
    centre: FloatArray
    level: float
    weights: FloatArray
    singular: FloatArray
    axes: FloatArray
    round_off: float
    is_delicate: bool

    @property
    def largest(self) -> float:
        """Largest singular value; zero if all rows are equal."""
        return float(self.singular[0]) if len(self.singular) else 0.0

    @property
    def share(self) -> float:
        """Leverage that every point has from the intercept."""
        return 1.0 / self.n_members if self.settings.fit_intercept else 0.0

    def predict(self, x: FloatArray) -> FloatArray:
        """Return the predicted numbers of rows of features, (n,)."""
        return (x - self.centre) @ self.weights + self.level


def centre_rows(
    x: FloatArray, y: FloatArray, settings: LinearSettings
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Return the centred features and targets, and what was subtracted."""
    if not settings.fit_intercept:
        return x, y, np.zeros(x.shape[1]), 0.0
    centre, level = x.mean(axis=0), float(y.mean())
    return x - centre, y - level, centre, level


def fit_linear(x: FloatArray, y: FloatArray, settings: LinearSettings) -> LinearFit:
    """Fit one coalition.

    Parameters
    ----------
    x : (k, d) float64 array
        Features of the members, k at least 1.
    y : (k,) float64 array
        Their targets.
    settings : LinearSettings
        Penalty and intercept.
    """
    x_centred, y_centred, centre, level = centre_rows(x, y, settings)
    left, singular, axes = np.linalg.svd(x_centred, full_matrices=False)
    # Equal rows are their mean to round-off only, which must not count as a direction.
    round_off = _N_ROUNDINGS * float(np.linalg.norm(x)) / np.sqrt(len(x))
    is_delicate = False
    if settings.alpha == 0.0:
        floor = max(ROUND_OFF * singular[0], round_off * np.sqrt(len(x)))
        cut, clear = settings.rcond * singular[0], settings.clear * singular[0]
        is_delicate = bool(np.any((singular > floor) & (singular <= clear)))
        rank = int(np.sum(singular > max(floor, cut)))
        left, singular, axes = left[:, :rank], singular[:rank], axes[:rank]
        shrink = 1.0 / singular
    else:
        shrink = singular / (singular**2 + settings.alpha)
    weights = (shrink * (y_centred @ left)) @ axes
    return LinearFit(
        settings=settings,
        n_members=len(x),
        centre=centre,
        level=level,
        weights=weights,
        singular=singular,
        axes=axes,
        round_off=float(round_off),
        is_delicate=is_delicate,
    )
