"""A piece of JSON rows → typed arrays, with structs compiled from the columns.

Each row becomes a msgspec struct whose attributes are the columns, each cell is decoded straight into the JSON type
that its column's reader takes, and everything else in the piece (`rendered`, `links`, unlisted members) is skipped
unbuilt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import msgspec

from lookerframe.arrays import build_array, read_exactly
from lookerframe.exceptions import PayloadError
from lookerframe.rows import first_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from lookerframe.fields import Column

#: The member of a row that holds the text of a failed query. Source: recorded answers of `json` and `json_bi`.
ERROR_KEY = "looker_error"

_NULL = msgspec.Raw(b"null")
_ROW_OF = re.compile(r" - at `\$\[(\d+)\](.*)`$")
_MAX_ERRORS = 1000
_UNNAMEABLE = re.compile(r'["\\\x00-\x1f]')


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive rows as arrays, one for each column, in the columns' order.

    Attributes
    ----------
    arrays
        Of equal length; the type of a column may still differ from piece to piece (see `Reader.settle`).
    first_row
        The number of its first row in the whole result, from 0.
    rows
        How many rows it has.
    """

    arrays: tuple[pa.Array, ...]
    first_row: int
    rows: int


class RowDecoder:
    """Decode the pieces of one result, in their order.

    Parameters
    ----------
    columns
        What to read from each row.
    in_cells
        Whether a value stands in a cell, ``{"value": 1, "rendered": "1"}`` (`json_detail`), or bare (`json`).
    result_format
        For messages.
    closed
        Whether a row with a member that is no column is refused.

    Attributes
    ----------
    rows : int
        Rows decoded so far.
    unlisted : dict
        Members of rows that are no columns, in the order in which they were met (in the first row of each piece).
    errors : list
        What rows said that carry the text of a failed query. From the first of them on there is no data: pieces are
        only searched for more.
    """

    def __init__(self, columns: Sequence[Column], *, in_cells: bool, result_format: str, closed: bool = False) -> None:
        self._columns = tuple(columns)
        self._in_cells = in_cells
        self._format = result_format
        self._closed = closed
        self._names = {column.name for column in columns}
        self._order = self._columns
        self._order_is_met = False
        # msgspec has no structs for member names that JSON spells with escapes.
        self._spelt_with_escapes = any(_UNNAMEABLE.search(name) for name in self._names)
        self.rows = 0
        self.unlisted: dict[str, None] = {}
        self.errors: list[Any] = []

    def __call__(self, piece: memoryview) -> Piece:
        """Decode one JSON array of rows.

        Raises
        ------
        msgspec.DecodeError
            It is not well-formed.
        UnicodeDecodeError
            It is not UTF-8, be it in a part that is skipped.
        ConversionError
            A value does not fit its column.
        PayloadError
            A row or cell is of another shape, or has a member twice.
        """
        row = first_row(str(piece, "utf-8"), result_format=self._format)
        if row and not self._order_is_met:
            self._order, self._order_is_met = self._in_order_of(row), True
        self._compare_names(row)
        count, values = self._read(piece)
        if self.errors:
            del self.errors[_MAX_ERRORS:]
            return Piece((), self.rows, 0)
        if count and not self._columns:
            message = "there are rows, but no field is known that they could have"
            raise PayloadError(message, result_format=self._format)
        arrays = {
            column.name: build_array(column.reader, cells, column=column.name, first_row=self.rows)
            for column, cells in zip(self._order, values, strict=True)
        }
        first, self.rows = self.rows, self.rows + count
        return Piece(tuple(arrays[column.name] for column in self._columns), first, count)

    def data(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Pass on the pieces made so far, up to the first that has error text in the place of data."""
        return (piece for piece in pieces if not self.errors)

    def _compare_names(self, row: Mapping[str, Any]) -> None:
        """Note members that are no columns; refuse rows that have no others, for their values would pass for nulls."""
        unlisted = [name for name in row if name not in self._names]
        self.unlisted.update(dict.fromkeys(unlisted))
        # The first row speaks for all: which others stand first in a piece depends on the lengths of those before.
        if self.rows or not unlisted or len(unlisted) < len(row) or not self._names or ERROR_KEY in row:
            return
        found, due = (", ".join(map(repr, list(names)[:3])) for names in (row, (c.name for c in self._columns)))
        message = (
            f"row 0 has {found}, but none of the fields that the metadata lists: {due}; "
            "labels stand for names if the task was made with apply_vis"
        )
        raise PayloadError(message, result_format=self._format)

    def _in_order_of(self, row: Mapping[str, Any]) -> tuple[Column, ...]:
        # msgspec looks for a member first where it stood in the struct: in another order each look-up is a search.
        place = {name: index for index, name in enumerate(row)}
        return tuple(sorted(self._columns, key=lambda column: place.get(column.name, len(place))))

    def _read(self, piece: memoryview) -> tuple[int, Iterable[list[Any]]]:
        """Return the number of rows, and a list of values for each column of `_order`."""
        try:
            if self._spelt_with_escapes:
                return self._read_by_name(piece)
            try:
                return self._read_structs(piece, [column.reader.annotation for column in self._order])
            except msgspec.ValidationError:
                # Some cell is of a JSON type that its column does not have: read this piece from the cells' characters.
                # Of a copy: undecoded cells point into the bytes, and the buffer behind the view is about to change.
                count, cells = self._read_structs(bytes(piece), [msgspec.Raw] * len(self._order))
                return count, self._exactly(cells)
        except msgspec.ValidationError as exc:
            raise self._misshapen(str(exc)) from exc

    def _read_structs(self, piece: memoryview | bytes, annotations: list[Any]) -> tuple[int, Iterable[list[Any]]]:
        names = tuple(column.name for column in self._order)
        rows = _decoder(names, tuple(annotations), self._in_cells, self._closed).decode(piece)
        if ERROR_KEY not in self._names:
            self.errors += [row.looker_error for row in rows if row.looker_error is not msgspec.UNSET]
        return len(rows), (_getter(index, self._in_cells)(rows) for index in range(len(names)))

    def _read_by_name(self, piece: memoryview) -> tuple[int, Iterable[list[Any]]]:
        rows = msgspec.json.decode(bytes(piece), type=list[dict[str, msgspec.Raw]])
        if ERROR_KEY not in self._names:
            self.errors += [msgspec.json.decode(row[ERROR_KEY]) for row in rows if ERROR_KEY in row]
        unknown = {name: None for row in rows for name in row if name not in self._names}
        if self._closed and unknown and not self.errors:
            raise self._misshapen(f"Object contains unknown field `{next(iter(unknown))}`")
        cells = ([row.get(column.name, _NULL) for row in rows] for column in self._order)
        return len(rows), self._exactly(self._values(cells) if self._in_cells else cells)

    def _values(self, columns: Iterable[list[msgspec.Raw]]) -> Iterator[list[msgspec.Raw]]:
        cell: Any = _cell_type(msgspec.Raw)
        for column, cells in zip(self._order, columns, strict=True):
            values = []
            for index, raw in enumerate(cells):
                try:
                    values.append(raw if raw is _NULL else msgspec.json.decode(raw, type=cell).value)
                except msgspec.ValidationError as exc:
                    raise self._misshapen(f"{exc} - at `$[{index}].{column.name}`") from exc
            yield values

    def _exactly(self, columns: Iterable[list[Any]]) -> Iterator[list[Any]]:
        for column, cells in zip(self._order, columns, strict=True):
            yield [
                read_exactly(column.reader, cell, column=column.name, row=self.rows + index)
                for index, cell in enumerate(cells)
            ]

    def _misshapen(self, text: str) -> PayloadError:
        place = _ROW_OF.search(text)
        where = f"row {self.rows + int(place[1]):,}{place[2].replace('.', ' ', 1)}: " if place else ""
        what = _ROW_OF.sub("", text)
        message = f"{where}{what[:1].lower()}{what[1:]}"
        return PayloadError(message + _hint(what), result_format=self._format)


def _hint(what: str) -> str:
    if "required field `value`" in what:
        return "; if the query is pivoted: pivoted results are not decoded yet, run it without pivots"
    if "unknown field" in what:
        return "; without field metadata the first row says which columns there are: give fields="
    return ""


@lru_cache(maxsize=128)
def _cell_type(annotation: Any) -> type[msgspec.Struct]:
    return msgspec.defstruct("Cell", [("value", annotation)], gc=False, frozen=True)


@lru_cache(maxsize=64)
def _decoder(names: tuple[str, ...], annotations: tuple[Any, ...], in_cells: bool, closed: bool) -> Any:  # noqa: FBT001
    members: list[tuple[str, Any, Any]] = []
    for index, annotation in enumerate(annotations):
        null = _NULL if annotation is msgspec.Raw else None
        if in_cells:
            cell = _cell_type(annotation)
            members.append((f"c{index}", cell, cell(null)))
        else:
            members.append((f"c{index}", annotation, null))
    rename = {f"c{index}": name for index, name in enumerate(names)}
    if ERROR_KEY not in names:
        members.append((ERROR_KEY, Any, msgspec.UNSET))
    row = msgspec.defstruct("Row", members, rename=rename, gc=False, forbid_unknown_fields=closed)
    return msgspec.json.Decoder(list[row])  # type: ignore[valid-type]


@lru_cache(maxsize=1024)
def _getter(index: int, in_cells: bool) -> Callable[[list[Any]], list[Any]]:  # noqa: FBT001
    # A comprehension with the attribute spelt out is 1.25 times as fast as operator.attrgetter, over all of decoding.
    source = f"lambda rows: [row.c{index}{'.value' if in_cells else ''} for row in rows]"
    return cast("Callable[[list[Any]], list[Any]]", eval(source, {}))  # noqa: S307 - made of an integer and a boolean
