"""The transport of a recipe to the workers, and the spans that are drawn."""

import numpy as np
import pytest
from fake_learners import MeanLearner, make_dataset
from hypothesis import given
from hypothesis import strategies as st

from data_scaling._drawing import Recipe, draw_segment, find_missing, group_spans
from data_scaling._parcel import Parcel, pack_recipe, unpack_recipe
from data_scaling._workers import draw_spans
from data_scaling.coalitions import group_pool
from data_scaling.plan import SamplingPlan


@pytest.fixture
def recipe() -> Recipe:
    dataset, plan = make_dataset(), SamplingPlan(30, 5, 30, seed=3)
    bound = MeanLearner().bind(dataset)
    return Recipe(bound, plan, group_pool(dataset), plan.resolve_points(40))


def test_a_parcel_is_unpacked_once_and_draws_the_same_bits(recipe):
    parcel = pack_recipe(recipe)
    unpacked = unpack_recipe(parcel)
    assert unpack_recipe(Parcel(parcel.name, parcel.content.copy())) is unpacked
    assert unpack_recipe(pack_recipe(recipe)) is not unpacked
    sent, kept = draw_segment(unpacked, 3, 9), draw_segment(recipe, 3, 9)
    assert sent.delta.tobytes() == kept.delta.tobytes()
    assert sent.members.tobytes() == kept.members.tobytes()
    assert type(unpacked.points) is np.ndarray


def test_learners_that_no_module_holds_travel_too(recipe):
    """As those of a notebook do."""

    class LocalLearner(type(recipe.learner)):
        pass

    local = LocalLearner(*vars(recipe.learner).values())
    parcel = pack_recipe(Recipe(local, recipe.plan, recipe.pool, recipe.points))
    assert draw_segment(unpack_recipe(parcel), 0, 2).n_failed == 0


def test_a_segment_does_not_depend_on_its_neighbours(recipe):
    whole = draw_segment(recipe, 0, 12)
    for segment in draw_spans(recipe, [(0, 5), (7, 12)], n_jobs=1):
        part = slice(segment.first, segment.stop)
        assert segment.delta.tobytes() == whole.delta[part].tobytes()
        assert segment.utility.tobytes() == whole.utility[part].tobytes()
        assert segment.cardinality.tolist() == whole.cardinality[part].tolist()


spans = st.lists(st.integers(0, 40), unique=True).map(
    lambda ends: list(zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False))
)


@given(drawn=spans, wanted=spans, size=st.integers(1, 9))
def test_tasks_of_the_missing_spans_cover_each_lacking_coalition_once(
    drawn, wanted, size
):
    tasks = list(group_spans(find_missing(drawn, wanted), size))
    covered = [number for task in tasks for span in task for number in range(*span)]
    there = {number for span in drawn for number in range(*span)}
    asked = [number for span in wanted for number in range(*span)]
    assert covered == [number for number in asked if number not in there]
    n_each = [sum(stop - first for first, stop in task) for task in tasks]
    assert all(n == size for n in n_each[:-1])
    assert all(0 < n <= size for n in n_each[-1:])
