"""The ledger of raw draws: one SQLite file that a killed run cannot damage."""

from data_scaling.ledger.assembly import Assembly
from data_scaling.ledger.header import LedgerHeader
from data_scaling.ledger.reader import (
    LedgerSummary,
    describe_ledger,
    read_assembly,
    read_contributions,
    read_utilities,
    verify_ledger,
)
from data_scaling.ledger.segment import Segment
from data_scaling.ledger.writer import LedgerWriter, open_ledger

__all__ = [
    "Assembly",
    "LedgerHeader",
    "LedgerSummary",
    "LedgerWriter",
    "Segment",
    "describe_ledger",
    "open_ledger",
    "read_assembly",
    "read_contributions",
    "read_utilities",
    "verify_ledger",
]
