"""``data-scaling plan``: what a run will cost and how sure its values will be."""

from typing import Annotated

import typer

from data_scaling._checks import check_positive
from data_scaling._text import count, duration
from data_scaling.cli.description import describe_plan
from data_scaling.cli.request import DrawRequest, takes_request
from data_scaling.cli.text import list_columns, list_pairs
from data_scaling.cost import RunCost, estimate_cost


def _check_error(error: float | None) -> float | None:
    return None if error is None else check_positive("--standard-error", error)


@takes_request
def plan(
    request: DrawRequest,
    standard_error: Annotated[
        float | None,
        typer.Option(
            help="Say how many draws bring the standard errors to this.",
            callback=_check_error,
        ),
    ] = None,
    pilot_seconds: Annotated[
        float, typer.Option(help="About how long the pilot may take.")
    ] = 10.0,
) -> None:
    """Run a short pilot and say what a plan will cost and tell; nothing is kept.

    It takes the options of data-scaling sample.

    Example: data-scaling plan adult --draws 500 --standard-error 1e-6
    """
    cost = estimate_cost(
        request.dataset,
        request.learner,
        request.plan,
        metric=request.metric,
        n_jobs=request.n_jobs,
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
