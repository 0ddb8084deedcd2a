"""The ordinary learning curve and its law eps + c / k^alpha."""

from typing import TYPE_CHECKING, Final

import numpy as np

from data_scaling._typing import FloatArray, IntArray
from data_scaling.estimators import AggregateLaw
from data_scaling.estimators.surface import measure_aggregate_loss
from data_scaling.learning_curve import LearningCurve
from data_scaling.plotting.style import (
    COLORS,
    GREY,
    label_sizes,
    make_frame,
    make_panels,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_N_CURVE: Final = 80
_N_GRID: Final = 61
# Losses at which lines are drawn: 2 nats are about a 95 % region.
_LEVELS: Final = (0.5, 2.0, 5.0, 10.0, 50.0)


def plot_learning_curve(
    curve: LearningCurve, law: AggregateLaw, *, title: str = ""
) -> tuple["Figure", "pd.DataFrame"]:
    """Show the error of models trained on random datasets, and its law.

    Parameters
    ----------
    curve : LearningCurve
        Utilities of random datasets; the error is minus the utility.
    law : AggregateLaw
        Fitted to them.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Left: errors and law. Middle: what is left above eps, where a power law is a
        straight line. Right: how much less likely other pairs of alpha and eps are, in
        nats, with the fitted pair as a cross.
    frame : pandas.DataFrame
        One row per dataset: ``cardinality, error, predicted, residual``.

    Raises
    ------
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    sizes = curve.cardinality.astype(np.float64)
    error = -curve.utility
    k = np.geomspace(sizes.min(), sizes.max(), _N_CURVE)
    figure, (left, middle, right) = make_panels(1, 3, title=title)
    for axes, floor in ((left, 0.0), (middle, law.eps)):
        axes.plot(
            sizes, error - floor, ".", color=COLORS[4], markersize=4, label="datasets"
        )
        axes.plot(k, law.error(k) - floor, color=COLORS[0], label="law")
        label_sizes(axes, np.unique(sizes))
    left.axhline(law.eps, color=GREY, linestyle="--", label=f"eps = {law.eps:.3g}")
    unit = f" ({curve.unit})" if curve.unit else ""
    left.set_ylabel(f"error{unit}")
    middle.set(yscale="log", ylabel=f"error above eps{unit}")
    middle.set_title(f"alpha = {law.alpha:.2f}, c = {law.c:.3g}")
    left.legend(fontsize=8)
    _draw_loss(right, law, sizes, error)
    right.set_ylabel(f"eps{unit}")
    predicted = law.error(sizes)
    frame = make_frame(
        {
            "cardinality": curve.cardinality,
            "error": error,
            "predicted": predicted,
            "residual": error - predicted,
        }
    )
    return figure, frame


def _draw_loss(
    axes: "Axes", law: AggregateLaw, sizes: FloatArray, error: FloatArray
) -> None:
    alphas = np.linspace(max(law.alpha / 3, 0.02), 2 * law.alpha, _N_GRID)
    epsilons = np.linspace(0.0, float(error.min()), _N_GRID)
    loss = measure_aggregate_loss(law, sizes, error, alphas, epsilons)
    # Once more, of the region that the lines enclose.
    near = np.nonzero(loss <= 1.2 * _LEVELS[-1])
    epsilons, alphas = _zoom(epsilons, near[0]), _zoom(alphas, near[1])
    loss = measure_aggregate_loss(law, sizes, error, alphas, epsilons)
    lines = axes.contour(alphas, epsilons, loss, levels=_LEVELS, cmap="cividis")
    axes.clabel(lines, fontsize=7)
    axes.plot(law.alpha, law.eps, "x", color=COLORS[5], markersize=9)
    axes.set_xlabel("alpha")
    axes.set_title("loss above the fit (nats)")


def _zoom(grid: FloatArray, near: IntArray) -> FloatArray:
    """Return a finer grid over some places, and one more on each side of them."""
    if not len(near):
        return grid
    low, high = max(near.min() - 1, 0), min(near.max() + 1, len(grid) - 1)
    return np.linspace(grid[low], grid[high], _N_GRID)
