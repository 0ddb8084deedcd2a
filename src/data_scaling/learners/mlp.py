"""Small torch networks: one training per point, many trainings as one batch.

The networks of the paper: linear layers with ReLU between them, trained for a fixed
number of epochs by Adam. All start from the same parameters and see the rows in the
same order, so that a contribution is the point's. A coalition alone and with, or
without, each of a block of points are trained side by side; see :mod:`._mlp_stack`.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import softmax

from data_scaling._checks import check_at_least
from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.datasets.dataset import Dataset, Task
from data_scaling.errors import InputError
from data_scaling.learners._mlp_batches import Block, draw_batches
from data_scaling.learners._mlp_stack import (
    Inputs,
    Layer,
    NetworkStack,
    Placement,
    draw_initial_layers,
    import_torch,
    use_one_thread,
)
from data_scaling.learners.protocol import Draw
from data_scaling.metrics import Metric, MetricLike, make_metric

# Points trained together: few enough for a processor's cache, many for an accelerator.
_BLOCK: Final = {"cpu": 15, "cuda": 511, "mps": 255}

# Squares of gradients, which grow with the features, must fit float32.
_LARGEST_FEATURE: Final = 1e15

_DIVERGED: Final = "the network's predictions are not all finite"


@dataclass(frozen=True)
class MlpLearner:
    """A network of linear layers and ReLU, trained by Adam: ``mlp`` and ``regmlp``.

    The classifier ends in a softmax over all classes of the dataset and minimises the
    cross-entropy; so a coalition that lacks a class can be trained on. The regressor
    minimises the squared error of the target minus the *pool's* mean, divided by the
    pool's standard deviation; its predictions are mapped back. No weight is penalised.

    The defaults are the paper's: three linear layers, the two hidden ones 32 wide, and
    25 epochs of at most 1,280 rows. Its learning rate is that of the package which it
    trained with (OpenDataVal: 0.01). That package leaves regression targets as they
    are, and for three or more classes applies the softmax twice, also in training; both
    are departures here.

    Parameters
    ----------
    task : {"classification", "regression"}
        What is predicted; the learner's name is ``mlp`` or ``regmlp``.
    depth : int
        Number of linear layers, at least 1.
    width : int
        Width of the hidden layers.
    epochs : int
        How often every row is seen.
    batch_size : int
        Largest number of the coalition's rows in a step of Adam. A larger coalition is
        cut into batches of nearly equal size; an added point joins the last of them.
    learning_rate : float
        Adam's step size; its other settings are torch's defaults.
    seed : int
        Seed of the initial parameters and of the order of rows.
    device : {"cpu", "cuda", "mps"}
        Where networks are trained; on the CPU in one thread, since draws run in
        parallel.
    dtype : {"float32", "float64"}
        Precision of training. Predictions are scored in float64 in either case.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    InputError
        If a setting is out of its range, or the device is not there.

    Notes
    -----
    Training in float32 changes a contribution by 1e-6 to 1e-2 of the contributions'
    standard deviation in the median, and that of single points by up to 0.2: Adam's
    first steps have the size of the learning rate whatever the gradient's, so that
    rounding can decide the sign of a step where the gradient nearly vanishes (measured
    against float64 on Adult, ``digits``, ``breast_cancer``, ``diabetes`` and
    ``lm_clf``, coalitions of 100 to 1,000). The same call gives the same bits; which
    points are asked for together may change a contribution by such rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.datasets import load_dataset
    >>> bound = MlpLearner().bind(load_dataset("breast_cancer"))
    >>> bound.marginals(np.arange(100), points=np.array([0, 150])).shape
    (2,)
    """

    task: Task = "classification"
    depth: int = 3
    width: int = 32
    epochs: int = 25
    batch_size: int = 1280
    learning_rate: float = 0.01
    seed: int = 0
    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        import_torch()
        for name in ("depth", "width", "epochs", "batch_size"):
            check_at_least(name, getattr(self, name), 1)
        check_at_least("seed", self.seed, 0)
        _check_choice("task", self.task, ("classification", "regression"))
        _check_choice("dtype", self.dtype, ("float32", "float64"))
        _check_choice("device", self.device, tuple(_BLOCK))
        if not 0.0 < self.learning_rate < np.inf:
            raise InputError(
                f"learning_rate is {self.learning_rate!r}. Give a finite number above "
                "0, such as 0.01."
            )
        _check_device(self.device, self.dtype)

    @property
    def name(self) -> str:
        """Short name for ledgers and reports."""
        return "mlp" if self.task == "classification" else "regmlp"

    def bind(self, dataset: Dataset, metric: MetricLike = None) -> "BoundMlp":
        """Fix the dataset and the metric.

        Raises
        ------
        InputError
            If the dataset or the metric is for the other task, or features are too
            large to train on.
        """
        if dataset.task != self.task:
            other = "regmlp" if self.name == "mlp" else "mlp"
            raise InputError(
                f"The learner {self.name!r} is for {self.task}, but {dataset.name} is "
                f"a {dataset.task}. Give {other!r}."
            )
        largest = max(np.abs(x).max() for x in (dataset.x_train, dataset.x_val))
        if largest > _LARGEST_FEATURE:
            raise InputError(
                f"A feature has the size {largest:.3g}; networks are trained up to "
                f"{_LARGEST_FEATURE:.0g}. Standardise the features."
            )
        bound_metric = make_metric(metric, dataset.task)
        return BoundMlp(self, dataset, bound_metric, *_encode_target(dataset))


@dataclass(frozen=True, eq=False)
class BoundMlp:
    """A network bound to a dataset and a metric.

    Attributes
    ----------
    learner : MlpLearner
        The settings.
    dataset : Dataset
        Pool and validation part.
    metric : Metric
        What the utility is.
    target : (n_pool, n_outputs) float64 array
        Indicators of the classes, or the standardised target.
    center, scale : float
        Mean and standard deviation of the pool's target; 0 and 1 in a classification.
    """

    learner: MlpLearner
    dataset: Dataset
    metric: Metric
    target: FloatArray
    center: float
    scale: float

    @property
    def description(self) -> str:
        """All settings that determine a number, as one line."""
        version = import_torch().__version__
        return f"{self.learner}, torch {version}"

    def utility(self, coalition: IntArray) -> float:
        """Return U(D), in units of the metric; NaN if the training diverges."""
        return self.draw(coalition, np.empty(0, dtype=np.intp)).utility

    def marginals(self, coalition: IntArray, points: IntArray) -> FloatArray:
        """Return the contributions of ``points``, (n_points,), as ``draw`` does."""
        return self.draw(coalition, points).delta

    def draw(self, coalition: IntArray, points: IntArray) -> Draw:
        """Train on a coalition, and with or without every asked point.

        Parameters
        ----------
        coalition : (k,) integer array
            Members, as indices in the pool, in any order.
        points : (n_points,) integer array
            Points asked for, inside the coalition or outside.
        """
        coalition = np.sort(np.asarray(coalition, dtype=np.intp))
        points = np.asarray(points, dtype=np.intp)
        size = _BLOCK[self.learner.device]
        delta = np.empty(len(points))
        utility = np.nan
        with use_one_thread():
            # The coalition is trained in every block: rounded alike, it cancels.
            for low in range(0, max(len(points), 1), size):
                output = self._train(coalition, points[low : low + size])
                alone, *changed = self._score(output)
                delta[low : low + size] = np.array(changed) - alone
                utility = alone if low == 0 else utility
        if np.isnan(utility):
            return Draw(utility, np.full(len(points), np.nan), (_DIVERGED,))
        delta[np.isin(points, coalition)] *= -1.0
        failures = (_DIVERGED,) * int(np.isnan(delta).sum())
        return Draw(utility, delta, failures, model=output[0].ravel())

    def _train(self, coalition: IntArray, points: IntArray) -> FloatArray:
        """Return the outputs for the coalition, then with or without each point.

        Returns
        -------
        (n_points + 1, n_outputs, n_val) float64 array
            Of the validation part.
        """
        learner, dataset = self.learner, self.dataset
        placement = Placement(learner.device, learner.dtype)
        rng = np.random.default_rng(learner.seed)
        stack = NetworkStack(
            self._draw_initial_layers(rng),
            len(points) + 1,
            placement,
            is_classifier=learner.task == "classification",
        )
        batches = draw_batches(
            self._gather_rows(coalition, points),
            placement,
            epochs=learner.epochs,
            batch_size=learner.batch_size,
            rng=rng,
        )
        for batch in batches:
            stack.descend(batch, learner.learning_rate)
        output = stack.predict(Inputs(placement.place(dataset.x_val)))
        return np.asarray(output.cpu().numpy(), dtype=np.float64)

    def _draw_initial_layers(self, rng: np.random.Generator) -> list[Layer]:
        hidden = [self.learner.width] * (self.learner.depth - 1)
        sizes = [self.dataset.n_features, *hidden, self.target.shape[1]]
        return draw_initial_layers(sizes, rng)

    def _gather_rows(self, coalition: IntArray, points: IntArray) -> Block:
        """Weigh the rows: model 0 has the coalition's, the others a point more or less.

        A model whose point is inside the coalition has it at weight 0, and an own row
        at weight 0.
        """
        x, n_models = self.dataset.x_train, len(points) + 1
        weight = np.ones((n_models, len(coalition) + 1))
        weight[1:, :-1] = points[:, None] != coalition
        weight[0, -1] = 0.0
        weight[1:, -1] = ~np.isin(points, coalition)
        own_x = np.zeros((n_models, x.shape[1]))
        own_target = np.zeros((n_models, self.target.shape[1]))
        own_x[1:], own_target[1:] = x[points], self.target[points]
        return Block(x[coalition], self.target[coalition], own_x, own_target, weight)

    def _score(self, output: FloatArray) -> FloatArray:
        """Return the utilities of outputs (n_models, n_outputs, n_val)."""
        utilities = np.full(len(output), np.nan)
        is_finite: BoolArray = np.logical_and.reduce(np.isfinite(output), axis=(1, 2))
        if self.learner.task == "classification":
            prediction = np.swapaxes(softmax(output[is_finite], axis=1), 1, 2)
        else:
            prediction = self.center + self.scale * output[is_finite, 0]
        y_val = self.dataset.y_val
        utilities[is_finite] = self.metric.utilities(y_val, prediction)
        return utilities


def _encode_target(dataset: Dataset) -> tuple[FloatArray, float, float]:
    """Return indicators, or the target standardised with its mean and scale."""
    if dataset.task == "classification":
        return np.eye(len(dataset.classes))[dataset.y_train], 0.0, 1.0
    center, scale = float(dataset.y_train.mean()), float(dataset.y_train.std())
    # A constant target has nothing to be scaled.
    scale = scale if scale > 0.0 else 1.0
    return ((dataset.y_train - center) / scale)[:, None], center, scale


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value!r}. Give one of {', '.join(choices)}.")


def _check_device(device: str, dtype: str) -> None:
    torch = import_torch()
    is_there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not is_there[device]:
        found = ", ".join(name for name, there in is_there.items() if there)
        raise InputError(
            f"device is {device!r}, but torch {torch.__version__} finds only {found} "
            "on this machine. Give another device, or install the torch build for it."
        )
    if device == "mps" and dtype == "float64":
        raise InputError("dtype is 'float64', which mps lacks. Give dtype='float32'.")
