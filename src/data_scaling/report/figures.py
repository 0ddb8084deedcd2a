"""Numbers of the figures below the map: histograms, agreement, the learning curve."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.errors import InputError
from data_scaling.estimators import AggregateLikelihoodEstimator
from data_scaling.laws import ScalingLaws
from data_scaling.learning_curve import LearningCurve
from data_scaling.report.cells import trim_range
from data_scaling.report.run import Run
from data_scaling.validation import Validation, validate_laws

N_BINS: Final = 40
_N_QUALITY_POINTS: Final = 5000
_N_CURVE_POINTS: Final = 2000
_N_LINE: Final = 60


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts of points over one parameter of their laws.

    Attributes
    ----------
    name, label, note : str
        Short name, label of the axis, and what is to be known of it.
    edges : (n_bins + 1,) float64 array
        Ends of the bins, of the logarithm (base 10) if ``is_log``.
    positive, negative : (n_bins,) intp array
        Points with a positive and with a negative expected contribution at the
        reference size.
    n_outside : int
        Points that lie beyond the bins, or have no such number.
    is_log : bool
        Whether the axis is logarithmic.
    """

    name: str
    label: str
    note: str
    edges: FloatArray
    positive: Any
    negative: Any
    n_outside: int
    is_log: bool


def count_parameters(laws: ScalingLaws, reference: float, unit: str) -> list[Histogram]:
    """Count points over alpha, c, sigma and beta of the power laws at a size."""
    tangent = laws.tangent(reference)
    is_positive = tangent.c > 0
    in_unit = f"in {unit} at k = 1"
    columns = [
        ("alpha", "α", "of the mean", tangent.alpha, False),
        ("c", "|c|", in_unit, np.abs(tangent.c), True),
        ("sigma", "σ", f"of one draw, {in_unit}", tangent.sigma, True),
        ("beta", "β", "of the variance of one draw", tangent.beta, False),
    ]
    return [
        _count(name, label, note, values, is_positive, is_log)
        for name, label, note, values, is_log in columns
    ]


def count_quality(run: Run, reference: float) -> Histogram:
    """Count points by how much of the variation of their means the law explains.

    The means are those of the validation if there is one, else of the draws that the
    laws were fitted to, which flatters.
    """
    validation = run.validation
    note = "judged on fresh draws"
    if validation is None:
        step = max(1, len(run.laws) // _N_QUALITY_POINTS)
        some = run.contributions.take(run.laws.points[::step])
        validation = validate_laws(run.laws, some)
        note = "judged on the draws that were fitted, which flatters"
    laws = run.laws.take(validation.points)
    quality = explained_share(validation)
    label = "R² of a point's means"
    return _count(
        "quality", label, note, quality, laws.psi(reference) > 0, False, (-1.0, 1.0)
    )


def explained_share(validation: Validation) -> FloatArray:
    """Return the share of each point's means about 0 that its law explains.

    Errors and means count by the precision of each mean, so that the sizes at which
    contributions are large do not decide alone:
    ``1 - sum(((mean - predicted) / std)^2) / sum((mean / std)^2)``; NaN for a point
    without means.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = 1.0 / validation.mean_std**2
        weight = np.where(np.isfinite(weight), weight, 0.0)
        mean = np.where(weight > 0, validation.mean, 0.0)
        predicted = np.where(weight > 0, validation.predicted, 0.0)
        error = np.sum(weight * (mean - predicted) ** 2, axis=1)
        return np.asarray(1.0 - error / np.sum(weight * mean**2, axis=1))


def _count(
    name: str,
    label: str,
    note: str,
    values: FloatArray,
    is_positive: Any,
    is_log: bool,
    ends: tuple[float, float] | None = None,
) -> Histogram:
    if is_log:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.log10(values)
    known = np.isfinite(values)
    edges = np.linspace(*(ends or trim_range(values[known])), N_BINS + 1)
    positive = np.histogram(values[known & is_positive], edges)[0]
    negative = np.histogram(values[known & ~is_positive], edges)[0]
    n_outside = len(values) - int(positive.sum() + negative.sum())
    return Histogram(name, label, note, edges, positive, negative, n_outside, is_log)


def describe_agreement(validation: Validation) -> dict[str, Any]:
    """Return the figures of a validation, for JSON."""
    return {
        "sizes": validation.cardinality.tolist(),
        "r2": validation.r2.tolist(),
        "ceiling": validation.r2_ceiling.tolist(),
        "coverage": validation.coverage.tolist(),
        "pooled": validation.r2_pooled,
        "n_points": len(validation.points),
        "n_draws": int(np.median(validation.n_draws)),
    }


def describe_curve(curve: LearningCurve) -> dict[str, Any]:
    """Return utilities of random coalitions and the aggregate law, for JSON.

    The error is minus the utility; for a utility of accuracies one minus the utility.
    """
    known = np.isfinite(curve.utility)
    k, utility = curve.cardinality[known], curve.utility[known]
    is_share = bool((utility >= 0).all() and (utility <= 1).all())
    error = 1.0 - utility if is_share else -utility
    step = max(1, len(k) // _N_CURVE_POINTS)
    shown: dict[str, Any] = {
        "k": k[::step].tolist(),
        "error": error[::step].tolist(),
        "unit": f"1 − {curve.metric}" if is_share else curve.unit,
        "n_draws": len(k),
        "law": None,
    }
    try:
        law = AggregateLikelihoodEstimator().fit(k, error)
    except InputError:
        return shown  # Too few coalitions, or of one size: the draws alone are shown.
    line = np.geomspace(k.min(), k.max(), _N_LINE)
    shown["law"] = {
        "eps": law.eps,
        "c": law.c,
        "alpha": law.alpha,
        "k": line.tolist(),
        "error": law.error(line).tolist(),
    }
    return shown
