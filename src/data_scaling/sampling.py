"""Drawing the draws of a plan: parallel, resumable, the same bits always."""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from data_scaling._adjusting import draw_adjusted
from data_scaling._drawing import Recipe, find_missing
from data_scaling._progress import open_bar
from data_scaling._workers import draw_spans
from data_scaling.coalitions import check_cardinalities, group_pool
from data_scaling.contributions import Contributions
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import AllDrawsFailedError, FailedDrawWarning, InputError
from data_scaling.learners import Learner, make_learner
from data_scaling.learning_curve import LearningCurve
from data_scaling.ledger import (
    FIRST_BASE,
    Assembly,
    CurveAssembly,
    LedgerHeader,
    LedgerSummary,
    Segment,
    Shard,
    Span,
    describe_ledger,
    open_ledger,
    read_assembly,
    read_curve_assembly,
)
from data_scaling.metrics import MetricLike
from data_scaling.plan import SamplingPlan

__all__ = ["sample_contributions", "sample_learning_curve", "sample_ledger"]

N_REASONS_SHOWN = 3


def sample_contributions(
    dataset: Dataset,
    learner: Learner | str | Any,
    plan: SamplingPlan,
    *,
    metric: MetricLike = None,
    ledger: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    progress: bool = True,
    adjust: bool | int = False,
) -> Contributions:
    """Draw marginal contributions for the points of a plan.

    The result depends on the dataset, the learner, the metric and the plan alone: one
    job or many, in memory or in a ledger, in one go or resumed, the bits are the same.

    Parameters
    ----------
    dataset : Dataset
        Its training part is the pool.
    learner : str, estimator or Learner
        What is trained: a name as ``"logreg"``, any scikit-learn classifier or
        regressor, or a learner.
    plan : SamplingPlan
        Which coalitions to draw.
    metric : str, Metric, callable or None
        What a trained model is scored by; the default of the task if None.
    ledger : path, optional
        File that keeps the draws as they arrive. If it exists, what it lacks is drawn,
        and nothing else; a plan with more draws extends it.
    n_jobs : int, optional
        Number of processes, as in joblib: None leaves it to
        ``joblib.parallel_config``, whose default is 1; -1 takes all cores.
    progress : bool
        Show a progress bar on standard error, if that is a terminal.
    adjust : bool or int
        Whether to lower the noise of the draws by what is known of their coalitions
        (:func:`data_scaling.adjust`), and by how many base draws for each draw, at
        most 256. True chooses their number by what they cost and explain, or leaves
        the draws where base draws are not worth it; as times differ from run to run,
        give a number for the same bits. The ledger keeps the draws as they are. Quick
        draws, of learners that have them, lie beside it in ``LEDGER.approximate``, and
        a resumed run takes as many if it took any; other base draws lie in the ledger,
        which must have been drawn so from the start.

    Returns
    -------
    Contributions
        One row per point, one column per draw; NaN where a training failed. With the
        coalitions behind the draws (``.coalitions``) and, if the plan has base draws,
        those without points (``.base``).

    Raises
    ------
    InputError
        If the plan does not fit the dataset, or has base draws alone. Nothing was
        drawn then.
    PlanMismatchError
        If the ledger was drawn from another plan, dataset, learner or metric.
    LedgerError
        If the ledger cannot be read or written. Draws before are kept.
    AllDrawsFailedError
        If no draw gave a number.

    Warns
    -----
    FailedDrawWarning
        If some draws failed: how many, and the most frequent reasons.
    AdjustmentWarning
        If adjusting was of no use, or the draws are left as they are.

    Examples
    --------
    >>> from data_scaling.datasets import load_dataset
    >>> from data_scaling.plan import SamplingPlan
    >>> from data_scaling.sampling import sample_contributions
    >>> plan = SamplingPlan(2, 50, 100, points=5)
    >>> draws = sample_contributions(load_dataset("breast_cancer"), "logreg", plan)
    >>> draws.delta.shape, draws.n_failed
    ((5, 2), 0)
    """
    if adjust:
        draw = partial(
            _draw_plainly, dataset, metric=metric, n_jobs=n_jobs, progress=progress
        )
        n_each = None if adjust is True else adjust
        return draw_adjusted(draw, dataset, learner, plan, metric, ledger, n_each)
    if not plan.n_draws:
        raise InputError(
            f"The plan has no draws for points, only {plan.n_base_draws} base draws. "
            "Give n_draws, or call sample_learning_curve."
        )
    with threadpool_limits(1):
        header, recipe = prepare_run(dataset, learner, plan, metric)
        if ledger is None:
            assembly = Assembly(header)
            _draw_missing(recipe, header.spans, [], assembly.add, n_jobs, progress)
        else:
            _draw_into(ledger, header, recipe, header.spans, n_jobs, progress)
            assembly = read_assembly(
                ledger, n_draws=plan.n_draws, n_base_draws=plan.n_base_draws
            )
    contributions = assembly.finish()
    n_failed, n_all = contributions.n_failed, contributions.delta.size
    if contributions.base is not None:
        n_failed += contributions.base.n_failed
        n_all += contributions.base.n_draws
    _report_failures(n_failed, n_all, assembly.failures)
    return contributions


def _draw_plainly(
    dataset: Dataset,
    learner: Any,
    plan: SamplingPlan,
    ledger: str | None,
    **options: Any,
) -> Contributions:
    return sample_contributions(dataset, learner, plan, ledger=ledger, **options)


def sample_learning_curve(
    dataset: Dataset,
    learner: Learner | str | Any,
    plan: SamplingPlan,
    *,
    metric: MetricLike = None,
    ledger: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    progress: bool = True,
) -> LearningCurve:
    """Draw the utilities of random coalitions: the base draws of a plan.

    They cost one training each, however many points the plan values, and may lie in
    the same ledger as its contributions, whose draws are left alone here.

    Parameters
    ----------
    dataset, learner, metric, ledger, n_jobs, progress
        As in :func:`sample_contributions`.
    plan : SamplingPlan
        Its ``n_base_draws`` says how many; ``n_draws`` may be 0.

    Returns
    -------
    LearningCurve
        NaN where a training failed.

    Raises
    ------
    InputError
        If the plan does not fit the dataset, or has no base draws.
    PlanMismatchError, LedgerError, AllDrawsFailedError
        As in :func:`sample_contributions`.

    Warns
    -----
    FailedDrawWarning
        If some draws failed.

    Examples
    --------
    >>> from data_scaling.datasets import load_dataset
    >>> from data_scaling.plan import SamplingPlan
    >>> from data_scaling.sampling import sample_learning_curve
    >>> plan = SamplingPlan(0, cardinalities=[20, 200], n_base_draws=10)
    >>> curve = sample_learning_curve(load_dataset("breast_cancer"), "logreg", plan)
    >>> small, large = (curve.utility[curve.cardinality == k].mean() for k in (20, 200))
    >>> bool(small < large < 0)
    True
    """
    if not plan.n_base_draws:
        raise InputError(
            "The plan has no base draws, so there is no learning curve. Give "
            "n_base_draws."
        )
    with threadpool_limits(1):
        header, recipe = prepare_run(dataset, learner, plan, metric)
        spans = header.spans[1:]
        assembly = CurveAssembly(header)
        if ledger is None:
            _draw_missing(recipe, spans, [], assembly.add, n_jobs, progress)
        else:
            _draw_into(ledger, header, recipe, spans, n_jobs, progress)
            assembly = read_curve_assembly(ledger, n_base_draws=plan.n_base_draws)
    curve = assembly.finish()
    _report_failures(curve.n_failed, curve.n_draws, assembly.failures)
    return curve


def sample_ledger(
    dataset: Dataset,
    learner: Learner | str | Any,
    plan: SamplingPlan,
    ledger: str | os.PathLike[str],
    *,
    metric: MetricLike = None,
    shard: Shard | None = None,
    n_jobs: int | None = None,
    progress: bool = True,
) -> LedgerSummary:
    """Draw a whole plan, or a shard of it, into a ledger, and read nothing back.

    Parameters
    ----------
    dataset, learner, plan, metric, n_jobs, progress
        As in :func:`sample_contributions`; base draws are drawn as well.
    ledger : path
        File that keeps the draws as they arrive. What it lacks is drawn.
    shard : (int, int), optional
        Which part of the plan to draw, from 1, and of how many: (2, 5) is the second
        of five. Each shard has a ledger of its own, and
        :func:`data_scaling.combine_ledgers` merges them.

    Returns
    -------
    LedgerSummary
        What the ledger holds now.

    Raises
    ------
    InputError
        If the plan does not fit the dataset, or there is no such shard.
    PlanMismatchError, LedgerError
        As in :func:`sample_contributions`.

    Examples
    --------
    >>> import tempfile
    >>> from data_scaling.datasets import load_dataset
    >>> from data_scaling.plan import SamplingPlan
    >>> from data_scaling.sampling import sample_ledger
    >>> plan, path = SamplingPlan(10, 50, 100, points=5), tempfile.mkdtemp() + "/x"
    >>> sample_ledger(
    ...     load_dataset("breast_cancer"), "logreg", plan, path, shard=(2, 5)
    ... ).n_coalitions
    2
    """
    with threadpool_limits(1):
        header, recipe = prepare_run(dataset, learner, plan, metric)
        header = replace(header, shard=shard)
        spans = list(header.list_wanted(header.spans))
        _draw_into(ledger, header, recipe, spans, n_jobs, progress)
    return describe_ledger(ledger)


def prepare_run(
    dataset: Dataset,
    learner: Learner | str | Any,
    plan: SamplingPlan,
    metric: MetricLike,
) -> tuple[LedgerHeader, Recipe]:
    """Bind the learner and check the plan; call it with one BLAS thread.

    With more threads, the last bits would depend on their number.

    Raises
    ------
    InputError
        If the plan or the metric does not fit the dataset.
    """
    pool = group_pool(dataset)
    smallest, largest = plan.min_cardinality, plan.max_cardinality
    check_cardinalities(pool, smallest, largest, shared=plan.is_shared)
    learner = make_learner(learner)
    bound = learner.bind(dataset, metric)
    header = LedgerHeader(
        plan=plan,
        n_pool=dataset.n_points,
        dataset=dataset.name,
        fingerprint=dataset.fingerprint,
        learner=learner.name,
        description=bound.description,
        metric=bound.metric.name,
        unit=bound.metric.unit,
        row_ids=_list_row_ids(dataset),
    )
    return header, Recipe(bound, plan, pool, header.points)


def _list_row_ids(dataset: Dataset) -> tuple[int | str, ...] | None:
    """Return the identifiers of the pool's rows, None if they are its indices."""
    row_ids = dataset.row_ids
    if np.array_equal(row_ids, np.arange(dataset.n_points)):
        return None
    return tuple(row_ids.tolist())


def _draw_into(
    ledger: str | os.PathLike[str],
    header: LedgerHeader,
    recipe: Recipe,
    spans: Iterable[Span],
    n_jobs: int | None,
    progress: bool,
) -> None:
    """Draw what a ledger lacks of some spans."""
    with open_ledger(ledger, header) as writer:
        _draw_missing(recipe, spans, writer.drawn, writer.append, n_jobs, progress)


def _draw_missing(
    recipe: Recipe,
    spans: Iterable[Span],
    drawn: list[Span],
    append: Callable[[Segment], None],
    n_jobs: int | None,
    progress: bool,
) -> None:
    """Draw every coalition that is not there yet and append it as it arrives."""
    spans = list(spans)
    missing = list(find_missing(drawn, spans))
    n_missing, n_all = _count_coalitions(missing), _count_coalitions(spans)
    if not n_missing:
        return
    # Those without points take far less time each, so that they are timed apart.
    kinds = [
        [span for span in missing if (span[0] >= FIRST_BASE) == is_base]
        for is_base in (False, True)
    ]
    n_failed = 0
    with open_bar(n_all - n_missing, n_all, wanted=progress) as bar:
        for kind in kinds:
            with closing(draw_spans(recipe, kind, n_jobs)) as segments:
                for segment in segments:
                    append(segment)
                    n_failed += segment.n_failed
                    bar.set_postfix(failed=n_failed, refresh=False)
                    bar.update(segment.stop - segment.first)


def _count_coalitions(spans: Iterable[Span]) -> int:
    return sum(stop - first for first, stop in spans)


def _report_failures(n_failed: int, n_all: int, failures: Counter[str]) -> None:
    if not n_failed:
        return
    reasons = "".join(
        f"\n  {count:,}: {reason}"
        for reason, count in failures.most_common(N_REASONS_SHOWN)
    )
    if n_failed == n_all:
        raise AllDrawsFailedError(
            f"All {n_all} draws failed. The most frequent reasons, and how many draws "
            f"each cost:{reasons}\n"
            "Change the learner or its settings, or draw larger coalitions."
        )
    warnings.warn(
        f"{n_failed} of {n_all} draws failed and are NaN. The most frequent reasons, "
        f"and how many draws each cost:{reasons}",
        FailedDrawWarning,
        stacklevel=3,
    )
