"""Run the reproduction, as far as it has not been run, and write its page.

The commands are those of reproduction.toml. Each that ends well is kept with its
output and its time; started again, the run goes on with the others. ``--write-only``
writes the page from what is there; ``--sections`` takes those whose title holds a word.
Sections that have not been run here stand as the page had them; so do those that need
a device that is not here.
"""

import contextlib
import importlib
import io
import shlex
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import data_scaling as ds
from former_page import FormerPage
from options import add, make_parser
from records import Record, read_record, write_page, write_record
from side_by_side import write_tables

HERE = Path(__file__).parent


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__, model=False)
    add(
        parser,
        "steps",
        type=Path,
        default=HERE / "reproduction.toml",
        help="file of steps",
    )
    add(parser, "page", type=Path, default=HERE.parent / "docs" / "reproduction.md")
    add(parser, "sections", default="", help="a word of the titles")
    parser.add_argument("-write_only", "--write-only", action="store_true")
    args = parser.parse_args(argv)
    steps: dict[str, Any] = tomllib.loads(args.steps.read_text())
    where = ["--out", str(args.out)]
    if args.data_dir:
        where += ["--data-dir", str(args.data_dir)]
    for section in steps["section"]:
        if args.write_only or args.sections.lower() not in section["title"].lower():
            continue
        device = section.get("device")
        if device and not has_device(device):
            print(f"{section['title']}: left out, as there is no {device} here")
            continue
        for command in section["commands"]:
            if read_record(args.out, command) is None:
                run(command, where, args.out)
    former = FormerPage.read(args.page, steps["section"], args.out)
    tables = write_tables(steps, args.out, former)
    write_page(args.page, steps["section"], args.out, tables, former)
    print(args.page)


def has_device(name: str) -> bool:
    """Say whether torch is installed and finds a device."""
    try:
        ds.make_learner("mlp", device=name)
    except (ds.MissingExtraError, ds.InputError):
        return False
    return True


def run(command: str, where: list[str], out: Path) -> None:
    """Run one script in this process, and keep what it said."""
    script, *options = shlex.split(command)
    print(f"$ {command}", flush=True)
    said, start = io.StringIO(), time.perf_counter()
    with contextlib.redirect_stdout(said):
        importlib.import_module(script).main([*options, *where])
    seconds = time.perf_counter() - start
    # Files are named as a reader finds them, wherever this was run.
    output = said.getvalue().replace(str(out), "OUT")
    write_record(out, Record(command, output, seconds))


if __name__ == "__main__":
    main()
