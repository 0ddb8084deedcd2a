"""``data-scaling combine``: merge the ledgers of parallel jobs into one."""

from pathlib import Path
from typing import Annotated

import typer

from data_scaling.cli.description import describe_summary
from data_scaling.ledger import combine_ledgers


def combine(
    out: Annotated[Path, typer.Argument(help="The merged ledger; added to if it is.")],
    ledgers: Annotated[
        list[Path], typer.Argument(metavar="IN...", help="The ledgers to merge.")
    ],
    skip_damaged: Annotated[
        bool,
        typer.Option(
            "--skip-damaged",
            help="Take what is sound of damaged ledgers, instead of refusing them.",
        ),
    ] = False,
) -> None:
    """Merge ledgers of one plan into one.

    Draws that several ledgers hold must be the same. Merging again changes nothing;
    interrupted and started again, it goes on.

    Example: data-scaling combine adult.ledger shard1.ledger shard2.ledger
    """
    print(describe_summary(combine_ledgers(out, ledgers, skip_damaged=skip_damaged)))
