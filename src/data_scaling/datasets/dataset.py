"""A dataset ready for valuation: numeric features, encoded targets, fixed splits."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_scaling._checks import check_finite
from data_scaling._typing import FloatArray
from data_scaling.datasets.preview import Preview, Previews, as_previews
from data_scaling.errors import DatasetError

Task: TypeAlias = Literal["classification", "regression"]

_TARGET_TYPES = {str, bool, int, float}


@dataclass(frozen=True, init=False, eq=False, repr=False)
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
    feature_names : sequence of (n_features,) str, optional
        Name of each feature; ``x0``, ``x1``, ... by default.
    previews : sequence of (n_train,) Preview, optional
        What a person is shown of each training row; none by default.
    provenance : mapping, optional
        Where the rows came from and what was done to them, as JSON can hold it.
    classes : sequence of str, optional
        Names of the classes where targets are their codes, 0, 1, ...; by default
        classes are named by their labels.

    Attributes
    ----------
    x_train, x_val, x_test : (n_rows, n_features) float64 array
        Features. Without a test part, ``x_test`` has no rows.
    y_train, y_val, y_test : (n_rows,) array
        float64 targets in a regression; in a classification the int64 code of the
        class, its position in ``classes``.
    classes : tuple of str
        Names of the classes, in sorted order unless given; empty in a regression.
    previews : Previews
        One preview per training row, or empty.
    provenance : dict
        As given, or empty.

    Raises
    ------
    DatasetError
        If shapes disagree, a part is empty, a feature is no number, a target is neither
        number nor string, the target has one class only, or the validation part lacks
        a class.
    InputError
        If a value is NaN or infinite.

    Examples
    --------
    >>> from data_scaling.datasets import Dataset
    >>> dataset = Dataset([[0.0], [1.0]], ["no", "yes"], [[0.2], [0.9]], ["no", "yes"])
    >>> dataset.task, dataset.classes, dataset.y_train.tolist()
    ('classification', ('no', 'yes'), [0, 1])
    >>> dataset
    <Dataset 'dataset': 2 training, 2 validation, 0 test rows, 1 feature, 2 classes>
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
    feature_names: tuple[str, ...]
    previews: Previews
    provenance: dict[str, Any]

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
        feature_names: Sequence[str] | None = None,
        previews: Sequence[Preview] | None = None,
        provenance: Mapping[str, Any] | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        if (x_test is None) != (y_test is None):
            raise DatasetError("Only one of x_test and y_test was given. Give both.")
        features = {"train": x_train, "val": x_val}
        targets = {"train": _check_target("train", y_train)}
        targets["val"] = _check_target("val", y_val)
        if x_test is not None and y_test is not None:
            features["test"], targets["test"] = x_test, _check_target("test", y_test)
        arrays: dict[str, NDArray[Any]] = {}
        for part, rows in features.items():
            arrays[f"x_{part}"] = _check_features(part, rows, targets[part])
        _check_same_width(arrays)
        labels, coded = _encode_targets(targets)
        arrays |= {f"y_{part}": target for part, target in coded.items()}
        arrays.setdefault("x_test", np.empty((0, arrays["x_train"].shape[1])))
        arrays.setdefault("y_test", arrays["y_train"][:0].copy())
        arrays["row_ids"] = _check_row_ids(row_ids, len(arrays["x_train"]))
        for field, array in arrays.items():
            array.setflags(write=False)
            object.__setattr__(self, field, array)
        names = _check_feature_names(feature_names, arrays["x_train"].shape[1])
        object.__setattr__(self, "feature_names", names)
        shown = _check_previews(previews, len(arrays["x_train"]))
        object.__setattr__(self, "previews", shown)
        object.__setattr__(self, "provenance", _check_provenance(provenance))
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "classes", _name_classes(labels, classes))

    def __repr__(self) -> str:
        """Return the name and the sizes."""
        rows = f"{self.n_points} training, {len(self.x_val)} validation"
        width = f"{self.n_features} feature" + "s" * (self.n_features != 1)
        target = f"{len(self.classes)} classes" if self.classes else "a number"
        return (
            f"<Dataset {self.name!r}: {rows}, {len(self.x_test)} test rows, "
            f"{width}, {target}>"
        )

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
        """Hexadecimal digest of what determines a draw, 32 characters.

        It covers the arrays of all parts and the names of the classes; the names of
        the dataset, its rows and its features do not enter, nor do previews and
        provenance.
        """
        digest = hashlib.sha256("\x1f".join(self.classes).encode())
        for part in ("train", "val", "test"):
            for array in (getattr(self, f"x_{part}"), getattr(self, f"y_{part}")):
                digest.update(f"{array.shape} {array.dtype.str}".encode())
                digest.update(array.data)
        return digest.hexdigest()[:32]

    def target_names(self, points: ArrayLike) -> list[str]:
        """Return the class names, or the printed targets, of training points.

        Raises
        ------
        DatasetError
            If there is no such point.
        """
        rows = np.asarray(points, dtype=np.intp)
        outside = rows[(rows < 0) | (rows >= self.n_points)]
        if outside.size:
            raise DatasetError(
                f"Point {outside[0]} was asked for, but {self.name} has the points 0 "
                f"to {self.n_points - 1}. Give the dataset that the points are of."
            )
        target = self.y_train[rows]
        if self.task == "regression":
            return [f"{value:.6g}" for value in target]
        return [self.classes[code] for code in target]


def _check_features(part: str, rows: ArrayLike, target: NDArray[Any]) -> FloatArray:
    try:
        if np.iscomplexobj(rows):
            raise TypeError("complex numbers")
        numbers = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"x_{part} is no matrix of numbers ({error}). Give dense numeric features; "
            "read_table encodes text and categories."
        ) from error
    # A copy of its own, so that freezing it does not freeze the caller's array.
    array = np.array(check_finite(f"x_{part}", numbers), order="C")
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


def _check_target(part: str, values: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DatasetError(
            f"y_{part} is no list of targets ({error}). Give one number or string per "
            "row."
        ) from error
    if array.dtype == object:
        kinds = {type(value) for value in array.ravel().tolist()}
        if len(kinds) != 1 or not kinds <= _TARGET_TYPES:
            found = ", ".join(sorted(kind.__name__ for kind in kinds))
            raise DatasetError(
                f"y_{part} holds values of these types: {found}. Give numbers only or "
                "strings only, and leave out rows without a target."
            )
        array = np.array(array.tolist())
    if array.dtype.kind not in "biufU":
        raise DatasetError(
            f"y_{part} has dtype {array.dtype}. Give floating-point targets for a "
            "regression; integers, booleans or strings for a classification."
        )
    return array


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
    for part in [part for part in targets if part != "train"]:
        if (targets[part].dtype.kind == "U") != (labels.dtype.kind == "U"):
            raise DatasetError(
                f"y_train has dtype {labels.dtype}, y_{part} {targets[part].dtype}. "
                "Name the classes in the same way in all parts."
            )
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


def _name_classes(
    labels: tuple[str, ...], classes: Sequence[str] | None
) -> tuple[str, ...]:
    if classes is None:
        return labels
    if labels != tuple(str(code) for code in range(len(classes))):
        raise DatasetError(
            f"{len(classes)} names of classes were given, but the training target "
            f"holds {', '.join(labels[:5]) or 'numbers'}. Give the targets as codes "
            "from 0 on, every one in the training part, and one name for each."
        )
    return tuple(str(name) for name in classes)


def _check_row_ids(row_ids: ArrayLike | None, n_points: int) -> NDArray[Any]:
    if row_ids is None:
        return np.arange(n_points)
    array = np.array(row_ids)
    if array.dtype.kind not in "iuU" or array.shape != (n_points,):
        raise DatasetError(
            f"row_ids has shape {array.shape} and dtype {array.dtype}. Give one "
            f"integer or string for each of the {n_points} training rows."
        )
    return array


def _check_feature_names(
    feature_names: Sequence[str] | None, n_features: int
) -> tuple[str, ...]:
    if feature_names is None:
        return tuple(f"x{column}" for column in range(n_features))
    if len(feature_names) != n_features:
        raise DatasetError(
            f"{len(feature_names)} feature names were given for {n_features} columns. "
            "Give one per column."
        )
    return tuple(str(name) for name in feature_names)


def _check_previews(previews: Sequence[Preview] | None, n_points: int) -> Previews:
    shown = as_previews(previews)
    if len(shown) not in (0, n_points):
        raise DatasetError(
            f"{len(shown)} previews were given for {n_points} training rows. Give one "
            "per row, or none."
        )
    return shown


def _check_provenance(provenance: Mapping[str, Any] | None) -> dict[str, Any]:
    try:
        checked: dict[str, Any] = json.loads(json.dumps(dict(provenance or {})))
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"The provenance cannot be written as JSON ({error}). Give strings, "
            "numbers, lists and mappings."
        ) from error
    return checked
