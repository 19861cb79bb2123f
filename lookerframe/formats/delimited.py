"""``csv`` and ``txt``: lines of cells with commas or tabs between them.

Sources: every line, the last too, ends in a line feed (documented); labels head the columns, and cells with a comma are
quoted (recorded). Assumed is quoting after RFC 4180 for the rest, in ``txt`` as in ``csv``; carriage returns before
line feeds and a byte order mark are accepted. A cell without text is null. So is ``""`` if the headings are all quoted,
for then quotes say nothing; otherwise it is an empty text.

Nothing in these formats says how many rows there are: a body that was cut between two rows passes for a whole one.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from lookerframe import arrays
from lookerframe.exceptions import IncompleteResultError, PayloadError, PayloadLimitError, UnexpectedContentError
from lookerframe.formats.blocks import LINE_FEED, QUOTE, Block, Body, find
from lookerframe.formats.text_tables import decode_table
from lookerframe.payload import MAX_ROW_BYTES
from lookerframe.render import shorten, text_of_html
from lookerframe.rows import APPENDED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lookerframe.columns import Column, Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result

#: Bytes of rows that are read at once. Where they end depends on the body alone, not on how it arrives.
BLOCK_BYTES = 2 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_HTML = re.compile(rb"\s*<(?:!|\?xml|html|head|body)", re.IGNORECASE)
_JSON = re.compile(rb'\s*[\[{]\s*[{"]')
_MAX_PAGE = 16 * 1024
_MAX_SHOWN = 500


#: Types that Arrow reads from text as JSON's readers do, within the bounds of `_is_plain`.
_PLAIN = frozenset({pa.int64(), pa.float64(), pa.bool_(), pa.date32(), pa.timestamp("us")})
_TRUE, _FALSE = ("Yes", "true"), ("No", "false")
_EXACT = float(2**53)
_FIRST_DAY = dt.date(1, 1, 1)


class Csv:
    """Decoder of ``csv``."""

    name = "csv"

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        return _decode(payload, decoding, name=self.name, separator=",")


class Txt:
    """Decoder of ``txt``."""

    name = "txt"

    def decode(self, payload: Payload, decoding: Decoding) -> Result:
        """Turn a payload into a result, its first batch read; see `formats.decode`."""
        return _decode(payload, decoding, name=self.name, separator="\t")


def _decode(payload: Payload, decoding: Decoding, *, name: str, separator: str) -> Result:
    rows = DelimitedRows(
        payload.chunks,
        separator=separator,
        result_format=name,
        whole=payload.whole,
        max_row_bytes=payload.max_row_bytes,
    )
    return decode_table(name, [rows.heading()], rows.batches(), payload, decoding, expect=rows.expect)


class DelimitedRows:
    """The rows of a delimited text, some at a time.

    Parameters
    ----------
    chunks
        The body, cut anywhere.
    separator
        What stands between two cells.
    result_format
        For messages.
    whole
        Whether the body is known to be all there, so that its last row need not end in a line feed.
    block_bytes, max_row_bytes
        How much is read at once, and how much one row may take.
    """

    def __init__(
        self,
        chunks: Iterable[bytes],
        *,
        separator: str,
        result_format: str,
        whole: bool = False,
        block_bytes: int = BLOCK_BYTES,
        max_row_bytes: int = MAX_ROW_BYTES,
    ) -> None:
        self._body = Body(chunks)
        self._separator = separator
        self._format = result_format
        self._whole = whole
        self._block_bytes = block_bytes
        self._max_row_bytes = max_row_bytes
        self._offset = self._line = 0  # where the rows begin that are being read
        self._width = 0
        self._types: dict[int, pa.DataType] = {}
        self._numbers: frozenset[int] = frozenset()
        self._quotes_say_nothing = False

    # -- reading -------------------------------------------------------------------------------------------------------

    def heading(self) -> list[str]:
        """Read the first row; it has no cells if nothing stands in it.

        Raises
        ------
        UnexpectedContentError
            The body is a page of HTML, or JSON.
        IncompleteResultError, PayloadError, PayloadLimitError
            See `batches`.
        """
        mark = self._body.take(len(_BOM))
        if mark == _BOM:
            self._offset = len(_BOM)
        else:
            self._body.give_back(mark)
        text = self._body.take(self._block_bytes)
        if _HTML.match(text):
            page = text_of_html(text[:_MAX_PAGE].decode("utf-8", "replace"))
            message = f"expected lines of cells, met a page of HTML: {page!r}"
            raise UnexpectedContentError(message, result_format=self._format)
        if _JSON.match(text):
            message = f"expected lines of cells, met JSON: {_shown(text)}"
            raise UnexpectedContentError(message, result_format=self._format)
        self._body.give_back(text)
        block = self._take(single=True)
        if block is None:
            message = "the body is empty: not even headings have come"
            raise IncompleteResultError(message, result_format=self._format)
        cells = self._cells(block)
        all_quoted = self._separator.join('"' + cell.replace('"', '""') + '"' for cell in cells)
        self._quotes_say_nothing = block.text.rstrip(b"\r\n") == all_quoted.encode() != b""
        self._width = len(cells)
        return cells

    def expect(self, columns: Mapping[int, Column]) -> None:
        """Say what the columns are, by their places; that saves making texts of those of plain types."""
        types = {place: column.reader.arrow_type for place, column in columns.items()}
        self._types = {place: kind for place, kind in types.items() if kind in _PLAIN}
        # They are of integers if all values are: so they are taken to be, until one is not.
        self._numbers = frozenset(place for place, column in columns.items() if column.reader is arrays.NUMBER)

    def batches(self) -> Iterator[tuple[pa.Array, ...]]:
        """Read all other rows.

        Yields
        ------
        tuple of pyarrow.Array
            One for each cell of the heading, of equal length: of texts, or of the type that is expected if all texts
            of some rows are plainly of theirs.

        Raises
        ------
        PayloadError
            A row has another number of cells than the heading; quotes or carriage returns are out of place; there are
            zero bytes, or bytes that are not UTF-8.
        IncompleteResultError
            The body ends within a row.
        PayloadLimitError
            One row takes too many bytes.
        """
        while (block := self._take()) is not None:
            if self._width:
                columns = (self._typed(block) or self._parsed(block, {})).columns
                yield tuple(self._array(place, column) for place, column in enumerate(columns))
            elif block.text.strip(b"\r\n"):
                self._refuse(block, None)
            self._pass(block)

    # -- bytes to blocks -----------------------------------------------------------------------------------------------

    def _take(self, *, single: bool = False) -> Block | None:
        """Take whole rows off the body, a `single` one or several; None at its end."""
        size = self._block_bytes
        while text := self._body.take(size):
            is_last = len(text) < size
            block, rest = Block.cut(text, ord(self._separator), single=single)
            if block.text:
                self._body.give_back(rest)
                self._check(block)
                return block
            if is_last:
                self._body.give_back(self._ended(rest))
                continue
            if size >= self._max_row_bytes:
                message = f"line {self._line + 1:,} takes more than {self._max_row_bytes:,} bytes"
                raise PayloadLimitError(message, result_format=self._format, offset=self._offset)
            self._body.give_back(rest)
            size = min(2 * size, self._max_row_bytes)
        return None

    def _pass(self, block: Block) -> None:
        self._line += block.lines
        self._offset += len(block.text)

    def _ended(self, row: bytearray) -> bytearray:
        """End a row that no line feed ends, if the body is known to be whole; else refuse it."""
        quotes = find(row, QUOTE)
        line = row + b"\n"
        self._check(Block(line, ord(self._separator), 1, quotes if len(quotes) else None))
        if self._whole and len(quotes) % 2 == 0:
            return line
        ends = "in quotes that are not closed" if len(quotes) % 2 else "without the line feed that ends a row"
        message = f"the body ends within line {self._line + 1:,}, {ends}: {_shown(row)}; {APPENDED}"
        raise IncompleteResultError(message, result_format=self._format, offset=self._offset + len(row))

    def _check(self, block: Block) -> None:
        """Refuse what would be read otherwise than it was meant."""
        places = [(place, "a quote stands within a cell") for place in block.misplaced_quotes()]
        places += [(place, "a carriage return stands alone, outside of quotes") for place in block.bare_returns()]
        if (zero := block.text.find(0)) >= 0:
            places.append((zero, "there is a zero byte"))
        if places:
            place, what = min(places)
            raise self._error(block, place, what)

    # -- blocks to cells -----------------------------------------------------------------------------------------------

    def _cells(self, block: Block) -> list[str]:
        """Read the one row of a block."""
        text = self._decoded(block)
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=self._separator), [])
        except csv.Error as exc:
            message = f"the headings cannot be read: {exc}"
            raise PayloadError(message, result_format=self._format, offset=self._offset) from exc
        self._pass(block)
        return cells

    def _typed(self, block: Block) -> pa.Table | None:
        """Read a block with the expected types, but for columns where a text may be taken for what it does not spell.

        None if no column is left, or the values of one are not within its type's bounds.
        """
        types = self._types | dict.fromkeys(self._numbers, pa.int64())
        if b"x" in block.text or b"X" in block.text:  # Arrow takes hexadecimal numbers for integers
            types = {place: kind for place, kind in types.items() if not pa.types.is_integer(kind)}
        doubtful = self._doubtful(block) if types else set()
        types = {place: kind for place, kind in types.items() if place not in doubtful}
        try:
            table = self._parsed(block, types) if types else None
        except pa.ArrowInvalid:
            if self._numbers.isdisjoint(types):
                return None
            self._numbers = frozenset()
            return self._typed(block)
        plain = table is not None and all(_is_plain(table.column(place), kind) for place, kind in types.items())
        return table if plain else None

    def _array(self, place: int, column: pa.ChunkedArray) -> pa.Array:
        if place in self._numbers and column.null_count == len(column):
            return pa.nulls(len(column))  # it says nothing of the type
        # Only one chunk, as a rule; combining would copy it.
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def _doubtful(self, block: Block) -> set[int]:
        """Find columns with texts that Arrow takes for values, but JSON's readers do not: `` 7``, ``.5``, ``007``."""
        places = block.odd_spellings()
        if not len(places):
            return set()
        ends = np.sort(np.concatenate([block.outside(block.separator), block.outside(LINE_FEED)]))
        return set((np.searchsorted(ends, places) % self._width).tolist())

    def _parsed(self, block: Block, types: Mapping[int, pa.DataType]) -> pa.Table:
        names = list(map(str, range(self._width)))
        # Arrow drops a byte order mark, which is a character of a cell here.
        text = _BOM + block.text if block.text.startswith(_BOM) else block.text
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(text),
                # In threads a block of this size is read no sooner, and costs more.
                read_options=arrow_csv.ReadOptions(
                    column_names=names, block_size=2 * len(block.text) + 1, use_threads=False
                ),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=self._separator,
                    newlines_in_values=True,
                    # In a table of one column an empty line is a row.
                    ignore_empty_lines=self._width > 1,
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types={name: types.get(place, pa.string()) for place, name in enumerate(names)},
                    true_values=_TRUE,
                    false_values=_FALSE,
                    null_values=[""],
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=self._quotes_say_nothing,
                ),
            )
        except pa.ArrowInvalid as exc:
            if types:
                raise
            self._refuse(block, exc)
        # Arrow passes over empty lines, which are rows of too few cells.
        if table.num_rows != block.lines and table.num_rows != len(block.outside(LINE_FEED)):
            self._refuse(block, None)
        return table

    def _refuse(self, block: Block, cause: pa.ArrowInvalid | None) -> NoReturn:
        """Say why a block is no table."""
        self._decoded(block)
        ends, separators = block.outside(LINE_FEED), block.outside(block.separator)
        widths = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
        wrong = np.flatnonzero(widths != self._width)
        if not len(wrong):
            message = f"the rows from line {self._line + 1:,} on cannot be told apart"
            raise PayloadError(message, result_format=self._format, offset=self._offset) from cause
        start = int(ends[wrong[0] - 1]) + 1 if wrong[0] else 0
        what = f"the headings have {self._width:,} cells, this row has {widths[wrong[0]]:,}; {APPENDED}"
        raise self._error(block, start, what)

    def _decoded(self, block: Block) -> str:
        try:
            return block.text.decode()
        except UnicodeDecodeError as exc:
            message = f"not UTF-8: byte 0x{exc.object[exc.start]:02x}"
            raise PayloadError(message, result_format=self._format, offset=self._offset + exc.start) from None

    def _error(self, block: Block, place: int, what: str) -> PayloadError:
        line = self._line + 1 + block.text.count(b"\n", 0, place)
        start = block.text.rfind(b"\n", 0, place) + 1
        message = f"line {line:,}: {what}: {_shown(block.text[start:])}"
        return PayloadError(message, result_format=self._format, offset=self._offset + place)


def _is_plain(column: pa.ChunkedArray, kind: pa.DataType) -> bool:
    """Tell whether all values are within the bounds where Arrow's reading of text is exact and that of JSON."""
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or column.null_count == len(column):
        return True
    if pa.types.is_floating(kind):
        # Beyond are integers that change, infinities, and what is no number at all.
        return bool(pc.all(pc.less(pc.abs(column), _EXACT)).as_py())
    return bool(pc.greater_equal(pc.min(column), pa.scalar(_FIRST_DAY).cast(kind)).as_py())


def _shown(text: bytearray) -> str:
    return repr(shorten(text[: 4 * _MAX_SHOWN].decode("utf-8", "replace").strip(), _MAX_SHOWN))
