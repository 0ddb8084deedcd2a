"""Adjusted draws: control variates for marginal contributions."""

from data_scaling.adjustment.adjust import adjust
from data_scaling.adjustment.description import DescribedLearner

__all__ = ["DescribedLearner", "adjust"]
