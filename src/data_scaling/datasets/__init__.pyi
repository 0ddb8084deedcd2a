from data_scaling.datasets.catalog import (
    dataset_names as dataset_names,
    load_dataset as load_dataset,
)
from data_scaling.datasets.dataset import (
    Dataset as Dataset,
    Task as Task,
)
from data_scaling.datasets.features import FeatureKind as FeatureKind
from data_scaling.datasets.prepared import (
    is_prepared as is_prepared,
    save_dataset as save_dataset,
)
from data_scaling.datasets.preview import (
    Preview as Preview,
    Previews as Previews,
)
from data_scaling.datasets.table import read_table as read_table

__all__: list[str]
