"""Training the networks whose outputs are priors, each judged on draws unseen.

The points are split into folds, and so are the draws. A network is trained without
one fold of the points and one of the draws, whose crossing tells its best epoch and
then how far its predictions are to be trusted: the few parameters that all points
share are fitted anew to it. The draws matter as much as the points: those of a column
share a coalition, whose luck is a function of features that a network learns as readily
as the truth, and that would be confirmed by other points of the same coalitions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray, IntArray
from data_scaling.amortized.marginal import BETAS, Sums
from data_scaling.amortized.marginal_likelihood import log_likelihood
from data_scaling.amortized.networks import PriorNetwork
from data_scaling.amortized.training import Schedule, descend
from data_scaling.contributions import Contributions
from data_scaling.estimators.moments import sum_draws

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

_CALIBRATION_STEPS = 40


@dataclass(frozen=True, eq=False)
class Examples:
    """Points to train on, as tensors.

    Attributes
    ----------
    inputs : (n_points, n_inputs) float32 tensor
        What the network is told of the points.
    sums, held_sums : Sums
        Moments of the draws to train on, and of those that judge, in units of their
        typical size.
    """

    inputs: "Tensor"
    sums: Sums
    held_sums: Sums


def sum_scaled(
    contributions: Contributions,
    base: float,
    powers: FloatArray,
    unit: float,
    device: str,
) -> Sums:
    """Return the moments of draws as tensors, the draws in units of ``unit``."""
    delta = contributions.delta / unit
    model = tuple(powers.tolist())
    moments = sum_draws(delta, contributions.cardinality, base, [model], BETAS)
    dtype = torch.float32 if device == "mps" else torch.float64
    arrays = (
        *moments.of_powers(model),
        moments.yy,
        moments.log_weight,
        moments.count,
    )
    columns = (np.ascontiguousarray(array.T) for array in arrays)
    return Sums(*(torch.tensor(c, dtype=dtype, device=device) for c in columns))


def train_member(
    network: PriorNetwork,
    examples: Examples,
    trained: IntArray,
    held: IntArray,
    schedule: Schedule,
    rng: np.random.Generator,
    report: Callable[[float], None],
) -> float:
    """Train one network and return the held-out likelihood, in nats per draw.

    Parameters
    ----------
    network : PriorNetwork
        The network, as drawn.
    examples : Examples
        All points.
    trained, held : (n,) intp array
        Rows of the points that it is trained on, and of those that judge it.
    schedule : Schedule
        How long and how fast.
    rng : numpy.random.Generator
        Source of the order of the points and of the units left out.
    report : callable
        Called with the held-out likelihood after every epoch.
    """
    start_noise(network, examples.sums, trained)
    network.generator = torch.Generator(device=examples.inputs.device)
    network.generator.manual_seed(int(rng.integers(2**62)))

    def average_likelihood(rows: "Tensor", sums: Sums) -> "Tensor":
        prior = network(examples.inputs.index_select(0, rows))
        return log_likelihood(prior, sums.take(rows)).mean() / sums.n_draws.mean()

    def differentiate(rows: "Tensor") -> None:
        (-average_likelihood(rows, examples.sums)).backward()

    judged = torch.from_numpy(held).to(examples.inputs.device)
    shared = [network.tau, network.log_shape, network.factor]
    network.trust.requires_grad_(False)
    network.offset.requires_grad_(False)
    descend(
        network,
        trained,
        differentiate,
        lambda: float(average_likelihood(judged, examples.held_sums)),
        schedule,
        rng,
        shared=shared,
        report=report,
    )
    bound_outputs(network, examples, trained)
    return calibrate(network, examples, held)


def bound_outputs(network: PriorNetwork, examples: Examples, trained: IntArray) -> None:
    """Keep means and noises of other points within the range of those trained on."""
    with torch.no_grad():
        raw = network.predict_raw(examples.inputs[torch.from_numpy(trained)])
        bounded = slice(0, network.n_powers + 1)
        network.lowest[bounded] = raw[:, bounded].amin(0)
        network.highest[bounded] = raw[:, bounded].amax(0)


def start_noise(network: PriorNetwork, sums: Sums, rows: IntArray) -> None:
    """Start the predicted noise at the median of the points' own."""
    middle = len(BETAS) // 3
    rows = rows[(sums.n_draws[rows] > 0).cpu().numpy()]
    variance = sums.yy[middle, rows] / sums.n_draws[rows]
    with torch.no_grad():
        network.head.bias[network.n_powers] = variance.median().log()


def calibrate(network: PriorNetwork, examples: Examples, held: IntArray) -> float:
    """Fit the parameters that all points share to what was held out.

    They are the trust in the predicted means, the offsets of noise and spread, and the
    distributions of tau and of the noise. Returns the likelihood, in nats per draw.
    """
    rows = torch.from_numpy(held).to(examples.inputs.device)
    sums = examples.held_sums.take(rows)
    with torch.no_grad():
        raw = network.predict_raw(examples.inputs[rows])
    n_draws = sums.n_draws.mean()
    shared = network.shared()
    for parameter in shared:
        parameter.requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        shared, max_iter=_CALIBRATION_STEPS, line_search_fn="strong_wolfe"
    )

    def evaluate() -> "Tensor":
        optimizer.zero_grad()
        loss = -log_likelihood(network.interpret(raw), sums).mean() / n_draws
        loss.backward()
        return loss

    before = [parameter.detach().clone() for parameter in shared]
    start = float(evaluate().detach())
    optimizer.step(evaluate)
    end = float(evaluate().detach())
    if end <= start:
        return -end
    # The line search has run away, as it can where a fold is tiny.
    with torch.no_grad():
        for parameter, value in zip(shared, before, strict=True):
            parameter.copy_(value)
    return -start
