r"""Empirical Bayes over all points: expansions that borrow strength from each other.

Theory gives the expected contribution as an expansion in falling powers of the size
(1/k, then 1/k^2), of which a power law is only an effective fit. An expansion is
linear in its coefficients, so that the fit of a point is a Bayesian linear regression
in closed form, and its prior is learned from all points together: no optimisation per
point, no local optima, and few draws suffice where a fit of the point alone is mostly
noise. See :mod:`.prior` for the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray, IntArray
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.estimators.inspection import describe_draws, warn_of_failures
from data_scaling.estimators.moments import Moments, sum_draws
from data_scaling.estimators.prior import BETAS, TAUS, Prior, improve, update
from data_scaling.laws import ExpansionLaws, FitStatus

# Points that the prior is learned from, evenly spaced over the pool, and steps of EM.
_LEARNING_POINTS = 4000
_STEPS = 100
_GAIN = 1e-6
_BLOCK_POINTS = 2048


@final
@dataclass(frozen=True)
class HierarchicalEstimator:
    """Fit expansions to all points by empirical Bayes.

    Parameters
    ----------
    powers : sequence of float
        Powers of the expansion, ascending and positive.

    Raises
    ------
    InputError
        If the powers are not positive and ascending.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import HierarchicalEstimator
    >>> rng = np.random.default_rng(0)
    >>> k = rng.integers(100, 1001, (500, 20))
    >>> a, b = rng.normal(size=(2, 500, 1))
    >>> psi = a / k + 200 * b / k**2
    >>> draws = Contributions(psi + 3 * rng.normal(size=k.shape) / k, k)
    >>> laws = HierarchicalEstimator().fit(draws)
    >>> truth = a[:, 0] / 500 + 200 * b[:, 0] / 500**2
    >>> error = np.mean((laws.psi(500) - truth) ** 2)
    >>> bool(error < 0.7 * np.mean(np.mean((draws.delta - psi), axis=1) ** 2))
    True
    """

    powers: Sequence[float] = (1.0, 2.0)

    def __post_init__(self) -> None:
        powers = np.asarray(self.powers, dtype=np.float64)
        is_ascending = powers.ndim == 1 and powers.size and np.all(np.diff(powers) > 0)
        if not is_ascending or powers[0] <= 0:
            raise InputError(
                f"powers is {self.powers}. Give positive numbers in ascending order."
            )

    def fit(self, contributions: Contributions) -> ExpansionLaws:
        """Return the law of every point.

        Parameters
        ----------
        contributions : Contributions
            Draws over several sizes, of many points.

        Returns
        -------
        ExpansionLaws
            Posterior means and covariances. A point without draws enough is NaN; one
            whose draws are all zero has psi 0. ``status`` says so.

        Raises
        ------
        InputError
            If no point has draws enough to learn the prior from.

        Warns
        -----
        FitWarning
            If a point has no law.
        """
        fitted = self._empty(contributions.n_points)
        delta = contributions.delta
        usable = ~np.isnan(delta)
        status = describe_draws(delta, contributions.cardinality, usable, fitted)
        # With a prior, one size or no spread is nothing special.
        status[status == FitStatus.DEGENERATE] = FitStatus.CONVERGED
        silent = status == FitStatus.NO_SIGNAL
        for name in ("coefficients", "covariance", "noise", "noise_exponent"):
            fitted[name][silent] = 0.0
        rows = np.flatnonzero(status == FitStatus.CONVERGED)
        reference = _mean_size(contributions)
        if rows.size:
            prior = self._learn(contributions, rows, reference)
            for first in range(0, rows.size, _BLOCK_POINTS):
                block = rows[first : first + _BLOCK_POINTS]
                self._write(contributions, block, reference, prior, fitted)
        laws = ExpansionLaws(
            points=contributions.points,
            powers=np.asarray(self.powers, dtype=np.float64),
            reference=reference,
            **fitted,
        )
        warn_of_failures(laws)
        return laws

    def _sum(
        self, contributions: Contributions, rows: IntArray, reference: float
    ) -> Moments:
        return sum_draws(
            contributions.delta[rows],
            contributions.cardinality[rows],
            reference,
            np.asarray(self.powers, dtype=np.float64),
            BETAS,
        )

    def _learn(
        self, contributions: Contributions, rows: IntArray, reference: float
    ) -> Prior:
        """Learn the prior by EM from points spread evenly over the pool."""
        n_learned = min(_LEARNING_POINTS, rows.size)
        places = np.linspace(0, rows.size - 1, n_learned).round().astype(np.intp)
        moments = self._sum(contributions, rows[places], reference)
        prior = _first_prior(moments, len(self.powers))
        before = -np.inf
        for _ in range(_STEPS):
            posterior = update(prior, moments)
            likelihood = float(posterior.log_likelihood.mean())
            if likelihood - before < _GAIN * float(moments.count.mean()):
                break
            before = likelihood
            prior = improve(posterior)
        return prior

    def _write(
        self,
        contributions: Contributions,
        rows: IntArray,
        reference: float,
        prior: Prior,
        fitted: dict[str, NDArray[Any]],
    ) -> None:
        """Fill in the laws of a block of points."""
        posterior = update(prior, self._sum(contributions, rows, reference))
        fitted["coefficients"][rows], fitted["covariance"][rows] = (
            posterior.coefficients()
        )
        variance = np.einsum("nbt,nbt->n", posterior.weight, posterior.noise_variance())
        fitted["noise"][rows] = np.sqrt(variance)
        fitted["noise_exponent"][rows] = posterior.weight.sum(axis=2) @ BETAS

    def _empty(self, n_points: int) -> dict[str, NDArray[Any]]:
        n_powers = len(self.powers)
        return {
            "coefficients": np.full((n_points, n_powers), np.nan),
            "covariance": np.full((n_points, n_powers, n_powers), np.nan),
            "noise": np.full(n_points, np.nan),
            "noise_exponent": np.full(n_points, np.nan),
            "status": np.zeros(n_points, dtype=np.int8),
            "n_draws": np.zeros(n_points, dtype=np.int32),
            "cardinality_range": np.zeros((n_points, 2), dtype=np.int32),
        }


def _mean_size(contributions: Contributions) -> float:
    """Return the geometric mean of the sizes drawn."""
    sizes, counts = np.unique(contributions.cardinality, return_counts=True)
    return float(np.exp(np.average(np.log(sizes), weights=counts)))


def _first_prior(moments: Moments, n_powers: int) -> Prior:
    """Return the prior that EM starts from: every cell alike."""
    middle = len(BETAS) // 3
    variance: FloatArray = moments.yy[:, middle] / moments.count
    positive = variance[variance > 0]
    return Prior(
        sigma=np.eye(n_powers),
        weights=np.full((len(BETAS), len(TAUS)), 1.0 / (len(BETAS) * len(TAUS))),
        shape=1.0,
        variance=float(np.median(positive)),
    )
