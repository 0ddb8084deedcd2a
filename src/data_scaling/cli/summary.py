"""What a run says at its end, for a person to read."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from data_scaling._text import count, duration
from data_scaling._typing import IntArray
from data_scaling.cli.text import (
    choose_unit,
    in_unit,
    list_columns,
)
from data_scaling.contributions import Contributions
from data_scaling.datasets import Dataset
from data_scaling.laws import FitStatus, ScalingLaws
from data_scaling.ranking import Ranking
from data_scaling.validation import Validation

N_SHOWN = 5
N_BEST = 100
# Shortfall of R² from which on a size is named.
MUCH_LESS = 0.25


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run has found, at the smallest and the largest size drawn."""

    data: Dataset
    contributions: Contributions
    laws: ScalingLaws
    ranking: Ranking
    validation: Validation | None
    sampling_time: float
    fitting_time: float


def summarise(result: RunResult) -> str:
    """Return the report of a run as paragraphs.

    Points are listed by the end of the interval that is nearer to 0, so that those
    which are hardly known do not come first; and the largest size comes before the
    smallest, where laws hold least.
    """
    paragraphs = [_describe_run(result)]
    for size in reversed(range(len(result.ranking.cardinality))):
        paragraphs += [
            _list_points(result, size, "Most valuable", result.ranking.surely_valuable),
            _list_points(result, size, "Most harmful", result.ranking.surely_harmful),
        ]
    paragraphs += [_describe_changes(result), _describe_fit(result)]
    return "\n\n".join(paragraphs)


def _describe_run(result: RunResult) -> str:
    data, draws = result.data, result.contributions
    sizes = f"{result.ranking.cardinality[0]:,.0f} to "
    sizes += f"{result.ranking.cardinality[-1]:,.0f}"
    n_all = draws.delta.size
    return "\n".join(
        [
            f"{data.name}: {count(data.n_points, 'point')} with "
            f"{count(data.n_features, 'feature')}, judged on "
            f"{count(len(data.x_val), 'validation point')}{_describe_split(data)}",
            f"{draws.learner}, {draws.metric} in {draws.unit}",
            f"{count(draws.n_draws, 'draw')} per point, coalitions of {sizes}: "
            f"{n_all:,} contributions, {draws.n_failed:,} failed; drawing or reading "
            f"them took {duration(result.sampling_time)}",
            *_describe_adjustment(draws),
            "psi is the expected contribution of a point to a model trained on so many "
            "others; rows count from 0",
        ]
    )


def _describe_adjustment(draws: Contributions) -> list[str]:
    """Say how much of the draws' variance was removed, if they were adjusted."""
    if draws.variance_removed is None:
        return []
    if not draws.variance_removed.any():
        return ["not adjusted: nothing of the draws' variance was removed"]
    low, middle, high = np.quantile(draws.variance_removed, [0.1, 0.5, 0.9])
    return [
        f"adjusted: {middle:.0%} of the variance of the typical point's draws was "
        f"removed ({low:.0%} to {high:.0%} for eight points in ten)"
    ]


def _describe_split(data: Dataset) -> str:
    """Say what share of the rows each part has."""
    n_test = 0 if data.x_test is None else len(data.x_test)
    sizes = [data.n_points, len(data.x_val), n_test]
    shares = [f"{size / sum(sizes):.0%}" for size in sizes if size]
    kept = f"; {count(n_test, 'test point')} kept apart" if n_test else ""
    return f"{kept} ({' / '.join(shares)} of the rows)"


def _list_points(
    result: RunResult, size: int, what: str, pick: Callable[[int, int], IntArray]
) -> str:
    """List the points that are picked at a size, with intervals and labels."""
    ranking, other = result.ranking, -1 if size == 0 else 0
    k, other_k = ranking.cardinality[size], ranking.cardinality[other]
    rows = pick(size, N_SHOWN)
    if not len(rows):
        return f"{what} at {k:,.0f} points: none surely; draw more."
    power = choose_unit(ranking.psi[rows, size])
    labels = result.data.target_names(ranking.points[rows])
    lines = [
        [
            str(result.data.row_ids[ranking.points[row]]),
            label,
            in_unit(ranking.psi[row, size], power),
            f"{in_unit(ranking.low[row, size], power)} to "
            f"{in_unit(ranking.high[row, size], power)}",
            f"{ranking.rank[row, size]:,}",
            f"{ranking.rank[row, other]:,}",
        ]
        for row, label in zip(rows, labels, strict=True)
    ]
    ranks = [f"rank at {size:,.0f}" for size in (k, other_k)]
    header = ["row", "label", "psi", "95 % interval", *ranks]
    unit = result.contributions.unit
    scale = f"1e{power:+03d} {unit}" if power else unit
    heading = f"{what} at {k:,.0f} points, the surest first (psi in {scale})"
    return f"{heading}\n{list_columns(header, lines)}"


def _describe_changes(result: RunResult) -> str:
    """Say how the ranking at the largest size differs from that at the smallest."""
    ranking = result.ranking
    first, last = (f"{k:,.0f}" for k in ranking.cardinality[[0, -1]])
    n_best = min(N_BEST, ranking.n_ranked // 10 or 1)
    lines = [
        f"From {first} to {last} points the ranking changes: rank correlation "
        f"{ranking.rank_correlation():.2f}; {ranking.shared_best(n_best)} of the "
        f"{n_best} most valuable stay among them."
    ]
    movers = ranking.movers()
    for verb, rows in (("climb", movers[:3]), ("fall", movers[::-1][:3])):
        places = [_describe_move(result, row) for row in rows]
        lines.append(f"Of the best tenth, {verb} most: {'; '.join(places)}.")
    return "\n".join(lines)


def _describe_move(result: RunResult, row: int) -> str:
    ranking = result.ranking
    first, last = ranking.rank[row, 0], ranking.rank[row, -1]
    name = result.data.row_ids[ranking.points[row]]
    return f"row {name} (rank {first:,} to {last:,})"


def _describe_fit(result: RunResult) -> str:
    """Say how the fits ended, and how well the laws predict draws of their own."""
    statuses = Counter(FitStatus(value).label for value in result.laws.status)
    parts = ", ".join(f"{n:,} {label}" for label, n in statuses.most_common())
    lines = [
        f"{count(len(result.laws), 'law')} in {duration(result.fitting_time)}: {parts}"
    ]
    validation = result.validation
    if validation is None:
        lines.append("The laws were not tested on draws of their own.")
        return "\n".join(lines)
    draws = int(np.median(validation.n_draws))
    lines.append(
        f"Tested on {count(len(validation.points), 'point')} at "
        f"{count(len(validation.cardinality), 'size')} with about {draws:,} fresh "
        f"draws each: R² {validation.r2_pooled:.3f} over all"
    )
    lines.append(_list_r2(validation))
    lines += _warn_of_poor_sizes(validation)
    return "\n".join(lines)


def _list_r2(validation: Validation) -> str:
    """List R² at each size, beside what true laws would be expected to reach."""
    sizes = [f"{k:,.0f}" for k in validation.cardinality]
    rows = [
        ["R²", *(f"{value:.2f}" for value in validation.r2)],
        ["of true laws", *(f"{value:.2f}" for value in validation.r2_ceiling)],
        ["intervals hold", *(f"{value:.0%}" for value in validation.coverage)],
    ]
    return list_columns(["size", *sizes], rows)


def _warn_of_poor_sizes(validation: Validation) -> list[str]:
    """Say at which sizes the laws explain much less than true ones would."""
    poor = validation.r2_ceiling - validation.r2 > MUCH_LESS
    if not poor.any():
        return []
    sizes = ", ".join(f"{k:,.0f}" for k in validation.cardinality[poor])
    return [
        f"At {sizes} points the laws explain much less than true ones would: do not "
        "trust ranks and intervals there. More draws help, or a larger smallest size."
    ]
