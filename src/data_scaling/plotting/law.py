"""The law of one point: its mean and interval over the size, and its draws."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data_scaling._checks import require_extra
from data_scaling.contributions import Contributions, check_same_dataset
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_N_CURVE: Final = 80
_BLUE, _ORANGE, _GREY = "#0072B2", "#D55E00", "#666666"


def plot_law(
    laws: ScalingLaws, point: int, contributions: Contributions | None = None
) -> tuple["Figure", "pd.DataFrame"]:
    """Show the law of one point on linear and on logarithmic axes.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of at least this point.
    point : int
        Index of the point in the pool.
    contributions : Contributions, optional
        Draws to show beside the law.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Two panels. Left: psi, its 95 % interval and the draws. Right: the same in
        absolute value on logarithmic axes, dashed where psi is below 0.
    frame : pandas.DataFrame
        One row per size of the curve: ``cardinality, psi, low, high, noise_std``.

    Raises
    ------
    InputError
        If the point has no law, or no draws among those given, or these are of another
        dataset.
    MissingExtraError
        If matplotlib or pandas is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> from data_scaling.plotting import plot_law
    >>> k = np.arange(10, 110)
    >>> rng = np.random.default_rng(0)
    >>> draws = Contributions([2.0 / k + 0.01 * rng.normal(size=100)], k, [7])
    >>> figure, frame = plot_law(LikelihoodEstimator().fit(draws), 7, draws)
    >>> len(figure.axes), frame["cardinality"].iloc[[0, -1]].tolist()
    (2, [10.0, 109.0])
    """
    figure_module = require_extra("matplotlib.figure", "plot")
    law = laws.take([point])
    if not np.isfinite(law.psi(1.0)).all():
        raise InputError(
            f"Point {point} has no law to show. See laws.status for the reason."
        )
    frame = _make_frame(law)
    draws = None if contributions is None else _take_draws(law, contributions)
    figure: Figure = figure_module.Figure(figsize=(9, 3.6), layout="constrained")
    linear, logarithmic = figure.subplots(1, 2)
    _draw_linear(linear, frame, draws)
    _draw_logarithmic(logarithmic, frame, draws)
    row = law.row_ids[0]
    named = f" (row {row})" if str(row) != str(point) else ""
    figure.suptitle(f"Point {point}{named}")
    return figure, frame


def _take_draws(law: ScalingLaws, contributions: Contributions) -> Contributions:
    check_same_dataset("laws", law, contributions.dataset, contributions.fingerprint)
    return contributions.take(law.points)


def _make_frame(law: ScalingLaws) -> "pd.DataFrame":
    smallest, largest = law.cardinality_range[0]
    sizes = np.geomspace(max(int(smallest), 1), max(int(largest), 2), _N_CURVE)
    low, high = law.interval(sizes)
    columns: dict[str, Any] = {
        "cardinality": sizes,
        "psi": law.psi(sizes)[0],
        "low": low[0],
        "high": high[0],
        "noise_std": law.noise_std(sizes)[0],
    }
    frame: pd.DataFrame = require_extra("pandas", "plot").DataFrame(columns)
    return frame


def _draw_linear(
    axes: "Axes", frame: "pd.DataFrame", draws: Contributions | None
) -> None:
    sizes = frame["cardinality"].to_numpy()
    if draws is not None:
        style: dict[str, Any] = {"s": 10, "color": _GREY, "alpha": 0.5, "linewidth": 0}
        axes.scatter(draws.cardinality[0], draws.delta[0], **style)
    axes.fill_between(sizes, frame["low"], frame["high"], color=_BLUE, alpha=0.25)
    axes.plot(sizes, frame["psi"], color=_BLUE)
    axes.axhline(0, color=_GREY, linewidth=0.7)
    axes.set(xlabel="dataset size k", ylabel=f"contribution{_unit(draws)}")


def _draw_logarithmic(
    axes: "Axes", frame: "pd.DataFrame", draws: Contributions | None
) -> None:
    sizes, psi = frame["cardinality"].to_numpy(), frame["psi"].to_numpy()
    for sign, color, line, mark in ((1, _BLUE, "-", "o"), (-1, _ORANGE, "--", "v")):
        if draws is not None:
            own = sign * draws.delta[0] > 0
            style: dict[str, Any] = {"s": 10, "alpha": 0.5, "linewidth": 0}
            size, delta = draws.cardinality[0][own], np.abs(draws.delta[0][own])
            axes.scatter(size, delta, color=color, marker=mark, **style)
        curve = np.where(sign * psi > 0, np.abs(psi), np.nan)
        axes.plot(sizes, curve, line, color=color)
    axes.set(xscale="log", yscale="log", xlabel="dataset size k")
    axes.set_ylabel(f"|contribution|{_unit(draws)}")


def _unit(draws: Contributions | None) -> str:
    return f" ({draws.unit})" if draws is not None and draws.unit else ""
