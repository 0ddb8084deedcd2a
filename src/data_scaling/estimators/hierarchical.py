r"""Empirical Bayes over all points: laws that borrow strength from each other.

Theory gives the expected contribution as an expansion in falling powers of the size
(1/k, then 1/k^2), of which a power law is only an effective fit. An expansion is
linear in its coefficients, so that the fit of a point is a Bayesian linear regression
in closed form, and its prior is learned from all points together: no optimisation per
point, no local optima, and few draws suffice where a fit of the point alone is mostly
noise. Power laws over a grid of exponents are the same with one power at a time, mixed.
See :mod:`.prior` for the model.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_scaling._checks import check_at_least
from data_scaling._typing import FloatArray, Int32Array, IntArray
from data_scaling.contributions import Contributions
from data_scaling.errors import FitWarning, InputError
from data_scaling.estimators.choice import (
    CANDIDATES,
    SINGLE_TERMS,
    Choice,
    Law,
    choose_powers,
    measure_bend,
    measure_noise_share,
    weigh_single_terms,
)
from data_scaling.estimators.held_out import LearningDraws
from data_scaling.estimators.inspection import (
    describe_draws,
    empty_counts,
    warn_of_failures,
)
from data_scaling.estimators.moments import Powers, sum_draws
from data_scaling.estimators.posterior import update
from data_scaling.estimators.prior import Prior, all_powers
from data_scaling.laws import ExpansionLaws, FitStatus

Form: TypeAlias = Literal["expansion", "power"]

# Exponents that power laws are a mixture of.
EXPONENTS = np.arange(0.25, 4.01, 0.25)
# Shapes that the coefficients' covariance of an expansion is a mixture of.
N_SHAPES = 3
# Powers of the second law of adjusted draws. A law's own bias weighs as much as their
# noise from this share of the variance removed on; and from so many draws, as ten
# coalitions say too little of a third term.
_RICHER: Powers = (1.0, 2.0, 3.0)
_LOW_NOISE, _ENOUGH_DRAWS = 0.5, 16
# Points that a prior is learned from, and powers chosen by, spread over the pool.
_LEARNING_POINTS, _CHOOSING_POINTS = 2000, 500
_BLOCK_POINTS = 1024


@final
@dataclass(frozen=True)
class HierarchicalEstimator:
    """Fit laws to all points by empirical Bayes.

    Parameters
    ----------
    law : {"expansion", "power"}
        What is fitted: an expansion in falling powers of the size, or a power law.
        What is known of a power law is a mixture over a grid of exponents, and its
        mean is again a sum of powers; both come as :class:`ExpansionLaws`.
    powers : sequence of float, optional
        Powers of the expansion, ascending and positive. By default they are chosen
        by what the laws predict for coalitions that they were not fitted to: 1/k and
        1/k^2 unless others are clearly better; and the law is the mean of that
        expansion and of one with a single term (see Notes). ``laws.powers`` says which
        powers there are.
    max_iterations : int
        Largest number of steps in which the prior is learned.

    Raises
    ------
    InputError
        If a parameter cannot be worked with.

    Notes
    -----
    A law of a single term, 1/k, k^-1.5 or 1/k^2, mixed over these, has fewer freedoms
    than an expansion, and errs where a law bends or changes its sign. Neither is the
    better everywhere, and the mean of both is often better than each: its weights are
    those that predict coalitions left out best, drawn towards equal ones where that is
    unclear. What lies between the laws is part of the covariance.

    Draws of real data have heavy and skewed tails. The variance of a few such draws
    says little of the true one, so that a draw counts in part (by the kurtosis of all
    residuals) as knowledge of its point's noise. It counts in full for psi: robust
    means are biased where tails are skewed.

    Where adjusting has removed most of the draws' noise, what the law itself is wrong
    by shows. Unless powers are given, or 1/k, 1/k^2 and 1/k^3 are clearly better, 16
    such draws and more have the mean of two laws, with those powers and with 1/k and
    1/k^2, whose difference is part of the covariance; and their noise may bend: its
    logarithm is a parabola in that of the size, as bent for all points.

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
    >>> laws.powers.tolist()
    [1.0, 1.5, 2.0]
    >>> truth = a[:, 0] / 500 + 200 * b[:, 0] / 500**2
    >>> error = np.mean((laws.psi(500) - truth) ** 2)
    >>> bool(error < 0.7 * np.mean(np.mean((draws.delta - psi), axis=1) ** 2))
    True
    """

    law: Form = "expansion"
    powers: Sequence[float] | None = None
    max_iterations: int = 300

    def __post_init__(self) -> None:
        if self.law not in ("expansion", "power"):
            raise InputError(f"law is {self.law!r}. Give 'expansion' or 'power'.")
        check_at_least("max_iterations", self.max_iterations, 1)
        if self.powers is None:
            return
        powers = np.asarray(self.powers, dtype=np.float64)
        is_ascending = powers.ndim == 1 and powers.size and np.all(np.diff(powers) > 0)
        if not is_ascending or powers[0] <= 0:
            raise InputError(
                f"powers is {self.powers}. Give positive numbers in ascending order."
            )
        if self.law == "power":
            raise InputError(
                f"powers is {self.powers}, but a power law has an exponent of each "
                "point's own. Leave it out, or ask for law='expansion'."
            )

    def fit(
        self, contributions: Contributions, groups: ArrayLike | None = None
    ) -> ExpansionLaws:
        """Return the law of every point.

        Parameters
        ----------
        contributions : Contributions
            Draws over several sizes, of many points.
        groups : (n_points,) array_like, optional
            Label of every point, as its class: each group has a prior of its own. By
            default all points share one.

        Returns
        -------
        ExpansionLaws
            Posterior means and covariances. A point without draws enough is NaN; one
            whose draws are all zero has psi 0. ``status`` says so.

        Raises
        ------
        InputError
            If there are no draws, or not one group per point.

        Warns
        -----
        FitWarning
            If a point has no law, or learning the prior took too many steps.
        """
        contributions.require_draws()
        members = _split(groups, contributions.n_points)
        fitted = empty_counts(contributions.n_points)
        delta = contributions.delta
        usable = ~np.isnan(delta)
        status = describe_draws(delta, contributions.cardinality, usable, fitted)
        # With a prior, one size or no spread is nothing special.
        status[status == FitStatus.DEGENERATE] = FitStatus.CONVERGED
        rows = np.flatnonzero(status == FitStatus.CONVERGED)
        base = _mean_size(contributions)
        choice = Choice((Law((CANDIDATES[0],)),), base)
        if rows.size:
            choice = self._choose(contributions, rows, base)
        powers = all_powers([each for law in choice.laws for each in law.models])
        silent = status == FitStatus.NO_SIGNAL
        alternatives = []
        for law in choice.laws:
            found = _empty_law(len(powers), silent)
            for group in members:
                chosen = rows[np.isin(rows, group, assume_unique=True)]
                if not chosen.size:
                    continue
                prior = self._learn(contributions, chosen, law, choice)
                _write(contributions, chosen, choice, prior, powers, found)
            alternatives.append(found)
        fitted |= _average(alternatives, [law.weight for law in choice.laws])
        laws = ExpansionLaws(
            powers=powers,
            base_cardinality=base,
            **(contributions.origin | fitted),
        )
        warn_of_failures(laws)
        return laws

    def _choose(
        self, contributions: Contributions, rows: IntArray, base: float
    ) -> Choice:
        """Return what is fitted, by a look at the draws of some points."""
        if self.law == "power":
            return Choice((Law(tuple((float(power),) for power in EXPONENTS)),), base)
        draws = self._take(contributions, rows, base, _CHOOSING_POINTS)
        asked = None if self.powers is None else tuple(map(float, self.powers))
        first = draws.learn((asked or CANDIDATES[0],), 1.0)
        noise_share = measure_noise_share(draws, first)
        powers = asked or choose_powers(draws, noise_share)
        shapes = (powers,) * (N_SHAPES if len(powers) > 1 else 1)
        law = Law(shapes, noise_share)
        if _is_quiet(contributions, rows):
            laws: tuple[Law, ...] = (law,)
            is_open = not asked and powers != _RICHER
            if is_open and contributions.n_draws >= _ENOUGH_DRAWS:
                shapes = (CANDIDATES[0],) * N_SHAPES
                laws = Law(shapes, noise_share, 0.5), Law((_RICHER,), noise_share, 0.5)
            return Choice(laws, base, measure_bend(draws, first))
        trust = 0.0 if asked else weigh_single_terms(draws, powers, noise_share)
        if trust == 0.0:
            return Choice((law,), base)
        single = Law(SINGLE_TERMS, weight=trust)
        return Choice((replace(law, weight=1.0 - trust), single), base)

    def _learn(
        self,
        contributions: Contributions,
        rows: IntArray,
        law: Law,
        choice: Choice,
    ) -> Prior:
        """Learn the prior of some points, and warn if that took too long."""
        draws = self._take(contributions, rows, choice.base, _LEARNING_POINTS)
        learned = replace(draws, bend=choice.bend).learn(law.models, law.noise_share)
        if not learned.converged:
            _warn_of_limit(self.max_iterations)
        return learned.prior

    def _take(
        self, contributions: Contributions, rows: IntArray, base: float, n_points: int
    ) -> LearningDraws:
        """Return the draws of points spread evenly over some rows."""
        places = np.linspace(0, rows.size - 1, min(n_points, rows.size))
        chosen = rows[places.round().astype(np.intp)]
        return LearningDraws(
            contributions.delta[chosen],
            contributions.cardinality[chosen],
            base,
            self.max_iterations,
        )


def _split(groups: ArrayLike | None, n_points: int) -> list[IntArray]:
    """Return the rows of each group."""
    if groups is None:
        return [np.arange(n_points)]
    labels = np.asarray(groups)
    if labels.shape != (n_points,):
        raise InputError(
            f"groups has shape {labels.shape}, but there are {n_points} points. Give "
            "one label per point."
        )
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _is_quiet(contributions: Contributions, rows: IntArray) -> bool:
    """Return whether adjusting has removed most of the noise of these draws."""
    removed = contributions.variance_removed
    return removed is not None and float(np.median(removed[rows])) > _LOW_NOISE


def _write(
    contributions: Contributions,
    rows: IntArray,
    choice: Choice,
    prior: Prior,
    powers: FloatArray,
    law: dict[str, FloatArray],
) -> None:
    """Fill in the laws of some points, block by block."""
    places = np.searchsorted(powers, all_powers(prior.models))
    # Powers that the prior gave up have the coefficient 0.
    law["coefficients"][rows] = law["covariance"][rows] = 0.0
    level, slope = _straighten(contributions.cardinality[rows], choice)
    for first in range(0, rows.size, _BLOCK_POINTS):
        block = rows[first : first + _BLOCK_POINTS]
        moments = sum_draws(
            contributions.delta[block],
            contributions.cardinality[block],
            choice.base,
            prior.models,
            prior.betas,
            choice.bend,
        )
        posterior = update(prior, moments)
        mean, covariance = posterior.coefficients()
        law["coefficients"][block[:, None], places] = mean
        law["covariance"][block[:, None, None], places[:, None], places] = covariance
        variance, exponent = posterior.noise()
        law["noise"][block] = np.sqrt(variance * np.exp(level))
        law["noise_exponent"][block] = exponent - slope


def _straighten(cardinality: Int32Array, choice: Choice) -> tuple[float, float]:
    """Return level and slope of the line nearest to the bend of the log variance."""
    if choice.bend == 0.0:
        return 0.0, 0.0
    sizes, counts = np.unique(cardinality, return_counts=True)
    x = np.log(sizes / choice.base)
    slope, level = np.polyfit(x, -choice.bend * x**2, 1, w=np.sqrt(counts))
    return float(level), float(slope)


def _average(
    laws: Sequence[dict[str, FloatArray]], weights: Sequence[float]
) -> dict[str, NDArray[Any]]:
    """Return the mean of laws; how far they lie apart is part of its covariance."""
    if len(laws) == 1:
        return dict(laws[0])
    averaged = {
        name: np.average([law[name] for law in laws], axis=0, weights=weights)
        for name in ("coefficients", "covariance", "noise", "noise_exponent")
    }
    for law, weight in zip(laws, weights, strict=True):
        apart = law["coefficients"] - averaged["coefficients"]
        averaged["covariance"] += weight * apart[:, :, None] * apart[:, None, :]
    return averaged


def _empty_law(n_powers: int, silent: NDArray[np.bool_]) -> dict[str, FloatArray]:
    """Return what is fitted: NaN, and 0 for points without any signal."""
    n_points = len(silent)
    tails = {
        "coefficients": (n_powers,),
        "covariance": (n_powers, n_powers),
        "noise": (),
        "noise_exponent": (),
    }
    law = {name: np.full((n_points, *tail), np.nan) for name, tail in tails.items()}
    for values in law.values():
        values[silent] = 0.0
    return law


def _warn_of_limit(max_iterations: int) -> None:
    warnings.warn(
        f"The prior was still improving after {max_iterations} steps, so that laws "
        "are shrunk a little differently than they should be. Raise max_iterations.",
        FitWarning,
        stacklevel=3,
    )


def _mean_size(contributions: Contributions) -> float:
    """Return the geometric mean of the sizes drawn."""
    sizes, counts = np.unique(contributions.cardinality, return_counts=True)
    return float(np.exp(np.average(np.log(sizes), weights=counts)))
