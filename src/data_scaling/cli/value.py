"""``data-scaling value``: Shapley values and other semivalues from laws."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from data_scaling._typing import FloatArray
from data_scaling.cli.table import write_columns
from data_scaling.cli.text import explain_points, list_columns
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws, load_laws
from data_scaling.laws.arrays import name_points
from data_scaling.valuation import semivalues, shapley_values
from data_scaling.weights import banzhaf_weights, beta_weights

N_SHOWN = 5


def value(
    laws: Annotated[Path, typer.Argument(help="A file of laws.")],
    kind: Annotated[
        str,
        typer.Option(
            help="shapley (all sizes of a range alike), banzhaf, or beta:A,B, as "
            "beta:4,1."
        ),
    ] = "shapley",
    min_cardinality: Annotated[
        int, typer.Option(help="Smallest size of the range, for shapley.")
    ] = 1,
    max_cardinality: Annotated[
        int | None,
        typer.Option(
            help="Largest size of the range, or of the dataset; it has to be given."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="CSV file to write all values to.")
    ] = None,
) -> None:
    """Value every point: its expected contribution, averaged over dataset sizes.

    Example: data-scaling value laws.npz --min-cardinality 100 --max-cardinality 1000

    Example: data-scaling value laws.npz --kind banzhaf --max-cardinality 1000
    """
    if max_cardinality is None:
        raise InputError(
            "No largest size was given, and values depend on it. Give it by "
            "--max-cardinality K."
        )
    fitted = load_laws(laws)
    values = _value(fitted, kind, min_cardinality, max_cardinality)
    # NaN, which is no law, sorts last.
    order = np.argsort(-values, kind="stable")
    if out is not None:
        write_columns(out, name_points(fitted[order]) | {"value": values[order]})
    known = order[np.isfinite(values[order])]
    for what, rows in (("Highest", known), ("Lowest", known[::-1])):
        lines = [[str(fitted.row_ids[i]), f"{values[i]:+.3e}"] for i in rows[:N_SHOWN]]
        print(f"{what}\n{list_columns(['row', 'value'], lines)}\n")
    print(f"{len(known):,} of {len(values):,} points have a value")
    print(explain_points(fitted))
    if out is not None:
        print(out)


def _value(
    laws: ScalingLaws, kind: str, min_cardinality: int, max_cardinality: int
) -> FloatArray:
    if kind == "shapley":
        return shapley_values(laws, min_cardinality, max_cardinality)
    if kind == "banzhaf":
        return semivalues(laws, banzhaf_weights(max_cardinality))
    name, _, parameters = kind.partition(":")
    try:
        alpha, beta = (float(part) for part in parameters.split(","))
    except ValueError:
        name = ""
    if name != "beta":
        raise InputError(
            f"--kind is {kind!r}. Give shapley, banzhaf, or beta:A,B with two numbers."
        )
    return semivalues(laws, beta_weights(max_cardinality, alpha, beta))
