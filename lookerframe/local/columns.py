"""Columns of the database -> columns whose values Python can hold and compare; what it cannot becomes text.

No source says how Looker writes lists, structures, intervals, infinite times and years past 9999. Assumed: JSON for
what is nested, DuckDB's own text for the rest. Nanoseconds are cut to microseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lookerframe.local.cells import json_text

if TYPE_CHECKING:
    from collections.abc import Collection

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
#: The first and the last day, and second, that Python can hold, counted from 1970.
_DAYS = (-719_162, 2_932_896)
_SECONDS = (-62_135_596_800, 253_402_300_799)
#: How DuckDB stores infinity.
_INFINITY = {32: 2**31 - 1, 64: 2**63 - 1}


def readable(table: pa.Table, *, lists: Collection[str] = ()) -> pa.Table:
    """Write as text what Python cannot hold or compare; the columns `lists` stay lists."""
    for place, name in enumerate(table.column_names):
        if name not in lists:
            found = _readable(table.column(name))
            if found.type != table.column(name).type:
                table = table.set_column(place, name, found)
    return table


def _readable(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_nested(kind):
        return _texts(None if value is None else _json(kind, value) for value in column.to_pylist())
    if pa.types.is_interval(kind):
        return _texts(None if value is None else _interval(*value) for value in column.to_pylist())
    if pa.types.is_date(kind):
        return column if _within(column, *_DAYS) else _far(column, 32)
    if pa.types.is_timestamp(kind):
        scale = _PER_SECOND[kind.unit]
        if not _within(column, _SECONDS[0] * scale, _SECONDS[1] * scale + scale - 1):
            return _far(column, 64)
        return column.cast(pa.timestamp("us", kind.tz), safe=False) if kind.unit == "ns" else column
    return column.cast(pa.time64("us"), safe=False) if kind == pa.time64("ns") else column


def _texts(values: Any) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, pa.string())])


def _json(kind: pa.DataType, value: Any) -> str:
    return json_text(dict(value) if pa.types.is_map(kind) else value)


def _interval(months: int, days: int, nanoseconds: int) -> str:
    """Write an interval as DuckDB does: ``1 year 2 months 3 days 02:00:00.5``."""
    sign = "-" if nanoseconds < 0 else ""
    seconds, fraction = divmod(abs(nanoseconds), 10**9)
    whole = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    years = abs(months) // 12 * (1 if months >= 0 else -1)
    parts = [
        f"{count} {unit}{'' if abs(count) == 1 else 's'}"
        for count, unit in ((years, "year"), (months - 12 * years, "month"), (days, "day"))
        if count
    ]
    if nanoseconds or not parts:
        parts.append(whole + (f".{fraction // 1_000:06}".rstrip("0") if fraction else ""))
    return " ".join(parts)


def _within(column: pa.ChunkedArray, least: int, most: int) -> bool:
    """Whether all values are between two counts of their unit."""
    found = pc.min_max(_counts(column)).as_py()
    return found["min"] is None or (found["min"] >= least and found["max"] <= most)


def _counts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int32() if column.type == pa.date32() else pa.int64())


def _far(column: pa.ChunkedArray, bits: int) -> pa.ChunkedArray:
    """Write times of any year, as raw times are written."""
    infinity = _INFINITY[bits]
    plain = column.cast(pa.timestamp(column.type.unit)) if bits == 64 else column  # noqa: PLR2004 - without a zone
    texts = []
    for count, text in zip(_counts(column).to_pylist(), plain.cast(pa.string()).to_pylist(), strict=True):
        if count is None or abs(count) == infinity:
            texts.append(None if count is None else "infinity" if count > 0 else "-infinity")
        else:
            day, _, time = text.partition(" ")
            whole, _, fraction = time.partition(".")
            texts.append(f"{day} {whole}{f'.{fraction}' if fraction.strip('0') else ''} +0000" if time else day)
    return _texts(texts)
