"""A learner whose coalitions are described by a few numbers each."""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from data_scaling._checks import check_at_least
from data_scaling._random import spawn_rng
from data_scaling._typing import FloatArray, IntArray
from data_scaling.coalitions import draw_coalition, group_pool
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.learners import BoundLearner, Draw, Learner, make_learner
from data_scaling.ledger import DESCRIBED
from data_scaling.metrics import Metric, MetricLike
from data_scaling.plan import SamplingPlan

__all__ = ["DescribedLearner"]

#: Coalitions of the pilot that the principal components are those of.
N_PILOT: Final = 64
# Random streams of the pilot, beside those of draws and base draws.
_PILOT_KEY: Final = (0, 0, 1)
_LARGEST: Final = 64


@dataclass(frozen=True, eq=False)
class DescribedLearner:
    """A learner that says of every coalition what its model is, in a few numbers.

    The numbers are the first principal components of the models' parameters or, where
    those are not comparable, of their predictions of the validation part. They are
    those of a pilot of 64 coalitions, which the plan determines.

    Parameters
    ----------
    learner : str, estimator or Learner
        As for :func:`make_learner`.
    plan : SamplingPlan
        Sizes and seed of the pilot.
    n_numbers : int
        The most numbers, from 1 to 64.

    Raises
    ------
    InputError
        If there are too many numbers, or none.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.adjustment import DescribedLearner
    >>> from data_scaling.datasets import load_dataset
    >>> from data_scaling.plan import SamplingPlan
    >>> learner = DescribedLearner("tree", SamplingPlan(10, 50, 90), n_numbers=8)
    >>> bound = learner.bind(load_dataset("wine"))
    >>> bound.draw(np.arange(0, 100, 2), np.array([0, 1])).descriptor.shape
    (8,)
    """

    learner: Learner | str | Any
    plan: SamplingPlan
    n_numbers: int = 32

    def __post_init__(self) -> None:
        if check_at_least("n_numbers", self.n_numbers, 1) > _LARGEST:
            raise InputError(
                f"n_numbers is {self.n_numbers}. Give at most {_LARGEST}: more of them "
                "are not worth their place in the ledger."
            )

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""
        return make_learner(self.learner).name

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> "BoundDescribed":
        """Fix the dataset and the metric, and train the pilot.

        Raises
        ------
        InputError
            If the learner does not fit the dataset.
        """
        bound = make_learner(self.learner).bind(dataset, metric)
        pool, none = group_pool(dataset), np.empty(0, dtype=np.intp)
        models = []
        for number in range(N_PILOT):
            rng = spawn_rng(self.plan.seed, *_PILOT_KEY, number)
            cardinality = self.plan.draw_cardinality(number, rng)
            model = bound.draw(draw_coalition(pool, cardinality, rng), none).model
            if model is not None and np.isfinite(model).all():
                models.append(model)
        centre, components = _find_components(models, self.n_numbers)
        description = (
            f"{bound.description}{DESCRIBED}{len(components)} components of "
            f"{len(models)} models"
        )
        return BoundDescribed(bound, centre, components, description)


@dataclass(frozen=True, eq=False)
class BoundDescribed:
    """A bound learner whose draws have descriptors.

    Attributes
    ----------
    bound : BoundLearner
        The learner itself.
    centre : (n_values,) float64 array
        Mean of the pilot's models.
    components : (n_numbers, n_values) float64 array
        Their principal components, scaled to a variance of 1.
    description : str
        All settings that determine a number.
    """

    bound: BoundLearner
    centre: FloatArray
    components: FloatArray
    description: str

    @property
    def metric(self) -> Metric:
        """What the utility is."""
        return self.bound.metric

    def utility(self, coalition: IntArray) -> float:
        """Return U(D), in units of the metric; NaN if the training fails."""
        return self.bound.utility(coalition)

    def marginals(self, coalition: IntArray, points: IntArray) -> FloatArray:
        """Return the contributions of ``points``, (n_points,), as ``draw`` does."""
        return self.bound.marginals(coalition, points)

    def draw(self, coalition: IntArray, points: IntArray) -> Draw:
        """Draw as the learner does, and describe the coalition."""
        draw = self.bound.draw(coalition, points)
        if draw.model is None or not len(self.components):
            return draw
        return replace(draw, descriptor=self.components @ (draw.model - self.centre))


def _find_components(
    models: list[FloatArray], n_numbers: int
) -> tuple[FloatArray, FloatArray]:
    """Return the mean of models and their scaled principal components."""
    if len(models) < 3:
        return np.empty(0), np.empty((0, 0))
    stacked = np.array(models)
    centre = stacked.mean(axis=0)
    _, spread, components = np.linalg.svd(stacked - centre, full_matrices=False)
    n_kept = min(n_numbers, int(np.sum(spread > 1e-9 * max(spread[0], 1e-300))))
    scale = np.sqrt(len(models)) / spread[:n_kept]
    return centre, scale[:, None] * components[:n_kept]
