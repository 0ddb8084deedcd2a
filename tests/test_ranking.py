"""Rankings at several sizes, by hand-made laws."""

import numpy as np
import pytest

from data_scaling.errors import InputError
from data_scaling.laws import PowerLaws
from data_scaling.ranking import rank_points


def make_laws(c, alpha, c_std=0.0):
    n = len(c)
    covariance = np.zeros((n, 4, 4))
    covariance[:, 0, 0] = np.broadcast_to(np.square(c_std), n)
    return PowerLaws(
        points=10 + np.arange(n),
        c=np.array(c, dtype=float),
        alpha=np.array(alpha, dtype=float),
        sigma=np.ones(n),
        beta=np.ones(n),
        covariance=covariance,
        status=np.zeros(n),
        n_draws=np.full(n, 1000),
        cardinality_range=np.tile([10, 1000], (n, 1)),
    )


def test_ranks_follow_psi_at_each_size():
    ranking = rank_points(make_laws([100.0, 1.0, -1.0], [2.0, 1.0, 1.0]), [10, 1000])
    np.testing.assert_allclose(ranking.psi[0], [1.0, 1e-4])
    assert ranking.rank.tolist() == [[1, 2], [2, 1], [3, 3]]
    assert ranking.best(0, 2).tolist() == [0, 1]
    assert ranking.best(-1, 2).tolist() == [1, 0]


def test_a_ranking_is_named_in_a_line():
    ranking = rank_points(make_laws([100.0, 1.0, -1.0], [2.0, 1.0, 1.0]), [10, 1000])
    assert repr(ranking) == "<Ranking of 3 points at sizes 10, 1000>"


def test_points_without_a_law_come_last():
    ranking = rank_points(make_laws([1.0, np.nan, -2.0], [1.0, 1.0, 1.0]), [10])
    assert ranking.rank[:, 0].tolist() == [1, 3, 2]
    assert ranking.n_ranked == 2
    assert ranking.best(0, 5).tolist() == [0, 2]


def test_sure_points_are_ordered_by_the_end_that_is_nearer_to_0():
    laws = make_laws([10.0, 5.0, 4.0, -3.0, -9.0], [1.0] * 5, [9.0, 1.0, 0.1, 0.1, 4.0])
    ranking = rank_points(laws, [10])
    assert ranking.surely_valuable(0, 5).tolist() == [2, 1]
    assert ranking.surely_harmful(0, 5).tolist() == [3, 4]
    assert ranking.surely_valuable(0, 1).tolist() == [2]


def test_rank_correlation_and_shared_points():
    same = rank_points(make_laws([4.0, 3.0, 2.0, 1.0], [1.0] * 4), [10, 100])
    assert same.rank_correlation() == pytest.approx(1.0)
    assert same.shared_best(2) == 2
    turned = rank_points(make_laws([1e4, 1e3, 1e2, 1e1], [4, 3, 2, 1]), [1, 1e4])
    assert turned.rank_correlation() == pytest.approx(-1.0)
    assert turned.shared_best(2) == 0


def test_movers_are_ordered_from_climbing_to_falling():
    c, alpha = [1e4, 1e3, 1e2, 1e1], [4, 3, 2, 1]
    ranking = rank_points(make_laws(c, alpha), [1, 1e4])
    assert ranking.movers(share=0.5).tolist() == [3, 2, 1, 0]
    assert ranking.movers(share=0.25).tolist() == [3, 0]


def test_laws_that_all_failed_are_refused():
    with pytest.raises(InputError, match="None of the 2 points has a law"):
        rank_points(make_laws([np.nan, np.nan], [1.0, 1.0]), [10])


def test_no_size_is_refused():
    with pytest.raises(InputError, match="cardinalities is empty"):
        rank_points(make_laws([1.0], [1.0]), [])
