"""Utilities of random coalitions: the ordinary learning curve."""

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from data_scaling._checks import require_extra
from data_scaling._typing import FloatArray, Int32Array, IntArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LearningCurve"]


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Coalitions with their utilities, in the order of the draws.

    Attributes
    ----------
    cardinality : (n_draws,) int32 array
        Size of each coalition.
    utility : (n_draws,) float64 array
        U(D), in units of the metric; NaN marks a draw that failed or is missing.
    descriptor : (n_draws, n_numbers) float64 array
        What the learner says of each coalition's fit; no numbers if it says nothing.
    metric, unit, dataset, learner, fingerprint : str
        Where the draws come from, as in :class:`Contributions`.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.learning_curve import LearningCurve
    >>> curve = LearningCurve(np.array([10, 20]), np.array([-0.6, np.nan]))
    >>> curve.n_draws, curve.n_failed
    (2, 1)
    >>> curve.to_frame().columns.tolist()
    ['cardinality', 'utility']
    """

    cardinality: Int32Array
    utility: FloatArray
    descriptor: FloatArray = None  # type: ignore[assignment]  # see __post_init__
    metric: str = ""
    unit: str = ""
    dataset: str = ""
    learner: str = ""
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if self.descriptor is None:
            nothing = np.empty((len(self.utility), 0))
            object.__setattr__(self, "descriptor", nothing)
        for name in ("cardinality", "utility", "descriptor"):
            view = getattr(self, name).view()
            view.setflags(write=False)
            object.__setattr__(self, name, view)

    def __repr__(self) -> str:
        origin = f" of {self.learner} on {self.dataset}" if self.learner else ""
        return f"<LearningCurve{origin}: {self.n_draws} coalitions>"

    @property
    def n_draws(self) -> int:
        """Number of coalitions, failed ones included."""
        return len(self.utility)

    @property
    def n_failed(self) -> int:
        """Number of coalitions without a utility."""
        return int(np.count_nonzero(np.isnan(self.utility)))

    def take(self, draws: IntArray) -> "LearningCurve":
        """Return some of the coalitions, by their place among the draws."""
        return replace(
            self,
            cardinality=self.cardinality[draws],
            utility=self.utility[draws],
            descriptor=self.descriptor[draws],
        )

    @property
    def error(self) -> FloatArray:
        """Minus the utility of each coalition, (n_draws,)."""
        return np.asarray(-self.utility)

    def usable(self) -> "LearningCurve":
        """Return the coalitions that have a utility."""
        return self.take(np.flatnonzero(np.isfinite(self.utility)))

    def to_frame(self) -> "pd.DataFrame":
        """Return a table, a row per draw in their order.

        Its columns are ``cardinality`` (int32), and ``utility`` (float64, in units of
        the metric; NaN if the draw failed).

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        frame: Any = require_extra("pandas", "data").DataFrame
        columns = {"cardinality": self.cardinality, "utility": self.utility}
        table: pd.DataFrame = frame(columns)
        return table

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "LearningCurve":
        """Read the coalitions without points of a ledger.

        Raises
        ------
        LedgerError
            If the file cannot be read as a ledger.
        """
        # The ledger builds learning curves, so it cannot be imported before this class.
        from data_scaling.ledger import read_learning_curve

        curve: LearningCurve = read_learning_curve(path)
        return curve
