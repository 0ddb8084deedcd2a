"""Checks of arguments that several public functions share."""

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.errors import InputError, MissingExtraError


def require_extra(module: str, extra: str) -> ModuleType:
    """Import an optional package, or say which extra of this package installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"This needs the package {module.partition('.')[0]!r}, which is not "
            f"installed. Install it with: pip install 'data-scaling[{extra}]'"
        ) from error


def check_at_least(name: str, value: int, bound: int) -> int:
    """Return ``value`` if it is an integer of at least ``bound``, else raise."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} is {value!r}. Give an integer, at least {bound}.")
    if value < bound:
        raise InputError(f"{name} is {value}. Give at least {bound}.")
    return int(value)


def check_positive(name: str, value: float, *, largest: float = np.inf) -> float:
    """Return ``value`` if it is a number in (0, ``largest``], else raise."""
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(
        value, bool
    )
    if not is_number or not 0.0 < value <= largest:
        limit = "." if largest == np.inf else f" and up to {largest:.3g}."
        raise InputError(f"{name} is {value!r}. Give a number above 0{limit}")
    return float(value)


def check_finite(name: str, values: Any) -> FloatArray:
    """Return ``values`` as a float array without NaN or infinity, else raise."""
    array = np.asarray(values, dtype=np.float64)
    bad = ~np.isfinite(array)
    if bad.any():
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise InputError(
            f"{name} holds {int(bad.sum())} values that are NaN or infinite, the first "
            f"at index {where}. Impute or remove them."
        )
    return array


def check_share(name: str, value: float) -> float:
    """Return ``value`` if it is a number from 0 to 1, else raise."""
    if isinstance(value, bool) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise InputError(f"{name} is {value!r}. Give a number from 0 to 1.")
    if not 0 <= value <= 1:
        raise InputError(f"{name} is {value}. Give a number from 0 to 1.")
    return float(value)
