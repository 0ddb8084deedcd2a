"""A finished run, as a report takes it: draws, laws, points and what tests them."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data_scaling._typing import Int32Array
from data_scaling.contributions import Contributions, check_same_dataset
from data_scaling.errors import InputError
from data_scaling.laws import ExpansionLaws, PowerLaws, ScalingLaws, load_laws
from data_scaling.learning_curve import LearningCurve
from data_scaling.ledger import (
    LedgerSummary,
    describe_ledger,
    read_contributions,
    read_learning_curve,
)
from data_scaling.report.points import POINTS_FILE, PointTable, load_points
from data_scaling.validation import Validation, validate_laws


@dataclass(frozen=True, eq=False)
class Run:
    """What a report shows.

    Parameters
    ----------
    contributions : Contributions
        The draws that the laws were fitted to.
    laws : ScalingLaws
        One law per point of the contributions, in the same order.
    points : PointTable
        The pool that the points are of.
    validation : Validation, optional
        The laws beside draws of their own.
    curve : LearningCurve, optional
        Utilities of random coalitions.
    seconds : float
        Time that the learner took, added over all jobs.

    Raises
    ------
    InputError
        If the parts are not of one run, or no point has a law.
    """

    contributions: Contributions
    laws: ScalingLaws
    points: PointTable
    validation: Validation | None = None
    curve: LearningCurve | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        _check_parts(self.contributions, self.laws, self.points)


def load_run(folder: str | os.PathLike[str]) -> Run:
    """Read the folder that ``data-scaling run`` wrote.

    Parameters
    ----------
    folder : path
        It holds ``draws.ledger``, ``laws.npz`` and ``points.npz``, and
        ``validation.ledger`` if the laws were tested on draws of their own.

    Raises
    ------
    InputError
        If a part is missing or damaged, the parts are of different datasets, or no
        point has a law.
    LedgerError
        If a ledger cannot be read.
    """
    folder = Path(folder)
    paths = [folder / name for name in ("draws.ledger", "laws.npz", POINTS_FILE)]
    _check_present(folder, paths)
    ledger, laws_path, points_path = paths
    summary, points = describe_ledger(ledger), load_points(points_path)
    _check_fingerprint(summary, points)
    contributions, laws = read_contributions(ledger), load_laws(laws_path)
    _check_parts(contributions, laws, points)
    tested = folder / "validation.ledger"
    return Run(
        contributions,
        laws,
        points,
        _read_validation(tested, laws, points) if tested.exists() else None,
        _read_curve(summary),
        summary.seconds,
    )


def _check_present(folder: Path, paths: list[Path]) -> None:
    if not folder.is_dir():
        raise InputError(
            f"{folder} is no folder of a run. Give the folder that data-scaling run "
            "wrote to, as runs/breast_cancer."
        )
    missing = [path.name for path in paths if not path.exists()]
    if len(missing) == len(paths):
        raise InputError(
            f"{folder} holds nothing that data-scaling run writes. Give the folder of "
            "a run, as runs/breast_cancer; data-scaling run makes one of a dataset."
        )
    if missing:
        raise InputError(
            f"{folder} lacks {', '.join(missing)}, so there is nothing to show. Give "
            "the command data-scaling run again, with this folder as --out: draws "
            "that are there already are kept."
        )


def _check_fingerprint(summary: LedgerSummary, points: PointTable) -> None:
    what = f"draws in {summary.path}"
    check_same_dataset(what, summary.header, points.dataset, points.fingerprint)


def _check_parts(
    contributions: Contributions, laws: ScalingLaws, points: PointTable
) -> None:
    n_pool = len(points.row_ids)
    for what, known in (("laws", laws), ("draws", contributions)):
        check_same_dataset(what, known, points.dataset, points.fingerprint)
    if not np.array_equal(laws.points, contributions.points):
        raise InputError(
            f"The laws are of {len(laws)} points, the draws of "
            f"{contributions.n_points} others: they are not of one run. Fit laws to "
            "these draws, as data-scaling run does."
        )
    if len(laws) and laws.points.max() >= n_pool:
        raise InputError(
            f"There is a law of point {laws.points.max()}, but the pool of "
            f"{points.dataset} has {n_pool} points. Give the dataset that was drawn "
            "from."
        )
    if isinstance(laws, (PowerLaws, ExpansionLaws)):
        _check_fitted_draws(contributions, laws.n_draws)
    if not np.isfinite(laws.psi(1.0)).any():
        raise InputError(
            f"None of the {len(laws)} points has a law, so there is nothing to show; "
            f"{contributions.n_failed:,} of {contributions.delta.size:,} draws failed. "
            "data-scaling info says why draws failed."
        )


def _check_fitted_draws(contributions: Contributions, fitted: Int32Array) -> None:
    """Refuse laws that were fitted to more draws than there are.

    Laws of fewer draws are right: draws may have been added after the fit.
    """
    usable = np.isfinite(contributions.delta).sum(axis=1)
    other = np.flatnonzero(fitted > usable)
    if other.size:
        row = other[0]
        raise InputError(
            f"The law was fitted to {fitted[row]} draws of point "
            f"{contributions.points[row]}, but there are {usable[row]}: the laws are "
            "of another run. Fit laws to these draws, as data-scaling run does."
        )


def _read_validation(
    path: Path, laws: ScalingLaws, points: PointTable
) -> Validation | None:
    summary = describe_ledger(path)
    _check_fingerprint(summary, points)
    draws = read_contributions(path)
    if not np.isfinite(draws.delta).any():
        return None
    return validate_laws(laws, draws, summary.header.plan.cardinalities)


def _read_curve(summary: LedgerSummary) -> LearningCurve | None:
    """Read coalitions drawn for the curve, or else those that all points share."""
    header = summary.header
    if not header.n_base and not header.plan.is_shared:
        return None
    curve = read_learning_curve(summary.path, with_points=not header.n_base)
    return curve if np.isfinite(curve.utility).any() else None
