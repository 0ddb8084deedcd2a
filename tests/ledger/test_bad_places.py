"""Disks that are full or read-only: a clear error, the ledger kept, the run resumed."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_learners import MeanLearner, make_dataset

from data_scaling.errors import LedgerError
from data_scaling.ledger import describe_ledger, read_contributions, verify_ledger
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions

DATASET = make_dataset(n_points=200)
PLAN = SamplingPlan(2_500, 5, 150, seed=3)  # 4 MB
LEARNER = MeanLearner()


def _mount(*arguments: str) -> bool:
    return not subprocess.run(["mount", *arguments], capture_output=True).returncode  # noqa: S607


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, Callable[[str], None]]]:
    """A small disk of its own, and a function that mounts it again with options."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        is_mounted = _mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    except OSError:
        is_mounted = False
    if not is_mounted:
        pytest.skip("a small disk cannot be mounted here")

    def remount(options: str) -> None:
        assert _mount("-o", f"remount,{options}", str(folder))

    yield folder, remount
    subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(disk):
    folder, remount = disk
    path = folder / "x.ledger"
    with pytest.raises(LedgerError, match=r"disk is full.*draws before are kept"):
        sample_contributions(DATASET, LEARNER, PLAN, ledger=path)
    n_kept = describe_ledger(path).n_coalitions
    assert 0 < n_kept < 2_500
    assert verify_ledger(path).n_coalitions == n_kept
    read_contributions(path)
    with pytest.raises(LedgerError, match="disk is full"):
        sample_contributions(DATASET, LEARNER, PLAN, ledger=path)
    assert describe_ledger(path).n_coalitions >= n_kept
    remount("size=40m")
    drawn = sample_contributions(DATASET, LEARNER, PLAN, ledger=path)
    expected = sample_contributions(DATASET, LEARNER, PLAN)
    assert drawn.delta.tobytes() == expected.delta.tobytes()
    assert [file.name for file in folder.iterdir()] == ["x.ledger"]


def test_a_disk_without_room_for_a_ledger_is_told(disk):
    folder, _ = disk
    (folder / "other").write_bytes(bytes(2 * 2**20 - 4096))
    with pytest.raises(LedgerError, match="disk is full"):
        sample_contributions(DATASET, LEARNER, PLAN, ledger=folder / "x.ledger")
    assert [file.name for file in folder.iterdir()] == ["other"]


def test_a_read_only_disk_is_read_and_not_written(disk):
    folder, remount = disk
    plan = SamplingPlan(20, 5, 150)
    path = folder / "x.ledger"
    drawn = sample_contributions(DATASET, LEARNER, plan, ledger=path)
    remount("ro")
    assert read_contributions(path).delta.tobytes() == drawn.delta.tobytes()
    assert verify_ledger(path).is_sound
    for target in (path, folder / "new.ledger", folder / "deeper" / "new.ledger"):
        with pytest.raises(LedgerError, match="folder that you may write to"):
            sample_contributions(DATASET, LEARNER, plan, ledger=target)
