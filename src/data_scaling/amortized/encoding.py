"""What a network sees of a point: standardised features and a coded target."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_scaling._checks import check_finite
from data_scaling._typing import FloatArray
from data_scaling.datasets import Dataset
from data_scaling.errors import InputError

Single = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Encoding:
    """How features and targets become what a network was trained on.

    Attributes
    ----------
    feature_names : tuple of str
        Names of the features, in their order.
    classes : tuple of str
        Names of the classes in sorted order; empty in a regression.
    mean, scale : (n_features,) float64 array
        What is taken from each feature, and what it is then divided by.
    target_mean, target_scale : float
        The same for the target of a regression; 0 and 1 in a classification.
    """

    feature_names: tuple[str, ...]
    classes: tuple[str, ...]
    mean: FloatArray
    scale: FloatArray
    target_mean: float
    target_scale: float

    @property
    def n_features(self) -> int:
        """Number of features of a point."""
        return len(self.feature_names)

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 in a regression."""
        return len(self.classes)

    def encode(self, x: ArrayLike, y: ArrayLike) -> tuple[Single, NDArray[Any]]:
        """Return the features and targets of points as a network takes them.

        Parameters
        ----------
        x : (n_points, n_features) array_like
            Features, prepared as those of the dataset.
        y : (n_points,) array_like
            Targets: numbers in a regression; in a classification the names of classes
            as strings, or their codes (positions in ``classes``) as integers.

        Returns
        -------
        features : (n_points, n_features) float32 array
            Standardised.
        target : (n_points,) int64 or float32 array
            Codes of the classes, or the standardised target.

        Raises
        ------
        InputError
            If the number of features or of targets is another one, a number is NaN or
            infinite, or a class was not seen in training.
        """
        rows = self._standardise(x)
        target = np.asarray(y)
        if target.shape != (len(rows),):
            raise InputError(
                f"y has shape {target.shape}, but x has {len(rows)} rows. Give one "
                "target per row."
            )
        if self.classes:
            return rows, self.code(target)
        try:
            numbers = check_finite("y", target)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"y is no list of finite numbers ({error}). The model was trained in a "
                "regression: give numbers."
            ) from error
        scaled = (numbers - self.target_mean) / self.target_scale
        return rows, scaled.astype(np.float32)

    def _standardise(self, x: ArrayLike) -> Single:
        values = np.asarray(x)
        if values.ndim != 2 or values.shape[1] != self.n_features:
            raise InputError(
                f"x has shape {values.shape}, but the model was trained on "
                f"{self.n_features} features. Give rows of as many, prepared as those "
                "of its dataset."
            )
        if values.dtype.kind not in "biuf":
            raise InputError(
                f"x has dtype {values.dtype}. Give numbers, prepared as the features "
                "of the model's dataset."
            )
        # Single precision stays single: half the memory, and no less is known.
        kind = np.float32 if values.dtype == np.float32 else np.float64
        rows = values - self.mean.astype(kind)
        rows /= self.scale.astype(kind)
        # One pass tells whether there is anything to look for.
        if not np.isfinite(rows.sum()):
            check_finite("x", values)
        return np.asarray(rows, dtype=np.float32)

    def code(self, target: NDArray[Any]) -> NDArray[np.int64]:
        """Return the codes of classes, given by their names or codes."""
        if target.dtype.kind in "biu":
            codes = target.astype(np.int64)
            unseen = (codes < 0) | (codes >= self.n_classes)
        else:
            names = target.astype(str)
            known = np.array(self.classes)
            # Sorted as labels, numbers of two digits are not sorted as strings.
            order = np.argsort(known)
            place = np.searchsorted(known, names, sorter=order)
            codes = order[place.clip(max=self.n_classes - 1)]
            unseen = known[codes] != names
        if unseen.any():
            found = ", ".join(map(str, np.unique(target[unseen].astype(str))[:5]))
            raise InputError(
                f"y holds {int(unseen.sum())} labels that training has not seen: "
                f"{found}. The model knows {', '.join(self.classes[:10])} (or codes "
                f"0 to {self.n_classes - 1}). Leave the others out, or train anew."
            )
        return np.asarray(codes, dtype=np.int64)


def learn_encoding(dataset: Dataset) -> Encoding:
    """Return the encoding that standardises a dataset's training part."""
    mean, scale = dataset.x_train.mean(axis=0), dataset.x_train.std(axis=0)
    target_mean, target_scale = 0.0, 1.0
    if dataset.task == "regression":
        target_mean = float(dataset.y_train.mean())
        target_scale = float(dataset.y_train.std()) or 1.0
    return Encoding(
        feature_names=dataset.feature_names,
        classes=dataset.classes,
        mean=mean,
        # A constant column has a deviation of what rounding leaves.
        scale=np.where(scale > 1e-12 * np.abs(mean), scale, 1.0),
        target_mean=target_mean,
        target_scale=target_scale,
    )
