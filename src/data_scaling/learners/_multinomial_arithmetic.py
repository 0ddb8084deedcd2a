r"""Gradients of a coalition's multinomial objective, in single or double precision.

They are taken at *changes* from the coalition's fit. In single precision probabilities
change by :math:`p_c\,(e_c - \bar e)/(1 + \bar e)` with
:math:`e_c = \mathrm{expm1}(s_c)`, :math:`\bar e = \sum_c p_c e_c` and :math:`s_c` the
change of the log-odds, so that round-off is relative to the change: a point's own
influence.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from data_scaling._typing import FloatArray, IntArray
from data_scaling.learners._multinomial_fit import (
    MultinomialFit,
    log_partition,
    softmax,
)

# Bytes of the log-odds of the rows in one pass: they then fit the second-level cache.
_PASS: Final = 2**19


@dataclass(frozen=True, eq=False)
class Arithmetic:
    """A coalition in one precision.

    Attributes
    ----------
    fit : MultinomialFit
        The coalition.
    dtype : float32 or float64
        In float64 the results are stable for any change; in float32 a change of the
        log-odds beyond what exp can take gives NaN.
    """

    fit: MultinomialFit
    dtype: DTypeLike

    @cached_property
    def inverse_hessian(self) -> NDArray[Any]:
        """H^-1, (m p, m p)."""
        return self.fit.inverse_hessian.astype(self.dtype, copy=False)

    @cached_property
    def x(self) -> NDArray[Any]:
        """Features of the coalition in the order of their leading classes, (k, p)."""
        return self.fit.problem.x[self._order].astype(self.dtype)

    @cached_property
    def xt(self) -> NDArray[Any]:
        """Features of the coalition, (p, k)."""
        return np.ascontiguousarray(self.x.T)

    @cached_property
    def probability(self) -> NDArray[Any]:
        """Probabilities of all classes but the last by the coalition's fit, (m, k)."""
        return softmax(self._margin).astype(self.dtype)

    def shifts(self, change: NDArray[Any]) -> NDArray[Any]:
        """Return the changes of the log-odds, (n, m, k), by changed parameters."""
        shift = change.reshape(-1, self.x.shape[1]) @ self.xt
        return np.asarray(shift.reshape(len(change), *self.probability.shape))

    def make_residuals(self, shift: NDArray[Any]) -> None:
        """Turn changes of the log-odds, (n, m, k), into changes of probabilities.

        In float32 they are taken against each row's leading class, whose place the last
        class has meanwhile: only so has the change of a probability near one, which is
        minus the small changes of the others, no error of their sum's size.
        """
        if self.dtype == np.float64:
            shift += self._margin
            shift[...] = softmax(shift) - self.probability
            return
        for leader, rows in self._leaders:
            against = shift[:, leader, rows].copy()
            shift[:, :, rows] -= against[:, None]
            np.negative(against, out=shift[:, leader, rows])
        np.expm1(shift, out=shift)
        mean = np.einsum("bck,ck->bk", shift, self._trailing)
        inverse = 1.0 / (1.0 + mean)
        shift -= mean[:, None]
        shift *= self._trailing
        shift *= inverse[:, None]
        mean *= inverse
        for leader, rows in self._leaders:
            leading = self.probability[leader, rows]
            np.multiply(mean[:, rows], -leading, out=shift[:, leader, rows])

    def gradients(self, change: FloatArray) -> NDArray[Any]:
        """Return the gradients of F_D where its minimiser is changed, (n, m p)."""
        change = change.astype(self.dtype, copy=False)
        gradient = self.fit.problem.penalise(change)
        n_points = max(1, _PASS // self.probability.nbytes)
        for low in range(0, len(change), n_points):
            part = slice(low, low + n_points)
            residual = self.shifts(change[part])
            self.make_residuals(residual)
            by_class = residual.reshape(-1, residual.shape[2]) @ self.x
            gradient[part] += by_class.reshape(len(residual), -1)
        return gradient

    @cached_property
    def _leading_class(self) -> IntArray:
        """Most probable class of every row of the coalition, as it comes, (k,)."""
        margin = self.fit.problem.margins(self.fit.theta)
        return np.where(margin.max(axis=0) > 0, margin.argmax(axis=0), len(margin))

    @cached_property
    def _order(self) -> IntArray:
        return np.argsort(self._leading_class, kind="stable")

    @cached_property
    def _leaders(self) -> list[tuple[int, slice]]:
        """Classes but the last, each with the rows that it leads."""
        m = len(self.probability)
        bounds = np.searchsorted(self._leading_class[self._order], np.arange(m + 1))
        spans = [slice(low, high) for low, high in pairwise(bounds.tolist())]
        return list(enumerate(spans))

    @cached_property
    def _trailing(self) -> NDArray[Any]:
        """Probabilities with the last class in the place of the leading one, (m, k)."""
        trailing, last = softmax(self._margin), np.exp(-log_partition(self._margin))
        for leader, rows in self._leaders:
            trailing[leader, rows] = last[rows]
        return trailing.astype(self.dtype)

    @cached_property
    def _margin(self) -> FloatArray:
        # Contiguous, as what is made of it is then: passes over it are quick.
        margin = self.fit.problem.margins(self.fit.theta)
        return np.take(margin, self._order, axis=1)
