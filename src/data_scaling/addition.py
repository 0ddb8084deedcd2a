r"""Selected points added to random datasets, as in section 4.4 of the paper.

For every repetition and every size k a random dataset D is drawn, without any of the
selected points; every selection S is added to the same D, and

.. math:: U(D \cup S) - U(D)

is measured on the test part, which neither the scores nor the training have seen.
Points drawn at random, as many and with classes in proportion, are the comparison.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from data_scaling._checks import check_at_least
from data_scaling._random import spawn_rng
from data_scaling._typing import FloatArray, IntArray
from data_scaling.coalitions import Pool, draw_coalition, group_pool
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.learners import BoundLearner, Learner, ModelScorer, make_learner

RANDOM = "random"


@dataclass(frozen=True, eq=False)
class Additions:
    """Changes of the test utility by selections of points.

    Attributes
    ----------
    selections : tuple of str
        Names of the selections; the last is ``"random"``.
    cardinality : (n_sizes,) intp array
        Sizes of the datasets that they were added to.
    metrics : tuple of str
        Names of the metrics.
    change : (n_repetitions, n_selections, n_sizes, n_metrics) float64 array
        U(D + S) - U(D) on the test part, in units of the metric.
    """

    selections: tuple[str, ...]
    cardinality: IntArray
    metrics: tuple[str, ...]
    change: FloatArray

    @property
    def n_repetitions(self) -> int:
        """Number of random datasets of each size."""
        return len(self.change)

    @property
    def mean(self) -> FloatArray:
        """Mean change, (n_selections, n_sizes, n_metrics)."""
        return np.asarray(self.change.mean(axis=0))

    @property
    def standard_error(self) -> FloatArray:
        """Standard error of the mean change, of the same shape."""
        spread = self.change.std(axis=0, ddof=1)
        return np.asarray(spread / np.sqrt(self.n_repetitions))

    def beyond(self, selection: str = RANDOM) -> tuple[FloatArray, FloatArray]:
        """Return the mean change less that of a selection, and its standard error.

        Both (n_selections, n_sizes, n_metrics), in units of the metric; the datasets
        are the same, so that the difference is taken within each repetition.

        Raises
        ------
        InputError
            If there is no selection of that name.
        """
        if selection not in self.selections:
            raise InputError(
                f"There is no selection {selection!r}. Give one of: "
                f"{', '.join(self.selections)}."
            )
        place = self.selections.index(selection)
        excess = self.change - self.change[:, place : place + 1]
        error = excess.std(axis=0, ddof=1) / np.sqrt(self.n_repetitions)
        return np.asarray(excess.mean(axis=0)), np.asarray(error)


def simulate_additions(
    dataset: Dataset,
    learner: Learner | str,
    selections: Mapping[str, ArrayLike],
    cardinalities: Sequence[int],
    *,
    metrics: Sequence[str],
    n_repetitions: int,
    first_repetition: int = 0,
    seed: int = 0,
    n_jobs: int | None = None,
) -> Additions:
    """Add selections of points to random datasets and score on the test part.

    Repetition i has a random stream of its own: repetitions may be made in parts, with
    any number of jobs, and joined by :func:`join_additions`.

    Parameters
    ----------
    dataset : Dataset
        With a test part.
    learner : str, estimator or Learner
        What is trained.
    selections : mapping of str to (n_selected,) array_like of int
        Points to add, as indices in the pool, by the name of the selection.
    cardinalities : sequence of int
        Sizes of the random datasets.
    metrics : sequence of str
        Metrics of the test part.
    n_repetitions, first_repetition : int
        How many repetitions, and the number of the first.
    seed : int
        Seed of the datasets and of the random selection.
    n_jobs : int, optional
        Number of processes, as in joblib.

    Raises
    ------
    InputError
        If there is no test part, no selection, a selection with a point that is not in
        the pool or with the name of the comparison, or too few points for a size.

    Examples
    --------
    >>> import data_scaling as ds
    >>> from data_scaling.addition import simulate_additions
    >>> dataset = ds.load_dataset("breast_cancer")
    >>> found = simulate_additions(
    ...     dataset, "logreg", {"first": range(20)}, [50],
    ...     metrics=["accuracy"], n_repetitions=3,
    ... )
    >>> found.selections, found.mean.shape
    (('first', 'random'), (2, 1, 1))
    """
    check_at_least("n_repetitions", n_repetitions, 1)
    chosen = {name: np.asarray(points) for name, points in selections.items()}
    study = _prepare(dataset, learner, chosen, cardinalities, metrics, seed)
    repetitions = range(first_repetition, first_repetition + n_repetitions)
    with threadpool_limits(1):
        change = Parallel(n_jobs=n_jobs)(
            delayed(_repeat)(study, repetition) for repetition in repetitions
        )
    return Additions(
        (*chosen, RANDOM),
        np.array(cardinalities, dtype=np.intp),
        tuple(metrics),
        np.stack(change),
    )


def join_additions(parts: Sequence[Additions]) -> Additions:
    """Join the repetitions of several parts, in the order given.

    Raises
    ------
    InputError
        If there is no part, or they differ in more than their repetitions.
    """
    kinds = {(part.selections, part.metrics, tuple(part.cardinality)) for part in parts}
    if len(kinds) != 1:
        raise InputError(
            f"The {len(parts)} parts are of {len(kinds)} kinds. Give parts with the "
            "same selections, sizes and metrics."
        )
    first = parts[0]
    change = np.concatenate([part.change for part in parts])
    return Additions(first.selections, first.cardinality, first.metrics, change)


@dataclass(frozen=True, eq=False)
class _Study:
    """What the repetitions share."""

    bound: tuple[BoundLearner, ...]
    pool: Pool
    chosen: dict[str, IntArray]
    cardinalities: tuple[int, ...]
    seed: int

    @property
    def n_random(self) -> int:
        """Number of random points that selections are compared with."""
        return max(len(points) for points in self.chosen.values())


def _prepare(
    dataset: Dataset,
    learner: Learner | str,
    chosen: dict[str, IntArray],
    cardinalities: Sequence[int],
    metrics: Sequence[str],
    seed: int,
) -> _Study:
    if not len(dataset.x_test) or not chosen:
        raise InputError(
            f"{dataset.name} has {len(dataset.x_test)} test points, and there are "
            f"{len(chosen)} selections. Give a dataset with a test part, and at least "
            "one selection."
        )
    _check_selections(dataset, chosen)
    taken = np.unique(np.concatenate(list(chosen.values())))
    whole = group_pool(dataset)
    members = tuple(np.setdiff1d(member, taken) for member in whole.members)
    pool = Pool(members, whole.classes)
    n_needed = max(cardinalities) + max(len(points) for points in chosen.values())
    if pool.n_points < n_needed:
        raise InputError(
            f"Datasets of {max(cardinalities)} points and a random selection need "
            f"{n_needed} points, but {pool.n_points} are left beside the selections. "
            "Give smaller sizes."
        )
    judged = Dataset(
        dataset.x_train,
        dataset.y_train,
        dataset.x_test,
        dataset.y_test,
        name=dataset.name,
    )
    model = make_learner(learner)
    bound = tuple(model.bind(judged, metric) for metric in metrics)
    return _Study(bound, pool, chosen, tuple(cardinalities), seed)


def _check_selections(dataset: Dataset, chosen: Mapping[str, IntArray]) -> None:
    if RANDOM in chosen:
        raise InputError(
            f"A selection is named {RANDOM!r}, as the comparison is. Give it another "
            "name."
        )
    for name, points in chosen.items():
        outside = points[(points < 0) | (points >= dataset.n_points)]
        if outside.size:
            raise InputError(
                f"The selection {name!r} holds point {outside[0]}, but {dataset.name} "
                f"has the points 0 to {dataset.n_points - 1}. Give points of its pool."
            )


def _repeat(study: _Study, repetition: int) -> FloatArray:
    """Return the changes of one repetition, (n_selections, n_sizes, n_metrics)."""
    columns = []
    for size in study.cardinalities:
        rng = spawn_rng(study.seed, repetition, size)
        # One draw, split, so that the random points are none of the dataset's.
        drawn = draw_coalition(study.pool, size, rng)
        members = tuple(np.setdiff1d(m, drawn) for m in study.pool.members)
        rest = Pool(members, study.pool.classes)
        additions = [*study.chosen.values(), draw_coalition(rest, study.n_random, rng)]
        before = _score(study, drawn)
        columns.append(
            [_score(study, np.union1d(drawn, points)) - before for points in additions]
        )
    return np.asarray(columns).transpose(1, 0, 2)


def _score(study: _Study, coalition: IntArray) -> FloatArray:
    """Return the utilities by all metrics, of one training where it can be shared."""
    first, *others = study.bound
    draw = first.draw(coalition, np.empty(0, dtype=np.intp))
    return np.array(
        [
            draw.utility,
            *(
                bound.score(draw.model)
                if draw.model is not None and isinstance(bound, ModelScorer)
                else bound.utility(coalition)
                for bound in others
            ),
        ]
    )
