"""The figure of predicted laws tells the numbers of both sides."""

import numpy as np
import pytest

import data_scaling as ds

pytest.importorskip("matplotlib")
from data_scaling.plotting import plot_amortized


def test_the_frame_has_the_draws_and_the_laws_of_six_panels():
    rng = np.random.default_rng(0)
    sizes = [20, 31, 50, 80]
    k = np.tile(sizes, (40, 6))
    a = 1 + rng.normal(size=(40, 1))
    a[0] = 1e4
    draws = ds.Contributions(a / k + 0.1 * rng.normal(size=k.shape) / k, k)
    laws = ds.HierarchicalEstimator().fit(draws)
    figure, frame = plot_amortized(laws, draws, sizes)

    assert len(frame) == 40
    assert len(frame.columns) == 1 + 2 * 6
    means = draws.delta[:, 2::4].mean(axis=1)
    np.testing.assert_allclose(frame["psi at 50_draws"], means, rtol=1e-12)
    np.testing.assert_allclose(frame["psi at 50_laws"], laws.psi(50), rtol=1e-12)
    assert frame["alpha_laws"].equals(frame["alpha_laws"].clip(0, 4))
    title = figure.axes[3].get_title()
    assert title.startswith("psi at 20: R² 1.00")
    assert title.endswith("1 outside")
    assert figure.axes[3].get_xlim()[1] < 1.0
