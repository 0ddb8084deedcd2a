import numpy as np
import pytest

from data_scaling.boundary import boundary_distances, correlate_by_class
from data_scaling.datasets import Dataset, load_dataset
from data_scaling.errors import InputError


def test_the_distance_is_that_to_the_plane_between_two_clouds():
    """By symmetry the plane is x = 0, so that the distance is the first feature."""
    x = np.array([[1.0, 0.5], [2.0, -0.5], [-1.0, 0.5], [-2.0, -0.5], [-3, 0], [3, 0]])
    y = (x[:, 0] > 0).astype(int)
    distance = boundary_distances(Dataset(x, y, x, y))
    np.testing.assert_allclose(distance, np.abs(x[:, 0]), atol=1e-3)


def test_a_wrong_label_lies_on_the_wrong_side():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)) + np.array([[3, 0]]) * np.repeat([[1], [-1]], 100, 0)
    y = np.repeat([1, 0], 100)
    y[0] = 0
    distance = boundary_distances(Dataset(x, y, x, y))
    assert distance[0] < 0 < np.median(distance)


def test_more_classes_have_no_boundary():
    with pytest.raises(InputError, match="has 3 classes"):
        boundary_distances(load_dataset("wine"))


def test_correlations_leave_out_what_is_not_known():
    distance = [1, 2, 3, np.inf, 1, 2]
    values = [1, 2, 3, 9, 5, np.nan]
    found = correlate_by_class(distance, values, [0, 0, 0, 0, 1, 1])
    assert [one.n_points for one in found] == [3, 1]
    assert found[0].pearson == pytest.approx(1)
    assert np.isnan(found[1].spearman)
    with pytest.raises(InputError, match="one of each per point"):
        correlate_by_class([1, 2], [1], [0, 0])
