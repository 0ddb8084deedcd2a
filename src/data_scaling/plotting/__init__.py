"""Figures: each a function from numbers to ``(figure, frame)``."""

from data_scaling.plotting.addition import plot_additions
from data_scaling.plotting.amortized import plot_amortized
from data_scaling.plotting.convergence import plot_convergence, plot_values
from data_scaling.plotting.detection import plot_detection
from data_scaling.plotting.distance import plot_distance
from data_scaling.plotting.files import save_figure
from data_scaling.plotting.histogram import LawSummary, plot_histogram, summarise_laws
from data_scaling.plotting.law import plot_law
from data_scaling.plotting.learning_curve import plot_learning_curve
from data_scaling.plotting.theory import plot_theory
from data_scaling.plotting.validation import plot_validation

__all__ = [
    "LawSummary",
    "plot_additions",
    "plot_amortized",
    "plot_convergence",
    "plot_detection",
    "plot_distance",
    "plot_histogram",
    "plot_law",
    "plot_learning_curve",
    "plot_theory",
    "plot_validation",
    "plot_values",
    "save_figure",
    "summarise_laws",
]
