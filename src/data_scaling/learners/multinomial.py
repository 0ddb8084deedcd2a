r"""Logistic regression of several classes: exact contributions without refitting.

One fit of the coalition serves every point; the model with a point more, or less, is
the one that ``sklearn.linear_model.LogisticRegression`` would have fitted. See
:mod:`._multinomial_updates` for the method.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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
from data_scaling.learners._multinomial_fit import (
    MultinomialFit,
    MultinomialProblem,
    fit_multinomial,
    fit_multinomial_roughly,
    softmax,
)
from data_scaling.learners._multinomial_updates import MultinomialUpdater
from data_scaling.learners._newton import SingularFitError, minimise
from data_scaling.learners._softmax_scores import SoftmaxScorer
from data_scaling.learners._span import Span
from data_scaling.learners.protocol import Draw
from data_scaling.metrics import Metric, MetricLike, make_metric

#: Expected error of a contribution, as a share of the coalition's own spread.
TOLERANCE: Final = 2e-7

_LARGEST_C: Final = float(np.finfo(np.float64).max)
_NOT_FINITE: Final = "the quadratic model is not finite"
# Points that are updated together, and of them as many are searched for together as
# have their largest arrays in so many bytes.
_CHUNK: Final = 16384
_SEARCH_BYTES: Final = 24 * 2**20
_LARGEST_SEARCH: Final = 1024


@dataclass(frozen=True)
class MultinomialLearner:
    """L2-penalised logistic regression of three classes or more.

    Parameters
    ----------
    C : float
        Inverse strength of the penalty ``|w|^2 / (2 C)``, as in scikit-learn; finite.
    fit_intercept : bool
        Whether there are intercepts; they are not penalised.

    Raises
    ------
    InputError
        If ``C`` is no finite number above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.datasets import load_dataset
    >>> dataset = load_dataset("wine")
    >>> learner = MultinomialLearner().bind(dataset)
    >>> coalition = np.arange(0, dataset.n_points, 3)
    >>> bool(learner.utility(coalition) > -0.5)
    True
    >>> learner.marginals(coalition, points=np.array([0, 50])).shape
    (2,)
    """

    C: float = 1.0
    fit_intercept: bool = True

    def __post_init__(self) -> None:
        check_positive("C", self.C, largest=_LARGEST_C)

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""
        return "logreg"

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> "BoundMultinomial":
        """Fix the dataset and the metric.

        Raises
        ------
        InputError
            If the dataset has less than three classes, or the metric is for regression.
        """
        n_classes = len(dataset.classes)
        if n_classes < 3:
            raise InputError(
                f"The multinomial learner needs three classes or more; {dataset.name} "
                f"has {n_classes}. Use make_learner('logreg'), which finds the learner "
                "for two."
            )
        x, x_val = (self._design(part) for part in (dataset.x_train, dataset.x_val))
        penalty = np.full(x.shape[1], 1.0 / self.C)
        if self.fit_intercept:
            penalty[-1] = 0.0
        bound_metric = make_metric(metric, dataset.task)
        scorer = SoftmaxScorer(x_val, dataset.y_val, n_classes, bound_metric)
        settings = f"C={self.C!r}, fit_intercept={self.fit_intercept}"
        description = f"exact multinomial logistic regression ({settings})"
        return BoundMultinomial(x, dataset.y_train, penalty, scorer, description)

    def _design(self, x: FloatArray) -> FloatArray:
        return np.column_stack([x, np.ones(len(x))]) if self.fit_intercept else x


@dataclass(frozen=True, eq=False)
class BoundMultinomial:
    """A multinomial learner bound to a dataset and a metric.

    Attributes
    ----------
    x : (n_pool, p) float64 array
        Features of the pool, with the intercept's column of ones if there is one.
    y : (n_pool,) int64 array
        Class codes.
    penalty : (p,) float64 array
        Diagonal of the penalty.
    scorer : SoftmaxScorer
        The validation part and the metric.
    description : str
        All settings that determine a number.
    is_exact : bool
        Whether contributions are exact, or those of the points' quadratic models.
    """

    x: FloatArray
    y: NDArray[Any]
    penalty: FloatArray
    scorer: SoftmaxScorer
    description: str
    is_exact: bool = True

    @property
    def metric(self) -> Metric:
        """What the utility is."""
        return self.scorer.metric

    @property
    def approximation(self) -> "BoundMultinomial":
        """A quick learner, which judges points at the minima of quadratic models."""
        description = f"rough fits and quadratic models of {self.description}"
        return replace(self, description=description, is_exact=False)

    def utility(self, coalition: IntArray) -> float:
        """Return U(D), in units of the metric; NaN if D lacks a class."""
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
            self.y,
            coalition,
            points,
            last_of_class="without the point a class has no member left",
        )

    def targets(self, points: IntArray) -> FloatArray:
        """Say whether points are of each class but the last, (n_points, m)."""
        contrasts = np.arange(self.scorer.n_classes - 1)
        return np.asarray(self.y[points][:, None] == contrasts, dtype=np.float64)

    def _fit(self, coalition: IntArray) -> "FittedMultinomial":
        n_classes, present = self.scorer.n_classes, len(np.unique(self.y[coalition]))
        if present < n_classes:
            raise SingularFitError(
                f"the coalition has {present} of {n_classes} classes"
            )
        targets = np.ascontiguousarray(self.targets(coalition).T)
        whole = MultinomialProblem(self.x[coalition], targets, self.penalty)
        span = Span.of(whole.x, self.penalty)
        rows = span.reduce(whole.x, is_spanned=True)
        problem = MultinomialProblem(rows, targets, span.reduced_penalty)
        fit = fit_multinomial if self.is_exact else fit_multinomial_roughly
        return FittedMultinomial(self, whole, span, fit(problem))


@dataclass(frozen=True, eq=False)
class FittedMultinomial:
    """A fitted coalition of a bound multinomial learner.

    Attributes
    ----------
    bound : BoundMultinomial
        The learner.
    whole : MultinomialProblem
        The coalition's objective with all features.
    span : Span
        Which features the fit has.
    fit : MultinomialFit
        The coalition, with the features that are left.
    """

    bound: BoundMultinomial
    whole: MultinomialProblem
    span: Span
    fit: MultinomialFit

    @cached_property
    def theta(self) -> FloatArray:
        """The coalition's parameters."""
        whole = self.span.expand(self.fit.theta[None], self.whole.x[:1])
        return np.asarray(whole[0])

    @property
    def utility(self) -> float:
        """U(D), in units of the metric."""
        return self.bound.scorer.utility(self.theta)

    @property
    def chunk(self) -> int:
        """Number of points to be updated together.

        They are searched for in smaller chunks; what the first search leaves of all of
        them goes to the next together.
        """
        return _CHUNK

    def contributions(
        self, points: IntArray, sign: Sign, failures: list[str]
    ) -> FloatArray:
        """Return the contributions of points all outside (sign 1), or inside (-1)."""
        x, y = self.bound.x[points], self.bound.targets(points)
        scorer, theta = self.bound.scorer, self.theta

        def score(change: FloatArray, rows: IntArray) -> FloatArray:
            return scorer.changes(self.span.expand(change, x[rows]), theta)

        is_exact, updater = self.bound.is_exact, self._updater
        delta, left = search_in_turn(
            updater.searches if is_exact else [updater.start],
            score,
            self.span.reduce(x, is_spanned=sign == -1),
            y,
            sign,
            n_together=self._n_together,
        )
        if not is_exact:
            delta[left] = np.nan
            failures += [_NOT_FINITE] * len(left)
            return delta
        for row in left:
            try:
                change = self._refit(x[row], y[row], sign) - theta
                delta[row] = sign * scorer.changes(change[None], theta)[0]
            except SingularFitError as error:
                delta[row] = np.nan
                failures.append(str(error))
        return delta

    @property
    def _n_together(self) -> int:
        n_contrasts, n_rows = self.fit.problem.y.shape
        n_bytes: int = n_contrasts * (4 * len(self.fit.theta) + 8 * n_rows)
        return min(_LARGEST_SEARCH, max(1, _SEARCH_BYTES // n_bytes))

    @cached_property
    def _updater(self) -> MultinomialUpdater:
        """Set the tolerance from the influence that the members have.

        To first order the removal of a member moves the parameters by
        ``H^-1 (x (x) r)``, its leverage aside, which would only add to the spread; what
        that does to the log-loss stands for the spread of the contributions.
        """
        fit, problem = self.fit, self.fit.problem
        whole = self.bound.scorer.log_loss_gradient(self.theta)
        by_class = whole.reshape(len(problem.y), -1)
        slope = self.span.reduce(by_class, is_spanned=True).ravel()
        adjoint = fit.inverse_hessian @ slope
        residual = softmax(problem.margins(fit.theta)) - problem.y
        influence = np.sum(residual * problem.margins(adjoint), axis=0)
        tolerance = TOLERANCE * float(np.std(influence))
        # Outside the span the Hessian is that of the penalty, (I - 1 1'/(m + 1)) / C.
        outside = self.span.leave(by_class)
        square = float(np.sum(outside**2) + np.sum(outside.sum(axis=0) ** 2))
        square = slope @ adjoint + square / self.bound.penalty[0]
        return MultinomialUpdater(fit, float(np.sqrt(square)), tolerance)

    def _refit(self, x: FloatArray, y: FloatArray, sign: Sign) -> FloatArray:
        """Finish one point by Newton's method on its own Hessian."""
        rows, targets = change_rows(self.whole.x, self.whole.y.T, x, y, sign)
        targets = np.ascontiguousarray(targets.T)
        changed = MultinomialProblem(rows, targets, self.whole.penalty)
        return minimise(changed, self.theta)
