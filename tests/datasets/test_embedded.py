import numpy as np
import pytest

from data_scaling.datasets.embedded import read_embeddings
from data_scaling.errors import DatasetError


def test_components_are_those_of_the_training_part(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6)) * [9, 5, 1, 1, 1, 1]
    np.savez(tmp_path / "a.npz", x=x.astype(np.float16), y=np.arange(200) % 2)
    dataset = read_embeddings(tmp_path / "a.npz", n_components=2, seed=3)
    parts = [dataset.x_train, dataset.x_val, dataset.x_test]
    assert [part.shape for part in parts] == [(100, 2), (50, 2), (50, 2)]
    np.testing.assert_allclose(dataset.x_train.mean(axis=0), 0, atol=1e-12)
    rows = x.astype(np.float16).astype(float)[dataset.row_ids]
    singular = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(
        np.linalg.norm(dataset.x_train, axis=0), singular[:2], rtol=1e-10
    )
    assert dataset.y_train.tolist() == (dataset.row_ids % 2).tolist()


def test_a_file_that_is_no_embedding_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", z=np.zeros(3))
    with pytest.raises(DatasetError, match="arrays x and y"):
        read_embeddings(tmp_path / "a.npz")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_embeddings(tmp_path / "missing.npz")
