r"""What small linear models make of a point, and what the point would do to them.

A contribution is what a point does to a model of a coalition. Linear models of random
parts of the pool, as large as the typical coalition, show what that depends on. With a
model's parameters :math:`\theta`, the point's residual :math:`r` (label less
prediction), the Hessian :math:`H` of the objective per example and the gradient
:math:`g` of the utility, the point moves :math:`\theta` by :math:`H^{-1} x r / k` and
the utility, to first order, by

.. math:: \frac{r\, x' H^{-1} g}{k},

while its leverage :math:`h = x' H^{-1} x` tells, with the residual, how far models
move, and so the size of the noise and of the second order. A network that is told these
need not learn a quadratic form from a few thousand points.

References
----------
.. [1] Koh and Liang, "Understanding Black-box Predictions via Influence Functions",
   ICML 2017.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, logit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from data_scaling._typing import FloatArray
from data_scaling.amortized.encoding import Encoding, Single
from data_scaling.datasets import Dataset

N_PROBES = 12
_ITERATIONS = 200
# Log-odds against a class that a probe has not seen, and the largest that are told.
_ABSENT = _LARGEST = 10.0
# A feature's scale counts as at most so many times the median feature's.
_WIDEST = 10.0
# Operations that are spent on the inverses of the Hessians, about; at least so many
# probes are trained all the same.
_OPERATIONS, _FEWEST = 1e12, 3
# Squares of residuals and leverages are told from here on.
_SMALLEST = 1e-8
_STEPS = 4


class Traits(NamedTuple):
    """What probes make of points; per output where they have several.

    Attributes
    ----------
    odds : (n_points, n_outputs) float32 array
        Mean output: log-odds, or the prediction of a regression.
    missed : (n_points, n_outputs) float32 array
        Mean residual.
    log_miss, log_shift : (n_points,) float32 array
        Logarithm of the mean squared residual, and of the residual that is left once
        the model of a coalition has moved to the point, relative to the label's unit.
    log_leverage, reach : (n_points,) float32 array
        Logarithm of h, and the root of h times the mean squared residual.
    tilt : (n_points,) float32 array
        Mean of r x'H^-1 g over that root: the direction of the first order.
    """

    odds: Single
    missed: Single
    log_miss: Single
    log_shift: Single
    log_leverage: Single
    reach: Single
    tilt: Single


@dataclass(frozen=True, eq=False)
class Probes:
    """Linear models of random parts of the pool.

    Attributes
    ----------
    weight, pull : (n_features + 1, n_probes, n_outputs) float32 array
        Parameters, the last row the intercepts; and H^-1 g.
    root : (n_features + 1, n_features + 1) float32 array
        R with R R' the mean of H^-1.
    n_classes : int
        Classes of the target; 0 in a regression.
    base : float
        Size of the parts, and of the typical coalition.
    center, spread : (n_inputs,) float32 array
        Mean and deviation of each trait over the pool.
    """

    weight: Single
    pull: Single
    root: Single
    n_classes: int
    base: float
    center: Single
    spread: Single

    @property
    def n_traits(self) -> int:
        """Number of columns of what is told of a point."""
        return len(self.center)

    def describe(self, x: Single, target: NDArray[Any]) -> Single:
        """Return the standardised traits of encoded points, (n_points, n_traits)."""
        traits = _tabulate(self.look(x, target))
        traits -= self.center
        traits /= self.spread
        return traits

    def look(self, x: Single, target: NDArray[Any]) -> Traits:
        """Return what the probes make of encoded points."""
        _, n_probes, n_outputs = self.weight.shape
        n_columns = n_probes * n_outputs
        # Points are the columns: what follows runs along them.
        seen = self._joined[:-1].T @ x.T
        seen += self._joined[-1][:, None]
        odds, pull = (
            seen[first : first + n_columns].reshape(n_probes, n_outputs, len(x))
            for first in (0, n_columns)
        )
        white = seen[2 * n_columns :]
        leverage = np.einsum("dn,dn->n", white, white)
        np.maximum(leverage, _SMALLEST, out=leverage)
        missed = code_target(target, self.n_classes).T - _predict(
            odds, self.n_classes, axis=1
        )
        square = np.einsum("bcn,bcn->n", missed, missed) / np.float32(n_probes)
        np.maximum(square, _SMALLEST, out=square)
        reach = np.sqrt(square * leverage)
        first_order = np.einsum("bcn,bcn->n", missed, pull) / np.float32(n_probes)
        mean = missed.mean(axis=0).T
        return Traits(
            odds=odds.mean(axis=0).T.clip(-_LARGEST, _LARGEST),
            missed=mean,
            log_miss=np.log(square),
            log_shift=self._shift(mean, target, leverage),
            log_leverage=np.log(leverage),
            reach=reach,
            tilt=first_order / reach,
        )

    @cached_property
    def _joined(self) -> Single:
        """What points, a 1 appended, are multiplied by, side by side."""
        flat = (part.reshape(len(part), -1) for part in (self.weight, self.pull))
        return np.ascontiguousarray(np.hstack([*flat, self.root]))

    def _shift(self, missed: Single, target: NDArray[Any], leverage: Single) -> Single:
        """Return the logarithm of the residual t = 1 - expit(m + t h/k) of the label.

        It is what moves a model to its new minimum along the point, to second order in
        the other points. In a regression t = r / (1 + h/k).
        """
        stiffness = leverage / np.float32(self.base)
        if not self.n_classes:
            shift = np.abs(missed[:, 0]) / (1.0 + stiffness)
            return np.asarray(np.log(np.maximum(shift, np.sqrt(_SMALLEST))))
        if missed.shape[1] == 1:
            left = np.abs(missed[:, 0])
        else:
            left = missed[np.arange(len(missed)), target]
        left = left.clip(1e-6, 1.0 - 1e-6)
        margin = -logit(left)
        shift = left
        for _ in range(_STEPS):
            residual = expit(-margin - shift * stiffness)
            slope = 1.0 + stiffness * residual * (1.0 - residual)
            shift = (shift - (shift - residual) / slope).clip(0.0, left)
        return np.asarray(np.log(np.maximum(shift, np.float32(1e-6))))


def learn_probes(
    dataset: Dataset, encoding: Encoding, base: float, rng: np.random.Generator
) -> Probes:
    """Train probes on the pool, and find what moves them on the validation part.

    Penalised as scikit-learn does by default, in the features' own scales: as models
    of coalitions are that see the features as they stand.

    Parameters
    ----------
    dataset : Dataset
        The pool and the validation part.
    encoding : Encoding
        How features and targets are told.
    base : float
        Typical size of a coalition.
    rng : numpy.random.Generator
        Source of the parts.
    """
    x, target = encoding.encode(dataset.x_train, dataset.y_train)
    x_val, y_val = encoding.encode(dataset.x_val, dataset.y_val)
    scale = np.minimum(encoding.scale, _WIDEST * np.median(encoding.scale))
    wide, wide_val = (
        np.hstack([rows * scale, np.ones((len(rows), 1))]) for rows in (x, x_val)
    )
    size = max(2, min(round(base), len(x) // 2))
    n_outputs = count_outputs(encoding.n_classes)
    n_affordable = _OPERATIONS / (n_outputs * float(wide.shape[1]) ** 3)
    n_probes = int(np.clip(n_affordable, _FEWEST, N_PROBES))
    parts = _draw_parts(len(x), size, n_probes, rng)
    found = [
        _probe(wide[part], target[part], wide_val, y_val, encoding.n_classes)
        for part in parts
    ]
    weight, pull, inverse = (np.stack(column) for column in zip(*found, strict=True))
    # In the standardised features, as points are given.
    back = np.append(scale, 1.0)
    root = back[:, None] * np.linalg.cholesky(inverse.mean(axis=0))
    probes = Probes(
        weight=_to_single(back[:, None, None] * weight.transpose(2, 0, 1)),
        pull=_to_single(back[:, None, None] * pull.transpose(2, 0, 1)),
        root=_to_single(root),
        n_classes=encoding.n_classes,
        base=base,
        center=np.zeros(0, dtype=np.float32),
        spread=np.ones(0, dtype=np.float32),
    )
    traits = _tabulate(probes.look(x, target))
    spread = traits.std(axis=0)
    return Probes(
        probes.weight,
        probes.pull,
        probes.root,
        probes.n_classes,
        base,
        center=traits.mean(axis=0),
        spread=np.where(spread > 1e-6, spread, np.float32(1.0)),
    )


def _draw_parts(
    n_rows: int, size: int, n_parts: int, rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    """Return parts of a pool, disjoint as long as it lasts."""
    n_fresh = n_rows // size
    order: list[NDArray[np.intp]] = []
    while len(order) < n_parts:
        shuffled = rng.permutation(n_rows)
        order += [shuffled[j * size : (j + 1) * size] for j in range(n_fresh)]
    return order[:n_parts]


def _probe(
    x: FloatArray,
    target: NDArray[Any],
    x_val: FloatArray,
    y_val: NDArray[Any],
    n_classes: int,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weights and pulls (n_outputs, n_wide), and the mean inverse Hessian."""
    weight = _train_linear(x, target, n_classes)
    predicted = _predict((x @ weight.T)[:, None], n_classes)[:, 0]
    missed = code_target(y_val, n_classes) - _predict(
        (x_val @ weight.T)[:, None], n_classes
    ).reshape(len(x_val), -1)
    slope = missed.T @ x_val / len(x_val)
    penalty = np.full(x.shape[1], 1.0)
    # The intercept is free, but for what rounding needs.
    penalty[-1] = 1e-6
    pulls, inverses = [], []
    for output, gradient in enumerate(slope):
        p = predicted[:, output]
        curvature = p * (1.0 - p) if n_classes else np.ones(len(x))
        hessian = (x.T * curvature) @ x
        hessian[np.diag_indices_from(hessian)] += penalty
        inverse = len(x) * np.linalg.inv(hessian)
        pulls.append(inverse @ gradient)
        inverses.append(0.5 * (inverse + inverse.T))
    return weight, np.stack(pulls), np.mean(inverses, axis=0)


def _train_linear(x: FloatArray, target: NDArray[Any], n_classes: int) -> FloatArray:
    """Return parameters (n_outputs, n_wide), the intercept's the last."""
    features = x[:, :-1]
    if not n_classes:
        ridge = Ridge(alpha=1.0).fit(features, target)
        return np.append(ridge.coef_, ridge.intercept_)[None]
    weight = np.zeros((n_classes, x.shape[1]))
    weight[:, -1] = -_ABSENT
    seen = np.unique(target)
    weight[seen[0], -1] = 0.0
    if len(seen) > 1:
        logistic = LogisticRegression(max_iter=_ITERATIONS)
        with warnings.catch_warnings():
            # A rough fit will do.
            warnings.simplefilter("ignore", ConvergenceWarning)
            logistic.fit(features, target)
        found = np.hstack([logistic.coef_, logistic.intercept_[:, None]])
        weight[seen[-len(found) :]] = found
    if n_classes == 2:
        return np.asarray(weight[1:] - weight[:1])
    return weight


def count_outputs(n_classes: int) -> int:
    """Return the outputs of a linear model: one tells two classes apart."""
    return n_classes if n_classes > 2 else 1


def code_target(target: NDArray[Any], n_classes: int) -> Single:
    """Return the targets as the outputs of a perfect model, (n_points, n_outputs)."""
    if n_classes <= 2:
        return np.asarray(target, dtype=np.float32)[:, None]
    return np.asarray(np.eye(n_classes, dtype=np.float32)[target])


def _predict(odds: NDArray[Any], n_classes: int, axis: int = -1) -> NDArray[Any]:
    """Return probabilities, or the predictions of a regression."""
    if not n_classes:
        return odds
    if n_classes > 2:
        return np.asarray(np.exp(log_softmax(odds, axis=axis)))
    # Several times quicker than scipy's expit; what overflows gives 0.
    with np.errstate(over="ignore"):
        odd = np.exp(-odds)
    odd += 1.0
    return np.asarray(np.divide(1.0, odd, out=odd))


def _tabulate(traits: Traits) -> Single:
    columns = [part if part.ndim == 2 else part[:, None] for part in traits]
    return np.asarray(np.hstack(columns), dtype=np.float32)


def _to_single(values: FloatArray) -> Single:
    return np.ascontiguousarray(values, dtype=np.float32)
