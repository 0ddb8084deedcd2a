"""``data-scaling run``: a dataset in, a scaling law for every point out."""

import logging
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from data_scaling._files import write_whole
from data_scaling._random import spawn_rng
from data_scaling.cli.summary import RunResult, summarise
from data_scaling.cli.table import write_laws
from data_scaling.cli.text import list_pairs
from data_scaling.coalitions import find_smallest_cardinality, group_pool
from data_scaling.contributions import Contributions
from data_scaling.datasets import Dataset, dataset_names, load_dataset, read_table
from data_scaling.errors import InputError, MissingExtraError
from data_scaling.fitting import make_estimator
from data_scaling.laws import ScalingLaws
from data_scaling.learners import make_learner
from data_scaling.plan import SamplingPlan
from data_scaling.plotting import plot_validation, save_figure
from data_scaling.ranking import rank_points
from data_scaling.sampling import sample_contributions
from data_scaling.validation import Validation, validate_laws

logger = logging.getLogger(__name__)

N_VALIDATION_POINTS = 200
N_VALIDATION_SIZES = 10


def run(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET_OR_FILE",
            help="A dataset's name, or a CSV or Parquet file. Names: "
            + ", ".join(dataset_names()),
        ),
    ],
    target: Annotated[
        str | None, typer.Option(help="Column of the file that is predicted.")
    ] = None,
    drop: Annotated[
        list[str] | None, typer.Option(help="Column of the file to leave out.")
    ] = None,
    learner: Annotated[
        str | None,
        typer.Option(
            help="logreg, linreg, knn, svm, tree, rf, gbm or skmlp. "
            "[default: logreg, or linreg in a regression]"
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="log_loss, softmax_log_loss, brier, accuracy or mse. "
            "[default: log_loss, or mse in a regression]"
        ),
    ] = None,
    draws: Annotated[int, typer.Option(help="Draws per point.")] = 100,
    min_cardinality: Annotated[
        int | None,
        typer.Option(help="Smallest coalition. [default: a tenth of the largest]"),
    ] = None,
    max_cardinality: Annotated[
        int | None,
        typer.Option(
            help="Largest coalition. [default: 1000, or four fifths of the pool]"
        ),
    ] = None,
    density: Annotated[
        str,
        typer.Option(help="How sizes are spread over the range: uniform, log-uniform."),
    ] = "uniform",
    method: Annotated[
        str,
        typer.Option(
            help="How laws are fitted: hierarchical (pools all points), or likelihood "
            "(the paper's, point by point)."
        ),
    ] = "hierarchical",
    validation_draws: Annotated[
        int,
        typer.Option(
            help="Draws at each of ten sizes, for up to 200 points, to test the laws "
            "by; 0 for none."
        ),
    ] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the split and the draws.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes; -1 for all cores.")] = -1,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of the raw files. [default: $DATA_SCALING_DATA]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write to. [default: runs/NAME]")
    ] = None,
) -> None:
    """Draw contributions, fit a scaling law to every point and show what matters.

    Interrupted and started again, it goes on where it stopped: the draws are kept in
    the folder that it writes to.

    Example: data-scaling run breast_cancer --draws 200

    Example: data-scaling run houses.csv --target price --learner gbm
    """
    data = _load(dataset, target, drop or [], seed, data_dir)
    name = learner or ("logreg" if data.task == "classification" else "linreg")
    largest = max_cardinality or min(1000, data.n_points * 4 // 5)
    smallest = min_cardinality or _default_smallest(data, largest)
    plan = SamplingPlan(draws, smallest, largest, density=density, seed=seed)  # type: ignore[arg-type]
    estimator = make_estimator(method)  # type: ignore[arg-type]
    folder = out or Path("runs") / data.name
    sample = partial(
        sample_contributions, data, make_learner(name), metric=metric, n_jobs=jobs
    )

    start = time.perf_counter()
    contributions = sample(plan, ledger=folder / "draws.ledger")
    sampling_time = time.perf_counter() - start
    start = time.perf_counter()
    laws = estimator.fit(contributions)
    fitting_time = time.perf_counter() - start
    ranking = rank_points(laws, [smallest, largest])
    laws.save(folder / "laws.npz")
    write_laws(folder / "laws.csv", data, laws, ranking)
    written = {
        "draws": folder / "draws.ledger",
        "laws": folder / "laws.npz",
        "table": folder / "laws.csv",
    }
    validation = None
    if validation_draws:
        ledger = folder / "validation.ledger"
        staggered = _stagger(plan, data.n_points, validation_draws)
        means = sample(staggered, ledger=ledger)
        validation = validate_laws(laws, means, staggered.cardinalities)
        written |= {"test draws": ledger}
        written |= _write_figure(folder, laws, validation, means, data.name)
    text = summarise(
        RunResult(
            data, contributions, laws, ranking, validation, sampling_time, fitting_time
        )
    )
    text += f"\n\nWritten\n{list_pairs({k: str(v) for k, v in written.items()})}"
    with write_whole(folder / "summary.txt") as temporary:
        temporary.write_text(text + "\n")
    print(text)


def _load(
    dataset: str, target: str | None, drop: list[str], seed: int, data_dir: Path | None
) -> Dataset:
    """Load a named dataset, or read a file."""
    if dataset in dataset_names():
        if target or drop:
            raise InputError(
                f"--target and --drop are for files, but {dataset!r} is a dataset's "
                "name. Leave them out."
            )
        return load_dataset(dataset, data_dir, seed=seed)
    if not Path(dataset).exists():
        raise InputError(
            f"{dataset!r} is no file and no dataset's name. Give a path, or one of "
            f"{', '.join(dataset_names())}."
        )
    if target is None:
        raise InputError(
            f"No target was given for {dataset}. Name the column that is to be "
            "predicted by --target COLUMN."
        )
    return read_table(dataset, target, drop=drop, seed=seed)


def _default_smallest(data: Dataset, largest: int) -> int:
    """Return a tenth of the largest size, or what every class needs."""
    workable = find_smallest_cardinality(group_pool(data).counts, 2) or 2
    return max(largest // 10, workable)


def _stagger(plan: SamplingPlan, n_points: int, n_draws: int) -> SamplingPlan:
    """Return the plan of the test draws: a few sizes, some points, another seed."""
    ends = plan.min_cardinality, plan.max_cardinality
    sizes = np.unique(np.geomspace(*ends, N_VALIDATION_SIZES).round().astype(int))
    rng = spawn_rng(plan.seed, 1)
    points = rng.choice(n_points, min(N_VALIDATION_POINTS, n_points), replace=False)
    return SamplingPlan(
        n_draws,
        cardinalities=sizes.tolist(),
        points=np.sort(points).tolist(),
        seed=plan.seed + 1,
    )


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
