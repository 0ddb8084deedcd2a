import gzip

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression

from data_scaling.datasets import load_dataset, sources
from data_scaling.errors import DatasetError

WORKCLASSES = np.array(["Private", "State-gov", "Self-emp-inc", "?"])


def make_lines(n_rows, seed, label_end=""):
    """Rows in the form of the original files."""
    rng = np.random.default_rng(seed)
    age = rng.integers(17, 90, n_rows)
    workclass = rng.choice(WORKCLASSES, n_rows)
    income = np.where(age + rng.normal(0, 10, n_rows) > 60, ">50K", "<=50K")
    return [
        f"{age[i]}, {workclass[i]}, {77516 + i}, Bachelors, {i % 16}, Never-married, "
        f"Adm-clerical, Not-in-family, White, {'Male' if i % 3 else 'Female'}, "
        f"{i % 7}, {i % 5}, {20 + i % 40}, United-States, {income[i]}{label_end}"
        for i in range(n_rows)
    ]


@pytest.fixture
def folder(tmp_path):
    """Small files with the remark, the final dots and the blank lines."""
    data, test = make_lines(2_000, 1), ["|1x3 Cross validator"]
    test += make_lines(400, 2, label_end=".")
    (tmp_path / "adult.data").write_text("\n".join(data) + "\n\n")
    (tmp_path / "adult.test").write_text("\n".join(test) + "\n\n")
    return tmp_path


def test_both_files_are_pooled_split_and_standardised(folder):
    dataset = load_dataset("adult", folder, seed=2)

    assert dataset.classes == ("<=50K", ">50K")
    assert [len(dataset.x_train), len(dataset.x_val), len(dataset.x_test)] == [
        400,
        1_000,
        1_000,
    ]
    np.testing.assert_allclose(dataset.x_train.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(dataset.x_train.std(axis=0), 1.0)
    assert "workclass=?" in dataset.feature_names
    assert "education=Bachelors" not in dataset.feature_names, "it does not vary"


def test_row_ids_count_the_rows_of_both_files(folder):
    lines = make_lines(2_000, 1) + make_lines(400, 2)
    dataset = load_dataset("adult", folder)

    expected = [lines[row].rpartition(", ")[2] for row in dataset.row_ids]
    assert dataset.target_names(range(dataset.n_points)) == expected


def test_gzipped_files_and_the_environment_variable_give_the_same(folder, monkeypatch):
    plain = load_dataset("adult", folder)
    for name in ("adult.data", "adult.test"):
        content = (folder / name).read_bytes()
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        (folder / name).unlink()
    monkeypatch.setenv("DATA_SCALING_DATA", str(folder))

    assert load_dataset("adult").fingerprint == plain.fingerprint


def test_files_of_another_length_are_reported(folder, caplog):
    load_dataset("adult", folder)

    assert "hold 2400 rows; the original files hold 48842" in caplog.text


def test_a_missing_file_says_which_and_where(folder, monkeypatch):
    monkeypatch.setenv("DATA_SCALING_CACHE", str(folder / "cache"))
    monkeypatch.setattr(sources, "_try_download", lambda *_: "no network")
    (folder / "adult.test").unlink()
    with pytest.raises(DatasetError, match=r"adult.test or adult.test.gz, .* not in"):
        load_dataset("adult", folder)
    monkeypatch.delenv("DATA_SCALING_DATA", raising=False)
    with pytest.raises(DatasetError, match="variable DATA_SCALING_DATA"):
        load_dataset("adult")


def test_a_truncated_gzip_is_refused_with_file_and_line(folder):
    content = gzip.compress((folder / "adult.data").read_bytes())
    (folder / "adult.data").unlink()
    (folder / "adult.data.gz").write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match=r"adult.data.gz, after line \d+: the gzip"):
        load_dataset("adult", folder)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (", United-States", "", r"adult.data, line 1: 14 fields, but Adult has 15"),
        (", <=50K", ", maybe", r"adult.data, line \d+: the income is 'maybe'"),
        (", 77519,", ", many,", "line 4: fnlwgt is 'many', which is no number"),
    ],
)
def test_a_damaged_row_is_refused_with_file_and_line(folder, old, new, message):
    path = folder / "adult.data"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DatasetError, match=message):
        load_dataset("adult", folder)


def test_empty_files_are_refused(folder):
    for name in ("adult.data", "adult.test"):
        (folder / name).write_text("\n")
    with pytest.raises(DatasetError, match="hold no rows"):
        load_dataset("adult", folder)


@pytest.mark.real_data
def test_adult_has_the_papers_shape_and_class_share(data_dir):
    dataset = load_dataset("adult", data_dir)

    assert dataset.x_train.shape == (46_842, 108)
    assert dataset.x_val.shape == dataset.x_test.shape == (1_000, 108)
    assert round(100 * dataset.y_train.mean(), 1) == 23.9
    assert np.abs(dataset.x_train).max() > 200, "the one person from the Netherlands"


@pytest.mark.real_data
def test_logistic_regression_on_adult_is_right_in_85_percent(data_dir):
    """Test rows of five seeds, binomial test against 0.85, false-alarm rate 1e-3."""
    n_right = 0
    for seed in range(5):
        dataset = load_dataset("adult", data_dir, seed=seed)
        model = LogisticRegression().fit(dataset.x_train, dataset.y_train)
        n_right += int(np.sum(model.predict(dataset.x_test) == dataset.y_test))

    assert stats.binomtest(n_right, 5_000, 0.85).pvalue > 1e-3
