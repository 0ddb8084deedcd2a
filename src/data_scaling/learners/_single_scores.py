r"""Changes of smooth metrics by changes of one classifier, in single precision.

With :math:`q \le 1/2` the probability of a validation point's less probable class,
:math:`s` by how much its log-odds grow and :math:`e = \mathrm{expm1}(s)`, nothing in
these formulas subtracts two numbers that are larger than what is left of them, so that
round-off is relative to the change:

* *log-loss*: the point loses :math:`\log(1 + q\,e)` if that class is the wrong one, and
  :math:`-s + \log(1 + q\,e)` if it is the true one.
* *log-loss of the probabilities as logits*: with :math:`g` the truth's probability less
  the other's, the gap falls by :math:`d = \pm 2 q (1 - q)\,e/(1 + q\,e)`, and the point
  loses :math:`\log(1 + \sigma(-g)\,\mathrm{expm1}(d))`.

Nor does anything cancel in the product that gives :math:`s`, if the features are
orthonormal over the validation part: the squares of its summands then come, over the
part, to the square of what they sum to. :class:`._margins.MarginScorer` has such
features, the same ones for all fits.

The validation part is taken in tiles: a tile's features and the growths of some
classifiers on it fit the second-level cache, and no large array is ever written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from data_scaling._typing import FloatArray
from data_scaling.metrics import LogLoss, Metric, SoftmaxLogLoss

#: Features of some validation points each, (p, n), contiguous.
Tiles: TypeAlias = list[NDArray[np.float32]]

#: Metrics whose changes can be had in single precision.
SINGLE_METRICS: Final = (LogLoss, SoftmaxLogLoss)

# Classifiers and validation points that are worked on together.
_ROWS: Final = 256
_TILE: Final = 1024


def make_tiles(features: FloatArray) -> Tiles:
    """Cut features of the validation part, (n_val, p), into tiles."""
    starts = range(0, len(features), _TILE)
    parts = [features[low : low + _TILE].T.astype(np.float32) for low in starts]
    return [np.ascontiguousarray(part) for part in parts]


@dataclass(frozen=True, eq=False)
class SingleScorer:
    """Changes of one metric by changes of one classifier.

    Attributes
    ----------
    tiles : list of (p, n) float32 arrays
        Features whose product with a change is by how much log-odds grow.
    terms : list of tuples of (n,) float32 arrays
        What ``lose`` needs of each tile.
    lose : callable
        Turns the growth on a tile, (n_rows, n) and its terms, into losses, in place.
    linear : (p,) float64 array
        What a change loses on the whole part beside that, per unit of the change.
    n_val : int
        Number of validation points.
    """

    tiles: Tiles
    terms: list[tuple[NDArray[np.float32], ...]]
    lose: Callable[..., None]
    linear: FloatArray
    n_val: int

    def changes(self, change: NDArray[np.float32]) -> FloatArray:
        """Return the changes of the utility, (n,), for ``change`` (n, p).

        They are not finite where a change is beyond what exp can take.
        """
        loss: FloatArray = change @ self.linear
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for tile, terms in zip(self.tiles, self.terms, strict=True):
                for low in range(0, len(change), _ROWS):
                    rows = slice(low, low + _ROWS)
                    growth = change[rows] @ tile
                    self.lose(growth, *terms)
                    loss[rows] += growth.sum(axis=1)
        return np.asarray(-loss / self.n_val)


def make_single_scorer(
    features: FloatArray, tiles: Tiles, wrong: FloatArray, metric: Metric
) -> SingleScorer:
    """Return what scores changes of a classifier.

    Parameters
    ----------
    features : (n_val, p) float64 array
        Orthonormal features, whose product with a change is by how much the log-odds of
        the wrong class grow.
    tiles : list of (p, n) float32 arrays
        The same, of ``make_tiles``.
    wrong : (n_val,) float64 array
        Log-odds of the wrong class by the classifier itself.
    metric : Metric
        One of :data:`SINGLE_METRICS`.
    """
    is_wrong = (wrong > 0.0).astype(np.float64)
    turn = 1.0 - 2.0 * is_wrong
    less_probable = expit(-np.abs(wrong))
    terms: Sequence[FloatArray]
    lose: Callable[..., None]
    if isinstance(metric, LogLoss):
        linear = is_wrong @ features
        terms, lose = (turn, less_probable), _lose_log
    else:
        linear = np.zeros(features.shape[1])
        fall = 2.0 * turn * less_probable * expit(np.abs(wrong))
        slope = expit(np.tanh(0.5 * wrong))
        terms, lose = (turn, less_probable, fall, slope), _lose_softmax
    single = [term.astype(np.float32) for term in terms]
    parts = [slice(low, low + _TILE) for low in range(0, len(wrong), _TILE)]
    of_tiles = [tuple(term[part] for term in single) for part in parts]
    return SingleScorer(tiles, of_tiles, lose, linear, len(wrong))


def _lose_log(
    growth: NDArray[Any], turn: NDArray[Any], probability: NDArray[Any]
) -> None:
    growth *= turn
    np.expm1(growth, out=growth)
    growth *= probability
    np.log1p(growth, out=growth)


def _lose_softmax(
    growth: NDArray[Any],
    turn: NDArray[Any],
    probability: NDArray[Any],
    fall: NDArray[Any],
    slope: NDArray[Any],
) -> None:
    growth *= turn
    np.expm1(growth, out=growth)
    divisor = probability * growth
    divisor += 1.0
    growth *= fall
    growth /= divisor
    np.expm1(growth, out=growth)
    growth *= slope
    np.log1p(growth, out=growth)
