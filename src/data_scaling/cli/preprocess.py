"""``data-scaling preprocess``: a dataset from its original files, into a folder."""

import time
from pathlib import Path

import numpy as np

from data_scaling._text import count, duration
from data_scaling.cli.options import (
    DataDir,
    DatasetName,
    Drop,
    Target,
    load_named_or_file,
)
from data_scaling.cli.preparing import (
    Device,
    Features,
    ImageColumn,
    Model,
    PreparedFolder,
    RowId,
    Separator,
    SplitColumn,
    SplitSeed,
    Task,
    TestSize,
    TextColumn,
    ValSize,
)
from data_scaling.cli.text import list_pairs
from data_scaling.datasets import Dataset, save_dataset

_MAX_CLASSES = 10
_PART_NAMES = {"val": "validation", "test": "test"}
_NAMED_SEPARATORS = {"tab": "\t", "\\t": "\t"}


def preprocess(
    dataset: DatasetName,
    target: Target = None,
    drop: Drop = None,
    text: TextColumn = None,
    image: ImageColumn = None,
    row_id: RowId = None,
    split: SplitColumn = None,
    val_size: ValSize = None,
    test_size: TestSize = None,
    task: Task = None,
    separator: Separator = None,
    features: Features = None,
    model: Model = None,
    device: Device = None,
    seed: SplitSeed = 0,
    data_dir: DataDir = None,
    out: PreparedFolder = None,
) -> None:
    """Prepare a dataset: read, split, turn into features and write into a folder.

    The other verbs take the folder in the place of a dataset's name. Original files
    that are missing are downloaded.

    Example: data-scaling preprocess imdb --features tfidf

    Example: data-scaling preprocess letters.csv --target topic --text body
    --row-id key

    Example: data-scaling preprocess photos.parquet --target kind --image file
    --features pixels
    """
    start = time.perf_counter()
    choices = {
        "text": text,
        "image": image,
        "row_id": row_id,
        "split": split,
        "val_size": val_size,
        "test_size": test_size,
        "task": task,
        "separator": _NAMED_SEPARATORS.get(separator or "", separator),
    }
    data = load_named_or_file(
        dataset,
        target,
        drop,
        seed,
        data_dir,
        features=features,
        model=model,
        device=device,
        of_file={name: v for name, v in choices.items() if v not in (None, [])},
    )
    folder = save_dataset(data, out or Path("prepared") / data.name)
    print(describe_dataset(data))
    print(f"\nprepared in {duration(time.perf_counter() - start)}, into {folder}")
    print(f"Go on by: data-scaling run {folder}")


def describe_dataset(data: Dataset) -> str:
    """Return shapes, classes and duplicates of a dataset as aligned lines."""
    rows = f"{data.n_points:,} / {len(data.x_val):,} / {len(data.x_test):,}"
    pairs = {
        "dataset": f"{data.name}, {data.task}",
        "training / validation / test": f"{rows} rows",
        "features": f"{data.n_features:,}",
    }
    if data.classes:
        shares = np.bincount(data.y_train) / data.n_points
        named = [
            f"{name} {share:.1%}"
            for name, share in zip(data.classes, shares, strict=True)
        ]
        more = ", ..." if len(named) > _MAX_CLASSES else ""
        pairs["classes"] = ", ".join(named[:_MAX_CLASSES]) + more
    else:
        pairs["target"] = f"{data.y_train.mean():.6g} ± {data.y_train.std():.6g}"
    duplicates = data.provenance.get("duplicates", {})
    if any(duplicates.values()):
        pairs["duplicates of training rows"] = ", ".join(
            f"{count(n, 'row')} of the {_PART_NAMES[part]} part"
            for part, n in duplicates.items()
        )
    pairs["fingerprint"] = data.fingerprint
    return list_pairs(pairs)
