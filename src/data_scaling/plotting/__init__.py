"""Figures: each a function from numbers to ``(figure, frame)``."""

from data_scaling.plotting.files import save_figure
from data_scaling.plotting.validation import plot_validation

__all__ = ["plot_validation", "save_figure"]
