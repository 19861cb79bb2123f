"""What a contender delivers, held against the values that were drawn: the same rows, and under which types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.contenders import ARROW_TYPES
from benchmarks.generator import values

if TYPE_CHECKING:
    from benchmarks.contenders import Task


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came out.

    Attributes
    ----------
    same
        Whether the values are those that were drawn, once every column is brought to its right type.
    typed, columns
        How many columns had that type already, and how many there are.
    """

    same: bool
    typed: int
    columns: int

    def __str__(self) -> str:
        return f"{self.typed} of {self.columns} typed" if self.same else "other values"


def expected(task: Task, *, rows: int) -> pa.Table:
    """Make the table that is due, from the values that the generator drew."""
    drawn = values(task.shape, task.fields, rows=rows)
    arrays = [pa.array(cells, ARROW_TYPES[leaf.column.kind]) for leaf, cells in zip(task.leaves, drawn, strict=True)]
    return pa.table(arrays, names=[leaf.name for leaf in task.leaves])


def delivered(native: Any, task: Task, *, rows: int) -> Delivery:
    """Compare what a contender returned with what is due.

    Parameters
    ----------
    native
        A table of pyarrow, a frame of pandas or polars.
    task
        What it was made from.
    rows
        How many rows the body has.
    """
    due, found = expected(task, rows=rows), _arrow(native)
    typed = sum(_plain(found[name].type) == due[name].type for name in due.column_names if name in found.column_names)
    same = set(found.column_names) == set(due.column_names) and all(
        _brought(found[name], due[name].type).equals(due[name]) for name in due.column_names
    )
    return Delivery(same, typed, len(due.column_names))


def _arrow(native: Any) -> pa.Table:
    if isinstance(native, pa.Table):
        return native
    return native.to_arrow() if hasattr(native, "to_arrow") else pa.Table.from_pandas(native, preserve_index=False)


def _plain(arrow_type: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(arrow_type) or pa.types.is_string_view(arrow_type):
        return pa.string()
    return pa.timestamp("us") if pa.types.is_timestamp(arrow_type) else arrow_type


def _brought(column: pa.ChunkedArray, arrow_type: pa.DataType) -> pa.ChunkedArray:
    plain = column.cast(_plain(column.type))
    if pa.types.is_boolean(arrow_type) and pa.types.is_string(plain.type):
        return pc.equal(plain, "Yes")
    return plain.cast(arrow_type)
