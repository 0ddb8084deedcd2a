"""``data-scaling info``: what a ledger holds and how far it is."""

from pathlib import Path
from typing import Annotated

import typer

from data_scaling.cli.text import count, list_pairs
from data_scaling.ledger import describe_ledger


def info(
    ledger: Annotated[Path, typer.Argument(help="A ledger of draws.")],
) -> None:
    """Say what a ledger holds, how far it is and which draws failed.

    Example: data-scaling info runs/adult/draws.ledger
    """
    summary = describe_ledger(ledger)
    header = summary.header
    print(
        list_pairs(
            {
                "ledger": f"{summary.path} ({summary.n_bytes / 1e6:.1f} MB)",
                "dataset": f"{header.dataset}, {count(header.n_pool, 'point')}",
                "learner": header.description,
                "metric": f"{header.metric} ({header.unit})",
                "plan": header.plan.to_json(),
                "drawn": f"{summary.n_coalitions:,} of {header.n_coalitions:,} "
                f"coalitions, for {count(header.points_per_coalition, 'point')} each",
                "failed": f"{summary.n_failed:,} of {count(summary.n_drawn, 'draw')}",
            }
        )
    )
    for reason, times in summary.failures.items():
        print(f"  {times:,} times: {reason}")
