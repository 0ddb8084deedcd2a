"""The table of laws that a run writes: one line per point."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from data_scaling._files import write_whole
from data_scaling.datasets import Dataset
from data_scaling.laws import FitStatus, ScalingLaws
from data_scaling.ranking import Ranking


def write_laws(path: Path, data: Dataset, laws: ScalingLaws, ranking: Ranking) -> None:
    """Write every point's law, and its value and rank at the ranking's sizes.

    c, alpha, sigma and beta are those of the power laws that touch the laws at the
    geometric mean of the ranking's sizes. The table needs no optional package, unlike
    ``laws.to_frame()``.
    """
    tangent = laws.tangent(float(np.exp(np.mean(np.log(ranking.cardinality)))))
    columns: dict[str, Any] = {
        "point": laws.points,
        "row": data.row_ids[laws.points],
        "label": data.target_names(laws.points),
        "c": tangent.c,
        "alpha": tangent.alpha,
        "sigma": tangent.sigma,
        "beta": tangent.beta,
        "n_draws": tangent.n_draws,
        "status": [FitStatus(value).label for value in laws.status],
    }
    for j, size in enumerate(ranking.cardinality):
        columns |= {
            f"psi_{size:g}": ranking.psi[:, j],
            f"low_{size:g}": ranking.low[:, j],
            f"high_{size:g}": ranking.high[:, j],
            f"rank_{size:g}": ranking.rank[:, j],
        }
    with (
        write_whole(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*(_to_text(c) for c in columns.values()), strict=True))


def _to_text(values: Any) -> list[str]:
    """Return numbers with the digits that tell them apart from their neighbours."""
    return [f"{v:.9g}" if isinstance(v, float) else str(v) for v in values]
