"""Random streams that belong to a draw, not to the job that draws it."""

import numpy as np


def spawn_rng(seed: int, *key: int) -> np.random.Generator:
    """Return the random stream of one task.

    The stream depends on ``seed`` and ``key`` alone, so that the number of jobs, the
    shards and the order in which tasks run cannot change a number.

    Parameters
    ----------
    seed : int
        Seed of the whole plan, at least 0.
    *key : int
        Position of the task: ``(draw,)``, or ``(point, draw)`` for independent
        coalitions.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
