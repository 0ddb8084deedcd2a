"""The page of adjusted draws: its text, and the tables of their benchmark."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.described_page import write_refits
from benchmarks.gains import (
    MEANS,
    METHODS,
    QUANTITIES,
    Row,
    average_gain,
    doubt,
    list_errors,
    ratio,
    write_gain,
)
from benchmarks.references import BEYOND
from benchmarks.sample_efficiency_page import MONTE_CARLO

TEXT = Path(__file__).with_name("adjustment_page.md")
# Numbers of points valued, of which all of a smaller dataset count as the second.
POINTS = (500, 10_000)
# What has an estimate of every quantity.
LAWS = METHODS[2:]
# Gains below are losses that count.
WORSE = 0.95


def write_page(folder: Path, out: Path) -> None:
    """Write the page and its figure, from what has been measured so far."""
    runs = [
        json.loads(path.read_text())
        for path in sorted(folder.glob("*-adjustment.json"))
    ]
    refits = [
        json.loads(path.read_text()) for path in sorted(folder.glob("*-refits.json"))
    ]
    lines = [TEXT.read_text().rstrip(), ""]
    if runs:
        lines += describe_runs(runs)
        for run in runs:
            lines += ["", f"### {run['dataset']}, `{run['metric']}`"]
            lines += write_tables(run)
        plot_gains(runs, out / "adjustment.png")
    if refits:
        lines += write_refits(refits)
    (out / "adjustment.md").write_text("\n".join(lines) + "\n")


def describe_runs(runs: list[Row]) -> list[str]:
    machine = runs[0]["machine"].partition("; load")[0]
    smaller = {
        run["dataset"]: run["n_pool"] for run in runs if run["n_pool"] < POINTS[1]
    }
    all_of = " and ".join(f"{n:,} of {name}" for name, n in smaller.items())
    fewer = {
        f"{run['n_reference']:,} of {run['dataset']}"
        for run in runs
        if run["n_reference"] < runs[0]["n_reference"]
    }
    return [
        f"Made by `python -m benchmarks.adjustment` on {machine}. Exact logistic "
        "regression, quick draws; 500 points, five repetitions; squared errors against "
        f"{runs[0]['n_reference']:,} draws at each of the three sizes "
        f"({', '.join(sorted(fewer)) or 'of all datasets'}), whose own noise is "
        "subtracted, and of Shapley values against the ten sizes of the reference. "
        f"With 10,000 points valued are meant all of a smaller dataset ({all_of}). "
        "Gains say by how many "
        "times adjusting lowers the error, at equal draws or at equal time. Errors are "
        "means over the points that do not hold more than a fifth of the variance of "
        "the reference alone, or medians over points, which a few points of large "
        "leverage do not make.",
        "",
        "The mean of m draws at one size, plain against adjusted, at equal time: "
        "ratios of the errors of m = 10, 20, 50, 100, each times m, together (by the "
        "mean over points / by the median); judged by the draws at that size which the "
        "repetition did not take. A dash stands here and below where an error is below "
        "the noise of the reference.",
        "",
        *summarise_means(runs),
        "",
        "Over all runs, m and quantities, by the mean over points; with draws of "
        "sizes uniform on 100..1000 for all methods but the first. Averaging is "
        "a/k + b/k² by least squares, each point alone; Monte Carlo is the mean of all "
        "draws, for Shapley values. Where equal time is more than "
        "300 plain draws, repetitions share some of them. A cell is worse for certain "
        "if it is so by two standard errors (jackknife over repetitions).",
        "",
        *count_worse(runs),
        "",
        "Of the errors that Monte Carlo, averaging, likelihood and hierarchical leave "
        "of m draws, plain or adjusted, how many are least where hierarchical takes "
        "adjusted draws, or within 5 % of the least; and how many are above the least "
        "by more than 5 % and two standard errors of their difference, though the "
        "least of several is favoured by chance; and on how many datasets and metrics "
        "the geometric mean of the errors of all four quantities is least there:",
        "",
        *count_best(runs),
        "",
        "Beyond the sizes drawn, by how many times adjusting lowers the error of "
        "hierarchical, at equal draws / at equal time where 10,000 points are valued:",
        "",
        *write_beyond(runs),
        "",
        "![By how much adjusting lowers errors](adjustment.png)",
        "",
        "*Shapley values by hierarchical laws: median squared error of plain draws "
        "over that of adjusted ones, at equal time. Below 1 plain draws would be "
        "better.*",
    ]


def summarise_means(runs: list[Row]) -> list[str]:
    """Return the table of the gains of means at one size, at equal time."""
    sizes = [quantity for quantity in QUANTITIES if quantity != "Shapley"]
    columns = " | ".join(f"psi {size}" for size in sizes)
    lines = [
        "| dataset | metric | points valued | base draw, in draws | base draws each | "
        f"{columns} |",
        "|---|---|---|---|---|" + "---|" * len(sizes),
    ]
    for run in filter(has_means, runs):
        for case in run["cases"]:
            cost = case["base_draw"] / case["draw"]
            cells = [
                " / ".join(
                    write_gain(average_gain(case, f"{MEANS}|{size}|{measure}"))
                    for measure in ("others", "median")
                )
                for size in sizes
            ]
            lines.append(
                f"| {run['dataset']} | `{run['metric']}` | {case['n_points']:,} | "
                f"{cost:.3f} | {case['n_each']} | " + " | ".join(cells) + " |"
            )
    return lines


def has_means(run: Row) -> bool:
    """Say whether there are means at one size."""
    return any(name.startswith(MEANS) for name in run["cases"][0]["rows"][0])


def count_worse(runs: list[Row]) -> list[str]:
    """Return the table of how many cells adjusting makes worse, and how much better."""
    lines = [
        "| points valued | method | against | median gain | least | most | "
        "cells worse by over 5 % | of them for certain |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for n_points in POINTS:
        for method in METHODS:
            for kind in ("plain", "same time"):
                found = list_gains(runs, n_points, method, kind)
                if not found:
                    continue
                gains, errors = np.array(found).T
                against = "equal draws" if kind == "plain" else "equal time"
                worse = gains < WORSE
                certain = worse & (np.log(gains) + 2.0 * errors < np.log(WORSE))
                lines.append(
                    f"| {n_points:,} | {method} | {against} | {np.median(gains):.1f} | "
                    f"{min(gains):.2f} | {max(gains):.1f} | {worse.sum()} of "
                    f"{len(gains)} | {certain.sum()} |"
                )
    return lines


def count_best(runs: list[Row]) -> list[str]:
    """Return the table of how often hierarchical on adjusted draws is the best row."""
    draws = sorted({row["n_draws"] for row in runs[0]["cases"][0]["rows"]})
    lines = [
        "| m | least | within 5 % | of | behind for certain | least of all quantities "
        "together | of |",
        "|---|---|---|---|---|---|---|",
    ]
    cases = [
        case for run in runs for case in run["cases"] if case["n_points"] == POINTS[0]
    ]
    for n_draws in draws:
        behind = [
            find_behind(case["rows"], n_draws, quantity)
            for case in cases
            for quantity in QUANTITIES
        ]
        least, near = (sum(low <= most for low, _ in behind) for most in (1.0, 1.05))
        certain = sum(is_certain for _, is_certain in behind)
        first = sum(is_first(case["rows"], n_draws) for case in cases)
        lines.append(
            f"| {n_draws} | {least} | {near} | {len(behind)} | {certain} | {first} | "
            f"{len(cases)} |"
        )
    return lines


def write_beyond(runs: list[Row]) -> list[str]:
    """Return the table of gains at sizes above those drawn."""
    draws = sorted({row["n_draws"] for row in runs[0]["cases"][0]["rows"]})
    lines = [
        "| dataset | metric | size | " + " | ".join(f"m = {m}" for m in draws) + " |",
        "|---|---|---|" + "---|" * len(draws),
    ]
    for run in runs:
        (rows,) = (c["rows"] for c in run["cases"] if c["n_points"] == POINTS[1])
        for size in BEYOND:
            name = f"hierarchical|{size}"
            if f"{name}|others" not in rows[0]:
                continue
            cells = [write_gains(rows, m, f"{name}|others") for m in draws]
            about = f"| {run['dataset']} | `{run['metric']}` | {size:,} | "
            lines.append(about + " | ".join(cells) + " |")
    return lines


def list_competitors(
    rows: list[Row], n_draws: int, quantity: str, methods: Sequence[str]
) -> tuple[Any, list[Any]]:
    """Return the errors of hierarchical on adjusted draws, and of all others.

    Methods without an estimate of the quantity are left out.
    """

    def errors(method: str, kind: str) -> Any:
        name = f"{method}|{quantity}|others"
        return np.array(list(list_errors(rows, n_draws, name, kind).values()))

    others = [
        errors(method, kind)
        for method in methods
        for kind in ("plain", "adjusted")
        if f"{method}|{quantity}|others" in rows[0]
        and (method, kind) != ("hierarchical", "adjusted")
    ]
    return errors("hierarchical", "adjusted"), others


def is_first(rows: list[Row], n_draws: int) -> bool:
    """Say whether hierarchical on adjusted draws has the least errors altogether.

    That is, the least geometric mean of the errors of all quantities. It is not where
    an error, be it another's, is below the reference's noise.
    """
    found = [list_competitors(rows, n_draws, quantity, LAWS) for quantity in QUANTITIES]
    means = np.array(
        [[np.mean(one) for one in (own, *others)] for own, others in found]
    )
    if np.any(means <= 0.0):
        return False
    own, *others = np.mean(np.log(means), axis=0)
    return bool(own <= min(others))


def find_behind(rows: list[Row], n_draws: int, quantity: str) -> tuple[float, bool]:
    """Return the error of hierarchical on adjusted draws over the least of the others.

    Also whether it is larger, by 5 % and two standard errors over repetitions. The
    ratio is NaN where the least is below the reference's noise.
    """
    own, others = list_competitors(rows, n_draws, quantity, (MONTE_CARLO, *LAWS))
    best = min(others, key=lambda error: float(np.mean(error)))
    apart = own - best
    margin = 2.0 * np.std(apart, ddof=1) / np.sqrt(len(apart))
    is_certain = bool(np.mean(apart) > max(margin, 0.05 * np.mean(best)))
    least = float(np.mean(best))
    return float(np.mean(own)) / least if least > 0 else np.nan, is_certain


def list_gains(
    runs: list[Row], n_points: int, method: str, kind: str
) -> list[tuple[float, float]]:
    """Return the gains of all runs, m and quantities, and the errors of their logs."""
    gains = [
        (
            ratio(case["rows"], n_draws, name, kind),
            doubt(case["rows"], n_draws, name, kind),
        )
        for run in runs
        for case in run["cases"]
        if case["n_points"] == n_points
        for n_draws in sorted({row["n_draws"] for row in case["rows"]})
        for quantity in QUANTITIES
        for name in [f"{method}|{quantity}|others"]
    ]
    return [gain for gain in gains if np.isfinite(gain[0])]


def write_tables(run: Row) -> list[str]:
    lines: list[str] = []
    for case in run["cases"]:
        rows, n_each = case["rows"], case["n_each"]
        cost = case["base_draw"] / case["draw"]
        removed = np.mean([r["removed"] for r in rows if "removed" in r])
        lines += [
            "",
            f"With {case['n_points']:,} points valued a base draw costs {cost:.3f} "
            f"draws; {n_each} of them for each draw; {removed:.0%} of the typical "
            f"point's variance removed; m draws take the time of "
            f"{1 + cost * (1 + n_each):.1f} m.",
            "",
        ]
        columns = [f"{n if n == 'Shapley' else 'psi ' + n}" for n in QUANTITIES]
        lines.append("| m | method | " + " | ".join(columns) + " |")
        lines.append("|---|---|" + "---|" * len(columns))
        for n_draws in sorted({r["n_draws"] for r in rows}):
            for method in METHODS if has_means(run) else METHODS[1:]:
                cells = [
                    write_cell(rows, n_draws, f"{method}|{quantity}")
                    for quantity in QUANTITIES
                ]
                lines.append(f"| {n_draws} | {method} | " + " | ".join(cells) + " |")
    return lines


def write_cell(rows: list[Row], n_draws: int, quantity: str) -> str:
    if f"{quantity}|others" not in rows[0]:
        return ""
    mean, median = (
        write_gains(rows, n_draws, f"{quantity}|{measure}")
        for measure in ("others", "median")
    )
    return f"{mean} (median {median})"


def write_gains(rows: list[Row], n_draws: int, quantity: str) -> str:
    """Return the gains at equal draws and at equal time."""
    return " / ".join(
        write_gain(ratio(rows, n_draws, quantity, kind))
        for kind in ("plain", "same time")
    )


def plot_gains(runs: list[Row], path: Path) -> None:
    """Draw the gain at equal time over m, a panel for each number of points."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        1, 2, figsize=(9, 3.6), sharey=True, layout="constrained"
    )
    datasets = sorted({run["dataset"] for run in runs})
    for ax, n_points in zip(axes, POINTS, strict=True):
        for run in runs:
            place = datasets.index(run["dataset"])
            (case,) = (c for c in run["cases"] if c["n_points"] == n_points)
            draws = sorted({r["n_draws"] for r in case["rows"]})
            name = "hierarchical|Shapley|median"
            gains = [ratio(case["rows"], m, name, "same time") for m in draws]
            label = f"{run['dataset']}, {run['metric']}"
            style = "--" if run["metric"] != "log_loss" else "-"
            ax.plot(draws, gains, f"C{place}o{style}", ms=3, label=label)
        ax.axhline(1, color="0.5", lw=0.8)
        ax.set(
            title=f"{n_points:,} points valued",
            xlabel="draws per point, m",
            xscale="log",
            yscale="log",
        )
        ax.set_xticks(draws, draws)
        ax.set_yticks([1, 2, 4, 8], [1, 2, 4, 8])
        ax.minorticks_off()
        ax.grid(alpha=0.3)
    axes[0].set_ylabel(
        "Shapley values: median squared\nerror, plain / adjusted, equal time"
    )
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8
    )
    figure.savefig(path, dpi=150)
