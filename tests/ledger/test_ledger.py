"""The ledger: round trip, refusals, damage, a second driver, a full disk."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from data_scaling.contributions import Contributions
from data_scaling.errors import LedgerError, PlanMismatchError
from data_scaling.ledger import (
    Assembly,
    LedgerHeader,
    Segment,
    describe_ledger,
    open_ledger,
    read_contributions,
    read_learning_curve,
    verify_ledger,
)
from data_scaling.plan import SamplingPlan

HEADER = LedgerHeader(
    plan=SamplingPlan(10, 3, 8, seed=1),
    n_pool=13,
    dataset="toy",
    fingerprint="f" * 32,
    learner="mean",
    description="MeanLearner()",
    metric="mse",
    unit="squared units",
)


def with_plan(**changes: object) -> LedgerHeader:
    return replace(HEADER, plan=replace(HEADER.plan, **changes))


def make_segment(
    first: int, stop: int, n_points: int = 13, n_numbers: int = 2
) -> Segment:
    """Return made-up draws that depend on their coalition's number alone."""
    rngs = [np.random.default_rng([7, number]) for number in range(first, stop)]
    delta = np.stack([rng.normal(size=n_points) for rng in rngs])
    delta[:, 2::7] = np.nan
    return Segment(
        first,
        np.array([rng.integers(3, 9) for rng in rngs], dtype=np.int32),
        np.array([rng.normal() for rng in rngs]),
        delta,
        np.stack([rng.random(n_points) < 0.4 for rng in rngs]),
        np.stack([rng.normal(size=n_numbers) for rng in rngs]),
        {"It did not fit.": stop - first},
    )


def write(path: Path, header: LedgerHeader, *spans: tuple[int, int]) -> None:
    width = header.points_per_coalition
    with open_ledger(path, header) as writer:
        for first, stop in spans:
            writer.append(make_segment(first, stop, width))


def assert_same_bits(one: Contributions, other: Contributions) -> None:
    assert one.delta.tobytes() == other.delta.tobytes()
    assert one.cardinality.tobytes() == other.cardinality.tobytes()
    assert one.points.tolist() == other.points.tolist()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "toy.ledger"
    write(path, HEADER, (0, 4), (6, 10), (4, 6))
    return path


def test_what_is_read_is_what_was_written(ledger):
    segment, read = make_segment(0, 10), read_contributions(ledger)
    np.testing.assert_array_equal(read.delta, segment.delta.T)
    sizes = segment.cardinality[:, None] - segment.members
    np.testing.assert_array_equal(read.cardinality, sizes.T)
    assert read.cardinality.dtype == np.int32
    assert (read.metric, read.unit) == ("mse", "squared units")
    assert (read.dataset, read.learner) == ("toy", "mean")
    assert read.fingerprint == HEADER.fingerprint


def test_the_file_gives_what_memory_gives(ledger):
    assembly = Assembly(HEADER)
    for first, stop in [(5, 10), (0, 5)]:
        assembly.add(make_segment(first, stop))
    assert_same_bits(assembly.finish(), read_contributions(ledger))


def test_independent_coalitions_go_to_their_point_and_draw(tmp_path):
    header = with_plan(coalitions="independent", points=(5, 2, 9))
    write(tmp_path / "x", header, (0, 7), (11, 30), (7, 11))
    read, whole = read_contributions(tmp_path / "x"), make_segment(0, 30, 1)
    assert read.delta.shape == (3, 10)
    np.testing.assert_array_equal(read.delta.T.ravel(), whole.delta[:, 0])
    sizes = whole.cardinality - whole.members[:, 0]
    np.testing.assert_array_equal(read.cardinality.T.ravel(), sizes)


def test_utilities_are_read_per_coalition(ledger):
    curve, whole = read_learning_curve(ledger, with_points=True), make_segment(0, 10)
    np.testing.assert_array_equal(curve.cardinality, whole.cardinality)
    np.testing.assert_array_equal(curve.utility, whole.utility)
    np.testing.assert_array_equal(curve.descriptor, whole.descriptor)
    assert (curve.metric, curve.unit, curve.learner) == ("mse", "squared units", "mean")


def test_the_first_draws_are_read_alone(ledger):
    first = read_contributions(ledger, n_draws=5)
    assert_same_bits(first, read_contributions(ledger).first(5))
    with pytest.raises(LedgerError, match=r"11 draws were asked for.*has 10"):
        read_contributions(ledger, n_draws=11)


def test_missing_draws_are_nan(tmp_path):
    write(tmp_path / "x", HEADER, (2, 4))
    read = read_contributions(tmp_path / "x")
    assert np.isnan(read.delta[:, [0, 1, 4, 9]]).all()
    assert not np.isnan(read.delta[0, [2, 3]]).any()


def test_a_summary_says_how_far_it_is_and_what_failed(tmp_path):
    write(tmp_path / "x", HEADER, (0, 4), (6, 7))
    summary = describe_ledger(tmp_path / "x")
    assert (summary.n_coalitions, summary.n_segments) == (5, 2)
    assert (summary.n_drawn, summary.is_complete) == (65, False)
    assert summary.n_failed == 5 * 2
    assert summary.failures == {"It did not fit.": 5}
    assert summary.header == HEADER
    assert summary.header.versions["numpy"] == np.__version__
    assert summary.n_bytes == (tmp_path / "x").stat().st_size


def test_a_closed_ledger_is_one_file(ledger):
    assert [path.name for path in ledger.parent.iterdir()] == ["toy.ledger"]


def test_opening_again_says_what_is_there(ledger):
    with open_ledger(ledger, HEADER) as writer:
        assert writer.drawn == [(0, 4), (4, 6), (6, 10)]


def test_more_draws_extend_the_plan_and_fewer_do_not_shorten_it(ledger):
    write(ledger, with_plan(n_draws=12), (10, 12))
    write(ledger, with_plan(n_draws=3))
    assert describe_ledger(ledger).header.plan.n_draws == 12
    assert read_contributions(ledger).delta.shape == (13, 12)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            with_plan(max_cardinality=9, seed=2),
            "another plan:\n  max_cardinality: 8 in the ledger, 9 asked\n"
            "  seed: 1 in the ledger, 2 asked\nGive another path, or ask for",
        ),
        (
            replace(HEADER, fingerprint="0"),
            f"another dataset:\n  fingerprint: {'f' * 32} in the ledger, 0 asked",
        ),
        (
            replace(HEADER, description="Mean(2)", metric="mae"),
            "another learner and metric:\n  learner: MeanLearner() in the ledger, "
            "Mean(2) asked\n  metric: mse in the ledger, mae asked",
        ),
    ],
)
def test_a_ledger_of_something_else_is_refused_with_both_values(ledger, asked, message):
    before = ledger.read_bytes()
    with (
        pytest.raises(PlanMismatchError, match=re.escape(message)),
        open_ledger(ledger, asked),
    ):
        pass
    assert ledger.read_bytes() == before


def test_of_long_settings_such_as_differ_are_named(tmp_path):
    settings = [f"setting_{i}={i}" for i in range(20)]
    others = [*settings[:7], "setting_7='other'", *settings[8:]]
    one, other = (
        f"refit Forest({', '.join(s)}), package 1" for s in (settings, others)
    )
    third = f"refit Tree({', '.join(settings)})"
    with open_ledger(tmp_path / "x", replace(HEADER, description=one)):
        pass
    for asked, message in [
        (other, "learner: setting_7=7 in the ledger, setting_7='other' asked"),
        (f"{one}; more", "learner: package 1 in the ledger, package 1; more asked"),
        (third, "learner: refit Forest(setting_0=0, "),
    ]:
        with (
            pytest.raises(PlanMismatchError, match=re.escape(message)) as told,
            open_ledger(tmp_path / "x", replace(HEADER, description=asked)),
        ):
            pass
        assert max(map(len, str(told.value).splitlines())) < 250


def test_other_versions_are_told_but_not_refused(ledger, caplog):
    with open_ledger(ledger, replace(HEADER, versions={"numpy": "0"})):
        pass
    assert "may differ in the last bits" in caplog.text


def test_a_second_run_is_refused_while_the_first_one_goes_on(ledger):
    more = with_plan(n_draws=20)
    with open_ledger(ledger, more) as writer:
        writer.append(make_segment(10, 12))
        for number in (12, 13):
            with (
                pytest.raises(LedgerError, match="being written by another run"),
                open_ledger(ledger, more),
            ):
                pass
            writer.append(make_segment(number, number + 1))
        writer.flush()
        # Readers are welcome meanwhile.
        assert describe_ledger(ledger).n_coalitions == 14
    write(ledger, more, (14, 15))
    assert describe_ledger(ledger).n_coalitions == 15


def test_a_run_that_died_leaves_what_it_committed_and_no_lock(ledger):
    script = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[1]);"
        "from test_ledger import *;"
        "manager = open_ledger(sys.argv[2], with_plan(n_draws=20));"
        "writer = manager.__enter__();"
        "writer.append(make_segment(10, 12)); writer.flush();"
        "writer.append(make_segment(12, 13));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent), str(ledger)]
    assert subprocess.run(command, check=False).returncode == -9
    with open_ledger(ledger, with_plan(n_draws=20)) as writer:
        assert writer.drawn[:4] == [(0, 4), (4, 6), (6, 10), (10, 12)]
    assert verify_ledger(ledger).n_segments >= 4


def test_what_is_appended_before_an_error_is_kept(ledger):
    def append_and_stop() -> None:
        with open_ledger(ledger, with_plan(n_draws=20)) as writer:
            writer.append(make_segment(10, 15))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        append_and_stop()
    assert describe_ledger(ledger).n_coalitions == 15


def test_a_full_disk_is_told_and_earlier_draws_are_kept(ledger):
    def fill_the_disk() -> None:
        with open_ledger(ledger, with_plan(n_draws=90_000)) as writer:
            writer.append(make_segment(10, 12))
            writer.flush()
            writer._connection.execute("PRAGMA max_page_count = 20")
            writer.append(make_segment(12, 9_000))

    with pytest.raises(LedgerError, match=r"disk is full.*are kept"):
        fill_the_disk()
    assert describe_ledger(ledger).n_coalitions == 12
    assert verify_ledger(ledger).n_segments == 4


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
def test_a_folder_that_cannot_be_written_is_told():
    path = Path("/proc/toy.ledger")
    with (
        pytest.raises(
            LedgerError, match=r"/proc/toy.ledger cannot be (opened|written)"
        ),
        open_ledger(path, HEADER),
    ):
        pass


@contextmanager
def as_somebody_who_is_not_root() -> Iterator[None]:
    """Root may write everywhere, so that it gives its rights away for a while."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_ledger_in_a_read_only_folder_is_read_but_not_written(ledger):
    """In a folder of its own, as those of the tests are closed to others."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        path = Path(shutil.copy(ledger, folder))
        path.chmod(0o444)
        folder.chmod(0o555)
        read_contributions(path)  # imports what it needs
        with as_somebody_who_is_not_root():
            assert read_contributions(path).n_draws == 10
            for target in (path, folder / "new.ledger"):
                with (
                    pytest.raises(LedgerError, match="folder that you may write to"),
                    open_ledger(target, HEADER),
                ):
                    pass
        folder.chmod(0o755)
        assert list(folder.iterdir()) == [path]


def open_and_close(path: Path) -> None:
    with open_ledger(path, HEADER):
        pass


READERS = [read_contributions, describe_ledger, verify_ledger, open_and_close]


@pytest.mark.parametrize("use", READERS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no ledger: it is empty"),
        (b"point,delta\n1,2\n", "does not begin as an SQLite file does"),
        (b"SQLite format 3\x00" + bytes(4096), "is damaged|no ledger"),
    ],
)
def test_a_file_that_is_no_ledger_is_refused_and_left(tmp_path, use, content, message):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=message):
        use(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("use", READERS)
def test_another_sqlite_file_is_refused_and_left(tmp_path, use):
    path = tmp_path / "x"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE segment (a)")
    with pytest.raises(LedgerError, match="an SQLite file, but no ledger"):
        use(path)


def test_a_later_format_is_refused(ledger):
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="has format 99, but this version reads"):
        verify_ledger(ledger)


def test_a_path_without_a_ledger_is_told(tmp_path):
    with pytest.raises(LedgerError, match="There is no ledger at"):
        Contributions.load(tmp_path / "x")
    with pytest.raises(LedgerError, match="is no file"):
        Contributions.load(tmp_path)


@pytest.mark.parametrize("use", [read_contributions, open_and_close])
def test_a_truncated_ledger_is_refused_wherever_it_was_cut(ledger, use):
    whole = ledger.read_bytes()
    for n_kept in np.linspace(1, len(whole) - 1, 40).astype(int):
        ledger.write_bytes(whole[:n_kept])
        with pytest.raises(LedgerError):
            use(ledger)
        assert ledger.read_bytes() == whole[:n_kept]


def test_a_flipped_byte_in_a_segment_is_found_and_named(ledger):
    whole = bytearray(ledger.read_bytes())
    where = whole.index(make_segment(4, 6).delta.tobytes()) + 20
    whole[where] ^= 1
    ledger.write_bytes(whole)
    for use in (read_contributions, open_and_close):
        with pytest.raises(
            LedgerError, match=r"segment 4 .of 2 coalitions. does not match"
        ):
            use(ledger)
    check = verify_ledger(ledger)
    assert (check.n_segments, check.n_coalitions, check.is_sound) == (2, 8, False)
    (fault,) = check.faults
    assert fault == "segment 4 (of 2 coalitions) does not match its checksum"
    assert ledger.read_bytes() == whole


def test_no_flipped_byte_changes_what_is_read(ledger):
    """At 300 places: an error, or the same draws; never other ones."""
    whole, right = ledger.read_bytes(), read_contributions(ledger)
    rng = np.random.default_rng(2)
    n_refused = 0
    used = np.flatnonzero(np.frombuffer(whole, dtype=np.uint8))
    for where in rng.choice(used, 300, replace=False):
        damaged = bytearray(whole)
        damaged[where] ^= 1 << int(rng.integers(8))
        ledger.write_bytes(damaged)
        try:
            read = read_contributions(ledger)
        except LedgerError:
            n_refused += 1
            continue
        assert_same_bits(read, right)
    assert n_refused > 200
