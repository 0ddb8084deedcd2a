"""Plans: validation, JSON, densities of the sizes, random streams."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from data_scaling.errors import InputError
from data_scaling.plan import SamplingPlan

plans = st.one_of(
    st.builds(
        SamplingPlan,
        st.integers(2, 10**6),
        st.integers(2, 50),
        st.integers(50, 10**6),
        density=st.sampled_from(["uniform", "log-uniform", ("power", 1.5)]),
        coalitions=st.sampled_from(["shared", "independent"]),
        points=st.one_of(
            st.none(),
            st.integers(1, 100),
            st.tuples(st.just("random"), st.integers(1, 100)),
            st.lists(st.integers(0, 99), min_size=1, unique=True),
        ),
        n_base_draws=st.integers(0, 9),
        seed=st.integers(0, 2**64),
    ),
    st.builds(
        SamplingPlan,
        st.integers(2, 100),
        cardinalities=st.lists(st.integers(2, 99), min_size=1, unique=True),
    ),
)


@given(plan=plans)
def test_a_plan_survives_json(plan):
    assert SamplingPlan.from_json(plan.to_json()) == plan


@given(plan=plans)
def test_more_draws_are_the_same_identity(plan):
    assert replace(plan, n_draws=plan.n_draws + 1).identity() == plan.identity()
    assert replace(plan, n_base_draws=99).identity() == plan.identity()
    assert replace(plan, seed=plan.seed + 1).identity() != plan.identity()


def draw_sizes(plan: SamplingPlan, n_draws: int) -> np.ndarray:
    return np.array(
        [plan.draw_cardinality(i, plan.spawn_rng(i, 0)) for i in range(n_draws)]
    )


@pytest.mark.parametrize(
    ("density", "exponent"),
    [("uniform", 0), ("log-uniform", 1), (("power", 3.0), 1.5), (("power", -2), -1)],
)
def test_sizes_follow_their_density_with_both_ends(density, exponent):
    """Chi-square over 4,000 draws of 20 sizes; false alarm 1e-4 per density."""
    plan = SamplingPlan(2, 11, 30, density=density, seed=4)
    observed = np.bincount(draw_sizes(plan, 4_000), minlength=31)
    assert observed[:11].sum() == 0
    expected = np.arange(11.0, 31.0) ** -exponent
    expected *= 4_000 / expected.sum()
    assert observed[11] > 0
    assert observed[30] > 0
    assert stats.chisquare(observed[11:], expected).pvalue > 1e-4


def test_a_staggered_plan_takes_its_sizes_in_turn():
    plan = SamplingPlan(4, cardinalities=[30, 10, 20])
    assert plan.total_draws == 12
    assert (plan.min_cardinality, plan.max_cardinality) == (10, 30)
    assert draw_sizes(plan, 6).tolist() == [30, 10, 20, 30, 10, 20]


def test_streams_differ_between_draws_and_only_independent_ones_between_points():
    shared = SamplingPlan(2, 5, 9)
    independent = replace(shared, coalitions="independent")
    first = [shared.spawn_rng(3, point).random() for point in (0, 1)]
    assert first[0] == first[1] != shared.spawn_rng(4, 0).random()
    values = {
        independent.spawn_rng(draw, p).random() for draw in (3, 4) for p in (0, 1)
    }
    assert len(values) == 4


def test_points_are_all_or_the_first_or_a_list_in_its_order():
    assert SamplingPlan(2, 5, 9).resolve_points(4).tolist() == [0, 1, 2, 3]
    assert SamplingPlan(2, 5, 9, points=2).resolve_points(4).tolist() == [0, 1]
    listed = SamplingPlan(2, 5, 9, points=np.array([3, 1]))
    assert listed.resolve_points(4).tolist() == [3, 1]


@pytest.mark.parametrize("points", [5, ("random", 5), [1, 4]])
def test_points_beyond_the_pool_are_refused(points):
    with pytest.raises(InputError, match=r"point 4, but the pool has 4 points"):
        SamplingPlan(2, 2, 3, points=points).resolve_points(4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 5, 9), "n_draws is 1. Give at least 2"),
        ((0, 5, 9), "n_draws is 0"),
        ((2.5, 5, 9), "n_draws is 2.5. Give an integer"),
        ((5, 9, 5), "min_cardinality is 9, above max_cardinality, 5"),
        ((5, 1, 9), "min_cardinality is 1. Give at least 2"),
        ((5,), "no coalition sizes"),
        ((5, 7), "no coalition sizes"),
    ],
)
def test_bad_counts_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        SamplingPlan(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"density": "normal"}, "density is 'normal'"),
        ({"density": ("power", float("nan"))}, r"density is \('power', nan\)"),
        ({"density": ("power",)}, "finite number"),
        ({"coalitions": "own"}, "coalitions is 'own'"),
        ({"points": []}, "lists 0 points"),
        ({"points": [1, 1]}, "2 points, 1 of them distinct"),
        ({"points": 0}, "points is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"cardinalities": [5, 8]}, "cardinalities reaches from 5 to 8"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        SamplingPlan(5, 5, 9, **options)


def test_a_staggered_plan_refuses_a_density_and_repeated_sizes():
    with pytest.raises(InputError, match="Give one of the two alone"):
        SamplingPlan(5, cardinalities=[5, 9], density="log-uniform")
    with pytest.raises(InputError, match="each size once"):
        SamplingPlan(5, cardinalities=[5, 5])
    with pytest.raises(InputError, match="at least one size"):
        SamplingPlan(5, cardinalities=[])


@pytest.mark.parametrize("text", ["{", "[1]", '{"n_draws": 3, "colour": 1}'])
def test_text_that_is_no_plan_is_refused(text):
    with pytest.raises(InputError, match="The text is no plan"):
        SamplingPlan.from_json(text)


@pytest.mark.parametrize("n_points", [2.7, "x", 0, None, True])
def test_a_number_of_random_points_that_is_none_is_refused(n_points):
    with pytest.raises(InputError, match=r"points is .* at least 1"):
        SamplingPlan(20, 5, 9, points=("random", n_points))


def test_the_plan_of_the_tests_has_other_draws_over_the_same_range():
    plan = SamplingPlan(100, 20, 200, seed=3)
    tests = plan.stagger(7, 500, n_sizes=4, n_points=30)
    assert tests.cardinalities == (20, 43, 93, 200)
    assert (tests.n_draws, tests.seed, len(tests.points)) == (7, 4, 30)
    assert max(tests.points) < 500
    assert len(plan.stagger(7, 12).points) == 12
    assert plan.stagger(7, 500, n_sizes=4, n_points=30) == tests
    with pytest.raises(InputError, match="n_sizes is 0"):
        plan.stagger(7, 500, n_sizes=0)


def test_random_points_depend_on_the_seed_and_more_of_them_contain_the_fewer():
    plan = SamplingPlan(2, 5, 9, points=("random", 6), seed=1)
    few = plan.resolve_points(50)
    assert few.tolist() == sorted(set(few.tolist()))
    more = replace(plan, points=["random", 20]).resolve_points(50)
    assert set(few) < set(more)
    assert replace(plan, seed=2).resolve_points(50).tolist() != few.tolist()
    assert replace(plan, points=("random", 50)).resolve_points(50).tolist() == [
        *range(50)
    ]


def test_every_point_is_chosen_equally_often():
    """Chi-square over 2,000 seeds of 5 among 20 points; false alarm at most 1e-4."""
    plans = [SamplingPlan(2, 5, 9, points=("random", 5), seed=s) for s in range(2_000)]
    chosen = np.concatenate([plan.resolve_points(20) for plan in plans])
    assert stats.chisquare(np.bincount(chosen, minlength=20)).pvalue > 1e-4


def test_base_draws_count_per_size_and_have_streams_of_their_own():
    plan = SamplingPlan(0, cardinalities=[5, 9], n_base_draws=3)
    assert (plan.total_draws, plan.total_base_draws) == (0, 6)
    plan = SamplingPlan(2, 5, 9, n_base_draws=4)
    base = {plan.spawn_base_rng(draw).random() for draw in range(4)}
    others = {plan.spawn_rng(draw, 0).random() for draw in range(4)}
    independent = replace(plan, coalitions="independent")
    others |= {independent.spawn_rng(d, p).random() for d in range(4) for p in range(4)}
    assert len(base) == 4
    assert not base & others


def test_a_plan_without_any_draws_is_refused():
    with pytest.raises(InputError, match=r"n_draws is 0\. Give at least 2"):
        SamplingPlan(0, 5, 9)
    with pytest.raises(InputError, match="n_base_draws is -1"):
        SamplingPlan(2, 5, 9, n_base_draws=-1)
