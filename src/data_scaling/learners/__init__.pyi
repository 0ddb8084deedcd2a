from data_scaling.learners.approximate import (
    ApproximateLearner as ApproximateLearner,
    find_approximation as find_approximation,
)
from data_scaling.learners.logistic import LogisticLearner as LogisticLearner
from data_scaling.learners.multinomial import MultinomialLearner as MultinomialLearner
from data_scaling.learners.neighbors import NeighborsLearner as NeighborsLearner
from data_scaling.learners.protocol import (
    BoundLearner as BoundLearner,
    Draw as Draw,
    Learner as Learner,
    ModelScorer as ModelScorer,
)
from data_scaling.learners.refit import RefitLearner as RefitLearner
from data_scaling.learners.registry import (
    LEARNERS as LEARNERS,
    make_learner as make_learner,
)
from data_scaling.learners.ridge import RidgeLearner as RidgeLearner

__all__: list[str]
