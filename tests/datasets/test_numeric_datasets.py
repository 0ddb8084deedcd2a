"""MiniBooNE and wave_energy, from small files in their original forms."""

import gzip
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from data_scaling.datasets import load_dataset, miniboone, wave_energy
from data_scaling.errors import DatasetError

N_SIGNAL, N_BACKGROUND = 60, 140


@pytest.fixture(autouse=True)
def _small(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "cache"))
    for module in (miniboone, wave_energy):
        monkeypatch.setattr(module, "N_VAL", 20)
        monkeypatch.setattr(module, "N_TEST", 30)


def make_events():
    """Events of the two kinds, which differ in the first column; -999 is missing."""
    rng = np.random.default_rng(0)
    events = rng.normal(size=(N_SIGNAL + N_BACKGROUND, 50))
    events[:N_SIGNAL, 0] += 8
    events[5] = -999.0
    return events


def make_uci_text(events=None):
    events = make_events() if events is None else events
    rows = ["  ".join(f"{value: .6E}" for value in row) for row in events]
    return "\n".join([f"  {N_SIGNAL} {N_BACKGROUND}", *rows]) + "\n"


def write_arff(path, columns, rows):
    head = ["% a comment", "@RELATION numbers", ""]
    head += [f"@ATTRIBUTE {name} {kind}" for name, kind in columns.items()]
    body = [",".join(str(value) for value in row) for row in rows]
    path.write_text("\n".join([*head, "", "@DATA", *body]) + "\n")


def test_the_text_of_uci_is_balanced_split_and_standardised(tmp_path, caplog):
    (tmp_path / "MiniBooNE_PID.txt").write_text(make_uci_text())
    dataset = load_dataset("MiniBooNE", tmp_path, seed=1)

    assert dataset.classes == ("background", "signal")
    assert [len(dataset.x_train), len(dataset.x_val), len(dataset.x_test)] == [
        70,
        20,
        30,
    ]
    assert np.bincount(dataset.y_train).tolist() == [35, 35]
    assert "80 of 200 events are left out so that both classes have 60" in caplog.text
    np.testing.assert_allclose(dataset.x_train.std(axis=0), 1.0)
    expected = ["signal" if row < N_SIGNAL else "background" for row in dataset.row_ids]
    assert dataset.target_names(range(70)) == expected
    model = LogisticRegression().fit(dataset.x_train, dataset.y_train)
    assert model.score(dataset.x_test, dataset.y_test) > 0.9


@pytest.mark.parametrize("form", ["gz", "zip"])
def test_compressed_forms_of_uci_give_the_same(tmp_path, form):
    (tmp_path / "MiniBooNE_PID.txt").write_text(make_uci_text())
    plain = load_dataset("MiniBooNE", tmp_path)
    (tmp_path / "MiniBooNE_PID.txt").unlink()
    if form == "gz":
        packed = gzip.compress(make_uci_text().encode())
        (tmp_path / "MiniBooNE_PID.txt.gz").write_bytes(packed)
    else:
        place = tmp_path / "miniboone+particle+identification.zip"
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("MiniBooNE_PID.txt", make_uci_text())

    assert load_dataset("MiniBooNE", tmp_path).fingerprint == plain.fingerprint


@pytest.mark.parametrize("form", ["arff", "parquet"])
def test_the_forms_of_openml_give_the_same_as_balanced_uci(tmp_path, form):
    events = make_events()[: 2 * N_SIGNAL]
    names = {f"ParticleID_{i}": "REAL" for i in range(50)}
    labels = ["True"] * N_SIGNAL + ["False"] * N_SIGNAL
    if form == "arff":
        rows = [[*row, label] for row, label in zip(events, labels, strict=True)]
        columns = {**names, "signal": "{False,True}"}
        write_arff(tmp_path / "MiniBooNE.arff", columns, rows)
    else:
        frame = pd.DataFrame(events, columns=list(names)).assign(signal=labels)
        frame["signal"] = frame["signal"] == "True"
        frame.to_parquet(tmp_path / "MiniBooNE.parquet")
    dataset = load_dataset("MiniBooNE", tmp_path)

    assert dataset.feature_names == tuple(names)
    assert dataset.provenance["source"]["page"] == "https://www.openml.org/d/43974"
    assert len(dataset.x_train) == 70
    signal = np.flatnonzero(dataset.row_ids < N_SIGNAL)
    assert set(dataset.target_names(signal)) == {"signal"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  60 140", "no header", "line 1: b'no header', but it should be the numbers"),
        (
            "  60 140",
            "  60 141",
            r"200 events, but its first line says 60 \+ 141",
        ),
        ("  60 140\n", "  60 140\n 1.0 ", "line 2: 51 fields, but it should have 50"),
        ("E+02\n", "E+02x\n", "line 7: could not convert string to float"),
    ],
)
def test_a_damaged_text_is_refused_with_its_line(tmp_path, old, new, message):
    text = make_uci_text()
    (tmp_path / "MiniBooNE_PID.txt").write_text(text.replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        load_dataset("MiniBooNE", tmp_path)


def test_a_truncated_gzip_of_uci_is_refused(tmp_path):
    packed = gzip.compress(make_uci_text().encode())
    (tmp_path / "MiniBooNE_PID.txt.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(DatasetError, match=r"after line \d+: the file is damaged"):
        load_dataset("MiniBooNE", tmp_path)


@pytest.mark.parametrize(
    ("columns", "row", "message"),
    [
        ({"a": "REAL", "sgnal": "{False,True}"}, "1,True", "has no column 'signal'"),
        ({"a": "REAL", "signal": "{False,True,maybe}"}, "1,maybe", "'maybe' in row 2"),
        ({"a": "REAL", "signal": "{False,True}"}, "1", "cannot be read as ARFF"),
        ({"a": "REAL", "signal": "{False,True}"}, "x,True", "cannot be read as ARFF"),
        ({"a": "{u,v}", "signal": "{False,True}"}, "u,True", "not all columns are num"),
    ],
)
def test_a_damaged_arff_is_refused(tmp_path, columns, row, message):
    first = "u" if "{u" in columns["a"] else "1"
    rows = [[first, "True"], [first, "False"], row.split(",")]
    write_arff(tmp_path / "MiniBooNE.arff", columns, rows)
    with pytest.raises(DatasetError, match=message):
        load_dataset("MiniBooNE", tmp_path)


def make_farm(seed, n_rows=40):
    """Places and powers of sixteen buoys, and the total of their powers."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 566, (n_rows, 32))
    powers = rng.uniform(5e4, 1e5, (n_rows, 16))
    return np.column_stack([places, powers, powers.sum(axis=1)])


def write_sites(folder):
    folder.mkdir(exist_ok=True)
    for seed, site in enumerate(wave_energy.SITES):
        rows = [",".join(f"{value:.4f}" for value in row) for row in make_farm(seed)]
        (folder / f"{site}_Data.csv").write_text("\n".join(rows) + "\n")


def test_the_four_files_of_uci_are_pooled(tmp_path):
    write_sites(tmp_path / "WECs_DataSet")
    dataset = load_dataset("wave_energy", tmp_path)

    assert dataset.task == "regression"
    assert [len(dataset.x_train), len(dataset.x_val), len(dataset.x_test)] == [
        110,
        20,
        30,
    ]
    assert dataset.feature_names[:2] + dataset.feature_names[-1:] == ("X1", "X2", "P16")
    site, row = dataset.row_ids[17].split("/")
    farm = make_farm(wave_energy.SITES.index(site))
    assert dataset.y_train[17] == pytest.approx(farm[int(row), -1], abs=1e-3)
    model = LinearRegression().fit(dataset.x_train, dataset.y_train)
    assert model.score(dataset.x_test, dataset.y_test) > 0.999
    assert "archive.ics.uci.edu" in dataset.provenance["source"]["page"]


def test_the_provenance_names_all_four_files(tmp_path):
    write_sites(tmp_path)
    files = load_dataset("wave_energy", tmp_path).provenance["source"]["files"]

    expected = [f"{site}_Data.csv" for site in wave_energy.SITES]
    assert [file["name"] for file in files] == expected
    assert len({file["sha256"] for file in files}) == 4


def test_every_form_of_the_uci_files_gives_the_same(tmp_path):
    (tmp_path / "a").mkdir()
    write_sites(tmp_path / "a" / "WECs_DataSet")
    (tmp_path / "b").mkdir()
    with zipfile.ZipFile(tmp_path / "b" / "WECs_DataSet.zip", "w") as archive:
        for path in (tmp_path / "a" / "WECs_DataSet").iterdir():
            archive.write(path, f"WECs_DataSet/{path.name}")
    write_sites(tmp_path / "c")
    folders = [load_dataset("wave_energy", tmp_path / part) for part in "abc"]

    assert len({dataset.fingerprint for dataset in folders}) == 1


@pytest.mark.parametrize("form", ["arff", "parquet"])
def test_the_forms_of_openml_are_read(tmp_path, form):
    names = [*wave_energy.COLUMNS, "energy_total"]
    rows = make_farm(0, 100)
    if form == "arff":
        path = tmp_path / "wave_energy.arff"
        write_arff(path, dict.fromkeys(names, "REAL"), rows)
    else:
        path = tmp_path / "wave_energy.parquet"
        pd.DataFrame(rows, columns=names).to_parquet(path)
    dataset = load_dataset("wave_energy", tmp_path)

    assert dataset.feature_names == wave_energy.COLUMNS
    assert dataset.provenance["source"]["page"] == "https://www.openml.org/d/44975"
    assert np.array_equal(dataset.y_train, rows[dataset.row_ids, -1])


def test_a_missing_file_or_field_of_uci_is_named(tmp_path):
    folder = tmp_path / "WECs_DataSet"
    write_sites(folder)
    path = folder / "Perth_Data.csv"
    lines = path.read_text().split("\n")
    lines[2] = lines[2].rpartition(",")[0]
    path.write_text("\n".join(lines))
    with pytest.raises(DatasetError, match=r"Perth_Data.csv, line 3: 48 fields, .* 49"):
        load_dataset("wave_energy", tmp_path)
    path.unlink()
    with pytest.raises(DatasetError, match=r"lacks Perth_Data.csv. Get all four"):
        load_dataset("wave_energy", tmp_path)


def test_a_value_that_is_not_finite_is_refused(tmp_path):
    folder = tmp_path / "WECs_DataSet"
    write_sites(folder)
    path = folder / "Sydney_Data.csv"
    path.write_text("nan," + path.read_text().partition(",")[2])
    with pytest.raises(DatasetError, match=r"column 1 of row 0 is nan"):
        load_dataset("wave_energy", tmp_path)
