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
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import IntArray
from data_scaling.amortized.layers import find_layers, run_layers, set_gradients
from data_scaling.amortized.networks import Classifier, LikelihoodModel
from data_scaling.amortized.paper_loss import (
    Draws,
    likelihood_gradient,
    likelihood_loss,
)
from data_scaling.amortized.prediction import split_inputs
from data_scaling.amortized.stack import MarginalContributionStackDataset
from data_scaling.amortized.training import Schedule, descend

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

# What is made of some points' outputs, and of the points' rows.
OfOutputs: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"

# Epochs of the classifier.
PRETRAINING_EPOCHS = 10


def mean_loss(outputs: "Tensor", means: "Tensor") -> "Tensor":
    """Return the squared error of each point's predicted mean, (n_points,)."""
    return (outputs[:, 0] - means) ** 2


def mean_gradient(outputs: "Tensor", means: "Tensor") -> "Tensor":
    """Return the gradients of the squared errors by the outputs, (n_points, 1)."""
    return 2.0 * (outputs - means[:, None])


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
    hidden = [layer.out_features for layer in find_layers(model.backbone)]
    classifier = Classifier(stack.x.shape[1], model.n_classes, rng, hidden)
    classifier.to(stack.x.device)
    layers = find_layers(classifier)

    def differentiate(batch: "Tensor") -> None:
        values = run_layers(layers, stack.x.index_select(0, batch))
        # Of the cross-entropy: the probabilities, less 1 for the own class.
        gradient = values[-1].softmax(1)
        own = stack.target.index_select(0, batch)[:, None]
        gradient.scatter_add_(1, own, -torch.ones_like(gradient))
        set_gradients(layers, values, gradient.div_(len(batch)))

    descend(classifier, rows, differentiate, lambda: 0.0, schedule, rng, keep_last=True)
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
    loss_of, gradient_of = _choose_loss(model, stack)
    layers = find_layers(model.backbone, model.head)
    told, labels = split_inputs(stack.x, stack.target)
    n_outputs = model.head.out_features // model.n_classes
    numbers = torch.arange(n_outputs, device=labels.device)
    # Places of the outputs of each point's own class.
    places = n_outputs * labels[:, None] + numbers

    def differentiate(rows: "Tensor") -> None:
        values = run_layers(layers, told.index_select(0, rows))
        own = places.index_select(0, rows)
        gradient = gradient_of(values[-1].gather(1, own), rows).div_(len(rows))
        spread = torch.zeros_like(values[-1]).scatter_(1, own, gradient)
        set_gradients(layers, values, spread)

    judged = torch.from_numpy(held).to(stack.x.device)

    def score() -> float:
        losses = []
        for rows in judged.split(schedule.batch_size):
            outputs = run_layers(layers, told.index_select(0, rows))[-1]
            own = places.index_select(0, rows)
            losses.append(loss_of(outputs.gather(1, own), rows))
        return -float(torch.cat(losses).mean())

    return descend(model, trained, differentiate, score, schedule, rng, report=report)


def _choose_loss(
    model: LikelihoodModel, stack: MarginalContributionStackDataset
) -> tuple[OfOutputs, OfOutputs]:
    """Return loss and gradient of some points of a stack, from outputs and rows."""
    draws = Draws.prepare(stack.delta, stack.cardinality, stack.weight)
    if model.head.out_features == model.n_classes:
        # Both factors carry the root of a draw's share in the mean.
        delta, root, _ = draws.by_draw
        means = (delta * root).sum(1)
        return (
            lambda outputs, rows: mean_loss(outputs, means[rows]),
            lambda outputs, rows: mean_gradient(outputs, means[rows]),
        )
    return (
        lambda outputs, rows: likelihood_loss(outputs, draws.take(rows)),
        lambda outputs, rows: likelihood_gradient(outputs, draws.take(rows)),
    )
