"""``data-scaling info``: what a ledger holds and how far it is."""

from pathlib import Path
from typing import Annotated

import typer

from data_scaling._text import count, duration
from data_scaling.cli.text import list_pairs
from data_scaling.ledger import LedgerSummary, describe_ledger


def info(
    ledger: Annotated[Path, typer.Argument(help="A ledger of draws.")],
) -> None:
    """Say what a ledger holds, how far it is, and which draws failed and why.

    Example: data-scaling info runs/adult/draws.ledger
    """
    print(describe(describe_ledger(ledger)))


def describe(summary: LedgerSummary) -> str:
    """Return a summary as aligned lines."""
    header = summary.header
    pairs = {
        "ledger": f"{summary.path} ({summary.n_bytes / 1e6:.1f} MB)",
        "dataset": f"{header.dataset}, {count(header.n_pool, 'point')}",
        "learner": header.description,
        "metric": f"{header.metric} ({header.unit})",
        "plan": header.plan.to_json(),
        "drawn": f"{summary.n_coalitions:,} of {header.n_coalitions:,} "
        f"coalitions, for {count(header.points_per_coalition, 'point')} each",
    }
    if header.n_base:
        pairs["base draws"] = f"{summary.n_base:,} of {header.n_base:,}"
    pairs["failed"] = f"{summary.n_failed:,} of {count(summary.n_drawn, 'draw')}"
    pairs["time"] = f"{duration(summary.seconds)} in the learner, over all jobs"
    if not summary.is_complete:
        left = summary.seconds_left
        pairs["left"] = (
            "not known yet"
            if left is None
            else f"{duration(left)}, at the pace of the last run"
        )
    lines = [list_pairs(pairs)]
    for reason, times in summary.failures.items():
        lines.append(f"  {times:,} times: {reason}")
    return "\n".join(lines)
