"""Datasets: the arrays of a valuation, and the readers that prepare them."""

from data_scaling.datasets.catalog import dataset_names, load_dataset
from data_scaling.datasets.dataset import Dataset, Task
from data_scaling.datasets.features import FeatureKind
from data_scaling.datasets.prepared import is_prepared, save_dataset
from data_scaling.datasets.preview import Preview, Previews
from data_scaling.datasets.table import read_table

__all__ = [
    "Dataset",
    "FeatureKind",
    "Preview",
    "Previews",
    "Task",
    "dataset_names",
    "is_prepared",
    "load_dataset",
    "read_table",
    "save_dataset",
]
