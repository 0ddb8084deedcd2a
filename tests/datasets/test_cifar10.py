import io
import pickle
import tarfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_scaling.datasets import load_dataset
from data_scaling.datasets.array_pickles import read_array_pickle
from data_scaling.datasets.cifar10 import CLASSES
from data_scaling.errors import DatasetError, InputError

BATCHES = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "cache"))


def make_batch(seed, n_images=40):
    """A batch as published: rows of 1,024 red, then green, then blue values."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n_images) % 10).tolist()
    colours = rng.integers(20, 220, (n_images, 3, 1, 1))
    pixels = (colours + rng.integers(0, 30, (n_images, 3, 32, 32))).astype(np.uint8)
    pixels[:, 0] = np.array(labels)[:, None, None] * 20  # red tells the class
    return {
        b"batch_label": b"part",
        b"labels": labels,
        b"data": pixels.reshape(n_images, -1),
        b"filenames": [b"x.png"] * n_images,
    }


def write_batches(folder, batches):
    place = folder / "cifar-10-batches-py"
    place.mkdir()
    for name, batch in batches.items():
        content = batch if isinstance(batch, bytes) else pickle.dumps(batch, protocol=2)
        (place / name).write_bytes(content)
    return place


def encode(pixels, form="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def make_table():
    images = np.concatenate([make_batch(i)[b"data"] for i in range(6)])
    images = images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return pd.DataFrame(
        {
            "image": [encode(np.ascontiguousarray(image)) for image in images],
            "label": np.arange(240) % 10,
            "split": ["train"] * 200 + ["test"] * 40,
        }
    )


def test_archive_folder_and_table_give_the_same(tmp_path):
    batches = {name: make_batch(i) for i, name in enumerate(BATCHES)}
    for part in "abc":
        (tmp_path / part).mkdir()
    place = write_batches(tmp_path / "a", batches)
    with tarfile.open(tmp_path / "b" / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(place, "cifar-10-batches-py")
    make_table().to_parquet(tmp_path / "c" / "cifar10.parquet")
    folder, archive, table = (
        load_dataset("cifar10", tmp_path / part, features="pixels", seed=3)
        for part in "abc"
    )

    assert folder.fingerprint == archive.fingerprint == table.fingerprint
    assert folder.classes == CLASSES
    assert [len(folder.x_train), len(folder.x_val), len(folder.x_test)] == [200, 20, 20]
    assert folder.row_ids.tolist() == list(range(200))


def test_the_validation_part_comes_from_the_published_test_part(tmp_path):
    make_table().to_parquet(tmp_path / "cifar10.parquet")
    dataset = load_dataset("cifar10", tmp_path, features="pixels")
    split = dataset.provenance["split"]

    assert sorted(split["val_rows"] + split["test_rows"]) == list(range(200, 240))
    assert np.bincount(dataset.y_val).tolist() == [2] * 10


def test_thumbnails_show_the_training_images(tmp_path):
    batches = {name: make_batch(i) for i, name in enumerate(BATCHES)}
    write_batches(tmp_path, batches)
    dataset = load_dataset("cifar10", tmp_path, features="pixels")

    for point in (0, 57, 199):
        shown = Image.open(io.BytesIO(dataset.previews[point].thumbnail))
        assert shown.size == (32, 32)
        row = batches[BATCHES[point // 40]][b"data"][point % 40].reshape(3, 32, 32)
        difference = np.asarray(shown)[..., 0].mean() - row[0].mean()
        assert abs(difference) < 5, "JPEG is not exact"


def test_pixels_are_reduced_on_the_training_part_only(tmp_path):
    table = make_table()
    table.to_parquet(tmp_path / "cifar10.parquet")
    reference = load_dataset("cifar10", tmp_path, features="pixels")
    black = encode(np.zeros((32, 32, 3), dtype=np.uint8))
    rows = reference.provenance["split"]["test_rows"]
    table.loc[rows, "image"] = [black] * len(rows)
    table.to_parquet(tmp_path / "cifar10.parquet")
    changed = load_dataset("cifar10", tmp_path, features="pixels")

    assert np.array_equal(changed.x_train, reference.x_train)
    assert np.array_equal(changed.x_val, reference.x_val)
    assert not np.array_equal(changed.x_test, reference.x_test)


@pytest.mark.parametrize("cut", [0, 10, 300])
def test_a_corrupt_image_is_refused_with_its_row(tmp_path, cut):
    table = make_table()
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    table.at[17, "image"] = encode(noise, "JPEG")[:cut]
    table.to_parquet(tmp_path / "cifar10.parquet")
    with pytest.raises(DatasetError, match=r"image' of row 17 cannot be decoded \("):
        load_dataset("cifar10", tmp_path, features="pixels")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("label", 10, "the label of row 7 is 10, but it must be one of 0, 1"),
        ("label", 1.5, r"the label of row 7 is 1\.5"),
        ("split", "held-out", "the label of row 7 is 'held-out', .* train, test"),
        ("image", None, "'image' is missing in 1 of 240 rows, the first is row 7"),
    ],
)
def test_a_damaged_table_is_refused_with_the_row(tmp_path, column, value, message):
    table = make_table()
    table[column] = table[column].astype(object)
    table.at[7, column] = value
    if column == "label":
        table["label"] = table["label"].astype(str if value == 10 else float)
        message = message.replace("is 10,", "is '10',")
    table.to_parquet(tmp_path / "cifar10.parquet")
    with pytest.raises(DatasetError, match=message):
        load_dataset("cifar10", tmp_path, features="pixels")


class Evil:
    def __reduce__(self):
        return (print, ("this ran",))


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (Evil(), r"print, which is not allowed"),
        ({b"data": np.zeros((2, 3072)), b"labels": [0, 1]}, "an array of type"),
        (b"\x80\x02}q\x01(", "is no batch of CIFAR-10"),
        ({b"labels": [0, 1]}, "has no data and labels"),
        ([1, 2], "holds no dictionary"),
        ({b"data": np.zeros((2, 9), np.uint8), b"labels": [0, 1]}, r"shape \(2, 9\)"),
        ({b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]}, "a label 10"),
    ],
)
def test_a_damaged_or_evil_batch_is_refused_and_not_run(
    tmp_path, batch, message, capsys
):
    batches = {name: make_batch(0, 2) for name in BATCHES}
    write_batches(tmp_path, batches | {"data_batch_3": batch})
    with pytest.raises(DatasetError, match=f"data_batch_3.*{message}"):
        load_dataset("cifar10", tmp_path, features="pixels")
    assert capsys.readouterr().out == ""


def test_a_missing_batch_is_named(tmp_path):
    write_batches(
        tmp_path, {"data_batch_1": make_batch(0), "test_batch": make_batch(1)}
    )
    with pytest.raises(DatasetError, match=r"2 of the six .*\(data_batch_1, test_"):
        load_dataset("cifar10", tmp_path, features="pixels")


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_batches_of_every_protocol_are_read(protocol):
    batch = make_batch(0, 3)
    read = read_array_pickle(pickle.dumps(batch, protocol=protocol), "batch")

    assert np.array_equal(read["data"], batch[b"data"])
    assert read["labels"] == batch[b"labels"]


def test_features_of_another_kind_are_refused(tmp_path):
    make_table().to_parquet(tmp_path / "cifar10.parquet")
    with pytest.raises(InputError, match="'tfidf' is for texts, but there are images"):
        load_dataset("cifar10", tmp_path, features="tfidf")
    with pytest.raises(InputError, match="there are images"):  # nothing downloaded
        load_dataset("cifar10", tmp_path / "none", features="tfidf")
    with pytest.raises(InputError, match="for texts and images, but 'wine'"):
        load_dataset("wine", features="pixels")
    with pytest.raises(InputError, match=r"features is 'hog'. Give one of"):
        load_dataset("cifar10", tmp_path, features="hog")
    with pytest.raises(InputError, match="'x' was named with features='pixels'"):
        load_dataset("cifar10", tmp_path, features="pixels", model="x")
