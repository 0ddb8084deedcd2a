"""Scoring without end: laws of the rows of tables, read and written in batches."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data_scaling._checks import check_at_least, require_extra
from data_scaling._files import write_whole
from data_scaling.amortized.encoding import Encoding
from data_scaling.amortized.estimator import AmortizedEstimator
from data_scaling.errors import InputError
from data_scaling.laws.arrays import log_sizes

BATCH_ROWS = 2**16
_JOINED_ROWS = 1024
PARAMETERS = ("c", "alpha", "sigma", "beta")


@final
@dataclass(frozen=True)
class Scorer:
    """Give the rows of a table their laws; callable on the partitions of a cluster.

    Parameters
    ----------
    estimator : AmortizedEstimator
        A trained one.
    cardinalities : sequence of float
        Sizes at which psi is wanted.
    target : str
        Column that holds the target: numbers in a regression, else names of classes
        (integers stand for their digits). The features are the columns of the names
        that the model's dataset has.
    keep : sequence of str
        Columns that are passed on, such as an identifier.

    Examples
    --------
    >>> import data_scaling as ds
    >>> import pandas as pd
    >>> from data_scaling.amortized import Scorer
    >>> data = ds.load_dataset("breast_cancer")
    >>> draws = ds.sample_contributions(data, "logreg", ds.SamplingPlan(10, 30, 200))
    >>> estimator = ds.AmortizedEstimator(n_epochs=2)
    >>> laws = estimator.fit(draws, data)
    >>> rows = pd.DataFrame(data.x_test, columns=list(data.feature_names))
    >>> rows["label"] = [data.classes[code] for code in data.y_test]
    >>> scorer = Scorer(estimator, [100, 1000], target="label")
    >>> scorer(rows).columns.tolist()
    ['c', 'alpha', 'sigma', 'beta', 'psi_100', 'psi_1000']

    On a Dask frame: ``frame.map_partitions(scorer, meta=scorer(frame.head(0)))``. Where
    several partitions are scored in one process, hold its BLAS back to one thread.
    """

    estimator: AmortizedEstimator
    cardinalities: Sequence[float] = (100, 1000)
    target: str = "target"
    keep: Sequence[str] = ()

    @property
    def columns(self) -> list[str]:
        """Columns that are read."""
        names = [*self._encoding.feature_names, self.target, *self.keep]
        return list(dict.fromkeys(names))

    @property
    def _encoding(self) -> Encoding:
        if self.estimator.model is None:
            raise InputError("The estimator is not trained. Call fit, or load a model.")
        return self.estimator.model.encoding

    def __call__(self, frame: Any) -> Any:
        """Return the scores of a pandas frame as a frame with the same index."""
        arrow = require_extra("pyarrow", "data")
        self.check_columns(list(frame.columns))
        table = arrow.Table.from_pandas(frame[self.columns], preserve_index=False)
        scores = self.score(table).to_pandas()
        scores.index = frame.index
        return scores

    def score(self, table: Any) -> Any:
        """Return the scores of an Arrow table or batch as a table.

        Its columns are those kept; ``c, alpha, sigma, beta`` of the power law that
        touches the point's law at the model's base size (the typical size of the draws
        that it was trained on); and psi at each size.

        Raises
        ------
        InputError
            If a column is missing, or features or targets are not of the kind that
            the model was trained on.
        """
        arrow = require_extra("pyarrow", "data")
        encoding = self._encoding
        self.check_columns(table.schema.names)
        features = _join_columns(
            [_read_numbers(n, table.column(n)) for n in encoding.feature_names]
        )
        target = _read_target(encoding, self.target, table.column(self.target))
        columns = {name: table.column(name) for name in self.keep}
        return arrow.table(columns | self._evaluate(features, target))

    def _evaluate(
        self, features: NDArray[Any], target: NDArray[Any]
    ) -> dict[str, NDArray[Any]]:
        """Return the columns of the scores."""
        names = [f"psi_{k:g}" for k in self.cardinalities]
        model = self.estimator.model
        if model is None or model.method != "hierarchical":
            laws = self.estimator.predict(features, target)
            power = laws.tangent(1.0)
            psi = laws.psi(np.asarray(self.cardinalities, dtype=np.float64))
            columns = {name: getattr(power, name) for name in PARAMETERS}
            return columns | dict(zip(names, psi.T, strict=True))
        # Needs torch, which this module does not.
        from data_scaling.amortized.expectation import join_networks

        log_sizes(self.cardinalities, 0)
        encoded = model.encoding.encode(features, target)
        found = join_networks(model).expect(*encoded)
        base, powers = model.base, model.powers
        sigma = found.noise * base ** (0.5 * found.exponent.astype(np.float64))
        values = (*found.touch(base, powers), sigma, found.exponent)
        columns = dict(zip(PARAMETERS, values, strict=True))
        for name, k in zip(names, self.cardinalities, strict=True):
            columns[name] = found.psi(k, base, powers)
        return columns

    def check_columns(self, found: Sequence[str]) -> None:
        """Raise InputError if a column that is read is not among those found."""
        missing = [name for name in self.columns if name not in found]
        if missing:
            raise InputError(
                f"The table lacks {len(missing)} of the columns that the model needs: "
                f"{', '.join(missing[:5])}. It has {', '.join(map(str, found[:5]))}, "
                "... Give prepared features under the names of the model's dataset, "
                "and name the target's column."
            )


def score_parquet(
    scorer: Scorer,
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    batch_rows: int = BATCH_ROWS,
    n_threads: int | None = None,
) -> int:
    """Score a Parquet file, or all of a folder, into a Parquet file.

    A few batches are in memory at a time, however large the input is. The rows keep
    their order, files that of their names.

    Parameters
    ----------
    scorer : Scorer
        What is computed of a row.
    source : path
        A Parquet file, or a folder of them.
    out : path
        The file to write; it appears whole or not at all.
    batch_rows : int
        Rows per batch.
    n_threads : int, optional
        Batches computed at a time; as many as there are cores by default.

    Returns
    -------
    int
        Number of rows scored.

    Raises
    ------
    InputError
        If the source is no Parquet, or its rows cannot be scored.
    """
    parquet = require_extra("pyarrow.parquet", "data")
    torch = require_extra("torch", "torch")
    check_at_least("batch_rows", batch_rows, 1)
    threads = n_threads or os.cpu_count() or 1
    batches = _read_batches(scorer, Path(source), batch_rows)
    n_rows = 0
    # Each thread has a batch of its own, so products are to use no further ones.
    with threadpool_limits(1), write_whole(out) as temporary, ExitStack() as stack:
        pool = stack.enter_context(
            ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(1))
        )
        writer = None
        for table in _map_in_order(pool, scorer, batches, threads + 1):
            if writer is None:
                # Numbers that hardly repeat take longer to list than to write.
                writer = parquet.ParquetWriter(
                    temporary, table.schema, use_dictionary=list(scorer.keep) or False
                )
                stack.callback(writer.close)
            writer.write_table(table)
            n_rows += table.num_rows
        if writer is None:
            raise InputError(f"{source} holds no rows. Give a table with some.")
    return n_rows


def _map_in_order(
    pool: ThreadPoolExecutor, scorer: Scorer, batches: Iterator[Any], n_ahead: int
) -> Iterator[Any]:
    """Score batches side by side, a few ahead of the one that is given."""
    waiting: deque[Future[Any]] = deque()
    for batch in batches:
        waiting.append(pool.submit(scorer.score, batch))
        if len(waiting) >= n_ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _read_batches(scorer: Scorer, source: Path, batch_rows: int) -> Iterator[Any]:
    arrow = require_extra("pyarrow", "data")
    parquet = require_extra("pyarrow.parquet", "data")
    files = sorted(source.glob("**/*.parquet")) if source.is_dir() else [source]
    if not files or not source.exists():
        raise InputError(
            f"There is no Parquet at {source}. Give a file, or a folder of them."
        )
    for path in files:
        try:
            with parquet.ParquetFile(path, pre_buffer=False) as file:
                scorer.check_columns(file.schema_arrow.names)
                yield from file.iter_batches(
                    batch_rows, columns=scorer.columns, use_threads=False
                )
        except (arrow.ArrowException, OSError) as error:
            raise InputError(
                f"{path} cannot be read as Parquet ({error}). Write the file again."
            ) from error


def _read_numbers(name: str, column: Any) -> NDArray[Any]:
    values: NDArray[Any] = column.to_numpy(**_copying(column))
    if values.dtype.kind not in "biuf":
        raise InputError(
            f"The column {name!r} holds {column.type}, no numbers. Prepare the "
            "features as those of the model's dataset."
        )
    return values


def _join_columns(columns: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Return columns as rows, some rows at a time, which then stay in the cache."""
    rows = np.empty((len(columns[0]), len(columns)), dtype=np.float32)
    for first in range(0, len(rows), _JOINED_ROWS):
        part = slice(first, first + _JOINED_ROWS)
        for j, column in enumerate(columns):
            rows[part, j] = column[part]
    return rows


def _read_target(encoding: Encoding, name: str, column: Any) -> NDArray[Any]:
    """Return numbers, or codes: classes go by their names, integers by their digits."""
    if not encoding.classes:
        return _read_numbers(name, column)
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    coded = column if hasattr(column, "indices") else column.dictionary_encode()
    names = np.array([str(value) for value in coded.dictionary.to_pylist()], dtype=str)
    if coded.null_count:
        raise InputError(
            f"The column {name!r} lacks {coded.null_count} labels. Leave out those "
            "rows."
        )
    places: NDArray[np.intp] = coded.indices.to_numpy()
    return encoding.code(names)[places]


def _copying(column: Any) -> dict[str, bool]:
    # A column of several chunks has no such option, as it is always copied.
    return {} if hasattr(column, "combine_chunks") else {"zero_copy_only": False}
