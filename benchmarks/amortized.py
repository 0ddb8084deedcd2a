"""The amortized estimator beside the others, at a few draws: its accuracy.

Run from the repository root, after ``python -m benchmarks.references``; it goes on
where it was stopped, as what each method made of m draws is kept in a file of its own:

    python -m benchmarks.amortized --out docs

Networks are trained on the first m draws of up to 5,000 points besides the reference
points, and of half of the reference points. The other half is held out entirely: laws
of its points are made by what was learned from 100 draws of the points trained on, and
by their own first m draws. Each repetition has other draws of the reference points,
other halves, and another seed. "hierarchical" learns its prior from the same points and
draws as the networks; "likelihood" and "Monte Carlo" know a point's own draws alone.
"""

import argparse
import json
import math
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

import data_scaling as ds
from benchmarks.amortized_page import write_page
from benchmarks.references import (
    FOLDER,
    LOADERS,
    Reference,
    average_reference,
    ledger_path,
    read_repetitions,
)
from benchmarks.sample_efficiency import find_dominating
from data_scaling._machine import find_commit
from data_scaling.amortized.prediction import estimate_by, load_networks

DATASETS = ("adult", "spambase", "imdb", "digits")
N_TRAINED, N_DRAWS, SIZE = 5000, 100, 359
DRAWS = (5, 10, 20, 50, 100)
Row = dict[str, Any]
Estimate: TypeAlias = tuple[Any, NDArray[np.float64]]
Part: TypeAlias = Literal["training", "held out"]


@dataclass(frozen=True)
class Judged:
    """What a method made of m draws of the points of a part.

    ``parts`` are the two estimates that it is a mixture of, if it is one.
    """

    part: Part
    m: int
    estimate: Estimate
    parts: tuple[Estimate, Estimate] | None = None


@dataclass(frozen=True)
class Task:
    """Draws of one repetition.

    Attributes
    ----------
    data : Dataset
        Where the points come from.
    others, inside, held : Contributions
        Draws of points that only train, of the reference points that are trained on
        as well, and of those that are held out.
    reference : Reference
        What the estimates are judged by.
    rows : dict of str to (n_points,) intp array
        Which rows of the reference belong to which part.
    seed : int
        Seed of the networks.
    device : str
        Where they are trained.
    """

    data: ds.Dataset
    others: ds.Contributions
    inside: ds.Contributions
    held: ds.Contributions
    reference: Reference
    rows: dict[str, NDArray[np.intp]]
    seed: int
    device: str = "cpu"

    def seen(self, m: int, held: int = 0) -> ds.Contributions:
        """Return the first m draws of the points trained on, and some held out."""
        parts = [self.others.first(m), self.inside.first(m)]
        return join(*parts, *([self.held.first(held)] if held else []))


def read_task(name: str, repetition: int, folder: Path, data: ds.Dataset) -> Task:
    stored = ledger_path(folder, name, "log_loss", "reference")
    reference = average_reference(ds.Contributions.load(stored))
    draws = read_repetitions(folder, name, "log_loss")[repetition].first(N_DRAWS)
    order = np.random.default_rng((1, repetition)).permutation(draws.n_points)
    half = draws.n_points // 2
    rows = {"training": np.sort(order[:half]), "held out": np.sort(order[half:])}
    inside, held = (draws.take(draws.points[rows[part]]) for part in rows)
    drawn = draw_training(name, folder, data)
    others = drawn.take(np.setdiff1d(drawn.points, draws.points)[:N_TRAINED])
    return Task(data, others, inside, held, reference, rows, repetition)


def draw_training(name: str, folder: Path, data: ds.Dataset) -> ds.Contributions:
    """Draw 100 contributions of up to 6,000 points, once."""
    n_points = min(6000, data.n_points)
    largest = min(1000, data.n_points * 4 // 5)
    plan = ds.SamplingPlan(N_DRAWS, 100, largest, points=("random", n_points))
    ledger = folder / f"{name}-train.ledger"
    return ds.sample_contributions(data, "logreg", plan, ledger=ledger)


def join(*parts: ds.Contributions) -> ds.Contributions:
    """Put the draws of several lists of points together, with NaN where some lack."""
    n_draws = max(part.n_draws for part in parts)
    delta, sizes = [], []
    for part in parts:
        missing = ((0, 0), (0, n_draws - part.n_draws))
        delta.append(np.pad(part.delta, missing, constant_values=np.nan))
        sizes.append(np.pad(part.cardinality, missing, constant_values=100))
    points = np.concatenate([part.points for part in parts])
    return ds.Contributions(np.vstack(delta), np.vstack(sizes), points)


def value(laws: ds.ScalingLaws) -> Estimate:
    return laws.psi(SIZE), ds.shapley_values(laws, 100, 1000)


def use_networks(task: Task, m: int, method: Any) -> Iterator[Judged]:
    """Yield estimates by networks trained on m draws; held out, by those of 100."""
    estimator = ds.AmortizedEstimator(
        method, seed=task.seed, device=task.device, progress=False
    )
    found = value(estimator.fit(task.seen(m), task.data).take(task.inside.points))
    own = task.inside.first(m)
    yield Judged("training", m, found, take_apart(estimator, own, task.data))
    if m < N_DRAWS:
        return
    points = task.held.points
    x, y = task.data.x_train[points], task.data.y_train[points]
    yield Judged("held out", 0, value(estimator.predict(x, y)))
    for few in DRAWS if method == "hierarchical" else ():
        own = task.held.first(few)
        found = value(estimator.update(own, task.data))
        yield Judged("held out", few, found, take_apart(estimator, own, task.data))


def take_apart(
    estimator: ds.AmortizedEstimator, own: ds.Contributions, data: ds.Dataset
) -> tuple[Estimate, Estimate] | None:
    """Return the estimates by the networks' prior and by the plain one."""
    model = estimator.model
    if model is None or model.plain is None:
        return None
    encoded = model.encoding.encode(data.x_train[own.points], data.y_train[own.points])
    told, networks = model.assemble(*encoded), load_networks(model)
    sizes = np.tile(np.arange(100, 1001), (own.n_points, 1))
    values = []
    for one in (estimate_by(networks, model, own, told), model.plain.estimate(own)):
        psi = one.predict(sizes, model.base, model.plain.choice.powers)
        values.append((psi[:, SIZE - 100], psi.mean(axis=1)))
    return values[0], values[1]


def mix_best(
    one: NDArray[np.float64], other: NDArray[np.float64], true: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mixture by the one weight for all points nearest to the truth."""
    apart = one - other
    square = float(apart @ apart)
    weight = np.clip((true - other) @ apart / square, 0.0, 1.0) if square else 0.0
    return np.asarray(other + weight * apart)


def use_hierarchical(task: Task, m: int) -> Iterator[Judged]:
    """Yield estimates by the default estimator, from the same points and draws."""
    fit = ds.HierarchicalEstimator().fit
    found = value(fit(task.seen(m)).take(task.inside.points))
    yield Judged("training", m, found)
    laws = fit(task.seen(N_DRAWS, m))
    yield Judged("held out", m, value(laws.take(task.held.points)))


def use_own_draws(
    task: Task, m: int, estimate: Callable[[ds.Contributions], Estimate]
) -> Iterator[Judged]:
    """Yield estimates by each point's own draws alone."""
    yield Judged("training", m, estimate(task.inside.first(m)))
    yield Judged("held out", m, estimate(task.held.first(m)))


METHODS: dict[str, Callable[[Task, int], Iterator[Judged]]] = {
    "Monte Carlo": lambda task, m: use_own_draws(
        task, m, lambda draws: (None, ds.monte_carlo_values(draws))
    ),
    "likelihood": lambda task, m: use_own_draws(
        task, m, lambda draws: value(ds.LikelihoodEstimator().fit(draws))
    ),
    "hierarchical": use_hierarchical,
    "amortized + hierarchical": lambda task, m: use_networks(task, m, "hierarchical"),
    "amortized (paper)": lambda task, m: use_networks(task, m, "paper"),
}


def judge(task: Task, method: str, n_draws: int) -> list[Row]:
    rows = []
    for one in METHODS[method](task, n_draws):
        row: Row = {"part": one.part, "m": one.m, "method": method}
        truths = (task.reference.at(SIZE), task.reference.shapley)
        for place, name in enumerate(("psi", "shapley")):
            found = one.estimate[place]
            if found is None:
                continue
            true = truths[place][task.rows[one.part]]
            others = ~find_dominating(true)
            judged, rest = ds.agreement(found, true), (found[others], true[others])
            row |= {f"{name}_r2": judged.r2, f"{name}_rho": judged.spearman}
            row |= {f"{name}_r2_others": ds.agreement(*rest).r2}
            row |= {f"{name}_dominating": int(np.sum(~others))}
            row |= {f"{name}_top_share": share_of_few((found - true) ** 2)}
            if one.parts is not None:
                best = mix_best(one.parts[0][place], one.parts[1][place], true)
                row |= {f"{name}_r2_best_weight": ds.agreement(best, true).r2}
        rows.append(row)
    return rows


def share_of_few(square: NDArray[np.float64]) -> float:
    """Return which share of squared errors the largest 2 % of them have."""
    n_few = math.ceil(0.02 * len(square))
    return float(np.sort(square)[-n_few:].sum() / square.sum())


def judge_missing(options: argparse.Namespace) -> None:
    """Judge each method at each m on each dataset and repetition without a file yet."""
    options.parts.mkdir(parents=True, exist_ok=True)
    for repetition in range(options.repetitions):
        for name in options.dataset:
            if not ledger_path(options.folder, name, "log_loss", "fit").exists():
                print(f"{name}: no references are drawn")
                continue
            paths = {
                (method, m): options.parts / f"{name}-{method}-{m}-{repetition}.json"
                for m in options.draws
                for method in options.method
            }
            missing = {key: p for key, p in paths.items() if not p.exists()}
            if not missing:
                continue
            data = LOADERS[name](options.data_dir)
            task = read_task(name, repetition, options.folder, data)
            task = replace(task, device=options.device)
            for (method, m), path in missing.items():
                rows = judge(task, method, m)
                about: Row = {"dataset": name, "repetition": repetition}
                about["commit"] = find_commit(Path(__file__).parent)
                path.write_text(json.dumps([about | row for row in rows], indent=1))
                print(f"{name}, {repetition}: {method}, {m} draws", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", nargs="+", choices=LOADERS, default=list(DATASETS))
    parser.add_argument("--method", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--draws", nargs="+", type=int, default=list(DRAWS))
    parser.add_argument("--repetitions", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="where networks are trained")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument(
        "--parts",
        type=Path,
        default=Path("runs/amortized"),
        help="folder that keeps what is done; remove it to begin anew",
    )
    default = os.environ.get("DATA_SCALING_DATA", "data")
    parser.add_argument("--data-dir", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--page", action="store_true", help="write the page alone")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ds.FitWarning)
    torch.set_num_threads(1)
    if not options.page:
        judge_missing(options)
    write_page(options.parts, options.out)


if __name__ == "__main__":
    main()
