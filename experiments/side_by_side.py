"""The tables that put the paper's numbers beside ours, and where each row comes from.

A table of the steps file is either of numbers that commands have said
(``columns = [[heading, key], ...]``) or of files that they have written. Then ``index``
names the fields that rows are told by, and a row of the file fills the cells that
``cells`` gives formats for, by heading, or one ``cell`` below the value of ``columns``.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from data_scaling._text import duration
from former_page import FormerPage
from options import add, make_parser
from records import Record, list_table, read_record

#: Kinds of ledger that a script reads, where it is not told another.
READS = {
    "plot_validation": ("validation",),
    "plot_scaling_estimates": ("fit", "validation"),
    "plot_distance": ("fit",),
    "test_data_valuation": ("fit", "reference"),
    "test_point_addition": ("pool",),
}
DRAWS = {"generate_samples": "fit", "generate_samples_validation": "validation"}
# Standard errors beyond which a cell is marked.
CLEAR = 3.0

Steps = Mapping[str, Any]


def write_tables(steps: Steps, out: Path, former: FormerPage) -> Iterator[str]:
    """Yield the paragraphs of all tables of the steps.

    Rows of sections that the former page is kept of are taken from it.
    """
    rows = {table["title"]: table.get("rows") for table in steps.get("table", ())}
    for table in steps.get("table", ()):
        yield f"### {table['title']}"
        if "note" in table:
            yield table["note"]
        fill = fill_from_files if "index" in table else fill_from_output
        source = table.get("rows_of")
        yield fill(table | {"rows": rows[source or table["title"]]}, out, former)
        if source:
            yield f"Rows and commands are those of *{source}*."
            continue
        yield list_table(
            ["row", "command", "drawn in", "seeds", "run in", "commit"],
            [
                trace_row(row, table["title"], steps, out, former)
                for row in table["rows"]
            ],
        )


def fill_from_output(table: Steps, out: Path, former: FormerPage) -> str:
    """Return the table of what commands have said, the paper's rows first."""
    said_before = former.rows(table["title"], 0)
    headings, keys = zip(*table["columns"], strict=True)
    rows = [[row["what"], *row["cells"]] for row in table.get("paper", ())]
    for row in table["rows"]:
        if row["command"] in former.kept and row["what"] in said_before:
            rows.append(said_before[row["what"]])
            continue
        record = read_record(out, row["command"])
        rows.append([row["what"], *(find_said(record, key) for key in keys)])
    return list_table(["", *headings], rows)


def find_said(record: Record | None, key: str) -> str:
    """Return what stands behind a key in what a command said."""
    if record is None:
        return "not yet run"
    for line in record.output.splitlines():
        if line.startswith(f"{key}: "):
            return line.removeprefix(f"{key}: ")
    return "-"


def fill_from_files(table: Steps, out: Path, former: FormerPage) -> str:
    """Return the table of what files hold, one field's values as columns.

    The files are not kept, so that the table is the former one or altogether new.
    """
    if all(row["command"] in former.kept for row in table["rows"]):
        return former.table(table["title"])
    cells: dict[tuple[str, ...], dict[str, str]] = {}
    headings: dict[str, str | None] = {}
    for row in table["rows"]:
        if read_record(out, row["command"]) is None:
            cells[
                f"{row['what']}: not yet run", *["-"] * (len(table["index"]) - 1)
            ] = {}
            continue
        frame = pd.read_csv(out / row["file"]).assign(what=row["what"])
        for field, kept in table.get("keep", {}).items():
            frame = frame[frame[field].isin(kept)]
        for fields in frame.to_dict("records"):
            place = tuple(name_value(fields[field]) for field in table["index"])
            filled = write_cells(table, fields)
            headings |= dict.fromkeys(filled)
            # Fields that are the same in many rows are told once.
            cells[place] = filled | cells.get(place, {})
    rows = [
        [*place, *(line.get(h, "-") for h in headings)] for place, line in cells.items()
    ]
    names = table.get("names", table["index"])
    return list_table([*names, *headings], rows)


def name_value(value: Any) -> str:
    """Return a size with separators, and everything else as it is."""
    is_whole = isinstance(value, (int, float)) and float(value).is_integer()
    return f"{int(value):,}" if is_whole else str(value)


def write_cells(table: Steps, fields: Mapping[Any, Any]) -> dict[str, str]:
    """Return what a row of a file says, by heading."""
    if "cells" in table:
        return {h: text.format(**fields) for h, text in table["cells"].items()}
    text = table["cell"].format(**fields)
    if "mark" in table:
        excess, error = (fields[name] for name in table["mark"])
        if abs(excess) > CLEAR * error:
            text = f"**{text}**" if excess > 0 else f"*{text}*"
    return {name_value(fields[table["columns"]]): text}


def trace_row(
    row: Steps, title: str, steps: Steps, out: Path, former: FormerPage
) -> list[str]:
    """Say by which command a row was made, in what time, and of which draws."""
    command = row["command"]
    traced_before = former.rows(title, 1)
    if command in former.kept and row["what"] in traced_before:
        return traced_before[row["what"]]
    record = read_record(out, command)
    drawn = [
        found
        for section in steps["section"]
        for other in section["commands"]
        if is_read(other, command) and (found := read_record(out, other))
    ]
    times = [find_words(found, "time ", " of drawing") for found in drawn]
    seeds = [find_words(found, "; seed ", "\n") for found in drawn]
    ran = (
        ("not yet", "-")
        if record is None
        else (duration(record.seconds), record.commit)
    )
    if command.split()[0] not in READS:
        times, seeds = ["the run itself"], [str(parse(command).seed)]
    return [
        row["what"],
        f"`{command}`",
        " + ".join(times) or "not yet",
        ", ".join(dict.fromkeys(seeds)) or "-",
        *ran,
    ]


def is_read(other: str, command: str) -> bool:
    """Say whether a command draws the ledger that another one reads."""
    script, reader = other.split()[0], command.split()[0]
    if script not in DRAWS or reader not in READS:
        return False
    drawn, reading = parse(other), parse(command)
    kinds = list(READS[reader])
    if reading.kind:
        kinds[-1] = reading.kind
    if reading.method not in (None, "log") and reader == "plot_validation":
        kinds.append("fit")
    same = ("dataset", "model", "metric")
    return (drawn.kind or DRAWS[script]) in kinds and all(
        getattr(drawn, name) == getattr(reading, name) for name in same
    )


def parse(command: str) -> Any:
    """Read the options of a command that say what it reads and draws."""
    parser = make_parser(None)
    add(parser, "kind")
    add(parser, "method")
    known, _ = parser.parse_known_args(command.split()[1:])
    return known


def find_words(record: Record, start: str, end: str) -> str:
    """Return what stands between two marks in what a command said."""
    return record.output.partition(start)[2].partition(end)[0].strip() or "-"
