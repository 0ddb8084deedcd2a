import numpy as np
import pytest
from test_ranking import make_laws
from test_validation import draw_from_laws

from data_scaling.contributions import Contributions
from data_scaling.convergence import compare_values, study_convergence
from data_scaling.errors import InputError
from data_scaling.estimators import HierarchicalEstimator
from data_scaling.validation import validate_laws
from data_scaling.valuation import monte_carlo_values

SIZES = [50, 100, 200]


def make_draws(seed, n_draws=120):
    rng = np.random.default_rng(0)
    laws = make_laws(rng.normal(size=60), rng.uniform(0.8, 1.5, 60))
    return draw_from_laws(laws, np.tile(SIZES, n_draws // 3), 3.0, seed)


def test_each_row_is_the_validation_of_a_fit_to_so_many_draws():
    draws, reference = make_draws(1), make_draws(2, 600)
    fit = HierarchicalEstimator().fit
    found = study_convergence(fit, draws, reference, [12, 120], SIZES)
    for row, n in enumerate((12, 120)):
        validation = validate_laws(fit(draws.first(n)), reference, SIZES)
        np.testing.assert_allclose(found.r2[row], validation.r2)
    assert found.cardinality.tolist() == SIZES
    assert found.mse[1].sum() < found.mse[0].sum()
    assert (found.pearson <= 1).all()
    np.testing.assert_allclose(found.ceiling, validation.r2_ceiling)


def test_values_are_compared_at_each_number_of_draws():
    draws = Contributions([[1.0, 3.0], [0.0, 4.0], [9.0, 9.0]], [5, 5])
    one, two = compare_values(monte_carlo_values, draws, [2.0, 2.0, 9.0], [1, 2])
    assert one.mse == pytest.approx(5 / 3)
    assert (two.mse, two.r2) == (0.0, 1.0)


def test_a_study_of_no_number_of_draws_is_refused():
    draws = make_draws(1)
    with pytest.raises(InputError, match="at least one number"):
        study_convergence(HierarchicalEstimator().fit, draws, draws, [], SIZES)


def test_more_draws_than_there_are_are_refused():
    with pytest.raises(InputError, match="500 draws were asked"):
        compare_values(monte_carlo_values, make_draws(1), np.zeros(60), [500])
