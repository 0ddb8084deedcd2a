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
