"""The command ``data-scaling``."""

from data_scaling.cli.app import main

__all__ = ["main"]
