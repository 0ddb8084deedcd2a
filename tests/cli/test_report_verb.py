"""``data-scaling report``, as a person runs it after ``data-scaling run``."""

import subprocess
import sys


def call(*arguments, folder):
    return subprocess.run(
        [sys.executable, "-m", "data_scaling", *map(str, arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_report_follows_a_run(tmp_path):
    arguments = ["--draws", 10, "--validation-draws", 3, "--jobs", 1]
    done = call("run", "wine", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    done = call("report", "runs/wine", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("runs/wine/report.html (")
    assert (tmp_path / "runs/wine/report.html").stat().st_size < 15e6
    done = call("report", "runs/wine", "--out", "page.html", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    first = (tmp_path / "runs/wine/report.html").read_bytes()
    assert (tmp_path / "page.html").read_bytes() == first


def test_a_folder_without_a_run_is_refused(tmp_path):
    done = call("report", "nothing", folder=tmp_path)
    assert done.returncode == 1
    assert "nothing is no folder of a run. Give the folder" in done.stderr
    (tmp_path / "empty").mkdir()
    done = call("report", "empty", folder=tmp_path)
    assert "empty holds nothing that data-scaling run writes" in done.stderr
    assert "Traceback" not in done.stderr
