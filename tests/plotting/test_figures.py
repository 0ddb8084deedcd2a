"""Figures of the applications: frames hold the numbers, axes their names."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from test_convergence import SIZES, make_draws
from test_ranking import make_laws

from data_scaling._agreement import agreement
from data_scaling.addition import Additions
from data_scaling.convergence import study_convergence
from data_scaling.errors import InputError
from data_scaling.estimators import (
    AggregateLikelihoodEstimator,
    HierarchicalEstimator,
    LikelihoodEstimator,
)
from data_scaling.learning_curve import LearningCurve
from data_scaling.mislabelling import Detection
from data_scaling.plotting import (
    plot_additions,
    plot_convergence,
    plot_detection,
    plot_distance,
    plot_histogram,
    plot_learning_curve,
    plot_values,
    summarise_laws,
)
from data_scaling.plotting.histogram import KINDS
from data_scaling.plotting.style import label_sizes


def test_distances_stand_beside_the_laws_and_their_correlations():
    laws = make_laws([1.0, -2.0, 4.0, 8.0, 1.0, 2.0], [1, 2, 3, 1, 2, 3])
    distance = np.array([1.0, 2.0, 3.0, 3.0, 2.0, 1.0])
    figure, frame = plot_distance(laws, distance, list("aaabbb"))
    np.testing.assert_allclose(frame.log_c, np.log(np.abs(laws.c)))
    assert frame.alpha_pearson.tolist() == pytest.approx([1] * 3 + [-1] * 3)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["a: r = 1.00, rank 1.00", "b: r = -1.00, rank -1.00"]


@pytest.fixture(scope="module")
def study():
    return study_convergence(
        HierarchicalEstimator().fit, make_draws(1), make_draws(2), [12, 120], SIZES
    )


@pytest.mark.parametrize("measure", ["r2", "mse", "spearman"])
def test_convergence_lists_every_method_number_of_draws_and_size(study, measure):
    figure, frame = plot_convergence(
        {"one": study, "two": study}, measure=measure, fitted_up_to=100
    )
    assert len(frame) == 2 * 2 * 3
    table = frame[frame.method == "two"].pivot(
        index="n_draws", columns="cardinality", values=measure
    )
    np.testing.assert_allclose(table, getattr(study, measure))
    left, right = figure.axes
    shown = left.lines[0].get_ydata()
    np.testing.assert_allclose(shown, np.median(getattr(study, measure)[:, :2], axis=1))
    assert right.get_title() == "from 120 draws"


def test_sizes_beyond_the_fit_are_shown_all_the_same(study):
    """The left panel was empty where no size lay inside the fitted range."""
    figure, _ = plot_convergence({"one": study}, fitted_up_to=20)
    shown = figure.axes[0].lines[0].get_ydata()
    np.testing.assert_allclose(shown, np.median(study.r2, axis=1))
    assert figure.axes[0].get_title() == "median over sizes beyond the fitted sizes"


def test_a_method_far_below_nothing_is_named_where_it_is_cut_off(study):
    bad = replace(study, r2=np.full_like(study.r2, -5.0))
    figure, _ = plot_convergence({"good": study, "bad": bad})
    for axes in figure.axes:
        assert axes.get_ylim()[0] == -1.0
        assert [text.get_text() for text in axes.texts] == ["below -1: bad"]


def test_labels_of_sizes_are_spread_in_ratio():
    axes = Figure().subplots()
    label_sizes(axes, np.array([2500.0, 5000, 7500, 10000, 15000, 20000, 25000]))
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert labels == ["2,500", "5,000", "7,500", "15,000", "25,000"]


def test_an_unknown_measure_and_no_study_are_refused(study):
    with pytest.raises(InputError, match="'mae'"):
        plot_convergence({"one": study}, measure="mae")
    with pytest.raises(InputError, match="no studies"):
        plot_convergence({})


def test_values_are_listed_by_method_and_number_of_draws():
    found = [agreement([1.0, 2.0, 2.5], [1.0, 2.0, 3.0]) for _ in range(2)]
    figure, frame = plot_values({"laws": found}, [10, 20], unit="nats")
    assert frame.n_draws.tolist() == [10, 20]
    assert frame.spearman.tolist() == [1.0, 1.0]
    assert [axes.get_xlabel() for axes in figure.axes] == ["draws per point"] * 3
    assert figure.axes[0].get_ylabel() == "mean squared error\n(square of nats)"


def test_additions_are_listed_with_errors_and_differences_from_random():
    rng = np.random.default_rng(0)
    change = rng.normal(size=(50, 2, 2, 1))
    found = Additions(("best", "random"), np.array([500, 5000]), ("accuracy",), change)
    figure, frame = plot_additions(found, units=["share"])
    best = frame[(frame.selection == "best") & (frame.cardinality == 5000)].iloc[0]
    assert best.change == pytest.approx(change[:, 0, 1, 0].mean())
    excess = change[:, 0, 1, 0] - change[:, 1, 1, 0]
    assert best.beyond_random == pytest.approx(excess.mean())
    assert best.beyond_random_error == pytest.approx(excess.std(ddof=1) / 50**0.5)
    assert [axes.get_title() for axes in figure.axes] == [
        "added to 500 points",
        "added to 5,000 points",
    ]
    label = "gain in accuracy (share)\nbars: 2 standard errors"
    assert {axes.get_xlabel() for axes in figure.axes} == {label}


def test_the_best_score_stands_first():
    scores = {"loss": Detection(0.7, 0.4), "psi": Detection(0.9, 0.6)}
    figure, frame = plot_detection(scores, chance=0.1)
    assert frame.score.tolist() == ["psi", "loss"]
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ticks == ["psi", "loss"]
    label = "precision among the 10% of lowest score"
    assert figure.axes[1].get_xlabel() == label


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_histogram_shows_its_numbers(kind):
    draws = make_draws(1)
    laws = LikelihoodEstimator().fit(draws)
    summary = summarise_laws(laws, draws, SIZES)
    figure, frame = plot_histogram(kind, [("adult", summary), ("imdb", summary)])
    assert len(frame) == 2 * 60
    for name in KINDS[kind]:
        shown = frame.loc[frame.panel == "imdb", name]
        np.testing.assert_array_equal(shown, getattr(summary, name))
    assert [axes.get_title() for axes in figure.axes] == ["adult", "imdb"]
    figure.canvas.draw()


def test_scales_of_both_signs_are_counted():
    draws = make_draws(1)
    summary = summarise_laws(LikelihoodEstimator().fit(draws), draws, SIZES)
    figure, frame = plot_histogram("c", [("adult", summary)])
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == [f"c > 0: {(frame.c > 0).sum()}", f"c < 0: {(frame.c < 0).sum()}"]
    assert figure.axes[0].get_xscale() == "log"


def test_summaries_hold_the_laws_and_the_means():
    draws = make_draws(1)
    laws = LikelihoodEstimator().fit(draws)
    summary = summarise_laws(laws, draws, SIZES)
    np.testing.assert_array_equal(summary.sigma2, laws.sigma**2)
    first = draws.delta[:, draws.cardinality[0] == SIZES[0]].mean(axis=1)
    np.testing.assert_allclose(summary.psi_smallest, np.abs(first))
    with pytest.raises(InputError, match="'gamma'"):
        plot_histogram("gamma", [("adult", summary)])


def test_the_learning_curve_stands_beside_its_law():
    rng = np.random.default_rng(0)
    k = rng.integers(50, 1000, 200).astype(np.int32)
    utility = -(0.3 + 4 / k + 0.01 * rng.normal(size=200))
    curve = LearningCurve(k, utility, unit="nats")
    law = AggregateLikelihoodEstimator().fit(k, -utility)
    figure, frame = plot_learning_curve(curve, law)
    np.testing.assert_allclose(frame.error, -utility)
    np.testing.assert_allclose(frame.predicted, law.error(k))
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "error (nats)",
        "error above eps (nats)",
        "eps (nats)",
    ]
