r"""The aggregate law: how the error of a model falls with the size of its dataset.

.. math:: \mathrm{error} \sim N(\varepsilon + c\,k^{-\alpha}, \sigma^2 k^{-\beta})

for models trained on random coalitions of k points (the ordinary learning curve), with
:math:`\varepsilon \ge 0` the error that no amount of data takes away. For given
exponents the likelihood has a closed form; a grid over them and a bounded search from
its best cell find the maximum.
"""

import warnings
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from data_scaling._checks import check_finite, check_positive
from data_scaling._typing import FloatArray
from data_scaling.errors import FitWarning, InputError
from data_scaling.laws import FitStatus

_MIN_DRAWS = 6
_GRID_STEPS = 17
_LEAST_ALPHA = 1e-3
# Slope of the log-likelihood per draw that counts as none.
_FLAT = 1e-4
# A curve this near to its law has no noise, so that the likelihood has no maximum.
_NO_NOISE = 1e-6


@final
@dataclass(frozen=True)
class AggregateLaw:
    """The law eps + c / k^alpha of a learning curve, with standard errors.

    Attributes
    ----------
    eps, c : float
        Error without end of data, and scale of what data takes away, in units of the
        error.
    alpha : float
        Exponent of the mean.
    sigma, beta : float
        Scale, in units of the error, and exponent of the noise: its variance is
        ``sigma^2 k^-beta``.
    standard_errors : dict of str to float
        Standard error of each of the five by the expected information; that of eps is
        NaN where it is at its bound of 0.
    log_likelihood : float
        In nats.
    status : FitStatus
        How the search ended; ``AT_BOUND`` if an exponent is at a bound, or eps at 0.
    """

    eps: float
    c: float
    alpha: float
    sigma: float
    beta: float
    standard_errors: dict[str, float]
    log_likelihood: float
    status: FitStatus = FitStatus.CONVERGED

    def error(self, k: ArrayLike) -> FloatArray:
        """Return the expected error at sizes k, in units of the error."""
        sizes = np.asarray(k, dtype=np.float64)
        return np.asarray(self.eps + self.c * sizes**-self.alpha)


@final
@dataclass(frozen=True)
class AggregateLikelihoodEstimator:
    """Fit the aggregate law by maximum likelihood.

    Parameters
    ----------
    max_exponent : float
        Upper bound of both exponents; the lower one is 0.

    Raises
    ------
    InputError
        If ``max_exponent`` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.estimators import AggregateLikelihoodEstimator
    >>> rng = np.random.default_rng(0)
    >>> k = rng.integers(50, 2000, 400)
    >>> error = 0.3 + 4.0 / k**0.8 + 0.02 * rng.normal(size=400)
    >>> law = AggregateLikelihoodEstimator().fit(k, error)
    >>> round(law.eps, 2), round(law.alpha, 1)
    (0.3, 0.8)
    """

    max_exponent: float = float(np.exp(2))

    def __post_init__(self) -> None:
        check_positive("max_exponent", self.max_exponent)

    def fit(self, cardinality: ArrayLike, error: ArrayLike) -> AggregateLaw:
        """Return the law of a learning curve.

        Parameters
        ----------
        cardinality : (n_draws,) array_like
            Sizes of the coalitions, at least 1.
        error : (n_draws,) array_like
            Error of the model trained on each: minus its utility.

        Raises
        ------
        InputError
            If there are fewer than six draws or three different sizes, or a value is
            not finite, or a size is below 1.

        Warns
        -----
        FitWarning
            If the search did not converge.
        """
        curve = _check_curve(cardinality, error)
        alpha, beta = _find_best_cell(curve, self.max_exponent)
        bounds = [(_LEAST_ALPHA, self.max_exponent), (0.0, self.max_exponent)]
        found = minimize(
            _cost,
            np.array([alpha, beta]),
            args=(curve,),
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-14, "gtol": 1e-9},
        )
        status = _judge(found.x, found.jac, bounds)
        best = _residual_variance(float(found.x[0]), float(found.x[1]), curve)
        if best <= _NO_NOISE**2 * float(np.var(curve.error)):
            status = FitStatus.DEGENERATE
        if status == FitStatus.ITERATION_LIMIT:
            warnings.warn(
                "The search for the aggregate law did not converge "
                f"({found.message}). Give more draws, at more sizes.",
                FitWarning,
                stacklevel=2,
            )
        return _describe(found.x, curve, status)


def _find_best_cell(curve: "_Curve", max_exponent: float) -> tuple[float, float]:
    """Return the exponents of the likeliest cell of a grid."""
    grid = np.linspace(min(0.05, max_exponent / 2), max_exponent, _GRID_STEPS)
    cells = [(_cost(np.array([a, b]), curve), a, b) for a in grid for b in grid]
    _, alpha, beta = min(cells)
    return float(alpha), float(beta)


def _judge(
    exponents: FloatArray, gradient: FloatArray, bounds: list[tuple[float, float]]
) -> FitStatus:
    """Tell a bound, and a gradient that is not 0 where the search ended.

    The search itself also stops, and reports failure, where values differ by rounding
    alone; the gradient says whether that was at the end.
    """
    low, high = np.transpose(bounds)
    is_low, is_high = exponents <= low, exponents >= high
    outward = (is_low & (gradient >= 0)) | (is_high & (gradient <= 0))
    if (np.abs(np.where(outward, 0.0, gradient)) > _FLAT).any():
        return FitStatus.ITERATION_LIMIT
    return FitStatus.AT_BOUND if (is_low | is_high).any() else FitStatus.CONVERGED


@dataclass(frozen=True, eq=False)
class _Curve:
    """A learning curve in centred logarithmic sizes."""

    log_k: FloatArray
    error: FloatArray
    center: float


def _check_curve(cardinality: ArrayLike, error: ArrayLike) -> _Curve:
    sizes = check_finite("cardinality", cardinality)
    errors = check_finite("error", error)
    if sizes.ndim != 1 or sizes.shape != errors.shape:
        raise InputError(
            f"cardinality has shape {sizes.shape} and error {errors.shape}. Give one "
            "error per size."
        )
    if len(sizes) < _MIN_DRAWS or len(np.unique(sizes)) < 3 or sizes.min() < 1:
        raise InputError(
            f"There are {len(sizes)} draws at {len(np.unique(sizes))} different sizes "
            f"(the smallest {sizes.min() if len(sizes) else 'missing'}). Give at least "
            f"{_MIN_DRAWS} draws at three sizes of at least 1."
        )
    log_k = np.log(sizes)
    return _Curve(log_k - log_k.mean(), errors, float(log_k.mean()))


def _solve_linear(alpha: float, beta: float, curve: _Curve) -> tuple[float, float]:
    """Return eps and the scale at the mean size, eps at least 0."""
    weight = np.exp(beta * curve.log_k)
    shape = np.exp(-alpha * curve.log_k)
    design = np.stack([np.ones_like(shape), shape], axis=1) * np.sqrt(weight)[:, None]
    target = curve.error * np.sqrt(weight)
    eps, scale = np.linalg.lstsq(design, target)[0]
    if eps >= 0:
        return float(eps), float(scale)
    # At its bound, the scale is to be solved again without it.
    bounded = np.sum(weight * shape * curve.error) / np.sum(weight * shape**2)
    return 0.0, float(bounded)


def _residual_variance(alpha: float, beta: float, curve: _Curve) -> float:
    eps, scale = _solve_linear(alpha, beta, curve)
    residual = curve.error - eps - scale * np.exp(-alpha * curve.log_k)
    return float(np.mean(np.exp(beta * curve.log_k) * residual**2))


def _cost(exponents: FloatArray, curve: _Curve) -> float:
    """Return minus the profile log-likelihood per draw, less a constant."""
    variance = _residual_variance(exponents[0], exponents[1], curve)
    return 0.5 * float(np.log(max(variance, np.finfo(np.float64).tiny)))


def _describe(exponents: FloatArray, curve: _Curve, status: FitStatus) -> AggregateLaw:
    alpha, beta = (float(value) for value in exponents)
    eps, scale = _solve_linear(alpha, beta, curve)
    sigma = float(np.sqrt(_residual_variance(alpha, beta, curve)))
    n_draws = len(curve.error)
    c = scale * np.exp(alpha * curve.center)
    log_k = curve.log_k + curve.center
    shape = np.exp(-alpha * curve.log_k)
    slopes = np.stack([np.ones(n_draws), shape, -scale * shape * curve.log_k])
    slopes *= np.exp(0.5 * beta * curve.log_k) / sigma
    free = slice(0, 3) if eps > 0 else slice(1, 3)
    covariance = np.full((3, 3), np.nan)
    covariance[free, free] = np.linalg.inv(slopes[free] @ slopes[free].T)
    # c at k = 1 depends on the scale at the mean size and on alpha.
    by_scale, by_alpha = np.exp(alpha * curve.center), c * curve.center
    gradient = np.array([by_scale, by_alpha])
    c_variance = gradient @ covariance[1:, 1:] @ gradient
    spread = np.array(
        [[2 * n_draws, -log_k.sum()], [-log_k.sum(), 0.5 * np.sum(log_k**2)]]
    )
    noise = np.linalg.inv(spread)
    sigma_at_1 = sigma * float(np.exp(0.5 * beta * curve.center))
    likelihood = -0.5 * n_draws * (np.log(2 * np.pi) + 1 + 2 * np.log(sigma))
    return AggregateLaw(
        eps=eps,
        c=float(c),
        alpha=alpha,
        sigma=sigma_at_1,
        beta=beta,
        standard_errors={
            "eps": float(np.sqrt(covariance[0, 0])),
            "c": float(np.sqrt(c_variance)),
            "alpha": float(np.sqrt(covariance[2, 2])),
            "sigma": float(sigma_at_1 * np.sqrt(noise[0, 0])),
            "beta": float(np.sqrt(noise[1, 1])),
        },
        log_likelihood=float(likelihood),
        status=FitStatus.AT_BOUND if eps == 0 else status,
    )
