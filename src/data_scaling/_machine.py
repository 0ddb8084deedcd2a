"""What a measurement was made with: the machine, as one line, and the commit."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import sklearn
from threadpoolctl import threadpool_info


def describe_machine() -> str:
    """Return processor, versions and, at the end, the load of the last minute."""
    return (
        f"{_find_processor()}, {os.cpu_count()} cores{_find_gpu()}; Python "
        f"{platform.python_version()}, numpy {np.__version__} ({_find_kernels()}), "
        f"scikit-learn {sklearn.__version__}; load {os.getloadavg()[0]:.1f}"
    )


def find_commit(folder: Path) -> str:
    """Return the short name of the commit that a folder is of, or "unknown"."""
    command = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def _find_kernels() -> str:
    """Return the library of matrix products and the processor its code is for."""
    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    return ", ".join(
        sorted({f"{info['internal_api']} {info.get('architecture')}" for info in found})
    )


def _find_gpu() -> str:
    """Return the GPU, if a program has torch loaded, which may be using it."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return ""
    return f", {torch.cuda.get_device_name()}"


def _find_processor() -> str:
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    models = [line.partition(": ")[2] for line in lines if "model name" in line]
    return models[0] if models else platform.processor()
