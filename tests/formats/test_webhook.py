"""Results are taken out of the bodies that Looker posts, and nothing that is secret goes with them."""

from __future__ import annotations

import base64
import json
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe import formats
from lookerframe.exceptions import (
    IncompleteResultError,
    LookerFrameError,
    PayloadError,
    SchemaError,
    UnexpectedContentError,
    UnknownFormatError,
)
from lookerframe.formats.webhook import unwrap

if TYPE_CHECKING:
    from pathlib import Path

PLAN: dict[str, Any] = {
    "scheduled_plan_id": 7,
    "title": "Daily orders",
    "type": "Look",
    "url": "https://example.com/looks/1",
    "query_id": 4711,
    "query": {
        "id": 4711,
        "model": "flights",
        "view": "flights",
        "fields": ["flights.carrier", "flights.count"],
        "pivots": [],
        "limit": "500",
        "total": False,
        "row_total": "right",
        "query_timezone": "America/New_York",
    },
    "filters_differ_from_look": False,
    "download_url": "https://example.com/download?token=s3cret",
}
CSV = "Carrier,Count\nUA,7\nÄÄ,8\n"


def hook(**members: Any) -> bytes:
    """Write a body."""
    body = {
        "type": "query",
        "scheduled_plan": PLAN,
        "attachment": None,
        "data": None,
        "form_params": {"password": "s3cret"},
    }
    return json.dumps({**body, **members}).encode()


def attached(data: Any, extension: str | None, mimetype: str | None) -> bytes:
    """Write a body with an attachment."""
    return hook(attachment={"mimetype": mimetype, "extension": extension, "data": data})


def in_base64(content: bytes) -> str:
    """Spell bytes as Looker does: a line break every 60 characters."""
    return "\n".join(textwrap.wrap(base64.b64encode(content).decode(), 60)) + "\n"


def test_documented_attachment_is_a_table(payloads: Path) -> None:
    """Its last line is not ended, but the JSON around it is."""
    text = (payloads / "webhook_doc_csv_attachment.csv").read_text()
    assert not text.endswith("\n")
    payload = unwrap(attached(text, "csv", "text/csv"))

    assert (payload.result_format, payload.whole) == ("csv", True)
    assert formats.decode(payload).to_arrow().to_pydict() == {
        "Division": ["Brick + Mortar", "Online"],
        "Revenue": [3828101, 7184918],
        "Profit": [739192, 4947684],
    }


def test_context_says_what_the_schedule_says_of_the_query() -> None:
    """But not what the receiver entered, nor addresses that may carry a token."""
    payload = unwrap(attached(CSV, "csv", "text/csv"), origin="hook.json")

    assert payload.origin == "hook.json"
    assert dict(payload.context) == {
        "title": "Daily orders",
        "query_id": "4711",
        "model": "flights",
        "explore": "flights",
        "fields": ["flights.carrier", "flights.count"],
        "limit": 500,
        "total": False,
        "row_total": True,
        "timezone": "America/New_York",
    }
    assert dict(unwrap(hook(scheduled_plan=None, data=[])).context) == {}


@pytest.mark.parametrize(
    ("extension", "mimetype", "expected"),
    [
        ("csv", "text/csv", "csv"),
        ("csv", None, "csv"),
        (".CSV", "application/octet-stream", "csv"),
        (None, "text/csv; charset=utf-8", "csv"),
        ("", "TEXT/HTML", "html"),
        ("txt", "text/plain", "txt"),
        (None, "text/plain", "txt"),
        ("md", "text/markdown", "md"),
        ("sql", "application/sql", "sql"),
        ("json", "application/json", "csv"),  # JSON is told by how it begins
    ],
)
def test_attached_text_is_passed_on_as_it_is(extension: str | None, mimetype: str | None, expected: str) -> None:
    """By its extension, else by its media type."""
    payload = unwrap(attached(CSV, extension, mimetype))

    assert payload.result_format == expected
    assert b"".join(payload.chunks) == CSV.encode()


@pytest.mark.parametrize(
    ("extension", "mimetype", "expected"),
    [
        ("png", "image/png;base64", "png"),
        ("jpeg", "image/jpeg;base64", "jpg"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;base64", "xlsx"),
        (None, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet; base64", "xlsx"),
        ("csv", "text/csv;charset=utf-8;base64", "csv"),
    ],
)
def test_attached_bytes_are_unpacked(extension: str | None, mimetype: str, expected: str) -> None:
    """From base64 with line breaks."""
    content = bytes(range(256)) * 3
    payload = unwrap(attached(in_base64(content), extension, mimetype))

    assert payload.result_format == expected
    assert b"".join(payload.chunks) == content


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"f.a":1}]', "json"),
        ('{"fields":{},"data":[]}', "json_detail"),
        ('{"metadata":{},"rows":[]}', "json_bi"),
    ],
)
def test_json_is_told_by_how_it_begins(content: str, expected: str) -> None:
    """Attached, or inline in ``data``, as text or as it is."""
    bodies = [
        attached(content, "json", "application/json"),
        hook(data=content),
        hook(data=json.loads(content)),
        hook(attachment={"mimetype": "application/json", "extension": "json", "data": None}, data=content),
    ]
    for body in bodies:
        payload = unwrap(body)
        assert payload.result_format == expected
        assert json.loads(b"".join(payload.chunks)) == json.loads(content)


def test_inline_numbers_keep_their_spelling() -> None:
    """They are not read and written again on the way."""
    rows = b'[ {"f.a":1.10, "f.b":12345678901234567890, "f.c":1E5} ]'
    payload = unwrap(hook(data="@").replace(b'"@"', rows))

    assert b"".join(payload.chunks) == rows


#: Bodies without a result: error, words of its text.
REFUSED: dict[str, tuple[bytes, type[LookerFrameError], str]] = {
    "pdf": (
        attached("x", "pdf", "application/pdf;base64"),
        UnknownFormatError,
        "result_format 'pdf'; known: csv, html,",
    ),
    "zip": (attached("x", None, "application/zip;base64"), UnknownFormatError, "'application/zip'; known"),
    "no kind": (attached("x", None, None), UnknownFormatError, "no decoder for result_format None; known: csv, html,"),
    "bad base64": (
        attached("@@@@", "png", "image/png;base64"),
        PayloadError,
        "not the base64 that its media type says",
    ),
    "cut base64": (attached("QUJDR", "png", "image/png;base64"), PayloadError, "not the base64 that its media"),
    "foreign letters": (attached("ÄÖÜ=", "png", "image/png;base64"), PayloadError, "not the base64 that its media"),
    "data of a list": (attached([1], "csv", "text/csv"), PayloadError, "the attachment's data is list, not text"),
    "nothing": (hook(), UnexpectedContentError, "neither an attachment nor rows in 'data'"),
    "settings": (hook(data={"api_key": "s3cret"}), UnexpectedContentError, "neither an attachment nor rows"),
    "words": (hook(data="s3cret"), UnexpectedContentError, "neither an attachment nor rows"),
    "array": (b"[1]", UnexpectedContentError, "expected the object that Looker posts, met list"),
    "cut": (hook()[:-5], IncompleteResultError, "the JSON is not closed"),
    "twice": (b'{"data":[],"data":[]}', PayloadError, "the member 'data' stands twice"),
    "no query": (hook(scheduled_plan={"query": {"pivots": "f.a"}}, data=[]), SchemaError, "expected array"),
    "not UTF-8": (b'{"data":"\xff"}', PayloadError, "not UTF-8"),
}


@pytest.mark.parametrize(("body", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_what_has_no_result_is_refused(body: bytes, error: type[LookerFrameError], text: str) -> None:
    """By one clear error, which does not quote what may be secret."""
    with pytest.raises(error, match=text) as caught:
        unwrap(body)
    assert type(caught.value) is error
    found = caught.value
    if not text.startswith("the JSON is not closed"):
        assert "s3cret" not in f"{found}{vars(found)}"


def test_a_cut_at_every_byte_raises() -> None:
    """What proves the end of the result is the end of the JSON around it."""
    body = attached(CSV, "csv", "text/csv")
    for end in range(len(body)):
        with pytest.raises(PayloadError):
            unwrap(body[:end])
