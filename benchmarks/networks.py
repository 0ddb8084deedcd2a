"""Marginal contributions of networks: two plain PyTorch loops per draw against ours.

Run from the repository root:

    python -m benchmarks.networks
    python -m benchmarks.networks --data-dir FOLDER_OF_THE_UCI_FILES --device cuda

Both sides run in turn on the same coalitions, k spread evenly over 100..1000, the CPU
with one thread. The plain side trains ``torch.nn.Sequential`` by ``torch.optim.Adam``
with and without a point, full batches held in memory, and predicts the validation part;
it scores nothing. Without a folder, ``lm_clf`` stands for Adult.
"""

import argparse
import time
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from data_scaling.coalitions import draw_coalition, group_pool
from data_scaling.datasets import Dataset, load_dataset
from data_scaling.learners.mlp import MlpLearner


def train_plainly(learner: MlpLearner, x: Any, y: Any, x_val: Any, n_classes: int):
    torch.manual_seed(0)
    sizes = [x.shape[1], *[learner.width] * (learner.depth - 1), n_classes]
    layers: list[torch.nn.Module] = []
    for n_inputs, n_outputs in pairwise(sizes):
        layers += [torch.nn.Linear(n_inputs, n_outputs), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1]).to(learner.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=learner.learning_rate)
    for _ in range(learner.epochs):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        return network(x_val).softmax(1).cpu()


def time_plain(learner: MlpLearner, dataset: Dataset, rows: Any, repeats: int) -> float:
    """Return the milliseconds of two trainings."""
    place = {"device": learner.device}
    x = torch.tensor(dataset.x_train[rows], dtype=torch.float32, **place)
    y = torch.tensor(dataset.y_train[rows], **place)
    x_val = torch.tensor(dataset.x_val, dtype=torch.float32, **place)
    train_plainly(learner, x, y, x_val, len(dataset.classes))
    started = time.perf_counter()
    for _ in range(repeats):
        train_plainly(learner, x, y, x_val, len(dataset.classes))
    return 2e3 * (time.perf_counter() - started) / repeats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", help="folder of the UCI files of Adult")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--coalitions", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = arguments.data_dir
    dataset = load_dataset("adult", folder) if folder else load_dataset("lm_clf")
    bound = MlpLearner(device=arguments.device).bind(dataset)
    rng = np.random.default_rng(0)
    points = rng.choice(dataset.n_points, arguments.points, replace=False)
    print(f"{dataset.name}, {dataset.n_features} features, ms per draw")
    print(f"{'k':>6} {'plain':>8} {'ours':>8} {'ratio':>6}")
    both = []
    for k in np.linspace(100, 1000, arguments.coalitions).astype(int):
        coalition = draw_coalition(group_pool(dataset), k, rng)
        plain = time_plain(bound.learner, dataset, coalition, repeats=20)
        bound.draw(coalition, points[:20])
        started = time.perf_counter()
        bound.draw(coalition, points)
        ours = 1e3 * (time.perf_counter() - started) / len(points)
        both.append((plain, ours))
        print(f"{k:6d} {plain:8.2f} {ours:8.2f} {plain / ours:6.1f}")
    plain, ours = np.mean(both, axis=0)
    print(f"{'mean':>6} {plain:8.2f} {ours:8.2f} {plain / ours:6.1f}")


if __name__ == "__main__":
    main()
