"""Drawing the contributions of a plan: parallel, resumable, the same bits always."""

import os
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from data_scaling._drawing import Recipe, Span, draw_spans, find_missing
from data_scaling.coalitions import check_cardinalities, group_pool
from data_scaling.contributions import Contributions
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import AllDrawsFailedError, FailedDrawWarning
from data_scaling.learners import BoundLearner, Learner, make_learner
from data_scaling.ledger import (
    Assembly,
    LedgerHeader,
    Segment,
    open_ledger,
    read_assembly,
)
from data_scaling.metrics import MetricLike
from data_scaling.plan import SamplingPlan

__all__ = ["sample_contributions"]

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

    Returns
    -------
    Contributions
        One row per point, one column per draw; NaN where a training failed.

    Raises
    ------
    InputError
        If the plan does not fit the dataset. Nothing was drawn then.
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
    pool = group_pool(dataset)
    smallest, largest = plan.min_cardinality, plan.max_cardinality
    check_cardinalities(pool, smallest, largest, shared=plan.is_shared)
    learner = make_learner(learner)
    # With more BLAS threads, the last bits would depend on their number.
    with threadpool_limits(1):
        bound = learner.bind(dataset, metric)
        header = _describe_run(dataset, learner, bound, plan)
        recipe = Recipe(bound, plan, pool, header.points)
        if ledger is None:
            assembly = Assembly(header)
            _draw_missing(recipe, header, [], assembly.add, n_jobs, progress)
        else:
            with open_ledger(ledger, header) as writer:
                drawn, append = writer.drawn, writer.append
                _draw_missing(recipe, header, drawn, append, n_jobs, progress)
            assembly = read_assembly(ledger, n_draws=plan.n_draws)
    contributions = assembly.finish()
    _report_failures(contributions, assembly.failures)
    return contributions


def _describe_run(
    dataset: Dataset, learner: Learner, bound: BoundLearner, plan: SamplingPlan
) -> LedgerHeader:
    return LedgerHeader(
        plan=plan,
        n_pool=dataset.n_points,
        dataset=dataset.name,
        fingerprint=dataset.fingerprint,
        learner=learner.name,
        description=bound.description,
        metric=bound.metric.name,
        unit=bound.metric.unit,
    )


def _draw_missing(
    recipe: Recipe,
    header: LedgerHeader,
    drawn: list[Span],
    append: Callable[[Segment], None],
    n_jobs: int | None,
    progress: bool,
) -> None:
    """Draw every coalition that is not there yet and append it as it arrives."""
    missing = list(find_missing(drawn, header.n_coalitions))
    n_missing = sum(stop - first for first, stop in missing)
    if not n_missing:
        return
    bar = tqdm(
        total=header.n_coalitions,
        initial=header.n_coalitions - n_missing,
        unit="draw",
        disable=None if progress else True,  # None: if it is not a terminal
        dynamic_ncols=True,
    )
    n_failed = 0
    with bar, closing(draw_spans(recipe, missing, n_jobs)) as segments:
        for segment in segments:
            append(segment)
            n_failed += segment.n_failed
            bar.set_postfix(failed=n_failed, refresh=False)
            bar.update(segment.stop - segment.first)


def _report_failures(contributions: Contributions, failures: Counter[str]) -> None:
    n_failed, n_all = contributions.n_failed, contributions.delta.size
    if not n_failed:
        return
    reasons = "".join(
        f"\n  {count} times: {reason}"
        for reason, count in failures.most_common(N_REASONS_SHOWN)
    )
    if n_failed == n_all:
        raise AllDrawsFailedError(
            f"All {n_all} draws failed. The most frequent reasons:{reasons}\n"
            "Change the learner or its settings, or draw larger coalitions."
        )
    warnings.warn(
        f"{n_failed} of {n_all} draws failed and are NaN. The most frequent reasons:"
        f"{reasons}",
        FailedDrawWarning,
        stacklevel=3,
    )
