"""Ten views of the fitted laws, as a grid of datasets and learners."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data_scaling._typing import FloatArray, IntArray
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.estimators import LogEstimator
from data_scaling.laws import PowerLaws
from data_scaling.plotting.style import (
    COLORS,
    check_some,
    join_frames,
    make_frame,
    make_panels,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_N_BINS: Final = 40
# Histograms show this middle share; the few values beyond it would squeeze the rest.
_SHOWN: Final = (0.005, 0.995)


@dataclass(frozen=True, eq=False)
class LawSummary:
    """Numbers of every point's law, for histograms.

    Attributes
    ----------
    points : (n_points,) intp array
        Index of each point in the pool.
    c, alpha, sigma2, beta : (n_points,) float64 array
        Parameters of the power law; sigma2 in squared units of the utility.
    r2_mean, r2_variance : (n_points,) float64 array
        R^2 of the straight lines of log|mean| and of log variance on log size.
    psi, psi_smallest, psi_largest : (n_points,) float64 array
        Absolute mean contribution over all sizes, at the smallest and the largest.
    """

    points: IntArray
    c: FloatArray
    alpha: FloatArray
    sigma2: FloatArray
    beta: FloatArray
    r2_mean: FloatArray
    r2_variance: FloatArray
    psi: FloatArray
    psi_smallest: FloatArray
    psi_largest: FloatArray


#: What each kind shows: one name for a histogram, two for a scatter (x, y).
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "c": ("c",),
    "alpha": ("alpha",),
    "sigma2": ("sigma2",),
    "beta": ("beta",),
    "r2_mean": ("r2_mean",),
    "r2_variance": ("r2_variance",),
    "alpha_c": ("c", "alpha"),
    "r2_psi": ("psi", "r2_mean"),
    "r2_psi_smallest": ("psi_smallest", "r2_mean"),
    "r2_psi_largest": ("psi_largest", "r2_mean"),
}
_LABELS: Final = {
    "c": "|c| (units of the utility)",
    "alpha": "exponent alpha",
    "sigma2": "sigma² (squared units of the utility)",
    "beta": "exponent beta",
    "r2_mean": "R² of log|mean| on log k",
    "r2_variance": "R² of log variance on log k",
    "psi": "|mean contribution| of all sizes (units of the utility)",
    "psi_smallest": "|mean contribution| at the smallest size (utility)",
    "psi_largest": "|mean contribution| at the largest size (utility)",
}
_LOGARITHMIC: Final = ("sigma2", "psi", "psi_smallest", "psi_largest")


def summarise_laws(
    laws: PowerLaws, contributions: Contributions, cardinalities: Sequence[float]
) -> LawSummary:
    """Put laws and the regressions of staggered draws side by side.

    Parameters
    ----------
    laws : PowerLaws
        Laws of at least the points of the contributions; of expansions give
        ``laws.tangent(k)``.
    contributions : Contributions
        Many draws at a few sizes.
    cardinalities : sequence of float
        Those sizes.

    Raises
    ------
    InputError
        If a point has no law, or a size is below 1 or given twice.
    """
    fit = LogEstimator(cardinalities).regress(contributions)
    fitted = laws.take(contributions.points)
    size = np.abs(fit.means.mean)
    return LawSummary(
        points=contributions.points,
        c=fitted.c,
        alpha=fitted.alpha,
        sigma2=fitted.sigma**2,
        beta=fitted.beta,
        r2_mean=fit.of_mean.r2,
        r2_variance=fit.of_variance.r2,
        psi=size.mean(axis=1),
        psi_smallest=size[:, 0],
        psi_largest=size[:, -1],
    )


def plot_histogram(
    kind: str, summaries: Sequence[tuple[str, LawSummary]], *, n_columns: int = 3
) -> tuple["Figure", "pd.DataFrame"]:
    """Show one kind of histogram or scatter for several datasets and learners.

    Parameters
    ----------
    kind : str
        A key of ``KINDS``.
    summaries : sequence of (str, LawSummary)
        Title and numbers of each panel, row by row.
    n_columns : int
        Panels in a row, one learner each.

    Returns
    -------
    figure : matplotlib.figure.Figure
        One panel per summary. Histograms show the middle 99 %.
    frame : pandas.DataFrame
        One row per panel and point: ``panel, point`` and the numbers shown.

    Raises
    ------
    InputError
        If the kind is unknown, or there is no summary.
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    check_some("summaries", summaries)
    if kind not in KINDS:
        raise InputError(f"kind is {kind!r}. Give one of {', '.join(KINDS)}.")
    names = KINDS[kind]
    n_columns = min(n_columns, len(summaries))
    figure, panels = make_panels(-(-len(summaries) // n_columns), n_columns)
    frames = []
    for axes, (title, summary) in zip(panels, summaries, strict=False):
        columns = {name: getattr(summary, name) for name in names}
        if kind == "c":
            _draw_signed(axes, columns["c"])
        elif len(names) == 1:
            _draw_histogram(axes, names[0], columns[names[0]])
        else:
            _draw_scatter(axes, names, columns)
        axes.set_title(title)
        frames.append(make_frame({"panel": title, "point": summary.points} | columns))
    for axes in panels[len(summaries) :]:
        axes.set_axis_off()
    return figure, join_frames(frames)


def _draw_histogram(axes: "Axes", name: str, values: FloatArray) -> None:
    known, label = values[np.isfinite(values)], _LABELS[name]
    if name in _LOGARITHMIC:
        known = known[known > 0]
    if len(known):
        low, high = np.quantile(known, _SHOWN)
        if not low < high:
            low, high = low - 0.5, high + 0.5
        space = np.geomspace if name in _LOGARITHMIC and low > 0 else np.linspace
        edges = space(low, high, _N_BINS + 1)
        axes.hist(known, bins=edges.tolist(), color=COLORS[0])
        middle = float(np.median(known))
        axes.axvline(middle, color="k", linewidth=1, linestyle="--")
        label += f" (dashed: median {middle:.3g})"
        if space is np.geomspace:
            axes.set_xscale("log")
    axes.set(xlabel=label, ylabel="points")


def _draw_signed(axes: "Axes", c: FloatArray) -> None:
    """Show scales of both signs by size, over many powers of ten."""
    known = c[np.isfinite(c) & (c != 0)]
    if len(known):
        low, high = np.quantile(np.abs(known), _SHOWN)
        edges = np.geomspace(low / 1.01, high * 1.01, _N_BINS + 1).tolist()
        for place, (sign, word) in enumerate(((1, ">"), (-1, "<"))):
            sizes = np.abs(known[np.sign(known) == sign])
            axes.hist(
                sizes,
                edges,
                alpha=0.7,
                color=COLORS[place],
                label=f"c {word} 0: {len(sizes):,}",
            )
        axes.set_xscale("log")
        axes.legend(fontsize=8)
    axes.set(xlabel=_LABELS["c"], ylabel="points")


def _draw_scatter(
    axes: "Axes", names: tuple[str, ...], columns: dict[str, Any]
) -> None:
    x, y = (columns[name] for name in names)
    # Over many powers of ten, so that the sign is shown by the mark.
    for sign, marker, color in ((1, "^", COLORS[0]), (-1, "v", COLORS[1])):
        rows = np.sign(x) == sign
        if rows.any():
            axes.scatter(
                np.abs(x[rows]),
                y[rows],
                s=9,
                alpha=0.5,
                linewidths=0,
                color=color,
                marker=marker,
                label=f"c {'>' if sign > 0 else '<'} 0",
            )
    axes.set(xscale="log", xlabel=_LABELS[names[0]], ylabel=_LABELS[names[1]])
    if names[0] == "c":
        axes.legend(fontsize=8, markerscale=2)
