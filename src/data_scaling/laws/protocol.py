"""What every family of scaling laws offers."""

import os
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import ArrayLike, NDArray

from data_scaling._typing import FloatArray, Int32Array, IntArray

if TYPE_CHECKING:
    import pandas as pd

    from data_scaling.laws.power import PowerLaws


class ScalingLaws(Protocol):
    """One law per point: the expected contribution psi as a function of the size k.

    A size is a number, which gives an (n_points,) array; a list of n_k numbers, which
    gives (n_points, n_k); or an (n_points, n_k) array of sizes of each point's own.
    All results are float64, psi in units of the utility.
    """

    @property
    def points(self) -> IntArray:
        """Index of each point in the pool, (n_points,)."""

    @property
    def row_ids(self) -> NDArray[Any]:
        """Identifier of each point in the user's own table, (n_points,) int or str."""

    @property
    def dataset(self) -> str:
        """Name of the dataset that the points are of; empty if that is not known."""

    @property
    def fingerprint(self) -> str:
        """Digest of that dataset; empty if it is not known."""

    @property
    def status(self) -> NDArray[Any]:
        """Value of the :class:`FitStatus` of each point, (n_points,) int8."""

    @property
    def cardinality_range(self) -> Int32Array:
        """Smallest and largest size behind each law, (n_points, 2); 0 without draws."""

    def __len__(self) -> int:
        """Return the number of points."""

    def __getitem__(self, rows: Any) -> "ScalingLaws":
        """Return the laws of some rows: a mask, positions, a slice or a number."""

    def take(self, points: ArrayLike) -> "ScalingLaws":
        """Return the laws of some points, named by their index in the pool."""

    def psi(self, k: ArrayLike) -> FloatArray:
        """Return the expected contribution at size k."""

    def psi_std(self, k: ArrayLike) -> FloatArray:
        """Return the standard error of psi."""

    def interval(
        self, k: ArrayLike, level: float = 0.95
    ) -> tuple[FloatArray, FloatArray]:
        """Return the lower and upper ends of intervals for psi."""

    def noise_std(self, k: ArrayLike) -> FloatArray:
        """Return the standard deviation of one draw at size k."""

    def exponent(self, k: ArrayLike) -> FloatArray:
        """Return the local exponent -d log|psi| / d log k."""

    def probability_negative(self, k: ArrayLike) -> FloatArray:
        """Return how sure it is that psi is below 0."""

    def tangent(self, k: float) -> "PowerLaws":
        """Return the power laws that touch these laws at size k."""

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row per point."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the laws to one file that ``load_laws`` reads."""
