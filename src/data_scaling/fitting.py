"""From arrays to scaling laws in one call."""

import os
from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias

from numpy.typing import ArrayLike

from data_scaling.contributions import Contributions
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.estimators import HierarchicalEstimator, LikelihoodEstimator
from data_scaling.laws import ScalingLaws
from data_scaling.learners import Learner
from data_scaling.metrics import MetricLike
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions

Method: TypeAlias = Literal["hierarchical", "likelihood"]


class Estimator(Protocol):
    """What turns draws into laws."""

    def fit(self, contributions: Contributions) -> ScalingLaws:
        """Return the law of every point."""


def make_estimator(method: Method) -> Estimator:
    """Return the estimator of a method.

    Raises
    ------
    InputError
        If the method is unknown.

    Examples
    --------
    >>> make_estimator("likelihood")  # doctest: +ELLIPSIS
    LikelihoodEstimator(...)
    """
    if method == "hierarchical":
        return HierarchicalEstimator()
    if method == "likelihood":
        return LikelihoodEstimator()
    raise InputError(
        f"method is {method!r}. Give 'hierarchical', which pools all points, or "
        "'likelihood', the paper's."
    )


def fit_scaling_laws(
    estimator: Learner | str | Any,
    X: ArrayLike,
    y: ArrayLike,
    X_val: ArrayLike,
    y_val: ArrayLike,
    *,
    cardinalities: tuple[int, int] = (100, 1000),
    n_draws: int = 100,
    method: Method = "hierarchical",
    metric: MetricLike = None,
    points: int | Sequence[int] | None = None,
    ledger: str | os.PathLike[str] | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    progress: bool = True,
    adjust: bool | int = False,
) -> ScalingLaws:
    """Draw contributions of training points and fit a scaling law to each.

    Parameters
    ----------
    estimator : str, estimator or Learner
        What is trained: a name as ``"logreg"``, or any scikit-learn estimator.
    X, X_val : (n_rows, n_features) array_like
        Finite features of the training and of the validation rows.
    y, y_val : (n_rows,) array_like
        Targets; floating-point targets make a regression, all others a classification.
    cardinalities : (int, int)
        Smallest and largest size of the coalitions.
    n_draws : int
        Draws per point, at least 2.
    method : {"hierarchical", "likelihood"}
        How laws are fitted to draws: expansions with a prior learned from all points,
        or power laws point by point, as in the paper.
    metric, ledger, n_jobs, progress, adjust
        As in :func:`~data_scaling.sample_contributions`.
    points, seed
        As in :class:`~data_scaling.SamplingPlan`.

    Returns
    -------
    ScalingLaws
        One law per point, with standard errors and a status.

    Raises
    ------
    InputError
        If an argument cannot be worked with. Nothing was drawn then.
    AllDrawsFailedError
        If no draw gave a number.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> import data_scaling as ds
    >>> X, y = make_classification(300, random_state=0)
    >>> laws = ds.fit_scaling_laws(
    ...     LogisticRegression(), X[:200], y[:200], X[200:], y[200:],
    ...     cardinalities=(20, 100), n_draws=30,
    ... )
    >>> laws.psi(1000).shape
    (200,)
    """
    estimate = make_estimator(method)
    smallest, largest = cardinalities
    plan = SamplingPlan(n_draws, smallest, largest, points=points, seed=seed)
    contributions = sample_contributions(
        Dataset(X, y, X_val, y_val),
        estimator,
        plan,
        metric=metric,
        ledger=ledger,
        n_jobs=n_jobs,
        progress=progress,
        adjust=adjust,
    )
    return estimate.fit(contributions)
