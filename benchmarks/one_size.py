"""Means of draws at one size, plain and adjusted: what adjusting does without a law."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import data_scaling as ds
from benchmarks.references import JUDGED, N_REPETITIONS, find_dominating
from data_scaling.adjustment import adjust


@dataclass(frozen=True)
class OneSize:
    """Draws at one size.

    Attributes
    ----------
    size : int
        Size of the coalitions.
    exact : Contributions
        Draws, a part of them for each repetition.
    quick : Contributions
        Quick draws of the same coalitions, and then of others.
    more : (n_points, n_more) float64 array
        Other draws at the size, to judge by.
    """

    size: int
    exact: ds.Contributions
    quick: ds.Contributions
    more: NDArray[np.float64]

    def judge(
        self, repetition: int, n_draws: int, n_each: int, n_equal: int
    ) -> dict[str, dict[str, float]]:
        """Return the errors of the means of plain, adjusted and more draws.

        Parameters
        ----------
        repetition : int
            Which part of the draws.
        n_draws, n_each, n_equal : int
            Draws, base draws for each of them, and plain draws of the same time.
        """
        n_exact = self.exact.n_draws
        n_own = n_exact // N_REPETITIONS
        n_base = (self.quick.n_draws - n_exact) // N_REPETITIONS
        first, base = repetition * n_own, n_exact + repetition * n_base
        own = np.arange(first, first + n_draws)
        plain = pick(self.exact, own)
        beside = np.r_[own, base : base + n_draws * n_each]
        means = {
            "plain": plain,
            "adjusted": adjust(plain, pick(self.quick, beside)) if n_each else plain,
            "same time": pick(self.exact, first + np.arange(min(n_equal, n_own))),
        }
        rest = np.delete(self.exact.delta, np.arange(first, first + n_own), axis=1)
        rest = np.hstack([self.more, rest])
        truth, noise = average(rest)
        return {
            kind: compare(np.nanmean(draws.delta, axis=1), truth, noise)
            for kind, draws in means.items()
        }


def split_by_size(
    drawn: ds.Contributions, exact: ds.Contributions, quick: ds.Contributions
) -> Iterator[OneSize]:
    """Yield the draws at each judged size.

    Parameters
    ----------
    drawn : Contributions
        Those of the reference plan, of these sizes and others.
    exact, quick : Contributions
        Those of the judged plan, which come in turn at its sizes, and quick draws of
        the same coalitions and of more.
    """
    sizes = drawn.coalitions.cardinality
    for place, size in enumerate(JUDGED):
        at_size, of_base = (
            pick(part, np.arange(place, part.n_draws, len(JUDGED)))
            for part in (exact, quick)
        )
        yield OneSize(size, at_size, of_base, drawn.delta[:, sizes == size])


def average(
    delta: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean of each point's draws, and its variance."""
    n_draws = np.isfinite(delta).sum(axis=1)
    return np.nanmean(delta, axis=1), np.nanvar(delta, axis=1) / n_draws


def compare(
    values: NDArray[np.float64],
    truth: NDArray[np.float64],
    noise: NDArray[np.float64] | float,
) -> dict[str, float]:
    """Return squared errors less the noise of the truth: their mean, and two more.

    The mean over the points that do not dominate, and the median, of which no noise is
    subtracted.
    """
    squared = (np.asarray(values) - truth) ** 2
    others = ~find_dominating(truth)
    return {
        "": float(np.mean(squared - noise)),
        "|others": float(np.mean((squared - noise)[others])),
        "|median": float(np.median(squared)),
    }


def pick(draws: ds.Contributions, columns: NDArray[np.intp]) -> ds.Contributions:
    """Return some draws of all points."""
    return ds.Contributions(
        draws.delta[:, columns],
        draws.cardinality[:, columns],
        draws.points,
        coalitions=draws.coalitions.take(columns),
    )
