"""Coalitions: quotas, class balance, exclusion, uniform inclusion, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from data_scaling.coalitions import (
    Pool,
    allocate_quotas,
    check_cardinalities,
    draw_coalition,
    find_smallest_cardinality,
    group_pool,
)
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError

counts_strategy = st.lists(st.integers(1, 60), min_size=1, max_size=6)


def make_pool(*counts: int, seed: int = 0) -> Pool:
    """Return a pool whose classes are scattered over the indices."""
    codes = np.repeat(np.arange(len(counts)), counts)
    np.random.default_rng(seed).shuffle(codes)
    members = tuple(np.flatnonzero(codes == code) for code in range(len(counts)))
    return Pool(members, tuple(f"class {code}" for code in range(len(counts))))


@given(counts=counts_strategy, fraction=st.floats(0, 1))
def test_quotas_add_up_and_are_within_one_seat_of_the_share(counts, fraction):
    counts = np.array(counts)
    total = int(fraction * counts.sum())
    quotas = allocate_quotas(counts, total)
    assert quotas.sum() == total
    assert np.all(quotas <= counts)
    assert np.all(np.abs(quotas - counts * total / counts.sum()) < 1)


def test_left_over_seats_go_to_the_largest_remainders():
    # Shares 2.5, 1.5, 1.0: on the tie the earlier class comes first.
    assert allocate_quotas(np.array([5, 3, 2]), 5).tolist() == [3, 1, 1]


@settings(deadline=None)
@given(counts=counts_strategy, fraction=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_coalition_is_balanced_sorted_and_without_repeats(counts, fraction, seed):
    pool = make_pool(*counts)
    cardinality = int(fraction * pool.n_points)
    coalition = draw_coalition(pool, cardinality, np.random.default_rng(seed))
    assert len(coalition) == cardinality
    assert np.all(np.diff(coalition) > 0)
    seats = [int(np.isin(coalition, member).sum()) for member in pool.members]
    assert seats == allocate_quotas(pool.counts, cardinality).tolist()


@settings(deadline=None)
@given(counts=counts_strategy, fraction=st.floats(0, 1), seed=st.integers(0, 99))
def test_an_independent_coalition_never_holds_its_point(counts, fraction, seed):
    counts = [count + 1 for count in counts]
    pool, rng = make_pool(*counts), np.random.default_rng(seed)
    point = int(rng.integers(pool.n_points))
    cardinality = int(fraction * (pool.n_points - 1))
    coalition = draw_coalition(pool, cardinality, rng, without=point)
    assert len(np.unique(coalition)) == cardinality
    assert point not in coalition


def test_the_largest_independent_coalition_is_everything_but_the_point():
    pool = make_pool(7, 5)
    coalition = draw_coalition(pool, 11, np.random.default_rng(0), without=4)
    assert coalition.tolist() == [i for i in range(12) if i != 4]


@pytest.mark.parametrize("without", [None, 3])
def test_every_point_of_a_class_is_drawn_equally_often(without):
    """Chi-square over 4,000 coalitions; false alarm 1e-4 per case.

    Points of one class are drawn without replacement, which shrinks the statistic, so
    the stated rate is an upper bound.
    """
    pool, rng = make_pool(30, 20), np.random.default_rng(11)
    n_drawn = np.zeros(pool.n_points)
    for _ in range(4_000):
        n_drawn[draw_coalition(pool, 10, rng, without=without)] += 1
    for member in pool.members:
        drawn = n_drawn[member[member != without]]
        assert stats.chisquare(drawn).pvalue > 1e-4


def test_a_pair_of_points_is_drawn_as_often_as_without_replacement_says():
    """Binomial test over 4,000 coalitions; false alarm 1e-4."""
    pool, rng = make_pool(12), np.random.default_rng(5)
    both = sum(
        {2, 7} <= set(draw_coalition(pool, 4, rng).tolist()) for _ in range(4_000)
    )
    assert stats.binomtest(both, 4_000, (4 * 3) / (12 * 11)).pvalue > 1e-4


def test_the_pool_of_a_regression_is_one_class():
    x = np.arange(6.0)[:, None]
    pool = group_pool(Dataset(x, x[:, 0], x, x[:, 0]))
    assert pool.counts.tolist() == [6]


@given(counts=st.lists(st.integers(1, 40), min_size=2, max_size=4))
def test_from_the_smallest_workable_size_on_every_class_has_its_seats(counts):
    counts = np.array(counts)
    smallest = find_smallest_cardinality(counts, 2)
    if counts.min() < 2:
        assert smallest is None
        return
    sizes = range(smallest, counts.sum() + 1)
    assert all(allocate_quotas(counts, size).min() >= 2 for size in sizes)
    assert allocate_quotas(counts, smallest - 1).min() < 2


def test_a_rare_class_is_refused_with_its_count_and_the_smallest_workable_size():
    pool = make_pool(97, 3)
    with pytest.raises(InputError, match=r"'class 1' has 3 of the 100.*of 10 points"):
        check_cardinalities(pool, 10, 50, shared=True)
    workable = find_smallest_cardinality(pool.counts, 2)
    with pytest.raises(InputError, match=f"min_cardinality of at least {workable}"):
        check_cardinalities(pool, workable - 1, 60, shared=True)
    check_cardinalities(pool, workable, 100, shared=True)


def test_independent_coalitions_need_one_seat_without_the_point():
    pool = make_pool(97, 3)
    with pytest.raises(InputError, match="at least 1 of every class"):
        check_cardinalities(pool, 10, 50, shared=False)
    check_cardinalities(pool, 60, 99, shared=False)


@pytest.mark.parametrize("shared", [True, False])
def test_a_class_of_one_point_cannot_be_drawn_at_any_size(shared):
    with pytest.raises(InputError, match=r"'class 1' has 1 .*Leave the class out"):
        check_cardinalities(make_pool(20, 1), 2, 15, shared=shared)


def test_sizes_beyond_the_pool_are_refused_with_both_values():
    pool = make_pool(10, 10)
    check_cardinalities(pool, 5, 20, shared=True)
    with pytest.raises(InputError, match=r"is 21, but the pool has 20.*at most 20"):
        check_cardinalities(pool, 5, 21, shared=True)
    with pytest.raises(InputError, match=r"is 20, but the pool has 20.*at most 19"):
        check_cardinalities(pool, 5, 20, shared=False)


def test_a_point_outside_the_pool_is_refused():
    with pytest.raises(InputError, match="Point 9 is not in the pool"):
        make_pool(3, 3).locate(9)
