"""Columns of a result -> the text of its rows, a batch at a time: JSON objects, or lines of any other kind.

A cell is written once for each distinct value of a batch, in Python, and then put in its places by Arrow; rows are
joined by Arrow too. A result of millions of cells is so written without a Python object for each.
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    #: Given a batch, the text of each cell of one column; in JSON with its key.
    Column = Callable[[pa.RecordBatch], pa.Array]

#: Enough to spread the cost of a batch; few enough that a batch of wide rows stays within some megabytes.
ROWS_PER_BATCH = 4_096

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def write_rows(table: pa.Table, columns: Sequence[Column]) -> Iterator[bytes]:
    """Write the rows of `table` as JSON objects with commas between them."""
    first = True
    for batch in table.to_batches(max_chunksize=ROWS_PER_BATCH):
        if batch.num_rows:
            text = _joined([column(batch) for column in columns])
            yield text[1:] if first else text
            first = False


def write_lines(
    table: pa.Table, columns: Sequence[Column], *, opening: str, separator: str, closing: str
) -> Iterator[bytes]:
    """Write each row of `table` as its cells with `separator` between them, from `opening` to `closing`."""
    for batch in table.to_batches(max_chunksize=ROWS_PER_BATCH):
        if batch.num_rows:
            cells = [column(batch) for column in columns]
            yield _joined(cells, opening=opening, separator=separator, closing=closing)


def keyed(name: str, position: int, cell: Callable[[Any], str]) -> Column:
    """Make the column at `position` into ``"name":<cell of the value>``."""
    key = json_text(name) + ":"

    def write(batch: pa.RecordBatch) -> pa.Array:
        return map_values(batch.column(position), lambda value: key + cell(value))

    return write


def nested(name: str, columns: Sequence[Column]) -> Column:
    """Make one column of several: ``"name":{<the columns>}``."""
    opening = pa.scalar(f"{json_text(name)}:{{", pa.large_string())
    closing, nothing = pa.scalar("}", pa.large_string()), pa.scalar("", pa.large_string())
    comma = pa.scalar(",", pa.large_string())

    def write(batch: pa.RecordBatch) -> pa.Array:
        if not columns:
            return pa.array([f"{json_text(name)}:{{}}"] * batch.num_rows, pa.large_string())
        inner = pc.binary_join_element_wise(*(column(batch) for column in columns), comma)
        return pc.binary_join_element_wise(opening, inner, closing, nothing)

    return write


def map_values(column: pa.Array, write: Callable[[Any], str]) -> pa.Array:
    """Write each value of `column` as text, calling `write` once for each distinct one."""
    column = _readable(column)
    if pa.types.is_nested(column.type):
        return pa.array(map(write, column.to_pylist()), pa.large_string())
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    texts = pa.array(map(write, encoded.dictionary.to_pylist()), pa.large_string())
    return texts.take(encoded.indices)


def json_value(value: Any) -> Any:
    """Turn a value of the database into what Looker sends for it.

    Integral sums and averages come as integers (recorded); a raw time as ``2014-09-03 17:15:00 +0000`` (documented),
    with its fraction if it has one (assumed). JSON has no NaN and no infinities, so these are null. A decimal stays one
    if a float would lose digits of it.
    """
    if isinstance(value, float):
        return _number(value) if math.isfinite(value) else None
    if isinstance(value, Decimal):
        if value == value.to_integral_value():
            return int(value)
        nearest = float(value)
        return nearest if Decimal(repr(nearest)) == value else value
    if isinstance(value, dt.datetime):
        return f"{value.replace(tzinfo=None).isoformat(sep=' ')} +0000"
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        return str(value)
    return value


def json_text(value: Any) -> str:
    """Write a value as JSON, on one line; a decimal with all its digits."""
    return _ENCODER.encode(value).decode()


def _number(value: float) -> float | int:
    # Past 2**53 a float no longer names one integer.
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value


def _readable(column: pa.Array) -> pa.Array:
    # A zone would make Python objects that need a database of zones; the values are UTC already.
    if pa.types.is_timestamp(column.type) and column.type.tz:
        return column.cast(pa.timestamp(column.type.unit))
    return column


def _joined(columns: Iterable[pa.Array], *, opening: str = ",{", separator: str = ",", closing: str = "}") -> bytes:
    """Join cells to rows and rows to one text."""
    begin, comma, end, nothing = (pa.scalar(text, pa.large_string()) for text in (opening, separator, closing, ""))
    rows = pc.binary_join_element_wise(begin, pc.binary_join_element_wise(*columns, comma), end, nothing)
    # The values of an Arrow text array lie one after the other: that is the joined text.
    _, offsets, values = rows.buffers()
    size = int.from_bytes(memoryview(offsets).cast("B")[8 * len(rows) : 8 * len(rows) + 8], "little")
    return memoryview(values)[:size].tobytes()
