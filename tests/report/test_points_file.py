"""What a run keeps of its dataset comes back as it was."""

import numpy as np
import pytest

from data_scaling.datasets import Dataset, Previews
from data_scaling.errors import InputError
from data_scaling.report import load_points, save_points

TEXTS = ["plain", '<script>alert("1")</script>', "", "naïve – 東京 🙂"]


def make_dataset(**parts):
    x, y = np.arange(12.0).reshape(6, 2), ["a", "b", "a", "b", "a", "b"]
    return Dataset(x[:4], y[:4], x[4:], y[4:], name="small", **parts)


@pytest.mark.parametrize("row_ids", [None, [7, 1, 9, 3], ["é", "x,y", "<b>", "_"]])
def test_points_come_back_as_they_were(row_ids, tmp_path):
    columns = {
        "age": np.array([1.5, np.nan, 3.0, 4.0]),
        "town": np.array(["Ulm", None, "", "Bonn"], dtype=object),
        "year": np.array([1990, 1991, 1992, 1993]),
    }
    images = [b"\x89PNG1", b"", b"\xff\xd8jpeg", b"\x89PNG2"]
    previews = Previews(4, TEXTS, columns, images)
    dataset = make_dataset(row_ids=row_ids, previews=previews)
    save_points(tmp_path / "points.npz", dataset)
    table = load_points(tmp_path / "points.npz")
    assert list(table.previews) == list(previews)
    assert table.row_ids.tolist() == dataset.row_ids.tolist()
    assert table.target.tolist() == dataset.y_train.tolist()
    assert (table.classes, table.dataset) == (("a", "b"), "small")
    assert (table.n_features, table.n_validation) == (2, 2)
    assert table.fingerprint == dataset.fingerprint
    assert not table.are_features


def test_a_dataset_without_previews_is_shown_by_its_features(tmp_path):
    dataset = make_dataset(feature_names=["size", "age"])
    save_points(tmp_path / "points.npz", dataset)
    table = load_points(tmp_path / "points.npz")
    assert table.are_features
    assert table.previews[1].fields == (("size", "2"), ("age", "3"))


@pytest.mark.parametrize("content", [b"", b"not a file of arrays", b"PK\x03\x04"])
def test_a_damaged_file_is_refused(content, tmp_path):
    path = tmp_path / "points.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not a file of points"):
        load_points(path)


def test_a_file_of_laws_is_refused(tmp_path):
    np.savez(tmp_path / "laws.npz", header=np.array('{"format": "x", "version": 1}'))
    with pytest.raises(InputError, match="it is x 1"):
        load_points(tmp_path / "laws.npz")
