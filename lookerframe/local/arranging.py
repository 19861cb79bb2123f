"""Rows of the database -> the sheet that formats write: pivots spread, rows ordered and cut, totals, calculations.

The order of pivoted rows is that of the SQL that Looker writes for databases that can pivot: each cell is ranked by the
sorts, in which a measure counts by the cells of one pivot first, those without a value there last, and a row stands
where its first cell does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lookerframe.local.cells import json_value
from lookerframe.local.engine import UnservableError
from lookerframe.local.fills import filled
from lookerframe.local.layouts import PART, Part
from lookerframe.local.sheets import Column, Pivot, Sheet, Shown, Subtotals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lookerframe.local.compiler import Plan, Sort
    from lookerframe.local.layouts import Calculation, Layout
    from lookerframe.local.project import Field

    #: Values of the dimensions that tell a row from others.
    Key = tuple[Any, ...]

_CALCULATED = {"number": pa.float64(), "string": pa.string(), "yesno": pa.string()}


def arrange(layout: Layout, plan: Plan, table: pa.Table) -> Sheet:
    """Lay out what the database answered to `plan`."""
    if layout.is_plain:
        columns = tuple(Column(Shown.of(field)) for field in plan.fields)
        return Sheet(table, columns, truncated=table.num_rows == plan.limit)
    return _Arranger(layout, plan, table).sheet()


@dataclass(frozen=True, slots=True)
class _Grouping:
    """The rows of one part, and where each is."""

    table: pa.Table
    keys: list[Key]
    pivots: list[Key]

    @classmethod
    def of(cls, part: Part, table: pa.Table, pivot_names: tuple[str, ...]) -> _Grouping:
        keys = _tuples(table, part.dimensions)
        return cls(table, keys, _tuples(table, pivot_names) if part.pivoted else [()] * len(keys))


class _Arranger:
    """Arranges one result."""

    def __init__(self, layout: Layout, plan: Plan, table: pa.Table) -> None:
        self._layout = layout
        self._plan = plan
        self._fields = {item.full_name: item for item in plan.fields}
        parts = layout.parts()
        tables = _split(table, len(parts))
        self._groupings = {
            part: _Grouping.of(part, rows, layout.pivot_names) for part, rows in zip(parts, tables, strict=True)
        }
        self._raw_pivots = self._ordered_pivots()
        self._places = {values: place for place, values in enumerate(self._raw_pivots)}

    def sheet(self) -> Sheet:
        """Lay out the rows, then what totals them."""
        layout, limit = self._layout, self._plan.limit
        names = layout.row_names
        keys = self._ordered_rows(names)
        truncated = limit is not None and len(keys) >= limit
        keys = keys if limit is None else keys[:limit]
        columns = self._columns()
        return Sheet(
            self._table(names, self._filled(keys), columns),
            columns,
            self._pivots(),
            self._table((), [()], columns, totals=True) if layout.total and layout.measures else None,
            tuple(
                Subtotals(kept, self._table(kept, self._ordered_rows(kept), columns, totals=True))
                for kept in layout.subtotals
            ),
            truncated=truncated,
            columns_truncated=len(self._raw_pivots) > layout.column_limit,
        )

    # -- Columns -------------------------------------------------------------------------------------------------------

    def _pivots(self) -> tuple[Pivot, ...]:
        names = self._layout.pivot_names
        found = [Pivot.of(names, values) for values in self._raw_pivots[: self._layout.column_limit]]
        return (*found, *([Pivot.row_total(names)] if names and self._layout.row_total else []))

    def _columns(self) -> tuple[Column, ...]:
        """Put dimensions first, then every measure with its pivots, calculations last."""
        layout = self._layout
        spread = self._pivots() if layout.pivots else (None,)
        measures = [Column(Shown.of(field), pivot) for field in layout.measures for pivot in spread]
        calculated = [
            Column(_shown(item), pivot)
            for item in layout.calculations
            for pivot in (spread if item.measure else (None,))
        ]
        return (*(Column(Shown.of(field)) for field in layout.rows), *measures, *calculated)

    def _ordered_pivots(self) -> list[Key]:
        """Order the values of the pivot fields by their sorts; nulls come last in both directions (observed)."""
        if not self._layout.pivots:
            return []
        found = list(dict.fromkeys(self._groupings[self._main].pivots))
        _check_pivots([Pivot.of(self._layout.pivot_names, values).key for values in found])
        descending = {sort.field: sort.descending for sort in self._plan.sorts}
        order = [sort.field for sort in self._plan.sorts if sort.field in self._layout.pivot_names]
        terms = []
        for name in order:
            place = self._layout.pivot_names.index(name)
            ranks = _ranks((values[place] for values in found), self._fields[name])
            ranks = {value: rank if value is not None else len(ranks) + 1 for value, rank in ranks.items()}
            sign = -1 if descending[name] else 1
            terms.append((place, {value: rank * (1 if value is None else sign) for value, rank in ranks.items()}))
        return sorted(found, key=lambda values: [ranks[values[place]] for place, ranks in terms])

    # -- Rows ----------------------------------------------------------------------------------------------------------

    @property
    def _main(self) -> Part:
        return Part(self._layout.row_names, pivoted=bool(self._layout.pivots))

    def _ordered_rows(self, kept: tuple[str, ...]) -> list[Key]:
        """Order the rows that are grouped by the dimensions `kept`."""
        grouping = self._groupings[Part(kept, pivoted=bool(self._layout.pivots))]
        terms = [self._term(sort, kept, grouping) for sort in self._plan.sorts]
        rest: list[list[float]] = []
        if self._layout.pivots:
            rest.append([self._places[values] for values in grouping.pivots])
        for place, name in enumerate(kept):
            values = [key[place] for key in grouping.keys]
            rest.append(_ranked(values, _ranks(values, self._fields[name])))
        ranks = zip(*(column for term in terms for column in term), *rest, strict=True)
        first: dict[Key, tuple[float, ...]] = {}
        for key, rank in zip(grouping.keys, ranks, strict=False):
            first[key] = min(first.get(key, rank), rank)
        return sorted(first, key=first.__getitem__)

    def _term(self, sort: Sort, kept: tuple[str, ...], grouping: _Grouping) -> list[list[float]]:
        """Rank every cell by one sort, in as many columns as that takes."""
        field, sign = self._fields[sort.field], -1 if sort.descending else 1
        if field.measure:
            return self._measure_term(sort, field, kept, grouping)
        if sort.field not in kept:
            return []
        values = [key[kept.index(sort.field)] for key in grouping.keys]
        return [_ranked(values, _ranks(values, field), sign)]

    def _measure_term(self, sort: Sort, field: Field, kept: tuple[str, ...], grouping: _Grouping) -> list[list[float]]:
        sign = -1 if sort.descending else 1
        values = _values(grouping.table, field)
        if not self._layout.pivots:
            return [_ranked(values, _ranks(values, field), sign)]
        column = self._layout.sort_columns.get(sort.field, 0)
        shown = min(len(self._raw_pivots), self._layout.column_limit)
        if self._layout.row_total and column == shown:
            totals = self._groupings[Part(kept, pivoted=False)]
            by_key = dict(zip(totals.keys, _values(totals.table, field), strict=True))
            values = [by_key[key] for key in grouping.keys]
            return [_ranked(values, _ranks(values, field), sign)]
        places = [self._places[pivots] for pivots in grouping.pivots]
        ranks = _ranked(values, _ranks(values, field), sign)
        here = [place == column for place in places]
        return [
            [2 if not at else 1 if value is None else 0 for at, value in zip(here, values, strict=True)],
            [rank if at else 0 for at, rank in zip(here, ranks, strict=True)],
            ranks,
        ]

    def _filled(self, keys: list[Key]) -> list[Key]:
        """Add the rows that are missing, where the sort puts them, or at the end if it is on something else."""
        field = self._layout.fill
        if field is None:
            return keys
        present = [key[0] for key in keys]
        values = filled(field, present)
        sort = self._plan.sorts[0]
        if sort.field != field.full_name:
            return [*keys, *((value,) for value in values if value not in set(present))]
        nulls = [None] if None in present else []
        others = sorted(set(present) - {None, *values}, key=str)  # what the calendar does not know is kept
        return [
            (value,)
            for value in ([*reversed(values), *others, *nulls] if sort.descending else [*nulls, *others, *values])
        ]

    # -- Tables --------------------------------------------------------------------------------------------------------

    def _table(
        self, kept: tuple[str, ...], keys: list[Key], columns: tuple[Column, ...], *, totals: bool = False
    ) -> pa.Table:
        """Put the cells of the rows `keys`, grouped by the dimensions `kept`, under `columns`."""
        arrays: dict[int, pa.Array] = {}
        cells = self._cells(kept)
        for place, column in enumerate(columns):
            field = column.shown.field
            if field is None:
                continue
            if not field.measure:
                arrays[place] = self._dimension(field, kept, keys)
                continue
            table, places = cells[None if column.pivot is None else column.pivot.is_total]
            values = None if column.pivot is None else column.pivot.key
            indices = pa.array([places.get((key, values)) for key in keys], pa.int64())
            arrays[place] = table.column(field.full_name).combine_chunks().take(indices)
        arrays |= self._calculated(columns, arrays, len(keys), totals=totals)
        return pa.Table.from_arrays(
            [arrays[place] for place in range(len(columns))], [str(n) for n in range(len(columns))]
        )

    def _cells(self, kept: tuple[str, ...]) -> dict[bool | None, tuple[pa.Table, dict[tuple[Key, str | None], int]]]:
        """Find, for plain, pivoted and totalled columns, the table and the place of each row and pivot in it."""
        found: dict[bool | None, tuple[pa.Table, dict[tuple[Key, str | None], int]]] = {}
        names = self._layout.pivot_names
        for part, grouping in self._groupings.items():
            if part.dimensions != kept:
                continue
            if part.pivoted:
                keys = [Pivot.of(names, values).key for values in self._raw_pivots]
                pivots: list[str | None] = [keys[self._places[values]] for values in grouping.pivots]
                kind: bool | None = False
            else:
                total = Pivot.row_total(names).key if names else None
                pivots, kind = [total] * len(grouping.keys), True if names else None
            places = {pair: place for place, pair in enumerate(zip(grouping.keys, pivots, strict=True))}
            found[kind] = (grouping.table, places)
        return found

    def _dimension(self, field: Field, kept: tuple[str, ...], keys: list[Key]) -> pa.Array:
        kind = self._groupings[self._main].table.schema.field(field.full_name).type
        if field.full_name not in kept:
            return pa.nulls(len(keys), kind)
        place = kept.index(field.full_name)
        return pa.array([key[place] for key in keys], kind)

    def _calculated(
        self, columns: tuple[Column, ...], arrays: Mapping[int, pa.Array], count: int, *, totals: bool
    ) -> dict[int, pa.Array]:
        """Compute the calculations; totals have none of those that look at other rows (assumed)."""
        values: dict[tuple[str, str | None], list[Any]] = {
            _address(columns[place]): [_computable(columns[place].shown.field, value) for value in array.to_pylist()]
            for place, array in arrays.items()
        }
        found = {}
        by_name = {item.name: item for item in self._layout.calculations}
        for place, column in enumerate(columns):
            item = by_name.get(column.shown.name)
            if item is None or column.shown.field is not None:
                continue
            if totals and item.node.over_rows:
                results: list[Any] = [None] * count
            else:
                results = item.node.evaluate(_Reader(values, column.pivot, self._layout, count), count)
            values[_address(column)] = results
            found[place] = _array(item, results)
        return found


@dataclass(frozen=True, slots=True)
class _Reader:
    """Gives a calculation the columns that it refers to, for one pivot."""

    values: Mapping[tuple[str, str | None], list[Any]]
    pivot: Pivot | None
    layout: Layout
    count: int

    def __call__(self, name: str) -> list[Any]:
        if self.pivot is not None:
            if (name, self.pivot.key) in self.values:
                return self.values[name, self.pivot.key]
            if name in self.layout.pivot_names:
                place = self.layout.pivot_names.index(name)
                return [_computable(self.layout.pivots[place], self.pivot.values[place])] * self.count
        return self.values[name, None]


def _check_pivots(keys: list[str]) -> None:
    """Refuse pivots that are written alike, as null and what is not a number are."""
    twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) < len(keys) else None
    if twice is not None:
        message = f"several values of the pivots are written as {twice!r}; make them one, or differ, in the field's sql"
        raise UnservableError(message)


def _computable(field: Field | None, raw: Any) -> Any:
    """Turn a value of the database into what calculations compute with: numbers, text, true and false."""
    value = json_value(raw)
    if field is not None and field.kind == "yesno" and value is not None:
        return value == "Yes"
    return float(value) if isinstance(value, Decimal) else value


def _address(column: Column) -> tuple[str, str | None]:
    return column.shown.name, column.pivot.key if column.pivot else None


def _shown(item: Calculation) -> Shown:
    return Shown(item.name, item.label, item.measure, item.type == "number", item.number_format)


def _array(item: Calculation, values: list[Any]) -> pa.Array:
    if item.type == "yesno":
        values = [None if value is None else "Yes" if value else "No" for value in values]
    elif item.type == "number":
        if all(value is None or (isinstance(value, int) and abs(value) < 2**63) for value in values):
            return pa.array(values, pa.int64())
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, _CALCULATED[item.type])


def _split(table: pa.Table, parts: int) -> list[pa.Table]:
    if parts == 1:
        return [table]
    number = table.column(PART)
    return [table.filter(pc.equal(number, pa.scalar(part, number.type))) for part in range(parts)]


def _tuples(table: pa.Table, names: tuple[str, ...]) -> list[Key]:
    if not names:
        return [()] * table.num_rows
    return list(zip(*(_python(table.column(name)) for name in names), strict=True))


def _values(table: pa.Table, field: Field) -> list[Any]:
    return _python(table.column(field.full_name))


def _python(column: pa.ChunkedArray) -> list[Any]:
    """List the values of a column; what is not a number is one object, so that it is found again."""
    return [math.nan if isinstance(value, float) and math.isnan(value) else value for value in column.to_pylist()]


def _ranks(values: Iterable[Any], field: Field) -> dict[Any, int]:
    """Rank the values of a field in ascending order, nulls first."""
    places: dict[Any, int] = {value: place for place, value in enumerate(field.order)}
    distinct = dict.fromkeys(value if not isinstance(value, list) else tuple(value) for value in values)
    if places:
        order = sorted(
            (value for value in distinct if value is not None), key=lambda value: (places.get(value, -1), str(value))
        )
    else:
        # What is not a number comes last, as in the database.
        order = sorted(
            (value for value in distinct if value is not None),
            key=lambda value: (True, 0) if isinstance(value, float) and math.isnan(value) else (False, value),
        )
    return {None: 0, **{value: rank for rank, value in enumerate(order, 1)}}


def _ranked(values: list[Any], ranks: Mapping[Any, int], sign: int = 1) -> list[float]:
    return [sign * ranks[tuple(value) if isinstance(value, list) else value] for value in values]
