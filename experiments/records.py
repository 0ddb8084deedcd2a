"""What the reproduction's commands have said, and the page that is made of it."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_scaling._files import write_whole
from data_scaling._machine import describe_machine, find_commit
from data_scaling._text import duration

if TYPE_CHECKING:
    from former_page import FormerPage

INTRODUCTION = """\
# The paper's experiments, run here

Made by `make reproduce`, which goes on where it stopped; this page is written by it
and holds no number typed by hand. The commands are the scripts of `experiments/`, in
the order to run. Seeds are 0, and 1 for validation draws, unless a command names one.
The line `time` of a ledger is what its draws took, over all jobs and however often
interrupted; the time beside a command is that of its last run, and of point additions,
which keep their repetitions, that of all runs. Other work shared the machine (see its
load), so that all times are longer than on idle cores.
A commit stands beside each command: draws are exact and seeded, so that a ledger keeps
that of its draws, and what is fitted to them was renewed later. Sections are run again
one by one; one that was not stands here as it was written last.

Departures from the paper hold throughout: a point is never in the coalition that it is
added to, one coalition serves all points of a draw, contributions are exact (the
original's refits at default tolerance are not), and the log-loss is the true one unless
`softmax_log_loss` is named.
"""


@dataclass(frozen=True)
class Record:
    """A command with what it printed and how long it took, in seconds."""

    command: str
    output: str
    seconds: float
    commit: str = ""
    machine: str = ""


def record_path(out: Path, command: str) -> Path:
    """Return where a command's record is kept."""
    digest = hashlib.sha256(command.encode()).hexdigest()[:16]
    return out / "records" / f"{digest}.json"


def read_record(out: Path, command: str) -> Record | None:
    """Return what a command said, or None if it has not been run."""
    path = record_path(out, command)
    return Record(**json.loads(path.read_text())) if path.exists() else None


def write_record(out: Path, record: Record) -> None:
    """Keep a record, with the commit and the machine that it comes from."""
    commit = find_commit(Path(__file__).parent)
    fields = asdict(record) | {"commit": commit, "machine": describe_machine()}
    with write_whole(record_path(out, record.command)) as temporary:
        temporary.write_text(json.dumps(fields, indent=1))


def write_page(
    page: Path,
    sections: Sequence[Mapping[str, Any]],
    out: Path,
    tables: Iterable[str],
    former: "FormerPage",
) -> None:
    """Write the page of all sections, and copy their figures beside it.

    Parameters
    ----------
    page : Path
        File to write.
    sections : sequence of mapping
        Title, what the paper says, commands and figures of each section.
    out : Path
        Folder where the commands have run.
    tables : iterable of str
        Paragraphs that stand before the sections.
    former : FormerPage
        The page so far, of which sections are kept that have not been run again.
    """
    machines = _list_machines(sections, out, former)
    lines = [INTRODUCTION, machines, "## Side by side", *tables]
    missing = []
    for section in sections:
        lines += [f"## {section['title']}", f"**Paper.** {section['paper']}"]
        if "note" in section:
            lines.append(f"**Here.** {section['note']}")
        if section["commands"][0] in former.kept:
            lines.append(former.body(section["title"], section["commands"]))
            continue
        for command in section["commands"]:
            record = read_record(out, command)
            if record is None:
                missing.append(command)
            else:
                lines += _show(record)
        lines += _copy_figures(page, section, out)
    if missing:
        listed = "\n".join(f"- `{command}`" for command in missing)
        lines += ["## Not yet run", listed]
    with write_whole(page) as temporary:
        temporary.write_text("\n\n".join(line.strip() for line in lines) + "\n")


def _list_machines(
    sections: Sequence[Mapping[str, Any]], out: Path, former: "FormerPage"
) -> str:
    """Say on which machines the commands ran, and how busy these were."""
    loads: dict[str, list[float]] = {}
    for line in former.machines() if former.kept else []:
        machine, _, load = line.partition("; load ")
        loads[machine] = [float(one) for one in load.split(" to ") if one]
    for command in dict.fromkeys(
        c for section in sections for c in section["commands"]
    ):
        record = read_record(out, command)
        if record is not None:
            machine, _, load = record.machine.partition("; load ")
            loads.setdefault(machine, []).extend([float(load)] if load else [])
    rows = ["The machine, and its load when commands ended (1 for each core in use):\n"]
    for machine, found in loads.items():
        span = f"; load {min(found):.1f} to {max(found):.1f}" if found else ""
        rows.append(f"- {machine}{span}")
    return "\n".join(rows)


def list_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _show(record: Record) -> Iterator[str]:
    kept = [line.rstrip() for line in record.output.splitlines() if line.strip()]
    yield f"`{record.command}` ({duration(record.seconds)}, commit {record.commit})"
    yield "\n".join(["```text", *kept, "```"])


def _copy_figures(page: Path, section: Mapping[str, Any], out: Path) -> Iterator[str]:
    """Copy the figures of a section beside the page, as far as they were made."""
    for figure in section.get("figures", ()):
        if not (out / figure).is_file():
            continue
        dataset, model, _, name = Path(figure).parts
        target = page.parent / "reproduction" / f"{dataset}-{model}-{name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(out / figure, target)
        yield f"![{section['title']}: {dataset}](reproduction/{target.name})"
