"""How many base draws adjusted contributions take, and drawing them."""

import os
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from threadpoolctl import threadpool_limits

from data_scaling._checks import check_at_least
from data_scaling._typing import FloatArray, IntArray
from data_scaling.adjustment import DescribedLearner, adjust
from data_scaling.adjustment.control import FEWEST_DRAWS
from data_scaling.coalitions import draw_coalition, group_pool
from data_scaling.contributions import Contributions
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import AdjustmentWarning, InputError
from data_scaling.learners import (
    ApproximateLearner,
    BoundLearner,
    find_approximation,
    make_learner,
)
from data_scaling.ledger import describe_ledger
from data_scaling.metrics import MetricLike
from data_scaling.plan import SamplingPlan

#: What the name of a ledger is followed by in that of its quick draws.
QUICK_SUFFIX: Final = ".approximate"
# Base draws for each draw: at least, and at most; and what is spent on them at most, in
# units of what the draws cost, where descriptors may explain nothing.
_FEWEST_EACH: Final = 2
_MOST_EACH: Final = 64
_SHARE_SPENT: Final = 0.05
# Times the least noise for the time that fewer base draws may leave; and the most time
# that draws with theirs may take, in units of that of the draws alone.
_NEARLY: Final = 1.05
_MOST_TIME: Final = 4.0
# The most that can be asked for.
_LARGEST_EACH: Final = 256
# Draws that are timed, and a few points; where a draw of all would take more seconds,
# as the few say, they are not all drawn. No draw takes less than the least time.
_N_TIMED: Final = 4
_FEW_POINTS: Final = 16
_LONG: Final = 1.0
_LEAST_TIME: Final = 1e-9

DrawPlan: TypeAlias = Callable[[Any, SamplingPlan, str | None], Contributions]


def draw_adjusted(
    draw: DrawPlan,
    dataset: Dataset,
    learner: Any,
    plan: SamplingPlan,
    metric: MetricLike,
    ledger: str | os.PathLike[str] | None,
    n_each: int | None,
) -> Contributions:
    """Draw contributions and base draws, and adjust the ones by the others.

    Parameters
    ----------
    draw : callable
        Draws a plan with a learner into a ledger, or in memory.
    dataset, learner, plan, metric, ledger
        As for :func:`data_scaling.sample_contributions`.
    n_each : int, optional
        Base draws for each draw; if None, as many as an earlier run took, or else by
        what they cost and explain.

    Returns
    -------
    Contributions
        The draws as they are, after a warning, where ``n_each`` is None and base draws
        would not be worth their time.

    Raises
    ------
    InputError
        If there are too few draws, or they are not on shared coalitions.
    """
    if not plan.is_shared or plan.total_draws < FEWEST_DRAWS:
        raise InputError(
            f"The plan has {plan.total_draws} draws on {plan.coalitions} coalitions. "
            f"To adjust draws, give at least {FEWEST_DRAWS}, on shared ones."
        )
    if n_each is not None:
        n_each = _check_n_each(n_each)
    learner = make_learner(learner)
    path = None if ledger is None else os.fspath(ledger)
    bound = learner.bind(dataset, metric)
    if find_approximation(bound) is None:
        stored = _read_plan(path)
        if n_each is None and stored is not None:
            n_each = stored.n_base_draws // stored.n_draws
            reason = f"{path} was drawn without base draws: give another ledger."
        if n_each is None:
            cost = _time_base_draw(bound, dataset, plan)
            n_each = afford(cost)
            reason = (
                f"A base draw takes {cost:.0%} of the time of a draw of all points; "
                "what descriptors say of few draws is seldom worth that."
            )
        if n_each == 0:
            return _leave(draw(learner, plan, path), reason)
        described = DescribedLearner(learner, plan)
        with_base = replace(plan, n_base_draws=plan.n_draws * n_each)
        return adjust(draw(described, with_base, path))
    quick, beside = ApproximateLearner(learner), path and f"{path}{QUICK_SUFFIX}"
    n_each = n_each or _find_n_each(path, beside, plan)
    exact = draw(learner, plan, path)
    if n_each is None:
        cost = _time_quick_draw(bound, dataset, plan)
        n_each = choose_n_each(exact, draw(quick, plan, beside), cost)
        if n_each == 0:
            reason = f"A base draw takes {cost:.0%} of the time of a draw: too much."
            return _leave(exact, reason)
    longer = replace(plan, n_draws=plan.n_draws * (1 + n_each))
    return adjust(exact, draw(quick, longer, beside))


def _leave(contributions: Contributions, reason: str) -> Contributions:
    """Return draws as they are, and say why."""
    warnings.warn(
        f"The draws are not adjusted. {reason} More draws lower the noise more; to "
        "adjust a new run all the same, give the number of base draws for each draw.",
        AdjustmentWarning,
        stacklevel=4,
    )
    return replace(contributions, variance_removed=np.zeros(contributions.n_points))


def _check_n_each(n_each: int) -> int:
    if check_at_least("adjust", n_each, 1) > _LARGEST_EACH:
        raise InputError(
            f"adjust is {n_each}: so many base draws for each draw. Give at most "
            f"{_LARGEST_EACH}, of which the last one lowers the noise by less than a "
            "ten-thousandth of the variance; more draws lower it more."
        )
    return int(n_each)


def choose_n_each(exact: Contributions, quick: Contributions, cost: float) -> int:
    """Return how many base draws for each draw give the least noise for the time.

    No more than let the draws take four times as long; 0 if more draws would lower the
    noise more.

    Parameters
    ----------
    exact, quick : Contributions
        Draws, and those of the approximation on the same coalitions.
    cost : float
        Time of a quick draw relative to that of a draw.

    Notes
    -----
    With correlation rho and relative cost c, m draws with r base draws each leave the
    variance ``(1 - rho^2 + rho^2 / (1 + r)) / m`` for the time
    ``m (1 + c (1 + r))``. About the best r their product is flat; the smallest power of
    two that comes near is also mostly the same from run to run, though times are not.
    """
    levels = exact.cardinality.astype(np.float64)
    explained = _explain(exact.delta * levels, quick.delta * levels)
    # The mean over points: they share the base draws. Draws that are all alike have no
    # noise to lower.
    squared = float(np.mean(explained)) if len(explained) else 0.0
    n_each = _FEWEST_EACH * 2 ** np.arange(int(np.log2(_MOST_EACH // _FEWEST_EACH)) + 1)
    left = 1.0 - squared + squared / (1 + n_each)
    time_taken = 1.0 + cost * (1 + n_each)
    left = np.where(time_taken <= _MOST_TIME, left * time_taken, np.inf)
    if left.min() >= 1.0:
        return 0
    return int(n_each[np.argmax(left < min(_NEARLY * left.min(), 1.0))])


def afford(cost: float) -> int:
    """Return how many base draws for each draw take a small share of the time.

    It is 0 where fewer than 2 would. ``cost`` is as for :func:`choose_n_each`.
    """
    n_each = int(_SHARE_SPENT / max(cost, 1e-9))
    return min(n_each, _MOST_EACH) if n_each >= _FEWEST_EACH else 0


def _find_n_each(
    path: str | None, beside: str | None, plan: SamplingPlan
) -> int | None:
    """Return how many base draws for each draw an earlier run took, if it took any.

    Timed anew it would be another number, and the adjusted draws would be others. The
    run may have been of fewer draws, which the ledger still says.
    """
    quick = _read_plan(beside)
    if quick is None:
        return None
    return max(quick.n_draws // (_read_plan(path) or plan).n_draws - 1, 0) or None


def _read_plan(path: str | None) -> SamplingPlan | None:
    """Return the plan of a ledger, if there is one."""
    if path is None or not Path(path).exists():
        return None
    return describe_ledger(path).header.plan


def _explain(delta: FloatArray, control: FloatArray) -> FloatArray:
    """Return the squared correlations of rows, without those that do not vary."""
    known = np.isfinite(delta) & np.isfinite(control)
    n_known = np.maximum(known.sum(axis=1, keepdims=True), 1)
    y, s = (np.where(known, part, 0.0) for part in (delta, control))
    y, s = (
        np.where(known, part - part.sum(axis=1, keepdims=True) / n_known, 0.0)
        for part in (y, s)
    )
    both = (y**2).sum(axis=1) * (s**2).sum(axis=1)
    varies = both > 0.0
    return np.asarray((y * s).sum(axis=1)[varies] ** 2 / both[varies])


def _time_quick_draw(
    bound: BoundLearner, dataset: Dataset, plan: SamplingPlan
) -> float:
    """Return the time of a quick draw relative to that of a draw, on the first few."""
    points = plan.resolve_points(dataset.n_points)
    quick = find_approximation(bound) or bound
    ratios = []
    for coalition in _draw_first(dataset, plan):
        # The work is this thread's, as that of others is not.
        seconds = [
            _time(one, coalition, points, time.thread_time) for one in (quick, bound)
        ]
        ratios.append(seconds[0] / max(seconds[1], _LEAST_TIME))
    return float(np.median(ratios))


def _time_base_draw(bound: BoundLearner, dataset: Dataset, plan: SamplingPlan) -> float:
    """Return the time of a draw of no points relative to that of all, on the first few.

    A learner that refits takes long for all points: there a few of them are timed. It
    may work in threads or processes of its own, so that the clock tells its time; of
    the little that a draw of no points takes, the least is taken, as others may be at
    work.
    """
    points, ratios = plan.resolve_points(dataset.n_points), []
    for coalition in _draw_first(dataset, plan):
        base = min(_time(bound, coalition, points[:0]) for _ in range(_N_TIMED))
        few = _time(bound, coalition, points[:_FEW_POINTS])
        whole = base + (few - base) * len(points) / _FEW_POINTS
        if whole < _LONG:
            whole = _time(bound, coalition, points)
        ratios.append(base / max(whole, _LEAST_TIME))
    return float(np.median(ratios))


def _draw_first(dataset: Dataset, plan: SamplingPlan) -> Iterator[IntArray]:
    """Yield the first coalitions of a plan."""
    pool = group_pool(dataset)
    for number in range(_N_TIMED):
        rng = plan.spawn_rng(number, -1)
        yield draw_coalition(pool, plan.draw_cardinality(number, rng), rng)


def _time(
    bound: BoundLearner,
    coalition: IntArray,
    points: IntArray,
    read: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the seconds that a draw takes with one thread for products."""
    with threadpool_limits(1):
        started = read()
        bound.draw(coalition, points)
        return read() - started
