r"""The laws' parameters as a page evaluates them, at any size.

An expansion is written as it is: coefficients, the upper triangle of their covariance
and the noise at the reference size. A power law is written around the reference
:math:`k_0`, by :math:`u = \psi_{k_0}` and the relative covariance of :math:`u` and
:math:`\alpha`,

.. math:: \psi_k = u\,e^{-\alpha L}, \qquad
    \mathrm{Var}[\psi_k] = \psi_k^2\,(v_{uu} - 2 L v_{u\alpha} + L^2 v_{\alpha\alpha}),
    \qquad L = \log(k / k_0),

which holds in single precision where c itself and its variance would overflow.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.laws import ExpansionLaws, PowerLaws, ScalingLaws
from data_scaling.laws.arrays import half_width

LEVEL: Final = 0.95


@dataclass(frozen=True, eq=False)
class LawParameters:
    """What a page needs to evaluate laws.

    Attributes
    ----------
    kind : {"expansion", "power"}
        Which formula.
    reference : float
        Size :math:`k_0`.
    powers : list of float
        Powers of an expansion; empty for power laws.
    columns : (n_points, n_columns) float64 array
        Expansion: coefficients, upper triangle of their covariance by rows, noise and
        noise exponent at the reference. Power law: u, alpha, v_uu, v_ua, v_aa, noise
        at the reference, beta, and the relative variance of sigma and the variance of
        beta.
    quantile : (n_points,) float64 array
        Half the width of a 95 % interval that is symmetric, in standard deviations.
        Those by the likelihood ratio are written by :mod:`data_scaling.report.ends`.
    """

    kind: str
    reference: float
    powers: list[float]
    columns: FloatArray
    quantile: FloatArray


def write_parameters(laws: ScalingLaws, reference: float) -> LawParameters:
    """Return the parameters of laws of either family.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of the points that a page lists.
    reference : float
        Reference size of power laws; expansions have one of their own.
    """
    if isinstance(laws, ExpansionLaws):
        reference, powers = laws.base_cardinality, laws.powers.tolist()
        columns, freedom = _expansion_columns(laws), np.full(len(laws), np.inf)
        return LawParameters(
            "expansion", reference, powers, columns, _quantile(freedom)
        )
    power = laws.tangent(reference)
    columns = _power_columns(power, reference)
    return LawParameters("power", reference, [], columns, _quantile(power.freedom))


def _expansion_columns(laws: ExpansionLaws) -> FloatArray:
    upper = np.triu_indices(len(laws.powers))
    return np.column_stack(
        [
            laws.coefficients,
            laws.covariance[:, upper[0], upper[1]],
            laws.noise,
            laws.noise_exponent,
        ]
    )


def _power_columns(laws: PowerLaws, reference: float) -> FloatArray:
    log_k0 = np.log(reference)
    u = laws.psi(reference)
    v_cc, v_ca, v_aa = (laws.covariance[:, i, j] for i, j in ((0, 0), (0, 1), (1, 1)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        v_cc, v_ca = v_cc / laws.c**2, v_ca / laws.c
        v_uu = v_cc - 2 * log_k0 * v_ca + log_k0**2 * v_aa
        v_ua = v_ca - log_k0 * v_aa
        v_sigma = laws.covariance[:, 2, 2] / laws.sigma**2
    # A law that is 0 at every size has neither exponent nor uncertainty.
    is_zero = u == 0
    alpha, v_uu, v_ua, v_aa = (
        np.where(is_zero, 0.0, values) for values in (laws.alpha, v_uu, v_ua, v_aa)
    )
    return np.column_stack(
        [
            u,
            alpha,
            np.maximum(v_uu, 0.0),
            v_ua,
            v_aa,
            laws.noise_std(reference),
            laws.beta,
            v_sigma,
            laws.covariance[:, 3, 3],
        ]
    )


def _quantile(freedom: FloatArray) -> FloatArray:
    return half_width(np.ones(len(freedom)), freedom, LEVEL)
