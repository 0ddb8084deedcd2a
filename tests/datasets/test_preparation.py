import numpy as np
import pytest

from data_scaling.datasets.preparation import RawTable, prepare_dataset
from data_scaling.errors import DatasetError


def make_table(n_rows=200, seed=3):
    """A table of two numeric and two categorical columns with missing values."""
    rng = np.random.default_rng(seed)
    numeric = rng.normal(5.0, 3.0, (n_rows, 2))
    numeric[rng.random(n_rows) < 0.1, 0] = np.nan
    categorical = np.empty((n_rows, 2), dtype=object)
    categorical[:, 0] = rng.choice(["red", "green", "blue"], n_rows)
    categorical[:, 1] = np.where(rng.random(n_rows) < 0.2, None, "known")
    target = (np.arange(n_rows) % 2).astype(np.int64)
    return RawTable(numeric, ("a", "b"), categorical, ("colour", "state"), target)


def test_numeric_columns_equal_a_computation_by_hand():
    table = make_table()
    dataset = prepare_dataset(table, name="t", seed=0)

    raw = table.numeric[dataset.row_ids]
    filled = np.where(np.isnan(raw), np.nanmedian(raw, axis=0), raw)
    expected = (filled - filled.mean(axis=0)) / filled.std(axis=0)
    np.testing.assert_allclose(dataset.x_train[:, :2], expected, atol=1e-12)


def test_categories_become_zeros_and_ones_with_missing_as_one_of_them():
    table = make_table()
    dataset = prepare_dataset(table, name="t", seed=0)

    assert dataset.feature_names == (
        "a",
        "b",
        "colour=blue",
        "colour=green",
        "colour=red",
        "state=known",
        "state=missing",
    )
    colour, state = table.categorical[dataset.row_ids].T
    assert np.array_equal(dataset.x_train[:, 4], colour == "red")
    assert np.array_equal(dataset.x_train[:, 6], [value is None for value in state])


def test_one_hot_features_are_standardised_when_asked():
    dataset = prepare_dataset(make_table(), name="t", seed=0, standardise_one_hot=True)

    np.testing.assert_allclose(dataset.x_train.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(dataset.x_train.std(axis=0), 1.0)


def test_held_out_rows_do_not_change_the_training_features():
    table = make_table()
    before = prepare_dataset(table, name="t", seed=0)
    held_out = np.setdiff1d(np.arange(200), before.row_ids)
    table.numeric[held_out] *= 100.0
    table.categorical[held_out, 0] = "violet"
    after = prepare_dataset(table, name="t", seed=0)

    assert np.array_equal(before.x_train, after.x_train)
    assert np.all(after.x_val[:, 2:5] == 0.0), "an unknown category is all zeros"


def test_columns_that_do_not_vary_in_training_are_left_out(caplog):
    table = make_table()
    table.numeric[:, 0] = np.nan
    table.categorical[:, 0] = "same"
    with caplog.at_level("INFO"):
        dataset = prepare_dataset(table, name="t", seed=0)

    assert dataset.feature_names == ("b", "state=known", "state=missing")
    assert "do not vary in the training part: colour" in caplog.text


def test_a_table_without_a_varying_column_is_refused():
    table = make_table()
    table.numeric[:] = 1.0
    table.categorical[:] = "same"
    with pytest.raises(DatasetError, match="No column of t varies"):
        prepare_dataset(table, name="t", seed=0)


def test_values_too_large_to_standardise_are_named():
    table = make_table()
    table.numeric[:, 1] = np.where(np.arange(200) % 3, 1e300, -1e300)
    with pytest.raises(DatasetError, match=r"NaN or infinite after preparation .*: b"):
        prepare_dataset(table, name="t", seed=0)
