"""``html``: a bare table, a row on each line.

Sources: ``html_two_columns.html`` (recorded, as its content type); merged headings over the measures of a pivot
(documented).
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from lookerframe.local.cells import write_lines
from lookerframe.local.formats.json_rows import error_text
from lookerframe.local.formats.tables import FlatTable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.outcome import Outcome


class Html:
    """A table for a browser."""

    name = "html"
    content_type = "text/html;charset=utf-8"
    carries_errors = False
    wraps_errors = False

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the lines as they come."""
        if outcome.table is None:
            yield f"<p>{_escaped(error_text(outcome))}</p>".encode()
            return
        flat = FlatTable.of(outcome)
        yield b"<table>\n"
        for depth, _ in enumerate(flat.headings):
            yield f"<tr>{''.join(_heading(flat, depth))}</tr>\n".encode()
        writers = flat.writers(_escaped)
        for table in flat.tables:
            yield from write_lines(table, writers, opening="<tr><td>", separator="</td><td>", closing="</td></tr>\n")
        yield b"</table>"


def _heading(flat: FlatTable, depth: int) -> Iterator[str]:
    """Write one heading row; above the labels, a value is written once over all that it stands for."""
    texts = flat.headings[depth]
    if depth == len(flat.headings) - 1:
        yield from (f"<th>{_escaped(text)}</th>" for text in texts)
        return
    yield from (f"<th>{_escaped(text)}</th>" for text in texts[: flat.unpivoted])
    above = [tuple(row[place] for row in flat.headings[: depth + 1]) for place in range(len(texts))]
    for values, columns in groupby(above[flat.unpivoted :]):
        width = sum(1 for _ in columns)
        span = f' colspan="{width}"' if width > 1 else ""
        yield f"<th{span}>{_escaped(values[-1])}</th>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
