"""The paper's two collections of texts: film reviews (IMDB) and news (BBC).

References
----------
.. [1] Maas, Daly, Pham, Huang, Ng and Potts, "Learning Word Vectors for Sentiment
   Analysis", ACL 2011.
.. [2] Greene and Cunningham, "Practical Solutions to the Problem of Diagonal Dominance
   in Kernel Document Clustering", ICML 2006.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_scaling.datasets.archives import read_members
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.features import FeatureOptions
from data_scaling.datasets.labelled_items import (
    LabelledItems,
    name_classes,
    select_columns,
)
from data_scaling.datasets.preparation import make_item_table, prepare_dataset
from data_scaling.datasets.sources import (
    SourceFile,
    describe_source,
    find_source,
    warn_of_size,
)
from data_scaling.datasets.table_files import read_frame
from data_scaling.errors import DatasetError

SHARE_VAL = SHARE_TEST = 0.25
_BREAK = re.compile(r"<br\s*/?>")


@dataclass(frozen=True)
class Corpus:
    """Where the texts of a collection are found, and what their classes are.

    Attributes
    ----------
    name : str
        Name of the dataset.
    source : SourceFile
        The published archive.
    forms : tuple of str
        Other forms that are read: the archive's folder, tables.
    member : re.Pattern
        Names of the texts in the archive; its groups are the identifier of the row
        and the label.
    columns : mapping of str to (str, str)
        Columns of text and label, by the ending of a table.
    classes : mapping of str to str
        Name of the class, by label.
    n_rows : int
        Number of texts in the published archive.
    """

    name: str
    source: SourceFile
    forms: tuple[str, ...]
    member: re.Pattern[str]
    columns: Mapping[str, tuple[str, str]]
    classes: Mapping[str, str]
    n_rows: int


IMDB = Corpus(
    "imdb",
    SourceFile(
        "aclImdb_v1.tar.gz",
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        "md5:7c2ac02c03563afcf9b574c7e56c153a",
        "https://ai.stanford.edu/~amaas/data/sentiment/",
    ),
    ("aclImdb", "imdb.parquet", "IMDB Dataset.csv", "imdb.csv"),
    re.compile(r"(?:^|/)((?:train|test)/(pos|neg)/\d+_\d+\.txt)$"),
    {".parquet": ("text", "label"), ".csv": ("review", "sentiment")},
    {
        "0": "negative",
        "1": "positive",
        "neg": "negative",
        "pos": "positive",
        "negative": "negative",
        "positive": "positive",
    },
    50_000,
)
_TOPICS = ("business", "entertainment", "politics", "sport", "tech")
BBC = Corpus(
    "bbc",
    SourceFile(
        "bbc-fulltext.zip",
        "http://mlg.ucd.ie/files/datasets/bbc-fulltext.zip",
        "sha256:a351031a62325b3d7ff13146eeb035c22feca8290913b5183d1ff3be35109495",
        "http://mlg.ucd.ie/datasets/bbc.html",
    ),
    ("bbc", "bbc.parquet", "bbc-text.csv"),
    re.compile(rf"(?:^|/)(({'|'.join(_TOPICS)})/\d+\.txt)$"),
    {".parquet": ("text", "category"), ".csv": ("text", "category")},
    {topic: topic for topic in _TOPICS},
    2_225,
)


def load_corpus(
    corpus: Corpus,
    data_dir: str | os.PathLike[str] | None,
    seed: int,
    features: FeatureOptions,
) -> Dataset:
    """Read all texts and split them 50/25/25 %, as the paper does.

    Published parts are pooled; line breaks in HTML become spaces. Row identifiers are
    the row numbers of a table, or the names of the files in the archive, such as
    ``train/pos/0_9.txt`` and ``business/001.txt``.

    Parameters
    ----------
    corpus : Corpus
        ``IMDB`` or ``BBC``.
    data_dir : path or None
        Folder with one of the forms; see :func:`find_source`.
    seed : int
        Seed of the split, which is stratified.
    features : FeatureOptions
        How texts become features.

    Raises
    ------
    DatasetError
        If the file is missing or damaged.
    InputError
        If the features are of another kind.
    """
    features.find_kind("texts")  # before anything is downloaded
    forms = (corpus.source.name, *corpus.forms)
    path = find_source(data_dir, forms, corpus.source)
    read = _read_table if path.suffix in corpus.columns else _read_archive
    texts = read(path, corpus)
    warn_of_size(path, len(texts.items), corpus.n_rows)
    cleaned = [_BREAK.sub(" ", text) for text in texts.items]
    return prepare_dataset(
        make_item_table(texts.labels, texts.row_ids, texts=cleaned),
        name=corpus.name,
        seed=seed,
        val_size=SHARE_VAL,
        test_size=SHARE_TEST,
        features=features,
        source=describe_source(corpus.source.page, [path]),
    )


def _read_table(path: Path, corpus: Corpus) -> LabelledItems[str]:
    text, label = corpus.columns[path.suffix]
    frame = select_columns(path, read_frame(path), (text, label))
    return LabelledItems(
        [str(value) for value in frame[text].tolist()],
        name_classes(path, frame[label].tolist(), corpus.classes),
        np.arange(len(frame)),
    )


def _read_archive(path: Path, corpus: Corpus) -> LabelledItems[str]:
    members = []
    for name, content in read_members(path, lambda n: bool(corpus.member.search(n))):
        found = corpus.member.search(name)
        if found:
            members.append((found[1], found[2], _decode(path, name, content)))
    if not members:
        raise DatasetError(
            f"{path} holds none of the texts of {corpus.name}. Get the original "
            f"archive from {corpus.source.page}."
        )
    names, labels, texts = zip(*sorted(members), strict=True)
    return LabelledItems(
        list(texts), name_classes(path, labels, corpus.classes), np.array(names)
    )


def _decode(path: Path, name: str, content: bytes) -> str:
    """Return the text of a file: UTF-8, or else Latin-1."""
    if b"\0" in content:
        raise DatasetError(
            f"{path}: {name} is no text, it holds a zero byte. Get the archive again."
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
