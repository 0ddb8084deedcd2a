"""Wave Energy Converters: the power of sixteen buoys, by their places.

References
----------
.. [1] Neshat, Alexander, Sergiienko and Wagner, "A New Insight Into the Position
   Optimization of Wave Energy Converters by a Hybrid Local Search", 2019. UCI Machine
   Learning Repository, https://doi.org/10.24432/C5RG7H.
"""

import os
from pathlib import Path

import numpy as np

from data_scaling.datasets.archives import read_members
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.numeric_files import read_number_lines, read_openml
from data_scaling.datasets.preparation import (
    RawTable,
    make_numeric_table,
    prepare_dataset,
)
from data_scaling.datasets.sources import (
    SourceFile,
    describe_source,
    find_source,
    warn_of_size,
)
from data_scaling.errors import DatasetError

# Its checksum is not known here: files and columns are checked instead.
SOURCE = SourceFile(
    "wave+energy+converters.zip",
    "https://archive.ics.uci.edu/static/public/494/wave+energy+converters.zip",
    None,
    "https://archive.ics.uci.edu/dataset/494/wave+energy+converters",
)
SITES = ("Adelaide", "Perth", "Sydney", "Tasmania")
SITE_FILES = tuple(f"{site}_Data.csv" for site in SITES)
OPENML_PAGE = "https://www.openml.org/d/44975"
FORMS = (
    "wave_energy.arff",
    "wave_energy.parquet",
    "dataset_44975.arff",
    "dataset_44975.pq",
    SOURCE.name,
    "WECs_DataSet.zip",
    "WECs_DataSet",
    SITE_FILES[0],
)
N_BUOYS = 16
COLUMNS = tuple(f"{kind}{i + 1}" for kind in "XYP" for i in range(N_BUOYS))
TARGETS = ("energy_total", "Powerall")
N_ROWS, N_ROWS_UCI = 72_000, 287_999
N_VAL = N_TEST = 1_000


def load_wave_energy(data_dir: str | os.PathLike[str] | None, seed: int) -> Dataset:
    """Read the total power of the buoys, from their places and single powers.

    OpenML's dataset 44975, which the paper uses, has 72,000 rows. The four files of
    UCI (one for each of the ``SITES``) are pooled in their order and have 287,999. The
    split is 1,000 validation, 1,000 test and the rest for training; features are
    standardised, the target is not. Row identifiers count the rows from 0, and are
    ``Adelaide/0`` and so on for the files of UCI.

    Parameters
    ----------
    data_dir : path or None
        Folder with one of the ``FORMS``; see :func:`find_source`.
    seed : int
        Seed of the split.

    Raises
    ------
    DatasetError
        If the file is missing or damaged.
    """
    path = find_source(data_dir, FORMS, SOURCE)
    is_openml = path.suffix in (".arff", ".parquet", ".pq")
    read, page = (
        (_read_openml, OPENML_PAGE) if is_openml else (_read_sites, SOURCE.page)
    )
    table = read(path)
    files = [path]
    if path.name in SITE_FILES:
        files = [path.with_name(name) for name in SITE_FILES]
    warn_of_size(path, len(table.target), N_ROWS if is_openml else N_ROWS_UCI)
    return prepare_dataset(
        table,
        name="wave_energy",
        seed=seed,
        val_size=N_VAL,
        test_size=N_TEST,
        source=describe_source(page, files),
    )


def _read_openml(path: Path) -> RawTable:
    numbers, names, labels = read_openml(path, TARGETS)
    try:
        target = np.array(labels, dtype=np.float64)
    except ValueError as error:
        raise DatasetError(
            f"{path}: the target is no number ({error}). Get the original file again."
        ) from error
    return make_numeric_table(numbers, names, target, np.arange(len(target)))


def _read_sites(path: Path) -> RawTable:
    """Read the four files of UCI: sixteen x, y and powers each, and the total."""
    folder = path if path.suffix == ".zip" or path.is_dir() else path.parent
    members = {
        Path(name).name: content
        for name, content in read_members(
            folder, lambda name: Path(name).name in SITE_FILES
        )
    }
    lacking = [name for name in SITE_FILES if name not in members]
    if lacking:
        raise DatasetError(
            f"{folder} lacks {', '.join(lacking)}. Get all four files from "
            f"{SOURCE.page}."
        )
    sites = [
        read_number_lines(
            f"{folder}: {name}",
            members[name].splitlines(),
            len(COLUMNS) + 1,
            separator=b",",
        )
        for name in SITE_FILES
    ]
    row_ids = [
        f"{site}/{i}"
        for site, rows in zip(SITES, sites, strict=True)
        for i in range(len(rows))
    ]
    rows = np.concatenate(sites)
    return make_numeric_table(rows[:, :-1], COLUMNS, rows[:, -1], np.array(row_ids))
