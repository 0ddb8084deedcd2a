"""What a notebook shows of laws."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from data_scaling.contributions import Contributions
from data_scaling.estimators import HierarchicalEstimator, LikelihoodEstimator


@pytest.fixture(scope="module")
def draws():
    rng = np.random.default_rng(0)
    k = rng.integers(20, 200, (30, 60))
    scale = np.linspace(-1, 2, 30)[:, None]
    delta = scale / k + rng.normal(size=k.shape) / k**1.5
    return Contributions(delta, k, np.arange(30) + 100, unit="nats")


@pytest.fixture(params=[HierarchicalEstimator, LikelihoodEstimator])
def laws(request, draws):
    return request.param().fit(draws)


def test_the_table_holds_both_ends_of_the_ranking(laws):
    shown = laws._repr_html_()
    order = laws.points[np.argsort(-laws.psi(int(laws.cardinality_range.max())))]
    points = re.findall(r"<tr><td>(\d+)</td>", shown)
    assert points == [str(point) for point in [*order[:3], *order[-3:]]]
    assert shown.count("<polyline") == 6
    HTMLParser().feed(shown)


def test_laws_that_all_failed_are_shown_by_their_status(draws):
    laws = LikelihoodEstimator().fit(draws)
    nothing = np.full(30, np.nan)
    failed = replace(laws, c=nothing, alpha=nothing)
    assert failed._repr_html_() == (
        "<p><b>&lt;PowerLaws of 30 points: 30 converged&gt;</b></p>"
    )
    assert "<svg" not in laws[:0]._repr_html_()


def test_plot_shows_the_law_of_a_point(laws, draws):
    figure, frame = laws.plot(129, draws)
    law = laws.take([129])
    np.testing.assert_allclose(frame["psi"], law.psi(frame["cardinality"])[0])
    low, high = law.interval(frame["cardinality"])
    np.testing.assert_allclose(frame["low"], low[0])
    np.testing.assert_allclose(frame["high"], high[0])
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log"]
    dots = figure.axes[0].collections[0].get_offsets()
    np.testing.assert_allclose(dots[:, 1], draws.take([129]).delta[0])
    figure.savefig("/dev/null", format="png")
