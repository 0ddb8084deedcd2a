"""The pilot: right times, sizes and errors, for plans of every kind."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from fake_learners import BoundMeanLearner, MeanLearner, make_dataset

from data_scaling.cost import estimate_cost
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import AllDrawsFailedError, InputError
from data_scaling.metrics import make_metric
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions, sample_ledger

DATASET = make_dataset(n_points=200)
PLAN = SamplingPlan(60, 10, 100, seed=3, density="log-uniform")
PLANS = {
    "log-uniform": PLAN,
    "independent": replace(PLAN, coalitions="independent", points=20),
    "staggered": SamplingPlan(15, cardinalities=[10, 30, 60, 100]),
}


@pytest.mark.parametrize("kind", ["log-uniform", "staggered"])
def test_the_error_of_psi_is_the_spread_over_repeated_plans(kind):
    """Weighted fits of a/k + b/k^2 to 40 plans of other seeds (here beta is 3).

    The points share the coalitions, so that the ratio of spreads has a standard error
    of 11 %; 40 % is more than three of them.
    """
    plan = replace(PLANS[kind], points=20)
    cost = estimate_cost(DATASET, MeanLearner(), plan, pilot_seconds=30.0)
    fitted = []
    for seed in range(100, 140):
        draws = sample_contributions(DATASET, MeanLearner(), replace(plan, seed=seed))
        x = np.stack([1.0 / draws.cardinality, 1.0 / draws.cardinality**2.0], axis=-1)
        root_weight = draws.cardinality**1.5
        asked = np.stack([1.0 / cost.cardinality, 1.0 / cost.cardinality**2.0], axis=-1)
        fitted.append(
            [
                asked @ np.linalg.lstsq(w[:, None] * row, w * delta, rcond=None)[0]
                for w, row, delta in zip(root_weight, x, draws.delta, strict=True)
            ]
        )
    spread = np.median(np.std(fitted, axis=0, ddof=1), axis=0)
    np.testing.assert_allclose(cost.psi_error, spread, rtol=0.4)


def test_more_draws_lower_the_errors_as_their_root():
    few = estimate_cost(DATASET, MeanLearner(), PLAN, pilot_seconds=0.1)
    more = few.count_draws(few.shapley_error, few.shapley_error / 3)
    assert more == pytest.approx(9 * PLAN.n_draws, abs=1)
    with pytest.raises(InputError, match="The wished error is -1"):
        few.count_draws(few.shapley_error, -1)


@pytest.mark.parametrize("kind", PLANS)
def test_the_ledger_has_the_size_that_was_told(kind, tmp_path):
    plan = replace(PLANS[kind], n_draws=200, n_base_draws=400)
    cost = estimate_cost(DATASET, MeanLearner(), plan, pilot_seconds=0.05)
    summary = sample_ledger(DATASET, MeanLearner(), plan, tmp_path / "x")
    assert cost.n_bytes == pytest.approx(summary.n_bytes, rel=0.35, abs=60_000)


@pytest.mark.parametrize("kind", PLANS)
def test_the_time_is_that_of_the_run(kind):
    """The learner sleeps 10 ms per call, long against what other programs add."""
    plan = replace(PLANS[kind], n_draws=10, n_base_draws=7)
    learner = MeanLearner(seconds=0.01)
    cost = estimate_cost(DATASET, learner, plan, n_jobs=1, pilot_seconds=1.0)
    n_calls = {"log-uniform": 17, "independent": 207, "staggered": 68}[kind]
    assert 0.01 * n_calls <= cost.seconds < 0.03 * n_calls
    assert cost.seconds_per_base_draw >= 0.01


@dataclass(frozen=True)
class HalfLearner(MeanLearner):
    """Every second point fails from the fourth draw of a process on."""

    def bind(self, dataset, metric=None):
        bound = make_metric(metric, dataset.task)
        return BoundHalf(self, dataset.x_train, bound, [0])


@dataclass(frozen=True, eq=False)
class BoundHalf(BoundMeanLearner):
    n_calls: list[int]

    def draw(self, coalition, points):
        draw = super().draw(coalition, points)
        self.n_calls[0] += 1
        if self.n_calls[0] > 4:
            draw.delta[points % 2 == 0] = np.nan
        return draw


def test_points_without_draws_enough_say_nothing_of_the_errors():
    """Half of the points keep two draws of the pilot; the others decide.

    The pilot is given time for its most draws, whatever else the machine does.
    """
    whole = estimate_cost(DATASET, MeanLearner(), PLAN, pilot_seconds=60.0)
    half = estimate_cost(DATASET, HalfLearner(), PLAN, pilot_seconds=60.0)
    assert half.shapley_error == pytest.approx(whole.shapley_error, rel=0.3)
    np.testing.assert_allclose(half.psi_error, whole.psi_error, rtol=0.3)


def test_the_draws_of_a_staggered_pilot_are_counted_once():
    plan = SamplingPlan(5, cardinalities=[*range(10, 100, 3)])
    learner = MeanLearner(seconds=0.02)
    cost = estimate_cost(DATASET, learner, plan, pilot_seconds=0.01)
    assert cost.n_pilot_draws == 8


@pytest.mark.parametrize(
    "sizes",
    [
        {"min_cardinality": 1, "max_cardinality": 30},
        {"cardinalities": [1, 2, 30]},
        {"min_cardinality": 1, "max_cardinality": 1},
    ],
)
def test_independent_coalitions_may_have_one_point(sizes):
    x = np.random.default_rng(2).normal(size=(100, 2))
    dataset = Dataset(x, x[:, 0], x[:9], x[:9, 0])
    plan = SamplingPlan(10, coalitions="independent", points=20, **sizes)
    cost = estimate_cost(dataset, MeanLearner(), plan, pilot_seconds=0.05)
    assert cost.cardinality[0] == 1
    assert np.isfinite(cost.psi_error).all()


def test_a_plan_without_points_and_a_learner_that_fails_are_refused():
    curve = SamplingPlan(0, 10, 100, n_base_draws=5)
    with pytest.raises(InputError, match="no draws for points"):
        estimate_cost(DATASET, MeanLearner(), curve)
    with pytest.raises(AllDrawsFailedError, match=r"of the pilot failed.*are too few"):
        estimate_cost(DATASET, MeanLearner(fails_below=500), PLAN, pilot_seconds=0.01)
