"""A user's own table, texts or images as a dataset."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from data_scaling._checks import check_at_least
from data_scaling.datasets._names import list_names
from data_scaling.datasets.dataset import Dataset, Task
from data_scaling.datasets.features import FeatureKind, FeatureOptions
from data_scaling.datasets.preparation import prepare_dataset
from data_scaling.datasets.table_columns import build_raw_table, encode_target
from data_scaling.datasets.table_items import (
    get_images,
    get_row_ids,
    get_split,
    get_texts,
    is_index,
)
from data_scaling.datasets.table_sources import TableSource, read_source
from data_scaling.errors import DatasetError, InputError

_SEPARATOR_HINT = (
    " Is its separator another? Name it by separator (--separator of data-scaling "
    "preprocess)."
)


def read_table(
    source: Any,
    target: str | None = None,
    *,
    task: Task | None = None,
    drop: Sequence[str] = (),
    text: str | Sequence[str] = (),
    image: str | Sequence[str] = (),
    row_id: str | None = None,
    split: str | None = None,
    val_size: float = 0.2,
    test_size: float = 0.2,
    standardise_one_hot: bool = False,
    features: FeatureKind | None = None,
    model: str | None = None,
    device: str | None = None,
    separator: str | None = None,
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
    source : path, frame, Bunch or TensorDataset
        A ``.csv`` or ``.tsv`` (UTF-8, with a line of column names; plain or ``.gz``)
        or ``.parquet`` file; an ``.npz`` file with ``x``, ``y`` and, if rows have
        identifiers, ``row_ids``; a folder that a dataset of Hugging Face was saved in;
        a data frame of pandas or polars; a ``Bunch`` of scikit-learn; a
        ``TensorDataset`` of torch. In a CSV file an empty field, ``NA``, ``NaN``,
        ``null``, ``None`` and the like are missing values, except in the columns of
        ``text``, ``image`` and ``row_id``, which are taken as written.
    target : str, optional
        The column to predict. A Bunch, a TensorDataset and an npz file have one of
        their own.
    task : {"classification", "regression"}, optional
        By default a classification if the target holds strings, booleans or at most
        20 different whole numbers, else a regression.
    drop : sequence of str
        Columns to leave out.
    text, image : str or sequence of str
        Columns of texts, and of images (paths, which may be relative to the table's
        folder, or the bytes of image files), which become features as ``features``
        says. A missing text is an empty one.
    row_id : str, optional
        Column of integers or strings that identify the rows, each once; or the name
        of the index of a frame.
    split : str, optional
        Column that says the part of each row: train, validation or test. By default
        the split is random, unless a saved dataset of Hugging Face has these parts.
    val_size, test_size : float or int
        Share of the rows if below 1, else their number; ``test_size`` may be 0.
    standardise_one_hot : bool
        Whether the 0/1 features are standardised too.
    features, model, device : str, optional
        How texts and images become features, see :func:`load_dataset`.
    separator : str, optional
        What separates the fields of a CSV file; by default a comma, or a tabulator in
        a ``.tsv`` file.
    name : str, optional
        Name of the dataset; by default the file's, without its ending, or the kind of
        the source.
    seed : int
        Seed of the split.

    Returns
    -------
    Dataset
        Its ``row_ids`` are the values of the column ``row_id``. Without one they are
        the index of a pandas frame, also of one in a Parquet file, if it names each row
        once, else the row numbers: the first row after the column names is 0, blank
        lines are not counted.

    Raises
    ------
    DatasetError
        If the source cannot be read, the target column is unknown, misses values or
        has one class only, a class has too few rows to be in every part, a column
        cannot be made numeric (dates, an identifier, free text), an image cannot be
        decoded, or row identifiers are missing or repeated.
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
    texts, images = _as_names(text), _as_names(image)
    verbatim = [*texts, *images, *filter(None, [row_id])]
    table = read_source(source, separator, verbatim=verbatim)
    target = target or table.target
    if target is None:
        raise InputError(
            f"No target was given for {table.origin}. Name the column that is to be "
            "predicted by target (--target COLUMN)."
        )
    split, row_id = split or table.split, row_id or table.row_id
    others = [*drop, *texts, *images, *filter(None, [split])]
    if row_id and not is_index(table.frame, row_id):
        others.append(row_id)
    _check_columns(table, target, drop, others)
    _check_wanted(table.origin, [*texts, *images], features, model, device)
    frame = table.frame
    raw = build_raw_table(
        table.origin,
        frame.drop(columns=[target, *others]),
        encode_target(table.origin, frame[target], task),
    )
    raw = replace(
        raw,
        texts={column: get_texts(frame[column]) for column in texts},
        images={column: get_images(table, column) for column in images},
        row_ids=get_row_ids(table, row_id),
    )
    return prepare_dataset(
        raw,
        name=name or table.name,
        seed=seed,
        val_size=val_size,
        test_size=test_size,
        standardise_one_hot=standardise_one_hot,
        features=FeatureOptions(features, model, device=device),
        split=get_split(table, split) if split else None,
        source={**table.describe(), "target": target, "dropped": list(drop)},
    )


def _as_names(columns: str | Sequence[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns)


def _check_wanted(origin: str, columns: Sequence[str], *choices: str | None) -> None:
    if not columns and any(choices):
        raise InputError(
            f"features, model and device are for texts and images, but no column of "
            f"{origin} was named by text or image. Name one, or leave them out."
        )


def _check_columns(
    table: TableSource, target: str, drop: Sequence[str], others: Sequence[str]
) -> None:
    columns = [str(column) for column in table.frame.columns]
    for asked, role in [(target, "target "), *((column, "") for column in others)]:
        if asked not in columns:
            hint = "" if len(columns) > 1 else _SEPARATOR_HINT
            raise DatasetError(
                f"{table.origin} has no {role}column {asked!r}. Its columns are "
                f"{list_names(asked, columns)}.{hint}"
            )
    if target in drop:
        raise DatasetError(
            f"The target column {target!r} is also in drop. Leave it out of drop."
        )
    uses = Counter([target, *others])
    repeated = [column for column, n in uses.items() if n > 1]
    if repeated:
        raise InputError(
            f"The columns {', '.join(repeated)} were named for two uses. A column can "
            "be one of target, text, image, row_id, split or dropped."
        )
    if not set(columns) - {target, *drop}:
        raise DatasetError(
            f"{table.origin} has no column besides the target {target!r}"
            f"{' and those to drop' if drop else ''}. Give at least one feature."
        )
