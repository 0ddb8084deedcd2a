"""``data-scaling sample``: draw a plan, or a shard of it, into a ledger."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from data_scaling.cli.description import describe_summary
from data_scaling.cli.options import (
    BaseDraws,
    Cardinalities,
    Coalitions,
    DataDir,
    DatasetName,
    DensityName,
    Draws,
    Drop,
    Jobs,
    LearnerName,
    MaxCardinality,
    MetricName,
    MinCardinality,
    PointsText,
    Seed,
    Target,
    default_learner,
    load_named_or_file,
    make_plan,
    read_shard,
)
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
        help="Address of a Dask scheduler, whose workers then draw.",
    ),
]


def sample(
    dataset: DatasetName,
    ledger: Annotated[
        Path, typer.Argument(help="File for the draws; resumed if it exists.")
    ],
    target: Target = None,
    drop: Drop = None,
    learner: LearnerName = None,
    metric: MetricName = None,
    draws: Draws = 100,
    base_draws: BaseDraws = 0,
    min_cardinality: MinCardinality = None,
    max_cardinality: MaxCardinality = None,
    cardinalities: Cardinalities = None,
    density: DensityName = None,
    coalitions: Coalitions = "shared",
    points: PointsText = None,
    seed: Seed = 0,
    shard: _Shard = None,
    jobs: Jobs = -1,
    dask: _DaskAddress = None,
    data_dir: DataDir = None,
) -> None:
    """Draw contributions into a ledger, as they arrive.

    Interrupted and started again, it draws what is missing; with more draws than
    before, it adds to them.

    Example: data-scaling sample adult adult.ledger --draws 500 --points random:1000

    Example: data-scaling sample adult shard2.ledger --draws 500 --shard 2/5
    """
    data = load_named_or_file(dataset, target, drop, seed, data_dir)
    plan = make_plan(
        data,
        draws=draws,
        base_draws=base_draws,
        min_cardinality=min_cardinality,
        max_cardinality=max_cardinality,
        cardinalities=cardinalities,
        density=density,
        coalitions=coalitions,
        points=points,
        seed=seed,
    )
    with use_dask(dask) if dask else nullcontext():
        summary = sample_ledger(
            data,
            learner or default_learner(data),
            plan,
            ledger,
            metric=metric,
            shard=read_shard(shard),
            n_jobs=jobs,
        )
    print(describe_summary(summary))
