"""The networks: the paper's, which gives a law, and the one that gives a prior.

Parameters start from a NumPy generator, so that a seed does not depend on the state of
torch; the last layers start at zero. Weights belong to ``torch.nn`` modules while they
are trained, and are kept as arrays after.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from data_scaling._checks import require_extra
from data_scaling.amortized.marginal import BETAS, TAUS, Prior
from data_scaling.learners._mlp_stack import draw_initial_layers

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

#: Width of the two hidden layers.
HIDDEN = (128, 128)
# Probability that is spread evenly over all tau, so that none is ruled out.
_FLOOR = 0.01
# Largest factor of a mean, which starts at half of it: 1.
_MOST_TRUST = 2.0
# Bounds of the shape of the noise's distribution, as in the hierarchical estimator.
_LOG_SHAPES = (np.log(0.2), np.log(200.0))


class Classifier(torch.nn.Module):
    """Two hidden layers with ReLU, and a linear layer to one output per class.

    Trained on the labels, its hidden layers are where :class:`LikelihoodModel` starts
    from. In a regression it has one output.

    Parameters
    ----------
    n_inputs : int
        Number of features.
    n_outputs : int
        Number of classes, or 1.
    rng : numpy.random.Generator
        Source of the initial parameters.
    hidden : sequence of int
        Widths of the hidden layers.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from data_scaling.amortized import Classifier
    >>> classifier = Classifier(4, 3, np.random.default_rng(0))
    >>> classifier(torch.zeros(5, 4)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        rng: np.random.Generator,
        hidden: Sequence[int] = HIDDEN,
    ) -> None:
        super().__init__()
        self.backbone = make_backbone(n_inputs, hidden, rng)
        self.head = make_linear(hidden[-1], n_outputs, rng)

    def forward(self, x: "Tensor") -> "Tensor":
        """Return the outputs before any softmax, (n_points, n_outputs)."""
        outputs: Tensor = self.head(self.backbone(x))
        return outputs


class LikelihoodModel(torch.nn.Module):
    """A backbone and a head with some outputs per class, the own class selected.

    With five outputs it is the paper's network: for the law
    ``N(c k^-alpha, sigma^2 k^-beta)`` the logit of c > 0 and the logarithms of
    ``|c|, alpha, sigma, beta``. The head starts at zero.

    Parameters
    ----------
    backbone : torch.nn.Module
        Hidden layers, such as those of a trained :class:`Classifier`.
    n_hidden : int
        Number of outputs of the backbone.
    n_classes : int
        Number of classes, or 1 in a regression, where the target is an input.
    n_outputs : int
        Outputs per class.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from data_scaling.amortized import Classifier, LikelihoodModel
    >>> classifier = Classifier(4, 3, np.random.default_rng(0))
    >>> model = LikelihoodModel(classifier.backbone, 128, 3)
    >>> model(torch.zeros(5, 4), torch.tensor([0, 1, 2, 0, 1])).shape
    torch.Size([5, 5])
    """

    def __init__(
        self,
        backbone: torch.nn.Module,
        n_hidden: int,
        n_classes: int,
        n_outputs: int = 5,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = make_zero_linear(n_hidden, n_classes * n_outputs)
        self.n_classes = n_classes

    def forward(self, x: "Tensor", label: "Tensor") -> "Tensor":
        """Return the outputs of each point's own class, (n_points, n_outputs)."""
        outputs = self.head(self.backbone(x)).view(len(x), self.n_classes, -1)
        chosen = label[:, None, None].expand(-1, 1, outputs.shape[2])
        own: Tensor = outputs.gather(1, chosen)[:, 0]
        return own


class PriorNetwork(torch.nn.Module):
    """A network whose outputs are the prior of a point's law.

    Its inputs are the features, the target, and the traits that probes see in the point
    (:mod:`.probes`), which also go to the outputs directly. At the start it gives all
    points the same prior, with the mean at zero: that of the hierarchical estimator.

    Parameters
    ----------
    n_inputs, n_traits : int
        Number of inputs, and how many of them, the last, are traits.
    n_powers : int
        Number of coefficients of a law.
    hidden : sequence of int
        Widths of the hidden layers.
    rng : numpy.random.Generator
        Source of the initial parameters.
    dropout : float
        Probability with which a hidden unit is left out in a step of training.
    """

    lowest: "Tensor"
    highest: "Tensor"

    def __init__(
        self,
        n_inputs: int,
        n_traits: int,
        n_powers: int,
        hidden: Sequence[int],
        rng: np.random.Generator,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        n_outputs = n_powers + 1 + len(BETAS) + len(TAUS)
        self.n_traits, self.n_powers, self.dropout = n_traits, n_powers, dropout
        self.layers = torch.nn.ModuleList(
            make_linear(*sizes, rng) for sizes in pairwise((n_inputs, *hidden))
        )
        self.head = make_zero_linear(hidden[-1], n_outputs)
        self.direct = make_zero_linear(n_traits, n_outputs)
        self.register_buffer("lowest", torch.full((n_outputs,), -np.inf))
        self.register_buffer("highest", torch.full((n_outputs,), np.inf))
        double = torch.float64
        self.trust = torch.nn.Parameter(torch.zeros((), dtype=double))
        self.offset = torch.nn.Parameter(torch.zeros((), dtype=double))
        self.tau = torch.nn.Parameter(torch.zeros(len(TAUS), dtype=double))
        self.log_shape = torch.nn.Parameter(torch.ones((), dtype=double))
        self.factor = torch.nn.Parameter(torch.zeros(n_powers, n_powers, dtype=double))
        self.generator: torch.Generator | None = None

    def shared(self) -> "list[torch.nn.Parameter]":
        """Return the parameters that all points share, outside the layers."""
        return [self.trust, self.offset, self.tau, self.log_shape, self.factor]

    def scale_of_means(self) -> "Tensor":
        """Return the factor of the predicted means: how far they are trusted."""
        return _MOST_TRUST * self.trust.sigmoid()

    def bounded_log_shape(self) -> "Tensor":
        """Return the logarithm of the shape of the noise's distribution."""
        return self.log_shape.clamp(*_LOG_SHAPES)

    def predict_raw(self, inputs: "Tensor") -> "Tensor":
        """Return the outputs, (n_points, n_outputs), within the bounds of training."""
        h = inputs
        for layer in self.layers:
            h = layer(h).relu_()
            if self.training and self.dropout:
                kept = torch.rand(h.shape, generator=self.generator, device=h.device)
                h = h * (kept > self.dropout) / (1.0 - self.dropout)
        traits = inputs[:, inputs.shape[1] - self.n_traits :]
        raw: Tensor = self.head(h) + self.direct(traits)
        return raw.clamp(self.lowest, self.highest)

    def interpret(self, raw: "Tensor") -> Prior:
        """Return the prior that the outputs mean.

        The mean is in units of the predicted noise, so that points whose contributions
        differ by orders of magnitude are alike to the network.
        """
        wide = raw.to(self.tau.dtype)
        n_powers = self.n_powers
        log_variance = wide[:, n_powers] + self.offset
        noise = (0.5 * log_variance).exp()[:, None]
        log_diagonal = torch.diag(self.factor)
        # Of determinant 1, as tau has the scale.
        diagonal = torch.diag((log_diagonal - log_diagonal.mean()).exp())
        log_beta, log_tau = wide[:, n_powers + 1 :].split((len(BETAS), len(TAUS)), 1)
        probability = by_columns(log_tau + self.tau, torch.softmax)
        probability = probability + _FLOOR * (1.0 / len(TAUS) - probability)
        return Prior(
            mean=noise * self.scale_of_means() * wide[:, :n_powers],
            log_variance=log_variance,
            log_beta=by_columns(log_beta, torch.log_softmax),
            log_tau=probability.log(),
            log_shape=self.bounded_log_shape(),
            factor=torch.tril(self.factor, -1) + diagonal,
        )

    def forward(self, inputs: "Tensor") -> Prior:
        """Return the prior of each point's law."""
        return self.interpret(self.predict_raw(inputs))


def by_columns(rows: "Tensor", function: "Callable[[Tensor, int], Tensor]") -> "Tensor":
    """Return what a function makes of each of many short rows.

    It works on columns, which torch vectorises: several times faster than on rows.
    """
    return function(rows.T.contiguous(), 0).T


def make_backbone(
    n_inputs: int, hidden: Sequence[int], rng: np.random.Generator
) -> torch.nn.Sequential:
    """Return linear layers, each with a ReLU."""
    modules: list[torch.nn.Module] = []
    for sizes in pairwise((n_inputs, *hidden)):
        modules += [make_linear(*sizes, rng), torch.nn.ReLU()]
    return torch.nn.Sequential(*modules)


def make_linear(
    n_inputs: int, n_outputs: int, rng: np.random.Generator
) -> torch.nn.Linear:
    """Return a linear layer with parameters from a generator."""
    layer: torch.nn.Linear = torch.nn.utils.skip_init(
        torch.nn.Linear, n_inputs, n_outputs
    )
    ((weight, bias),) = draw_initial_layers((n_inputs, n_outputs), rng)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer


def make_zero_linear(n_inputs: int, n_outputs: int) -> torch.nn.Linear:
    """Return a linear layer that gives zero."""
    layer: torch.nn.Linear = torch.nn.utils.skip_init(
        torch.nn.Linear, n_inputs, n_outputs
    )
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    return layer
