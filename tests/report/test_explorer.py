"""The page in a real browser, without a network: what a person does with it."""

import csv
import re
import time

import numpy as np
import pytest
from map_places import find_alone
from planted_runs import make_run

from data_scaling.datasets import Previews
from data_scaling.learning_curve import LearningCurve
from data_scaling.ranking import rank_points
from data_scaling.report import write_report
from data_scaling.validation import validate_laws

EVIL = '<script>document.title="broken"</script> said "it\'s" & <b>left</b>'
MOVE = """k => {
  const exact = document.getElementById("exact");
  exact.value = k; exact.dispatchEvent(new Event("change"));
  return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
DRAG = """step => new Promise(done => {
  const slider = document.getElementById("size");
  const body = document.getElementById("rows");
  const start = performance.now();
  const watcher = new MutationObserver(() => {
    watcher.disconnect(); done(performance.now() - start);
  });
  watcher.observe(body, {subtree: true, childList: true, characterData: true});
  slider.value = step; slider.dispatchEvent(new Event("input"));
})"""
GO = """state => new Promise(done => {
  addEventListener("hashchange", () => requestAnimationFrame(done), {once: true});
  location.hash = state;
})"""
FADED = """[...document.querySelectorAll("#rows tr:not([hidden])")].map(
  row => [Number(row.querySelector("button").textContent),
          row.classList.contains("faded")])"""
# Tables that run out of what they stand in.
SPILLS = """[...document.querySelectorAll("table")].filter(
  table => table.getBoundingClientRect().right
    > table.parentElement.getBoundingClientRect().right + 1
).map(table => table.id)"""
NO_WEBGL = """const real = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith("webgl") ? null : real.call(this, kind, ...rest);
};"""


@pytest.fixture(scope="module")
def run():
    texts = [f"review {i} of a film" for i in range(100)]
    texts[17] = EVIL
    plain = make_run(previews=Previews(100, texts))
    means = validate_laws(plain.laws, plain.contributions)
    k = np.arange(100, 900)
    curve = LearningCurve(k, -0.3 - 2.0 / k**0.7, metric="log_loss", unit="nats")
    previews = plain.points.previews
    return make_run(previews=previews, validation=means, curve=curve, seconds=75.0)


@pytest.fixture(scope="module")
def path(run, tmp_path_factory):
    return write_report(run, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module", params=["expansion", "power", "likelihood"])
def family_run(request, tmp_path_factory):
    run = make_run(family=request.param, n_points=300)
    folder = tmp_path_factory.mktemp(request.param)
    return run, write_report(run, folder / "report.html")


def list_rows(page):
    return [
        int(i) for i in page.locator("#rows tr:visible td button").all_inner_texts()
    ]


def best_row(run, k):
    return int(run.points.row_ids[np.argmax(run.laws.psi(k))])


def test_moving_the_size_ranks_as_the_laws_do(family_run, open_page, tmp_path):
    run, path = family_run
    page = open_page(path)
    seen = set()
    for k in (100, 230, 700, 1000, 3000, 450):
        page.evaluate(MOVE, k)
        expected = run.points.row_ids[np.argsort(-run.laws.psi(k))[:20]]
        assert list_rows(page) == expected.tolist(), k
        seen.add(best_row(run, k))
    assert len(seen) > 1
    table = export(page, tmp_path)
    low, high = run.laws.interval(450)
    points = [int(row["point"]) for row in table]
    assert points == np.argsort(-run.laws.psi(450)).tolist()
    for name, values in (("psi", run.laws.psi(450)), ("low", low), ("high", high)):
        shown = [float(row[name]) for row in table]
        np.testing.assert_allclose(shown, values[points], rtol=1e-4, atol=1e-10)


def test_intervals_and_what_is_sure_are_those_of_the_laws(
    family_run, open_page, tmp_path
):
    """Numbers, fading and the order by certainty, at both ends of the slider too."""
    run, path = family_run
    page = open_page(path)
    for k in (100, 317, 3000):
        ranking = rank_points(run.laws, [k])
        show(page, f"k={k}")
        table = {int(row["point"]): row for row in export(page, tmp_path)}
        for name, ends in (("low", ranking.low), ("high", ranking.high)):
            shown = [float(table[point][name]) for point in ranking.points]
            np.testing.assert_allclose(shown, ends[:, 0], rtol=1e-4, atol=1e-9)
        is_sure = (ranking.low[:, 0] > 0) | (ranking.high[:, 0] < 0)
        assert 0 < is_sure.sum() < len(is_sure)
        caption = page.locator("#table-caption").inner_text()
        assert f"of {is_sure.sum()} it is sure" in caption
        for row, is_faded in page.evaluate(FADED):
            assert is_faded != is_sure[row - 5000]
        for order, rows in (
            ("sure", ranking.surely_valuable(0, 20)),
            ("sure-harmful", ranking.surely_harmful(0, 20)),
        ):
            show(page, f"k={k}&order={order}")
            assert list_rows(page) == run.points.row_ids[rows].tolist()


def show(page, state):
    page.evaluate(GO, state)


def test_the_band_is_the_interval_at_every_size(family_run, open_page):
    run, path = family_run
    page = open_page(path)
    for point in (3, 40, 77):
        show(page, f"point={point}")
        page.wait_for_selector(f"#law-linear[aria-label*='row {5000 + point}:']")
        k, ends = page.evaluate(
            "(() => { const d = document.getElementById('law-linear').data[2];"
            " return [d.x, d.y]; })()"
        )
        n_sizes, law = len(k) // 2, run.laws.take([point])
        low, high = law.interval(np.array(k[:n_sizes]))
        far = np.max(np.abs(ends))
        expected = np.concatenate([high[0], low[0][::-1]]).clip(-far, far)
        np.testing.assert_allclose(ends, expected, rtol=1e-4, atol=1e-6 * far)


def test_the_slider_moves_the_size(run, path, open_page):
    page = open_page(path)
    page.locator("#size").focus()
    page.keyboard.press("End")
    page.wait_for_function("document.getElementById('exact').value === '1001'")
    assert list_rows(page)[0] == best_row(run, 1001)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.getElementById('exact').value === '999'")
    page.keyboard.press("Home")
    page.wait_for_function("document.getElementById('exact').value === '100'")
    assert list_rows(page)[0] == best_row(run, 100)


def test_a_size_that_is_not_shown_is_named(path, open_page):
    page = open_page(path)
    for asked, nearest in ((0, 100), (10**9, 1001)):
        page.evaluate(MOVE, asked)
        assert page.locator("#exact").input_value() == str(nearest)
        said = page.locator("#reach").inner_text()
        assert said == f"{asked:,} is not among the sizes shown, 100 to 1,001"
    page.evaluate(MOVE, 640)
    assert page.locator("#reach").inner_text() == "within the sizes that were drawn"


def export(page, tmp_path):
    with page.expect_download() as download:
        page.locator("#export").click()
    download.value.save_as(tmp_path / "ranking.csv")
    with (tmp_path / "ranking.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_csv_holds_the_whole_ranking(run, path, open_page, tmp_path):
    table = export(open_page(path, "#k=800"), tmp_path)
    assert [int(row["rank"]) for row in table] == list(range(1, 101))
    order = np.argsort(-run.laws.psi(800))
    assert [int(row["row"]) for row in table] == run.points.row_ids[order].tolist()
    codes = run.points.target[order]
    assert [row["class"] for row in table] == [run.points.classes[c] for c in codes]


def test_a_click_on_the_map_shows_the_law_of_the_point(run, path, open_page):
    page = open_page(path, "#k=300")
    row, place = find_alone(page, run)
    box = page.locator("#dots").bounding_box()
    x, y = box["x"] + place[0], box["y"] + place[1]
    page.mouse.move(x, y)
    name = run.points.row_ids[row]
    assert page.locator("#tip").inner_text().startswith(f"row {name} ")
    page.mouse.click(x, y)
    page.wait_for_selector("#law-log .plot-container")
    assert page.locator("#law-title").inner_text() == f"Law of row {name}"
    assert "20 of 20 draws shown" in page.locator("#law-caption").inner_text()


def test_a_law_shows_its_draws(run, path, open_page):
    page = open_page(path, "#point=40")
    page.wait_for_selector("#law-linear .plot-container")
    shown = page.evaluate(
        "(() => { const d = document.getElementById('law-linear').data[1];"
        " return [d.x, d.y]; })()"
    )
    draws = run.contributions.take([40])
    np.testing.assert_allclose(shown[0], draws.cardinality[0], rtol=0.006)
    scale = np.max(np.abs(draws.delta[0] * draws.cardinality[0]))
    bound = 0.03 * np.abs(draws.delta[0]) + 1e-4 * scale / draws.cardinality[0]
    assert (np.abs(np.array(shown[1]) - draws.delta[0]) < bound).all()


def test_search_finds_a_row_and_enter_chooses_it(path, open_page):
    page = open_page(path)
    page.locator("#search").fill("5042")
    page.wait_for_function(
        "document.querySelectorAll('#rows tr:not([hidden])').length === 1"
    )
    assert list_rows(page) == [5042]
    page.locator("#search").press("Enter")
    page.wait_for_selector("#law-log .plot-container")
    assert page.locator("#law-title").inner_text() == "Law of row 5042"
    page.locator("#search").fill("review 7 of")
    page.wait_for_function(
        "document.querySelector('#rows button').textContent === '5007'"
    )


def test_text_of_the_data_shows_as_text(path, open_page):
    page = open_page(path, "#point=17")
    page.wait_for_selector("#law-log .plot-container")
    assert page.locator("#preview p").last.inner_text() == EVIL
    assert page.locator("#preview script, #preview b").count() == 0
    assert page.title() == "planted: scaling laws"


def test_a_link_keeps_size_choice_and_selection(run, path, open_page):
    page = open_page(path)
    page.evaluate(MOVE, 640)
    box = page.locator("#dots").bounding_box()
    at = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.6), (0.1, 0.6)]
    places = [
        (box["x"] + a * box["width"], box["y"] + b * box["height"]) for a, b in at
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in [*places[1:], places[0]]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()
    page.wait_for_selector("#clear:visible")
    selected = page.locator("#table-caption").inner_text()
    n_selected = int(re.match(r"\d+", selected)[0])
    assert 0 < n_selected < 100
    page.locator("#rows button").first.click()
    page.wait_for_function("location.hash.includes('point=')")
    again = open_page(path, page.evaluate("location.hash"))
    assert again.locator("#exact").input_value() == "640"
    assert again.locator("#table-caption").inner_text() == selected
    assert list_rows(again) == list_rows(page)
    title = page.locator("#law-title").inner_text()
    assert again.locator("#law-title").inner_text() == title


def test_all_figures_are_drawn(path, open_page):
    page = open_page(path)
    titles = page.locator("#figures h3").all_inner_texts()
    assert titles == [
        "Exponents α",
        "Scales |c|",
        "Noise σ",
        "Noise exponents β",
        "Fit quality",
        "Agreement with fresh draws",
        "Learning curve",
    ]
    assert page.locator("#figures .plot-container").count() == len(titles)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_nothing_serious_is_found_by_axe(scheme, width, path, axe, open_page):
    page = open_page(path, "#point=17&k=2000", width=width, scheme=scheme)
    page.wait_for_selector("#law-log .plot-container")
    page.evaluate(axe)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (rule["id"], [node["target"] for node in rule["nodes"]][:3])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "family"),
    [("", "expansion"), (NO_WEBGL, "expansion"), ("", "likelihood")],
    ids=["webgl", "no-webgl", "likelihood"],
)
def test_many_points_stay_fluid(script, family, tmp_path, open_page):
    """25,000 points and 100 draws each: under 15 MB, and 100 ms from move to table."""
    texts = [f"review {i}: " + "a film of some length " * 8 for i in range(25_000)]
    previews = Previews(25_000, texts)
    run = make_run(25_000, family, n_draws=100, previews=previews)
    path = write_report(run, tmp_path / "many.html")
    assert path.stat().st_size < 15e6
    page = open_page(path, script=script)
    took = []
    for step in range(30, 980, 47):
        took.append(page.evaluate(DRAG, step))
        k = int(page.locator("#exact").input_value())
        assert list_rows(page)[0] == best_row(run, k)
    assert np.median(took) < 100, took


@pytest.mark.slow
def test_a_million_points_come_out(tmp_path, open_page):
    start = time.monotonic()
    run = make_run(1_000_000, n_draws=3)
    path = write_report(run, tmp_path / "million.html")
    assert time.monotonic() - start < 100
    assert path.stat().st_size < 15e6
    page = open_page(path)
    for k in (100, 1000, 9000):
        page.evaluate(MOVE, k)
        assert list_rows(page)[0] == best_row(run, k)
    assert "lists 25,000 of 1,000,000 points" in page.locator("#notes").inner_text()
    caption = page.locator("#map-caption").inner_text()
    n_shown, n_without = (
        int(n.replace(",", ""))
        for n in re.findall(r"([\d,]+) points (?:in|wi)", caption)
    )
    assert n_shown + n_without == 1_000_000
    assert n_shown > 990_000


def test_order_and_class_choose_what_is_listed(run, path, open_page):
    page = open_page(path, "#k=200&order=harmful")
    order = np.argsort(run.laws.psi(200))
    assert list_rows(page) == run.points.row_ids[order[:20]].tolist()
    page.locator("#class").select_option("1")
    page.wait_for_function(
        "document.getElementById('table-caption').textContent.includes('bee')"
    )
    bees = order[run.points.target[order] == 1]
    assert list_rows(page) == run.points.row_ids[bees[:20]].tolist()
    labels = set(page.locator("#rows tr:visible td.label").all_inner_texts())
    assert labels == {"bee"}
    assert page.locator("#table-caption").inner_text().startswith(f"{len(bees)} points")


def test_a_row_is_chosen_by_keyboard_and_the_page_fits_every_screen(path, open_page):
    page = open_page(path)
    button = page.locator("#rows button").nth(2)
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#law-log .plot-container")
    name = button.inner_text()
    assert page.locator("#law-title").inner_text() == f"Law of row {name}"
    for width in (1440, 1200, 820, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(SPILLS) == []
        # Plotly redraws a moment after the window has changed.
        page.wait_for_function(
            "width => document.documentElement.scrollWidth <= width", arg=width
        )
        page.wait_for_function(
            "Math.abs(document.querySelector('#map-frame').clientHeight"
            " - document.querySelector('#map .main-svg').clientHeight) <= 2"
        )
        frame, plot = page.evaluate(
            "['#map-frame', '#map .main-svg'].map("
            "name => document.querySelector(name).getBoundingClientRect().height)"
        )
        assert plot == pytest.approx(frame, abs=1)
