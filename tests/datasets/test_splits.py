import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from data_scaling.datasets.splits import split_rows
from data_scaling.errors import DatasetError, InputError


def split(target, seed=0, **sizes):
    return split_rows(np.asarray(target), np.random.default_rng(seed), **sizes)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(3, 60), min_size=2, max_size=6),
    val_size=st.floats(0.15, 0.35),
    seed=st.integers(0, 1000),
)
def test_parts_are_disjoint_complete_and_hold_every_class(counts, val_size, seed):
    target = np.repeat(np.arange(len(counts)), counts)
    n_val = max(round(val_size * len(target)), len(counts))
    if len(target) - 2 * n_val < len(counts):
        return
    parts = split(target, seed, val_size=n_val, test_size=n_val)

    rows = np.concatenate([parts.train, parts.val, parts.test])
    assert np.array_equal(np.sort(rows), np.arange(len(target)))
    for part in (parts.train, parts.val, parts.test):
        assert set(target[part]) == set(range(len(counts)))
        assert np.all(np.diff(part) > 0)
    assert len(parts.val) == len(parts.test) == n_val


@pytest.mark.parametrize("seed", range(20))
def test_a_class_of_three_rows_is_in_every_part_even_of_a_small_training_part(seed):
    target = np.repeat([0, 1], [40, 3])
    parts = split(target, seed, val_size=25, test_size=10)

    for part in (parts.train, parts.val, parts.test):
        assert np.sum(target[part] == 1) == 1


def test_classes_keep_their_proportions_to_within_one_row():
    target = np.repeat([0, 1, 2], [7_000, 2_900, 100])
    parts = split(target, val_size=1_000, test_size=1_000)

    for part in (parts.val, parts.test):
        assert np.all(np.abs(np.bincount(target[part]) - [700, 290, 10]) <= 1)


def test_every_row_is_as_likely_to_be_held_out():
    """Row counts over 400 splits; chi-squared test, false-alarm rate 1e-4."""
    held_out = np.zeros(60)
    for seed in range(400):
        held_out[split(np.zeros(60), seed, val_size=0.2).val] += 1
    # Rows of one split repel each other, which the factor corrects.
    statistic = np.sum((held_out - 80.0) ** 2) / (400 * 0.2 * 0.8) * 59 / 60

    assert stats.chi2(59).sf(statistic) > 1e-4


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    target = np.arange(100) % 3
    first, again, other = split(target, 1), split(target, 1), split(target, 2)

    assert np.array_equal(first.val, again.val)
    assert not np.array_equal(first.val, other.val)


def test_without_a_test_part_two_rows_of_a_class_suffice():
    parts = split([0] * 10 + [1] * 2, val_size=4, test_size=0)

    assert len(parts.test) == 0
    assert len(parts.train) == 8


def test_a_rare_class_is_named_with_its_number_of_rows():
    with pytest.raises(DatasetError, match=r"fewer than 3 rows .*: rare \(2 rows\)"):
        split(["common"] * 50 + ["rare"] * 2)


def test_one_class_is_refused():
    with pytest.raises(DatasetError, match=r"one class only \(a, 9 rows\)"):
        split(["a"] * 9)


def test_parts_that_cannot_hold_every_class_are_refused():
    with pytest.raises(DatasetError, match="5 training, 3 validation and 2 test rows"):
        split([0, 1, 2] * 3 + [0], val_size=3, test_size=2)
    with pytest.raises(DatasetError, match="-90 training, 100 validation"):
        split(np.zeros(10), val_size=100, test_size=0)


@pytest.mark.parametrize("size", [-0.1, 1.5, np.nan, np.inf])
def test_a_size_that_is_neither_share_nor_count_is_refused(size):
    with pytest.raises(InputError, match="val_size is"):
        split(np.zeros(10), val_size=size)
