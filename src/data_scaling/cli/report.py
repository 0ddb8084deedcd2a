"""``data-scaling report``: one page to look at a run."""

from pathlib import Path
from typing import Annotated

import typer

from data_scaling.report import load_run, write_report


def report(
    run: Annotated[Path, typer.Argument(help="Folder that data-scaling run wrote to.")],
    out: Annotated[
        Path | None, typer.Option(help="File to write. [default: RUN/report.html]")
    ] = None,
) -> None:
    """Write one HTML page to explore a run with: which points matter at which size.

    The page holds all that it needs and opens from disk, without a network.

    Example: data-scaling report runs/breast_cancer
    """
    path = write_report(load_run(run), out or run / "report.html")
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB): open it in a browser.")
