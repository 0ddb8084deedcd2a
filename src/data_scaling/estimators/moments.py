r"""Weighted sums over draws, from which all of the hierarchical fit follows.

For noise of variance :math:`s^2 (k/k_0)^{-\beta} e^{-b \log^2(k/k_0)}` the draws of a
point enter the regression on :math:`x = ((k/k_0)^{-p})_p` through the sums, with
weights :math:`w = (k/k_0)^\beta e^{b \log^2(k/k_0)}`, of :math:`w x x'`,
:math:`w x \Delta` and :math:`w \Delta^2`, and through the number of draws. They are
taken once for a grid of exponents :math:`\beta` and for all sets of powers that are
tried; no later step passes over the draws. Products of two terms depend on the sum of
their powers alone, so that sets of powers share them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np

from data_scaling._typing import FloatArray, Int32Array, IntArray

Powers: TypeAlias = tuple[float, ...]

# Draws per block: the arrays of a block fit the cache.
_BLOCK_DRAWS = 8_192


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over the usable draws of every point, for each exponent of the noise.

    Attributes
    ----------
    powers : (n_powers,) float64 array
        Powers p of the terms.
    sums : (n_sums,) float64 array
        Sums p + q of the pairs of powers whose products are held.
    xx : (n_points, n_sums, n_beta) float64 array
        Sums of w (k/k0)^-(p + q), dimensionless.
    xy : (n_points, n_powers, n_beta) float64 array
        Sums of w (k/k0)^-p delta, in units of the utility.
    yy : (n_points, n_beta) float64 array
        Sums of w delta^2, in squared units of the utility.
    log_weight : (n_points, n_beta) float64 array
        Half the sums of log w.
    count : (n_points,) float64 array
        Usable draws.
    """

    powers: FloatArray
    sums: FloatArray
    xx: FloatArray
    xy: FloatArray
    yy: FloatArray
    log_weight: FloatArray
    count: FloatArray

    def of_powers(self, powers: Powers) -> tuple[FloatArray, FloatArray]:
        """Return the sums that a regression on some powers needs.

        Returns
        -------
        xx : (n_points, n_beta, n_chosen, n_chosen) float64 array
            Sums of w x x'.
        xy : (n_points, n_beta, n_chosen) float64 array
            Sums of w x delta.
        """
        chosen = np.array(powers)
        pairs = np.searchsorted(self.sums, (chosen[:, None] + chosen).ravel())
        columns = np.searchsorted(self.powers, chosen)
        n_points, _, n_beta = self.xx.shape
        xx = self.xx[:, pairs].transpose(0, 2, 1)
        size = len(powers)
        xy = self.xy[:, columns].transpose(0, 2, 1)
        return xx.reshape(n_points, n_beta, size, size), xy

    def take_betas(self, betas: IntArray) -> "Moments":
        """Return the sums for some of the exponents of the noise."""
        kept = {
            name: getattr(self, name)[..., betas]
            for name in ("xx", "xy", "yy", "log_weight")
        }
        return Moments(self.powers, self.sums, count=self.count, **kept)

    def take(self, rows: IntArray | slice) -> "Moments":
        """Return the sums of some points."""
        kept = {
            field.name: getattr(self, field.name)[rows]
            for field in fields(self)
            if field.name not in ("powers", "sums")
        }
        return Moments(self.powers, self.sums, **kept)


def sum_draws(
    delta: FloatArray,
    cardinality: Int32Array,
    base: float,
    models: Sequence[Powers],
    betas: FloatArray,
    bend: float = 0.0,
) -> Moments:
    """Return the moments of some points.

    Parameters
    ----------
    delta : (n_points, n_draws) float64 array
        Marginal contributions, in units of the utility; NaN draws are left out.
    cardinality : (n_points, n_draws) int32 array
        Size of each draw.
    base : float
        Size k0 at which all terms are one.
    models : sequence of tuple of float
        Sets of powers that will be regressed on.
    betas : (n_beta,) float64 array
        Exponents of the noise variance.
    bend : float
        The b of the noise, the same for all points.
    """
    n_points, n_draws = delta.shape
    powers = np.unique(np.concatenate(models))
    sums = np.unique(np.concatenate([np.add.outer(m, m).ravel() for m in models]))
    xx = np.empty((n_points, len(sums), len(betas)))
    xy = np.empty((n_points, len(powers), len(betas)))
    yy, log_weight = np.empty((2, n_points, len(betas)))
    count = np.empty(n_points)
    n_rows = max(1, _BLOCK_DRAWS // max(1, n_draws))
    for first in range(0, n_points, n_rows):
        rows = slice(first, first + n_rows)
        usable = ~np.isnan(delta[rows])
        y = np.where(usable, delta[rows], 0.0)
        log_k = np.log(cardinality[rows] / base)
        bent = bend * log_k**2
        weight = np.exp(log_k[..., None] * betas + bent[..., None]) * usable[..., None]
        log_weight[rows] = 0.5 * np.sum(log_k * usable, axis=1)[:, None] * betas
        log_weight[rows] += 0.5 * np.sum(bent * usable, axis=1)[:, None]
        count[rows] = usable.sum(axis=1)
        xx[rows] = _fall(log_k, sums) @ weight
        weight *= y[..., None]
        xy[rows] = _fall(log_k, powers) @ weight
        yy[rows] = np.einsum("nm,nmb->nb", y, weight)
    return Moments(powers, sums, xx, xy, yy, log_weight, count)


def _fall(log_k: FloatArray, powers: FloatArray) -> FloatArray:
    """Return the falling powers of the sizes, (n_points, n_powers, n_draws)."""
    return np.asarray(np.exp(-powers[:, None] * log_k[:, None, :]))
