"""Adjusted draws: control variates for marginal contributions."""

from data_scaling.adjustment.control import adjust
from data_scaling.adjustment.description import DescribedLearner

__all__ = ["DescribedLearner", "adjust"]
