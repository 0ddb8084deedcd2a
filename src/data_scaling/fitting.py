"""From arrays to scaling laws in one call."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, get_args

from numpy.typing import ArrayLike

from data_scaling._checks import require_extra
from data_scaling.amortized import AmortizedEstimator
from data_scaling.contributions import Contributions
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.estimators import HierarchicalEstimator, LikelihoodEstimator
from data_scaling.laws import ScalingLaws
from data_scaling.learners import Learner
from data_scaling.metrics import MetricLike
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions

Method: TypeAlias = Literal["hierarchical", "likelihood", "amortized"]


class Estimator(Protocol):
    """What turns draws into laws."""

    def fit(self, contributions: Contributions) -> ScalingLaws:
        """Return the law of every point."""


@dataclass(frozen=True)
class FeatureEstimator:
    """An amortized estimator together with the dataset whose features it sees.

    Attributes
    ----------
    amortized : AmortizedEstimator
        What is trained; ``save`` keeps it for points that were not drawn.
    dataset : Dataset
        Where the points come from.
    """

    amortized: AmortizedEstimator
    dataset: Dataset

    def fit(self, contributions: Contributions) -> ScalingLaws:
        """Return the law of every point."""
        return self.amortized.fit(contributions, self.dataset)


def make_estimator(
    method: Method, dataset: Dataset | None = None, *, progress: bool = True
) -> Estimator:
    """Return the estimator of a method.

    Parameters
    ----------
    method : {"hierarchical", "likelihood", "amortized"}
        How laws are fitted to draws.
    dataset : Dataset, optional
        Where the points come from; "amortized" learns from its features.
    progress : bool
        Whether training shows a bar.

    Raises
    ------
    InputError
        If the method is unknown, or the dataset is missing.
    MissingExtraError
        If "amortized" is asked for without the extra ``torch``.

    Examples
    --------
    >>> make_estimator("likelihood")  # doctest: +ELLIPSIS
    LikelihoodEstimator(...)
    """
    _check_method(method)
    if method == "hierarchical":
        return HierarchicalEstimator()
    if method == "likelihood":
        return LikelihoodEstimator()
    require_extra("torch", "torch")
    if dataset is None:
        raise InputError(
            "method is 'amortized', which learns from the points' features, but no "
            "dataset was given. Give the one that was drawn from (dataset, or "
            "--dataset)."
        )
    return FeatureEstimator(AmortizedEstimator(progress=progress), dataset)


def _check_method(method: str) -> None:
    if method not in get_args(Method):
        raise InputError(
            f"method is {method!r}. Give 'hierarchical', which pools all points, "
            "'likelihood', the paper's point by point, or 'amortized', which learns "
            "from the points' features as well."
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
    method : {"hierarchical", "likelihood", "amortized"}
        How laws are fitted to draws: expansions with a prior learned from all points;
        power laws point by point, as in the paper; or expansions whose prior a network
        predicts from a point's features (extra ``torch``), for thousands of points.
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
    MissingExtraError
        If "amortized" is asked for without the extra ``torch``.
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
    _check_method(method)
    dataset = Dataset(X, y, X_val, y_val)
    estimate = make_estimator(method, dataset, progress=progress)
    smallest, largest = cardinalities
    plan = SamplingPlan(n_draws, smallest, largest, points=points, seed=seed)
    contributions = sample_contributions(
        dataset,
        estimator,
        plan,
        metric=metric,
        ledger=ledger,
        n_jobs=n_jobs,
        progress=progress,
        adjust=adjust,
    )
    return estimate.fit(contributions)
