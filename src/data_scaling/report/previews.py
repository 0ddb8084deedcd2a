"""Which previews a page holds: those of the points that come first, as space allows."""

from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray, IntArray
from data_scaling.report.points import PointTable


def select_previews(
    table: PointTable, points: IntArray, importance: FloatArray, n_bytes: int
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the previews of the most important points that fit into some space.

    Parameters
    ----------
    table : PointTable
        The pool.
    points : (n_listed,) intp array
        Points that a page lists.
    importance : (n_listed,) float64 array
        Points of smaller numbers come first.
    n_bytes : int
        Space for texts, fields and images together, before compression.

    Returns
    -------
    texts : dict
        ``texts``, one per preview; ``columns``, pairs of a name and one value per
        preview; ``of``, the preview of each listed point or -1; ``are_features``.
    pictures : dict of str to array
        ``thumbnails``, all images one after the other, and ``thumbnail_ends``.
    """
    order = np.argsort(importance, kind="stable")
    place = np.full(len(points), -1, dtype=np.intp)
    texts: list[str] = []
    fields: list[dict[str, str]] = []
    images: list[bytes] = []
    used = 0
    for row in order if len(table.previews) else []:
        preview = table.previews[int(points[row])]
        used += len(preview.text.encode()) + len(preview.thumbnail)
        used += sum(len(value.encode()) for _, value in preview.fields)
        if used > n_bytes:
            break
        place[row] = len(texts)
        texts.append(preview.text)
        fields.append(dict(preview.fields))
        images.append(preview.thumbnail)
    shown = {
        "texts": texts if any(texts) else [],
        "columns": [
            [name, [of_row.get(name, "") for of_row in fields]]
            for name in table.previews.columns
        ],
        "of": place.tolist(),
        "are_features": table.are_features,
    }
    return shown, _join(images)


def _join(images: list[bytes]) -> dict[str, NDArray[Any]]:
    if not any(images):
        return {}
    ends = list(accumulate(len(image) for image in images))
    return {
        "thumbnails": np.frombuffer(b"".join(images), dtype=np.uint8),
        "thumbnail_ends": np.array(ends, dtype=np.uint32),
    }
