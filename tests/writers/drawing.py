"""Random queries, drawn from a source of chance: `random.Random`, or hypothesis's own, which then shrinks them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from tests.writers.flat_shapes import ROW_TOTAL_LABEL
from tests.writers.losses import FLAT, of_values
from tests.writers.queries import Col, Query, pivot_key, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.writers.queries import Row

    Draw = Callable[[Random], Any]

#: Characters that mean something to some format, and some that do not.
MARKS = "aZ09é∅😀 \",;:|\\{}[]<>&'=#%$/-+._\t\n\r\u2028`*"
#: Whole texts that something may take for another thing.
WORDS = ("null", "NULL", "∅", "NaN", "Yes", "true", "007", "1,234", "=1+1", "Row Total", "value", "&amp;", "---", "0")
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo")
NAMES = ("v.a", "v.b", "orders.count", "né.é", 'q".\\', "value", "calc", "x|FIELD|y", "v.a.rendered", "v.a|1", "links")
LABELS = ("Count", "V A", "Ordérs Count", "Count_2", "a, b", 'say "x"', "<b>", "x|y", "V B", "Day", "Name", "Total")


def chance(seed: int) -> Random:
    """Make a source of chance that a seed repeats."""
    return Random(seed)  # noqa: S311 - nothing here is secret


def integer(random: Random) -> int:
    """Draw a whole number, mostly a small one."""
    if random.random() < 0.7:
        return random.randint(-3, 120)
    return random.choice((-(2**63), 2**63 - 1, 2**53, -(2**53), 2**53 + 1, random.randint(-(2**62), 2**62)))


def fraction(random: Random) -> float:
    """Draw a number of 64 bits that is finite."""
    roll = random.random()
    if roll < 0.5:
        return random.randint(-999, 999) / 100
    if roll < 0.7:
        return float(random.randint(-50, 50))
    return random.choice((5e-324, 8.98846567431158e307, -0.0, 80.47117647058822, 0.1, 1e22, 1e16, -1e-7))


def words(random: Random) -> str:
    """Draw a text."""
    roll = random.random()
    if roll < 0.5:
        return random.choice(("UA", "AA", "complete", "pending", "New York", "é", "x"))
    if roll < 0.7:
        return random.choice(WORDS)
    return "".join(random.choice(MARKS) for _ in range(random.randint(0, 6)))


def day(random: Random) -> dt.date:
    """Draw a date."""
    if random.random() < 0.9:
        return dt.date(random.randint(1990, 2040), random.randint(1, 12), random.randint(1, 28))
    return random.choice((dt.date.min, dt.date.max, dt.date(1969, 12, 31), dt.date(2024, 2, 29)))


def moment(random: Random) -> dt.datetime:
    """Draw a wall clock to the second, near the changes of the clocks now and then."""
    if random.random() < 0.3:
        date = random.choice((dt.date(2024, 3, 10), dt.date(2024, 11, 3), dt.date(2024, 3, 31), dt.date(2024, 10, 27)))
        return dt.datetime.combine(date, dt.time(random.randint(0, 3), random.randint(0, 59)))
    date = dt.date(random.randint(1970, 2037), random.randint(1, 12), random.randint(1, 28))
    return dt.datetime.combine(date, dt.time(random.randint(0, 23), random.randint(0, 59), random.randint(0, 59)))


def texts(random: Random) -> list[str | None]:
    """Draw a list of texts."""
    return [None if random.random() < 0.1 else words(random) for _ in range(random.randint(0, 3))]


@dataclass(frozen=True, slots=True)
class Kind:
    """A LookML type that a field may have, the list of ``fields`` for it, and its values."""

    type: str
    group: str
    draw: Draw


DIMENSIONS: Sequence[Kind] = (
    Kind("string", "dimensions", words),
    Kind("string", "dimensions", words),
    Kind("tier", "dimensions", words),
    Kind("zipcode", "dimensions", lambda random: f"{random.randint(0, 99999):05}"),
    Kind("yesno", "dimensions", lambda random: random.random() < 0.5),
    Kind("number", "dimensions", integer),
    Kind("number", "dimensions", fraction),
    Kind("number", "dimensions", lambda random: random.choice((random.randint(-9, 9), 0.5, 2.0))),
    Kind("date_date", "dimensions", day),
    Kind("date_week", "dimensions", day),
    Kind("date_month", "dimensions", lambda random: day(random).replace(day=1)),
    Kind("date_quarter", "dimensions", lambda random: day(random).replace(month=random.choice((1, 4, 7, 10)), day=1)),
    Kind("date_year", "dimensions", lambda random: random.randint(1, 9999)),
    Kind("date_time", "dimensions", moment),
    Kind("date_microsecond", "dimensions", lambda r: moment(r).replace(microsecond=r.randint(0, 999_999))),
    Kind("date_minute", "dimensions", lambda random: moment(random).replace(second=0)),
    Kind("date_hour", "dimensions", lambda random: moment(random).replace(minute=0, second=0)),
    Kind("date_day_of_week", "dimensions", lambda random: random.choice(("Monday", "Friday"))),
    Kind("distance", "dimensions", fraction),
    Kind("duration_day", "dimensions", integer),
)
MEASURES: Sequence[Kind] = (
    Kind("count", "measures", integer),
    Kind("count_distinct", "measures", lambda random: random.randint(0, 10**6)),
    Kind("sum", "measures", lambda random: fraction(random) if random.random() < 0.5 else random.randint(-999, 2**53)),
    Kind("average", "measures", fraction),
    Kind("max", "measures", fraction),
    Kind("yesno", "measures", lambda random: random.random() < 0.5),
    Kind("string", "measures", words),
    Kind("date", "measures", day),
    Kind("list", "measures", texts),
)
CALCULATIONS: Sequence[Kind] = (
    Kind("number", "table_calculations", fraction),
    Kind("string", "table_calculations", words),
)


KINDS = (DIMENSIONS, MEASURES, CALCULATIONS)
#: Tables of text have no lists.
FLAT_KINDS = (DIMENSIONS, [kind for kind in MEASURES if kind.type != "list"], CALCULATIONS)


def query(random: Random, kinds: tuple[Sequence[Kind], Sequence[Kind], Sequence[Kind]] = KINDS) -> Query:
    """Draw a query: up to three dimensions, two pivot fields, three measures and calculations, six rows."""
    dimensions, measures, calculations = kinds
    heads = _some(random, dimensions, random.choice((0, 0, 1, 2)))
    drawn = [
        *_some(random, dimensions, random.randint(0, 3)),
        *_some(random, measures, random.randint(bool(heads), 2)),
        *_some(random, calculations, random.choice((0, 0, 1))),
    ] or [random.choice(dimensions)]
    count = random.choice((0, 1, 2, 3, 6))
    columns = _columns(random, [*drawn, *heads], all_pivoted=not count)
    fields, pivots = tuple(columns[: len(drawn)]), tuple(columns[len(drawn) :])
    pivot_values = _pivot_values(random, heads, pivots)
    empty = Query(
        fields=fields,
        pivots=pivots,
        pivot_values=pivot_values,
        row_totals=bool(pivot_values) and random.random() < 0.4,
        timezone=random.choice(ZONES),
    )
    return _filled(empty, {column.name: kind for column, kind in zip(columns, drawn, strict=False)}, random, count)


def _some(random: Random, kinds: Sequence[Kind], count: int) -> list[Kind]:
    return [random.choice(kinds) for _ in range(count)]


def _columns(random: Random, kinds: Sequence[Kind], *, all_pivoted: bool) -> list[Col]:
    names, labels = random.sample(NAMES, len(kinds)), random.sample(LABELS, len(kinds))
    if random.random() < 0.1:
        labels[-1] = labels[0]
    return [
        Col(
            name,
            kind.type,
            kind.group,
            label if random.random() < 0.9 else None,
            label[:1] if random.random() < 0.7 else None,
            pivoted=all_pivoted or kind.group != "table_calculations" or random.random() < 0.7,
        )
        for name, label, kind in zip(names, labels, kinds, strict=True)
    ]


def _pivot_values(random: Random, kinds: Sequence[Kind], pivots: tuple[Col, ...]) -> tuple[tuple[Any, ...], ...]:
    """Draw pivots that have different keys, those with the same first value side by side."""
    if not kinds:
        return ()
    query = Query(fields=(), pivots=pivots)
    levels = [[_once_spelt(_value(random, kind, 0.15)) for _ in range(3)] for kind in kinds]
    drawn = [tuple(map(random.choice, levels)) for _ in range(random.choice((0, 1, 2, 3, 4, 5)))]
    different = {pivot_key(query, values, is_total=False): values for values in drawn if values[0] != ROW_TOTAL_LABEL}
    # Null and the empty text are one in most formats.
    spelt = {tuple(map(text, values, (item.type for item in pivots))): values for values in different.values()}
    firsts = list(dict.fromkeys(first for first, *_ in spelt))
    return tuple(sorted(spelt.values(), key=lambda values: firsts.index(text(values[0], pivots[0].type))))


def _once_spelt(value: Any) -> Any:
    # One value has one key in a result, so 2 and 2.0 cannot both be there.
    return int(value) if isinstance(value, float) and abs(value) < 2**53 and value == int(value) else value


def _value(random: Random, kind: Kind, nulls: float) -> Any:
    return None if random.random() < nulls else kind.draw(random)


def _filled(query: Query, kinds: Mapping[str, Kind], random: Random, count: int) -> Query:
    """Draw so many rows, totals and subtotals."""
    nulls = [random.choice((0.0, 0.0, 0.2, 0.5, 1.0)) for _ in query.slots]

    def row(dimensions: Sequence[Any] = ()) -> Row:
        """Draw a row with these dimensions; the others are null."""
        drawn = [
            None if slot.field.group == "dimensions" else _value(random, kinds[slot.field.name], share)
            for slot, share in zip(query.slots, nulls, strict=True)
        ]
        return (*dimensions, *drawn[len(dimensions) :])

    def dimensions() -> list[Any]:
        return [_value(random, kinds[item.name], share) for item, share in zip(query.dimensions, nulls, strict=False)]

    if query.pivots and not query.pivot_values:
        # Without a pivot there is nothing that a row could be made of, nor could show which fields are not pivoted.
        return replace(query, fields=tuple(replace(item, pivoted=True) for item in query.fields))
    rows = tuple(row(dimensions()) for _ in range(count))
    depths = range(1, len(query.dimensions)) if rows and random.random() < 0.2 else ()
    return replace(
        query,
        rows=rows,
        totals=row() if random.random() < 0.3 else None,
        subtotals={
            tuple(item.name for item in query.dimensions[:depth]): tuple(
                row(random.choice(rows)[:depth]) for _ in range(random.randint(1, 2))
            )
            for depth in depths
        },
    )


def query_for(result_format: str, random: Random) -> Query:
    """Draw a query that a format carries, but for what `losses.carried` takes away."""
    found = query(random, kinds=FLAT_KINDS if result_format in FLAT else KINDS)
    while result_format in FLAT and not found.slots:
        found = query(random, kinds=FLAT_KINDS)
    if result_format in ("md", "xlsx"):
        found = _with_different_pivots(_for_xlsx(found) if result_format == "xlsx" else found)
    if result_format not in (*FLAT, "json_label"):
        return found
    taken: dict[str, int] = {}

    def relabelled(column: Col) -> Col:
        spelt = column.label or column.name
        taken[spelt] = taken.get(spelt, 0) + 1
        return column if taken[spelt] == 1 else replace(column, label=f"{spelt} no. {taken[spelt]}")

    return replace(found, fields=tuple(map(relabelled, found.fields)), pivots=tuple(map(relabelled, found.pivots)))


def _with_different_pivots(query: Query) -> Query:
    """Leave the pivots out if two are alike without the blanks and digits that md and xlsx lose: those are refused."""

    def spelt(value: Any) -> str:
        return f"{value:.12g}" if isinstance(value, int | float) else str("" if value is None else value).strip()

    kept: dict[tuple[str, ...], int] = {}
    for place, values in enumerate(query.pivot_values):
        kept.setdefault(tuple(map(spelt, values)), place)
    if len(kept) == len(query.pivot_values):
        return query
    return replace(query, pivots=(), pivot_values=(), rows=(), totals=None, row_totals=False, subtotals={})


def _for_xlsx(query: Query) -> Query:
    """Leave out what a workbook has no place for: whole numbers from 2^53 on, and totals that are all null."""

    def small(value: Any, _field: Col) -> Any:
        return value % 10**6 if isinstance(value, int | float) and abs(value) >= 2**53 else value

    query = of_values(small)(query)
    is_null = all(value in (None, "") for value in query.totals or ())
    return replace(query, totals=None) if is_null else query
