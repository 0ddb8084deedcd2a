import pickle

import numpy as np
import pytest

from data_scaling.datasets import Dataset, Preview, Previews, read_table
from data_scaling.datasets.preview import as_previews, shorten
from data_scaling.errors import DatasetError

X, Y = [[0.0], [1.0]], ["no", "yes"]
TWO = (Preview("first", (("a", "1"), ("b", "x"))), Preview("", (("c", "2"),), b"png"))


def test_previews_by_column_give_back_the_rows():
    previews = as_previews(TWO)

    assert tuple(previews) == TWO
    assert previews[-1] == TWO[1]
    assert tuple(previews[1:]) == TWO[1:]
    assert tuple(previews.take([1, 0, 1])) == (TWO[1], TWO[0], TWO[1])
    with pytest.raises(IndexError, match="no preview 2: there are 2"):
        previews[2]


def test_missing_values_are_left_out_and_numbers_are_short():
    columns = {"x": np.array([np.nan, 1 / 3, 5e9]), "s": np.array([None, "", "long"])}
    previews = Previews(3, columns=columns)

    assert [row.fields for row in previews] == [
        (),
        (("x", "0.333333"),),
        (("x", "5e+09"), ("s", "long")),
    ]


def test_a_dataset_carries_previews_that_do_not_enter_its_fingerprint():
    plain, shown = Dataset(X, Y, X, Y), Dataset(X, Y, X, Y, previews=TWO)

    assert len(plain.previews) == 0
    assert not plain.previews
    assert tuple(shown.previews) == TWO
    assert shown.fingerprint == plain.fingerprint


def test_a_dataset_with_previews_travels_to_other_processes():
    sent = pickle.loads(pickle.dumps(Dataset(X, Y, X, Y, previews=TWO)))  # noqa: S301

    assert tuple(sent.previews) == TWO


def test_the_wrong_number_of_previews_is_refused():
    with pytest.raises(DatasetError, match="1 previews were given for 2 training rows"):
        Dataset(X, Y, X, Y, previews=TWO[:1])
    with pytest.raises(DatasetError, match="Previews of 2 rows were given 1 texts"):
        Previews(2, ["only"])
    with pytest.raises(DatasetError, match="2 rows were given 3 values of 'a'"):
        Previews(2, columns={"a": np.zeros(3)})


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("a\n b\t c", "a b c"),
        ("x" * 10, "x" * 10),
        ("x" * 11, "x" * 9 + "…"),
        ("word " * 100, "word word…"),
        ("", ""),
    ],
)
def test_a_long_text_is_cut_and_says_so(text, short):
    assert shorten(text, 10) == short


def test_a_table_shows_its_raw_fields(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{i},{'red' if i % 3 else 'blue'},{i > 9}" for i in range(20)]
    path.write_text("size,colour,ripe\n" + "\n".join(rows))
    dataset = read_table(path, "ripe")

    for row, preview in zip(dataset.row_ids, dataset.previews, strict=True):
        colour = "red" if row % 3 else "blue"
        assert preview.fields == (("size", f"{row}"), ("colour", colour))
