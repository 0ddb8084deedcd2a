"""The machine that a benchmark ran on, as one line."""

import os
import platform
from pathlib import Path

import numpy as np
import sklearn
from threadpoolctl import threadpool_info


def describe_machine() -> str:
    return (
        f"{_find_processor()}, {os.cpu_count()} cores; Python "
        f"{platform.python_version()}, numpy {np.__version__} ({_find_kernels()}), "
        f"scikit-learn {sklearn.__version__}; load {os.getloadavg()[0]:.1f}"
    )


def _find_kernels() -> str:
    """Return the library of matrix products and the processor its code is for."""
    found = [info for info in threadpool_info() if info["user_api"] == "blas"]
    return ", ".join(
        sorted({f"{info['internal_api']} {info.get('architecture')}" for info in found})
    )


def _find_processor() -> str:
    cpu_info = Path("/proc/cpuinfo")
    lines = cpu_info.read_text().splitlines() if cpu_info.exists() else []
    models = [line.partition(": ")[2] for line in lines if "model name" in line]
    return models[0] if models else platform.processor()
