"""What a report says of a run in words: facts, and what they mean for the ranking."""

from collections import Counter

import numpy as np

from data_scaling._text import count, duration
from data_scaling._typing import BoolArray, FloatArray
from data_scaling.laws import FitStatus
from data_scaling.ranking import rank_points
from data_scaling.report.cells import Place
from data_scaling.report.run import Run
from data_scaling.report.shown import Listed, Sizes

_N_BEST = 100


def list_facts(run: Run, sizes: Sizes) -> list[tuple[str, str, str]]:
    """Return label, value and remark of each fact of a run."""
    draws, points = run.contributions, run.points
    task = f"{len(points.classes)} classes" if points.classes else "regression"
    facts = [
        (
            "Dataset",
            points.dataset,
            f"{count(len(points.row_ids), 'point')}, "
            f"{count(points.n_features, 'feature')}, {task}",
        ),
        (
            "Learner",
            draws.learner,
            f"{draws.metric} on {count(points.n_validation, 'validation point')}",
        ),
        (
            "Draws",
            f"{draws.delta.size:,}",
            f"{draws.n_draws:,} per point, k = {sizes.smallest:,} to "
            f"{sizes.largest:,}; {draws.n_failed:,} failed",
        ),
    ]
    if run.seconds:
        facts.append(
            ("Time", duration(run.seconds), "in the learner, added over all jobs")
        )
    facts.append(_describe_fit(run))
    return [*facts, _describe_change(run, sizes)]


def _describe_fit(run: Run) -> tuple[str, str, str]:
    statuses = Counter(FitStatus(value).label for value in run.laws.status)
    ends = ", ".join(f"{n:,} {label}" for label, n in statuses.most_common())
    if run.validation is None:
        return "Laws", f"{len(run.laws):,}", f"{ends}; not tested on fresh draws"
    tested = count(len(run.validation.points), "point")
    r2 = run.validation.r2_pooled
    return "Fit", f"R² {r2:.2f}", f"on fresh draws of {tested}; laws: {ends}"


def _describe_change(run: Run, sizes: Sizes) -> tuple[str, str, str]:
    """Say how the ranking at the largest fitted size differs from the smallest."""
    ranking = rank_points(run.laws, [sizes.smallest, sizes.largest])
    n_best = min(_N_BEST, ranking.n_ranked // 10 or 1)
    left = n_best - ranking.shared_best(n_best)
    remark = (
        f"most valuable points are others at k = {sizes.largest:,} than at "
        f"{sizes.smallest:,}"
    )
    if ranking.n_ranked > 1:
        remark += f"; rank correlation {ranking.rank_correlation():.2f}"
    return "Ranking changes", f"{left:,} of {n_best:,}", remark


def caption_map(place: Place, *, is_binned: bool) -> str:
    """Say what the map shows, and what it leaves out."""
    known = np.isfinite(place.alpha)
    inside = known & _is_between(place.alpha, place.x_range)
    inside &= _is_between(place.log_c, place.y_range)
    text = "Colour: ψ at the chosen size; faded: its interval holds 0."
    if is_binned:
        text = (
            f"{count(int(known.sum()), 'point')} in cells, the more of them the more "
            "opaque; left half: points that do harm, right half: points that help, "
            "coloured by their mean ψ at the chosen size; faded: intervals hold 0. "
            "Points far out are in the cells at the edge."
        )
    n_far = int(np.count_nonzero(known & ~inside))
    if n_far and not is_binned:
        text += f" {count(n_far, 'point')} far out: use Move or Zoom to see them."
    n_without = int(np.count_nonzero(~known))
    if n_without:
        text += f" {count(n_without, 'point')} without an exponent not shown."
    return text


def _is_between(values: FloatArray, ends: tuple[float, float]) -> BoolArray:
    return np.asarray((values >= ends[0]) & (values <= ends[1]))


def list_notes(run: Run, listed: Listed, n_draws_shown: int) -> list[str]:
    """Return what a reader has to know of what is left out."""
    notes = []
    if listed.n_ends:
        notes.append(
            f"The table lists {len(listed.rows):,} of {len(run.laws):,} points: the "
            f"{listed.n_ends:,} most valuable and the {listed.n_ends:,} most harmful "
            "at sizes all along the slider, and a random part of the others; places "
            "climbed are counted among these. The map, the histograms and the figures "
            "above are of all points."
        )
    n_draws = run.contributions.n_draws
    if n_draws_shown < n_draws:
        notes.append(
            f"With the law of a point, {n_draws_shown:,} of its {n_draws:,} draws are "
            "shown."
        )
    n_without = int(np.count_nonzero(~np.isfinite(run.laws.psi(1.0))))
    if n_without:
        notes.append(
            f"{count(n_without, 'point')} without a law (too few draws, or no fit) "
            "come last and are not on the map."
        )
    return notes
