"""The progress bar shows itself to a person, and to nobody else."""

import sys
from types import SimpleNamespace

import pytest

from data_scaling._progress import open_bar


def pretend_shell(monkeypatch, config):
    shell = SimpleNamespace(config=config)
    module = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", module)


@pytest.mark.parametrize(
    ("config", "is_wanted", "is_shown"),
    [
        ({"IPKernelApp": {}}, True, True),
        ({"IPKernelApp": {}}, False, False),
        ({}, True, False),
    ],
)
def test_a_notebook_shows_counts_rate_and_failures(
    monkeypatch, capsys, config, is_wanted, is_shown
):
    pretend_shell(monkeypatch, config)
    with open_bar(10, 60, wanted=is_wanted) as bar:
        bar.set_postfix(failed=3, refresh=False)
        bar.update(50)
    shown = capsys.readouterr().err
    assert bool(shown) == is_shown
    if is_shown:
        assert "60/60" in shown
        assert "draw/s" in shown
        assert "failed=3" in shown


@pytest.mark.parametrize(("is_terminal", "width"), [(True, 72), (False, None)])
def test_only_a_terminal_is_told_its_width(monkeypatch, is_terminal, width):
    """In a notebook the number would be the pixels that the bar is squeezed into."""
    pretend_shell(monkeypatch, {"IPKernelApp": {}})
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setattr("data_scaling._progress.tqdm", lambda **named: named)
    asked = open_bar(0, 60, wanted=True)
    assert asked["ncols"] == width
    assert not asked["disable"]
