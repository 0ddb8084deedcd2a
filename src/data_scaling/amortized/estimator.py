"""The amortized estimator: laws of points from their features, and from draws."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._checks import check_at_least, require_extra
from data_scaling.amortized.encoding import Encoding
from data_scaling.amortized.model import METHODS, AmortizedModel, Method
from data_scaling.amortized.storage import load_model, save_model
from data_scaling.contributions import Contributions, check_same_dataset
from data_scaling.datasets import Dataset
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws


@final
@dataclass(eq=False, repr=False)
class AmortizedEstimator:
    """Learn the law of a point from its features and target, by a network.

    With the method "hierarchical" the networks predict each point's *prior*: the mean
    of its expansion's coefficients, how far they may lie from it, and its noise. They
    are trained by the likelihood of the draws with the coefficients integrated out. A
    point's own draws then correct what is predicted, and the result is mixed with the
    law that the hierarchical estimator finds, by what the two predict of draws that
    neither has seen: with no draws a law is that of the networks, with many the
    point's own. The method "paper" is the paper's network, which gives
    the four parameters of a power law, and "mean" regresses the mean of the draws;
    both take no account of a point's own draws.

    Parameters
    ----------
    method : {"hierarchical", "paper", "mean"}
        What the network predicts.
    n_epochs : int
        Passes over the points in training.
    training_share : float
        Share of the drawn points that training sees, chosen by the seed; above 0, at
        most 1.
    held_out : float
        Share of those that tells the best epoch, at most 0.5. An ensemble has folds
        instead: each of its networks holds out a fifth of the points and of the draws.
    n_members : int
        Networks of the ensemble, at least 2; used by the method "hierarchical" alone.
    hidden : sequence of int
        Widths of the hidden layers.
    batch_size : int
        Points per step.
    learning_rate, weight_decay, dropout : float
        Of AdamW, and the share of hidden units that a step leaves out (method
        "hierarchical" alone).
    powers : sequence of float, optional
        Powers of the expansion, ascending; by default chosen as the hierarchical
        estimator chooses them.
    seed : int
        Seed of the parameters, the folds and the order of the points.
    device : {"cpu", "cuda", "mps"}
        Where training runs. On the CPU it runs in one thread, so that its number
        cannot change the result.
    progress : bool
        Whether to show a bar of the epochs with the held-out likelihood.

    Attributes
    ----------
    model : AmortizedModel or None
        What training found.

    Examples
    --------
    >>> import data_scaling as ds
    >>> dataset = ds.load_dataset("breast_cancer")
    >>> plan = ds.SamplingPlan(20, 30, 200)
    >>> draws = ds.sample_contributions(dataset, "logreg", plan)
    >>> estimator = ds.AmortizedEstimator(n_epochs=5)
    >>> laws = estimator.fit(draws, dataset)
    >>> laws.psi([50, 200]).shape
    (341, 2)
    >>> new = estimator.predict(dataset.x_test, dataset.y_test)
    >>> new.psi(100).shape, new.n_draws.max().item()
    ((114,), 0)
    """

    method: Method = "hierarchical"
    n_epochs: int = 30
    training_share: float = 1.0
    held_out: float = 0.1
    n_members: int = 3
    hidden: Sequence[int] = (128, 128)
    batch_size: int = 256
    learning_rate: float = 5e-3
    weight_decay: float = 0.3
    dropout: float = 0.1
    powers: Sequence[float] | None = None
    seed: int = 0
    device: str = "cpu"
    progress: bool = True
    model: AmortizedModel | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise InputError(
                f"method is {self.method!r}. Give one of {', '.join(METHODS)}."
            )
        for name, bound in (
            ("n_epochs", 1),
            ("n_members", 2),
            ("batch_size", 1),
            ("seed", 0),
        ):
            check_at_least(name, getattr(self, name), bound)
        self.hidden = tuple(check_at_least("hidden", n, 1) for n in self.hidden)
        if not self.hidden:
            raise InputError("hidden is empty. Give the width of at least one layer.")
        for name, top in (("training_share", 1.0), ("held_out", 0.5)):
            value = getattr(self, name)
            if not 0 < value <= top:
                raise InputError(f"{name} is {value}. Give above 0, at most {top}.")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout is {self.dropout}. Give at least 0, below 1.")
        if self.powers is None:
            return
        powers = np.asarray(self.powers, dtype=np.float64)
        if powers.ndim != 1 or not powers.size or not np.all(np.diff(powers) > 0):
            raise InputError(f"powers is {self.powers}. Give numbers in rising order.")
        if powers[0] <= 0:
            raise InputError(f"powers holds {powers[0]}. Give powers above 0.")
        self.powers = tuple(powers.tolist())

    def __repr__(self) -> str:
        """Return the settings, and whether it is trained."""
        state = "trained" if self.model else "not trained"
        return f"<AmortizedEstimator {self.method!r}, {state}>"

    def fit(self, contributions: Contributions, dataset: Dataset) -> ScalingLaws:
        """Train on draws, and return the law of every point that they are of.

        Parameters
        ----------
        contributions : Contributions
            Draws of points of the dataset's training part.
        dataset : Dataset
            Where the points come from.

        Returns
        -------
        ScalingLaws
            Expansions with the method "hierarchical", a point's own draws taken into
            account; power laws, predicted, with the others.

        Raises
        ------
        MissingExtraError
            If torch is not installed.
        InputError
            If the draws are not of this dataset, or too few points have draws.
        """
        require_extra("torch", "torch")
        # Needs torch, which this module does not.
        from data_scaling.amortized.fitting import train_model

        _check_origin(contributions, dataset)
        self.model = train_model(self, contributions, dataset)
        return self.update(contributions, dataset)

    def update(self, contributions: Contributions, dataset: Dataset) -> ScalingLaws:
        """Return laws of points with draws of their own, without training.

        Parameters
        ----------
        contributions : Contributions
            Draws of points, whether training has seen them or not.
        dataset : Dataset
            Where the points come from; its features must be prepared as those of
            training.

        Raises
        ------
        InputError
            If nothing was trained, or the points are not of the kind trained on.
        """
        model = self._require_model()
        from data_scaling.amortized.prediction import predict_powers, update_expansions

        _check_origin(contributions, dataset)
        x, target = encode_points(model.encoding, dataset, contributions)
        if model.method == "hierarchical":
            return update_expansions(model, contributions, x, target)
        return predict_powers(model, x, target, contributions.origin)

    def predict(self, x: ArrayLike, y: ArrayLike) -> ScalingLaws:
        """Return the laws of points that were never drawn.

        Parameters
        ----------
        x : (n_points, n_features) array_like
            Features, prepared as those of the dataset.
        y : (n_points,) array_like
            Targets: numbers in a regression; in a classification names of classes, or
            their codes as integers.

        Returns
        -------
        ScalingLaws
            Their ``points`` are 0, 1, ... in the order of the rows.

        Raises
        ------
        InputError
            If nothing was trained, or features or targets are not of the kind that
            training has seen.
        """
        model = self._require_model()
        from data_scaling.amortized.prediction import predict_expansions, predict_powers

        rows, target = model.encoding.encode(x, y)
        if model.method == "hierarchical":
            return predict_expansions(model, rows, target)
        return predict_powers(model, rows, target, {"points": np.arange(len(rows))})

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was trained to one safetensors file, settings as JSON within."""
        settings = {k: v for k, v in _settings(self).items() if k != "progress"}
        save_model(self._require_model(), settings, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "AmortizedEstimator":
        """Read a trained estimator back; it predicts the same bits.

        Raises
        ------
        InputError
            If the file is no file of a model, is damaged, or is of another version.
        FileNotFoundError
            If there is no such file.
        """
        model, settings = load_model(path)
        try:
            estimator = cls(**settings)
        except TypeError as error:
            raise InputError(
                f"{path} has settings of another version ({error}). Update "
                "data-scaling, or train the model anew."
            ) from error
        estimator.model = model
        return estimator

    def _require_model(self) -> AmortizedModel:
        if self.model is None:
            raise InputError("Nothing was trained yet. Call fit, or load a model.")
        require_extra("torch", "torch")
        return self.model


def encode_points(
    encoding: Encoding, dataset: Dataset, contributions: Contributions
) -> tuple[Any, Any]:
    """Return features and targets of the points that draws are of."""
    rows = contributions.points
    target: ArrayLike = dataset.y_train[rows]
    if encoding.classes:
        target = dataset.target_names(rows)
    return encoding.encode(dataset.x_train[rows], target)


def _settings(estimator: AmortizedEstimator) -> dict[str, Any]:
    names = estimator.__dataclass_fields__
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in names
        if name != "model"
        for value in [getattr(estimator, name)]
    }


def _check_origin(contributions: Contributions, dataset: Dataset) -> None:
    check_same_dataset("draws", contributions, dataset.name, dataset.fingerprint)
    if contributions.n_points and contributions.points.max() >= dataset.n_points:
        raise InputError(
            f"The draws are of point {contributions.points.max()}, but {dataset.name} "
            f"has {dataset.n_points} points. Give the dataset that was drawn from."
        )
