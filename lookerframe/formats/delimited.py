"""``csv`` and ``txt``: lines of cells with commas or tabs between them.

Sources: every line, the last too, ends in a line feed (documented); labels head the columns, and cells with a comma are
quoted (recorded). Assumed is quoting after RFC 4180 for the rest, in ``txt`` as in ``csv``; carriage returns before
line feeds and a byte order mark are accepted. A cell without text is null. So is ``""``, if the headings are all quoted:
then quotes say nothing; otherwise it is an empty text.

Nothing in these formats says how many rows there are: a body that was cut between two rows passes for a whole one.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, NoReturn

import pyarrow as pa
import pyarrow.csv as arrow_csv

from lookerframe.exceptions import IncompleteResultError, PayloadError, PayloadLimitError, UnexpectedContentError
from lookerframe.formats.text_tables import decode_table
from lookerframe.render import shorten, text_of_html
from lookerframe.rows import MAX_ROW_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np

    from lookerframe.columns import Decoding
    from lookerframe.payload import Payload
    from lookerframe.result import Result

    Bytes = np.ndarray[tuple[int], np.dtype[np.uint8]]
    Places = np.ndarray[tuple[int], np.dtype[np.int64]]

#: Bytes of rows that are read at once; where they end depends on the body alone, not on how it arrives.
BLOCK_BYTES = 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_QUOTE, _LINE_FEED, _RETURN = b'"\n\r'
_HTML = re.compile(rb"\s*<[!?a-zA-Z]")
_MAX_SHOWN = 500


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
    lines = DelimitedRows(payload.chunks, separator=separator, result_format=name, whole=payload.whole)
    return decode_table(name, [lines.heading()], lines.batches(), payload, decoding)


class DelimitedRows:
    """The rows of a delimited text, in blocks of whole ones.

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
        self._offset = self._line = 0
        self._names: list[str] = []
        self._quotes_all = False

    # -- reading -------------------------------------------------------------------------------------------------------

    def heading(self) -> list[str]:
        """Read the first row.

        Raises
        ------
        IncompleteResultError
            The body ends before the row does.
        UnexpectedContentError
            The body is a page of HTML.
        PayloadError
            The row is not UTF-8, or has a quote out of place.
        """
        self._fill(len(_BOM))
        if self._buffer.startswith(_BOM):
            self._drop(len(_BOM))
        self._fill(self._block_bytes)
        if _HTML.match(self._buffer):
            page = text_of_html(self._buffer[: 16 * 1024].decode("utf-8", "replace"))
            message = f"expected lines of cells, met a page of HTML: {page!r}"
            raise UnexpectedContentError(message, result_format=self._format)
        spelt = self._first_row()
        cells = next(csv.reader(io.StringIO(spelt, newline=""), delimiter=self._separator), [])
        self._names = [str(place) for place in range(len(cells))]
        quoted = sum(text.startswith('"') for text in spelt.split(self._separator)) if cells else 0
        self._quotes_all = bool(cells) and quoted >= len(cells)
        return cells
