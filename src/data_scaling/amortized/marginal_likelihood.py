r"""The likelihood that a network of priors is trained by, with its gradient.

With the posterior's weights :math:`r` of the cells, the rates and shapes of the
precision, the covariance :math:`A^{-1}` and the mean :math:`z` of
:math:`L^{-1}(a - m)`, which the likelihood takes anyway, its derivatives are sums over
the cells. In each, the residual sum of squares, half of which enters the rate, is the
least over z of :math:`|\delta - x'(m + Lz)|_w^2 + z'z/\tau`, so that its derivative is
taken with z held fixed. The bounds that keep rounding from making squares and pivots
negative are left out of it.
"""

from typing import TYPE_CHECKING, Any

from data_scaling._checks import require_extra
from data_scaling.amortized.marginal import Cells, Prior, Sums, regress, turn

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")


def log_likelihood(prior: Prior, sums: Sums) -> "Tensor":
    """Return the logarithm of the likelihood of each point's draws, (n_points,)."""
    found: Tensor = _LogLikelihood.apply(*prior, *sums)  # type: ignore[no-untyped-call]
    return found


class _LogLikelihood(torch.autograd.Function):
    """The likelihood of each point; the gradient is taken with it."""

    @staticmethod
    def forward(ctx: Any, *tensors: "Tensor") -> "Tensor":
        n_parts = len(Prior._fields)
        prior, sums = Prior(*tensors[:n_parts]), Sums(*tensors[n_parts:])
        cells = regress(prior, sums)
        joint = cells.log_weight
        found: Tensor = joint.flatten(0, 1).logsumexp(0)
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(*_differentiate(prior, sums, cells, found))
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, wanted: "Tensor") -> "tuple[Tensor | None, ...]":
        mean, log_variance, log_beta, log_tau, log_shape, factor = ctx.saved_tensors
        by_point = wanted[:, None]
        return (
            by_point * mean,
            wanted * log_variance,
            by_point * log_beta,
            by_point * log_tau,
            wanted @ log_shape,
            factor @ wanted,
            *[None] * len(Sums._fields),
        )


def _differentiate(
    prior: Prior, sums: Sums, cells: Cells, found: "Tensor"
) -> "tuple[Tensor, ...]":
    """Return the derivatives of each point's likelihood by the prior's parts."""
    weight = (cells.log_weight - found).exp_()
    by_rate = -cells.shape * weight / cells.rate
    moved = [by_rate * mean for mean in cells.shift]
    first = torch.stack([one.sum(0) for one in moved])
    second = torch.empty_like(sums.xx)
    for i, left in enumerate(moved):
        for j, right in enumerate(cells.shift[: i + 1]):
            # That of the determinant, less that of the residuals.
            part = (weight * cells.inverse[i][j]).addcmul_(left, right, value=-1.0)
            second[i, j] = second[j, i] = part.sum(0)
    total = by_rate.sum(0)
    turned = turn(prior.factor, sums.xx)
    mean = ((turned * first[:, None]).sum(0) - total * cells.rest).sum(1)
    at_factor = (turned[:, :, None] * second[:, None]).sum(0)
    factor = -(at_factor + cells.rest[:, None] * first).sum(2)
    shape0, variance0 = prior.log_shape.exp(), prior.log_variance.exp()
    by_scale = variance0 * total.sum(0)
    log_shape = shape0 * (
        (shape0 * variance0).log()
        + 1.0
        + torch.digamma(cells.shape)
        - torch.digamma(shape0)
        - (weight * cells.log_rate).sum((0, 1))
        + by_scale
    )
    log_variance = shape0 * (1.0 + by_scale)
    return mean.T, log_variance, weight.sum(0).T, weight.sum(1).T, log_shape, factor
