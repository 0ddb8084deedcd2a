"""Drawing: what is spent outside the learner, the store's rates, growth with the pool.

Run from the repository root, for all parts or some:

    python -m benchmarks.sampling
    python -m benchmarks.sampling --part overhead --draws 100 --out sampling.json
    python -m benchmarks.sampling --renew sampling.json

The last measures nothing; it puts the tables of other runs into benchmarks/README.md.

``overhead`` draws for every training point of Adult (46,842; a synthetic pool of that
size without DATA_SCALING_DATA) by exact logistic regression, k uniform on 100..1000,
with one worker and with two, in turn. Outside the learner is what is left of the wall
time, loading the dataset left out and starting the workers included; of the time in the
learner no more counts than one worker needed for the same draws. ``store`` appends
made-up draws and reads them back. ``growth`` takes pools of 10^4 to 10^6 synthetic
points, each in a process of its own, from the draws to the laws' table on disk.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from joblib.externals.loky import get_reusable_executor

import data_scaling as ds
from data_scaling._machine import describe_machine, find_commit
from data_scaling.ledger import (
    LedgerHeader,
    Segment,
    open_ledger,
    read_contributions,
    verify_ledger,
)

N_ADULT, N_FEATURES = 46_842, 108
STORE_SHAPES = ((46_842, 400, 10), (1_000, 20_000, 500), (1_000_000, 20, 2))
GROWTH_SIZES = (10_000, 100_000, 1_000_000)
GROWTH_FEATURES, GROWTH_DRAWS = 20, 20
PARTS = ("overhead", "store", "growth")
README = Path(__file__).with_name("README.md")
Row = dict[str, Any]


def load_adult() -> ds.Dataset:
    """Return Adult, or a synthetic pool of its size where it is not at hand."""
    try:
        return ds.load_dataset("adult")
    except ds.DatasetError:
        return make_pool(N_ADULT, N_FEATURES)


def make_pool(n_points: int, n_features: int) -> ds.Dataset:
    rng = np.random.default_rng(0)
    weight = rng.normal(size=n_features) / np.sqrt(n_features)

    def make(n_rows: int) -> tuple[Any, Any]:
        x = rng.normal(size=(n_rows, n_features))
        return x, (x @ weight + 0.5 * rng.normal(size=n_rows) > 0).astype(int)

    return ds.Dataset(*make(n_points), *make(1_000), name=f"synthetic {n_points}")


def measure_overhead(lengths: list[int], n_rounds: int) -> list[Row]:
    dataset = load_adult()
    dataset.fingerprint  # noqa: B018  # computed once, here
    rows = []
    for n_draws, number in product(lengths, range(n_rounds)):
        plan = ds.SamplingPlan(n_draws, 100, 1000, seed=number)
        wall, learner = {}, {}
        for n_jobs in (1, 2):
            wall[n_jobs], learner[n_jobs] = time_drawing(dataset, plan, n_jobs)
            work = min(learner.values())
            rows.append(
                {
                    "pool": dataset.name,
                    "draws": n_draws,
                    "workers": n_jobs,
                    "seconds": wall[n_jobs],
                    "us_per_draw": 1e6 * wall[n_jobs] / n_draws / dataset.n_points,
                    "outside_learner": 1 - work / wall[n_jobs] / n_jobs,
                    "ratio_to_one": wall[1] / wall[n_jobs],
                    "load": os.getloadavg()[0],
                }
            )
    return rows


def time_drawing(
    dataset: ds.Dataset, plan: ds.SamplingPlan, n_jobs: int
) -> tuple[float, float]:
    """Return the wall time of a run with fresh workers, and that of the learner."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "draws.ledger")
        started = time.perf_counter()
        summary = ds.sample_ledger(
            dataset, "logreg", plan, path, n_jobs=n_jobs, progress=False
        )
        seconds = time.perf_counter() - started
    get_reusable_executor().shutdown()
    return seconds, summary.seconds


def measure_store(n_rounds: int) -> list[Row]:
    return [measure_shape(*shape, n_rounds) for shape in STORE_SHAPES]


def measure_shape(n_points: int, n_draws: int, size: int, n_rounds: int) -> Row:
    """Append made-up segments of some coalitions, and read them; best of the rounds."""
    plan = ds.SamplingPlan(n_draws, 100, 1000)
    header = LedgerHeader(plan, n_points, "x", "f", "none", "none", "none", "units")
    rng = np.random.default_rng(0)
    delta = rng.normal(size=(size, n_points))
    members = rng.random((size, n_points)) < 0.02
    nothing, sizes = np.empty((size, 0)), np.full(size, 500, np.int32)

    def append(path: Path) -> None:
        with open_ledger(path, header) as writer:
            for first in range(0, n_draws, size):
                utility = np.zeros(size)
                writer.append(Segment(first, sizes, utility, delta, members, nothing))

    times: dict[str, list[float]] = {"append": [], "read": [], "verify": []}
    for _ in range(n_rounds):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            path = Path(folder, "store.ledger")
            uses: dict[str, Callable[[Path], Any]] = {
                "append": append,
                "read": read_contributions,
                "verify": verify_ledger,
            }
            for name, use in uses.items():
                started = time.perf_counter()
                use(path)
                times[name].append(time.perf_counter() - started)
    n_all = n_points * n_draws
    rates = {f"{name}_per_s": n_all / min(spent) for name, spent in times.items()}
    return {"points": n_points, "draws": n_draws, "segment": size} | rates


def measure_growth(n_points: int, n_jobs: int) -> Row:
    """Draw, fit and write the table, in a process of its own."""
    call = f"from benchmarks.sampling import *; print_pool({n_points}, {n_jobs})"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", call], check=True, stdout=subprocess.PIPE, text=True
    )
    row: Row = json.loads(done.stdout)
    return row


def print_pool(n_points: int, n_jobs: int) -> None:
    print(json.dumps(run_pool(n_points, n_jobs)))


def run_pool(n_points: int, n_jobs: int) -> Row:
    dataset = make_pool(n_points, GROWTH_FEATURES)
    plan = ds.SamplingPlan(GROWTH_DRAWS, 100, 1000)
    times = {}
    with tempfile.TemporaryDirectory(dir=".") as folder:
        path = Path(folder, "draws.ledger")
        started = time.perf_counter()
        ds.sample_ledger(dataset, "logreg", plan, path, n_jobs=n_jobs, progress=False)
        times["draw_s"] = time.perf_counter() - started
        n_bytes = path.stat().st_size
        started = time.perf_counter()
        draws = ds.Contributions.load(path)
        times["read_s"] = time.perf_counter() - started
        started = time.perf_counter()
        laws = ds.LikelihoodEstimator().fit(draws)
        times["fit_s"] = time.perf_counter() - started
        started = time.perf_counter()
        laws.to_frame().to_parquet(Path(folder, "laws.parquet"))
        laws.save(Path(folder, "laws.npz"))
        times["write_s"] = time.perf_counter() - started
    get_reusable_executor().shutdown()  # so that the workers' memory is counted
    usage = [
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    ]
    return {
        "points": n_points,
        "workers": n_jobs,
        **times,
        "ledger_mb": n_bytes / 1e6,
        "driver_gb": usage[0] / 2**20,
        "largest_worker_gb": usage[1] / 2**20,
        "n_failed": draws.n_failed,
        "load": os.getloadavg()[0],
    }


def print_table(title: str, rows: list[Row]) -> None:
    print(f"\n{title}\n")
    print(make_table(rows), end="", flush=True)


def make_table(rows: list[Row]) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[show(value) for value in row.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def renew_readme(results: list[dict[str, Any]]) -> None:
    """Put the tables of some runs between the marks that stand for their parts."""
    text = README.read_text(encoding="utf-8")
    for part in PARTS:
        having = [result for result in results if part in result]
        if not having:
            continue
        made = {f"{one['machine']}; commit {one['commit']}" for one in having}
        rows = [row for one in having for row in one[part]]
        start, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->\n"
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        table = "\n".join([*sorted(made), "", make_table(rows)])
        text = f"{before}{start}{table}{end}{after}"
    README.write_text(text, encoding="utf-8")


def show(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--draws", type=int, nargs="+", default=[30, 100])
    parser.add_argument("--rounds", type=int, default=2, help="repetitions")
    parser.add_argument("--sizes", type=int, nargs="+", default=GROWTH_SIZES)
    parser.add_argument("--jobs", type=int, default=2, help="workers for the growth")
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    parser.add_argument("--renew", type=Path, nargs="+", help="results to tabulate")
    arguments = parser.parse_args()
    if arguments.renew:
        renew_readme([json.loads(path.read_text()) for path in arguments.renew])
        return
    asked = arguments.part or PARTS
    result: dict[str, Any] = {"machine": describe_machine()}
    result["commit"] = find_commit(README.parent)
    print(result["machine"])
    if "overhead" in asked:
        result["overhead"] = measure_overhead(arguments.draws, arguments.rounds)
        print_table("Time outside the learner", result["overhead"])
    if "store" in asked:
        result["store"] = measure_store(arguments.rounds)
        print_table("Draws appended and read", result["store"])
    if "growth" in asked:
        sizes = arguments.sizes
        result["growth"] = [measure_growth(size, arguments.jobs) for size in sizes]
        print_table("Growth with the pool", result["growth"])
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
