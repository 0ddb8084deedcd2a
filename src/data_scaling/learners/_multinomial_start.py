r"""Where the search for a point of several classes begins."""

from typing import Final

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.learners._lbfgs import row_dot
from data_scaling.learners._multinomial_fit import log_partition, softmax

_NEWTON_STEPS: Final = 12
_START_TOLERANCE: Final = 3e-3


def class_curvature(probability: FloatArray) -> FloatArray:
    """Return ``diag(p) - p p'`` of every point, (n, m, m)."""
    outer = -probability[:, :, None] * probability[:, None, :]
    diagonal = np.arange(probability.shape[1])
    outer[:, diagonal, diagonal] += probability
    return outer


def point_softmax(margin: FloatArray) -> FloatArray:
    """Return the probabilities of all classes but the last, for ``margin`` (n, m)."""
    return softmax(margin.T).T


def multiply(matrices: FloatArray, vectors: FloatArray) -> FloatArray:
    """Multiply a matrix (m, m) with a vector (m,), for every point."""
    return np.asarray(np.matmul(matrices, vectors[:, :, None])[:, :, 0])


def solve_residual(margin: FloatArray, y: FloatArray, g: FloatArray) -> FloatArray:
    r"""Solve ``rho = softmax(margin - g rho) - y`` by damped Newton steps.

    That is where :math:`\tfrac12 \rho' G \rho + \ell(v - G\rho)` is least; a step that
    does not decrease it is shortened. The result is where a search begins, and three
    digits do.

    Parameters
    ----------
    margin, y : (n_points, m) float64 array
        Log-odds and targets.
    g : (n_points, m, m) float64 array
        The matrices G, positive semidefinite.
    """
    identity = np.eye(margin.shape[1])
    rho, shift = np.zeros_like(margin), np.zeros_like(margin)
    best, length = _value(rho, margin, shift, y), np.ones(len(margin))
    residual = np.max(np.abs(point_softmax(margin) - y), axis=1)
    left = np.arange(len(margin))
    for _ in range(_NEWTON_STEPS):
        probability = point_softmax(margin[left] - shift[left])
        error = rho[left] - (probability - y[left])
        is_open = np.max(np.abs(error), axis=1) > _START_TOLERANCE * residual[left]
        left, probability, error = left[is_open], probability[is_open], error[is_open]
        jacobian = identity + class_curvature(probability) @ g[left]
        step = np.linalg.solve(jacobian, error[:, :, None])[:, :, 0]
        trial = rho[left] - length[left, None] * step
        trial_shift = multiply(g[left], trial)
        reached = _value(trial, margin[left], trial_shift, y[left])
        is_better = reached <= best[left]
        better = left[is_better]
        rho[better], shift[better] = trial[is_better], trial_shift[is_better]
        best[better] = reached[is_better]
        length[left] = np.where(is_better, 1.0, 0.25 * length[left])
    return rho


def _value(
    rho: FloatArray, margin: FloatArray, shift: FloatArray, y: FloatArray
) -> FloatArray:
    """Return what :func:`solve_residual` minimises, (n,), for ``shift`` = G rho."""
    moved = margin - shift
    loss = log_partition(moved.T) - row_dot(y, moved)
    return np.asarray(0.5 * row_dot(rho, shift) + loss)
