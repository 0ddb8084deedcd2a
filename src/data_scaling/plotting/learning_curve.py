"""The ordinary learning curve and its law eps + c / k^alpha."""

from typing import TYPE_CHECKING, Final

import numpy as np

from data_scaling.estimators import AggregateLaw
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
    from matplotlib.figure import Figure

_N_CURVE: Final = 80


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
        Left: errors and law. Right: what is left above eps, where a power law is a
        straight line.
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
    figure, (left, right) = make_panels(1, 2, title=title)
    for axes, floor in ((left, 0.0), (right, law.eps)):
        axes.plot(
            sizes, error - floor, ".", color=COLORS[4], markersize=4, label="datasets"
        )
        axes.plot(k, law.error(k) - floor, color=COLORS[0], label="law")
        label_sizes(axes, np.unique(sizes))
    left.axhline(law.eps, color=GREY, linestyle="--", label=f"eps = {law.eps:.3g}")
    left.set_ylabel(f"error ({curve.unit})" if curve.unit else "error")
    right.set(yscale="log", ylabel="error above eps")
    right.set_title(f"alpha = {law.alpha:.2f}, c = {law.c:.3g}")
    left.legend(fontsize=8)
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
