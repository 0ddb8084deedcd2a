"""Does the law hold? The paper's Figure 1, from any laws and any draws."""

import textwrap
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray, IntArray
from data_scaling.laws import ScalingLaws
from data_scaling.laws.arrays import name_points
from data_scaling.plotting.style import (
    COLORS,
    GREY,
    label_sizes,
    make_frame,
    make_panels,
)
from data_scaling.validation import Validation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_SHOWN: Final = 9
_N_CURVE: Final = 60
# Letters that a label, and words in small print, may have in a line.
_LINE: Final = 30
_SMALL_LINE: Final = 46
# R^2 below which sizes are told in words.
_LOWEST: Final = -1.0
# Share of the left panel's height that the legend takes, on top of the rest; half of
# it below the marks of the right one.
_LEGEND: Final = 0.35


def plot_validation(
    laws: ScalingLaws, validation: Validation, *, unit: str = "", title: str = ""
) -> tuple["Figure", "pd.DataFrame"]:
    """Show mean contributions beside the laws, and how well they agree.

    Left: means at each size, with standard errors, of nine points at quantiles of the
    law's exponent (at the geometric mean of the sizes), among the points that are
    known best; the lines are their laws, and hollow marks are means of the other sign
    than the law has at the smallest size. Middle: how well each point's own law follows
    its means over the sizes, and how straight these are on log axes, which a power law
    asks for and an expansion does not. Right: share of the means' variance over points
    that the laws explain at each size, beside what true laws would.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of at least the points of the validation.
    validation : Validation
        What ``validate_laws`` returned.
    unit : str
        Unit of the utility, for the axis.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Three panels.
    frame : pandas.DataFrame
        One row per point and size: ``point, row, cardinality, n_draws, mean,
        mean_std, predicted, point_r2, log_r2, r2, r2_ceiling, is_shown``.

    Raises
    ------
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    figure, (left, middle, right) = make_panels(1, 3, title=title)
    shown = choose_shown(laws, validation)
    _draw_laws(left, laws, validation, shown, unit)
    _draw_points(middle, validation)
    _draw_agreement(right, validation)
    return figure, _list_means(laws, validation, shown)


def choose_shown(laws: ScalingLaws, validation: Validation) -> IntArray:
    """Return rows of the validation at nine quantiles of the local exponent.

    They are chosen among the half of the points whose means stand out most from their
    standard errors: the others would show noise only.
    """
    k = float(np.exp(np.mean(np.log(validation.cardinality))))
    exponent = laws.take(validation.points).exponent(k)
    with np.errstate(invalid="ignore", divide="ignore"):
        clarity = np.abs(validation.mean) / validation.mean_std
    clarity = np.where(np.isfinite(clarity), clarity, 0.0).mean(axis=1)
    known = np.isfinite(exponent) & (clarity > 0)
    if not known.any():
        return np.empty(0, dtype=np.intp)
    clear = np.flatnonzero(known & (clarity >= np.median(clarity[known])))
    by_exponent = clear[np.argsort(exponent[clear], kind="stable")]
    quantiles = np.linspace(0.05, 0.95, min(N_SHOWN, len(clear)))
    places = np.round(quantiles * (len(clear) - 1)).astype(np.intp)
    return np.asarray(by_exponent[np.unique(places)])


def _draw_laws(
    axes: "Axes", laws: ScalingLaws, validation: Validation, shown: IntArray, unit: str
) -> None:
    colors = require_extra("matplotlib", "plot").colormaps["cividis"]
    sizes = validation.cardinality
    curve_k = np.geomspace(sizes[0], sizes[-1], _N_CURVE)
    shown_laws = laws.take(validation.points[shown])
    curves = shown_laws.psi(curve_k)
    exponents = shown_laws.exponent(float(np.exp(np.mean(np.log(sizes)))))
    for place, row in enumerate(shown):
        color = colors(0.9 * place / max(len(shown) - 1, 1))
        sign = np.sign(curves[place, 0])
        mean, std = validation.mean[row], validation.mean_std[row]
        axes.plot(curve_k, np.abs(curves[place]), color=color, linewidth=1.2)
        for same_sign in (True, False):
            visible = (sign * mean > 0) if same_sign else (sign * mean < 0)
            label = f"{'+' if sign > 0 else '−'}  {exponents[place]:.2f}"
            axes.errorbar(
                sizes[visible],
                np.abs(mean[visible]),
                yerr=np.minimum(std[visible], 0.9 * np.abs(mean[visible])),
                # Triangles point to the sign of the mean itself.
                fmt="^" if (sign > 0) == same_sign else "v",
                markersize=4,
                markerfacecolor=color if same_sign else "none",
                color=color,
                elinewidth=0.8,
                label=label if same_sign else None,
            )
    axes.set(yscale="log")
    label_sizes(axes, sizes)
    # A long unit would reach beyond the figure.
    shown_unit = textwrap.fill(f"({unit})", _LINE) if unit else ""
    axes.set_ylabel(f"|mean contribution|\n{shown_unit}".strip())
    axes.set_title("Contributions and their laws")
    if len(shown):
        # Room above the marks, so that the legend hides none.
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** _LEGEND)
        axes.legend(
            title="sign, exponent",
            fontsize=7,
            title_fontsize=7,
            ncols=3,
            loc="upper right",
        )


def _draw_points(axes: "Axes", validation: Validation) -> None:
    bins = np.linspace(0, 1, 21).tolist()
    kinds: list[tuple[str, FloatArray, dict[str, Any]]] = [
        ("its own law", validation.point_r2, {"color": COLORS[0]}),
        (
            "a line on log axes",
            validation.log_r2,
            {"color": "k", "histtype": "step"},
        ),
    ]
    for name, values, style in kinds:
        known = values[np.isfinite(values)]
        share = float(np.mean(known > 0.95)) if len(known) else float("nan")
        label = f"{name} ({share:.0%} above 0.95)"
        axes.hist(np.clip(known, 0, 1), bins=bins, label=label, **style)
    label = "R² of a point's means over sizes (below 0: first bar)"
    axes.set(xlabel=label, ylabel="points", xlim=(0, 1))
    axes.set_title("How well each point's means follow")
    axes.legend(loc="upper center", fontsize=8)


def _draw_agreement(axes: "Axes", validation: Validation) -> None:
    sizes = validation.cardinality
    ceiling = validation.r2_ceiling
    axes.plot(sizes, ceiling, "--", color=GREY, label="true laws would reach")
    axes.plot(sizes, validation.r2, "o-", color=COLORS[1], label="laws")
    low = float(np.nanmin([*validation.r2, *ceiling, 0.8]))
    low, high = max(low - 0.05, _LOWEST), 1.03
    # Room below the marks, so that the legend hides none.
    bottom = low - _LEGEND / 2 * (high - low)
    axes.set(ylabel="R² over points", ylim=(bottom, high))
    label_sizes(axes, sizes)
    axes.set_title(f"Agreement: R² {validation.r2_pooled:.3f} over all")
    hidden = [
        f"{r2:.2f} at {size:,.0f}"
        for size, r2 in zip(sizes, validation.r2, strict=True)
        if r2 < bottom
    ]
    if hidden:
        text = textwrap.fill(f"below: {', '.join(hidden)}", _SMALL_LINE)
        axes.text(0.03, 0.03, text, transform=axes.transAxes, fontsize=8)
    # The text is at the bottom, and all of the laws may be.
    axes.legend(loc="center left" if hidden else "best", fontsize=8)


def _list_means(
    laws: ScalingLaws, validation: Validation, shown: IntArray
) -> "pd.DataFrame":
    n_points, n_sizes = validation.mean.shape
    is_shown = np.isin(np.arange(n_points), shown)
    by_point: dict[str, Any] = {
        **name_points(laws.take(validation.points)),
        "point_r2": validation.point_r2,
        "log_r2": validation.log_r2,
        "is_shown": is_shown,
    }
    by_size = {
        "cardinality": validation.cardinality,
        "r2": validation.r2,
        "r2_ceiling": validation.r2_ceiling,
    }
    columns = {name: np.repeat(values, n_sizes) for name, values in by_point.items()}
    columns |= {name: np.tile(values, n_points) for name, values in by_size.items()}
    for name in ("n_draws", "mean", "mean_std", "predicted"):
        columns[name] = getattr(validation, name).ravel()
    return make_frame(columns)
