"""The aggregate law: planted curves, its bound, its standard errors."""

import numpy as np
import pytest
from scipy import stats

from data_scaling.errors import InputError
from data_scaling.estimators import AggregateLikelihoodEstimator
from data_scaling.laws import FitStatus


def plant_curve(eps, c, alpha, n=300, seed=0, sigma=2.0, beta=1.4):
    rng = np.random.default_rng(seed)
    k = rng.integers(20, 3000, n)
    return k, eps + c / k**alpha + sigma * k ** (-beta / 2) * rng.normal(size=n)


def test_standard_errors_cover_the_planted_parameters():
    """95 % intervals over 100 curves; binomial tests at p < 1e-4 for each parameter."""
    truth = {"eps": 0.4, "c": 30.0, "alpha": 0.9, "sigma": 2.0, "beta": 1.4}
    covered = dict.fromkeys(truth, 0)
    for seed in range(100):
        law = AggregateLikelihoodEstimator().fit(
            *plant_curve(0.4, 30.0, 0.9, seed=seed)
        )
        for name, value in truth.items():
            error = abs(getattr(law, name) - value)
            covered[name] += error < 1.96 * law.standard_errors[name]
    for name, count in covered.items():
        assert stats.binomtest(count, 100, 0.95).pvalue > 1e-4, (name, count)


def test_a_curve_that_would_end_below_0_ends_at_0():
    k = np.tile([50, 100, 200, 400, 800, 1600], 5)
    error = 1.0 - 0.12 * np.log(k) / np.log(2) * 0.8 + 0.001 * (np.arange(30) % 3)
    law = AggregateLikelihoodEstimator().fit(k, error - error.min() + 0.001)
    assert law.eps == 0.0
    assert np.isnan(law.standard_errors["eps"])
    assert law.status == FitStatus.AT_BOUND
    assert np.isfinite(law.standard_errors["alpha"])


def test_no_other_parameters_are_likelier():
    k, error = plant_curve(0.4, 30.0, 0.9)
    law = AggregateLikelihoodEstimator().fit(k, error)

    def log_likelihood(eps, c, alpha, sigma, beta):
        return stats.norm.logpdf(
            error, eps + c / k**alpha, sigma * k ** (-beta / 2)
        ).sum()

    best = [law.eps, law.c, law.alpha, law.sigma, law.beta]
    assert log_likelihood(*best) == pytest.approx(law.log_likelihood, abs=1e-6)
    rng = np.random.default_rng(1)
    for _ in range(300):
        other = best * np.exp(rng.normal(size=5) * rng.choice([1e-4, 1e-2, 0.3]))
        assert log_likelihood(*other) <= law.log_likelihood + 1e-7
    np.testing.assert_allclose(
        law.error([10, 100]), law.eps + law.c / [10, 100] ** np.array(law.alpha)
    )


@pytest.mark.parametrize(
    ("k", "error", "message"),
    [
        ([1, 2, 3], [1.0, 2.0, 3.0], "3 draws at 3 different sizes"),
        ([5] * 8, [1.0] * 8, "8 draws at 1 different sizes"),
        ([1, 2, 3], [1.0, 2.0], "one error per size"),
        ([1, 2, 3], [1.0, np.nan, 2.0], "NaN or infinite"),
    ],
)
def test_bad_curves_are_refused(k, error, message):
    with pytest.raises(InputError, match=message):
        AggregateLikelihoodEstimator().fit(k, error)


def test_an_exponent_at_its_bound_is_a_status():
    k, error = plant_curve(0.4, 30.0, 0.9)
    law = AggregateLikelihoodEstimator(max_exponent=0.5).fit(k, error)
    assert law.status == FitStatus.AT_BOUND
    assert law.alpha == 0.5
    assert AggregateLikelihoodEstimator().fit(k, error).status == FitStatus.CONVERGED
    with pytest.raises(InputError, match="max_exponent is -1"):
        AggregateLikelihoodEstimator(max_exponent=-1)


def test_a_curve_without_noise_is_said_to_be_degenerate():
    k = np.repeat([50.0, 100.0, 200.0, 400.0, 800.0], 3)
    law = AggregateLikelihoodEstimator().fit(k, 0.3 + 2.0 / k**0.7)
    assert law.status == FitStatus.DEGENERATE
    np.testing.assert_allclose([law.eps, law.alpha], [0.3, 0.7], rtol=1e-3)
