"""The point-addition experiment of section 4.4: selections, and resumable parts."""

import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._checks import check_at_least
from data_scaling._files import write_whole
from data_scaling._typing import FloatArray, IntArray
from data_scaling.addition import (
    RANDOM,
    Additions,
    join_additions,
    simulate_additions,
)
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws
from data_scaling.learners import Learner, make_learner
from data_scaling.selection import select_best
from data_scaling.valuation import shapley_values

# Repetitions of a part: what an interruption can cost.
_PART = 25
# Standard errors beyond which a difference is told as one.
_CLEAR = 3.0
_BEST_AT = "best at {:,}"
_EFFECTS = {1: "Beat", 0: "No different from", -1: "Behind"}


def choose_additions(
    laws: ScalingLaws,
    dataset: Dataset,
    cardinalities: Sequence[int],
    shapley_range: tuple[int, int],
    n_select: int,
) -> dict[str, IntArray]:
    """Select the points of the experiment: by psi at each size, by value, the worst.

    Classes have seats in proportion to the pool's in every selection, as in the random
    datasets, so that no selection gains by a shift of the classes.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of n_points points of the pool.
    dataset : Dataset
        Where the points are from.
    cardinalities : sequence of int
        Sizes at which psi is taken.
    shapley_range : (int, int)
        Range of sizes of the Shapley value, both ends included.
    n_select : int
        Points of each selection.

    Returns
    -------
    dict of str to (n_select,) intp array
        Indices in the pool, by the name of the selection.

    Raises
    ------
    InputError
        If a class has too few points with a law.
    """
    labels = dataset.y_train[laws.points] if dataset.classes else None
    scores = {_BEST_AT.format(k): laws.psi(float(k)) for k in cardinalities}
    scores["best by Shapley"] = shapley_values(laws, *shapley_range)
    scores |= {f"worst at {k:,}": -laws.psi(float(k)) for k in cardinalities}
    return {
        name: laws.points[select_best(score, n_select, labels)]
        for name, score in scores.items()
    }


def sum_contributions(
    laws: ScalingLaws,
    selections: Mapping[str, ArrayLike],
    cardinalities: Sequence[int],
) -> FloatArray:
    """Return what selections would gain if the contributions of points added up.

    They do not: points that are alike say the same, and many at once move a model
    farther than the law of one point knows. Where the sum comes near the utility
    itself, it promises nothing.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of at least the selected points.
    selections : mapping of str to (n_selected,) array_like of int
        Points by the name of the selection.
    cardinalities : sequence of int
        Sizes of the datasets.

    Returns
    -------
    (n_selections, n_sizes) float64 array
        Sums of psi, in units of the utility.

    Examples
    --------
    >>> import data_scaling as ds
    >>> from data_scaling.addition_study import sum_contributions
    >>> delta = [[c / k for k in (1, 10, 100) * 2] for c in (1.0, 2.0, 4.0, 8.0)]
    >>> draws = ds.Contributions(delta, [[1, 10, 100] * 2] * 4)
    >>> laws = ds.LogEstimator([1, 10, 100]).fit(draws)
    >>> sums = sum_contributions(laws, {"first": [0, 1], "last": [3]}, [10, 100])
    >>> sums.round(6).tolist()
    [[0.3, 0.03], [0.8, 0.08]]
    """
    sizes = np.asarray(cardinalities, dtype=np.float64)
    chosen = (laws.take(np.asarray(points)) for points in selections.values())
    return np.array([part.psi(sizes).sum(axis=0) for part in chosen])


def resume_additions(
    folder: str | os.PathLike[str],
    dataset: Dataset,
    learner: Learner | str,
    selections: Mapping[str, ArrayLike],
    cardinalities: Sequence[int],
    *,
    metrics: Sequence[str],
    n_repetitions: int,
    seed: int = 0,
    n_jobs: int | None = None,
) -> Additions:
    """Do what ``simulate_additions`` does in parts, and keep each in a folder.

    Interrupted and called again, it goes on where it stopped, and ends with the same
    bits; with more repetitions, it adds to them.

    Parameters
    ----------
    folder : path
        Where the parts are kept, one ``.npz`` file for 25 repetitions.
    dataset, learner, selections, cardinalities, metrics, n_repetitions, seed, n_jobs
        As in :func:`~data_scaling.addition.simulate_additions`.

    Raises
    ------
    InputError
        If a part in the folder is damaged, or comes from other settings.
    """
    check_at_least("n_repetitions", n_repetitions, 1)
    chosen = {name: np.asarray(points) for name, points in selections.items()}
    bound = make_learner(learner).bind(dataset, metrics[0])
    settings = json.dumps(
        {
            "dataset": dataset.fingerprint,
            "learner": bound.description,
            "selections": {name: rows.tolist() for name, rows in chosen.items()},
            "cardinalities": list(cardinalities),
            "metrics": list(metrics),
            "seed": seed,
        }
    )
    parts = []
    for path, first, n_part in _list_parts(Path(folder), n_repetitions):
        change = _read_part(path, settings)
        if change is None:
            part = simulate_additions(
                dataset,
                learner,
                chosen,
                cardinalities,
                metrics=metrics,
                n_repetitions=n_part,
                first_repetition=first,
                seed=seed,
                n_jobs=n_jobs,
            )
            _write_part(path, settings, part.change)
        else:
            names = (*chosen, RANDOM)
            sizes = np.array(cardinalities, dtype=np.intp)
            part = Additions(names, sizes, tuple(metrics), change)
        parts.append(part)
    return join_additions(parts)


def describe_additions(additions: Additions) -> list[str]:
    """Say which selections beat random points, in a line per size and metric.

    A selection beats random points, or is behind them, if the metric gains more, or
    less, than by as many of them on the same datasets, by over three standard errors;
    it is harmful if the metric gains less than nothing by as many. The points that are
    best at the datasets' own size are compared with those best by other scores.

    Parameters
    ----------
    additions : Additions
        Of the selections of ``choose_additions``.

    Returns
    -------
    list of str
        Lines, sizes in turn.

    Examples
    --------
    >>> import textwrap
    >>> import numpy as np
    >>> from data_scaling.addition import Additions
    >>> from data_scaling.addition_study import describe_additions
    >>> change = np.random.default_rng(0).normal([[[[2]], [[0]], [[0]]]] * 50, 1)
    >>> names = ("best at 9", "best by Shapley", "random")
    >>> found = Additions(names, np.array([9]), ("mse",), change)
    >>> print(textwrap.fill(describe_additions(found)[0], 70))
    Added to 9 points, mse. Beat random points: best at 9. No different
    from random points: best by Shapley. Best at 9 is above best by
    Shapley.
    """
    return [
        f"Added to {size:,} points, {metric}. {_describe_effects(additions, j, i)}"
        for j, size in enumerate(additions.cardinality)
        for i, metric in enumerate(additions.metrics)
    ]


def _describe_effects(additions: Additions, size: int, metric: int) -> str:
    mean, error = additions.mean, additions.standard_error
    harm = (mean < -_CLEAR * error)[:, size, metric]
    effects = _compare(additions, RANDOM, size, metric)
    alike: dict[str, list[str]] = {f"{_EFFECTS[1]} random points": []}
    for (name, sign), harms in zip(effects.items(), harm, strict=False):
        effect = f"{_EFFECTS[sign]} random points{' and harmful' if harms else ''}"
        alike.setdefault(effect, []).append(name)
    said = [
        f"{effect}: {', '.join(names) or 'none'}." for effect, names in alike.items()
    ]
    own = _BEST_AT.format(additions.cardinality[size])
    if own in additions.selections:
        ranks = ", ".join(
            f"{('above', 'no different from', 'below')[sign + 1]} {name}"
            for name, sign in _compare(additions, own, size, metric).items()
            if name.startswith("best")
        )
        said.append(f"{own.capitalize()} is {ranks}.")
    return " ".join(said)


def _compare(
    additions: Additions, other: str, size: int, metric: int
) -> dict[str, int]:
    """Return 1 for the selections clearly above another one, -1 for those below."""
    excess, error = (part[:, size, metric] for part in additions.beyond(other))
    signs = np.sign(excess) * (np.abs(excess) > _CLEAR * error)
    pairs = zip(additions.selections, signs.astype(int).tolist(), strict=True)
    return {name: sign for name, sign in pairs if name not in (other, RANDOM)}


def _list_parts(folder: Path, n_repetitions: int) -> Iterator[tuple[Path, int, int]]:
    for first in range(0, n_repetitions, _PART):
        n_part = min(_PART, n_repetitions - first)
        yield folder / f"part-{first:06d}-{n_part}.npz", first, n_part


def _write_part(path: Path, settings: str, change: FloatArray) -> None:
    with write_whole(path) as temporary:
        np.savez(temporary, settings=np.array(settings), change=change)


def _read_part(path: Path, settings: str) -> FloatArray | None:
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found, change = str(arrays["settings"]), arrays["change"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is damaged ({error}). Remove it, and it is made anew."
        ) from error
    if found != settings:
        raise InputError(
            f"{path} comes from another dataset, learner, selection, size, metric or "
            f"seed. Remove the folder {path.parent}, or give another one."
        )
    return np.asarray(change, dtype=np.float64)
