"""MiniBooNE: events of electron neutrinos (signal) and of muon neutrinos.

References
----------
.. [1] Roe, "MiniBooNE particle identification", UCI Machine Learning Repository, 2005,
   https://doi.org/10.24432/C5QC87.
"""

import logging
import os
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray
from data_scaling.datasets.archives import read_members
from data_scaling.datasets.dataset import Dataset
from data_scaling.datasets.numeric_files import (
    read_lines,
    read_number_lines,
    read_openml,
)
from data_scaling.datasets.preparation import make_numeric_table, prepare_dataset
from data_scaling.datasets.sources import (
    SourceFile,
    describe_source,
    find_source,
    warn_of_size,
)
from data_scaling.errors import DatasetError

# Its checksum is not known here: header, counts and columns are checked instead.
SOURCE = SourceFile(
    "MiniBooNE_PID.txt",
    "https://archive.ics.uci.edu/ml/machine-learning-databases/00199/MiniBooNE_PID.txt",
    None,
    "https://archive.ics.uci.edu/dataset/199/miniboone+particle+identification",
)
OPENML_PAGE = "https://www.openml.org/d/43974"
FORMS = (
    "MiniBooNE.arff",
    "MiniBooNE.parquet",
    "dataset_43974.arff",
    "dataset_43974.pq",
    SOURCE.name,
    f"{SOURCE.name}.gz",
    "miniboone+particle+identification.zip",
)
N_FEATURES = 50
N_ROWS = 72_998
N_VAL = N_TEST = 1_000
SIGNAL, BACKGROUND = "signal", "background"
_TARGET = "signal"
_TRUE, _FALSE = ("true", "1", "1.0"), ("false", "0", "0.0")
_logger = logging.getLogger(__name__)


def load_miniboone(data_dir: str | os.PathLike[str] | None, seed: int) -> Dataset:
    """Read the events, as many of the background as of the signal.

    OpenML's dataset 43974, which the paper uses, is balanced: 72,998 events. Of the
    file of UCI, which holds 36,499 events of the signal and 93,565 of the background,
    all of the rarer class are taken and as many of the other, drawn by the seed; how
    many are left out is logged. The split is 1,000 validation, 1,000 test and the rest
    for training, stratified; features are standardised. Row identifiers count the
    events of the file from 0.

    Parameters
    ----------
    data_dir : path or None
        Folder with one of the ``FORMS``; see :func:`find_source`.
    seed : int
        Seed of the choice and of the split.

    Raises
    ------
    DatasetError
        If the file is missing or damaged.
    """
    path = find_source(data_dir, FORMS, SOURCE)
    is_openml = path.suffix in (".arff", ".parquet", ".pq")
    read, page = (_read_openml, OPENML_PAGE) if is_openml else (_read_uci, SOURCE.page)
    numbers, names, is_signal = read(path)
    rows = _balance(path, is_signal, seed)
    warn_of_size(path, len(rows), N_ROWS)
    target = np.where(is_signal, SIGNAL, BACKGROUND)[rows]
    table = make_numeric_table(numbers[rows], names, target, rows)
    return prepare_dataset(
        table,
        name="MiniBooNE",
        seed=seed,
        val_size=N_VAL,
        test_size=N_TEST,
        source=describe_source(page, [path]),
    )


def _balance(path: Path, is_signal: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """Return all rows of the rarer class and as many of the other, ascending."""
    signal, background = np.flatnonzero(is_signal), np.flatnonzero(~is_signal)
    n_kept = min(len(signal), len(background))
    n_left_out = len(is_signal) - 2 * n_kept
    if not n_kept:
        raise DatasetError(f"{path} has events of one class only. Get it again.")
    if n_left_out:
        _logger.warning(
            "%s: %d of %d events are left out so that both classes have %d, as in the "
            "paper.",
            path,
            n_left_out,
            len(is_signal),
            n_kept,
        )
    rng = np.random.default_rng((seed, 1))
    kept = [rng.choice(rows, n_kept, replace=False) for rows in (signal, background)]
    return np.sort(np.concatenate(kept))


def _read_uci(path: Path) -> tuple[FloatArray, list[str], NDArray[np.bool_]]:
    """Read the text file: a line with two counts, then the signal, then the rest."""
    lines = read_lines(path)
    if path.suffix == ".zip":
        members = dict(read_members(path, lambda name: name.endswith(SOURCE.name)))
        lines = (line for text in members.values() for line in text.splitlines())
    header = next(lines, b"").split()
    if len(header) != 2 or not all(count.isdigit() for count in header):
        raise DatasetError(
            f"{path}, line 1: {b' '.join(header)[:60]!r}, but it should be the numbers "
            f"of signal and background events. Get {SOURCE.name} from {SOURCE.page}."
        )
    n_signal, n_background = (int(count) for count in header)
    # A blank line in the header's place keeps the numbers of the lines.
    numbers = read_number_lines(str(path), chain([b""], lines), N_FEATURES)
    if len(numbers) != n_signal + n_background:
        raise DatasetError(
            f"{path} holds {len(numbers)} events, but its first line says {n_signal} + "
            f"{n_background}. Get {SOURCE.name} from {SOURCE.page} again."
        )
    names = [f"ParticleID_{i}" for i in range(N_FEATURES)]
    return numbers, names, np.arange(len(numbers)) < n_signal


def _read_openml(path: Path) -> tuple[FloatArray, list[str], NDArray[np.bool_]]:
    numbers, names, labels = read_openml(path, (_TARGET,))
    lower = [label.lower() for label in labels]
    wrong = [row for row, label in enumerate(lower) if label not in _TRUE + _FALSE]
    if wrong:
        raise DatasetError(
            f"{path}: {_TARGET} is {labels[wrong[0]]!r} in row {wrong[0]}, but it must "
            "be true or false. Get the original file again."
        )
    return numbers, names, np.isin(lower, _TRUE)
