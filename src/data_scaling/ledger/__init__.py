"""The ledger of raw draws: one SQLite file that a killed run cannot damage."""

from data_scaling.ledger.assembly import Assembly, CurveAssembly
from data_scaling.ledger.check import LedgerCheck, verify_ledger
from data_scaling.ledger.combination import combine_ledgers
from data_scaling.ledger.header import DESCRIBED, LedgerHeader, Shard
from data_scaling.ledger.reader import (
    read_assembly,
    read_contributions,
    read_curve_assembly,
    read_learning_curve,
)
from data_scaling.ledger.segment import FIRST_BASE, Segment, Span
from data_scaling.ledger.summary import LedgerSummary, describe_ledger
from data_scaling.ledger.writer import LedgerWriter, open_ledger

__all__ = [
    "DESCRIBED",
    "FIRST_BASE",
    "Assembly",
    "CurveAssembly",
    "LedgerCheck",
    "LedgerHeader",
    "LedgerSummary",
    "LedgerWriter",
    "Segment",
    "Shard",
    "Span",
    "combine_ledgers",
    "describe_ledger",
    "open_ledger",
    "read_assembly",
    "read_contributions",
    "read_curve_assembly",
    "read_learning_curve",
    "verify_ledger",
]
