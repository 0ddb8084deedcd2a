"""Learners for tests of sampling: quick, exact, and failing when told to."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

from data_scaling.datasets.dataset import Dataset
from data_scaling.learners import Draw
from data_scaling.metrics import Metric, make_metric


@dataclass(frozen=True)
class MeanLearner:
    """The utility of a coalition is minus the mean of its first feature.

    Parameters
    ----------
    seconds : float
        Time that each draw takes.
    fails_below : int
        Coalitions smaller than this fail to train.
    describes : bool
        Whether a draw says the sum and the size of its coalition.
    """

    seconds: float = 0.0
    fails_below: int = 0
    describes: bool = False
    name: str = "mean"

    def bind(self, dataset: Dataset, metric: object = None) -> "BoundMeanLearner":
        return BoundMeanLearner(
            self, dataset.x_train, make_metric(metric, dataset.task)
        )


@dataclass(frozen=True, eq=False)
class BoundMeanLearner:
    learner: MeanLearner
    features: np.ndarray
    metric: Metric

    @property
    def description(self) -> str:
        # The time is no setting that determines a number.
        return f"MeanLearner(fails_below={self.learner.fails_below})"

    def draw(self, coalition: np.ndarray, points: np.ndarray) -> Draw:
        time.sleep(self.learner.seconds)
        if len(coalition) < self.learner.fails_below:
            nothing = np.full(len(points), np.nan)
            return Draw(float("nan"), nothing, (f"{len(coalition)} are too few.",))
        values = self.features[:, 0]
        total, size = values[coalition].sum(), len(coalition)
        inside = np.isin(points, coalition)
        added = total / size - (total + values[points]) / (size + 1)
        removed = (total - values[points]) / (size - 1) - total / size
        descriptor = np.array([total, size]) if self.learner.describes else None
        delta = np.where(inside, removed, added)
        return Draw(float(-total / size), delta, descriptor=descriptor)

    def utility(self, coalition: np.ndarray) -> float:
        return self.draw(coalition, coalition[:0]).utility

    def marginals(self, coalition: np.ndarray, points: np.ndarray) -> np.ndarray:
        return self.draw(coalition, points).delta


@dataclass(frozen=True)
class InfiniteLearner(MeanLearner):
    def bind(self, dataset: Dataset, metric: object = None) -> "BoundInfinite":
        return BoundInfinite(self, dataset.x_train, make_metric(metric, dataset.task))


@dataclass(frozen=True, eq=False)
class BoundInfinite(BoundMeanLearner):
    def draw(self, coalition: np.ndarray, points: np.ndarray) -> Draw:
        return Draw(0.0, np.where(points % 2, np.inf, 1.0))


@dataclass(frozen=True)
class InterruptedLearner(MeanLearner):
    """The user presses Ctrl-C at the seventh draw."""

    def bind(self, dataset: Dataset, metric: object = None) -> "BoundInterrupted":
        bound = make_metric(metric, dataset.task)
        return BoundInterrupted(self, dataset.x_train, bound, [0])


@dataclass(frozen=True, eq=False)
class BoundInterrupted(BoundMeanLearner):
    n_calls: list[int]

    def draw(self, coalition: np.ndarray, points: np.ndarray) -> Draw:
        self.n_calls[0] += 1
        if self.n_calls[0] == 7:
            raise KeyboardInterrupt
        return super().draw(coalition, points)


@dataclass(frozen=True)
class DeadlyLearner(MeanLearner):
    """It ends any process that draws, but for one."""

    spared: int = 0

    def bind(self, dataset: Dataset, metric: object = None) -> "BoundDeadly":
        return BoundDeadly(self, dataset.x_train, make_metric(metric, dataset.task))


@dataclass(frozen=True, eq=False)
class BoundDeadly(BoundMeanLearner):
    def draw(self, coalition: np.ndarray, points: np.ndarray) -> Draw:
        if os.getpid() != self.learner.spared:
            os._exit(9)
        return super().draw(coalition, points)


@dataclass(frozen=True)
class TellingLearner(MeanLearner):
    """It notes in a folder which process drew, and with how many BLAS threads."""

    folder: str = ""

    def bind(self, dataset: Dataset, metric: object = None) -> "BoundTelling":
        return BoundTelling(self, dataset.x_train, make_metric(metric, dataset.task))


@dataclass(frozen=True, eq=False)
class BoundTelling(BoundMeanLearner):
    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._note(f"unpacked-{os.getpid()}-{time.monotonic_ns()}")

    def draw(self, coalition: np.ndarray, points: np.ndarray) -> Draw:
        pools = [p["num_threads"] for p in threadpool_info()]
        self._note(f"drew-{os.getpid()}-threads{max(pools, default=1)}")
        return super().draw(coalition, points)

    def _note(self, name: str) -> None:
        Path(self.learner.folder, name).touch()


def make_dataset(n_points: int = 40, n_classes: int = 2, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_points, 3))
    y = np.arange(n_points) % n_classes
    return Dataset(x, y, x[:10], y[:10], name="toy")
