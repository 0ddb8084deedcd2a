"""How well scores find points with a wrong label."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from data_scaling.mislabelling import Detection
from data_scaling.plotting.style import COLORS, check_some, make_frame, make_panels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def plot_detection(
    detections: Mapping[str, Detection], *, chance: float, title: str = ""
) -> tuple["Figure", "pd.DataFrame"]:
    """Show area under the ROC and precision of every score, the best on top.

    Parameters
    ----------
    detections : mapping of str to Detection
        What ``judge_detection`` returned, by the name of the score.
    chance : float
        Share of flipped points: the precision of a score that knows nothing.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Two panels; the dotted lines are chance.
    frame : pandas.DataFrame
        One row per score, the best first: ``score, auc, precision``.

    Raises
    ------
    InputError
        If there is no score.
    MissingExtraError
        If matplotlib or pandas is not installed.
    """
    check_some("scores", detections)
    ordered = sorted(detections.items(), key=lambda item: -item[1].auc)
    names = [name for name, _ in ordered]
    columns: dict[str, Any] = {
        "score": names,
        "auc": [one.auc for _, one in ordered],
        "precision": [one.precision for _, one in ordered],
    }
    figure, panels = make_panels(1, 2, title=title)
    panels[0].set_yticks(range(len(names)), names)
    panels[1].set_yticks(range(len(names)), [])
    labels = ("area under the ROC", f"precision among the {chance:.0%} of lowest score")
    shown = zip(panels, ("auc", "precision"), labels, (0.5, chance), strict=True)
    for axes, measure, label, by_chance in shown:
        axes.plot(columns[measure], range(len(names)), "o", color=COLORS[0])
        axes.axvline(by_chance, color="k", linewidth=0.8, linestyle=":")
        axes.set(xlabel=label, ylim=(len(names) - 0.5, -0.5))
        axes.grid(axis="y", color="0.9")
        axes.set_axisbelow(True)
    return figure, make_frame(columns)
