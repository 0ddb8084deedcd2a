"""What README and docs say is so: their examples run, their links and options exist."""

import doctest
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_scaling.cli.app import app
from data_scaling.datasets import dataset_names
from data_scaling.learners import LEARNERS
from data_scaling.metrics import METRICS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^\$ (data-scaling .*)$", re.MULTILINE)


def list_commands():
    for page in PAGES:
        for match in COMMAND.finditer(page.read_text(encoding="utf-8")):
            yield shlex.split(match.group(1))[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_run(page):
    result = doctest.testfile(str(page), module_relative=False)
    assert result.failed == 0


def test_the_readme_has_python_examples():
    parser = doctest.DocTestParser()
    assert len(parser.get_examples(PAGES[0].read_text(encoding="utf-8"))) > 10


@pytest.mark.parametrize("command", list(list_commands()), ids=" ".join)
def test_commands_and_options_exist(command):
    verb, options = command[0], {word for word in command if word.startswith("--")}
    shown = CliRunner().invoke(app, [verb, "--help"])
    assert shown.exit_code == 0
    assert options <= set(re.findall(r"--[a-z-]+", shown.output))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def test_the_readme_lists_all_names():
    text = PAGES[0].read_text(encoding="utf-8")
    for name in (*LEARNERS, *METRICS, *dataset_names()):
        assert f"`{name}`" in text, name


def test_the_readme_names_the_targets_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(
        r"(?:`|\$ )make ([a-z]+)", PAGES[0].read_text(encoding="utf-8")
    ):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_page_is_about_the_project_alone():
    """No page holds a path of the machine that it was written on."""
    for page in [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.])/(work|home|root|tmp)/", text), page
