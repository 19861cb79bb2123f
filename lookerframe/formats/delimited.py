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
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from lookerframe.exceptions import IncompleteResultError, PayloadError, PayloadLimitError, UnexpectedContentError
from lookerframe.formats.text_tables import decode_table
from lookerframe.render import shorten, text_of_html
from lookerframe.rows import MAX_ROW_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import numpy as np

    from lookerframe.columns import Column, Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result

    Places: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
    Characters: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]
    Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

#: Bytes of rows that are read at once. Where they end depends on the body alone, not on how it arrives.
BLOCK_BYTES = 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'
_BLANK, _TAB, _PLUS, _MINUS, _POINT, _ZERO, _NINE = b" \t+-.09"
_HTML = re.compile(rb"\s*<(?:!|\?xml|html|head|body)", re.IGNORECASE)
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
    rows = DelimitedRows(payload.chunks, separator=separator, result_format=name, whole=payload.whole)
    return decode_table(name, [rows.heading()], rows.batches(), payload, decoding, expect=rows.expect)


@dataclass(frozen=True, slots=True)
class _Block:
    """Some whole rows.

    Attributes
    ----------
    text
        Their bytes; a line feed is the last.
    lines
        How many line feeds are in them.
    quotes
        Where in `text` quotes are; None without any.
    """

    text: bytes
    lines: int
    quotes: Places | None = None

    @classmethod
    def of(cls, text: bytes, *, single: bool) -> _Block:
        """Take the rows that are whole, or a `single` one, off the front of `text`, which begins with a row."""
        quotes = _find(text, _QUOTE) if _QUOTE in text else None
        if quotes is None:
            size = 1 + (text.find(b"\n") if single else text.rfind(b"\n"))
        elif single:
            ends = _outside(text, quotes, _LINE_FEED)
            size = int(ends[0]) + 1 if len(ends) else 0
        else:
            size = _end_of_rows(text, quotes)
        found = None if quotes is None else quotes[: quotes.searchsorted(size)]
        rows = text[:size]
        return cls(rows, _count(rows, _LINE_FEED), found)

    def outside(self, character: int) -> Places:
        """Find a character outside of quotes."""
        return _find(self.text, character) if self.quotes is None else _outside(self.text, self.quotes, character)


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
        self._chunks = iter(chunks)
        self._separator = separator
        self._format = result_format
        self._whole = whole
        self._block_bytes = block_bytes
        self._max_row_bytes = max_row_bytes
        self._buffer = bytearray()
        self._ended = False
        self._offset = self._line = 0  # where the rows begin that are being read
        self._width = 0
        self._types: Mapping[int, pa.DataType] = {}
        self._quotes_say_nothing = False

    # -- reading -------------------------------------------------------------------------------------------------------

    def heading(self) -> list[str]:
        """Read the first row; it has no cells if nothing stands in it.

        Raises
        ------
        UnexpectedContentError
            The body is a page of HTML.
        IncompleteResultError, PayloadError, PayloadLimitError
            See `batches`.
        """
        self._fill(len(_BOM))
        if self._buffer.startswith(_BOM):
            del self._buffer[: len(_BOM)]
            self._offset = len(_BOM)
        self._fill(self._block_bytes)
        if _HTML.match(self._buffer):
            page = text_of_html(self._buffer[:_MAX_PAGE].decode("utf-8", "replace"))
            message = f"expected lines of cells, met a page of HTML: {page!r}"
            raise UnexpectedContentError(message, result_format=self._format)
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
                # Only one chunk, as a rule; combining would copy it.
                yield tuple(c.chunk(0) if c.num_chunks == 1 else c.combine_chunks() for c in columns)
            elif block.text.strip(b"\r\n"):
                self._refuse(block, None)
            self._pass(block)

    # -- bytes to blocks -----------------------------------------------------------------------------------------------

    def _fill(self, size: int) -> None:
        while len(self._buffer) < size and not self._ended:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._ended = True
            else:
                self._buffer += chunk

    def _take(self, *, single: bool = False) -> _Block | None:
        """Take whole rows out of the buffer, a `single` one or several; None at the end of the body."""
        size = self._block_bytes
        while True:
            self._fill(size)
            if not self._buffer:
                return None
            with memoryview(self._buffer) as buffer:
                text = bytes(buffer[:size])
            block = _Block.of(text, single=single)
            if block.text:
                self._check(block)
                del self._buffer[: len(block.text)]
                return block
            if len(self._buffer) < size:
                self._end_last_row()
            elif size >= self._max_row_bytes:
                message = f"line {self._line + 1:,} takes more than {self._max_row_bytes:,} bytes"
                raise PayloadLimitError(message, result_format=self._format, offset=self._offset)
            else:
                size = min(2 * size, self._max_row_bytes)

    def _pass(self, block: _Block) -> None:
        self._line += block.lines
        self._offset += len(block.text)

    def _end_last_row(self) -> None:
        """Refuse a row that no line feed ends, unless the body is known to be whole."""
        rest = bytes(self._buffer)
        quotes = _find(rest, _QUOTE)
        self._check(_Block(rest + b"\n", 1, quotes if len(quotes) else None))
        if self._whole and len(quotes) % 2 == 0:
            self._buffer += b"\n"
            return
        ends = "in quotes that are not closed" if len(quotes) % 2 else "without the line feed that ends a row"
        message = f"the body ends within line {self._line + 1:,}, {ends}: {_shown(rest)}"
        raise IncompleteResultError(message, result_format=self._format, offset=self._offset + len(rest))

    def _check(self, block: _Block) -> None:
        """Refuse what would be read otherwise than it was meant."""
        places: list[tuple[int, str]] = []
        if (zero := block.text.find(0)) >= 0:
            places.append((zero, "there is a zero byte"))
        if block.quotes is not None:
            places += [(place, "a quote stands within a cell") for place in _misplaced(block, ord(self._separator))]
        if _RETURN in block.text:
            places += [(place, "a carriage return stands alone, outside of quotes") for place in _bare_returns(block)]
        if places:
            place, what = min(places)
            raise self._error(block, place, what)

    # -- blocks to cells -----------------------------------------------------------------------------------------------

    def _cells(self, block: _Block) -> list[str]:
        """Read the one row of a block."""
        text = self._decoded(block)
        try:
            cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=self._separator), [])
        except csv.Error as exc:
            message = f"the headings cannot be read: {exc}"
            raise PayloadError(message, result_format=self._format, offset=self._offset) from exc
        self._pass(block)
        return cells

    def _typed(self, block: _Block) -> pa.Table | None:
        """Read a block with the expected types; None where a text may have been taken for what it does not spell."""
        types = self._types
        if b"x" in block.text or b"X" in block.text:  # Arrow takes hexadecimal numbers for integers
            types = {place: kind for place, kind in types.items() if not pa.types.is_integer(kind)}
        if types and not types.keys().isdisjoint(self._doubtful(block)):
            return None
        try:
            table = self._parsed(block, types) if types else None
        except pa.ArrowInvalid:
            return None
        plain = table is not None and all(_is_plain(table.column(place), kind) for place, kind in types.items())
        return table if plain else None

    def _doubtful(self, block: _Block) -> set[int]:
        """Find columns with texts that Arrow takes for values, but JSON's readers do not: `` 7``, ``.5``, ``007``."""
        import numpy as np

        separator = ord(self._separator)
        places = _doubts(block, separator)
        if not len(places):
            return set()
        ends = np.sort(np.concatenate([block.outside(separator), block.outside(_LINE_FEED)]))
        return set((np.searchsorted(ends, places) % self._width).tolist())

    def _parsed(self, block: _Block, types: Mapping[int, pa.DataType]) -> pa.Table:
        names = list(map(str, range(self._width)))
        # Arrow drops a byte order mark, which is a character of a cell here.
        text = _BOM + block.text if block.text.startswith(_BOM) else block.text
        try:
            table = arrow_csv.read_csv(
                pa.BufferReader(text),
                read_options=arrow_csv.ReadOptions(column_names=names, block_size=2 * MAX_ROW_BYTES),
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
        if table.num_rows != block.lines and table.num_rows != len(block.outside(_LINE_FEED)):
            self._refuse(block, None)
        return table

    def _refuse(self, block: _Block, cause: pa.ArrowInvalid | None) -> NoReturn:
        """Say why a block is no table."""
        import numpy as np

        self._decoded(block)
        ends, separators = block.outside(_LINE_FEED), block.outside(ord(self._separator))
        widths = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
        wrong = np.flatnonzero(widths != self._width)
        if not len(wrong):
            message = f"the rows from line {self._line + 1:,} on cannot be told apart"
            raise PayloadError(message, result_format=self._format, offset=self._offset) from cause
        start = int(ends[wrong[0] - 1]) + 1 if wrong[0] else 0
        what = (
            f"the headings have {self._width:,} cells, this row has {widths[wrong[0]]:,}; "
            "Looker appends the text of an error to rows that it has sent already"
        )
        raise self._error(block, start, what)

    def _decoded(self, block: _Block) -> str:
        try:
            return block.text.decode()
        except UnicodeDecodeError as exc:
            message = f"not UTF-8: byte 0x{exc.object[exc.start]:02x}"
            raise PayloadError(message, result_format=self._format, offset=self._offset + exc.start) from None

    def _error(self, block: _Block, place: int, what: str) -> PayloadError:
        line = self._line + 1 + block.text.count(b"\n", 0, place)
        start = block.text.rfind(b"\n", 0, place) + 1
        message = f"line {line:,}: {what}: {_shown(block.text[start:])}"
        return PayloadError(message, result_format=self._format, offset=self._offset + place)


def _is_plain(column: pa.ChunkedArray, kind: pa.DataType) -> bool:
    """Tell whether all values are within the bounds where Arrow's reading of text is exact and that of JSON."""
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or column.null_count == len(column):
        return True
    bounds = pc.min_max(column)
    if pa.types.is_floating(kind):
        least, most = bounds["min"].as_py(), bounds["max"].as_py()
        # Beyond are integers that change, infinities, and what is no number at all.
        return least > -_EXACT and most < _EXACT and not pc.any(pc.is_nan(column)).as_py()
    return bool(pc.greater_equal(bounds["min"], pa.scalar(_FIRST_DAY).cast(kind)).as_py())


def _count(text: bytes, character: int) -> int:
    import numpy as np

    return int(np.count_nonzero(np.frombuffer(text, np.uint8) == character))


def _find(text: bytes, character: int) -> Places:
    import numpy as np

    return np.flatnonzero(np.frombuffer(text, np.uint8) == character)


def _end_of_rows(text: bytes, quotes: Places) -> int:
    """Find the end of the last row: after a line feed that an even number of quotes stands before."""
    size = len(text)
    while (size := text.rfind(b"\n", 0, size) + 1) and (before := int(quotes.searchsorted(size))) % 2:
        size = int(quotes[before - 1])
    return size


def _outside(text: bytes, quotes: Places, character: int) -> Places:
    """Find a character outside of quotes: after an even number of them."""
    import numpy as np

    places = _find(text, character)
    found: Places = places[np.searchsorted(quotes, places) % 2 == 0]
    return found


def _misplaced(block: _Block, separator: int) -> list[int]:
    """Find the first quote that neither begins nor ends a cell, and is not doubled within one.

    Without such a one, counting quotes tells what is inside: the first, third, ... of a block open, the others close,
    and of two that stand together the first closes and the second opens again.
    """
    import numpy as np

    characters = np.frombuffer(block.text, np.uint8)
    opening, closing = block.quotes[::2], block.quotes[1::2]  # type: ignore[index]
    edges = np.zeros(256, np.bool_)
    edges[[separator, _LINE_FEED, _QUOTE]] = True
    before = edges[characters[opening - 1]] | (opening == 0)
    edges[_RETURN] = True
    after = edges[characters[closing + 1]]
    return [int(places[0]) for places in (opening[~before], closing[~after]) if len(places)]


def _doubts(block: _Block, separator: int) -> Places:
    """Find where cells begin with blanks, ``+``, ``.``, ``-0`` or a zero before digits, or end with blanks or ``.``.

    So is ``1.e`` found. Separators and line breaks inside of quotes pass for edges, so that too much may be found; what
    stands beside a letter is left out, for it is no number.
    """
    import numpy as np

    text = np.frombuffer(block.text, np.uint8)
    edges = text == separator
    edges |= text == _LINE_FEED
    opening = closing = edges
    if block.quotes is not None:
        opening, closing = edges.copy(), edges.copy()
        opening[block.quotes[::2]] = closing[block.quotes[1::2]] = True
    if _RETURN in block.text:
        closing = closing | (text == _RETURN)
    found = text[1:] <= _ZERO
    found &= opening[:-1]
    starts = np.append(0, np.flatnonzero(found) + 1)
    np.less(text[:-1], _ZERO, out=found)
    found &= closing[1:]
    stops = np.flatnonzero(found)
    np.equal(text[:-1], _POINT, out=found)
    found &= text[1:] > _NINE
    points = np.flatnonzero(found)
    starts = starts[_begins_oddly(text, starts, separator)]
    stops = stops[_ends_oddly(text, stops, separator)]
    return np.concatenate([starts, stops, points[text[points - 1] <= _NINE]])


def _begins_oddly(text: Characters, starts: Places, separator: int) -> Flags:
    import numpy as np

    first, second, third = (text.take(starts + place, mode="clip") for place in range(3))
    signed = first == _MINUS
    digit, after = np.where(signed, second, first), np.where(signed, third, second)
    # A separator after another is the end of an empty cell, but not one after a quote.
    is_blank = (first == _BLANK) | (first == _TAB) & ((separator != _TAB) | (text[starts - 1] == _QUOTE))
    is_code = (digit == _ZERO) & ((after >= _ZERO) & (after <= _NINE) | signed & (after != _POINT))
    found: Flags = (is_blank | (first == _PLUS) | (digit == _POINT)) & (after <= _NINE) | is_code
    return found


def _ends_oddly(text: Characters, stops: Places, separator: int) -> Flags:
    last = text[stops]
    is_blank = (last == _BLANK) | (last == _TAB) & ((separator != _TAB) | (text[stops + 1] == _QUOTE))
    found: Flags = (is_blank | (last == _POINT)) & (text[stops - 1] <= _NINE)
    return found


def _bare_returns(block: _Block) -> list[int]:
    """Find the first carriage return outside of quotes that no line feed follows."""
    import numpy as np

    returns = block.outside(_RETURN)
    alone = returns[np.frombuffer(block.text, np.uint8)[returns + 1] != _LINE_FEED]
    return [int(place) for place in alone[:1]]


def _shown(text: bytes) -> str:
    return repr(shorten(text[: 4 * _MAX_SHOWN].decode("utf-8", "replace").strip(), _MAX_SHOWN))
