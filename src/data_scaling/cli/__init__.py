"""The command ``data-scaling``."""
