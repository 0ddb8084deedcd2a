"""Embeddings that were made before, by content and encoder, in one SQLite file.

A batch is stored as a whole as soon as it is made, so that work which is interrupted
goes on where it stopped.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_scaling.errors import DatasetError

# Fewer than the number of variables that SQLite allows in a statement.
_KEYS_PER_QUERY = 500


class EmbeddingCache:
    """The stored vectors of one encoder.

    Parameters
    ----------
    connection : sqlite3.Connection
        The open file; :func:`open_cache` gives it.
    path : Path
        What messages call it.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        with _name_cache(path), connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS embedding "
                "(key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
            )

    def read(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """Return the vectors that are there, by key."""
        found: dict[bytes, NDArray[np.float32]] = {}
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            asked = keys[start : start + _KEYS_PER_QUERY]
            marks = ",".join("?" * len(asked))
            query = f"SELECT key, vector FROM embedding WHERE key IN ({marks})"  # noqa: S608
            with _name_cache(self._path):
                for key, vector in self._connection.execute(query, asked):
                    found[key] = np.frombuffer(vector, dtype="<f4")
        return found

    def write(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Store a batch, all of it or nothing; what is there already stays."""
        rows = [
            (key, vector.astype("<f4").tobytes())
            for key, vector in zip(keys, vectors, strict=True)
        ]
        with _name_cache(self._path), self._connection:
            self._connection.executemany(
                "INSERT OR IGNORE INTO embedding VALUES (?, ?)", rows
            )


@contextmanager
def open_cache(path: Path) -> Iterator[EmbeddingCache]:
    """Open the cache of one encoder, made if it is missing.

    Raises
    ------
    DatasetError
        If the file cannot be opened, or is no cache. An error of the encoder, while
        the cache is open, stays what it is.
    """
    with _name_cache(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=60)
    with closing(connection):
        yield EmbeddingCache(connection, path)


@contextmanager
def _name_cache(path: Path) -> Iterator[None]:
    """Turn errors of the file into one that names it."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise DatasetError(
            f"The cache of embeddings {path} cannot be used ({error}). Remove it, or "
            "name another folder by the environment variable DATA_SCALING_CACHE."
        ) from error
