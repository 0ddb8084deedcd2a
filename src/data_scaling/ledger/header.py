"""What a ledger was drawn from, and whether a run may go on with it."""

import json
import os
import reprlib
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from data_scaling._typing import IntArray
from data_scaling.errors import InputError, PlanMismatchError
from data_scaling.ledger.segment import FIRST_BASE, Span
from data_scaling.plan import SamplingPlan

#: What parts the settings of a learner from how its coalitions are described.
DESCRIBED: Final = "; described by "

MAX_SHOWN = 100  # characters of a setting in an error

Shard: TypeAlias = tuple[int, int]  # which, from 1, and of how many


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
    shard : (int, int), optional
        The part of the plan that is wanted here, from 1, and of how many; not compared.
    row_ids : tuple of int or str, optional
        Identifier of each point of the pool in the user's own table, where it is not
        the index in the pool; not compared.

    Raises
    ------
    InputError
        If there is no such shard.
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
    shard: Shard | None = None
    row_ids: tuple[int | str, ...] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.row_ids is not None:  # a list, if JSON was read
            object.__setattr__(self, "row_ids", tuple(self.row_ids))
        if self.shard is not None:
            object.__setattr__(self, "shard", _check_shard(*self.shard))

    @cached_property
    def points(self) -> IntArray:
        """Index in the pool of every point, (n_points,) intp."""
        return self.plan.resolve_points(self.n_pool)

    def name_rows(self) -> NDArray[Any]:
        """Return the identifier of every drawn point, (n_points,) int or str."""
        if self.row_ids is None:
            return self.points
        return np.array(self.row_ids)[self.points]

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

    def list_wanted(self, spans: Iterable[Span]) -> Iterator[Span]:
        """Yield what is wanted of some spans: all, or every n-th round of a shard.

        A round is one draw of all points, or of a staggered plan one draw of every
        size, so that shards have equal work; and a plan with more draws only adds to
        its shards.

        Parameters
        ----------
        spans : iterable of (int, int)
            Coalitions with points, or without, as in ``spans``.
        """
        if self.shard is None:
            yield from spans
            return
        which, n_shards = self.shard
        for start, end in spans:
            n_each = 1 if start >= FIRST_BASE else self.coalitions_per_draw
            length = n_each * self.plan.round_length
            for first in range(start + (which - 1) * length, end, n_shards * length):
                yield first, min(first + length, end)

    def count_wanted(self) -> tuple[int, int]:
        """Return how many coalitions are wanted, with points and without."""
        with_points, without = (
            sum(stop - first for first, stop in self.list_wanted([span]))
            for span in self.spans
        )
        return with_points, without

    def extend(self, other: "LedgerHeader") -> "LedgerHeader":
        """Return the header with as many draws as the larger of the two plans.

        Of two shards, it is of the whole plan. Rows are named as the other one does, if
        it does.
        """
        plan = replace(
            self.plan,
            n_draws=max(self.plan.n_draws, other.plan.n_draws),
            n_base_draws=max(self.plan.n_base_draws, other.plan.n_base_draws),
        )
        shard = self.shard if self.shard == other.shard else None
        row_ids = other.row_ids or self.row_ids
        return replace(self, plan=plan, shard=shard, row_ids=row_ids)

    def to_rows(self) -> dict[str, str]:
        """Return the fields as text, for the table ``meta``."""
        return {name: json.dumps(value) for name, value in asdict(self).items()}

    @classmethod
    def from_rows(cls, rows: dict[str, str]) -> "LedgerHeader":
        """Read the fields from the table ``meta``."""
        fields = {name: json.loads(value) for name, value in rows.items()}
        return cls(**fields | {"plan": SamplingPlan.from_json(rows["plan"])})


def _check_shard(which: int, n_shards: int) -> Shard:
    if not 1 <= which <= n_shards:
        raise InputError(
            f"The shard is {which}/{n_shards}. Give 1/{n_shards} to "
            f"{n_shards}/{n_shards}."
            if n_shards >= 1
            else f"The shard is {which}/{n_shards}. Give 1/1, or more shards."
        )
    return which, n_shards


def refuse_mismatch(
    path: str | os.PathLike[str],
    stored: LedgerHeader,
    asked: LedgerHeader,
    other: str | os.PathLike[str] | None = None,
) -> None:
    """Raise unless the asked draws are those of the ledger, or more of the same.

    Parameters
    ----------
    path : path
        The ledger.
    stored, asked : LedgerHeader
        What it was drawn from, and what is asked for.
    other : path, optional
        The ledger that ``asked`` is from, if one is to be merged with the other.

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
    whose = "asked" if other is None else f"in {os.fspath(other)}"
    lines = [
        f"  {name}: {one} in the ledger, {two} {whose}"
        for mine, theirs in groups.values()
        for name in mine
        if mine[name] != theirs[name]
        for one, two in [_contrast(mine[name], theirs[name])]
    ]
    raise PlanMismatchError(
        f"{os.fspath(path)} was drawn from another {' and '.join(differing)}:\n"
        + "\n".join(lines)
        + _name_adjust(stored, asked)
        + (
            "\nGive another path, or ask for what is in the ledger "
            f"(data-scaling info {os.fspath(path)})."
            if other is None
            else "\nLeave one of the two out, or merge them into different files."
        )
    )


def _name_adjust(stored: LedgerHeader, asked: LedgerHeader) -> str:
    """Return what to say if only one of two runs describes its coalitions."""
    mine, theirs = (h.description.partition(DESCRIBED) for h in (stored, asked))
    if mine[0] != theirs[0] or bool(mine[1]) == bool(theirs[1]):
        return ""
    if mine[1]:
        return "\nThe ledger was drawn with adjust, and is asked for without it."
    return (
        "\nThe ledger was drawn without adjust, and is asked for with it; a learner "
        "without quick draws has to be drawn so from the start."
    )


def _dataset_fields(header: LedgerHeader) -> dict[str, Any]:
    return {"fingerprint": header.fingerprint, "n_pool": header.n_pool}


def _contrast(mine: object, theirs: object) -> tuple[str, str]:
    """Return two values in words: of long texts, such settings as differ."""
    if not isinstance(mine, str) or not isinstance(theirs, str):
        return reprlib.repr(mine), reprlib.repr(theirs)
    if max(len(mine), len(theirs)) <= MAX_SHOWN:
        return mine, theirs
    # Scikit-learn's estimators list all their settings, most of them the default.
    names, settings = zip(
        *(_split_settings(text) for text in (mine, theirs)), strict=True
    )
    if names[0] == names[1]:
        one, two = (
            ", ".join(part for part in settings[i] if part not in settings[1 - i])
            for i in (0, 1)
        )
        mine, theirs = one or "nothing", two or "nothing"
    return _shorten(mine), _shorten(theirs)


def _split_settings(description: str) -> tuple[str, list[str]]:
    name, _, settings = description.partition("(")
    return name, settings.replace("), ", ", ").split(", ")


def _shorten(text: str) -> str:
    return textwrap.shorten(text, MAX_SHOWN, placeholder=" ...")
