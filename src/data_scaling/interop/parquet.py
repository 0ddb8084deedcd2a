"""Contributions as a Parquet file, one row per point and draw."""

import os
from typing import Any

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._files import write_whole
from data_scaling.contributions import Contributions

# Rows per group of the file: what is in memory at a time, some 30 MB.
GROUP_ROWS = 2**20


def write_parquet(contributions: Contributions, path: str | os.PathLike[str]) -> None:
    """Write contributions as a long table with the columns of ``to_frame``.

    The rows go to the file in groups, so that the memory in use does not grow with the
    number of draws. Where they come from (dataset, learner, metric and its unit,
    fingerprint) stands in the file's metadata.

    Parameters
    ----------
    contributions : Contributions
        What to write; a delta that is NaN stays NaN.
    path : path
        Where the file will lie; it appears whole or not at all.

    Raises
    ------
    MissingExtraError
        If pyarrow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> import pyarrow.parquet as pq
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.interop import write_parquet
    >>> path = tempfile.mkdtemp() + "/draws.parquet"
    >>> write_parquet(Contributions([[0.5, 0.25]], [10, 20], [7]), path)
    >>> pq.read_table(path).to_pylist()[1]
    {'point': 7, 'row': 7, 'draw': 1, 'cardinality': 20, 'delta': 0.25}
    """
    arrow: Any = require_extra("pyarrow", "data")
    parquet: Any = require_extra("pyarrow.parquet", "data")
    origin = {
        name: getattr(contributions, name)
        for name in ("dataset", "learner", "metric", "unit", "fingerprint")
    }
    is_text = contributions.row_ids.dtype.kind not in "iu"
    schema = arrow.schema(
        [
            ("point", arrow.int64()),
            ("row", arrow.string() if is_text else arrow.int64()),
            ("draw", arrow.int32()),
            ("cardinality", arrow.int32()),
            ("delta", arrow.float64()),
        ],
        metadata=origin,
    )
    n_rows = max(1, GROUP_ROWS // max(1, contributions.n_draws))
    with (
        write_whole(path) as temporary,
        parquet.ParquetWriter(temporary, schema) as writer,
    ):
        for first in range(0, contributions.n_points, n_rows):
            columns = _list_columns(contributions, slice(first, first + n_rows))
            writer.write_table(arrow.table(columns, schema))


def _list_columns(contributions: Contributions, rows: slice) -> dict[str, Any]:
    points, n_draws = contributions.points[rows], contributions.n_draws
    return {
        "point": np.repeat(points, n_draws),
        "row": np.repeat(contributions.row_ids[rows], n_draws),
        "draw": np.tile(np.arange(n_draws, dtype=np.int32), len(points)),
        "cardinality": contributions.cardinality[rows].ravel(),
        "delta": contributions.delta[rows].ravel(),
    }
