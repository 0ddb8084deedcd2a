"""The loop that trains a network: batches indexed in memory, the best epoch kept."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import IntArray

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

# Largest norm of a gradient, and the share of the steps in which the rate rises.
_LARGEST_NORM = 1.0
_WARM_UP = 0.05


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a network is trained.

    Attributes
    ----------
    n_epochs, batch_size : int
        Passes over the points, and points per step.
    learning_rate, weight_decay : float
        Largest step size of AdamW, and its decay of the layers' weights.
    """

    n_epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float


def descend(
    network: "torch.nn.Module",
    rows: IntArray,
    differentiate: "Callable[[Tensor], None]",
    score: Callable[[], float],
    schedule: Schedule,
    rng: np.random.Generator,
    *,
    shared: "Sequence[torch.nn.Parameter]" = (),
    report: Callable[[float], None] = lambda _: None,
    keep_last: bool = False,
) -> float:
    """Train a network, leave it at its best epoch and return that epoch's score.

    AdamW, the rate rising over the first steps and falling as a cosine, gradients
    clipped. The network's parameters become, and stay, parts of one vector.

    Parameters
    ----------
    network : torch.nn.Module
        What is trained.
    rows : (n_rows,) intp array
        Rows of the points to train on.
    differentiate : callable
        Tensor of rows, on the network's device -> None: sets the gradients of the
        network's parameters, which are zero before, to those of the mean loss of these
        points.
    score : callable
        How good the network is on the points held out; higher is better.
    schedule : Schedule
        Length and rates.
    rng : numpy.random.Generator
        Source of the order of the points.
    shared : sequence of parameters
        Parameters outside the layers: not decayed, and faster.
    report : callable
        Called with the score after every epoch.
    keep_last : bool
        Whether the network is left at its last epoch instead of its best.
    """
    _keep_freed_memory()
    optimizer, rate = _make_optimizer(network, len(rows), schedule, shared)
    clipped = [p for group in optimizer.param_groups for p in group["params"]]
    best, kept, device = -math.inf, _copy_state(network), clipped[0].device
    for _ in range(schedule.n_epochs):
        network.train()
        order = torch.from_numpy(rng.permutation(rows)).to(device)
        for batch in order.split(schedule.batch_size):
            for parameter in clipped:
                if parameter.grad is not None:
                    parameter.grad.zero_()
            differentiate(batch)
            _clip([p.grad for p in clipped if p.grad is not None])
            optimizer.step()
            rate.step()
        network.eval()
        with torch.inference_mode():
            found = score()
        if found > best or keep_last:
            best, kept = found, _copy_state(network)
        report(found)
    network.load_state_dict(kept)
    network.eval()
    return best


def _make_optimizer(
    network: "torch.nn.Module",
    n_rows: int,
    schedule: Schedule,
    shared: "Sequence[torch.nn.Parameter]",
) -> "tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]":
    outside = {id(parameter) for parameter in shared}
    layers = _join(
        [p for p in network.parameters() if p.requires_grad and id(p) not in outside]
    )
    groups: list[dict[str, Any]] = [{"params": [layers]}]
    if shared:
        fast = 4 * schedule.learning_rate
        groups.append({"params": list(shared), "weight_decay": 0.0, "lr": fast})
    optimizer = torch.optim.AdamW(
        groups,
        lr=schedule.learning_rate,
        weight_decay=schedule.weight_decay,
        # On MPS, torch has it from 2.5 on.
        fused=layers.device.type != "mps",
    )
    n_steps = schedule.n_epochs * math.ceil(n_rows / schedule.batch_size)

    def scale(step: int) -> float:
        rising = (step + 1) / (_WARM_UP * n_steps)
        return min(rising, 0.5 * (1 + math.cos(math.pi * step / n_steps)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, scale)


def _clip(gradients: "list[Tensor]") -> None:
    """Shorten gradients that are longer together than the largest norm.

    As torch's own function does, without its bookkeeping, which takes longer.
    """
    norms = [torch.linalg.vector_norm(gradient) for gradient in gradients]
    norm = torch.linalg.vector_norm(torch.stack(norms)) if norms[1:] else norms[0]
    scale = norm.add_(1e-6).reciprocal_().mul_(_LARGEST_NORM).clamp_max_(1.0)
    for gradient in gradients:
        gradient.mul_(scale)


def _join(parameters: "list[torch.nn.Parameter]") -> "torch.nn.Parameter":
    """Make parameters and their gradients parts of one vector, and return it.

    Where an optimizer and the clipping take one tensor, a step is quicker.
    """
    with torch.no_grad():
        joined = torch.nn.Parameter(torch.cat([p.flatten() for p in parameters]))
        joined.grad = torch.zeros_like(joined)
        sizes = [p.numel() for p in parameters]
        parts = zip(joined.split(sizes), joined.grad.split(sizes), strict=True)
        for parameter, (value, gradient) in zip(parameters, parts, strict=True):
            parameter.data = value.view_as(parameter)
            parameter.grad = gradient.view_as(parameter)
    return joined


def _keep_freed_memory() -> None:
    """Let glibc keep the memory of freed tensors for those that follow.

    Tensors above its threshold, 128 KiB at first, are asked of the system one by one,
    and memory freed at the heap's end goes back, which can take longer than what is
    computed. The threshold rises to the largest block that was freed, up to 32 MiB.
    """
    torch.empty(2**25 - 2**16, dtype=torch.uint8)


def _copy_state(network: "torch.nn.Module") -> "dict[str, Tensor]":
    return {name: value.clone() for name, value in network.state_dict().items()}
