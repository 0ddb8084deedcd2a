"""Adjusted draws: control variates for marginal contributions."""

from data_scaling.adjustment.adjust import adjust

__all__ = ["adjust"]
