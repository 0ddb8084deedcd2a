"""Datasets: the arrays of a valuation, and the readers that prepare them."""
