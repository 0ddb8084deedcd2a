"""What the figures share: colours that all eyes tell apart, axes of sizes, frames."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray
from data_scaling.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours in an order in which neighbours also differ in grey, each
# with a marker of its own.
COLORS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
MARKERS: Final = ("o", "s", "^", "D", "v", "P")
GREY: Final = "#666666"
_N_TICKS: Final = 5
_PANEL: Final = (4.4, 3.6)


def make_panels(
    n_rows: int, n_columns: int, *, title: str = ""
) -> tuple["Figure", list["Axes"]]:
    """Return a figure and its panels, row by row.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    figure_module = require_extra("matplotlib.figure", "plot")
    width, height = _PANEL[0] * n_columns, _PANEL[1] * n_rows
    figure: Figure = figure_module.Figure(
        figsize=(max(width, _PANEL[0] + 1), height + 0.4 * bool(title)),
        layout="constrained",
    )
    panels = figure.subplots(n_rows, n_columns, squeeze=False).ravel().tolist()
    if title:
        figure.suptitle(title)
    return figure, panels


def label_sizes(axes: "Axes", sizes: FloatArray, label: str = "dataset size k") -> None:
    """Scale the axis of sizes by ratio, and label some of the sizes themselves."""
    axes.set(xscale="log", xlabel=label)
    spread = np.geomspace(sizes[0], sizes[-1], min(_N_TICKS, len(sizes)))
    # Those nearest to an even spread in ratio, so that labels do not overlap.
    places = np.abs(np.log(sizes[:, None] / spread)).argmin(axis=0)
    shown = sizes[np.unique(places)]
    axes.set_xticks(shown, [f"{size:,.0f}" for size in shown])
    axes.set_xticks([], minor=True)


def make_frame(columns: dict[str, Any]) -> "pd.DataFrame":
    """Return columns as a frame.

    Raises
    ------
    MissingExtraError
        If pandas is not installed.
    """
    frame: pd.DataFrame = require_extra("pandas", "plot").DataFrame(columns)
    return frame


def join_frames(frames: list["pd.DataFrame"]) -> "pd.DataFrame":
    """Return frames of the same columns one below the other."""
    joined: pd.DataFrame = require_extra("pandas", "plot").concat(
        frames, ignore_index=True
    )
    return joined


def check_some(what: str, given: object) -> None:
    """Raise if there is nothing to plot."""
    if not given:
        raise InputError(f"There are no {what} to plot. Give at least one.")
