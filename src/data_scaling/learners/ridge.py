r"""Linear and ridge regression: exact contributions without refitting.

One factorisation of the coalition serves every point: the model with a point more, or
less, is the one that ``sklearn.linear_model.LinearRegression`` or ``Ridge`` would have
fitted, to round-off. Where the mean squared error is asked for and the coalition is
well-conditioned, a point costs two quadratic forms (:mod:`._squared_error`); otherwise
the fitted function's change is found first (:mod:`._linear_updates`).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.learners._descent import Sign
from data_scaling.learners._linear_fit import LinearFit, LinearSettings, fit_linear
from data_scaling.learners._linear_updates import Moves, find_moves
from data_scaling.learners._squared_error import (
    IllConditionedError,
    RegressionScorer,
    SquaredErrorUpdater,
)
from data_scaling.learners.protocol import Draw
from data_scaling.metrics import MeanSquaredError, Metric, MetricLike, make_metric

_EMPTY: Final = "without the point nothing is left"

# Numbers in a block of points, or in a block of their predictions.
_BLOCK_SIZE: Final = 2**19


@dataclass(frozen=True)
class RidgeLearner:
    """Linear regression with a penalty of the squared weights, or without.

    Parameters
    ----------
    alpha : float
        Strength of the penalty ``alpha |w|^2``, as in scikit-learn's ``Ridge``; 0 for
        the least-squares solution of least norm, as in ``LinearRegression``.
    fit_intercept : bool
        Whether there is an intercept; it is not penalised.
    rcond : float
        For ``alpha`` 0: singular values up to this share of the largest one count as
        zero, as ``tol`` of ``LinearRegression``.

    Raises
    ------
    InputError
        If ``alpha`` is negative or not finite, or ``rcond`` is not in [1e-11, 0.01].

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.datasets import load_dataset
    >>> learner = RidgeLearner(alpha=0.1).bind(load_dataset("diabetes"))
    >>> coalition = np.arange(100)
    >>> learner.marginals(coalition, points=np.array([0, 150])).shape
    (2,)
    """

    alpha: float = 1.0
    fit_intercept: bool = True
    rcond: float = 1e-6

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha < np.inf:
            raise InputError(f"alpha is {self.alpha!r}. Give a number of at least 0.")
        if not 1e-11 <= self.rcond <= 1e-2:
            raise InputError(
                f"rcond is {self.rcond!r}. Give a number from 1e-11 to 0.01; smaller "
                "ones would take round-off for a direction."
            )

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""
        return "ridge" if self.alpha else "linreg"

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> "BoundRidge":
        """Fix the dataset and the metric.

        Raises
        ------
        InputError
            If the dataset is no regression, or the metric is for classification.
        """
        if dataset.task != "regression":
            raise InputError(
                f"Linear regression needs a regression; {dataset.name} is a "
                f"{dataset.task}. Use make_learner('logreg')."
            )
        settings = LinearSettings(self.alpha, self.fit_intercept, self.rcond)
        x, x_val = dataset.x_train, dataset.x_val
        if self.fit_intercept:
            # With an intercept nothing depends on the origin; a near one is exact.
            origin = x.mean(axis=0)
            x, x_val = x - origin, x_val - origin
        bound_metric = make_metric(metric, dataset.task)
        scorer = RegressionScorer(x_val, dataset.y_val, bound_metric)
        kind = f"ridge regression (alpha={self.alpha!r}, "
        if not self.alpha:
            kind = f"least squares (rcond={self.rcond!r}, "
        description = f"exact {kind}fit_intercept={self.fit_intercept})"
        return BoundRidge(x, dataset.y_train, settings, scorer, description)


@dataclass(frozen=True, eq=False)
class BoundRidge:
    """A linear learner bound to a dataset and a metric.

    Attributes
    ----------
    x : (n_pool, d) float64 array
        Features of the pool, centred if there is an intercept.
    y : (n_pool,) float64 array
        Targets.
    settings : LinearSettings
        Penalty and intercept.
    scorer : RegressionScorer
        The validation part and the metric.
    description : str
        All settings that determine a number.
    """

    x: FloatArray
    y: FloatArray
    settings: LinearSettings
    scorer: RegressionScorer
    description: str

    @property
    def metric(self) -> Metric:
        """What the utility is."""
        return self.scorer.metric

    def utility(self, coalition: IntArray) -> float:
        """Return U(D), in units of the metric; NaN if D is empty."""
        return self.draw(coalition, np.empty(0, dtype=np.intp)).utility

    def marginals(self, coalition: IntArray, points: IntArray) -> FloatArray:
        """Return the contributions of ``points``, (n_points,), as ``draw`` does."""
        return self.draw(coalition, points).delta

    def draw(self, coalition: IntArray, points: IntArray) -> Draw:
        """Fit a coalition and update the fit for every asked point.

        Parameters
        ----------
        coalition : (k,) integer array
            Members, as indices in the pool.
        points : (n_points,) integer array
            Points asked for, inside the coalition or outside.
        """
        points = np.asarray(points, dtype=np.intp)
        if not len(coalition):
            delta = np.full(len(points), np.nan)
            return Draw(float("nan"), delta, ("the coalition is empty",))
        is_member = np.zeros(len(self.x), dtype=np.bool_)
        is_member[coalition] = True
        inside = is_member[points]
        if isinstance(self.metric, MeanSquaredError):
            try:
                return self._draw_mse(coalition, points, inside)
            except IllConditionedError:
                pass
        return self._draw_any(coalition, points, inside)

    def _draw_mse(
        self, coalition: IntArray, points: IntArray, inside: BoolArray
    ) -> Draw:
        """Evaluate the change of the MSE in closed form."""
        members = self.x[coalition], self.y[coalition]
        updater = SquaredErrorUpdater(*members, self.settings, self.scorer)
        sign = np.where(inside, -1.0, 1.0)
        change, is_certain = updater.changes(self.x, self.y, points, sign)
        utility = self.scorer.utility(updater.prediction)
        draw = self._finish(coalition, points, utility, -sign * change, is_certain)
        return replace(draw, model=updater.prediction)

    def _draw_any(
        self, coalition: IntArray, points: IntArray, inside: BoolArray
    ) -> Draw:
        """Find how the fitted function changes, and score it."""
        fit = fit_linear(self.x[coalition], self.y[coalition], self.settings)
        prediction = fit.predict(self.scorer.x_val)
        utility = self.scorer.utility(prediction)
        delta = np.empty(len(points))
        is_certain = np.empty(len(points), dtype=np.bool_)
        step = max(1, _BLOCK_SIZE // max(self.scorer.x_val.shape))
        signs: tuple[Sign, Sign] = (1, -1)
        for sign in signs:
            side = np.flatnonzero(inside == (sign == -1))
            for low in range(0, len(side), step):
                rows = side[low : low + step]
                z = points[rows]
                moves = find_moves(fit, self.x[z], self.y[z], sign)
                is_certain[rows] = moves.is_certain
                delta[rows] = sign * self._changes(moves, fit, prediction, utility)
        draw = self._finish(coalition, points, utility, delta, is_certain)
        return replace(draw, model=prediction)

    def _changes(
        self, moves: Moves, fit: LinearFit, prediction: FloatArray, utility: float
    ) -> FloatArray:
        """Return the changes of the utility, (n,)."""
        if isinstance(self.metric, MeanSquaredError):
            return -self.scorer.mse_changes(moves, fit.centre, prediction)
        moved = moves.direction @ (self.scorer.x_val - fit.centre).T
        moved += moves.constant[:, None]
        moved *= moves.length[:, None]
        # The marked ones are refitted; their predictions may not even be finite.
        moved[~moves.is_certain] = 0.0
        moved += prediction
        return self.metric.utilities(self.scorer.y_val, moved) - utility

    def _finish(
        self,
        coalition: IntArray,
        points: IntArray,
        utility: float,
        delta: FloatArray,
        is_certain: BoolArray,
    ) -> Draw:
        """Refit where round-off is near, and name what cannot be trained."""
        failures: list[str] = []
        for row in np.flatnonzero(~is_certain | (len(coalition) == 1)):
            rest = coalition[coalition != points[row]]
            if not len(rest):
                delta[row] = np.nan
                failures.append(_EMPTY)
            elif len(rest) < len(coalition):
                delta[row] = utility - self._refit(rest)
            else:
                delta[row] = self._refit(np.append(coalition, points[row])) - utility
        return Draw(utility, delta, tuple(failures))

    def _refit(self, rows: IntArray) -> float:
        fit = fit_linear(self.x[rows], self.y[rows], self.settings)
        return self.scorer.utility(fit.predict(self.scorer.x_val))
