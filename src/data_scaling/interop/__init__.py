"""Adapters to other programs, each importing its package on use."""

from data_scaling.interop.cluster import use_dask
from data_scaling.interop.labelled import to_xarray
from data_scaling.interop.parquet import write_parquet

__all__ = ["to_xarray", "use_dask", "write_parquet"]
