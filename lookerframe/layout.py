"""How a result is laid out: which columns there are, what is a row of it and what a total.

Every format comes to the same table here. A decoder reads `Layout.columns`, in their order; `Layout.result` takes the
totals out of what it read, and turns wide rows to long ones where the caller wants them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from lookerframe.arrays import fit
from lookerframe.columns import Column, flat_name, part_reader, pivot_text, unique
from lookerframe.pivots import TOTAL, melted, pivot_columns
from lookerframe.result import Result
from lookerframe.typed_rows import Piece

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from lookerframe.columns import Decoding, Part, Pivot
    from lookerframe.fields import Field
    from lookerframe.payload import Payload
    from lookerframe.result import Findings


class Layout:
    """The columns of one result.

    Parameters
    ----------
    fields
        Its fields, pivoted dimensions left out, in Looker's order.
    decoding
        What the caller decides.
    pivot_fields, pivots
        The dimensions by which it is pivoted, and their values in the order of the columns.
    pivoted
        The names of those `fields` that have a value for each pivot.
    timezone
        Of the query, if known.
    totals_row
        Whether the last row is the totals.
    path
        Where a member of the cell of a field, in a pivot or in none, stands in a row; for decoders of JSON.

    Attributes
    ----------
    columns : tuple of Column
        What a decoder reads: dimensions, then for each pivot its measures and calculations, then what is not pivoted
        otherwise; then the totals of the rows.
    """

    def __init__(
        self,
        fields: Sequence[Field],
        *,
        decoding: Decoding,
        pivot_fields: Sequence[Field] = (),
        pivots: Sequence[Pivot] = (),
        pivoted: Collection[str] = (),
        timezone: str | None = None,
        totals_row: bool = False,
        path: Callable[[Field, Pivot | None, Part], tuple[str, ...]] = lambda *_: (),
    ) -> None:
        self._decoding = decoding
        self._timezone = timezone
        self._totals_row = totals_row
        self._path = path
        self._pivots = tuple(pivot for pivot in pivots if not pivot.is_total)
        self._spread = tuple(field for field in fields if field.name in pivoted)
        self._before = _before(fields, pivoted)
        self._after = tuple(f for f in fields if f not in self._before and f.name not in pivoted)
        has_row_totals = bool(pivoted) and any(pivot.is_total for pivot in pivots)
        self._heads = self._named([(field, None, "value") for field in pivot_fields])
        wide = [*self._cells(self._before), *self._pivoted_cells(), *self._cells(self._after)]
        totals = self._cells(self._spread, TOTAL) if has_row_totals else []
        self.columns = self._named([*wide, *totals])
        self._width = len(wide)
        self._shown = self.columns[: self._width]
        self._is_long = decoding.pivots == "long" and bool(self._heads)
        if self._is_long:
            self._shown = self._named(self._long_cells())
            self._read_alike()
        decoding.refuse_strangers([*self._shown, *self.columns, *self._heads])

    # -- columns -------------------------------------------------------------------------------------------------------

    def _cells(self, fields: Iterable[Field], pivot: Pivot | None = None) -> list[tuple[Field, Pivot | None, Part]]:
        return [(field, pivot, part) for field in fields for part in self._decoding.cells]

    def _pivoted_cells(self) -> list[tuple[Field, Pivot | None, Part]]:
        return [cell for pivot in self._pivots for cell in self._cells(self._spread, pivot)]

    def _long_cells(self) -> list[tuple[Field, Pivot | None, Part]]:
        return [
            *self._cells(self._before),
            *((column.field, None, "value") for column in self._heads),
            *self._cells([*self._spread, *self._after]),
        ]

    def _named(self, cells: Sequence[tuple[Field, Pivot | None, Part]]) -> tuple[Column, ...]:
        headings = [
            (self._decoding.label(field), *map(pivot_text, pivot.values if pivot else ())) for field, pivot, _ in cells
        ]
        names = unique(flat_name(heading, part) for heading, (_, _, part) in zip(headings, cells, strict=True))
        return tuple(
            self._column(field, pivot, part, heading, name)
            for (field, pivot, part), heading, name in zip(cells, headings, names, strict=True)
        )

    def _column(self, field: Field, pivot: Pivot | None, part: Part, heading: tuple[str, ...], name: str) -> Column:
        if part == "value" or name in self._decoding.dtypes:
            reader = self._decoding.reader(field, name, timezone=self._timezone)
        else:
            reader = part_reader(part)
        return Column(field, reader, heading, name, part, pivot, self._path(field, pivot, part))

    def _read_alike(self) -> None:
        """Let what becomes one column of long rows be read in one way: as `dtypes` says for it, or for a part of it."""
        readers = {(column.field.name, column.part): column.reader for column in self._shown}
        for column in self.columns:
            if column.name in self._decoding.dtypes:
                readers[column.field.name, column.part] = column.reader
        self._shown, self.columns = (
            tuple(replace(column, reader=readers[column.field.name, column.part]) for column in columns)
            for columns in (self._shown, self.columns)
        )

    # -- rows ----------------------------------------------------------------------------------------------------------

    def result(
        self,
        pieces: Iterable[Piece],
        findings: Findings,
        payload: Payload,
        *,
        close: Callable[[], None] | None = None,
    ) -> Result:
        """Make the result of what a decoder reads.

        Parameters
        ----------
        pieces
            Rows with an array for each of `columns`.
        findings
            What the decoder comes to know besides; the totals of the rows are added to it.
        close
            Lets go of what the decoder holds; by default of the payload.

        Raises
        ------
        ConversionError, PayloadError, LookerSQLError, FetchError
            The first rows cannot be read.
        """
        findings.pivots = len(self._pivots) if self._heads else None
        arranged: Iterable[Piece] = self._arranged(pieces, findings)
        if self._is_long:
            plan = self._plan()
            arranged = (melted(piece, plan, self.columns, count=len(self._pivots)) for piece in arranged)
        return Result(
            self._shown,
            arranged,
            findings,
            close=close or payload.close,
            on_failure=payload.on_failure,
            stats=payload.stats,
            again=payload.again,
            on_truncate=self._decoding.on_truncate,
            pivot_names=() if self._is_long else tuple(column.name for column in self._heads),
        )

    def _arranged(self, pieces: Iterable[Piece], findings: Findings) -> Iterator[Piece]:
        """Take the totals out of the rows: those of each row, and the last row where it is the totals."""
        first = len(self._before) * len(self._decoding.cells)
        places = [*range(first), *range(self._width, len(self.columns))]
        has_sums = len(self.columns) > self._width
        sums: list[Piece] = []
        for piece in self._without_totals(pieces, findings) if self._totals_row else pieces:
            findings.rows += piece.rows
            if has_sums:
                sums.append(Piece(tuple(piece.arrays[place] for place in places), piece.first_row, piece.rows))
            yield Piece(piece.arrays[: self._width], piece.first_row, piece.rows)
        if has_sums:
            findings.row_totals = _table([self.columns[place] for place in places], sums)

    def _without_totals(self, pieces: Iterable[Piece], findings: Findings) -> Iterator[Piece]:
        held = None
        for piece in (piece for piece in pieces if piece.rows):
            if held is not None:
                yield held
            held = piece
        if held is None:
            return
        last = held.rows - 1
        if why := self._why_no_totals(held, last):
            findings.note(f"the query asks for totals, but {why}: it is taken as a row")
            yield held
            return
        findings.totals = self.table([_sliced(held, last, 1)])
        if last:
            yield _sliced(held, 0, last)

    def _why_no_totals(self, piece: Piece, row: int) -> str | None:
        """Say why the last row is not the totals; None if it is. They have no values of dimensions."""
        fields = [column.field for column in self.columns if not column.field.is_calculation]
        kinds = {field.measure for field in fields}
        if False not in kinds and not self._spread and piece.first_row + row == 0:
            return "the only row has no dimension to tell them by"
        # Where nothing is known of a field it may be a dimension.
        is_row = (False not in kinds and None in kinds) or any(
            column.field in fields and column.field.measure is False and piece.arrays[place][row].is_valid
            for place, column in enumerate(self.columns)
        )
        return "the last row does not look like them" if is_row else None

    def _plan(self) -> list[pa.Array | tuple[int, ...]]:
        """Say what the columns of long rows are made of; see `melted`."""
        parts = len(self._decoding.cells)
        before, width = len(self._before) * parts, len(self._spread) * parts
        plan: list[pa.Array | tuple[int, ...]] = [(place,) for place in range(before)]
        plan += pivot_columns(self._pivots, self._shown[before : before + len(self._heads)])
        ends = before + width * len(self._pivots)
        plan += [tuple(range(place, ends, width)) for place in range(before, before + width)]
        plan += [(place,) for place in range(ends, self._width)]
        return plan

    def table(self, pieces: Sequence[Piece]) -> pa.Table:
        """Make a table of pieces that a decoder of `columns` read: of totals, or of subtotals."""
        return _table(self.columns, pieces)


def spread_fields(
    fields: Iterable[Field], is_spread: Callable[[Field], bool], *, supermeasures: Collection[str] = ()
) -> tuple[str, ...]:
    """Name the fields of a pivoted result that have a value for each pivot: measures, and calculations over them.

    Parameters
    ----------
    is_spread
        What the rows say of a calculation, of which metadata does not tell.
    supermeasures
        Names of the measures and calculations that stand outside of the pivot.
    """
    return tuple(
        field.name
        for field in fields
        if field.name not in supermeasures
        and (is_spread(field) if field.measure is None or field.is_calculation else field.measure)
    )


def _table(columns: Sequence[Column], pieces: Sequence[Piece]) -> pa.Table:
    arrays, found = [], []
    for place, column in enumerate(columns):
        arrow_type = column.reader.settle([piece.arrays[place].type for piece in pieces])
        parts = [
            fit(piece.arrays[place], arrow_type, column=column.name, first_row=piece.first_row) for piece in pieces
        ]
        arrays.append(pa.chunked_array(parts, arrow_type))
        found.append(column.arrow_field(arrow_type))
    return pa.Table.from_arrays(arrays, schema=pa.schema(found))


def _before(fields: Sequence[Field], pivoted: Collection[str]) -> tuple[Field, ...]:
    """Take the fields that stand before the pivoted ones: dimensions, mostly."""
    if not pivoted:
        return tuple(fields)
    found = []
    for field in fields:
        if field.name in pivoted:
            break
        found.append(field)
    return tuple(found)


def _sliced(piece: Piece, start: int, rows: int) -> Piece:
    return Piece(tuple(array.slice(start, rows) for array in piece.arrays), piece.first_row + start, rows)
