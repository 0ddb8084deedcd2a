"""Reading ledgers: contributions and learning curves."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from data_scaling._checks import check_at_least
from data_scaling.contributions import Contributions
from data_scaling.errors import LedgerError
from data_scaling.learning_curve import LearningCurve
from data_scaling.ledger.assembly import Assembly, CurveAssembly
from data_scaling.ledger.database import (
    DamageError,
    connect,
    explain_errors,
    read_header,
)
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.segment import COLUMNS, Segment, decode_segment


def read_contributions(
    path: str | os.PathLike[str], *, n_draws: int | None = None
) -> Contributions:
    """Read the draws of a ledger.

    Parameters
    ----------
    path : path
        The ledger; it may be in use by a run.
    n_draws : int, optional
        Read the first draws only, counted as in the plan (per size in a staggered
        one); all by default.

    Returns
    -------
    Contributions
        Draws that the ledger does not hold yet are NaN, at the smallest size of the
        plan; with the coalitions behind the draws, and those without points.

    Raises
    ------
    LedgerError
        If the file is no ledger, is damaged, or has fewer draws.
    """
    return read_assembly(path, n_draws=n_draws).finish()


def read_assembly(
    path: str | os.PathLike[str],
    *,
    n_draws: int | None = None,
    n_base_draws: int | None = None,
) -> Assembly:
    """Read the draws of a ledger, with the reasons of those that failed.

    Parameters and errors are those of :func:`read_contributions`; ``n_base_draws``, if
    given, takes the first of the draws without points alone.
    """
    with open_reader(path) as (connection, header):
        if n_draws is not None:
            header = _shorten_plan(header, n_draws)
        if n_base_draws is not None:
            plan = replace(header.plan, n_base_draws=n_base_draws)
            header = replace(header, plan=plan)
        assembly = Assembly(header)
        for segment in read_segments(connection, Path(path), header):
            assembly.add(segment)
    return assembly


def read_learning_curve(
    path: str | os.PathLike[str], *, with_points: bool = False
) -> LearningCurve:
    """Read the utility of every coalition of one kind.

    Parameters
    ----------
    path : path
        The ledger; it may be in use by a run.
    with_points : bool
        Read the coalitions that serve points, in the order of their numbers, instead
        of those that were drawn without any.

    Returns
    -------
    LearningCurve
        Draws that the ledger does not hold yet are NaN, at the smallest size of the
        plan.

    Raises
    ------
    LedgerError
        If the file is no ledger, or is damaged.
    """
    return read_curve_assembly(path, with_points=with_points).finish()


def read_curve_assembly(
    path: str | os.PathLike[str],
    *,
    with_points: bool = False,
    n_base_draws: int | None = None,
) -> CurveAssembly:
    """Read a learning curve, with the reasons of the draws that failed.

    Parameters and errors are those of :func:`read_learning_curve`; ``n_base_draws``,
    if given, takes the first of the draws without points alone.
    """
    with open_reader(path) as (connection, header):
        if n_base_draws is not None:
            plan = replace(header.plan, n_base_draws=n_base_draws)
            header = replace(header, plan=plan)
        assembly = CurveAssembly(header, with_points=with_points)
        for segment in read_segments(connection, Path(path), header):
            assembly.add(segment)
    return assembly


def read_segments(
    connection: sqlite3.Connection, path: Path, header: LedgerHeader
) -> Iterator[Segment]:
    """Yield every segment in the order of its coalitions, checked.

    Nobody reads a part alone: a segment whose number was damaged would be missed.

    Raises
    ------
    LedgerError
        Naming the first segment that is not what was written.
    """
    columns = ", ".join(COLUMNS)
    # The key is SQLite's row number, so that no sorting has to hold the deltas.
    query = f"SELECT {columns} FROM segment ORDER BY first_coalition"  # noqa: S608
    reached = 0
    for row in connection.execute(query):
        try:
            segment = decode_segment(row, header.points_per_coalition)
            if segment.first < reached:
                raise LedgerError(f"segment {row[0]} holds draws for a second time")
        except (LedgerError, ValueError, TypeError) as error:
            raise DamageError(path, str(error)) from error
        reached = segment.stop
        yield segment


@contextmanager
def open_reader(
    path: str | os.PathLike[str],
) -> Iterator[tuple[sqlite3.Connection, LedgerHeader]]:
    """Open a ledger for reading, as it is at this moment.

    Raises
    ------
    LedgerError
        If the file is no ledger, or its header is damaged.
    """
    path = Path(path)
    with explain_errors(path), closing(connect(path, "ro")) as connection:
        # One transaction, so that a run that writes meanwhile cannot be half seen.
        connection.execute("BEGIN")
        yield connection, read_header(connection, path)


def _shorten_plan(header: LedgerHeader, n_draws: int) -> LedgerHeader:
    n_draws = check_at_least("n_draws", n_draws, 1)
    if n_draws > header.plan.n_draws:
        raise LedgerError(
            f"{n_draws} draws were asked for, but the ledger's plan has "
            f"{header.plan.n_draws}. Ask for fewer, or draw more."
        )
    return replace(header, plan=replace(header.plan, n_draws=n_draws))
