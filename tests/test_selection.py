import numpy as np
import pytest

from data_scaling.errors import InputError
from data_scaling.laws import ExpansionLaws, PowerLaws
from data_scaling.selection import find_eligible, select_harmful, select_points


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


def test_several_sizes_at_once_are_refused():
    """A list of sizes once ended in an error of numpy's indexing."""
    with pytest.raises(InputError, match="one dataset size: give one number"):
        select_points(LAWS, [10, 100], 2)
    with pytest.raises(InputError, match="one dataset size"):
        select_harmful(LAWS, [10, 100])


def test_points_that_are_not_eligible_are_never_selected():
    eligible = [True, False, True, True, False, True]
    assert select_points(LAWS, 10, 3, eligible=eligible).tolist() == [30, 0, 20]
    with pytest.raises(InputError, match="3 of 6 have a law and are eligible"):
        select_points(LAWS, 10, 4, eligible=eligible)
    with pytest.raises(InputError, match=r"eligible has shape \(1,\)"):
        select_points(LAWS, 10, 4, eligible=[True])


def make_expansions(mean, std, status=None):
    n = len(mean)
    return ExpansionLaws(
        points=10 * np.arange(n),
        powers=np.array([1.0]),
        base_cardinality=100.0,
        coefficients=np.array(mean, dtype=float)[:, None],
        covariance=np.square(np.array(std, dtype=float))[:, None, None],
        noise=np.ones(n),
        noise_exponent=np.ones(n),
        status=np.zeros(n) if status is None else np.array(status),
        n_draws=np.full(n, 9),
        cardinality_range=np.ones((n, 2)),
    )


def test_certainty_and_status_decide_who_is_eligible():
    laws = make_expansions([3, 1, -3, np.nan, 3], [1, 1, 1, 1, 1], [0, 0, 0, 3, 2])
    assert find_eligible(laws, 100).tolist() == [True, True, True, False, True]
    sure = find_eligible(laws, 100, certainty=0.95)
    assert sure.tolist() == [True, False, False, False, True]
    sure = find_eligible(laws, 100, certainty=0.95, converged=True)
    assert sure.tolist() == [True, False, False, False, False]
    with pytest.raises(InputError, match=r"certainty is 1\.5"):
        find_eligible(laws, 100, certainty=1.5)


def test_harmful_points_hold_the_false_discovery_rate():
    """Of 20,000 planted points at most the stated share is selected wrongly.

    Under the model the share has mean below the rate and a standard error below
    0.006 here; four of them make a false alarm rarer than 1e-4.
    """
    rng = np.random.default_rng(7)
    truth = rng.normal(size=20_000)
    seen = truth + rng.normal(size=truth.shape)
    laws = make_expansions(seen / 2, np.full(truth.shape, np.sqrt(0.5)))
    for rate in (0.05, 0.2):
        chosen = select_harmful(laws, 100, false_discovery_rate=rate) // 10
        assert len(chosen) > 1000
        assert np.mean(truth[chosen] > 0) < rate + 4 * 0.006
        assert np.mean(truth[chosen] > 0) > rate - 4 * 0.006
    probability = laws.probability_negative(100)
    assert (np.diff(probability[chosen]) <= 0).all()


def test_no_point_is_harmful_where_all_are_surely_useful():
    assert len(select_harmful(make_expansions([3, 4], [0.1, 0.1]), 100)) == 0
