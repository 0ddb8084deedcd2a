"""Merging ledgers: shards, twice, in pieces, interrupted, other plans, conflicts."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fake_learners import MeanLearner, make_dataset

from data_scaling.contributions import Contributions
from data_scaling.errors import InputError, LedgerError, PlanMismatchError
from data_scaling.ledger import (
    LedgerHeader,
    Segment,
    combine_ledgers,
    describe_ledger,
    open_ledger,
    read_contributions,
    read_learning_curve,
    verify_ledger,
)
from data_scaling.plan import SamplingPlan
from data_scaling.sampling import sample_contributions, sample_ledger

DATASET = make_dataset()
PLANS = {
    "shared": SamplingPlan(23, 5, 30, seed=3, n_base_draws=40),
    "independent": SamplingPlan(
        8, 5, 30, seed=3, coalitions="independent", points=(7, 3, 31)
    ),
    "staggered": SamplingPlan(
        9, cardinalities=[5, 12, 40], points=10, seed=9, n_base_draws=4
    ),
}


def assert_same_ledgers(one: Path, other: Path) -> None:
    first, second = read_contributions(one), read_contributions(other)
    assert first.delta.tobytes() == second.delta.tobytes()
    assert first.cardinality.tobytes() == second.cardinality.tobytes()
    for with_points in (True, False):
        first = read_learning_curve(one, with_points=with_points)
        second = read_learning_curve(other, with_points=with_points)
        assert first.utility.tobytes() == second.utility.tobytes()
        assert first.cardinality.tobytes() == second.cardinality.tobytes()


def draw_shards(plan: SamplingPlan, folder: Path, n_shards: int) -> list[Path]:
    paths = [folder / f"{i}.ledger" for i in range(1, n_shards + 1)]
    for i, path in enumerate(paths, start=1):
        sample_ledger(DATASET, MeanLearner(), plan, path, shard=(i, n_shards))
    return paths


@pytest.mark.parametrize("n_shards", [2, 5, 11])
@pytest.mark.parametrize("kind", PLANS)
def test_shards_combined_are_the_whole(kind, n_shards, tmp_path):
    plan = PLANS[kind]
    sample_ledger(DATASET, MeanLearner(), plan, tmp_path / "whole")
    shards = draw_shards(plan, tmp_path, n_shards)
    for i, path in enumerate(shards, start=1):
        summary = describe_ledger(path)
        assert summary.header.shard == (i, n_shards)
        assert verify_ledger(path).header.shard == (i, n_shards)
        assert summary.is_complete
        assert summary.seconds_left == 0.0
    summary = combine_ledgers(tmp_path / "all", shards)
    assert summary.is_complete
    assert summary.header.shard is None
    assert summary.n_segments <= 2  # with points and without: joined
    assert_same_ledgers(tmp_path / "all", tmp_path / "whole")


def test_shards_have_equal_work_and_longer_plans_add_to_them():
    def spans(n_draws: int, shard: int) -> set[int]:
        header = make_header(replace(PLANS["staggered"], n_draws=n_draws))
        wanted = replace(header, shard=(shard, 4)).list_wanted(header.spans[:1])
        return {number for span in wanted for number in range(*span)}

    parts = [spans(20, shard) for shard in (1, 2, 3, 4)]
    assert sorted(number for part in parts for number in part) == [*range(60)]
    assert {len(part) for part in parts} == {15}
    # Every size of the staggered plan occurs equally often in every shard.
    assert all(sum(n % 3 == 1 for n in part) == 5 for part in parts)
    assert all(part < spans(33, shard) for shard, part in enumerate(parts, start=1))


def test_a_shard_is_done_when_its_own_draws_are(tmp_path):
    path, plan = tmp_path / "x", PLANS["shared"]
    summary = sample_ledger(DATASET, MeanLearner(), plan, path, shard=(1, 2))
    assert (summary.n_coalitions, summary.n_base) == summary.n_wanted == (12, 20)
    longer = replace(plan, n_draws=27)
    summary = sample_ledger(DATASET, MeanLearner(), longer, path, shard=(1, 2))
    assert summary.n_wanted == (14, 20)
    with pytest.raises(PlanMismatchError, match=r"for shard 1/2 .*shard 2/2 was"):
        sample_ledger(DATASET, MeanLearner(), longer, path, shard=(2, 2))
    summary = sample_ledger(DATASET, MeanLearner(), longer, path)
    assert (summary.header.shard, summary.n_wanted) == (None, (27, 40))
    assert summary.is_complete


@pytest.mark.parametrize("shard", [(0, 3), (4, 3), (1, 0), (-1, -1)])
def test_a_shard_that_there_is_not_is_refused(shard, tmp_path):
    with pytest.raises(InputError, match=r"The shard is .*Give 1/"):
        sample_ledger(
            DATASET, MeanLearner(), PLANS["shared"], tmp_path / "x", shard=shard
        )
    assert not (tmp_path / "x").exists()


def test_merging_again_changes_nothing(tmp_path):
    shards = draw_shards(PLANS["shared"], tmp_path, 3)
    combine_ledgers(tmp_path / "all", shards[:2])
    combine_ledgers(tmp_path / "all", [tmp_path / "all", *shards[1:]])
    before = describe_ledger(tmp_path / "all")
    assert combine_ledgers(tmp_path / "all", shards) == before
    sample_ledger(DATASET, MeanLearner(), PLANS["shared"], tmp_path / "whole")
    assert_same_ledgers(tmp_path / "all", tmp_path / "whole")


def test_a_longer_plan_extends_the_merged_ledger(tmp_path):
    short, long = PLANS["shared"], replace(PLANS["shared"], n_draws=40)
    sample_ledger(DATASET, MeanLearner(), short, tmp_path / "short")
    sample_ledger(DATASET, MeanLearner(), long, tmp_path / "long", shard=(2, 2))
    summary = combine_ledgers(tmp_path / "short", [tmp_path / "long"])
    assert (summary.header.plan.n_draws, summary.n_coalitions) == (40, 32)
    sample_ledger(DATASET, MeanLearner(), long, tmp_path / "short")
    sample_ledger(DATASET, MeanLearner(), long, tmp_path / "whole")
    assert_same_ledgers(tmp_path / "short", tmp_path / "whole")


def make_header(plan: SamplingPlan, **changes: object) -> LedgerHeader:
    header = LedgerHeader(plan, 40, "toy", "f" * 32, "mean", "Mean()", "mse", "units")
    return replace(header, **changes)


def make_segment(first: int, stop: int, shift: float = 0.0) -> Segment:
    number = np.arange(first, stop)
    delta = number[:, None] + np.linspace(0, 0.5, 40)
    delta[:, 3] = np.nan
    return Segment(
        first,
        (10 + number % 7).astype(np.int32),
        number + shift,
        delta,
        delta % 1 > 0.25,
        np.empty((stop - first, 0)),
        {"It did not fit.": stop - first},
        1.0,
    )


def write(path: Path, *segments: Segment, **changes: object) -> Path:
    plan = SamplingPlan(20, 5, 30)
    with open_ledger(path, make_header(plan, **changes)) as writer:
        for segment in segments:
            writer.append(segment)
    return path


def test_segments_that_overlap_in_any_way_are_merged_once(tmp_path):
    """Random coverings of 20 coalitions by three ledgers, one of them the target."""
    rng = np.random.default_rng(4)
    write(tmp_path / "whole", make_segment(0, 20))
    for trial in range(15):
        paths = []
        for name in ("out", "a", "b"):
            ends = np.unique(rng.integers(0, 21, 8))
            spans = [
                (int(first), int(stop))
                for first, stop in pairwise(ends)
                if rng.random() < 0.7
            ]
            segments = [make_segment(*span) for span in spans]
            paths.append(write(tmp_path / f"{name}{trial}", *segments))
        out, *sources = paths
        combine_ledgers(out, sources)
        assert verify_ledger(out).is_sound
        combine_ledgers(out, [tmp_path / "whole"])
        assert_same_ledgers(out, tmp_path / "whole")
        assert describe_ledger(out).n_failed == 20


def test_other_draws_of_the_same_coalitions_are_refused_and_nothing_is_lost(tmp_path):
    one = write(tmp_path / "one", make_segment(0, 5), make_segment(5, 9))
    two = write(tmp_path / "two", make_segment(7, 12, shift=1e-9))
    before = describe_ledger(one)
    with pytest.raises(
        LedgerError, match=r"two and .*one hold different draws for coalitions 7 to 8"
    ):
        combine_ledgers(one, [two])
    assert describe_ledger(one) == before
    assert verify_ledger(one).is_sound
    with pytest.raises(LedgerError, match="hold different draws for coalitions 7 to 8"):
        combine_ledgers(tmp_path / "new", [one, two])


def test_a_ledger_of_another_plan_is_refused_before_any_work(tmp_path):
    one = write(tmp_path / "one", make_segment(0, 5))
    two = write(tmp_path / "two", make_segment(5, 9), fingerprint="0" * 32)
    message = (
        r"two was .* another dataset:\n  fingerprint: 0+ in the ledger, f+ in .*one"
    )
    with pytest.raises(
        PlanMismatchError, match=rf"{message}\nLeave one of the two out"
    ):
        combine_ledgers(tmp_path / "new", [one, two])
    assert not (tmp_path / "new").exists()
    with pytest.raises(LedgerError, match="There is no ledger at"):
        combine_ledgers(tmp_path / "new", [one, tmp_path / "three"])
    with pytest.raises(InputError, match="No ledger was given"):
        combine_ledgers(tmp_path / "new", [])


def test_what_is_sound_of_a_damaged_ledger_can_be_taken(tmp_path, caplog):
    spans = [(0, 4), (4, 6), (6, 11)]
    path = write(tmp_path / "x", *(make_segment(*span) for span in spans))
    content = bytearray(path.read_bytes())
    content[content.index(make_segment(4, 6).delta.tobytes()) + 5] ^= 4
    path.write_bytes(content)
    assert verify_ledger(path).n_coalitions == 9
    with pytest.raises(LedgerError, match=r"segment 4 .*does not match its checksum"):
        combine_ledgers(tmp_path / "saved", [path])
    summary = combine_ledgers(tmp_path / "saved", [path], skip_damaged=True)
    assert summary.n_coalitions == 9
    assert "Left out of" in caplog.text
    assert np.isnan(Contributions.load(tmp_path / "saved").delta[0]).sum() == 20 - 9


def test_nothing_saved_is_an_error(tmp_path):
    path = write(tmp_path / "x", make_segment(0, 4))
    content = bytearray(path.read_bytes())
    content[content.index(make_segment(0, 4).delta.tobytes()) + 5] ^= 4
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=r"No draw of .*x could be saved"):
        combine_ledgers(tmp_path / "saved", [path], skip_damaged=True)


def test_a_broken_page_leaves_the_segments_beyond_it_readable(tmp_path):
    """Each page in turn is overwritten: an error, or the segments of the others."""
    path = write(tmp_path / "x", *(make_segment(i, i + 1) for i in range(20)))
    whole, n_most = path.read_bytes(), 0
    for page in range(1, len(whole) // 16384):
        damaged = bytearray(whole)
        damaged[page * 16384 : (page + 1) * 16384] = b"\xff" * 16384
        path.write_bytes(damaged)
        try:
            check = verify_ledger(path)
        except LedgerError:
            continue
        n_most = max(n_most, check.n_segments)
        assert not check.is_sound or check.n_segments == 20
    assert n_most > 0


KILLED = """
import sys, os, signal
sys.path[:0] = [sys.argv[1], os.path.dirname(sys.argv[1])]
from test_combination import *
import data_scaling.ledger.combination as combination
from data_scaling.ledger import LedgerWriter
combination.JOINED_BYTES = 1
append, left = LedgerWriter.append, [3]
def append_and_die(self, segment):
    append(self, segment)
    self.flush()
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
LedgerWriter.append = append_and_die
combine_ledgers(sys.argv[2], sys.argv[3:])
"""


def test_merging_that_was_killed_goes_on(tmp_path):
    plan = PLANS["shared"]
    shards = draw_shards(plan, tmp_path, 3)
    script = [sys.executable, "-c", KILLED, str(Path(__file__).parent)]
    command = [*script, str(tmp_path / "all"), *map(str, shards)]
    for n_least in (3, 6):
        done = subprocess.run(command, check=False)
        assert done.returncode == -9
        assert n_least <= describe_ledger(tmp_path / "all").n_coalitions < 23
    combine_ledgers(tmp_path / "all", shards)
    whole = sample_contributions(DATASET, MeanLearner(), plan)
    merged = read_contributions(tmp_path / "all")
    assert merged.delta.tobytes() == whole.delta.tobytes()
