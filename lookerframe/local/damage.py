"""What each kind of fault makes of an answer.

`MADE_UP` are answers in place of the real one, `DAMAGED` what becomes of the real one; both give the steps to send.
"""

from __future__ import annotations

import email.utils
import functools
import io
import json
import time
import zipfile
import zlib
from typing import TYPE_CHECKING, Final

from lookerframe.local.wire import Answer, Close, Drip, Pause, Reset, Step, chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lookerframe.local.faults import Fault
    from lookerframe.local.wire import Call

_LONGEST = 30.0
_MIB = 1 << 20
_BOMB_MIB = 256
_DEPTH = 100_000
_DOCUMENTATION = "http://docs.looker.com/"
_APPENDED = b"\nThe connection to the database was lost while the result was being sent."
_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body><h1>Error: Server Error</h1>"
    b"<p>The server encountered a temporary error and could not complete your request.</p></body></html>\n"
)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def _said(
    call: Call, status: int, body: bytes, content_type: str = "application/json", *headers: tuple[str, str]
) -> list[Step]:
    date = ("Date", email.utils.formatdate(usegmt=True))
    answer = Answer(status, (date, ("Content-Type", content_type), *headers), body, call.takes_gzip and bool(body))
    return [answer.whole() if status != 204 else answer.head()]  # noqa: PLR2004 - no body, and so no length


def _refused(status: int, message: str) -> Callable[[Call, Fault], list[Step]]:
    body = json.dumps({"message": message, "documentation_url": _DOCUMENTATION}).encode()
    return lambda call, _: _said(call, status, body)


def _paged(status: int) -> Callable[[Call, Fault], list[Step]]:
    return lambda call, _: _said(call, status, _PAGE, "text/html; charset=UTF-8")


def _silent(status: int) -> Callable[[Call, Fault], list[Step]]:
    return lambda call, _: _said(call, status, b"")


def _too_many(retry_after: Callable[[int], str | None]) -> Callable[[Call, Fault], list[Step]]:
    body = json.dumps({"message": "Too many requests.", "documentation_url": _DOCUMENTATION}).encode()

    def say(call: Call, fault: Fault) -> list[Step]:
        value = retry_after(1 if fault.seconds is None else int(fault.seconds))
        waiting = [] if value is None else [("Retry-After", value)]
        return _said(call, 429, body, "application/json", ("X-Looker-Rate-Limited", "true"), *waiting)

    return say


def _redirected(call: Call, _: Fault) -> list[Step]:
    where = ("Location", f"http://{call.headers.get('Host', 'localhost')}/elsewhere")
    return _said(call, 302, b"", "text/plain", where)


def _task_object(call: Call, _: Fault) -> list[Step]:
    task = {"can": {"show": True}, "id": call.task_id, "query_id": "1", "status": "complete", "result_format": "json"}
    return _said(call, 200, json.dumps(task).encode())


def _gzip_bomb(_: Call, __: Fault) -> Iterable[Step]:
    """Send 256 MiB of blanks in 256 KiB: a block that is deflated once and repeated."""
    block = b" " * _MIB
    packer = zlib.compressobj(9, wbits=-15)
    packer.compress(block)
    packer.flush(zlib.Z_FULL_FLUSH)
    packed = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    answer = Answer(200, (("Content-Type", "application/json"),), b"", takes_gzip=True)
    yield answer.head("Transfer-Encoding: chunked") + chunk(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
    crc = 0
    for _number in range(_BOMB_MIB):
        crc = zlib.crc32(block, crc)
        yield chunk(packed)
    trailer = b"\x03\x00" + crc.to_bytes(4, "little") + (_BOMB_MIB * _MIB).to_bytes(4, "little")
    yield chunk(trailer) + chunk(b"")


def _xlsx_bomb(call: Call, _: Fault) -> list[Step]:
    return _said(call, 200, _workbook(), _XLSX)


@functools.cache
def _workbook() -> bytes:
    """Write a workbook of one cell of 256 MiB."""
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    }
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            sheet.write(f'<worksheet xmlns="{_MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>'.encode())
            for _ in range(_BOMB_MIB):
                sheet.write(b"A" * _MIB)
            sheet.write(b"</t></is></c></row></sheetData></worksheet>")
    return made.getvalue()


def _hung(_: Call, fault: Fault) -> list[Step]:
    return [Pause(_LONGEST if fault.seconds is None else fault.seconds), Close()]


#: Kind → the answer in place of the real one.
MADE_UP: Final[dict[str, Callable[[Call, Fault], Iterable[Step]]]] = {
    "500": _refused(500, "An error has occurred."),
    "502": _refused(502, "Bad gateway"),
    "503": _refused(503, "Service unavailable"),
    "504": _refused(504, "Gateway timeout"),
    "502_html": _paged(502),
    "504_html": _paged(504),
    "429_seconds": _too_many(str),
    "429_date": _too_many(lambda seconds: email.utils.formatdate(time.time() + seconds, usegmt=True)),
    "429_absent": _too_many(lambda _: None),
    "429_garbage": _too_many(lambda _: "soon"),
    "429_negative": _too_many(lambda _: "-5"),
    "401": _refused(401, "Requires authentication."),
    "404": _refused(404, "Not found"),
    "202": _silent(202),
    "204": _silent(204),
    "302": _redirected,
    "200_empty": _silent(200),
    "200_html": _paged(200),
    "task_object": _task_object,
    "gzip_bomb": _gzip_bomb,
    "xlsx_bomb": _xlsx_bomb,
    "reset_before": lambda _, __: [Reset()],
    "hang": _hung,
}


def _before(data: bytes, at: float) -> bytes:
    """Cut a body: something is always missing."""
    return data[: min(int(len(data) * at), len(data) - 1)]


def _cut_at_length(answer: Answer, at: float, end: Step) -> list[Step]:
    sent = answer.packed()
    return [answer.head(f"Content-Length: {len(sent)}") + _before(sent, at), end]


def _of_length(answer: Answer, length: int) -> list[Step]:
    return [answer.head(f"Content-Length: {length}", "Connection: close") + answer.packed(), Close()]


def _chunked(answer: Answer, at: float, rest: bytes) -> list[Step]:
    """Send the first part as a chunk, if it is not empty, and something in place of the others."""
    first = _before(answer.packed(), at)
    return [answer.head("Transfer-Encoding: chunked") + (chunk(first) if first else b"") + rest, Close()]


def _in_chunk(answer: Answer, at: float) -> list[Step]:
    sent = answer.packed()
    return _chunked(answer, 0, chunk(sent)[: -len(sent) - 2] + _before(sent, at))


def _unframed(answer: Answer, sent: bytes) -> list[Step]:
    return [answer.head("Connection: close") + sent, Close()]


def _zipped(answer: Answer, change: Callable[[bytes], bytes]) -> list[Step] | None:
    return [answer.whole(change(answer.packed()))] if answer.takes_gzip else None


def _dripped(answer: Answer, seconds: float | None) -> list[Step]:
    sent = answer.packed()
    return [answer.head(f"Content-Length: {len(sent)}"), Drip(sent, _LONGEST if seconds is None else seconds)]


def _coded(answer: Answer, charset: str) -> list[Step] | None:
    """Write text in another charset than the header says; what is no text, or is the same in it, stays as it is."""
    try:
        body = answer.body.decode().encode(charset, "replace")
    except UnicodeDecodeError:
        return None
    return [answer.with_body(body).whole()] if body != answer.body else None


def _marked(answer: Answer) -> list[Step] | None:
    is_text = answer.is_json or dict(answer.headers).get("content-type", "").startswith("text/")
    return [answer.with_body(b"\xef\xbb\xbf" + answer.body).whole()] if is_text else None


def _with_status(answer: Answer, change: Callable[[str], str]) -> list[Step] | None:
    task = json.loads(answer.body) if answer.is_json else None
    if not isinstance(task, dict) or not isinstance(task.get("status"), str):
        return None
    return [answer.with_body(json.dumps({**task, "status": change(task["status"])}).encode()).whole()]


def _nested(answer: Answer) -> list[Step] | None:
    """Put brackets into the first object that is in an array."""
    head, found, tail = answer.body.partition(b"[{")
    brackets = b"[" * _DEPTH + b"]" * _DEPTH
    body = head + b'[{"deep":' + brackets + b"," + tail
    return [answer.with_body(body).whole()] if answer.is_json and found else None


#: Kind → what is sent in place of an answer that was made; None if it cannot befall this one.
DAMAGED: Final[dict[str, Callable[[Answer, Fault], list[Step] | None]]] = {
    "reset_after": lambda _, __: [Reset()],
    "close_after": lambda _, __: [Close()],
    "reset_in_body": lambda answer, fault: _cut_at_length(answer, fault.at, Reset()),
    "close_in_body": lambda answer, fault: _cut_at_length(answer, fault.at, Close()),
    "length_too_large": lambda answer, _: _of_length(answer, len(answer.packed()) + 64),
    "length_too_small": lambda answer, fault: _of_length(answer, len(_before(answer.packed(), fault.at))),
    "cut_chunked": lambda answer, fault: _chunked(answer, fault.at, b""),
    "cut_in_chunk": lambda answer, fault: _in_chunk(answer, fault.at),
    "bad_chunk_size": lambda answer, fault: _chunked(answer, fault.at, b"size\r\n" + answer.packed()[:64] + b"\r\n"),
    "close_delimited": lambda answer, _: _unframed(answer, answer.packed()),
    "cut_close_delimited": lambda answer, fault: _unframed(answer, _before(answer.packed(), fault.at)),
    "cut_gzip": lambda answer, fault: _zipped(answer, lambda sent: _before(sent[:-8], fault.at)),
    "no_gzip_trailer": lambda answer, _: _zipped(answer, lambda sent: sent[:-8]),
    "wrong_crc": lambda answer, _: _zipped(answer, lambda sent: sent[:-8] + bytes([sent[-8] ^ 1]) + sent[-7:]),
    "cut_body": lambda answer, fault: [answer.with_body(_before(answer.body, fault.at)).whole()],
    "drip": lambda answer, fault: _dripped(answer, fault.seconds),
    "deep_nesting": lambda answer, _: _nested(answer),
    "appended_text": lambda answer, _: [answer.with_body(answer.body + _APPENDED).whole()],
    "latin_1": lambda answer, _: _coded(answer, "latin-1"),
    "utf_16": lambda answer, _: _coded(answer, "utf-16"),
    "bom": lambda answer, _: _marked(answer),
    "expired": lambda answer, _: _with_status(answer, lambda _: "expired"),
    "killed": lambda answer, _: _with_status(answer, lambda _: "killed"),
    "missing": lambda answer, _: _with_status(answer, lambda _: "missing"),
    "unknown_status": lambda answer, _: _with_status(answer, lambda _: "hibernating"),
    "upper_case": lambda answer, _: _with_status(answer, str.upper),
}
