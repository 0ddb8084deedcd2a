r"""Predictions of nearest neighbours with a point more or less, where they change.

Of a validation point's neighbours only the nearest :math:`n` members of the coalition
vote, with weights :math:`w`. A point outside that is strictly nearer than the n-th one
takes its place; a member among them that is removed gives its place to the
:math:`(n+1)`-th. All else leaves the prediction as it is.

A member at distance zero outvotes all that are not (weights by distance): then the
votes at distance zero have weight 1 and the others 0, as in scikit-learn.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import BoolArray, FloatArray, Int32Array, IntArray
from data_scaling.learners._neighbor_votes import Votes


@dataclass(frozen=True, eq=False)
class Changes:
    """Predictions of some validation points as single points change them.

    Attributes
    ----------
    ids : (B, m) int array
        The points, by their index in the pool.
    prediction : (B, m, width) float64 array
        The prediction with that point more, or less.
    """

    ids: NDArray[Any]
    prediction: FloatArray


@dataclass(frozen=True, eq=False)
class NearBlock:
    """Neighbours of consecutive validation points in one coalition.

    Attributes
    ----------
    order, distance : (B, n_pool) array
        The pool in order of its distance, and the distances.
    columns : (B, m) intp array
        Where in that order the nearest members stand; m is n_neighbors, and one more
        if the coalition has one.
    n_neighbors : int
        How many vote.
    is_weighted : bool
        Whether votes are weighted by the inverse distance.
    votes : Votes
        What the points vote for.
    low : int
        First of the validation points.
    """

    order: Int32Array
    distance: FloatArray
    columns: IntArray
    n_neighbors: int
    is_weighted: bool
    votes: Votes
    low: int

    def predict(self) -> FloatArray:
        """Return the coalition's own predictions, (B, 1, width)."""
        weight, vote = self._members(self.n_neighbors)
        weight = _prefer_zero_distance(weight)
        total = weight.sum(axis=1, keepdims=True)
        return np.asarray(_sum(weight, vote) / total[..., None])

    def enter(self) -> tuple[Changes, BoolArray]:
        """Return what outside points change, and where they do, (B, m) bool.

        Members stand among the points; what is said of them means nothing.
        """
        last = self.columns[:, self.n_neighbors - 1]
        width = int(last.max())
        ids, distance = self.order[:, :width], self.distance[:, :width]
        rows = np.arange(len(last))
        is_nearer = distance < self.distance[rows, last][:, None]
        weight, vote = self._members(self.n_neighbors)
        has_zero = np.isinf(weight[:, :1])
        weight = _prefer_zero_distance(weight)[:, :-1]
        total = weight.sum(axis=1, keepdims=True)
        new_weight, new_vote = self._weigh(distance), self.votes.cast(ids, self.low)
        # Zero distances come first, so that one column tells whether there are any.
        is_zero = np.isinf(new_weight) if np.isinf(new_weight[:, :1]).any() else None
        if is_zero is not None:
            kept = np.where(is_zero, 1.0, new_weight)
            new_weight = np.where(has_zero, is_zero, kept)
        prediction = new_weight[..., None] * new_vote
        prediction += _sum(weight, vote[:, :-1])
        new_weight = new_weight + total
        prediction /= np.where(is_nearer, new_weight, 1.0)[..., None]
        if is_zero is not None:
            alone = is_zero & ~has_zero
            prediction[alone] = new_vote[alone]
        return Changes(ids, prediction), is_nearer

    def leave(self) -> Changes:
        """Return what the removal of each neighbour changes; one more must be there."""
        weight, vote = self._members(self.n_neighbors + 1)
        rest = _prefer_zero_distance(weight)
        weighted = rest[..., None] * vote
        total = _sum_others(rest[..., None])
        lone = np.flatnonzero(np.isinf(weight).sum(axis=1) == 1)
        summed = _sum_others(weighted)
        # Without the only neighbour at distance zero, distances count again.
        summed[lone, 0] = _sum(weight[lone, 1:], vote[lone, 1:])[:, 0]
        total[lone, 0, 0] = weight[lone, 1:].sum(axis=1)
        return Changes(self._member_ids()[:, :-1], (summed / total)[:, :-1])

    def _member_ids(self) -> NDArray[Any]:
        return np.take_along_axis(self.order, self.columns, axis=1)

    def _members(self, n_nearest: int) -> tuple[FloatArray, FloatArray]:
        """Return weights (B, n_nearest) and votes of the nearest members."""
        columns = self.columns[:, :n_nearest]
        ids = np.take_along_axis(self.order, columns, axis=1)
        distance = np.take_along_axis(self.distance, columns, axis=1)
        return self._weigh(distance), self.votes.cast(ids, self.low)

    def _weigh(self, distance: FloatArray) -> FloatArray:
        if not self.is_weighted:
            return np.ones(distance.shape)
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(1.0 / distance)


def find_members(
    order: Int32Array, is_member: BoolArray, n_nearest: int, width: int
) -> IntArray:
    """Return where the nearest members stand in each row of ``order``.

    Parameters
    ----------
    order : (B, n_pool) int32 array
        The pool, from the nearest to the farthest.
    is_member : (n_pool,) bool array
        Who is in the coalition; at least ``n_nearest`` are.
    n_nearest : int
        How many to find.
    width : int
        How many columns to look at first.

    Returns
    -------
    (B, n_nearest) intp array
        Columns, ascending.
    """
    while True:
        near = is_member[order[:, :width]]
        counts = near.sum(axis=1)
        if counts.min() >= n_nearest:
            break
        width = 2 * width
    flat = np.flatnonzero(near)
    first = np.cumsum(counts) - counts
    found = flat[first[:, None] + np.arange(n_nearest)]
    return np.asarray(found - near.shape[1] * np.arange(len(order))[:, None])


def _prefer_zero_distance(weight: FloatArray) -> FloatArray:
    """Give infinite weights 1 and, in their rows, all others 0."""
    has_zero = np.isinf(weight[:, :1])  # the nearest comes first
    if not has_zero.any():
        return weight
    return np.where(has_zero, np.isinf(weight), weight)


def _sum(weight: FloatArray, vote: FloatArray) -> FloatArray:
    """Return the sum of weighted votes, (B, 1, width)."""
    return np.asarray(weight[:, None, :] @ vote)


def _sum_others(terms: FloatArray) -> FloatArray:
    """Return for each column of (B, m, width) the sum of the others.

    Sums from both ends: nothing is subtracted, so that a neighbour of large weight
    leaves no round-off behind.
    """
    others = np.zeros(terms.shape)
    others[:, 1:] = np.cumsum(terms[:, :-1], axis=1)
    others[:, :-1] += np.cumsum(terms[:, :0:-1], axis=1)[:, ::-1]
    return others
