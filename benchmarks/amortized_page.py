"""The page of the amortized estimator: its text, and the tables of its benchmarks."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

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
Key = tuple[str, str, int, str]
Cells = dict[Key, Row]
Groups = dict[Key, dict[int, Row]]


def read_groups(parts: Path) -> Groups:
    """Return the rows of all repetitions, by dataset, part, m and method."""
    groups: Groups = {}
    for path in sorted(parts.glob("*.json")):
        for row in json.loads(path.read_text()):
            key = (row["dataset"], row["part"], row["m"], row["method"])
            groups.setdefault(key, {})[row["repetition"]] = row
    for name, part, m, method in list(groups):
        # The paper's network takes no account of a point's own draws.
        key = (name, part, 0, PAPER)
        if part == "held out" and method == PLAIN and key in groups:
            groups[name, part, m, PAPER] = groups[key]
    return groups


def _average(group: list[Row]) -> Row:
    numbers = [name for name, v in group[0].items() if isinstance(v, (int, float))]
    averages: Row = {
        name: float(np.mean([row[name] for row in group])) for name in numbers
    }
    commits = " ".join(sorted({row["commit"] for row in group}))
    return averages | {"n_repetitions": len(group), "commits": commits}


def write_page(parts: Path, out: Path) -> None:
    """Write the page and all numbers, from what has been judged so far."""
    groups = read_groups(parts)
    cells = {key: _average(list(group.values())) for key, group in groups.items()}
    (out / "amortized.csv").write_text(_write_csv(cells))
    lines = [TEXT.read_text().rstrip(), ""]
    if cells:
        lines += ["", *_summarise(cells, groups)]
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


def _summarise(cells: Cells, groups: Groups) -> list[str]:
    """Return what the tables come to, counted."""
    found = list(_list_comparisons(cells, groups))
    best = [one.lead >= -_ALIKE for one in found]
    ahead = [one.is_above_plain for one in found]
    telling = [one.is_above_plain for one in found if one.alone > _TELLING]
    behind = [one for one in found if one.is_told and one.lead < 0]
    surely_ahead = [one for one in found if one.is_told and one.lead > 0]
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
        f"{_TELLING}, in {_count(telling)}. Where its difference from the best other "
        "is more than repetitions leave open (Student's t, 5 %: were all methods "
        f"alike, {0.025 * len(found):.0f} cells or more would be behind, as the best "
        "of four is favoured by chance), it is ahead in "
        f"{len(surely_ahead)} cells and behind in {len(behind)}"
        + (":" if behind else "."),
        *(["", *(one.tell() for one in behind)] if behind else []),
        "",
        *_tell_limit(cells, found),
        "",
        "A cell is the R² of psi at 359 or of the Shapley value over 100..1000, by "
        "references of 1,000 draws at each of ten sizes; rho is Spearman's. m is the "
        "number of draws of each point; with 0, the law is the network's. Repetitions, "
        f"with other draws, halves and seeds: {n_repetitions:.0f}. What lacks was not "
        "run yet. All numbers: [amortized.csv](amortized.csv). Made by `python -m "
        f"benchmarks.amortized`, commit {commits}.",
    ]


def _tell_limit(cells: Cells, found: "list[Comparison]") -> list[str]:
    """Say how many cells the best weight would win, and how few points decide."""
    shares = [
        row[f"{name}_top_share"]
        for (_, _, m, method), row in cells.items()
        for name in ("psi", "shapley")
        if method == OURS and m >= 5
    ]
    best = [one.best_lead >= -_ALIKE for one in found]
    low, middle, high = np.quantile(shares, [0.1, 0.5, 0.9])
    return [
        "Had the truth itself chosen the weight of the networks in each cell and "
        "repetition, the mixture would be as good as the best of the others in "
        f"{_count(best)}: so much is open to any choice of weights. The best of the "
        "others is another one from cell to cell, and a cell's R² is that of few "
        "points: of the squared error, the largest 2 % of the points hold "
        f"{middle:.0%} (in a tenth of the cells less than {low:.0%}, in a tenth more "
        f"than {high:.0%}).",
    ]


@dataclass(frozen=True)
class Comparison:
    """Our R2 beside the others' in one cell.

    Attributes
    ----------
    where, rival : str
        The cell, and which of the others is best.
    lead, error : float
        By how much we are above it, and the standard error of that over repetitions,
        NaN of one.
    n_repetitions : int
        Number of repetitions.
    best_lead : float
        By how much the mixture by the best weight is above it, on average.
    is_above_plain : bool
        Whether we are above the hierarchical fit.
    alone : float
        R2 of the network alone.
    """

    where: str
    rival: str
    lead: float
    error: float
    n_repetitions: int
    best_lead: float
    is_above_plain: bool
    alone: float

    @property
    def is_told(self) -> bool:
        """Whether the lead is beyond chance; never of one repetition."""
        least = stats.t.ppf(0.975, self.n_repetitions - 1) * self.error
        return bool(abs(self.lead) > _ALIKE and abs(self.lead) > least)

    def tell(self) -> str:
        return (
            f"- {self.where}: {self.lead:+.3f} ± {self.error:.3f} beside {self.rival}"
        )


def _list_comparisons(cells: Cells, groups: Groups) -> Iterator[Comparison]:
    for name, part, m, method in cells:
        if method != OURS or m < 5 or (name, part, m, PLAIN) not in cells:
            continue
        alone = cells.get((name, "held out", 0, OURS), {})
        for measure in ("psi_r2", "shapley_r2"):
            others = {
                key: row[measure]
                for key, row in cells.items()
                if key[:3] == (name, part, m) and key[3] != OURS and measure in row
            }
            rival = max(others, key=lambda key: others[key])
            mine, theirs = groups[name, part, m, OURS], groups[rival]
            leads = [mine[r][measure] - theirs[r][measure] for r in mine if r in theirs]
            cell = cells[name, part, m, OURS]
            own, mine_best = cell[measure], cell[f"{measure}_best_weight"]
            yield Comparison(
                where=f"{name}, {part}, m = {m}, {MEASURES[measure]}",
                rival=rival[3],
                lead=float(np.mean(leads)),
                error=float(np.std(leads, ddof=1) / np.sqrt(len(leads)))
                if len(leads) > 1
                else float("nan"),
                n_repetitions=len(leads),
                best_lead=mine_best - cells[rival][measure],
                is_above_plain=own > others[name, part, m, PLAIN],
                alone=alone.get(measure, 0.0),
            )


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
