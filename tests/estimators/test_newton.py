"""Known problems, each from several starts, solved together."""

import numpy as np
import pytest

from data_scaling.estimators.newton import minimise_in_box

LOWER, UPPER = np.array([-1.0, -1.0]), np.array([2.0, 3.0])


def bowl(t):
    """Minimum at (0.5, 1), inside the box."""
    x, y = t[:, 0] - 0.5, t[:, 1] - 1
    value = x**2 + x * y + 2 * y**2
    return value, (2 * x + y, x + 4 * y), (2 + 0 * x, 1 + 0 * x, 4 + 0 * x)


def rosenbrock(t):
    """Curved valley; minimum at (1, 1)."""
    x, y = t.T
    gap = y - x**2
    return (
        100 * gap**2 + (1 - x) ** 2,
        (-400 * x * gap - 2 * (1 - x), 200 * gap),
        (1200 * x**2 - 400 * y + 2, -400 * x, 200 + 0 * x),
    )


def saddle(t):
    """x y: the corners (-1, 3) and (2, -1) are its local minima."""
    x, y = t.T
    return x * y, (y, x), (0 * x, 1 + 0 * x, 0 * x)


def double_well(t):
    """Maximum at x = 0, minima at (-1, 0) and (1, 0)."""
    x, y = t.T
    value = (x**2 - 1) ** 2 + y**2
    return value, (4 * x**3 - 4 * x, 2 * y), (12 * x**2 - 4, 0 * x, 2 + 0 * x)


PROBLEMS = {
    bowl: [[0.5, 1.0]],
    rosenbrock: [[1.0, 1.0]],
    saddle: [[-1.0, 3.0], [2.0, -1.0]],
    double_well: [[-1.0, 0.0], [1.0, 0.0]],
}


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda f: f.__name__)
def test_every_start_ends_in_a_local_minimum(problem):
    rng = np.random.default_rng(3)
    start = rng.uniform(LOWER - 0.5, UPPER + 0.5, (60, 2))

    def evaluate(theta, problems):
        value, gradient, hessian = problem(theta)
        return value, np.stack(gradient, 1), np.stack(hessian, 1)

    found = minimise_in_box(
        evaluate, start, LOWER, UPPER, scale=np.ones(60), max_iterations=100
    )

    assert found.converged.all()
    gaps = np.abs(found.theta[:, None] - np.array(PROBLEMS[problem])[None]).max(axis=2)
    assert gaps.min(axis=1).max() < 1e-7


def test_problem_that_needs_more_iterations_is_not_converged():
    def evaluate(theta, problems):
        value, gradient, hessian = rosenbrock(theta)
        return value, np.stack(gradient, 1), np.stack(hessian, 1)

    found = minimise_in_box(
        evaluate,
        np.array([[-0.9, 2.0], [1.0, 1.0]]),
        LOWER,
        UPPER,
        scale=np.ones(2),
        max_iterations=2,
    )

    assert found.converged.tolist() == [False, True]
