"""The table of laws that a run writes: one line per point."""

import csv
from pathlib import Path
from typing import Any

from data_scaling._files import write_whole
from data_scaling.datasets import Dataset
from data_scaling.laws import ExpansionLaws, FitStatus, ScalingLaws
from data_scaling.laws.arrays import name_points
from data_scaling.ranking import Ranking


def write_laws(path: Path, data: Dataset, laws: ScalingLaws, ranking: Ranking) -> None:
    """Write every point's law, and its value and rank at the ranking's sizes.

    The parameters are those of the laws: c, alpha, sigma and beta of power laws; of
    expansions the coefficients (a_1 of 1/k) at the base size, which is in the
    column's name. The table needs no optional package, unlike ``laws.to_frame()``.
    """
    columns: dict[str, Any] = {
        **name_points(laws),
        "label": data.target_names(laws.points),
        **_list_parameters(laws),
        "status": [FitStatus(value).label for value in laws.status],
    }
    for j, size in enumerate(ranking.cardinality):
        columns |= {
            f"psi_{size:g}": ranking.psi[:, j],
            f"low_{size:g}": ranking.low[:, j],
            f"high_{size:g}": ranking.high[:, j],
            f"rank_{size:g}": ranking.rank[:, j],
        }
    write_columns(path, columns)


def write_columns(path: Path, columns: dict[str, Any]) -> None:
    """Write columns of equal length as a CSV file."""
    with (
        write_whole(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(_to_text(c) for c in columns.values()), strict=True))


def _list_parameters(laws: ScalingLaws) -> dict[str, Any]:
    """Return the columns of the laws' own parameters."""
    if isinstance(laws, ExpansionLaws):
        names = [f"a_{power:g}_at_{laws.base_cardinality:.0f}" for power in laws.powers]
        columns = dict(zip(names, laws.coefficients.T, strict=True))
        return columns | {"noise": laws.noise, "noise_exponent": laws.noise_exponent}
    power = laws.tangent(1.0)
    return {name: getattr(power, name) for name in ("c", "alpha", "sigma", "beta")}


def _to_text(values: Any) -> list[str]:
    """Return numbers with six digits, more than any of them is known to."""
    return [f"{v:.6g}" if isinstance(v, float) else str(v) for v in values]
