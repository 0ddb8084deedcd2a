r"""The change of a validation MSE with every point, without its predictions.

For a coalition whose centred rows have the well-conditioned
:math:`H = X'X + \alpha I`, put :math:`P = H^{-1}`, :math:`a = x - \bar x`,
:math:`h = 1/k + a'Pa` and :math:`t = \pm e / (1 \pm h)`. The predictions on the
validation part move by :math:`t\,(A P a + 1/k)`, :math:`A` its centred rows, so that

.. math:: \Delta\mathrm{MSE} = 2 t\,g + t^2 m,

where the slope :math:`g` is linear and the curvature :math:`m` quadratic in :math:`a`
with the matrix :math:`V = P A'A P / n`. A point then costs the two quadratic forms
:math:`a'Pa` and :math:`a'Va`. Both matrices are symmetric: their upper triangles do,
the entries off the diagonal doubled, which is half of the products.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from scipy.linalg import lapack

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._linear_fit import LinearSettings, centre_rows
from data_scaling.learners._linear_updates import Moves
from data_scaling.metrics import Metric

# The inverse's relative error is its condition number times 2e-16.
_LARGEST_CONDITION: Final = 1e5
# Rows that are nearly equal owe their spread about the mean to round-off.
_LEAST_SPREAD: Final = 1e-6
_LEAST_LEFT: Final = 1e-3
# A point so far away may change which singular values of a least-squares fit count.
_LARGEST_LEVERAGE: Final = 1e4
# Columns of a triangle that are multiplied at once, at least.
_PANEL: Final = 32
_N_PANELS: Final = 6
# Numbers in a block of points: with its products it then fits the second-level cache.
_BLOCK_SIZE: Final = 2**16


@dataclass(frozen=True, eq=False)
class RegressionScorer:
    """Validation part and metric of a regression.

    Attributes
    ----------
    x_val : (n_val, d) float64 array
        Features.
    y_val : (n_val,) float64 array
        Targets.
    metric : Metric
        A metric of regression.
    """

    x_val: FloatArray
    y_val: FloatArray
    metric: Metric

    @cached_property
    def mean(self) -> FloatArray:
        """Mean of the features, (d,)."""
        return np.asarray(self.x_val.mean(axis=0))

    @cached_property
    def moment(self) -> FloatArray:
        """Mean of the features' products, (d, d)."""
        return self.x_val.T @ self.x_val / len(self.x_val)

    def moment_about(self, centre: FloatArray) -> FloatArray:
        """Mean of the products of the features less ``centre``, (d, d)."""
        cross = np.outer(self.mean, centre)
        return self.moment - cross - cross.T + np.outer(centre, centre)

    def utility(self, prediction: FloatArray) -> float:
        """Return the utility of predicted numbers, (n_val,)."""
        return float(self.metric.utilities(self.y_val, prediction))

    def mse_changes(
        self, moves: Moves, centre: FloatArray, prediction: FloatArray
    ) -> FloatArray:
        """Return how the MSE changes when the function at ``centre`` moves, (n,)."""
        residual = prediction - self.y_val
        slope = residual @ self.x_val / len(residual) - residual.mean() * centre
        direction, constant = moves.direction, moves.constant
        first = direction @ slope + constant * residual.mean()
        second = row_dot(direction @ self.moment_about(centre), direction)
        second += constant * (2.0 * direction @ (self.mean - centre) + constant)
        return np.asarray(moves.length * (2.0 * first + moves.length * second))


class IllConditionedError(ArithmeticError):
    """The coalition's second moments are too near to singular for their inverse."""


class SquaredErrorUpdater:
    """Changes of the MSE of one coalition.

    Parameters
    ----------
    x : (k, d) float64 array
        Features of the members.
    y : (k,) float64 array
        Their targets.
    settings : LinearSettings
        Penalty and intercept.
    scorer : RegressionScorer
        The validation part.

    Raises
    ------
    IllConditionedError
        If the inverse of H would not be exact enough.
    """

    def __init__(
        self,
        x: FloatArray,
        y: FloatArray,
        settings: LinearSettings,
        scorer: RegressionScorer,
    ) -> None:
        rows, target, self._centre, self._level = centre_rows(x, y, settings)
        self._share = 1.0 / len(x) if settings.fit_intercept else 0.0
        if np.linalg.norm(rows) <= _LEAST_SPREAD * np.linalg.norm(x):
            raise IllConditionedError
        inverse = _invert(rows, settings.alpha)
        weights = inverse @ (target @ rows)
        # One step of refinement leaves what round-off of the residuals alone leaves.
        weights += inverse @ (
            (target - rows @ weights) @ rows - settings.alpha * weights
        )
        self.prediction = scorer.x_val @ weights + (
            self._level - self._centre @ weights
        )
        residual = self.prediction - scorer.y_val
        slope = residual @ scorer.x_val / len(residual) - residual.mean() * self._centre
        shift = 2.0 * self._share * (scorer.mean - self._centre)
        self._linear = np.column_stack([weights, inverse @ slope, inverse @ shift])
        self._mean_residual = float(residual.mean())
        moment = inverse @ scorer.moment_about(self._centre) @ inverse
        self._panels = _cut_panels(inverse, moment, self._linear)

    def changes(
        self, x: FloatArray, y: FloatArray, rows: IntArray, sign: FloatArray
    ) -> tuple[FloatArray, BoolArray]:
        """Return how the MSE changes with each point.

        Parameters
        ----------
        x : (n_pool, d) float64 array
            Features of the pool.
        y : (n_pool,) float64 array
            Its targets.
        rows : (n,) intp array
            The points.
        sign : (n,) float64 array
            1 for a point that is added, -1 for one that is removed.

        Returns
        -------
        changes : (n,) float64 array
            MSE with the point added or removed, less the coalition's.
        is_certain : (n,) bool array
            Whether round-off is far; the others have to be refitted.
        """
        forms = np.empty((5, len(rows)))
        step = max(1, _BLOCK_SIZE // x.shape[1])
        for low in range(0, len(rows), step):
            block = np.take(x, rows[low : low + step], axis=0)
            block -= self._centre
            _evaluate_forms(block, self._panels, forms[:, low : low + step])
        own, curvature, fitted, slope, shift = forms
        leverage = own + self._share
        left = 1.0 + sign * leverage
        is_certain = (left > _LEAST_LEFT) & (leverage < _LARGEST_LEVERAGE)
        length = sign * (y[rows] - self._level - fitted) / np.where(is_certain, left, 1)
        slope += self._share * self._mean_residual
        curvature += shift + self._share**2
        return length * (2.0 * slope + length * curvature), is_certain


def _invert(rows: FloatArray, alpha: float) -> FloatArray:
    """Return the inverse of rows' rows + alpha, or raise if it is inexact."""
    hessian = rows.T @ rows
    hessian[np.diag_indices_from(hessian)] += alpha
    norm = float(np.max(np.sum(np.abs(hessian), axis=0)))
    factor, failed = lapack.dpotrf(hessian, lower=1)
    reciprocal = 0.0 if failed else lapack.dpocon(factor, norm, uplo="L")[0]
    if not reciprocal * _LARGEST_CONDITION > 1.0:
        raise IllConditionedError
    inverse, _ = lapack.dpotri(factor, lower=1)
    return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)


def _cut_panels(
    first: FloatArray, second: FloatArray, linear: FloatArray
) -> list[tuple[slice, FloatArray]]:
    """Cut two triangles into panels of columns, without the zeros below them.

    The last panel, which has all the rows, also takes the columns of the linear forms.
    """
    size = len(first)
    triangles = [2.0 * np.triu(matrix, 1) for matrix in (first, second)]
    for triangle, matrix in zip(triangles, (first, second), strict=True):
        np.fill_diagonal(triangle, np.diagonal(matrix))
    width = max(_PANEL, -(-size // _N_PANELS))
    panels = []
    for low in range(0, size, width):
        columns = slice(low, min(low + width, size))
        parts: list[Any] = [matrix[: columns.stop, columns] for matrix in triangles]
        if columns.stop == size:
            parts.append(linear)
        panels.append((columns, np.hstack(parts)))
    return panels


def _evaluate_forms(
    block: FloatArray, panels: list[tuple[slice, FloatArray]], forms: FloatArray
) -> None:
    """Write the two quadratic and the three linear forms of rows into ``forms``."""
    forms[:2] = 0.0
    for columns, panel in panels:
        product = block[:, : columns.stop] @ panel
        width = columns.stop - columns.start
        own = block[:, columns]
        forms[0] += row_dot(product[:, :width], own)
        forms[1] += row_dot(product[:, width : 2 * width], own)
        if columns.stop == block.shape[1]:
            forms[2:] = product[:, 2 * width :].T
