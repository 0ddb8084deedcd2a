"""Training an ensemble of priors, and finding how far laws should go by them."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling._typing import BoolArray, IntArray
from data_scaling.amortized.encoding import Single
from data_scaling.amortized.model import AmortizedModel
from data_scaling.amortized.networks import PriorNetwork
from data_scaling.amortized.prediction import (
    build_network,
    estimate_by,
    load_networks,
    read_parameters,
)
from data_scaling.amortized.prior_training import Examples, sum_scaled, train_member
from data_scaling.amortized.stacking import (
    Trial,
    compare,
    count_coalitions,
    guess_weight,
    hide,
    learn_roughly,
    list_numbers,
    weigh,
)
from data_scaling.amortized.training import Schedule
from data_scaling.contributions import Contributions

if TYPE_CHECKING:
    import torch
else:
    torch = require_extra("torch", "torch")

# Points by which a network and the plain fit are compared, at most.
_TRIAL_POINTS = 1000
# Folds of the points and of the draws, one of which each network is trained without.
_N_FOLDS = 5


class Settings(Protocol):
    """What training an ensemble reads of the estimator."""

    n_members: int
    dropout: float
    device: str


def train_ensemble(
    settings: Settings,
    model: AmortizedModel,
    draws: Contributions,
    schedule: Schedule,
    inputs: Single,
    rng: np.random.Generator,
    report: Callable[[float], None],
) -> AmortizedModel:
    """Train the networks, each without a fold of the points and one of the draws.

    Parameters
    ----------
    settings : Settings
        Number of networks, the share of units that a step leaves out, the device.
    model : AmortizedModel
        The model without its networks.
    draws : Contributions
        Draws of the points to train on.
    schedule : Schedule
        How long and how fast each network is trained.
    inputs : (n_points, n_inputs) float32 array
        What the networks are told of the points.
    rng : numpy.random.Generator
        Source of folds, parameters and orders.
    report : callable
        Called with the held-out likelihood after every epoch.
    """
    n_folds = min(max(settings.n_members, _N_FOLDS), draws.n_draws)
    fold = rng.permutation(draws.n_points) % max(settings.n_members, _N_FOLDS)
    draw_fold = rng.permutation(draws.n_draws) % n_folds
    numbers = list_numbers(draws.n_draws - int(np.bincount(draw_fold).max()))
    members: list[dict[str, NDArray[Any]]] = []
    trials: list[list[Trial]] = []
    for number in range(settings.n_members):
        is_held = draw_fold == number % n_folds
        network = _make_network(settings, model, rng)
        held = np.flatnonzero(fold == number)
        train_member(
            network,
            make_examples(model, draws, inputs, is_held, settings.device),
            np.flatnonzero(fold != number),
            held,
            schedule,
            rng,
            report,
        )
        members.append(read_parameters(network))
        judged = np.sort(rng.permutation(held)[:_TRIAL_POINTS])
        trials.append(_try(members[-1], model, draws, inputs, judged, is_held, numbers))
    guess = guess_weight(count_coalitions(draws))
    return replace(
        model,
        members=tuple(members),
        numbers=np.array(numbers),
        weights=np.array([weigh(group, guess) for group in zip(*trials, strict=True)]),
    )


def _make_network(
    settings: Settings, model: AmortizedModel, rng: np.random.Generator
) -> PriorNetwork:
    network = build_network(model, rng)
    if not isinstance(network, PriorNetwork):  # said for the type checker
        raise TypeError(type(network))
    network.dropout = settings.dropout
    if settings.device == "mps":  # knows no double precision
        return network.to(settings.device, torch.float32)
    return network.to(settings.device)


def make_examples(
    model: AmortizedModel,
    draws: Contributions,
    inputs: Single,
    is_held: BoolArray,
    device: str,
) -> Examples:
    """Return the points to train on, the draws of the held columns set apart."""
    sums, held_sums = (
        sum_scaled(hide(draws, hidden), model.base, model.powers, model.unit, device)
        for hidden in (is_held, ~is_held)
    )
    return Examples(torch.from_numpy(inputs).to(device), sums, held_sums)


def _try(
    member: dict[str, NDArray[Any]],
    model: AmortizedModel,
    draws: Contributions,
    inputs: Single,
    held: IntArray,
    is_held: BoolArray,
    numbers: list[int],
) -> list[Trial]:
    """Judge a network and the plain fit by what neither has seen.

    Returns one trial for each number of draws that the points have of their own.
    """
    choice = model.require_plain().choice
    plain = learn_roughly(hide(draws, is_held), choice)
    some = draws.take(draws.points[held])
    judges = hide(some, ~is_held)
    place = np.cumsum(~is_held)
    networks = load_networks(replace(model, members=(member,)))
    trials = []
    for number in numbers:
        own = hide(some, is_held | (place > number))
        trials.append(
            compare(
                estimate_by(networks, model, own, inputs[held]),
                plain.estimate(own),
                judges,
                choice,
            )
        )
    return trials
