"""The options that the scripts share, with one dash or two, and what they mean."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import data_scaling as ds
from data_scaling.cli.description import describe_summary
from data_scaling.datasets.embedded import read_embeddings
from data_scaling.fitting import make_estimator
from paths import DEFAULT_OUT, Paths

#: Tables that are read as they lie in the data folder: file and target.
TABLES = {
    "california_housing": ("california_housing.parquet", "median_house_value"),
    "electricity": ("electricity.parquet", "label"),
    "pol": ("pol.parquet", "target"),
    "spambase": ("spambase.parquet", "label"),
}
#: Embeddings of the data folder that others have made.
EMBEDDINGS = {"imdb_minilm": "imdb_minilm.npz"}


def make_parser(description: str | None, *, model: bool = True) -> ArgumentParser:
    """Return a parser with the options that all scripts take.

    Parameters
    ----------
    description : str
        What the script does: its docstring.
    model : bool
        Whether the script also takes a model and a metric.
    """
    parser = ArgumentParser(description=description)
    add(parser, "dataset", default="lm_clf", help="a dataset's name")
    add(parser, "seed", type=int, default=0, help="seed of the draws")
    add(parser, "data_dir", type=Path, help="folder of the raw files")
    add(parser, "out", type=Path, default=DEFAULT_OUT, help="folder to write to")
    if model:
        add(parser, "model", default="logreg", help="a learner's name")
        add(parser, "metric", help="a metric's name; by default the task's")
    return parser


def add(parser: ArgumentParser, name: str, **settings: Any) -> None:
    """Add an option as ``-name`` and ``--name``, and with dashes for underscores."""
    spellings = [f"-{name}", f"--{name}", f"--{name.replace('_', '-')}"]
    if settings.get("default") is not None and "help" in settings:
        settings["help"] += " [default: %(default)s]"
    parser.add_argument(*dict.fromkeys(spellings), **settings)


def add_methods(parser: ArgumentParser) -> None:
    """Add which ways of fitting laws are compared."""
    text = "likelihood, hierarchical or amortized (extra torch), with commas between"
    add(
        parser, "methods", type=read_words, default="likelihood,hierarchical", help=text
    )


def add_sizes(parser: ArgumentParser) -> None:
    """Add the range of coalition sizes, the paper's by default."""
    add(parser, "min_cardinality", type=int, default=100, help="smallest coalition")
    add(parser, "max_cardinality", type=int, default=1000, help="largest coalition")


def add_sampling(parser: ArgumentParser) -> None:
    """Add how a plan is drawn: points, jobs and shard."""
    add_points(parser)
    add(parser, "jobs", type=int, default=-1, help="processes; -1 for all cores")
    text = "where mlp and regmlp are trained: cpu, cuda or mps"
    add(parser, "device", default="cpu", help=text)
    add(parser, "shard", type=read_shard, help="which part of how many, as 2/5")


def add_points(parser: ArgumentParser) -> None:
    """Add which points are valued."""
    text = "points to value: the first N, random:N, or -1 for all, as by default"
    add(parser, "num_inds", type=read_points, help=text)


def read_shard(text: str) -> tuple[int, int]:
    """Return (2, 5) for "2/5"."""
    which, _, n_shards = text.partition("/")
    return int(which), int(n_shards)


def read_points(text: str) -> int | tuple[Literal["random"], int] | None:
    """Return the points of a plan: the first ones, random ones, or None for all."""
    kind, _, number = text.rpartition(":")
    if kind == "random":
        return "random", int(number)
    return None if text == "-1" else int(text)


def read_integers(text: str) -> Sequence[int]:
    """Return [5, 10] for "5,10"."""
    return [int(part) for part in text.split(",")]


def read_words(text: str) -> Sequence[str]:
    """Return the words between commas."""
    return text.split(",")


def make_fit(method: str, args: Namespace) -> Callable[..., ds.ScalingLaws]:
    """Return what turns draws into laws: an estimator's ``fit``.

    ``amortized`` (extra torch) also sees the points' features.
    """
    dataset = load_dataset(args) if method == "amortized" else None
    return make_estimator(method, dataset).fit  # type: ignore[arg-type]


def load_dataset(args: Namespace) -> ds.Dataset:
    """Load the dataset that a script's arguments mean.

    It is the one that preprocess.py has written, if it has; else it is read anew.
    """
    prepared = Paths.of(args).prepared
    if ds.is_prepared(prepared):
        return ds.load_dataset(prepared)
    return read_original(args.dataset, args.data_dir)


def read_original(name: str, data_dir: Path | None, **choices: Any) -> ds.Dataset:
    """Read a dataset known by its name, or a table of the data folder."""
    folder = data_dir or Path(os.environ.get("DATA_SCALING_DATA", "."))
    if name in EMBEDDINGS:
        return read_embeddings(folder / EMBEDDINGS[name], name=name, **choices)
    if name in TABLES:
        file, target = TABLES[name]
        return ds.read_table(folder / file, target, name=name, **choices)
    return ds.load_dataset(name, data_dir, **choices)


def draw_ledger(plan: ds.SamplingPlan, args: Namespace) -> None:
    """Draw a plan, or a shard of it, into the ledger that ``--kind`` names."""
    summary = ds.sample_ledger(
        load_dataset(args),
        ds.make_learner(args.model, device=args.device),
        plan,
        Paths.of(args).ledger(args.kind, args.shard),
        metric=args.metric,
        shard=args.shard,
        n_jobs=args.jobs,
    )
    print(describe_summary(summary))
