"""Scoring Parquet in batches: the laws of predict, in order, with flat memory."""

import shlex

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import data_scaling as ds
from data_scaling.amortized import Scorer, score_parquet
from data_scaling.cli.app import app


@pytest.fixture(scope="module")
def trained():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    y = np.arange(80) % 12  # classes of one and of two digits
    dataset = ds.Dataset(x[:60], y[:60], x[60:], np.arange(20) % 12)
    k = rng.integers(20, 100, (60, 4))
    draws = ds.Contributions(rng.normal(size=k.shape) / k, k)
    estimator = ds.AmortizedEstimator(n_epochs=1, hidden=(8, 8), progress=False)
    estimator.fit(draws, dataset)
    return estimator


def make_table(n_rows=1000, seed=1):
    rng = np.random.default_rng(seed)
    columns = {f"x{j}": rng.normal(size=n_rows) for j in range(3)}
    return pd.DataFrame(
        columns | {"y": rng.integers(0, 12, n_rows), "id": range(n_rows)}
    )


def test_scores_are_the_laws_of_predict_in_the_order_of_the_rows(trained, tmp_path):
    frame = make_table()
    frame.to_parquet(tmp_path / "in.parquet")
    scorer = Scorer(trained, [50, 200], target="y", keep=("id",))
    n_rows = score_parquet(
        scorer, tmp_path / "in.parquet", tmp_path / "out.parquet", batch_rows=64
    )
    found = pd.read_parquet(tmp_path / "out.parquet")
    laws = trained.predict(frame[["x0", "x1", "x2"]].to_numpy("f4"), frame["y"])
    power = laws.tangent(trained.model.base)
    assert n_rows == len(found) == 1000
    assert found["id"].tolist() == list(range(1000))
    np.testing.assert_allclose(found["psi_200"], laws.psi(200), rtol=1e-4, atol=1e-9)
    for name in ("alpha", "sigma", "beta"):
        np.testing.assert_allclose(
            found[name], getattr(power, name), rtol=2e-3, atol=1e-6
        )
    # c is psi k^alpha: an error of alpha within its tolerance is one of c of at least
    # 2e-3 alpha log k, which is a tenth where psi is about to change its sign.
    is_steep = np.abs(power.alpha) > 10
    for part, tolerance in ((~is_steep, 2e-3), (is_steep, 0.1)):
        c = found["c"].to_numpy()[part]
        np.testing.assert_allclose(c, power.c[part], rtol=tolerance, atol=1e-6)
    assert is_steep.mean() < 0.2


def test_a_folder_is_scored_file_by_file(trained, tmp_path):
    whole = make_table(300)
    (tmp_path / "parts").mkdir()
    for j in range(3):
        part = whole.iloc[100 * j : 100 * (j + 1)]
        part.to_parquet(tmp_path / "parts" / f"{j}.parquet")
    scorer = Scorer(trained, [50], target="y", keep=("id",))
    score_parquet(scorer, tmp_path / "parts", tmp_path / "out.parquet")
    assert pd.read_parquet(tmp_path / "out.parquet")["id"].tolist() == list(range(300))


def test_frames_and_partitions_of_dask_are_scored_alike(trained):
    dataframe = pytest.importorskip("dask.dataframe")
    frame = make_table(90).set_index("id")
    frame["y"] = frame["y"].astype(str)
    scorer = Scorer(trained, [50], target="y")
    parts = dataframe.from_pandas(frame, npartitions=3)
    found = parts.map_partitions(scorer, meta=scorer(frame.head(0)))
    found = found.compute(scheduler="synchronous")
    pd.testing.assert_frame_equal(found, scorer(frame), rtol=1e-4)
    assert found.index.equals(frame.index)


def test_the_command_scores(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained.save("model.safetensors")
    make_table(50).to_parquet("in.parquet")
    line = "score model.safetensors in.parquet out.parquet --target y --keep id"
    done = CliRunner().invoke(app, shlex.split(line + " --cardinalities 20,40"))
    assert done.exit_code == 0, done.output
    assert "50 rows scored" in done.output
    columns = ["id", "c", "alpha", "sigma", "beta", "psi_20", "psi_40"]
    assert pq.read_schema("out.parquet").names == columns


def test_memory_does_not_grow_with_the_input(trained, tmp_path):
    """At most a few batches are held: Arrow's peak over 40 batches, against 4."""
    pool, peaks = pa.default_memory_pool(), []
    for n_batches in (4, 40):
        path = tmp_path / f"{n_batches}.parquet"
        make_table(2000 * n_batches).to_parquet(path, row_group_size=2000)
        scorer, held = Scorer(trained, [50], target="y"), []

        def watch(batch, held=held, scorer=scorer):
            held.append(pool.bytes_allocated())
            return scorer.score(batch)

        watching = type("Watching", (), {"score": staticmethod(watch)})()
        watching.columns, watching.check_columns = scorer.columns, scorer.check_columns
        watching.keep = scorer.keep
        score_parquet(watching, path, tmp_path / "out.parquet", batch_rows=2000)
        peaks.append(max(held))
    assert peaks[1] < 2 * peaks[0] + 2**20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="x1"), "lacks 1 of the columns .* x1"),
        (lambda t: t.assign(x1="a"), "'x1' holds .* no numbers"),
        (lambda t: t.assign(x1=np.nan), "NaN or infinite"),
        (lambda t: t.assign(y=99), "not seen: 99"),
        (lambda t: t.assign(y=None), "lacks 30 labels"),
        (lambda t: t.head(0), "no rows"),
    ],
)
def test_bad_tables_are_refused_and_nothing_is_written(
    trained, tmp_path, change, message
):
    change(make_table(30)).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(ds.InputError, match=message):
        score_parquet(
            Scorer(trained, [50], target="y"),
            tmp_path / "in.parquet",
            tmp_path / "out.parquet",
        )
    assert not (tmp_path / "out.parquet").exists()


def test_a_file_that_is_no_parquet_is_refused(trained, tmp_path):
    (tmp_path / "in.parquet").write_bytes(b"nothing of the kind")
    scorer = Scorer(trained, [50], target="y")
    with pytest.raises(ds.InputError, match="cannot be read as Parquet"):
        score_parquet(scorer, tmp_path / "in.parquet", tmp_path / "out.parquet")
    with pytest.raises(ds.InputError, match="no Parquet at"):
        score_parquet(scorer, tmp_path / "none.parquet", tmp_path / "out.parquet")


def test_an_untrained_estimator_cannot_score():
    with pytest.raises(ds.InputError, match="not trained"):
        Scorer(ds.AmortizedEstimator()).columns  # noqa: B018
