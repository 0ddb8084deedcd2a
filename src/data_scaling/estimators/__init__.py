"""Estimators: from draws of contributions to scaling laws."""

from data_scaling.estimators.hierarchical import HierarchicalEstimator
from data_scaling.estimators.likelihood import LikelihoodEstimator
from data_scaling.estimators.profile import profile_scale

__all__ = ["HierarchicalEstimator", "LikelihoodEstimator", "profile_scale"]
