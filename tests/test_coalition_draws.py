"""What is kept of each coalition: size, utility and descriptor, in memory and file."""

from dataclasses import replace

import numpy as np
import pytest
from fake_learners import MeanLearner, make_dataset

from data_scaling.contributions import Contributions
from data_scaling.errors import FailedDrawWarning, InputError, LedgerError
from data_scaling.learning_curve import LearningCurve
from data_scaling.ledger import combine_ledgers, verify_ledger
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions, sample_ledger

DATASET = make_dataset()
LEARNER = MeanLearner(describes=True)
PLANS = {
    "shared": SamplingPlan(23, 5, 30, seed=3, n_base_draws=40),
    "independent": SamplingPlan(
        8, 5, 30, seed=3, coalitions="independent", points=(7, 3, 31), n_base_draws=3
    ),
    "staggered": SamplingPlan(
        9, cardinalities=[5, 12, 40], points=10, seed=9, n_base_draws=4
    ),
}


def assert_same_curves(one: LearningCurve, other: LearningCurve) -> None:
    assert one.cardinality.tobytes() == other.cardinality.tobytes()
    assert one.utility.tobytes() == other.utility.tobytes()
    assert one.descriptor.tobytes() == other.descriptor.tobytes()


def check_descriptors(curve: LearningCurve) -> None:
    """The learner says the sum and the size; its utility is minus their quotient."""
    total, size = curve.descriptor.T
    np.testing.assert_array_equal(size, curve.cardinality)
    np.testing.assert_array_equal(-total / size, curve.utility)


@pytest.mark.parametrize("kind", PLANS)
def test_each_draw_has_its_coalition(kind):
    plan = PLANS[kind]
    draws = sample_contributions(DATASET, LEARNER, plan)
    coalitions = draws.coalitions
    check_descriptors(coalitions)
    sizes = coalitions.cardinality
    # A point inside its coalition is at one size less, and in an independent one never.
    if plan.is_shared:
        assert np.isin(sizes - draws.cardinality, [0, 1]).all()
        assert (sizes != draws.cardinality).any()
    else:
        np.testing.assert_array_equal(sizes, draws.cardinality.T.ravel())
    assert draws.base.n_draws == plan.total_base_draws
    check_descriptors(draws.base)


@pytest.mark.parametrize("kind", PLANS)
def test_file_shards_and_two_jobs_keep_the_coalitions_of_memory(kind, tmp_path):
    plan = PLANS[kind]
    expected = sample_contributions(DATASET, LEARNER, plan)
    shards = [tmp_path / str(i) for i in (1, 2, 3)]
    for i, path in enumerate(shards, start=1):
        sample_ledger(DATASET, LEARNER, plan, path, shard=(i, 3), n_jobs=i % 2 + 1)
    combine_ledgers(tmp_path / "all", shards)
    assert verify_ledger(tmp_path / "all").is_sound
    for drawn in (
        Contributions.load(tmp_path / "all"),
        sample_contributions(DATASET, LEARNER, plan, ledger=tmp_path / "all"),
    ):
        assert drawn.delta.tobytes() == expected.delta.tobytes()
        assert_same_curves(drawn.coalitions, expected.coalitions)
        assert_same_curves(drawn.base, expected.base)
    base = LearningCurve.load(tmp_path / "all")
    assert_same_curves(base, expected.base)


@pytest.mark.parametrize("kind", PLANS)
def test_a_shorter_plan_reads_the_first_of_both_kinds(kind, tmp_path):
    path, plan = tmp_path / "x", PLANS[kind]
    sample_ledger(DATASET, LEARNER, plan, path)
    short = replace(plan, n_draws=4, n_base_draws=2)
    read = sample_contributions(DATASET, LEARNER, short, ledger=path)
    drawn = sample_contributions(DATASET, LEARNER, short)
    assert_same_curves(read.coalitions, drawn.coalitions)
    assert_same_curves(read.base, drawn.base)
    none = sample_contributions(DATASET, LEARNER, replace(short, n_base_draws=0))
    assert none.base is None


def test_first_and_take_keep_the_coalitions_of_their_draws():
    shared = sample_contributions(DATASET, LEARNER, PLANS["shared"])
    part = shared.take([30, 2]).first(5)
    assert_same_curves(part.coalitions, shared.coalitions.take(np.arange(5)))
    own = sample_contributions(DATASET, LEARNER, PLANS["independent"])
    part = own.take([31, 7]).first(4)
    assert part.coalitions.n_draws == 8
    np.testing.assert_array_equal(
        part.coalitions.cardinality, part.cardinality.T.ravel()
    )
    check_descriptors(part.coalitions)


def test_a_failed_training_has_no_descriptor_and_the_others_keep_theirs(tmp_path):
    learner = replace(LEARNER, fails_below=10)
    for ledger in (None, tmp_path / "x"):
        with pytest.warns(FailedDrawWarning, match=r"of 960 draws failed"):
            drawn = sample_contributions(
                DATASET, learner, PLANS["shared"], ledger=ledger
            )
        small = drawn.coalitions.cardinality < 10
        assert 0 < small.sum() < small.size
        assert np.isnan(drawn.coalitions.descriptor[small]).all()
        check_descriptors(drawn.coalitions.take(np.flatnonzero(~small)))


def test_a_flipped_byte_in_a_descriptor_is_found(tmp_path):
    path = tmp_path / "x"
    sample_ledger(DATASET, LEARNER, PLANS["shared"], path)
    content = bytearray(path.read_bytes())
    row = Contributions.load(path).coalitions.descriptor[3].tobytes()
    content[content.index(row) + 2] ^= 1
    path.write_bytes(content)
    assert len(verify_ledger(path).faults) == 1


def test_other_descriptors_of_the_same_coalitions_are_refused(tmp_path):
    plan = PLANS["shared"]
    sample_ledger(DATASET, LEARNER, plan, tmp_path / "one")
    sample_ledger(DATASET, MeanLearner(), plan, tmp_path / "two")
    with pytest.raises(LedgerError, match="hold different draws"):
        combine_ledgers(tmp_path / "one", [tmp_path / "two"])


def test_coalitions_that_do_not_fit_the_draws_are_refused():
    curve = LearningCurve(np.array([3, 4]), np.zeros(2))
    with pytest.raises(InputError, match=r"2 coalitions, but delta has shape \(2, 3\)"):
        Contributions(np.zeros((2, 3)), [3, 4, 5], coalitions=curve)
