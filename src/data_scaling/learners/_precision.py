"""What works in single and in double precision alike."""

from typing import Any

import numpy as np
from scipy import linalg

from data_scaling._typing import FloatArray


def find_lapack(names: tuple[str, ...], dtype: np.dtype[Any]) -> list[Any]:
    """Return functions of LAPACK, without the checks of ``scipy.linalg``."""
    found: Any = linalg.get_lapack_funcs(names, dtype=dtype)
    return list(found)


def to_single(values: FloatArray) -> Any:
    """Return values in single precision, for what takes either."""
    return values.astype(np.float32)
