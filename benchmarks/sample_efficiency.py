"""How many draws an estimator needs: its accuracy on real data, by draws per point.

Run from the repository root, after ``python -m benchmarks.references``:

    python -m benchmarks.sample_efficiency --out docs

For 500 points of each dataset, laws are fitted to the first m draws of each of five
repetitions (sizes uniform on 100..1000) and judged by the reference draws: psi at
sizes within the fitted range and beyond it, and the Shapley value over 100..1000. Plain
Monte Carlo gives Shapley values only. R^2 is given over all points, and without the
points that dominate: those which hold more than a fifth of the reference's variance
alone, so that R^2 would tell of them and not of the others. Writes the page
``sample-efficiency.md``, its figure, and all numbers as CSV.
"""

import argparse
import csv
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

import data_scaling as ds
from benchmarks.references import (
    FOLDER,
    LOADERS,
    N_REPETITIONS,
    SIZES,
    Reference,
    average_reference,
    find_dominating,
    ledger_path,
    read_repetitions,
)
from benchmarks.sample_efficiency_page import (
    DEFAULT,
    METRICS,
    MONTE_CARLO,
    SHAPLEY,
    Row,
    draw_shares,
    plot_errors,
    write_page,
)

N_DRAWS = (5, 10, 20, 50, 100, 300)
JUDGED = (100, 359, 1000, 2500, 5000)
MEASURES = ("r2", "r2_others", "spearman", "relative_error")

# Powers whose expansions are held against the reference's own means.
FORMS = ((1.0, 2.0), (1.0, 1.5, 2.0), (1.0, 2.0, 3.0, 4.0))
METHODS: dict[str, Callable[[ds.Contributions], ds.ScalingLaws]] = {
    "likelihood": ds.LikelihoodEstimator().fit,
    "power": ds.HierarchicalEstimator(law="power").fit,
    DEFAULT: ds.HierarchicalEstimator().fit,
}


def estimate(
    method: str, draws: ds.Contributions, sizes: list[int]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the quantity and the estimate of every point."""
    if method == MONTE_CARLO:
        yield SHAPLEY, ds.monte_carlo_values(draws)
        return
    with warnings.catch_warnings():
        # Points without a law are left out of the measures and counted there.
        warnings.simplefilter("ignore", ds.FitWarning)
        laws = METHODS[method](draws)
    psi = laws.psi(sizes)
    yield from ((str(size), psi[:, j]) for j, size in enumerate(sizes))
    yield SHAPLEY, ds.shapley_values(laws, SIZES[0], SIZES[-1])


def measure(found: NDArray[np.float64], true: NDArray[np.float64]) -> Row:
    judged = ds.agreement(found, true)
    with np.errstate(divide="ignore", invalid="ignore"):  # a point that is worth 0
        relative = np.abs(found - true) / np.abs(true)
    others = ~find_dominating(true)
    return {
        "r2": judged.r2,
        "r2_others": ds.agreement(found[others], true[others]).r2,
        "n_dominating": int(np.sum(~others)),
        "spearman": judged.spearman,
        "relative_error": float(np.nanmedian(relative)),
        "n_points": judged.n_points,
    }


def judge_repetition(
    method: str, draws: ds.Contributions, reference: Reference, progress: "tqdm[Any]"
) -> Iterator[Row]:
    sizes = [size for size in JUDGED if size in reference.cardinality]
    truth = {str(size): reference.at(size) for size in sizes}
    truth[SHAPLEY] = reference.shapley
    for m in N_DRAWS:
        for quantity, values in estimate(method, draws.first(m), sizes):
            found = measure(values, truth[quantity])
            yield {"m": m, "method": method, "quantity": quantity} | found
        progress.update()


def read_or_judge(
    parts: Path, folder: Path, name: str, metric: str, method: str
) -> tuple[list[Row], dict[str, float]]:
    """Return what was found before, or find it and keep it."""
    path = parts / f"{name}-{metric}-{method}.json"
    if not path.exists():
        parts.mkdir(parents=True, exist_ok=True)
        with tqdm(
            total=N_REPETITIONS * len(N_DRAWS),
            desc=f"{name}, {metric}, {method}",
            disable=None,
        ) as progress:
            found = judge_dataset(folder, name, metric, method, progress)
        path.write_text(json.dumps(found))
    rows, ceilings = json.loads(path.read_text())
    return rows, ceilings


def judge_dataset(
    folder: Path, name: str, metric: str, method: str, progress: "tqdm[Any]"
) -> tuple[list[Row], dict[str, float]]:
    """Return the mean and standard error over repetitions, and the ceilings of R^2."""
    drawn = ds.Contributions.load(ledger_path(folder, name, metric, "reference"))
    reference = average_reference(drawn)
    rows = [
        row
        for draws in read_repetitions(folder, name, metric)
        for row in judge_repetition(method, draws, reference, progress)
    ]
    cells: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = (row["m"], row["method"], row["quantity"])
        cells.setdefault(key, []).append(row)
    judged = [
        {"dataset": name, "metric": metric}
        | dict(zip(("m", "method", "quantity"), key, strict=True))
        | summarise(group)
        for key, group in cells.items()
    ]
    sizes = [size for size in JUDGED if size in reference.cardinality]
    return judged, {str(size): reference.ceiling(size) for size in sizes}


def read_or_judge_forms(parts: Path, folder: Path, name: str, metric: str) -> list[Row]:
    """Return how well each form could describe psi, kept as the other parts are."""
    path = parts / f"{name}-{metric}-forms.json"
    if not path.exists():
        drawn = ds.Contributions.load(ledger_path(folder, name, metric, "reference"))
        path.write_text(json.dumps(judge_forms(average_reference(drawn))))
    rows: list[Row] = json.loads(path.read_text())
    return rows


def judge_forms(reference: Reference) -> list[Row]:
    """Return R^2 of expansions that are fitted to the reference's own means.

    The fit is by least squares within the drawn sizes, weighted as draws of uniform
    sizes and of a standard deviation of k^-1.5 would be: what is left is what the form
    cannot say, with draws without end.
    """
    sizes = reference.cardinality
    drawn = sizes <= SIZES[-1]
    weight = sizes[drawn] ** 2.0
    over = np.arange(SIZES[0], SIZES[-1] + 1)
    rows = []
    for powers in FORMS:
        terms = raise_sizes(sizes[drawn], powers) * weight[:, None]
        goal = (reference.psi[:, drawn] * weight).T
        coefficients = np.linalg.lstsq(terms, goal, rcond=None)[0]
        quantities = {str(size): [size] for size in JUDGED if size in sizes}
        for quantity, at in (quantities | {SHAPLEY: over}).items():
            found = (raise_sizes(np.asarray(at), powers) @ coefficients).mean(axis=0)
            true = reference.shapley if quantity == SHAPLEY else reference.at(at[0])
            row = measure(found, true)
            rows.append({"powers": powers, "quantity": quantity} | row)
    return rows


def raise_sizes(sizes: NDArray[Any], powers: tuple[float, ...]) -> NDArray[np.float64]:
    """Return the terms of an expansion, (n_sizes, n_powers)."""
    return (sizes[:, None] / JUDGED[1]) ** -np.array(powers)


def summarise(group: list[Row]) -> Row:
    summary: Row = {"n_points": min(row["n_points"] for row in group)}
    summary["n_dominating"] = group[0]["n_dominating"]
    for name in MEASURES:
        values = np.array([row[name] for row in group])
        summary[name] = float(values.mean())
        summary[f"{name}_std"] = float(values.std(ddof=1) / np.sqrt(len(values)))
    return summary


def read_former(path: Path) -> list[Row]:
    """Return the rows of a table that was written before, if there is one."""
    if not path.exists():
        return []
    texts = ("dataset", "metric", "method", "quantity")
    counts = ("m", "n_points", "n_dominating")
    with path.open(newline="") as file:
        return [
            {
                name: value
                if name in texts
                else int(value)
                if name in counts
                else float(value)
                for name, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=LOADERS, nargs="+", default=list(LOADERS))
    parser.add_argument("--metric", choices=METRICS, nargs="+", default=list(METRICS))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument(
        "--parts",
        type=Path,
        default=Path("runs/sample_efficiency"),
        help="folder that keeps what is done, a file for each method; remove what is "
        "to be done anew",
    )
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    former = read_former(asked.out / "sample-efficiency.csv")
    rows: list[Row] = []
    ceilings: dict[str, Row] = {}
    forms: dict[str, list[Row]] = {}
    for metric in asked.metric:
        for name in asked.dataset:
            if not ledger_path(asked.folder, name, metric, "fit").exists():
                kept = [
                    r for r in former if (r["dataset"], r["metric"]) == (name, metric)
                ]
                print(f"{name}, {metric}: no references; {len(kept)} former rows kept")
                rows += kept
                continue
            group: list[Row] = []
            for method in (MONTE_CARLO, *METHODS):
                judged, ceilings[f"{name} {metric}"] = read_or_judge(
                    asked.parts, asked.folder, name, metric, method
                )
                group += judged
            forms[f"{name} {metric}"] = read_or_judge_forms(
                asked.parts, asked.folder, name, metric
            )
            rows += sorted(group, key=lambda row: int(row["m"]))
    with (asked.out / "sample-efficiency.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    write_page(asked.out, rows, ceilings, forms)
    plot_errors(rows, (MONTE_CARLO, *METHODS), asked.out / "sample-efficiency.png")
    ahead = list(draw_shares(rows))
    print(f"{sum(s['is_ahead'] for s in ahead)} of {len(ahead)} rows ahead of plain")


if __name__ == "__main__":
    main()
