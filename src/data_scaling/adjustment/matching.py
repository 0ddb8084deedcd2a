r"""What is known of a draw's coalition, less what such coalitions have on average.

Base draws :math:`j` are matched to draws :math:`i` by their sizes, as many to each. The
deviation of a control :math:`s` is

.. math:: e_i = s_i - \mu(k_i) - \frac1r \sum_{j \in B_i} \left(s_j - \mu(k_j)\right)

with a smooth mean :math:`\mu(k)`, fitted to all base draws, which only bridges the
small differences of size within a match. Each base draw serves one draw, so that
deviations are independent: whatever is fitted to adjusted draws may treat them as
draws.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from data_scaling._typing import FloatArray, IntArray

__all__ = ["Match", "match_sizes"]


class Deviation(NamedTuple):
    """How far controls are from their mean at the same size, (n_rows, n_draws) each.

    Attributes
    ----------
    own : float64 array
        Of the draws, NaN where one has no control.
    beside : float64 array
        The mean of those of a draw's own base draws, NaN where none has a control.
    """

    own: FloatArray
    beside: FloatArray


@dataclass(frozen=True, eq=False)
class Match:
    """Draws, and the base draws that stand beside each.

    Attributes
    ----------
    cardinality : (n_draws,) integer array
        Sizes of the draws' coalitions.
    base_cardinality : (n_base,) integer array
        Sizes of the base draws' coalitions.
    partners : (n_draws, n_each) intp array
        Places of each draw's own base draws among all.
    """

    cardinality: IntArray
    base_cardinality: IntArray
    partners: IntArray

    @property
    def n_each(self) -> int:
        """Number of base draws beside each draw."""
        return int(self.partners.shape[1])

    def deviate(self, control: FloatArray, base: FloatArray) -> Deviation:
        """Return the deviations of controls from their mean at the same size.

        Parameters
        ----------
        control : (n_rows, n_draws) float64 array
            Controls of the draws, of mean 0 at large sizes or of any.
        base : (n_rows, n_base) float64 array
            The same controls of the base draws; NaN where there is none.
        """
        known = np.isfinite(base)
        is_whole = known.all(axis=1)
        design = _expand(self.base_cardinality)
        coefficients = np.empty((len(base), design.shape[1]))
        coefficients[is_whole] = base[is_whole] @ np.linalg.pinv(design).T
        for row in np.flatnonzero(~is_whole):
            columns = known[row]
            inverse = np.linalg.pinv(design[columns])
            coefficients[row] = inverse @ base[row, columns]
        left = base - coefficients @ design.T
        partners = left[:, self.partners]
        n_known = np.isfinite(partners).sum(axis=2)
        total = np.where(np.isfinite(partners), partners, 0.0).sum(axis=2)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / n_known
        own = control - coefficients @ _expand(self.cardinality).T
        return Deviation(own, mean)


def match_sizes(cardinality: IntArray, base_cardinality: IntArray) -> Match:
    """Give every draw the same number of base draws of about its own size.

    Parameters
    ----------
    cardinality : (n_draws,) integer array
        Sizes of the draws' coalitions.
    base_cardinality : (n_base,) integer array
        Sizes of the base draws' coalitions, at least as many. The last ones are left
        out if they do not go round.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.adjustment.matching import match_sizes
    >>> match_sizes(np.array([100, 10]), np.array([11, 90, 9, 120])).partners.tolist()
    [[1, 3], [0, 2]]
    """
    n_draws = len(cardinality)
    n_each = len(base_cardinality) // n_draws
    used = np.argsort(base_cardinality[: n_draws * n_each], kind="stable")
    partners = np.empty((n_draws, n_each), dtype=np.intp)
    partners[np.argsort(cardinality, kind="stable")] = used.reshape(n_draws, n_each)
    return Match(cardinality, base_cardinality, np.sort(partners, axis=1))


def _expand(cardinality: IntArray) -> FloatArray:
    """Return the terms of a smooth mean: 1, 1/k and 1/k^2, (n, 3)."""
    inverse = 1.0 / np.asarray(cardinality, dtype=np.float64)
    return np.stack([np.ones_like(inverse), inverse, inverse**2], axis=1)
