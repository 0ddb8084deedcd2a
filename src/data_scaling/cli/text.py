"""Lines of text for people: counts, times and tables."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from data_scaling._typing import FloatArray


def count(n: int, noun: str) -> str:
    """Return a number with its noun, as in "1,000 points"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a time span, as in "1 min 20 s"."""
    if 0 < seconds < 0.1:
        return f"{1000 * seconds:.2g} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


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
