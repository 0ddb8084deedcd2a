"""The page itself: one HTML file that holds all that it shows and all that it runs."""

import html
import os
import re
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling._files import write_whole
from data_scaling.errors import InputError
from data_scaling.laws import FitStatus, ScalingLaws
from data_scaling.report.cells import Place, fill_cells, place_points
from data_scaling.report.draws import encode_draws
from data_scaling.report.ends import write_ends
from data_scaling.report.figures import (
    count_parameters,
    count_quality,
    describe_agreement,
    describe_curve,
)
from data_scaling.report.parameters import write_parameters
from data_scaling.report.payload import pack
from data_scaling.report.previews import select_previews
from data_scaling.report.run import Run
from data_scaling.report.shown import (
    MAX_LISTED,
    Listed,
    Sizes,
    choose_listed,
    find_reference,
    find_sizes,
)
from data_scaling.report.words import caption_map, list_facts, list_notes

MAX_BYTES: Final = 15_000_000
# Draws and bytes of previews of a first try, shared by all points that are listed.
_N_DRAWS: Final = 2_500_000
_PREVIEW_BYTES: Final = 4_000_000
_MIN_DRAWS: Final = 10
# Points that may be listed and the share of draws and previews, one try after another:
# a page that is too large first loses draws and previews, then points of its table.
_TRIES: Final = (
    *((MAX_LISTED, share) for share in (1.0, 0.75, 0.5, 0.25, 0.12, 0.06)),
    *((MAX_LISTED >> step, 0.03) for step in range(1, 9)),
)
_SCRIPTS: Final = (
    "payload.js numbers.js theme.js laws.js dots.js map.js table.js law_panel.js "
    "figures.js state.js intro.js main.js"
).split()


def write_report(run: Run, path: str | os.PathLike[str]) -> Path:
    """Write the report of a run as one HTML file that needs nothing else.

    Parameters
    ----------
    run : Run
        What :func:`load_run` read.
    path : path
        Where to; the file appears whole or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MissingExtraError
        If plotly is not installed.
    InputError
        If the page is larger than ``MAX_BYTES`` even with few points in its table.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.datasets import Dataset
    >>> from data_scaling.estimators import HierarchicalEstimator
    >>> from data_scaling.report import PointTable, Run, write_report
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.normal(size=(40, 2)), np.tile(["no", "yes"], 20)
    >>> dataset = Dataset(x[:30], y[:30], x[30:], y[30:])
    >>> k = np.arange(5, 25)
    >>> draws = Contributions(rng.normal(size=(30, 20)) / k, k)
    >>> laws = HierarchicalEstimator().fit(draws)
    >>> run = Run(draws, laws, PointTable.of(dataset))
    >>> path = write_report(run, tempfile.mkdtemp() + "/report.html")
    >>> path.name, path.stat().st_size < 15e6
    ('report.html', True)
    """
    page = render_report(run)
    with write_whole(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return Path(path)


def render_report(run: Run) -> str:
    """Return the HTML of a report, with fewer draws and previews where it is large.

    Where that is not enough, fewer points are listed. Parameters and errors are those
    of :func:`write_report`.
    """
    offline: Any = require_extra("plotly.offline", "report")
    folder = files("data_scaling.report").joinpath("page")
    parts = {
        "title": html.escape(f"{run.points.dataset}: scaling laws"),
        "style": folder.joinpath("style.css").read_text("utf-8"),
        "plotly": offline.get_plotlyjs(),
        "script": _join_scripts(folder),
    }
    template = folder.joinpath("template.html").read_text("utf-8")
    n_listed = 0
    for n_most, share in _TRIES:
        if n_listed != min(n_most, len(run.laws)):
            content, n_listed = _collect(run, n_most), min(n_most, len(run.laws))
        parts["payload"] = content.pack(share)
        page = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)
        n_bytes = len(page.encode())
        if n_bytes <= MAX_BYTES:
            return page
    longest = max(len(str(name)) for name in run.points.row_ids)
    raise InputError(
        f"The page of {run.points.dataset} has {n_bytes / 1e6:.1f} MB even with "
        f"{n_listed:,} points in its table, and may have {MAX_BYTES / 1e6:.0f} MB. "
        f"Shorten what points are called: row identifiers have up to {longest:,} "
        f"characters, and there are {len(run.points.classes):,} names of classes."
    )


def _join_scripts(folder: Any) -> str:
    """Return the page's own scripts as one, out of reach of other scripts."""
    texts = (folder.joinpath(name).read_text("utf-8") for name in _SCRIPTS)
    return '(() => {\n"use strict";\n' + "\n".join(texts) + "\n})();"


@dataclass(frozen=True, eq=False)
class _Content:
    """Everything that a page holds, whatever becomes of draws and previews."""

    run: Run
    listed: Listed
    texts: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    def pack(self, share: float) -> str:
        """Return the page's numbers, with a share of the usual draws and previews."""
        rows, run = self.listed.rows, self.run
        n_draws = max(int(share * _N_DRAWS / max(len(rows), 1)), _MIN_DRAWS)
        draws = run.contributions.take(run.laws.points[rows])
        codes = encode_draws(draws, n_draws)
        previews, pictures = select_previews(
            run.points,
            run.laws.points[rows],
            self.listed.importance,
            int(share * _PREVIEW_BYTES),
        )
        texts = {
            "draws": {"sizes": [codes.smallest, codes.largest]},
            "previews": previews,
            "notes": list_notes(run, self.listed, codes.delta.shape[1]),
        }
        arrays: dict[str, NDArray[Any]] = {
            "draw_delta": codes.delta,
            "draw_size": codes.cardinality,
            "draw_scale": codes.scale.astype(np.float32),
        }
        return pack(self.texts | texts, self.arrays | arrays | pictures)


def _collect(run: Run, n_most: int) -> _Content:
    sizes = find_sizes(run)
    reference = find_reference(run.laws, sizes)
    unit = run.contributions.unit or "units of the utility"
    listed = choose_listed(run.laws, sizes, n_most)
    place = place_points(run.laws, reference)
    laws = run.laws[listed.rows]
    parameters = write_parameters(laws, reference)
    texts: dict[str, Any] = {
        "title": run.points.dataset,
        "unit": unit,
        "facts": list_facts(run, sizes),
        "sizes": asdict(sizes),
        "n_pool": len(run.points.row_ids),
        "n_ranked": int(np.isfinite(run.laws.psi(reference)).sum()),
        "n_ends": listed.n_ends,
        "reference": reference,
        "law": {
            "kind": parameters.kind,
            "reference": parameters.reference,
            "powers": parameters.powers,
        },
        "classes": run.points.classes,
        "rows": [str(name) for name in run.points.row_ids[laws.points]],
        "statuses": [(status.label, status.sentence) for status in FitStatus],
        "map": _describe_map(place, is_binned=bool(listed.n_ends)),
        "histograms": _count_histograms(run, reference, unit),
        "agreement": run.validation and describe_agreement(run.validation),
        "curve": run.curve and describe_curve(run.curve),
    }
    arrays = _list_arrays(run, listed, place) | {
        "law": parameters.columns.astype(np.float32),
        "quantile": parameters.quantile.astype(np.float32),
    }
    arrays |= _list_ends(laws, reference, sizes)
    if listed.n_ends:
        cells, texts["map"]["grid"] = _list_cells(run, place, sizes)
        arrays |= cells
    return _Content(run, listed, texts, arrays)


def _describe_map(place: Place, *, is_binned: bool) -> dict[str, Any]:
    return {
        "x_range": place.x_range,
        "y_range": place.y_range,
        "caption": caption_map(place, is_binned=is_binned),
    }


def _count_histograms(run: Run, reference: float, unit: str) -> list[dict[str, Any]]:
    histograms = count_parameters(run.laws, reference, unit)
    return [asdict(h) for h in [*histograms, count_quality(run, reference)]]


def _list_arrays(run: Run, listed: Listed, place: Place) -> dict[str, NDArray[Any]]:
    laws, rows = run.laws[listed.rows], listed.rows
    target = run.points.target[laws.points]
    arrays: dict[str, NDArray[Any]] = {
        "point": laws.points.astype(np.uint32),
        "status": laws.status.astype(np.uint8),
        "n_draws": np.isfinite(run.contributions.delta[rows]).sum(1).astype(np.uint32),
        "alpha": place.alpha[rows].astype(np.float32),
        "log_c": place.log_c[rows].astype(np.float32),
    }
    if run.points.classes:
        arrays["target_code"] = target.astype(np.uint16)
    else:
        arrays["target"] = target.astype(np.float64)
    return arrays


def _list_ends(
    laws: ScalingLaws, reference: float, sizes: Sizes
) -> dict[str, NDArray[Any]]:
    """Return what the ends of intervals by the likelihood ratio are made of."""
    ends = write_ends(laws, reference, sizes.end)
    arrays: dict[str, NDArray[Any]] = {}
    for name, end in zip(("low", "high"), ends or (), strict=False):
        arrays |= {
            f"{name}_sign": end.sign,
            f"{name}_start": end.start,
            f"{name}_alpha": end.alpha.astype(np.float32),
            f"{name}_log": end.log_end.astype(np.float32),
        }
    return arrays


def _list_cells(
    run: Run, place: Place, sizes: Sizes
) -> tuple[dict[str, NDArray[Any]], list[float]]:
    cells = fill_cells(run.laws, place, sizes.grid)
    arrays: dict[str, NDArray[Any]] = {
        "cell_x": cells.x.astype(np.float32),
        "cell_y": cells.y.astype(np.float32),
        "cell_positive": cells.is_positive,
        "cell_count": cells.count,
        "cell_psi": cells.psi.astype(np.float32),
        "cell_sure": np.rint(255 * cells.sure).astype(np.uint8),
        "cell_side": np.array([cells.width, cells.height]),
    }
    return arrays, sizes.grid.tolist()
