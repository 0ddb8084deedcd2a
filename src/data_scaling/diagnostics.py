"""Do laws suit the draws? Families compared, points that do not fit, changing signs."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from data_scaling._typing import BoolArray, FloatArray, IntArray
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.estimators import HierarchicalEstimator
from data_scaling.estimators.hierarchical import Form
from data_scaling.laws import ScalingLaws
from data_scaling.validation import validate_laws

_MIN_DRAWS = 6
_NORMAL_95 = 1.96
_FAMILIES: tuple[Form, ...] = ("power", "expansion")


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """How well laws suit draws.

    Attributes
    ----------
    points : (n_points,) intp array
        Index of each point in the pool.
    log_likelihood : dict of str to float
        Mean log-likelihood, in nats per draw, of every second draw under normal laws
        fitted to the others: of a constant mean point by point ("constant"), of power
        laws and of expansions, both pooled over points ("power", "expansion").
    misfit : (n_points,) float64 array
        Probability of means by size that are as far from the law as these, were the
        law true; NaN for a point without a law or without means.
    changes_sign : (n_points,) bool array
        Whether psi surely has one sign at the smallest size drawn and the other at the
        largest, both 95 % intervals leaving out 0.
    """

    points: IntArray
    log_likelihood: dict[str, float]
    misfit: FloatArray
    changes_sign: BoolArray

    def misfits(self, level: float = 0.01) -> IntArray:
        """Return the points that the laws do not fit.

        Parameters
        ----------
        level : float
            Probability of naming any point were all laws true (Bonferroni's bound).
        """
        known = np.isfinite(self.misfit)
        bound = level / max(int(known.sum()), 1)
        return np.asarray(self.points[known & (self.misfit < bound)])


def diagnose(laws: ScalingLaws, contributions: Contributions) -> Diagnosis:
    """Compare families of laws, and find points that a law does not fit.

    Parameters
    ----------
    laws : ScalingLaws
        Laws of at least the points of the contributions.
    contributions : Contributions
        Draws to judge by, at least six; those that the laws were not fitted to make
        it a harder test.

    Raises
    ------
    InputError
        If there are fewer than six draws, or a point has no law.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.diagnostics import diagnose
    >>> from data_scaling.estimators import HierarchicalEstimator
    >>> rng = np.random.default_rng(0)
    >>> k = rng.integers(100, 1001, (100, 40))
    >>> psi = rng.normal(size=(100, 1)) / k
    >>> draws = Contributions(psi + 0.5 * rng.normal(size=k.shape) / k, k)
    >>> found = diagnose(HierarchicalEstimator().fit(draws), draws)
    >>> len(found.misfits()), int(found.changes_sign.sum())
    (0, 0)
    >>> found.log_likelihood["power"] > found.log_likelihood["constant"]
    True
    """
    if contributions.n_draws < _MIN_DRAWS:
        raise InputError(
            f"There are {contributions.n_draws} draws per point, but families of laws "
            f"are compared on half of them. Give at least {_MIN_DRAWS}."
        )
    chosen = laws.take(contributions.points)
    sizes = contributions.cardinality
    low, high = chosen.interval([int(sizes.min()), int(sizes.max())])
    is_positive, is_negative = low > 0, high < 0
    changes = (is_positive[:, 0] & is_negative[:, 1]) | (
        is_negative[:, 0] & is_positive[:, 1]
    )
    return Diagnosis(
        contributions.points,
        _compare_families(contributions),
        _measure_misfit(laws, contributions),
        np.asarray(changes),
    )


def _compare_families(contributions: Contributions) -> dict[str, float]:
    """Fit three families to every second draw, and judge them by the others."""
    halves = [
        Contributions(
            contributions.delta[:, start::2], contributions.cardinality[:, start::2]
        )
        for start in (0, 1)
    ]
    training, held = halves
    usable = ~np.isnan(training.delta)
    count = np.maximum(usable.sum(axis=1, keepdims=True), 1)
    mean = np.sum(training.delta, axis=1, where=usable, keepdims=True) / count
    squares = np.sum((training.delta - mean) ** 2, axis=1, where=usable, keepdims=True)
    variance = squares / np.maximum(count - 1, 1) * (1 + 1 / count)
    found = {"constant": _log_density(held, mean, np.sqrt(variance))}
    for law in _FAMILIES:
        fitted = HierarchicalEstimator(law).fit(training)
        sizes = held.cardinality
        std = np.hypot(fitted.psi_std(sizes), fitted.noise_std(sizes))
        found[law] = _log_density(held, fitted.psi(sizes), std)
    # All families are judged by the same draws.
    judged = np.all([np.isfinite(density) for density in found.values()], axis=0)
    return {
        family: float(np.mean(density, where=judged)) if judged.any() else float("nan")
        for family, density in found.items()
    }


def _log_density(held: Contributions, mean: FloatArray, std: FloatArray) -> FloatArray:
    """Return the log-likelihood of every draw under a normal distribution."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(stats.norm.logpdf(held.delta, mean, std))


def _measure_misfit(laws: ScalingLaws, contributions: Contributions) -> FloatArray:
    """Return the tail probability of the means' squared distances from the laws."""
    validation = validate_laws(laws, contributions)
    # The spread of the few draws at a size would say too little of their mean's error.
    noise = laws.take(contributions.points).noise_std(validation.cardinality)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_std = noise / np.sqrt(validation.n_draws)
        spread = np.hypot(validation.half_width / _NORMAL_95, mean_std)
        score = (validation.mean - validation.predicted) / spread
    known = np.isfinite(score)
    squares = np.sum(score**2, axis=1, where=known)
    freedom = known.sum(axis=1)
    tail = stats.chi2.sf(squares, np.maximum(freedom, 1))
    return np.where(freedom > 0, tail, np.nan)
