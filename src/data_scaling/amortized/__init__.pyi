from data_scaling.amortized.estimator import AmortizedEstimator as AmortizedEstimator
from data_scaling.amortized.model import AmortizedModel as AmortizedModel
from data_scaling.amortized.networks import (
    Classifier as Classifier,
    LikelihoodModel as LikelihoodModel,
)
from data_scaling.amortized.scoring import (
    Scorer as Scorer,
    score_parquet as score_parquet,
)
from data_scaling.amortized.stack import (
    MarginalContributionStackDataset as MarginalContributionStackDataset,
)

__all__: list[str]
