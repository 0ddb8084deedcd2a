"""Learners: ways of turning a coalition into marginal contributions."""

from data_scaling.learners.logistic import LogisticLearner
from data_scaling.learners.multinomial import MultinomialLearner
from data_scaling.learners.neighbors import NeighborsLearner
from data_scaling.learners.protocol import BoundLearner, Draw, Learner
from data_scaling.learners.refit import RefitLearner
from data_scaling.learners.registry import LEARNERS, make_learner
from data_scaling.learners.ridge import RidgeLearner

__all__ = [
    "LEARNERS",
    "BoundLearner",
    "Draw",
    "Learner",
    "LogisticLearner",
    "MultinomialLearner",
    "NeighborsLearner",
    "RefitLearner",
    "RidgeLearner",
    "make_learner",
]
