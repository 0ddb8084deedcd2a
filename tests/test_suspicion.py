"""Scores of suspicion, and which of them is said to win."""

import numpy as np
import pytest

from data_scaling.datasets import load_dataset
from data_scaling.estimators import HierarchicalEstimator
from data_scaling.mislabelling import Detection, flip_labels
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions
from data_scaling.suspicion import describe_winner, judge_scores, score_points


def test_every_score_finds_flipped_labels():
    dirty, flipped = flip_labels(load_dataset("breast_cancer"), 0.1)
    plan = SamplingPlan(20, 50, 150, points=100)
    draws = sample_contributions(dirty, "logreg", plan, progress=False)
    laws = HierarchicalEstimator().fit(draws)
    scores = score_points(dirty, draws, laws, [50, 150])
    assert len(scores) == 8
    found = judge_scores(scores, flipped[draws.points])
    assert min(one.auc for one in found.values()) > 0.8
    helped = np.mean(draws.delta > 0, axis=1)
    np.testing.assert_array_equal(scores["share of draws above 0"], helped)


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (0.95, "Best by area: psi at 100 (0.950). Best by precision: psi at 100 (0.6"),
        (0.85, "(0.900), of the contributions psi at 100 (0.850). Best by precision"),
    ],
)
def test_the_best_score_is_named_beside_the_best_of_the_contributions(ours, said):
    found = {
        "Shapley value": Detection(0.7, 0.1),
        "psi at 100": Detection(ours, 0.6),
        "k-NN Shapley": Detection(0.9, 0.5),
    }
    assert said in describe_winner(found)
