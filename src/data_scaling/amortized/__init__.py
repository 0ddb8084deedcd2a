"""The amortized estimator: one network that knows the laws of points never drawn.

The networks themselves need torch and are imported on use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from data_scaling.amortized.estimator import AmortizedEstimator
from data_scaling.amortized.model import AmortizedModel
from data_scaling.amortized.scoring import Scorer, score_parquet

if TYPE_CHECKING:
    from data_scaling.amortized.networks import Classifier, LikelihoodModel
    from data_scaling.amortized.stack import MarginalContributionStackDataset

__all__ = [
    "AmortizedEstimator",
    "AmortizedModel",
    "Classifier",
    "LikelihoodModel",
    "MarginalContributionStackDataset",
    "Scorer",
    "score_parquet",
]

_WITH_TORCH = {
    "Classifier": "networks",
    "LikelihoodModel": "networks",
    "MarginalContributionStackDataset": "stack",
}


def __getattr__(name: str) -> Any:
    """Import what needs torch on its first use."""
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_WITH_TORCH[name]}")
    return getattr(module, name)
