r"""The paper's loss, with its gradient written out.

With the residuals :math:`r = (\Delta - c\,k^{-\alpha}) / (\sigma k^{-\beta/2})` and the
logarithm :math:`g` of the noise, a draw's loss is :math:`r^2/2 + g`. Its derivative is
:math:`1 - r^2` with respect to g, and :math:`-r m` with respect to the logarithm of the
mean, :math:`m` the mean in units of the noise: the passes over the draws that the loss
takes serve its gradient too, which is quicker than what torch would derive.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from data_scaling._checks import require_extra

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")

# Weight of the penalty on (alpha - 1)^2.
_ALPHA_PENALTY = 1e-2


class Draws(NamedTuple):
    """Draws as the loss takes them, made once and indexed in batches.

    Attributes
    ----------
    by_draw : (3, n_points, n_draws) tensor
        Contributions times ``root``, ``root``, and ``log_k``: the root of a draw's
        share in the mean over its point's usable draws (0 for the others), and the
        logarithm of its size.
    by_point : (n_points, 2) tensor
        1 where there are usable draws, else 0; and the mean of ``log_k`` over them.
    """

    by_draw: "Tensor"
    by_point: "Tensor"

    @classmethod
    def prepare(
        cls, delta: "Tensor", cardinality: "Tensor", weight: "Tensor"
    ) -> "Draws":
        """Prepare (n_points, n_draws) contributions, sizes and weights of 1 or 0."""
        share = weight / weight.sum(1, True).clamp_min(1.0)
        log_k, root = cardinality.log(), share.sqrt()
        by_point = share.sum(1), (share * log_k).sum(1)
        return cls(torch.stack([delta * root, root, log_k]), torch.stack(by_point, 1))

    def take(self, rows: "Tensor") -> "Draws":
        """Return the draws of some points, rows on the same device."""
        return Draws(
            self.by_draw.index_select(1, rows), self.by_point.index_select(0, rows)
        )


def likelihood_loss(outputs: "Tensor", draws: Draws) -> "Tensor":
    """Return the loss of each point's predicted law, (n_points,).

    It is the mean over draws of minus the logarithm of their normal density, but for a
    constant; the cross-entropy of the sign's output with the sign that is likelier; and
    a penalty on ``(alpha - 1)^2``. The outputs must not require a gradient, as it works
    in place: see :func:`likelihood_gradient`.

    Parameters
    ----------
    outputs : (n_points, 5) tensor
        Logit of c > 0, and logarithms of the absolute value of c, alpha, sigma, beta.
    draws : Draws
        Those of the points.
    """
    is_positive, residual, _ = _compare(outputs, *draws.by_draw)
    square = residual.square_().sum(1, True)
    has_draws, mean_log_k = draws.by_point.split(1, dim=1)
    logit, _, log_alpha, log_sigma, log_beta = outputs.split(1, dim=1)
    log_noise = has_draws * log_sigma - 0.5 * log_beta.exp() * mean_log_k
    sign_loss = torch.nn.functional.softplus(logit) - is_positive * logit
    penalty = _ALPHA_PENALTY * (log_alpha.exp() - 1.0) ** 2
    loss: Tensor = (0.5 * square + log_noise + sign_loss + penalty)[:, 0]
    return loss


def likelihood_gradient(outputs: "Tensor", draws: Draws) -> "Tensor":
    """Return the gradient of each point's loss by its own outputs, (n_points, 5)."""
    delta, root, log_k = draws.by_draw
    is_positive, residual, mean = _compare(outputs, delta, root, log_k)
    squares = residual.square()
    products = residual.mul_(mean)
    # Means over the draws, and means tilted by their log k.
    square, product = squares.sum(1, True), products.sum(1, True)
    tilted_square = squares.mul_(log_k).sum(1, True)
    tilted_product = products.mul_(log_k).sum(1, True)
    has_draws, mean_log_k = draws.by_point.split(1, dim=1)
    logit, _, log_alpha, _, log_beta = outputs.split(1, dim=1)
    alpha, half_beta = log_alpha.exp(), 0.5 * log_beta.exp()
    penalised = 2.0 * _ALPHA_PENALTY * (alpha - 1.0)
    gradient = [
        logit.sigmoid() - is_positive,
        -product,
        alpha * (tilted_product + penalised),
        has_draws - square,
        half_beta * (tilted_square - mean_log_k),
    ]
    return torch.cat(gradient, dim=1)


def _compare(
    outputs: "Tensor", delta: "Tensor", root: "Tensor", log_k: "Tensor"
) -> "tuple[Tensor, Tensor, Tensor]":
    """Compare the draws with the predicted law, both times the root of the share.

    Returns
    -------
    is_positive : (n_points, 1) tensor
        1 where c > 0 is likelier, else 0.
    residual, mean : (n_points, n_draws) tensor
        r and m, in units of the noise.
    """
    _, log_c, log_alpha, log_sigma, log_beta = outputs.split(1, dim=1)
    half_beta = 0.5 * log_beta.exp()
    scaled = _exp((log_k * half_beta).sub_(log_sigma)).mul_(delta)
    mean = (log_k * (half_beta - log_alpha.exp())).add_(log_c - log_sigma)
    _exp(mean).mul_(root)
    # The likelier sign is that of the draws' product with the mean.
    is_positive = ((scaled * mean).sum(1, True) >= 0.0).to(outputs.dtype)
    mean.mul_(2.0 * is_positive - 1.0)
    return is_positive, scaled.sub_(mean), mean


def _exp(values: "Tensor") -> "Tensor":
    """Replace values by their exponentials; on the processor NumPy is quicker."""
    if values.device.type != "cpu":
        return values.exp_()
    np.exp(values.numpy(), out=values.numpy())
    return values
