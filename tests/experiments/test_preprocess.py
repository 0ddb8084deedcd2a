"""``experiments/preprocess.py``: what it writes is what the other scripts load."""

import importlib
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import data_scaling as ds

FOLDER = Path(__file__).parents[2] / "experiments"
TOPICS = "business entertainment politics sport tech".split()


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield importlib.import_module
    for name in ("preprocess", "options", "paths"):
        sys.modules.pop(name, None)


def test_texts_are_prepared_once_and_loaded_by_the_other_scripts(
    scripts, tmp_path, capsys
):
    rng = np.random.default_rng(0)
    rows = [
        (topic, " ".join([topic, *rng.choice(["the", "of", "and", "new"], 6)]))
        for topic in TOPICS * 12
    ]
    pd.DataFrame(rows, columns=["category", "text"]).to_parquet(
        tmp_path / "bbc.parquet"
    )
    out = tmp_path / "out"
    options = ["--dataset", "bbc", "--data_dir", str(tmp_path), "-out", str(out)]
    scripts("preprocess").main([*options, "--features", "tfidf", "--seed", "3"])

    shown = capsys.readouterr().out
    assert "30 / 15 / 15 rows" in shown
    assert "sport 20.0%" in shown
    args = Namespace(dataset="bbc", data_dir=None, out=out)
    prepared = scripts("options").load_dataset(args)
    expected = ds.load_dataset("bbc", tmp_path, features="tfidf", seed=3)
    assert prepared.fingerprint == expected.fingerprint
    assert prepared.provenance["split"]["seed"] == 3


def test_a_dataset_without_choices_is_prepared(scripts, tmp_path, capsys):
    scripts("preprocess").main(["-dataset", "lm_reg", "-out", str(tmp_path)])

    assert "10,000 / 1,000 / 1,000 rows" in capsys.readouterr().out
    again = ds.load_dataset(tmp_path / "lm_reg" / "prepared")
    assert again.fingerprint == ds.load_dataset("lm_reg").fingerprint
