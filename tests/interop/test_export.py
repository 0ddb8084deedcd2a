"""Export: Parquet and xarray hold what the contributions hold."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from data_scaling.contributions import Contributions
from data_scaling.interop import to_xarray, write_parquet


@pytest.fixture
def draws() -> Contributions:
    rng = np.random.default_rng(3)
    delta = rng.normal(size=(7, 11))
    delta[2, 5] = np.nan
    cardinality = rng.integers(5, 99, (7, 11))
    origin = {"metric": "brier", "unit": "u", "dataset": "toy", "learner": "tree"}
    return Contributions(delta, cardinality, [9, 4, 30, 2, 7, 1, 0], **origin)


@pytest.mark.parametrize("group_rows", [1, 30, 10_000])
def test_parquet_is_the_long_frame_in_bounded_groups(
    draws, group_rows, tmp_path, monkeypatch
):
    monkeypatch.setattr("data_scaling.interop.parquet.GROUP_ROWS", group_rows)
    write_parquet(draws, tmp_path / "x.parquet")
    file = pq.ParquetFile(tmp_path / "x.parquet")
    read, frame = file.read().to_pandas(), draws.to_frame()
    assert list(read) == list(frame)
    for name in frame:
        np.testing.assert_array_equal(read[name], frame[name])
    sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert max(sizes) <= max(group_rows, draws.n_draws)
    assert file.schema_arrow.metadata[b"metric"] == b"brier"
    assert [path.name for path in tmp_path.iterdir()] == ["x.parquet"]


def test_xarray_labels_points_and_draws_without_a_copy(draws):
    labelled = to_xarray(draws)
    assert dict(labelled.sizes) == {"point": 7, "draw": 11}
    np.testing.assert_array_equal(labelled.delta.sel(point=30), draws.delta[2])
    np.testing.assert_array_equal(labelled.cardinality, draws.cardinality)
    assert np.shares_memory(labelled.delta.values, draws.delta)
    assert labelled.attrs["learner"] == "tree"
    assert labelled.delta.attrs["units"] == "u"
