"""The command's verbs, and what becomes of errors and warnings."""

import logging
import re
import sys
import warnings
from importlib.metadata import version
from typing import Annotated, Any

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
from data_scaling.cli.score import score
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
    score,
    plot,
    info,
    verify,
):
    app.command()(verb)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"data-scaling {version('data-scaling')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Show the version and exit.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Keep the verbs named, however many there are."""


# Typer ends the program with this code when it is interrupted from the keyboard.
_INTERRUPTED = 130
# Verbs that keep what they have drawn or merged when they are interrupted.
_KEEPING_VERBS = ("run", "sample", "combine")
# What the library calls an argument, and the command an option.
_OPTIONS = {
    "n_draws": "--draws",
    "n_base_draws": "--base-draws",
    "min_cardinality": "--min-cardinality",
    "max_cardinality": "--max-cardinality",
    "pilot_seconds": "--pilot-seconds",
    "n_jobs": "--jobs",
    "data_dir": "--data-dir",
    "val_size": "--val-size",
    "test_size": "--test-size",
}


def run_app() -> None:
    """Run the command; errors that a user can mend are said without a traceback."""
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    warnings.showwarning = _show_warning
    try:
        app()
    except DataScalingError as error:
        print(f"error: {_name_options(str(error))}", file=sys.stderr)
        raise SystemExit(1) from error
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            print(_describe_interruption(sys.argv[1:]), file=sys.stderr)
        raise


def _name_options(message: str) -> str:
    """Return a message with the command's names for the library's arguments."""
    names = "|".join(_OPTIONS)
    # An equals sign follows a setting of an estimator.
    return re.sub(rf"\b({names})\b(?!=)", lambda match: _OPTIONS[match[0]], message)


def _describe_interruption(arguments: list[str]) -> str:
    if arguments and arguments[0] in _KEEPING_VERBS:
        return "interrupted: the draws so far are kept; the same command goes on."
    return "interrupted."


def _show_warning(message: Warning | str, category: Any, *_: Any, **__: Any) -> None:
    print(f"{category.__name__}: {message}", file=sys.stderr)
