"""Class-balanced coalitions: quotas, and the drawing of one coalition.

Every coalition holds each class in the proportion that it has in the pool, and no
point twice. In a regression the pool counts as one class.
"""

from dataclasses import dataclass

import numpy as np

from data_scaling._typing import IntArray
from data_scaling.datasets.dataset import Dataset
from data_scaling.errors import InputError

__all__ = [
    "Pool",
    "allocate_quotas",
    "check_cardinalities",
    "choose_range",
    "draw_coalition",
    "find_smallest_cardinality",
    "group_pool",
]

LARGEST = 1000  # the largest size by default


@dataclass(frozen=True, eq=False)
class Pool:
    """The training points that coalitions are drawn from, by class.

    Attributes
    ----------
    members : tuple of (n_members,) intp array
        Index in the pool of the points of each class, ascending.
    classes : tuple of str
        Name of each class, for messages.
    """

    members: tuple[IntArray, ...]
    classes: tuple[str, ...]

    @property
    def counts(self) -> IntArray:
        """Number of points of each class, (n_classes,) intp."""
        return np.array([len(member) for member in self.members], dtype=np.intp)

    @property
    def n_points(self) -> int:
        """Number of points in the pool."""
        return int(self.counts.sum())

    def locate(self, point: int) -> tuple[int, int]:
        """Return the class of a point and its position in that class."""
        for code, member in enumerate(self.members):
            position = int(np.searchsorted(member, point))
            if position < len(member) and member[position] == point:
                return code, position
        raise InputError(
            f"Point {point} is not in the pool. Give an index from 0 to "
            f"{self.n_points - 1}."
        )


def group_pool(dataset: Dataset) -> Pool:
    """Group the training points of a dataset by class.

    Examples
    --------
    >>> from data_scaling.coalitions import group_pool
    >>> from data_scaling.datasets import Dataset
    >>> x = [[0.0], [1.0], [2.0]]
    >>> pool = group_pool(Dataset(x, ["b", "a", "b"], x, ["b", "a", "b"]))
    >>> pool.classes, pool.counts.tolist()
    (('a', 'b'), [1, 2])
    """
    if dataset.task == "regression":
        return Pool((np.arange(dataset.n_points),), ("all points",))
    by_class = np.argsort(dataset.y_train, kind="stable")
    ends = np.cumsum(np.bincount(dataset.y_train, minlength=len(dataset.classes)))
    return Pool(tuple(np.split(by_class, ends[:-1])), dataset.classes)


def allocate_quotas(counts: IntArray, total: int) -> IntArray:
    """Split ``total`` seats over classes in proportion to their sizes.

    Largest-remainder rule: each class gets the floor of its share, and the seats left
    over go to the largest remainders, the earlier class first on a tie.

    Parameters
    ----------
    counts : (n_classes,) intp array
        Number of points of each class.
    total : int
        Number of seats, from 0 to ``counts.sum()``.

    Returns
    -------
    (n_classes,) intp array
        Seats of each class, at most its count; they add up to ``total``.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.coalitions import allocate_quotas
    >>> allocate_quotas(np.array([70, 20, 10]), 7).tolist()
    [5, 1, 1]
    """
    share = counts * (total / counts.sum())
    quota: IntArray = np.floor(share).astype(np.intp)
    by_remainder = np.argsort(quota - share, kind="stable")
    quota[by_remainder[: total - quota.sum()]] += 1
    return quota


def draw_coalition(
    pool: Pool,
    cardinality: int,
    rng: np.random.Generator,
    *,
    without: int | None = None,
) -> IntArray:
    """Draw one coalition: balanced by class, without replacement.

    Within a class every set of points is equally likely.

    Parameters
    ----------
    pool : Pool
        The points to draw from.
    cardinality : int
        Size of the coalition, at most the size of the pool (one less with
        ``without``).
    rng : numpy.random.Generator
        Random stream of the draw.
    without : int, optional
        A point that the coalition never contains; it is taken out of the pool before
        the seats are allocated.

    Returns
    -------
    (cardinality,) intp array
        Indices in the pool, ascending.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.coalitions import Pool, draw_coalition
    >>> pool = Pool((np.arange(0, 6), np.arange(6, 9)), ("no", "yes"))
    >>> coalition = draw_coalition(pool, 6, np.random.default_rng(0))
    >>> len(coalition), int(sum(coalition < 6))
    (6, 4)
    """
    counts = pool.counts
    home, position = (-1, -1) if without is None else pool.locate(without)
    if without is not None:
        counts[home] -= 1
    chosen = []
    for code, quota in enumerate(allocate_quotas(counts, cardinality)):
        # Without shuffling the cost is that of the seats, not that of the pool.
        seats = rng.choice(counts[code], quota, replace=False, shuffle=False)
        if code == home:
            seats += seats >= position
        chosen.append(pool.members[code][seats])
    return np.sort(np.concatenate(chosen))


def find_smallest_cardinality(counts: IntArray, n_seats: int) -> int | None:
    """Return the size from which on every coalition seats every class.

    Parameters
    ----------
    counts : (n_classes,) intp array
        Number of points of each class.
    n_seats : int
        Seats that each class must have.

    Returns
    -------
    int or None
        The smallest size such that it and all larger ones give every class
        ``n_seats`` seats; None if a class has fewer points.

    Examples
    --------
    >>> import numpy as np
    >>> from data_scaling.coalitions import find_smallest_cardinality
    >>> find_smallest_cardinality(np.array([90, 10]), 2)
    16
    """
    if counts.min() < n_seats:
        return None
    # From here on the floor of the share alone is enough.
    cardinality = int(np.ceil(n_seats * counts.sum() / counts.min()))
    while allocate_quotas(counts, cardinality - 1).min() >= n_seats:
        cardinality -= 1
    return cardinality


def choose_range(
    dataset: Dataset, smallest: int | None = None, largest: int | None = None
) -> tuple[int, int]:
    """Return a range of sizes: as asked, and what is not asked suited to the dataset.

    The largest is 1,000, or four fifths of a smaller pool; the smallest a tenth of it,
    or the first size at which every class has two seats.

    Parameters
    ----------
    dataset : Dataset
        Its training part is the pool.
    smallest, largest : int, optional
        Sizes that are asked for.

    Examples
    --------
    >>> from data_scaling.coalitions import choose_range
    >>> from data_scaling.datasets import load_dataset
    >>> choose_range(load_dataset("breast_cancer")), choose_range(
    ...     load_dataset("breast_cancer"), 50, 100
    ... )
    ((27, 272), (50, 100))
    """
    if largest is None:
        largest = min(LARGEST, dataset.n_points * 4 // 5)
    if smallest is None:
        workable = find_smallest_cardinality(group_pool(dataset).counts, 2) or 2
        smallest = max(largest // 10, workable)
    return smallest, largest


def check_cardinalities(
    pool: Pool, smallest: int, largest: int, *, shared: bool
) -> None:
    """Raise unless every coalition of the asked sizes can be drawn and trained on.

    Raises
    ------
    InputError
        If a coalition would be larger than the pool (less the point, for independent
        coalitions), or if the smallest one would seat a class fewer than two times
        (once for independent coalitions).
    """
    limit = pool.n_points if shared else pool.n_points - 1
    if largest > limit:
        reason = "" if shared else ", and a coalition never contains its own point"
        raise InputError(
            f"max_cardinality is {largest}, but the pool has {pool.n_points} points"
            f"{reason}. Give at most {limit}."
        )
    # A shared coalition must still hold every class when one of its points is removed.
    n_seats = 2 if shared else 1
    counts = pool.counts
    # Without its point, an independent coalition has one fewer of any class to draw.
    lacking = [0] if shared else np.eye(len(counts), dtype=np.intp)
    sizes = [find_smallest_cardinality(counts - lack, n_seats) for lack in lacking]
    workable = max((size for size in sizes if size is not None), default=0)
    if None not in sizes and smallest >= workable:
        return
    rarest = int(np.argmin(counts))
    what = (
        f"Class {pool.classes[rarest]!r} has {counts[rarest]} of the {pool.n_points} "
        f"training points, too few for coalitions of {smallest} points: each must hold "
        f"at least {n_seats} of every class."
    )
    if None in sizes or workable > limit:
        raise InputError(f"{what} Leave the class out, or join it with another.")
    raise InputError(
        f"{what} Give a min_cardinality of at least {workable}, or leave the class out."
    )
