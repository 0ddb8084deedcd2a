"""The SQLite file under a ledger: its schema, its opening, its errors in words."""

import os
import secrets
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from data_scaling.errors import LedgerError
from data_scaling.ledger.header import LedgerHeader

APPLICATION_ID = 0x64736C67  # "dslg"; tells a ledger from other SQLite files
FORMAT = 2
MAGIC = b"SQLite format 3\x00"

SCHEMA = f"""
PRAGMA page_size = 16384;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
CREATE TABLE meta (
    name TEXT PRIMARY KEY, value TEXT NOT NULL, crc32 INTEGER NOT NULL
);
CREATE TABLE segment (
    first_coalition INTEGER PRIMARY KEY,
    n_coalitions INTEGER NOT NULL,
    n_failed INTEGER NOT NULL,
    failures TEXT NOT NULL,
    seconds REAL NOT NULL,
    written_at REAL NOT NULL,
    crc32 INTEGER NOT NULL,
    cardinality BLOB NOT NULL,
    utility BLOB NOT NULL,
    descriptor BLOB NOT NULL,
    members BLOB NOT NULL,
    delta BLOB NOT NULL
);
"""

_DAMAGED = (
    "is damaged: {reason}. It was left as it is; restore a copy, or save what is sound "
    "of it by: data-scaling combine NEW {path} --skip-damaged"
)
_ADVICE = {
    "SQLITE_FULL": "cannot be written: the disk is full ({reason}). The draws before "
    "are kept; free some space and run again.",
    "SQLITE_BUSY": "is being written by another run. Wait until it ends, or give "
    "another path.",
    "SQLITE_READONLY": "cannot be written ({reason}). The draws before are kept; give "
    "a path in a folder that you may write to.",
    "SQLITE_CANTOPEN": "cannot be opened ({reason}). Give a path in a folder that you "
    "may write to.",
    "SQLITE_IOERR": "cannot be read or written: the disk reports an error ({reason}). "
    "The draws before are kept.",
}


class DamageError(LedgerError):
    """A ledger is not what was written.

    Attributes
    ----------
    reason : str
        What is wrong with it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        text = _DAMAGED.format(reason=reason, path=path)
        super().__init__(f"The ledger {path} {text}")
        self.reason = reason


@contextmanager
def explain_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into a LedgerError."""
    try:
        yield
    except sqlite3.Error as error:
        code = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
        if code not in _ADVICE:
            raise DamageError(path, str(error)) from error
        advice = _ADVICE[code].format(reason=error)
        raise LedgerError(f"The ledger {path} {advice}") from error
    except UnicodeDecodeError as error:
        raise DamageError(path, str(error)) from error
    except LedgerError:
        raise
    except OSError as error:
        raise LedgerError(
            f"The ledger {path} cannot be opened ({error.strerror}). Give a path in a "
            "folder that you may write to."
        ) from error


def create_ledger(path: Path, header: LedgerHeader) -> None:
    """Make an empty ledger at a path where there is none.

    The file appears whole or not at all, and never in the place of another.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with closing(sqlite3.connect(temporary)) as connection:
            connection.executescript(SCHEMA)
            write_header(connection, header)
            connection.commit()
        try:
            # Unlike a rename, a link does not replace what another run made meanwhile.
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError:  # a file system without links
            temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Open an existing ledger.

    Parameters
    ----------
    path : Path
        Where it lies.
    mode : {"ro", "rw"}
        For reading alone, or for writing as well.

    Raises
    ------
    LedgerError
        If there is no file, or it is no ledger that this version can read.
    """
    _check_is_database(path)
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        timeout=0.0 if mode == "rw" else 5.0,
        isolation_level=None,
    )
    try:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (file_format,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise LedgerError(
                f"{path} is an SQLite file, but no ledger. Give another path."
            )
        if file_format != FORMAT:
            raise LedgerError(
                f"The ledger {path} has format {file_format}, but this version reads "
                f"format {FORMAT}. Install the version that wrote it."
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _check_is_database(path: Path) -> None:
    if not path.exists():
        raise LedgerError(f"There is no ledger at {path}. Draw one first.")
    if not path.is_file():
        raise LedgerError(
            f"{path} is no file. Give the path of a ledger; data-scaling run writes "
            "draws.ledger into its folder."
        )
    with path.open("rb") as file:
        start = file.read(100)
    if start[68:72] == APPLICATION_ID.to_bytes(4) and start[:16] != MAGIC:
        raise DamageError(path, "it does not begin as an SQLite file does")
    if start[:16] != MAGIC:
        what = "is empty" if not start else "does not begin as an SQLite file does"
        raise LedgerError(
            f"{path} is no ledger: it {what}. It was left as it is; give the path of a "
            "ledger, or for a new one a path where there is no file."
        )
    n_pages = int.from_bytes(start[28:32])
    page_size = int.from_bytes(start[16:18])
    n_bytes = path.stat().st_size
    # Until the write-ahead log was folded in, the file may lack pages that it holds.
    has_log = path.with_name(f"{path.name}-wal").exists()
    if n_bytes < max(n_pages * page_size, 100) and not has_log:
        raise DamageError(
            path, f"it was cut to {n_bytes:,} bytes, of {n_pages * page_size:,}"
        )


def write_header(connection: sqlite3.Connection, header: LedgerHeader) -> None:
    """Write, or write again, the table ``meta``."""
    rows = [
        (name, value, zlib.crc32(f"{name}={value}".encode()))
        for name, value in header.to_rows().items()
    ]
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", rows)


def read_header(connection: sqlite3.Connection, path: Path) -> LedgerHeader:
    """Read the table ``meta``.

    Raises
    ------
    LedgerError
        If it is not what was written.
    """
    rows = connection.execute("SELECT name, value, crc32 FROM meta").fetchall()
    return decode_header(rows, path)


def decode_header(rows: Iterable[tuple[str, str, int]], path: Path) -> LedgerHeader:
    """Return the header in the rows of the table ``meta``.

    Raises
    ------
    LedgerError
        If they are not what was written.
    """
    fields = {}
    for name, value, crc32 in rows:
        if zlib.crc32(f"{name}={value}".encode()) != crc32:
            raise DamageError(path, f"field {name!r} does not match its checksum")
        fields[name] = value
    try:
        return LedgerHeader.from_rows(fields)
    except (ValueError, TypeError, KeyError) as error:
        raise DamageError(path, f"its fields cannot be read ({error})") from error
