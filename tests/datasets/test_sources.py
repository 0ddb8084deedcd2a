import functools
import hashlib
import http.server
import sys
import threading

import pytest

from data_scaling.datasets.sources import SourceFile, find_cache_dir, find_source
from data_scaling.errors import DatasetError

CONTENT = b"1,2,3\n" * 1_000


@pytest.fixture
def server(tmp_path):
    """A server on this machine, in the place of the original one."""
    folder = tmp_path / "origin"
    folder.mkdir()
    (folder / "rows.csv").write_bytes(CONTENT)
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(folder)
    )
    handler.func.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_SCALING_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DATA_SCALING_DATA", raising=False)


def make_source(server, name="rows.csv", checksum=None):
    known = checksum or f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    return SourceFile(name, f"{server}/{name}", known, "https://example.org/rows")


def test_a_file_that_lies_there_is_taken_as_it_is(tmp_path):
    (tmp_path / "rows.csv.gz").write_bytes(b"")
    source = make_source("http://127.0.0.1:1")

    found = find_source(tmp_path, ("rows.csv", "rows.csv.gz"), source)
    assert found == tmp_path / "rows.csv.gz"


def test_a_missing_file_is_downloaded_into_the_folder_once(server, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    source = make_source(server)
    found = find_source(folder, ("rows.csv",), source)

    assert found == folder / "rows.csv"
    assert found.read_bytes() == CONTENT
    elsewhere = make_source("http://127.0.0.1:1")
    assert find_source(folder, ("rows.csv",), elsewhere) == found


def test_without_a_folder_the_download_goes_to_the_cache(server, tmp_path):
    found = find_source(None, ("rows.csv",), make_source(server))

    assert found == tmp_path / "cache" / "downloads" / "rows.csv"
    assert find_source(tmp_path, ("rows.csv",), make_source("http://x")) == found


def test_a_download_without_a_checksum_says_so(server, tmp_path, caplog):
    source = SourceFile("rows.csv", f"{server}/rows.csv", None, "https://example.org")
    find_source(tmp_path, ("none.csv",), source)
    find_source(tmp_path / "none", ("none.csv",), make_source(server))

    unchecked = [r for r in caplog.messages if "No checksum of rows.csv" in r]
    assert len(unchecked) == 1


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(server, tmp_path):
    source = make_source(server, checksum=f"sha256:{'0' * 64}")
    with pytest.raises(DatasetError, match="does not match the known hash"):
        find_source(tmp_path, ("rows.csv",), source)
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.parametrize("is_named", [True, False])
def test_a_failed_download_says_which_file_to_put_where(server, tmp_path, is_named):
    source = make_source(server, name="none.csv")
    folder = tmp_path if is_named else None
    with pytest.raises(DatasetError) as caught:
        find_source(folder, ("none.csv", "none.parquet"), source)

    message = str(caught.value)
    assert "needs the file none.csv or none.parquet" in message
    assert "404" in message
    assert "Get none.csv from https://example.org/rows" in message
    assert "environment variable DATA_SCALING_DATA" in message
    where = f"is not in {tmp_path}" if is_named else "no folder was named"
    assert where in message


def test_a_server_that_is_not_there_is_no_other_error(tmp_path):
    with pytest.raises(DatasetError, match="could not be downloaded") as caught:
        find_source(tmp_path, ("rows.csv",), make_source("http://127.0.0.1:1"))
    assert "refused). Get rows.csv from" in str(caught.value), "the reason alone"


def test_a_folder_that_is_not_there_is_said(tmp_path):
    source = make_source("http://127.0.0.1:1")
    with pytest.raises(DatasetError, match=r"none \(there is no such folder\), and"):
        find_source(tmp_path / "none", ("rows.csv",), source)


def test_without_pooch_the_message_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DatasetError, match=r"pip install 'data-scaling\[data\]'"):
        find_source(tmp_path, ("rows.csv",), make_source("http://127.0.0.1:1"))


def test_a_download_is_said_once(server, tmp_path, caplog):
    pooch = pytest.importorskip("pooch")
    pooch.get_logger().addHandler(caplog.handler)
    try:
        find_source(tmp_path, ("none.csv",), make_source(server))
    finally:
        pooch.get_logger().removeHandler(caplog.handler)

    assert len([said for said in caplog.messages if "Downloading" in said]) == 1


def test_the_cache_follows_the_usual_variables(tmp_path, monkeypatch):
    assert find_cache_dir() == tmp_path / "cache"
    monkeypatch.delenv("DATA_SCALING_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert find_cache_dir() == tmp_path / "data_scaling"
