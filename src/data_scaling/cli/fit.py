"""``data-scaling fit``: laws from a ledger of draws."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from data_scaling._text import count
from data_scaling.contributions import Contributions
from data_scaling.fitting import make_estimator
from data_scaling.laws import FitStatus, ScalingLaws


def fit(
    ledger: Annotated[Path, typer.Argument(help="A ledger of draws.")],
    laws: Annotated[Path, typer.Argument(help="File to write the laws to, .npz.")],
    method: Annotated[
        str,
        typer.Option(
            help="hierarchical (pools all points), or likelihood (the paper's, point "
            "by point)."
        ),
    ] = "hierarchical",
    first: Annotated[
        int | None, typer.Option(help="Use the first draws of each point only.")
    ] = None,
) -> None:
    """Fit a scaling law to every point of a ledger.

    Example: data-scaling fit adult.ledger laws.npz
    """
    draws = Contributions.load(ledger)
    if first is not None:
        draws = draws.first(first)
    fitted = make_estimator(method).fit(draws)  # type: ignore[arg-type]
    fitted.save(laws)
    print(
        f"{count(len(fitted), 'law')} from {count(draws.n_draws, 'draw')} each: "
        f"{list_statuses(fitted)}\n{laws}"
    )


def list_statuses(laws: ScalingLaws) -> str:
    """Say how the fits ended, as in "9 converged, 1 at bound"."""
    labels = Counter(FitStatus(value).label for value in laws.status)
    return ", ".join(f"{n:,} {label}" for label, n in labels.most_common())
