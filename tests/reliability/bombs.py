"""Bodies that are small and become large, or reach for what is not theirs; run as a program, it decodes them all.

``python -m tests.reliability.bombs FOLDER PORT NAME`` prints for each the error and the megabytes held so far, as
JSON.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import struct
import sys
import time
import zipfile
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lookerframe as lf
from lookerframe.exceptions import LookerFrameError
from tests.reliability.streams import status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Body = Callable[[], bytes | Iterable[bytes]]

_MEGABYTE = 1024 * 1024
_GIGABYTE = 1024 * _MEGABYTE
_DEEP = 100_000

_TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}" '
    'Target="{}"/></Relationships>'
)
_BOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="s" sheetId="1" r:id="r"/></sheets></workbook>'
)
_SHEET = (
    '{}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1"><c r="A1" t="inlineStr"><is><t>{}</t></is></c></row></sheetData></worksheet>'
)
_LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a0 "lol">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


def _deflated(data: bytes, size: int) -> bytes:
    """Compress so many bytes of `data`, which is repeated, by repeating its compressed form."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
    return block + again * (size // len(data) - 1) + packer.flush(zlib.Z_FINISH)


def gzipped(start: bytes, size: int) -> bytes:
    """Make a gzip stream of so many blanks behind `start`; its ratio is near the most that deflate can, 1,032."""
    first = zlib.compressobj(9, zlib.DEFLATED, 31)
    return first.compress(start) + first.flush() + _blanks(size)


@cache
def _blanks(size: int) -> bytes:
    blanks = b" " * _MEGABYTE
    check = 0
    for _ in range(size // _MEGABYTE):
        check = zlib.crc32(blanks, check)
    header = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return header + _deflated(blanks, size) + struct.pack("<II", check, size % 2**32)


def streamed(start: bytes, size: int) -> Iterator[bytes]:
    """Give `start` and so many letters after it, a megabyte at a time."""
    return itertools.chain([start], itertools.repeat(b"x" * _MEGABYTE, size // _MEGABYTE))


def workbook(sheet: str) -> bytes:
    """Make a workbook of one sheet."""
    return _zipped([("xl/worksheets/sheet1.xml", sheet.encode())])


def large_cell(size: int, *, padding: int = 0) -> bytes:
    """Make a workbook with one cell of so many bytes; `padding` bytes that are not compressed hide the ratio."""
    before = _SHEET.format("", "|").partition("|")[0].encode()
    first = zlib.compressobj(9, zlib.DEFLATED, -15)
    sheet = first.compress(before) + first.flush(zlib.Z_FULL_FLUSH) + _deflated(b"x" * _MEGABYTE, size)
    packed = _zipped([("padding", bytes(padding)), ("xl/worksheets/sheet1.xml", sheet)], stored=True)
    # The sheet is compressed already: its two headers say so, and how large it will be. Nobody reads to its checksum.
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        name = len(mark) + {8: 26, 10: 42}[place]
        start = (
            packed.rindex(b"xl/worksheets/sheet1.xml", 0, None if place == 10 else packed.index(b"PK\x01\x02")) - name
        )
        packed = packed[: start + place] + struct.pack("<H", zipfile.ZIP_DEFLATED) + packed[start + place + 2 :]
        real = start + place + 14
        packed = packed[:real] + struct.pack("<I", len(before) + size) + packed[real + 4 :]
    return packed


def _zipped(parts: Iterable[tuple[str, bytes]], *, stored: bool = False) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELATIONS.format("officeDocument", "xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", _BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", _RELATIONS.format("worksheet", "worksheets/sheet1.xml"))
        for name, data in parts:
            archive.writestr(name, data, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _nested(start: bytes, end: bytes, opened: bytes, closed: bytes) -> Iterator[tuple[str, Body]]:
    """Nest a hundred thousand times: left open, and closed again."""
    yield "left open", lambda: start + opened * _DEEP
    yield "closed", lambda: start + opened * _DEEP + b"1" + closed * _DEEP + end


_FIELDS = b'{"fields":{"dimensions":[{"name":"v.a"}]},"data":[{"v.a":{"value":'
_DEEP_PLACES = {
    "document": ("json", b"", b""),
    "row": ("json", b'[{"v.a":', b"}]"),
    "later row": ("json", b'[{"v.a":1},{"v.a":', b"}]"),
    "error": ("json", b'[{"looker_error":', b"}]"),
    "pivot": ("json", b'[{"v.a":{"v.b":{"x":1}}},{"v.a":{"v.b":{"x":', b"}}}]"),
    "envelope": ("json_detail", b'{"x":', b',"fields":{},"data":[]}'),
    "cell": ("json_detail", _FIELDS + b'1,"links":', b"}}]}"),
    "value": ("json_detail", _FIELDS, b"}}]}"),
    "later links": ("json_detail", _FIELDS + b'1}},{"v.a":{"value":1,"links":', b"}}]}"),
    "after": ("json_detail", b'{"fields":{},"data":[],"errors":', b"}"),
    "totals": ("json_detail", _FIELDS + b'1}}],"totals_data":{"v.a":{"value":', b"}}}"),
    "bi rows first": ("json_bi", b'{"rows":[{"v.a":{"value":', b'}}],"metadata":{"fields":{}}}'),
    "webhook": ("webhook", b'{"attachment":', b"}"),
    "several": ("multi_results", b'{"x":', b"}"),
    "unknown": ("json_fe", b'[{"v.a":', b"}]"),
}


def all_bombs(folder: Path, port: int) -> dict[str, tuple[str, Body]]:
    """Name the bombs: result format, and what makes the body.

    Parameters
    ----------
    folder
        Of the file ``canary``, which a workbook tries to read in.
    port
        Where a workbook tries to read from on this machine.
    """
    entity = '<!DOCTYPE x [<!ENTITY e SYSTEM "{}">]>'
    places = (f"file://{folder}/canary", f"http://127.0.0.1:{port}/canary")
    external = {f"XXE {place[:4]}": _SHEET.format(entity.format(place), "&e;") for place in places}
    parameter = f'<!DOCTYPE x [<!ENTITY % e SYSTEM "{places[1]}"> %e;]>'
    sheets = {**external, "XXE parameter": _SHEET.format(parameter, "x"), "laughs": _SHEET.format(_LAUGHS, "&a9;")}
    found: dict[str, tuple[str, Body]] = {
        f"xlsx {name}": ("xlsx", lambda sheet=sheet: workbook(sheet))  # type: ignore[misc]
        for name, sheet in sheets.items()
    }
    found["xlsx 1 GB cell"] = ("xlsx", lambda: large_cell(_GIGABYTE))
    found["xlsx 256 MB cell, ratio hidden"] = ("xlsx", lambda: large_cell(256 * _MEGABYTE, padding=2 * _MEGABYTE))
    html = b"<table><tr><th>A</th></tr><tr><td>"
    starts = {
        "json": b'[{"a":"',
        "json later row": b'[{"a":"y"},{"a":"',
        "json_detail": b'{"fields":{"dimensions":[{"name":"v.a","type":"string"}]},"data":[{"v.a":{"value":"',
        "json_detail envelope": b'{"sql":"',
        "json_bi": b'{"metadata":{"fields":{"dimensions":[{"name":"v.a"}]}},"rows":[{"v.a":{"value":"',
        "csv": b"A,B\nx,",
        "csv quoted": b'A,B\nx,"',
        "csv heading": b"A",
        "txt": b"A\tB\nx\t",
        "html": html,
        "html tag": b"<table><tr><th a='",
        "md": b"| A |\n| --- |\n| ",
    }
    for name, start in starts.items():
        result_format = name.split()[0]
        found[f"gzip 2 GB {name}"] = (result_format, lambda start=start: gzipped(start, 2 * _GIGABYTE))  # type: ignore[misc]
        found[f"1 GB {name}"] = (result_format, lambda start=start: streamed(start, _GIGABYTE))  # type: ignore[misc]
    for name, (result_format, start, end) in _DEEP_PLACES.items():
        for opened, closed in ((b"[", b"]"), (b'{"a":', b"}")):
            for how, make in _nested(start, end, opened, closed):
                found[f"deep {opened.decode()} {name}, {how}"] = (result_format, make)
    return found


def main(folder: Path, port: int, chosen: str) -> None:
    """Decode each bomb whose name the expression `chosen` fits, and say what came of it."""
    for name, (result_format, make) in all_bombs(folder, port).items():
        if not re.search(chosen, name):
            continue
        body = make()
        began = time.monotonic()
        try:
            lf.decode(body, result_format).to_arrow()
            said: dict[str, Any] = {"error": None}
        except LookerFrameError as exc:
            said = {"error": type(exc).__name__, "message": str(exc)}
        except BaseException as exc:  # noqa: BLE001 - the fault that is looked for
            said = {"error": f"foreign {type(exc).__name__}", "message": str(exc)[:500]}
        del body
        megabytes = status("VmHWM") // 1_000_000
        said |= {"name": name, "seconds": round(time.monotonic() - began, 2), "megabytes": megabytes}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
