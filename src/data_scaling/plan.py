"""The whole recipe of a sampling run, as data and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import KW_ONLY, asdict, dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import numpy as np

from data_scaling._checks import check_at_least
from data_scaling._random import spawn_rng
from data_scaling._typing import FloatArray, IntArray
from data_scaling.errors import InputError

__all__ = ["Density", "Points", "SamplingPlan"]

Density: TypeAlias = Literal["uniform", "log-uniform"] | tuple[Literal["power"], float]
Points: TypeAlias = int | tuple[Literal["random"], int] | Sequence[int] | None

# Random streams of a draw have keys of one number, or of two (point and draw).
BASE_KEY = (0, 0)  # and the draw
POINTS_KEY = (0, 0, 0, 0)


@dataclass(frozen=True)
class SamplingPlan:
    r"""Which coalitions to draw, for which points.

    The same plan gives the same draws, bit for bit. Draw ``i`` takes its size and its
    coalition from a random stream of its own, so that a plan with more draws begins
    with the draws of one with fewer.

    Parameters
    ----------
    n_draws : int
        Draws per point, at least 2; with ``cardinalities``, draws per point and size.
        0 if there are base draws alone.
    min_cardinality, max_cardinality : int, optional
        Range of coalition sizes, both ends included. Needed unless ``cardinalities``
        is given; then they are its ends.
    cardinalities : sequence of int, optional
        A staggered plan: these sizes in turn, draw ``i`` the ``i``-th, instead of a
        density over the range.
    density : "uniform", "log-uniform" or ("power", beta)
        Probability of a size :math:`k` in the range: equal, proportional to
        :math:`1/k`, or proportional to :math:`k^{-\beta/2}`.
    coalitions : "shared" or "independent"
        One coalition per draw that serves all points, or one for every pair of point
        and draw. A point inside a shared coalition gets U(D) - U(D - z) at one size
        less; an independent coalition never contains its point.
    points : None, int, ("random", int) or sequence of int
        The points to value: all, the first ones, that many chosen by the seed (more of
        them contain the fewer), or these indices in the pool.
    n_base_draws : int
        Coalitions drawn without any point, for the learning curve; with
        ``cardinalities``, per size. Their streams differ from those of all others.
    seed : int
        Seed of all draws, at least 0.

    Raises
    ------
    InputError
        If a value is out of its range, or two values contradict each other.

    Examples
    --------
    >>> from data_scaling.plan import SamplingPlan
    >>> plan = SamplingPlan(100, 50, 500, density="log-uniform", seed=3)
    >>> SamplingPlan.from_json(plan.to_json()) == plan
    True
    >>> staggered = SamplingPlan(20, cardinalities=[50, 150, 500])
    >>> staggered.total_draws, staggered.max_cardinality
    (60, 500)
    >>> SamplingPlan(20, 50, 500, points=("random", 3)).resolve_points(1_000).tolist()
    [67, 72, 419]
    """

    n_draws: int
    min_cardinality: int = None  # type: ignore[assignment]  # see __post_init__
    max_cardinality: int = None  # type: ignore[assignment]  # see __post_init__
    _: KW_ONLY
    cardinalities: Sequence[int] | None = None
    density: Density = "uniform"
    coalitions: Literal["shared", "independent"] = "shared"
    points: Points = None
    n_base_draws: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.coalitions not in ("shared", "independent"):
            raise InputError(
                f"coalitions is {self.coalitions!r}. Give 'shared' or 'independent'."
            )
        sizes = _check_sizes(self)
        checked = {
            "cardinalities": None if self.cardinalities is None else sizes,
            "min_cardinality": min(sizes),
            "max_cardinality": max(sizes),
            "n_base_draws": check_at_least("n_base_draws", self.n_base_draws, 0),
            "n_draws": _check_n_draws(self),
            "density": _check_density(self),
            "points": _check_points(self.points),
            "seed": check_at_least("seed", self.seed, 0),
        }
        for field, value in checked.items():
            object.__setattr__(self, field, value)

    @property
    def is_shared(self) -> bool:
        """Whether one coalition serves all points."""
        return self.coalitions == "shared"

    @property
    def total_draws(self) -> int:
        """Draws per point over all sizes: the columns of the contributions."""
        return self.n_draws * self.round_length

    @property
    def total_base_draws(self) -> int:
        """Coalitions drawn without any point, over all sizes."""
        return self.n_base_draws * self.round_length

    @property
    def round_length(self) -> int:
        """Draws in which every size of a staggered plan occurs once; else 1."""
        return len(self.cardinalities or (0,))

    def draw_cardinality(self, draw: int, rng: np.random.Generator) -> int:
        """Return the coalition size of a draw.

        Parameters
        ----------
        draw : int
            Index of the draw, from 0.
        rng : numpy.random.Generator
            The draw's own random stream, before anything was taken from it.
        """
        if self.cardinalities is not None:
            # In turn, so that the first draws are balanced over the sizes.
            return self.cardinalities[draw % len(self.cardinalities)]
        exponent = _density_exponent(self.density)
        cumulative = _cumulate(self.min_cardinality, self.max_cardinality, exponent)
        step = int(np.searchsorted(cumulative, rng.random(), side="right"))
        return self.min_cardinality + step

    def list_cardinalities(self) -> tuple[IntArray, FloatArray]:
        """Return the sizes that occur, ascending, and their probabilities."""
        if self.cardinalities is not None:
            sizes = np.sort(np.array(self.cardinalities, dtype=np.intp))
            return sizes, np.full(len(sizes), 1 / len(sizes))
        smallest, largest = self.min_cardinality, self.max_cardinality
        cumulative = _cumulate(smallest, largest, _density_exponent(self.density))
        return np.arange(smallest, largest + 1), np.diff(cumulative, prepend=0.0)

    def spawn_rng(self, draw: int, point: int) -> np.random.Generator:
        """Return the random stream of a draw; a shared one does not see the point."""
        if self.is_shared:
            return spawn_rng(self.seed, draw)
        return spawn_rng(self.seed, point, draw)

    def spawn_base_rng(self, draw: int) -> np.random.Generator:
        """Return the random stream of a draw without points."""
        return spawn_rng(self.seed, *BASE_KEY, draw)

    def resolve_points(self, n_pool: int) -> IntArray:
        """Return the index in the pool of every point to value.

        Parameters
        ----------
        n_pool : int
            Number of points in the pool.

        Returns
        -------
        (n_points,) intp array
            In the order of the plan.

        Raises
        ------
        InputError
            If the plan names points that the pool does not have.
        """
        if self.points is None:
            return np.arange(n_pool)
        if isinstance(self.points, int):
            asked, points = self.points, np.arange(self.points)
        elif self.points[0] == "random":
            asked = int(self.points[1])
            shuffled = spawn_rng(self.seed, *POINTS_KEY).permutation(n_pool)
            points = np.sort(shuffled[:asked])
        else:
            points = np.array(self.points, dtype=np.intp)
            asked = int(points.max()) + 1
        if asked > n_pool:
            raise InputError(
                f"The plan asks for point {asked - 1}, but the pool has {n_pool} "
                f"points. Give points from 0 to {n_pool - 1}."
            )
        return points

    def stagger(
        self, n_draws: int, n_pool: int, *, n_sizes: int = 10, n_points: int = 200
    ) -> "SamplingPlan":
        """Return a plan of other draws that laws from this one can be tested by.

        Its sizes are spaced evenly in ratio over this plan's range, its points are
        chosen by this plan's seed, and its own seed is the next.

        Parameters
        ----------
        n_draws : int
            Draws per point and size.
        n_pool : int
            Number of points in the pool.
        n_sizes, n_points : int
            The most sizes and points to test at; both at least 1.

        Raises
        ------
        InputError
            If a number is out of its range.

        Examples
        --------
        >>> from data_scaling.plan import SamplingPlan
        >>> tests = SamplingPlan(100, 10, 1_000).stagger(50, 30, n_sizes=3, n_points=4)
        >>> tests.cardinalities, len(tests.points), tests.seed
        ((10, 100, 1000), 4, 1)
        """
        n_sizes = check_at_least("n_sizes", n_sizes, 1)
        n_points = check_at_least("n_points", n_points, 1)
        sizes = np.geomspace(self.min_cardinality, self.max_cardinality, n_sizes)
        rng = spawn_rng(self.seed, 1)
        points = rng.choice(n_pool, min(n_points, n_pool), replace=False)
        return SamplingPlan(
            n_draws,
            cardinalities=np.unique(sizes.round().astype(int)).tolist(),
            points=np.sort(points).tolist(),
            seed=self.seed + 1,
        )

    def identity(self) -> dict[str, Any]:
        """Return the fields that two plans with the same draws share.

        Two plans of one identity differ in the numbers of draws alone, and one begins
        with the other.
        """
        fields = asdict(self)
        del fields["n_draws"], fields["n_base_draws"]
        return fields

    def to_json(self) -> str:
        """Return the plan as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "SamplingPlan":
        """Read a plan from JSON.

        Raises
        ------
        InputError
            If the text is no JSON object with the fields of a plan.
        """
        try:
            fields = json.loads(text)
            if fields.get("cardinalities") is not None:
                fields["min_cardinality"] = fields["max_cardinality"] = None
            return cls(**fields)
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(
                f"The text is no plan ({error}). Give what SamplingPlan.to_json wrote."
            ) from error


def _check_sizes(plan: SamplingPlan) -> tuple[int, ...]:
    # A shared coalition of one point would be empty without it.
    bound = 2 if plan.is_shared else 1
    ends = (plan.min_cardinality, plan.max_cardinality)
    if plan.cardinalities is None:
        if None in ends:
            raise InputError(
                "The plan has no coalition sizes. Give min_cardinality and "
                "max_cardinality, or cardinalities."
            )
        smallest = check_at_least("min_cardinality", plan.min_cardinality, bound)
        largest = check_at_least("max_cardinality", plan.max_cardinality, bound)
        if smallest > largest:
            raise InputError(
                f"min_cardinality is {smallest}, above max_cardinality, {largest}. "
                "Give the smaller one first."
            )
        return smallest, largest
    sizes = tuple(check_at_least("cardinalities", k, bound) for k in plan.cardinalities)
    if len(set(sizes)) < max(len(sizes), 1):
        raise InputError(
            f"cardinalities is {sizes}. Give at least one size, and each size once."
        )
    own_ends = (min(sizes), max(sizes))
    for asked, own in zip(ends, own_ends, strict=True):
        if asked not in (None, own):
            raise InputError(
                f"The range is {ends}, but cardinalities reaches from {own_ends[0]} to "
                f"{own_ends[1]}. Give one of the two alone."
            )
    return sizes


def _check_n_draws(plan: SamplingPlan) -> int:
    n_draws = check_at_least("n_draws", plan.n_draws, 0)
    n_total = n_draws * plan.round_length
    if n_total >= 2 or (n_total == 0 and plan.n_base_draws):
        return n_draws
    raise InputError(
        f"n_draws is {n_draws}. Give at least 2: one draw has no spread to judge it "
        "by; or 0, and n_base_draws, for a learning curve alone."
    )


def _check_density(plan: SamplingPlan) -> Density:
    density = plan.density
    if not isinstance(density, str) and isinstance(density, Sequence):
        density = ("power", _check_power(density))
    elif density not in ("uniform", "log-uniform"):
        raise InputError(
            f"density is {density!r}. Give 'uniform', 'log-uniform' or ('power', beta)."
        )
    if plan.cardinalities is not None and density != "uniform":
        raise InputError(
            f"density is {density!r}, but cardinalities are given, which are drawn in "
            "turn. Give one of the two alone."
        )
    return density


def _check_power(density: Sequence[Any]) -> float:
    kind, beta = density if len(density) == 2 else ("", None)
    if kind != "power" or not isinstance(beta, (int, float)) or not np.isfinite(beta):
        raise InputError(
            f"density is {tuple(density)!r}. Give ('power', beta) with a finite number."
        )
    return float(beta)


def _check_points(points: Points) -> Points:
    if points is None:
        return None
    if isinstance(points, (int, np.integer)):
        return check_at_least("points", points, 1)
    if len(points) == 2 and points[0] == "random":
        return ("random", check_at_least("points", points[1], 1))
    given: Sequence[Any] = points
    listed = tuple(check_at_least("points", point, 0) for point in given)
    if not listed or len(set(listed)) < len(listed):
        raise InputError(
            f"points lists {len(listed)} points, {len(set(listed))} of them distinct. "
            "Give at least one, and each once."
        )
    return listed


def _density_exponent(density: Density) -> float:
    if isinstance(density, tuple):
        return density[1] / 2
    return {"uniform": 0.0, "log-uniform": 1.0}[density]


@lru_cache(maxsize=4)
def _cumulate(smallest: int, largest: int, exponent: float) -> FloatArray:
    """Return the cumulative probability of every size in the range."""
    # Relative to the smallest size, so that no exponent overflows.
    weight = (np.arange(smallest, largest + 1) / smallest) ** -exponent
    cumulative: FloatArray = np.cumsum(weight)
    cumulative /= cumulative[-1]
    cumulative[-1] = 1.0  # a random number is always below it
    return cumulative
