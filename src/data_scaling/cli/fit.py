"""``data-scaling fit``: laws from a ledger of draws."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from data_scaling._text import count
from data_scaling.cli.options import DataDir, Drop, Seed, Target, load_named_or_file
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.fitting import FeatureEstimator, make_estimator
from data_scaling.laws import FitStatus, ScalingLaws


def fit(
    ledger: Annotated[Path, typer.Argument(help="A ledger of draws.")],
    laws: Annotated[Path, typer.Argument(help="File to write the laws to, .npz.")],
    method: Annotated[
        str,
        typer.Option(
            help="hierarchical (pools all points), likelihood (the paper's, point by "
            "point), or amortized (networks that learn from --dataset; extra torch)."
        ),
    ] = "hierarchical",
    first: Annotated[
        int | None, typer.Option(help="Use the first draws of each point only.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="DATASET_OR_FILE",
            help="What was drawn from, for its features; with amortized.",
        ),
    ] = None,
    target: Target = None,
    drop: Drop = None,
    seed: Seed = 0,
    data_dir: DataDir = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="File to write the trained networks to, for data-scaling score; with "
            "amortized."
        ),
    ] = None,
) -> None:
    """Fit a scaling law to every point of a ledger.

    Example: data-scaling fit adult.ledger laws.npz

    Example: data-scaling fit adult.ledger laws.npz --method amortized --dataset adult
    """
    if (dataset or model) and method != "amortized":
        raise InputError(
            f"--dataset and --model are for --method amortized, but it is {method!r}. "
            "Leave them out."
        )
    draws = Contributions.load(ledger)
    if first is not None:
        draws = draws.first(first)
    data = None
    if dataset is not None:
        data = load_named_or_file(dataset, target, drop, seed, data_dir)
    estimator = make_estimator(method, data)  # type: ignore[arg-type]
    fitted = estimator.fit(draws)
    fitted.save(laws)
    if model is not None and isinstance(estimator, FeatureEstimator):
        estimator.amortized.save(model)
    print(
        f"{count(len(fitted), 'law')} from {count(_count_draws(draws), 'draw')} each: "
        f"{list_statuses(fitted)}\n{laws}"
    )
    if model is not None:
        print(model)


def _count_draws(draws: Contributions) -> int:
    """Return how many draws are there; the ledger of a shard lacks most of its plan."""
    return int(np.isfinite(draws.delta).any(axis=0).sum())


def list_statuses(laws: ScalingLaws) -> str:
    """Say how the fits ended, as in "9 converged, 1 at bound"."""
    labels = Counter(FitStatus(value).label for value in laws.status)
    return ", ".join(f"{n:,} {label}" for label, n in labels.most_common())
