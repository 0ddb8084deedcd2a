import numpy as np
import pytest

from data_scaling.datasets import Dataset
from data_scaling.errors import DatasetError, InputError

X = np.arange(12.0).reshape(6, 2)
CLASSES = np.array(["no", "yes"] * 3)


def test_classes_are_coded_by_their_sorted_position():
    dataset = Dataset(X, [7, 3, 5, 3, 7, 5], X[:3], [3, 5, 7], X[:1], [7])

    assert dataset.task == "classification"
    assert dataset.classes == ("3", "5", "7")
    assert dataset.y_train.tolist() == [2, 0, 1, 0, 2, 1]
    assert dataset.y_test.tolist() == [2]
    assert dataset.target_names([0, 1]) == ["7", "3"]


def test_floating_targets_make_a_regression():
    dataset = Dataset(X, X[:, 0], X[:3], [1, 2, 3])

    assert dataset.task == "regression"
    assert dataset.y_val.dtype == np.float64
    assert dataset.x_test.shape == (0, 2)
    assert dataset.target_names([5]) == ["10"]


def test_arrays_are_copies_that_cannot_be_changed():
    x = X.copy()
    dataset = Dataset(x, CLASSES, x, CLASSES)
    x[0, 0] = 99.0

    assert dataset.x_train[0, 0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        dataset.y_train[0] = 1


def test_fingerprint_follows_the_numbers_and_not_the_names():
    first = Dataset(X, CLASSES, X, CLASSES)
    renamed = Dataset(
        X, CLASSES, X, CLASSES, name="b", row_ids=range(6), feature_names=["a", "b"]
    )
    changed = Dataset(X + np.eye(6, 2), CLASSES, X, CLASSES)
    relabelled = Dataset(X, np.char.upper(CLASSES), X, np.char.upper(CLASSES))

    assert first.fingerprint == renamed.fingerprint
    fingerprints = {first.fingerprint, changed.fingerprint, relabelled.fingerprint}
    assert len(fingerprints) == 3


def test_names_default_to_positions():
    dataset = Dataset(X, CLASSES, X, CLASSES)

    assert dataset.feature_names == ("x0", "x1")
    assert dataset.row_ids.tolist() == [0, 1, 2, 3, 4, 5]


def test_object_targets_of_one_type_are_read_as_that_type():
    dataset = Dataset(X, CLASSES.astype(object), X, CLASSES)

    assert dataset.classes == ("no", "yes")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, CLASSES[:5], X, CLASSES), r"y_train has shape \(5,\), but x_train has 6"),
        ((X[:, :0], CLASSES, X, CLASSES), r"x_train has shape \(6, 0\)"),
        ((X, CLASSES, X[:, :1], CLASSES), "different numbers of columns"),
        ((X, ["no"] * 6, X, CLASSES), r"one class only \(no\)"),
        ((X, CLASSES, X, ["no"] * 6), "validation part lacks the classes yes"),
        ((X, CLASSES, X, ["no", "maybe"] * 3), "y_val holds classes .* lacks: maybe"),
        ((X, CLASSES, X, [0, 1] * 3), "y_train has dtype <U3, y_val int64"),
        ((X, CLASSES, X, CLASSES, X), "Only one of x_test and y_test"),
        ((CLASSES[:, None], CLASSES, X, CLASSES), "x_train is no matrix of numbers"),
        ((X * 1j, CLASSES, X, CLASSES), r"numbers \(complex numbers\)"),
        ((X, [[1], [2, 3]], X, CLASSES), "y_train is no list of targets"),
        ((X, ["a", 1, None] * 2, X, CLASSES), "types: NoneType, int, str"),
        ((X, np.zeros(6, "M8[s]"), X, CLASSES), r"dtype datetime64\[s\]"),
    ],
)
def test_bad_arrays_are_refused(arguments, message):
    if isinstance(arguments[1], list) and None in arguments[1]:
        arguments = (X, np.array(arguments[1], dtype=object), *arguments[2:])
    with pytest.raises(DatasetError, match=message):
        Dataset(*arguments)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_feature_that_is_not_finite_is_refused_with_its_place(value):
    x = X.copy()
    x[4, 1] = value
    with pytest.raises(InputError, match=r"x_val holds 1 values .* index \(4, 1\)"):
        Dataset(X, CLASSES, x, CLASSES)


def test_names_of_wrong_length_are_refused():
    with pytest.raises(DatasetError, match="1 feature names were given for 2 columns"):
        Dataset(X, CLASSES, X, CLASSES, feature_names=["a"])
    with pytest.raises(DatasetError, match=r"row_ids has shape \(2,\)"):
        Dataset(X, CLASSES, X, CLASSES, row_ids=[1, 2])
