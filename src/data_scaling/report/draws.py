r"""Draws as single bytes, for a page that shows them beside their law.

A delta is scaled by its size, :math:`x = \Delta\,k / \max_D |\Delta\,k|`, as both the
law and its noise fall about as 1/k, and written on a logarithmic scale of 127 steps,
:math:`127 \log(1 + 255 |x|) / \log 256`, which is good to about 2 % of a large value.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray
from data_scaling.contributions import Contributions

MISSING: Final = -128
_STEPS: Final = 127
_COMPANDING: Final = 255.0
_SIZE_STEPS: Final = 255


@dataclass(frozen=True, eq=False)
class DrawCodes:
    r"""The first draws of some points, each in two bytes.

    Attributes
    ----------
    delta : (n_points, n_draws) int8 array
        Signed code of each draw, ``MISSING`` for one that failed.
    cardinality : (n_points, n_draws) uint8 array
        Size on a logarithmic scale from ``smallest`` (0) to ``largest`` (255).
    scale : (n_points,) float64 array
        Largest :math:`|\Delta k|` of each point, in units of the utility.
    smallest, largest : float
        Ends of the scale of sizes.
    """

    delta: NDArray[np.int8]
    cardinality: NDArray[np.uint8]
    scale: FloatArray
    smallest: float
    largest: float


def encode_draws(contributions: Contributions, n_draws: int) -> DrawCodes:
    """Write the first draws of every point as bytes.

    Parameters
    ----------
    contributions : Contributions
        Draws of the points that a page lists.
    n_draws : int
        Draws per point, at most.
    """
    shown = contributions.first(min(n_draws, contributions.n_draws))
    size = shown.cardinality.astype(np.float64)
    scaled = shown.delta * size
    known = np.isfinite(scaled)
    scale = np.max(np.abs(scaled), axis=1, where=known, initial=0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(scale[:, None] > 0, scaled / scale[:, None], 0.0)
    level = np.log1p(_COMPANDING * np.abs(share)) / np.log1p(_COMPANDING)
    code = np.rint(np.sign(share) * _STEPS * level)
    code = np.where(known, code, MISSING)
    smallest, largest = float(size.min()), float(size.max())
    span = np.log(largest / smallest) or 1.0
    place = np.rint(_SIZE_STEPS * np.log(size / smallest) / span)
    return DrawCodes(
        code.astype(np.int8), place.astype(np.uint8), scale, smallest, largest
    )
