"""``html`` and ``md``: one table of text.

Sources: ``html`` is a bare ``<table>``, a row on each line, headings in ``<th>`` (recorded), merged over the measures
of a pivot (documented). ``md`` is documented as a simple table; its look is assumed: cells between pipes, one row of
dashes below the first row of headings, a backslash before a pipe or a backslash in a cell. Blanks at the edges of a
cell have no meaning in Markdown: they are not part of its text, and neither is a line break.
"""

from __future__ import annotations

import itertools
import re
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from lookerframe.exceptions import (
    IncompleteResultError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.formats.text_tables import decode_table
from lookerframe.render import shorten, text_of_html
from lookerframe.rows import APPENDED, PIECE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lookerframe.columns import Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result

#: Rows, and characters, that make a batch.
_BATCH_ROWS = 4_096
_BATCH_CHARACTERS = 1024 * 1024
#: Columns that a table may have: more than any result.
MAX_COLUMNS = 65_536
_MAX_HEADINGS = 64
#: Characters that one tag or comment may take.
_MAX_MARKUP = 1024 * 1024
#: Bytes of a body that is no table which are read for its words.
_MAX_PAGE = 16 * 1024
_MAX_SHOWN = 1000  # characters of what does not belong to a table

_LINE = re.compile(r"\|(?:(?:[^|\\]|\\.)*+\|)++")
_CELL = re.compile(r"((?:[^|\\]|\\.)*+)\|")
_ESCAPED = re.compile(r"\\([\\|])")
_RULE = re.compile(r":?-+:?")
#: Rows of values without attributes, comments or markup in their cells.
_PLAIN = re.compile(r"(?:[ \t\r\n]*+<tr>(?:<td>[^<]*+</td>)++</tr>)++")
_BLANK = " \t"
_SPACE = " \t\r\n"


class Html:
    """Decoder of ``html``."""

    name = "html"

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        rows = html_rows(payload)
        headings: list[list[str]] = []
        for is_heading, cells in rows:
            if not is_heading:
                rows = itertools.chain([(is_heading, cells)], rows)
                break
            headings.append(cells)
            if len(headings) > _MAX_HEADINGS:
                message = f"the table has more than {_MAX_HEADINGS} rows of headings"
                raise PayloadLimitError(message, result_format=self.name)
        if not headings:
            message = "the table has no row of headings"
            raise PayloadError(message, result_format=self.name)
        texts = (_no_heading(is_heading, cells) for is_heading, cells in rows)
        return decode_table(self.name, headings, batches(texts, headings, self.name), payload, decoding)


class Md:
    """Decoder of ``md``."""

    name = "md"

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        rows = md_rows(payload)
        headings = list(itertools.islice(rows, 1))
        return decode_table(self.name, headings, batches(rows, headings, self.name), payload, decoding)


def batches(
    rows: Iterable[Sequence[str | None]], headings: Sequence[Sequence[str]], result_format: str
) -> Iterator[tuple[pa.StringArray, ...]]:
    """Gather rows of text to arrays, one for each column; an empty text becomes null.

    Parameters
    ----------
    rows
        The cells of each row.
    headings
        The rows above them, one at least.
    result_format
        For messages.

    Raises
    ------
    PayloadError
        The headings do not have the same number of cells; or, when it is read, a row has another.
    """
    width = len(headings[-1])
    for number, heading in enumerate(headings):
        if len(heading) != width:
            message = f"heading row {number} has {len(heading):,} cells, the last one {width:,}"
            raise PayloadError(message, result_format=result_format)
    return _batched(rows, width, result_format)


def _batched(
    rows: Iterable[Sequence[str | None]], width: int, result_format: str
) -> Iterator[tuple[pa.StringArray, ...]]:
    group: list[Sequence[str | None]] = []
    size = 0
    for number, row in enumerate(rows):
        if len(row) != width:
            message = f"row {number:,} has {len(row):,} cells, the headings {width:,}"
            raise PayloadError(message, result_format=result_format)
        group.append(row)
        size += width + sum(len(cell) for cell in row if cell)
        if len(group) >= _BATCH_ROWS or size >= _BATCH_CHARACTERS:
            yield _arrays(group)
            group, size = [], 0
    if group:
        yield _arrays(group)


def _arrays(rows: Iterable[Sequence[str | None]]) -> tuple[pa.StringArray, ...]:
    return tuple(pa.array([cell or None for cell in cells], pa.string()) for cells in zip(*rows, strict=True))


def _no_heading(is_heading: bool, cells: list[str]) -> list[str]:  # noqa: FBT001 - a member of a pair
    if is_heading:
        message = f"a row of headings stands below the first row of values: {shorten(', '.join(cells), 200)!r}"
        raise PayloadError(message, result_format=Html.name)
    return cells


# -- bytes -> text -----------------------------------------------------------------------------------------------------


def _texts(chunks: Iterable[bytes], *, end: bytes, result_format: str, max_row_bytes: int) -> Iterator[str]:
    """Give a body as text, cut behind an `end`, wherever its chunks were cut; what follows the last comes last."""
    buffer = bytearray()
    offset = 0
    for chunk in chunks:
        seen = len(buffer)
        buffer += chunk
        if (cut := buffer.rfind(end, max(0, seen - len(end) + 1)) + len(end)) >= len(end):
            yield _text(buffer[:cut], offset, result_format)
            del buffer[:cut]
            offset += cut
        if len(buffer) > max_row_bytes:
            message = f"one row takes more than {max_row_bytes:,} bytes"
            raise PayloadLimitError(message, result_format=result_format, offset=offset)
    yield _text(buffer, offset, result_format)


def _text(data: bytearray, offset: int, result_format: str) -> str:
    try:
        return data.decode("utf-8" if offset else "utf-8-sig")
    except UnicodeDecodeError as exc:
        message = f"not UTF-8: byte 0x{exc.object[exc.start]:02x}"
        raise PayloadError(message, result_format=result_format, offset=offset + exc.start) from None


class _Start:
    """The first bytes of a body, kept for the message should it turn out to be something else."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._seen = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._keep(chunk)
            for start in range(0, len(chunk), PIECE_BYTES):
                yield chunk[start : start + PIECE_BYTES]

    def _keep(self, chunk: bytes) -> None:
        self._seen += chunk[: _MAX_PAGE - len(self._seen)]

    def unexpected(self, expected: str, result_format: str) -> PayloadError:
        """Make the error that quotes the body, or says that nothing stands in it."""
        for chunk in self._chunks:
            self._keep(chunk)
            if len(self._seen) >= _MAX_PAGE:
                break
        if not self._seen.strip():
            return IncompleteResultError(f"the body is empty: expected {expected}", result_format=result_format)
        text = text_of_html(self._seen.decode("utf-8", "replace"))
        met = repr(text) if text else "a page without text"
        return UnexpectedContentError(f"expected {expected}, met {met}", result_format=result_format)


# -- html --------------------------------------------------------------------------------------------------------------


def html_rows(payload: Payload) -> Iterator[tuple[bool, list[str]]]:
    """Read a table of HTML, row by row.

    Yields
    ------
    tuple of bool and list of str
        Whether the row is one of headings, and the texts of its cells; one that spans columns is repeated over them.

    Raises
    ------
    UnexpectedContentError
        It is another page.
    IncompleteResultError
        The body is empty, or the table is not closed.
    PayloadError, PayloadLimitError
        It is no bare table, not UTF-8, or passes a limit.
    """
    start = _Start(payload.chunks)
    table = _Table(payload.max_row_bytes)
    text = ""
    # Pieces end with a row, so no character reference is cut in two.
    for text in _texts(start, end=b"</tr>", result_format=Html.name, max_row_bytes=payload.max_row_bytes):
        yield from table.read(text)
        if table.is_foreign:
            break
    if table.is_foreign or (table.place == "before" and not _begins(text, "<table>")):
        raise start.unexpected("a table of HTML", Html.name)
    table.finish()


def _begins(text: str, expected: str) -> bool:
    met = text.strip(_SPACE).lower()
    return bool(met) and expected.startswith(met)


class _Table(HTMLParser):
    """A bare table, read as its markup arrives.

    Parameters
    ----------
    max_row_size
        Characters that one row may take.

    Attributes
    ----------
    place : {"before", "table", "row", "cell", "after"}
        Where in the table the parser is.
    is_foreign : bool
        Whether something else than a table stands first.
    """

    def __init__(self, max_row_size: int) -> None:
        super().__init__(convert_charrefs=True)
        self._max_row_size = max_row_size
        self.place: Literal["before", "table", "row", "cell", "after"] = "before"
        self.is_foreign = False
        self._rows: list[tuple[bool, list[str]]] = []
        self._cells: list[str] = []
        self._text: list[str] = []
        self._kinds: set[str] = set()
        self._kind = ""
        self._span = 1
        self._met = 0
        self._row_size = 0

    def read(self, text: str) -> Iterator[tuple[bool, list[str]]]:
        """Read on, and give the rows that are closed by it: whether each is one of headings, and its texts."""
        plain = _PLAIN.match(text) if self.place == "table" and not self.rawdata else None
        if plain:  # nearly all rows are, and reading them tag by tag takes twenty times as long
            for line in plain[0].split("</tr>")[:-1]:
                cells = line.lstrip(_SPACE)[len("<tr><td>") : -len("</td>")].split("</td><td>")
                self._met += 1
                yield False, list(map(unescape, cells)) if "&" in line else cells
        try:
            self.feed(text[plain.end() :] if plain else text)
        except AssertionError as exc:  # how some releases of Python refuse a declaration
            self._refuse(str(exc))
        yield from self._rows
        self._rows.clear()
        self._check_size(len(text))

    def _check_size(self, fed: int) -> None:
        self._row_size = self._row_size + fed if self.place in ("row", "cell") else 0
        if len(self.rawdata) > _MAX_MARKUP:
            message = f"row {self._met:,}: a tag or comment takes more than {_MAX_MARKUP:,} characters"
            raise PayloadLimitError(message, result_format=Html.name)
        if self._row_size > self._max_row_size:
            message = f"row {self._met:,} takes more than {self._max_row_size:,} characters"
            raise PayloadLimitError(message, result_format=Html.name)

    def finish(self) -> None:
        """Refuse a table that is not closed."""
        if self.place != "after":
            message = f"the body ends before the table does, after {self._met:,} rows, headings among them"
            raise IncompleteResultError(message, result_format=Html.name)
        if self.rawdata:
            raise self._surplus(self.rawdata)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open the table, a row or a cell; in a cell markup is passed over."""
        if self.is_foreign:
            return
        if tag == "table" and self.place == "before":
            self.place = "table"
        elif tag == "tr" and self.place == "table":
            self.place, self._cells, self._kinds = "row", [], set()
        elif tag in ("th", "td") and self.place == "row":
            self.place, self._kind, self._text = "cell", tag, []
            self._span = self._read_span(dict(attrs))
        elif self.place == "cell" and tag not in _STRUCTURE:
            if tag == "br":
                self._text.append("\n")
        elif not (self.place == "table" and tag in _PARTS):
            self._refuse(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened."""
        if self.is_foreign:
            return
        if tag == self._kind and self.place == "cell":
            self._close_cell()
        elif tag == "tr" and self.place == "row":
            self.place = "table"
            self._rows.append((self._kinds == {"th"}, self._cells))
            self._met += 1
        elif tag == "table" and self.place == "table":
            self.place = "after"
        elif not (self.place == "cell" and tag not in _STRUCTURE) and not (self.place == "table" and tag in _PARTS):
            self._refuse(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Keep the text of a cell; elsewhere there is none."""
        if self.place == "cell":
            self._text.append(data)
        elif data.strip(_SPACE):
            self._refuse(data)

    def handle_comment(self, data: str) -> None:
        """Refuse it: Looker writes none, pages do."""
        self._refuse(f"<!--{data}")

    def handle_decl(self, decl: str) -> None:
        """Refuse it: a table has no declarations, pages do."""
        self._refuse(f"<!{decl}")

    def unknown_decl(self, data: str) -> None:
        """Refuse it, as other declarations."""
        self._refuse(f"<![{data}")

    def handle_pi(self, data: str) -> None:
        """Refuse it: this is XML."""
        self._refuse(f"<?{data}")

    def _read_span(self, attrs: dict[str, str | None]) -> int:
        down, across = (attrs.get(name) or "1" for name in ("rowspan", "colspan"))
        # Browsers take 1,000 columns at most. Source: the HTML standard.
        if down != "1" or not re.fullmatch(r"1000|[1-9]\d{0,2}", across, re.ASCII):
            message = f"row {self._met:,}: a cell spans {shorten(down, 20)} rows and {shorten(across, 20)} columns"
            raise PayloadError(message, result_format=Html.name)
        if across != "1" and self._kind != "th":
            message = f"row {self._met:,}: a value spans {across} columns"
            raise PayloadError(message, result_format=Html.name)
        return int(across)

    def _close_cell(self) -> None:
        self.place = "row"
        self._kinds.add(self._kind)
        self._cells += ["".join(self._text)] * self._span
        if len(self._cells) > MAX_COLUMNS:
            message = f"row {self._met:,} has more than {MAX_COLUMNS:,} cells"
            raise PayloadLimitError(message, result_format=Html.name)

    def _refuse(self, found: str) -> None:
        if self.place == "before":
            self.is_foreign = True
        elif self.place == "after":
            raise self._surplus(found)
        elif not self.is_foreign:
            met = repr(shorten(found.strip(), _MAX_SHOWN))
            message = f"row {self._met:,}: {met} stands where a row or a cell is due; {APPENDED}"
            raise PayloadError(message, result_format=Html.name)

    def _surplus(self, found: str) -> PayloadError:
        message = f"text stands after the end of the table: {shorten(found.strip(), _MAX_SHOWN)!r}; {APPENDED}"
        return PayloadError(message, result_format=Html.name)


_PARTS = frozenset({"thead", "tbody", "tfoot"})
#: What no cell holds. Scripts are text to the parser, so what looks like the end of a table may stand in them.
_STRUCTURE = frozenset({"table", "tr", "td", "th", "script", "style", *_PARTS})


# -- md ----------------------------------------------------------------------------------------------------------------


def md_rows(payload: Payload) -> Iterator[list[str]]:
    """Read a table of Markdown, row by row.

    Yields
    ------
    list of str
        The texts of each line but the second, the one of dashes.

    Raises
    ------
    UnexpectedContentError
        It is no such table.
    IncompleteResultError
        The body is empty; or a line is not ended, and nothing proves that it is whole.
    PayloadError, PayloadLimitError
        A line is no row, not UTF-8, or passes a limit.
    """
    start = _Start(payload.chunks)
    number = -1
    for number, line in enumerate(_md_lines(start, whole=payload.whole, max_row_bytes=payload.max_row_bytes)):
        cells = _md_cells(line)
        if number == 1 and not (cells and all(map(_RULE.fullmatch, cells))):
            raise start.unexpected("a table of Markdown, its second line of dashes", Md.name)
        if cells is None:
            message = f"line {number + 1:,} is no row between pipes: {shorten(line, _MAX_SHOWN)!r}; {APPENDED}"
            raise PayloadError(message, result_format=Md.name)
        if number != 1:
            yield cells
    if number < 1:
        message = "the body ends before the line of dashes below the headings"
        raise IncompleteResultError(message, result_format=Md.name)


def _md_lines(start: _Start, *, whole: bool, max_row_bytes: int) -> Iterator[str]:
    begun = False
    for piece in _texts(start, end=b"\n", result_format=Md.name, max_row_bytes=max_row_bytes):
        if not begun and not piece.startswith("|"):
            raise start.unexpected("a table of Markdown", Md.name)
        begun = True
        *lines, last = piece.split("\n")
        yield from (line.removesuffix("\r") for line in lines)
        if last and not whole:
            message = f"the last line is not ended; it is {shorten(last, _MAX_SHOWN)!r}; {APPENDED}"
            raise IncompleteResultError(message, result_format=Md.name)
        if last:
            yield last


def _md_cells(line: str) -> list[str] | None:
    if "\\" not in line:
        if len(line) < len("||") or line[0] != "|" or line[-1] != "|":
            return None
        return [cell.strip(_BLANK) for cell in line[1:-1].split("|")]
    if not _LINE.fullmatch(line):
        return None
    return [_ESCAPED.sub(r"\1", cell.strip(_BLANK)) for cell in _CELL.findall(line, 1)]
