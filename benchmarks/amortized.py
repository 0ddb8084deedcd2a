"""The amortized estimator: accuracy at a few draws, and its speed.

Run from the repository root, after ``python -m benchmarks.references``:

    python -m benchmarks.amortized --dataset adult spambase --out amortized.json
    python -m benchmarks.amortized --speed

Networks are trained on the first m draws of up to 5,000 points besides the reference
points and of half of the reference points; the other half is held out entirely, and
laws of its points are made by the networks that were trained on 100 draws. Each
estimate is compared with the reference of psi at 359 and of the Shapley value over
100..1000. "hierarchical" has the same points and draws to learn its prior from.
"""

import argparse
import json
import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

import data_scaling as ds
from benchmarks.machine import describe_machine
from benchmarks.references import LOADERS, average_reference, ledger_path
from data_scaling.amortized import Scorer, score_parquet
from data_scaling.amortized.paper import likelihood_loss

N_TRAINED, N_DRAWS, SIZE = 5000, 100, 359
Row = dict[str, Any]


def draw_training(name: str, folder: Path, data: ds.Dataset) -> ds.Contributions:
    """Draw 100 contributions of up to 6,000 points, once."""
    n_points = min(6000, data.n_points)
    largest = min(1000, data.n_points * 4 // 5)
    plan = ds.SamplingPlan(N_DRAWS, 100, largest, points=("random", n_points))
    return ds.sample_contributions(
        data, "logreg", plan, ledger=folder / f"{name}-train.ledger"
    )


def join(*parts: ds.Contributions) -> ds.Contributions:
    """Put the draws of several lists of points together, with NaN where some lack."""
    n_draws = max(part.n_draws for part in parts)
    delta, sizes = [], []
    for part in parts:
        missing = ((0, 0), (0, n_draws - part.n_draws))
        delta.append(np.pad(part.delta, missing, constant_values=np.nan))
        sizes.append(np.pad(part.cardinality, missing, constant_values=1))
    points = np.concatenate([part.points for part in parts])
    return ds.Contributions(np.vstack(delta), np.vstack(sizes), points)


def measure_accuracy(name: str, options: argparse.Namespace) -> list[Row]:
    data = LOADERS[name](options.data_dir)
    read = ds.Contributions.load
    of_kind = {
        kind: read(ledger_path(options.folder, name, "log_loss", kind))
        for kind in ("fit", "reference")
    }
    reference = average_reference(of_kind["reference"])
    few = of_kind["fit"].first(N_DRAWS)
    drawn = draw_training(name, options.folder, data)
    others = np.setdiff1d(drawn.points, few.points)[:N_TRAINED]
    order = np.random.default_rng(1).permutation(few.n_points)
    halves = np.sort(order[: few.n_points // 2]), np.sort(order[few.n_points // 2 :])
    inside, held = (few.take(few.points[half]) for half in halves)
    seen = join(drawn.take(others), inside)
    rows = []

    def compare(part: str, m: int, method: str, laws: Any, half: Any) -> None:
        psi, shapley = laws.psi(SIZE), ds.shapley_values(laws, 100, 1000)
        at = ds.agreement(psi, reference.at(SIZE)[half])
        over = ds.agreement(shapley, reference.shapley[half])
        row = {"dataset": name, "part": part, "m": m, "method": method}
        row |= {"psi_r2": at.r2, "psi_rho": at.spearman}
        rows.append(row | {"shapley_r2": over.r2, "shapley_rho": over.spearman})
        print_rows(rows[-1:])

    for m in options.draws:
        some = seen.first(m)
        both = ds.AmortizedEstimator(n_epochs=options.epochs, progress=False)
        paper = ds.AmortizedEstimator("paper", n_epochs=options.epochs, progress=False)
        fits = {
            "amortized + hierarchical": both.fit(some, data),
            "hierarchical": ds.HierarchicalEstimator().fit(some),
            "paper": paper.fit(some, data),
            "likelihood": ds.LikelihoodEstimator().fit(inside.first(m)),
        }
        for method, laws in fits.items():
            compare("training", m, method, laws.take(inside.points), halves[0])
        compare_means(rows, name, "training", m, inside, reference, halves[0])
    x, y = data.x_train[held.points], data.y_train[held.points]
    compare("held out", 0, "network alone", both.predict(x, y), halves[1])
    compare("held out", 0, "paper", paper.predict(x, y), halves[1])
    for m in options.draws:
        part = held.first(m)
        pooled = ds.HierarchicalEstimator().fit(join(seen, part)).take(held.points)
        fits = {
            "amortized + hierarchical": both.update(part, data),
            "hierarchical": pooled,
            "likelihood": ds.LikelihoodEstimator().fit(part),
        }
        for method, laws in fits.items():
            compare("held out", m, method, laws, halves[1])
        compare_means(rows, name, "held out", m, held, reference, halves[1])
    return rows


def compare_means(
    rows: list[Row], name: str, part: str, m: int, draws: Any, reference: Any, half: Any
) -> None:
    values = ds.monte_carlo_values(draws.first(m))
    over = ds.agreement(values, reference.shapley[half])
    row = {"dataset": name, "part": part, "m": m, "method": "Monte Carlo"}
    row |= {"psi_r2": float("nan"), "psi_rho": float("nan")}
    rows.append(row | {"shapley_r2": over.r2, "shapley_rho": over.spearman})
    print_rows(rows[-1:])


def measure_speed() -> list[Row]:
    """Time an epoch against a DataLoader, and scoring, in this process."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(10_100, 50))
    y = (x[:, 0] > 0).astype(int)
    data = ds.Dataset(x[:-100], y[:-100], x[-100:], y[-100:])
    k = rng.integers(100, 1001, (10_000, 100))
    draws = ds.Contributions(rng.normal(size=k.shape) / k, k)
    torch.set_num_threads(2)
    plain = time_plain_epoch(draws, data)
    rows = [{"what": "a plain epoch over a DataLoader, s", "value": plain}]
    for method, n_networks in (("paper", 1), ("hierarchical", 3)):
        seconds = []
        for n_epochs in (1, 6):
            estimator = ds.AmortizedEstimator(method, n_epochs=n_epochs, progress=False)
            started = time.perf_counter()
            estimator.fit(draws, data)
            seconds.append(time.perf_counter() - started)
        epoch = (seconds[1] - seconds[0]) / 5 / n_networks
        rows.append({"what": f"an epoch of {method}, s", "value": epoch})
        rows.append({"what": f"ratio, {method}", "value": plain / epoch})
    rows.append({"what": "rows scored per s", "value": time_scoring(estimator, data)})
    return rows


def time_plain_epoch(draws: ds.Contributions, data: ds.Dataset) -> float:
    stack = ds.MarginalContributionStackDataset(draws, data)
    loader = torch.utils.data.DataLoader(stack, batch_size=256, shuffle=True)
    rng = np.random.default_rng(0)
    model = ds.LikelihoodModel(ds.Classifier(50, 2, rng).backbone, 128, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        for features, target, *rest in loader:
            optimizer.zero_grad()
            likelihood_loss(model(features, target), *rest).mean().backward()
            optimizer.step()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def time_scoring(estimator: ds.AmortizedEstimator, data: ds.Dataset) -> float:
    import pandas as pd

    n_rows = 1_000_000
    x = np.random.default_rng(0).normal(size=(n_rows, 50)).astype(np.float32)
    frame = pd.DataFrame(x, columns=list(data.feature_names))
    frame["y"] = np.arange(n_rows) % 2
    with tempfile.TemporaryDirectory() as folder:
        frame.to_parquet(Path(folder, "in.parquet"), row_group_size=2**17)
        del frame, x
        scorer = Scorer(estimator, (100, 1000), target="y")
        started = time.perf_counter()
        score_parquet(scorer, Path(folder, "in.parquet"), Path(folder, "out.parquet"))
        return n_rows / (time.perf_counter() - started)


def print_rows(rows: list[Row]) -> None:
    for row in rows:
        cells = (f"{v:,.3g}" if isinstance(v, float) else f"{v}" for v in row.values())
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--dataset", nargs="+", choices=LOADERS, default=list(LOADERS))
    parser.add_argument("--draws", nargs="+", type=int, default=[5, 10, 20, 50, 100])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=Path("runs/references"))
    default = os.environ.get("DATA_SCALING_DATA", "data")
    parser.add_argument("--data-dir", type=Path, default=Path(default))
    parser.add_argument("--speed", action="store_true", help="measure the speed alone")
    parser.add_argument("--out", type=Path, help="write the rows as JSON")
    options = parser.parse_args()
    warnings.simplefilter("ignore", ds.FitWarning)
    print(describe_machine())
    if options.speed:
        rows = measure_speed()
        print_rows(rows)
    else:
        print("| dataset | part | m | method | psi R2 | rho | Shapley R2 | rho |")
        print("|" + "---|" * 8)
        rows = [
            row for name in options.dataset for row in measure_accuracy(name, options)
        ]
    if options.out:
        report = {"machine": describe_machine(), "rows": rows}
        options.out.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
