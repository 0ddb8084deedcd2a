"""Arrays and texts in one compressed block that a page unpacks by itself.

JSON has no arrays of numbers that are small and quick to read. Here they lie one after
the other as little-endian bytes, each at a multiple of eight, behind a JSON text that
names them; all of it is compressed by gzip, which browsers undo, and written in base64.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ALIGNMENT: Final = 8
_LEVEL: Final = 6


def pack(texts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return texts and arrays as one block in base64.

    Parameters
    ----------
    texts : dict
        What JSON can hold; NaN becomes null.
    arrays : dict of str to array
        Of float64, float32 or integers of at most 32 bits.

    Returns
    -------
    str
        Base64 of gzip of: the length of the JSON text as four bytes, the text, padding,
        and the arrays.
    """
    places, blocks, offset = {}, [], 0
    for name, array in arrays.items():
        block = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        places[name] = {
            "dtype": array.dtype.name,
            "offset": offset,
            "length": array.size,
            "width": array.shape[1] if array.ndim > 1 else 1,
        }
        block += bytes(-len(block) % ALIGNMENT)
        blocks.append(block)
        offset += len(block)
    header = json.dumps(
        {**_without_nan(texts), "arrays": places}, ensure_ascii=False, allow_nan=False
    ).encode("utf-8", "replace")
    header += b" " * (-(len(header) + 4) % ALIGNMENT)
    whole = len(header).to_bytes(4, "little") + header + b"".join(blocks)
    # Without the time in gzip's header the same report has the same bytes.
    return base64.b64encode(gzip.compress(whole, _LEVEL, mtime=0)).decode()


def _without_nan(value: Any) -> Any:
    """Replace NaN and infinity, which JSON does not have, by null."""
    if isinstance(value, Mapping):
        return {str(name): _without_nan(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(part) for part in value]
    if isinstance(value, np.ndarray):
        return _without_nan(value.tolist())
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
