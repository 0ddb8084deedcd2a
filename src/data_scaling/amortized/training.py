"""The loop that trains a network: batches indexed in memory, the best epoch kept."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import IntArray
from data_scaling.errors import FitWarning

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.optim.adamw import adamw
else:
    torch = require_extra("torch", "torch")
    adamw = require_extra("torch.optim.adamw", "torch").adamw

# Largest norm of a gradient, as torch clips it; the share of the steps in which the
# rate rises; and how many times faster parameters are that all points share.
_LARGEST_NORM, _NORM_FLOOR = 1.0, 1e-6
_WARM_UP = 0.05
_FASTER = 4.0


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


# BLAS may set flags where nothing is amiss; what is not finite is looked for after.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
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
        network's parameters, which are zero before, in place to those of the mean loss
        of these points.
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

    Warns
    -----
    FitWarning
        If that gave numbers that are not finite: the network stays as it was before.
    """
    _keep_freed_memory()
    groups = _group(network, schedule, shared)
    gradients = [gradient for group in groups for gradient in group.gradients]
    start, device = _copy_state(network), gradients[0].device
    best, kept = -math.inf, start
    rates = _list_rates(schedule, len(rows))
    for _ in range(schedule.n_epochs):
        network.train()
        order = torch.from_numpy(rng.permutation(rows)).to(device)
        for batch in order.split(schedule.batch_size):
            for gradient in gradients:
                gradient.zero_()
            differentiate(batch)
            _clip(gradients)
            rate = next(rates)
            for group in groups:
                group.step(rate)
        network.eval()
        with torch.inference_mode():
            found = score()
        if found > best or keep_last:
            best, kept = found, _copy_state(network)
        report(found)
    network.load_state_dict(kept)
    network.eval()
    is_finite = all(bool(p.isfinite().all()) for p in network.parameters())
    if best == -math.inf or not is_finite:
        network.load_state_dict(start)
        warnings.warn(
            "Training a network gave numbers that are not finite: it stays as it was "
            "before. Give a lower learning_rate, or more draws.",
            FitWarning,
            stacklevel=3,
        )
    return best


class _Group:
    """Parameters that AdamW moves at one rate.

    Torch's function takes half the time of its optimizer's bookkeeping.
    """

    def __init__(
        self, parameters: "Sequence[torch.nn.Parameter]", factor: float, decay: float
    ) -> None:
        self._parameters = [parameter.detach() for parameter in parameters]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        # All have one; said for the type checker.
        self.gradients = [p.grad for p in parameters if p.grad is not None]
        self._first = [torch.zeros_like(p) for p in self._parameters]
        self._second = [torch.zeros_like(p) for p in self._parameters]
        # On MPS, torch has it from 2.5 on; where it has not, steps stay on the host.
        self._is_fused = self._parameters[0].device.type != "mps"
        place = self._parameters[0].device if self._is_fused else "cpu"
        self._n_steps = [
            torch.zeros((), dtype=torch.float32, device=place) for _ in parameters
        ]
        self._factor, self._decay = factor, decay

    def step(self, rate: float) -> None:
        """Take a step of a rate, times the group's factor."""
        adamw(
            self._parameters,
            self.gradients,
            self._first,
            self._second,
            [],
            self._n_steps,
            fused=self._is_fused,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self._factor * rate,
            weight_decay=self._decay,
            eps=1e-8,
            maximize=False,
        )


def _group(
    network: "torch.nn.Module",
    schedule: Schedule,
    shared: "Sequence[torch.nn.Parameter]",
) -> list[_Group]:
    """Return the layers' parameters as one vector, and those that are shared."""
    outside = {id(parameter) for parameter in shared}
    layers = _join(
        [p for p in network.parameters() if p.requires_grad and id(p) not in outside]
    )
    groups = [_Group([layers], 1.0, schedule.weight_decay)]
    return groups + ([_Group(shared, _FASTER, 0.0)] if shared else [])


def _list_rates(schedule: Schedule, n_rows: int) -> Iterator[float]:
    """Yield the rate of each step: it rises first, and falls as a cosine."""
    n_steps = schedule.n_epochs * math.ceil(n_rows / schedule.batch_size)
    for step in range(n_steps):
        rising = (step + 1) / (_WARM_UP * n_steps)
        falling = 0.5 * (1 + math.cos(math.pi * step / n_steps))
        yield schedule.learning_rate * min(rising, falling)


def _clip(gradients: "list[Tensor]") -> None:
    """Shorten gradients that are longer together than the largest norm.

    As torch's own function does, without its bookkeeping, which takes longer.
    """
    norms = [torch.linalg.vector_norm(gradient) for gradient in gradients]
    norm = torch.linalg.vector_norm(torch.stack(norms)) if norms[1:] else norms[0]
    # On a GPU, to ask would be to wait for it.
    if norm.device.type == "cpu" and norm <= _LARGEST_NORM - _NORM_FLOOR:
        return
    scale = norm.add_(_NORM_FLOOR).reciprocal_().mul_(_LARGEST_NORM).clamp_max_(1.0)
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
