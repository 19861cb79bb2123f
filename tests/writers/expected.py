"""The Arrow tables that a query has in truth, by plain Python and `pyarrow.array` with the types written out here."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tests.writers.queries import Slot, members, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.writers.queries import Col, Query, Row

#: LookML type → Arrow type, as `docs/types.md` has it; measures and calculations see `arrow_type`.
TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("string", "tier", "bin", "zipcode", "location", "date_raw", "date_day_of_week"), pa.string()),
    **dict.fromkeys(("date_month_name", "date_quarter_of_year", "date_time_of_day"), pa.string()),
    **dict.fromkeys(("yesno", "date_yesno"), pa.bool_()),
    **dict.fromkeys(("date", "date_date", "date_week", "date_month", "date_quarter"), pa.date32()),
    **dict.fromkeys(("date_time", "date_second", "date_microsecond", "date_minute"), pa.timestamp("us")),
    **dict.fromkeys(("date_hour", "date_minute15", "date_hour6"), pa.timestamp("us")),
    **dict.fromkeys(("date_year", "date_hour_of_day", "date_day_of_week_index", "duration_day"), pa.int64()),
    "distance": pa.float64(),
    "list": pa.list_(pa.string()),
}


@dataclass(frozen=True, slots=True)
class Choices:
    """What a caller asked for, by the names of `decode`'s options."""

    names: str = "field"
    pivots: str = "wide"
    cells: tuple[str, ...] = ("value",)
    timestamps: str = "naive"
    numbers: str = "auto"


def arrow_type(field: Col, values: Iterable[Any], choices: Choices) -> pa.DataType:
    """Say which type a field has in the result, given all values of its column."""
    kind = field.type or ""
    if field.group == "measures" and kind in ("count", "count_distinct"):
        return pa.int64()
    is_measure = field.group == "measures" or (field.group == "table_calculations" and field.pivoted)
    if kind == "number" and not is_measure and choices.numbers == "auto":
        met = {type(value) for value in values if value is not None}
        return pa.int64() if met == {int} else pa.float64()
    found = TYPES.get(kind, pa.float64())
    if pa.types.is_timestamp(found):
        return pa.timestamp("us", {"naive": None, "utc": "UTC"}.get(choices.timestamps, "@"))
    return found


def instant(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Turn a wall clock into an instant: the earlier of two; in a gap, the first instant after it.

    >>> instant(dt.datetime(2024, 3, 10, 2, 30), ZoneInfo("America/New_York")).isoformat()
    '2024-03-10T07:00:00+00:00'
    """
    found = wall.replace(tzinfo=zone, fold=0).astimezone(dt.UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    # In a gap, fold=1 reads the clock with the offset after it, which gives an instant before it.
    low, high = wall.replace(tzinfo=zone, fold=1).astimezone(dt.UTC), found
    offset = high.astimezone(zone).utcoffset()
    while high - low > dt.timedelta.resolution:
        middle = low + (high - low) // 2
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == offset else (middle, high)
    return high


def column(kind: pa.DataType, values: Sequence[Any], query: Query) -> pa.Array:
    """Make one typed column of Python values."""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        zone = ZoneInfo(query.timezone or "UTC")
        instants = [None if value is None else instant(value, zone) for value in values]
        return pa.array(instants, pa.timestamp("us", kind.tz if kind.tz == "UTC" else zone.key))
    if pa.types.is_floating(kind):
        values = [None if value is None else float(value) for value in values]
    return pa.array(values, kind)


def table(query: Query, choices: Choices | None = None) -> pa.Table:
    """Make the table of the rows."""
    choices = choices or Choices()
    if query.pivots and choices.pivots == "long":
        return _long(query, choices)
    return _sheet(query, query.rows, [place for place, slot in enumerate(query.slots) if not slot.is_total], choices)


def totals(query: Query, choices: Choices | None = None) -> pa.Table | None:
    """Make the one row of totals, wide; the totals of all rows and pivots under the plain names of the measures."""
    if query.totals is None:
        return None
    return _sheet(query, (query.totals,), range(len(query.slots)), choices or Choices(), typed_by=query.rows)


def row_totals(query: Query, choices: Choices | None = None) -> pa.Table | None:
    """Make the table of the totals of each row."""
    if not query.row_totals:
        return None
    kept = [place for place, slot in enumerate(query.slots) if slot.is_total or slot.field.group == "dimensions"]
    return _sheet(query, query.rows, kept, choices or Choices())


def subtotals(query: Query, choices: Choices | None = None) -> dict[tuple[str, ...], pa.Table]:
    """Make a table for each grouping, with the columns of `totals`."""
    places = range(len(query.slots))
    return {
        names: _sheet(query, rows, places, choices or Choices(), typed_by=query.rows)
        for names, rows in query.subtotals.items()
    }


def unique(names: Iterable[str]) -> list[str]:
    """Give a number to names that stood before, ``Name_2``, and so on; none makes a name that is taken."""
    given = list(names)
    found: list[str] = []
    for name in given:
        numbered = (f"{name}_{number}" for number in itertools.count(2))
        free = (other for other in numbered if other not in given and other not in found)
        found.append(next(free) if name in found else name)
    return found


def label(field: Col, names: str) -> str:
    """Say what a field is called."""
    labels = {"field": (), "label": (field.label,), "label_short": (field.label_short, field.label)}[names]
    return next((found for found in labels if found), field.name)


def _heading(query: Query, slot: Slot, choices: Choices) -> str:
    pivots = zip(query.pivots, slot.pivot or (), strict=False)
    parts = ["null" if value is None else text(value, item.type) for item, value in pivots]
    return "|".join([label(slot.field, choices.names), *parts])


def _sheet(
    query: Query, rows: Sequence[Row], places: Sequence[int], choices: Choices, *, typed_by: Sequence[Row] | None = None
) -> pa.Table:
    """Make a wide table of some slots, named as among all of them; the types are those of the values of `typed_by`."""
    headings = [
        heading if part == "value" else f"{heading}.{part}"
        for heading in (_heading(query, slot, choices) for slot in query.slots)
        for part in choices.cells
    ]
    named = unique(headings)
    names, arrays = [], []
    for place in places:
        slot = query.slots[place]
        values = [row[place] for row in rows]
        kind = arrow_type(slot.field, [row[place] for row in (rows if typed_by is None else typed_by)], choices)
        if kind == pa.int64() and any(value != int(value) for value in values if isinstance(value, float)):
            kind = pa.float64()  # a fraction among totals, where all values of the rows are whole
        for number, part in enumerate(choices.cells):
            names.append(named[place * len(choices.cells) + number])
            arrays.append(_part(slot, values, part) if part != "value" else column(kind, values, query))
    return pa.table(arrays, names)


def _part(slot: Slot, values: Iterable[Any], part: str) -> pa.Array:
    found = [members(slot, value).get(part) for value in values]
    return pa.array([json.dumps(item) if isinstance(item, list) else item for item in found], pa.string())


def _long(query: Query, choices: Choices) -> pa.Table:
    """Make a row of each row and pivot, row by row."""
    names: list[str] = []
    arrays: list[pa.Array] = []

    def add(slot: Slot, places: Sequence[int]) -> None:
        """Add a column: of the values at each pivot's place, or of those at the one place, repeated."""
        field = slot.field
        values = [row[place] for row in query.rows for place in places]
        kind = arrow_type(field, values, choices)
        for part in choices.cells:
            names.append(label(field, choices.names) if part == "value" else f"{label(field, choices.names)}.{part}")
            arrays.append(_part(slot, values, part) if part != "value" else column(kind, values, query))

    pivots = range(len(query.pivot_values))
    for place, field in enumerate(query.dimensions):
        add(Slot(field), [place for _ in pivots])
    for level, field in enumerate(query.pivots):
        values = [values[level] for values in query.pivot_values] * len(query.rows)
        names.append(label(field, choices.names))
        arrays.append(column(arrow_type(field, values, choices), values, query))
    for index, field in enumerate(query.spread):
        first = len(query.dimensions) + index
        add(Slot(field), [first + pivot * len(query.spread) for pivot in pivots])
    for index, field in enumerate(query.alone):
        place = len(query.dimensions) + len(pivots) * len(query.spread) + index
        add(Slot(field), [place for _ in pivots])
    return pa.table(arrays, unique(names))
