"""Options that several verbs share, and what becomes of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from data_scaling.datasets import (
    Dataset,
    dataset_names,
    is_prepared,
    load_dataset,
    read_table,
)
from data_scaling.errors import InputError
from data_scaling.learners import LEARNERS

DatasetName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="DATASET_OR_FILE",
        help="A dataset's name, a folder that data-scaling preprocess wrote, or a CSV, "
        "Parquet or npz file. Names: " + ", ".join(dataset_names()),
    ),
]
Target: TypeAlias = Annotated[
    str | None, typer.Option(help="Column of the file that is predicted.")
]
Drop: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(help="Column of the file to leave out; may be given repeatedly."),
]
LearnerName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help=f"One of {', '.join(LEARNERS)} (the last two need the extra torch). "
        "[default: logreg, or linreg in a regression]"
    ),
]
MetricName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="log_loss, softmax_log_loss, brier, accuracy or mse. "
        "[default: log_loss, or mse in a regression]"
    ),
]
Draws: TypeAlias = Annotated[int, typer.Option(help="Draws per point.")]
MinCardinality: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Smallest coalition. [default: a tenth of the largest]"),
]
MaxCardinality: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Largest coalition. [default: 1000, or four fifths of the pool]"),
]
Cardinalities: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="K,K,...",
        help="These sizes in turn instead of a range; draws then count per size.",
    ),
]
# Of every verb, so that plan speaks of what run does.
DEFAULT_DENSITY = "log-uniform"
DensityName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="How sizes are spread over the range: uniform, log-uniform, or power:BETA "
        f"for a probability proportional to k^(-BETA/2). [default: {DEFAULT_DENSITY}]"
    ),
]
Coalitions: TypeAlias = Annotated[
    str,
    typer.Option(
        help="shared: one coalition serves all points; independent: each point and "
        "draw has its own."
    ),
]
PointsText: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="N|random:N|I,I,...",
        help="Points to value: the first N, N chosen by the seed, or these rows of "
        "the training part. [default: all]",
    ),
]
BaseDraws: TypeAlias = Annotated[
    int,
    typer.Option(help="Coalitions drawn without any point, for the learning curve."),
]
Adjust: TypeAlias = Annotated[
    bool,
    typer.Option(
        help="Lower the noise of the draws by what is known of their coalitions; "
        "the number of base draws is chosen from measured times, or none where "
        "they would not be worth it."
    ),
]
Seed: TypeAlias = Annotated[int, typer.Option(help="Seed of the split and the draws.")]


ALL_CORES = -1


def _check_jobs(jobs: int) -> int:
    if jobs == 0:
        raise InputError(
            "--jobs is 0. Give a number of processes, or -1 for all cores."
        )
    return jobs


NetworkDevice: TypeAlias = Annotated[
    str, typer.Option(help="Where mlp and regmlp are trained: cpu, cuda or mps.")
]
Jobs: TypeAlias = Annotated[
    int, typer.Option(help="Processes; -1 for all cores.", callback=_check_jobs)
]
DataDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="Folder of the raw files. [default: $DATA_SCALING_DATA]"),
]


def load_named_or_file(
    dataset: str,
    target: str | None,
    drop: list[str] | None,
    seed: int,
    data_dir: Path | None,
    *,
    features: str | None = None,
    model: str | None = None,
    device: str | None = None,
    of_file: Mapping[str, Any] | None = None,
) -> Dataset:
    """Load a named or prepared dataset, or read a file.

    Parameters
    ----------
    dataset, target, drop, seed, data_dir
        What the options of a verb say.
    features, model, device : str, optional
        How texts and images become features.
    of_file : mapping, optional
        Further arguments of :func:`read_table`.

    Raises
    ------
    InputError
        If it is neither, or the target is missing, or given where there is none to
        choose.
    """
    choices: dict[str, Any] = {"features": features, "model": model, "device": device}
    if dataset in dataset_names() or is_prepared(dataset):
        if target or drop or of_file:
            given = {"target": target, "drop": drop, **(of_file or {})}
            names = [name.replace("_", "-") for name, value in given.items() if value]
            raise InputError(
                f"{', '.join(f'--{name}' for name in names)}: these are for files, but "
                f"{dataset!r} is a dataset's name or folder. Leave them out."
            )
        return load_dataset(dataset, data_dir, seed=seed, **choices)
    if not Path(dataset).exists():
        raise InputError(
            f"{dataset!r} is no file and no dataset's name. Give a path, or one of "
            f"{', '.join(dataset_names())}."
        )
    return read_table(
        dataset, target, drop=drop or [], seed=seed, **choices, **(of_file or {})
    )


def default_learner(data: Dataset) -> str:
    """Return the name of the linear learner for the task."""
    return "logreg" if data.task == "classification" else "linreg"


def read_shard(text: str | None) -> tuple[int, int] | None:
    """Return (2, 5) for "2/5".

    Raises
    ------
    InputError
        If the text is no such pair.
    """
    if text is None:
        return None
    which, slash, n_shards = text.partition("/")
    if not (slash and which.isdecimal() and n_shards.isdecimal()):
        raise InputError(
            f"--shard is {text!r}. Give which one of how many, as 2/5 for the second "
            "of five."
        )
    return int(which), int(n_shards)


def read_density(text: str | None) -> Any:
    """Return the density that a text names, or the default.

    Raises
    ------
    InputError
        If no density has the name, or the exponent is no number.
    """
    if text is None:
        return DEFAULT_DENSITY
    kind, _, beta = text.partition(":")
    if text in ("uniform", "log-uniform"):
        return text
    if kind != "power":
        raise InputError(
            f"--density is {text!r}. Give uniform, log-uniform or power:BETA."
        )
    try:
        return (kind, float(beta))
    except ValueError as error:
        raise InputError(
            f"--density is {text!r}. Give power:BETA with a number, as power:2.5."
        ) from error


def read_points(text: str | None) -> int | tuple[str, int] | list[int] | None:
    """Return the points that a text names; None for all.

    Raises
    ------
    InputError
        If it names none.
    """
    if text is None or text == "all":
        return None
    is_random = text.startswith("random:")
    parts = [part.strip() for part in text.removeprefix("random:").split(",")]
    if len(parts) > 1 and not parts[-1]:  # "3," is the list of one point
        is_list, parts = True, parts[:-1]
    else:
        is_list = len(parts) > 1
    if not all(part.isdecimal() for part in parts) or (is_random and is_list):
        raise InputError(
            f"--points is {text!r}. Give how many (50: the first 50), random:N for N "
            "chosen by the seed, a list as 3,17,204 (one: 3,), or all."
        )
    numbers = [int(part) for part in parts]
    if is_random:
        return ("random", numbers[0])
    return numbers if is_list else numbers[0]


def read_integers(option: str, text: str) -> list[int]:
    """Return [5, 10] for "5,10".

    Raises
    ------
    InputError
        If the text is no such list.
    """
    parts = [part for part in text.split(",") if part.strip()]
    try:
        numbers = [int(part) for part in parts]
    except ValueError as error:
        raise InputError(
            f"{option} is {text!r}. Give integers with commas between them."
        ) from error
    if not numbers:
        raise InputError(f"{option} has no numbers. Give some, with commas between.")
    return numbers
