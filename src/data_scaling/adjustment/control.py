r"""Control variates: subtract from draws what is known of their coalitions.

The draws of a point differ mostly because coalitions differ, and a coalition can be
known far more cheaply than the contributions of all points to it. With a control
:math:`e_i` of mean 0 (:mod:`.matching`) and a coefficient :math:`b_{-i}` that the draw
did not enter (:mod:`.shrinkage`),

.. math:: \delta_i' = \delta_i - b_{-i}\, e_i

has the mean of :math:`\delta_i` and the variance that the control leaves. The adjusted
draws of a point are independent as its draws are, each at its own size: everything that
takes contributions takes them.
"""

import warnings
from dataclasses import replace
from typing import Final

import numpy as np

from data_scaling._typing import FloatArray, IntArray
from data_scaling.adjustment.matching import Match, match_sizes
from data_scaling.adjustment.shrinkage import find_by_own, predict_by_shared
from data_scaling.contributions import Contributions
from data_scaling.errors import AdjustmentWarning, InputError
from data_scaling.learning_curve import LearningCurve

__all__ = ["adjust"]

#: Fewest draws of which the coefficients can be learned.
FEWEST_DRAWS: Final = 4

# The standard deviation of a contribution falls about as k^-1.5: draws times k^1.5 are
# of equal variance, and their mean a k^0.5 + b k^-0.5.
_NOISE_EXPONENT: Final = 1.5
_BLOCK_BYTES: Final = 2**28
# Share of the variance below which adjusting was of no use.
_NEXT_TO_NOTHING: Final = 0.01


def adjust(
    contributions: Contributions, base: Contributions | LearningCurve | None = None
) -> Contributions:
    """Return draws of lower noise and the same mean.

    Parameters
    ----------
    contributions : Contributions
        Draws on shared coalitions, at least 4 of each point.
    base : Contributions or LearningCurve, optional
        What is known of coalitions, of many more than there are draws: contributions
        of the same points by a cheaper learner, the first of them on the very
        coalitions of the draws; or base draws, whose utilities and descriptors are
        regressed on. The base draws of the contributions by default.

    Returns
    -------
    Contributions
        With the share of the variance that is removed from each point's draws,
        ``.variance_removed``: 0 where the draws are as they were, and below 0 for a
        point that what helps most others does not help. By quick draws it is what the
        controls of the draws' own coalitions explain, less the noise of the base draws.

    Raises
    ------
    InputError
        If the coalitions are unknown or not shared, there are too few draws or base
        draws, or those are of other points or coalitions.

    Warns
    -----
    AdjustmentWarning
        If next to nothing was removed: the base draws were of no use.

    Notes
    -----
    On shared coalitions of size k a point inside gives a draw at k - 1. The mean that
    is kept is that over both kinds at a coalition size.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.adjustment import adjust
    >>> from data_scaling.datasets import load_dataset
    >>> from data_scaling.learners import ApproximateLearner
    >>> from data_scaling.plan import SamplingPlan
    >>> from data_scaling.sampling import sample_contributions
    >>> dataset = load_dataset("breast_cancer")
    >>> plan, more = (SamplingPlan(n, 50, 200, points=20) for n in (20, 400))
    >>> draws = sample_contributions(dataset, "logreg", plan)
    >>> base = sample_contributions(dataset, ApproximateLearner("logreg"), more)
    >>> adjusted = adjust(draws, base)
    >>> bool(np.median(adjusted.variance_removed) > 0.5)
    True
    """
    if not isinstance(contributions, Contributions):
        raise InputError(
            f"contributions is {type(contributions).__name__}. Give what "
            "sample_contributions or Contributions.load returned."
        )
    if contributions.variance_removed is not None:
        raise InputError(
            "The draws are adjusted already. Give the draws as they are in the ledger."
        )
    sizes = _require_shared(contributions)
    base = contributions.base if base is None else base
    if base is None:
        raise InputError(
            "There is nothing to adjust by. Draw with base draws (n_base_draws of the "
            "plan), or give contributions of a cheaper learner."
        )
    mean = _list_mean_terms(sizes)
    if contributions.n_draws < max(FEWEST_DRAWS, mean.shape[1] + 2):
        raise InputError(
            f"There are {contributions.n_draws} draws of each point. Give at least "
            f"{FEWEST_DRAWS}: the coefficients are learned from them."
        )
    if isinstance(base, Contributions):
        adjusted = _adjust_by_own(contributions, sizes, mean, base)
    else:
        adjusted = _adjust_by_shared(contributions, sizes, mean, base)
    _warn_if_useless(contributions, adjusted, base.n_draws)
    return adjusted


def _warn_if_useless(
    contributions: Contributions, adjusted: Contributions, n_base: int
) -> None:
    """Warn where draws vary, and little less after adjusting."""
    removed = adjusted.variance_removed
    varies = np.nan_to_num(np.diff(contributions.delta, axis=1)).any()
    if removed is None or not varies:
        return
    typical = max(float(np.median(removed)), float(np.mean(removed)))
    if typical < _NEXT_TO_NOTHING:
        warnings.warn(
            f"Adjusting {contributions.n_draws} draws of each point by {n_base} base "
            f"draws removed {max(typical, 0.0):.1%} of their variance: what is known "
            "of the coalitions says next to nothing of these contributions. Give more "
            "draws to learn from, or leave adjust out and save the time.",
            AdjustmentWarning,
            stacklevel=3,
        )


def _adjust_by_own(
    contributions: Contributions, sizes: IntArray, mean: FloatArray, base: Contributions
) -> Contributions:
    """Adjust each point by contributions of its own from a cheaper learner."""
    n_draws = contributions.n_draws
    base_sizes = _require_shared(base)
    _check_companion(contributions, base, sizes, base_sizes)
    match = _match(sizes, base_sizes[n_draws:])
    # Of about equal level at every size, so that their mean is smooth.
    levels = base_sizes.astype(np.float64)
    own, control = np.empty((2, *contributions.delta.shape))
    n_rows = max(1, _BLOCK_BYTES // (32 * base.n_draws))
    for low in range(0, contributions.n_points, n_rows):
        rows = slice(low, low + n_rows)
        level = base.delta[rows] * levels
        found = match.deviate(level[:, :n_draws], level[:, n_draws:])
        own[rows], control[rows] = found.own, found.own - found.beside
    weight = _weigh(sizes)
    known = _fill(contributions.delta * weight, mean)
    own, control = (np.nan_to_num(part * (weight / sizes)) for part in (own, control))
    # All points together: what they have in common must not depend on the blocks.
    coefficient = find_by_own(known, own, mean)
    # The mean over so many base draws has a noise of its own.
    share = match.n_each / (match.n_each + 1.0)
    removed = share * _share_removed(known, coefficient * own, mean)
    prediction = share * coefficient * control
    return _subtract(contributions, prediction / weight, removed)


def _adjust_by_shared(
    contributions: Contributions, sizes: IntArray, mean: FloatArray, base: LearningCurve
) -> Contributions:
    """Adjust all points by regression on what is known of the coalitions."""
    numbers, base_numbers = _describe(contributions.coalitions), _describe(base)
    if numbers.shape[1] != base_numbers.shape[1]:
        raise InputError(
            f"The draws' coalitions have {numbers.shape[1] - 1} descriptors, the base "
            f"draws {base_numbers.shape[1] - 1}. Give base draws of the same run."
        )
    match = _match(sizes, base.cardinality.astype(np.intp))
    own, beside = match.deviate(numbers.T, base_numbers.T)
    control = (own - beside).T
    # What is estimated on k points spreads as k^-0.5.
    control *= np.sqrt(sizes)[:, None]
    control = np.nan_to_num(control, nan=0.0)
    spread = np.sqrt((control**2).mean(axis=0))
    descriptor = control[:, spread > 0.0] / spread[spread > 0.0]
    weight = _weigh(sizes)
    known = _fill(contributions.delta * weight, mean)
    prediction = predict_by_shared(known, descriptor, mean)
    removed = _share_removed(known, prediction, mean)
    return _subtract(contributions, prediction / weight, removed)


def _subtract(
    contributions: Contributions, known: FloatArray, removed: FloatArray
) -> Contributions:
    """Return the draws less what is known of them."""
    delta = contributions.delta - known
    return replace(contributions, delta=delta, variance_removed=removed)


def _require_shared(contributions: Contributions) -> IntArray:
    """Return the sizes of the coalitions that all points share, (n_draws,)."""
    coalitions = contributions.coalitions
    if coalitions is None or coalitions.n_draws != contributions.n_draws:
        kind = "unknown" if coalitions is None else "independent for every point"
        raise InputError(
            f"The coalitions are {kind}. Draw with a plan whose coalitions are shared."
        )
    return coalitions.cardinality.astype(np.intp)


def _check_companion(
    contributions: Contributions,
    base: Contributions,
    sizes: IntArray,
    base_sizes: IntArray,
) -> None:
    n_draws = contributions.n_draws
    if not np.array_equal(contributions.points, base.points):
        raise InputError(
            f"The draws are of {contributions.n_points} points, the base draws of "
            f"{base.n_points}, and not of the same in the same order. Take the same "
            "points of both."
        )
    is_same = np.array_equal(sizes, base_sizes[:n_draws]) and np.array_equal(
        contributions.cardinality, base.cardinality[:, :n_draws]
    )
    if not is_same:
        raise InputError(
            f"The first {n_draws} base draws are on other coalitions than the draws. "
            "Draw both by plans that differ in n_draws alone."
        )


def _match(sizes: IntArray, base_sizes: IntArray) -> Match:
    if len(base_sizes) < len(sizes):
        raise InputError(
            f"There are {len(base_sizes)} base draws beside {len(sizes)} draws. Give "
            "at least as many; ten times as many are better."
        )
    return match_sizes(sizes, base_sizes)


def _describe(coalitions: LearningCurve | None) -> FloatArray:
    """Return utility and descriptor of every coalition, (n_draws, n_numbers + 1)."""
    if coalitions is None:
        return np.empty((0, 0))
    return np.column_stack([coalitions.utility, coalitions.descriptor])


def _weigh(sizes: IntArray) -> FloatArray:
    """Return weights that make the draws of all sizes vary alike, (n_draws,)."""
    return np.asarray((sizes / sizes.mean()) ** _NOISE_EXPONENT)


def _list_mean_terms(sizes: IntArray) -> FloatArray:
    """Return the terms of a law, a/k and b/k^2, in weighted draws, (n_draws, n)."""
    ratio = sizes / sizes.mean()
    powers = (1.0, 2.0) if len(np.unique(sizes)) > 1 else (1.0,)
    return np.stack([ratio ** (_NOISE_EXPONENT - power) for power in powers], axis=1)


def _fill(y: FloatArray, mean: FloatArray) -> FloatArray:
    """Return draws whose gaps are filled by the mean of the others."""
    filled = y.copy()
    for row in np.flatnonzero(np.isnan(y).any(axis=1)):
        known = np.isfinite(y[row])
        level = np.linalg.pinv(mean[known]) @ y[row, known]
        filled[row, ~known] = mean[~known] @ level
    return filled


def _share_removed(
    y: FloatArray, prediction: FloatArray, mean: FloatArray
) -> FloatArray:
    """Return by how much the variance about the mean falls, (n_points,)."""
    basis, _ = np.linalg.qr(mean)
    before, after = (
        ((part - (part @ basis) @ basis.T) ** 2).sum(axis=1)
        for part in (y, y - prediction)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 1.0 - after / before
    return np.where(before > 0.0, share, 0.0)
