"""A run of consecutive coalitions with their draws, and its form in the file."""

import json
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, Int32Array
from data_scaling.errors import LedgerError

COLUMNS = (
    "first_coalition",
    "n_coalitions",
    "n_failed",
    "failures",
    "seconds",
    "written_at",
    "crc32",
    "cardinality",
    "utility",
    "descriptor",
    "members",
    "delta",
)
N_HEAD = COLUMNS.index("crc32")

Span: TypeAlias = tuple[int, int]  # number of the first coalition, and the end

# Coalitions without points are numbered from here on, so that both kinds can grow.
FIRST_BASE = 2**48


@dataclass(frozen=True, eq=False)
class Segment:
    """The draws of consecutive coalitions.

    Attributes
    ----------
    first : int
        Number of the first coalition; from ``FIRST_BASE`` on they serve no points.
    cardinality : (n_coalitions,) int32 array
        Size of each coalition.
    utility : (n_coalitions,) float64 array
        U(D) of each coalition, in units of the metric; NaN if its training failed.
    delta : (n_coalitions, n_points) float64 array
        Contribution of each point that the coalition serves; NaN if it failed.
    members : (n_coalitions, n_points) bool array
        Whether the point is in the coalition: its draw is then at one size less.
    descriptor : (n_coalitions, n_numbers) float64 array
        What the learner says of each coalition's fit; no numbers if it says nothing,
        NaN where training failed.
    failures : mapping of str to int
        How many draws failed for each reason.
    seconds : float
        Time that the learner took.
    """

    first: int
    cardinality: Int32Array
    utility: FloatArray
    delta: FloatArray
    members: BoolArray
    descriptor: FloatArray
    failures: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def stop(self) -> int:
        """Number of the coalition after the last."""
        return self.first + len(self.cardinality)

    @property
    def n_failed(self) -> int:
        """Number of draws without a number.

        A draw is a pair of coalition and point, or a coalition that serves none.
        """
        draws = self.delta if self.first < FIRST_BASE else self.utility
        return int(np.count_nonzero(np.isnan(draws)))


def take_coalitions(segment: Segment, first: int, stop: int) -> Segment:
    """Return a part of a segment.

    A segment does not say to which coalition its time and the reasons of its failures
    belong: the time is divided equally, the reasons stay with the first coalition.
    """
    rows = slice(first - segment.first, stop - segment.first)
    share = (stop - first) / len(segment.cardinality)
    return replace(
        segment,
        first=first,
        failures=segment.failures if first == segment.first else {},
        seconds=segment.seconds * share,
        cardinality=segment.cardinality[rows],
        utility=segment.utility[rows],
        delta=segment.delta[rows],
        members=segment.members[rows],
        descriptor=segment.descriptor[rows],
    )


def join_segments(segments: Sequence[Segment]) -> Segment:
    """Return adjacent segments, in their order, as one."""
    if len(segments) == 1:
        return segments[0]
    failures: Counter[str] = Counter()
    for segment in segments:
        failures.update(segment.failures)
    return Segment(
        segments[0].first,
        np.concatenate([segment.cardinality for segment in segments]),
        np.concatenate([segment.utility for segment in segments]),
        np.concatenate([segment.delta for segment in segments]),
        np.concatenate([segment.members for segment in segments]),
        stack_descriptors([segment.descriptor for segment in segments]),
        dict(failures),
        sum(segment.seconds for segment in segments),
    )


def stack_descriptors(descriptors: Sequence[FloatArray]) -> FloatArray:
    """Return descriptors below each other; NaN where one has no numbers."""
    n_numbers = max((d.shape[1] for d in descriptors), default=0)
    n_rows = sum(len(descriptor) for descriptor in descriptors)
    stacked = np.full((n_rows, n_numbers), np.nan)
    row = 0
    for descriptor in descriptors:
        if descriptor.shape[1]:
            stacked[row : row + len(descriptor)] = descriptor
        row += len(descriptor)
    return stacked


def encode_segment(segment: Segment, written_at: float) -> tuple[Any, ...]:
    """Return the row of a segment, in the order of ``COLUMNS``.

    Membership is one bit per point, so that it adds a sixty-fourth to the deltas
    whatever the sizes of the coalitions.

    Parameters
    ----------
    segment : Segment
        What to write.
    written_at : float
        Seconds since 1970.
    """
    head = (
        segment.first,
        len(segment.cardinality),
        segment.n_failed,
        json.dumps(dict(segment.failures), sort_keys=True),
        segment.seconds,
        written_at,
    )
    blobs = (
        segment.cardinality.astype("<i4").tobytes(),
        segment.utility.astype("<f8").tobytes(),
        segment.descriptor.astype("<f8").tobytes(),
        np.packbits(segment.members, axis=1).tobytes(),
        np.ascontiguousarray(segment.delta, dtype="<f8").data.cast("B")
        if segment.delta.size
        else b"",
    )
    return *head, _checksum(head, blobs), *blobs


def decode_segment(row: Sequence[Any], n_points: int) -> Segment:
    """Return the segment in a row.

    Parameters
    ----------
    row : sequence
        Values in the order of ``COLUMNS``.
    n_points : int
        Number of points that a coalition with points serves.

    Raises
    ------
    LedgerError
        If the row is not what was written.
    """
    head, crc32, blobs = tuple(row[:N_HEAD]), row[N_HEAD], tuple(row[N_HEAD + 1 :])
    first, n_coalitions, _, failures, seconds, _ = head
    name = f"segment {first} (of {n_coalitions} coalitions)"
    if not all(isinstance(blob, bytes) for blob in blobs):
        raise LedgerError(f"{name} holds values of another type")
    if _checksum(head, blobs) != crc32:
        raise LedgerError(f"{name} does not match its checksum")
    if first >= FIRST_BASE:
        n_points = 0
    cardinality, utility, descriptor, members, delta = blobs
    n_numbers = len(descriptor) // (8 * n_coalitions)
    bits = np.frombuffer(members, dtype=np.uint8).reshape(
        n_coalitions, -(-n_points // 8)
    )
    return Segment(
        first=first,
        cardinality=np.frombuffer(cardinality, dtype="<i4"),
        utility=np.frombuffer(utility, dtype="<f8"),
        delta=np.frombuffer(delta, dtype="<f8").reshape(n_coalitions, n_points),
        members=np.unpackbits(bits, axis=1, count=n_points).view(np.bool_),
        descriptor=np.frombuffer(descriptor, "<f8").reshape(n_coalitions, n_numbers),
        failures=json.loads(failures),
        seconds=seconds,
    )


def _checksum(head: tuple[Any, ...], blobs: tuple[Any, ...]) -> int:
    crc = zlib.crc32(repr(head).encode())
    for blob in blobs:
        crc = zlib.crc32(blob, crc)
    return crc
