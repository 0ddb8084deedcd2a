"""Learning curves: right utilities, in the contributions' ledger, the same bits."""

from dataclasses import replace

import numpy as np
import pytest
from fake_learners import MeanLearner, make_dataset

from data_scaling.coalitions import draw_coalition, group_pool
from data_scaling.errors import AllDrawsFailedError, FailedDrawWarning, InputError
from data_scaling.learners import make_learner
from data_scaling.learning_curve import LearningCurve
from data_scaling.ledger import describe_ledger, read_learning_curve
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import (
    sample_contributions,
    sample_learning_curve,
    sample_ledger,
)

DATASET = make_dataset()
PLAN = SamplingPlan(20, 5, 30, seed=3, points=7, n_base_draws=50)


def assert_same_curve(one: LearningCurve, other: LearningCurve) -> None:
    assert one.utility.tobytes() == other.utility.tobytes()
    assert one.cardinality.tobytes() == other.cardinality.tobytes()
    assert one.descriptor.tobytes() == other.descriptor.tobytes()


@pytest.mark.parametrize(
    "plan", [PLAN, SamplingPlan(0, cardinalities=[9, 5, 20], n_base_draws=6)]
)
def test_each_utility_is_that_of_its_own_coalition(plan):
    curve = sample_learning_curve(DATASET, MeanLearner(), plan)
    assert curve.n_draws == plan.total_base_draws
    values, pool = DATASET.x_train[:, 0], group_pool(DATASET)
    for draw in range(curve.n_draws):
        rng = plan.spawn_base_rng(draw)
        size = plan.draw_cardinality(draw, rng)
        coalition = draw_coalition(pool, size, rng)
        assert curve.utility[draw] == pytest.approx(
            -values[coalition].mean(), abs=1e-12
        )
        assert curve.cardinality[draw] == size


@pytest.mark.parametrize("coalitions", ["shared", "independent"])
def test_a_curve_lies_in_the_ledger_of_the_contributions(coalitions, tmp_path):
    path, plan = tmp_path / "x", replace(PLAN, coalitions=coalitions)
    curve = sample_learning_curve(DATASET, MeanLearner(), plan, ledger=path)
    assert not describe_ledger(path).is_complete
    draws = sample_contributions(DATASET, MeanLearner(), plan, ledger=path)
    assert describe_ledger(path).is_complete
    assert_same_curve(curve, draws.base)
    assert_same_curve(curve, sample_learning_curve(DATASET, MeanLearner(), plan))
    assert_same_curve(curve, LearningCurve.load(path))
    again = sample_contributions(DATASET, MeanLearner(), plan, ledger=path)
    assert again.delta.tobytes() == draws.delta.tobytes()


def test_two_jobs_and_a_resumed_ledger_give_the_bits_of_one(tmp_path):
    path = tmp_path / "x"
    few = replace(PLAN, n_base_draws=9, n_draws=0)
    sample_learning_curve(DATASET, MeanLearner(), few, ledger=path)
    sample_ledger(DATASET, MeanLearner(seconds=0.02), PLAN, path, n_jobs=2)
    read = read_learning_curve(path)
    assert_same_curve(read, sample_learning_curve(DATASET, MeanLearner(), PLAN))
    first = sample_learning_curve(DATASET, MeanLearner(), few, ledger=path)
    assert first.utility.tobytes() == read.utility[:9].tobytes()


def test_descriptors_are_kept_for_both_kinds_of_coalition(tmp_path):
    path, learner = tmp_path / "x", MeanLearner(describes=True, fails_below=10)
    with pytest.warns(FailedDrawWarning):
        in_memory = sample_learning_curve(DATASET, learner, PLAN)
    sample_ledger(DATASET, learner, PLAN, path)
    assert_same_curve(in_memory, read_learning_curve(path))
    for curve in (in_memory, read_learning_curve(path, with_points=True)):
        total, size = curve.descriptor.T
        trained = curve.cardinality >= 10
        np.testing.assert_array_equal(size[trained], curve.cardinality[trained])
        np.testing.assert_allclose(
            -total[trained] / size[trained], curve.utility[trained]
        )
        assert np.isnan(curve.descriptor[~trained]).all()
        assert not trained.all()


def test_failed_base_draws_are_nan_and_counted_and_reported(tmp_path):
    learner = MeanLearner(fails_below=10)
    for ledger in (None, tmp_path / "x"):
        with pytest.warns(FailedDrawWarning, match=r"of 50 draws failed.*\n.*too few"):
            curve = sample_learning_curve(DATASET, learner, PLAN, ledger=ledger)
        assert np.isnan(curve.utility).tolist() == (curve.cardinality < 10).tolist()
    assert describe_ledger(tmp_path / "x").n_failed == curve.n_failed > 0
    with pytest.raises(AllDrawsFailedError, match="All 50 draws failed"):
        sample_learning_curve(DATASET, MeanLearner(fails_below=99), PLAN)


def test_a_plan_of_the_other_kind_is_refused():
    with pytest.raises(InputError, match="The plan has no base draws"):
        sample_learning_curve(DATASET, MeanLearner(), replace(PLAN, n_base_draws=0))
    with pytest.raises(InputError, match="only 50 base draws"):
        sample_contributions(DATASET, MeanLearner(), replace(PLAN, n_draws=0))


@pytest.mark.parametrize("name", ["logreg", "tree", "knn"])
def test_learners_give_a_utility_without_points(name):
    dataset = make_dataset(n_points=80)
    bound = make_learner(name).bind(dataset)
    coalition = np.arange(5, 65)
    draw = bound.draw(coalition, coalition[:0])
    assert draw.utility == bound.utility(coalition)
    assert draw.delta.shape == (0,)
