"""``data-scaling score``: laws of any number of rows by a trained network."""

from pathlib import Path
from typing import Annotated

import typer

from data_scaling.amortized import AmortizedEstimator, Scorer, score_parquet
from data_scaling.amortized.scoring import BATCH_ROWS
from data_scaling.cli.options import read_integers


def score(
    model: Annotated[
        Path, typer.Argument(help="File that AmortizedEstimator.save wrote.")
    ],
    source: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="A Parquet file, or a folder of them."),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="The Parquet file to write.")
    ],
    target: Annotated[
        str, typer.Option(help="Column that holds the label, or the target.")
    ] = "target",
    cardinalities: Annotated[
        str,
        typer.Option(metavar="K,K,...", help="Sizes at which psi is written."),
    ] = "100,1000",
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Column to pass on; may be given repeatedly."),
    ] = None,
    batch_rows: Annotated[
        int, typer.Option(help="Rows in memory at a time, per thread.")
    ] = BATCH_ROWS,
    threads: Annotated[
        int | None, typer.Option(help="Batches at a time. [default: all cores]")
    ] = None,
) -> None:
    """Write the predicted law of every row: c, alpha, sigma, beta and psi.

    The features are read from the columns that the model's dataset has, prepared in
    the same way. Memory does not grow with the input.

    Example: data-scaling score adult.safetensors candidates.parquet scores.parquet
    """
    scorer = Scorer(
        AmortizedEstimator.load(model),
        read_integers("--cardinalities", cardinalities),
        target=target,
        keep=tuple(keep or ()),
    )
    n_rows = score_parquet(
        scorer, source, out, batch_rows=batch_rows, n_threads=threads
    )
    print(f"{out}: {n_rows:,} rows scored")
