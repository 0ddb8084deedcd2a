"""``data-scaling run``: a dataset in, a scaling law for every point out."""

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from data_scaling._adjusting import QUICK_SUFFIX
from data_scaling._files import write_whole
from data_scaling.cli.options import (
    ALL_CORES,
    Adjust,
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
    Seed,
    Target,
    default_learner,
    load_named_or_file,
    read_density,
)
from data_scaling.cli.summary import RunResult, summarise
from data_scaling.cli.table import write_laws
from data_scaling.cli.text import list_pairs
from data_scaling.coalitions import choose_range
from data_scaling.contributions import Contributions
from data_scaling.datasets import Dataset
from data_scaling.errors import MissingExtraError
from data_scaling.fitting import Estimator, FeatureEstimator, make_estimator
from data_scaling.laws import ScalingLaws
from data_scaling.learners import make_learner
from data_scaling.plan import SamplingPlan
from data_scaling.plotting import plot_validation, save_figure
from data_scaling.ranking import rank_points
from data_scaling.report import POINTS_FILE, save_points
from data_scaling.sampling import sample_contributions
from data_scaling.validation import Validation, validate_laws

SUMMARY_FILE = "summary.txt"

logger = logging.getLogger(__name__)


def run(
    dataset: DatasetName,
    target: Target = None,
    drop: Drop = None,
    learner: LearnerName = None,
    metric: MetricName = None,
    draws: Draws = 100,
    min_cardinality: MinCardinality = None,
    max_cardinality: MaxCardinality = None,
    density: DensityName = None,
    method: Annotated[
        str,
        typer.Option(
            help="How laws are fitted: hierarchical (pools all points), likelihood "
            "(the paper's, point by point), or amortized (networks that learn from "
            "the points' features; extra torch)."
        ),
    ] = "hierarchical",
    validation_draws: Annotated[
        int,
        typer.Option(
            help="Draws at each of ten sizes, for up to 200 points, to test the laws "
            "by; 0 for none."
        ),
    ] = 100,
    adjust: Adjust = False,
    device: NetworkDevice = "cpu",
    seed: Seed = 0,
    jobs: Jobs = ALL_CORES,
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to. [default: runs/NAME]")
    ] = None,
) -> None:
    """Draw contributions, fit a scaling law to every point and show what matters.

    Interrupted and started again, it goes on where it stopped: the draws are kept in
    the folder that it writes to.

    Example: data-scaling run breast_cancer --draws 200

    Example: data-scaling run houses.csv --target price --learner linreg
    """
    data = load_named_or_file(dataset, target, drop, seed, data_dir)
    name = learner or default_learner(data)
    smallest, largest = choose_range(data, min_cardinality, max_cardinality)
    plan = SamplingPlan(
        draws, smallest, largest, density=read_density(density), seed=seed
    )
    estimator = make_estimator(method, data)  # type: ignore[arg-type]
    folder = out or Path("runs") / data.name
    model = make_learner(name, device=device)
    sample = partial(sample_contributions, data, model, metric=metric, n_jobs=jobs)

    result, written = _value_points(
        data, plan, estimator, sample, folder, validation_draws, adjust
    )
    text = summarise(result)
    text += f"\n\nWritten\n{list_pairs({k: str(v) for k, v in written.items()})}"
    with write_whole(written["summary"]) as temporary:
        temporary.write_text(text + "\n")
    print(text)


def _value_points(
    data: Dataset,
    plan: SamplingPlan,
    estimator: Estimator,
    sample: Callable[..., Contributions],
    folder: Path,
    n_validation_draws: int,
    adjust: bool,
) -> tuple[RunResult, dict[str, Path]]:
    """Draw, fit, rank and test; return what was found, and where it was written."""
    start = time.perf_counter()
    contributions = sample(plan, ledger=folder / "draws.ledger", adjust=adjust)
    sampled = time.perf_counter()
    laws = estimator.fit(contributions)
    fitted = time.perf_counter()
    ranking = rank_points(laws, [plan.min_cardinality, plan.max_cardinality])
    laws.save(folder / "laws.npz")
    save_points(folder / POINTS_FILE, data)
    write_laws(folder / "laws.csv", data, laws, ranking)
    written = {
        "draws": folder / "draws.ledger",
        "laws": folder / "laws.npz",
        "table": folder / "laws.csv",
        "points": folder / POINTS_FILE,
        "summary": folder / SUMMARY_FILE,
    }
    quick = folder / f"draws.ledger{QUICK_SUFFIX}"
    if adjust and quick.exists():
        written["quick draws"] = quick
    if isinstance(estimator, FeatureEstimator):
        written["model"] = folder / "model.safetensors"
        estimator.amortized.save(written["model"])
    validation = None
    if n_validation_draws:
        staggered = plan.stagger(n_validation_draws, data.n_points)
        written["test draws"] = folder / "validation.ledger"
        means = sample(staggered, ledger=written["test draws"])
        validation = validate_laws(laws, means, staggered.cardinalities)
        written |= _write_figure(folder, laws, validation, means, data.name)
    result = RunResult(
        data,
        contributions,
        laws,
        ranking,
        validation,
        sampling_time=sampled - start,
        fitting_time=fitted - sampled,
    )
    return result, written


def _write_figure(
    folder: Path,
    laws: ScalingLaws,
    validation: Validation,
    means: Contributions,
    name: str,
) -> dict[str, Path]:
    """Draw the validation figure, or say what keeps it from being drawn."""
    try:
        figure, frame = plot_validation(laws, validation, unit=means.unit, title=name)
    except MissingExtraError as error:
        logger.warning("No figure was drawn. %s", error)
        return {}
    png, *_ = save_figure(figure, frame, folder / "validation.png")
    return {"figure": png}
