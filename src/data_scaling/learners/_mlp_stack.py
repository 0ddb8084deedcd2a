r"""A stack of small networks of one shape, trained side by side by Adam.

The networks of a stack start from the same parameters and are trained on nearly the
same rows: all see the rows of a coalition, and each may have one row of its own. What
a network is trained on is said by weights of its rows.

Activations are kept feature by row, so that the first layer of all networks is one
matrix product, ``(n_models * width, n_features) @ (n_features, n_rows)``, and so is its
gradient; the layers above are batched products. Gradients are written out: a network
is a few linear layers with ReLU between them. Adam works element by element, so one
step on the stack is a step of each network.

torch is an optional package: it is imported on use.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

# Of Adam, as in torch.optim.Adam.
_MEAN_DECAY: Final = 0.9
_SQUARE_DECAY: Final = 0.999
_EPSILON: Final = 1e-8

_thread_count_lock = threading.Lock()

#: Weight (n_outputs, n_inputs) and bias (n_outputs,) of a layer.
Layer: TypeAlias = tuple[FloatArray, FloatArray]


def import_torch() -> ModuleType:
    """Return torch, or say which extra installs it."""
    return require_extra("torch", "torch")


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Let torch compute in one thread, and restore its number of threads after.

    The number of threads belongs to the process and could change the last bits. So
    threads of one process take turns; processes do not.
    """
    torch = import_torch()
    with _thread_count_lock:
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def draw_initial_layers(sizes: Sequence[int], rng: np.random.Generator) -> list[Layer]:
    """Draw parameters as ``torch.nn.Linear`` does: uniform within 1/sqrt(n_inputs).

    Parameters
    ----------
    sizes : sequence of int
        Number of features, width of each hidden layer, number of outputs.
    rng : numpy.random.Generator
        Source of the parameters.
    """
    layers = []
    for n_inputs, n_outputs in pairwise(sizes):
        bound = n_inputs**-0.5
        weight = rng.uniform(-bound, bound, (n_outputs, n_inputs))
        layers.append((weight, rng.uniform(-bound, bound, n_outputs)))
    return layers


def prepare_product(matrix: "Tensor") -> "Callable[[Tensor], Tensor]":
    """Return the function ``left -> left @ matrix.T`` of matrices.

    oneDNN uses AVX-512 also on processors that MKL does not know.
    """
    torch = import_torch()
    is_single = matrix.dtype == torch.float32 and matrix.device.type == "cpu"
    if not is_single or not torch.backends.mkldnn.is_available():
        return lambda left: left @ matrix.T
    linear, packed = torch.nn.functional.linear, matrix.to_mkldnn()
    return lambda left: linear(left.to_mkldnn(), packed).to_dense()


class Inputs:
    """Rows that all networks see, the last of them perhaps replaced by one's own.

    Parameters
    ----------
    shared : (n_rows, n_features) tensor
        Rows that every network sees; where there are own rows, the last is zero.
    own : (n_models, n_features) tensor, optional
        What stands in the last row, for each network.
    """

    def __init__(self, shared: "Tensor", own: "Tensor | None" = None) -> None:
        self._by_rows = prepare_product(shared)
        self._by_features = prepare_product(shared.T.contiguous())
        self._own = own

    def project(self, weight: "Tensor") -> "Tensor":
        """Return ``weight @ x``, (n_models, n_outputs, n_rows)."""
        n_models, n_outputs, _ = weight.shape
        z = self._by_rows(weight.flatten(0, 1)).view(n_models, n_outputs, -1)
        if self._own is not None:
            z[:, :, -1] = (weight @ self._own[:, :, None])[:, :, 0]
        return z

    def correlate(self, slope: "Tensor", out: "Tensor") -> None:
        """Write ``slope @ x.T``, (n_models, n_outputs, n_features), to ``out``."""
        out.copy_(self._by_features(slope.flatten(0, 1)).view_as(out))
        if self._own is not None:
            out.addcmul_(slope[:, :, -1:], self._own[:, None, :])


class Batch(NamedTuple):
    """The rows of one step of a stack.

    Attributes
    ----------
    inputs : Inputs
        Features of the rows.
    target : (n_models, n_outputs, n_rows) tensor
        One column per row: the indicator of its class, or the number.
    share : (n_models, 1, n_rows) tensor
        Weight of each row in each network's mean loss.
    """

    inputs: Inputs
    target: "Tensor"
    share: "Tensor"


@dataclass(frozen=True)
class Placement:
    """Where and in what precision a stack is kept.

    Attributes
    ----------
    device : str
        Device of torch.
    dtype : {"float32", "float64"}
        Type of all numbers.
    """

    device: str
    dtype: str

    def place(self, values: FloatArray) -> "Tensor":
        """Copy an array to the device."""
        torch = import_torch()
        rounded = np.array(values, dtype=self.dtype)
        tensor: Tensor = torch.from_numpy(rounded).to(self.device)
        return tensor


class NetworkStack:
    """Networks of linear layers with ReLU between them.

    Parameters
    ----------
    layers : list of (weight, bias)
        Parameters that every network starts from.
    n_models : int
        Number of networks.
    placement : Placement
        Where and in what precision they are kept.
    is_classifier : bool
        Whether the loss is the cross-entropy of the softmax, or the squared error.
    """

    def __init__(
        self,
        layers: list[Layer],
        n_models: int,
        placement: Placement,
        *,
        is_classifier: bool,
    ) -> None:
        torch = import_torch()
        # All parameters lie in one array, layer by layer, for the steps of Adam.
        start = [array for weight, bias in layers for array in (weight, bias[:, None])]
        self._shapes = [(n_models, *array.shape) for array in start]
        copies = [np.tile(array.ravel(), n_models) for array in start]
        self._flat = placement.place(np.concatenate(copies))
        self._gradient = torch.empty_like(self._flat)
        self._mean = torch.zeros_like(self._flat)
        self._square = torch.zeros_like(self._flat)
        self._layers = self._view_layers(self._flat)
        self._slopes = self._view_layers(self._gradient)
        self._is_classifier = is_classifier
        self._n_steps = 0

    def _view_layers(self, flat: "Tensor") -> "list[tuple[Tensor, Tensor]]":
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        pieces = import_torch().split(flat, sizes)
        views = [
            piece.view(shape) for piece, shape in zip(pieces, self._shapes, strict=True)
        ]
        return list(zip(views[::2], views[1::2], strict=True))

    def predict(self, inputs: Inputs) -> "Tensor":
        """Return the outputs, (n_models, n_outputs, n_rows), before any softmax."""
        return self._run_layers(inputs)[-1]

    def _run_layers(self, inputs: Inputs) -> "list[Tensor]":
        """Return what each layer gives, after the ReLU for all but the last."""
        torch = import_torch()
        weight, bias = self._layers[0]
        activations = [inputs.project(weight).add_(bias)]
        for weight, bias in self._layers[1:]:
            activations[-1].relu_()
            activations.append(torch.bmm(weight, activations[-1]).add_(bias))
        return activations

    def descend(self, batch: Batch, learning_rate: float) -> None:
        """Take a step of Adam on the mean loss of a batch."""
        torch = import_torch()
        self._differentiate(batch)
        gradient = self._gradient
        self._n_steps += 1
        self._mean.lerp_(gradient, 1.0 - _MEAN_DECAY)
        self._square.mul_(_SQUARE_DECAY)
        self._square.addcmul_(gradient, gradient, value=1.0 - _SQUARE_DECAY)
        square_scale = (1.0 - _SQUARE_DECAY**self._n_steps) ** 0.5
        # The gradient has been used: its place takes the step's denominator.
        spread = torch.sqrt(self._square, out=gradient)
        spread.div_(square_scale).add_(_EPSILON)
        step = learning_rate / (1.0 - _MEAN_DECAY**self._n_steps)
        self._flat.addcdiv_(self._mean, spread, value=-step)

    def _differentiate(self, batch: Batch) -> None:
        """Write the gradient of the mean loss of a batch, from the last layer down."""
        torch = import_torch()
        *hidden, output = self._run_layers(batch.inputs)
        prediction = output.softmax(1) if self._is_classifier else output.mul_(2.0)
        scale = 1.0 if self._is_classifier else 2.0
        slope = prediction.sub_(batch.target, alpha=scale).mul_(batch.share)
        for level in range(len(hidden), 0, -1):
            below, (weight, _) = hidden[level - 1], self._layers[level]
            weight_slope, bias_slope = self._slopes[level]
            torch.bmm(slope, below.transpose(1, 2), out=weight_slope)
            torch.sum(slope, -1, keepdim=True, out=bias_slope)
            # The sign of what ReLU gave is its derivative.
            slope = torch.bmm(weight.transpose(1, 2), slope).mul_(below.sign_())
        weight_slope, bias_slope = self._slopes[0]
        batch.inputs.correlate(slope, out=weight_slope)
        torch.sum(slope, -1, keepdim=True, out=bias_slope)
