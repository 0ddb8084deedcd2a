"""Whether the luck that points of a coalition share can be taken out of their means.

Run from the repository root, after ``python -m benchmarks.references``:

    python -m benchmarks.shared_shocks --dataset adult electricity

All points of a shared coalition move together: the noise of their contributions has a
covariance C over points. A model that knows C shrinks the means of m draws along its
principal components, those of much noise more, where shrinking each point alone
(the hierarchical fit) shrinks all alike. That helps if psi lies elsewhere than the
noise. At 359, for the reference draws in units of each point's noise, the table gives
the share of the noise and of psi in the first components, and R^2 of psi from m draws

* alone: one factor for all points, t / (t + 1/m);
* joint: a factor for each component with the eigenvalue w,
  (t + kappa w) / (t + kappa w + w/m), with t and kappa of the highest likelihood;
* oracle: a factor for each component by the psi that is to be found.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import data_scaling as ds
from benchmarks.references import FOLDER, LOADERS, ledger_path

SIZE = 359
N_COMPONENTS = (5, 20, 50)
N_DRAWS = (5, 10, 20, 50)
Array = NDArray[np.float64]


def find_components(draws: ds.Contributions) -> tuple[Array, Array]:
    """Return the noise's eigenvalues, and psi squared along their vectors."""
    delta = draws.delta[:, draws.coalitions.cardinality == SIZE]
    psi = delta.mean(axis=1)
    residual = delta - psi[:, None]
    spread = residual.std(axis=1)
    residual, psi = residual / spread[:, None], psi / spread
    n_draws = delta.shape[1]
    values, vectors = np.linalg.eigh(residual @ residual.T / n_draws)
    values, vectors = values[::-1], vectors[:, ::-1]
    # The means' own noise is not psi's.
    square = np.maximum((vectors.T @ psi) ** 2 - values / n_draws, 0.0)
    return values, square


def measure_r2(factor: Array, square: Array, noise: Array) -> float:
    error = (1.0 - factor) ** 2 * square + factor**2 * noise
    return float(1.0 - error.sum() / square.sum())


def shrink_jointly(square: Array, values: Array, noise: Array) -> Array:
    """Return the factors of the highest likelihood over a grid of t and kappa."""
    best, factor = -np.inf, np.ones_like(values)
    for t in 5.0 * square.mean() * np.logspace(-6, 1, 40):
        for kappa in np.r_[0.0, np.logspace(-4, 2, 30)]:
            prior = t + kappa * values
            total = prior + noise
            likelihood = -0.5 * np.sum(np.log(total) + (square + noise) / total)
            if likelihood > best:
                best, factor = likelihood, prior / total
    return factor


def describe(name: str, metric: str, folder: Path) -> list[str]:
    path = ledger_path(folder, name, metric, "reference")
    values, square = find_components(ds.Contributions.load(path))
    shares = [
        f"{values[:n].sum() / values.sum():.0%} / {square[:n].sum() / square.sum():.0%}"
        for n in N_COMPONENTS
    ]
    cells = []
    for m in N_DRAWS:
        noise = values / m
        mean = square.mean()
        factors = (
            np.full_like(values, mean / (mean + noise.mean())),
            shrink_jointly(square, values, noise),
            square / (square + noise),
        )
        found = (measure_r2(factor, square, noise) for factor in factors)
        cells.append(" / ".join(f"{value:.2f}" for value in found))
    return [name, f"`{metric}`", *shares, *cells]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", choices=LOADERS, nargs="+", default=list(LOADERS))
    parser.add_argument("--metric", default="log_loss")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    heads = ["dataset", "metric"]
    heads += [f"noise / psi in {n} components" for n in N_COMPONENTS]
    heads += [f"m = {m}: alone / joint / oracle" for m in N_DRAWS]
    print("| " + " | ".join(heads) + " |")
    print("|---" * len(heads) + "|")
    for name in asked.dataset:
        row = describe(name, asked.metric, asked.folder)
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
