"""Limited-memory BFGS for many problems at once, each in a row of the arrays."""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import BoolArray, FloatArray


def row_dot(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Return the inner products of corresponding rows, (n,)."""
    return np.asarray(np.einsum("ij,ij->i", left, right))


class History:
    """The last steps of every row and how its gradient changed along them.

    Parameters
    ----------
    memory : int
        Number of steps that are remembered.
    """

    def __init__(self, memory: int) -> None:
        self._pairs: deque[tuple[FloatArray, FloatArray, FloatArray]]
        self._pairs = deque(maxlen=memory)

    def append(self, step: FloatArray, change: FloatArray) -> None:
        """Remember a step and the gradient's change, both (n, p).

        A row whose change shows no curvature remembers nothing of it.
        """
        product = row_dot(step, change)
        curvature = np.divide(
            1.0, product, out=np.zeros_like(product), where=product > 0
        )
        self._pairs.append((step, change, curvature))

    def keep(self, rows: BoolArray) -> None:
        """Forget the other rows."""
        for position, pair in enumerate(self._pairs):
            step, change, curvature = pair
            self._pairs[position] = step[rows], change[rows], curvature[rows]

    def apply(
        self, gradient: FloatArray, first: Callable[[FloatArray], FloatArray]
    ) -> FloatArray:
        """Apply the approximate inverse Hessians to the gradients, (n, p).

        Parameters
        ----------
        gradient : (n, p) float64 array
            Gradient of every row.
        first : callable
            Applies the inverse Hessians that the search began with.

        References
        ----------
        .. [1] Nocedal and Wright, "Numerical Optimization", 2nd edition, algorithm 7.4.
        """
        direction, weights = gradient, []
        for step, change, curvature in reversed(self._pairs):
            weight = row_dot(step, direction) * curvature
            direction = direction - weight[:, None] * change
            weights.append(weight)
        direction = first(direction)
        for step, change, curvature in self._pairs:
            weight = weights.pop() - row_dot(change, direction) * curvature
            direction += weight[:, None] * step
        return direction
