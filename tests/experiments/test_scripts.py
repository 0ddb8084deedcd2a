"""Every script end to end, on a small synthetic dataset; the frames, not the pixels."""

import importlib
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import data_scaling as ds
from data_scaling._machine import describe_machine

FOLDER = Path(__file__).parents[2] / "experiments"
SIZES = ["--min-cardinality", "20", "--max-cardinality", "80"]
SHARED = {
    FOLDER / f"{name}.py"
    for name in ("paths", "options", "records", "former_page", "side_by_side")
}
ONE_JOB = ["--jobs", "1"]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """Folder in which a prepared dataset lies."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(320, 3))
    y = (x[:, 0] + 0.5 * rng.normal(size=320) > 0).astype(int)
    parts = (slice(0, 200), slice(200, 260), slice(260, 320))
    arrays = [array for part in parts for array in (x[part], y[part])]
    folder = tmp_path_factory.mktemp("paper")
    ds.save_dataset(ds.Dataset(*arrays, name="toy"), folder / "toy" / "prepared")
    return folder


@pytest.fixture(scope="module")
def script(out):
    """Run a script by its name in this process."""
    sys.path.insert(0, str(FOLDER))

    def run(name, *arguments):
        main = importlib.import_module(name).main
        main(["-dataset", "toy", "-out", str(out), *arguments])
        return out / "toy" / "logreg"

    yield run
    sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def drawn(script):
    """Draw what all the other scripts need."""
    script("generate_samples", "-num_samples", "60", *SIZES, *ONE_JOB)
    few = ["--num-samples", "6", "--num-cardinalities", "4", "--num-inds", "40"]
    script("generate_samples_validation", *few, *SIZES, *ONE_JOB)
    script("generate_samples_aggregate", "--num-samples", "40", *SIZES, *ONE_JOB)
    reference = ["--kind", "reference", "--seed", "2", "--num-samples", "80"]
    folder = script("generate_samples", *reference, *SIZES, *ONE_JOB)
    for method in ("likelihood", "hierarchical"):
        script("scaling_likelihood", "--method", method)
    return folder


def read_frame(folder, name):
    for ending in (".png", ".pdf"):
        assert (folder / "figures" / name).with_suffix(ending).stat().st_size > 1000
    return pd.read_csv((folder / "figures" / name).with_suffix(".csv"))


def test_the_amortized_network_is_fitted_kept_and_shown(drawn, script):
    script("scaling_amortized", "--method", "hierarchical", "--num-epochs", "2")
    laws = ds.load_laws(drawn / "laws-amortized.npz")
    estimator = ds.AmortizedEstimator.load(drawn / "laws-amortized.safetensors")
    draws = ds.Contributions.load(drawn / "fit.ledger")
    assert np.array_equal(laws.points, draws.points)
    assert estimator.method == "hierarchical"
    frame = read_frame(drawn, "amortized.png")
    assert len(frame) == 40
    means = laws.take(frame["point"].to_numpy())
    np.testing.assert_allclose(frame["psi at 80_laws"], means.psi(80), rtol=1e-4)


def test_draws_and_laws_are_those_of_the_settings(drawn):
    draws = ds.Contributions.load(drawn / "fit.ledger")
    assert draws.delta.shape == (200, 60)
    # A point inside its coalition is drawn at one size less.
    assert 19 <= draws.cardinality.min() < draws.cardinality.max() <= 80
    plan = ds.describe_ledger(drawn / "validation.ledger").header.plan
    assert plan.cardinalities == (20, 31, 50, 80)
    laws = ds.load_laws(drawn / "laws-likelihood.npz")
    expected = ds.LikelihoodEstimator().fit(draws).psi(50)
    np.testing.assert_array_equal(laws.psi(50), expected)


def test_shards_are_combined_to_the_whole(drawn, script):
    for shard in ("1/2", "2/2"):
        few = ["--num-samples", "60", "--kind", "parts", "--shard", shard]
        script("generate_samples", *few, *SIZES, *ONE_JOB)
    script("combine_samples", "--kind", "parts")
    combined = ds.Contributions.load(drawn / "parts.ledger")
    whole = ds.Contributions.load(drawn / "fit.ledger")
    assert combined.delta.tobytes() == whole.delta.tobytes()


def test_combining_nothing_says_where_it_looked(drawn, script, capsys):
    with pytest.raises(SystemExit):
        script("combine_samples", "--kind", "nothing")
    assert "holds no shards of nothing.ledger" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "validation-log"),
        (["-held_out"], "validation-log-held-out"),
        (["--method", "hierarchical"], "validation-hierarchical"),
    ],
)
def test_figure_1_lists_every_mean(drawn, script, capsys, arguments, name):
    script("plot_validation", *arguments)
    frame = read_frame(drawn, name)
    assert len(frame) == 40 * 4
    assert frame.n_draws.iloc[0] == (3 if "held" in name else 6)
    said = capsys.readouterr().out
    pooled = float(said.partition("R2 pooled: ")[2].split()[0])
    left = (frame["mean"] - frame.predicted).pow(2).mean()
    assert pooled == pytest.approx(1 - left / frame["mean"].var(ddof=0), rel=1e-3)


def test_ten_kinds_of_histogram(drawn, script):
    script("plot_histogram")
    frames = sorted((drawn / "figures").glob("histogram-*.csv"))
    assert len(frames) == 10
    alpha = pd.read_csv(drawn / "figures" / "histogram-alpha.csv")
    laws = ds.load_laws(drawn / "laws-likelihood.npz")
    np.testing.assert_allclose(alpha.alpha, laws.alpha[:40])
    assert set(alpha.panel) == {"toy, logreg"}


def test_distances_are_those_to_the_boundary(drawn, script):
    script("plot_distance", "--cardinality", "50")
    frame = read_frame(drawn, "distance-likelihood")
    assert len(frame) == 200
    assert frame.distance.median() > 0
    assert frame.groupby("label").alpha_pearson.nunique().tolist() == [1, 1]


def test_estimates_are_studied_by_draws_and_size(drawn, script):
    script("plot_scaling_estimates", "--num-samples", "10,60")
    frame = read_frame(drawn, "estimates-validation-r2")
    assert set(frame.method) >= {"likelihood", "hierarchical"}
    assert sorted(set(frame.n_draws)) == [10, 60]
    assert sorted(set(frame.cardinality)) == [20, 31, 50, 80]


def test_the_learning_curve_and_its_law(drawn, script):
    script("plot_aggregate_scaling")
    frame = read_frame(drawn, "aggregate")
    assert len(frame) == 40
    np.testing.assert_allclose(frame.error - frame.predicted, frame.residual)


def test_values_are_judged_by_other_draws(drawn, script):
    script("test_data_valuation", "--num-samples", "10,60")
    frame = read_frame(drawn, "valuation").set_index(["method", "n_draws"])
    draws = ds.Contributions.load(drawn / "fit.ledger")
    reference = ds.monte_carlo_values(ds.Contributions.load(drawn / "reference.ledger"))
    expected = ds.agreement(ds.monte_carlo_values(draws), reference)
    assert frame.loc[("Monte Carlo", 60), "mse"] == pytest.approx(expected.mse)
    assert len(frame) % 2 == 0


def test_points_are_added_and_the_repetitions_are_kept(drawn, script):
    settings = ["--kind", "fit", "--num-points", "10", "--sizes", "20,50", *ONE_JOB]
    script("test_point_addition", "--repetitions", "30", *settings)
    frame = read_frame(drawn, "additions-hierarchical-10")
    assert frame.selection.nunique() == 6
    assert set(frame.cardinality) == {20, 50}
    assert set(frame.n_repetitions) == {30}
    first = drawn / "additions-hierarchical-10" / "part-000000-25.npz"
    written = first.stat().st_mtime_ns
    script("test_point_addition", "--repetitions", "30", *settings)
    pd.testing.assert_frame_equal(read_frame(drawn, "additions-hierarchical-10"), frame)
    assert first.stat().st_mtime_ns == written

    script("test_point_addition", "--repetitions", "4", *settings, "--part=validation")
    other = read_frame(drawn, "additions-hierarchical-10-validation")
    assert set(other.n_repetitions) == {4}
    assert first.stat().st_mtime_ns == written


def test_linear_regression_is_held_against_theory(script, out, capsys):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1100, 3))
    y = x.sum(axis=1) + rng.normal(size=1100)
    parts = (slice(0, 600), slice(600, 1100))
    arrays = [array for part in parts for array in (x[part], y[part])]
    ds.save_dataset(ds.Dataset(*arrays, name="line"), out / "line" / "prepared")
    line = ["--dataset", "line", "--model", "linreg"]
    few = ["--num-samples", "40", "--num-cardinalities", "4", "--num-inds", "50"]
    script("generate_samples_validation", *line, *few, *SIZES, *ONE_JOB)
    script("compare_theory", *line)
    said = capsys.readouterr().out
    assert "pearson_of_second" in said
    frame = read_frame(out / "line" / "linreg", "theory")
    assert len(frame) == 50
    assert np.corrcoef(frame["mean"], frame.predicted)[0, 1] > 0.8


def test_flipped_labels_are_looked_for(drawn, script):
    settings = ["--num-samples", "30", "--sizes", "20,80", *SIZES, *ONE_JOB]
    script("find_mislabelled", *settings)
    frame = read_frame(drawn, "mislabelled")
    assert len(frame) == 8
    assert frame.auc.is_monotonic_decreasing
    assert (frame.auc > 0.5).all()


def write_record(out, command, output):
    records = importlib.import_module("records")
    records.write_record(out, records.Record(command, output, 1.0))


def test_the_reproduction_runs_what_is_missing_and_writes_a_page(
    drawn, out, script, tmp_path, capsys
):
    steps, page = tmp_path / "steps.toml", tmp_path / "docs" / "page.md"
    steps.write_text("""
[[table]]
title = "R2"
columns = [["pooled", "R2 pooled"], ["at 7", "R2 at 7"]]
paper = [{what = "paper", cells = ["0.5", "-"]}]
rows = [{what = "toy", command = "plot_validation -dataset toy"}]
[[table]]
title = "Both"
rows_of = "R2"
columns = [["averaged", "R2 averaged over sizes"]]
[[table]]
title = "Boundary"
index = ["what", "label"]
cells = {alpha = "{alpha_pearson:.3f}", c = "{log_c_pearson:.3f}"}
[[table.rows]]
what = "toy"
command = "plot_distance -dataset toy"
file = "toy/logreg/figures/distance-likelihood.csv"
[[section]]
title = "Figure 1"
paper = "R2 0.987"
note = "Not the same data."
commands = ["generate_samples_validation -dataset toy", "plot_validation -dataset toy"]
figures = ["toy/logreg/figures/validation-log.png", "toy/logreg/figures/none.png"]
[[section]]
title = "Left"
paper = "None."
commands = ["plot_distance -dataset toy"]
""")
    arguments = ["--steps", str(steps), "--page", str(page)]
    drawing = "plan 6 draws; seed 1\ntime     7 s of drawing\n"
    write_record(out, "generate_samples_validation -dataset toy", drawing)
    script("reproduce", *arguments, "--sections", "figure")
    assert "$ plot_validation -dataset toy" in capsys.readouterr().out
    text = page.read_text()
    said = text.partition("R2 pooled: ")[2].split()[0]
    assert f"| paper | 0.5 | - |\n| toy | {said} | - |" in text
    assert "| toy | `plot_validation -dataset toy` | 7 s | 1 | " in text
    assert "Rows and commands are those of *R2*." in text
    assert "| toy | `plot_distance -dataset toy` | not yet | - | not yet | - |" in text
    assert "**Paper.** R2 0.987" in text
    machine, _, load = describe_machine().partition("; load ")
    assert f"\n- {machine}; load " in text
    assert float(load) >= 0
    assert "## Not yet run\n\n- `plot_distance -dataset toy`" in text
    assert str(out) not in text
    assert (
        text.count("![Figure 1: toy](reproduction/toy-logreg-validation-log.png)") == 1
    )
    assert (page.parent / "reproduction" / "toy-logreg-validation-log.png").exists()
    assert "none.png" not in text

    script("reproduce", *arguments, "--sections", "figure")
    assert "$" not in capsys.readouterr().out
    assert page.read_text() == text
    script("reproduce", *arguments)
    text = page.read_text()
    assert "Not yet run" not in text
    frame = read_frame(drawn, "distance-likelihood").groupby("label").first()
    for label, row in frame.iterrows():
        cells = f"| {row.alpha_pearson:.3f} | {row.log_c_pearson:.3f} |"
        assert f"| toy | {label} {cells}" in text

    # Elsewhere nothing has been run, and the page stands as it is.
    elsewhere = ["--out", str(tmp_path / "elsewhere"), "--write-only"]
    script("reproduce", *arguments, *elsewhere)
    assert page.read_text() == text
    # What is run there is new, with all that is of its section; the rest is kept.
    output = "R2 pooled: 0.25\n"
    write_record(tmp_path / "elsewhere", "plot_validation -dataset toy", output)
    script("reproduce", *arguments, *elsewhere)
    renewed = page.read_text()
    assert "| toy | 0.25 | - |" in renewed
    assert renewed.count("R2 pooled: ") == 1
    assert "## Not yet run\n\n- `generate_samples_validation" in renewed
    for kept in ("### Boundary", "## Left"):
        part = text.partition(kept)[2].partition("\n\n##")[0].strip()
        assert part
        assert part in renewed
    # A command with other settings has not been run.
    steps.write_text(steps.read_text().replace("plot_distance -", "plot_distance  -"))
    script("reproduce", *arguments, *elsewhere)
    assert "- `plot_distance  -dataset toy`" in page.read_text()
    assert f"| toy | {label} {cells}" not in page.read_text()


def test_a_section_that_needs_another_device_is_left_out(script, tmp_path, capsys):
    steps, page = tmp_path / "steps.toml", tmp_path / "page.md"
    steps.write_text("""
[[section]]
title = "Many"
device = "abacus"
paper = "None."
commands = ["generate_samples_validation -dataset toy -model mlp --device abacus"]
""")
    script("reproduce", "--steps", str(steps), "--page", str(page))
    assert "Many: left out, as there is no abacus here" in capsys.readouterr().out
    assert "## Not yet run" in page.read_text()


def test_cells_are_marked_where_a_difference_is_clear(script, tmp_path):
    side_by_side = importlib.import_module("side_by_side")
    frame = pd.DataFrame(
        {
            "size": [500] * 3,
            "selection": ["best", "worst", "random"],
            "gain": [0.2, -0.1, 0.0],
            "excess": [0.2, -0.1, 0.0],
            "error": [0.05, 0.03, 0.0],
        }
    )
    frame.to_csv(tmp_path / "gains.csv", index=False)
    table = {
        "index": ["size"],
        "columns": "selection",
        "cell": "{gain:+.1f}",
        "mark": ["excess", "error"],
        "rows": [{"what": "toy", "command": "run", "file": "gains.csv"}],
    }
    former = importlib.import_module("former_page").FormerPage()
    assert "not yet run" in side_by_side.fill_from_files(table, tmp_path, former)
    write_record(tmp_path, "run", "")
    text = side_by_side.fill_from_files(table, tmp_path, former)
    assert text.endswith("| 500 | **+0.2** | *-0.1* | +0.0 |")


def test_every_command_of_the_reproduction_is_a_script():
    steps = tomllib.loads((FOLDER / "reproduction.toml").read_text())
    for section in steps["section"]:
        for command in section["commands"]:
            assert (FOLDER / f"{command.split()[0]}.py").exists(), command


def test_every_script_says_what_it_does(script, capsys):
    for path in FOLDER.glob("*.py"):
        if path in SHARED:
            continue
        with pytest.raises(SystemExit) as end:
            script(path.stem, "--help")
        assert end.value.code == 0, path
        assert "usage" in capsys.readouterr().out


def test_scripts_are_short():
    for path in set(FOLDER.glob("*.py")) - SHARED:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 90, path
