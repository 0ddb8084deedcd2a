"""Contributions to linear regression beside what theory says of them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from data_scaling._agreement import agreement
from data_scaling._typing import FloatArray, IntArray
from data_scaling.estimators.log import LogFit
from data_scaling.plotting.style import (
    COLORS,
    label_sizes,
    make_frame,
    make_panels,
)
from data_scaling.size_means import SizeMeans
from data_scaling.theory import ALPHA, BETA

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_theory(
    fit: LogFit,
    terms: Sequence[FloatArray],
    points: IntArray,
    *,
    unit: str = "",
    title: str = "",
) -> tuple["Figure", "pd.DataFrame"]:
    """Show means against theory, the agreement by size, and the exponents.

    Parameters
    ----------
    fit : LogFit
        Regressions of staggered draws, of ``LogEstimator.regress``.
    terms : two (n_points,) float64 arrays
        a(z) and c(z) of ``predict_linear_terms`` for the same points.
    points : (n_points,) intp array
        Index of each point in the pool.
    unit : str
        Unit of the utility, for the axis.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Three panels.
    frame : pandas.DataFrame
        One row per point: ``point, alpha, beta, first, second, mean`` (at the largest
        size) and ``predicted``. ``frame.attrs["summary"]`` holds a frame with one row
        per size: ``cardinality``; ``pearson, r2, slope`` (of the means on both terms);
        ``pearson_of_second``, of the paper's term alone; and ``beta``, the median
        over points of the variance's exponent up from the size before.

    Raises
    ------
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    sizes, mean = fit.means.cardinality, fit.means.mean
    first, second = terms
    paper = second[:, None] / sizes**ALPHA
    predicted = first[:, None] / sizes + paper
    alpha, beta = -fit.of_mean.slope, -fit.of_variance.slope
    summary = _summarise(fit.means, predicted, paper)
    figure, (left, middle, right) = make_panels(1, 3, title=title)
    left.scatter(predicted[:, -1], mean[:, -1], s=8, linewidths=0, color=COLORS[0])
    left.axline((0.0, 0.0), slope=1.0, color="k", linewidth=0.8, linestyle="--")
    shown_unit = f"\n({unit})" if unit else ""
    left.set(
        xlabel=f"theory: a(z)/k + c(z)/k²{shown_unit}",
        ylabel=f"mean contribution{shown_unit}",
        title=f"k = {sizes[-1]:,.0f}",
    )
    _draw_agreement(middle, summary)
    _draw_exponents(right, (("alpha", alpha, ALPHA), ("beta", beta, BETA)))
    columns = {"point": points, "alpha": alpha, "beta": beta}
    columns |= {
        "first": first,
        "second": second,
        "mean": mean[:, -1],
        "predicted": predicted[:, -1],
    }
    frame = make_frame(columns)
    frame.attrs["summary"] = summary
    return figure, frame


def _draw_agreement(axes: "Axes", summary: "pd.DataFrame") -> None:
    shown = (
        ("pearson", "correlation", "o-", COLORS[0]),
        ("pearson_of_second", "correlation of c/k² alone", "^--", COLORS[2]),
        ("slope", "slope of the means on theory", "s-", COLORS[1]),
    )
    sizes = summary["cardinality"].to_numpy()
    for name, label, style, color in shown:
        axes.plot(sizes, summary[name], style, color=color, label=label)
    axes.axhline(1.0, color="k", linewidth=0.8, linestyle=":")
    label_sizes(axes, sizes)
    axes.set_ylabel("means against theory")
    axes.legend(fontsize=8)


def _draw_exponents(
    axes: "Axes", exponents: Sequence[tuple[str, FloatArray, float]]
) -> None:
    for place, (name, values, theory) in enumerate(exponents):
        known = values[np.isfinite(values)]
        axes.hist(
            known,
            bins=np.linspace(0.0, 6.0, 61).tolist(),
            histtype="step",
            linewidth=1.5,
            color=COLORS[place],
            label=f"{name}, median {np.median(known):.2f}",
        )
        axes.axvline(theory, color=COLORS[place], linestyle=":")
    axes.set(xlabel="exponent (dotted: theory)", ylabel="points")
    # Room above the bars, so that the legend hides none.
    axes.set_ylim(0.0, 1.3 * axes.get_ylim()[1])
    axes.legend(fontsize=8)


def _summarise(
    means: SizeMeans, predicted: FloatArray, paper: FloatArray
) -> "pd.DataFrame":
    mean = means.mean
    both, alone = (
        [agreement(p, m) for p, m in zip(formula.T, mean.T, strict=True)]
        for formula in (predicted, paper)
    )
    slope = np.sum(predicted * mean, axis=0) / np.sum(predicted**2, axis=0)
    columns = {
        "cardinality": means.cardinality,
        "pearson": [one.pearson for one in both],
        "r2": [one.r2 for one in both],
        "slope": slope,
        "pearson_of_second": [one.pearson for one in alone],
        "beta": [np.nan, *_measure_betas(means)],
    }
    return make_frame(columns)


def _measure_betas(means: SizeMeans) -> FloatArray:
    """Return the median exponent of the variance between neighbours, (n_sizes - 1,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        fall = -np.diff(np.log(means.variance), axis=1)
    return np.asarray(np.nanmedian(fall, axis=0) / np.diff(np.log(means.cardinality)))
