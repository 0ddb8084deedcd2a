"""A trained network, or an ensemble of them, that gives the law of any point."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import FloatArray, IntArray
from data_scaling.amortized.encoding import Encoding, Single
from data_scaling.amortized.probes import Probes, code_target
from data_scaling.estimators.learned_laws import LearnedLaws

Method: TypeAlias = Literal["hierarchical", "paper", "mean"]
# Standardised inputs beyond this are cut.
_BOUND = np.float32(10.0)
METHODS: tuple[Method, ...] = ("hierarchical", "paper", "mean")


@final
@dataclass(frozen=True, eq=False, repr=False)
class AmortizedModel:
    """What training has found, as arrays: it can be sent to a cluster's workers.

    Attributes
    ----------
    method : {"hierarchical", "paper", "mean"}
        What the networks predict.
    encoding : Encoding
        How features and targets are told to the networks.
    members : tuple of dict of str to array
        Parameters of each network.
    hidden : tuple of int
        Widths of the hidden layers.
    powers : (n_powers,) float64 array
        Powers of the expansions that the networks predict; used by the method
        "hierarchical" alone.
    base : float
        Size k0 at which all powers are one.
    unit : float
        What the networks take as 1, in units of the utility.
    probes : Probes or None
        What else is told of a point; as the next, of the method "hierarchical" alone.
    is_detailed : bool
        Whether the networks are told the features, and not their traits alone.
    plain : LearnedLaws or None
        What the hierarchical fit learns from the same draws.
    numbers, weights : (n_numbers,) arrays
        Numbers of a point's own draws, ascending, and the weight of the networks over
        the plain prior for each.
    """

    method: Method
    encoding: Encoding
    members: tuple[dict[str, NDArray[Any]], ...]
    hidden: tuple[int, ...]
    powers: FloatArray
    base: float
    unit: float
    probes: Probes | None = None
    is_detailed: bool = True
    plain: LearnedLaws | None = None
    numbers: IntArray = field(default_factory=lambda: np.ones(1, dtype=np.intp))
    weights: FloatArray = field(default_factory=lambda: np.ones(1))

    def assemble(self, x: Single, target: NDArray[Any]) -> Single:
        """Return all that the networks of a prior are told of encoded points.

        Features beyond ten deviations are cut: a rare category would drown all others.
        """
        if self.probes is None:
            raise TypeError("a model of this method has probes")
        own = code_target(target, self.encoding.n_classes)
        traits = self.probes.describe(x, target)
        told = np.hstack([x, own, traits] if self.is_detailed else [own, traits])
        return np.clip(told, -_BOUND, _BOUND, out=told)

    def require_plain(self) -> LearnedLaws:
        """Return what the hierarchical fit learned; said for the type checker."""
        if self.plain is None:
            raise TypeError("a model of this method has plain laws")
        return self.plain

    def weigh(self, n_draws: IntArray) -> FloatArray:
        """Return the weight of the networks for points with some draws of their own.

        It is interpolated over the logarithm of their number and 1.
        """
        known = np.log1p(self.numbers)
        return np.asarray(np.interp(np.log1p(n_draws), known, self.weights))

    def __repr__(self) -> str:
        """Return the method and the sizes."""
        return (
            f"<AmortizedModel {self.method!r}: {len(self.members)} networks, "
            f"{self.encoding.n_features} features>"
        )
