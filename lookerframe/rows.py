"""Bytes of a JSON document → pieces of whole rows, and the envelope around them, in bounded memory.

Looker's JSON results are one large array of rows, alone (`json`) or as a member of an object (`data` in `json_detail`).
`RowArray` hands the array out in pieces, each a complete JSON array of some of the rows, and keeps what stands before
and after it.

A row starts with the same bytes each time, ``{"<first field>":``. They cannot stand inside a string, where a quote is
escaped, so the last of them in the buffer starts the last row, and the comma before it is a place to cut. Should it stand
in a nested object after all, the piece in front of it has a brace open and cannot be decoded: then, for that piece, the
structure is walked token by token. The end of the array is always found that way.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from lookerframe.exceptions import IncompleteResultError, PayloadError, PayloadLimitError, UnexpectedContentError
from lookerframe.render import shorten, text_of_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

#: Bytes of a piece: large enough that a call per piece costs nothing, small enough to stay in the processor's cache.
PIECE_BYTES = 384 * 1024
#: Bytes that one row may take.
MAX_ROW_BYTES = 64 * 1024 * 1024
#: Bytes that may stand around the rows: metadata, totals, subtotals.
MAX_ENVELOPE_BYTES = 256 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"
#: A string, whole or reaching to the end of what has arrived (then group 1 is not a quote), or a bracket.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("|\\?\Z)|[][{}]', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")
_COMMA = re.compile(rb"[ \t\r\n]*+,")
_ROW_START = re.compile(rb'\{[ \t\r\n]*+"[^"\\]*+(?:\\.[^"\\]*+)*+"[ \t\r\n]*+:', re.DOTALL)
_BYTE_OF = re.compile(r"\(byte (\d+)\)")


class RowArray:
    """The one large array of a JSON document, read in pieces.

    Parameters
    ----------
    chunks
        The document, cut anywhere.
    key
        The member of the top-level object that is the array; None where the array is the document.
    result_format
        For messages.
    piece_bytes, max_row_bytes, max_envelope_bytes
        Sizes in bytes. A piece is larger only where a single row is.

    Notes
    -----
    Use: `head`, then `pieces` to its end, then `envelope`.
    """

    def __init__(
        self,
        chunks: Iterable[bytes],
        *,
        key: str | None,
        result_format: str,
        piece_bytes: int = PIECE_BYTES,
        max_row_bytes: int = MAX_ROW_BYTES,
        max_envelope_bytes: int = MAX_ENVELOPE_BYTES,
    ) -> None:
        self._chunks = iter(chunks)
        self._key = key
        self._format = result_format
        self._piece_bytes = piece_bytes
        self._max_row_bytes = max_row_bytes
        self._max_envelope_bytes = max_envelope_bytes
        self._head = b""
        self._tail = b""
        self._rest = b""  # what has arrived after the array's opening bracket
        self._has_array = False
        self._offset = 0  # where `_rest`, later the buffer's first row, stands in the document
        self._after_comma = False

    # -- what stands before the rows ---------------------------------------------------------------------------------

    def head(self) -> dict[str, Any]:
        """Read up to the array, and return the members that stand before it.

        An array that is the document has no members. If the document ends without the array, all members are returned.

        Raises
        ------
        UnexpectedContentError
            The document is not of this kind: an HTML page, an object where an array is due, or the reverse.
        IncompleteResultError, PayloadError, PayloadLimitError
            It ends too early, is not JSON, or is too large before the array.
        """
        seen = self._first_bytes()
        bracket = b"[" if self._key is None else b"{"
        start = len(seen) - len(seen.lstrip(_WHITE))
        if seen[start : start + 1] != bracket:
            raise self._unexpected(seen[start:])
        if self._key is None:
            self._split(seen, start + 1)
            return {}
        while (found := _find_array(seen, self._key)) is None:
            if len(seen) > self._max_envelope_bytes:
                message = f"more than {self._max_envelope_bytes:,} bytes stand before the rows"
                raise PayloadLimitError(message, result_format=self._format, offset=len(seen))
            more = self._take(len(seen))
            if not more:
                self._head = seen
                return self._parse(seen)
            seen += more
        self._split(seen, found)
        return self._parse(self._head + b"]}")

    @property
    def has_array(self) -> bool:
        """Whether the document has the array at all; known after `head`."""
        return self._has_array

    def first_keys(self) -> tuple[str, ...]:
        """Return the member names of the first row, after `head` and before `pieces`; empty if there is no row."""
        seen = self._rest
        while (end := _first_row_end(seen)) is None and len(seen) <= self._max_row_bytes:
            more = self._take(max(len(seen), 1))
            if not more:
                break
            seen += more
        self._rest = seen
        return tuple(first_row(seen[:end].decode("utf-8", "replace"))) if end else ()

    def _split(self, seen: bytes, at: int) -> None:
        self._has_array = True
        self._head, self._rest = seen[:at], seen[at:]
        self._offset = at

    def _first_bytes(self) -> bytes:
        seen = b""
        for chunk in self._chunks:
            seen += chunk
            seen = seen.removeprefix(_BOM)
            if len(seen) > len(_BOM) and seen.strip(_WHITE):
                return seen
        if not seen.strip(_WHITE):
            message = "the body is empty; even a result without rows has some bytes of JSON"
            raise IncompleteResultError(message, result_format=self._format, offset=0)
        return seen

    def _take(self, at_least: int) -> bytes:
        # A search that failed is repeated only when twice as much has arrived: the sum stays linear.
        parts, size = [], 0
        for chunk in self._chunks:
            parts.append(chunk)
            size += len(chunk)
            if size >= at_least:
                break
        return b"".join(parts)

    def _unexpected(self, seen: bytes) -> PayloadError:
        start = seen[:2000].decode("utf-8", "replace")
        if start.startswith("<"):
            message = f"expected JSON, met a page of HTML or XML: {text_of_html(start, 200)!r}"
        else:
            due = "a JSON array of rows" if self._key is None else f"a JSON object with its rows in {self._key!r}"
            message = f"expected {due}, met {shorten(start, 120)!r}"
        return UnexpectedContentError(message, result_format=self._format, offset=0)

    # -- the rows ----------------------------------------------------------------------------------------------------

    def pieces(self, decode: Callable[[memoryview], T]) -> Iterator[T]:
        """Hand piece after piece to `decode` and yield what it makes of them.

        Parameters
        ----------
        decode
            Takes one JSON array of whole rows; the view is valid during the call only. `msgspec.DecodeError` (but not
            `ValidationError`) out of it means that the piece is not well-formed JSON.

        Raises
        ------
        IncompleteResultError
            The document ends before the array does.
        PayloadError, PayloadLimitError
            The rows are not well-formed JSON, or one is too large.
        """
        if not self._has_array:
            return
        buffer = bytearray(b"[" + self._rest)
        self._rest = b""
        want, row_start, at_end = self._piece_bytes, None, False
        while True:
            while len(buffer) < want and not at_end:
                chunk = next(self._chunks, None)
                at_end = chunk is None
                buffer += chunk or b""
            row_start = row_start or self._row_start(buffer)
            cut = _cut_before_last(buffer, row_start) if row_start else 0
            if cut and (done := self._decode(decode, buffer, cut)):
                yield done[0]
                self._drop(buffer, cut)
                want = self._piece_bytes
                continue
            cut, end = _walk(buffer)
            if end and buffer[end] != ord("]"):
                message = "the rows are closed by a brace"
                raise PayloadError(message, result_format=self._format, offset=self._offset + end - 1)
            if end:
                if piece := self._last_piece(buffer, end):
                    yield self._decoded(decode, buffer, piece)
                self._tail = bytes(buffer[end + 1 :])
                return
            if cut:
                yield self._decoded(decode, buffer, cut)
                self._drop(buffer, cut)
                want = self._piece_bytes
            elif at_end:
                message = "the body ends in the middle of the rows"
                raise IncompleteResultError(message, result_format=self._format, offset=self._offset + len(buffer) - 1)
            elif len(buffer) > self._max_row_bytes:
                message = f"one row takes more than {self._max_row_bytes:,} bytes"
                raise PayloadLimitError(message, result_format=self._format, offset=self._offset)
            else:
                want = 2 * len(buffer)

    def _row_start(self, buffer: bytearray) -> bytes | None:
        # The first row's own spelling, `{"view.field":`, white space included.
        start = _SPACE.match(buffer, 1).end()  # type: ignore[union-attr]
        match = _ROW_START.match(buffer, start)
        return match[0] if match else None

    def _drop(self, buffer: bytearray, cut: int) -> None:
        del buffer[1 : cut + 1]
        self._offset += cut
        self._after_comma = True

    def _last_piece(self, buffer: bytearray, end: int) -> int:
        # The bracket at `end` closes the array, so the piece is whole as it stands, or has no row in it.
        if buffer[1:end].strip(_WHITE):
            return end
        if self._after_comma:
            message = "a comma stands after the last row"
            raise PayloadError(message, result_format=self._format, offset=self._offset + end - 1)
        return 0

    def _decode(self, decode: Callable[[memoryview], T], buffer: bytearray, cut: int) -> tuple[T] | None:
        """Decode ``buffer[:cut]`` closed by a bracket; None if it is not well-formed after all."""
        try:
            return (self._decoded(decode, buffer, cut),)
        except PayloadError as exc:
            if isinstance(exc.__cause__, msgspec.DecodeError):
                return None
            raise

    def _decoded(self, decode: Callable[[memoryview], T], buffer: bytearray, cut: int) -> T:
        kept, buffer[cut] = buffer[cut], ord("]")
        try:
            with memoryview(buffer) as whole, whole[: cut + 1] as view:
                return decode(view)
        except UnicodeDecodeError as exc:
            message = f"not UTF-8: byte 0x{exc.object[exc.start]:02x}"
            raise PayloadError(message, result_format=self._format, offset=self._offset + exc.start - 1) from None
        except RecursionError:
            message = "a value is nested too deeply"
            raise PayloadLimitError(message, result_format=self._format, offset=self._offset) from None
        except msgspec.DecodeError as exc:
            raise self._malformed(exc) from exc
        finally:
            buffer[cut] = kept

    def _malformed(self, exc: msgspec.DecodeError) -> PayloadError:
        place = _BYTE_OF.search(str(exc))
        offset = self._offset + (int(place[1]) - 1 if place else 0)
        reason = _BYTE_OF.sub("", str(exc)).strip().removeprefix("JSON is malformed: ")
        return PayloadError(f"the rows are not well-formed JSON: {reason}", result_format=self._format, offset=offset)

    # -- what stands around the rows ---------------------------------------------------------------------------------

    def envelope(self) -> dict[str, Any]:
        """Read to the end of the document, and return all members; the rows' own is left empty.

        Raises
        ------
        IncompleteResultError
            The document is not closed.
        PayloadError, PayloadLimitError
            Something else than white space follows it, a member stands twice, or there is too much of it.
        """
        tail = bytearray(self._tail)
        for chunk in self._chunks:
            tail += chunk
            if len(tail) > self._max_envelope_bytes:
                message = f"more than {self._max_envelope_bytes:,} bytes stand after the rows"
                raise PayloadLimitError(message, result_format=self._format)
        if self._key is None:
            if tail.strip(_WHITE):
                found = shorten(tail.strip(_WHITE).decode("utf-8", "replace"), 200)
                raise PayloadError(f"text stands after the end of the rows: {found!r}", result_format=self._format)
            return {}
        members = self._parse(self._head + (b"]" if self._has_array else b"") + tail)
        if self._has_array and members.get(self._key) != []:
            message = f"the rows in {self._key!r} are not where they seemed to be"
            raise PayloadError(message, result_format=self._format)
        return members

    def _parse(self, document: bytes) -> dict[str, Any]:
        members = parse_object(document, result_format=self._format)
        if not isinstance(members, dict):
            raise self._unexpected(document)
        return members


def parse_object(document: bytes, *, result_format: str | None) -> Any:
    """Parse a whole JSON document strictly: UTF-8, no member twice, no NaN or Infinity, bounded depth.

    Raises
    ------
    IncompleteResultError, PayloadError, PayloadLimitError
        It ends too early, is not well-formed, or is nested too deeply.
    """
    try:
        return _STRICT.decode(document.decode())
    except UnicodeDecodeError as exc:
        message = f"not UTF-8: byte 0x{document[exc.start]:02x}"
        raise PayloadError(message, result_format=result_format, offset=exc.start) from None
    except RecursionError:
        raise PayloadLimitError("a value is nested too deeply", result_format=result_format) from None
    except json.JSONDecodeError as exc:
        offset = len(exc.doc[: exc.pos].encode())
        if not _is_closed(document):
            raise IncompleteResultError("the JSON is not closed", result_format=result_format, offset=offset) from exc
        raise PayloadError(f"not well-formed JSON: {exc.msg}", result_format=result_format, offset=offset) from exc
    except ValueError as exc:  # a member twice, NaN, an integer of thousands of digits
        raise PayloadError(f"not acceptable JSON: {exc}", result_format=result_format) from exc


def first_row(text: str) -> dict[str, Any]:
    """Parse the first row of a piece strictly; empty if there is no row that can be parsed.

    Raises
    ------
    PayloadError
        A member stands twice in it.
    """
    start = text.find("{")
    try:
        return cast("dict[str, Any]", _STRICT.raw_decode(text, start)[0]) if start >= 0 else {}
    except json.JSONDecodeError:
        return {}
    except ValueError as exc:
        raise PayloadError(f"not acceptable JSON in a row: {exc}") from exc


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"the member {twice!r} stands twice in one object"
        raise ValueError(message)
    return members


def _no_constant(name: str) -> Any:
    message = f"{name} is not JSON"
    raise ValueError(message)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _find_array(seen: bytes, key: str) -> int | None:
    """Find the array that is member `key` of the object: the place after its bracket, None if it is not there yet."""
    depth = 0
    for token in _TOKEN.finditer(seen):
        kind = seen[token.start()]
        if kind in b"{[":
            depth += 1
        elif kind in b"}]":
            depth -= 1
        elif depth == 1 and token[1] == b'"' and (colon := _COLON.match(seen, token.end())):
            # At depth 1 a string before a colon is a member's name. The name may be spelt with escapes.
            if seen[colon.end() : colon.end() + 1] == b"[" and json.loads(token[0]) == key:
                return colon.end() + 1
    return None


def _first_row_end(seen: bytes) -> int | None:
    """Find the end of the first row: 0 if the array ends before it, None if that has not arrived yet."""
    depth = 0
    for token in _TOKEN.finditer(seen):
        kind = seen[token.start()]
        if kind in b"{[":
            depth += 1
        elif kind in b"}]":
            depth -= 1
            if depth <= 0:
                return token.end() if depth == 0 else 0
    return None


def _cut_before_last(buffer: bytearray, row_start: bytes) -> int:
    """Find the comma before the last row start that has one; 0 if there is none."""
    at = len(buffer)
    while (at := buffer.rfind(row_start, 2, at)) > 0:
        comma = len(buffer[max(1, at - 64) : at].rstrip(_WHITE)) + max(1, at - 64) - 1
        if comma > 0 and buffer[comma] == ord(","):
            return comma
    return 0


def _walk(buffer: bytearray) -> tuple[int, int]:
    """Walk the array token by token: the last comma between two rows, and the bracket that closes it; 0 if not met."""
    depth = cut = 0
    for token in _TOKEN.finditer(buffer, 1):
        kind = buffer[token.start()]
        if kind in b"{[":
            depth += 1
        elif kind in b"}]":
            if depth == 0:
                return cut, token.start()
            depth -= 1
            if depth == 0 and (comma := _COMMA.match(buffer, token.end())):
                cut = comma.end() - 1
    return cut, 0


def _is_closed(document: bytes) -> bool:
    depth = 0
    for token in _TOKEN.finditer(document):
        kind = document[token.start()]
        if kind in b"{[":
            depth += 1
        elif kind in b"}]":
            depth -= 1
            if depth <= 0:
                return True
    return False
