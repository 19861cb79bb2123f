"""Results as one flat table: `csv`, `txt`, `html`, `md`, `xlsx`.

Labels head the columns. With pivots a row for each pivot field stands above them, with the field's label over the last
dimension. Sources: a recorded tile, Looker's documentation, and what `docs/local-formats.md` marks as assumed.
"""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import xlsxwriter  # type: ignore[import-untyped]

from tests.writers.queries import Query, text, wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.writers.queries import Slot

ROW_TOTAL_LABEL = "Row Total"


@dataclass(frozen=True, slots=True)
class Grid:
    """Heading rows, the last of them labels; how many columns stand left of the pivots; rows of values with types.

    What is not pivoted, dimensions aside, stands left of the pivots or, under nothing, right of them.
    """

    headings: tuple[tuple[str, ...], ...]
    left: int
    rows: tuple[tuple[tuple[Any, str | None], ...], ...]

    @classmethod
    def of(cls, query: Query, *, behind: bool = False) -> Grid:
        """Lay a query out; where nulls are the only pivots nothing stands `behind`: it would pass for one of theirs."""
        slots = query.slots
        is_named = query.row_totals or any(any(map(_is_spelt, values)) for values in query.pivot_values)
        last = query.alone if behind and is_named else ()
        order = sorted(range(len(slots)), key=lambda place: (slots[place].field in last, _is_pivoted(slots[place])))
        left = sum(not _is_pivoted(slot) and slot.field not in last for slot in slots)
        headings = []
        for depth, item in enumerate(query.pivots):
            before = ("",) * (left - 1) + (item.label or item.name,) if left else ()
            headings.append((*before, *(_over(query, slots[place], depth) for place in order[left:])))
        headings.append(tuple(slots[place].field.label or slots[place].field.name for place in order))
        rows = query.rows if query.totals is None else (*query.rows, query.totals)
        return cls(
            tuple(headings),
            left,
            tuple(tuple((row[place], slots[place].field.type) for place in order) for row in rows),
        )

    def texts(self) -> Iterator[list[str]]:
        """Spell the rows."""
        return ([text(value, kind) for value, kind in row] for row in self.rows)


def _is_pivoted(slot: Slot) -> bool:
    return slot.pivot is not None or slot.is_total


def _is_spelt(value: Any) -> bool:
    return value not in (None, "")


def _over(query: Query, slot: Slot, depth: int) -> str:
    if not _is_pivoted(slot):
        return ""
    if slot.pivot is None:
        return "" if depth else ROW_TOTAL_LABEL
    return text(slot.pivot[depth], query.pivots[depth].type)


def delimited(
    query: Query, separator: str, *, quote_all: bool = False, newline: str = "\n", behind: bool = False
) -> bytes:
    """Write lines; a cell is quoted if it holds the separator, a quote or a line break."""
    grid = Grid.of(query, behind=behind)

    def line(cells: Sequence[str]) -> str:
        return separator.join(map(quoted, cells)) + newline

    def quoted(cell: str) -> str:
        if quote_all or any(mark in cell for mark in (separator, '"', "\n", "\r")):
            return '"' + cell.replace('"', '""') + '"'
        return cell

    # A heading of one empty cell would be no line to some.
    headings = "".join('""' + newline if cells == ("",) else line(cells) for cells in grid.headings)
    return (headings + "".join(map(line, grid.texts()))).encode()


def markdown(query: Query, *, behind: bool = False) -> bytes:
    """Write a table of Markdown; the first heading row is the table's, the others stand below its rule."""
    grid = Grid.of(query, behind=behind)
    first, *others = grid.headings

    def line(cells: Sequence[str]) -> str:
        safe = (" ".join(cell.replace("\\", "\\\\").replace("|", "\\|").splitlines()) for cell in cells)
        return f"| {' | '.join(safe)} |\n"

    return "".join([line(first), line(["---"] * len(first)), *map(line, [*others, *grid.texts()])]).encode()


def page(query: Query, *, behind: bool = False) -> bytes:
    """Write a bare table of HTML, the values of pivots merged over their columns."""
    grid = Grid.of(query, behind=behind)
    lines = []
    for depth, cells in enumerate(grid.headings):
        if depth == len(grid.headings) - 1:
            lines.append("".join(f"<th>{_safe(cell)}</th>" for cell in cells))
        else:
            above = [heading[grid.left :] for heading in grid.headings[: depth + 1]]
            spans = [(found[-1], len(list(columns))) for found, columns in groupby(zip(*above, strict=True))]
            lines.append(
                "".join(f"<th>{_safe(cell)}</th>" for cell in cells[: grid.left])
                + "".join(f'<th colspan="{width}">{_safe(cell)}</th>' for cell, width in spans)
            )
    lines += ["".join(f"<td>{_safe(cell)}</td>" for cell in cells) for cells in grid.texts()]
    return ("<table>\n" + "".join(f"<tr>{line}</tr>\n" for line in lines) + "</table>").encode()


def _safe(cell: str) -> str:
    return html.escape(cell, quote=False)


def workbook(query: Query, *, behind: bool = False) -> bytes:
    """Write a workbook of one sheet; numbers are numbers, all else is text, a null is no cell."""
    grid = Grid.of(query, behind=behind)
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet()
        for number, heading in enumerate(grid.headings):
            for place, cell in enumerate(heading):
                if cell:
                    sheet.write_string(number, place, cell)
        for number, row in enumerate(grid.rows, len(grid.headings)):
            for place, (value, kind) in enumerate(row):
                sent = wire(value, kind)
                if isinstance(sent, int | float):
                    sheet.write_number(number, place, sent)
                elif spelt := text(value, kind):
                    sheet.write_string(number, place, spelt)
    return file.getvalue()
