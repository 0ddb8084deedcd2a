"""Real datasets with reference draws, which the benchmarks of the estimators share.

Run from the repository root; it goes on where it was stopped:

    python -m benchmarks.references --dataset adult --metric log_loss

The same 500 points of a dataset are drawn by exact logistic regression in plans of
shared coalitions. The reference plan has 1,000 draws at each of the paper's ten sizes
and at 2,500 and 5,000 where the pool allows; the fitting plan has sizes uniform on
100..1000, draws enough for all repetitions. With ``--plan judged`` there are 3,000 more
draws at each of three sizes, which ``benchmarks.adjustment`` adds to the reference.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

import data_scaling as ds
from benchmarks.cases import load_embeddings, load_named, load_table
from data_scaling.size_means import average_by_size

SIZES = (100, 129, 166, 215, 278, 359, 464, 599, 774, 1000)
BEYOND = (2500, 5000)
JUDGED = (100, 359, 1000)
N_POINTS = 500
N_REFERENCE_DRAWS, N_JUDGED_DRAWS = 1000, 3000
PLANS = ("reference", "fit", "judged")
N_REPETITIONS, MAX_DRAWS = 5, 300
FOLDER = Path("runs/references")
# A point that holds more of a quantity's variance dominates all others.
DOMINATING = 0.2

LOADERS: dict[str, Callable[[Path], ds.Dataset]] = {
    "adult": partial(load_named, name="adult"),
    "spambase": partial(load_table, name="spambase", target="label"),
    "electricity": partial(load_table, name="electricity", target="label"),
    "imdb": load_embeddings,
    "digits": partial(load_named, name="digits"),
}


@dataclass(frozen=True)
class Reference:
    """Means of many draws, to judge estimates by.

    Attributes
    ----------
    cardinality : (n_sizes,) float64 array
        Sizes, ascending.
    psi, psi_std : (n_points, n_sizes) float64 array
        Means of the draws and their standard errors.
    shapley : (n_points,) float64 array
        Mean of psi over all sizes of 100..1000: k psi_k is interpolated over log k by
        cubic splines through the ten sizes.
    """

    cardinality: NDArray[np.float64]
    psi: NDArray[np.float64]
    psi_std: NDArray[np.float64]
    shapley: NDArray[np.float64]

    def at(self, size: int) -> NDArray[np.float64]:
        return self.psi[:, self.cardinality.tolist().index(size)]

    def ceiling(self, size: int) -> float:
        """R^2 that the true psi would reach against this reference."""
        place = self.cardinality.tolist().index(size)
        noise = np.mean(self.psi_std[:, place] ** 2)
        return float(1 - noise / np.var(self.psi[:, place]))


def choose_points(dataset: ds.Dataset, n_points: int = N_POINTS) -> list[int]:
    rng = np.random.default_rng(0)
    return sorted(rng.choice(dataset.n_points, n_points, replace=False).tolist())


def make_plans(dataset: ds.Dataset) -> dict[str, ds.SamplingPlan]:
    points = choose_points(dataset)
    sizes = [size for size in SIZES + BEYOND if size < dataset.n_points]
    return {
        "reference": ds.SamplingPlan(
            N_REFERENCE_DRAWS, cardinalities=sizes, points=points, seed=1
        ),
        "fit": ds.SamplingPlan(
            N_REPETITIONS * MAX_DRAWS, SIZES[0], SIZES[-1], points=points, seed=2
        ),
        "judged": ds.SamplingPlan(
            N_JUDGED_DRAWS, cardinalities=JUDGED, points=points, seed=4
        ),
    }


def ledger_path(folder: Path, dataset: str, metric: str, kind: str) -> Path:
    return folder / f"{dataset}-{metric}-{kind}.ledger"


def draw(
    folder: Path,
    name: str,
    metric: str,
    kinds: Sequence[str],
    *,
    data_dir: Path,
    n_jobs: int = 1,
) -> None:
    """Draw plans of a dataset, or what is missing of them."""
    dataset = LOADERS[name](data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    plans = make_plans(dataset)
    for kind in kinds:
        ds.sample_contributions(
            dataset,
            "logreg",
            plans[kind],
            metric=metric,
            ledger=ledger_path(folder, name, metric, kind),
            n_jobs=n_jobs,
        )


def average_reference(
    contributions: ds.Contributions, more: ds.Contributions | None = None
) -> Reference:
    """Average reference draws.

    Parameters
    ----------
    contributions : Contributions
        Those of the reference plan.
    more : Contributions, optional
        Those of the judged plan, of the same points: added at their sizes.
    """
    sizes = [s for s in SIZES + BEYOND if s <= contributions.cardinality.max()]
    means = average_by_size(contributions, sizes)
    k, n_fitted = means.cardinality, len(SIZES)
    psi, psi_std = means.mean.copy(), means.mean_std.copy()
    if more is not None:
        places = np.searchsorted(k, JUDGED)
        added = average_by_size(more, JUDGED)
        share = added.n_draws / (added.n_draws + means.n_draws[:, places])
        psi[:, places] += share * (added.mean - psi[:, places])
        psi_std[:, places] = np.hypot(
            (1.0 - share) * psi_std[:, places], share * added.mean_std
        )
    spline = CubicSpline(np.log(k[:n_fitted]), (k * psi).T[:n_fitted])
    grid = np.arange(SIZES[0], SIZES[-1] + 1)
    shapley = np.mean(spline(np.log(grid)) / grid[:, None], axis=0)
    return Reference(k, psi, psi_std, shapley)


def find_dominating(true: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which points hold a large part of the variance each, (n_points,)."""
    square = (true - true.mean()) ** 2
    return np.asarray(square > DOMINATING * square.sum())


def read_repetitions(folder: Path, name: str, metric: str) -> list[ds.Contributions]:
    """Return the fitting draws, one part for each repetition."""
    drawn = ds.Contributions.load(ledger_path(folder, name, metric, "fit"))
    return [
        ds.Contributions(
            drawn.delta[:, first : first + MAX_DRAWS],
            drawn.cardinality[:, first : first + MAX_DRAWS],
            drawn.points,
        )
        for first in range(0, drawn.n_draws, MAX_DRAWS)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=LOADERS, nargs="+", default=list(LOADERS))
    parser.add_argument("--metric", nargs="+", default=["log_loss"])
    parser.add_argument("--plan", choices=PLANS, nargs="+", default=PLANS[:2])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--jobs", type=int, default=1)
    default = os.environ.get("DATA_SCALING_DATA", "data")
    parser.add_argument("--data-dir", type=Path, default=Path(default))
    asked = parser.parse_args()
    for metric in asked.metric:
        for name in asked.dataset:
            draw(
                asked.folder,
                name,
                metric,
                asked.plan,
                data_dir=asked.data_dir,
                n_jobs=asked.jobs,
            )
            print(f"{name}, {metric}: drawn", flush=True)


if __name__ == "__main__":
    main()
