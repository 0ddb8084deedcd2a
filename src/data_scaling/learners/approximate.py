"""The quick approximation of a learner, as a learner."""

from dataclasses import dataclass
from typing import Any

from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.learners.protocol import BoundLearner, Learner
from data_scaling.learners.registry import make_learner
from data_scaling.metrics import MetricLike

__all__ = ["ApproximateLearner"]


@dataclass(frozen=True, eq=False)
class ApproximateLearner:
    """What a learner gives for far less work, and nearly right.

    Its contributions are off by a small part of their spread between coalitions: for
    adjusting exact draws (:func:`data_scaling.adjust`), not for use by themselves.

    Parameters
    ----------
    learner : str, estimator or Learner
        As for :func:`make_learner`. Logistic regression has an approximation.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.datasets import load_dataset
    >>> from data_scaling.learners import ApproximateLearner, make_learner
    >>> dataset, coalition = load_dataset("breast_cancer"), np.arange(200)
    >>> quick, exact = (
    ...     learner.bind(dataset).marginals(coalition, points=np.arange(250))
    ...     for learner in (ApproximateLearner("logreg"), make_learner("logreg"))
    ... )
    >>> bool(np.corrcoef(quick, exact)[0, 1] > 0.98)
    True
    """

    learner: Learner | str | Any

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""
        return f"{make_learner(self.learner).name}-approximate"

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> BoundLearner:
        """Fix the dataset and the metric.

        Raises
        ------
        InputError
            If the learner does not fit the dataset, or has no approximation on it.
        """
        learner = make_learner(self.learner)
        approximation = find_approximation(learner.bind(dataset, metric))
        if approximation is None:
            raise InputError(
                f"The learner {learner.name!r} has no approximation on {dataset.name}. "
                "Adjust its draws by base draws instead: give the plan n_base_draws."
            )
        return approximation


def find_approximation(bound: BoundLearner) -> BoundLearner | None:
    """Return the quick approximation of a bound learner, if it has one."""
    approximation: BoundLearner | None = getattr(bound, "approximation", None)
    return approximation
