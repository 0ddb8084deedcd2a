r"""Nearest neighbours: exact contributions without searching again.

The pool is sorted by its distance from every validation point once per run; in a
coalition a point changes only the validation points that it is near to
(:mod:`._neighbor_updates`). Predictions are those of scikit-learn's
``KNeighborsClassifier`` and ``KNeighborsRegressor``.

Ties
----
Distances come from differences of coordinates, as in scikit-learn's trees; its
brute-force search takes them from products of the features, by which duplicates may be
some 1e-8 apart. Which of several members at the same distance vote, scikit-learn leaves
to its search; here it is those that come first in the pool. A point that is added votes
only where it is strictly nearer than the last neighbour, as in the brute-force search,
where it comes last.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import check_at_least
from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.learners._neighbor_order import PoolOrder, sort_pool
from data_scaling.learners._neighbor_updates import NearBlock, find_members
from data_scaling.learners._neighbor_votes import Votes, is_mean, make_votes
from data_scaling.learners.protocol import Draw
from data_scaling.metrics import Metric, MetricLike, make_metric

# Numbers in a block of predictions: it then fits the second-level cache.
_BLOCK_SIZE: Final = 2**15
# Numbers in a block of whole validation predictions, for metrics that need them.
_STACK_SIZE: Final = 2**23
# Columns beyond those expected that are looked at for members.
_MARGIN: Final = 1.5
# Finding and sorting a distance costs this many times what passing over one does.
_NARROWING: Final = 8


@dataclass(frozen=True)
class NeighborsLearner:
    """Classification or regression by the nearest members, at Euclidean distance.

    Parameters
    ----------
    n_neighbors : int
        How many vote; smaller coalitions fail.
    weights : {"uniform", "distance"}
        Whether votes count the same, or by the inverse of the distance.

    Raises
    ------
    InputError
        If ``n_neighbors`` is no integer of at least 1, or the weights are unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.datasets import load_dataset
    >>> learner = NeighborsLearner(5).bind(load_dataset("wine"))
    >>> coalition = np.arange(0, 80, 2)
    >>> learner.marginals(coalition, points=np.array([0, 41])).shape
    (2,)
    """

    n_neighbors: int = 5
    weights: Literal["uniform", "distance"] = "uniform"

    def __post_init__(self) -> None:
        check_at_least("n_neighbors", self.n_neighbors, 1)
        if self.weights not in ("uniform", "distance"):
            raise InputError(
                f"weights is {self.weights!r}. Give 'uniform' or 'distance'."
            )

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""
        return "knn"

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> "BoundNeighbors":
        """Fix the dataset and the metric, and sort the pool.

        Raises
        ------
        InputError
            If the metric does not fit the dataset's task.
        """
        n_classes = len(dataset.classes)
        bound_metric = make_metric(metric, dataset.task)
        votes = make_votes(dataset.y_train, dataset.y_val, n_classes, bound_metric)
        return BoundNeighbors(
            sort_pool(dataset.x_train, dataset.x_val),
            dataset.y_train,
            dataset.y_val,
            n_classes,
            votes,
            bound_metric,
            self.n_neighbors,
            self.weights,
        )


@dataclass(frozen=True, eq=False)
class BoundNeighbors:
    """A nearest-neighbour learner bound to a dataset and a metric.

    Attributes
    ----------
    pool : PoolOrder
        The pool in order of its distance from every validation point.
    y, y_val : (n_rows,) array
        Targets of the pool and of the validation part.
    n_classes : int
        Number of classes; 0 in a regression.
    votes : Votes
        What neighbours vote for.
    metric : Metric
        What the utility is.
    n_neighbors : int
        How many vote.
    weights : {"uniform", "distance"}
        How votes count.
    """

    pool: PoolOrder
    y: NDArray[Any]
    y_val: NDArray[Any]
    n_classes: int
    votes: Votes
    metric: Metric
    n_neighbors: int
    weights: str

    @property
    def description(self) -> str:
        """All settings that determine a number."""
        return (
            f"exact nearest neighbours (n_neighbors={self.n_neighbors}, "
            f"weights={self.weights!r})"
        )

    def utility(self, coalition: IntArray) -> float:
        """Return U(D), in units of the metric; NaN if the training fails."""
        if self._why_not(coalition):
            return float("nan")
        is_member = self._mark(coalition)
        return self._score([near.predict() for near in self._blocks(is_member)])

    def marginals(self, coalition: IntArray, points: IntArray) -> FloatArray:
        """Return the contributions of ``points``, (n_points,), as ``draw`` does."""
        return self.draw(coalition, points).delta

    def draw(self, coalition: IntArray, points: IntArray) -> Draw:
        """Find the neighbours in a coalition, and who else would be among them.

        Parameters
        ----------
        coalition : (k,) integer array
            Members, as indices in the pool.
        points : (n_points,) integer array
            Points asked for, inside the coalition or outside.
        """
        points = np.asarray(points, dtype=np.intp)
        reason = self._why_not(coalition)
        if reason:
            return Draw(float("nan"), np.full(len(points), np.nan), (reason,))
        if self._is_wide_for(coalition, points):
            return self._draw_narrowed(coalition, points)
        is_member = self._mark(coalition)
        if is_mean(self.metric):
            utility, contributions = self._sum_terms(is_member)
            delta = contributions[points]
        else:
            utility, delta = self._score_stacks(is_member, points)
        failures = self._fail_removals(coalition, is_member, points, delta)
        return Draw(utility, delta, tuple(failures))

    def _is_wide_for(self, coalition: IntArray, points: IntArray) -> bool:
        """Say whether the pool holds far more than the few points asked for."""
        scanned = _MARGIN * self.n_neighbors / len(coalition) * len(self.y)
        return _NARROWING * (len(coalition) + len(points)) < scanned

    def _draw_narrowed(self, coalition: IntArray, points: IntArray) -> Draw:
        """Draw from a pool of the coalition and the points alone."""
        ids = np.union1d(coalition, points)
        y, x = self.y[ids], self.pool.x[ids]
        narrow = replace(
            self,
            pool=sort_pool(x, self.pool.x_val),
            y=y,
            votes=make_votes(y, self.y_val, self.n_classes, self.metric),
        )
        members, asked = np.searchsorted(ids, coalition), np.searchsorted(ids, points)
        return narrow.draw(members, asked)

    def _mark(self, coalition: IntArray) -> BoolArray:
        is_member = np.zeros(len(self.y), dtype=np.bool_)
        is_member[coalition] = True
        return is_member

    def _why_not(self, coalition: IntArray) -> str:
        """Say why the coalition cannot be trained on; empty if it can."""
        if len(coalition) < self.n_neighbors:
            return (
                f"the coalition has {len(coalition)} members, n_neighbors is "
                f"{self.n_neighbors}"
            )
        present = len(np.unique(self.y[coalition])) if self.n_classes else 0
        if present < self.n_classes:
            return f"the coalition has {present} of {self.n_classes} classes"
        return ""

    def _blocks(self, is_member: BoolArray) -> Iterator[NearBlock]:
        """Yield the neighbours of consecutive validation points."""
        n_members, n_pool = int(is_member.sum()), len(is_member)
        n_nearest = min(self.n_neighbors + 1, n_members)
        expected = int(_MARGIN * n_nearest / n_members * n_pool) + 64
        step = max(1, _BLOCK_SIZE // (min(expected, n_pool) * self.votes.width))
        for low in range(0, len(self.y_val), step):
            order, distance = self.pool.block(low, min(low + step, len(self.y_val)))
            columns = find_members(order, is_member, n_nearest, expected)
            yield NearBlock(
                order,
                distance,
                columns,
                self.n_neighbors,
                self.weights == "distance",
                self.votes,
                low,
            )

    def _sum_terms(self, is_member: BoolArray) -> tuple[float, FloatArray]:
        """Return the utility and everyone's contribution, term by term.

        Only terms of validation points that a point changes are looked at.
        """
        n_pool, total = len(is_member), 0.0
        added, removed = np.zeros(n_pool), np.zeros(n_pool)
        has_more = int(is_member.sum()) > self.n_neighbors
        for near in self._blocks(is_member):
            base = self.votes.score(near.predict(), near.low)
            total += float(base.sum())
            changes, is_changed = near.enter()
            term = self.votes.score(changes.prediction, near.low) - base
            term *= is_changed
            added += np.bincount(changes.ids.ravel(), term.ravel(), n_pool)
            if has_more:
                changes = near.leave()
                term = base - self.votes.score(changes.prediction, near.low)
                removed += np.bincount(changes.ids.ravel(), term.ravel(), n_pool)
        n_val = len(self.y_val)
        return total / n_val, np.where(is_member, removed, added) / n_val

    def _score_stacks(
        self, is_member: BoolArray, points: IntArray
    ) -> tuple[float, FloatArray]:
        """Score the whole validation predictions of every point, in blocks of points.

        The neighbours are found anew for every block, so that memory is bounded.
        """
        base = [near.predict() for near in self._blocks(is_member)]
        utility, stack = self._score(base), np.concatenate(base)[:, 0]
        delta = np.empty(len(points))
        step = max(1, _STACK_SIZE // stack.size)
        for low in range(0, len(points), step):
            asked = points[low : low + step]
            slot = np.full(len(is_member), -1)
            slot[asked] = np.arange(len(asked))
            predictions = np.repeat(stack[None], len(asked), axis=0)
            for near in self._blocks(is_member):
                _write_changes(predictions, near, slot, is_member)
            moved = self._utilities(predictions)[slot[asked]] - utility
            delta[low : low + step] = np.where(is_member[asked], -moved, moved)
        return utility, delta

    def _score(self, predictions: list[FloatArray]) -> float:
        """Return the utility of the coalition's own predictions."""
        if not is_mean(self.metric):
            return float(self._utilities(np.concatenate(predictions)[None, :, 0])[0])
        low, total = 0, 0.0
        for prediction in predictions:
            total += float(self.votes.score(prediction, low).sum())
            low += len(prediction)
        return total / len(self.y_val)

    def _utilities(self, predictions: FloatArray) -> FloatArray:
        """Score a stack of predictions, (n, n_val, width)."""
        if not self.n_classes:
            predictions = predictions[..., 0]
        return self.metric.utilities(self.y_val, predictions)

    def _fail_removals(
        self,
        coalition: IntArray,
        is_member: BoolArray,
        points: IntArray,
        delta: FloatArray,
    ) -> list[str]:
        """Make contributions NaN whose removal leaves too little, and say why."""
        inside = is_member[points]
        if len(coalition) == self.n_neighbors:
            delta[inside] = np.nan
            reason = (
                f"without the point {len(coalition) - 1} members are left, n_neighbors "
                f"is {self.n_neighbors}"
            )
            return [reason] * int(inside.sum())
        if not self.n_classes:
            return []
        counts = np.bincount(self.y[coalition], minlength=self.n_classes)
        last = inside & (counts[self.y[points]] == 1)
        delta[last] = np.nan
        return ["without the point a class has no member"] * int(last.sum())


def _write_changes(
    predictions: FloatArray, near: NearBlock, slot: IntArray, is_member: BoolArray
) -> None:
    """Write what the points with a slot change into their predictions."""
    sides = [(*near.enter(), False)]
    if near.columns.shape[1] > near.n_neighbors:
        changes = near.leave()
        sides.append((changes, np.ones(changes.ids.shape, dtype=np.bool_), True))
    for changes, is_changed, is_removal in sides:
        wanted = is_changed & (slot[changes.ids] >= 0)
        wanted &= is_member[changes.ids] == is_removal
        row, column = np.nonzero(wanted)
        where = slot[changes.ids[row, column]], near.low + row
        predictions[where] = changes.prediction[row, column]
