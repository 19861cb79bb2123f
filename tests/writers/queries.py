"""The result of a query as a person would write it down, before any format spells it."""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Values in the order of `Query.slots`.
Row: TypeAlias = tuple[Any, ...]

ROW_TOTAL = "$$$_row_total_$$$"
GROUPING = "$$$__grouping__$$$"


@dataclass(frozen=True, slots=True)
class Col:
    """A column as Looker would describe it.

    Attributes
    ----------
    name, type, label, label_short
        As in ``fields``; a label that is None is left out there.
    group
        The list of ``fields`` that it stands in.
    pivoted
        Whether a measure or calculation has a value for each pivot, if there are pivots.
    """

    name: str
    type: str | None = "string"
    group: str = "dimensions"
    label: str | None = None
    label_short: str | None = None
    pivoted: bool = True


@dataclass(frozen=True, slots=True)
class Slot:
    """One place of a row: a field, and the values of the pivot fields where it is pivoted."""

    field: Col
    pivot: tuple[Any, ...] | None = None
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query and what came of it, in Python values: dates, datetimes, booleans, numbers, texts, lists of texts.

    Attributes
    ----------
    fields
        Dimensions, measures, table calculations, in this order.
    rows
        Each with a value for each of `slots`.
    pivots
        The fields that the query is pivoted by; none of `fields`.
    pivot_values
        For each pivot the values of `pivots`, in the order of the columns.
    totals
        One more row, its dimensions None.
    row_totals
        Whether `slots` end with one for each pivoted field that totals the row.
    subtotals
        Names of the dimensions grouped by → rows.
    timezone
        Of the query; an IANA name.
    """

    fields: tuple[Col, ...]
    rows: tuple[Row, ...] = ()
    pivots: tuple[Col, ...] = ()
    pivot_values: tuple[tuple[Any, ...], ...] = ()
    totals: Row | None = None
    row_totals: bool = False
    subtotals: Mapping[tuple[str, ...], tuple[Row, ...]] = field(default_factory=dict)
    timezone: str | None = "UTC"

    @property
    def dimensions(self) -> tuple[Col, ...]:
        """The columns that name a row."""
        return tuple(item for item in self.fields if item.group == "dimensions")

    @property
    def spread(self) -> tuple[Col, ...]:
        """The fields that have a value for each pivot."""
        return tuple(item for item in self.fields if self.pivots and item.group != "dimensions" and item.pivoted)

    @property
    def alone(self) -> tuple[Col, ...]:
        """The measures and calculations that have one value a row."""
        return tuple(item for item in self.fields if item.group != "dimensions" and item not in self.spread)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The places of a row, in Looker's order: dimensions, pivots, what is not pivoted, totals of the row."""
        cells = [Slot(item, values) for values in self.pivot_values for item in self.spread]
        totals = [Slot(item, is_total=True) for item in self.spread if self.row_totals]
        return (*map(Slot, self.dimensions), *cells, *map(Slot, self.alone), *totals)

    @property
    def context(self) -> dict[str, Any]:
        """What a client knows of the query besides its fields."""
        facts: dict[str, Any] = {"timezone": self.timezone} if self.timezone else {}
        if self.pivots:
            facts["pivots"] = [item.name for item in self.pivots]
        if self.subtotals:
            facts["subtotals"] = sorted({name for names in self.subtotals for name in names})
        return facts | {"total": self.totals is not None, "row_total": self.row_totals}


def metadata(columns: Iterable[Col], pivots: Iterable[Col] = ()) -> dict[str, Any]:
    """Write the ``fields`` object."""
    found: dict[str, Any] = {"measures": [], "dimensions": [], "table_calculations": []}
    for column in columns:
        found[column.group].append(_described(column))
    if described := [_described(column) for column in pivots]:
        found["pivots"] = described
    return found


def _described(column: Col) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": column.name, "type": column.type, "measure": column.group == "measures"}
    if column.group == "table_calculations":
        facts["measure"] = column.pivoted
    labels = {"label": column.label, "label_short": column.label_short}
    return facts | {key: label for key, label in labels.items() if label is not None}


#: How much of an ISO date or time Looker writes for a type.
LENGTHS = {"date_hour": 13, "date_minute": 16, "date_month": 7}


def wire(value: Any, lookml_type: str | None) -> Any:
    """Turn a Python value into what Looker would send for a field of the type."""
    length = LENGTHS.get(lookml_type or "")
    match value:
        case bool():
            return "Yes" if value else "No"
        case dt.datetime():
            return value.isoformat(sep=" ")[:length]
        case dt.date() if lookml_type == "date_quarter":
            return f"{value.year:04}-Q{(value.month + 2) // 3}"
        case dt.date():
            return value.isoformat()[:length]
        case _:
            return value


def text(value: Any, lookml_type: str | None) -> str:
    """Spell a value in a format that has texts alone; null is empty."""
    match wire(value, lookml_type):
        case None:
            return ""
        case list() as items:
            return ",".join("" if item is None else item for item in items)
        case float() as number:
            return repr(number)
        case other:
            return str(other)


def pivot_key(query: Query, values: tuple[Any, ...] | None, *, is_total: bool) -> str:
    """Spell the key under which `json_detail` and `json_bi` keep the cell of a pivot."""
    if is_total:
        return ROW_TOTAL
    parts = zip(query.pivots, values or (), strict=True)
    return "|FIELD|".join(f"{item.name}___null" if value is None else text(value, item.type) for item, value in parts)


#: What a link may look like, with the characters that end a cell.
LINK = {"label": "by Created Time", "url": '/explore/m/e?fields=v.a,"v.b"&f[v.a]={"v.a":', "type": "drill"}


def members(slot: Slot, value: Any) -> dict[str, Any]:
    """Say what a rich cell has besides its value; the same field and value always have the same."""
    if value is None and slot.field.group != "table_calculations":
        return {}
    shown = f" {value}\n"
    kinds: tuple[dict[str, Any], ...] = (
        {},
        {"rendered": f"${value}"},
        {"rendered": f'{value}"}},{{"', "links": [LINK, {"type": "url", "value": None}]},
        {"rendered": "", "html": shown},
        {"links": []},
        {"rendered": "é∅", "filterable_value": "NULL", "links": [LINK]},
        {"filterable_value": '"A & B"', "html": "<b>€</b>", "sort_value": "02"},
    )
    return kinds[zlib.crc32(repr((slot.field.name, value)).encode()) % len(kinds)]
