"""``data-scaling info``: what a ledger holds and how far it is."""

from pathlib import Path
from typing import Annotated

import typer

from data_scaling.cli.description import describe_summary
from data_scaling.ledger import describe_ledger


def info(
    ledger: Annotated[Path, typer.Argument(help="A ledger of draws.")],
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="Show the learner's settings, the plan as JSON, and versions too.",
        ),
    ] = False,
) -> None:
    """Say what a ledger holds, how far it is, and which draws failed and why.

    Example: data-scaling info runs/adult/draws.ledger
    """
    print(describe_summary(describe_ledger(ledger), is_full=full))
