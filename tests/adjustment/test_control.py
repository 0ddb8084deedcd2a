"""Adjusted draws, on draws whose shared part is planted."""

from dataclasses import replace

import numpy as np
import pytest

from data_scaling.adjustment import adjust, control
from data_scaling.contributions import Contributions
from data_scaling.errors import AdjustmentWarning, InputError
from data_scaling.learning_curve import LearningCurve

N_POINTS, N_DRAWS, N_EACH = 30, 20, 10


def plant(seed=0, *, shared=0.95, n_numbers=3, n_draws=N_DRAWS):
    """Return draws, quick draws of the same, and base draws with descriptors.

    A share of each point's variance is a linear function of the coalition's numbers.
    """
    rng = np.random.default_rng(seed)
    sizes = rng.integers(100, 1001, n_draws * (1 + N_EACH))
    number = rng.normal(size=(len(sizes), n_numbers)) / np.sqrt(sizes)[:, None]
    slope = rng.normal(size=(N_POINTS, n_numbers)) / np.sqrt(n_numbers)
    own = rng.normal(size=(N_POINTS, n_draws)) * sizes[:n_draws] ** -0.5
    level = rng.normal(size=(N_POINTS, 1))
    quick = (level + slope @ number.T) / sizes
    part = np.sqrt(shared) * slope @ number[:n_draws].T + np.sqrt(1 - shared) * own
    delta = (level + part) / sizes[:n_draws]
    curves = [
        LearningCurve(sizes[part].astype(np.int32), number[part, 0], number[part, 1:])
        for part in (slice(n_draws), slice(n_draws, None), slice(None))
    ]
    draws = Contributions(delta, sizes[:n_draws], coalitions=curves[0], base=curves[1])
    return draws, Contributions(quick, sizes, coalitions=curves[2])


def spread(draws):
    """Standard deviation of k delta about its mean, in units of k^-0.5."""
    level = draws.delta * draws.coalitions.cardinality
    left = level - np.nanmean(level, axis=1, keepdims=True)
    return np.sqrt(np.nanmean(left**2 * draws.coalitions.cardinality))


@pytest.mark.parametrize("kind", ["own", "shared"])
def test_what_the_coalitions_explain_is_removed(kind):
    draws, quick = plant()
    adjusted = adjust(draws, quick if kind == "own" else None)
    # 5 % are left and an eleventh of the rest, as each draw has ten base draws.
    assert spread(adjusted) < 0.55 * spread(draws)
    assert 0.7 < np.median(adjusted.variance_removed) < 0.95


def test_one_noisy_base_draw_for_each_removes_half():
    """Where quick draws are the draws: with the whole control nothing would be."""
    rng = np.random.default_rng(5)
    sizes = np.full(80, 100)
    delta = rng.normal(size=(200, 80))
    draws = Contributions(
        delta[:, :40], sizes[:40], coalitions=LearningCurve(sizes[:40], sizes[:40])
    )
    quick = Contributions(delta, sizes, coalitions=LearningCurve(sizes, sizes))
    adjusted = adjust(draws, quick)
    left = adjusted.delta.var() / draws.delta.var()
    assert left == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("noise", [0.01, 1.0])
def test_points_of_rare_coalitions_are_adjusted_though_no_draw_was_one(noise):
    """To every 50th coalition 400 of 1,000 points contribute 10; quick draws know it.

    Of 10 draws few were such a one. With 16 base draws for each, a seventeenth of what
    rare coalitions do to the squared error of a mean is left. A noise that quick draws
    do not know hides how the two go together, but on the other points.
    """
    rng = np.random.default_rng(7)
    n_points, n_draws, n_rare = 1000, 10, 400
    sizes = np.full(n_draws * 17, 100)
    quick = 0.1 * rng.normal(size=(n_points, len(sizes)))
    quick[:n_rare] *= 0.1
    quick[:n_rare] += 10.0 * (rng.random((n_rare, len(sizes))) < 0.02)
    own = noise * rng.normal(size=(n_rare, n_draws))
    delta = quick[:, :n_draws].copy()
    delta[:n_rare] += own
    curve = LearningCurve(sizes, sizes)
    draws = Contributions(
        delta, sizes[:n_draws], coalitions=curve.take(np.arange(n_draws))
    )
    adjusted = adjust(draws, Contributions(quick, sizes, coalitions=curve))
    plain, found = (
        np.mean(((part.delta[:n_rare] - own).mean(axis=1) - 0.2) ** 2)
        for part in (draws, adjusted)
    )
    assert plain > 14.0 * found


@pytest.mark.parametrize("kind", ["own", "shared"])
def test_controls_without_a_relation_leave_draws_as_they_are(kind):
    draws, quick = plant(shared=0.0)
    n_base = {"own": 220, "shared": 200}[kind]
    with pytest.warns(AdjustmentWarning, match=f"20 draws of each point by {n_base} "):
        adjusted = adjust(draws, quick if kind == "own" else None)
    assert spread(adjusted) < 1.02 * spread(draws)
    assert np.median(adjusted.variance_removed) < 0.1


@pytest.mark.parametrize("kind", ["own", "shared"])
def test_adjusting_is_equivariant(kind):
    draws, quick = plant()
    times, quick_times = (replace(d, delta=1e4 * d.delta) for d in (draws, quick))
    by_own = kind == "own"
    once = adjust(draws, quick if by_own else None)
    assert adjust(times, quick_times if by_own else None).delta == pytest.approx(
        1e4 * once.delta, rel=1e-6
    )


def test_points_alone_are_points_together():
    draws, quick = plant()
    together = adjust(draws, quick)
    # The common coefficient is that of all points, and close to that of a few.
    some = adjust(draws.take([3, 7, 9, 20]), quick.take([3, 7, 9, 20]))
    error = some.delta - together.delta[[3, 7, 9, 20]]
    assert np.std(error) < 0.1 * np.std(together.delta)


@pytest.mark.parametrize("kind", ["own", "shared"])
def test_failed_draws_stay_failed_and_do_not_spread(kind):
    draws, quick = plant()
    delta = draws.delta.copy()
    delta[4, [1, 5]] = np.nan
    holes = replace(draws, delta=delta)
    adjusted = adjust(holes, quick if kind == "own" else None)
    assert np.array_equal(np.isnan(adjusted.delta), np.isnan(delta))
    assert adjusted.variance_removed[4] > 0.5


def test_points_in_blocks_are_points_together(monkeypatch):
    draws, quick = plant()
    together = adjust(draws, quick)
    monkeypatch.setattr(control, "_BLOCK_BYTES", 7 * 32 * quick.n_draws)
    assert adjust(draws, quick).delta == pytest.approx(together.delta, rel=1e-12)


def test_points_that_do_not_vary_say_nothing_of_the_others():
    draws, quick = plant()
    delta = np.concatenate([draws.delta, np.zeros((5, N_DRAWS))])
    rows = np.concatenate([np.arange(N_POINTS), np.zeros(5, dtype=int)])
    wider = Contributions(delta, draws.cardinality[rows], coalitions=draws.coalitions)
    controls = Contributions(
        quick.delta[rows], quick.cardinality[rows], coalitions=quick.coalitions
    )
    adjusted = adjust(wider, controls)
    alone = adjust(draws, quick).delta
    assert adjusted.delta[:N_POINTS] == pytest.approx(alone, rel=1e-9)
    assert not adjusted.delta[N_POINTS:].any()


def test_failed_quick_draws_leave_their_draw_alone():
    draws, quick = plant()
    delta = quick.delta.copy()
    delta[4, [1, 50]] = np.nan
    adjusted = adjust(draws, replace(quick, delta=delta))
    assert adjusted.delta[4, 1] == draws.delta[4, 1]
    assert np.isfinite(adjusted.delta).all()


def test_other_fields_stay():
    draws, _ = plant()
    named = replace(draws, metric="log_loss", dataset="x")
    adjusted = adjust(named)
    assert (adjusted.metric, adjusted.dataset) == ("log_loss", "x")
    assert np.array_equal(adjusted.cardinality, draws.cardinality)
    few = adjusted.take([5, 2])
    assert np.array_equal(few.variance_removed, adjusted.variance_removed[[5, 2]])


def test_bad_input_is_refused():
    draws, quick = plant()
    with pytest.raises(InputError, match="coalitions are unknown"):
        adjust(replace(draws, coalitions=None))
    with pytest.raises(InputError, match="nothing to adjust by"):
        adjust(replace(draws, base=None))
    with pytest.raises(InputError, match="3 draws of each point"):
        adjust(draws.first(3))
    with pytest.raises(InputError, match="of 30 points, the base draws of 2"):
        adjust(draws, quick.take([0, 1]))
    with pytest.raises(InputError, match="on other coalitions"):
        adjust(draws, plant(seed=1)[1])
    with pytest.raises(InputError, match="1 base draws beside 20 draws"):
        adjust(draws, quick.first(21))
    bare = LearningCurve(draws.base.cardinality, draws.base.utility)
    with pytest.raises(InputError, match="2 descriptors, the base draws 0"):
        adjust(draws, bare)


def test_what_is_no_draws_or_adjusted_already_is_refused():
    draws, quick = plant()
    with pytest.raises(InputError, match="contributions is str"):
        adjust("draws.ledger")
    with pytest.raises(InputError, match="adjusted already"):
        adjust(adjust(draws, quick), quick)
