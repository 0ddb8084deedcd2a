"""What draws a point has, and what is said of points that have no law."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import BoolArray, FloatArray, Int32Array
from data_scaling.errors import FitWarning
from data_scaling.laws import ExpansionLaws, FitStatus, PowerLaws

MIN_DRAWS = 3
FAILED = (FitStatus.ITERATION_LIMIT, FitStatus.TOO_FEW_DRAWS, FitStatus.DEGENERATE)


def empty_counts(n_points: int) -> dict[str, NDArray[Any]]:
    """Return the arrays of laws that say what draws there were, to be filled in."""
    return {
        "status": np.zeros(n_points, dtype=np.int8),
        "n_draws": np.zeros(n_points, dtype=np.int32),
        "cardinality_range": np.zeros((n_points, 2), dtype=np.int32),
    }


def describe_draws(
    delta: FloatArray,
    cardinality: Int32Array,
    usable: BoolArray | None,
    fitted: dict[str, NDArray[Any]],
) -> NDArray[np.int8]:
    """Count the usable draws, and mark the points that have no law; return status.

    ``n_draws``, ``cardinality_range`` and ``status`` of ``fitted`` are filled in.
    """
    where: Any = True if usable is None else usable
    extreme = np.iinfo(np.int32).max
    smallest = cardinality.min(axis=1, where=where, initial=extreme)
    largest = cardinality.max(axis=1, where=where, initial=0)
    lowest = delta.min(axis=1, where=where, initial=np.inf)
    highest = delta.max(axis=1, where=where, initial=-np.inf)
    count = delta.shape[1] if usable is None else usable.sum(axis=1)
    fitted["n_draws"][:] = count
    fitted["cardinality_range"][:, 0] = np.where(largest > 0, smallest, 0)
    fitted["cardinality_range"][:, 1] = largest
    status: NDArray[np.int8] = fitted["status"]
    status[(smallest == largest) | (lowest == highest)] = FitStatus.DEGENERATE
    status[(lowest == 0) & (highest == 0)] = FitStatus.NO_SIGNAL
    status[fitted["n_draws"] < MIN_DRAWS] = FitStatus.TOO_FEW_DRAWS
    return status


def warn_of_failures(laws: PowerLaws | ExpansionLaws) -> None:
    """Warn, in the name of the caller's caller, of laws that did not converge."""
    failed = np.isin(laws.status, FAILED)
    if not failed.any():
        return
    reasons = ", ".join(
        f"{n} {status.label}"
        for status in FAILED
        if (n := int(np.count_nonzero(laws.status == status)))
    )
    points = laws.points[failed]
    named = ", ".join(map(str, points[:5])) + (", ..." if len(points) > 5 else "")
    fewest, most = laws.n_draws[failed].min(), laws.n_draws[failed].max()
    draws = str(fewest) if fewest == most else f"{fewest} to {most}"
    warnings.warn(
        f"{len(points)} of {len(laws)} laws did not converge ({reasons}): points "
        f"{named}.\nAdd draws (these points have {draws}), or see laws.status.",
        FitWarning,
        stacklevel=3,
    )
