"""``data-scaling preprocess``, and ``run`` on the folder that it writes."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import data_scaling as ds
from data_scaling.cli.app import app
from data_scaling.datasets import sources
from data_scaling.errors import DatasetError, InputError


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "cache"))

    def invoke(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return invoke


@pytest.fixture
def letters(tmp_path):
    rng = np.random.default_rng(0)
    words = {"bill": "invoice sum payment due".split(), "love": "dear heart".split()}
    kinds = list(words) * 40
    frame = pd.DataFrame(
        {
            "key": [f"letter {i}" for i in range(80)],
            "pages": rng.integers(1, 9, 80),
            "body": [" ".join(rng.choice(words[kind], 4)) for kind in kinds],
            "kind": kinds,
        }
    )
    frame.to_csv(tmp_path / "letters.csv", index=False)
    return frame


def test_texts_of_a_user_are_prepared_and_run_by_their_folder(call, letters, tmp_path):
    options = ["--target", "kind", "--text", "body", "--row-id", "key"]
    shown = call("preprocess", "letters.csv", *options, "--features", "tfidf")

    assert "48 / 16 / 16 rows" in shown
    assert "bill 50.0%, love 50.0%" in shown
    assert "data-scaling run prepared/letters" in shown
    folder = tmp_path / "prepared" / "letters"
    assert ds.load_dataset(folder).feature_names[0] == "pages"
    few = ["--draws", "10", "--validation-draws", "0", "--jobs", "1"]
    shown = call("run", folder, *few)
    assert "letters: 48 points" in shown
    assert "letter " in shown, "rows are named by their own identifiers"
    table = pd.read_csv(tmp_path / "runs" / "letters" / "laws.csv")
    assert set(table["row"]) <= set(letters["key"])


def test_a_named_dataset_goes_where_it_is_told(call, tmp_path):
    shown = call("preprocess", "wine", "--out", "mine", "--seed", 4)

    again = ds.load_dataset(tmp_path / "mine")
    assert again.fingerprint == ds.load_dataset("wine", seed=4).fingerprint
    assert again.fingerprint in shown
    assert "106 / 36 / 36 rows" in shown


def test_a_regression_shows_its_target(call):
    assert "target" in call("preprocess", "diabetes")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["nothing"], InputError, "'nothing' is no file and no dataset's name"),
        (["wine", "--text", "x"], InputError, "are for files, but 'wine' is a dataset"),
        (["wine", "--features", "tfidf"], InputError, "but 'wine' has none"),
        (["letters.csv", "--text", "body"], InputError, "--target COLUMN"),
        (["letters.csv", "--target", "no"], DatasetError, "no target column 'no'"),
        (["bbc", "--data-dir", "."], DatasetError, "could not be downloaded"),
    ],
)
def test_bad_requests_are_refused(
    call, letters, monkeypatch, arguments, error, message
):
    monkeypatch.setattr(sources, "_try_download", lambda *_: "no network")
    with pytest.raises(error, match=message):
        call("preprocess", *arguments)


def test_a_file_is_read_as_its_options_say(call, letters, tmp_path):
    letters["stars"] = [i % 5 for i in range(80)]
    letters.to_csv("semicolons.csv", index=False, sep=";")
    columns = ["--target", "stars", "--drop", "body", "--row-id", "key"]
    sizes = ["--val-size", "0.25", "--test-size", "10"]
    how = ["--separator", ";", "--task", "regression"]
    shown = call("preprocess", "semicolons.csv", *columns, *sizes, *how)

    assert "semicolons, regression" in shown
    assert "50 / 20 / 10 rows" in shown
    letters.to_csv("tabs.csv", index=False, sep="\t")
    shown = call("preprocess", "tabs.csv", *columns, "--separator", "tab")
    assert "tabs, classification" in shown


def test_an_option_of_files_is_named_where_there_is_none(call):
    with pytest.raises(InputError, match=r"^--row-id, --val-size: these are for files"):
        call("preprocess", "wine", "--row-id", "key", "--val-size", "0.1")


def test_duplicates_are_shown_by_the_name_of_the_part(call, letters):
    letters.drop(columns=["pages", "key"]).to_csv("letters.csv", index=False)
    options = ["--target", "kind", "--text", "body", "--features", "tfidf"]
    shown = call("preprocess", "letters.csv", *options)

    assert " of the validation part, " in shown
