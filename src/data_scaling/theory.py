r"""What theory says of the laws of linear regression.

For a well-specified linear model fitted by least squares to k random points, the
expected contribution of a point with features x and residual e falls as

.. math:: \psi_k(z) \approx \frac{c(z)}{k^2}, \qquad
    c(z) = x^\top S^{-1} x\,(2 s^2 - e^2),

with S the mean of :math:`x x^\top` (the intercept counts as a feature) and :math:`s^2`
the variance of the noise; the variance of one draw falls as :math:`k^{-3}`. A point
helps while its residual is below :math:`\sqrt 2` noise standard deviations.

This holds where the validation part is the population. A finite one has its optimum
elsewhere than the pool has, and adds the term of first order

.. math:: a(z)/k, \qquad a(z) = e\,x^\top S^{-1} g,

with g the gradient of the utility at the pool's own regression. It falls more slowly,
so that it wins at large k.

References
----------
.. [1] Covert, Ji, Hashimoto and Zou, "Scaling Laws for the Value of Individual Data
   Points in Machine Learning", ICML 2024, section 3 and its appendix.
"""

import numpy as np

from data_scaling._typing import FloatArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError

#: Exponents of the mean and of the variance that the theory gives.
ALPHA, BETA = 2.0, 3.0


def predict_linear_terms(dataset: Dataset) -> tuple[FloatArray, FloatArray]:
    """Return a(z) and c(z) of psi = a/k + c/k^2, for ordinary least squares.

    Residuals and noise are those of a regression on the whole pool.

    Parameters
    ----------
    dataset : Dataset
        A regression with more training points than features.

    Returns
    -------
    first, second : (n_points,) float64 array
        a(z), which a finite validation part causes, and c(z), the paper's; in units of
        the utility, minus the mean squared error.

    Raises
    ------
    InputError
        If the dataset is a classification, or has too few points.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.datasets import Dataset
    >>> from data_scaling.theory import predict_linear_terms
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(500, 3))
    >>> y = x.sum(axis=1) + rng.normal(size=500)
    >>> first, second = predict_linear_terms(Dataset(x, y, x, y))
    >>> bool(np.abs(first).max() < 1e-9), bool(0.7 < np.mean(second) / 4 < 1.3)
    (True, True)
    """
    n_points, n_columns = dataset.n_points, dataset.n_features + 1
    if dataset.task != "regression" or n_points <= n_columns:
        raise InputError(
            f"{dataset.name} is a {dataset.task} of {n_points} points and "
            f"{dataset.n_features} features. Give a regression with more points than "
            "features."
        )
    x, x_val = (
        np.column_stack([part, np.ones(len(part))])
        for part in (dataset.x_train, dataset.x_val)
    )
    weights = np.linalg.lstsq(x, dataset.y_train)[0]
    residual = dataset.y_train - x @ weights
    noise = float(residual @ residual) / (n_points - n_columns)
    gradient = 2.0 * (dataset.y_val - x_val @ weights) @ x_val / len(x_val)
    # x' S^-1 x is n times the squared length of x's row of U, and S^-1 = n V s^-2 V'.
    left, singular, right = np.linalg.svd(x, full_matrices=False)
    used = singular > singular[0] * np.finfo(np.float64).eps * n_points
    leverage = n_points * np.sum(left[:, used] ** 2, axis=1)
    direction = n_points * left[:, used] @ (right[used] @ gradient / singular[used])
    second = leverage * (2 * noise - residual**2)
    return np.asarray(residual * direction), np.asarray(second)
