"""What a verb that draws is asked for: a dataset, a learner and a plan."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from data_scaling.cli.options import (
    ALL_CORES,
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
    NetworkDevice,
    PointsText,
    Seed,
    Target,
    default_learner,
    load_named_or_file,
    read_density,
    read_integers,
    read_points,
)
from data_scaling.coalitions import choose_range
from data_scaling.datasets import Dataset
from data_scaling.learners import Learner, make_learner
from data_scaling.plan import SamplingPlan


@dataclass(frozen=True, eq=False)
class DrawRequest:
    """What the options that :func:`takes_request` adds to a verb say."""

    dataset: Dataset
    learner: Learner
    metric: str | None
    plan: SamplingPlan
    n_jobs: int


def takes_request(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options that describe a plan; it gets them as one request.

    Parameters
    ----------
    verb : callable
        Its first parameter is the request, all others are options of its own.
    """
    _, *own = inspect.signature(verb).parameters.values()
    shared = list(inspect.signature(read_request).parameters.values())

    def call(**options: Any) -> None:
        asked = {option.name: options.pop(option.name) for option in shared}
        verb(read_request(**asked), **options)

    # Typer reads the command's arguments and options from these.
    everything = [
        option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in shared + own
    ]
    everything.sort(key=lambda option: option.default is not option.empty)
    call.__name__, call.__doc__ = verb.__name__, verb.__doc__
    call.__annotations__ = {option.name: option.annotation for option in everything}
    call.__signature__ = inspect.Signature(everything)  # type: ignore[attr-defined]
    return call


def read_request(
    dataset: DatasetName,
    target: Target = None,
    drop: Drop = None,
    learner: LearnerName = None,
    device: NetworkDevice = "cpu",
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
    jobs: Jobs = ALL_CORES,
    data_dir: DataDir = None,
) -> DrawRequest:
    """Load the dataset and make the plan that the options describe.

    Raises
    ------
    InputError
        If an option cannot be read, or the plan refuses a value.
    """
    data = load_named_or_file(dataset, target, drop, seed, data_dir)
    ends: tuple[int | None, int | None] = (min_cardinality, max_cardinality)
    sizes = None
    if cardinalities is None:
        ends = choose_range(data, *ends)
    else:
        sizes = read_integers("--cardinalities", cardinalities)
        density = density or "uniform"  # each in turn
    fields: dict[str, Any] = {
        "density": read_density(density),
        "coalitions": coalitions,
        "points": read_points(points),
    }
    smallest, largest = ends
    plan = SamplingPlan(
        draws,
        smallest,  # type: ignore[arg-type]  # None beside cardinalities
        largest,  # type: ignore[arg-type]
        cardinalities=sizes,
        n_base_draws=base_draws,
        seed=seed,
        **fields,
    )
    model = make_learner(learner or default_learner(data), device=device)
    return DrawRequest(data, model, metric, plan, jobs)
