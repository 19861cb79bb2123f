"""An independent writer of Looker's JSON results, on the standard library alone, and what tests need to read them back.

It knows the shapes from recorded payloads, and shares no code with the decoders.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookerframe import formats
from lookerframe.exceptions import LookerFrameError
from lookerframe.payload import Payload
from lookerframe.rows import RowArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lookerframe.fields import Typing
    from lookerframe.result import OnTruncate, Result

#: Ways to spell one document, as arguments of `json.dumps`.
COMPACT: Mapping[str, Any] = {"separators": (",", ":"), "ensure_ascii": False}
SPACED: Mapping[str, Any] = {}
PRETTY: Mapping[str, Any] = {"indent": 2, "ensure_ascii": False}

#: Members of recorded answers, in their order; what a test gives replaces or adds to them.
MEMBERS: Mapping[str, Any] = {
    "from_cache": False,
    "id": "5f8a4ca7",
    "ran_at": "2026-01-31T08:00:00+00:00",
    "runtime": "0.624",
    "sql": 'SELECT carrier AS "flights.carrier",\n\tCOUNT(*) AS "flights.count"\nFROM flights',
    "fields": ...,
    "timezone": "UTC",
    "data": ...,
    "drill_menu_build_time": 0.01,
    "has_subtotals": False,
}


@dataclass(frozen=True, slots=True)
class Col:
    """A column as Looker would describe it: name, LookML type, and the list of ``fields`` that it stands in."""

    name: str
    type: str | None = "string"
    group: str = "dimensions"


def metadata(columns: Iterable[Col]) -> dict[str, Any]:
    """Write the ``fields`` object."""
    found: dict[str, Any] = {"measures": [], "dimensions": [], "table_calculations": []}
    for column in columns:
        found[column.group].append({"name": column.name, "type": column.type, "measure": column.group == "measures"})
    return found


def cell(value: Any, *, rich: bool = False) -> dict[str, Any]:
    """Write a cell; a rich one has all that Looker may add to the value."""
    if not rich:
        return {"value": value}
    link = {"label": "by Created Time", "url": '/explore/m/e?fields=v.a,"v.b"&f[v.a]={"v.a":', "type": "drill"}
    return {"value": value, "rendered": f'{value}"}},{{"', "links": [link, {"type": "url", "value": None}]}


def json_detail(
    columns: Sequence[Col],
    rows: Iterable[Mapping[str, Any]],
    *,
    rich: bool = False,
    spelling: Mapping[str, Any] = COMPACT,
    **members: Any,
) -> bytes:
    """Write rows of JSON values as `json_detail`; ``members`` go into the envelope, ``...`` leaves one out."""
    body = dict(MEMBERS)
    body["fields"] = metadata(columns)
    body["data"] = [{name: cell(value, rich=rich) for name, value in row.items()} for row in rows]
    body |= members
    return dumped({key: value for key, value in body.items() if value is not ...}, spelling)


def json_rows(rows: Iterable[Mapping[str, Any]], *, spelling: Mapping[str, Any] = COMPACT) -> bytes:
    """Write rows of JSON values as `json`."""
    return dumped([dict(row) for row in rows], spelling)


def dumped(document: Any, spelling: Mapping[str, Any] = COMPACT) -> bytes:
    """Write any document in UTF-8."""
    return json.dumps(document, **spelling).encode()


def wire(value: Any, lookml_type: str | None) -> Any:
    """Turn a Python value into what Looker would send for a field of the type."""
    match value:
        case bool():
            return "Yes" if value else "No"
        case dt.datetime():
            return value.isoformat(sep=" ", timespec="microseconds")
        case dt.date() if lookml_type == "date_month":
            return f"{value:%Y-%m}" if value.year >= 1000 else f"{value.year:04}-{value.month:02}"
        case dt.date() if lookml_type == "date_quarter":
            return f"{value.year:04}-Q{(value.month + 2) // 3}"
        case dt.date():
            return value.isoformat()
        case _:
            return value


# -- reading back -----------------------------------------------------------------------------------------------------


def decode(
    body: bytes | Iterable[bytes],
    result_format: str = "json_detail",
    *,
    columns: Iterable[Col] | None = None,
    typing: Typing | None = None,
    on_truncate: OnTruncate = "warn",
    **facts: Any,
) -> Result:
    """Decode a body, in one chunk or as the chunks given; with metadata from elsewhere, if there are `columns`."""
    chunks = [body] if isinstance(body, bytes) else body
    known = None if columns is None else metadata(columns)
    fields = None if known is None else lambda: known
    return formats.decode(
        Payload(result_format, chunks, fields=fields, **facts), typing=typing, on_truncate=on_truncate
    )


def outcome(
    body: bytes | Iterable[bytes],
    result_format: str = "json_detail",
    *,
    columns: Iterable[Col] | None = None,
    typing: Typing | None = None,
) -> tuple[Any, ...]:
    """Say all that reading a body leads to, the table or the error; anything foreign is raised."""
    try:
        result = decode(body, result_format, columns=columns, typing=typing, on_truncate="ignore")
        table = result.to_arrow()
    except LookerFrameError as exc:
        return type(exc), str(exc), vars(exc)
    # Compared as text, for Arrow finds no NaN equal to itself.
    rows = repr(table.to_pylist())
    return table.schema.to_string(), rows, dict(result.metadata), result.notes, result.truncated


def chunked(body: bytes, size: int) -> Iterator[bytes]:
    """Cut a body into chunks of one size."""
    return (body[start : start + size] for start in range(0, len(body), size))


@contextlib.contextmanager
def piece_size(size: int) -> Iterator[None]:
    """Let rows be decoded in pieces of so many bytes inside the block."""
    constructor: Any = RowArray.__init__
    defaults = constructor.__kwdefaults__
    kept, defaults["piece_bytes"] = defaults["piece_bytes"], size
    try:
        yield
    finally:
        defaults["piece_bytes"] = kept
