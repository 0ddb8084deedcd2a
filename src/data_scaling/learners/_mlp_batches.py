"""What a stack of networks is trained on: a coalition, and a point more or less."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from data_scaling._typing import FloatArray, IntArray
from data_scaling.learners._mlp_stack import Batch, Inputs, Placement


@dataclass(frozen=True, eq=False)
class Block:
    """The training rows of a stack of networks.

    Attributes
    ----------
    x : (k, n_features) float64 array
        Features of the coalition, which all networks share.
    target : (k, n_outputs) float64 array
        Indicators of the classes, or the number.
    own_x : (n_models, n_features) float64 array
        Features of the one row that is each network's own.
    own_target : (n_models, n_outputs) float64 array
        Target of that row.
    weight : (n_models, k + 1) float64 array
        1 for the rows that a network is trained on, 0 for others; its own row last.
    """

    x: FloatArray
    target: FloatArray
    own_x: FloatArray
    own_target: FloatArray
    weight: FloatArray

    def take(self, rows: IntArray, placement: Placement, *, with_own: bool) -> Batch:
        """Return the batch of some rows of the coalition, with the own rows or not."""
        shared = np.vstack([self.x[rows], np.zeros((1, self.x.shape[1]))])
        n_models = len(self.own_x)
        target = np.empty((n_models, self.target.shape[1], len(rows) + 1))
        target[:, :, :-1] = self.target[rows].T
        target[:, :, -1] = self.own_target
        weight = self.weight[:, np.append(rows, -1)]
        if not with_own:
            weight[:, -1] = 0.0
        # A network without rows has no loss, and rests.
        share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1.0)
        place = placement.place
        inputs = Inputs(place(shared), place(self.own_x))
        return Batch(inputs, place(target), place(share[:, None, :]))


def draw_batches(
    block: Block,
    placement: Placement,
    *,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
) -> Iterator[Batch]:
    """Yield the batches of all steps.

    The coalition is shuffled in every epoch and cut into as few batches of at most
    ``batch_size`` rows as possible, of nearly equal size. The own rows join the last
    one, however full: they change neither the number of steps nor another row's batch.
    A coalition that is one batch is not shuffled.
    """
    k = len(block.x)
    n_batches = -(-k // batch_size)
    if n_batches <= 1:
        yield from repeat(block.take(np.arange(k), placement, with_own=True), epochs)
        return
    for _ in range(epochs):
        *parts, last = np.array_split(rng.permutation(k), n_batches)
        for part in parts:
            yield block.take(part, placement, with_own=False)
        yield block.take(last, placement, with_own=True)
