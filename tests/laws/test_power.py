from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from data_scaling.contributions import Contributions
from data_scaling.errors import InputError
from data_scaling.estimators import LikelihoodEstimator
from data_scaling.laws import FitStatus, PowerLaws, load_laws


def build(**changes):
    c, alpha = np.array([2.0, -3.0, 0.0]), np.array([1.0, 1.5, np.nan])
    covariance = np.zeros((3, 4, 4))
    covariance[:, 0, 0] = [0.04, 0.09, 0.0]
    covariance[:, 1, 1] = [0.01, 0.0, 0.0]
    covariance[:, 0, 1] = covariance[:, 1, 0] = [0.01, 0.0, 0.0]
    arrays = {
        "points": np.array([8, 3, 5]),
        "c": c,
        "alpha": alpha,
        "sigma": np.array([1.0, 0.5, 0.0]),
        "beta": np.array([2.0, 1.0, np.nan]),
        "covariance": covariance,
        "status": np.array([0, 1, FitStatus.NO_SIGNAL]),
        "n_draws": np.array([20, 3, 20]),
        "cardinality_range": np.array([[10, 100]] * 3),
    }
    return PowerLaws(**(arrays | changes))


def test_psi_is_the_power_law_at_every_shape_of_k():
    laws = build()
    assert laws.psi(4).tolist() == pytest.approx([0.5, -0.375, 0.0])
    assert laws.psi([1, 4]).shape == (3, 2)
    np.testing.assert_allclose(laws.psi([[4], [1], [9]])[:, 0], [0.5, -3.0, 0.0])
    assert laws.psi([]).shape == (3, 0)


def test_noise_falls_with_half_of_beta():
    np.testing.assert_allclose(build().noise_std(16), [1 / 16, 0.125, 0.0])


def test_standard_error_is_the_delta_method():
    k = 10.0
    gradient = np.array([1 / k, -2 * np.log(k) / k])
    variance = gradient @ np.array([[0.04, 0.01], [0.01, 0.01]]) @ gradient
    np.testing.assert_allclose(
        build().psi_std(k), [np.sqrt(variance), 0.3 * k**-1.5, 0.0]
    )


def test_intervals_use_the_degrees_of_freedom_of_each_point():
    laws = build()
    low, high = laws.interval([10, 20], 0.9)
    half = (high - low) / 2 / np.where(laws.psi_std([10, 20]) > 0, 1, np.nan)
    ratio = half / laws.psi_std([10, 20]).clip(1e-300)
    np.testing.assert_allclose(ratio[0], stats.t(16).ppf(0.95))
    np.testing.assert_allclose(ratio[1], stats.t(1).ppf(0.95))
    assert (low[2] == 0).all()


def test_probability_negative_follows_the_sign():
    probability = build().probability_negative(10)
    assert probability[0] < 0.01
    assert probability[1] > 0.9
    assert probability[2] == 0


def test_exponent_is_alpha_and_the_tangent_is_the_law_itself():
    laws = build()
    np.testing.assert_array_equal(laws.exponent([5, 6])[0], [1.0, 1.0])
    assert laws.tangent(50) is laws


def test_rows_are_chosen_by_mask_position_slice_and_point():
    laws = build()
    for rows in (laws[laws.c < 0], laws[1], laws[1:2], laws[[1]], laws.take([3])):
        assert rows.points.tolist() == [3]
        assert rows.covariance.shape == (1, 4, 4)
        assert len(rows) == 1


def test_points_with_and_without_cells_have_intervals_at_sizes_of_their_own():
    rng = np.random.default_rng(6)
    k = np.geomspace(100, 1000, 30).round()
    draws = Contributions((0.2 + rng.normal(size=(5, 30))) / k, k)
    laws = LikelihoodEstimator().fit(draws)
    cells = laws.cells.copy()
    cells[2] = np.nan
    mixed = replace(laws, cells=cells)
    sizes = rng.uniform(100, 1000, (5, 3))
    for ends, side in zip(mixed.interval(sizes), (0, 1), strict=True):
        for i in range(5):
            alone = mixed[i].interval(sizes[i])[side]
            np.testing.assert_allclose(ends[i], alone[0], rtol=1e-12)


def test_frame_names_every_parameter_and_status():
    frame = build().to_frame()
    assert list(frame.columns) == [
        *("point", "row", "c", "alpha", "sigma", "beta"),
        *("c_std", "alpha_std", "sigma_std", "beta_std"),
        *("n_draws", "min_cardinality", "max_cardinality", "status"),
    ]
    assert frame.status.tolist() == ["converged", "at bound", "no signal"]
    assert frame.c_std.tolist() == pytest.approx([0.2, 0.3, 0.0])


def test_file_gives_back_every_bit(tmp_path):
    laws = build()
    laws.save(tmp_path / "new" / "laws.npz")
    again = load_laws(tmp_path / "new" / "laws.npz")
    for name in PowerLaws.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(laws, name))
        assert type(getattr(again, name)) is type(getattr(laws, name))
        dtypes = (np.asarray(getattr(each, name)).dtype for each in (again, laws))
        assert len(set(dtypes)) == 1


def write_npz(path, **arrays):
    np.savez(path, **arrays)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.write_text("hello"), "not a file of laws"),
        (lambda path: path.write_bytes(b""), "not a file of laws"),
        (lambda path: write_npz(path, x=np.ones(3)), "not a file of laws"),
        (
            lambda path: write_npz(
                path,
                header='{"format": "data_scaling laws", "version": 99, "kind": "x"}',
            ),
            "version 99.*version 1",
        ),
        (
            lambda path: write_npz(
                path,
                header='{"format": "data_scaling laws", "version": 1, "kind": "x"}',
            ),
            "kind 'x'.*power",
        ),
        (
            lambda path: write_npz(
                path,
                header='{"format": "data_scaling laws", "version": 1, "kind": "power"}',
            ),
            "lacks arrays",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, write, message):
    path = tmp_path / "laws.npz"
    write(path)
    with pytest.raises(InputError, match=message):
        load_laws(path)


def test_truncated_file_is_refused(tmp_path):
    path = tmp_path / "laws.npz"
    build().save(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        load_laws(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        load_laws(tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("k", "message"),
    [
        (0.5, "holds 0.5"),
        (np.nan, "finite"),
        (np.ones((2, 3)), r"shape \(2, 3\).*3 points"),
        (np.ones((1, 1, 1)), "shape"),
    ],
)
def test_bad_sizes_are_refused(k, message):
    with pytest.raises(InputError, match=message):
        build().psi(k)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_bad_levels_are_refused(level):
    with pytest.raises(InputError, match="between 0 and 1"):
        build().interval(10, level)


def test_shapes_that_disagree_are_refused():
    with pytest.raises(InputError, match=r"covariance has shape \(3, 2, 2\)"):
        build(covariance=np.zeros((3, 2, 2)))


def test_every_status_says_what_to_do():
    sentences = {status.sentence for status in FitStatus}
    assert len(sentences) == len(FitStatus)
    assert all(sentence.endswith(".") for sentence in sentences)
