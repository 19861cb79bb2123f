"""Results that are no tables: their bytes come as they are, and what is none of them does not pass for one."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from lookerframe import formats
from lookerframe.exceptions import (
    ConversionError,
    IncompleteResultError,
    LookerSQLError,
    PayloadError,
    UnexpectedContentError,
)
from lookerframe.payload import Payload
from lookerframe.result import Document, Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXTS = ["sql", "gsxml", "odc"]
IMAGES = ["png", "jpg"]


def chunked(body: bytes, size: int) -> Iterator[bytes]:
    """Cut a body into chunks of one size."""
    return (body[start : start + size] for start in range(0, len(body), size))


def decode(body: bytes, name: str, *, size: int = 1000) -> Result:
    """Decode a body in chunks."""
    return formats.decode(Payload(name, chunked(body, size), context={"task_id": "t1"}))


def image(name: str) -> bytes:
    """Draw an image with Pillow."""
    file = io.BytesIO()
    Image.effect_noise((40, 30), 50).save(file, {"jpg": "JPEG"}.get(name, name))
    return file.getvalue()


@pytest.mark.parametrize("name", ["sql_users_snowflake.sql", "sql_products_count.sql"])
@pytest.mark.parametrize("size", [1, 1000])
def test_recorded_sql_is_text(payloads: Path, name: str, size: int) -> None:
    """As a Looker wrote it, byte for byte; no table is made of it."""
    body = (payloads / name).read_bytes()
    result = decode(body, "sql", size=size)

    assert isinstance(result, Document)
    assert result.content == body
    assert result.text == body.decode()
    assert dict(result.metadata) == {"result_format": "sql", "task_id": "t1"}
    for rows in (result.to_arrow, result.to_pandas, result.batches, result.reader):
        with pytest.raises(UnexpectedContentError, match=r"the result is no table; its text is in .text"):
            rows()


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("size", [1, 1000])
def test_images_are_bytes(name: str, size: int) -> None:
    """As they came; they are no text."""
    body = image(name)
    result = decode(body, name, size=size)

    assert result.content == body
    with pytest.raises(UnexpectedContentError, match=r"the result is no text \(byte 0x[0-9a-f]{2}\)"):
        _ = result.text
    with pytest.raises(UnexpectedContentError, match="the result is no table"):
        result.to_arrow()


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_that_is_cut_is_refused(name: str) -> None:
    """At every byte but after the last."""
    body = image(name)
    for end in range(len(body)):
        with pytest.raises((IncompleteResultError, UnexpectedContentError)):
            decode(body[:end], name)


ERRORS = [
    json.dumps({"message": "Not found", "documentation_url": "https://example.com"}).encode(),
    b'[{"looker_error": "Not found"}]',
    b"<html><head><title>Not found</title></head><body>nginx</body></html>",
    b"<!DOCTYPE html>\n<html><body><h1>Not found</h1></body></html>",
]


@pytest.mark.parametrize("name", [*TEXTS, *IMAGES])
@pytest.mark.parametrize("body", ERRORS, ids=["json", "rows", "html", "html 5"])
def test_an_error_does_not_pass_for_a_document(name: str, body: bytes) -> None:
    """Neither Looker's own nor a proxy's; the error quotes it."""
    for size in (1, 1000):
        with pytest.raises(UnexpectedContentError, match=r"expected .*, met '.*Not found"):
            decode(body, name, size=size)


@pytest.mark.parametrize("name", [*TEXTS, *IMAGES])
@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_an_empty_body_is_no_whole_result(name: str, body: bytes) -> None:
    """It is no SQL."""
    with pytest.raises(IncompleteResultError, match=r"the body is empty: expected (the text of|an image)"):
        decode(body, name)


@pytest.mark.parametrize("name", [*TEXTS, *IMAGES])
@pytest.mark.parametrize("body", [b"\xef\xbb\xbf", b"\xff\xfe\x00"])
def test_other_bytes_are_refused(name: str, body: bytes) -> None:
    """A mark without a text, a text of UTF-16."""
    with pytest.raises(UnexpectedContentError, match=r"expected (the text of|an image|text)"):
        decode(body, name)


def test_an_image_of_another_kind_is_refused() -> None:
    """What was asked for is not what came."""
    with pytest.raises(UnexpectedContentError, match=r"png: expected an image \(png\)"):
        decode(image("jpg"), "png")


@pytest.mark.parametrize("name", ["gsxml", "odc"])
def test_markup_is_text_where_it_may_be(name: str) -> None:
    """XML, and the HTML that office programs write; it may not stop in a tag."""
    body = b'<html xmlns:o="urn:schemas-microsoft-com:office:office"><o:x>1</o:x></html>\n'

    assert decode(body, name).text == body.decode()
    assert decode(b'<?xml version="1.0"?><feed/>', name).text == '<?xml version="1.0"?><feed/>'
    with pytest.raises(IncompleteResultError, match="in the middle of its markup"):
        decode(body[:-3], name)


# -- formats that no source describes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["json_fe", "json_from_the_future"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_unlisted_formats_are_rows_if_they_look_like_rows(name: str, size: int) -> None:
    """With a note that says so."""
    body = json.dumps([{"f.a": 1, "f.b": "x"}, {"f.a": None, "f.b": "]"}], indent=1).encode()
    result = decode(b"\xef\xbb\xbf" + body, name, size=size)

    assert result.to_arrow().to_pydict() == {"f.a": [1, None], "f.b": ["x", "]"]}
    assert f"no source says what {name!r} looks like: read as json, for it is an array of flat objects" in result.notes
    assert decode(b"[ ]", name, size=size).to_arrow().num_rows == 0


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[]}',
        b'[{"f.a":{"value":1}}]',
        b'[{"f.a":[1]}]',
        b"[[1]]",
        b"[1]",
        b"[{",
        b'[{"a":1',
        b"a,b\n1,2\n",
        b"<x/>",
        b"[{}]",
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_unlisted_formats_are_documents_else(body: bytes, size: int) -> None:
    """With a note that says so; nothing is made of them."""
    result = decode(body, "json_fe", size=size)

    assert (result.content, result.text) == (body, body.decode())
    (note,) = result.notes
    assert note.startswith(
        "no source says what 'json_fe' looks like: left as it came, for it is no array of flat objects"
    )
    with pytest.raises(UnexpectedContentError, match="the result is no table"):
        result.to_arrow()


def test_unlisted_rows_are_checked_as_json() -> None:
    """A later row that is not flat, a failed query, a cut, an empty body."""
    with pytest.raises(ConversionError):
        decode(b'[{"a":1},{"a":{"b":2}}]', "json_fe").to_arrow()
    with pytest.raises(LookerSQLError, match="division by zero"):
        decode(b'[{"looker_error":"division by zero"}]', "json_fe")
    with pytest.raises(IncompleteResultError):
        decode(b'[{"a":1},{"a"', "json_fe").to_arrow()
    with pytest.raises(IncompleteResultError, match="the body is empty"):
        decode(b" ", "json_fe")


def test_an_image_ends_where_its_last_chunk_does() -> None:
    """The end of a PNG, spelt out: nothing but zeros and line ends may follow."""
    chunk = b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
    body = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\0" + chunk

    assert decode(body + b"\r\n", "png").content == body + b"\r\n"
    with pytest.raises(PayloadError, match=r"the image stops after 24 bytes, before its end"):
        decode(body + b"lost", "png")
