r"""Fewer features for a coalition of fewer rows than features.

With the penalty :math:`|w|^2/(2C)` the weights of a fit are a sum of its rows. Let
:math:`Q` be an orthonormal basis of what the rows of a coalition span. The weights of
the coalition with a point :math:`z` more, or less, are then :math:`w = Q a + b\,e_z`,
where :math:`e_z` is the direction of what is left of the point outside the span. So the
fits for features :math:`x` are those for :math:`Q'x` with one feature more, which the
point alone has: the length of what is left of it. That feature is zero in all rows of
the coalition, and stands for another direction with every point.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data_scaling._typing import FloatArray

# Features that are left, as a share of all, from which on they are taken as they are.
_LARGEST_SHARE: Final = 0.9
# Length of what is left of a point, relative to its own, that is round-off.
_ROUND_OFF: Final = 1e-10


@dataclass(frozen=True, eq=False)
class Span:
    """The features of a coalition and of its points, as they are or fewer.

    Attributes
    ----------
    penalty : (p,) float64 array
        Diagonal of the penalty: the same for all features but for an intercept's
        constant one, the last, where it is zero.
    basis : (d, r) float64 array or None
        Orthonormal columns that span the rows' d features beside the constant one;
        None to take features as they are.
    """

    penalty: FloatArray
    basis: FloatArray | None

    @classmethod
    def of(cls, rows: FloatArray, penalty: FloatArray) -> "Span":
        """Return the span of a coalition's rows, (k, p), if it is much smaller."""
        d = int(np.count_nonzero(penalty))
        if len(rows) + 1 > _LARGEST_SHARE * d:
            return cls(penalty, None)
        return cls(penalty, np.linalg.qr(rows[:, :d].T)[0])

    @property
    def reduced_penalty(self) -> FloatArray:
        """Diagonal of the penalty of the features that are left, (q,)."""
        if self.basis is None:
            return self.penalty
        d, r = self.basis.shape
        return np.concatenate([self.penalty[: r + 1], self.penalty[d:]])

    def reduce(self, x: FloatArray, *, is_spanned: bool) -> FloatArray:
        """Return the features that are left, (n, q), of features (n, p).

        ``is_spanned`` says that nothing of the rows is outside the span.
        """
        if self.basis is None:
            return x
        length = np.zeros(len(x)) if is_spanned else self._leave(x)[1]
        d = len(self.basis)
        return np.column_stack([x[:, :d] @ self.basis, length, x[:, d:]])

    def expand(self, theta: FloatArray, x: FloatArray) -> FloatArray:
        """Return parameters of all features, (n, m p), for those of what is left.

        Parameters
        ----------
        theta : (n, m q) float64 array
            Parameters of m classes each.
        x : (n, p) float64 array
            Features of the points whose parameters they are.
        """
        if self.basis is None:
            return theta
        r, q = self.basis.shape[1], len(self.reduced_penalty)
        by_class = theta.reshape(len(theta), theta.shape[1] // q, q)
        weights = by_class[:, :, :r] @ self.basis.T
        weights += by_class[:, :, r, None] * self._leave(x)[0][:, None]
        whole = np.concatenate([weights, by_class[:, :, r + 1 :]], axis=2)
        return np.asarray(whole.reshape(len(theta), whole.shape[1] * whole.shape[2]))

    def leave(self, gradient: FloatArray) -> FloatArray:
        """Return what is outside the span, (m, d) or (m, 0), of rows (m, p)."""
        if self.basis is None:
            return np.zeros((len(gradient), 0))
        inside = gradient[:, : len(self.basis)] @ self.basis
        return np.asarray(gradient[:, : len(self.basis)] - inside @ self.basis.T)

    def _leave(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return directions (n, d) and lengths (n,) of what is outside the span."""
        outside = self.leave(x)
        length, whole = (np.linalg.norm(one, axis=1) for one in (outside, x))
        length = np.where(length <= _ROUND_OFF * whole, 0.0, length)
        inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        return outside * inverse[:, None], length
