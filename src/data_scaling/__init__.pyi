from data_scaling._agreement import (
    Agreement as Agreement,
    agreement as agreement,
)
from data_scaling.adjustment import adjust as adjust
from data_scaling.amortized import (
    AmortizedEstimator as AmortizedEstimator,
    Classifier as Classifier,
    LikelihoodModel as LikelihoodModel,
    MarginalContributionStackDataset as MarginalContributionStackDataset,
)
from data_scaling.contributions import Contributions as Contributions
from data_scaling.cost import (
    RunCost as RunCost,
    estimate_cost as estimate_cost,
)
from data_scaling.datasets import (
    Dataset as Dataset,
    Preview as Preview,
    Previews as Previews,
    dataset_names as dataset_names,
    is_prepared as is_prepared,
    load_dataset as load_dataset,
    read_table as read_table,
    save_dataset as save_dataset,
)
from data_scaling.diagnostics import (
    Diagnosis as Diagnosis,
    diagnose as diagnose,
)
from data_scaling.errors import (
    AdjustmentWarning as AdjustmentWarning,
    AllDrawsFailedError as AllDrawsFailedError,
    DataScalingError as DataScalingError,
    DatasetError as DatasetError,
    FailedDrawWarning as FailedDrawWarning,
    FitWarning as FitWarning,
    InputError as InputError,
    LedgerError as LedgerError,
    MissingExtraError as MissingExtraError,
    PlanMismatchError as PlanMismatchError,
    WorkerLostError as WorkerLostError,
)
from data_scaling.estimators import (
    AggregateLaw as AggregateLaw,
    AggregateLikelihoodEstimator as AggregateLikelihoodEstimator,
    HierarchicalEstimator as HierarchicalEstimator,
    LikelihoodEstimator as LikelihoodEstimator,
    LogEstimator as LogEstimator,
)
from data_scaling.fitting import fit_scaling_laws as fit_scaling_laws
from data_scaling.laws import (
    ExpansionLaws as ExpansionLaws,
    FitStatus as FitStatus,
    PowerLaws as PowerLaws,
    ScalingLaws as ScalingLaws,
    load_laws as load_laws,
)
from data_scaling.learners import make_learner as make_learner
from data_scaling.learning_curve import LearningCurve as LearningCurve
from data_scaling.ledger import (
    LedgerCheck as LedgerCheck,
    LedgerSummary as LedgerSummary,
    combine_ledgers as combine_ledgers,
    describe_ledger as describe_ledger,
    verify_ledger as verify_ledger,
)
from data_scaling.metrics import make_metric as make_metric
from data_scaling.plan import SamplingPlan as SamplingPlan
from data_scaling.ranking import (
    Ranking as Ranking,
    rank_points as rank_points,
)
from data_scaling.sampling import (
    sample_contributions as sample_contributions,
    sample_learning_curve as sample_learning_curve,
    sample_ledger as sample_ledger,
)
from data_scaling.selection import (
    find_eligible as find_eligible,
    select_harmful as select_harmful,
    select_points as select_points,
)
from data_scaling.validation import (
    Validation as Validation,
    validate_laws as validate_laws,
)
from data_scaling.valuation import (
    monte_carlo_values as monte_carlo_values,
    semivalues as semivalues,
    shapley_values as shapley_values,
)
from data_scaling.weights import (
    banzhaf_weights as banzhaf_weights,
    beta_weights as beta_weights,
)

__version__: str
__all__: list[str]
