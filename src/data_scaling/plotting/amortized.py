"""Predicted laws beside what the points' own draws say of them."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._agreement import agreement
from data_scaling._typing import FloatArray
from data_scaling.contributions import Contributions
from data_scaling.estimators import LogEstimator
from data_scaling.laws import ScalingLaws
from data_scaling.plotting.style import COLORS, GREY, make_frame, make_panels
from data_scaling.size_means import average_by_size

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Sizes that are shown, as shares of their number: the paper's 100, 599 and 1000.
_SHOWN = (0.0, 7 / 9, 1.0)
# Distances between the quartiles that the axes reach beyond them.
_REACH = 3.0


def plot_amortized(
    laws: ScalingLaws, draws: Contributions, sizes: ArrayLike, *, title: str = ""
) -> tuple["Figure", "pd.DataFrame"]:
    """Show predicted laws against the regression of log means, and against means.

    Parameters
    ----------
    laws : ScalingLaws
        Predicted laws of n_points points.
    draws : Contributions
        Draws of the same points at given sizes.
    sizes : (n_sizes,) array_like of int
        The sizes, ascending.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Six panels: c, log|c| and alpha of the power law that touches the law at the
        typical size, and psi at three sizes. A few outlying points may lie outside;
        how many is said, and R^2 and rank correlation are of all points.
    frame : pandas.DataFrame
        One row per point: ``point``, and of each panel what the draws and what the
        laws say, such as ``alpha_draws, alpha_laws``.

    Raises
    ------
    InputError
        If the draws are of other sizes than those.
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    means = average_by_size(draws, sizes)
    regressed = LogEstimator().fit(draws)
    touching = laws.tangent(float(np.exp(np.log(means.cardinality).mean())))
    with np.errstate(divide="ignore"):
        pairs = {
            "c": (regressed.c, touching.c),
            "log |c|": (np.log(np.abs(regressed.c)), np.log(np.abs(touching.c))),
            "alpha": (regressed.alpha, touching.alpha),
        }
    for share in _SHOWN:
        column = round(share * (len(means.cardinality) - 1))
        k = float(means.cardinality[column])
        pairs[f"psi at {k:,.0f}"] = (means.mean[:, column], laws.psi(k))
    figure, panels = make_panels(2, 3, title=title)
    columns = {"point": laws.points}
    for axes, (name, (own, predicted)) in zip(panels, pairs.items(), strict=True):
        _draw_pairs(axes, name, own, predicted)
        columns |= {f"{name}_draws": own, f"{name}_laws": predicted}
    return figure, make_frame(columns)


def _draw_pairs(axes: "Axes", name: str, own: FloatArray, law: FloatArray) -> None:
    finite = np.isfinite(own) & np.isfinite(law)
    own, law = own[finite], law[finite]
    axes.scatter(own, law, s=9, alpha=0.5, linewidths=0, color=COLORS[0])
    (left, right), (bottom, top) = (_find_limits(values) for values in (own, law))
    outside = (own < left) | (own > right) | (law < bottom) | (law > top)
    lowest, highest = min(left, bottom), max(right, top)
    axes.plot([lowest, highest], [lowest, highest], color=GREY, linewidth=1)
    judged = agreement(law, own)
    heading = f"{name}: R² {judged.r2:.2f}, rank {judged.spearman:.2f}"
    if outside.any():
        heading += f", {outside.sum()} outside"
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.set_title(heading, fontsize=10)
    axes.set(xlabel="from the draws", ylabel="of the law")


def _find_limits(values: FloatArray) -> tuple[float, float]:
    """Return limits that leave out only what lies far outside."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    room = _REACH * (high - low)
    if not room:
        return float(middle) - 1.0, float(middle) + 1.0
    rim = 0.05 * room
    return (
        float(max(low - room, values.min() - rim)),
        float(min(high + room, values.max() + rim)),
    )
