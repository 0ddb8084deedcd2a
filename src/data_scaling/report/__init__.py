"""The explorer: one HTML page on which a person moves the size of the dataset."""

from data_scaling.report.page import render_report, write_report
from data_scaling.report.points import (
    POINTS_FILE,
    PointTable,
    load_points,
    save_points,
)
from data_scaling.report.run import Run, load_run

__all__ = [
    "POINTS_FILE",
    "PointTable",
    "Run",
    "load_points",
    "load_run",
    "render_report",
    "save_points",
    "write_report",
]
