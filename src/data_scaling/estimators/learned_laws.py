"""What all points together teach of laws, and what it makes of the draws of any."""

from dataclasses import dataclass, replace

import numpy as np

from data_scaling._typing import FloatArray, Int32Array, IntArray
from data_scaling.contributions import Contributions
from data_scaling.estimators.choice import Choice
from data_scaling.estimators.estimate import Estimate, mix
from data_scaling.estimators.held_out import LearningDraws
from data_scaling.estimators.learning import Learned
from data_scaling.estimators.moments import sum_draws
from data_scaling.estimators.posterior import update
from data_scaling.estimators.prior import Prior, all_powers

# Points that priors are learned from, and laws chosen by, spread over the pool.
LEARNING_POINTS, CHOOSING_POINTS = 2000, 500
_BLOCK_POINTS = 1024
# A law's own bias weighs as much as the noise of adjusted draws from this share of the
# variance removed on.
_LOW_NOISE = 0.5


@dataclass(frozen=True, eq=False)
class LearnedLaws:
    """The laws whose mean is taken, each with what is known of it before any draws.

    Attributes
    ----------
    choice : Choice
        Which laws, and how much each weighs.
    priors : tuple of Prior
        One for each law.
    """

    choice: Choice
    priors: tuple[Prior, ...]

    def estimate(
        self, contributions: Contributions, rows: IntArray | None = None
    ) -> Estimate:
        """Return what these laws and points' own draws say together.

        Parameters
        ----------
        contributions : Contributions
            Draws of points.
        rows : (n_rows,) integer array, optional
            Rows of the points that are wanted; by default all.

        Returns
        -------
        Estimate
            For ``choice.powers``.
        """
        wanted = np.arange(contributions.n_points) if rows is None else rows
        delta, cardinality = contributions.delta, contributions.cardinality
        # Without rows one empty block says how many powers there are.
        blocks = [
            self._estimate_block(delta[block], cardinality[block])
            for first in range(0, max(len(wanted), 1), _BLOCK_POINTS)
            for block in [wanted[first : first + _BLOCK_POINTS]]
        ]
        names = ("coefficients", "covariance", "variance", "exponent")
        return Estimate(
            *(np.concatenate([getattr(b, name) for b in blocks]) for name in names)
        )

    def expect(self) -> Estimate:
        """Return what these laws say of a point without draws: arrays of one row."""
        size = np.full((1, 1), round(self.choice.base))
        return self.estimate(Contributions(np.full((1, 1), np.nan), size))

    def _estimate_block(self, delta: FloatArray, cardinality: Int32Array) -> Estimate:
        choice, estimates = self.choice, []
        for prior in self.priors:
            moments = sum_draws(
                delta, cardinality, choice.base, prior.models, prior.betas, choice.bend
            )
            posterior = update(prior, moments)
            variance, exponent = posterior.noise()
            found = Estimate(
                *posterior.coefficients(),
                variance * np.exp(choice.level),
                exponent - choice.slope,
            )
            # Powers that the prior gave up have the coefficient 0.
            estimates.append(found.among(all_powers(prior.models), choice.powers))
        return mix(estimates, [law.weight for law in choice.laws])


def is_quiet(contributions: Contributions, rows: IntArray) -> bool:
    """Return whether adjusting has removed most of the noise of some points' draws."""
    removed = contributions.variance_removed
    return removed is not None and float(np.median(removed[rows])) > _LOW_NOISE


def spread_draws(
    contributions: Contributions,
    rows: IntArray,
    base: float,
    n_points: int,
    max_iterations: int,
) -> LearningDraws:
    """Return the draws of at most so many points, spread evenly over some rows."""
    places = np.linspace(0, rows.size - 1, min(n_points, rows.size))
    chosen = rows[places.round().astype(np.intp)]
    return LearningDraws(
        contributions.delta[chosen],
        contributions.cardinality[chosen],
        base,
        max_iterations,
    )


def learn_laws(draws: LearningDraws, choice: Choice) -> tuple[LearnedLaws, bool]:
    """Return what draws teach of the laws chosen, and whether learning came to its end.

    Parameters
    ----------
    draws : LearningDraws
        Draws of the points to learn from.
    choice : Choice
        Which laws.
    """
    bent = replace(draws, bend=choice.bend)
    learned: list[Learned] = [
        bent.learn(law.models, law.noise_share) for law in choice.laws
    ]
    laws = LearnedLaws(choice, tuple(each.prior for each in learned))
    return laws, all(each.converged for each in learned)
