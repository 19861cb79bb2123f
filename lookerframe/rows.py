"""Bytes of a JSON document → pieces of whole rows, and the envelope around them, in bounded memory.

Looker's JSON results are one large array of rows, alone (`json`) or as a member of an object (`data` in `json_detail`).
`RowArray` hands the array out in pieces, each a complete JSON array of some of the rows, and keeps what stands before
and after it. Where the chunks of the document are cut makes no difference to anything.

All rows begin alike, with ``{"<first field>":``. These bytes cannot stand inside a string, where a quote is
escaped, so the last of them in the buffer starts the last row, and the comma before it is a place to cut. Should it
stand in a nested object after all, the piece in front of it has a brace open and cannot be decoded: then, for that
piece, the structure is walked token by token. The end of the array is always found that way.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
import numpy as np
import pyarrow as pa

from lookerframe.exceptions import IncompleteResultError, PayloadError, PayloadLimitError, UnexpectedContentError
from lookerframe.payload import MAX_ROW_BYTES
from lookerframe.render import shorten, text_of_html

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

#: Bytes of a piece: large enough that a call per piece costs nothing, small enough to stay in the processor's cache.
PIECE_BYTES = 384 * 1024
#: Bytes that may stand before the rows, and after them: metadata, totals, subtotals.
MAX_ENVELOPE_BYTES = 64 * 1024 * 1024
#: Arrays and objects that may stand in each other, in whatever is built of a body: results take six.
MAX_DEPTH = 64
#: What is said where a body breaks. Source: Looker's documentation of streaming.
APPENDED = "Looker appends the text of a database error to the rows that it has sent when their stream breaks"

#: Bytes in which the first row of a piece is looked for at first.
_FIRST_ROW_BYTES = 4096

_BOM = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"
#: A string, whole or reaching to the end of what has arrived (then group 1 is not a quote), or a bracket.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("|\\?\Z)|[][{}]', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_COLON = re.compile(rb"[ \t\r\n]*+:[ \t\r\n]*+")
_COMMA = re.compile(rb"[ \t\r\n]*+,")
_ROW_START = re.compile(rb'\{[ \t\r\n]*+"[^"\\]*+(?:\\.[^"\\]*+)*+"[ \t\r\n]*+:', re.DOTALL)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_BYTE_OF = re.compile(r"\(byte (\d+)\)")
_MAX_SHOWN = 1000  # of what does not belong to a body
_MAX_NAMES = 8
_MAX_DIGITS = 4000  # of an integer in the envelope; Python itself refuses to read 4,300


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
        self._source = _Source(chunks)
        self._key = key
        self._format = result_format
        self._piece_bytes = piece_bytes
        self._max_row_bytes = max_row_bytes
        self._max_envelope_bytes = max_envelope_bytes
        self._start = 0  # where the document's first bracket stands, after a byte order mark and white space
        self._head = b""
        self._tail = b""
        self._document = b""
        self._rest = bytearray()  # what has been read after the array's opening bracket
        self._has_array = False
        self._offset = 0  # where `_rest`, then the buffer's first row, then `_tail` stands in the document
        self._after_comma = False

    # -- what stands before the rows ---------------------------------------------------------------------------------

    def head(self) -> dict[str, Any]:
        """Read up to the array, and return the members that stand before it; the array itself is left empty.

        An array that is the document has no members. If the document ends without the array, all members are returned.

        Raises
        ------
        UnexpectedContentError
            The document is not of this kind: an HTML page, an object where an array is due, or the reverse.
        IncompleteResultError, PayloadError, PayloadLimitError
            It ends too early, is not JSON, or is too large before the array.
        """
        seen = self._first_bytes()
        if not seen.startswith(b"[" if self._key is None else b"{"):
            raise self._unexpected(seen)
        if self._key is None:
            self._split(seen, 1)
            return {}
        while (found := _find_array(seen, self._key)) is None:
            self._refuse_large(seen, "before", offset=self._start)
            # A search that failed is repeated only when twice as much has been read: the sum stays linear.
            if not self._source.extend(seen, min(len(seen), self._max_envelope_bytes - len(seen) + 1)):
                self._head = bytes(seen)
                return self._parse(self._head)
        self._refuse_large(seen[:found], "before", offset=self._start)
        self._split(seen, found)
        return self._parse(self._head + b"]}")

    @property
    def has_array(self) -> bool:
        """Whether the document has the array at all; known after `head`."""
        return self._has_array

    def first_row(self) -> dict[str, Any]:
        """Parse the first row, after `head` and before `pieces`; empty if there is none. Its numbers are left as text.

        Raises
        ------
        PayloadError, PayloadLimitError
            A member stands twice in it, a name is not Unicode, or it is nested too deeply.
        """
        seen = self._rest
        while (end := _first_row_end(seen)) is None:
            more = min(max(len(seen), self._piece_bytes), self._max_row_bytes - len(seen) + 1)
            if more <= 0:
                raise self._large_row()
            if not self._source.extend(seen, more):
                break
        row = first_row(seen[:end], result_format=self._format) if end else {}
        refuse_deep(row, result_format=self._format)
        for name in row:
            if not _is_unicode(name):
                message = f"not acceptable JSON: half of a surrogate pair in the member name {name!r}"
                raise PayloadError(message, result_format=self._format, offset=self._offset)
        return row

    def _first_bytes(self) -> bytearray:
        seen = bytearray()
        self._source.extend(seen, max(self._piece_bytes, len(_BOM)))
        if seen.startswith(_BOM):
            del seen[: len(_BOM)]
            self._start = len(_BOM)
        while not (stripped := seen.lstrip(_WHITE)):
            self._start += len(seen)
            seen.clear()
            if not self._source.extend(seen, self._piece_bytes):
                message = "the body is empty; even a result without rows has some bytes of JSON"
                raise IncompleteResultError(message, result_format=self._format, offset=self._start)
        self._start += len(seen) - len(stripped)
        return stripped

    def _split(self, seen: bytearray, at: int) -> None:
        self._has_array = True
        self._head, self._rest = bytes(seen[:at]), seen[at:]
        self._offset = self._start + at

    def _unexpected(self, seen: bytes | bytearray) -> PayloadError:
        start = seen[:2000].decode("utf-8", "replace")
        if start.startswith("<"):
            message = f"expected JSON, met a page of HTML or XML: {text_of_html(start, 200)!r}"
        else:
            due = "a JSON array of rows" if self._key is None else f"a JSON object with its rows in {self._key!r}"
            names = _member_names(seen) if start.startswith("{") else ""
            kind = f"an object with the members {names}: " if names else ""
            message = f"expected {due}, met {kind}{shorten(start, 120)!r}"
        return UnexpectedContentError(message, result_format=self._format, offset=self._start)

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
        buffer, self._rest = self._rest, bytearray()
        buffer[:0] = b"["
        want, row_start = self._piece_bytes, b""
        while True:
            self._source.extend(buffer, want - len(buffer))
            row_start = row_start or _row_start(buffer)
            cut = _cut_before_last(buffer, row_start) if row_start else 0
            if cut and (done := self._decode(decode, buffer, cut)):
                yield done[0]
                self._drop(buffer, cut)
                want = self._piece_bytes
                continue
            cut, end = _walk(buffer)
            if cut:  # so that the last row, which may be totals, is a piece of its own
                yield self._decoded(decode, buffer, cut)
                self._drop(buffer, cut)
                want, row_start = self._piece_bytes, b""
            if end:
                yield from self._last_piece(decode, buffer, end - cut)
                return
            if not cut:
                want = self._larger(buffer, want)

    def _larger(self, buffer: bytearray, want: int) -> int:
        # The first row is not whole. A search that failed is repeated only when twice as much has been read.
        if len(buffer) < want:
            broken = _broken_at(buffer)
            shown = _shown(buffer, broken) if broken is not None else repr(_end_of(buffer))
            message = f"the body ends in the middle of the rows, with {shown}; {APPENDED}"
            raise IncompleteResultError(message, result_format=self._format, offset=self._offset + len(buffer) - 1)
        if len(buffer) > self._max_row_bytes:
            raise self._large_row()
        return min(2 * len(buffer), self._max_row_bytes + 1)

    def _large_row(self) -> PayloadLimitError:
        message = f"one row takes more than {self._max_row_bytes:,} bytes"
        return PayloadLimitError(message, result_format=self._format, offset=self._offset)

    def _drop(self, buffer: bytearray, cut: int) -> None:
        del buffer[1 : cut + 1]
        self._offset += cut
        self._after_comma = True

    def _last_piece(self, decode: Callable[[memoryview], T], buffer: bytearray, end: int) -> Iterator[T]:
        # The bracket at `end` closes the array, so the piece is whole as it stands, or has no row in it.
        if buffer[end] != ord("]"):
            message = "the rows are closed by a brace"
            raise PayloadError(message, result_format=self._format, offset=self._offset + end - 1)
        if buffer[1:end].strip(_WHITE):
            yield self._decoded(decode, buffer, end)
        elif self._after_comma:
            message = "a comma stands after the last row"
            raise PayloadError(message, result_format=self._format, offset=self._offset + end - 1)
        self._tail = bytes(buffer[end + 1 :])
        self._offset += end

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
            with (
                well_formed(self._format, offset=self._offset - 1),
                memoryview(buffer) as whole,
                whole[: cut + 1] as view,
            ):
                return decode(view)
        except PayloadError as exc:
            if not isinstance(exc.__cause__, msgspec.DecodeError) or exc.offset is None:
                raise
            buffer[cut] = kept
            met = _shown(buffer, exc.offset - self._offset + 1)
            message = f"{exc.message}: met {met}; {APPENDED}"
            raise PayloadError(message, result_format=self._format, offset=exc.offset) from exc.__cause__
        finally:
            buffer[cut] = kept

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
        while self._source.extend(tail, self._piece_bytes):
            self._refuse_large(tail, "after", offset=self._offset)
        self._refuse_large(tail, "after", offset=self._offset)
        if self._key is None:
            if after := tail.lstrip(_WHITE):
                raise self._surplus(after, offset=self._offset + len(tail) - len(after))
            return {}
        self._document = self._head + (b"]" if self._has_array else b"") + tail
        members = self._parse(self._document)
        if self._has_array and members.get(self._key) != []:
            message = f"the rows in {self._key!r} are not where they seemed to be"
            raise PayloadError(message, result_format=self._format)
        return members

    def member(self, name: str) -> bytes:
        """Return the characters of a member of the envelope, after `envelope`; empty if it is absent or null."""
        raw = bytes(msgspec.json.decode(self._document, type=dict[str, msgspec.Raw]).get(name, b""))
        return b"" if raw == b"null" else raw

    def _refuse_large(self, part: bytearray, place: str, *, offset: int) -> None:
        if len(part) > self._max_envelope_bytes:
            message = f"more than {self._max_envelope_bytes:,} bytes stand {place} the rows"
            raise PayloadLimitError(message, result_format=self._format, offset=offset + self._max_envelope_bytes)

    def _parse(self, document: bytes) -> dict[str, Any]:
        try:
            return cast("dict[str, Any]", parse_object(document, result_format=self._format))
        except PayloadError as exc:
            if exc.offset is not None:
                exc.offset = self._place(exc.offset)
            raise

    def _place(self, at: int) -> int:
        """Say where a byte of the envelope, in which the rows are left out, stands in the document."""
        if self._has_array and at > len(self._head):
            return self._offset + at - len(self._head) - 1
        return self._start + at

    def _surplus(self, after: bytearray, *, offset: int) -> PayloadError:
        message = f"text stands after the end of the rows: {_shown(after, 0)}; {APPENDED}"
        return PayloadError(message, result_format=self._format, offset=offset)


class _Source:
    """Chunks of any size, as a source of exactly as many bytes as are asked for."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._chunk = memoryview(b"")

    def extend(self, buffer: bytearray, size: int) -> int:
        """Append `size` bytes, fewer only where the document ends; return how many."""
        due = size
        while due > 0:
            if not self._chunk:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._chunk = memoryview(chunk)
            buffer += self._chunk[:due]
            taken = min(due, len(self._chunk))
            self._chunk = self._chunk[taken:]
            due -= taken
        return max(0, size - due)


@contextlib.contextmanager
def well_formed(result_format: str | None, *, offset: int) -> Iterator[None]:
    """Translate what Python and msgspec raise for rows that are not well-formed JSON.

    Parameters
    ----------
    result_format
        For messages.
    offset
        Where the bytes that are decoded stand in the document.

    Raises
    ------
    PayloadError, PayloadLimitError
        They are not UTF-8, not well-formed, or nested too deeply.
    """
    try:
        yield
    except UnicodeDecodeError as exc:
        message = f"not UTF-8: byte 0x{exc.object[exc.start]:02x}"
        raise PayloadError(message, result_format=result_format, offset=offset + exc.start) from None
    except RecursionError:
        message = "a value is nested too deeply"
        raise PayloadLimitError(message, result_format=result_format, offset=offset) from None
    except msgspec.DecodeError as exc:
        place = _BYTE_OF.search(str(exc))
        reason = _BYTE_OF.sub("", str(exc)).strip().removeprefix("JSON is malformed: ")
        message = f"the rows are not well-formed JSON: {reason}"
        at = offset + int(place[1]) if place else offset
        raise PayloadError(message, result_format=result_format, offset=at) from exc


def parse_object(document: bytes, *, result_format: str | None) -> Any:
    """Parse a whole JSON document strictly: Unicode, no member twice, only finite numbers, bounded depth.

    Raises
    ------
    IncompleteResultError, PayloadError, PayloadLimitError
        It ends too early, is not well-formed, or is nested more than `MAX_DEPTH` deep.
    """
    try:
        parsed = _STRICT.decode(document.decode())
        if _SURROGATE.search(document):
            json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeDecodeError as exc:
        message = f"not UTF-8: byte 0x{document[exc.start]:02x}"
        raise PayloadError(message, result_format=result_format, offset=exc.start) from None
    except UnicodeEncodeError:
        message = "not acceptable JSON: half of a surrogate pair in a string"
        raise PayloadError(message, result_format=result_format) from None
    except RecursionError:
        raise PayloadLimitError("a value is nested too deeply", result_format=result_format) from None
    except json.JSONDecodeError as exc:
        offset = len(exc.doc[: exc.pos].encode())
        if not _is_closed(document):
            shown = _shown(document, offset) if document[offset:].strip() else repr(_end_of(document))
            message = f"the JSON is not closed; it ends with {shown}; {APPENDED}"
            raise IncompleteResultError(message, result_format=result_format, offset=offset) from exc
        reason = "text stands after its end" if exc.msg == "Extra data" else exc.msg
        message = f"not well-formed JSON: {reason}: {_shown(document, offset)}; {APPENDED}"
        raise PayloadError(message, result_format=result_format, offset=offset) from exc
    except ValueError as exc:  # what the hooks below refuse
        raise PayloadError(f"not acceptable JSON: {exc}", result_format=result_format) from exc
    refuse_deep(parsed, result_format=result_format)
    return parsed


def refuse_deep(value: Any, *, result_format: str | None) -> None:
    """Refuse a value of JSON that is nested more than `MAX_DEPTH` deep.

    All that is built of a body as Python objects goes through here: the envelope, the first row, rows of pivots whose
    names have to be gathered, the texts of errors. Typed rows are built no deeper than their types say, and what stands
    in them besides is skipped unbuilt, by a parser that gives up at the interpreter's own limit (`well_formed`). To
    count brackets in every piece would take four times as long as decoding it, and protect nothing more.

    Raises
    ------
    PayloadLimitError
        It is.
    """
    level = [value]
    for _ in range(MAX_DEPTH):
        members = (item.values() if isinstance(item, dict) else item for item in level if isinstance(item, dict | list))
        level = [member for inner in members for member in inner if isinstance(member, dict | list)]
        if not level:
            return
    message = f"a value is nested more than {MAX_DEPTH} deep"
    raise PayloadLimitError(message, result_format=result_format)


def check_unicode(piece: memoryview) -> None:
    """Refuse bytes that are not UTF-8, be they in a part that nobody reads.

    Raises
    ------
    UnicodeDecodeError
        With the place of the first of them.
    """
    # Arrow checks many times as fast as Python decodes, and builds nothing.
    offsets = np.array([0, len(piece)], np.int32)
    try:
        pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(piece)]).validate(full=True)
    except pa.ArrowInvalid:
        str(piece, "utf-8")
        raise


def first_row(piece: bytes | bytearray | memoryview, *, result_format: str | None) -> dict[str, Any]:
    """Parse the first row of a piece; empty if there is no row that can be parsed. Its numbers are left as text.

    Raises
    ------
    PayloadError, PayloadLimitError
        A member stands twice in it, or it is nested too deeply.
    """
    size = _FIRST_ROW_BYTES
    try:
        while (row := _parsed_row(str(piece[:size], "utf-8", "replace"))) is None and size < len(piece):
            size *= 8
    except RecursionError:
        raise PayloadLimitError("a value is nested too deeply", result_format=result_format) from None
    except ValueError as exc:
        raise PayloadError(f"not acceptable JSON in a row: {exc}", result_format=result_format) from exc
    return row or {}


def _parsed_row(text: str) -> dict[str, Any] | None:
    start = text.find("{")
    try:
        return cast("dict[str, Any]", _UNREAD.raw_decode(text, start)[0]) if start >= 0 else None
    except json.JSONDecodeError:
        return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        message = f"the member {twice!r} stands twice in one object"
        raise ValueError(message)
    return members


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        message = f"an integer of {len(digits):,} digits"
        raise ValueError(message)
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        message = f"the number {shorten(digits, 40)} is too large"
        raise ValueError(message)
    return number


def _no_constant(name: str) -> Any:
    message = f"{name} is no number"
    raise ValueError(message)


_STRICT = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite, parse_constant=_no_constant
)
#: For rows, whose numbers msgspec judges.
_UNREAD = json.JSONDecoder(object_pairs_hook=_unique, parse_int=str, parse_float=str, parse_constant=str)


def _end_of(document: bytes | bytearray) -> str:
    return document[-200:].decode("utf-8", "replace").lstrip("\N{REPLACEMENT CHARACTER}")


def _shown(document: bytes | bytearray, at: int) -> str:
    """Quote the start of what does not belong; terminals act on nothing in it."""
    if document[at : at + 1] < b" ":  # a line break in a string, which began before
        at = max(document.rfind(b'"', 0, at), at - _MAX_SHOWN, 0)
    text = document[at : at + 4 * _MAX_SHOWN].decode("utf-8", "replace").strip()
    return repr(shorten(text, _MAX_SHOWN))


def _broken_at(buffer: bytearray) -> int | None:
    """Find where an array that is not closed ceases to be JSON; None if it is merely cut."""
    try:
        msgspec.json.decode(buffer, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as exc:
        place = _BYTE_OF.search(str(exc))
        return int(place[1]) if place else None
    return None


def _member_names(seen: bytes | bytearray) -> str:
    """Name the first members of an object, as far as it has arrived."""
    names: list[str] = []
    for name, _ in _members(seen):
        names.append(repr(shorten(_string(name) or "", 40)))
        if len(names) == _MAX_NAMES:
            return f"{', '.join(names)}, ..."
    return ", ".join(names)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _find_array(seen: bytearray, key: str) -> int | None:
    """Find the array that is member `key` of the object: the place after its bracket, None if it is not there yet."""
    for name, value in _members(seen):
        if seen[value : value + 1] == b"[" and _string(name) == key:
            return value + 1
    return None


def _members(seen: bytes | bytearray) -> Iterator[tuple[bytes, int]]:
    """Give the members of an object, as far as it has arrived: each one's name as it is written, where its value is."""
    depth = 0
    for token in _TOKEN.finditer(seen):
        kind = seen[token.start()]
        if kind in b"{[":
            depth += 1
        elif kind in b"}]":
            depth -= 1
        # At depth 1 a string before a colon is a member's name.
        elif depth == 1 and token[1] == b'"' and (colon := _COLON.match(seen, token.end())):
            yield token[0], colon.end()


def _string(token: bytes) -> str | None:
    # It may be spelt with escapes. One that is not well-formed is reported when the envelope is parsed.
    try:
        return cast("str", json.loads(token.decode()))
    except ValueError:
        return None


def _first_row_end(seen: bytearray) -> int | None:
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


def _row_start(buffer: bytearray) -> bytes:
    # The first row's own spelling, `{"view.field":`, white space included.
    match = _ROW_START.match(buffer, _after_space(buffer, 1))
    return match[0] if match else b""


def _after_space(buffer: bytearray, at: int) -> int:
    return cast("re.Match[bytes]", _SPACE.match(buffer, at)).end()


def _cut_before_last(buffer: bytearray, row_start: bytes) -> int:
    """Find the comma before the last row start that has one, and something before it; 0 if there is none."""
    at, first = len(buffer), _after_space(buffer, 1)
    while (at := buffer.rfind(row_start, 2, at)) > 0:
        comma = len(buffer[max(1, at - 64) : at].rstrip(_WHITE)) + max(1, at - 64) - 1
        if comma > first and buffer[comma] == ord(","):
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
