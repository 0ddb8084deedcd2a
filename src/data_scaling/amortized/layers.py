"""Linear layers with ReLU between them: their outputs, and their gradients written out.

In steps of a few hundred points much of the time is torch's own bookkeeping, which what
is written out does without.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from data_scaling._checks import require_extra

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")


def find_layers(*parts: "torch.nn.Module") -> "list[torch.nn.Linear]":
    """Return the linear layers of some modules, in their order."""
    modules = (module for part in parts for module in part.modules())
    return [module for module in modules if isinstance(module, torch.nn.Linear)]


@torch.no_grad()
def run_layers(layers: "Sequence[torch.nn.Linear]", x: "Tensor") -> "list[Tensor]":
    """Return what goes into each layer, and the outputs of the last one."""
    values = [x]
    for layer in layers:
        outputs = x.new_empty(len(x), layer.out_features)
        multiply(values[-1], layer.weight.T, outputs).add_(layer.bias)
        values.append(outputs if layer is layers[-1] else outputs.relu_())
    return values


@torch.no_grad()
def set_gradients(
    layers: "Sequence[torch.nn.Linear]", values: "list[Tensor]", gradient: "Tensor"
) -> None:
    """Set the gradients of the layers' parameters from that of the outputs.

    Parameters
    ----------
    layers : sequence of torch.nn.Linear
        Layers whose parameters have gradients already, which are overwritten.
    values : list of tensor
        What :func:`run_layers` returns.
    gradient : (n_points, n_outputs) tensor
        Gradient with respect to the outputs.

    Raises
    ------
    TypeError
        If a parameter has no gradient to be overwritten.
    """
    for place in reversed(range(len(layers))):
        layer, inputs = layers[place], values[place]
        if layer.weight.grad is None or layer.bias.grad is None:
            raise TypeError(f"layer {place} has no gradient to be set")
        multiply(gradient.T, inputs, layer.weight.grad)
        torch.sum(gradient, 0, out=layer.bias.grad)
        if place > 0:
            # The sign of what a ReLU gives is its derivative.
            outputs = torch.empty_like(inputs)
            gradient = multiply(gradient, layer.weight, outputs).mul_(inputs.sign())


def multiply(left: "Tensor", right: "Tensor", out: "Tensor") -> "Tensor":
    """Set ``out``, contiguous and of their type, to the product of two matrices.

    On the processor it is NumPy that multiplies: with OpenBLAS it takes the widest
    instructions there are, torch's MKL does so on Intel's processors alone. (Torch's
    oneDNN would too, for matrices that are packed before; these change at every step.)
    """
    if out.device.type == "cpu":
        np.dot(left.detach().numpy(), right.detach().numpy(), out=out.numpy())
        return out
    return torch.mm(left, right, out=out)
