"""Damaged ledgers: whatever segment is intact in the file is found and saved."""

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from test_ledger import make_segment, with_plan

from data_scaling.errors import LedgerError
from data_scaling.ledger import (
    LedgerHeader,
    Segment,
    combine_ledgers,
    open_ledger,
    verify_ledger,
)
from data_scaling.ledger.pages import PageFile
from data_scaling.ledger.salvage import open_sound
from data_scaling.ledger.segment import COLUMNS
from data_scaling.plan import SamplingPlan

N_SEGMENTS = 60
N_POINTS = 2_000  # 40 kB for each segment of two coalitions: chains of three pages


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of large segments, written not quite in order, as by two workers."""
    plan = SamplingPlan(2 * N_SEGMENTS, 3, 8, seed=1)
    header = LedgerHeader(plan, N_POINTS, "toy", "f", "mean", "Mean()", "mse", "units")
    path = tmp_path_factory.mktemp("wide") / "wide.ledger"
    late = np.random.default_rng(1).choice([0, 1.5], N_SEGMENTS)
    order = np.argsort(np.arange(N_SEGMENTS) + late)
    with open_ledger(path, header) as writer:
        for number in order.tolist():
            writer.append(make_segment(2 * number, 2 * number + 2, N_POINTS))
    return path


def read_sound(path: Path) -> tuple[list[Segment], list[str]]:
    with open_sound(path) as (found, _):
        both = list(found)
    segments = [each for each in both if isinstance(each, Segment)]
    return segments, [each for each in both if isinstance(each, str)]


def assert_right(segments: list[Segment]) -> None:
    firsts = [segment.first for segment in segments]
    assert firsts == sorted(set(firsts))
    for segment in segments[:: max(1, len(segments) // 5)]:
        n_points, n_numbers = segment.delta.shape[1], segment.descriptor.shape[1]
        right = make_segment(segment.first, segment.stop, n_points, n_numbers)
        np.testing.assert_array_equal(segment.delta, right.delta)
        np.testing.assert_array_equal(segment.utility, right.utility)
        np.testing.assert_array_equal(segment.descriptor, right.descriptor)


def count_intact(whole: bytes, n_kept: int) -> int:
    """Segments of which the first and the last page lie before the cut."""
    n_intact = 0
    for first in range(0, 2 * N_SEGMENTS, 2):
        segment = make_segment(first, first + 2, N_POINTS)
        pieces = segment.utility.tobytes(), segment.delta.tobytes()[-9_000:]
        ends = [whole.rindex(piece) + len(piece) for piece in pieces]
        n_intact += max(ends) <= n_kept - n_kept % 16_384
    return n_intact


def test_pages_hold_the_rows_that_sqlite_reads(wide):
    with closing(sqlite3.connect(wide)) as connection:
        rows = connection.execute("SELECT * FROM segment").fetchall()
        fields = connection.execute("SELECT * FROM meta").fetchall()
    file = PageFile(wide)
    found = {row.key: file.read_row(row)[1:] for row in file.find_rows(len(COLUMNS))}
    assert found == {row[0]: row[1:] for row in rows}
    assert [file.read_row(row) for row in file.find_rows(3)] == fields


def test_a_truncated_ledger_is_salvaged_up_to_the_cut(wide, tmp_path):
    """At 25 places: every segment whose pages are all before the cut, and no other."""
    whole, path = wide.read_bytes(), tmp_path / "cut.ledger"
    n_saved = []
    for n_kept in np.linspace(3 * 16_384, len(whole) - 1, 25).astype(int):
        path.write_bytes(whole[:n_kept])
        segments, faults = read_sound(path)
        assert_right(segments)
        assert faults[0].startswith(f"it was cut to {n_kept:,} bytes, of ")
        assert len(segments) >= count_intact(whole, n_kept)
        n_saved.append(len(segments))
        check = verify_ledger(path)
        assert (check.n_segments, check.faults) == (len(segments), tuple(faults))
        assert path.read_bytes() == whole[:n_kept]
    assert n_saved == sorted(n_saved)
    assert n_saved[-1] >= N_SEGMENTS - 1


def test_what_was_salvaged_goes_on(wide, tmp_path, caplog):
    path, saved = tmp_path / "cut.ledger", tmp_path / "saved.ledger"
    whole = wide.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LedgerError, match=r"was cut to .*combine NEW .*--skip-damaged"):
        combine_ledgers(saved, [path])
    summary = combine_ledgers(saved, [path], skip_damaged=True)
    assert 40 < summary.n_coalitions < 80
    assert "it was cut to" in caplog.text
    assert verify_ledger(saved).is_sound
    assert combine_ledgers(saved, [wide]).is_complete


def test_no_page_that_is_lost_takes_others_with_it(wide, tmp_path):
    """Each page in turn is overwritten, but for the one that says what is held."""
    whole, path = wide.read_bytes(), tmp_path / "x"
    n_refused = 0
    for page in range(len(whole) // 16_384):
        damaged = bytearray(whole)
        damaged[page * 16_384 : (page + 1) * 16_384] = b"\xff" * 16_384
        path.write_bytes(damaged)
        try:
            segments, faults = read_sound(path)
        except LedgerError:
            n_refused += 1
            continue
        assert_right(segments)
        # A leaf may hold the beginnings of several segments.
        assert len(segments) >= N_SEGMENTS - 12
        assert faults or len(segments) == N_SEGMENTS
    assert n_refused <= 3  # the first page, and the table meta's


@pytest.mark.parametrize("n_points", [13, N_POINTS])
def test_a_flipped_bit_costs_its_own_segment_at_most(n_points, wide, tmp_path):
    """At 200 places of a small ledger and of a large one; never other draws."""
    path = wide
    if n_points == 13:
        path = tmp_path / "small"
        with open_ledger(path, with_plan(n_draws=30)) as writer:
            for first in range(30):
                writer.append(make_segment(first, first + 1))
    n_all = verify_ledger(path).n_segments
    whole, rng, damaged_path = (
        path.read_bytes(),
        np.random.default_rng(5),
        tmp_path / "x",
    )
    used = np.flatnonzero(np.frombuffer(whole, dtype=np.uint8))
    n_refused, n_least = 0, n_all
    for where in rng.choice(used, 200, replace=False):
        damaged = bytearray(whole)
        damaged[where] ^= 1 << int(rng.integers(8))
        damaged_path.write_bytes(damaged)
        try:
            segments, faults = read_sound(damaged_path)
        except LedgerError:
            n_refused += 1
            continue
        assert_right(segments)
        assert faults or len(segments) == n_all
        n_least = min(n_least, len(segments))
    assert n_refused <= 20
    # A leaf's head counts its rows: without the highest bit, 14 are left of 30.
    assert n_least >= n_all - 16


def test_a_broken_beginning_is_no_other_file(wide, tmp_path):
    content = bytearray(wide.read_bytes())
    content[3] ^= 1
    (tmp_path / "x").write_bytes(content)
    check = verify_ledger(tmp_path / "x")
    assert check.n_segments == N_SEGMENTS
    assert check.faults == ("it does not begin as an SQLite file does",)


def test_a_ledger_that_lost_what_it_holds_is_refused(wide, tmp_path):
    (tmp_path / "x").write_bytes(wide.read_bytes()[:16_384])
    with pytest.raises(LedgerError, match="what it holds is not told any more"):
        verify_ledger(tmp_path / "x")
