"""What the standard library reads from a body without pivots: the judge of tables that were made of damaged bodies."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.writers import Col

_TRUE, _FALSE = (True, "Yes", "true", "yes", "True", "Y", 1, "1"), (False, "No", "false", "no", "False", "N", 0, "0")


def rows_of(body: bytes, result_format: str, columns: Sequence[Col]) -> list[list[Any]]:
    """Read the values of each row, in the order of the columns, as they are written.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        It cannot be read.
    """
    text = body.decode("utf-8-sig")
    if result_format in _LINES:
        headings, *lines = _LINES[result_format](text)
        # Blanks at the ends of a heading say nothing; short labels and names do as well as labels.
        found = [heading.strip() for heading in headings]
        spellings = [(column.label, column.label_short, column.name) for column in columns]
        places = [next((found.index(text) for text in texts if text in found), None) for texts in spellings]
        # In a table of one column an empty line is a row without a text; a column without a heading is null.
        return [[None if place is None else (line or [""])[place] for place in places] for line in lines]
    document = json.loads(text, parse_constant=_refused)
    member = {"json_bi": "rows", "json_detail": "data", "json_detail_lite_stream": "data"}.get(result_format)
    if member is not None:
        names = _names(document, result_format) or [column.name for column in columns]
        rows = document[member]
        if result_format == "json_bi" and rows and _ends_in_totals(document["metadata"], rows):
            rows = rows[:-1]
        cells = [[row.get(name) for name in names] for row in rows]
        return [[None if cell is None else cell["value"] for cell in row] for row in cells]
    by_label = result_format == "json_label"
    names = [(column.label or column.name) if by_label else column.name for column in columns]
    return [[row.get(name) for name in names] for row in document]


def _refused(name: str) -> Any:
    raise ValueError(name)


def _names(document: Mapping[str, Any], result_format: str) -> Sequence[str]:
    fields = (document["metadata"] if result_format == "json_bi" else document).get("fields") or {}
    groups = ("dimensions", "measures", "table_calculations")
    return list(dict.fromkeys(item["name"] for group in groups for item in fields.get(group) or ()))


def _ends_in_totals(metadata: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the last row is the totals, also where only damage says so: dimensions have no value in it.

    A row of measures alone, which has no others above it, is a row.
    """
    groups = metadata.get("fields") or {}
    items = [(item, group == "measures") for group in ("dimensions", "measures") for item in groups.get(group) or ()]
    kinds = [(item["name"], item["measure"] if isinstance(item.get("measure"), bool) else due) for item, due in items]
    cells = [rows[-1].get(name) for name, is_measure in kinds if not is_measure]
    if not cells and len(rows) == 1:
        return False
    return bool(metadata.get("has_totals")) and all(cell is None or cell["value"] is None for cell in cells)


def _separated(separator: str) -> Callable[[str], list[list[str]]]:
    return lambda text: list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))


def _of_markdown(text: str) -> list[list[str]]:
    lines = [line.removesuffix("\r") for line in text.split("\n")[:-1]]
    cells = [re.findall(r"((?:[^|\\]|\\.)*)\|", line)[1:] for line in [lines[0], *lines[2:]]]
    return [[re.sub(r"\\([\\|])", r"\1", cell.strip(" \t")) for cell in row] for row in cells]


class _Page(HTMLParser):
    """Rows of cells, headings among them."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self._inside = True
            self.rows[-1].append("")
        elif tag == "br" and self._inside:
            self.rows[-1][-1] += "\n"

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.rows[-1][-1] += data


def _of_html(text: str) -> list[list[str]]:
    page = _Page()
    page.feed(text)
    page.close()
    return page.rows


_LINES: Mapping[str, Callable[[str], list[list[str]]]] = {
    "csv": _separated(","),
    "txt": _separated("\t"),
    "md": _of_markdown,
    "html": _of_html,
}


def agrees(written: Any, value: Any, kind: pa.DataType) -> bool:
    """Tell whether a value of a table is what is written in the body; an empty text may be a null."""
    if value is None or written is None or written == "":
        return value in (None, "") and written in (None, "")
    if pa.types.is_boolean(kind):
        agreed = written in (_TRUE if value else _FALSE)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        agreed = _number(written) == value
    elif pa.types.is_date(kind) and "Q" in str(written):
        agreed = str(written) == f"{value.year:04}-Q{(value.month + 2) // 3}"
    elif pa.types.is_temporal(kind):
        agreed = _moment(str(written)) == _moment(value.isoformat())
    elif pa.types.is_list(kind) or isinstance(written, str):
        agreed = written == value
    elif isinstance(written, dict | list):
        agreed = json.loads(value) == written
    else:
        agreed = _number(written) == _number(value)
    return bool(agreed)


def _moment(text: str) -> str:
    """Spell a date or a time with all its digits; years and months are their first days."""
    full = text.strip().replace("T", " ")
    template = "0000-01-01 00:00:00.000000"
    return full[:26] + template[len(full) :]


_WHOLE = re.compile(r"-?[0-9]+")


def _number(written: Any) -> Any:
    if isinstance(written, str):
        try:
            return int(written) if _WHOLE.fullmatch(written) else float(written)
        except ValueError:
            return None
    return written


def differences(table: pa.Table, rows: Sequence[Sequence[Any]]) -> list[str]:
    """Say where a table is not what the body says: at most three places."""
    if len(rows) != table.num_rows:
        return [f"{table.num_rows} rows, the body has {len(rows)}"]
    found = []
    for place, (name, kind) in enumerate(zip(table.column_names, table.schema.types, strict=True)):
        for number, value in enumerate(table.column(place).to_pylist()):
            written = rows[number][place] if place < len(rows[number]) else None
            if not agrees(written, value, kind):
                found.append(f"row {number}, {name} ({kind}): {value!r}, the body has {written!r}")
    return found[:3]
