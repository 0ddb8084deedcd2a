"""A real browser to look at reports with, and what checks their accessibility."""

import functools
import hashlib
import io
import shutil
import subprocess
import tarfile
import urllib.request
from pathlib import Path

import pytest

AXE = "4.14.1"
AXE_SHA512 = (
    "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73"
    "4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5"
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


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

    def open_file(
        path, fragment="", *, width=1280, scheme="light", script="", **device
    ):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            offline=True,
            accept_downloads=True,
            **device,
        )
        context.set_default_timeout(90_000)  # a busy machine takes long to load 5 MB
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: note_console(said))
        page.on("request", lambda request: note_request(request.url))
        if script:
            page.add_init_script(script)
        page.goto(Path(path).resolve().as_uri() + fragment)
        page.wait_for_selector("html[data-ready]")
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
