from dataclasses import replace

import numpy as np
import pytest

from data_scaling.contributions import Contributions, find_points
from data_scaling.errors import InputError
from data_scaling.estimators import HierarchicalEstimator, LogEstimator
from data_scaling.size_means import average_by_size

DELTA = [[0.1, np.nan, 0.3], [1.0, 2.0, 3.0]]
SIZES = [[10, 20, 30], [10, 19, 30]]


@pytest.fixture
def draws():
    return Contributions(DELTA, SIZES, [5, 2], metric="log_loss", unit="nats")


def test_counts_points_draws_and_failures(draws):
    assert (draws.n_points, draws.n_draws, draws.n_failed) == (2, 3, 1)
    assert draws.delta.dtype == np.float64
    assert draws.cardinality.dtype == np.int32
    assert draws.points.dtype == np.intp


def test_points_are_rows_by_default():
    assert Contributions(DELTA, SIZES).points.tolist() == [0, 1]


def test_shared_sizes_are_given_once():
    assert Contributions(DELTA, [10, 20, 30]).cardinality.tolist() == [[10, 20, 30]] * 2


def test_arrays_are_read_only_and_the_callers_array_stays_writable():
    own = np.ones((2, 3))
    draws = Contributions(own, SIZES)
    with pytest.raises(ValueError, match="read-only"):
        draws.delta[0, 0] = 2.0
    own[0, 0] = 2.0


def test_first_keeps_the_first_draws_of_every_point(draws):
    first = draws.first(2)
    np.testing.assert_array_equal(first.delta, np.array(DELTA)[:, :2])
    assert first.cardinality.tolist() == [[10, 20], [10, 19]]
    assert (first.metric, first.unit) == ("log_loss", "nats")


@pytest.mark.parametrize(("n", "message"), [(4, "there are 3"), (0, "at least 1")])
def test_first_refuses_a_number_of_draws_that_is_not_there(draws, n, message):
    with pytest.raises(InputError, match=message):
        draws.first(n)


def test_take_goes_by_the_index_in_the_pool(draws):
    taken = draws.take([2])
    assert taken.points.tolist() == [2]
    assert taken.delta.tolist() == [[1.0, 2.0, 3.0]]
    assert draws.take([]).n_points == 0


def test_take_names_an_unknown_point(draws):
    with pytest.raises(InputError, match="the first is 7"):
        draws.take([2, 7])


@pytest.mark.parametrize("shape", [(2, 0), (0, 3)])
def test_nothing_to_learn_from_is_told(shape):
    empty = Contributions(np.empty(shape), np.empty(shape, dtype=int))
    for use in (HierarchicalEstimator().fit, LogEstimator().fit, average_by_size):
        with pytest.raises(InputError, match=r"There are . points with . draws each"):
            use(empty)


def test_a_short_name_stands_for_the_arrays(draws):
    assert repr(draws) == "<Contributions: 2 points x 3 draws>"
    named = replace(draws, learner="tree", dataset="wine")
    assert repr(named) == "<Contributions of tree on wine: 2 points x 3 draws>"


def test_frame_has_a_row_per_point_and_draw(draws):
    frame = draws.to_frame()
    assert list(frame.columns) == ["point", "row", "draw", "cardinality", "delta"]
    row = frame[(frame.point == 2) & (frame.draw == 1)].iloc[0]
    assert (row.cardinality, row.delta) == (19, 2.0)
    assert len(frame) == 6


def test_find_points_keeps_the_asked_order_and_repeats():
    assert find_points(np.array([9, 4, 6]), [6, 9, 6]).tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    ("delta", "sizes", "points", "message"),
    [
        ([1.0, 2.0], [1, 2], None, "matrix of points by draws"),
        (DELTA, [10, 20], None, r"shape \(2,\).*shape \(2, 3\)"),
        ([[np.inf, 1.0]], [[1, 2]], None, "1 infinite.*NaN"),
        (DELTA, [0, 1, 2], None, "holds 0"),
        (DELTA, [1.5, 2, 3], None, "not integers"),
        (DELTA, [np.nan, 2, 3], None, "not integers"),
        (DELTA, [1, 2, 2**40], None, "not integers"),
        (DELTA, SIZES, [1, 1], "Point 1 stands twice"),
        (DELTA, SIZES, [1], "has 2 rows"),
        (DELTA, SIZES, [0.0, 1.0], "one integer per row"),
    ],
)
def test_bad_draws_are_refused(delta, sizes, points, message):
    with pytest.raises(InputError, match=message):
        Contributions(delta, sizes, points)


def test_rows_are_named_by_the_index_or_as_they_are_given():
    draws = Contributions(np.ones((3, 2)), [5, 6], [7, 3, 9])
    assert draws.row_ids.tolist() == [7, 3, 9]
    named = Contributions(np.ones((3, 2)), [5, 6], [7, 3, 9], row_ids=["a", "b", "c"])
    assert named.take([9, 7]).row_ids.tolist() == ["c", "a"]
    assert named.first(1).row_ids.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("row_ids", [["a"], [0.5, 1.5, 2.5], [["a", "b", "c"]]])
def test_row_ids_that_name_no_points_are_refused(row_ids):
    with pytest.raises(InputError, match="Give one integer or string per point"):
        Contributions(np.ones((3, 2)), [5, 6], row_ids=row_ids)
