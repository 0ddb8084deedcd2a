"""How much noise adjusted draws have left, at equal draws and at equal time.

Run from the repository root, after ``python -m benchmarks.references`` with ``--plan
reference fit judged`` (without ``judged`` there are no means at one size):

    python -m benchmarks.adjustment --dataset adult --metric log_loss
    python -m benchmarks.adjustment --page docs

For 500 points of each dataset, laws and Shapley values are estimated from the first m
draws of each of five repetitions: from the draws as they are, from the same draws
adjusted, and from as many plain draws as the adjusted ones cost in time. The cost of a
base draw relative to a draw is measured in the same run, in the processor's time of one
thread, on the same coalitions in turn. Errors are squared, against the reference draws;
means of those at one size are less the reference's own noise. Each dataset gives a JSON
file, and all of them the page ``adjustment.md`` and its figure; learners that are
described are measured by ``benchmarks.described``.
"""

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import data_scaling as ds
import data_scaling.coalitions
from benchmarks.adjustment_page import write_page
from benchmarks.gains import MEANS, Row
from benchmarks.one_size import OneSize, compare, pick, split_by_size
from benchmarks.references import (
    BEYOND,
    FOLDER,
    JUDGED,
    LOADERS,
    MAX_DRAWS,
    N_REFERENCE_DRAWS,
    N_REPETITIONS,
    PLANS,
    Reference,
    average_reference,
    ledger_path,
    make_plans,
)
from benchmarks.sample_efficiency_page import MONTE_CARLO
from data_scaling._adjusting import choose_n_each
from data_scaling._machine import describe_machine
from data_scaling.adjustment import adjust
from data_scaling.learners import ApproximateLearner, find_approximation, make_learner

N_DRAWS = (10, 20, 50, 100)
N_PILOT = 50
# Points that draws are timed for, and how many draws.
TIMED = {500: 40, 10_000: 8}


def fit_average(draws: ds.Contributions) -> Callable[[Any], NDArray[np.float64]]:
    """Fit a/k + b/k^2 to each point alone, by weighted least squares."""
    sizes = draws.coalitions.cardinality
    weight = (sizes / 100.0) ** 1.5
    terms = np.stack([100.0 / sizes, (100.0 / sizes) ** 2], axis=1)
    inverse = np.linalg.pinv(terms * weight[:, None])
    coefficients = (draws.delta * weight) @ inverse.T
    return lambda k: coefficients @ np.stack([100.0 / k, (100.0 / k) ** 2])


def fit_laws(estimator: Any) -> Callable[[ds.Contributions], Any]:
    def fit(draws: ds.Contributions) -> Callable[[Any], NDArray[np.float64]]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ds.FitWarning)
            laws = estimator.fit(draws)
        return laws.psi

    return fit


METHODS = {
    "averaging": fit_average,
    "likelihood": fit_laws(ds.LikelihoodEstimator()),
    "hierarchical": fit_laws(ds.HierarchicalEstimator()),
}


def estimate(
    draws: ds.Contributions, sizes: Sequence[int]
) -> Iterator[tuple[str, str, Any]]:
    """Yield method, quantity and estimate: psi at sizes, and Shapley values."""
    grid = np.arange(100, 1001, 10)
    for name, fit in METHODS.items():
        psi = fit(draws)
        for size in sizes:
            yield name, str(size), psi(size)
        yield name, "Shapley", psi(grid).mean(axis=1)
    values = ds.monte_carlo_values(draws)
    yield MONTE_CARLO, "Shapley", getattr(values, "values", values)


def judge(draws: ds.Contributions, reference: Reference) -> dict[str, float]:
    """Return the squared errors by method and quantity.

    The mean over points, that over the points which do not hold a large part of the
    reference's variance each, and the median. Of the means at one size the reference's
    noise is subtracted; that of its Shapley values, of ten times the draws, is not.
    """
    errors, places = {}, reference.cardinality.tolist()
    sizes = [size for size in (*JUDGED, *BEYOND) if size in places]
    for method, quantity, values in estimate(draws, sizes):
        if quantity == "Shapley":
            found = compare(values, reference.shapley, 0.0)
        else:
            place = places.index(int(quantity))
            noise = reference.psi_std[:, place] ** 2
            found = compare(values, reference.psi[:, place], noise)
        errors |= {f"{method}|{quantity}{name}": error for name, error in found.items()}
    return errors


@dataclass(frozen=True)
class Material:
    """Draws of a dataset, and what they are judged by.

    Attributes
    ----------
    exact, quick : Contributions
        Draws of the fitting plan; quick draws of the same coalitions and of others.
    reference : Reference
        Means of many draws.
    at_sizes : list of OneSize
        Draws at each judged size.
    judged : dict
        Errors that were found before, by repetition and numbers of draws.
    """

    exact: ds.Contributions
    quick: ds.Contributions
    reference: Reference
    at_sizes: list[OneSize]
    judged: dict[Any, dict[str, float]] = field(default_factory=dict)


def judge_once(
    draws: ds.Contributions, material: Material, which: tuple[int, int]
) -> dict[str, float]:
    """Judge draws that may have been judged for another number of points."""
    repetition, n_each = which
    is_plain = draws.variance_removed is None
    key = (repetition, draws.n_draws, None if is_plain else n_each)
    if key not in material.judged:
        material.judged[key] = judge(draws, material.reference)
    return material.judged[key]


def time_draws(
    dataset: ds.Dataset, metric: str, n_points: int, n_draws: int
) -> dict[str, float]:
    """Return the processor's seconds of a draw and of a base draw."""
    plan = make_plans(dataset)["fit"]
    n_points = min(n_points, dataset.n_points)
    points = np.random.default_rng(0).choice(dataset.n_points, n_points, replace=False)
    exact = make_learner("logreg").bind(dataset, metric)
    quick = find_approximation(exact)
    pool = ds.coalitions.group_pool(dataset)
    seconds = {"draw": [], "base_draw": []}
    # The first draw, which makes what all others share, is not counted.
    for number in range(n_draws + 1):
        rng = plan.spawn_rng(number, -1)
        size = plan.draw_cardinality(number, rng)
        coalition = ds.coalitions.draw_coalition(pool, size, rng)
        for name, learner in (("draw", exact), ("base_draw", quick)):
            started = time.process_time()
            learner.draw(coalition, points)
            seconds[name].append(time.process_time() - started)
    return {name: float(np.mean(taken[1:])) for name, taken in seconds.items()}


def measure(folder: Path, name: str, metric: str, data_dir: Path) -> Row:
    dataset = LOADERS[name](data_dir)
    paths = {kind: ledger_path(folder, name, metric, kind) for kind in PLANS}
    drawn, exact = (ds.Contributions.load(paths[kind]) for kind in PLANS[:2])
    # Not drawn where a draw takes long: then there are no means at one size.
    judged = None
    if paths["judged"].exists():
        judged = ds.Contributions.load(paths["judged"])
    plans = make_plans(dataset)
    costs = {
        n_points: time_draws(dataset, metric, n_points, n_draws)
        for n_points, n_draws in TIMED.items()
    }

    def draw_quickly(kind: str, n_each: int) -> ds.Contributions:
        plan = plans[kind]
        n_base = N_REPETITIONS * max(N_DRAWS) * n_each
        return ds.sample_contributions(
            dataset,
            ApproximateLearner("logreg"),
            replace(plan, n_draws=plan.n_draws + n_base),
            metric=metric,
            ledger=ledger_path(folder, name, metric, f"{kind}-approximate"),
        )

    pilot = draw_quickly("fit", 0).first(N_PILOT)
    each = {
        n_points: choose_n_each(
            exact.first(N_PILOT), pilot, seconds["base_draw"] / seconds["draw"]
        )
        for n_points, seconds in costs.items()
    }
    quick, at_sizes = draw_quickly("fit", max(each.values())), []
    if judged is not None:
        of_base = draw_quickly("judged", max(each.values()))
        at_sizes = list(split_by_size(drawn, judged, of_base))
    material = Material(exact, quick, average_reference(drawn, judged), at_sizes)
    cases = [
        measure_cost(material, n_points, each[n_points], **seconds)
        for n_points, seconds in costs.items()
    ]
    n_judged = 0 if judged is None else judged.n_draws // len(JUDGED)
    return {
        "dataset": name,
        "metric": metric,
        "n_pool": dataset.n_points,
        "n_reference": N_REFERENCE_DRAWS + n_judged,
        "machine": describe_machine(),
        "cases": cases,
    }


def measure_cost(
    material: Material, n_points: int, n_each: int, *, draw: float, base_draw: float
) -> Row:
    """Judge plain and adjusted draws where so many points are valued."""
    cost = base_draw / draw
    exact, rows = material.exact, []
    for repetition in range(N_REPETITIONS):
        for n_draws in N_DRAWS:
            plain = take(exact, repetition * MAX_DRAWS, n_draws)
            if n_each:
                adjusted = adjust(plain, beside(material, repetition, n_draws, n_each))
            else:
                adjusted = replace(plain, variance_removed=np.zeros(plain.n_points))
            n_equal = round(n_draws * (1 + cost * (1 + n_each if n_each else 0)))
            equal = take(exact, repetition * MAX_DRAWS, min(n_equal, exact.n_draws))
            kinds = {"plain": plain, "adjusted": adjusted, "same time": equal}
            of_means = {
                at_size.size: at_size.judge(repetition, n_draws, n_each, n_equal)
                for at_size in material.at_sizes
            }
            for kind, draws in kinds.items():
                row = {"repetition": repetition, "n_draws": n_draws, "kind": kind}
                row |= {"n_used": draws.n_draws}
                row |= judge_once(draws, material, (repetition, n_each))
                for size, found in of_means.items():
                    row |= {f"{MEANS}|{size}{n}": e for n, e in found[kind].items()}
                if kind == "adjusted":
                    row["removed"] = float(np.median(draws.variance_removed))
                rows.append(row)
    seconds = {"draw": draw, "base_draw": base_draw}
    return {"n_points": n_points, "n_each": n_each, **seconds, "rows": rows}


def take(draws: ds.Contributions, first: int, n_draws: int) -> ds.Contributions:
    """Return draws from the first one on, going round."""
    return pick(draws, np.arange(first, first + n_draws) % draws.n_draws)


def beside(
    material: Material, repetition: int, n_draws: int, n_each: int
) -> ds.Contributions:
    """Return the quick draws on the coalitions of a repetition, and its base draws."""
    n_exact, first = material.exact.n_draws, repetition * MAX_DRAWS
    n_base = (material.quick.n_draws - n_exact) // N_REPETITIONS
    base = n_exact + repetition * n_base
    columns = np.r_[first : first + n_draws, base : base + n_draws * n_each]
    return pick(material.quick, columns)


def save(row: Row, path: Path) -> None:
    path.write_text(json.dumps(row), encoding="utf-8")
    print(f"{path.name}: measured", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=LOADERS, nargs="+", default=[])
    parser.add_argument("--metric", nargs="+", default=["log_loss"])
    parser.add_argument("--page", type=Path, help="folder to write the page into")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    default = os.environ.get("DATA_SCALING_DATA", "data")
    parser.add_argument("--data-dir", type=Path, default=Path(default))
    asked = parser.parse_args()
    with threadpool_limits(1):
        for name in asked.dataset:
            for metric in asked.metric:
                row = measure(asked.folder, name, metric, asked.data_dir)
                save(row, asked.folder / f"{name}-{metric}-adjustment.json")
    if asked.page:
        write_page(asked.folder, asked.page)


if __name__ == "__main__":
    main()
