"""How accurate predictions are, by the number of draws and by the size."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data_scaling._agreement import Agreement
from data_scaling.convergence import MEASURES, Convergence
from data_scaling.errors import InputError
from data_scaling.plotting.style import (
    COLORS,
    GREY,
    MARKERS,
    check_some,
    join_frames,
    label_sizes,
    make_frame,
    make_panels,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# R^2 below which a figure shows nothing.
_LOWEST: Final = -1.0

LABELS: Final = {
    "mse": "mean squared error",
    "r2": "R² over points",
    "pearson": "Pearson correlation",
    "spearman": "rank correlation",
    "sign_agreement": "share of equal signs",
}


def plot_convergence(
    studies: Mapping[str, Convergence],
    *,
    measure: str = "r2",
    fitted_up_to: float | None = None,
    title: str = "",
) -> tuple["Figure", "pd.DataFrame"]:
    """Show a measure of agreement by the number of draws, and by the size.

    Left: the median over the sizes inside the fitted range, or over all if none is.
    Right: every size, by the largest number of draws; sizes beyond the fitted range lie
    on grey.

    Parameters
    ----------
    studies : mapping of str to Convergence
        What ``study_convergence`` returned, by the name of the method.
    measure : str
        ``r2``, ``pearson``, ``spearman``, ``mse`` or ``sign_agreement``.
    fitted_up_to : float, optional
        Largest size that laws were fitted to; all sizes by default.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Two panels.
    frame : pandas.DataFrame
        One row per method, number of draws and size: ``method, n_draws, cardinality``,
        every measure, and ``r2_ceiling``.

    Raises
    ------
    InputError
        If there is no study, or the measure is unknown.
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    check_some("studies", studies)
    if measure not in MEASURES:
        raise InputError(f"measure is {measure!r}. Give one of {', '.join(MEASURES)}.")
    figure, (left, right) = make_panels(1, 2, title=title)
    where = "of the fit"
    for place, (name, study) in enumerate(studies.items()):
        value = getattr(study, measure)
        inside = study.cardinality <= (fitted_up_to or np.inf)
        if not inside.any():
            inside, where = ~inside, "beyond the fitted sizes"
        style: dict[str, Any] = {
            "color": COLORS[place % len(COLORS)],
            "marker": MARKERS[place % len(MARKERS)],
            "markersize": 4,
            "label": name,
        }
        left.plot(study.n_draws, np.median(value[:, inside], axis=1), **style)
        right.plot(study.cardinality, value[-1], **style)
    if measure == "r2":
        right.plot(study.cardinality, study.ceiling, "--", color=GREY, label="ceiling")
    for axes in (left, right):
        axes.set_ylabel(LABELS[measure])
        _bound_below(axes, measure)
    label_sizes(left, study.n_draws.astype(float), "draws per point")
    label_sizes(right, study.cardinality)
    if fitted_up_to and study.cardinality[0] <= fitted_up_to < study.cardinality[-1]:
        right.axvspan(fitted_up_to, right.get_xlim()[1], color="0.93", zorder=0)
    left.set_title(f"median over sizes {where}")
    right.set_title(f"from {study.n_draws[-1]:,} draws")
    right.legend(fontsize=8)
    return figure, join_frames([_list(*item) for item in studies.items()])


def plot_values(
    agreements: Mapping[str, list[Agreement]],
    n_draws: list[int],
    *,
    unit: str = "",
    title: str = "",
) -> tuple["Figure", "pd.DataFrame"]:
    """Show how near values come to a reference by the number of draws (section 4.3).

    Parameters
    ----------
    agreements : mapping of str to list of Agreement
        What ``compare_values`` returned, by the name of the method.
    n_draws : list of int
        Numbers of draws, the same for all methods.
    unit : str
        Unit of the utility, for the axis of squared errors.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Three panels: squared error, correlation, rank correlation.
    frame : pandas.DataFrame
        One row per method and number of draws: ``method, n_draws`` and every measure.

    Raises
    ------
    InputError
        If there is no method.
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    check_some("agreements", agreements)
    figure, panels = make_panels(1, 3, title=title)
    for axes, measure in zip(panels, ("mse", "pearson", "spearman"), strict=True):
        for place, (name, found) in enumerate(agreements.items()):
            axes.plot(
                n_draws,
                [getattr(one, measure) for one in found],
                color=COLORS[place % len(COLORS)],
                marker=MARKERS[place % len(MARKERS)],
                markersize=4,
                label=name,
            )
        axes.set(xlabel="draws per point", ylabel=LABELS[measure])
        if measure == "mse":
            shown_unit = f"\n(square of {unit})" if unit else ""
            axes.set(yscale="log", ylabel=f"{LABELS[measure]}{shown_unit}")
    panels[-1].legend(fontsize=8)
    frames = [
        make_frame(
            {"method": name, "n_draws": n_draws}
            | {m: [getattr(one, m) for one in found] for m in MEASURES}
        )
        for name, found in agreements.items()
    ]
    return figure, join_frames(frames)


def _bound_below(axes: "Axes", measure: str) -> None:
    """Cut off what is worse than nothing, so that the rest can be told apart.

    Methods of which nothing is left are named.
    """
    if measure == "mse":
        axes.set_yscale("log")
    elif measure == "r2":
        low = max(axes.get_ylim()[0], _LOWEST)
        axes.set_ylim(low, 1.03)
        hidden = [
            str(line.get_label())
            for line in axes.lines
            if np.max(np.asarray(line.get_ydata(), dtype=np.float64)) < low
        ]
        if hidden:
            text = f"below {low:g}: {', '.join(hidden)}"
            axes.text(0.03, 0.03, text, transform=axes.transAxes, fontsize=8)


def _list(name: str, study: Convergence) -> "pd.DataFrame":
    n_budgets, n_sizes = study.r2.shape
    columns = {
        "method": name,
        "n_draws": np.repeat(study.n_draws, n_sizes),
        "cardinality": np.tile(study.cardinality, n_budgets),
    }
    columns |= {measure: getattr(study, measure).ravel() for measure in MEASURES}
    columns["r2_ceiling"] = np.tile(study.ceiling, n_budgets)
    return make_frame(columns)
