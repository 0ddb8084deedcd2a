"""A dataset ready for valuation: numeric features, encoded targets, fixed splits."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_scaling._checks import check_finite
from data_scaling._typing import FloatArray
from data_scaling.errors import DatasetError

Task: TypeAlias = Literal["classification", "regression"]


@dataclass(frozen=True, init=False, eq=False)
class Dataset:
    """Training pool, validation part and test part, as frozen arrays.

    Points are the rows of the training pool, named by their index in it.

    Parameters
    ----------
    x_train, x_val, x_test : (n_rows, n_features) array_like
        Finite features; the test part is optional.
    y_train, y_val, y_test : (n_rows,) array_like
        Targets. Floating-point targets make a regression, all others (integers,
        booleans, strings) a classification.
    name : str
        What reports call the dataset.
    row_ids : (n_train,) array_like, optional
        Identifier of each training row in the user's own table (integers or strings);
        the index in the pool by default.

    Attributes
    ----------
    x_train, x_val, x_test : (n_rows, n_features) float64 array
        Features. Without a test part, ``x_test`` has no rows.
    y_train, y_val, y_test : (n_rows,) array
        float64 targets in a regression; in a classification the int64 code of the
        class, its position in ``classes``.
    classes : tuple of str
        Names of the classes in sorted order; empty in a regression.

    Raises
    ------
    DatasetError
        If shapes disagree, a part is empty, the target has one class only, or the
        validation part lacks a class.
    InputError
        If a value is NaN or infinite.

    Examples
    --------
    >>> from data_scaling import Dataset
    >>> dataset = Dataset([[0.0], [1.0]], ["no", "yes"], [[0.2], [0.9]], ["no", "yes"])
    >>> dataset.task, dataset.classes, dataset.y_train.tolist()
    ('classification', ('no', 'yes'), [0, 1])
    """

    x_train: FloatArray
    y_train: NDArray[Any]
    x_val: FloatArray
    y_val: NDArray[Any]
    x_test: FloatArray
    y_test: NDArray[Any]
    name: str
    classes: tuple[str, ...]
    row_ids: NDArray[Any]

    def __init__(
        self,
        x_train: ArrayLike,
        y_train: ArrayLike,
        x_val: ArrayLike,
        y_val: ArrayLike,
        x_test: ArrayLike | None = None,
        y_test: ArrayLike | None = None,
        *,
        name: str = "dataset",
        row_ids: ArrayLike | None = None,
    ) -> None:
        if (x_test is None) != (y_test is None):
            raise DatasetError("Only one of x_test and y_test was given. Give both.")
        features = {"train": x_train, "val": x_val}
        targets = {"train": np.asarray(y_train), "val": np.asarray(y_val)}
        if x_test is not None and y_test is not None:
            features["test"], targets["test"] = x_test, np.asarray(y_test)
        arrays: dict[str, NDArray[Any]] = {}
        for part, rows in features.items():
            arrays[f"x_{part}"] = _check_features(part, rows, targets[part])
        _check_same_width(arrays)
        classes, coded = _encode_targets(targets)
        arrays |= {f"y_{part}": target for part, target in coded.items()}
        arrays.setdefault("x_test", np.empty((0, arrays["x_train"].shape[1])))
        arrays.setdefault("y_test", arrays["y_train"][:0].copy())
        arrays["row_ids"] = _check_row_ids(row_ids, len(arrays["x_train"]))
        for field, array in arrays.items():
            array.setflags(write=False)
            object.__setattr__(self, field, array)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "classes", classes)

    @property
    def task(self) -> Task:
        """Whether the target is a class or a number."""
        return "classification" if self.classes else "regression"

    @property
    def n_points(self) -> int:
        """Number of points in the training pool."""
        return len(self.x_train)

    @property
    def n_features(self) -> int:
        """Number of columns of the features."""
        return int(self.x_train.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal digest of all arrays and class names, 32 characters."""
        digest = hashlib.sha256("\x1f".join(self.classes).encode())
        for part in ("train", "val", "test"):
            for array in (getattr(self, f"x_{part}"), getattr(self, f"y_{part}")):
                digest.update(f"{array.shape} {array.dtype.str}".encode())
                digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()[:32]

    def target_names(self, points: ArrayLike) -> list[str]:
        """Return the class names, or the printed targets, of training points."""
        target = self.y_train[np.asarray(points, dtype=np.intp)]
        if self.task == "regression":
            return [f"{value:.6g}" for value in target]
        return [self.classes[code] for code in target]


def _check_features(part: str, rows: ArrayLike, target: NDArray[Any]) -> FloatArray:
    array = np.array(check_finite(f"x_{part}", rows), order="C")
    if array.ndim != 2 or 0 in array.shape:
        raise DatasetError(
            f"x_{part} has shape {array.shape}. Give a matrix of at least one row and "
            "one column."
        )
    if target.shape != (len(array),):
        raise DatasetError(
            f"y_{part} has shape {target.shape}, but x_{part} has {len(array)} rows. "
            "Give one target per row."
        )
    return array


def _check_same_width(arrays: dict[str, NDArray[Any]]) -> None:
    widths = {field: array.shape[1] for field, array in arrays.items()}
    if len(set(widths.values())) > 1:
        raise DatasetError(
            f"The parts have different numbers of columns: {widths}. Prepare them in "
            "the same way."
        )


def _encode_targets(
    targets: dict[str, NDArray[Any]],
) -> tuple[tuple[str, ...], dict[str, NDArray[Any]]]:
    if targets["train"].dtype.kind == "f":
        checked = {
            part: np.array(check_finite(f"y_{part}", target))
            for part, target in targets.items()
        }
        return (), checked
    labels, codes = np.unique(targets["train"], return_inverse=True)
    if len(labels) < 2:
        raise DatasetError(
            f"The training target has one class only ({labels[0]!s}). Choose another "
            "target column, or rows of at least two classes."
        )
    coded: dict[str, NDArray[Any]] = {"train": codes.astype(np.int64)}
    for part in targets.keys() - {"train"}:
        unseen = np.setdiff1d(targets[part], labels)
        if len(unseen):
            raise DatasetError(
                f"y_{part} holds classes that y_train lacks: "
                f"{', '.join(map(str, unseen[:5]))}. Split the rows so that every "
                "class is in the training part."
            )
        coded[part] = np.searchsorted(labels, targets[part]).astype(np.int64)
    missing = np.setdiff1d(np.arange(len(labels)), coded["val"])
    if len(missing):
        raise DatasetError(
            "The validation part lacks the classes "
            f"{', '.join(str(labels[i]) for i in missing[:5])}. Give it rows of every "
            "class, or leave those classes out."
        )
    return tuple(str(label) for label in labels), coded


def _check_row_ids(row_ids: ArrayLike | None, n_points: int) -> NDArray[Any]:
    if row_ids is None:
        return np.arange(n_points)
    array = np.array(row_ids)
    if array.dtype.kind not in "iuU" or array.shape != (n_points,):
        raise DatasetError(
            f"row_ids has shape {array.shape} and dtype {array.dtype}. Give one integer "
            f"or string for each of the {n_points} training rows."
        )
    return array
