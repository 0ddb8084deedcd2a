"""How well an estimate agrees with a reference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from data_scaling.errors import InputError


@dataclass(frozen=True)
class Agreement:
    """Measures of agreement over the points that both sides have a number for.

    Attributes
    ----------
    n_points : int
        Number of points compared.
    mse : float
        Mean squared difference, in squared units of the values.
    r2 : float
        1 - mse / variance of the reference; NaN for a constant reference.
    pearson, spearman : float
        Correlations of the values and of their ranks; NaN where a side is constant.
    sign_agreement : float
        Share of points with the same sign.
    """

    n_points: int
    mse: float
    r2: float
    pearson: float
    spearman: float
    sign_agreement: float


def agreement(estimate: ArrayLike, reference: ArrayLike) -> Agreement:
    """Compare an estimate with a reference, point by point.

    Pairs in which either side is NaN are left out, and not counted in ``n_points``.

    Parameters
    ----------
    estimate, reference : (n_points,) array_like
        Values of the same points, in the same units; the reference is the estimate
        from many draws.

    Raises
    ------
    InputError
        If the shapes differ, or fewer than two pairs have a number on both sides.

    Examples
    --------
    >>> from data_scaling import agreement
    >>> close = agreement([1.1, 1.9, -3.0], [1.0, 2.0, -3.0])
    >>> close.n_points, round(close.mse, 6), close.spearman, close.sign_agreement
    (3, 0.006667, 1.0, 1.0)
    """
    found = np.asarray(estimate, dtype=np.float64)
    true = np.asarray(reference, dtype=np.float64)
    if found.shape != true.shape or found.ndim != 1:
        raise InputError(
            f"estimate has shape {found.shape} and reference {true.shape}. Give two "
            "lists of values of the same points."
        )
    both = np.isfinite(found) & np.isfinite(true)
    found, true = found[both], true[both]
    if found.size < 2:
        raise InputError(
            f"{found.size} of {both.size} points have a number on both sides. Give at "
            "least two."
        )
    mse = float(np.mean((found - true) ** 2))
    spread = float(np.var(true))
    varies = bool(np.ptp(found) > 0 and np.ptp(true) > 0)
    return Agreement(
        n_points=int(found.size),
        mse=mse,
        r2=1 - mse / spread if spread > 0 else float("nan"),
        pearson=float(stats.pearsonr(found, true)[0]) if varies else float("nan"),
        spearman=float(stats.spearmanr(found, true)[0]) if varies else float("nan"),
        sign_agreement=float(np.mean(np.sign(found) == np.sign(true))),
    )
