"""Scaling laws for the value of individual data points.

For every point ``z`` of a training pool, a law ``psi_k(z) = c(z) / k**alpha(z)`` of
its expected marginal contribution to a model trained on ``k`` points: what the point
is worth at the size a dataset has, and at the size it will have.

Examples
--------
>>> import data_scaling as ds
>>> dataset = ds.load_dataset("breast_cancer")
>>> plan = ds.SamplingPlan(n_draws=20, min_cardinality=30, max_cardinality=200)
>>> draws = ds.sample_contributions(dataset, "logreg", plan)
>>> laws = ds.HierarchicalEstimator().fit(draws)
>>> laws.psi([50, 500]).shape
(341, 2)
"""

from data_scaling._lazy import list_stub, make_getattr

__version__ = "0.1.0"

_homes = list_stub(__file__)
__all__ = sorted(_homes)
__getattr__ = make_getattr(__name__, _homes)


def __dir__() -> list[str]:
    return __all__
