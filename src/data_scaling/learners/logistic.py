r"""Logistic regression of two classes: exact contributions without refitting.

One Newton fit of the coalition serves every point; the model with a point more, or
less, is the one that ``sklearn.linear_model.LogisticRegression`` would have fitted, to
:data:`TOLERANCE` of the contributions' spread. See :mod:`._logistic_updates` for the
method.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from data_scaling._checks import check_positive
from data_scaling._typing import FloatArray, IntArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.learners._descent import Sign
from data_scaling.learners._exact_draws import (
    change_rows,
    draw_by_updates,
    search_in_turn,
)
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._logistic_fit import LogisticFit, LogisticProblem
from data_scaling.learners._logistic_updates import LogisticUpdater
from data_scaling.learners._margins import MarginScorer
from data_scaling.learners._newton import SingularFitError, minimise
from data_scaling.learners._rough_fit import fit_roughly
from data_scaling.learners._single_scores import SingleScorer
from data_scaling.learners.approximate_logistic import NEAR, ExpandedLogistic
from data_scaling.learners.protocol import Draw
from data_scaling.metrics import Metric, MetricLike, make_metric

#: Expected error of a contribution, as a share of the coalition's own spread.
TOLERANCE: Final = 5e-8

# Spreads of the members' influence beyond which single precision shows.
_LARGEST_QUICK: Final = 4.0

# Points that are updated together; of them so many are searched for together as keep
# what they need in the third-level cache.
_CHUNK: Final = 16384
_N_TOGETHER: Final = 2048


@dataclass(frozen=True)
class LogisticLearner:
    """L2-penalised logistic regression of two classes.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty ``|w|^2 / (2 C)``, as in scikit-learn; infinite
        for none.
    fit_intercept : bool
        Whether there is an intercept; it is not penalised.

    Raises
    ------
    InputError
        If ``C`` is no number above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.datasets import load_dataset
    >>> dataset = load_dataset("breast_cancer")
    >>> learner = LogisticLearner().bind(dataset)
    >>> coalition = np.arange(100)
    >>> bool(learner.utility(coalition) > -0.2)
    True
    >>> learner.marginals(coalition, points=np.array([0, 150])).shape
    (2,)
    """

    C: float = 1.0
    fit_intercept: bool = True

    def __post_init__(self) -> None:
        check_positive("C", self.C)

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""
        return "logreg"

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> "BoundLogistic":
        """Fix the dataset and the metric.

        Raises
        ------
        InputError
            If the dataset has not two classes, or the metric is for regression.
        """
        if len(dataset.classes) != 2:
            raise InputError(
                f"The exact logistic learner needs two classes; {dataset.name} has "
                f"{len(dataset.classes)}. Use make_learner('logreg')."
            )
        x, x_val = (self._design(part) for part in (dataset.x_train, dataset.x_val))
        penalty = np.full(x.shape[1], 1.0 / self.C)
        if self.fit_intercept:
            penalty[-1] = 0.0
        scorer = MarginScorer(x_val, dataset.y_val, make_metric(metric, dataset.task))
        y = dataset.y_train.astype(np.float64)
        settings = f"C={self.C!r}, fit_intercept={self.fit_intercept}"
        description = f"exact logistic regression ({settings})"
        return BoundLogistic(x, y, penalty, scorer, description)

    def _design(self, x: FloatArray) -> FloatArray:
        return np.column_stack([x, np.ones(len(x))]) if self.fit_intercept else x


@dataclass(frozen=True, eq=False)
class BoundLogistic:
    """A logistic learner bound to a dataset and a metric.

    Attributes
    ----------
    x : (n_pool, p) float64 array
        Features of the pool, with the intercept's column of ones if there is one.
    y : (n_pool,) float64 array
        Targets, 0 or 1.
    penalty : (p,) float64 array
        Diagonal of the penalty.
    scorer : MarginScorer
        The validation part and the metric.
    description : str
        All settings that determine a number.
    is_exact : bool
        Whether points are searched for; or else the utility is expanded to second
        order where points move the fit little, which is far quicker
        (:mod:`.approximate_logistic`).
    """

    x: FloatArray
    y: FloatArray
    penalty: FloatArray
    scorer: MarginScorer
    description: str
    is_exact: bool = True

    @property
    def metric(self) -> Metric:
        """What the utility is."""
        return self.scorer.metric

    @property
    def approximation(self) -> "BoundLogistic":
        """A quick learner: an expansion to second order, and lines for far points."""
        description = (
            f"second-order expansion up to a length of {NEAR} and two lines beyond, "
            f"of {self.description}"
        )
        return replace(self, description=description, is_exact=False)

    def utility(self, coalition: IntArray) -> float:
        """Return U(D), in units of the metric; NaN if D has one class only."""
        try:
            return self._fit(coalition).utility
        except SingularFitError:
            return float("nan")

    def score(self, model: FloatArray) -> float:
        """Return the utility of the parameters that a draw gave, (n_values,)."""
        return self.scorer.utility(model)

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
        return draw_by_updates(
            self._fit,
            self.y.astype(np.intp),
            coalition,
            points,
            last_of_class="without the point one class only is left",
        )

    @cached_property
    def _single(self) -> NDArray[np.float32]:
        """Features of the pool in single precision."""
        return self.x.astype(np.float32)

    def _fit(self, coalition: IntArray) -> "FittedLogistic | ExpandedLogistic":
        problem = LogisticProblem(self.x[coalition], self.y[coalition], self.penalty)
        if problem.y.min() == problem.y.max():
            raise SingularFitError("the coalition has one class only")
        if not self.is_exact:
            fit = fit_roughly(problem)
            pool = self._single if fit.is_single else self.x
            return ExpandedLogistic(pool, self.y, self.scorer, fit)
        theta = minimise(problem, np.zeros(len(self.penalty)))
        return FittedLogistic(self, LogisticFit(problem, theta))


@dataclass(frozen=True, eq=False)
class FittedLogistic:
    """A fitted coalition of a bound logistic learner."""

    bound: BoundLogistic
    fit: LogisticFit
    chunk: int = _CHUNK

    @property
    def theta(self) -> FloatArray:
        """The coalition's parameters."""
        return self.fit.theta

    @property
    def utility(self) -> float:
        """U(D), in units of the metric."""
        return self.bound.scorer.utility(self.fit.theta)

    def contributions(
        self, points: IntArray, sign: Sign, failures: list[str]
    ) -> FloatArray:
        """Return the contributions of points all outside (sign 1), or inside (-1)."""
        x, y = self.bound.x[points], self.bound.y[points]
        searches = self._updater.searches
        delta, left = search_in_turn(
            searches,
            lambda change, _: self._score(change),
            x,
            y,
            sign,
            n_together=_N_TOGETHER,
        )
        for row in left:
            try:
                theta = self._refit(x[row], y[row], sign)[None]
                delta[row] = sign * self.bound.scorer.changes(theta, self.fit.theta)[0]
            except SingularFitError as error:
                delta[row] = np.nan
                failures.append(str(error))
        return delta

    def _score(self, change: NDArray[Any]) -> FloatArray:
        """Return the changes of the utility, (n,), by white changes (n, p).

        Of a change in single precision that moves the log-loss by far more than the
        members do the error shows: it is NaN, for the search in double precision.
        """
        scorer, is_quick = self.bound.scorer, change.dtype == np.float32
        if is_quick and self._single_scorer is not None:
            turned = (change @ self._white_triangle.T).astype(np.float32)
            changes = self._single_scorer.changes(turned)
        else:
            theta = self.fit.theta + self.fit.unwhiten(change)
            changes = scorer.changes(theta, self.fit.theta)
        if is_quick:
            moved = np.abs(change @ self._slope.astype(np.float32))
            changes[~(moved <= _LARGEST_QUICK * self._spread)] = np.nan
        return changes

    @cached_property
    def _white_triangle(self) -> FloatArray:
        """What turns white changes into those for orthonormal features, (r, p)."""
        return self.fit.whiten(self.bound.scorer.orthonormal[1])

    @cached_property
    def _single_scorer(self) -> SingleScorer | None:
        """What scores changes for orthonormal features, if the metric has such."""
        return self.bound.scorer.find_single(self.fit.theta)

    @cached_property
    def _slope(self) -> FloatArray:
        """Gradient of the log-loss in white coordinates, (p,)."""
        scorer = self.bound.scorer
        wrong = expit(scorer.signed @ self.fit.theta)
        slope = wrong @ scorer.orthonormal[0] @ self._white_triangle
        return np.asarray(slope / len(wrong))

    @cached_property
    def _spread(self) -> float:
        """Spread of the influence of the members, in units of the log-loss.

        To first order the removal of a member moves the parameters by
        ``H^-1 x r / (1 - w h)``; the spread of what that does to the log-loss stands
        for the spread of the contributions.
        """
        fit, white = self.fit, self.fit.white_rows
        probability = expit(fit.margin)
        left = 1.0 - probability * (1.0 - probability) * row_dot(white, white)
        residual = probability - fit.problem.y
        influence = (white @ self._slope) * residual / np.maximum(left, 1e-12)
        return float(np.std(influence))

    @cached_property
    def _updater(self) -> LogisticUpdater:
        # The gradient with every validation point surely wrong is no longer than the
        # root mean square of the points' features.
        n_val = len(self.bound.scorer.y_val)
        largest = float(np.linalg.norm(self._white_triangle)) / n_val**0.5
        norm = float(np.linalg.norm(self._slope))
        return LogisticUpdater(self.fit, norm, largest, TOLERANCE * self._spread)

    def _refit(self, x: FloatArray, y: FloatArray, sign: Sign) -> FloatArray:
        """Finish one point by Newton's method on its own Hessian."""
        problem = self.fit.problem
        rows, targets = change_rows(problem.x, problem.y, x, y, sign)
        changed = LogisticProblem(rows, targets, problem.penalty)
        return minimise(changed, self.fit.theta)
