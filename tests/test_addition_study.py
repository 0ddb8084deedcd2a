"""The point-addition study: what is chosen, and what is said of it."""

from dataclasses import replace

import numpy as np
import pytest

from data_scaling.addition import Additions
from data_scaling.addition_study import choose_additions, describe_additions
from data_scaling.datasets import load_dataset
from data_scaling.errors import InputError
from data_scaling.estimators import HierarchicalEstimator
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions

NAMES = ("best at 50", "best at 500", "worst at 50", "random")


def make_additions():
    """Gains of 3, 1, -1 and 0 at size 50, and no difference at 500.

    A difference of none is told as one with probability 0.003, by three standard
    errors; there are four such here.
    """
    noise = np.random.default_rng(1).normal(size=(400, 4, 2, 1))
    gain = np.zeros((4, 2, 1))
    gain[:, 0, 0] = [3, 1, -1, 0]
    return Additions(NAMES, np.array([50, 500]), ("accuracy",), gain + noise)


def test_effects_and_their_absence_are_told_by_size():
    small, large = describe_additions(make_additions())
    assert small == (
        "Added to 50 points, accuracy. Beat random points: best at 50, best at 500. "
        "Behind random points and harmful: worst at 50. Best at 50 is above best at "
        "500."
    )
    assert large.startswith(
        "Added to 500 points, accuracy. Beat random points: none. No different from "
        "random points: best at 50, best at 500, worst at 50."
    )
    assert large.endswith("Best at 500 is no different from best at 50.")


def test_a_selection_may_help_less_than_random_points():
    additions = make_additions()
    change = additions.change + np.array([0.0, 3.0])[None, None, :, None]
    change[:, 2, 1] -= 1.0
    _, large = describe_additions(replace(additions, change=change))
    assert "Behind random points: worst at 50. Best" in large


def test_a_selection_is_compared_with_any_other():
    found = make_additions()
    excess, error = found.beyond("best at 500")
    np.testing.assert_allclose(excess[:, 0, 0], [2, 0, -2, -1], atol=0.3)
    np.testing.assert_allclose(error[[0, 2, 3]], (2 / 400) ** 0.5, rtol=0.15)
    assert (error[1] == 0).all()
    with pytest.raises(InputError, match="no selection 'worst'"):
        found.beyond("worst")


def test_the_best_and_the_worst_are_chosen_with_classes_in_proportion():
    dataset = load_dataset("breast_cancer")
    draws = sample_contributions(
        dataset, "logreg", SamplingPlan(20, 30, 90), progress=False
    )
    laws = HierarchicalEstimator().fit(draws)
    chosen = choose_additions(laws, dataset, [30, 90], (30, 90), 20)
    assert list(chosen) == [
        "best at 30",
        "best at 90",
        "best by Shapley",
        "worst at 30",
        "worst at 90",
    ]
    share = dataset.y_train.mean()
    for points in chosen.values():
        assert len(points) == 20
        assert abs(dataset.y_train[points].mean() - share) < 0.05
    psi = laws.psi(30.0)
    assert psi[chosen["best at 30"]].min() > psi[chosen["worst at 30"]].max()
