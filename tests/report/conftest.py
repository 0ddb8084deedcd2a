"""Runs with known laws, and a real browser to look at their reports with."""

import functools
import hashlib
import io
import shutil
import subprocess
import tarfile
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from data_scaling.contributions import Contributions
from data_scaling.datasets import Previews
from data_scaling.laws import ExpansionLaws, PowerLaws
from data_scaling.report import PointTable, Run

AXE = "4.14.1"
AXE_SHA512 = (
    "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73"
    "4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5"
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def plant_laws(n_points, family, rng):
    """Laws whose ranking changes with the size, and their uncertainty."""
    shared = {
        "points": np.arange(n_points),
        "status": np.zeros(n_points, dtype=np.int8),
        "n_draws": np.full(n_points, 20),
        "cardinality_range": np.tile([100, 1000], (n_points, 1)),
    }
    if family == "power":
        alpha = rng.normal(1.3, 0.25, n_points)
        c = rng.normal(0.1, 1.0, n_points) * 300.0 ** (alpha - 1)
        covariance = np.zeros((n_points, 4, 4))
        covariance[:, 0, 0] = (0.4 * c) ** 2
        covariance[:, 0, 1] = covariance[:, 1, 0] = 0.4 * c * 0.06 * 0.9
        covariance[:, 1, 1] = 0.06**2
        sigma, beta = np.full(n_points, 5.0), np.full(n_points, 2.2)
        return PowerLaws(
            c=c, alpha=alpha, sigma=sigma, beta=beta, covariance=covariance, **shared
        )
    std = np.array([2e-4, 1e-4])
    return ExpansionLaws(
        powers=np.array([1.0, 2.0]),
        reference=300.0,
        coefficients=rng.normal(1e-4, [1e-3, 5e-4], (n_points, 2)),
        covariance=np.tile(np.diag(std**2), (n_points, 1, 1)),
        noise=np.full(n_points, 2e-3),
        noise_exponent=np.full(n_points, 2.0),
        **shared,
    )


def make_run(n_points=100, family="expansion", n_draws=20, previews=None, **parts):
    """Return a run of planted laws, whose draws scatter around them."""
    rng = np.random.default_rng(7)
    laws = plant_laws(n_points, family, rng)
    k = rng.integers(100, 1001, (n_points, n_draws))
    k[0, :2] = 100, 1000
    delta = laws.psi(k) + laws.noise_std(k) * rng.normal(size=k.shape)
    names = {"metric": "log_loss", "unit": "nats per validation point"}
    draws = Contributions(delta, k, learner="logreg", dataset="planted", **names)
    table = PointTable(
        dataset="planted",
        fingerprint="0" * 32,
        n_features=3,
        n_validation=50,
        row_ids=np.arange(n_points) + 5000,
        target=rng.integers(0, 3, n_points),
        classes=("ant", "bee", "cat"),
        previews=previews or Previews(0),
    )
    return Run(draws, laws, table, **parts)


@functools.cache
def find_browser():
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium of the system; .ci/run installs it."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = find_browser()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is on the PATH")
    with sync_api.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser):
    """Open a file without a network; the page must say and ask for nothing."""
    contexts, troubles = [], []

    def open_file(path, fragment="", *, width=1280, scheme="light", script=""):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            offline=True,
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: note_console(said))
        page.on("request", lambda request: note_request(request.url))
        if script:
            page.add_init_script(script)
        page.goto(Path(path).resolve().as_uri() + fragment)
        page.wait_for_selector("html[data-ready]", timeout=60_000)
        return page

    def note_console(said):
        if said.type in ("error", "warning") and "GPU stall" not in said.text:
            troubles.append(said.text)

    def note_request(url):
        if not url.startswith(("file:", "blob:", "data:")):
            troubles.append(f"asks for {url}")

    yield open_file
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture(scope="session")
def axe(pytestconfig):
    """The accessibility checker, fetched once from the npm registry."""
    path = Path(pytestconfig.cache.mkdir("axe")) / f"axe-core-{AXE}.tgz"
    if not path.exists():
        fetch_axe(path)
    archive = path.read_bytes()
    assert hashlib.sha512(archive).hexdigest() == AXE_SHA512
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        return packed.extractfile("package/axe.min.js").read().decode()


def fetch_axe(path):
    npm = shutil.which("npm")
    if npm is None:
        url = f"https://registry.npmjs.org/axe-core/-/{path.name}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            path.write_bytes(answer.read())
        return
    subprocess.run(
        [npm, "pack", "--silent", f"axe-core@{AXE}"],
        cwd=path.parent,
        check=True,
        capture_output=True,
        timeout=100,
    )
