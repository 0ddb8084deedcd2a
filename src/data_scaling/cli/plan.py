"""``data-scaling plan``: what a run will cost and how sure its values will be."""

from typing import Annotated

import typer

from data_scaling._text import count, duration
from data_scaling.cli.description import describe_plan
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
)
from data_scaling.cli.text import list_columns, list_pairs
from data_scaling.cost import RunCost, estimate_cost


def plan(
    dataset: DatasetName,
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
    jobs: Jobs = -1,
    standard_error: Annotated[
        float | None,
        typer.Option(help="Say how many draws bring the standard errors to this."),
    ] = None,
    pilot_seconds: Annotated[
        float, typer.Option(help="About how long the pilot may take.")
    ] = 10.0,
    data_dir: DataDir = None,
) -> None:
    """Run a short pilot and say what a plan will cost and tell; nothing is kept.

    It takes the options of data-scaling sample.

    Example: data-scaling plan adult --draws 500 --standard-error 1e-6
    """
    data = load_named_or_file(dataset, target, drop, seed, data_dir)
    asked = make_plan(
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
    cost = estimate_cost(
        data,
        learner or default_learner(data),
        asked,
        metric=metric,
        n_jobs=jobs,
        pilot_seconds=pilot_seconds,
    )
    print(_describe_cost(cost))
    print(_list_errors(cost, standard_error))


def _describe_cost(cost: RunCost) -> str:
    pairs = {
        "plan": describe_plan(cost.plan),
        "pilot": f"{count(cost.n_pilot_draws, 'draw')} of "
        f"{count(cost.n_pilot_points, 'point')}",
        "one draw": f"{duration(cost.seconds_per_draw)} of one job, for "
        f"{count(cost.n_points, 'point')}",
        "time": f"{duration(cost.seconds)} with {count(cost.n_workers, 'job')}",
        "ledger": f"{cost.n_bytes / 1e6:,.1f} MB",
    }
    return list_pairs(pairs)


def _list_errors(cost: RunCost, wished: float | None) -> str:
    """List the standard errors, and the draws that the wished one takes."""
    names = [f"psi at {k:,}" for k in cost.cardinality]
    sizes = [f"{value:.2g}" for value in cost.psi]
    errors = [*cost.psi_error.tolist(), cost.shapley_error]
    header = ["", "typical size", "standard error"]
    rows = [
        [name, size, f"{error:.2g}"]
        for name, size, error in zip(
            [*names, "Shapley value"], [*sizes, ""], errors, strict=True
        )
    ]
    if wished is not None:
        header.append(f"draws for {wished:g}")
        for row, error in zip(rows, errors, strict=True):
            row.append(f"{cost.count_draws(error, wished):,}")
    return (
        f"Medians over the points, in {cost.unit}; a law fitted to each point's own "
        f"draws alone\n{list_columns(header, rows)}"
    )
