"""``data-scaling select``: the best points at a dataset size, or the harmful ones."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from data_scaling._text import count
from data_scaling.cli.options import DataDir, Drop, Seed, Target, load_named_or_file
from data_scaling.cli.table import write_columns
from data_scaling.cli.text import explain_points, list_columns
from data_scaling.contributions import check_same_dataset
from data_scaling.datasets import Dataset
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws, load_laws
from data_scaling.laws.arrays import name_points
from data_scaling.selection import find_eligible, select_harmful, select_points

_Harmful: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--harmful",
        help="Select what does harm instead: as many points as keep the expected "
        "share of wrong ones at --rate.",
    ),
]
_Balance: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="DATASET_OR_FILE",
        help="Give each class seats in proportion; the dataset that was sampled.",
    ),
]


def select(
    laws: Annotated[Path, typer.Argument(help="A file of laws.")],
    cardinality: Annotated[
        float, typer.Argument(help="Size of the dataset that the points join.")
    ],
    number: Annotated[int, typer.Option(help="Points to select.")] = 100,
    harmful: _Harmful = False,
    rate: Annotated[
        float, typer.Option(help="False discovery rate of harmful points.")
    ] = 0.1,
    certainty: Annotated[
        float,
        typer.Option(help="Leave out points that are useful with less probability."),
    ] = 0.0,
    converged: Annotated[
        bool,
        typer.Option(
            "--converged", help="Leave out points whose fit did not converge."
        ),
    ] = False,
    balance: _Balance = None,
    target: Target = None,
    drop: Drop = None,
    seed: Seed = 0,
    data_dir: DataDir = None,
    out: Annotated[
        Path | None, typer.Option(help="CSV file to write the points to.")
    ] = None,
) -> None:
    """Select the points that are worth most at a dataset size, or that do harm.

    Example: data-scaling select laws.npz 5000 --number 100 --balance breast_cancer

    Example: data-scaling select laws.npz 1000 --harmful --rate 0.05
    """
    fitted = load_laws(laws)
    if harmful:
        points = select_harmful(fitted, cardinality, false_discovery_rate=rate)
    else:
        labels = None
        if balance is not None:
            data = load_named_or_file(balance, target, drop, seed, data_dir)
            labels = _read_labels(data, fitted)
        eligible = find_eligible(
            fitted, cardinality, certainty=certainty, converged=converged
        )
        points = select_points(fitted, cardinality, number, labels, eligible=eligible)
    chosen = fitted.take(points)
    if out is not None:
        _write(out, chosen, cardinality)
    print(_list_chosen(chosen, cardinality, harmful=harmful))
    print(explain_points(fitted))
    if out is not None:
        print(out)


def _write(path: Path, chosen: ScalingLaws, cardinality: float) -> None:
    columns: dict[str, Any] = {
        **name_points(chosen),
        "psi": chosen.psi(cardinality),
        "probability_negative": chosen.probability_negative(cardinality),
    }
    write_columns(path, columns)


def _list_chosen(chosen: ScalingLaws, cardinality: float, *, harmful: bool) -> str:
    psi, negative = chosen.psi(cardinality), chosen.probability_negative(cardinality)
    lines = [
        [str(row), f"{p:+.3e}", f"{q:.3f}"]
        for row, p, q in zip(chosen.row_ids, psi, negative, strict=True)
    ]
    what = "do harm" if harmful else "are worth most"
    heading = f"{count(len(lines), 'point')} that {what} at size {cardinality:,g}"
    table = list_columns(["row", "psi", "probability that it harms"], lines)
    return f"{heading}\n{table}\n"


def _read_labels(data: Dataset, laws: ScalingLaws) -> list[str]:
    if data.task == "regression":
        raise InputError(
            f"--balance is {data.name}, a regression, which has no classes. Leave "
            "--balance out."
        )
    check_same_dataset("laws", laws, data.name, data.fingerprint)
    return data.target_names(laws.points)
