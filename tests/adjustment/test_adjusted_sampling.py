"""Drawing and adjusting in one call."""

import numpy as np
import pytest

from data_scaling.contributions import Contributions
from data_scaling.datasets import load_dataset
from data_scaling.errors import InputError
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions

PLAN = SamplingPlan(12, 50, 200, points=20, seed=1)


@pytest.fixture(scope="module")
def cancer():
    return load_dataset("breast_cancer")


@pytest.mark.parametrize("learner", ["logreg", "tree"])
def test_in_memory_in_a_ledger_and_resumed_are_the_same_bits(cancer, learner, tmp_path):
    ledger = tmp_path / "draws.ledger"
    here = sample_contributions(cancer, learner, PLAN, adjust=3, progress=False)
    there, resumed = (
        sample_contributions(
            cancer, learner, PLAN, adjust=3, ledger=ledger, progress=False
        )
        for _ in range(2)
    )
    assert np.array_equal(here.delta, there.delta)
    assert np.array_equal(there.delta, resumed.delta)
    # The ledger keeps the draws as they are.
    raw = Contributions.load(ledger)
    plain = sample_contributions(cancer, learner, PLAN, progress=False)
    assert np.array_equal(raw.delta, plain.delta)


def test_the_number_of_base_draws_is_chosen(cancer):
    adjusted = sample_contributions(cancer, "logreg", PLAN, adjust=True, progress=False)
    assert np.median(adjusted.variance_removed) > 0.5


def test_draws_that_are_all_alike_stay(cancer):
    """The accuracy of few points is the same with and without two of them."""
    plan = SamplingPlan(8, 50, 200, points=2)
    adjusted = sample_contributions(
        cancer, "logreg", plan, metric="accuracy", adjust=True, progress=False
    )
    assert not adjusted.delta.any()
    assert not adjusted.variance_removed.any()


def test_a_resumed_run_takes_as_many_base_draws_as_it_took(cancer, tmp_path):
    kinds = {"ledger": tmp_path / "draws.ledger", "progress": False}
    five = sample_contributions(cancer, "logreg", PLAN, adjust=5, **kinds)
    resumed = sample_contributions(cancer, "logreg", PLAN, adjust=True, **kinds)
    assert np.array_equal(five.delta, resumed.delta)


def test_base_draws_of_a_refitted_learner_lie_in_the_ledger(cancer):
    adjusted = sample_contributions(cancer, "tree", PLAN, adjust=True, progress=False)
    assert adjusted.base.n_draws == 4 * PLAN.n_draws


def test_plans_that_cannot_be_adjusted_are_refused_before_drawing(cancer):
    independent = SamplingPlan(12, 50, 200, coalitions="independent")
    for plan in (independent, SamplingPlan(3, 50, 200)):
        with pytest.raises(InputError, match="To adjust draws, give at least 4"):
            sample_contributions(cancer, "logreg", plan, adjust=True)
    with pytest.raises(InputError, match="adjust is -2"):
        sample_contributions(cancer, "logreg", PLAN, adjust=-2)
