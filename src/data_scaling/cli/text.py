"""Lines of text for people: pairs, tables and values."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.laws import ScalingLaws


def list_pairs(pairs: Mapping[str, str]) -> str:
    """Return names and values as aligned lines."""
    width = max(len(name) for name in pairs)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in pairs.items())


def list_columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as lines of right-aligned columns."""
    table = [header, *rows]
    widths = [max(len(row[j]) for row in table) for j in range(len(header))]
    lines = (
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def choose_unit(values: FloatArray) -> int:
    """Return the power of ten, a multiple of three, that suits values best."""
    largest = float(np.max(np.abs(values), initial=0.0, where=np.isfinite(values)))
    return 3 * math.floor(math.log10(largest) / 3) if largest > 0 else 0


def in_unit(value: float, power: int) -> str:
    """Return a value in units of ten to a power, with three digits or so."""
    scaled = value / 10.0**power
    digits = 1 if abs(scaled) >= 10 else 2
    return f"{scaled:+.{digits}f}"


def explain_points(laws: ScalingLaws) -> str:
    """Say what names a point, and which sizes its law was fitted to."""
    drawn = laws.cardinality_range[laws.cardinality_range[:, 1] > 0]
    sizes = f"{drawn.min():,} to {drawn.max():,}" if len(drawn) else "none"
    named = (
        "A row is the point's index in the training part."
        if np.array_equal(laws.row_ids, laws.points)
        else "A row is what the dataset calls a point (rows of a file count from 0); "
        "CSV files also have its index in the training part, the point."
    )
    return (
        f"{named}\nSizes that were drawn: {sizes}; beyond them laws are extrapolated."
    )
