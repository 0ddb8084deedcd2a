"""Ctrl-C at any moment: one line that says what is kept, and no traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODE = "from data_scaling.cli import main; print('ready', flush=True); main()"
COMMAND = "sample breast_cancer x.ledger --draws 100000 --jobs 2"


def interrupt(folder: Path, seconds: float, *, is_drawing: bool) -> tuple[int, str]:
    """Interrupt all processes of a command, as a terminal does.

    ``seconds`` after it began to be imported, or to draw.
    """
    with subprocess.Popen(
        [sys.executable, "-c", CODE, *COMMAND.split()],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Where the tests run in the background of a shell, the signal is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout.readline() == "ready\n"
        while is_drawing and not (folder / "x.ledger").exists():
            time.sleep(0.01)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, told = process.communicate()
    return process.returncode, told


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_an_interruption_of_the_imports_is_told_in_one_line(tmp_path, seconds):
    assert interrupt(tmp_path, seconds, is_drawing=False) == (130, "interrupted.\n")


@pytest.mark.parametrize("seconds", [0.3, 0.8, 2.0])
def test_an_interruption_of_workers_that_start_or_draw_is_told_in_one_line(
    tmp_path, seconds
):
    told = "interrupted: the draws so far are kept; the same command goes on.\n"
    assert interrupt(tmp_path, seconds, is_drawing=True) == (130, told)
