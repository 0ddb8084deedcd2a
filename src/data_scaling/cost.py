r"""What a plan will cost and what it will tell, from a short pilot.

With weights :math:`k^\beta` for the noise and the first two terms of the law,
:math:`x_k = (k_0/k, k_0^2/k^2)`, the standard error of a point's
:math:`\psi_k` after n draws of sizes with probabilities :math:`p_k` is

.. math:: \sigma \sqrt{x_k^T M^{-1} x_k / n}, \qquad M = \sum_k p_k k^\beta x_k x_k^T.

It is that of a law fitted to the point's own draws alone; estimators that pool the
points do better. The same holds for the Shapley value, with the mean of
:math:`x_k` over the range in the place of :math:`x_k`.
"""

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from threadpoolctl import threadpool_limits

from data_scaling._checks import check_positive
from data_scaling._drawing import Recipe, draw_segment
from data_scaling._typing import BoolArray, FloatArray, Int32Array, IntArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import AllDrawsFailedError, InputError
from data_scaling.learners import Learner
from data_scaling.ledger import FIRST_BASE, Assembly, LedgerHeader, Segment
from data_scaling.metrics import MetricLike
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import prepare_run

__all__ = ["RunCost", "estimate_cost"]

FIRST_POINTS, POINTS_FACTOR = 8, 8
MIN_DRAWS, MAX_DRAWS = 8, 256
MAX_BETA = 6.0
SQLITE_BYTES, SEGMENT_BYTES = 49_152, 120


@dataclass(frozen=True, eq=False)
class RunCost:
    """What a plan costs, and how well its draws determine the points' values.

    Attributes
    ----------
    plan : SamplingPlan
        The plan.
    n_points : int
        Points that it values.
    n_workers : int
        Jobs that draw at the same time.
    seconds_per_draw, seconds_per_base_draw : float
        Time of one job for one draw of all points, and for a coalition without points.
    n_bytes : int
        Expected size of the ledger.
    cardinality : (n_sizes,) int32 array
        Sizes at which the errors are given: the ends and the geometric middle.
    psi, psi_error : (n_sizes,) float64 array
        Median over points of the size of psi in the pilot, and of the standard error
        of psi after the plan, in units of the metric.
    shapley_error : float
        Median over points of the standard error of the Shapley value over the sizes of
        the plan.
    unit : str
        Unit of the metric.
    n_pilot_points, n_pilot_draws : int
        What the errors were learned from.
    """

    plan: SamplingPlan
    n_points: int
    n_workers: int
    seconds_per_draw: float
    seconds_per_base_draw: float
    n_bytes: int
    cardinality: Int32Array
    psi: FloatArray
    psi_error: FloatArray
    shapley_error: float
    unit: str
    n_pilot_points: int
    n_pilot_draws: int

    @property
    def seconds(self) -> float:
        """Expected time of the whole plan, with all its jobs."""
        work = self.plan.total_draws * self.seconds_per_draw
        work += self.plan.total_base_draws * self.seconds_per_base_draw
        return work / self.n_workers

    def count_draws(self, error: float, wished: float) -> int:
        """Return the plan's ``n_draws`` that would bring an error to a wished one.

        Parameters
        ----------
        error : float
            A standard error after this plan: ``shapley_error`` or one of
            ``psi_error``.
        wished : float
            The error wished for, in the same unit; above 0.

        Raises
        ------
        InputError
            If ``wished`` is not above 0.
        """
        if not wished > 0:
            raise InputError(f"The wished error is {wished}. Give a positive number.")
        return max(2, math.ceil(self.plan.n_draws * (error / wished) ** 2))


def estimate_cost(
    dataset: Dataset,
    learner: Learner | str | Any,
    plan: SamplingPlan,
    *,
    metric: MetricLike = None,
    n_jobs: int | None = None,
    pilot_seconds: float = 10.0,
) -> RunCost:
    """Draw a short pilot in this process, and say what the plan will cost and tell.

    Parameters
    ----------
    dataset, learner, plan, metric, n_jobs
        As in :func:`sample_contributions`; the plan needs draws with points.
    pilot_seconds : float
        About how long the pilot may take; a slow learner takes longer.

    Raises
    ------
    InputError
        If the plan does not fit the dataset, or ``pilot_seconds`` is not above 0.
    AllDrawsFailedError
        If no draw of the pilot gave a number, or too few did.

    Examples
    --------
    >>> import data_scaling as ds
    >>> dataset = ds.load_dataset("breast_cancer")
    >>> plan = ds.SamplingPlan(1_000, 50, 300)
    >>> cost = ds.estimate_cost(dataset, "logreg", plan, pilot_seconds=0.5)
    >>> cost.n_points, cost.cardinality.tolist()
    (341, [50, 122, 300])
    >>> cost.count_draws(cost.shapley_error, cost.shapley_error / 2)
    4000
    """
    if not plan.n_draws:
        raise InputError("The plan has no draws for points. Give n_draws.")
    check_positive("pilot_seconds", pilot_seconds)
    with threadpool_limits(1):
        header, recipe = prepare_run(dataset, learner, plan, metric)
        pilot = _draw_pilot(header, recipe, pilot_seconds)
    n_points = len(header.points)
    per_draw = pilot.seconds_alone + n_points * pilot.seconds_per_point
    if not plan.is_shared:
        per_draw = n_points * (pilot.seconds_alone + pilot.seconds_per_point)
    cardinality = _choose_sizes(plan)
    psi, psi_error, shapley_error = _judge(pilot, plan, cardinality)
    return RunCost(
        plan=plan,
        n_points=n_points,
        n_workers=effective_n_jobs(n_jobs),  # type: ignore[arg-type]  # None is allowed
        seconds_per_draw=per_draw,
        seconds_per_base_draw=pilot.seconds_alone,
        n_bytes=_count_bytes(header, pilot.n_numbers),
        cardinality=cardinality,
        psi=psi,
        psi_error=psi_error,
        shapley_error=shapley_error,
        unit=header.unit,
        n_pilot_points=len(pilot.delta),
        n_pilot_draws=pilot.delta.shape[1],
    )


@dataclass(frozen=True, eq=False)
class _Pilot:
    """Draws of some points, (n_points, n_draws), and the time that they took."""

    delta: FloatArray
    cardinality: Int32Array
    seconds_alone: float
    seconds_per_point: float
    n_numbers: int


def _draw_pilot(header: LedgerHeader, recipe: Recipe, pilot_seconds: float) -> _Pilot:
    """Draw with few points, then more, as the time allows; then several such draws."""
    shared = _share(recipe.plan)
    rng = shared.spawn_base_rng(0)
    order = rng.permutation(recipe.points)
    deadline = time.perf_counter() + pilot_seconds
    n_points, draw = FIRST_POINTS, 0
    while True:
        points = np.sort(order[:n_points])
        pilot = Recipe(recipe.learner, shared, recipe.pool, points)
        seconds = draw_segment(pilot, draw, draw + 1).seconds
        draw += 1
        is_slow = POINTS_FACTOR * seconds * MIN_DRAWS > pilot_seconds
        if is_slow or n_points >= len(order):
            break
        n_points *= POINTS_FACTOR
    segments: list[Segment] = []
    times: list[tuple[float, float]] = []
    while len(segments) < MAX_DRAWS and (
        len(segments) < MIN_DRAWS or time.perf_counter() < deadline
    ):
        segments.append(draw_segment(pilot, len(segments), len(segments) + 1))
        base = draw_segment(pilot, FIRST_BASE + len(times), FIRST_BASE + len(times) + 1)
        times.append((segments[-1].seconds, base.seconds))
    whole, alone = np.mean(times, axis=0)
    names = tuple(points.tolist())
    n_rounds = math.ceil(len(segments) / shared.round_length)
    plan = replace(shared, n_draws=n_rounds, points=names, n_base_draws=0)
    assembly = Assembly(replace(header, plan=plan))
    for segment in segments:
        assembly.add(segment)
    # The last round of a staggered plan may have been begun only.
    contributions = assembly.finish().first(len(segments))
    _refuse_failures(contributions.n_failed, contributions.delta.size, assembly)
    return _Pilot(
        contributions.delta,
        contributions.cardinality,
        seconds_alone=float(alone),
        seconds_per_point=max(0.0, float(whole - alone)) / len(points),
        n_numbers=segments[0].descriptor.shape[1],
    )


def _share(plan: SamplingPlan) -> SamplingPlan:
    """Return the plan with coalitions that serve all points of the pilot.

    A shared coalition has two points at least.
    """
    if plan.is_shared:
        return plan
    if plan.cardinalities is not None:
        sizes = sorted({max(2, size) for size in plan.cardinalities})
        ends: dict[str, Any] = {"min_cardinality": None, "max_cardinality": None}
        return replace(plan, coalitions="shared", cardinalities=sizes, **ends)
    return replace(
        plan,
        coalitions="shared",
        min_cardinality=max(2, plan.min_cardinality),
        max_cardinality=max(2, plan.max_cardinality),
    )


def _refuse_failures(n_failed: int, n_all: int, assembly: Assembly) -> None:
    if n_failed < n_all:
        return
    reason = next(iter(assembly.failures), "none was given")
    raise AllDrawsFailedError(
        f"All {n_all} draws of the pilot failed. The first reason: {reason}\n"
        "Change the learner or its settings, or draw larger coalitions."
    )


def _choose_sizes(plan: SamplingPlan) -> Int32Array:
    ends = plan.min_cardinality, plan.max_cardinality
    return np.unique(np.rint(np.geomspace(*ends, 3))).astype(np.int32)


def _judge(
    pilot: _Pilot, plan: SamplingPlan, cardinality: Int32Array
) -> tuple[FloatArray, FloatArray, float]:
    """Return the median of |psi|, of its errors, and of the Shapley value's error."""
    sizes, probability = plan.list_cardinalities()
    center = float(np.exp(np.average(np.log(sizes), weights=probability)))
    n_terms = min(2, len(sizes))
    coefficients, beta, sigma = _fit_noise(pilot, center, n_terms)
    design = _make_design(sizes, center, n_terms)
    weight = probability * (sizes / center) ** beta
    inverse = np.linalg.pinv((weight[:, None] * design).T @ design)
    asked = _make_design(cardinality, center, n_terms)
    every = _make_design(np.arange(sizes[0], sizes[-1] + 1), center, n_terms)
    rows = np.vstack([asked, every.mean(axis=0)])
    unit_error = np.sqrt(np.einsum("ij,jk,ik->i", rows, inverse, rows))
    is_known = np.isfinite(sigma)
    if not is_known.any():
        raise AllDrawsFailedError(
            f"No point has more than {n_terms} usable draws in the pilot of "
            f"{pilot.delta.shape[1]} draws, too few to tell errors by. Change the "
            "learner, draw larger coalitions, or give pilot_seconds more."
        )
    spread = float(np.median(sigma[is_known]))
    errors = spread * unit_error / math.sqrt(plan.total_draws)
    psi = np.median(np.abs(coefficients[is_known] @ asked.T), axis=0)
    return psi, errors[:-1], float(errors[-1])


def _make_design(
    cardinality: Int32Array | IntArray, center: float, n_terms: int
) -> FloatArray:
    ratio = center / cardinality.astype(np.float64)
    return ratio[:, None] ** np.arange(1, n_terms + 1)


def _fit_noise(
    pilot: _Pilot, center: float, n_terms: int
) -> tuple[FloatArray, float, FloatArray]:
    """Fit every point's law by least squares; return it, beta, and sigma at center.

    A point with too few draws to tell sigma has NaN. Failed draws are left out by a
    weight of 0. The exponent beta is one for all points, from how the mean square of
    the residuals falls with the size.
    """
    usable = np.isfinite(pilot.delta)
    delta = np.where(usable, pilot.delta, 0.0)
    relative = pilot.cardinality / center
    design = relative[..., None] ** -np.arange(1.0, n_terms + 1)
    beta = 2.0
    for _ in range(3):
        weight = usable * relative**beta
        gram = np.einsum("pd,pdi,pdj->pij", weight, design, design)
        right = np.einsum("pd,pdi->pi", weight * delta, design)
        coefficients = np.einsum("pij,pj->pi", np.linalg.pinv(gram), right)
        residual = delta - np.einsum("pdi,pi->pd", design, coefficients)
        beta = _fit_exponent(residual, usable, np.log(relative))
    n_free = usable.sum(axis=1) - n_terms
    squares = (usable * relative**beta * residual**2).sum(axis=1)
    # A law through as many draws as it has terms leaves no residual to judge it by.
    sigma = np.full(len(delta), np.nan)
    np.divide(squares, n_free, out=sigma, where=n_free > 0)
    return coefficients, beta, np.sqrt(sigma)


def _fit_exponent(
    residual: FloatArray, usable: BoolArray, log_size: FloatArray
) -> float:
    """Regress the log mean square residual of each draw on its log size."""
    n_usable = usable.sum(axis=0)
    square = (usable * residual**2).sum(axis=0) / np.maximum(n_usable, 1)
    x = log_size.mean(axis=0)
    good = (square > 0) & (n_usable > 0)
    if good.sum() < 3 or np.ptp(x[good]) < 0.1:
        return 2.0
    slope = np.polyfit(x[good], np.log(square[good]), 1)[0]
    return float(np.clip(-slope, 0.0, MAX_BETA))


def _count_bytes(header: LedgerHeader, n_numbers: int) -> int:
    """Return the expected size of the file."""
    width = header.points_per_coalition
    each = 12 + 8 * n_numbers
    n_bytes = header.n_coalitions * (each + 8 * width + math.ceil(width / 8))
    n_bytes += header.n_base * each + SEGMENT_BYTES * header.plan.total_draws
    return SQLITE_BYTES + n_bytes
