"""UCI Adult: who earns more than 50,000 dollars a year.

References
----------
.. [1] Becker and Kohavi, "Adult", UCI Machine Learning Repository, 1996,
   https://doi.org/10.24432/C5XW20.
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.preparation import RawTable, prepare_dataset
from data_scaling.datasets.sources import SourceFile, describe_source, find_source
from data_scaling.datasets.text_files import read_rows
from data_scaling.errors import DatasetError

COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
)
NUMERIC = (0, 2, 4, 10, 11, 12)
CATEGORICAL = (1, 3, 5, 6, 7, 8, 9, 13)
LABELS = ("<=50K", ">50K")
N_ROWS = 48_842
N_VAL = N_TEST = 1_000
_ORIGIN = "https://archive.ics.uci.edu/dataset/2/adult"
_FILES = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult"
SOURCES = (
    SourceFile(
        "adult.data",
        f"{_FILES}/adult.data",
        "sha256:5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
        _ORIGIN,
    ),
    SourceFile(
        "adult.test",
        f"{_FILES}/adult.test",
        "sha256:a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
        _ORIGIN,
    ),
)
_logger = logging.getLogger(__name__)


def load_adult(data_dir: str | os.PathLike[str] | None, seed: int) -> Dataset:
    """Read ``adult.data`` and ``adult.test`` and prepare them in the paper's way.

    The rows of both files are pooled and split by the seed into 1,000 validation,
    1,000 test and 46,842 training rows, stratified by income. All features are
    standardised, the one-hot ones too; ``?`` is a category of its own. Row
    identifiers count the data rows of ``adult.data``, then those of ``adult.test``,
    from 0.

    Parameters
    ----------
    data_dir : path or None
        Folder with the two files, each as it is or gzipped; None means the folder that
        the environment variable ``DATA_SCALING_DATA`` names. What is missing there is
        downloaded.
    seed : int
        Seed of the split.

    Raises
    ------
    DatasetError
        If a file is missing or damaged, naming the file and the line.
    """
    paths = [
        find_source(data_dir, (source.name, f"{source.name}.gz"), source)
        for source in SOURCES
    ]
    table = _build_table([row for path in paths for row in _read_people(path)])
    if len(table.target) != N_ROWS:
        _logger.warning(
            "%s and %s hold %d rows; the original files hold %d.",
            *paths,
            len(table.target),
            N_ROWS,
        )
    return prepare_dataset(
        table,
        name="adult",
        seed=seed,
        val_size=N_VAL,
        test_size=N_TEST,
        standardise_one_hot=True,
        source=describe_source(_ORIGIN, paths),
    )


def _read_people(path: Path) -> Iterator[list[str]]:
    for line, fields in read_rows(path, skip_initial_space=True):
        if fields[0].startswith("|"):  # the first line of adult.test is a remark
            continue
        if len(fields) != len(COLUMNS):
            raise DatasetError(
                f"{path}, line {line}: {len(fields)} fields, but Adult has "
                f"{len(COLUMNS)} ({', '.join(COLUMNS)}). Get the original file from "
                f"{_ORIGIN}."
            )
        _check_numbers(path, line, fields)
        fields[-1] = fields[-1].removesuffix(".")
        if fields[-1] not in LABELS:
            raise DatasetError(
                f"{path}, line {line}: the income is {fields[-1]!r}, but it must be "
                f"{' or '.join(LABELS)}. Get the original file from {_ORIGIN}."
            )
        yield fields


def _check_numbers(path: Path, line: int, fields: list[str]) -> None:
    for column in NUMERIC:
        try:
            float(fields[column])
        except ValueError as error:
            raise DatasetError(
                f"{path}, line {line}: {COLUMNS[column]} is {fields[column]!r}, which "
                f"is no number. Get the original file from {_ORIGIN}."
            ) from error


def _build_table(people: list[list[str]]) -> RawTable:
    if not people:
        raise DatasetError(
            f"adult.data and adult.test hold no rows. Get them from {_ORIGIN}."
        )
    columns = list(zip(*people, strict=True))
    return RawTable(
        numeric=np.array([columns[i] for i in NUMERIC], dtype=np.float64).T,
        numeric_names=tuple(COLUMNS[i] for i in NUMERIC),
        categorical=np.array([columns[i] for i in CATEGORICAL], dtype=object).T,
        categorical_names=tuple(COLUMNS[i] for i in CATEGORICAL),
        target=np.array(columns[-1]),
    )
