"""The validation figure: its frame, its panels and its files."""

import numpy as np
import pandas as pd
from test_ranking import make_laws
from test_validation import draw_from_laws

from data_scaling.contributions import Contributions
from data_scaling.plotting import plot_validation, save_figure
from data_scaling.validation import validate_laws


def make_validation(n_points=40, noise=0.5):
    rng = np.random.default_rng(0)
    laws = make_laws(rng.normal(size=n_points), rng.uniform(0.8, 2.0, n_points))
    k = np.repeat([50, 100, 200], 10)
    draws = draw_from_laws(laws, k, noise, 1)
    return laws, validate_laws(laws, draws, [50, 100, 200])


def test_the_frame_holds_the_numbers():
    laws, validation = make_validation()
    _, frame = plot_validation(laws, validation)
    assert len(frame) == 40 * 3
    table = frame.pivot_table(index="point", columns="cardinality", values="mean")
    np.testing.assert_allclose(table, validation.mean)
    by_size = frame.groupby("cardinality")["r2"].first()
    np.testing.assert_allclose(by_size, validation.r2)


def test_nine_points_are_shown_in_the_order_of_their_exponents():
    laws, validation = make_validation()
    figure, frame = plot_validation(laws, validation)
    shown = frame.loc[frame.is_shown, "point"].unique()
    assert len(shown) == 9
    legend = figure.axes[0].get_legend()
    exponents = [float(text.get_text().split()[1]) for text in legend.get_texts()]
    expected = np.sort(laws.take(shown).alpha)
    np.testing.assert_allclose(exponents, expected, atol=0.005)


def test_axes_are_labelled_with_units_and_sizes():
    laws, validation = make_validation()
    figure, _ = plot_validation(laws, validation, unit="nats", title="adult")
    left, middle, right = figure.axes
    assert left.get_ylabel() == "|mean contribution|\n(nats)"
    assert right.get_ylabel() == "R² over points"
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["50", "100", "200"]
    assert middle.get_xlim() == (0.0, 1.0)


def test_an_agreement_below_the_axis_is_told_in_words():
    """A law that is far too large at one size only."""
    laws, _ = make_validation()
    draws = draw_from_laws(laws, np.repeat([50, 100, 200], 10), 0.1, 1)
    smaller = np.where(draws.cardinality == 200, draws.delta / 4, draws.delta)
    draws = Contributions(smaller, draws.cardinality, points=draws.points)
    validation = validate_laws(laws, draws, [50, 100, 200])
    assert validation.r2[2] < -2 < validation.r2[1]
    right = plot_validation(laws, validation)[0].axes[2]
    assert [text.get_text() for text in right.texts] == [
        f"below: {validation.r2[2]:.2f} at 200"
    ]
    assert plot_validation(*make_validation())[0].axes[2].texts[:] == []


def test_points_without_signal_leave_the_left_panel_empty():
    laws = make_laws([0.0, 0.0], [np.nan, np.nan])
    draws = draw_from_laws(laws, np.repeat([50, 100, 200], 3), 0.0, 0)
    figure, frame = plot_validation(laws, validate_laws(laws, draws, [50, 100, 200]))
    assert not frame.is_shown.any()
    assert figure.axes[0].get_legend() is None


def test_a_figure_is_saved_three_ways(tmp_path):
    figure, frame = plot_validation(*make_validation())
    files = save_figure(figure, frame, tmp_path / "new" / "validation")
    assert [path.suffix for path in files] == [".png", ".pdf", ".csv"]
    assert files[0].read_bytes().startswith(b"\x89PNG")
    assert files[1].read_bytes().startswith(b"%PDF")
    pd.testing.assert_frame_equal(pd.read_csv(files[2]), frame, rtol=1e-12)


def test_means_of_the_other_sign_are_shown_hollow():
    """They were left out once, so that a law of wrong sign looked right."""
    laws = make_laws([1.0] * 12, [1.0] * 12)
    draws = draw_from_laws(laws, np.repeat([50, 100, 200], 10), 0.1, 0)
    flipped = np.where(draws.cardinality == 200, -draws.delta, draws.delta)
    wrong = Contributions(flipped, draws.cardinality, points=draws.points)
    figure, _ = plot_validation(laws, validate_laws(laws, wrong, [50, 100, 200]))
    marks = [line for line in figure.axes[0].lines if line.get_marker() in ("^", "v")]
    hollow = [line for line in marks if line.get_markerfacecolor() == "none"]
    assert {len(line.get_xdata()) for line in hollow} == {1}
    assert {float(line.get_xdata()[0]) for line in hollow} == {200.0}
    assert {line.get_marker() for line in hollow} == {"v"}


def test_the_middle_panel_judges_each_point_by_its_own_law():
    laws = make_laws([1.0, 2.0, -1.0], [1.0, 1.0, 1.0])
    draws = draw_from_laws(laws, np.repeat([50, 100, 200], 10), 0.0, 0)
    validation = validate_laws(laws, draws, [50, 100, 200])
    np.testing.assert_allclose(validation.point_r2, 1.0)
    shifted = make_laws([-1.0, 2.0, -1.0], [1.0, 1.0, 1.0])
    validation = validate_laws(shifted, draws, [50, 100, 200])
    assert validation.point_r2[0] < 0
    figure, frame = plot_validation(shifted, validation)
    labels = figure.axes[1].get_legend_handles_labels()[1]
    assert labels == [
        "its own law (67% above 0.95)",
        "a line on log axes (100% above 0.95)",
    ]
    assert frame.point_r2.iloc[0] == validation.point_r2[0]
