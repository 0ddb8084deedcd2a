"""Drawing and adjusting in one call."""

from dataclasses import replace

import numpy as np
import pytest

from data_scaling._adjusting import choose_n_each
from data_scaling.adjustment import DescribedLearner
from data_scaling.contributions import Contributions
from data_scaling.datasets import load_dataset
from data_scaling.errors import AdjustmentWarning, InputError, PlanMismatchError
from data_scaling.learners import ApproximateLearner
from data_scaling.ledger import combine_ledgers
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions, sample_ledger

PLAN = SamplingPlan(12, 50, 200, points=20, seed=1)


@pytest.fixture(scope="module")
def cancer():
    return load_dataset("breast_cancer")


@pytest.fixture(scope="module")
def datasets(cancer):
    """Of a learner with quick draws, and of one whose coalitions are described."""
    return {"logreg": cancer, "linreg": load_dataset("diabetes")}


@pytest.mark.parametrize("learner", ["logreg", "linreg"])
def test_in_memory_in_a_ledger_and_resumed_are_the_same_bits(
    datasets, learner, tmp_path
):
    dataset, ledger = datasets[learner], tmp_path / "draws.ledger"
    here = sample_contributions(dataset, learner, PLAN, adjust=3, progress=False)
    there, resumed = (
        sample_contributions(
            dataset, learner, PLAN, adjust=3, ledger=ledger, progress=False
        )
        for _ in range(2)
    )
    assert np.array_equal(here.delta, there.delta)
    assert np.array_equal(there.delta, resumed.delta)
    # The ledger keeps the draws as they are.
    raw = Contributions.load(ledger)
    plain = sample_contributions(dataset, learner, PLAN, progress=False)
    assert np.array_equal(raw.delta, plain.delta)
    assert not np.array_equal(raw.delta, here.delta)


def test_the_number_of_base_draws_is_chosen(cancer):
    adjusted = sample_contributions(cancer, "logreg", PLAN, adjust=True, progress=False)
    assert np.median(adjusted.variance_removed) > 0.5


def test_draws_that_are_all_alike_stay(cancer):
    """The accuracy of few points is the same with and without two of them."""
    plan = SamplingPlan(8, 50, 200, points=2)
    with pytest.warns(AdjustmentWarning, match="are not adjusted"):
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
    """Of a dozen draws of a tree nothing can be learned."""
    with pytest.warns(AdjustmentWarning, match="12 draws of each point by 48 base"):
        adjusted = sample_contributions(cancer, "tree", PLAN, adjust=4, progress=False)
    assert adjusted.base.n_draws == 4 * PLAN.n_draws


def test_draws_stay_where_base_draws_are_not_worth_their_time(datasets, tmp_path):
    """A base draw of linear regression takes a good part of a draw's time."""
    options = {"adjust": True, "ledger": tmp_path / "draws.ledger", "progress": False}
    dataset = datasets["linreg"]
    plain = sample_contributions(dataset, "linreg", PLAN, progress=False)
    for _ in range(2):
        with pytest.warns(AdjustmentWarning, match="are not adjusted"):
            draws = sample_contributions(dataset, "linreg", PLAN, **options)
        assert np.array_equal(draws.delta, plain.delta)
        assert not draws.variance_removed.any()


@pytest.mark.filterwarnings("ignore::data_scaling.errors.AdjustmentWarning")
def test_few_base_draws_are_taken_of_many_refitted_points(cancer, tmp_path):
    """Of 100 points a training more is a hundredth of a draw; resumed it stays so."""
    plan = SamplingPlan(5, 50, 60, points=100, seed=1)
    options = {"adjust": True, "ledger": tmp_path / "draws.ledger", "progress": False}
    first, again = (
        sample_contributions(cancer, "tree", plan, **options) for _ in range(2)
    )
    assert 2 * 5 <= first.base.n_draws <= 10 * 5
    assert np.array_equal(first.delta, again.delta)


def test_plans_that_cannot_be_adjusted_are_refused_before_drawing(cancer):
    independent = SamplingPlan(12, 50, 200, coalitions="independent")
    for plan in (independent, SamplingPlan(3, 50, 200)):
        with pytest.raises(InputError, match="To adjust draws, give at least 4"):
            sample_contributions(cancer, "logreg", plan, adjust=True)
    for asked, message in ((-2, "adjust is -2"), (10_000, "Give at most 256")):
        with pytest.raises(InputError, match=message):
            sample_contributions(cancer, "logreg", PLAN, adjust=asked)


def test_two_jobs_are_one(cancer):
    one, two = (
        sample_contributions(
            cancer, "logreg", PLAN, adjust=3, n_jobs=n_jobs, progress=False
        )
        for n_jobs in (1, 2)
    )
    assert np.array_equal(one.delta, two.delta)


@pytest.mark.parametrize("name", ["logreg", "linreg"])
def test_shards_that_are_combined_are_one_run(datasets, name, tmp_path):
    """Described base draws are sharded with the draws, quick draws beside them."""
    dataset, whole = datasets[name], tmp_path / "draws.ledger"
    described = DescribedLearner(name, PLAN)
    parts = {
        "logreg": [
            (name, PLAN, ""),
            (ApproximateLearner(name), replace(PLAN, n_draws=48), ".approximate"),
        ],
        "linreg": [(described, replace(PLAN, n_base_draws=36), "")],
    }
    for learner, plan, suffix in parts[name]:
        shards = [tmp_path / f"{which}{suffix}" for which in (1, 2)]
        for which, path in enumerate(shards, start=1):
            sample_ledger(
                dataset, learner, plan, path, shard=(which, 2), progress=False
            )
        combine_ledgers(f"{whole}{suffix}", shards)
    together, alone = (
        sample_contributions(
            dataset, name, PLAN, adjust=3, ledger=ledger, progress=False
        )
        for ledger in (whole, None)
    )
    assert np.array_equal(together.delta, alone.delta)


@pytest.mark.parametrize("first", [False, 3])
def test_a_ledger_drawn_otherwise_is_refused_by_name(datasets, first, tmp_path):
    dataset = datasets["linreg"]
    options = {"ledger": tmp_path / "draws.ledger", "progress": False}
    sample_contributions(dataset, "linreg", PLAN, adjust=first, **options)
    drawn, other = ("with", False) if first else ("without", 3)
    with pytest.raises(PlanMismatchError, match=f"was drawn {drawn} adjust"):
        sample_contributions(dataset, "linreg", PLAN, adjust=other, **options)


def test_a_described_run_that_is_extended_takes_as_many_base_draws(datasets, tmp_path):
    options = {"ledger": tmp_path / "draws.ledger", "progress": False}
    dataset, longer = datasets["linreg"], replace(PLAN, n_draws=20)
    sample_contributions(dataset, "linreg", PLAN, adjust=3, **options)
    extended = sample_contributions(dataset, "linreg", longer, adjust=True, **options)
    assert extended.base.n_draws == 3 * 20


def test_a_run_with_quick_draws_that_is_extended_takes_as_many(cancer, tmp_path):
    options = {"ledger": tmp_path / "draws.ledger", "progress": False}
    longer = replace(PLAN, n_draws=24)
    sample_contributions(cancer, "logreg", PLAN, adjust=4, **options)
    extended = sample_contributions(cancer, "logreg", longer, adjust=True, **options)
    whole = sample_contributions(cancer, "logreg", longer, adjust=4, progress=False)
    assert np.array_equal(extended.delta, whole.delta)


def test_a_ledger_drawn_without_base_draws_is_left_and_named(datasets, tmp_path):
    options = {"ledger": tmp_path / "draws.ledger", "progress": False}
    dataset = datasets["linreg"]
    sample_contributions(dataset, "linreg", PLAN, **options)
    message = "draws.ledger was drawn without base draws: give another ledger"
    with pytest.warns(AdjustmentWarning, match=message):
        sample_contributions(dataset, "linreg", PLAN, adjust=True, **options)


@pytest.mark.parametrize(
    ("correlation", "cost", "expected"),
    [
        (0.995, 0.15, 16),
        (0.995, 0.03, 64),
        (0.9, 0.15, 4),
        (0.9999, 0.15, 16),
        (0.9, 0.6, 0),
        (0.0, 0.1, 0),
    ],
)
def test_few_base_draws_come_near_the_best(correlation, cost, expected):
    """Planted draws of 50 points; the product of noise and time by the formula.

    Of those with which the draws take at most four times as long.
    """
    rng = np.random.default_rng(6)
    control, rest = rng.normal(size=(2, 50, 400))
    delta = correlation * control + np.sqrt(1 - correlation**2) * rest
    exact, quick = (
        Contributions(part, np.full((50, 400), 100)) for part in (delta, control)
    )
    n_each = choose_n_each(exact, quick, cost)
    assert n_each == expected
    squared, r = correlation**2, 2.0 ** np.arange(1, 7)
    time = 1 + cost * (1 + r)
    left = (1 - squared + squared / (1 + r)) * np.where(time <= 4, time, np.inf)
    if n_each:
        assert left[r == n_each] < min(1.1 * left.min(), 1.0)
    else:
        assert left.min() > 0.95
