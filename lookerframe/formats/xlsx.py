"""``xlsx``: a workbook of one sheet, its first rows the headings.

Sources: Looker's documentation (heading rows as in ``csv``, each pivot value repeated over its columns); ECMA-376
part 1, chapter 18, for the parts of a workbook. Assumed: one sheet, no formulas, empty cells for nulls.

Cells become the text that the other formats of text have, so that columns are typed alike. What a workbook cannot hold
cannot be got back: numbers are float64, so whole numbers from 2^53 on are no longer exact; a text ends after 32,767
characters, a sheet after 1,048,576 rows; rows that are empty at the end of a sheet are not in the file.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import math
import posixpath
import re
import struct
import zipfile
import zlib
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias
from xml.parsers import expat

from lookerframe import arrays
from lookerframe.exceptions import (
    ConversionError,
    IncompleteResultError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.fields import pivot_fields_of
from lookerframe.formats.markup import batches
from lookerframe.formats.text_tables import decode_table
from lookerframe.render import shorten, text_of_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pyarrow as pa

    from lookerframe.columns import Column, Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result

    Texts: TypeAlias = tuple[pa.StringArray, ...]

#: Bytes that a workbook may inflate to, and those of them that are its table of texts, which is held in memory.
MAX_INFLATED_BYTES = 1024 * 1024 * 1024
MAX_TEXT_BYTES = 256 * 1024 * 1024
_MAX_RATIO = 1_000
_RATIO_FREE = 1024 * 1024
_MAX_MEMBERS = 1_000
#: Bytes that one tag may take.
_MAX_MARKUP = 1024 * 1024
#: Empty cells that rows which are not in the file may stand for.
_MAX_BLANK = 1 << 24
_CHUNK = 64 * 1024

# Limits of the format itself. Source: Microsoft's "Excel specifications and limits".
_MAX_TEXT = 32_767
_MAX_ROWS = 1_048_576
_MAX_COLUMNS = 16_384

#: What `zipfile` raises for archives that are damaged.
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,  # a way of compression, or a version of the format, that zipfile does not know
    RuntimeError,
    ValueError,
)

_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})", re.ASCII)
_MERGE = re.compile(rb"<(?:\w+:)?mergeCell\s[^<>]*?\bref\s*=\s*[\"']([A-Z]{1,3}\d{1,7}):([A-Z]{1,3}\d{1,7})[\"']")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,14})", re.ASCII)  # fifteen digits are always exact
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
#: Parts of a number format that are text or colours, not codes of dates.
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hmsHMS]+\])[^\]]*\]')
_ELAPSED = re.compile(r"\[[hmsHMS]+\]")
#: Number formats that need not be written out: dates and times; 45 to 47 are spans of time.
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(50, 59)})
_SPANS = frozenset({45, 46, 47})
_EPOCH_1900 = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - a wall clock
_EPOCH_1904 = dt.datetime(1904, 1, 1)  # noqa: DTZ001
#: Days before are counted differently by different programs, for 1900 was no leap year.
_FIRST_SERIAL = 61
_MILLISECONDS = 86_400_000


class Xlsx:
    """Decoder of ``xlsx``."""

    name = "xlsx"

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        decoding.refuse_cells(self.name)
        book = Workbook(payload.read())
        pivots = len(payload.context.get("pivots") or ())
        if payload.fields is not None:
            metadata = payload.fields()
            payload = replace(payload, fields=lambda: metadata)
            pivots = len(pivot_fields_of(metadata))
        rows = book.rows()
        headings = filled(list(itertools.islice(rows, pivots + 1)), book.merged() if pivots else ())
        columns: dict[int, Column] = {}
        width = len(headings[-1])
        values = batches((row + [None] * (width - len(row)) for row in rows), headings, self.name)
        exact = _exact(values, columns, book.inexact, first_row=len(headings) + 1)
        return decode_table(self.name, headings, exact, payload, decoding, expect=columns.update)


def _exact(
    found: Iterable[Texts], columns: Mapping[int, Column], inexact: list[tuple[int, int, float]], *, first_row: int
) -> Iterator[Texts]:
    """Refuse whole numbers that may have been rounded; `columns` may be known only when the first rows are taken."""

    def check() -> None:
        for number, place, value in inexact if columns else ():
            if place in columns and columns[place].reader is not arrays.FLOAT:
                raise _rounded(columns[place], number - first_row, value)

    for texts in found:
        check()
        yield texts
        check()
        if columns:
            inexact.clear()


def _rounded(column: Column, row: int, value: float) -> ConversionError:
    name = column.field.name
    advice = (
        "xlsx keeps numbers as float64, which rounds whole ones from 2^53 on; fetch it in another format, "
        f"or give dtypes={{{name!r}: 'float64'}}"
    )
    arrow_type = str(column.reader.arrow_type or "int64")
    return ConversionError(name, row=row, value=int(value), arrow_type=arrow_type, advice=advice)


def filled(headings: list[list[str | None]], merged: Iterable[tuple[int, int, int, int]]) -> list[list[str]]:
    """Bring heading rows to one width, and repeat what stands once over merged cells.

    Parameters
    ----------
    headings
        The cells of each heading row, those that are empty at its end left out.
    merged
        First row, first column, last row, last column of each group of merged cells, from 0.

    Raises
    ------
    PayloadError
        There are none.
    """
    width = max(map(len, headings), default=0)
    if not width:
        message = "the sheet has no headings"
        raise PayloadError(message, result_format=Xlsx.name)
    rows = [[cell or "" for cell in row] + [""] * (width - len(row)) for row in headings]
    for top, left, bottom, right in merged:
        for row in rows[top : bottom + 1]:
            row[left : right + 1] = [rows[top][left]] * len(row[left : right + 1])
    return rows


@dataclass(frozen=True, slots=True)
class _Styles:
    """Which styles of cells make a number a date, or a span of time."""

    dates: frozenset[int]
    spans: frozenset[int]


class Workbook:
    """The one sheet of a workbook, read as a stream; see `rows`.

    Parameters
    ----------
    body
        The file.

    Raises
    ------
    UnexpectedContentError, IncompleteResultError
        It is no workbook, or not all of it.
    PayloadLimitError
        It inflates to too much.
    PayloadError
        It is damaged, has several sheets, or declares a document type.

    Attributes
    ----------
    inexact : list
        Whole numbers met that float64 may have rounded: row of the sheet, from 1, column, from 0, and value.
    """

    def __init__(self, body: bytes) -> None:
        self.inexact: list[tuple[int, int, float]] = []
        self._archive = _opened(body)
        book = self._target("", "/officeDocument")
        names, self._is_1904 = self._sheets(book)
        if len(names) != 1:
            message = f"the workbook has {len(names)} sheets, a result has one"
            raise PayloadError(message, result_format=Xlsx.name)
        self._sheet = self._target(book, "/worksheet", names[0])
        self._texts = self._read_texts(self._target(book, "/sharedStrings", required=False))
        self._styles = self._read_styles(self._target(book, "/styles", required=False))

    def rows(self) -> Iterator[list[str | None]]:
        """Give each row of the sheet as texts, up to its last cell; None for an empty cell.

        Raises
        ------
        PayloadError, PayloadLimitError
            A cell has no value: an error, a formula. Or the sheet is damaged, or passes a limit.
        """
        epoch = _EPOCH_1904 if self._is_1904 else _EPOCH_1900
        sheet = _Sheet(self._texts, self._styles, epoch, self.inexact)
        for _ in self._parsed(self._sheet, start=sheet.start, end=sheet.end, text=sheet.text):
            while sheet.rows:
                yield sheet.rows.popleft()
        if not sheet.ended:
            message = "the workbook's sheet has no place for rows"
            raise PayloadError(message, result_format=Xlsx.name)

    def merged(self) -> Iterator[tuple[int, int, int, int]]:
        """Give each group of merged cells: first row, first column, last row, last column, from 0."""
        rest = b""
        for chunk in self._chunks(self._sheet):
            rest = rest[-200:] + chunk
            for match in _MERGE.finditer(rest):
                (top, left), (bottom, right) = map(_place, (match[1].decode(), match[2].decode()))
                yield top, left, bottom, right

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _target(self, part: str, kind: str, identifier: str | None = None, *, required: bool = True) -> str:
        """Follow a relation of `part` to another part: by its kind, and by its identifier if there are several."""
        folder, name = posixpath.split(part)
        found: list[str] = []

        def start(tag: str, attrs: dict[str, str]) -> None:
            is_due = _local(tag) == "Relationship" and attrs.get("Type", "").endswith(kind)
            if is_due and identifier in (None, attrs.get("Id")):
                found.append(posixpath.normpath(posixpath.join("/", folder, attrs.get("Target", "")))[1:])

        self._parse(posixpath.join(folder, "_rels", f"{name}.rels"), start=start)
        if not found and required:
            raise _not_a_workbook(f"nothing leads to its {kind[1:]}")
        return found[0] if found else ""

    def _sheets(self, book: str) -> tuple[list[str], bool]:
        names: list[str] = []
        is_1904 = False

        def start(tag: str, attrs: dict[str, str]) -> None:
            nonlocal is_1904
            if _local(tag) == "sheet":
                names.append(next((value for key, value in attrs.items() if _local(key) == "id"), ""))
            elif _local(tag) == "workbookPr":
                is_1904 = attrs.get("date1904") in ("1", "true")

        self._parse(book, start=start)
        return names, is_1904

    def _read_texts(self, part: str) -> list[str]:
        if not part:
            return []
        if self._info(part).file_size > MAX_TEXT_BYTES:
            message = f"the workbook's texts inflate to more than {MAX_TEXT_BYTES:,} bytes"
            raise PayloadLimitError(message, result_format=Xlsx.name)
        texts = _Texts()
        self._parse(part, start=texts.start, end=texts.end, text=texts.text)
        return texts.found

    def _read_styles(self, part: str) -> _Styles:
        formats: dict[int, str] = {}
        styles: list[int] = []
        inside = False

        def start(tag: str, attrs: dict[str, str]) -> None:
            nonlocal inside
            name = _local(tag)
            inside = name == "cellXfs" if name.endswith("Xfs") else inside
            if name == "numFmt":
                formats[_count(attrs.get("numFmtId"))] = attrs.get("formatCode", "")
            elif name == "xf" and inside:
                styles.append(_count(attrs.get("numFmtId", "0")))

        def end(tag: str) -> None:
            nonlocal inside
            inside = inside and _local(tag) != "cellXfs"

        if part:
            self._parse(part, start=start, end=end)
        kinds = [_kind(number, formats) for number in styles]
        dates, spans = (frozenset(i for i, kind in enumerate(kinds) if kind == wanted) for wanted in ("date", "span"))
        return _Styles(dates, spans)

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def _info(self, part: str) -> zipfile.ZipInfo:
        try:
            return self._archive.getinfo(part)
        except KeyError:
            raise _not_a_workbook(f"it has no part {shorten(part, 100)!r}") from None

    def _chunks(self, part: str) -> Iterator[bytes]:
        info = self._info(part)
        try:
            with self._archive.open(info) as file:
                while chunk := file.read(_CHUNK):
                    yield chunk
        except _BROKEN as exc:
            message = f"the workbook is damaged: {shorten(str(exc), 200)}"
            raise PayloadError(message, result_format=Xlsx.name) from exc

    def _parse(self, part: str, **handlers: Callable[..., None]) -> None:
        for _ in self._parsed(part, **handlers):
            pass

    def _parsed(
        self,
        part: str,
        *,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Parse a part, with a pause after each chunk."""
        parser = expat.ParserCreate("utf-8", " ")  # whatever it declares: no program writes another
        parser.buffer_text = True
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = text
        parser.StartDoctypeDeclHandler = _refuse_doctype
        fed = 0
        try:
            for chunk in self._chunks(part):
                parser.Parse(chunk, False)  # noqa: FBT003 - the signature of expat
                fed += len(chunk)
                if fed - parser.CurrentByteIndex > _MAX_MARKUP:
                    message = f"a tag or comment takes more than {_MAX_MARKUP:,} bytes"
                    raise PayloadLimitError(message, result_format=Xlsx.name)
                yield
            parser.Parse(b"", True)  # noqa: FBT003
            yield
        except expat.ExpatError as exc:
            message = f"the workbook's part {shorten(part, 100)!r} is not well-formed XML: {exc}"
            raise PayloadError(message, result_format=Xlsx.name) from exc


def _opened(body: bytes) -> zipfile.ZipFile:
    if not body.startswith(b"PK"):
        start = text_of_html(body[:2000].decode("utf-8", "replace"))
        message = f"expected a workbook, met {start!r}" if body.strip() else "the body is empty: expected a workbook"
        kind = IncompleteResultError if body.strip() in (b"", b"P") else UnexpectedContentError
        raise kind(message, result_format=Xlsx.name)
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
        members = archive.infolist()
    # The directory is at the end. Without it there is no telling what else is missing.
    except _BROKEN as exc:
        message = f"the workbook is not whole: {shorten(str(exc), 200)}"
        raise IncompleteResultError(message, result_format=Xlsx.name) from exc
    size = sum(member.file_size for member in members)
    if size > MAX_INFLATED_BYTES or size > max(_RATIO_FREE, _MAX_RATIO * len(body)) or len(members) > _MAX_MEMBERS:
        message = f"{len(body):,} bytes inflate to {len(members):,} parts of {size:,} bytes"
        raise PayloadLimitError(message, result_format=Xlsx.name)
    if len({member.filename for member in members}) < len(members):
        raise _not_a_workbook("one of its parts is there twice")
    allowed = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    if any(member.flag_bits & 1 or member.compress_type not in allowed for member in members):
        raise _not_a_workbook("its parts are encrypted, or compressed in another way than by deflate")
    return archive


def _not_a_workbook(why: str) -> UnexpectedContentError:
    message = f"expected a workbook, met a zip archive that is none: {why}"
    return UnexpectedContentError(message, result_format=Xlsx.name)


def _refuse_doctype(*_declared: Any) -> None:
    message = "the workbook declares a document type, which may define entities; workbooks have none"
    raise PayloadError(message, result_format=Xlsx.name)


# -- what stands in a part ---------------------------------------------------------------------------------------------


class _Texts:
    """Handlers for the table of texts: each may be in several runs of different looks."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._runs: list[str] = []
        self._size = 0
        self._inside = self._phonetic = False

    def start(self, tag: str, _attrs: dict[str, str]) -> None:
        name = _local(tag)
        if name == "si":
            self._runs, self._size = [], 0
        elif name == "rPh":
            self._phonetic = True
        self._inside = name == "t" and not self._phonetic

    def text(self, text: str) -> None:
        if self._inside:
            self._runs.append(text)
            self._size += len(text)
            if self._size > _MAX_ESCAPED:
                raise _long_text(f"text {len(self.found):,}")

    def end(self, tag: str) -> None:
        name = _local(tag)
        self._inside = False
        if name == "rPh":
            self._phonetic = False
        elif name == "si":
            self.found.append(_unescaped("".join(self._runs), f"text {len(self.found):,}"))


class _Sheet:
    """Handlers for a sheet.

    Attributes
    ----------
    rows : deque
        The rows that have been read and not yet taken.
    ended : bool
        Whether the end of the rows was met.
    """

    def __init__(
        self, texts: list[str], styles: _Styles, epoch: dt.datetime, inexact: list[tuple[int, int, float]]
    ) -> None:
        self.rows: deque[list[str | None]] = deque()
        self.ended = False
        self._inexact = inexact
        self._texts = texts
        self._styles = styles
        self._epoch = epoch
        self._row: list[str | None] = []
        self._number = self._width = self._blank = 0
        self._column = 0
        self._attrs: dict[str, str] = {}
        self._parts: list[str] = []
        self._size = 0
        self._phonetic = self._keeps = self._in_cell = False

    def start(self, tag: str, attrs: dict[str, str]) -> None:
        name = _local(tag)
        if name == "row":
            self._open_row(attrs.get("r"))
        elif name == "c":
            self._open_cell(attrs)
        elif self._in_cell:
            if name == "f":
                message = f"cell {self._reference} has a formula; results have values alone"
                raise PayloadError(message, result_format=Xlsx.name)
            self._phonetic = self._phonetic or name == "rPh"
            self._keeps = name in ("v", "t") and not self._phonetic

    def text(self, text: str) -> None:
        if self._keeps:
            self._parts.append(text)
            self._size += len(text)
            if self._size > _MAX_ESCAPED:
                raise _long_text(f"cell {self._reference}")

    def end(self, tag: str) -> None:
        name = _local(tag)
        self._keeps = False
        if name == "c":
            self._row.append(self._value("".join(self._parts)) if self._parts else None)
            self._in_cell = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "row":
            self.rows.append(self._row)
            self._width = max(self._width, len(self._row))
        elif name == "sheetData":
            self.ended = True

    @property
    def _reference(self) -> str:
        return f"{_letters(self._column)}{self._number}"

    def _open_row(self, given: str | None) -> None:
        number = self._number + 1 if given is None else _count(given)
        if number <= self._number:
            message = f"row {number:,} stands after row {self._number:,} of the sheet"
            raise PayloadError(message, result_format=Xlsx.name)
        self._blank += (number - self._number - 1) * max(1, self._width)
        if number >= _MAX_ROWS or self._blank > _MAX_BLANK:
            message = (
                f"the sheet reaches row {number:,}: it is full, so rows may be missing; fetch it in another format"
            )
            raise PayloadLimitError(message, result_format=Xlsx.name)
        self.rows.extend([] for _ in range(self._number + 1, number))
        self._number, self._row = number, []

    def _open_cell(self, attrs: dict[str, str]) -> None:
        reference = attrs.get("r")
        column = len(self._row)
        if reference is not None:
            row, column = _place(reference)
            if row != self._number - 1 or column < len(self._row) or column >= _MAX_COLUMNS:
                message = (
                    f"cell {shorten(reference, 20)!r} stands in row {self._number:,}, after {len(self._row)} cells"
                )
                raise PayloadError(message, result_format=Xlsx.name)
        self._row += [None] * (column - len(self._row))
        self._column, self._attrs = column, attrs
        self._parts, self._size = [], 0
        self._in_cell, self._phonetic = True, False

    def _value(self, text: str) -> str:
        kind = self._attrs.get("t", "n")
        if kind == "s":
            place = int(text) if text.isdecimal() and len(text) <= len(str(_MAX_INDEX)) else len(self._texts)
            if place < len(self._texts):
                return self._texts[place]
        elif kind in ("str", "inlineStr"):
            return _unescaped(text, f"cell {self._reference}")
        elif kind == "b" and text in ("0", "1"):
            return "Yes" if text == "1" else "No"
        elif kind == "d":
            return text.replace("T", " ")
        elif kind == "n" and _NUMBER.fullmatch(text):
            return self._of_number(text)
        elif kind == "e":
            message = f"cell {self._reference} has the error {shorten(text, 40)} in place of a value"
            raise PayloadError(message, result_format=Xlsx.name)
        raise self._no_value(text)

    def _of_number(self, text: str) -> str:
        style = _count(self._attrs.get("s", "0"))
        if style in self._styles.dates:
            return self._of_date(text)
        if style in self._styles.spans:
            message = f"cell {self._reference} has a span of time, which no column of a result is"
            raise PayloadError(message, result_format=Xlsx.name)
        if _WHOLE.fullmatch(text):
            return text
        number = float(text)
        if not math.isfinite(number):
            raise self._no_value(text)
        if not number.is_integer():
            return repr(number)
        if abs(number) < _INEXACT:
            return str(int(number))
        self._inexact.append((self._number, self._column, number))
        return repr(number)

    def _of_date(self, text: str) -> str:
        serial = float(text)
        if not (_FIRST_SERIAL if self._epoch is _EPOCH_1900 else 0) <= serial < _MAX_INDEX:
            raise self._no_value(text)
        day = int(serial)
        try:
            moment = self._epoch + dt.timedelta(days=day, milliseconds=round((serial - day) * _MILLISECONDS))
        except OverflowError:
            raise self._no_value(text) from None
        if moment.time() == dt.time():
            return moment.date().isoformat()
        return moment.isoformat(" ", "milliseconds" if moment.microsecond else "seconds")

    def _no_value(self, text: str) -> PayloadError:
        kind = self._attrs.get("t", "n")
        message = f"cell {self._reference}: {shorten(text, 100)!r} is no value of its kind, {shorten(kind, 20)!r}"
        return PayloadError(message, result_format=Xlsx.name)


#: From here on float64 does not hold every whole number.
_INEXACT = 2**53
#: Whole numbers of the file that count something are smaller.
_MAX_INDEX = 2**31
#: Characters of a text whose every character may be escaped, as ``_x000D_``.
_MAX_ESCAPED = len("_x0000_") * _MAX_TEXT


def _local(name: str) -> str:
    """Leave out the namespace."""
    return name[name.rfind(" ") + 1 :]


def _count(text: str | None) -> int:
    if text is None or not text.isdecimal() or len(text) > len(str(_MAX_INDEX)):
        message = f"{shorten(text or '', 40)!r} stands where a workbook has a number"
        raise PayloadError(message, result_format=Xlsx.name)
    return int(text)


def _place(reference: str) -> tuple[int, int]:
    """Read ``C7``: row 6, column 2, both from 0."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        message = f"{shorten(reference, 20)!r} stands where a workbook has the place of a cell"
        raise PayloadError(message, result_format=Xlsx.name)
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(match[2]) - 1, column - 1


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _kind(number: int, formats: dict[int, str]) -> str:
    """Tell what a number format makes of a number: a date, a span of time, or nothing else."""
    code = formats.get(number)
    if code is None:
        return "date" if number in _DATES else "span" if number in _SPANS else ""
    codes = _LITERAL.sub("", code.split(";")[0])
    if _ELAPSED.search(codes):
        return "span"
    # `General` and `Standard` are words; all other letters of dates are codes.
    return "date" if re.search(r"[dmyhs]", re.sub(r"(?i)general|standard", "", codes), re.IGNORECASE) else ""


def _unescaped(text: str, where: str) -> str:
    """Undo ``_x000D_``, as characters are written that XML cannot hold."""
    if "_x" in text:
        text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    # Counted as spreadsheets do, in units of UTF-16.
    if len(text) > _MAX_TEXT // 2 and len(text.encode("utf-16-le")) // 2 >= _MAX_TEXT:
        raise _long_text(where)
    return text


def _long_text(where: str) -> PayloadLimitError:
    message = (
        f"{where} has as many characters as a cell can, {_MAX_TEXT:,}, so it may be cut; fetch it in another format"
    )
    return PayloadLimitError(message, result_format=Xlsx.name)
