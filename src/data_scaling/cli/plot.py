"""``data-scaling plot``: laws beside the means of draws."""

from pathlib import Path
from typing import Annotated

import typer

from data_scaling.cli.text import list_pairs
from data_scaling.contributions import Contributions
from data_scaling.laws import load_laws
from data_scaling.ledger import describe_ledger
from data_scaling.plotting import plot_validation, save_figure
from data_scaling.validation import describe_validation, validate_laws


def plot(
    laws: Annotated[Path, typer.Argument(help="A file of laws.")],
    ledger: Annotated[
        Path,
        typer.Argument(
            help="A ledger to judge them by; best one that they were not fitted to, "
            "with many draws at a few sizes."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Where to; written as .png, .pdf and .csv.")
    ] = Path("validation"),
) -> None:
    """Show mean contributions beside the laws, and how well they agree.

    Example: data-scaling plot laws.npz validation.ledger --out figure
    """
    draws = Contributions.load(ledger)
    sizes = describe_ledger(ledger).header.plan.cardinalities
    fitted = load_laws(laws)
    validation = validate_laws(fitted, draws, sizes)
    title = f"{draws.dataset}, {draws.learner}, {draws.metric}"
    figure, frame = plot_validation(fitted, validation, unit=draws.unit, title=title)
    written = save_figure(figure, frame, out)
    told = {
        name: f"{number:.4g}"
        for name, number in describe_validation(validation).items()
    }
    print(list_pairs(told))
    print(*written, sep="\n")
