"""Descriptors of coalitions."""

import numpy as np
import pytest

from data_scaling.adjustment import DescribedLearner
from data_scaling.datasets import load_dataset
from data_scaling.errors import InputError
from data_scaling.learners import make_learner
from data_scaling.plan import SamplingPlan


@pytest.fixture(scope="module")
def cancer():
    return load_dataset("breast_cancer")


PLAN = SamplingPlan(10, 50, 200, seed=3)


@pytest.mark.parametrize("name", ["logreg", "tree"])
def test_draws_are_those_of_the_learner_and_have_descriptors(cancer, name):
    coalition, points = np.arange(0, 200, 2), np.arange(4)
    described = DescribedLearner(name, PLAN, n_numbers=6).bind(cancer)
    draw = described.draw(coalition, points)
    plain = make_learner(name).bind(cancer).draw(coalition, points)
    assert np.array_equal(draw.delta, plain.delta)
    assert draw.utility == plain.utility
    assert draw.descriptor.shape == (6,)
    again = DescribedLearner(name, PLAN, n_numbers=6).bind(cancer)
    assert np.array_equal(draw.descriptor, again.draw(coalition, points[:0]).descriptor)


def test_descriptors_of_multinomial_and_linear_models(cancer):
    for data, name in (("wine", "logreg"), ("diabetes", "linreg")):
        dataset = load_dataset(data)
        plan = SamplingPlan(10, 50, 90, seed=3)
        bound = DescribedLearner(name, plan, n_numbers=5).bind(dataset)
        draw = bound.draw(np.arange(0, 100, 2), np.arange(3))
        assert draw.descriptor.shape == (5,)
        assert np.isfinite(draw.descriptor).all()


def test_components_of_the_pilot_have_unit_variance(cancer):
    bound = DescribedLearner("logreg", PLAN, n_numbers=4).bind(cancer)
    rng = np.random.default_rng(0)
    none = np.empty(0, dtype=np.intp)
    drawn = [
        bound.draw(np.sort(rng.choice(cancer.n_points, 120, False)), none).descriptor
        for _ in range(60)
    ]
    # The pilot's sizes are not all 120, so that the scale is only about 1.
    assert 0.3 < np.std(drawn, axis=0)[0] < 3.0


def test_too_many_numbers_are_refused():
    with pytest.raises(InputError, match="n_numbers is 65"):
        DescribedLearner("tree", PLAN, n_numbers=65)
