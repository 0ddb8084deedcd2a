"""What the page of the reproduction said before, for what has not been run again.

Records and draws are not kept in the repository, the page is. A section of which no
command has been run since, and whose commands are still the same, stands on the next
page as it stood, with its times and commits; so do the rows of the tables that come of
it. As soon as one command of a section is run again, all of them are to be run.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records import read_record


@dataclass(frozen=True)
class FormerPage:
    """A page as it was written last, and the commands that it is kept of.

    Attributes
    ----------
    text : str
        The whole page; empty if there is none.
    kept : frozenset of str
        Commands whose output is taken from it.
    """

    text: str = ""
    kept: frozenset[str] = frozenset()

    @classmethod
    def read(
        cls, page: Path, sections: Iterable[Mapping[str, Any]], out: Path
    ) -> "FormerPage":
        """Read a page, and find the sections that are still as it says."""
        former = cls(page.read_text() if page.exists() else "")
        return cls(
            former.text,
            frozenset(
                command
                for section in sections
                if not any(read_record(out, c) for c in section["commands"])
                and former.body(section["title"], section["commands"])
                for command in section["commands"]
            ),
        )

    def body(self, title: str, commands: Sequence[str]) -> str:
        """Return a section from its first command on; empty if it has others."""
        section = find_part(self.text, f"## {title}", "## ")
        said = [f"\n`{command}` (" for command in commands]
        n_commands = sum(
            line.startswith("`") and not line.startswith("```")
            for line in section.splitlines()
        )
        if n_commands != len(said) or not all(one in section for one in said):
            return ""
        return section[section.index(said[0]) :].strip()

    def rows(self, title: str, place: int) -> dict[str, list[str]]:
        """Return the rows of a table below a heading, by their first cells.

        ``place`` is 0 for the first table there, 1 for the second.
        """
        tables = [
            paragraph.splitlines()
            for paragraph in find_part(self.text, f"### {title}", "##").split("\n\n")
            if paragraph.startswith("|")
        ]
        lines = tables[place] if place < len(tables) else []
        rows = [line.strip("|").split("|") for line in lines]
        return {row[0].strip(): [cell.strip() for cell in row] for row in rows}

    def table(self, title: str) -> str:
        """Return the first table below a heading, as it stands there."""
        below = find_part(self.text, f"### {title}", "##")
        return next((p for p in below.split("\n\n") if p.startswith("|")), "")

    def machines(self) -> list[str]:
        """Return what the page says of the machines, a line each."""
        said = find_part(self.text, "The machine, and its load", "## ")
        lines = said.splitlines()
        return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def find_part(text: str, first: str, next_start: str) -> str:
    """Return what stands below a line that starts so, up to one that starts else so."""
    lines = iter(text.splitlines())
    for line in lines:
        if line == first or (not first.startswith("#") and line.startswith(first)):
            break
    found = []
    for line in lines:
        if line.startswith(next_start):
            break
        found.append(line)
    return "\n".join(["", *found])
