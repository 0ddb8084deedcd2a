"""Without the optional packages: what works goes on, what does not says what to do."""

import subprocess
import sys

import numpy as np
import pytest

from data_scaling.contributions import Contributions
from data_scaling.datasets import load_dataset, read_table
from data_scaling.datasets.features import (
    FeatureOptions,
    make_image_features,
    make_text_features,
)
from data_scaling.errors import DatasetError, MissingExtraError
from data_scaling.interop import to_xarray, use_dask, write_parquet
from data_scaling.learners import make_learner

BLOCKED = (
    "matplotlib",
    "pandas",
    "pyarrow",
    "torch",
    "plotly",
    "distributed",
    "xarray",
    "transformers",
    "PIL",
    "pooch",
)
BLOCK = f"""
import sys
class Blocker:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED}:
            raise ImportError(f"No module named {{name!r}}")
sys.meta_path.insert(0, Blocker)
"""


@pytest.fixture
def plain_install(monkeypatch):
    """Make the optional packages impossible to import."""
    for name in list(sys.modules):
        if name.partition(".")[0] in BLOCKED:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    exec(BLOCK, {})  # noqa: S102


def test_a_table_names_its_extra(plain_install, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(MissingExtraError, match=r"data-scaling\[data\]"):
        read_table(path, "b")


def test_a_frame_names_its_extra(plain_install):
    draws = Contributions(np.zeros((1, 2)), np.ones((1, 2)))
    with pytest.raises(MissingExtraError, match=r"data-scaling\[data\]"):
        draws.to_frame()


@pytest.mark.parametrize("name", ["mlp", "regmlp"])
def test_a_network_names_its_extra(plain_install, name):
    with pytest.raises(MissingExtraError, match=r"data-scaling\[torch\]"):
        make_learner(name)


def test_importing_the_package_imports_no_extra():
    """scikit-learn imports pandas by itself where it is installed."""
    extras = tuple(name for name in BLOCKED if name not in ("pandas", "pyarrow"))
    code = (
        "import sys, data_scaling, data_scaling.cli; "
        f"print([name for name in {extras} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_run_without_matplotlib_says_so_and_goes_on(tmp_path):
    code = f"{BLOCK}\nfrom data_scaling.cli import main\nmain()"
    arguments = "run breast_cancer --draws 5 --validation-draws 4 --jobs 1 --out"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments.split(), str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "No figure was drawn" in done.stderr
    assert "data-scaling[plot]" in done.stderr
    assert (tmp_path / "run" / "laws.csv").exists()
    assert not (tmp_path / "run" / "validation.png").exists()


@pytest.mark.parametrize(
    ("use", "extra"),
    [
        (lambda draws, path: to_xarray(draws), "xarray"),
        (lambda draws, path: write_parquet(draws, path), "data"),
        (lambda draws, path: use_dask("tcp://x:1").__enter__(), "dask"),
    ],
)
def test_each_adapter_names_its_extra(plain_install, tmp_path, use, extra):
    draws = Contributions(np.zeros((1, 2)), np.ones((1, 2)))
    with pytest.raises(MissingExtraError, match=rf"data-scaling\[{extra}\]"):
        use(draws, tmp_path / "x")


@pytest.mark.parametrize(
    "make",
    [
        lambda train: make_text_features(["a", "b"], train, FeatureOptions(), 0),
        lambda train: make_image_features([b"a", b"b"], train, FeatureOptions()),
        lambda train: make_image_features([b"a"], train, FeatureOptions("pixels")),
    ],
)
def test_texts_and_images_name_their_extra(plain_install, make):
    with pytest.raises(MissingExtraError, match=r"data-scaling\[embed\]"):
        make(np.arange(2))


def test_a_download_without_pooch_says_what_is_missing(
    plain_install, tmp_path, monkeypatch
):
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DatasetError, match=r"adult.data .*data-scaling\[data\]"):
        load_dataset("adult", tmp_path)
