"""Runs whose laws are known."""

import warnings

import numpy as np

from data_scaling.contributions import Contributions
from data_scaling.datasets import Previews
from data_scaling.errors import FitWarning
from data_scaling.estimators import LikelihoodEstimator
from data_scaling.laws import ExpansionLaws, PowerLaws
from data_scaling.report import PointTable, Run


def plant_laws(n_points, family, rng, n_draws=20):
    """Laws whose ranking changes with the size, and their uncertainty."""
    shared = {
        "points": np.arange(n_points),
        "status": np.zeros(n_points, dtype=np.int8),
        "n_draws": np.full(n_points, n_draws),
        "cardinality_range": np.tile([100, 1000], (n_points, 1)),
    }
    if family == "power":
        alpha = rng.normal(1.3, 0.25, n_points)
        c = rng.normal(0.1, 1.0, n_points) * 300.0 ** (alpha - 1)
        covariance = np.zeros((n_points, 4, 4))
        std = np.linspace(0.2, 1.2, n_points) * c
        covariance[:, 0, 0] = std**2
        covariance[:, 0, 1] = covariance[:, 1, 0] = std * 0.06 * 0.9
        covariance[:, 1, 1] = 0.06**2
        sigma, beta = np.full(n_points, 5.0), np.full(n_points, 2.2)
        return PowerLaws(
            c=c, alpha=alpha, sigma=sigma, beta=beta, covariance=covariance, **shared
        )
    std = np.array([2e-4, 1e-4])
    return ExpansionLaws(
        powers=np.array([1.0, 2.0]),
        base_cardinality=300.0,
        coefficients=rng.normal(1e-4, [1e-3, 5e-4], (n_points, 2)),
        covariance=np.tile(np.diag(std**2), (n_points, 1, 1)),
        noise=np.full(n_points, 2e-3),
        noise_exponent=np.full(n_points, 2.0),
        **shared,
    )


def make_run(n_points=100, family="expansion", n_draws=20, previews=None, **parts):
    """Return a run of planted laws, whose draws scatter around them.

    Those of the family "likelihood" are fitted to the draws of planted power laws:
    their intervals are not symmetric.
    """
    rng = np.random.default_rng(7)
    is_fitted = family == "likelihood"
    laws = plant_laws(n_points, "power" if is_fitted else family, rng, n_draws)
    k = rng.integers(100, 1001, (n_points, n_draws))
    k[0, :2] = 100, 1000
    delta = laws.psi(k) + laws.noise_std(k) * rng.normal(size=k.shape)
    if is_fitted:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)
            laws = LikelihoodEstimator().fit(Contributions(delta, k))
    names = {"metric": "log_loss", "unit": "nats per validation point"}
    draws = Contributions(delta, k, learner="logreg", dataset="planted", **names)
    table = PointTable(
        dataset="planted",
        fingerprint="0" * 32,
        n_features=3,
        n_validation=50,
        row_ids=np.arange(n_points) + 5000,
        target=rng.integers(0, 3, n_points),
        classes=("ant", "bee", "cat"),
        previews=previews or Previews(0),
    )
    return Run(draws, laws, table, **parts)
