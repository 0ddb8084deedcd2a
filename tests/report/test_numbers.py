"""The numbers that a page holds are those of the run."""

import base64
import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from planted_runs import make_run, plant_laws

from data_scaling.contributions import Contributions
from data_scaling.datasets import Previews
from data_scaling.estimators import LikelihoodEstimator
from data_scaling.laws import PowerLaws
from data_scaling.report.cells import fill_cells, place_points
from data_scaling.report.draws import MISSING, encode_draws
from data_scaling.report.ends import write_ends
from data_scaling.report.figures import count_parameters, explained_share
from data_scaling.report.parameters import write_parameters
from data_scaling.report.payload import pack
from data_scaling.report.previews import select_previews
from data_scaling.report.shown import N_ENDS, Sizes, choose_listed
from data_scaling.validation import validate_laws

SIZES = Sizes(100, 1000, 300_000, 1000)


def evaluate_power(columns, reference, k):
    u, alpha, v_uu, v_ua, v_aa = columns.T[:5]
    log_ratio = np.log(k / reference)
    psi = u * np.exp(-alpha * log_ratio)
    variance = v_uu - 2 * log_ratio * v_ua + log_ratio**2 * v_aa
    return psi, np.abs(psi) * np.sqrt(variance)


@pytest.mark.parametrize("k", [1.0, 100.0, 750.0, 1e6])
def test_power_laws_are_written_without_loss(k):
    laws = plant_laws(50, "power", np.random.default_rng(1))
    written = write_parameters(laws, 316.0)
    psi, std = evaluate_power(written.columns, 316.0, k)
    np.testing.assert_allclose(psi, laws.psi(k), rtol=1e-9)
    np.testing.assert_allclose(std, laws.psi_std(k), rtol=1e-6)
    low, high = laws.interval(k)
    np.testing.assert_allclose((high - low) / 2, written.quantile * std, rtol=1e-6)
    assert write_ends(laws, 316.0, 1e6) is None


def fit_weak_signals(n_points):
    """Power laws of noise, whose likelihood is not symmetric."""
    rng = np.random.default_rng(6)
    k = np.geomspace(100, 1000, 30).round()
    draws = Contributions((0.2 + rng.normal(size=(n_points, 30))) / k, k)
    return LikelihoodEstimator().fit(draws)


def evaluate_end(end, side, psi, log_ratio):
    """Evaluate one end as the page does."""
    found = np.empty(len(psi))
    for i in range(len(psi)):
        lines = slice(end.start[i], end.start[i + 1])
        heights = end.log_end[lines] - end.alpha[lines] * log_ratio
        pick = np.max if end.sign[i] == side else np.min
        found[i] = end.sign[i] * np.exp(pick(heights))
    return side * np.maximum(side * found, side * psi)


@pytest.mark.parametrize("k", [1.0, 100.0, 316.0, 999.0, 1e5])
def test_ends_by_the_likelihood_are_written_without_loss(k):
    laws = fit_weak_signals(400)
    assert ((laws.interval(k)[0] > 0) | (laws.interval(k)[1] < 0)).any()
    lower, upper = write_ends(laws, 316.0, 1e5)
    for end, side, expected in zip(
        (lower, upper), (-1, 1), laws.interval(k), strict=True
    ):
        found = evaluate_end(end, side, laws.psi(k), np.log(k / 316.0))
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    # Of the 36 lines few are ever an end of the interval.
    assert len(lower.alpha) < 12 * len(laws)


def test_points_without_cells_keep_their_symmetric_interval():
    laws = fit_weak_signals(3)
    cells = laws.cells.copy()
    cells[1] = np.nan
    lower, _ = write_ends(replace(laws, cells=cells), 316.0, 1e5)
    assert (lower.sign != 0).tolist() == [True, False, True]
    assert lower.start[1] == lower.start[2]


def test_cells_hold_psi_also_where_it_is_not_the_middle_of_its_interval():
    laws = fit_weak_signals(60)
    cells = fill_cells(laws, place_points(laws, 316.0), np.array([100.0]))
    total = np.sum(cells.psi[0] * cells.count)
    assert total == pytest.approx(laws.psi(100.0).sum(), rel=1e-9)


def test_steep_and_silent_power_laws_fit_into_single_precision():
    """c of 1e44 has no place in 32 bits, and a c of 0 no exponent."""
    laws = PowerLaws(
        points=[0, 1],
        c=[1e44, 0.0],
        alpha=[20.0, np.nan],
        sigma=[1.0, 0.0],
        beta=[2.0, np.nan],
        covariance=np.zeros((2, 4, 4)),
        status=[0, 4],
        n_draws=[9, 9],
        cardinality_range=[[100, 1000]] * 2,
    )
    columns = write_parameters(laws, 316.0).columns.astype(np.float32)
    psi, _ = evaluate_power(columns[:, :5].astype(float), 316.0, 500.0)
    np.testing.assert_allclose(psi, laws.psi(500.0), rtol=1e-4)


def test_draws_are_good_to_two_percent():
    rng = np.random.default_rng(2)
    k = rng.integers(100, 1001, (30, 40))
    delta = rng.normal(size=k.shape) / k
    delta[3, 5], delta[4] = np.nan, 0.0
    codes = encode_draws(Contributions(delta, k), 40)
    assert codes.delta[3, 5] == MISSING
    assert not codes.delta[4].any()
    level = np.abs(codes.delta.astype(float)) / 127
    share = np.sign(codes.delta) * np.expm1(level * np.log(256)) / 255
    decoded = share * codes.scale[:, None] / k
    known = codes.delta != MISSING
    largest = codes.scale[:, None] / k
    error = np.abs(decoded - delta)[known]
    assert (error <= (0.023 * np.abs(delta) + 1e-4 * largest)[known]).all()
    sizes = codes.smallest * (codes.largest / codes.smallest) ** (
        codes.cardinality / 255
    )
    np.testing.assert_allclose(sizes, k, rtol=0.005)


def test_cells_hold_every_point_and_their_mean():
    laws = plant_laws(4000, "power", np.random.default_rng(3))
    place = place_points(laws, 300.0)
    cells = fill_cells(laws, place, np.array([100.0, 5000.0]))
    assert cells.count.sum() == 4000
    for j, k in enumerate((100.0, 5000.0)):
        psi = laws.psi(k)
        for sign, of_cells in ((psi > 0, cells.is_positive == 1), (psi < 0, None)):
            chosen = of_cells if of_cells is not None else cells.is_positive == 0
            total = np.sum(cells.psi[j, chosen] * cells.count[chosen])
            assert total == pytest.approx(psi[sign].sum(), rel=1e-9)
        low, high = laws.interval(k)
        n_sure = np.sum((low > 0) | (high < 0))
        assert np.sum(cells.sure[j] * cells.count) == pytest.approx(n_sure)


def test_both_ends_of_a_long_ranking_are_listed_at_every_size():
    laws = plant_laws(30_000, "expansion", np.random.default_rng(4))
    listed = choose_listed(laws, SIZES)
    assert len(listed.rows) == 25_000
    kept = set(listed.rows.tolist())
    for k in SIZES.grid:
        order = np.argsort(-laws.psi(k), kind="stable")
        assert kept.issuperset(order[:N_ENDS].tolist())
        assert kept.issuperset(order[-N_ENDS:].tolist())
    np.testing.assert_array_equal(listed.rows, choose_listed(laws, SIZES).rows)
    few = choose_listed(laws, SIZES, 400)
    assert len(few.rows) == 400
    assert few.n_ends == 4
    assert set(few.rows).issuperset(order[-3:].tolist())


def test_few_points_are_all_listed():
    laws = plant_laws(40, "power", np.random.default_rng(4))
    assert choose_listed(laws, SIZES).rows.tolist() == list(range(40))


def test_previews_of_the_first_points_are_kept_where_space_is_short():
    texts = [f"text {i} " + "x" * 92 for i in range(50)]
    table = make_run(50, previews=Previews(50, texts)).points
    importance = np.arange(50.0)[::-1]
    shown, pictures = select_previews(table, np.arange(50), importance, 1000)
    assert len(shown["texts"]) == 10
    assert shown["texts"][0] == texts[49]
    assert shown["of"][49] == 0
    assert shown["of"][0] == -1
    assert pictures == {}


def test_histograms_count_every_point():
    laws = plant_laws(500, "power", np.random.default_rng(5))
    for histogram in count_parameters(laws, 300.0, "nats"):
        total = histogram.positive.sum() + histogram.negative.sum()
        assert total + histogram.n_outside == 500
        assert histogram.n_outside <= 15
    positive = count_parameters(laws, 300.0, "nats")[0].positive.sum()
    assert positive == pytest.approx((laws.c > 0).sum(), abs=15)


def test_the_explained_share_is_near_one_for_true_laws_and_falls_for_wrong_ones():
    """Means of 20 draws at each size; over 300 points the median is nearly certain."""
    run = make_run(300, n_draws=200)
    true = explained_share(validate_laws(run.laws, run.contributions))
    wrong = explained_share(validate_laws(run.laws, run.contributions.take(range(300))))
    np.testing.assert_array_equal(true, wrong)
    shuffled = run.laws[np.roll(np.arange(300), 1)]
    object.__setattr__(shuffled, "points", run.laws.points)
    mixed = explained_share(validate_laws(shuffled, run.contributions))
    assert np.median(true) > 0.5
    assert np.median(mixed) < 0


def test_a_block_is_unpacked_to_the_same_arrays():
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array([-128, 127], dtype=np.int8),
        "c": np.array([np.nan, 2.5]),
    }
    texts = {"x": float("nan"), "y": ["é", np.int64(3)], "z": np.array([1.0, np.inf])}
    block = gzip.decompress(base64.b64decode(pack(texts, arrays)))
    length = int.from_bytes(block[:4], "little")
    header = json.loads(block[4 : 4 + length])
    assert (header["x"], header["y"], header["z"]) == (None, ["é", 3], [1.0, None])
    for name, array in arrays.items():
        place = header["arrays"][name]
        start = 4 + length + place["offset"]
        assert start % 8 == 0
        found = np.frombuffer(block, array.dtype, place["length"], start)
        np.testing.assert_array_equal(found, array.ravel())
    assert header["arrays"]["a"]["width"] == 3
    assert pack(texts, arrays) == pack(texts, arrays)
