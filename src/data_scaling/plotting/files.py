"""A figure and its numbers, written whole."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from data_scaling._files import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def save_figure(
    figure: "Figure", frame: "pd.DataFrame", path: str | os.PathLike[str]
) -> list[Path]:
    """Write a figure as PNG and PDF, and its numbers as CSV, beside each other.

    Parameters
    ----------
    figure, frame
        What a function of this package returned.
    path : path
        Where to; its ending is replaced by ``.png``, ``.pdf`` and ``.csv``.

    Returns
    -------
    list of Path
        The files written.
    """
    written = []
    for ending in (".png", ".pdf", ".csv"):
        target = Path(path).with_suffix(ending)
        with write_whole(target) as temporary:
            if ending == ".csv":
                frame.to_csv(temporary, index=False)
            else:
                figure.savefig(temporary, dpi=150)
        written.append(target)
    return written
