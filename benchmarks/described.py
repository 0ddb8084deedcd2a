"""Draws of learners that are described, adjusted: what that brings where it can.

Run from the repository root; draws go on where they were stopped:

    python -m benchmarks.described --case adult-svm

A hundred points are drawn by the learner at each of three sizes. The share of the
variance that base draws explain is measured on draws of all sizes. The mean of m draws
at a size, and laws fitted to m draws of all three, are judged by the draws at that size
which the repetition did not take: as they are, adjusted, and as many plain ones as the
adjusted ones cost in time (the pilot of a run, 64 trainings, is not counted). Each case
gives a JSON file, and ``python -m benchmarks.adjustment --page docs`` makes tables of
them.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import data_scaling as ds
import data_scaling.coalitions
from benchmarks.cases import CALIFORNIA
from benchmarks.gains import MEANS, Row
from benchmarks.one_size import average, compare, pick
from benchmarks.references import FOLDER, JUDGED, LOADERS, choose_points
from data_scaling._adjusting import afford
from data_scaling.adjustment import DescribedLearner, adjust

N_POINTS = 100
# Base draws for each draw: of those whose variance is measured, and of those judged.
MANY, FEW = 20, 5
N_DRAWS = (10, 20, 40)


@dataclass(frozen=True)
class Case:
    """A learner on a dataset.

    Attributes
    ----------
    load : callable
        ``data_dir`` -> the dataset.
    learner : str
        Its name.
    n_draws : int
        Draws at each size.
    n_repetitions : int
        Parts of them that are judged by the others.
    """

    load: Callable[[Path], ds.Dataset]
    learner: str
    n_draws: int
    n_repetitions: int = 5

    @property
    def numbers(self) -> list[int]:
        """The m that a repetition has draws enough for."""
        return [m for m in N_DRAWS if m <= self.n_draws // self.n_repetitions]


CASES = {
    "california-linreg": Case(CALIFORNIA, "linreg", 4000),
    "adult-svm": Case(LOADERS["adult"], "svm", 530),
    "adult-gbm": Case(LOADERS["adult"], "gbm", 30, 3),
}


def draw(case: Case, dataset: ds.Dataset, ledger: Path) -> ds.Contributions:
    """Draw contributions at each size, and base draws, or what is missing of them."""
    n_base = case.n_repetitions * max(case.numbers) * FEW
    plan = ds.SamplingPlan(
        case.n_draws,
        cardinalities=JUDGED,
        points=choose_points(dataset, N_POINTS),
        n_base_draws=n_base,
        seed=5,
    )
    described = DescribedLearner(case.learner, plan)
    return ds.sample_contributions(dataset, described, plan, n_jobs=1, ledger=ledger)


def measure_variance(case: Case, dataset: ds.Dataset) -> Row:
    """Return what base draws cost, and which share of the variance they remove."""
    points = np.array(choose_points(dataset, N_POINTS))
    plan = ds.SamplingPlan(
        max(N_DRAWS),
        100,
        1000,
        points=points.tolist(),
        n_base_draws=max(N_DRAWS) * MANY,
        seed=3,
    )
    described = DescribedLearner(case.learner, plan)
    draws = ds.sample_contributions(dataset, described, plan, n_jobs=1)
    bound, pool = described.bind(dataset), ds.coalitions.group_pool(dataset)
    coalition = ds.coalitions.draw_coalition(pool, 500, np.random.default_rng(0))
    seconds = []
    for asked in (points, points[:0]):
        started = time.process_time()
        for _ in range(3):
            bound.draw(coalition, asked)
        seconds.append(time.process_time() - started)
    cost = seconds[1] / seconds[0]
    shares = []
    for n_draws in N_DRAWS:
        base = draws.base.take(np.arange(n_draws * MANY))
        adjusted = adjust(draws.first(n_draws), base)
        left = 1.0 - float(np.mean(adjusted.variance_removed))
        shares.append(
            {
                "n_draws": n_draws,
                "removed": float(np.median(adjusted.variance_removed)),
                "gain": 1.0 / (left * (1.0 + cost * MANY)),
            }
        )
    return {"cost": cost, "n_chosen": afford(cost), "shares": shares}


def judge(case: Case, draws: ds.Contributions, cost: float) -> Iterator[Row]:
    """Yield the errors of each repetition, number of draws and kind of draws."""
    n_sizes, base = len(JUDGED), draws.base
    n_own = case.n_draws // case.n_repetitions
    n_base = len(base.cardinality) // n_sizes // case.n_repetitions
    for repetition in range(case.n_repetitions):
        own = np.arange(n_own * n_sizes) + repetition * n_own * n_sizes
        rest = np.delete(draws.delta, own, axis=1)
        truths = [average(rest[:, place::n_sizes]) for place in range(n_sizes)]
        some_base = np.arange(n_base * n_sizes) + repetition * n_base * n_sizes
        for n_draws in case.numbers:
            n_equal = round(n_draws * (1.0 + cost * FEW))
            rows: dict[str, Row] = {}
            for place, size in enumerate(JUDGED):
                columns = own[place::n_sizes], some_base[place::n_sizes]
                for kind, chosen in split(draws, columns, n_draws, n_equal):
                    mean = np.nanmean(chosen.delta, axis=1)
                    found = name_errors(f"{MEANS}|{size}", mean, *truths[place])
                    rows[kind] = rows.get(kind, {}) | found
            for kind, chosen in split(draws, (own, some_base), n_draws, n_equal):
                psi = ds.HierarchicalEstimator().fit(chosen).psi(JUDGED)
                for place, size in enumerate(JUDGED):
                    name = f"hierarchical|{size}"
                    rows[kind] |= name_errors(name, psi[:, place], *truths[place])
            for kind, row in rows.items():
                about = {"repetition": repetition, "n_draws": n_draws, "kind": kind}
                yield about | row


def split(
    draws: ds.Contributions,
    columns: tuple[NDArray[np.intp], NDArray[np.intp]],
    n_draws: int,
    n_equal: int,
) -> Iterator[tuple[str, ds.Contributions]]:
    """Yield the first draws of some as they are, adjusted, and those of equal time."""
    own, base = columns
    plain = pick(draws, own[:n_draws])
    yield "plain", plain
    yield "adjusted", adjust(plain, draws.base.take(base[: n_draws * FEW]))
    yield "same time", pick(draws, own[:n_equal])


def name_errors(
    name: str,
    values: NDArray[np.float64],
    truth: NDArray[np.float64],
    noise: NDArray[np.float64],
) -> dict[str, float]:
    found = compare(values, truth, noise)
    return {f"{name}{measure}": error for measure, error in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--case", choices=CASES, nargs="+", default=list(CASES))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    default = os.environ.get("DATA_SCALING_DATA", "data")
    parser.add_argument("--data-dir", type=Path, default=Path(default))
    asked = parser.parse_args()
    warnings.simplefilter("ignore", ds.FitWarning)
    warnings.simplefilter("ignore", ds.AdjustmentWarning)
    asked.folder.mkdir(parents=True, exist_ok=True)
    for name in asked.case:
        case = CASES[name]
        with threadpool_limits(1):
            dataset = case.load(asked.data_dir)
            draws = draw(case, dataset, asked.folder / f"{name}-judged.ledger")
            found = measure_variance(case, dataset)
            found |= {"rows": list(judge(case, draws, found["cost"]))}
        about = {"dataset": dataset.name, "learner": case.learner}
        numbers = {"n_points": N_POINTS, "n_each": FEW, "n_many": MANY}
        numbers["n_reference"] = case.n_draws
        path = asked.folder / f"{name}-refits.json"
        path.write_text(json.dumps(about | numbers | found), encoding="utf-8")
        print(f"{path.name}: measured", flush=True)


if __name__ == "__main__":
    main()
