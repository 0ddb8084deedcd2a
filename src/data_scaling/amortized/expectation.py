"""What the networks expect of points without draws, and no more than that: quickly.

All networks of an ensemble are evaluated as one: their first layers side by side in one
product, the later ones by a product each. Covariances and the spread of what is
not predicted are left out, and numbers stay in single precision.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray
from data_scaling.amortized.encoding import Single
from data_scaling.amortized.layers import multiply
from data_scaling.amortized.marginal import BETAS, inflate
from data_scaling.amortized.model import AmortizedModel
from data_scaling.amortized.networks import PriorNetwork
from data_scaling.amortized.prediction import load_networks

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

# Points at a time: the hidden units of all networks fit the second-level cache.
_BLOCK_ROWS = 1024


@dataclass(frozen=True, eq=False)
class Expectation:
    """Expected laws of points, in units of the utility.

    Attributes
    ----------
    coefficients : (n_points, n_powers) float32 array
        Means of the coefficients.
    noise, exponent : (n_points,) float32 array
        Standard deviation of one draw at the base size, and the exponent of the
        variance's fall.
    """

    coefficients: Single
    noise: Single
    exponent: Single

    def psi(self, cardinality: float, base: float, powers: FloatArray) -> Single:
        """Return psi at a size, (n_points,) float32."""
        terms = (cardinality / base) ** -powers
        return np.asarray(self.coefficients @ terms.astype(np.float32))

    def touch(self, base: float, powers: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return c and alpha of the power laws that touch these laws at the base size.

        As :meth:`ExpansionLaws.tangent` has them, NaN where c has no finite number.
        """
        wide = self.coefficients.astype(np.float64)
        psi = wide.sum(axis=1)
        with np.errstate(all="ignore"):
            alpha = (wide @ powers) / psi
            c = psi * np.exp(alpha * np.log(base))
        steep = (psi != 0) & ((c == 0) | ~np.isfinite(c))
        return np.where(steep, np.nan, c), np.where(steep, np.nan, alpha)


class JointNetwork:
    """The networks of a model of the method "hierarchical" as one.

    Parameters
    ----------
    model : AmortizedModel
        A trained one.
    """

    def __init__(self, model: AmortizedModel) -> None:
        networks: list[PriorNetwork] = [
            network
            for network in load_networks(model)
            if isinstance(network, PriorNetwork)
        ]
        self._model, self._n_networks = model, len(networks)
        # Means, noise and its exponents; the spread of the rest is not asked for.
        self._n_outputs = len(model.powers) + 1 + len(BETAS)
        self._betas = torch.as_tensor(BETAS, dtype=torch.float32)
        plain = model.require_plain().expect()
        self._weight = float(model.weigh(np.zeros(1, dtype=np.intp))[0])
        self._plain = float(plain.variance[0]), float(plain.exponent[0])
        with torch.inference_mode():
            self._stack(networks)

    def _stack(self, networks: list[PriorNetwork]) -> None:
        """Put the parameters of the networks together."""
        self._layers = [
            _stack_layers([network.layers[j] for network in networks])
            for j in range(len(self._model.hidden))
        ]
        told = slice(0, self._n_outputs)
        head, bias = _stack_layers([network.head for network in networks])
        direct, shift = _stack_layers([network.direct for network in networks])
        self._head, self._direct = head[:, told], direct[:, told]
        self._bias = (bias + shift)[:, told]
        self._lowest = torch.stack([n.lowest[told, None] for n in networks])
        self._highest = torch.stack([n.highest[told, None] for n in networks])
        self._trust = torch.stack([n.scale_of_means() for n in networks]).float()
        self._offset = torch.stack([n.offset for n in networks]).float()
        shape = torch.stack([n.bounded_log_shape() for n in networks]).mean().exp()
        self._inflation = float(inflate(shape))

    # BLAS may set flags where nothing is amiss.
    @np.errstate(over="ignore", invalid="ignore", divide="ignore")
    def expect(self, x: Single, target: NDArray[Any]) -> Expectation:
        """Return the expected laws of encoded points."""
        n_points, n_powers = len(x), len(self._model.powers)
        found = Expectation(
            np.empty((n_points, n_powers), dtype=np.float32),
            np.empty(n_points, dtype=np.float32),
            np.empty(n_points, dtype=np.float32),
        )
        with torch.inference_mode():
            for first in range(0, n_points, _BLOCK_ROWS):
                rows = slice(first, first + _BLOCK_ROWS)
                told = torch.from_numpy(self._model.assemble(x[rows], target[rows]))
                mean, noise, exponent = self._interpret(self._predict_raw(told))
                found.coefficients[rows] = mean.T.numpy()
                found.noise[rows] = noise.numpy()
                found.exponent[rows] = exponent.numpy()
        return found

    def _predict_raw(self, told: "Tensor") -> "Tensor":
        """Return the outputs, (n_networks, n_outputs, n_points)."""
        (weight, bias), *later = self._layers
        # Points are the columns from here on.
        columns, n_points = told.T, len(told)
        h = told.new_empty(*weight.shape[:2], n_points)
        multiply(weight.flatten(0, 1), columns, h.flatten(0, 1))
        h.add_(bias).relu_()
        for weight, bias in later:
            h = _multiply_each(weight, h).add_(bias).relu_()
        raw = _multiply_each(self._head, h).add_(self._bias)
        traits = columns[columns.shape[0] - self._direct.shape[2] :]
        raw += (self._direct.flatten(0, 1) @ traits).view_as(raw)
        return raw.clamp_(self._lowest, self._highest)

    def _interpret(self, raw: "Tensor") -> "tuple[Tensor, Tensor, Tensor]":
        """Return means (n_powers, n_points), noise and exponent, (n_points,) each."""
        n_powers, unit = len(self._model.powers), self._model.unit
        weight, (plain, plain_exponent) = self._weight, self._plain
        log_variance = (raw[:, n_powers] + self._offset[:, None]).mean(0)
        scale = (0.5 * log_variance).exp_()
        mean = (raw[:, :n_powers] * self._trust[:, None, None]).mean(0)
        probability = raw[:, n_powers + 1 :].softmax(1).mean(0)
        variance = scale**2 * (weight * self._inflation * unit**2)
        variance += (1.0 - weight) * plain
        exponent = weight * (self._betas @ probability)
        exponent += (1.0 - weight) * plain_exponent
        return mean * (weight * unit * scale), variance.sqrt_(), exponent


@lru_cache(maxsize=4)
def join_networks(model: AmortizedModel) -> JointNetwork:
    """Return the networks of a model as one, made once for all batches."""
    return JointNetwork(model)


def _multiply_each(weight: "Tensor", h: "Tensor") -> "Tensor":
    """Return the product of each network's weights and units."""
    out = h.new_empty(*weight.shape[:2], h.shape[2])
    for parts in zip(weight, h, out, strict=True):
        multiply(*parts)
    return out


def _stack_layers(layers: "list[Any]") -> "tuple[Tensor, Tensor]":
    """Return weights (n_networks, n_outputs, n_inputs) and biases as columns."""
    weight = torch.stack([layer.weight for layer in layers])
    bias = torch.stack([layer.bias for layer in layers])
    return weight, bias[:, :, None]
