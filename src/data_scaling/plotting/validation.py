"""Does the law hold? The paper's Figure 1, from any laws and any draws."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray, IntArray
from data_scaling.laws import ScalingLaws
from data_scaling.validation import Validation

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

N_SHOWN: Final = 9
_N_CURVE: Final = 60
_N_TICKS: Final = 5
# Okabe and Ito's blue and orange, told apart by all eyes and in grey.
_BLUE, _ORANGE, _GREY = "#0072B2", "#E69F00", "#666666"


def plot_validation(
    laws: ScalingLaws, validation: Validation, *, unit: str = "", title: str = ""
) -> tuple["Figure", "pd.DataFrame"]:
    """Show mean contributions beside the laws, and how well they agree.

    Left: means at each size, with standard errors, of nine points at quantiles of the
    law's exponent (at the geometric mean of the sizes), among the points that are
    known best; the lines are their laws. Middle: how straight each point's means are
    on log axes. Right: share of the means' variance over points that the laws explain
    at each size, beside what true laws would.

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
        One row per point and size: ``point, cardinality, n_draws, mean, mean_std,
        predicted, log_r2, r2, r2_ceiling, is_shown``.

    Raises
    ------
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    figure_module = require_extra("matplotlib.figure", "plot")
    figure: Figure = figure_module.Figure(figsize=(13, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.35, 1, 1))
    shown = choose_shown(laws, validation)
    _draw_laws(left, laws, validation, shown, unit)
    _draw_straightness(middle, validation)
    _draw_agreement(right, validation)
    if title:
        figure.suptitle(title)
    return figure, _make_frame(validation, shown)


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
        visible = sign * mean > 0
        axes.plot(curve_k, np.abs(curves[place]), color=color, linewidth=1.2)
        axes.errorbar(
            sizes[visible],
            np.abs(mean[visible]),
            yerr=np.minimum(std[visible], 0.9 * np.abs(mean[visible])),
            fmt="o" if sign > 0 else "v",
            markersize=4,
            color=color,
            elinewidth=0.8,
            label=f"{'+' if sign > 0 else '−'}  {exponents[place]:.2f}",
        )
    axes.set(yscale="log")
    _label_sizes(axes, sizes)
    axes.set_ylabel(f"|mean contribution|{f' ({unit})' if unit else ''}")
    axes.set_title("Contributions and their laws")
    if len(shown):
        axes.legend(title="sign, exponent", fontsize=7, title_fontsize=7, ncols=2)


def _draw_straightness(axes: "Axes", validation: Validation) -> None:
    log_r2 = validation.log_r2[np.isfinite(validation.log_r2)]
    axes.hist(log_r2, bins=np.linspace(0, 1, 21).tolist(), color=_BLUE, edgecolor="w")
    share = float(np.mean(log_r2 > 0.95)) if len(log_r2) else float("nan")
    axes.set(xlabel="R² of log|mean| on log k", ylabel="points", xlim=(0, 1))
    axes.set_title(f"Straightness: {share:.0%} of points above 0.95")


def _draw_agreement(axes: "Axes", validation: Validation) -> None:
    sizes = validation.cardinality
    ceiling = validation.r2_ceiling
    axes.plot(sizes, ceiling, "--", color=_GREY, label="true laws would reach")
    axes.plot(sizes, validation.r2, "o-", color=_ORANGE, label="laws")
    low = float(np.nanmin([*validation.r2, *ceiling, 0.8]))
    axes.set(ylabel="R² over points", ylim=(max(low - 0.05, -1.0), 1.03))
    _label_sizes(axes, sizes)
    axes.set_title(f"Agreement: R² {validation.r2_pooled:.3f} over all")
    axes.legend(loc="lower right", fontsize=8)


def _label_sizes(axes: "Axes", sizes: FloatArray) -> None:
    """Scale the axis of sizes by ratio, and label some of the sizes themselves."""
    axes.set(xscale="log", xlabel="dataset size k")
    places = np.linspace(0, len(sizes) - 1, min(_N_TICKS, len(sizes))).round()
    shown = sizes[places.astype(np.intp)]
    axes.set_xticks(shown, [f"{size:,.0f}" for size in shown])
    axes.set_xticks([], minor=True)


def _make_frame(validation: Validation, shown: IntArray) -> "pd.DataFrame":
    n_points, n_sizes = validation.mean.shape
    is_shown = np.isin(np.arange(n_points), shown)
    by_point: dict[str, Any] = {
        "point": validation.points,
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
    frame: pd.DataFrame = require_extra("pandas", "plot").DataFrame(columns)
    return frame
