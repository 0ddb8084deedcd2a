"""A trained network, or an ensemble of them, that gives the law of any point."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, final

from numpy.typing import NDArray

from data_scaling._typing import FloatArray
from data_scaling.amortized.encoding import Encoding

Method: TypeAlias = Literal["hierarchical", "paper", "mean"]
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
        Powers of the expansions; used by the method "hierarchical" alone.
    base : float
        Size k0 at which all powers are one.
    unit : float
        What the networks take as 1, in units of the utility.
    """

    method: Method
    encoding: Encoding
    members: tuple[dict[str, NDArray[Any]], ...]
    hidden: tuple[int, ...]
    powers: FloatArray
    base: float
    unit: float

    def __repr__(self) -> str:
        """Return the method and the sizes."""
        return (
            f"<AmortizedModel {self.method!r}: {len(self.members)} networks, "
            f"{self.encoding.n_features} features>"
        )
