"""``csv``, ``txt`` and ``md``: a line for each row.

Sources: Looker's documentation (commas or tabs, a header, every line ended by a line feed). Assumed: a cell is
quoted where the separator, a quote or a line break is in it, in ``txt`` as in ``csv``; the look of ``md``; the content
types; the body of a failed run, which is the error's text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.local.cells import write_lines
from lookerframe.local.formats.json_rows import error_text
from lookerframe.local.formats.tables import FlatTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Delimited:
    """Lines of cells with `separator` between them."""

    name: str
    separator: str
    content_type: str
    carries_errors: bool = False
    wraps_errors: bool = False

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the lines as they come."""
        if outcome.table is None:
            yield f"{error_text(outcome)}\n".encode()
            return
        flat = FlatTable.of(outcome)
        for heading in flat.headings:
            yield (self.separator.join(map(self._quoted, heading)) + "\n").encode()
        writers = flat.writers(self._quoted)
        for table in flat.tables:
            yield from write_lines(table, writers, opening="", separator=self.separator, closing="\n")

    def _quoted(self, text: str) -> str:
        if any(character in text for character in (self.separator, '"', "\n", "\r")):
            doubled = text.replace('"', '""')
            return f'"{doubled}"'
        return text


@dataclass(frozen=True, slots=True)
class Markdown:
    """A table of Markdown, which knows one heading row only: of a pivoted result that of the first pivot field."""

    name: str = "md"
    content_type: str = "text/markdown;charset=utf-8"
    carries_errors: bool = False
    wraps_errors: bool = False

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the lines as they come."""
        if outcome.table is None:
            yield f"{error_text(outcome)}\n".encode()
            return
        flat = FlatTable.of(outcome)
        for place, heading in enumerate(flat.headings):
            yield f"| {' | '.join(map(_escaped, heading))} |\n".encode()
            if place == 0:
                yield f"| {' | '.join('---' for _ in heading)} |\n".encode()
        writers = flat.writers(_escaped)
        for table in flat.tables:
            yield from write_lines(table, writers, opening="| ", separator=" | ", closing=" |\n")


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").splitlines())
