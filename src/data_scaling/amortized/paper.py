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
from data_scaling.amortized.paper_loss import Draws, likelihood_loss
from data_scaling.amortized.prediction import split_inputs
from data_scaling.amortized.stack import MarginalContributionStackDataset
from data_scaling.amortized.training import Schedule, descend

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

# Epochs of the classifier.
PRETRAINING_EPOCHS = 10


def mean_loss(outputs: "Tensor", means: "Tensor") -> "Tensor":
    """Return the squared error of each point's predicted mean, (n_points,)."""
    return (outputs[:, 0] - means) ** 2


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
        lambda batch: cross_entropy(
            classifier(stack.x.index_select(0, batch)), stack.target[batch]
        ),
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
    average = _make_loss(model, stack)
    judged = torch.from_numpy(held).to(stack.x.device)
    return descend(
        model,
        trained,
        average,
        lambda: -float(average(judged)),
        schedule,
        rng,
        report=report,
    )


def _make_loss(
    model: LikelihoodModel, stack: MarginalContributionStackDataset
) -> "Callable[[Tensor], Tensor]":
    """Return the mean loss of some points of a stack as a function of their rows."""
    told, labels = split_inputs(stack.x, stack.target)
    draws = Draws.prepare(stack.delta, stack.cardinality, stack.weight)

    def predict(rows: "Tensor") -> "Tensor":
        outputs: Tensor = model(told.index_select(0, rows), labels[rows])
        return outputs

    if model.head.out_features == model.n_classes:
        # Both factors carry the root of a draw's share in the mean.
        means = (draws.delta * draws.root).sum(1)
        return lambda rows: mean_loss(predict(rows), means[rows]).mean()
    return lambda rows: likelihood_loss(predict(rows), draws.take(rows)).mean()
