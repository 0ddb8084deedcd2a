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
    ledger_path,
    read_repetitions,
)
from data_scaling._machine import describe_machine

N_DRAWS = (5, 10, 20, 50, 100, 300)
JUDGED = (100, 359, 1000, 2500, 5000)
SHAPLEY = "Shapley"
MONTE_CARLO = "Monte Carlo"
DEFAULT = "expansion"
METRICS = ("log_loss", "softmax_log_loss")
MEASURES = ("r2", "r2_others", "spearman", "relative_error")
DOMINATING = 0.2
# Draws by which the default is to be ahead of Monte Carlo.
SAVING = {"log_loss": 2, "softmax_log_loss": 5}

METHODS: dict[str, Callable[[ds.Contributions], ds.ScalingLaws]] = {
    "likelihood": ds.LikelihoodEstimator().fit,
    "power": ds.HierarchicalEstimator(law="power").fit,
    DEFAULT: ds.HierarchicalEstimator().fit,
}
Row = dict[str, Any]


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


def find_dominating(true: NDArray[np.float64]) -> NDArray[np.bool_]:
    square = (true - true.mean()) ** 2
    return np.asarray(square > DOMINATING * square.sum())


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


def summarise(group: list[Row]) -> Row:
    summary: Row = {"n_points": min(row["n_points"] for row in group)}
    summary["n_dominating"] = group[0]["n_dominating"]
    for name in MEASURES:
        values = np.array([row[name] for row in group])
        summary[name] = float(values.mean())
        summary[f"{name}_std"] = float(values.std(ddof=1) / np.sqrt(len(values)))
    return summary


def draw_shares(rows: list[Row]) -> Iterator[Row]:
    """Yield whether m draws of the default beat a multiple of them by Monte Carlo."""
    cells = {
        (row["dataset"], row["metric"], row["m"], row["method"]): row["r2"]
        for row in rows
        if row["quantity"] == SHAPLEY
    }
    for (name, metric, m, method), r2 in cells.items():
        more = m * SAVING[metric]
        plain = cells.get((name, metric, more, MONTE_CARLO))
        if method == DEFAULT and plain is not None:
            yield {"dataset": name, "metric": metric, "m": m, "r2": r2} | {
                "monte_carlo_m": more,
                "monte_carlo_r2": plain,
                "is_ahead": r2 >= plain,
            }


def format_table(rows: list[Row], measure_name: str) -> list[str]:
    """Return one table, a row for each m and method, the best number bold."""
    cells = {(row["m"], row["method"], row["quantity"]): row for row in rows}
    quantities = list(dict.fromkeys(row["quantity"] for row in rows))
    quantities = [q for q in quantities if q != SHAPLEY] + [SHAPLEY]
    heads = [q if q == SHAPLEY else f"psi {int(q):,}" for q in quantities]
    lines = ["| m | estimator | " + " | ".join(heads) + " |"]
    lines.append("|---" * (len(heads) + 2) + "|")
    best = {}
    for m, _, quantity in cells:
        group = [cells[key] for key in cells if key[0] == m and key[2] == quantity]
        pick = min if measure_name == "relative_error" else max
        best[m, quantity] = pick(row[measure_name] for row in group)
    for m, method in dict.fromkeys(key[:2] for key in cells):
        texts = []
        for quantity in quantities:
            row = cells.get((m, method, quantity))
            if row is None:
                texts.append("")
                continue
            text = f"{row[measure_name]:.2f}"
            is_best = row[measure_name] == best[m, quantity]
            texts.append(f"**{text}**" if is_best else text)
        lines.append(f"| {m} | {method} | " + " | ".join(texts) + " |")
    return lines


def describe_dominating(rows: list[Row]) -> list[str]:
    """Return the table without the dominating points, if there are any."""
    counts = {row["quantity"]: row["n_dominating"] for row in rows}
    where = [f"{n} for {quantity}" for quantity, n in counts.items() if n]
    if not where:
        return []
    return [
        "",
        f"R^2 without the points that dominate ({', '.join(where)}):",
        "",
        *format_table(rows, "r2_others"),
    ]


def write_page(out: Path, rows: list[Row], ceilings: dict[str, Row]) -> None:
    lines = ["# How many draws an estimator needs", ""]
    lines += [
        "Made by `python -m benchmarks.sample_efficiency` on "
        f"{describe_machine()}. Exact logistic regression; 500 points; fitted on m "
        "draws with sizes uniform on 100..1000, judged by 1,000 draws at each size; "
        "means over five repetitions. R^2 is 1 - mean squared error / variance of the "
        "reference over points; negative means worse than no distinction between "
        "points. All measures with standard errors: `sample-efficiency.csv`.",
        "",
        "![Error by draws per point](sample-efficiency.png)",
        "",
        "Error under `log_loss`, without the points that dominate the variance.",
    ]
    for metric in METRICS:
        for name in LOADERS:
            group = [r for r in rows if (r["dataset"], r["metric"]) == (name, metric)]
            if not group:
                continue
            limits = ", ".join(
                f"{value:.3f} at {int(size):,}"
                for size, value in ceilings[f"{name} {metric}"].items()
            )
            lines += ["", f"## {name}, `{metric}`", ""]
            lines += [f"R^2; the true psi would reach {limits}.", ""]
            lines += format_table(group, "r2")
            lines += describe_dominating(group)
    lines += ["", "## Draws against Monte Carlo", ""]
    lines += [
        "R^2 of Shapley values by the default at m draws, and by the plain mean of "
        "more.",
        "",
        "| dataset | metric | m | R^2 | draws of Monte Carlo | R^2 |",
        "|---|---|---|---|---|---|",
    ]
    for share in draw_shares(rows):
        lines.append(
            f"| {share['dataset']} | `{share['metric']}` | {share['m']} | "
            f"{share['r2']:.3f} | {share['monte_carlo_m']} | "
            f"{share['monte_carlo_r2']:.3f} |"
        )
    (out / "sample-efficiency.md").write_text("\n".join(lines) + "\n")


def plot_errors(rows: list[Row], path: Path) -> None:
    """Draw 1 - R^2 over m: a row for each dataset, a column for each quantity."""
    from matplotlib import pyplot as plt

    chosen = [row for row in rows if row["metric"] == METRICS[0]]
    names = list(dict.fromkeys(row["dataset"] for row in chosen))
    quantities = ("359", "1000", "5000", SHAPLEY)
    figure, axes = plt.subplots(
        len(names),
        len(quantities),
        figsize=(10, 2.1 * len(names)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    methods = [MONTE_CARLO, *METHODS]
    for i, name in enumerate(names):
        for j, quantity in enumerate(quantities):
            ax = axes[i, j]
            title = quantity if quantity == SHAPLEY else f"psi at {int(quantity):,}"
            ax.set_title(f"{name}, {title}", fontsize=9)
            for place, method in enumerate(methods):
                line = [
                    (row["m"], 1 - row["r2_others"])
                    for row in chosen
                    if (row["dataset"], row["quantity"], row["method"])
                    == (name, quantity, method)
                ]
                if line:
                    ax.plot(*zip(*line, strict=True), f"C{place}o-", ms=3, label=method)
            ax.set(xscale="log", yscale="log", ylim=(0.005, 3))
            ax.set_visible(ax.has_data())
            ax.grid(alpha=0.3)
    for ax in axes[-1]:
        ax.set_xlabel("draws per point, m")
    for ax in axes[:, 0]:
        ax.set_ylabel("1 - R$^2$")
    handles, labels = axes[0, -1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    figure.savefig(path, dpi=150)


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
    rows: list[Row] = []
    ceilings: dict[str, Row] = {}
    for metric in asked.metric:
        for name in asked.dataset:
            if not ledger_path(asked.folder, name, metric, "fit").exists():
                print(f"{name}, {metric}: no references are drawn")
                continue
            group: list[Row] = []
            for method in (MONTE_CARLO, *METHODS):
                judged, ceilings[f"{name} {metric}"] = read_or_judge(
                    asked.parts, asked.folder, name, metric, method
                )
                group += judged
            rows += sorted(group, key=lambda row: int(row["m"]))
    with (asked.out / "sample-efficiency.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    write_page(asked.out, rows, ceilings)
    plot_errors(rows, asked.out / "sample-efficiency.png")
    ahead = list(draw_shares(rows))
    print(f"{sum(s['is_ahead'] for s in ahead)} of {len(ahead)} rows ahead of plain")


if __name__ == "__main__":
    main()
