"""Saved payloads are known by their first bytes, and inflated if they were saved so."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from lookerframe.exceptions import IncompleteResultError, PayloadError, PayloadLimitError, UnexpectedContentError
from lookerframe.formats.detection import detect, inflated

if TYPE_CHECKING:
    from pathlib import Path


def workbook() -> bytes:
    """Write a workbook."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet()
    return file.getvalue()


#: File of others → what it is. Parts of results are told as what they look like.
RECORDED = {
    "csv_tile_pivoted.csv": "csv",
    "html_two_columns.html": "html",
    "jd_actionhub_filled_months.json": "json_detail",
    "jd_handmade_pivots_first.json": "json_detail",
    "jd_lite_stream_weeks.json": "json_detail",
    "jd_thelook_orders.data.json": "json",
    "json_bi_pivot_group_name.json": "json_bi",
    "json_label_emails.json": "json",
    "json_looker_error_handmade.json": "json",
    "json_one_pivot.json": "json",
    "sql_products_count.sql": "sql",
    "sql_users_snowflake.sql": "sql",
    "webhook_doc_csv_attachment.csv": "csv",
}
#: Format → bodies.
BODIES: dict[str, list[bytes]] = {
    "json": [b"[]", b"[", b'\xef\xbb\xbf \n[{"metadata":1}]'],
    "json_detail": [
        b"{}",
        b"{",
        b'{"data":[',
        b'{"fields":{"rows":1,"metadata":[{"attachment":2}]}',
        b'{"sql":"\\"rows\\":","x":"rows"',
        b'{"x":"a{","data":1',
        b'{"sql":"\\"a\\",\\"rows\\": ',
    ],
    "json_bi": [b'{"metadata":{}', b'{ "rows" : [{"data":1}]', b'{"x":{"y":["]"]},"rows":['],
    "webhook": [
        b'{"type":"query","scheduled_plan":{"title":"x"',
        b'{"attachment":{"data":"',
        b'{"form_params":{},"data":[]}',
    ],
    "xlsx": [workbook(), b"PK\x05\x06" + b"\0" * 18],
    "png": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    "jpg": [b"\xff\xd8\xff\xe0\0\x10JFIF"],
    "html": [b"<table>\n<tr>", b"<!DOCTYPE html>\n<html>", b"<html><title>502</title>", b"<p>failed</p>"],
    "odc": [b'<html xmlns:o="urn:schemas-microsoft-com:office:office">', b"<?xml version='1.0'?><odc:x/>"],
    "gsxml": [b'<?xml version="1.0"?><feed/>'],
    "md": [b"| A | B |\n| --- | --- |\n", b"|A|\r\n|-|\r\n"],
    "sql": [
        b"SELECT\n  1",
        b"select a, b\nfrom t",
        b"WITH t AS (SELECT 1) SELECT",
        b"-- raw sql results\nSELECT",
        b"/* note */ WITH x AS\n(",
        b"\n\n  SELECT 1",
        b"CREATE TEMPORARY TABLE x AS SELECT 1",
    ],
    "txt": [b"Day\tCount\n2013-01-01\t7\n", b"Day, the\tCount\n"],
    "csv": [
        b"Day,Count\n2013-01-01,7\n",
        b"Count\n7\n",
        b'"With\tTab",B\n'.replace(b"\t", b" "),
        b"Select Date,Count\n",
        b"With Discount,Count\n",
        b"Created Date,As Of\n",
        b"|,B\n",
        "Größe,Täter\n".encode()[:-1],
        b"Day,Count\n2013\t,7\n",
    ],
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_payloads_are_known(payloads: Path, name: str) -> None:
    """Whole, and by their first bytes."""
    body = (payloads / name).read_bytes()

    assert detect(body) == detect(body[:4096]) == RECORDED[name]


@pytest.mark.parametrize(("name", "body"), [(name, body) for name, bodies in BODIES.items() for body in bodies])
def test_each_format_is_known(name: str, body: bytes) -> None:
    """Also by a start that ends anywhere in a member, or in a character."""
    assert detect(body) == name


def test_a_character_that_is_cut_off_is_no_garbage() -> None:
    """The first bytes end where they end."""
    body = "Größe,😀\n".encode()
    for end in range(1, len(body) + 1):
        assert detect(body[:end]) == "csv"


def test_members_beyond_the_start_are_not_needed() -> None:
    """What comes first is enough."""
    body = json.dumps({"metadata": {"fields": {"dimensions": [{"label": "x" * 10_000}]}}, "rows": []}).encode()

    assert detect(body[:4096]) == "json_bi"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\0\0\0\0", r"begins with b'\\x00\\x00"),
        (b"%PDF-1.7\n\xe2\xe3\xcf", "begins with b'%PDF-1.7"),
        (b"PAR1\x15\x04", "begins with b'PAR1"),
        (b"\xff\xfeD\0a\0y\0", "as no result does; give result_format="),
        (b"Day,Gr\xf6sse\n", "begins with"),
    ],
)
def test_what_no_result_is_like_is_refused(body: bytes, text: str) -> None:
    """With its first bytes, and the way out."""
    with pytest.raises(UnexpectedContentError, match=text):
        detect(body)


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf \n"])
def test_an_empty_body_is_no_whole_result(body: bytes) -> None:
    """Each format has some bytes even without rows."""
    with pytest.raises(IncompleteResultError, match="the body is empty"):
        detect(body)


def pieces(body: bytes, size: int) -> list[bytes]:
    """Cut a body into chunks of one size."""
    return [body[start : start + size] for start in range(0, len(body), size)]


@pytest.mark.parametrize("size", [1, 2, 7, 100_000])
def test_gzip_is_inflated_and_anything_else_passed_on(size: int) -> None:
    """Also of several members; what is not gzip keeps its bytes."""
    body = json.dumps([{"f.a": number} for number in range(10_000)]).encode()
    for saved in (gzip.compress(body), gzip.compress(body[:100]) + gzip.compress(body[100:]), body):
        assert b"".join(inflated(pieces(saved, size), origin="saved.json.gz")) == body
    for short in (b"", b"\x1f", b"x"):
        assert b"".join(inflated([short], origin="saved")) == short


def test_gzip_that_is_cut_or_damaged_is_refused() -> None:
    """At every byte; the checksum at its end is looked at."""
    body = gzip.compress(b"Day,Count\n2013-01-01,7\n")
    for end in range(2, len(body)):
        with pytest.raises(IncompleteResultError, match=r"^a.csv: the gzip stream stops before its end"):
            list(inflated([body[:end]], origin="a.csv"))
    with pytest.raises(PayloadError, match=r"a\.csv is not the gzip stream"):
        list(inflated([body[:-8] + b"\0" * 8], origin="a.csv"))
    with pytest.raises(PayloadError, match=r"a\.csv is not the gzip stream"):
        list(inflated([body + b"more"], origin="a.csv"))


def test_a_gzip_bomb_is_refused_before_it_is_inflated() -> None:
    """It inflates more than a thousandfold."""
    bomb = gzip.compress(b"\0" * 20_000_000)
    given: list[int] = []
    with pytest.raises(PayloadLimitError, match="inflates more than 1,000-fold"):
        given.extend(len(piece) for piece in inflated(pieces(bomb, 1000), origin="a.csv"))
    assert sum(given) <= 2_000_000
