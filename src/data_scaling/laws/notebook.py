"""What a notebook shows of laws: a small table and the curves of a few points."""

import html
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data_scaling._typing import FloatArray, IntArray

if TYPE_CHECKING:
    from data_scaling.laws.protocol import ScalingLaws

_N_ENDS: Final = 3
_N_CURVE: Final = 40
_WIDTH, _HEIGHT, _MARGIN = 300, 150, 6
# Okabe and Ito's blue and vermillion, told apart by all eyes.
_BLUE, _VERMILLION = "#0072B2", "#D55E00"


def to_html(laws: "ScalingLaws") -> str:
    """Return laws as HTML: the most valuable and most harmful points, and their curves.

    The points are those at the largest size behind the laws; the table gives their psi
    and its 95 % interval there and at the smallest size.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of either family.

    Examples
    --------
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> from data_scaling.laws.notebook import to_html
    >>> draws = Contributions([[0.9, 0.6, 0.3, 0.2]], [1, 2, 3, 4], [7])
    >>> "<td>7</td>" in to_html(LikelihoodEstimator().fit(draws))
    True
    """
    title = f"<p><b>{html.escape(repr(laws))}</b></p>"
    ranges = laws[np.isfinite(laws.psi(1.0))].cardinality_range
    if not len(ranges):
        return title
    smallest, largest = int(ranges[:, 0].min()), int(ranges[:, 1].max())
    rows = _choose_rows(laws, largest)
    if largest <= smallest or not len(rows):
        return title
    shown = laws[rows]
    return (
        f"<div>{title}<div style='display:flex;flex-wrap:wrap;gap:1.5em'>"
        f"{_write_table(shown, [smallest, largest])}"
        f"{_draw_curves(shown, smallest, largest)}</div></div>"
    )


def _choose_rows(laws: "ScalingLaws", k: float) -> IntArray:
    """Return the rows of the points at both ends of the ranking at a size."""
    psi = laws.psi(k)
    order = np.argsort(-psi, kind="stable")[: int(np.isfinite(psi).sum())]
    if len(order) <= 2 * _N_ENDS:
        return order
    return np.concatenate([order[:_N_ENDS], order[-_N_ENDS:]])


def _write_table(laws: "ScalingLaws", sizes: list[int]) -> str:
    psi, (low, high) = laws.psi(sizes), laws.interval(sizes)
    header = "".join(f"<th>psi at {k:,}</th><th>95 % interval</th>" for k in sizes)
    lines = []
    for row, name in enumerate(laws.row_ids):
        cells = [html.escape(str(name))]
        for j in range(len(sizes)):
            cells.append(f"{psi[row, j]:+.3g}")
            cells.append(f"{low[row, j]:+.2g} to {high[row, j]:+.2g}")
        lines.append("".join(f"<td>{cell}</td>" for cell in cells))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr><th>row</th>{header}</tr></thead>{body}</table>"


def _draw_curves(laws: "ScalingLaws", smallest: int, largest: int) -> str:
    """Return an SVG of psi over the size, relative to each point's largest |psi|."""
    sizes = np.geomspace(smallest, largest, _N_CURVE)
    psi = laws.psi(sizes)
    top = float(np.max(np.abs(psi))) or 1.0
    x = np.linspace(_MARGIN, _WIDTH - _MARGIN, _N_CURVE)
    y = _HEIGHT / 2 - (_HEIGHT / 2 - 4 * _MARGIN) * psi / top
    lines = "".join(_draw_line(x, *curve) for curve in zip(y, psi[:, -1], strict=True))
    label = f"psi of {len(laws)} points from k = {smallest:,} to {largest:,}"
    text = "font-size='11' fill='currentColor'"
    return (
        f"<svg role='img' aria-label='{label}' width='{_WIDTH}' height='{_HEIGHT}'>"
        f"<line x1='0' x2='{_WIDTH}' y1='{_HEIGHT / 2}' y2='{_HEIGHT / 2}' "
        f"stroke='currentColor' stroke-opacity='0.3'/>{lines}"
        f"<text x='{_MARGIN}' y='{_HEIGHT - 3}' {text}>k = {smallest:,}</text>"
        f"<text x='{_WIDTH - _MARGIN}' y='{_HEIGHT - 3}' text-anchor='end' {text}>"
        f"{largest:,} (even in ratio)</text>"
        f"<text x='{_MARGIN}' y='12' {text}>psi, up to {top:.2g}</text></svg>"
    )


def _draw_line(x: FloatArray, y: FloatArray, last: Any) -> str:
    color = _BLUE if last > 0 else _VERMILLION
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f"<polyline points='{points}' fill='none' stroke='{color}'/>"
