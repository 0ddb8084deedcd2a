"""``data-scaling plan``, ``sample``, ``combine``, ``verify`` and ``info``."""

import re
import shlex
from importlib.metadata import version

import numpy as np
import pytest
from fake_learners import MeanLearner, make_dataset
from typer.testing import CliRunner

import data_scaling as ds
from data_scaling._drawing import draw_segment
from data_scaling.cli.app import _describe_interruption, _name_options, app
from data_scaling.ledger import open_ledger, read_learning_curve
from data_scaling.sampling import prepare_run

SMALL = "--draws 12 --points random:9 --seed 4 --jobs 1"
LIKE_SMALL = {"points": ("random", 9), "seed": 4, "density": "log-uniform"}


def call(line, expected_status=0):
    """Run a command and return what it prints."""
    done = CliRunner().invoke(app, shlex.split(line))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == expected_status, done.output
    return done.output


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("verb", ["sample breast_cancer x.ledger", "run breast_cancer"])
def test_a_device_is_for_networks_alone(verb):
    with pytest.raises(
        ds.InputError, match="device is 'cuda', but the learner is logr"
    ):
        call(f"{verb} --draws 4 --jobs 1 --learner logreg --device cuda")


def test_sample_draws_what_the_library_draws(tmp_path):
    shown = call(f"sample breast_cancer x.ledger {SMALL} --base-draws 20")
    assert "all 12 draws of 9 points" in shown
    assert "base draws  all 20 coalitions" in shown
    plan = ds.SamplingPlan(12, 27, 272, n_base_draws=20, **LIKE_SMALL)
    dataset = ds.load_dataset("breast_cancer", seed=4)
    expected = ds.sample_contributions(dataset, "logreg", plan)
    drawn = ds.Contributions.load("x.ledger")
    assert drawn.delta.tobytes() == expected.delta.tobytes()
    curve = ds.sample_learning_curve(dataset, "logreg", plan)
    assert read_learning_curve("x.ledger").utility.tobytes() == curve.utility.tobytes()


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        (
            "--min-cardinality 30 --max-cardinality 60 --density power:2.5 --points 5",
            ds.SamplingPlan(3, 30, 60, density=("power", 2.5), points=5),
        ),
        (
            "--cardinalities 30,50 --points 8,2",
            ds.SamplingPlan(3, cardinalities=[30, 50], points=[8, 2]),
        ),
        (
            "--min-cardinality 30 --max-cardinality 60 --coalitions independent "
            "--points 3, --density log-uniform",
            ds.SamplingPlan(
                3, 30, 60, coalitions="independent", points=[3], density="log-uniform"
            ),
        ),
    ],
)
def test_every_plan_can_be_asked_for(options, plan):
    call(f"sample breast_cancer x.ledger --draws 3 --jobs 1 {options}")
    assert ds.describe_ledger("x.ledger").header.plan == plan


def test_shards_combine_to_the_whole_and_verify():
    call(f"sample breast_cancer whole.ledger {SMALL}")
    for shard in (1, 2, 3):
        shown = call(f"sample breast_cancer {shard}.ledger {SMALL} --shard {shard}/3")
        for text in (shown, call(f"info {shard}.ledger")):
            assert f"shard {shard} of 3" in text
            assert "all 4 draws" in text
            assert "nothing of this shard" in text
        assert f"shard {shard} of 3: " in call(f"verify {shard}.ledger")
    shown = call("combine all.ledger 1.ledger 2.ledger 3.ledger")
    assert "the whole plan" in shown
    assert "all 12 draws of 9 points" in shown
    whole, merged = (ds.Contributions.load(f"{n}.ledger") for n in ("whole", "all"))
    np.testing.assert_array_equal(merged.delta, whole.delta)
    assert "1 segment with 12 coalitions are as they were" in call("verify all.ledger")


def test_what_is_sound_of_a_damaged_ledger_goes_on(tmp_path):
    for shard in (1, 3):
        call(f"sample breast_cancer {shard}.ledger {SMALL} --shard {shard}/4")
    call("combine x.ledger 1.ledger 3.ledger")
    whole = ds.Contributions.load("x.ledger")
    content = bytearray((tmp_path / "x.ledger").read_bytes())
    content[content.index(whole.delta[:, 4].tobytes())] ^= 1
    (tmp_path / "x.ledger").write_bytes(content)
    shown = call("verify x.ledger", expected_status=1)
    assert "1 fault:\n  segment 4 (of 1 coalitions) does not match" in shown
    assert "data-scaling combine NEW x.ledger --skip-damaged" in shown
    with pytest.raises(ds.LedgerError, match="is damaged: segment 4"):
        call(f"sample breast_cancer x.ledger {SMALL}")
    call("combine new.ledger x.ledger --skip-damaged")
    call(f"sample breast_cancer new.ledger {SMALL}")
    assert "are as they were" in call("verify new.ledger")
    assert ds.describe_ledger("new.ledger").is_complete


def test_info_says_how_far_and_how_long(tmp_path):
    plan = ds.SamplingPlan(12, 27, 272, n_base_draws=4, **LIKE_SMALL)
    dataset = ds.load_dataset("breast_cancer", seed=4)
    header, recipe = prepare_run(dataset, "logreg", plan, None)
    with open_ledger("x.ledger", header) as writer:
        writer.append(draw_segment(recipe, 0, 6))
        writer.append(draw_segment(recipe, 2**48, 2**48 + 2))
    shown = call("info x.ledger")
    assert "6 of 12 (50%) draws of 9 points" in shown
    assert "2 of 4 (50%)" in shown
    assert "added over all jobs" in shown
    assert "at the pace of the last run" in shown
    assert "12 draws of 9 points chosen by the seed and 4 coalitions without" in shown
    call(f"sample breast_cancer x.ledger {SMALL} --base-draws 4")
    assert "left        nothing\n" in call("info x.ledger") + "\n"
    full = call("info x.ledger --full")
    assert plan.to_json() in full
    assert f"numpy {np.__version__}" in full


def test_info_counts_the_draws_that_each_reason_cost():
    plan = ds.SamplingPlan(60, 5, 30, seed=3)
    learner = MeanLearner(fails_below=8)
    ds.sample_ledger(make_dataset(), learner, plan, "x.ledger")
    draws = ds.Contributions.load("x.ledger")
    shown = call("info x.ledger")
    assert f"failed   {draws.n_failed:,} of 2,400" in shown
    for size in (6, 7):
        n_lost = 40 * np.sum(draws.coalitions.cardinality == size)
        assert f"  {n_lost} draws failed: {size} are too few." in shown


def test_plan_says_time_size_and_errors():
    shown = call(
        "plan breast_cancer --draws 400 --pilot-seconds 0.3 --standard-error 1e-5 "
        "--jobs 1"
    )
    for phrase in (
        "for 341 points",
        "with 1 job",
        "1.2 MB",
        "psi at 27",
        "psi at 272",
        "Shapley value",
        "draws for 1e-05",
    ):
        assert phrase in shown


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("sample wine x --shard 2", "--shard is '2'. Give which one of how many"),
        ("sample wine x --shard 4/3", "The shard is 4/3. Give 1/3 to 3/3"),
        ("sample wine x --points few", "--points is 'few'. Give how many .* random:N"),
        ("sample wine x --points random:", "--points is 'random:'. Give how many"),
        ("sample wine x --points random:3,4", "--points is 'random:3,4'"),
        ("sample wine x --cardinalities ,", "--cardinalities has no numbers"),
        ("sample wine x --density power:a", "--density is 'power:a'"),
        ("sample wine x --density log", "--density is 'log'. .*or power:BETA"),
        ("sample wine x --jobs 0", "--jobs is 0. Give .* -1 for all cores"),
        ("plan wine --jobs 0", "--jobs is 0"),
        ("sample wine x --jobs 2 --dask tcp://a:1", "--jobs is 2, but the workers of"),
        ("sample wine x --cardinalities 50,50", "each size once"),
        ("sample wine x --draws 0", "n_draws is 0"),
        ("plan wine --draws 0 --base-draws 5", "no draws for points"),
        ("plan nothing --standard-error 0", "--standard-error is 0.0. Give a number"),
        (
            "plan wine --pilot-seconds -1",
            "pilot_seconds is -1.0. Give a number above 0",
        ),
        ("combine x y", "There is no ledger at y"),
        ("verify x", "There is no ledger at x"),
    ],
)
def test_bad_input_is_refused_before_any_work(line, message, tmp_path):
    with pytest.raises(ds.DataScalingError, match=message):
        call(line)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "line", ["info laws.npz", "verify laws.npz", "sample wine laws.npz"]
)
def test_a_file_that_is_no_ledger_is_left_and_not_said_to_be_useless(line, tmp_path):
    (tmp_path / "laws.npz").write_bytes(b"PK\x03\x04" + bytes(200))
    message = "laws.npz is no ledger: .* left as it is; give the path of a ledger, or"
    with pytest.raises(ds.LedgerError, match=message) as told:
        call(line)
    assert "remove" not in str(told.value)
    assert (tmp_path / "laws.npz").stat().st_size == 204


def test_a_folder_that_is_no_ledger_is_told():
    with pytest.raises(
        ds.LedgerError, match=r"is no file.*draws\.ledger into its folder"
    ):
        call("info .")


def test_plan_takes_the_options_of_sample_and_two_of_its_own():
    options = {
        verb: set(re.findall(r"--[a-z-]+", call(f"{verb} --help")))
        for verb in ("plan", "sample")
    }
    assert options["sample"] - options["plan"] == {"--dask", "--shard"}
    own = {"--standard-error", "--pilot-seconds"}
    assert {"--draws", "--points", "--help"} < options["plan"]
    assert own <= options["plan"] - options["sample"]


def test_plan_speaks_of_the_sizes_that_run_and_sample_draw():
    call("sample wine x.ledger --draws 2 --points 3 --jobs 1")
    call("run wine --draws 3 --validation-draws 0 --jobs 1")
    paths = ("x.ledger", "runs/wine/draws.ledger")
    plans = [ds.describe_ledger(path).header.plan for path in paths]
    assert plans[0].identity() | {"points": None} == plans[1].identity()
    shown = call("plan wine --pilot-seconds 0.1 --jobs 1")
    assert "100 draws of every point, with coalitions of 8 to 84, log-uniform" in shown


def test_the_version_is_told():
    assert call("--version") == f"data-scaling {version('data-scaling')}\n"


def test_errors_name_options_and_interruptions_say_what_is_kept():
    assert _name_options("n_draws is 1, min_cardinality 2") == (
        "--draws is 1, --min-cardinality 2"
    )
    assert _name_options("Forest(n_jobs=1)") == "Forest(n_jobs=1)"
    assert "draws so far are kept" in _describe_interruption(["sample", "wine", "x"])
    for arguments in (["plan", "wine"], ["info", "x"], ["verify", "x"], []):
        assert _describe_interruption(arguments) == "interrupted."


@pytest.mark.parametrize("verb", ["plan", "sample", "combine", "verify"])
def test_help_carries_an_example(verb):
    assert f"Example: data-scaling {verb} " in " ".join(call(f"{verb} --help").split())
