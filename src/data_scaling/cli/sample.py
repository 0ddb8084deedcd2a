"""``data-scaling sample``: draw a plan, or a shard of it, into a ledger."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from data_scaling.cli.description import describe_summary
from data_scaling.cli.options import ALL_CORES, read_shard
from data_scaling.cli.request import DrawRequest, takes_request
from data_scaling.errors import InputError
from data_scaling.interop.cluster import use_dask
from data_scaling.sampling import sample_ledger

_Shard: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Draw the I-th of N parts, each into a ledger of its own; "
        "data-scaling combine merges them.",
    ),
]
_DaskAddress: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="tcp://HOST:PORT",
        help="Address of a Dask scheduler, whose workers then draw, instead of --jobs.",
    ),
]


@takes_request
def sample(
    request: DrawRequest,
    ledger: Annotated[
        Path, typer.Argument(help="File for the draws; resumed if it exists.")
    ],
    shard: _Shard = None,
    dask: _DaskAddress = None,
) -> None:
    """Draw contributions into a ledger, as they arrive.

    Interrupted and started again, it draws what is missing; with more draws than
    before, it adds to them.

    Example: data-scaling sample adult adult.ledger --draws 500 --points random:1000

    Example: data-scaling sample adult shard2.ledger --draws 500 --shard 2/5
    """
    if dask and request.n_jobs != ALL_CORES:
        raise InputError(
            f"--jobs is {request.n_jobs}, but the workers of {dask} draw, all that it "
            "has. Leave one of the two out."
        )
    with use_dask(dask) if dask else nullcontext():
        summary = sample_ledger(
            request.dataset,
            request.learner,
            request.plan,
            ledger,
            metric=request.metric,
            shard=read_shard(shard),
            n_jobs=request.n_jobs,
        )
    print(describe_summary(summary))
