"""Linear layers with ReLU between them: their outputs, and their gradients written out.

In steps of a few hundred points much of the time is torch's own bookkeeping, which what
is written out does without.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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
    for layer in layers[:-1]:
        values.append(torch.addmm(layer.bias, values[-1], layer.weight.T).relu_())
    last = layers[-1]
    return [*values, torch.addmm(last.bias, values[-1], last.weight.T)]


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
        torch.mm(gradient.T, inputs, out=layer.weight.grad)
        torch.sum(gradient, 0, out=layer.bias.grad)
        if place > 0:
            # The sign of what a ReLU gives is its derivative.
            gradient = torch.mm(gradient, layer.weight).mul_(inputs.sign())
