"""Which points matter at which dataset size, and where the order changes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from data_scaling._typing import FloatArray, IntArray
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws


@dataclass(frozen=True, eq=False)
class Ranking:
    """Points in the order of their expected contribution, at several sizes.

    Attributes
    ----------
    points : (n_points,) intp array
        Index of each point in the pool.
    cardinality : (n_sizes,) float64 array
        Dataset sizes.
    psi, low, high : (n_points, n_sizes) float64 array
        Expected contribution and the ends of its interval, in units of the utility.
    rank : (n_points, n_sizes) intp array
        Place of each point at each size, 1 the most valuable; points without a law
        come last.
    """

    points: IntArray
    cardinality: FloatArray
    psi: FloatArray
    low: FloatArray
    high: FloatArray
    rank: IntArray

    def __repr__(self) -> str:
        sizes = ", ".join(f"{size:g}" for size in self.cardinality)
        return f"<Ranking of {len(self.points)} points at sizes {sizes}>"

    @property
    def n_ranked(self) -> int:
        """Number of points that have a law."""
        return int(np.isfinite(self.psi).all(axis=1).sum())

    def best(self, size: int, n_points: int) -> IntArray:
        """Return the rows of the points of highest psi at the ``size``-th size."""
        return np.argsort(self.rank[:, size])[: min(n_points, self.n_ranked)]

    def surely_valuable(self, size: int, n_points: int) -> IntArray:
        """Return the rows whose psi is surely high at a size, the surest first.

        They are ordered by the lower end of the interval: the highest psi itself
        belongs to points that are hardly known. Points whose interval holds 0 are left
        out.
        """
        low = self.low[:, size]
        order = np.argsort(-low, kind="stable")
        return order[low[order] > 0][:n_points]

    def surely_harmful(self, size: int, n_points: int) -> IntArray:
        """Return the rows whose psi is surely below 0 at a size, the surest first."""
        high = self.high[:, size]
        order = np.argsort(high, kind="stable")
        return order[high[order] < 0][:n_points]

    def rank_correlation(self) -> float:
        """Return Spearman's correlation of the first and the last size's ranks."""
        ranked = np.isfinite(self.psi).all(axis=1)
        first, last = self.rank[ranked, 0], self.rank[ranked, -1]
        return float(stats.spearmanr(first, last)[0])

    def shared_best(self, n_points: int) -> int:
        """Return how many of the best points at the first size are so at the last."""
        first, last = self.best(0, n_points), self.best(-1, n_points)
        return int(np.isin(first, last).sum())

    def movers(self, share: float = 0.1) -> IntArray:
        """Return the rows of points that matter somewhere, by how far they climb.

        A point matters if it is in the best ``share`` at the first or the last size;
        the one that climbs most comes first, the one that falls most comes last.
        """
        n_best = max(1, round(share * self.n_ranked))
        rows = np.union1d(self.best(0, n_best), self.best(-1, n_best))
        climb = self.rank[rows, 0] - self.rank[rows, -1]
        return np.asarray(rows[np.argsort(-climb, kind="stable")])


def rank_points(
    laws: ScalingLaws, cardinalities: ArrayLike, *, level: float = 0.95
) -> Ranking:
    """Rank all points by their expected contribution at several dataset sizes.

    Parameters
    ----------
    laws : ScalingLaws
        One law per point.
    cardinalities : (n_sizes,) array_like
        Dataset sizes, at least 1.
    level : float
        Probability of the intervals.

    Raises
    ------
    InputError
        If no point has a law, no size is given, or a size is below 1.

    Examples
    --------
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> k = np.arange(10, 110)
    >>> means = np.stack([20.0 / k**2, 1.0 / k])
    >>> draws = Contributions(means + 1e-3 * rng.normal(size=means.shape), k)
    >>> ranking = rank_points(LikelihoodEstimator().fit(draws), [10, 100])
    >>> ranking.rank.tolist()
    [[1, 2], [2, 1]]
    """
    sizes = np.atleast_1d(np.asarray(cardinalities, dtype=np.float64))
    if not sizes.size:
        raise InputError("cardinalities is empty. Give at least one dataset size.")
    psi = laws.psi(sizes)
    if not np.isfinite(psi).all(axis=1).any():
        raise InputError(
            f"None of the {len(laws)} points has a law. See laws.status for the reason."
        )
    low, high = laws.interval(sizes, level)
    # NaN sorts last, and of equal points the earlier one comes first.
    order = np.argsort(-psi, axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(1, len(psi) + 1)[:, None], axis=0)
    return Ranking(laws.points, sizes, psi, low, high, rank)
