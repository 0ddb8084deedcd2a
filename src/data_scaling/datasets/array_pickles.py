"""Reading the pickles of CIFAR-10 without running anything that is in them.

The published batches are pickles of a dictionary with an array of bytes. They are read
by an unpickler that knows nothing but lists, texts and such arrays, and refuses every
other class and function: a file cannot make it run code.
"""

import io
import pickle
from typing import Any

import numpy as np

from data_scaling.errors import DatasetError


class _ArrayState:
    """What stands for an array while it is read: shape, type and bytes."""

    def __init__(self, *_: Any) -> None:
        self.array: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, is_fortran, content = state
        if kind != _ByteType() or is_fortran:
            raise pickle.UnpicklingError("an array that is not of bytes in C order")
        flat = np.frombuffer(bytes(content), dtype=np.uint8)
        self.array = flat.reshape(shape)


class _ByteType:
    """What stands for the type of an array: only unsigned bytes are known."""

    def __init__(self, code: str | bytes = "u1", *_: Any) -> None:
        if code not in ("u1", b"u1", "uint8", b"uint8"):
            raise pickle.UnpicklingError(f"an array of type {code!r}")

    def __setstate__(self, state: Any) -> None:
        """Ignore byte order and alignment, which bytes do not have."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByteType)

    def __hash__(self) -> int:
        return hash(_ByteType)


_KNOWN = {
    "_reconstruct": _ArrayState,
    "ndarray": _ArrayState,
    "dtype": _ByteType,
}
_MODULES = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler of dictionaries, lists, numbers, texts and arrays of bytes."""

    def find_class(self, module: str, name: str) -> Any:
        if module in _MODULES and name in _KNOWN:
            return _KNOWN[name]
        if (module, name) == ("_codecs", "encode"):
            return _encode  # how newer versions of Python write bytes
        raise pickle.UnpicklingError(f"{module}.{name}, which is not allowed")


def _encode(text: str, _encoding: str = "latin1") -> bytes:
    return text.encode("latin1")


def read_array_pickle(content: bytes, name: str) -> dict[str, Any]:
    """Return the dictionary of a pickled batch, its arrays as uint8.

    Parameters
    ----------
    content : bytes
        The pickle.
    name : str
        What the message calls it.

    Raises
    ------
    DatasetError
        If it is damaged, or holds anything else than a dictionary of lists, numbers,
        texts and arrays of bytes.
    """
    try:
        batch = _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    except (
        pickle.UnpicklingError,
        EOFError,
        AttributeError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise DatasetError(
            f"{name} is no batch of CIFAR-10: it is damaged or holds {error}. Get the "
            "original archive again."
        ) from error
    if not isinstance(batch, dict):
        raise DatasetError(f"{name} holds no dictionary. Get the archive again.")
    return {
        key.decode() if isinstance(key, bytes) else str(key): value.array
        if isinstance(value, _ArrayState)
        else value
        for key, value in batch.items()
    }
