"""The command's verbs, and what becomes of errors and warnings."""

import logging
import sys
import warnings
from typing import Any

import typer

from data_scaling.cli.combine import combine
from data_scaling.cli.fit import fit
from data_scaling.cli.info import info
from data_scaling.cli.plan import plan
from data_scaling.cli.plot import plot
from data_scaling.cli.preprocess import preprocess
from data_scaling.cli.report import report
from data_scaling.cli.run import run
from data_scaling.cli.sample import sample
from data_scaling.cli.select import select
from data_scaling.cli.value import value
from data_scaling.cli.verify import verify
from data_scaling.errors import DataScalingError

app = typer.Typer(
    name="data-scaling",
    help="How much is each training example worth, at the size a dataset has and at "
    "the size it will have?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for verb in (
    run,
    report,
    preprocess,
    plan,
    sample,
    combine,
    fit,
    value,
    select,
    plot,
    info,
    verify,
):
    app.command()(verb)


@app.callback()
def _root() -> None:
    """Keep the verbs named, however many there are."""


# Typer ends the program with this code when it is interrupted from the keyboard.
_INTERRUPTED = 130


def main() -> None:
    """Run the command; errors that a user can mend are said without a traceback."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    warnings.showwarning = _show_warning
    try:
        app()
    except DataScalingError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            print(
                "interrupted: the draws so far are kept; the same command goes on.",
                file=sys.stderr,
            )
        raise


def _show_warning(message: Warning | str, category: Any, *_: Any, **__: Any) -> None:
    print(f"{category.__name__}: {message}", file=sys.stderr)
