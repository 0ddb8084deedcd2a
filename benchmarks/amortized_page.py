"""The page of the amortized estimator: its text, and the tables of its benchmarks."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

TEXT = Path(__file__).with_name("amortized_page.md")
SPEED = {
    "cpu": Path(__file__).with_name("amortized_speed.json"),
    "cuda": Path(__file__).with_name("amortized_speed_gpu.json"),
}
OURS, PLAIN = "amortized + hierarchical", "hierarchical"
PAPER = "amortized (paper)"
MEASURES = {
    "psi_r2": "psi 359, R²",
    "psi_rho": "rho",
    "shapley_r2": "Shapley, R²",
    "shapley_rho": "rho",
}
# Two rows are alike if their R² differ by less.
_ALIKE = 0.005
# Where the network alone reaches this R², it is to help.
_TELLING = 0.3
_CLOCKS = ("clock", "processor")
Row = dict[str, Any]
Cells = dict[tuple[str, str, int, str], Row]


def read_cells(parts: Path) -> Cells:
    """Return the means over repetitions, by dataset, part, m and method."""
    groups: dict[tuple[str, str, int, str], list[Row]] = {}
    for path in sorted(parts.glob("*.json")):
        for row in json.loads(path.read_text()):
            key = (row["dataset"], row["part"], row["m"], row["method"])
            groups.setdefault(key, []).append(row)
    cells = {key: _average(group) for key, group in groups.items()}
    for name, part, m, method in list(cells):
        # The paper's network takes no account of a point's own draws.
        key = (name, part, 0, PAPER)
        if part == "held out" and method == PLAIN and key in cells:
            cells[name, part, m, PAPER] = cells[key]
    return cells


def _average(group: list[Row]) -> Row:
    numbers = [name for name, v in group[0].items() if isinstance(v, (int, float))]
    averages: Row = {
        name: float(np.mean([row[name] for row in group])) for name in numbers
    }
    commits = " ".join(sorted({row["commit"] for row in group}))
    return averages | {"n_repetitions": len(group), "commits": commits}


def write_page(parts: Path, out: Path) -> None:
    """Write the page and all numbers, from what has been judged so far."""
    cells = read_cells(parts)
    (out / "amortized.csv").write_text(_write_csv(cells))
    lines = [TEXT.read_text().rstrip(), ""]
    if cells:
        lines += ["", *_summarise(cells)]
        for name in dict.fromkeys(key[0] for key in cells):
            lines += ["", f"### {name}", "", *_write_table(name, cells)]
    for device, path in SPEED.items():
        if path.exists():
            lines += ["", *_write_speed(json.loads(path.read_text()), device)]
    (out / "amortized.md").write_text("\n".join(lines) + "\n")


def _write_csv(cells: Cells) -> str:
    names = sorted({name for row in cells.values() for name in row} - {"m"})
    lines = [",".join(["dataset", "part", "m", "method", *names])]
    for key, row in cells.items():
        values = (_write_value(row.get(name, "")) for name in names)
        lines.append(",".join([*map(str, key), *values]))
    return "\n".join(lines) + "\n"


def _write_value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _write_table(name: str, cells: Cells) -> list[str]:
    """Return the rows of a dataset, the best R² of each part and m bold."""
    heads = ["points", "m", "estimator", *MEASURES.values()]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    own = {key: row for key, row in cells.items() if key[0] == name}
    for part in ("training", "held out"):
        for m in sorted({key[2] for key in own if key[1] == part}):
            group = {key[3]: own[key] for key in own if key[1:3] == (part, m)}
            if m and not {OURS, PLAIN} <= set(group):
                continue
            best = {
                measure: max(row.get(measure, -np.inf) for row in group.values())
                for measure in MEASURES
            }
            for method, row in group.items():
                texts = [_format(row, measure, best) for measure in MEASURES]
                lines.append(f"| {part} | {m} | {method} | " + " | ".join(texts) + " |")
    return lines


def _format(row: Row, measure: str, best: Row) -> str:
    if measure not in row:
        return ""
    text = f"{row[measure]:.3f}"
    return f"**{text}**" if row[measure] == best[measure] else text


def _summarise(cells: Cells) -> list[str]:
    """Return what the tables come to, counted."""
    rows = [key for key in cells if key[3] == OURS and key[2] >= 5]
    best, ahead, telling = [], [], []
    for name, part, m, _ in rows:
        group = {
            key[3]: row for key, row in cells.items() if key[:3] == (name, part, m)
        }
        alone = cells.get((name, "held out", 0, OURS), {})
        for measure in ("psi_r2", "shapley_r2"):
            found = group[OURS][measure]
            others = [
                row[measure]
                for method, row in group.items()
                if method != OURS and measure in row
            ]
            if PLAIN not in group:
                continue
            best.append(found >= max(others) - _ALIKE)
            if alone.get(measure, 0.0) > _TELLING:
                telling.append(found > group[PLAIN][measure])
            ahead.append(found > group[PLAIN][measure])
    commits = ", ".join(
        sorted({c for r in cells.values() for c in r["commits"].split()})
    )
    n_repetitions = max(row["n_repetitions"] for row in cells.values())
    return [
        "## What it reaches",
        "",
        f"With 5 draws or more, `{OURS}` is as good as the best of the others (to "
        f"{_ALIKE} of R²) in {_count(best)} cells of the tables below, and above "
        f"`{PLAIN}` in {_count(ahead)}; where the network alone has an R² above "
        f"{_TELLING}, in {_count(telling)}.",
        "",
        "A cell is the R² of psi at 359 or of the Shapley value over 100..1000, by "
        "references of 1,000 draws at each of ten sizes; rho is Spearman's. m is the "
        "number of draws of each point; with 0, the law is the network's. Repetitions, "
        f"with other draws, halves and seeds: {n_repetitions:.0f}. What lacks was not "
        "run yet. All numbers: [amortized.csv](amortized.csv). Made by `python -m "
        f"benchmarks.amortized`, commit {commits}.",
    ]


def _count(flags: Sequence[bool]) -> str:
    return f"{sum(flags)} of {len(flags)}"


def _write_speed(report: Row, device: str) -> list[str]:
    lines = [
        "## Speed" if device == "cpu" else "## Speed on a GPU",
        "",
        "| what | by the clock | by the processor |",
        "|---|---|---|",
    ]
    for row in report["rows"]:
        values = (f"{row[by]:,.3g}" if by in row else "" for by in _CLOCKS)
        lines.append("| " + " | ".join([row["what"], *values]) + " |")
    made = f"{report['machine']}; commit {report['commit']}"
    return [
        *lines,
        "",
        "A processor second is one core's; where it is much less than the clock's, "
        "other programs were running. "
        f"Made by `python -m benchmarks.amortized_speed --device {device}` on {made}.",
    ]
