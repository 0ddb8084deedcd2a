r"""The paper's loss, with its gradient written out.

With the residuals :math:`r = (\Delta - c\,k^{-\alpha}) / (\sigma k^{-\beta/2})` and the
logarithm :math:`g` of the noise, a draw's loss is :math:`r^2/2 + g`. Its derivative is
:math:`1 - r^2` with respect to g, and :math:`-r m` with respect to the logarithm of the
mean, :math:`m` the mean in units of the noise: the passes over the draws that the loss
takes serve its gradient too, which is quicker than what torch would derive.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

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
    delta, root, log_k : (n_points, n_draws) tensor
        Contributions times ``root``, the root of a draw's share in the mean over its
        point's usable draws (0 for the others), and logarithms of sizes.
    has_draws, mean_log_k : (n_points, 1) tensor
        1 where there are usable draws, else 0; and the mean of ``log_k`` over them.
    """

    delta: "Tensor"
    root: "Tensor"
    log_k: "Tensor"
    has_draws: "Tensor"
    mean_log_k: "Tensor"

    @classmethod
    def prepare(
        cls, delta: "Tensor", cardinality: "Tensor", weight: "Tensor"
    ) -> "Draws":
        """Prepare (n_points, n_draws) contributions, sizes and weights of 1 or 0."""
        share = weight / weight.sum(1, True).clamp_min(1.0)
        log_k, root = cardinality.log(), share.sqrt()
        mean_log_k = (share * log_k).sum(1, True)
        return cls(delta * root, root, log_k, share.sum(1, True), mean_log_k)

    def take(self, rows: "Tensor") -> "Draws":
        """Return the draws of some points, rows on the same device."""
        return Draws(*(part.index_select(0, rows) for part in self))


def likelihood_loss(outputs: "Tensor", draws: Draws) -> "Tensor":
    """Return the loss of each point's predicted law, (n_points,).

    It is the mean over draws of minus the logarithm of their normal density, but for a
    constant; the cross-entropy of the sign's output with the sign that is likelier; and
    a penalty on ``(alpha - 1)^2``.

    Parameters
    ----------
    outputs : (n_points, 5) tensor
        Logit of c > 0, and logarithms of the absolute value of c, alpha, sigma, beta.
    draws : Draws
        Those of the points.
    """
    loss: Tensor = _LikelihoodLoss.apply(outputs, *draws)  # type: ignore[no-untyped-call]
    return loss


class _LikelihoodLoss(torch.autograd.Function):
    """The loss of each point's law; its gradient is taken with it."""

    @staticmethod
    def forward(
        ctx: Any,
        outputs: "Tensor",
        delta: "Tensor",
        root: "Tensor",
        log_k: "Tensor",
        has_draws: "Tensor",
        mean_log_k: "Tensor",
    ) -> "Tensor":
        logit, log_c, log_alpha, log_sigma, log_beta = outputs.split(1, dim=1)
        alpha, half_beta = log_alpha.exp(), 0.5 * log_beta.exp()
        # Draws and means in units of the noise, times the root of the share.
        scaled = torch.addcmul(-log_sigma, log_k, half_beta).exp_().mul_(delta)
        mean = torch.addcmul(log_c - log_sigma, log_k, half_beta - alpha)
        mean = mean.exp_().mul_(root)
        # The likelier sign is that of the draws' product with the mean.
        agreement = (scaled * mean).sum(1, True)
        target = (agreement >= 0.0).to(outputs.dtype)
        mean.mul_(2.0 * target - 1.0)
        residual = scaled.sub_(mean)
        squares = residual.square()
        by_mean = residual.mul_(mean)
        square, product = squares.sum(1, True), by_mean.sum(1, True)
        tilted_square = squares.mul_(log_k).sum(1, True)
        tilted_product = by_mean.mul_(log_k).sum(1, True)
        penalised = 2.0 * _ALPHA_PENALTY * (alpha - 1.0)
        gradient = [
            logit.sigmoid() - target,
            -product,
            alpha * (tilted_product + penalised),
            has_draws - square,
            half_beta * (tilted_square - mean_log_k),
        ]
        ctx.save_for_backward(torch.cat(gradient, dim=1))
        density = 0.5 * square + has_draws * log_sigma - half_beta * mean_log_k
        sign_loss = torch.nn.functional.softplus(logit) - target * logit
        penalty = _ALPHA_PENALTY * (alpha - 1.0) ** 2
        loss: Tensor = (density + sign_loss + penalty)[:, 0]
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, wanted: "Tensor") -> "tuple[Tensor | None, ...]":
        (gradient,) = ctx.saved_tensors
        return (wanted[:, None] * gradient, *[None] * len(Draws._fields))
