"""Fits: points per second, against an optimiser per point, and growth.

Run from the repository root, for all parts or some:

    python -m benchmarks.fitting
    python -m benchmarks.fitting --part speed --part growth --out fitting.json

``speed`` fits 50,000 planted points of 100 draws by both estimators, each in a process
of its own, and some of the points by scipy's L-BFGS-B, one start each. ``growth`` takes
fewer and more points and draws. ``restarts`` looks for a higher likelihood than ours by
20 random starts of L-BFGS-B for each of 2,000 planted points, and of as many real ones
where the draws of ``python -m benchmarks.references`` are at hand. ``tails`` compares,
on those, what laws of 20 draws foresee of 200 later ones: the own variance of a point
trusted by the kurtosis of all residuals, as ``HierarchicalEstimator`` does, or in full.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

import data_scaling as ds
from benchmarks.references import FOLDER, LOADERS, ledger_path, read_repetitions
from data_scaling._machine import describe_machine
from data_scaling.estimators import hierarchical

N_POINTS, N_DRAWS = 50_000, 100
N_SINGLE = 200
GROWTH = ((5_000, 100), (50_000, 100), (500_000, 20), (50_000, 20), (50_000, 400))
N_RESTART_POINTS, N_RESTARTS = 2_000, 20
N_TAIL_DRAWS, N_LATER_DRAWS = 20, 200
MAX_EXPONENT = float(np.exp(2.0))
METHODS = {
    "likelihood": ds.LikelihoodEstimator(),
    "hierarchical": ds.HierarchicalEstimator(),
    "hierarchical, powers given": ds.HierarchicalEstimator(powers=(1.0, 2.0)),
}
Row = dict[str, Any]
FloatArray = NDArray[np.float64]


def plant(n_points: int, n_draws: int, seed: int = 0) -> ds.Contributions:
    """Power laws of many exponents, the noise a few times their size."""
    rng = np.random.default_rng(seed)
    k = rng.integers(100, 1001, n_draws)
    alpha, beta = rng.uniform(0.5, 2.0, (2, n_points, 1))
    scale = rng.normal(size=(n_points, 1))
    delta = scale * (k / 300.0) ** -alpha
    delta += (k / 300.0) ** (-0.5 - beta / 2) * rng.normal(size=delta.shape)
    return ds.Contributions(delta, k)


def negative_likelihood(
    theta: FloatArray, delta: FloatArray, log_k: FloatArray
) -> float:
    """Profile likelihood of one point, in nats per draw, up to a constant."""
    alpha, beta = theta
    shape, weight = np.exp(-alpha * log_k), np.exp(beta * log_k)
    c = np.sum(weight * shape * delta) / np.sum(weight * shape**2)
    square = np.mean(weight * (delta - c * shape) ** 2)
    return float(0.5 * np.log(square) - 0.5 * beta * np.mean(log_k))


def minimise_one(
    delta: FloatArray, cardinality: NDArray[Any], start: FloatArray
) -> float:
    log_k = np.log(cardinality / 300.0)
    found = minimize(
        negative_likelihood,
        start,
        args=(delta / np.abs(delta).max(), log_k),
        method="L-BFGS-B",
        bounds=[(0.0, MAX_EXPONENT)] * 2,
    )
    return float(found.fun)


def fit_in_process(method: str, n_points: int, n_draws: int) -> Row:
    """Fit in a process of its own, so that the memory is the fit's."""
    asked = ["--fit", method, str(n_points), str(n_draws)]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "benchmarks.fitting", *asked],
        check=True,
        capture_output=True,
        text=True,
    )
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


def fit_once(method: str, n_points: int, n_draws: int) -> Row:
    draws = plant(n_points, n_draws)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    METHODS[method].fit(draws)
    seconds = time.perf_counter() - started
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "method": method,
        "points": n_points,
        "draws": n_draws,
        "seconds": seconds,
        "points_per_second": n_points / seconds,
        "peak_gb": most / 1e6,
        "fit_gb": (most - before) / 1e6,
    }


def measure_speed() -> list[Row]:
    draws = plant(N_SINGLE, N_DRAWS)
    started = time.perf_counter()
    for delta, sizes in zip(draws.delta, draws.cardinality, strict=True):
        minimise_one(delta, sizes, np.array([1.0, 2.0]))
    single = (time.perf_counter() - started) / N_SINGLE
    rows = [fit_in_process(method, N_POINTS, N_DRAWS) for method in METHODS]
    for row in rows:
        row["ratio"] = single * row["points_per_second"]
    lone = {"method": "scipy, one start", "points": N_SINGLE, "draws": N_DRAWS}
    return [
        lone | {"seconds": single * N_SINGLE, "points_per_second": 1 / single},
        *rows,
    ]


def measure_growth() -> list[Row]:
    return [
        fit_in_process(method, *shape)
        for shape in GROWTH
        for method in ("likelihood", "hierarchical")
    ]


def find_higher(draws: ds.Contributions) -> Row:
    """Return by how much any restart beats our maximum, in nats per draw."""
    rng = np.random.default_rng(1)
    laws = ds.LikelihoodEstimator().fit(draws)
    gains = np.empty(draws.n_points)
    for i, (delta, sizes) in enumerate(
        zip(draws.delta, draws.cardinality, strict=True)
    ):
        scaled, log_k = delta / np.abs(delta).max(), np.log(sizes / 300.0)
        ours = negative_likelihood(
            np.array([laws.alpha[i], laws.beta[i]]), scaled, log_k
        )
        starts = rng.uniform(0.0, MAX_EXPONENT, (N_RESTARTS, 2))
        gains[i] = ours - min(minimise_one(delta, sizes, start) for start in starts)
    return {"n_points": draws.n_points, "largest_gain": float(np.nanmax(gains))} | {
        "n_above": int(np.sum(gains > 1e-8)),
        "n_found": int(np.sum(gains > -1e-6)),
    }


def read_real(folder: Path) -> ds.Contributions | None:
    """Join the fitting draws of all datasets that are drawn, 100 of each point."""
    paths = [ledger_path(folder, name, "log_loss", "fit") for name in LOADERS]
    parts = [
        ds.Contributions.load(path).first(N_DRAWS) for path in paths if path.exists()
    ]
    if not parts:
        return None
    delta = np.concatenate([part.delta for part in parts])[:N_RESTART_POINTS]
    sizes = np.concatenate([part.cardinality for part in parts])[:N_RESTART_POINTS]
    return ds.Contributions(delta, sizes)


def measure_restarts(folder: Path) -> list[Row]:
    planted = {"draws": "planted"} | find_higher(plant(N_RESTART_POINTS, N_DRAWS, 3))
    real = read_real(folder)
    return (
        [planted] if real is None else [planted, {"draws": "real"} | find_higher(real)]
    )


def measure_tails(folder: Path) -> list[Row]:
    rows = []
    for name in LOADERS:
        if not ledger_path(folder, name, "log_loss", "fit").exists():
            continue
        draws = read_repetitions(folder, name, "log_loss")[0]
        rows.append({"dataset": name, "variances trusted": "by kurtosis"})
        rows[-1] |= foresee(draws)
        rows.append({"dataset": name, "variances trusted": "in full"})
        with patch.object(hierarchical, "measure_noise_share", return_value=1.0):
            rows[-1] |= foresee(draws)
    return rows


def foresee(draws: ds.Contributions) -> Row:
    """Return the log-likelihood of later draws, in nats per draw.

    The unit of the draws is their standard deviation over all points.
    """
    laws = ds.HierarchicalEstimator(powers=(1.0, 2.0)).fit(draws.first(N_TAIL_DRAWS))
    later = slice(-N_LATER_DRAWS, None)
    k, delta = draws.cardinality[:, later], draws.delta[:, later]
    score = delta - laws.psi(k)
    std = np.hypot(laws.noise_std(k), laws.psi_std(k))
    unit = np.log(np.std(delta))
    found = {"normal": float(np.mean(stats.norm.logpdf(score, scale=std)) + unit)}
    for freedom in (3, 5):
        scale = std * np.sqrt((freedom - 2) / freedom)
        density = stats.t.logpdf(score, freedom, scale=scale)
        found[f"Student's t, {freedom} degrees"] = float(np.mean(density) + unit)
    return found


def print_table(rows: list[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")
    for row in rows:
        cells = [row.get(name, "") for name in names]
        texts = [f"{cell:,.3g}" if isinstance(cell, float) else cell for cell in cells]
        print("| " + " | ".join(map(str, texts)) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {
        "speed": lambda _: measure_speed(),
        "growth": lambda _: measure_growth(),
        "restarts": measure_restarts,
        "tails": measure_tails,
    }
    parser.add_argument("--part", choices=parts, action="append")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of references")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--fit", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    with threadpool_limits(1):
        if asked.fit:
            method, n_points, n_draws = asked.fit
            print(json.dumps(fit_once(method, int(n_points), int(n_draws))))
            return
        print(describe_machine())
        found = {name: parts[name](asked.folder) for name in asked.part or parts}
    for rows in found.values():
        print()
        print_table(rows)
    if asked.out:
        asked.out.write_text(json.dumps({"machine": describe_machine()} | found))


if __name__ == "__main__":
    main()
