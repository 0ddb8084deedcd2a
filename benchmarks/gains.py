"""By how many times adjusting lowers errors, from the rows of a benchmark."""

from typing import Any, TypeAlias

import numpy as np

from benchmarks.sample_efficiency_page import MONTE_CARLO

QUANTITIES = ("100", "359", "1000", "Shapley")
MEANS = "mean at the size"
METHODS = (MEANS, MONTE_CARLO, "averaging", "likelihood", "hierarchical")
Row: TypeAlias = dict[str, Any]


def average_gain(case: Row, quantity: str, kind: str = "same time") -> float:
    """Return the gain over a kind of draws, over all m, whose errors fall as 1/m."""
    other, adjusted = (
        sum(
            row["n_draws"] * row[quantity] for row in case["rows"] if row["kind"] == one
        )
        for one in (kind, "adjusted")
    )
    return float(other / adjusted) if min(other, adjusted) > 0 else np.nan


def write_gain(gain: float) -> str:
    """Return a gain with one digit after the point, a dash where there is none."""
    return f"{gain:.1f}" if np.isfinite(gain) else "–"


def ratio(rows: list[Row], n_draws: int, quantity: str, kind: str) -> float:
    """Return the error of a kind of draws over that of adjusted ones.

    NaN where the quantity is not judged, or an error is below the reference's noise.
    """
    means = [
        np.mean(list(list_errors(rows, n_draws, quantity, name).values()) or np.nan)
        for name in (kind, "adjusted")
    ]
    return float(means[0] / means[1]) if min(means) > 0 else np.nan


def doubt(rows: list[Row], n_draws: int, quantity: str, kind: str) -> float:
    """Return the standard error of the logarithm of a gain, by leaving out repetitions.

    It is infinite where an error is below the noise without one of them.
    """
    repetitions = sorted({row["repetition"] for row in rows})
    logs = np.array(
        [
            np.log(
                ratio(
                    [row for row in rows if row["repetition"] != left_out],
                    n_draws,
                    quantity,
                    kind,
                )
            )
            for left_out in repetitions
        ]
    )
    n = len(logs)
    spread = np.sqrt((n - 1) / n * np.sum((logs - logs.mean()) ** 2))
    return float(np.nan_to_num(spread, nan=np.inf))


def list_errors(
    rows: list[Row], n_draws: int, quantity: str, kind: str
) -> dict[int, float]:
    """Return the errors of each repetition, none where the quantity is not judged."""
    return {
        row["repetition"]: row[quantity]
        for row in rows
        if (row["n_draws"], row["kind"]) == (n_draws, kind) and quantity in row
    }
