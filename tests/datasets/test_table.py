import gzip
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from data_scaling.datasets import read_table
from data_scaling.errors import DatasetError, InputError, MissingExtraError

HEADER = "age,city,member,income"
ROWS = [
    f"{'' if i % 10 == 0 else 20 + i},{'Rome' if i % 3 else 'Oslo'},"
    f"{i % 4 == 0},{'high' if i % 2 else 'low'}"
    for i in range(60)
]
CSV = "\n".join([HEADER, *ROWS]) + "\n"


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="people.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def test_a_csv_becomes_a_split_and_prepared_dataset(write):
    dataset = read_table(write(CSV), "income")

    assert dataset.name == "people"
    assert dataset.classes == ("high", "low")
    assert dataset.feature_names == (
        "age",
        "city=Oslo",
        "city=Rome",
        "member=False",
        "member=True",
    )
    assert [len(dataset.x_train), len(dataset.x_val), len(dataset.x_test)] == [
        36,
        12,
        12,
    ]
    assert abs(dataset.x_train[:, 0].mean()) < 1e-12


def test_row_ids_count_data_rows_from_zero_without_blank_lines(write):
    content = CSV.replace("\n", "\n\n", 3)
    dataset = read_table(write(content), "income")

    expected = ["high" if row % 2 else "low" for row in dataset.row_ids]
    assert dataset.target_names(range(dataset.n_points)) == expected
    oslo = dataset.x_train[:, dataset.feature_names.index("city=Oslo")]
    assert np.array_equal(oslo == 1.0, dataset.row_ids % 3 == 0)


@pytest.mark.parametrize("form", ["csv.gz", "parquet", "categories.parquet", "bom.csv"])
def test_every_form_of_a_table_gives_the_same_dataset(write, tmp_path, form):
    reference = read_table(write(CSV), "income")
    path = tmp_path / f"same.{form}"
    frame = pd.read_csv(tmp_path / "people.csv")
    if form == "csv.gz":
        path.write_bytes(gzip.compress(CSV.encode()))
    elif form == "bom.csv":
        path.write_bytes(b"\xef\xbb\xbf" + CSV.encode())
    else:
        if form == "categories.parquet":
            frame["city"] = frame["city"].astype("category")
            frame["age"] = frame["age"].astype("Int64")
        # An index that pandas stores is no column of the table.
        frame.index = pd.Index(range(500, 560), name="key")
        frame.to_parquet(path)
    dataset = read_table(path, "income")

    assert dataset.fingerprint == reference.fingerprint
    assert dataset.feature_names == reference.feature_names


def test_a_column_without_a_name_is_left_out(write):
    content = "\n".join([f",{HEADER}"] + [f"{i},{row}" for i, row in enumerate(ROWS)])
    indexed = read_table(write(content), "income")

    assert indexed.fingerprint == read_table(write(CSV, "b.csv"), "income").fingerprint


def test_seed_sizes_and_drop_are_honoured(write):
    path = write(CSV)
    dataset = read_table(
        path, "income", val_size=10, test_size=0, drop=["city"], name="mine", seed=1
    )

    assert dataset.name == "mine"
    assert len(dataset.x_val) == 10
    assert len(dataset.x_test) == 0
    assert dataset.feature_names == ("age", "member=False", "member=True")
    other = read_table(path, "income", val_size=10, test_size=0, seed=2)
    assert not np.array_equal(dataset.row_ids, other.row_ids)


@pytest.mark.parametrize(
    ("values", "task", "expected", "classes"),
    [
        (np.arange(60) % 3, None, "classification", ("0", "1", "2")),
        (np.arange(60) % 2 * 1.0, None, "classification", ("0", "1")),
        (np.arange(60) % 2 == 0, None, "classification", ("False", "True")),
        (np.arange(60), None, "regression", ()),
        (np.arange(60) % 2 + 0.5, None, "regression", ()),
        (np.arange(60) % 3, "regression", "regression", ()),
        (np.arange(60) % 2 == 0, "regression", "regression", ()),
        (np.arange(60) % 2 + 0.5, "classification", "classification", ("0.5", "1.5")),
    ],
)
def test_the_task_follows_the_target_unless_asked(
    tmp_path, values, task, expected, classes
):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"x": np.arange(60.0), "y": values}).to_parquet(path)
    dataset = read_table(path, "y", task=task)

    assert dataset.task == expected
    assert dataset.classes == classes
    if expected == "regression":
        assert np.array_equal(dataset.y_train, np.asarray(values)[dataset.row_ids])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "incme"}, r"no target column 'incme'. Its columns are 'income'"),
        ({"drop": ["City"]}, r"no column 'City'. Its columns are 'city'"),
        ({"drop": ["income"]}, "'income' is also in drop"),
        ({"drop": ["age", "city", "member"]}, "no column besides the target"),
        ({"target": "age"}, r"'age' is missing in 6 of 60 rows, the first is row 0"),
        ({"target": "city", "task": "regression"}, "no numbers, such as 'Oslo'"),
    ],
)
def test_bad_requests_are_refused(write, change, message):
    with pytest.raises(DatasetError, match=message):
        read_table(write(CSV), **{"target": "income", **change})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        (HEADER + "\n", "holds 0 rows and 4 columns"),
        (CSV + "30,Rome,True\n", r"line 62: 3 fields, .* has 4"),
        (CSV.replace("21,Rome", "21,Rome,x"), r"line 3: 5 fields"),
        (CSV.replace("city", "age", 1), "several columns of the same name: age"),
        (CSV.replace("21,", "inf,", 1), r"'age' is infinite in 1 rows, .* row 1 "),
        (CSV.replace(",low", ",high"), r"one class only \(high, 60 rows\)"),
        (CSV.replace(",low", ",rare", 2), r"fewer than 3 rows .*: rare \(2 rows\)"),
        (CSV.encode() + b"\xff,Rome,True,low\n", "not delimited UTF-8 text"),
        ("y\n" + "a\nb\n" * 9, "no column besides the target"),
    ],
)
def test_bad_csv_files_are_refused(write, content, message):
    target = "y" if content[:1] == "y" else "income"
    with pytest.raises(DatasetError, match=message):
        read_table(write(content), target)


def test_a_truncated_gzip_is_refused_with_the_line(write):
    rng = np.random.default_rng(0)
    noise = "".join(f"{x},{x > 0}\n" for x in rng.normal(size=20_000))
    cut = gzip.compress(("x,y\n" + noise).encode())[:-5_000]
    with pytest.raises(DatasetError, match=r"cut.csv.gz, after line 1\d{4}: the gzip"):
        read_table(write(cut, "cut.csv.gz"), "y")


@pytest.mark.parametrize("content", [b"", b"PAR1 no such thing PAR1", b"a,b\n1,2\n"])
def test_an_unreadable_parquet_is_refused(write, content):
    with pytest.raises(DatasetError, match="cannot be read as Parquet"):
        read_table(write(content, "broken.parquet"), "y")


def test_missing_files_and_unknown_endings_are_refused(write, tmp_path):
    with pytest.raises(DatasetError, match="There is no file"):
        read_table(tmp_path / "none.csv", "y")
    with pytest.raises(DatasetError, match="tells no known format"):
        read_table(write(CSV, "people.xlsx"), "income")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([f"id-{i}" for i in range(60)], "'z' has 60 different values in 60 rows"),
        (
            ["?", *map(str, range(59))],
            r"drop=\['z'\] \(--drop\), .*\. Most .* numbers, but 1 are not, .* '\?'",
        ),
        (pd.date_range("2024-01-01", periods=60), "of the kind 'datetime64'"),
        ([b"x", b"y"] * 30, "of the kind 'bytes'"),
        ([[1], [2]] * 30, "of the kind 'mixed'"),
    ],
)
def test_columns_that_cannot_be_made_numeric_are_refused(tmp_path, column, message):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"z": column, "y": ["a", "b"] * 30}).to_parquet(path)
    with pytest.raises(DatasetError, match=message):
        read_table(path, "y")


def test_a_column_of_thousands_of_strings_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    strings = [f"s{i % 1_100}" for i in range(4_400)]
    pd.DataFrame({"z": strings, "y": ["a", "b"] * 2_200}).to_parquet(path)
    with pytest.raises(DatasetError, match="'z' has 1100 different values"):
        read_table(path, "y")


def test_options_out_of_range_are_refused(write):
    path = write(CSV)
    with pytest.raises(InputError, match="task is 'ranking'"):
        read_table(path, "income", task="ranking")
    with pytest.raises(InputError, match="separator is ''"):
        read_table(path, "income", separator="")
    with pytest.raises(InputError, match=r"val_size is 2\.5"):
        read_table(path, "income", val_size=2.5)


def test_another_separator_is_read(write):
    path = write(CSV.replace(",", ";"))

    dataset = read_table(path, "income", separator=";")
    with pytest.raises(DatasetError, match=r"Is its separator another.*--separator"):
        read_table(path, "income")
    assert dataset.fingerprint == read_table(write(CSV, "b.csv"), "income").fingerprint


def test_without_pandas_the_message_names_the_extra(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'data-scaling\[data\]'"):
        read_table(write(CSV), "income")


@pytest.mark.real_data
def test_california_housing_is_prepared_as_a_regression(data_dir):
    dataset = read_table(data_dir / "california_housing.parquet", "median_house_value")

    assert dataset.task == "regression"
    assert dataset.x_train.shape == (12_384, 13)
    assert sum("ocean_proximity=" in name for name in dataset.feature_names) == 5
    model = LinearRegression().fit(dataset.x_train, dataset.y_train)
    assert 0.6 < model.score(dataset.x_test, dataset.y_test) < 0.7


@pytest.mark.real_data
def test_spambase_is_prepared_as_a_classification(data_dir):
    dataset = read_table(data_dir / "spambase.parquet", "label")

    assert dataset.classes == ("0", "1")
    assert len(dataset.x_train) + len(dataset.x_val) + len(dataset.x_test) == 4_601
    assert dataset.n_features == 57
    model = LogisticRegression(max_iter=1_000).fit(dataset.x_train, dataset.y_train)
    assert model.score(dataset.x_test, dataset.y_test) > 0.9


def test_identifiers_of_a_csv_are_kept_as_they_are_written(write):
    numbered = [f"{i:03d},{row}" for i, row in enumerate(ROWS)]
    dataset = read_table(
        write("\n".join([f"key,{HEADER}", *numbered])), "income", row_id="key"
    )
    plain = [f"{i},{row}" for i, row in enumerate(ROWS)]
    counted = read_table(
        write("\n".join([f"key,{HEADER}", *plain])), "income", row_id="key"
    )

    assert dataset.row_ids.tolist() == [f"{i:03d}" for i in counted.row_ids]
    assert counted.row_ids.dtype.kind == "i"
    named = ["1e5,", "NA,", *(f"{i}L," for i in range(58))]
    content = "\n".join(["key," + HEADER, *map("".join, zip(named, ROWS, strict=True))])
    odd = read_table(write(content), "income", row_id="key")
    held_out = odd.provenance["split"]
    everyone = {*odd.row_ids.tolist(), *held_out["val_rows"], *held_out["test_rows"]}
    assert {"1e5", "NA", "57L"} <= everyone


def test_texts_of_a_csv_are_kept_as_they_are_written(write, caplog):
    words = ["None", "007", "", *("007 None so what".split()[i % 4] for i in range(57))]
    rows = [f"{word},{row}" for word, row in zip(words, ROWS, strict=True)]
    path = write("\n".join([f"said,{HEADER}", *rows]))
    dataset = read_table(path, "income", text="said", features="tfidf")

    shown = [preview.text for preview in dataset.previews]
    assert shown == [words[row] for row in dataset.row_ids]
    assert "1 of 60 texts in said are empty" in caplog.text


def test_an_empty_identifier_of_a_csv_is_refused(write):
    rows = [f"{i or ''},{row}" for i, row in enumerate(ROWS)]
    path = write("\n".join([f"key,{HEADER}", *rows]))
    with pytest.raises(DatasetError, match="all strings, or one is empty"):
        read_table(path, "income", row_id="key")


def test_tabulators_are_known_by_the_ending(write):
    reference = read_table(write(CSV), "income")
    tabs = CSV.replace(",", "\t")

    assert (
        read_table(write(tabs, "t.tsv"), "income").fingerprint == reference.fingerprint
    )
    packed = write(gzip.compress(tabs.encode()), "t.tsv.gz")
    assert read_table(packed, "income").fingerprint == reference.fingerprint


def test_a_field_may_be_as_long_as_a_book(write):
    words = ["word " * 30_000 if i == 3 else f"word {'abc'[i % 3]}x" for i in range(40)]
    rows = [f"{said},{i % 2}" for i, said in enumerate(words)]
    path = write("\n".join(["said,kind", *rows]))

    dataset = read_table(path, "kind", text="said", features="tfidf")
    assert dataset.n_points == 24
