"""Merging the ledgers of parallel jobs into one."""

import heapq
import logging
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data_scaling.errors import InputError, LedgerError
from data_scaling.ledger.header import LedgerHeader, refuse_mismatch
from data_scaling.ledger.reader import open_reader, read_segments
from data_scaling.ledger.salvage import open_sound
from data_scaling.ledger.segment import (
    Segment,
    Span,
    join_segments,
    stack_descriptors,
    take_coalitions,
)
from data_scaling.ledger.summary import LedgerSummary, describe_ledger
from data_scaling.ledger.writer import open_ledger

_logger = logging.getLogger(__name__)

# Shards hold every n-th draw; joined, they make segments of about this many bytes.
JOINED_BYTES = 2**22
# Ledgers that are open at the same time.
MAX_OPEN = 64


class _Piece(NamedTuple):
    segment: Segment
    is_stored: bool
    path: Path


def combine_ledgers(
    out: str | os.PathLike[str],
    paths: Sequence[str | os.PathLike[str]],
    *,
    skip_damaged: bool = False,
) -> LedgerSummary:
    """Merge ledgers of one plan, as those of the shards of a job array, into one.

    Draws that several ledgers hold must be the same, bit for bit. Merging again changes
    nothing; merging that was interrupted goes on when it is called again, and leaves a
    ledger of what was merged so far.

    Parameters
    ----------
    out : path
        The merged ledger; if it exists, what it lacks is added.
    paths : sequence of path
        The ledgers to merge. They are only read.
    skip_damaged : bool
        Take what is sound of damaged ledgers, instead of refusing them. What is left
        out is logged as a warning, and drawn again by the next run into ``out``.

    Returns
    -------
    LedgerSummary
        What ``out`` holds now.

    Raises
    ------
    PlanMismatchError
        If a ledger was drawn from another plan, dataset, learner or metric. Nothing
        was merged then.
    LedgerError
        If a ledger cannot be read, is damaged, or holds other draws than another one
        for the same coalition.

    Examples
    --------
    >>> import tempfile
    >>> import data_scaling as ds
    >>> dataset, folder = ds.load_dataset("breast_cancer"), tempfile.mkdtemp()
    >>> plan, shards = ds.SamplingPlan(4, 50, 100, points=5), []
    >>> for shard in (1, 2):
    ...     shards.append(f"{folder}/{shard}.ledger")
    ...     _ = ds.sample_ledger(dataset, "logreg", plan, shards[-1], shard=(shard, 2))
    >>> ds.combine_ledgers(f"{folder}/all.ledger", shards).is_complete
    True
    """
    target = Path(out)
    sources = [Path(p) for p in paths if Path(p).resolve() != target.resolve()]
    if not paths:
        raise InputError("No ledger was given to merge. Give at least one.")
    header = _agree_on_header(target, sources, skip_damaged)
    for first in range(0, len(sources), MAX_OPEN):
        _merge_into(target, sources[first : first + MAX_OPEN], header, skip_damaged)
    summary = describe_ledger(target)
    if skip_damaged and not summary.n_coalitions + summary.n_base:
        raise LedgerError(
            f"No draw of {', '.join(map(str, sources))} could be saved; {target} is "
            "empty. Draw the plan again."
        )
    return summary


def _agree_on_header(
    target: Path, sources: Sequence[Path], skip_damaged: bool
) -> LedgerHeader:
    """Return the header of the longest plan, if all are of one identity."""
    paths = [target, *sources] if target.exists() else sources
    headers = []
    for path in paths:
        is_strict = path == target or not skip_damaged
        with open_reader(path) if is_strict else open_sound(path) as (_, header):
            headers.append(header)
        refuse_mismatch(path, header, headers[0], paths[0])
    # All that is merged is of the whole plan.
    return replace(reduce(LedgerHeader.extend, headers), shard=None)


def _merge_into(
    target: Path, sources: Sequence[Path], header: LedgerHeader, skip_damaged: bool
) -> None:
    with open_ledger(target, header) as writer, ExitStack() as stack:
        # A new ledger needs no comparing; reading it would keep its log from folding.
        streams = [_read_stored(target, stack)] if writer.drawn else []
        for path in sources:
            segments = _read_source(path, stack, skip_damaged)
            streams.append(_cut_pieces(segments, path, writer.drawn))
        merged = heapq.merge(
            *streams, key=lambda piece: (piece.segment.first, not piece.is_stored)
        )
        for segment in _join_new(merged, target):
            writer.append(segment)


def _read_stored(target: Path, stack: ExitStack) -> Iterator[_Piece]:
    connection, header = stack.enter_context(open_reader(target))
    for segment in read_segments(connection, target, header):
        yield _Piece(segment, True, target)


def _read_source(path: Path, stack: ExitStack, skip_damaged: bool) -> Iterator[Segment]:
    if not skip_damaged:
        connection, header = stack.enter_context(open_reader(path))
        yield from read_segments(connection, path, header)
        return
    segments, _ = stack.enter_context(open_sound(path))
    for found in segments:
        if isinstance(found, Segment):
            yield found
        else:
            _logger.warning("Left out of %s: %s.", path, found)


def _cut_pieces(
    segments: Iterator[Segment], path: Path, stored: Sequence[Span]
) -> Iterator[_Piece]:
    """Cut segments so that each piece is either stored already, or not at all."""
    ends = sorted({end for span in stored for end in span})
    for segment in segments:
        low = bisect_right(ends, segment.first)
        high = bisect_right(ends, segment.stop - 1)
        cuts = [segment.first, *ends[low:high], segment.stop]
        if len(cuts) == 2:
            yield _Piece(segment, False, path)
            continue
        for first, stop in pairwise(cuts):
            yield _Piece(take_coalitions(segment, first, stop), False, path)


def _join_new(pieces: Iterator[_Piece], target: Path) -> Iterator[Segment]:
    """Yield what is not stored, in larger segments; compare what is there twice."""
    window: list[_Piece] = []
    n_bytes = 0
    for piece in pieces:
        first, reached = piece.segment.first, window[-1].segment.stop if window else 0
        if window and (
            first > reached or (first == reached and n_bytes >= JOINED_BYTES)
        ):
            yield from _join_window(window)
            window, n_bytes = [], 0
        elif first < reached:
            _refuse_conflict(piece, window, target)
            if piece.segment.stop <= reached:
                continue
            rest = take_coalitions(piece.segment, reached, piece.segment.stop)
            piece = piece._replace(segment=rest)
        window.append(piece)
        n_bytes += piece.segment.delta.nbytes + piece.segment.utility.nbytes
    yield from _join_window(window)


def _join_window(window: Sequence[_Piece]) -> Iterator[Segment]:
    """Yield the runs of adjacent new segments, each as one."""
    run: list[Segment] = []
    for piece in window:
        if not piece.is_stored:
            run.append(piece.segment)
        elif run:
            yield join_segments(run)
            run = []
    if run:
        yield join_segments(run)


def _refuse_conflict(piece: _Piece, window: Sequence[_Piece], target: Path) -> None:
    """Raise if a piece differs from what the window holds for its coalitions.

    Raises
    ------
    LedgerError
        Naming both ledgers and the first coalition that differs.
    """
    for other in window:
        first = max(piece.segment.first, other.segment.first)
        stop = min(piece.segment.stop, other.segment.stop)
        if first >= stop:
            continue
        one = take_coalitions(piece.segment, first, stop)
        two = take_coalitions(other.segment, first, stop)
        if not _are_same_draws(one, two):
            raise LedgerError(
                f"{piece.path} and {other.path} hold different draws for coalitions "
                f"{first} to {stop - 1}, though their plans are the same. Were they "
                "drawn with other versions or on other processors? Leave one of them "
                f"out; {target} keeps what was merged before."
            )


def _are_same_draws(one: Segment, two: Segment) -> bool:
    return (
        np.array_equal(one.cardinality, two.cardinality)
        and np.array_equal(one.members, two.members)
        and np.array_equal(one.utility, two.utility, equal_nan=True)
        and np.array_equal(one.delta, two.delta, equal_nan=True)
        and _are_same_descriptors(one, two)
    )


def _are_same_descriptors(one: Segment, two: Segment) -> bool:
    # One whose training failed has NaN for every number, or none at all.
    rows = stack_descriptors([one.descriptor, two.descriptor])
    half = len(one.descriptor)
    return np.array_equal(rows[:half], rows[half:], equal_nan=True)
