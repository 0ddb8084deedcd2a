"""Scaling laws for the value of individual data points.

For every point ``z`` of a training pool, a law ``psi_k(z) = c(z) / k**alpha(z)`` of
its expected marginal contribution to a model trained on ``k`` points: what the point
is worth at the size a dataset has, and at the size it will have.
"""
