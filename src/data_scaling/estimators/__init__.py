"""Estimators: from draws of contributions to scaling laws."""

from data_scaling.estimators.aggregate import (
    AggregateLaw,
    AggregateLikelihoodEstimator,
)
from data_scaling.estimators.hierarchical import HierarchicalEstimator
from data_scaling.estimators.likelihood import LikelihoodEstimator
from data_scaling.estimators.log import LogEstimator, LogFit
from data_scaling.estimators.profile import profile_scale

__all__ = [
    "AggregateLaw",
    "AggregateLikelihoodEstimator",
    "HierarchicalEstimator",
    "LikelihoodEstimator",
    "LogEstimator",
    "LogFit",
    "profile_scale",
]
