"""A support vector machine whose kernel comes from one matrix product."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC

from data_scaling._typing import FloatArray


# The mixins come first, as scikit-learn asks.
class KernelSVC(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """``sklearn.svm.SVC`` with the kernel of radial basis functions, but quicker.

    The model is the same up to rounding. scikit-learn evaluates the kernel pair by
    pair, which takes most of a fit: here all pairs are one matrix product, of rows less
    their mean, which the kernel does not see.

    Parameters
    ----------
    C : float
        Cost of a row on the wrong side of its margin.
    tol : float
        Tolerance at which the fit stops.

    Attributes
    ----------
    classes_ : (n_classes,) array
        Labels, in sorted order.
    gamma_ : float
        Scale of the kernel, ``exp(-gamma_ |l - r|^2)``.
    centre_ : (n_features,) float64 array
        Mean of the rows.
    vectors_ : (n_support, n_features) float64 array
        Support vectors, less the mean.
    machine_ : sklearn.svm.SVC
        The fit itself, to the kernel of all ``n_rows_`` rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> x, y = load_iris(return_X_y=True)
    >>> float(KernelSVC().fit(x, y).score(x, y)) > 0.9
    True
    """

    def __init__(self, C: float = 1.0, tol: float = 1e-3) -> None:
        self.C = C
        self.tol = tol

    def fit(self, x: ArrayLike, y: ArrayLike) -> Self:
        """Fit to features (n_rows, n_features) and labels (n_rows,).

        The scale of the kernel is 1 / (n_features var(x)), scikit-learn's default.

        Raises
        ------
        ValueError
            If a number is not finite, or there is one label only.
        """
        rows = np.asarray(x, dtype=np.float64)
        variance = float(rows.var())
        self.gamma_ = 1 / (rows.shape[1] * variance) if variance > 0 else 1.0
        self.centre_ = rows.mean(axis=0)
        rows = rows - self.centre_
        self.machine_ = SVC(C=self.C, tol=self.tol, kernel="precomputed")
        self.machine_.fit(evaluate_kernel(rows, rows, self.gamma_), y)
        self.classes_ = self.machine_.classes_
        self.vectors_ = rows[self.machine_.support_]
        self.n_rows_, self.n_features_in_ = rows.shape
        return self

    def decision_function(self, x: ArrayLike) -> FloatArray:
        """Return signed scores, (n_rows,), or (n_rows, n_classes) of more than two."""
        kernel = self._kernel(x)
        if len(self.classes_) > 2:
            return np.asarray(self.machine_.decision_function(self._spread(kernel)))
        machine = self.machine_
        return np.asarray(kernel @ machine.dual_coef_[0] + machine.intercept_)

    def predict(self, x: ArrayLike) -> NDArray[Any]:
        """Return the labels, (n_rows,)."""
        return np.asarray(self.machine_.predict(self._spread(self._kernel(x))))

    def _kernel(self, x: ArrayLike) -> FloatArray:
        rows = np.asarray(x, dtype=np.float64) - self.centre_
        return evaluate_kernel(rows, self.vectors_, self.gamma_)

    def _spread(self, kernel: FloatArray) -> FloatArray:
        """Fill the columns of the support vectors; the others are not read."""
        every = np.zeros((len(kernel), self.n_rows_))
        every[:, self.machine_.support_] = kernel
        return every


def evaluate_kernel(left: FloatArray, right: FloatArray, gamma: float) -> FloatArray:
    """Return exp(-gamma |l - r|^2) of all pairs of rows, (n_left, n_right).

    The rows are near 0 beside their spread: squares of large means would cancel.
    """
    exponent = left @ right.T
    exponent *= 2.0
    exponent -= np.einsum("nd,nd->n", left, left)[:, None]
    exponent -= np.einsum("nd,nd->n", right, right)
    exponent *= gamma
    # Rounding may leave a square below 0.
    np.minimum(exponent, 0.0, out=exponent)
    return np.exp(exponent, out=exponent)
