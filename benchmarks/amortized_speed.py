"""The speed of the amortized estimator: of an epoch, and of scoring.

Run from the repository root, on an idle machine:

    python -m benchmarks.amortized_speed
    python -m benchmarks.amortized_speed --device cuda

On a GPU epochs alone are measured, as scoring runs on the processor.
Times are given by the clock and by the processor: where the second is much less, other
programs were running, and it is what to go by. A processor second is one core's.
"""

import argparse
import contextlib
import json
import resource
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow
import torch
from pyarrow import parquet
from threadpoolctl import threadpool_limits

import data_scaling as ds
from benchmarks.amortized_page import SPEED
from data_scaling._machine import describe_machine, find_commit
from data_scaling.amortized import Scorer, score_parquet

N_POINTS, N_DRAWS, N_FEATURES, N_EPOCHS, N_TURNS = 10_000, 100, 50, 20, 5
# Networks of each method.
METHODS: dict[Literal["paper", "hierarchical"], int] = {"paper": 1, "hierarchical": 3}
PLAIN = "plain"
Row = dict[str, Any]


@dataclass
class Stopwatch:
    """Seconds by the clock and of the processor since it was made."""

    started: float = field(default_factory=time.perf_counter)
    started_work: float = field(default_factory=time.process_time)

    def read(self) -> np.ndarray:
        return np.array(
            [
                time.perf_counter() - self.started,
                time.process_time() - self.started_work,
            ]
        )


def tell(what: str, values: np.ndarray) -> Row:
    return {"what": what, "clock": float(values[0]), "processor": float(values[1])}


def make_draws() -> tuple[ds.Dataset, ds.Contributions]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N_POINTS + 100, N_FEATURES))
    y = (x[:, 0] > 0).astype(int)
    data = ds.Dataset(x[:-100], y[:-100], x[-100:], y[-100:])
    k = rng.integers(100, 1001, (N_POINTS, N_DRAWS))
    return data, ds.Contributions(rng.normal(size=k.shape) / k, k)


def measure_speed(device: str) -> list[Row]:
    """Time an epoch against a DataLoader, and scoring, in this process.

    Epochs are timed in turns, as the rate of a machine changes: times are medians over
    the turns (of the plain loop, of the quickest of three epochs in each), and ratios
    medians of those of a turn. Rates of scoring are medians of as many runs.
    """
    data, draws = make_draws()
    torch.set_num_threads(2)
    for method in METHODS:
        # What a process does once is not to count for the first turn.
        estimator = ds.AmortizedEstimator(
            method, n_epochs=1, device=device, progress=False
        )
        estimator.fit(draws, data)
    time_plain_epoch(draws, data, device)
    turns = [time_epochs(draws, data, device) for _ in range(N_TURNS)]
    middle = {name: np.median([turn[name] for turn in turns], 0) for name in turns[0]}
    rows = [tell("an epoch of a plain loop over a DataLoader, s", middle[PLAIN])]
    for method in METHODS:
        rows.append(tell(f"an epoch of a network, `{method}`, s", middle[method]))
        ratios = [turn[PLAIN] / turn[method] for turn in turns]
        rows.append(tell(f"times faster, `{method}`", np.median(ratios, 0)))
    if device != "cpu":
        return rows
    estimator = ds.AmortizedEstimator(n_epochs=1, progress=False)
    estimator.fit(draws, data)
    for n_rows in (1_000_000, 3_000_000):
        scored = [time_scoring(estimator, n_rows) for _ in range(N_TURNS)]
        rates = [n_rows / seconds for seconds, _ in scored]
        rows.append(tell(f"rows scored per s, of {n_rows:,}", np.median(rates, 0)))
        peak = max(peak for _, peak in scored)
        rows.append({"what": f"largest memory after {n_rows:,}, GB", "clock": peak})
    rows.append(tell("products of single precision, GFLOP per s", time_products()))
    return rows


def time_epochs(
    draws: ds.Contributions, data: ds.Dataset, device: str
) -> dict[str, np.ndarray]:
    """Return the seconds of an epoch of the plain loop, and of each method."""
    epochs = {PLAIN: time_plain_epoch(draws, data, device)}
    for method, n_networks in METHODS.items():
        seconds = []
        for n_epochs in (1, 1 + N_EPOCHS):
            estimator = ds.AmortizedEstimator(
                method, n_epochs=n_epochs, device=device, progress=False
            )
            watch = Stopwatch()
            estimator.fit(draws, data)
            seconds.append(watch.read())
        epochs[method] = (seconds[1] - seconds[0]) / N_EPOCHS / n_networks
    return epochs


def time_products() -> np.ndarray:
    """Return floating-point operations per ns of one thread in products of matrices."""
    matrix, n_repeats = np.ones((1024, 1024), dtype=np.float32), 20
    with threadpool_limits(1):
        watch = Stopwatch()
        for _ in range(n_repeats):
            matrix @ matrix
        return n_repeats * 2.0 * 1024**3 / watch.read() / 1e9


def time_plain_epoch(
    draws: ds.Contributions, data: ds.Dataset, device: str
) -> np.ndarray:
    """Time the paper's training as one would write it: batches from a DataLoader."""
    stack = ds.MarginalContributionStackDataset(draws, data)
    loader = torch.utils.data.DataLoader(stack, batch_size=256, shuffle=True)
    rng = np.random.default_rng(0)
    model = ds.LikelihoodModel(ds.Classifier(50, 2, rng).backbone, 128, 2).to(device)
    optimizer = torch.optim.AdamW(model.parameters())
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3 * len(loader))
    seconds = []
    for _ in range(3):
        watch = Stopwatch()
        for batch in loader:
            features, target, *rest = (part.to(device) for part in batch)
            optimizer.zero_grad()
            plain_loss(model(features, target), *rest).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            rate.step()
        seconds.append(watch.read())
    return np.min(seconds, axis=0)


def plain_loss(
    outputs: torch.Tensor,
    delta: torch.Tensor,
    cardinality: torch.Tensor,
    weight: torch.Tensor,
) -> torch.Tensor:
    """The paper's loss by torch's own derivatives: both signs tried, one chosen."""
    sign, log_c, log_alpha, log_sigma, log_beta = outputs.T[..., None]
    log_k, alpha = cardinality.log(), log_alpha.exp()
    log_noise = log_sigma - 0.5 * log_beta.exp() * log_k
    scale = (-log_noise).detach().exp()
    size = scale * (log_c - alpha * log_k).exp()
    share = weight / weight.sum(1, keepdim=True).clamp_min(1.0)
    precise = share * (2.0 * (log_noise.detach() - log_noise)).exp()
    losses = [
        (0.5 * precise * (scale * delta - s * size) ** 2 + share * log_noise).sum(1)
        for s in (1.0, -1.0)
    ]
    is_positive = (losses[0] <= losses[1]).to(sign.dtype)
    of_sign = torch.nn.functional.binary_cross_entropy_with_logits(
        sign[:, 0], is_positive, reduction="none"
    )
    penalty = 1e-2 * (alpha[:, 0] - 1.0) ** 2
    return (torch.minimum(*losses) + of_sign + penalty).mean()


def time_scoring(
    estimator: ds.AmortizedEstimator, n_rows: int
) -> tuple[np.ndarray, float]:
    """Return the seconds, and the largest memory of the process so far, in GB."""
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder, "in.parquet"), n_rows)
        scorer = Scorer(estimator, (100, 1000), target="y")
        watch = Stopwatch()
        score_parquet(scorer, Path(folder, "in.parquet"), Path(folder, "out.parquet"))
        seconds = watch.read()
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def write_rows(path: Path, n_rows: int) -> None:
    """Write rows of normal features and two classes, a part at a time."""
    rng = np.random.default_rng(0)
    names = [f"x{i}" for i in range(N_FEATURES)]
    block = 2**17
    with contextlib.ExitStack() as stack:
        writer = None
        for first in range(0, n_rows, block):
            size = min(block, n_rows - first)
            x = rng.normal(size=(size, N_FEATURES)).astype(np.float32)
            columns = dict(zip(names, x.T, strict=True)) | {"y": np.arange(size) % 2}
            table = pyarrow.table(columns)
            if writer is None:
                writer = parquet.ParquetWriter(path, table.schema)
                stack.callback(writer.close)
            writer.write_table(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=SPEED, default="cpu")
    options = parser.parse_args()
    commit = find_commit(Path(__file__).parent)
    report: Row = {"machine": describe_machine(), "commit": commit}
    report["rows"] = measure_speed(options.device)
    for row in report["rows"]:
        print(row)
    SPEED[options.device].write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
