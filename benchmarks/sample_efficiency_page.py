"""The page and the figure of the sample-efficiency benchmark."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.references import LOADERS
from data_scaling._machine import describe_machine

SHAPLEY = "Shapley"
MONTE_CARLO = "Monte Carlo"
DEFAULT = "expansion"
METRICS = ("log_loss", "softmax_log_loss")
# Draws by which the default is to be ahead of Monte Carlo.
SAVING = {"log_loss": 2, "softmax_log_loss": 5}
# The default is to be the best up to so many draws, from such a size on.
MOST_DRAWS, LEAST_SIZE = 50, 359
# A difference of R^2 that is passed over.
LEVEL = 0.01
Row = dict[str, Any]
FORMER = (
    "Kept from an earlier run (commit f8524d4): the default was then the expansion "
    "alone, without the mean with laws of a single term."
)
WHY_NOT = """
## Why not more

*Beyond the drawn sizes* the form of a law is the limit, not the draws: the tables of
what the form allows hold for draws without end. On Adult rare features meet their
first rows only in coalitions of thousands, and none of the expansions that are fitted
to all reference draws of 100..1000 reaches an R^2 of 0.75 at 5,000.

*Inside them*, at 50 draws and more, what is left is the bend that two terms cannot say
(psi 359 on Adult): richer powers say it, and are worse elsewhere until the draws are
hundreds. At fewer draws the default is about as good as means of m draws at that one
size would be, each shrunk by the best factor
(`python -m benchmarks.shared_shocks`, [method.md](method.md)).

*Against the plain mean*: with the variance S of psi over points and n of a draw, the
mean of m draws has the error n/m, and the best shrinkage of it S (n/m) / (S + n/m).
That is half of it, as twice the draws would have, only where n/m is at least S, and the
plain mean's R^2 is below 0: where the mean of m draws already tells points apart, no
prior that treats points alike saves half of the draws, and none saves four fifths
unless n/m is at least 4 S. What the default saves there comes from weighing sizes: the
plain mean takes the noisy small ones in full."""


def write_page(
    out: Path, rows: list[Row], ceilings: dict[str, Row], forms: dict[str, list[Row]]
) -> None:
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
    lines += describe_places(rows)
    for metric in METRICS:
        for name in LOADERS:
            group = [r for r in rows if (r["dataset"], r["metric"]) == (name, metric)]
            if not group:
                continue
            key = f"{name} {metric}"
            lines += ["", f"## {name}, `{metric}`", ""]
            if key in ceilings:
                limits = ", ".join(
                    f"{value:.3f} at {int(size):,}"
                    for size, value in ceilings[key].items()
                )
                lines += [f"R^2; the true psi would reach {limits}.", ""]
            else:
                lines += [FORMER, ""]
            lines += format_table(group, "r2")
            lines += describe_dominating(group)
            lines += format_forms(forms[key]) if key in forms else []
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
    lines += WHY_NOT.splitlines()
    (out / "sample-efficiency.md").write_text("\n".join(lines) + "\n")


def find_behind(cells: dict[Any, dict[str, Row]]) -> list[tuple[Any, ...]]:
    """Return where the default is behind: the gap, its error, the cell, both rows."""
    behind = []
    for key, group in cells.items():
        best = max(group.values(), key=lambda row: float(row["r2_others"]))
        own = group[DEFAULT]
        gap = best["r2_others"] - own["r2_others"]
        if gap > LEVEL:
            error = (best["r2_others_std"] ** 2 + own["r2_others_std"] ** 2) ** 0.5
            behind.append((gap, error, key, own, best))
    return behind


def describe_places(rows: list[Row]) -> list[str]:
    """Return where the default is the best, and a table of where it is not."""
    cells: dict[tuple[Any, ...], dict[str, Row]] = {}
    elsewhere: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in rows:
        quantity = row["quantity"]
        is_asked = quantity == SHAPLEY or int(quantity) >= LEAST_SIZE
        place = cells if row["m"] <= MOST_DRAWS and is_asked else elsewhere
        key = (row["dataset"], row["metric"], row["m"], quantity)
        place.setdefault(key, {})[row["method"]] = row
    behind, others = find_behind(cells), find_behind(elsewhere)
    n_noise = sum(gap <= 2 * error for gap, error, *_ in behind)
    clear = [place for place in others if place[0] > 2 * place[1]]
    n_best = sum(
        max(group, key=lambda name: float(group[name]["r2_others"])) == DEFAULT
        for group in cells.values()
    )
    lines = [
        "",
        "## Where the default is the best",
        "",
        f"Of {len(cells)} cells with m up to {MOST_DRAWS}, psi from {LEAST_SIZE} on or "
        f"the Shapley value, the default has the highest R^2 (without points that "
        f"dominate) in {n_best}, and is behind by more than {LEVEL} in {len(behind)}; "
        f"in {n_noise} of these by less than two standard errors of the difference "
        f"over the five repetitions. Of the {len(elsewhere)} others (smaller sizes, "
        f"more draws) it is behind by more than {LEVEL} in {len(others)}, and by more "
        f"than two standard errors in {len(clear)} of them, which are listed too:",
        "",
        "| dataset | metric | m | what | default | best | by | behind | error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for gap, error, (name, metric, m, quantity), own, best in sorted(
        behind + clear, key=lambda place: -place[0]
    ):
        what = quantity if quantity == SHAPLEY else f"psi {int(quantity):,}"
        lines.append(
            f"| {name} | `{metric}` | {m} | {what} | {own['r2_others']:.2f} | "
            f"{best['r2_others']:.2f} | {best['method']} | {gap:.3f} | {error:.3f} |"
        )
    return lines


def format_forms(rows: list[Row]) -> list[str]:
    """Return what expansions could reach with draws without end."""
    quantities = list(dict.fromkeys(row["quantity"] for row in rows))
    heads = [q if q == SHAPLEY else f"psi {int(q):,}" for q in quantities]
    lines = [
        "",
        "What the form allows: R^2, without the points that dominate, of expansions "
        "fitted to the means of all reference draws up to 1,000.",
        "",
        "| powers | " + " | ".join(heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for powers in dict.fromkeys(tuple(row["powers"]) for row in rows):
        found = [r["r2_others"] for r in rows if tuple(r["powers"]) == powers]
        texts = " | ".join(f"{value:.2f}" for value in found)
        lines.append(f"| {', '.join(f'{p:g}' for p in powers)} | {texts} |")
    return lines


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


def plot_errors(rows: list[Row], methods: Sequence[str], path: Path) -> None:
    """Draw 1 - R^2 over m: a row for each dataset, a column for each quantity."""
    from matplotlib import pyplot as plt

    chosen = [row for row in rows if row["metric"] == rows[0]["metric"]]
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
