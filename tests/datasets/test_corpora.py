import gzip
import io
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from data_scaling.datasets import load_dataset
from data_scaling.datasets.corpora import BBC, IMDB
from data_scaling.errors import DatasetError

GOOD, BAD = "lovely wonderful superb moving", "dreadful tedious awful boring"
WORDS = "film actor story scene music plot".split()
TOPICS = {
    "business": "market shares profit bank",
    "entertainment": "film music album star",
    "politics": "minister vote party election",
    "sport": "match goal coach season",
    "tech": "software phone network users",
}


@pytest.fixture(autouse=True)
def _no_server(tmp_path, monkeypatch):
    """Keep a missing file from being downloaded, and the cache out of the home."""
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "cache"))


def make_reviews(n=80):
    rng = np.random.default_rng(0)
    for i in range(n):
        opinion = GOOD if i % 2 else BAD
        words = [*rng.choice(WORDS, 6), *rng.choice(opinion.split(), 3)]
        yield "pos" if i % 2 else "neg", "<br />".join([" ".join(words), "é"])


def make_articles(n=60):
    rng = np.random.default_rng(0)
    for i in range(n):
        topic = list(TOPICS)[i % 5]
        yield topic, "£ " + " ".join(rng.choice(TOPICS[topic].split(), 8))


def list_members(kind):
    if kind == "imdb":
        parts = (("train", "test")[i % 3 == 0] for i in range(1_000))
        return {
            f"aclImdb/{part}/{label}/{i}_{i % 10}.txt": text.encode()
            for i, (part, (label, text)) in enumerate(
                zip(parts, make_reviews(), strict=False)
            )
        } | {"aclImdb/train/unsup/0_0.txt": b"unlabelled", "aclImdb/README": b"read"}
    return {
        f"bbc/{topic}/{i:03}.txt": text.encode("latin-1" if i % 7 == 0 else "utf-8")
        for i, (topic, text) in enumerate(make_articles())
    } | {"bbc/README.TXT": b"read me"}


def write_archive(folder, kind, members):
    if kind == "bbc":
        path = folder / BBC.source.name
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return path
    path = folder / IMDB.source.name
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_folder(folder, members):
    for name, content in members.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("kind", ["imdb", "bbc"])
def test_the_archive_and_its_folder_give_the_same(tmp_path, kind):
    (tmp_path / "a").mkdir()
    members = list_members(kind)
    write_archive(tmp_path / "a", kind, members)
    write_folder(tmp_path / "b", members)
    archive = load_dataset(kind, tmp_path / "a", features="tfidf")
    folder = load_dataset(kind, tmp_path / "b", features="tfidf")

    assert archive.fingerprint == folder.fingerprint
    assert archive.row_ids.tolist() == folder.row_ids.tolist()
    n_rows = 80 if kind == "imdb" else 60
    assert [len(archive.x_train), len(archive.x_val), len(archive.x_test)] == [
        n_rows // 2,
        n_rows // 4,
        n_rows // 4,
    ]


def test_row_ids_previews_and_classes_belong_to_the_reviews(tmp_path):
    members = list_members("imdb")
    write_archive(tmp_path, "imdb", members)
    dataset = load_dataset("imdb", tmp_path, features="tfidf")

    assert dataset.classes == ("negative", "positive")
    for point, row_id in enumerate(dataset.row_ids):
        text = members[f"aclImdb/{row_id}"].decode()
        assert dataset.previews[point].text == text.replace("<br />", " ")
        expected = "positive" if "/pos/" in row_id else "negative"
        assert dataset.target_names([point]) == [expected]


@pytest.mark.parametrize(
    ("kind", "name", "frame"),
    [
        (
            "imdb",
            "IMDB Dataset.csv",
            pd.DataFrame(
                [
                    (text, {"pos": "positive", "neg": "negative"}[label])
                    for label, text in make_reviews()
                ],
                columns=["review", "sentiment"],
            ),
        ),
        (
            "imdb",
            "imdb.parquet",
            pd.DataFrame(
                [(text, int(label == "pos")) for label, text in make_reviews()],
                columns=["text", "label"],
            ),
        ),
        (
            "bbc",
            "bbc-text.csv",
            pd.DataFrame(make_articles(), columns=["category", "text"]),
        ),
        (
            "bbc",
            "bbc.parquet",
            pd.DataFrame(make_articles(), columns=["category", "text"]),
        ),
    ],
)
def test_tables_are_read_and_can_be_told_apart_by_words(tmp_path, kind, name, frame):
    if name.endswith("csv"):
        frame.to_csv(tmp_path / name, index=False)
    else:
        frame.to_parquet(tmp_path / name)
    dataset = load_dataset(kind, tmp_path, features="tfidf")

    assert dataset.name == kind
    assert dataset.row_ids.dtype.kind == "i"
    assert dataset.provenance["source"]["files"][0]["name"] == name
    model = LogisticRegression().fit(dataset.x_train, dataset.y_train)
    assert model.score(dataset.x_test, dataset.y_test) == 1.0


def test_an_empty_text_is_kept_and_reported(tmp_path, caplog):
    frame = pd.DataFrame(make_articles(), columns=["category", "text"])
    frame.loc[3, "text"] = " "
    frame.to_parquet(tmp_path / "bbc.parquet")
    dataset = load_dataset("bbc", tmp_path, features="tfidf")

    assert "1 of 60 texts in text are empty, the first is row 3" in caplog.text
    assert len(dataset.x_train) + len(dataset.x_val) + len(dataset.x_test) == 60


def test_texts_that_two_parts_share_are_counted_and_reported(tmp_path, caplog):
    frame = pd.DataFrame(make_articles(20), columns=["category", "text"])
    pd.concat([frame] * 4).to_parquet(tmp_path / "bbc.parquet")
    dataset = load_dataset("bbc", tmp_path, features="tfidf")

    duplicates = dataset.provenance["duplicates"]
    train = {preview.text for preview in dataset.previews}
    texts = pd.read_parquet(tmp_path / "bbc.parquet")["text"].to_numpy()
    rows = dataset.provenance["split"]["val_rows"]
    assert duplicates["val"] == sum(texts[row] in train for row in rows) > 0
    assert f"{duplicates['val']} of 20 rows of the validation part" in caplog.text


def test_files_of_another_length_than_the_original_are_reported(tmp_path, caplog):
    write_archive(tmp_path, "bbc", list_members("bbc"))
    load_dataset("bbc", tmp_path, features="tfidf")

    assert "holds 60 rows; the original holds 2225" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": None}, r"'text' is missing in 1 of 60 rows, the first is row 4 "),
        (
            {"category": "weather"},
            "the label of row 4 is 'weather', but it must be one",
        ),
        ({"category": None}, "'category' is missing in 1 of 60 rows"),
        ({}, "has no column 'category'. Its columns are 'text'"),
    ],
)
def test_damaged_tables_are_refused_with_the_row(tmp_path, change, message):
    frame = pd.DataFrame(make_articles(), columns=["category", "text"])
    for column, value in change.items():
        frame.loc[4, column] = value
    if not change:
        frame = frame.drop(columns="category")
    frame.to_parquet(tmp_path / "bbc.parquet")
    with pytest.raises(DatasetError, match=message):
        load_dataset("bbc", tmp_path, features="tfidf")


@pytest.mark.parametrize("label", ["1.5", "two", ""])
def test_labels_that_are_no_codes_are_refused(tmp_path, label):
    frame = pd.DataFrame(make_reviews(), columns=["label", "text"]).astype(object)
    frame["label"] = ["1", "0"] * 39 + ["1", label or " "]
    frame.to_parquet(tmp_path / "imdb.parquet")
    with pytest.raises(DatasetError, match="the label of row 79 is"):
        load_dataset("imdb", tmp_path, features="tfidf")


def test_a_row_with_too_few_fields_is_refused_with_its_line(tmp_path):
    (tmp_path / "bbc-text.csv").write_text("category,text\nsport,goal\ntech\n")
    with pytest.raises(DatasetError, match=r"line 3: 1 fields, .* has 2"):
        load_dataset("bbc", tmp_path, features="tfidf")


def test_an_archive_of_something_else_or_of_binary_files_is_refused(tmp_path):
    write_archive(tmp_path, "bbc", {"other/readme.txt": b"hello"})
    with pytest.raises(DatasetError, match="holds none of the texts of bbc"):
        load_dataset("bbc", tmp_path, features="tfidf")
    write_archive(tmp_path, "bbc", {"bbc/tech/001.txt": b"\0\0"})
    with pytest.raises(DatasetError, match=r"001.txt is no text, it holds a zero byte"):
        load_dataset("bbc", tmp_path, features="tfidf")


def test_a_truncated_archive_is_refused(tmp_path):
    noise = np.random.default_rng(0).integers(97, 120, 100_000).astype(np.uint8)
    members = {"aclImdb/test/neg/0_1.txt": noise.tobytes(), **list_members("imdb")}
    path = write_archive(tmp_path, "imdb", members)
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()))[:30_000])
    with pytest.raises(DatasetError, match="the archive is damaged or ends early"):
        load_dataset("imdb", tmp_path, features="tfidf")


@pytest.mark.real_data
def test_logistic_regression_on_bbc_is_right_in_96_percent(data_dir):
    dataset = load_dataset("bbc", data_dir, features="tfidf")

    assert dataset.x_train.shape == (1_113, 256)
    assert len(dataset.x_val) == len(dataset.x_test) == 556
    model = LogisticRegression(max_iter=1_000).fit(dataset.x_train, dataset.y_train)
    held_out = np.vstack([dataset.x_val, dataset.x_test])
    answers = np.concatenate([dataset.y_val, dataset.y_test])
    assert model.score(held_out, answers) >= 0.96


@pytest.mark.slow
@pytest.mark.real_data
def test_logistic_regression_on_imdb_is_right_in_86_percent(data_dir):
    dataset = load_dataset("imdb", data_dir, features="tfidf")

    assert dataset.x_train.shape == (25_000, 256)
    assert len(dataset.x_val) == len(dataset.x_test) == 12_500
    model = LogisticRegression(max_iter=1_000).fit(dataset.x_train, dataset.y_train)
    assert model.score(dataset.x_test, dataset.y_test) >= 0.86
