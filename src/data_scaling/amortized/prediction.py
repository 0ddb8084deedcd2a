"""From a trained model to laws: for points never drawn, and for points with draws."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling.amortized.encoding import Single
from data_scaling.amortized.marginal import Belief, Prior, average, expect, update
from data_scaling.amortized.model import AmortizedModel
from data_scaling.amortized.networks import (
    LikelihoodModel,
    PriorNetwork,
    make_backbone,
)
from data_scaling.amortized.prior_training import sum_scaled
from data_scaling.amortized.probes import count_outputs
from data_scaling.contributions import Contributions
from data_scaling.estimators.estimate import Estimate, mix
from data_scaling.estimators.inspection import describe_draws
from data_scaling.laws import ExpansionLaws, FitStatus, PowerLaws

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

# Points predicted at a time, and points whose posteriors are taken at a time.
_BLOCK_ROWS, _BLOCK_POINTS = 4096, 1024


def build_network(
    model: AmortizedModel, rng: np.random.Generator
) -> PriorNetwork | LikelihoodModel:
    """Return an untrained network of the model's kind and sizes."""
    encoding, hidden = model.encoding, model.hidden
    if model.probes is not None:
        n_traits = model.probes.n_traits
        n_inputs = count_outputs(encoding.n_classes) + n_traits
        n_inputs += encoding.n_features if model.is_detailed else 0
        return PriorNetwork(n_inputs, n_traits, len(model.powers), hidden, rng)
    n_inputs = encoding.n_features + (not encoding.classes)
    backbone = make_backbone(n_inputs, hidden, rng)
    n_outputs = 5 if model.method == "paper" else 1
    return LikelihoodModel(backbone, hidden[-1], encoding.n_classes or 1, n_outputs)


def load_networks(model: AmortizedModel) -> list[PriorNetwork | LikelihoodModel]:
    """Return the model's networks, ready to predict.

    Raises
    ------
    KeyError or RuntimeError
        If the arrays are not those of such networks.
    """
    networks = []
    for member in model.members:
        network = build_network(model, np.random.default_rng(0))
        tensors = {name: torch.from_numpy(array) for name, array in member.items()}
        network.load_state_dict(tensors)
        networks.append(network.eval())
    return networks


def read_parameters(network: "torch.nn.Module") -> dict[str, NDArray[Any]]:
    """Return a network's parameters as arrays."""
    return {name: value.cpu().numpy() for name, value in network.state_dict().items()}


def split_inputs(x: "Tensor", target: "Tensor") -> "tuple[Tensor, Tensor]":
    """Return inputs and labels of the paper's network: one label in a regression."""
    if target.is_floating_point():
        label = torch.zeros(len(x), dtype=torch.int64, device=x.device)
        return torch.cat([x, target[:, None]], dim=1), label
    return x, target


def predict_prior(networks: list[Any], inputs: Single) -> Prior:
    """Return the ensemble's prior of some points."""
    told = torch.from_numpy(inputs)
    with torch.inference_mode():
        return average([network(told) for network in networks])


def predict_expansions(
    model: AmortizedModel, x: Single, target: NDArray[Any]
) -> ExpansionLaws:
    """Return the laws that the ensemble expects of points without draws.

    What the networks differ by is added to the covariance, and the prior of the
    hierarchical fit is mixed in.
    """
    learned, networks = model.require_plain(), load_networks(model)
    laws = _empty_expansions(model, {"points": np.arange(len(x))})
    powers, plain = learned.choice.powers, learned.expect()
    for rows in _split(len(x), _BLOCK_ROWS):
        told = torch.from_numpy(model.assemble(x[rows], target[rows]))
        with torch.inference_mode():
            priors = [network(told) for network in networks]
            belief = expect(average(priors))
            means = torch.stack([prior.mean for prior in priors])
            around = means - belief.mean
            between = torch.einsum("jnp,jnq->npq", around, around) / len(priors)
        spread = belief._replace(covariance=belief.covariance + between)
        predicted = _scale(spread, model.unit).among(model.powers, powers)
        weight = model.weigh(laws["n_draws"][rows])
        _write(laws, rows, mix([predicted, plain], [weight, 1.0 - weight]))
    return ExpansionLaws(powers=powers, base_cardinality=model.base, **laws)


def update_expansions(
    model: AmortizedModel,
    contributions: Contributions,
    x: Single,
    target: NDArray[Any],
) -> ExpansionLaws:
    """Return the laws of points whose draws correct what the ensemble predicts.

    It is mixed with the law that the hierarchical fit gives the same draws. A point
    whose draws are all zero has psi 0.
    """
    learned, networks = model.require_plain(), load_networks(model)
    laws = _empty_expansions(model, contributions.origin)
    usable = ~np.isnan(contributions.delta)
    status = describe_draws(
        contributions.delta, contributions.cardinality, usable, laws
    )
    # With a prior, few draws, one size or no spread are nothing special.
    status[status != FitStatus.NO_SIGNAL] = FitStatus.CONVERGED
    powers, weight = learned.choice.powers, model.weigh(usable.sum(axis=1))
    for rows in _split(len(x), _BLOCK_POINTS):
        some = contributions.take(contributions.points[rows])
        told = model.assemble(x[rows], target[rows])
        predicted = estimate_by(networks, model, some, told)
        plain, share = learned.estimate(some), weight[rows]
        _write(laws, rows, mix([predicted, plain], [share, 1.0 - share]))
    silent = status == FitStatus.NO_SIGNAL
    for name in ("coefficients", "covariance", "noise", "noise_exponent"):
        laws[name][silent] = 0.0
    return ExpansionLaws(powers=powers, base_cardinality=model.base, **laws)


def estimate_by(
    networks: list[Any],
    model: AmortizedModel,
    contributions: Contributions,
    inputs: Single,
) -> Estimate:
    """Return what the networks' prior and the points' own draws say together.

    It is an estimate for the powers of the plain laws, among which are the networks'.
    """
    sums = sum_scaled(contributions, model.base, model.powers, model.unit, "cpu")
    powers = model.require_plain().choice.powers
    with torch.inference_mode():
        belief = update(predict_prior(networks, inputs), sums)
    return _scale(belief, model.unit).among(model.powers, powers)


def predict_powers(
    model: AmortizedModel, x: Single, target: NDArray[Any], origin: dict[str, Any]
) -> PowerLaws:
    """Return the power laws that the paper's network, or that of the mean, predicts.

    The origin is what :attr:`Contributions.origin` says, or the points alone.

    Nothing is known of their errors: covariances are NaN. The mean alone has exponent
    0, and no noise.
    """
    (network,) = load_networks(model)
    outputs = []
    for rows in _split(len(x), _BLOCK_ROWS):
        inputs = torch.from_numpy(x[rows]), torch.from_numpy(target[rows])
        with torch.inference_mode():
            outputs.append(network(*split_inputs(*inputs)).double().numpy())
    found = np.concatenate(outputs) if outputs else np.empty((0, 5))
    n_points, unknown = len(x), np.full(len(x), np.nan)
    if model.method == "mean":
        c, alpha, sigma, beta = found[:, 0], np.zeros(n_points), unknown, unknown
    else:
        sign, log_c, log_alpha, log_sigma, log_beta = found.T
        c = np.where(sign > 0, 1.0, -1.0) * np.exp(log_c)
        alpha, sigma, beta = np.exp(log_alpha), np.exp(log_sigma), np.exp(log_beta)
    return PowerLaws(
        **origin,
        c=c * model.unit,
        alpha=alpha,
        sigma=sigma * model.unit,
        beta=beta,
        covariance=np.full((n_points, 4, 4), np.nan),
        status=np.full(n_points, FitStatus.CONVERGED, dtype=np.int8),
        n_draws=np.zeros(n_points, dtype=np.int32),
        cardinality_range=np.zeros((n_points, 2), dtype=np.int32),
    )


def _split(n_rows: int, size: int) -> Iterator[slice]:
    return (slice(first, first + size) for first in range(0, n_rows, size))


def _empty_expansions(model: AmortizedModel, origin: dict[str, Any]) -> dict[str, Any]:
    n_points = len(origin["points"])
    n_powers = len(model.require_plain().choice.powers)
    return {
        **origin,
        "coefficients": np.empty((n_points, n_powers)),
        "covariance": np.empty((n_points, n_powers, n_powers)),
        "noise": np.empty(n_points),
        "noise_exponent": np.empty(n_points),
        "status": np.full(n_points, FitStatus.CONVERGED, dtype=np.int8),
        "n_draws": np.zeros(n_points, dtype=np.int32),
        "cardinality_range": np.zeros((n_points, 2), dtype=np.int32),
    }


def _scale(belief: Belief, unit: float) -> Estimate:
    """Return a belief in units of the utility."""
    return Estimate(
        unit * belief.mean.numpy(),
        unit**2 * belief.covariance.numpy(),
        unit**2 * belief.variance.numpy(),
        belief.beta.numpy(),
    )


def _write(laws: dict[str, Any], rows: slice, estimate: Estimate) -> None:
    laws["coefficients"][rows] = estimate.coefficients
    laws["covariance"][rows] = estimate.covariance
    laws["noise"][rows] = np.sqrt(estimate.variance)
    laws["noise_exponent"][rows] = estimate.exponent
