"""How near estimates come to a reference, as the draws they are made of grow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._agreement import Agreement, agreement
from data_scaling._typing import FloatArray, IntArray
from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.laws import ScalingLaws
from data_scaling.validation import Validation, validate_laws

MEASURES = ("mse", "r2", "pearson", "spearman", "sign_agreement")


@dataclass(frozen=True, eq=False)
class Convergence:
    """Agreement with a reference by number of draws and by size.

    Attributes
    ----------
    n_draws : (n_budgets,) intp array
        Draws per point that the estimates were made of.
    cardinality : (n_sizes,) float64 array
        Sizes at which they were compared.
    mse : (n_budgets, n_sizes) float64 array
        Mean squared difference, in squared units of the utility.
    r2, pearson, spearman, sign_agreement : (n_budgets, n_sizes) float64 array
        As in :class:`~data_scaling.Agreement`.
    ceiling : (n_sizes,) float64 array
        R^2 that true laws would be expected to have, given the reference's own noise.
    """

    n_draws: IntArray
    cardinality: FloatArray
    mse: FloatArray
    r2: FloatArray
    pearson: FloatArray
    spearman: FloatArray
    sign_agreement: FloatArray
    ceiling: FloatArray


def study_convergence(
    fit: Callable[[Contributions], ScalingLaws],
    contributions: Contributions,
    reference: Contributions,
    n_draws: Sequence[int],
    cardinalities: ArrayLike | None = None,
) -> Convergence:
    """Fit laws to the first draws, ever more of them, and compare with a reference.

    Parameters
    ----------
    fit : callable
        Turns contributions into laws: the ``fit`` of an estimator.
    contributions : Contributions
        Draws to fit to.
    reference : Contributions
        Other draws, of points among those, many at few sizes.
    n_draws : sequence of int
        Numbers of draws per point, at most those there are.
    cardinalities : (n_sizes,) array_like, optional
        Sizes to compare at; by default those of ``validate_laws``.

    Raises
    ------
    InputError
        If no number of draws is given, there are fewer than asked for, or a point of
        the reference was not drawn.

    Examples
    --------
    >>> import numpy as np
    >>> import data_scaling as ds
    >>> from data_scaling.convergence import study_convergence
    >>> rng = np.random.default_rng(0)
    >>> k = np.tile([10, 30, 90], 100)
    >>> psi = rng.normal(size=(50, 1)) / k
    >>> draws, others = (
    ...     ds.Contributions(psi + rng.normal(size=psi.shape) / k, k) for _ in range(2)
    ... )
    >>> found = study_convergence(
    ...     ds.HierarchicalEstimator().fit, draws, others, [6, 300], [10, 30, 90]
    ... )
    >>> found.r2.shape, bool((found.r2[1] > found.r2[0]).all())
    ((2, 3), True)
    """
    if not len(n_draws):
        raise InputError("n_draws is empty. Give at least one number of draws.")
    found = []
    for n in n_draws:
        laws = fit(contributions.first(n))
        validation = validate_laws(laws, reference, cardinalities)
        found.append(agreement_by_size(validation))
    table = {
        name: np.array([[getattr(one, name) for one in row] for row in found])
        for name in MEASURES
    }
    return Convergence(
        n_draws=np.array(n_draws, dtype=np.intp),
        cardinality=validation.cardinality,
        ceiling=validation.r2_ceiling,
        **table,
    )


def agreement_by_size(validation: Validation) -> list[Agreement]:
    """Compare predictions with means at each size of a validation.

    Raises
    ------
    InputError
        If at a size fewer than two points have both.
    """
    columns = zip(validation.predicted.T, validation.mean.T, strict=True)
    return [agreement(predicted, mean) for predicted, mean in columns]


def compare_values(
    estimate: Callable[[Contributions], FloatArray],
    contributions: Contributions,
    reference: ArrayLike,
    n_draws: Sequence[int],
) -> list[Agreement]:
    """Value points by the first draws, ever more of them, and compare (section 4.3).

    Parameters
    ----------
    estimate : callable
        Turns contributions into n_points values: ``monte_carlo_values``, or a fit
        followed by ``shapley_values``.
    contributions : Contributions
        Draws of at least the points that are valued.
    reference : (n_points,) array_like
        Values from many other draws, in the same unit.
    n_draws : sequence of int
        Numbers of draws per point.

    Returns
    -------
    list of Agreement
        One per number of draws.

    Raises
    ------
    InputError
        If there are fewer draws than asked for, or another number of values.
    """
    return [agreement(estimate(contributions.first(n)), reference) for n in n_draws]
