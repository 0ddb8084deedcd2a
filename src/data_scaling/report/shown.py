"""Which points a report can list, and the sizes that its slider runs over.

Up to ``MAX_LISTED`` points all are listed. Of more, the most valuable and the most
harmful ones at sizes all along the slider are, and a random part of the others, so that
both ends of the ranking are whole at every size.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data_scaling._random import spawn_rng
from data_scaling._typing import FloatArray, IntArray
from data_scaling.laws import ExpansionLaws, ScalingLaws
from data_scaling.report.run import Run

MAX_LISTED: Final = 25_000
N_SIZES: Final = 33
N_ENDS: Final = 200
BEYOND: Final = 10.0
_RANDOM_STREAM: Final = 9


@dataclass(frozen=True)
class Sizes:
    """Dataset sizes of a report.

    Attributes
    ----------
    smallest, largest : int
        Ends of the sizes that the laws were fitted to.
    end : int
        End of the slider: ten times the pool.
    start : int
        Where the slider stands at first: the pool's size if it was drawn, else the
        largest size that was.
    """

    smallest: int
    largest: int
    end: int
    start: int

    @property
    def grid(self) -> FloatArray:
        """Sizes along the slider, even in ratio, (N_SIZES,); the fitted ones first."""
        return np.geomspace(self.smallest, self.end, N_SIZES)


@dataclass(frozen=True, eq=False)
class Listed:
    """The points that a report lists.

    Attributes
    ----------
    rows : (n_listed,) intp array
        Their rows in the laws, ascending.
    n_ends : int
        How many of the first and of the last places of the ranking are whole at each
        of the sizes; 0 if all points are listed.
    importance : (n_listed,) float64 array
        Smaller for points that come sooner in the ranking, from either end.
    """

    rows: IntArray
    n_ends: int
    importance: FloatArray


def find_sizes(run: Run) -> Sizes:
    """Return the ends of the fitted sizes, and of the slider."""
    drawn = run.contributions.cardinality[np.isfinite(run.contributions.delta)]
    smallest, largest = int(drawn.min()), int(drawn.max())
    n_pool = len(run.points.row_ids)
    start = n_pool if smallest <= n_pool <= largest else largest
    return Sizes(smallest, largest, max(round(BEYOND * n_pool), largest + 1), start)


def find_reference(laws: ScalingLaws, sizes: Sizes) -> float:
    """Return the size at which power laws are to touch the laws.

    That of expansions is their own; else the middle of the drawn sizes, in ratio.
    """
    if isinstance(laws, ExpansionLaws):
        return laws.base_cardinality
    return float(np.sqrt(sizes.smallest * sizes.largest))


def choose_listed(
    laws: ScalingLaws, sizes: Sizes, n_most: int = MAX_LISTED, seed: int = 0
) -> Listed:
    """Choose the points that are listed.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of all points.
    sizes : Sizes
        Sizes of the slider.
    n_most : int
        Points that may be listed. Both ends of the ranking take two thirds at most.
    seed : int
        Seed of the random part.
    """
    n_points = len(laws)
    importance = np.full(n_points, np.inf)
    for k in sizes.grid:
        psi = laws.psi(float(k))
        n_law = int(np.isfinite(psi).sum())
        place = np.empty(n_points)
        place[np.argsort(-psi, kind="stable")] = np.arange(n_points)
        near = np.where(np.isfinite(psi), np.minimum(place, n_law - 1 - place), np.inf)
        np.minimum(importance, near, out=importance)
    if n_points <= n_most:
        return Listed(np.arange(n_points), 0, importance)
    n_ends = max(min(N_ENDS, n_most // (3 * N_SIZES)), 1)
    ends = np.flatnonzero(importance < n_ends)
    others = np.flatnonzero(importance >= n_ends)
    rng = spawn_rng(seed, _RANDOM_STREAM)
    n_random = min(max(n_most - len(ends), 0), len(others))
    rows = np.union1d(ends, rng.choice(others, n_random, replace=False))
    return Listed(rows, n_ends, importance[rows])
