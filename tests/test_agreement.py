import numpy as np
import pytest
from sklearn.metrics import r2_score

from data_scaling._agreement import agreement
from data_scaling.errors import InputError


def test_measures_agree_with_independent_computations():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=50)
    estimate = reference + 0.5 * rng.normal(size=50)
    result = agreement(estimate, reference)
    ranks = [np.argsort(np.argsort(x)) for x in (estimate, reference)]
    assert result.n_points == 50
    assert result.r2 == pytest.approx(r2_score(reference, estimate))
    assert result.mse == pytest.approx(np.square(estimate - reference).mean())
    assert result.pearson == pytest.approx(np.corrcoef(estimate, reference)[0, 1])
    assert result.spearman == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert result.sign_agreement == np.mean(estimate * reference > 0)


def test_points_without_a_number_are_left_out_and_not_counted():
    result = agreement([1.0, np.nan, 3.0, 4.0], [1.0, 2.0, np.nan, 4.0])
    assert (result.n_points, result.mse, result.r2) == (2, 0.0, 1.0)


def test_constant_sides_have_no_correlation():
    result = agreement([1.0, 1.0], [1.0, 2.0])
    assert np.isnan(result.pearson)
    assert np.isnan(result.spearman)
    assert np.isnan(agreement([1.0, 2.0], [3.0, 3.0]).r2)


@pytest.mark.parametrize(
    ("estimate", "reference", "message"),
    [
        ([1.0], [1.0, 2.0], r"shape \(1,\).*\(2,\)"),
        ([1.0, np.nan], [1.0, 2.0], "1 of 2 points"),
    ],
)
def test_sides_that_cannot_be_compared_are_refused(estimate, reference, message):
    with pytest.raises(InputError, match=message):
        agreement(estimate, reference)
