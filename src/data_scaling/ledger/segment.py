"""A run of consecutive coalitions with their draws, and its form in the file."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data_scaling._typing import BoolArray, FloatArray, Int32Array
from data_scaling.errors import LedgerError

COLUMNS = (
    "first_coalition",
    "n_coalitions",
    "n_failed",
    "failures",
    "crc32",
    "cardinality",
    "utility",
    "members",
    "delta",
)


@dataclass(frozen=True, eq=False)
class Segment:
    """The draws of consecutive coalitions.

    Attributes
    ----------
    first : int
        Number of the first coalition.
    cardinality : (n_coalitions,) int32 array
        Size of each coalition.
    utility : (n_coalitions,) float64 array
        U(D) of each coalition, in units of the metric; NaN if its training failed.
    delta : (n_coalitions, n_points) float64 array
        Contribution of each point that the coalition serves; NaN if it failed.
    members : (n_coalitions, n_points) bool array
        Whether the point is in the coalition: its draw is then at one size less.
    failures : mapping of str to int
        How often each reason of a failed training occurred.
    """

    first: int
    cardinality: Int32Array
    utility: FloatArray
    delta: FloatArray
    members: BoolArray
    failures: Mapping[str, int] = field(default_factory=dict)

    @property
    def stop(self) -> int:
        """Number of the coalition after the last."""
        return self.first + len(self.cardinality)

    @property
    def n_failed(self) -> int:
        """Number of pairs of coalition and point without a number."""
        return int(np.count_nonzero(np.isnan(self.delta)))


def encode_segment(segment: Segment) -> tuple[Any, ...]:
    """Return the row of a segment, in the order of ``COLUMNS``.

    Membership is one bit per point, so that it adds a sixty-fourth to the deltas
    whatever the sizes of the coalitions.
    """
    n_coalitions = len(segment.cardinality)
    head = (
        segment.first,
        n_coalitions,
        segment.n_failed,
        json.dumps(dict(segment.failures), sort_keys=True),
    )
    blobs = (
        segment.cardinality.astype("<i4").tobytes(),
        segment.utility.astype("<f8").tobytes(),
        np.packbits(segment.members, axis=1).tobytes(),
        np.ascontiguousarray(segment.delta, dtype="<f8").data.cast("B"),
    )
    return *head, _checksum(head, blobs), *blobs


def decode_segment(row: Sequence[Any], n_points: int) -> Segment:
    """Return the segment in a row.

    Parameters
    ----------
    row : sequence
        Values in the order of ``COLUMNS``.
    n_points : int
        Number of points that a coalition serves.

    Raises
    ------
    LedgerError
        If the row is not what was written.
    """
    head, crc32, blobs = tuple(row[:4]), row[4], tuple(row[5:])
    name = f"segment {head[0]} (of {head[1]} coalitions)"
    if not all(isinstance(blob, bytes) for blob in blobs):
        raise LedgerError(f"{name} holds values of another type")
    if _checksum(head, blobs) != crc32:
        raise LedgerError(f"{name} does not match its checksum")
    n_coalitions = head[1]
    bits = np.frombuffer(blobs[2], dtype=np.uint8).reshape(n_coalitions, -1)
    members = np.unpackbits(bits, axis=1, count=n_points)
    return Segment(
        first=head[0],
        cardinality=np.frombuffer(blobs[0], dtype="<i4"),
        utility=np.frombuffer(blobs[1], dtype="<f8"),
        delta=np.frombuffer(blobs[3], dtype="<f8").reshape(n_coalitions, n_points),
        members=members.view(np.bool_),
        failures=json.loads(head[3]),
    )


def _checksum(head: tuple[Any, ...], blobs: tuple[Any, ...]) -> int:
    crc = zlib.crc32(repr(head).encode())
    for blob in blobs:
        crc = zlib.crc32(blob, crc)
    return crc
