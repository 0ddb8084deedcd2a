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
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from data_scaling._checks import check_at_least
from data_scaling._typing import FloatArray, IntArray
from data_scaling.contributions import Contributions
from data_scaling.errors import FitWarning, InputError
from data_scaling.estimators.choice import CANDIDATES, Choice, Law, choose_laws
from data_scaling.estimators.inspection import (
    describe_draws,
    empty_counts,
    warn_of_failures,
)
from data_scaling.estimators.learned_laws import (
    CHOOSING_POINTS,
    LEARNING_POINTS,
    LearnedLaws,
    is_quiet,
    learn_laws,
    spread_draws,
)
from data_scaling.laws import ExpansionLaws, FitStatus

Form: TypeAlias = Literal["expansion", "power"]

# Exponents that power laws are a mixture of.
EXPONENTS = np.arange(0.25, 4.01, 0.25)


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
    by shows. Unless powers are given, 40 such draws and more have the mean of two laws,
    with 1/k, k^-1.5 and 1/k^2, and with 1/k^3 besides; 8 and more that of 1/k and 1/k^2
    and of 1/k, 1/k^2 and 1/k^3, or the latter alone where it is clearly better. What
    the two laws differ by is part of the covariance. And the noise of adjusted draws
    may bend: its logarithm is a parabola in that of the size, as bent for all points.

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
        silent = status == FitStatus.NO_SIGNAL
        found = _empty_laws(len(choice.powers), silent)
        for group in members:
            chosen = rows[np.isin(rows, group, assume_unique=True)]
            if not chosen.size:
                continue
            learned = self._learn(contributions, chosen, choice)
            estimate = learned.estimate(contributions, chosen)
            found["coefficients"][chosen] = estimate.coefficients
            found["covariance"][chosen] = estimate.covariance
            found["noise"][chosen] = np.sqrt(estimate.variance)
            found["noise_exponent"][chosen] = estimate.exponent
        laws = ExpansionLaws(
            powers=choice.powers,
            base_cardinality=base,
            **(contributions.origin | fitted | found),
        )
        warn_of_failures(laws)
        return laws

    def _choose(
        self, contributions: Contributions, rows: IntArray, base: float
    ) -> Choice:
        """Return what is fitted, by a look at the draws of some points."""
        if self.law == "power":
            return Choice((Law(tuple((float(power),) for power in EXPONENTS)),), base)
        draws = spread_draws(
            contributions, rows, base, CHOOSING_POINTS, self.max_iterations
        )
        asked = None if self.powers is None else tuple(map(float, self.powers))
        return choose_laws(draws, asked, is_quiet=is_quiet(contributions, rows))

    def _learn(
        self, contributions: Contributions, rows: IntArray, choice: Choice
    ) -> LearnedLaws:
        """Learn the priors of some points, and warn if that took too long."""
        draws = spread_draws(
            contributions, rows, choice.base, LEARNING_POINTS, self.max_iterations
        )
        learned, converged = learn_laws(draws, choice)
        if not converged:
            _warn_of_limit(self.max_iterations)
        return learned


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


def _empty_laws(n_powers: int, silent: NDArray[np.bool_]) -> dict[str, FloatArray]:
    """Return laws to fill in: NaN, and 0 for points without any signal."""
    n_points = len(silent)
    tails = {
        "coefficients": (n_powers,),
        "covariance": (n_powers, n_powers),
        "noise": (),
        "noise_exponent": (),
    }
    laws = {name: np.full((n_points, *tail), np.nan) for name, tail in tails.items()}
    for values in laws.values():
        values[silent] = 0.0
    return laws


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
