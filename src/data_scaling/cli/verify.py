"""``data-scaling verify``: check every segment of a ledger."""

from pathlib import Path
from typing import Annotated

import typer

from data_scaling._text import count
from data_scaling.cli.description import describe_shard
from data_scaling.ledger import verify_ledger


def verify(
    ledger: Annotated[Path, typer.Argument(help="A ledger of draws.")],
) -> None:
    """Read every segment of a ledger and check it against its checksum.

    It ends with status 1 if a segment is not what was written.

    Example: data-scaling verify runs/adult/draws.ledger
    """
    check = verify_ledger(ledger)
    print(
        f"{ledger}, {describe_shard(check.header)}: "
        f"{count(check.n_segments, 'segment')} with "
        f"{count(check.n_coalitions, 'coalition')} are as they were written"
    )
    if check.is_sound:
        return
    print(f"{count(len(check.faults), 'fault')}:")
    for fault in check.faults:
        print(f"  {fault}")
    print(
        f"To keep what is sound: data-scaling combine NEW {ledger} --skip-damaged. "
        "Then draw into NEW what is missing."
    )
    raise typer.Exit(1)
