"""A user's own table, CSV or Parquet, as a dataset."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data_scaling._checks import check_at_least
from data_scaling.datasets._names import list_names
from data_scaling.datasets.dataset import Dataset, Task
from data_scaling.datasets.preparation import prepare_dataset
from data_scaling.datasets.table_columns import build_raw_table, encode_target
from data_scaling.datasets.table_files import read_frame
from data_scaling.errors import DatasetError

if TYPE_CHECKING:
    import pandas as pd


def read_table(
    path: str | os.PathLike[str],
    target: str,
    *,
    task: Task | None = None,
    drop: Sequence[str] = (),
    val_size: float = 0.2,
    test_size: float = 0.2,
    standardise_one_hot: bool = False,
    separator: str = ",",
    name: str | None = None,
    seed: int = 0,
) -> Dataset:
    r"""Read a table and prepare it as a dataset.

    Numeric columns are imputed by the median and standardised. Columns of strings,
    booleans or categories become one 0/1 feature per category, a missing value being
    a category of its own. All of it is fitted on the training part; columns that do
    not vary there are left out, and so is a column without a name (the index that
    some programs write). The split is random and stratified by class.

    Parameters
    ----------
    path : path
        A ``.csv``, ``.csv.gz`` (UTF-8, with a line of column names) or ``.parquet``
        file. In a CSV file an empty field, ``NA``, ``NaN``, ``null``, ``None`` and
        the like are missing values.
    target : str
        The column to predict.
    task : {"classification", "regression"}, optional
        By default a classification if the target holds strings, booleans or at most
        20 different whole numbers, else a regression.
    drop : sequence of str
        Columns to leave out.
    val_size, test_size : float or int
        Share of the rows if below 1, else their number; ``test_size`` may be 0.
    standardise_one_hot : bool
        Whether the 0/1 features are standardised too.
    separator : str
        What separates the fields of a CSV file.
    name : str, optional
        Name of the dataset; by default the file's, without its ending.
    seed : int
        Seed of the split.

    Returns
    -------
    Dataset
        Its ``row_ids`` are the row numbers in the file: the first row after the
        column names is 0, blank lines are not counted.

    Raises
    ------
    DatasetError
        If the file cannot be read, the target column is unknown, misses values or has
        one class only, a class has too few rows to be in every part, or a column
        cannot be made numeric (dates, an identifier, free text).
    InputError
        If an option has a value that it cannot have.
    MissingExtraError
        If pandas or pyarrow is not installed (the extra ``data``).

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from data_scaling.datasets import read_table
    >>> rows = [f"{i},{'red' if i % 3 else 'blue'},{i > 9}" for i in range(20)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "fruit.csv"
    ...     _ = path.write_text("size,colour,ripe\n" + "\n".join(rows))
    ...     dataset = read_table(path, "ripe")
    >>> dataset.feature_names, dataset.classes
    (('size', 'colour=blue', 'colour=red'), ('False', 'True'))
    """
    check_at_least("seed", seed, 0)
    file = Path(path)
    frame = read_frame(file, separator)
    _check_columns(file, frame, target, drop)
    labels = encode_target(file, frame[target], task)
    table = build_raw_table(file, frame.drop(columns=[target, *drop]), labels)
    return prepare_dataset(
        table,
        name=name or file.name.partition(".")[0],
        seed=seed,
        val_size=val_size,
        test_size=test_size,
        standardise_one_hot=standardise_one_hot,
    )


def _check_columns(
    path: Path, frame: "pd.DataFrame", target: str, drop: Sequence[str]
) -> None:
    columns = [str(column) for column in frame.columns]
    for asked, role in [(target, "target "), *((column, "") for column in drop)]:
        if asked not in columns:
            hint = "" if len(columns) > 1 else " Is its separator another?"
            raise DatasetError(
                f"{path} has no {role}column {asked!r}. Its columns are "
                f"{list_names(asked, columns)}.{hint}"
            )
    if target in drop:
        raise DatasetError(
            f"The target column {target!r} is also in drop. Leave it out of drop."
        )
    if not set(columns) - {target, *drop}:
        raise DatasetError(
            f"{path} has no column besides the target {target!r}"
            f"{' and those to drop' if drop else ''}. Give at least one feature."
        )
