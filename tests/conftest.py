"""What all tests share: the folder of real data, and skipping without it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from threadpoolctl import threadpool_limits

# The same examples in every run: a test that fails once fails always.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.load_profile("fixed")


def _find_data_dir(config: pytest.Config) -> Path:
    named = os.environ.get("DATA_SCALING_DATA")
    return Path(named) if named else config.rootpath.parent / "shared" / "data"


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    folder = _find_data_dir(config)
    if folder.is_dir():
        return
    skip = pytest.mark.skip(reason=f"the folder of real data {folder} is missing")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def data_dir(pytestconfig: pytest.Config) -> Path:
    """Folder of real data; tests that use it carry the marker ``real_data``."""
    return _find_data_dir(pytestconfig)


@pytest.fixture(scope="session", autouse=True)
def _one_blas_thread() -> Iterator[None]:
    """Keep small products from waiting for threads that share busy cores."""
    with threadpool_limits(1):
        yield
