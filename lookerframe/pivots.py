"""Pivots: which there are, and long rows in place of wide ones.

Source: recorded answers. ``pivots`` lists them in the order of their columns; the key of a row total is Looker's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa

from lookerframe.arrays import INFERRED, build_array, fit, read_exactly, settled
from lookerframe.columns import Pivot
from lookerframe.exceptions import PayloadError
from lookerframe.render import shorten
from lookerframe.text_arrays import text_array
from lookerframe.typed_rows import Piece

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lookerframe.columns import Column

#: The key under which the totals of a row stand.
ROW_TOTAL = "$$$_row_total_$$$"
#: Where the totals of rows stand among the pivots.
TOTAL = Pivot(ROW_TOTAL, (), is_total=True)
#: What stands between the values in a key.
SEPARATOR = "|FIELD|"
#: What follows the field's name in the key of a null.
NULL_KEY = "___null"


def pivots_of(items: Any, names: Sequence[str], *, result_format: str) -> tuple[Pivot, ...]:
    """Read ``pivots`` of `json_detail` or `json_bi`.

    Parameters
    ----------
    items
        The array, or what stands in its place.
    names
        The dimensions by which the result is pivoted, outermost first.

    Raises
    ------
    PayloadError
        It is not such an array, or one key stands in it twice.
    """
    found: dict[str, Pivot] = {}
    for item in items or ():
        key = item.get("key") if isinstance(item, dict) else None
        if not isinstance(items, list) or not isinstance(key, str):
            message = f"`pivots` is a list of objects with a 'key'; met {shorten(repr(items), 120)}"
            raise PayloadError(message, result_format=result_format)
        if key in found:
            message = f"`pivots` lists the key {key!r} twice"
            raise PayloadError(message, result_format=result_format)
        is_total = key == ROW_TOTAL
        found[key] = Pivot(key, () if is_total else _values(item.get("data"), key, names), is_total)
    return tuple(found.values())


def _values(data: Any, key: str, names: Sequence[str]) -> tuple[Any, ...]:
    if isinstance(data, dict) and data and all(name in data for name in names):
        return tuple(data[name] for name in names or data)
    # Hand-made bodies have the key alone; in it a value that holds the separator cannot be told from two.
    if not names:
        return tuple(key.split(SEPARATOR))
    parts = key.split(SEPARATOR, len(names) - 1)
    parts += [""] * (len(names) - len(parts))
    return tuple(None if part == name + NULL_KEY else part for part, name in zip(parts, names, strict=True))


def pivot_columns(pivots: Sequence[Pivot], columns: Sequence[Column]) -> list[pa.Array]:
    """Make an array of the values of each pivoted dimension, one value for each of the pivots.

    Parameters
    ----------
    columns
        Of the pivoted dimensions, outermost first.

    Raises
    ------
    ConversionError
        A value does not fit its dimension.
    """
    found = []
    for level, column in enumerate(columns):
        cells = [pivot.values[level] for pivot in pivots]
        if column.reader is not INFERRED and all(isinstance(cell, str | None) for cell in cells):
            texts = pa.array(cells, pa.string())
            found.append(text_array(column.reader, texts, column=column.name, first_row=0))
            continue
        values = [
            None if cell is None else read_exactly(column.reader, _json(cell), column=column.name, row=row)
            for row, cell in enumerate(cells)
        ]
        found.append(build_array(column.reader, values, column=column.name, first_row=0))
    return found


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def melted(piece: Piece, plan: Sequence[pa.Array | tuple[int, ...]], columns: Sequence[Column], *, count: int) -> Piece:
    """Make a row of each row and pivot, row by row.

    Parameters
    ----------
    piece
        Wide rows.
    plan
        What each column of the long rows is made of: the values of a pivoted dimension (see `pivot_columns`), or places
        of arrays in the piece, one that is repeated or one for each pivot.
    columns
        Those of the piece.
    count
        How many pivots there are.
    """
    import numpy as np

    places = np.arange(piece.rows * count)
    rows, pivots = pa.array(places // count), pa.array(places % count)
    row_by_row = pa.array(places % count * piece.rows + places // count)
    long: list[pa.Array] = []
    for made_of in plan:
        if isinstance(made_of, pa.Array):
            long.append(made_of.take(pivots))
        elif not made_of:  # without pivots there are no long rows
            long.append(pa.nulls(0))
        elif len(made_of) == 1:
            long.append(piece.arrays[made_of[0]].take(rows))
        else:
            arrow_type = settled(columns[made_of[0]].reader, [piece.arrays[place].type for place in made_of])
            parts = [
                fit(piece.arrays[place], arrow_type, column=columns[place].name, first_row=piece.first_row)
                for place in made_of
            ]
            long.append(pa.concat_arrays(parts).take(row_by_row))
    return Piece(tuple(long), piece.first_row * count, piece.rows * count)
