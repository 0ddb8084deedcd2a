"""Training a model as the estimator's settings say."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from data_scaling._checks import require_extra
from data_scaling._progress import open_bar
from data_scaling._typing import IntArray
from data_scaling.amortized import paper
from data_scaling.amortized.encoding import learn_encoding
from data_scaling.amortized.ensemble import train_ensemble
from data_scaling.amortized.model import AmortizedModel, Method
from data_scaling.amortized.networks import LikelihoodModel
from data_scaling.amortized.prediction import build_network, read_parameters
from data_scaling.amortized.probes import learn_probes
from data_scaling.amortized.stack import MarginalContributionStackDataset
from data_scaling.amortized.stacking import choose, count_coalitions, learn_plain
from data_scaling.amortized.training import Schedule
from data_scaling.contributions import Contributions
from data_scaling.datasets import Dataset
from data_scaling.errors import InputError
from data_scaling.estimators.choice import CANDIDATES
from data_scaling.learners._mlp_stack import use_one_thread

if TYPE_CHECKING:
    import torch
else:
    torch = require_extra("torch", "torch")

MIN_POINTS, MIN_DRAWS = 30, 2
# Coalitions from which on features are told. The luck of a few is a function of them,
# which a network learns as readily as the laws.
MANY_COALITIONS = 60
Report = Callable[[float], None]


class Settings(Protocol):
    """What training reads of the estimator."""

    method: Method
    n_epochs: int
    training_share: float
    held_out: float
    n_members: int
    hidden: Any
    batch_size: int
    learning_rate: float
    weight_decay: float
    dropout: float
    powers: Any
    seed: int
    device: str
    progress: bool


def train_model(
    settings: Settings, contributions: Contributions, dataset: Dataset
) -> AmortizedModel:
    """Train the networks of a model.

    Raises
    ------
    InputError
        If the device is not there, or fewer than 30 points have two draws that are not
        all zero.
    """
    _check_device(settings.device)
    rng = np.random.default_rng(settings.seed)
    chosen = _choose_points(contributions, settings.training_share, rng)
    draws = contributions.take(contributions.points[chosen])
    untrained = _describe(settings, draws, dataset, rng)
    n_networks = settings.n_members if settings.method == "hierarchical" else 1
    n_epochs = n_networks * settings.n_epochs
    with (
        use_one_thread(),
        threadpool_limits(1),
        open_bar(0, n_epochs, wanted=settings.progress, unit="epoch") as bar,
    ):

        def report(score: float) -> None:
            bar.set_postfix(held_out=f"{score:.4f}", refresh=False)
            bar.update(1)

        if settings.method == "hierarchical":
            encoded = untrained.encoding.encode(
                dataset.x_train[draws.points], dataset.y_train[draws.points]
            )
            inputs = untrained.assemble(*encoded)
            schedule = _schedule(settings, settings.n_epochs)
            return train_ensemble(
                settings, untrained, draws, schedule, inputs, rng, report
            )
        network = _train_alone(settings, untrained, draws, dataset, rng, report)
        return replace(untrained, members=(read_parameters(network),))


def _describe(
    settings: Settings,
    draws: Contributions,
    dataset: Dataset,
    rng: np.random.Generator,
) -> AmortizedModel:
    """Return the model without its networks."""
    sizes = np.log(draws.cardinality[~np.isnan(draws.delta)])
    base = float(np.exp(sizes.mean()))
    # The paper's laws are of order 1 at size 1, the others at the typical size.
    scale = draws.cardinality if settings.method == "paper" else 1.0
    size = np.abs(draws.delta * scale)
    is_expansion = settings.method == "hierarchical"
    encoding = learn_encoding(dataset)
    powers, plain = settings.powers or CANDIDATES[0], None
    if is_expansion:
        plain = learn_plain(draws, choose(draws, base, settings.powers))
        powers = plain.choice.laws[0].models[0]
    return AmortizedModel(
        method=settings.method,
        encoding=encoding,
        members=(),
        hidden=tuple(settings.hidden),
        powers=np.asarray(powers, dtype=np.float64),
        base=base,
        unit=float(np.nanmedian(size[size > 0])),
        probes=learn_probes(dataset, encoding, base, rng) if is_expansion else None,
        is_detailed=count_coalitions(draws) >= MANY_COALITIONS,
        plain=plain,
    )


def _train_alone(
    settings: Settings,
    model: AmortizedModel,
    draws: Contributions,
    dataset: Dataset,
    rng: np.random.Generator,
    report: Report,
) -> LikelihoodModel:
    """Train the network of the paper, or that of the mean."""
    scaled = replace(draws, delta=draws.delta / model.unit)
    stack = MarginalContributionStackDataset(scaled, dataset, settings.device)
    network = build_network(model, rng)
    if not isinstance(network, LikelihoodModel):  # said for the type checker
        raise TypeError(type(network))
    network.to(settings.device)
    order = rng.permutation(len(stack))
    n_held = max(1, round(settings.held_out * len(order)))
    held, trained = order[:n_held], order[n_held:]
    start = _schedule(settings, paper.PRETRAINING_EPOCHS)
    paper.pretrain(network, stack, trained, start, rng)
    schedule = _schedule(settings, settings.n_epochs)
    paper.train(network, stack, trained, held, schedule, rng, report)
    return network


def _schedule(settings: Settings, n_epochs: int) -> Schedule:
    return Schedule(
        n_epochs, settings.batch_size, settings.learning_rate, settings.weight_decay
    )


def _choose_points(
    contributions: Contributions, share: float, rng: np.random.Generator
) -> IntArray:
    """Return rows of points with draws that tell something, a share of them."""
    usable = ~np.isnan(contributions.delta)
    is_silent = ~np.any(usable & (contributions.delta != 0), axis=1)
    found = np.flatnonzero((usable.sum(axis=1) >= MIN_DRAWS) & ~is_silent)
    n_chosen = round(share * len(found))
    if n_chosen < MIN_POINTS:
        raise InputError(
            f"{n_chosen} points are left to train on ({len(found)} of "
            f"{contributions.n_points} have {MIN_DRAWS} draws or more that are not all "
            f"zero, and the training share is {share}). Draw at least {MIN_POINTS}."
        )
    return np.sort(rng.permutation(found)[:n_chosen])


def _check_device(device: str) -> None:
    known = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if not known.get(device, False):
        found = ", ".join(name for name, is_there in known.items() if is_there)
        raise InputError(
            f"device is {device!r}, but torch {torch.__version__} finds only {found} "
            "on this machine. Give one of these, or install the torch build for it."
        )
