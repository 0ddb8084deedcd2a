"""Laws against the distance to the decision boundary, class by class."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.boundary import ClassCorrelation, correlate_by_class
from data_scaling.laws import PowerLaws
from data_scaling.laws.arrays import name_points
from data_scaling.plotting.style import COLORS, MARKERS, make_frame, make_panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Share of the panels' height that the legend takes, on top of the rest.
_LEGEND: Final = 0.15


def plot_distance(
    laws: PowerLaws, distance: FloatArray, labels: list[str], *, title: str = ""
) -> tuple["Figure", "pd.DataFrame"]:
    """Show alpha and log|c| against the distance to the decision boundary.

    Parameters
    ----------
    laws : PowerLaws
        Laws of n_points points; of expansions give ``laws.tangent(k)``.
    distance : (n_points,) float array
        Distance of each point of ``laws``, in units of the features; negative where it
        is misclassified.
    labels : list of (n_points,) str
        Name of each point's class.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Two panels; the legends give the correlations of each class.
    frame : pandas.DataFrame
        One row per point: ``point, label, distance, alpha, log_c``, and those of its
        class: ``alpha_pearson, alpha_spearman, log_c_pearson, log_c_spearman``.

    Raises
    ------
    InputError
        If there is not one distance and one label per law.
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    with np.errstate(divide="ignore"):
        log_c = np.log(np.abs(laws.c))
    values = {"alpha": laws.alpha, "log_c": log_c}
    classes = np.asarray(labels)
    found = {
        name: correlate_by_class(distance, value, classes)
        for name, value in values.items()
    }
    figure, panels = make_panels(1, 2, title=title)
    for axes, (name, ylabel) in zip(
        panels,
        (("alpha", "exponent alpha"), ("log_c", "log |c| (c in units of the utility)")),
        strict=True,
    ):
        _draw_classes(axes, distance, values[name], classes, found[name])
        axes.set(
            xlabel="signed distance to the boundary (units of the features)",
            ylabel=ylabel,
        )
    columns: dict[str, Any] = {
        **name_points(laws),
        "label": classes,
        "distance": distance,
        **values,
    }
    for name, correlations in found.items():
        for measure in ("pearson", "spearman"):
            by_class = {one.label: getattr(one, measure) for one in correlations}
            columns[f"{name}_{measure}"] = [by_class[label] for label in labels]
    return figure, make_frame(columns)


def _draw_classes(
    axes: "Axes",
    distance: FloatArray,
    values: FloatArray,
    classes: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]",
    correlations: list[ClassCorrelation],
) -> None:
    for place, one in enumerate(correlations):
        chosen = classes == one.label
        axes.scatter(
            distance[chosen],
            values[chosen],
            s=9,
            alpha=0.5,
            linewidths=0,
            color=COLORS[place % len(COLORS)],
            marker=MARKERS[place % len(MARKERS)],
            label=f"{one.label}: r = {one.pearson:.2f}, rank {one.spearman:.2f}",
        )
    axes.axvline(0.0, color="k", linewidth=0.6, linestyle=":")
    # Room above the marks, so that the legend hides none.
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + _LEGEND * (high - low))
    axes.legend(fontsize=8, markerscale=2)
