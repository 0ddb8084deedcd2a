"""The page in a real browser: what it says, and how it can be read and reached."""

import csv
import io
import re
from dataclasses import replace

import numpy as np
import pytest
from map_places import find_alone
from PIL import Image
from planted_runs import make_run

from data_scaling.datasets import Previews
from data_scaling.laws import FitStatus
from data_scaling.ranking import rank_points
from data_scaling.report import write_report

NO_LAW = (4, 61)
SEEN = "name => getComputedStyle(document.documentElement).getPropertyValue(name)"
# Whether the map has the colour of help and no fading at a place of its canvas.
LOOKS = """([x, y, helps, isSure]) => {
  const dots = document.getElementById("dots");
  const ratio = dots.width / dots.getBoundingClientRect().width;
  const at = [Math.round(x * ratio), Math.round(y * ratio)];
  const [red, , blue, alpha] = dots.getContext("2d").getImageData(...at, 1, 1).data;
  return blue > red === helps && alpha > 200 === isSure && alpha > 0;
}"""
READ_OFTEN = """const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind) {
  return real.call(this, kind, {willReadFrequently: kind === "2d"});
};"""
IS_INSIDE = """name => {
  const e = document.querySelector(name).getBoundingClientRect();
  return e.top >= -1 && e.top < innerHeight / 2;
}"""


def paint(color):
    file = io.BytesIO()
    Image.new("RGB", (8, 6), color).save(file, "PNG")
    return file.getvalue()


def make_previews():
    columns = {
        "town": np.array([f"town <i>{i}</i>" for i in range(100)], dtype=object),
        "size": np.arange(100) / 4,
    }
    thumbnails = [paint((i, 200, 20)) if i % 2 else b"" for i in range(100)]
    return Previews(100, columns=columns, thumbnails=thumbnails)


@pytest.fixture(scope="module")
def run():
    """Two points have no law: all their draws failed."""
    run = make_run(previews=make_previews(), seconds=75.0)
    coefficients, status = run.laws.coefficients.copy(), run.laws.status.copy()
    delta, n_draws = run.contributions.delta.copy(), run.laws.n_draws.copy()
    for point in NO_LAW:
        coefficients[point], delta[point], n_draws[point] = np.nan, np.nan, 0
        status[point] = FitStatus.TOO_FEW_DRAWS
    parts = {"coefficients": coefficients, "status": status, "n_draws": n_draws}
    laws = replace(run.laws, **parts)
    draws = replace(run.contributions, delta=delta)
    return replace(run, laws=laws, contributions=draws)


@pytest.fixture(scope="module")
def path(run, tmp_path_factory):
    return write_report(run, tmp_path_factory.mktemp("reading") / "report.html")


def list_rows(page):
    return [
        int(i) for i in page.locator("#rows tr:visible td button").all_inner_texts()
    ]


def test_the_summary_says_what_was_drawn_and_how_the_ranking_changes(
    run, path, open_page
):
    page = open_page(path)
    said = page.locator("#facts").inner_text()
    ranking = rank_points(run.laws, [100, 1000])
    assert "planted" in said
    assert "100 points, 3 features, 3 classes" in said
    assert "logreg" in said
    assert "log_loss on 50 validation points" in said
    assert "2,000" in said
    assert "20 per point, k = 100 to 1,000; 40 failed" in said
    assert "1 min 15 s" in said
    assert "98 converged, 2 too few draws; not tested on fresh draws" in said
    assert f"{9 - ranking.shared_best(9)} of 9" in said
    assert f"rank correlation {ranking.rank_correlation():.2f}" in said
    assert page.locator("#notes").inner_text() == (
        "2 points without a law (too few draws, or no fit) come last and are not on "
        "the map."
    )


def test_the_drawn_sizes_and_the_pool_are_marked_on_the_slider(path, open_page):
    page = open_page(path)
    whole, fitted = (page.locator(name).bounding_box() for name in ("#size", "#fitted"))
    assert fitted["x"] == pytest.approx(whole["x"], abs=1)
    share = np.log(1000 / 100) / np.log(1001 / 100)
    assert fitted["width"] == pytest.approx(share * whole["width"], abs=1)
    page.locator("#marks button", has_text="ten times the pool").click()
    page.wait_for_function("document.getElementById('exact').value === '1001'")
    said = page.locator("#reach").inner_text()
    assert said == "extrapolated: 1.0 times the largest size drawn"


def test_a_row_shows_its_fields_and_its_picture(path, open_page):
    page = open_page(path, "#point=33")
    page.wait_for_selector("#law-log .plot-container")
    fields = page.locator("#preview dt, #preview dd").all_inner_texts()
    assert fields == ["town", "town <i>33</i>", "size", "8.25"]
    assert page.locator("#preview i").count() == 0
    page.wait_for_function("document.querySelector('#preview img').complete")
    size = page.locator("#preview img").evaluate(
        "i => [i.naturalWidth, i.naturalHeight]"
    )
    assert size == [8, 6]
    page.evaluate("location.hash = '#point=34'")
    page.wait_for_function(
        "document.querySelector('#preview dd').textContent.includes('34')"
    )
    assert page.locator("#preview img").count() == 0


def test_points_without_a_law_come_last_and_are_found(run, path, open_page, tmp_path):
    page = open_page(path, "#k=300")
    assert (
        page.locator("#table-caption").inner_text().startswith("100 points at k = 300")
    )
    for _ in range(4):
        page.locator("#next").click()
    assert list_rows(page)[-2:] == [5000 + point for point in NO_LAW]
    cells = page.locator("#rows tr").last.locator("td").all_inner_texts()
    assert [cells[j] for j in (0, 3, 4, 5)] == ["–", "–", "–", "–"]
    with page.expect_download() as download:
        page.locator("#export").click()
    download.value.save_as(tmp_path / "ranking.csv")
    with (tmp_path / "ranking.csv").open(newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert (last["row"], last["rank"], last["psi"], last["climbed"]) == (
        "5061",
        "",
        "",
        "",
    )
    page.locator("#search").fill("5004")
    page.locator("#search").press("Enter")
    page.wait_for_selector("#law-log .plot-container")
    assert list_rows(page) == [5004]
    assert (
        page.locator("#table-caption")
        .inner_text()
        .startswith("1 point matching “5004”")
    )
    caption = page.locator("#law-caption").inner_text()
    assert caption.replace("\u00a0", " ").endswith(
        "0 of 0 draws shown · fit: too few draws. Fewer than three usable draws, so "
        "there is no law; add draws."
    )


def test_the_map_takes_its_colours_from_the_chosen_size(run, path, open_page):
    """Blue helps, orange harms, and what is not sure fades."""
    page = open_page(path, "#k=100", script=READ_OFTEN)
    psi = run.laws.psi([100, 1000])
    low, high = run.laws.interval([100, 1000])
    is_sure = (low > 0) | (high < 0)
    fades = is_sure[:, 0] & ~is_sure[:, 1]
    for sign in (1, -1):
        turns = (sign * psi[:, 0] > 0) & (sign * psi[:, 1] < 0)
        point, at = find_alone(page, run, fades & turns)
        for j, k in enumerate((100, 1000)):
            page.evaluate(f"location.hash = '#k={k}'")
            looks = [bool(psi[point, j] > 0), bool(is_sure[point, j])]
            # The map follows the table; if it never does, this times out.
            page.wait_for_function(LOOKS, arg=[*at, *looks], timeout=30_000)


def test_skipping_to_the_ranking_keeps_what_was_chosen(path, open_page):
    page = open_page(path, "#k=640&order=harmful&point=7")
    page.wait_for_function("location.hash.includes('k=640')")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'table-card'")
    page.wait_for_function("location.hash === '#k=640&order=harmful&point=7'")
    assert page.locator("#exact").input_value() == "640"
    assert page.locator("#order").input_value() == "harmful"
    page.wait_for_function(IS_INSIDE, arg="#table-card")


def test_the_link_is_copied(path, open_page):
    page = open_page(path, "#k=640")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#exact").fill("650")
    page.locator("#exact").press("Enter")
    page.wait_for_function("location.hash === '#k=650'")
    page.locator("#link").click()
    page.wait_for_function(
        "document.getElementById('link').textContent === 'Link copied'"
    )
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert page.url.endswith("#k=650")


def test_the_way_to_a_law_out_of_sight_is_shown(path, open_page):
    page = open_page(path)
    assert page.locator("#to-law").is_hidden()
    page.locator("#rows button").first.click()
    page.locator("#to-law", has_text="law of row").click()
    page.wait_for_function("document.activeElement.id === 'law-card'")
    page.wait_for_selector("#to-law", state="hidden")
    page.wait_for_function(IS_INSIDE, arg="#law-card")  # it scrolls smoothly


def test_colours_change_by_a_button_and_stay_in_the_link(path, open_page):
    page = open_page(path, scheme="dark")
    dark = page.evaluate(SEEN, "--page")
    assert page.locator("#theme").get_attribute("aria-label") == "Use light colours"
    page.locator("#theme").click()
    page.wait_for_function("location.hash.includes('theme=light')")
    assert page.evaluate(SEEN, "--page") != dark
    again = open_page(path, page.evaluate("location.hash"), scheme="dark")
    assert again.evaluate(SEEN, "--page") == page.evaluate(SEEN, "--page")


def test_a_link_without_a_point_shows_none(path, open_page):
    page = open_page(path, "#point=7")
    page.wait_for_selector("#law-log .plot-container")
    page.evaluate("location.hash = '#k=300'")
    page.wait_for_selector("#law-empty:visible")
    assert page.locator("#law-title").inner_text() == "Law of a point"
    assert page.locator("#law-caption").inner_text() == ""


def test_a_finger_scrolls_the_map_until_it_is_to_select(path, open_page):
    page = open_page(path, width=390, has_touch=True, is_mobile=True)
    pressed = "#map-card button[aria-pressed=true]"
    mode = "document.getElementById('map').layout.dragmode"
    assert (page.locator(pressed).count(), page.evaluate(mode)) == (0, False)
    page.locator("[data-drag=lasso]").tap()
    page.wait_for_function(f"{mode} === 'lasso'")
    assert page.locator(pressed).inner_text() == "Select"
    page.locator("[data-drag=lasso]").tap()
    page.wait_for_function(f"{mode} === false")
    assert page.locator(pressed).count() == 0


def test_everything_is_reached_by_keyboard(path, open_page):
    """In the order of the page, and never off the screen for long."""
    page = open_page(path)
    names = []
    for _ in range(80):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "(() => { const e = document.activeElement;"
            " return e.id || e.dataset.drag || e.className || e.textContent; })()"
        )
        if names and name == names[0]:
            break
        names.append(name)
    wanted = "theme exact size lasso zoom pan reset order class search next link export"
    assert [name for name in names if name in wanted.split()] == wanted.split()
    assert sum(bool(re.fullmatch(r"5\d{3}", name)) for name in names) == 20
