"""The pool in order of its distance from every validation point."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial.distance import cdist

from data_scaling._typing import FloatArray, Int32Array

#: Bytes that the distances of a run may take; beyond, every draw finds them anew.
MAX_BYTES: Final = 2**30
# Distances that are found and sorted at once.
_BLOCK_SIZE: Final = 2**21


@dataclass(frozen=True, eq=False)
class PoolOrder:
    """Euclidean distances of validation points to the pool, sorted once per run.

    Differences of coordinates are squared and summed, so that duplicates are at
    distance zero and at equal distances from anything else. Points at equal distances
    stand in the pool's order.

    Attributes
    ----------
    x : (n_pool, d) float64 array
        Features of the pool.
    x_val : (n_val, d) float64 array
        Features of the validation points.
    order : (n_val, n_pool) int32 array or None
        The pool from the nearest to the farthest; None if that would take too much
        memory.
    distance : (n_val, n_pool) float64 array or None
        Their distances, ascending.
    """

    x: FloatArray
    x_val: FloatArray
    order: Int32Array | None
    distance: FloatArray | None

    def block(self, low: int, high: int) -> tuple[Int32Array, FloatArray]:
        """Return order and distances of consecutive validation points."""
        if self.order is None or self.distance is None:
            return _sort_block(self.x_val[low:high], self.x)
        return self.order[low:high], self.distance[low:high]


def sort_pool(x: FloatArray, x_val: FloatArray) -> PoolOrder:
    """Sort the pool by its distance from every validation point, if memory allows."""
    shape = len(x_val), len(x)
    if shape[0] * shape[1] * 12 > MAX_BYTES:
        return PoolOrder(x, x_val, None, None)
    order, distance = np.empty(shape, dtype=np.int32), np.empty(shape)
    step = max(1, _BLOCK_SIZE // len(x))
    for low in range(0, len(x_val), step):
        rows = slice(low, low + step)
        order[rows], distance[rows] = _sort_block(x_val[rows], x)
    return PoolOrder(x, x_val, order, distance)


def _sort_block(x_val: FloatArray, x: FloatArray) -> tuple[Int32Array, FloatArray]:
    distance = cdist(x_val, x)
    order = np.argsort(distance, axis=1)
    ascending = np.take_along_axis(distance, order, axis=1)
    # A stable sort is slower, and matters only where there are ties.
    tied = np.any(ascending[:, 1:] == ascending[:, :-1], axis=1)
    order[tied] = np.argsort(distance[tied], axis=1, kind="stable")
    return order.astype(np.int32), ascending
