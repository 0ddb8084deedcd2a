"""The file: whole, safe and alone."""

import base64
import gzip
import json
import re
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from planted_runs import make_run

from data_scaling.datasets import Previews
from data_scaling.errors import InputError
from data_scaling.report import page as page_module
from data_scaling.report import render_report

FOLDER = files("data_scaling.report").joinpath("page")


@pytest.fixture(scope="module")
def page():
    texts = [f'<img src="https://example.org/{i}.png">' for i in range(100)]
    return render_report(make_run(previews=Previews(100, texts)))


def test_nothing_of_the_page_is_loaded_from_elsewhere():
    for entry in FOLDER.iterdir():
        text = entry.read_text("utf-8")
        assert not re.search(r"https?://|//cdn|@import|url\(", text), entry.name


def test_the_page_holds_plotly_once_and_forbids_the_network(page):
    assert page.count("* plotly.js v") == 1
    assert "default-src 'none'" in page
    assert "connect-src" not in page
    assert "<link" not in page
    assert not re.search(r"<script[^>]+src=", page)


def test_text_of_the_data_is_not_in_the_html(page):
    assert "example.org" not in page
    assert "planted: scaling laws" in page


def name_rows(run, n_characters):
    rng = np.random.default_rng(3)
    letters = rng.choice(list("abcdefghijklmnopqrstuvwxyz"), (100, n_characters))
    names = np.array(["".join(row) for row in letters])
    object.__setattr__(run.points, "row_ids", names)
    return run


def test_a_page_that_is_too_large_lists_fewer_points(monkeypatch):
    """Long identifiers are what neither draws nor previews can make room for."""
    run = name_rows(make_run(), 3000)
    whole = len(render_report(run))
    monkeypatch.setattr(page_module, "_TRIES", ((100, 1.0), (100, 0.1), (50, 0.1)))
    monkeypatch.setattr(page_module, "MAX_BYTES", whole - 80_000)
    assert whole - 200_000 < len(render_report(run)) <= whole - 80_000
    monkeypatch.setattr(page_module, "MAX_BYTES", whole - 250_000)
    with pytest.raises(InputError, match=r"50 points .* up to 3,000 characters"):
        render_report(run)


def test_the_title_is_escaped():
    run = make_run()
    object.__setattr__(run.points, "dataset", "</title><script>bad()</script>")
    assert "bad()" in render_report(run)
    assert "<script>bad()" not in render_report(run)


def test_the_same_run_gives_the_same_file(page):
    run = make_run()
    assert render_report(run) == render_report(run)


def test_a_regression_and_points_without_laws_come_out():
    run = make_run()
    object.__setattr__(run.points, "classes", ())
    object.__setattr__(run.points, "target", np.linspace(0.0, 1.0, 100))
    coefficients = run.laws.coefficients.copy()
    coefficients[:5] = np.nan
    object.__setattr__(run.laws, "coefficients", coefficients)
    assert "{{" not in re.sub(
        r"<script>.*?</script>", "", render_report(run), flags=re.S
    )


def read_payload(page):
    packed = re.search(r'id="payload">([^<]+)<', page)[1]
    block = gzip.decompress(base64.b64decode(packed))
    return json.loads(block[4 : 4 + int.from_bytes(block[:4], "little")])


def test_a_metric_without_a_unit_is_in_units_of_the_utility():
    run = make_run()
    run = replace(run, contributions=replace(run.contributions, unit=""))
    notes = [h["note"] for h in read_payload(render_report(run))["histograms"]]
    assert notes[1] == "in units of the utility at k = 1"


def test_points_without_a_law_say_why_in_a_sentence(page):
    for label, sentence in read_payload(page)["statuses"]:
        assert label
        assert sentence.endswith(".")
