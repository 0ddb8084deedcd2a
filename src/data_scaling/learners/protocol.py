"""What a learner is: something that turns a coalition into contributions."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from data_scaling._typing import FloatArray, IntArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.metrics import Metric, MetricLike


@dataclass(frozen=True, eq=False)
class Draw:
    """One coalition evaluated for a list of points.

    Attributes
    ----------
    utility : float
        U(D) of the coalition, in units of the metric; NaN if its training failed.
    delta : (n_points,) float64 array
        Marginal contribution of each asked point, in units of the metric: U(D + z) -
        U(D) outside the coalition, U(D) - U(D - z) inside it. NaN where training
        failed.
    failures : tuple of str
        One sentence for every training that failed.
    descriptor : (n_numbers,) float64 array, optional
        What else is worth keeping of the coalition's fit: a few numbers, as many for
        every coalition that trains.
    model : (n_values,) float64 array, optional
        The coalition's model itself, as many values for every coalition that trains:
        its parameters, or its predictions of the validation part. It is not kept.
    """

    utility: float
    delta: FloatArray
    failures: tuple[str, ...] = ()
    descriptor: FloatArray | None = None
    model: FloatArray | None = None


class BoundLearner(Protocol):
    """A learner bound to a dataset and a metric: the utility of a game.

    A bound learner holds no state that a call changes; the same call gives the same
    bits, whatever was called before. It travels to workers by serialisation.

    Attributes
    ----------
    description : str
        All settings of the learner that determine a number, as one line; two learners
        with the same description give the same draws.
    metric : Metric
        What the utility is.
    """

    @property
    def description(self) -> str:
        """All settings that determine a number, as one line."""

    @property
    def metric(self) -> Metric:
        """What the utility is."""

    def draw(self, coalition: IntArray, points: IntArray) -> Draw:
        """Train on a coalition and give the contribution of every asked point."""

    def utility(self, coalition: IntArray) -> float:
        """Train on a coalition and return U(D)."""

    def marginals(self, coalition: IntArray, points: IntArray) -> FloatArray:
        """Return the contributions alone, (n_points,) float64."""


@runtime_checkable
class ModelScorer(Protocol):
    """A bound learner that also scores a model which another metric's draw gave.

    Of one training so come the utilities by several metrics.
    """

    def score(self, model: FloatArray) -> float:
        """Return the utility of a :attr:`Draw.model`, in units of the metric."""


class Learner(Protocol):
    """A way of training that can be bound to a dataset and a metric.

    Attributes
    ----------
    name : str
        Short name for ledgers and reports.
    """

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> BoundLearner:
        """Fix the dataset and the metric (a name, an object, None for the default)."""
