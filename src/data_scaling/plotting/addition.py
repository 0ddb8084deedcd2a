"""What selections of points change when they are added to random datasets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from data_scaling.addition import Additions
from data_scaling.plotting.style import (
    COLORS,
    MARKERS,
    join_frames,
    make_frame,
    make_panels,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ERRORS: Final = 2.0


def plot_additions(
    additions: Additions, *, units: Sequence[str] = (), title: str = ""
) -> tuple["Figure", "pd.DataFrame"]:
    """Show the mean change of the test utility by each selection: right is better.

    Parameters
    ----------
    additions : Additions
        What ``simulate_additions`` returned.
    units : sequence of str
        Unit of each metric, for the axes.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        One panel per metric and size; bars reach two standard errors.
    frame : pandas.DataFrame
        One row per selection, size and metric: ``selection, cardinality, metric,
        change, standard_error, beyond_random, beyond_random_error, n_repetitions``.

    Raises
    ------
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    n_metrics, n_sizes = len(additions.metrics), len(additions.cardinality)
    figure, panels = make_panels(n_metrics, n_sizes, title=title)
    for i, metric in enumerate(additions.metrics):
        unit = f" ({units[i]})" if units else ""
        for j in range(n_sizes):
            axes = panels[i * n_sizes + j]
            _draw_selections(axes, additions, j, i)
            bars = f"bars: {_ERRORS:g} standard errors"
            axes.set_xlabel(f"gain in {metric}{unit}\n{bars}")
    return figure, _list_changes(additions)


def _draw_selections(
    axes: "Axes", additions: Additions, size: int, metric: int
) -> None:
    for place in range(len(additions.selections)):
        axes.errorbar(
            additions.mean[place, size, metric],
            place,
            xerr=_ERRORS * additions.standard_error[place, size, metric],
            fmt=MARKERS[place % len(MARKERS)],
            color=COLORS[place % len(COLORS)],
            capsize=3,
        )
    axes.set_yticks(range(len(additions.selections)), additions.selections)
    axes.invert_yaxis()
    axes.axvline(0.0, color="k", linewidth=0.6, linestyle=":")
    axes.set_title(f"added to {additions.cardinality[size]:,} points")
    axes.locator_params(axis="x", nbins=5)


def _list_changes(additions: Additions) -> "pd.DataFrame":
    beyond, beyond_error = additions.beyond()
    frames = [
        make_frame(
            {
                "selection": additions.selections,
                "cardinality": int(size),
                "metric": metric,
                "change": additions.mean[:, j, i],
                "standard_error": additions.standard_error[:, j, i],
                "beyond_random": beyond[:, j, i],
                "beyond_random_error": beyond_error[:, j, i],
                "n_repetitions": np.full(len(beyond), additions.n_repetitions),
            }
        )
        for j, size in enumerate(additions.cardinality)
        for i, metric in enumerate(additions.metrics)
    ]
    return join_frames(frames)
