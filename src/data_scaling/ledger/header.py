"""What a ledger was drawn from, and whether a run may go on with it."""

import json
import os
import reprlib
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any

from data_scaling._typing import IntArray
from data_scaling.errors import PlanMismatchError
from data_scaling.ledger.segment import FIRST_BASE, Span
from data_scaling.plan import SamplingPlan


def list_versions() -> dict[str, str]:
    """Return the versions of the packages that determine a draw's last bits."""
    packages = ("data-scaling", "numpy", "scipy", "scikit-learn")
    return {package: version(package) for package in packages}


@dataclass(frozen=True)
class LedgerHeader:
    """Everything that determines the draws of a ledger.

    Coalitions with points are numbered from 0. Shared ones are the draws themselves;
    independent ones run through all points of the first draw, then of the second, so
    that the first draws of all points always come first. Coalitions without points are
    numbered from ``FIRST_BASE``.

    Attributes
    ----------
    plan : SamplingPlan
        The recipe.
    n_pool : int
        Number of points in the pool.
    dataset, fingerprint : str
        Name of the dataset and digest of its arrays.
    learner, description : str
        Name of the learner and all its settings.
    metric, unit : str
        Name of the metric and its unit.
    versions : dict of str
        Versions of the packages that drew; not compared.
    """

    plan: SamplingPlan
    n_pool: int
    dataset: str
    fingerprint: str
    learner: str
    description: str
    metric: str
    unit: str
    versions: dict[str, str] = field(default_factory=list_versions)

    @cached_property
    def points(self) -> IntArray:
        """Index in the pool of every point, (n_points,) intp."""
        return self.plan.resolve_points(self.n_pool)

    @property
    def coalitions_per_draw(self) -> int:
        """Number of coalitions that one draw of all points takes."""
        return 1 if self.plan.is_shared else len(self.points)

    @property
    def points_per_coalition(self) -> int:
        """Number of points that one coalition serves."""
        return len(self.points) if self.plan.is_shared else 1

    @property
    def n_coalitions(self) -> int:
        """Number of coalitions with points in the plan."""
        return self.plan.total_draws * self.coalitions_per_draw

    @property
    def n_base(self) -> int:
        """Number of coalitions without points in the plan."""
        return self.plan.total_base_draws

    @property
    def spans(self) -> tuple[Span, Span]:
        """First number and end of the coalitions with points, and of those without."""
        return (0, self.n_coalitions), (FIRST_BASE, FIRST_BASE + self.n_base)

    def extend(self, plan: SamplingPlan) -> "LedgerHeader":
        """Return the header with as many draws as the larger of the two plans."""
        n_draws = max(self.plan.n_draws, plan.n_draws)
        n_base_draws = max(self.plan.n_base_draws, plan.n_base_draws)
        longer = replace(self.plan, n_draws=n_draws, n_base_draws=n_base_draws)
        return replace(self, plan=longer)

    def to_rows(self) -> dict[str, str]:
        """Return the fields as text, for the table ``meta``."""
        return {name: json.dumps(value) for name, value in asdict(self).items()}

    @classmethod
    def from_rows(cls, rows: dict[str, str]) -> "LedgerHeader":
        """Read the fields from the table ``meta``."""
        fields = {name: json.loads(value) for name, value in rows.items()}
        return cls(**fields | {"plan": SamplingPlan.from_json(rows["plan"])})


def refuse_mismatch(
    path: str | os.PathLike[str], stored: LedgerHeader, asked: LedgerHeader
) -> None:
    """Raise unless the asked draws are those of the ledger, or more of the same.

    Raises
    ------
    PlanMismatchError
        Naming every field that differs, with both values.
    """
    groups = {
        "plan": (stored.plan.identity(), asked.plan.identity()),
        "dataset": (_dataset_fields(stored), _dataset_fields(asked)),
        "learner": ({"learner": stored.description}, {"learner": asked.description}),
        "metric": ({"metric": stored.metric}, {"metric": asked.metric}),
    }
    differing = [what for what, (mine, theirs) in groups.items() if mine != theirs]
    if not differing:
        return
    lines = [
        f"  {name}: {_shorten(mine[name])} in the ledger, "
        f"{_shorten(theirs[name])} asked"
        for mine, theirs in groups.values()
        for name in mine
        if mine[name] != theirs[name]
    ]
    raise PlanMismatchError(
        f"{os.fspath(path)} was drawn from another {' and '.join(differing)}:\n"
        + "\n".join(lines)
        + "\nGive another path, or ask for what is in the ledger "
        f"(data-scaling info {os.fspath(path)})."
    )


def _dataset_fields(header: LedgerHeader) -> dict[str, Any]:
    return {"fingerprint": header.fingerprint, "n_pool": header.n_pool}


def _shorten(value: object) -> str:
    return value if isinstance(value, str) else reprlib.repr(value)
