"""The same table in every form that a user may hold it in."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_wine
from sklearn.utils import Bunch

from data_scaling.datasets import load_dataset, read_table
from data_scaling.errors import DatasetError, InputError

N_ROWS = 60


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N_ROWS, 4)), np.arange(N_ROWS) % 3


@pytest.fixture
def frame(arrays):
    x, y = arrays
    return pd.DataFrame(x, columns=["x0", "x1", "x2", "x3"]).assign(target=y)


@pytest.fixture
def reference(frame):
    return read_table(frame, "target")


def test_files_and_frames_give_the_same(frame, reference, tmp_path):
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")

    for source in (tmp_path / "t.csv", str(tmp_path / "t.parquet")):
        assert read_table(source, "target").fingerprint == reference.fingerprint
    assert reference.name == "table"


def test_frames_of_polars_give_the_same(frame, reference):
    polars = pytest.importorskip("polars")
    eager = polars.DataFrame({name: frame[name].to_numpy() for name in frame})

    assert read_table(eager, "target").fingerprint == reference.fingerprint
    assert read_table(eager.lazy(), "target").fingerprint == reference.fingerprint


def test_arrays_in_a_file_have_a_target_of_their_own(arrays, reference, tmp_path):
    np.savez(tmp_path / "mine.npz", x=arrays[0], y=arrays[1])
    dataset = read_table(tmp_path / "mine.npz")

    assert dataset.fingerprint == reference.fingerprint
    assert dataset.name == "mine"
    assert dataset.provenance["source"]["files"][0]["name"] == "mine.npz"


def test_arrays_in_a_file_can_have_identifiers(arrays, reference, tmp_path, caplog):
    names = np.array([f"customer {i}" for i in range(N_ROWS)])
    more = {"weights": np.ones(N_ROWS), "row_ids": names}
    np.savez(tmp_path / "mine.npz", x=arrays[0], y=arrays[1], **more)
    dataset = read_table(tmp_path / "mine.npz")

    assert dataset.row_ids.tolist() == names[reference.row_ids].tolist()
    assert "mine.npz: the arrays weights are not read" in caplog.text
    np.savez(tmp_path / "short.npz", x=arrays[0], y=arrays[1], row_ids=names[1:])
    with pytest.raises(DatasetError, match=r"row_ids of shape \(59,\) for 60 rows"):
        read_table(tmp_path / "short.npz")
    named_twice = np.array(["a"] * N_ROWS)
    np.savez(tmp_path / "twice.npz", x=arrays[0], y=arrays[1], row_ids=named_twice)
    with pytest.raises(DatasetError, match="'row_ids' holds 1 identifiers more than"):
        read_table(tmp_path / "twice.npz")


def test_a_bunch_keeps_names_of_features_and_classes(arrays, reference):
    plain = read_table(Bunch(data=arrays[0], target=arrays[1]))
    wine = read_table(load_wine())

    assert plain.fingerprint == reference.fingerprint
    assert wine.fingerprint == load_dataset("wine").fingerprint
    assert wine.feature_names[0] == "alcohol"
    assert read_table(load_wine(as_frame=True)).fingerprint == wine.fingerprint


def test_a_tensor_dataset_is_read_and_its_images_become_columns(arrays, reference):
    torch = pytest.importorskip("torch")
    x, y = (torch.from_numpy(array) for array in arrays)
    images = torch.utils.data.TensorDataset(x.reshape(N_ROWS, 1, 2, 2), y[:, None])

    assert read_table(images).fingerprint == reference.fingerprint


def test_a_saved_dataset_of_hugging_face_is_read_without_its_package(
    frame, reference, tmp_path
):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    saved = datasets.Dataset.from_pandas(frame)
    saved.save_to_disk(tmp_path / "one", num_shards=2)

    dataset = read_table(tmp_path / "one", "target")
    assert dataset.fingerprint == reference.fingerprint
    assert len(dataset.provenance["source"]["files"]) == 2


def test_the_parts_and_classes_of_a_saved_dictionary_are_kept(tmp_path, caplog):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    names = ["good", "bad"]
    features = datasets.Features(
        {"x": datasets.Value("float64"), "kind": datasets.ClassLabel(names=names)}
    )
    sizes = {"train": 20, "validation": 8, "test": 6}
    parts = {
        part: datasets.Dataset.from_dict(
            {"x": [float(i + n) for i in range(n)], "kind": [i % 2 for i in range(n)]},
            features=features,
        )
        for part, n in sizes.items()
    }
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "all")
    dataset = read_table(tmp_path / "all", "kind")
    without = datasets.DatasetDict({k: parts[k] for k in ("train", "test")})
    without.save_to_disk(tmp_path / "two")

    assert dataset.classes == ("bad", "good")
    assert [len(dataset.x_train), len(dataset.x_val), len(dataset.x_test)] == [20, 8, 6]
    assert dataset.row_ids.tolist() == [f"train/{i}" for i in range(20)]
    assert "pooled" not in caplog.text
    pooled = read_table(tmp_path / "two", "kind", val_size=5)
    assert pooled.x_val.shape == (5, 1)
    assert {row.partition("/")[0] for row in pooled.row_ids} == {"train", "test"}
    assert "two has the parts train, test, but not both train and valid" in caplog.text


def test_a_column_that_has_the_name_of_the_parts_is_not_lost(tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    numbers = {"x": [*range(20)], "split": [i % 3 for i in range(20)]}
    part = datasets.Dataset.from_dict({**numbers, "y": [i % 2 for i in range(20)]})
    datasets.DatasetDict(train=part, test=part).save_to_disk(tmp_path / "two")
    datasets.DatasetDict(train=part, val=part).save_to_disk(tmp_path / "parts")

    assert read_table(tmp_path / "two", "y").feature_names == ("x", "split")
    with pytest.raises(DatasetError, match="has a column named 'split' in the part"):
        read_table(tmp_path / "parts", "y")


def test_a_feature_that_has_the_name_of_the_target_is_not_lost(arrays, frame, tmp_path):
    x, y = arrays
    names = ["a", "b", "c", "target"]
    message = "has a feature named 'target' beside its target"
    for data in (x, frame.iloc[:, 1:]):
        with pytest.raises(DatasetError, match=message):
            read_table(Bunch(data=data, target=y, feature_names=names))
    np.savez(tmp_path / "t.npz", x=x, y=y, feature_names=np.array(names))
    with pytest.raises(DatasetError, match=message):
        read_table(tmp_path / "t.npz")


def test_rows_keep_their_identifiers(frame):
    frame["key"] = [f"customer {i}" for i in range(N_ROWS)]
    named = read_table(frame, "target", row_id="key")
    indexed = read_table(frame.set_index("key"), "target")
    numbered = read_table(frame.drop(columns="key").set_index([["a"] * 60]), "target")

    assert named.fingerprint == indexed.fingerprint == numbered.fingerprint
    assert named.row_ids.tolist() == indexed.row_ids.tolist()
    expected = [f"customer {i}" for i in numbered.row_ids]
    assert named.row_ids.tolist() == expected


def test_an_index_that_pandas_stored_identifies_the_rows(frame, tmp_path):
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    keyed = frame.set_index(pd.Index([f"customer {i}" for i in range(N_ROWS)]))
    reference = read_table(keyed, "target")
    keyed.to_parquet(tmp_path / "t.parquet")
    keyed.rename_axis("key").to_parquet(tmp_path / "named.parquet")
    datasets.Dataset.from_pandas(keyed).save_to_disk(tmp_path / "saved")

    for source, row_id in [
        ("t.parquet", None),
        ("named.parquet", None),
        ("named.parquet", "key"),
        ("saved", None),
    ]:
        again = read_table(tmp_path / source, "target", row_id=row_id)
        assert again.fingerprint == reference.fingerprint
        assert again.row_ids.tolist() == reference.row_ids.tolist()
    repeated = keyed.set_index(pd.Index(["a"] * N_ROWS, name="key"))
    with pytest.raises(DatasetError, match="'key' holds 1 identifiers more than once"):
        read_table(repeated, "target", row_id="key")


def test_a_column_of_texts_stands_beside_the_others(frame):
    words = np.array("good fine great bad poor awful".split())
    rng = np.random.default_rng(0)
    frame["says"] = [
        " ".join(rng.choice(words, 5)) if i else None for i in range(N_ROWS)
    ]
    dataset = read_table(frame, "target", text="says", features="tfidf")

    assert dataset.feature_names[:5] == ("x0", "x1", "x2", "x3", "says_0")
    row = int(dataset.row_ids[3])
    assert dataset.previews[3].text == (frame["says"][row] or "")
    assert dataset.previews[3].fields[0] == ("x0", f"{frame['x0'][row]:.6g}")


@pytest.fixture
def with_photos(frame, tmp_path):
    image_module = pytest.importorskip("PIL.Image")
    for i in range(N_ROWS):
        pixels = np.full((9, 9, 3), 80 * (i % 3) + i, dtype=np.uint8)
        image_module.fromarray(pixels).save(tmp_path / f"{i}.png")
    words = "invoice letter photo".split()
    table = frame[["x0", "target"]].assign(
        body=[f"{words[i % 3]} {words[i % 2]}" for i in range(N_ROWS)],
        photo=[f"{i}.png" for i in range(N_ROWS)],
    )
    table.to_csv(tmp_path / "both.csv", index=False)
    return tmp_path / "both.csv"


def test_texts_and_images_stand_side_by_side_without_an_encoder(with_photos):
    columns = {"text": "body", "image": "photo"}
    dataset = read_table(with_photos, "target", **columns, features="tfidf+pixels")

    kinds = {name.partition("_")[0] for name in dataset.feature_names}
    assert kinds == {"x0", "body", "photo"}
    for kind in ("tfidf", "pixels"):
        with pytest.raises(InputError, match=r"'tfidf\+pixels' where there are both"):
            read_table(with_photos, "target", **columns, features=kind)


def test_a_corrupt_image_is_refused_with_its_table_column_and_row(with_photos):
    (with_photos.parent / "4.png").write_bytes(b"\x89PNG")
    message = r"both.csv: image 'photo' of row 4 \(.*4.png\) cannot be decoded"
    with pytest.raises(DatasetError, match=message):
        read_table(
            with_photos, "target", drop=["body"], image="photo", features="pixels"
        )


def test_a_column_can_say_the_parts(frame):
    frame["part"] = (["train"] * 3 + ["Validation", "test"]) * 12
    dataset = read_table(frame, "target", split="part")

    assert len(dataset.x_train), len(dataset.x_val) == (36, 12)
    assert all(row % 5 < 3 for row in dataset.row_ids)
    frame.loc[7, "part"] = "held out"
    with pytest.raises(DatasetError, match="'part' of row 7 is 'held out'"):
        read_table(frame, "target", split="part")
    frame["part"] = "train"
    with pytest.raises(DatasetError, match="60 training and 0 validation rows"):
        read_table(frame, "target", split="part")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.5] * N_ROWS, "are not all integers, or all strings"),
        ([*range(59), "x"], "are not all integers, or all strings"),
        ([None, *"a" * 59], "are not all integers"),
        ([*range(58), 7, 8], "holds 2 identifiers more than once, such as 7"),
    ],
)
def test_bad_identifiers_are_refused(frame, values, message):
    with pytest.raises(DatasetError, match=message):
        read_table(
            frame.assign(key=pd.Series(values, dtype=object)), "target", row_id="key"
        )


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"text": "x0", "row_id": "x0"}, "columns x0 were named for two uses"),
        ({"text": "body"}, "has no column 'body'"),
        ({"features": "tfidf"}, "no column of the data frame was named by text or im"),
        (
            {"image": "x0", "features": "pixels"},
            r"row 0 is .*, and there is no such",
        ),
        (
            {"text": "x0", "features": "pixels"},
            "'pixels' is for images, but there are texts",
        ),
    ],
)
def test_bad_choices_are_refused(frame, choices, message):
    with pytest.raises(InputError, match=message):
        read_table(frame, "target", **choices)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ([1, 2], DatasetError, "A list is no table that can be read"),
        (Bunch(data=np.ones((3, 1))), DatasetError, "The Bunch has no target"),
        (
            Bunch(data=np.ones((3, 1)), target=np.ones(4)),
            DatasetError,
            r"features of shape \(3, 1\) and targets of shape \(4,\)",
        ),
        (pd.DataFrame({"a": [1]}), InputError, "No target was given for the data fr"),
        (
            pd.DataFrame([[1, 2]], columns=["a", "a"]),
            DatasetError,
            "several columns of the same name: a",
        ),
    ],
)
def test_what_is_no_table_is_refused(source, error, message):
    with pytest.raises(error, match=message):
        read_table(source)


def test_damaged_files_and_folders_are_refused(tmp_path, arrays):
    (tmp_path / "a.npz").write_bytes(b"PK nothing")
    with pytest.raises(DatasetError, match="cannot be read as arrays without pickle"):
        read_table(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", features=arrays[0], answers=arrays[1])
    with pytest.raises(DatasetError, match="holds the arrays 'features', 'answers'"):
        read_table(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", x=np.array([{}], dtype=object), y=[1])
    with pytest.raises(DatasetError, match="without pickle"):
        read_table(tmp_path / "c.npz")
    with pytest.raises(DatasetError, match="is no folder of a dataset"):
        read_table(tmp_path, "y")
    (tmp_path / "state.json").write_text('{"_data_files": [{"filename": "x.arrow"}]}')
    with pytest.raises(DatasetError, match=r"x.arrow cannot be read as Arrow"):
        read_table(tmp_path, "y")
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(DatasetError, match=r"state.json cannot be read"):
        read_table(tmp_path, "y")
