"""Scaling laws for the value of individual data points.

For every point ``z`` of a training pool, a law ``psi_k(z) = c(z) / k**alpha(z)`` of
its expected marginal contribution to a model trained on ``k`` points: what the point
is worth at the size a dataset has, and at the size it will have.

Examples
--------
>>> import data_scaling as ds
>>> dataset = ds.load_dataset("breast_cancer")
>>> plan = ds.SamplingPlan(n_draws=20, min_cardinality=30, max_cardinality=200)
>>> draws = ds.sample_contributions(dataset, "logreg", plan)
>>> laws = ds.HierarchicalEstimator().fit(draws)
>>> laws.psi([50, 500]).shape
(341, 2)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from data_scaling.agreement import Agreement, agreement
from data_scaling.amortized import AmortizedEstimator
from data_scaling.contributions import Contributions
from data_scaling.cost import RunCost, estimate_cost
from data_scaling.datasets import (
    Dataset,
    Preview,
    Previews,
    dataset_names,
    is_prepared,
    load_dataset,
    read_table,
    save_dataset,
)
from data_scaling.diagnostics import Diagnosis, diagnose
from data_scaling.errors import (
    AllDrawsFailedError,
    DataScalingError,
    DatasetError,
    FailedDrawWarning,
    FitWarning,
    InputError,
    LedgerError,
    MissingExtraError,
    PlanMismatchError,
    WorkerLostError,
)
from data_scaling.estimators import (
    AggregateLaw,
    AggregateLikelihoodEstimator,
    HierarchicalEstimator,
    LikelihoodEstimator,
    LogEstimator,
)
from data_scaling.fitting import fit_scaling_laws
from data_scaling.laws import (
    ExpansionLaws,
    FitStatus,
    PowerLaws,
    ScalingLaws,
    load_laws,
)
from data_scaling.learners import make_learner
from data_scaling.learning_curve import LearningCurve
from data_scaling.ledger import (
    LedgerCheck,
    LedgerSummary,
    combine_ledgers,
    describe_ledger,
    verify_ledger,
)
from data_scaling.metrics import make_metric
from data_scaling.plan import SamplingPlan
from data_scaling.ranking import Ranking, rank_points
from data_scaling.sampling import (
    sample_contributions,
    sample_learning_curve,
    sample_ledger,
)
from data_scaling.selection import find_eligible, select_harmful, select_points
from data_scaling.validation import Validation, validate_laws
from data_scaling.valuation import monte_carlo_values, semivalues, shapley_values
from data_scaling.weights import banzhaf_weights, beta_weights

if TYPE_CHECKING:
    from data_scaling.amortized import (
        Classifier,
        LikelihoodModel,
        MarginalContributionStackDataset,
    )

__version__ = "0.1.0"

__all__ = [
    "AggregateLaw",
    "AggregateLikelihoodEstimator",
    "Agreement",
    "AllDrawsFailedError",
    "AmortizedEstimator",
    "Classifier",
    "Contributions",
    "DataScalingError",
    "Dataset",
    "DatasetError",
    "Diagnosis",
    "ExpansionLaws",
    "FailedDrawWarning",
    "FitStatus",
    "FitWarning",
    "HierarchicalEstimator",
    "InputError",
    "LearningCurve",
    "LedgerCheck",
    "LedgerError",
    "LedgerSummary",
    "LikelihoodEstimator",
    "LikelihoodModel",
    "LogEstimator",
    "MarginalContributionStackDataset",
    "MissingExtraError",
    "PlanMismatchError",
    "PowerLaws",
    "Preview",
    "Previews",
    "Ranking",
    "RunCost",
    "SamplingPlan",
    "ScalingLaws",
    "Validation",
    "WorkerLostError",
    "agreement",
    "banzhaf_weights",
    "beta_weights",
    "combine_ledgers",
    "dataset_names",
    "describe_ledger",
    "diagnose",
    "estimate_cost",
    "find_eligible",
    "fit_scaling_laws",
    "is_prepared",
    "load_dataset",
    "load_laws",
    "make_learner",
    "make_metric",
    "monte_carlo_values",
    "rank_points",
    "read_table",
    "sample_contributions",
    "sample_learning_curve",
    "sample_ledger",
    "save_dataset",
    "select_harmful",
    "select_points",
    "semivalues",
    "shapley_values",
    "validate_laws",
    "verify_ledger",
]

_WITH_TORCH = ("Classifier", "LikelihoodModel", "MarginalContributionStackDataset")


def __getattr__(name: str) -> Any:
    """Import what needs torch on its first use."""
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("data_scaling.amortized"), name)
