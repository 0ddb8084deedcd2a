import json

import numpy as np
import pandas as pd
import pytest

from data_scaling.datasets import (
    Dataset,
    Preview,
    load_dataset,
    read_table,
    save_dataset,
)
from data_scaling.errors import DatasetError, InputError


@pytest.fixture
def dataset():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(30, 3)), np.arange(30) % 12
    return Dataset(
        x,
        y,
        x[:12],
        y[:12],
        x[12:],
        y[12:],
        name="numbers",
        row_ids=[f"row {i}" for i in range(30)],
        feature_names=["a", "b", "ç"],
        previews=[
            Preview(f"text {i} é", (("size", str(i)),), bytes([i])) for i in range(30)
        ],
        provenance={"source": {"page": "here"}, "split": {"seed": 3}},
    )


def test_a_dataset_comes_back_as_it_was(dataset, tmp_path):
    again = load_dataset(save_dataset(dataset, tmp_path / "new" / "folder"))

    assert again.fingerprint == dataset.fingerprint
    assert again.classes == dataset.classes, "12 classes in the order of numbers"
    assert again.name == "numbers"
    assert again.row_ids.tolist() == dataset.row_ids.tolist()
    assert again.feature_names == dataset.feature_names
    assert tuple(again.previews) == tuple(dataset.previews)
    assert again.provenance == dataset.provenance
    for part in ("train", "val", "test"):
        for axis in "xy":
            name = f"{axis}_{part}"
            assert np.array_equal(getattr(again, name), getattr(dataset, name))


@pytest.mark.parametrize("name", ["diabetes", "wine"])
def test_named_datasets_come_back(tmp_path, name):
    dataset = load_dataset(name)
    again = load_dataset(str(save_dataset(dataset, tmp_path)))

    assert again.fingerprint == dataset.fingerprint
    assert tuple(again.previews) == tuple(dataset.previews)


def test_a_dataset_without_test_part_and_previews_comes_back(tmp_path):
    dataset = Dataset([[0.0], [1.0]], [0.5, 1.5], [[0.2]], [0.7])
    again = load_dataset(save_dataset(dataset, tmp_path))

    assert again.fingerprint == dataset.fingerprint
    assert len(again.previews) == len(again.x_test) == 0


def test_no_file_needs_pickle_and_the_record_is_readable(dataset, tmp_path):
    save_dataset(dataset, tmp_path)

    for name in ("arrays.npz", "previews.npz"):
        with np.load(tmp_path / name, allow_pickle=False) as arrays:
            assert all(arrays[key].dtype.kind in "fiuU" for key in arrays.files)
    record = json.loads((tmp_path / "dataset.json").read_text())
    assert record["rows"] == {"train": 30, "val": 12, "test": 18}
    assert record["fingerprint"] == dataset.fingerprint
    assert sum(record["training_rows_of_class"].values()) == 30


def test_provenance_says_where_rows_came_from_and_what_was_done(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{i},{'red' if i % 3 else 'blue'},{i > 9}" for i in range(20)]
    path.write_text("size,colour,ripe\n" + "\n".join(rows))
    provenance = read_table(path, "ripe", seed=5).provenance

    (file,) = provenance["source"]["files"]
    assert file["name"] == "t.csv"
    assert len(file["sha256"]) == 64
    kinds = [step["columns"] for step in provenance["preprocessing"]]
    assert kinds == [["size"], ["colour"]]
    assert provenance["split"]["seed"] == 5
    assert len(provenance["split"]["val_rows"]) == 4


def test_writing_again_replaces_and_a_damaged_folder_is_refused(dataset, tmp_path):
    save_dataset(dataset, tmp_path)
    other = load_dataset("wine")
    save_dataset(other, tmp_path)
    assert load_dataset(tmp_path).fingerprint == other.fingerprint

    (tmp_path / "b").mkdir()
    save_dataset(dataset, tmp_path / "b")
    (tmp_path / "b" / "arrays.npz").replace(tmp_path / "arrays.npz")
    with pytest.raises(DatasetError, match=r"have the fingerprint|lacks|given for"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("arrays.npz", b"", r"arrays.npz cannot be read .* Prepare the dataset again"),
        ("arrays.npz", b"PK no archive", "arrays.npz cannot be read"),
        ("previews.npz", None, "previews.npz cannot be read"),
        ("dataset.json", b"{", "dataset.json cannot be read"),
        ("dataset.json", b"[]", "dataset.json cannot be read"),
        ("dataset.json", b'{"format": 9}', "is of format 9; this version reads format"),
        ("dataset.json", b'{"format": 1}', "lacks 'name'"),
    ],
)
def test_damaged_files_are_refused(dataset, tmp_path, name, content, message):
    save_dataset(dataset, tmp_path)
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        load_dataset(tmp_path)


def test_a_folder_without_a_record_is_no_dataset(tmp_path):
    with pytest.raises(InputError, match="There is no dataset named"):
        load_dataset(tmp_path)


def test_a_place_that_cannot_be_written_to_is_refused(dataset, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="cannot be written to"):
        save_dataset(dataset, tmp_path / "file")


def test_duplicates_between_parts_are_counted_and_kept(tmp_path, caplog):
    frame = pd.DataFrame({"x": np.arange(40) % 5, "y": ["a", "b"] * 20})
    dataset = read_table(frame, "y")

    assert dataset.provenance["duplicates"] == {"val": 8, "test": 8}
    assert "8 of 8 rows of the validation part have the features" in caplog.text
    assert len(dataset.x_val) == 8
