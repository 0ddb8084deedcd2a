"""Marginal contributions: two bare scikit-learn fits per draw against this package.

Run from the repository root, for all cases or some:

    python -m benchmarks.marginals
    python -m benchmarks.marginals --case ridge-50 --case knn-50 --out marginals.json

Both sides run in turn on the same coalitions, k uniform on 100..1000, with one thread.
The bare side fits with and without a point and predicts the validation part, and scores
nothing. Errors are against refits of the reference estimator with ``--references``
points of every coalition, half of them members, in units of the standard deviation of
all the coalition's contributions.
"""

import argparse
import json
import os
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from benchmarks.cases import CASES, Case
from data_scaling._machine import describe_machine, find_commit
from data_scaling.coalitions import draw_coalition, group_pool
from data_scaling.datasets import Dataset
from data_scaling.learners import RefitLearner, make_learner

MIN_CARDINALITY, MAX_CARDINALITY = 100, 1000
PEAK_SIZE, PEAK_REPEATS = 2000, 5


@dataclass(frozen=True)
class Row:
    """One line of the table; times in microseconds per draw."""

    case: str
    n_pool: int
    n_features: int
    n_points: int
    bare_us: float
    ours_us: float
    ratio: float
    target: float
    largest_error: float
    median_error: float
    n_failed: int
    peak_share: float | None


def measure_peak() -> float:
    """Return the operations per second of a large square float64 product."""
    square = np.random.default_rng(0).standard_normal((PEAK_SIZE, PEAK_SIZE))
    seconds = []
    for _ in range(PEAK_REPEATS):
        started = time.perf_counter()
        square @ square
        seconds.append(time.perf_counter() - started)
    return 2.0 * PEAK_SIZE**3 / min(seconds)


def fit_and_predict(estimator: Any, dataset: Dataset, rows: Any) -> Any:
    model = clone(estimator).fit(dataset.x_train[rows], dataset.y_train[rows])
    if dataset.task == "classification":
        return model.predict_proba(dataset.x_val)
    return model.predict(dataset.x_val)


def time_bare(
    case: Case, dataset: Dataset, coalition: Any, points: Any, repeats: int
) -> float:
    """Return the seconds that two fits and predictions take, per draw."""
    outside = np.setdiff1d(points, coalition)[:repeats]
    fit_and_predict(case.estimator, dataset, coalition)
    started = time.perf_counter()
    for point in outside:
        fit_and_predict(case.estimator, dataset, coalition)
        fit_and_predict(case.estimator, dataset, np.append(coalition, point))
    return (time.perf_counter() - started) / len(outside)


def choose_references(coalition: Any, points: Any, n: int, rng: Any) -> Any:
    """Return positions in ``points``: half members, half not, as far as there are."""
    inside = np.isin(points, coalition)
    sides = [rng.permutation(np.flatnonzero(side)) for side in (inside, ~inside)]
    return np.concatenate([sides[0][: n // 2], sides[1][: n - n // 2]])


def measure_errors(
    case: Case, dataset: Dataset, coalition: Any, points: Any, delta: Any
) -> Any:
    """Return the differences from tight refits in units of the spread."""
    if not len(points):
        return np.empty(0)
    with warnings.catch_warnings():
        # A tight Newton solver goes on until round-off stops it, and says so.
        warnings.simplefilter("ignore")
        if isinstance(case.reference, LogisticRegression):
            expected = refit_logistic(case.reference, dataset, coalition, points)
        else:
            reference = RefitLearner(case.reference).bind(dataset)
            expected = reference.marginals(coalition, points)
    return np.abs(delta - expected)


def refit_logistic(
    estimator: Any, dataset: Dataset, coalition: Any, points: Any
) -> Any:
    """Return contributions by refits, scored by log-odds.

    ``predict_proba`` gives a class beside a sure one what rounding leaves of it, which
    on data with extreme rows is more than the contribution.
    """

    def score(rows: Any) -> float:
        model = clone(estimator).fit(dataset.x_train[rows], dataset.y_train[rows])
        odds = model.decision_function(dataset.x_val)
        if odds.ndim == 1:
            odds = np.stack([np.zeros_like(odds), odds], axis=1)
        truth = odds[np.arange(len(odds)), dataset.y_val]
        return float(np.mean(truth - logsumexp(odds, axis=1)))

    base, inside = score(coalition), np.isin(points, coalition)
    return np.array(
        [
            base - score(coalition[coalition != point])
            if is_member
            else score(np.append(coalition, point)) - base
            for point, is_member in zip(points, inside, strict=True)
        ]
    )


def run_case(name: str, case: Case, options: argparse.Namespace, peak: float) -> Row:
    dataset = case.load(options.data)
    rng = np.random.default_rng(options.seed)
    pool, bound = group_pool(dataset), make_learner(case.estimator).bind(dataset)
    bare, ours, flops, n_failed = [], [], [], 0
    errors = []
    for number in range(options.coalitions + 1):
        k = int(rng.integers(MIN_CARDINALITY, MAX_CARDINALITY + 1))
        coalition = draw_coalition(pool, k, rng)
        points = rng.permutation(dataset.n_points)[: case.n_points]
        started = time.perf_counter()
        draw = bound.draw(coalition, points)
        seconds = time.perf_counter() - started
        if number == 0:
            continue  # the first call imports and warms up
        ours.append(seconds / len(points))
        bare.append(time_bare(case, dataset, coalition, points, options.repeats))
        if case.count_flops:
            flops.append(case.count_flops(k, dataset.n_features, len(dataset.y_val)))
        n_failed += int(np.isnan(draw.delta).sum())
        some = choose_references(coalition, points, options.references, rng)
        error = measure_errors(case, dataset, coalition, points[some], draw.delta[some])
        errors.append(error / np.nanstd(draw.delta))
    all_errors = np.concatenate(errors)
    return Row(
        case=name,
        n_pool=dataset.n_points,
        n_features=dataset.n_features,
        n_points=len(points),
        bare_us=1e6 * float(np.mean(bare)),
        ours_us=1e6 * float(np.mean(ours)),
        ratio=float(np.mean(bare) / np.mean(ours)),
        target=case.target,
        largest_error=float(np.nanmax(all_errors, initial=0.0)),
        median_error=float(np.nanmedian(all_errors)) if len(all_errors) else 0.0,
        n_failed=n_failed,
        peak_share=float(np.sum(flops) / np.sum(ours) / peak) if flops else None,
    )


def describe_run(peak: float) -> dict[str, Any]:
    return {
        "commit": find_commit(Path(__file__).parent),
        "machine": describe_machine(),
        "peak_gflops": round(peak / 1e9, 1),
    }


def format_row(row: Row) -> str:
    share = "" if row.peak_share is None else f"{row.peak_share:.0%}"
    return (
        f"| {row.case} | {row.n_features} | {row.n_points} | {row.bare_us:.0f} | "
        f"{row.ours_us:.2f} | {row.ratio:.0f} | {row.target:g} | "
        f"{row.largest_error:.1e} | {row.median_error:.1e} | {row.n_failed} | {share} |"
    )


def parse_options() -> argparse.Namespace:
    default_data = os.environ.get("DATA_SCALING_DATA", "data")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.marginals")
    parser.add_argument("--case", action="append", choices=CASES, help="repeatable")
    parser.add_argument("--coalitions", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5, help="bare draws, each")
    parser.add_argument("--references", type=int, default=40, help="per coalition")
    parser.add_argument(
        "--data", type=Path, default=Path(default_data), help="folder of real data"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON file to write")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    rows = []
    with threadpool_limits(1):
        peak = measure_peak()
        machine = describe_run(peak)
        print("  ".join(f"{name}: {value}" for name, value in machine.items()))
        print(
            "| case | d | points | bare us | ours us | ratio | target | "
            "largest error | median error | failed | of peak |\n|" + "---|" * 11
        )
        for name in options.case or CASES:
            rows.append(run_case(name, CASES[name], options, peak))
            print(format_row(rows[-1]), flush=True)
    if options.out:
        report = {**machine, "rows": [asdict(row) for row in rows]}
        options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
