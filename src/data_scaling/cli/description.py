"""Plans and ledgers in words."""

import textwrap

from data_scaling._text import count, duration
from data_scaling.cli.text import list_pairs
from data_scaling.ledger import LedgerHeader, LedgerSummary
from data_scaling.plan import SamplingPlan

LINE = 72


def describe_plan(plan: SamplingPlan) -> str:
    """Return a plan as one line."""
    if plan.cardinalities is not None:
        listed = ", ".join(f"{size:,}" for size in plan.cardinalities)
        sizes = f"at each of {count(len(plan.cardinalities), 'size')} ({listed})"
    else:
        is_power = isinstance(plan.density, tuple)
        density = "power {1:g}".format(*plan.density) if is_power else plan.density
        ends = f"{plan.min_cardinality:,} to {plan.max_cardinality:,}"
        sizes = f"with coalitions of {ends}, {density}"
    parts = []
    if plan.n_draws:
        parts.append(f"{count(plan.n_draws, 'draw')} of {_describe_points(plan)}")
    if plan.n_base_draws:
        parts.append(f"{count(plan.n_base_draws, 'coalition')} without points")
    kind = "" if plan.is_shared else "; a coalition for each point and draw"
    return f"{' and '.join(parts)}, {sizes}{kind}; seed {plan.seed}"


def _describe_points(plan: SamplingPlan) -> str:
    if plan.points is None:
        return "every point"
    if isinstance(plan.points, int):
        return f"the first {count(plan.points, 'point')}"
    if plan.points[0] == "random":
        return f"{count(int(plan.points[1]), 'point')} chosen by the seed"
    return count(len(plan.points), "listed point")


def describe_shard(header: LedgerHeader) -> str:
    """Say whether a ledger is for the whole plan, or for which shard of it."""
    if header.shard is None:
        return "the whole plan"
    which, n_shards = header.shard
    return f"shard {which} of {n_shards}"


def describe_summary(summary: LedgerSummary, *, is_full: bool = False) -> str:
    """Return what a ledger holds and how far it is, as aligned lines."""
    header = summary.header
    size = _describe_size(summary.n_bytes)
    pairs = {
        "ledger": f"{summary.path} ({size}), {describe_shard(header)}",
        "dataset": f"{header.dataset}, {count(header.n_pool, 'point')}",
        "learner": _describe_learner(header),
        "metric": f"{header.metric} in {header.unit}",
        "plan": describe_plan(header.plan),
        **_describe_progress(summary),
    }
    if is_full:
        versions = (f"{name} {version}" for name, version in header.versions.items())
        pairs |= {
            "settings": header.description,
            "as JSON": header.plan.to_json(),
            "versions": ", ".join(versions),
            "fingerprint": header.fingerprint,
        }
    lines = [list_pairs(pairs)]
    for reason, n_draws in summary.failures.items():
        lines.append(f"  {count(n_draws, 'draw')} failed: {reason}")
    return "\n".join(lines)


def _describe_learner(header: LedgerHeader) -> str:
    # Scikit-learn's estimators list all their settings, most of them the default.
    settings = textwrap.shorten(header.description, LINE, placeholder=" ...")
    return f"{header.learner}: {settings}"


def _describe_progress(summary: LedgerSummary) -> dict[str, str]:
    """Say how many draws are there, how many failed, and what time is left."""
    header = summary.header
    n_wanted, n_base_wanted = summary.n_wanted
    pairs = {}
    if header.n_coalitions:
        n_each = header.coalitions_per_draw
        done = _fraction(summary.n_coalitions // n_each, n_wanted // n_each)
        pairs["drawn"] = f"{done} draws of {count(len(header.points), 'point')}"
    if header.n_base:
        done = _fraction(summary.n_base, n_base_wanted)
        pairs["base draws"] = f"{done} coalitions without points"
    pairs["failed"] = "none"
    if summary.n_failed:
        share = summary.n_failed / summary.n_drawn
        pairs["failed"] = (
            f"{summary.n_failed:,} of {summary.n_drawn:,} ({100 * share:.2g}%)"
        )
    pairs["time"] = f"{duration(summary.seconds)} of drawing, added over all jobs"
    pairs["left"] = _describe_rest(summary)
    return pairs


def _describe_rest(summary: LedgerSummary) -> str:
    if summary.is_complete:
        shard = summary.header.shard
        return "nothing" if shard is None else "nothing of this shard"
    if summary.seconds_left is None:
        return "not known yet"
    return f"about {duration(summary.seconds_left)} at the pace of the last run"


def _fraction(n_done: int, n_all: int) -> str:
    if n_done >= n_all:
        return f"all {n_done:,}"
    # Neither nothing nor all, however it rounds.
    percent = min(max(round(100 * n_done / n_all), 1), 99) if n_done else 0
    return f"{n_done:,} of {n_all:,} ({percent}%)"


def _describe_size(n_bytes: int) -> str:
    if n_bytes < 10**6:
        return f"{n_bytes / 1e3:,.0f} kB"
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes < 10**9 else f"{n_bytes / 1e9:,.1f} GB"
