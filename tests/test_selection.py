import numpy as np
import pytest

from data_scaling.errors import InputError
from data_scaling.laws import PowerLaws
from data_scaling.selection import select_points


def make_laws(c, alpha):
    n = len(c)
    return PowerLaws(
        points=10 * np.arange(n),
        c=np.array(c, dtype=float),
        alpha=np.array(alpha, dtype=float),
        sigma=np.ones(n),
        beta=np.ones(n),
        covariance=np.zeros((n, 4, 4)),
        status=np.zeros(n),
        n_draws=np.full(n, 9),
        cardinality_range=np.ones((n, 2)),
    )


LAWS = make_laws([1, 100, -1, 4, 4, np.nan], [1, 2, 1, 1, 1, np.nan])
LABELS = ["a", "a", "a", "b", "b", "b"]


def test_best_points_depend_on_the_size():
    assert select_points(LAWS, 10, 3).tolist() == [10, 30, 40]
    assert select_points(LAWS, 1000, 3).tolist() == [30, 40, 0]


def test_classes_get_seats_in_proportion():
    assert select_points(LAWS, 10, 4, LABELS).tolist() == [10, 30, 40, 0]
    labels = ["a", "a", "a", "a", "b", "b"]
    chosen = select_points(LAWS, 10, 3, labels)
    assert chosen.tolist() == [10, 30, 40]


def test_points_without_a_law_are_never_selected():
    assert 50 not in select_points(LAWS, 10, 5)
    with pytest.raises(InputError, match="5 of 6 have a law"):
        select_points(LAWS, 10, 6)
    with pytest.raises(InputError, match=r"'b'.* 2 of 3"):
        select_points(LAWS, 10, 6, LABELS)


def test_one_label_per_law_is_needed():
    with pytest.raises(InputError, match=r"shape \(2,\).*6 laws"):
        select_points(LAWS, 10, 2, ["a", "b"])
