r"""The paper's amortized estimator, and the regression of raw means beside it.

A network maps a point's features to :math:`(c, \alpha, \sigma, \beta)` of its class and
maximises the likelihood of the draws,
:math:`\Delta \sim N(c\,k^{-\alpha}, \sigma^2 k^{-\beta})`. As the sign of c has no
logarithm, both signs are tried and the better one is what the sign's output is trained
to say. The hidden layers start as those of a classifier of the labels.

References
----------
.. [1] Covert, Ji, Hashimoto and Zou, "Scaling Laws for the Value of Individual Data
   Points in Machine Learning", ICML 2024, section 4.
.. [2] Covert et al., "Stochastic Amortization: A Unified Approach to Accelerate
   Feature and Data Attribution", NeurIPS 2024.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import IntArray
from data_scaling.amortized.networks import Classifier, LikelihoodModel
from data_scaling.amortized.prediction import split_inputs
from data_scaling.amortized.stack import MarginalContributionStackDataset
from data_scaling.amortized.training import Schedule, descend

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

# Epochs of the classifier, and the weight of the penalty on (alpha - 1)^2.
PRETRAINING_EPOCHS = 10
_ALPHA_PENALTY = 1e-2


def likelihood_loss(
    outputs: "Tensor", delta: "Tensor", cardinality: "Tensor", weight: "Tensor"
) -> "Tensor":
    """Return the loss of each point's predicted law, (n_points,).

    The likelihood's draws and means are divided by the predicted noise, which takes no
    gradient there, so that steps do not depend on the scale of the contributions.

    Parameters
    ----------
    outputs : (n_points, 5) tensor
        Logit of c > 0, and logarithms of the absolute value of c, alpha, sigma, beta.
    delta, cardinality, weight : (n_points, n_draws) tensor
        Draws, their sizes, and 1 for a usable draw, else 0.
    """
    sign, log_c, log_alpha, log_sigma, log_beta = outputs.T[..., None]
    log_k, alpha = cardinality.log(), log_alpha.exp()
    log_noise = log_sigma - 0.5 * log_beta.exp() * log_k
    fixed = log_noise.detach()
    size = (log_c - alpha * log_k - fixed).exp()
    scaled, weight = delta * (-fixed).exp(), weight / weight.sum(1, True).clamp_min(1.0)
    precise = weight * (2.0 * (fixed - log_noise)).exp()
    # The likelier sign is that of the draws' product with the size.
    is_positive = (precise * scaled * size).sum(1) >= 0.0
    signed = torch.where(is_positive[:, None], size, -size)
    law_loss = (0.5 * precise * (scaled - signed) ** 2 + weight * log_noise).sum(1)
    sign_loss = torch.nn.functional.binary_cross_entropy_with_logits(
        sign[:, 0], is_positive.to(sign.dtype), reduction="none"
    )
    penalty = _ALPHA_PENALTY * (alpha[:, 0] - 1.0) ** 2
    loss: Tensor = law_loss + sign_loss + penalty
    return loss


def mean_loss(
    outputs: "Tensor", delta: "Tensor", cardinality: "Tensor", weight: "Tensor"
) -> "Tensor":
    """Return the squared error of each point's predicted mean, (n_points,)."""
    del cardinality
    mean = (delta * weight).sum(1) / weight.sum(1).clamp_min(1.0)
    return (outputs[:, 0] - mean) ** 2


def pretrain(
    model: LikelihoodModel,
    stack: MarginalContributionStackDataset,
    rows: IntArray,
    schedule: Schedule,
    rng: np.random.Generator,
) -> None:
    """Start the hidden layers as those of a classifier of the points' labels.

    In a regression the target is an input, so that there is nothing to classify.
    """
    if stack.target.is_floating_point():
        return
    layers: list[Any] = list(model.backbone.children())
    hidden = [m.out_features for m in layers if hasattr(m, "out_features")]
    classifier = Classifier(stack.x.shape[1], model.n_classes, rng, hidden)
    classifier.to(stack.x.device)
    cross_entropy = torch.nn.functional.cross_entropy
    descend(
        classifier,
        rows,
        lambda batch: cross_entropy(classifier(stack.x[batch]), stack.target[batch]),
        lambda: 0.0,
        schedule,
        rng,
        keep_last=True,
    )
    model.backbone.load_state_dict(classifier.backbone.state_dict())


def train(
    model: LikelihoodModel,
    stack: MarginalContributionStackDataset,
    trained: IntArray,
    held: IntArray,
    schedule: Schedule,
    rng: np.random.Generator,
    report: Callable[[float], None],
) -> float:
    """Train the network and return minus the loss of the points held out."""
    loss_of = (
        mean_loss if model.head.out_features == model.n_classes else likelihood_loss
    )
    judged = torch.from_numpy(held)

    def average(rows: "Tensor") -> "Tensor":
        x, target, *draws = stack[rows]
        return loss_of(model(*split_inputs(x, target)), *draws).mean()

    return descend(
        model,
        trained,
        average,
        lambda: -float(average(judged)),
        schedule,
        rng,
        report=report,
    )
