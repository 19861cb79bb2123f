"""`RowArray`: rows in pieces, whatever the chunks and whatever stands in the rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lookerframe.exceptions import (
    IncompleteResultError,
    LookerFrameError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.rows import APPENDED, RowArray, first_row, parse_object
from tests.writers import COMPACT, PRETTY, SPACED, chunked, dumped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

KEY = "data"


def strict(piece: memoryview) -> list[Any]:
    """Decode a piece, as decoders of rows do: UTF-8 first, then msgspec."""
    str(piece, "utf-8")
    return msgspec.json.decode(piece, type=list[Any])


def read(chunks: Iterable[bytes], *, key: str | None = KEY, **sizes: int) -> tuple[list[Any], dict[str, Any]]:
    """Read a document to its end: its rows and its envelope."""
    array = RowArray(chunks, key=key, result_format="json_detail" if key else "json", **sizes)
    array.head()
    rows = [row for piece in array.pieces(strict) for row in piece]
    return rows, array.envelope()


def said(chunks: Iterable[bytes], *, key: str | None = KEY, **sizes: int) -> Any:
    """Say what reading a document leads to; foreign errors are raised."""
    try:
        return read(chunks, key=key, **sizes)
    except PayloadError as exc:
        return type(exc)


def wrapped(rows: Iterable[Any], spelling: Mapping[str, Any], **after: Any) -> bytes:
    """Write rows as a member of an object, with members around it."""
    return dumped({"id": 'a "data": [', "fields": {"data": [1]}, KEY: list(rows), **after}, spelling)


# -- what a row may look like ------------------------------------------------------------------------------------------

LINK = {"v.a": {"value": 1}, "v.b": {"value": "x"}}
ROWS: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "one": [{"v.a": {"value": 1}}],
    "several": [{"v.a": {"value": n}, "v.b": {"value": "x" * n}} for n in range(6)],
    "named value": [{"value": {"value": n, "links": [{"value": 1}, {"value": 2}]}} for n in range(4)],
    "named links": [{"links": {"value": n, "links": [{"links": 1}, {"links": 2}]}} for n in range(4)],
    "named label": [{"label": {"value": n, "links": [{"label": "x"}, {"label": "y"}]}} for n in range(4)],
    "named comma": [{",": {"value": n, "x": [{",": 1}, {",": 2}]}} for n in range(4)],
    "named colon": [{":": {"value": n, "x": [{":": 1}, {":": 2}]}} for n in range(4)],
    "named nothing": [{"": {"value": n, "x": [{"": 1}, {"": 2}]}} for n in range(4)],
    "named with escapes": [{'a"b\\c\n\x01\x7f😀/': {"value": n, "x": [{'a"b\\c\n\x01\x7f😀/': 0}]}} for n in range(4)],
    "ends with a backslash": [{"a\\": n, "b": "\\"} for n in range(4)],
    "text like a row start": [{"v.a": '{"v.a":', "b": '},{"v.a":1},', "c": "]}"} for _ in range(4)],
    "links like rows": [{"v.a": {"value": n, "links": [LINK, LINK, LINK]}, "v.b": LINK} for n in range(4)],
    "links like rows in the last": [{"v.a": n} for n in range(4)] + [{"v.a": [LINK, LINK, LINK], "z": "x" * 50}],
    "other order": [{"a": n, "b": 1} if n % 2 else {"b": 1, "a": n} for n in range(6)],
    "lacking": [{"a": 1}, {}, {"b": 2}, {}, {"a": 3}],
    "empty": [{}, {}, {}],
    "growing": [{"a": "x" * (2**n)} for n in range(8)],
    "shrinking": [{"a": "x" * (2**n)} for n in reversed(range(8))],
    "a large one": [{"a": "x"}, {"a": "y" * 300}, {"a": "z"}],
}


@pytest.mark.parametrize("spelling", [COMPACT, SPACED, PRETTY], ids=["compact", "spaced", "pretty"])
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_every_piece_size_and_chunk_size_gives_the_same_rows(
    rows: list[dict[str, Any]], spelling: Mapping[str, Any]
) -> None:
    """Wherever pieces and chunks end, no row is lost, doubled or altered."""
    tail = {"errors": None, "subtotals_data": {"1": rows, "2": [*rows, *rows]}}
    body = wrapped(rows, spelling, **tail)
    expected = rows, json.loads(body) | {KEY: []}

    assert read([body]) == expected
    for size in range(1, len(body) + 2, max(1, len(body) // 150)):
        assert read([body], piece_bytes=size) == expected
        assert read(chunked(body, size), piece_bytes=64) == expected
    array = dumped(rows, spelling)
    for size in range(1, len(array) + 2, max(1, len(array) // 100)):
        assert read([array], key=None, piece_bytes=size) == (rows, {})
        assert read(chunked(array, size), key=None, piece_bytes=17) == (rows, {})


@pytest.mark.parametrize(
    ("name", "spelt"),
    [("a/b", r"a\/b"), ("é", r"\u00e9"), ("a", r"\u0061"), ("😀", r"\ud83d\ude00"), (KEY, r"\u0064ata")],
)
def test_names_may_be_spelt_with_escapes(name: str, spelt: str) -> None:
    """A row start is the first row's own spelling, and the array's name is compared unescaped."""
    rows = ",".join(f'{{"{spelt}":{{"value":{n}}}}}' for n in range(5))
    key = r"\u0064ata" if name == KEY else KEY

    for size in range(1, 60):
        found, envelope = read([f'{{"{key}":[{rows}],"x":1}}'.encode()], piece_bytes=size)
        assert found == [{name: {"value": n}} for n in range(5)]
        assert envelope == {KEY: [], "x": 1}


def test_spellings_may_change_from_row_to_row() -> None:
    """The first row's spelling only helps to be fast."""
    rows = [r'{"a":1}', r'{ "a":2}', r'{"\u0061":3}', '{\n"a" : 4}', r'{"b":0,"a":5}', r'{"a":6}']
    body = f"[{' , '.join(rows)}]".encode()

    for size in range(1, len(body) + 1):
        found, _ = read([body], key=None, piece_bytes=size)
        assert [row["a"] for row in found] == [1, 2, 3, 4, 5, 6]


def test_more_white_space_between_rows_than_is_looked_at_changes_nothing() -> None:
    """The comma before a row start is searched within 64 bytes; further off, the structure is walked."""
    body = b"[" + (b" " * 200 + b",\n" + b" " * 200).join(b'{"a":%d}' % n for n in range(5)) + b"]"

    for size in (1, 10, 100, 210, 300, 1000, 5000):
        assert read([body], key=None, piece_bytes=size)[0] == [{"a": n} for n in range(5)]


def test_a_piece_is_not_larger_than_asked_for_but_for_a_large_row() -> None:
    """One large chunk, as a file in memory is, is still read piece by piece."""
    rows = [{"a": n, "b": "x" * 50} for n in range(1000)]
    sizes = []

    def measure(piece: memoryview) -> list[Any]:
        sizes.append(len(piece))
        return strict(piece)

    array = RowArray([wrapped(rows, COMPACT)], key=KEY, result_format="json_detail", piece_bytes=1000)
    array.head()
    assert [row for piece in array.pieces(measure) for row in piece] == rows
    assert max(sizes) <= 1000
    assert len(sizes) > 50


def test_chunks_are_pulled_no_further_than_pieces_need() -> None:
    """Rows are handed out while the document is still on its way."""
    pulled = 0

    def chunks() -> Iterator[bytes]:
        nonlocal pulled
        yield b'{"data":[{"a":0}'
        for n in range(10_000):
            pulled += 1
            yield b',{"a":%d}' % n
        yield b"]}"

    array = RowArray(chunks(), key=KEY, result_format="json_detail", piece_bytes=1000)
    array.head()
    pieces = array.pieces(strict)
    assert pulled < 200
    next(pieces)
    assert pulled < 300


def test_empty_chunks_change_nothing() -> None:
    """A chunk without bytes is no end."""
    body = wrapped(ROWS["several"], COMPACT)

    assert read([part for byte in chunked(body, 3) for part in (b"", byte, b"")]) == read([body])


# -- what stands before the rows ---------------------------------------------------------------------------------------


def test_head_brings_the_members_before_the_rows() -> None:
    """They are known before any row is read; the rows' own member is there, empty."""
    array = RowArray([b'{"a":{"data":[1]},"data":[{"x":1}],"b":2}'], key=KEY, result_format="json_detail")

    assert array.head() == {"a": {"data": [1]}, KEY: []}
    assert array.has_array


def test_document_without_the_array_is_all_head() -> None:
    """Its members are returned, and there are no pieces."""
    array = RowArray([b'{"a":1,"data":null} \n'], key=KEY, result_format="json_detail")

    assert array.head() == {"a": 1, KEY: None}
    assert not array.has_array
    assert list(array.pieces(strict)) == []
    assert array.envelope() == {"a": 1, KEY: None}


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (b'[{"a":1,"b":{"c":[]}},{"d":1}]', ("a", "b")),
        (b"[]", ()),
        (b"[{}]", ()),
        (b'[{"a":NaN}]', ("a",)),
        (b'[{"a":01}]', ()),
        (b'[{"a":1', ()),
        (b'["x"]', ()),
        (b"[", ()),
    ],
)
def test_first_row_looks_at_no_other(body: bytes, keys: tuple[str, ...]) -> None:
    """The names are known before the rows are decoded, which then come whole all the same."""
    for size in range(1, len(body) + 1):
        array = RowArray(chunked(body, size), key=None, result_format="json", piece_bytes=size)
        array.head()
        assert tuple(array.first_row()) == keys
    assert said([body], key=None) == said(chunked(body, 1), key=None)


def test_byte_order_mark_and_leading_white_space_are_skipped() -> None:
    """One mark, at the very start."""
    body = wrapped(ROWS["one"], COMPACT)

    for start in (b"\xef\xbb\xbf", b" \r\n\t" * 50, b"\xef\xbb\xbf \n"):
        for size in range(1, 12):
            assert read(chunked(start + body, size), piece_bytes=size) == read([body])
    for start in (b"\xef\xbb\xbf\xef\xbb\xbf", b" \xef\xbb\xbf", b"\xef\xbb"):
        for size in range(1, 12):
            assert said(chunked(start + body, size), piece_bytes=size) is UnexpectedContentError


# -- refusals ----------------------------------------------------------------------------------------------------------

DEEP = b"[" * 100_000 + b"]" * 100_000

#: Bodies of an object and what they lead to.
MALFORMED: dict[str, tuple[bytes, type[PayloadError]]] = {
    "trailing comma": (b'{"data":[{"a":1},]}', PayloadError),
    "trailing comma, spaced": (b'{"data":[{"a":1} , \n ] }', PayloadError),
    "double comma": (b'{"data":[{"a":1},,{"a":2}]}', PayloadError),
    "leading comma": (b'{"data":[,{"a":1}]}', PayloadError),
    "comma only": (b'{"data":[,]}', PayloadError),
    "no comma": (b'{"data":[{"a":1}{"a":2}]}', PayloadError),
    "two arrays": (b'{"data":[{"a":1}],"data":[{"a":2}]}', PayloadError),
    "two arrays in a row": (b'{"data":[{"a":1}][{"a":2}]}', PayloadError),
    "member before": (b'{"data":1,"data":[{"a":2}]}', PayloadError),
    "member twice": (b'{"x":1,"x":2,"data":[]}', PayloadError),
    "member twice, nested": (b'{"x":{"y":1,"y":2},"data":[]}', PayloadError),
    "member twice after": (b'{"data":[],"x":{"y":1,"y":2}}', PayloadError),
    "garbage after": (b'{"data":[{"a":1}]} x', PayloadError),
    "second document": (b'{"data":[{"a":1}]}{"data":[]}', PayloadError),
    "garbage in the tail": (b'{"data":[{"a":1}]ERROR: connection lost', IncompleteResultError),
    "garbage in the rows": (b'{"data":[{"a":1},{"a":2}ERROR: connection lost', IncompleteResultError),
    "closed by a brace": (b'{"data":[{"a":1}}}', PayloadError),
    "row closed by a bracket": (b'{"data":[{"a":1],{"a":2}]}', PayloadError),
    "brackets crossed": (b'{"data":[{"a":[1}],{"a":2}]}', PayloadError),
    "NaN": (b'{"data":[{"a":NaN},{"a":1}]}', PayloadError),
    "Infinity": (b'{"data":[{"a":1},{"a":-Infinity}]}', PayloadError),
    "NaN before": (b'{"x":NaN,"data":[]}', PayloadError),
    "huge number before": (b'{"x":1e400,"data":[]}', PayloadError),
    "digits before": (b'{"x":' + b"1" * 5000 + b',"data":[]}', PayloadError),
    "leading zero": (b'{"data":[{"a":1},{"a":01}]}', PayloadError),
    "bad UTF-8": (b'{"data":[{"a":"\xff"},{"a":1}]}', PayloadError),
    "bad UTF-8 late": (b'{"data":[{"a":1},{"a":"\xc3"}]}', PayloadError),
    "bad UTF-8 before": (b'{"x":"\xff","data":[]}', PayloadError),
    "bad UTF-8 after": (b'{"data":[],"x":"\xff"}', PayloadError),
    "lone surrogate": (b'{"data":[{"a":"\\ud800x_____"},{"a":1}]}', PayloadError),
    "lone surrogate before": (b'{"x":"\\udc00","data":[]}', PayloadError),
    "lone surrogate after": (b'{"data":[],"x":{"\\ud83d":1}}', PayloadError),
    "control character": (b'{"data":[{"a":"\n"},{"a":1}]}', PayloadError),
    "control character before": (b'{"da\x01ta":[1],"data":[]}', PayloadError),
    "null character before": (b'{"d\x00":[1],"data":[]}', PayloadError),
    "bad escape before": (b'{"d\\q":[1],"data":[]}', PayloadError),
    "deep before": (b'{"x":' + DEEP + b',"data":[]}', PayloadLimitError),
    "deep in the first row": (b'{"data":[{"a":' + DEEP + b"}]}", PayloadLimitError),
    "deep in a later row": (b'{"data":[{"a":1},{"a":' + DEEP + b"}]}", PayloadLimitError),
    "deep after": (b'{"data":[],"x":' + DEEP + b"}", PayloadLimitError),
    "colon missing": (b'{"a" "data":[{"a":1}]}', PayloadError),
    "page": (b"<html><body>502 Bad Gateway</body></html>", UnexpectedContentError),
    "empty": (b"", IncompleteResultError),
    "white space": (b" \n" * 50, IncompleteResultError),
    "null": (b"null", UnexpectedContentError),
    "text": (b'"data"', UnexpectedContentError),
    "array": (b"[]", UnexpectedContentError),
}


@pytest.mark.parametrize(("body", "error"), MALFORMED.values(), ids=MALFORMED)
def test_malformed_bodies_are_refused_alike_however_they_are_cut(body: bytes, error: type[PayloadError]) -> None:
    """The class of the refusal depends on the body, not on where chunks and pieces end; nothing foreign comes out."""
    long = len(body) > 1000
    assert said([body]) is error
    for size in (1, 7, 100, 100_000) if long else range(1, len(body) + 1):
        if not (long and size == 1):
            assert said(chunked(body, size)) is error
        assert said([body], piece_bytes=size) is error


@pytest.mark.parametrize("body", [body for body, _ in MALFORMED.values() if len(body) < 200])
def test_refusals_say_the_same_however_the_body_is_cut(body: bytes) -> None:
    """With one piece size the whole message is the same: nothing depends on chunks."""
    texts = set()
    for size in range(1, len(body) + 2):
        with pytest.raises(PayloadError) as caught:
            read(chunked(body, size))
        texts.add(str(caught.value))
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("body", "key", "text"),
    [
        (b'\xef\xbb\xbf {"x":NaN,"data":[]}', KEY, "json_detail: not acceptable JSON: NaN is no number"),
        (
            b'  {"x":tru,"data":[]}',
            KEY,
            f"json_detail: not well-formed JSON: Expecting value: 'tru,\"data\":[]}}'; {APPENDED} (at byte 7)",
        ),
        (
            b' {"data":[{"a":01}]}',
            KEY,
            f"json_detail: the rows are not well-formed JSON: invalid number: met '1}}]}}'; {APPENDED} (at byte 16)",
        ),
        (
            b'\xef\xbb\xbf {"data":[{"a":1},{"a":"\xff"}]}',
            KEY,
            "json_detail: not UTF-8: byte 0xff (at byte 27)",
        ),
        (
            b'{"data":[{"a":1}], "b":tru}',
            KEY,
            f"json_detail: not well-formed JSON: Expecting value: 'tru}}'; {APPENDED} (at byte 23)",
        ),
        (
            b'{"data":[{"a":1}]} ERR ',
            KEY,
            f"json_detail: not well-formed JSON: text stands after its end: 'ERR'; {APPENDED} (at byte 19)",
        ),
        (b'[{"a":1}] ERR ', None, f"json: text stands after the end of the rows: 'ERR'; {APPENDED} (at byte 10)"),
        (b'[{"a":1} ERR ', None, f"json: the body ends in the middle of the rows, with 'ERR'; {APPENDED} (at byte 13)"),
        (
            b'[{"a":1}, ERR: x] ',
            None,
            f"json: the rows are not well-formed JSON: invalid character: met 'ERR: x]'; {APPENDED} (at byte 10)",
        ),
        (
            b'[{"a":1},]',
            None,
            "json: a comma stands after the last row (at byte 9)",
        ),
        (b'[{"a":1}}', None, "json: the rows are closed by a brace (at byte 8)"),
        (
            b'[{"a":1},{"a":',
            None,
            f"json: the body ends in the middle of the rows, with '[{{\"a\":'; {APPENDED} (at byte 14)",
        ),
        (
            b'{"data":[{"a":1}], "b',
            KEY,
            f"json_detail: the JSON is not closed; it ends with '\"b'; {APPENDED} (at byte 19)",
        ),
        (
            b'{"x":{"y":1,"y":2},"data":[]}',
            KEY,
            "json_detail: not acceptable JSON: the member 'y' stands twice in one object",
        ),
        (
            b'[{"a":1}]',
            KEY,
            "json_detail: expected a JSON object with its rows in 'data', met '[{\"a\":1}]' (at byte 0)",
        ),
        (
            b' {"a":1}',
            None,
            "json: expected a JSON array of rows, met an object with the members 'a': '{\"a\":1}' (at byte 1)",
        ),
        (
            b"<html><style>a{}</style><b>502</b> Bad",
            None,
            "json: expected JSON, met a page of HTML or XML: '502 Bad' (at byte 0)",
        ),
        (b"", None, "json: the body is empty; even a result without rows has some bytes of JSON (at byte 0)"),
    ],
)
def test_messages_name_the_place_in_the_body(body: bytes, key: str | None, text: str) -> None:
    """Offsets count from the first byte of the document, wherever the parser was."""
    with pytest.raises(PayloadError) as caught:
        read([body], key=key)

    assert str(caught.value) == text


@pytest.mark.parametrize("spelling", [COMPACT, PRETTY], ids=["compact", "pretty"])
@pytest.mark.parametrize("key", [KEY, None])
def test_a_cut_at_every_byte_raises(key: str | None, spelling: Mapping[str, Any]) -> None:
    """Only white space at the end may be missing."""
    rows = [{"a": {"value": n, "links": [{"a": "é😀"}]}} for n in range(4)]
    body = (wrapped(rows, spelling, x=[1]) if key else dumped(rows, spelling)) + b"\r\n \t"
    whole = body.rstrip()

    for end in range(len(body)):
        for size in (1, 20, 10_000):
            found = said([body[:end]], key=key, piece_bytes=size)
            if end >= len(whole):
                assert found[0] == rows
            else:
                assert isinstance(found, type)
                assert issubclass(found, PayloadError)


def test_a_repeated_member_of_the_first_row_is_refused_for_every_piece_size() -> None:
    """A parser would keep the last one without a word."""
    for row in ('{"a":1,"a":2}', '{"a":{"value":1,"value":2}}', r'{"a":1,"\u0061":2}'):
        with pytest.raises(PayloadError, match=r"the member '\w+' stands twice in one object"):
            first_row(f"[{row}]".encode(), result_format="json")


def test_first_row_leaves_numbers_unread() -> None:
    """What numbers may be is for the decoder to say, of whichever row."""
    assert first_row(b'[{"a":1e999,"b":-Infinity}]', result_format=None) == {"a": "1e999", "b": "-Infinity"}
    assert first_row(b"[" + b"1" * 5000 + b"]", result_format=None) == {}
    assert first_row(b'[{"a":1', result_format=None) == {}


# -- limits ------------------------------------------------------------------------------------------------------------


def test_row_limit_holds_for_every_chunking() -> None:
    """A row as large as the limit passes, a larger one is refused before much more of it is held."""
    for size in (1, 3, 64, 1000):
        fits = b'{"data":[{"a":1},{"a":"' + b"x" * 190 + b'"},{"a":1}]}'
        assert len(read(chunked(fits, size), piece_bytes=16, max_row_bytes=200)[0]) == 3
        large = fits.replace(b"xx", b"xxxx")
        assert said(chunked(large, size), piece_bytes=16, max_row_bytes=200) is PayloadLimitError


def test_endless_row_is_not_held() -> None:
    """Reading stops at the limit, though the string goes on."""
    pulled = 0

    def chunks() -> Iterator[bytes]:
        nonlocal pulled
        yield b'[{"a":"'
        while True:
            pulled += 1000
            yield b"x" * 1000

    assert said(chunks(), key=None, piece_bytes=100, max_row_bytes=10_000) is PayloadLimitError
    assert pulled <= 12_000


@pytest.mark.parametrize("start", [b'{"x":"', b'{"x":[', b'{"data":[],"x":"'])
def test_endless_envelope_is_not_held(start: bytes) -> None:
    """Before and after the rows there is a limit as well."""
    pulled = 0

    def chunks() -> Iterator[bytes]:
        nonlocal pulled
        yield start
        while True:
            pulled += 1000
            yield b"1," * 500

    assert said(chunks(), piece_bytes=100, max_envelope_bytes=10_000) is PayloadLimitError
    assert pulled <= 12_000


def test_envelope_limit_holds_for_every_chunking() -> None:
    """Also where the array comes in the very chunk that passes the limit."""
    body = b'{"x":"' + b"y" * 1000 + b'","data":[{"a":1}]}'

    for size in (1, 10, 500, 5000):
        assert said(chunked(body, size), max_envelope_bytes=900) is PayloadLimitError
        assert said(chunked(body, size), max_envelope_bytes=1100) == said([body])


def test_leading_white_space_is_not_held() -> None:
    """It is thrown away as it comes."""
    found = read((part for part in [*[b" " * 1000] * 2000, b'{"data":[]}']), piece_bytes=100, max_envelope_bytes=1000)

    assert found == ([], {KEY: []})


def test_long_strings_of_escapes_are_scanned() -> None:
    """The scanner's expressions do not backtrack, and do not recurse."""
    text = '\\"' * 300_000
    body = f'{{"sql":"{text}","data":[{{"a":"{text}"}},{{"a":"{text}"}}],"tail":"{text}"}}'.encode()

    rows, envelope = read(chunked(body, 50_000), piece_bytes=10_000)
    assert [len(row["a"]) for row in rows] == [300_000, 300_000]
    assert len(envelope["sql"]) == len(envelope["tail"]) == 300_000


def test_what_the_decoder_refuses_comes_out_as_it_is() -> None:
    """Only errors of malformed JSON lead to a second look at the piece."""

    class OwnError(LookerFrameError):
        pass

    calls = 0

    def refuse(_piece: memoryview) -> None:
        nonlocal calls
        calls += 1
        raise OwnError

    array = RowArray([dumped([{"a": 1}, {"a": 2}, {"a": 3}])], key=None, result_format="json")
    array.head()
    with pytest.raises(OwnError):
        list(array.pieces(refuse))
    assert calls == 1


def test_errors_of_the_source_come_out_as_they_are() -> None:
    """A connection that breaks is not mistaken for the end of the document."""

    def chunks() -> Iterator[bytes]:
        yield b'{"data":[{"a":1},'
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        read(chunks())


@pytest.mark.parametrize(
    ("document", "members"),
    [(b"{}", {}), (b' {"a" : [1.5, 1e3, -7, true, null]} ', {"a": [1.5, 1000.0, -7, True, None]}), (b"[]", [])],
)
def test_parse_object_parses(document: bytes, members: Any) -> None:
    """Plain JSON is read as the standard library reads it."""
    assert parse_object(document, result_format=None) == members


def test_parse_object_takes_surrogates_in_pairs() -> None:
    """A pair is one character; a backslash before `ud800` makes it plain text."""
    assert parse_object(rb'{"a":"\ud83d\ude00","b":"\\ud800"}', result_format=None) == {"a": "😀", "b": "\\ud800"}
