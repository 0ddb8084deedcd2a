"""How draws are timed and cut into tasks, and when workers are worth their start."""

import time
from dataclasses import dataclass, replace

import numpy as np
import pytest
from fake_learners import BoundMeanLearner, MeanLearner, make_dataset

from data_scaling import _workers
from data_scaling._drawing import Recipe
from data_scaling._pacing import GrowingTasks, probe_seconds
from data_scaling._workers import draw_spans
from data_scaling.coalitions import group_pool
from data_scaling.learners import Draw
from data_scaling.metrics import make_metric
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions

DATASET = make_dataset(n_points=300)
PLAN = SamplingPlan(30, 5, 30, seed=3)


class Clock:
    """A clock that only draws advance, so that no other program can."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr(time, "perf_counter", found)
    return found


@dataclass(frozen=True, eq=False)
class BoundSlow(BoundMeanLearner):
    """Every point costs a time of its own; the numbers of points are noted."""

    asked: list[int]

    def draw(self, coalition: np.ndarray, points: np.ndarray) -> Draw:
        self.asked.append(len(points))
        time.perf_counter.now += self.learner.seconds * len(points)
        quick = replace(self.learner, seconds=0.0)
        bound = BoundMeanLearner(quick, self.features, self.metric)
        return bound.draw(coalition, points)


def make_recipe(seconds_per_point: float, plan: SamplingPlan = PLAN) -> Recipe:
    learner, metric = MeanLearner(seconds_per_point), make_metric(None, DATASET.task)
    bound = BoundSlow(learner, DATASET.x_train, metric, [])
    return Recipe(bound, plan, group_pool(DATASET), plan.resolve_points(300))


def test_a_long_draw_is_timed_by_a_part_of_its_points():
    recipe = make_recipe(0.01)
    assert probe_seconds(recipe, 0) == pytest.approx(3.0)
    assert recipe.learner.asked == [1, 1, 16]


@pytest.mark.parametrize(
    ("plan", "number"),
    [(PLAN, 0), (PLAN, 2**48), (replace(PLAN, coalitions="independent"), 0)],
)
def test_a_short_draw_is_left_to_the_pilot(plan, number):
    recipe = make_recipe(1e-5, plan)
    assert probe_seconds(recipe, number) == 0.0
    assert max(recipe.learner.asked, default=0) <= 150


def test_tasks_of_any_size_cover_the_spans_once():
    spans = [(0, 5), (9, 10), (12, 30)]
    tasks = GrowingTasks(make_recipe(0.0), spans)
    assert tasks.n_left == 24
    taken = [tasks.take(size) for size in (1, 2, 0, 4)]
    assert taken[2] == ()
    assert tasks.n_left == 17
    taken += tasks.take_all(5)
    assert (tasks.n_left, tasks.take(3)) == (0, ())
    numbers = [n for task in taken for span in task for n in range(*span)]
    assert numbers == [n for span in spans for n in range(*span)]


def test_the_last_tasks_are_small_and_all_are_taken_once():
    tasks = GrowingTasks(make_recipe(0.0), [(0, 50), (60, 110)])
    taken = list(tasks.take_all(16, n_workers=2))
    counts = [sum(stop - first for first, stop in task) for task in taken]
    assert counts == [16, 16, 16, 16, 4] + [4] * 8
    numbers = [n for task in taken for span in task for n in range(*span)]
    assert numbers == [*range(50), *range(60, 110)]


def test_few_draws_are_cut_small_from_the_first():
    tasks = GrowingTasks(make_recipe(0.0), [(0, 9)])
    taken = list(tasks.take_all(16, n_workers=2))
    assert taken == [((0, 4),), ((4, 8),), ((8, 9),)]


def test_little_work_starts_no_workers(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("workers were started")

    monkeypatch.setattr(_workers, "_run_tasks", refuse)
    recipe = make_recipe(1e-5)
    segments = list(draw_spans(recipe, [(0, 30)], n_jobs=2))
    assert sum(segment.stop - segment.first for segment in segments) == 30


def test_long_draws_go_to_the_workers_without_one_of_the_driver(monkeypatch):
    """Each is estimated to take 3 s, which would keep finished ones from the ledger."""
    taken = []

    def run_nothing(recipe, own, tasks, n_jobs):
        taken.append((own, list(tasks)))
        yield from ()

    monkeypatch.setattr(_workers, "_run_tasks", run_nothing)
    list(draw_spans(make_recipe(0.02), [(0, 3)], n_jobs=2))
    assert taken == [((), [((0, 1),), ((1, 2),), ((2, 3),)])]


def test_the_draws_of_driver_and_workers_are_those_of_one_job(monkeypatch):
    monkeypatch.undo()  # of the clock
    monkeypatch.setattr(_workers, "START_SECONDS", 0.2)
    monkeypatch.setattr(_workers, "TASK_SECONDS", 0.05)
    both = sample_contributions(DATASET, MeanLearner(seconds=0.02), PLAN, n_jobs=2)
    alone = sample_contributions(DATASET, MeanLearner(), PLAN)
    assert both.delta.tobytes() == alone.delta.tobytes()
