"""Filter builders: each selects exactly the rows that Python selects, through a Looker over HTTP."""

from __future__ import annotations

import datetime as dt
import doctest
import random
import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe import filters, local
from lookerframe.client import Looker
from lookerframe.exceptions import InvalidQueryError, LookerFrameError
from lookerframe.local.filters import parse
from lookerframe.local.project import Field, Place
from lookerframe.query import Query
from tests.connecting import settings_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


ROOT = Path(__file__).parent.parent
TEXT_FIELD = Field("v", "f", "string", "x", Place("v.view.lkml"), label="F", view_label="V")

#: Written by hand: what the language gives a meaning, what other languages do, and what only looks like it.
HOSTILE = [
    *("a,b", ",", ",,", ",a", "a,", "a, b", "New York, NY", "Santa Cruz\\, CA", "a^,b", "a^^,b", "1,2", "[1,2]"),
    *('"', '""', '"a"', 'a"b', '"a', 'a"', '"a,b"', "'", "''", "O'Hare", '^"', '"^', '\\"', "`a`", '","', "a''b"),
    *("%", "%%", "%a%", "a%", "%a", "a%b", "100%", "^%", "%^", "50% off", "_", "__", "a_b", "_a", "a_", "^_", "%_"),
    *("^", "^^", "^^^", "a^", "^a", "a^b", "a^^b", "^,", "^-a", "^NULL", "^ a", "a^ ", "a^ ^ ", "^^a"),
    *(
        "-",
        "--",
        "-a",
        "--a",
        "-5",
        "-%a%",
        "-NULL",
        "-EMPTY",
        "- a",
        "a-b",
        "-a,-b",
        "-,",
        "-.5",
        '-"a"',
        "\u2212a",
        "\u2013a",
    ),
    *("NULL", "null", "Null", "EMPTY", "empty", "Empty", "NOT NULL", "not null", "NOT EMPTY", "NOT a", "not 5"),
    *("NULL,a", "nullable", "NULL NULL", " NULL", "NULL ", "EMPTY%", "NaN", "None", "nan", "NOT  NULL", "not-null"),
    *(
        " ",
        "  ",
        "   ",
        " a",
        "a ",
        " a ",
        "  a",
        "a  ",
        "a b",
        "a  b",
        "\t",
        "\ta",
        "a\t",
        "a\tb",
        "\u00a0",
        "\u00a0a",
    ),
    *(
        "\n",
        "\na",
        "a\n",
        "a\nb",
        "\r\n",
        "a\r\nb",
        "\u2028",
        "\u3000a",
        "a\u2003",
        "\u200b",
        "\ufeffa",
        "\x1fa",
        "\x01",
    ),
    *("\\", "\\\\", "\\n", "\\,", "a\\", "\\%", "\\_", "C:\\tmp", "\\u0041", "\\-a"),
    *(
        "5",
        "05",
        "5.0",
        "+5",
        "1e5",
        ">5",
        "<5",
        "<>5",
        "!=5",
        ">=5 AND <=9",
        "5 to 10",
        "to 10",
        "(1,7)",
        "inf",
        "0x10",
    ),
    *("5 OR 6", "a OR b", "a AND b", "1 000", "1.000,00", "½", "٣"),
    *(
        "today",
        "7 days",
        "last week",
        "2013-01-01",
        "2013-01-01 to 2013-02-01",
        "before 2013-01-01",
        "Yes",
        "No",
        "true",
    ),
    *(
        "é",
        "e\u0301",
        "É",
        "ß",
        "ẞ",
        "ss",
        "İ",
        "\u0131",
        "Zürich",
        "ﬁ",
        "日本",
        "😀",
        "👩‍👩‍👧",
        "Привет",
        "مرحبا",
        "a\u0301",
        "ﷺ",
    ),
    *(
        "'; DROP TABLE texts; --",
        "/* a */",
        "a;b",
        "a#b",
        "$1",
        "${a.b}",
        "{0}",
        "{% if a %}",
        "<b>a</b>",
        "&amp;",
        "a&b",
    ),
    *("?", "*", "a*", "a?b", "[a-z]", "(a|b)", "a+b", "%20", "a=b", "/", "a/b", "@", "~", "|", "€", "ab" * 400),
]
#: Each a blow away from one that is there.
NEAR = [edit for value in HOSTILE for edit in (value.strip(), value + "x", "^" + value, value.upper(), value.lower())]
#: Every hostile value is there twice or more.
TEXTS: list[str | None] = [None, "", *HOSTILE, *dict.fromkeys([*HOSTILE, *NEAR, "a", "b", "x", "aa", "ab"])]

NUMBERS: list[Decimal | None] = [
    *map(
        Decimal, ("-1000000", "-10", "-5.5", "-5", "-0.5", "-0.001", "0", "0.001", "0.5", "1", "1.5", "2", "5", "5.001")
    ),
    *map(Decimal, ("9.999", "10", "10.001", "99", "100", "1000000", "123456789012.345")),
    None,
]
FLAGS = [True, False, None]
YES_AND_NO = (True, False)

NEW_YORK = "America/New_York"


def wall(month: int, day: int, *clock: int, microsecond: int = 0) -> dt.datetime:
    """Make a time of 2013, without a zone."""
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    return dt.datetime.combine(dt.date(2013, month, day), dt.time(hour, minute, second, microsecond))


#: Around the changes of New York's clock in 2013, around midnights, and with fractions of a second; in UTC.
TIMES: list[dt.datetime | None] = [
    *(wall(3, 9) + dt.timedelta(minutes=30 * n) for n in range(120)),
    *(wall(11, 2) + dt.timedelta(minutes=30 * n) for n in range(120)),
    *(wall(6, 30, 23, 59, 58) + dt.timedelta(milliseconds=250 * n) for n in range(16)),
    *(wall(7, 1, 3, 59, 58) + dt.timedelta(milliseconds=250 * n) for n in range(16)),
    None,
]
ZONES = (NEW_YORK, "Asia/Kolkata")

LOOKML = """
connection: "test"
view: texts {
  dimension: id { type: number primary_key: yes }
  dimension: value { type: string }
}
view: numbers {
  dimension: id { type: number primary_key: yes }
  dimension: value { type: number }
}
view: flags {
  dimension: id { type: number primary_key: yes }
  dimension: value { type: yesno sql: ${TABLE}.value ;; }
}
view: times {
  dimension: id { type: number primary_key: yes }
  dimension_group: value { type: time timeframes: [raw, time, date, month] sql: ${TABLE}.value ;; }
}
view: days {
  dimension_group: day { type: time timeframes: [date] sql: ${TABLE}.value ;; }
}
explore: days {}
explore: texts {}
explore: numbers {}
explore: flags {}
explore: times {}
"""


def noons() -> list[dt.datetime]:
    """Give the noon of every day from three years ago on, for as long to come."""
    today = dt.datetime.now(dt.UTC).replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=None)
    return [today + dt.timedelta(days=n) for n in range(-1100, 1100)]


class Select(Protocol):
    """Asks for the rows that a filter selects."""

    def __call__(self, view: str, expression: str, *, field: str = "value", zone: str = "UTC") -> list[int]:
        """Give the ids of the rows, in order; they count from 0 in the lists above."""
        ...


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the lists above into tables."""
    path = tmp_path_factory.mktemp("filters") / "values.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name, kind, rows in (
            ("texts", "VARCHAR", TEXTS),
            ("numbers", "DECIMAL(18, 3)", NUMBERS),
            ("flags", "BOOLEAN", FLAGS),
            ("times", "TIMESTAMP", TIMES),
            ("days", "TIMESTAMP", noons()),
        ):
            connection.register("rows", pa.table({"id": range(len(rows)), "value": pa.array(rows)}))
            connection.execute(f"CREATE TABLE {name} AS SELECT id, value::{kind} AS value FROM rows")  # noqa: S608
    return path


@pytest.fixture(scope="module")
def own_looker(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looker]:
    """Serve the tables over HTTP."""
    folder = tmp_path_factory.mktemp("lookml")
    (folder / "values.model.lkml").write_text(LOOKML, encoding="utf-8")
    with local.start(lookml=folder, database=database) as server:
        settings = settings_for(
            server,
            poll_interval=0.005,
        )
        with Looker(settings) as looker:
            yield looker


@pytest.fixture(scope="module")
def select(own_looker: Looker) -> Select:
    """Ask the server."""

    def selected(view: str, expression: str, *, field: str = "value", zone: str = "UTC") -> list[int]:
        query = Query(
            model="values",
            explore=view,
            fields=[f"{view}.id"],
            filters={f"{view}.{field}": expression},
            sorts=[f"{view}.id"],
            query_timezone=zone,
        )
        ids: list[int] = own_looker.run(query).to_arrow()[0].to_pylist()
        return ids

    return selected


def rows_where(rows: Sequence[Any], fits: Callable[[Any], bool]) -> list[int]:
    """Give the ids of the rows that fit."""
    return [n for n, row in enumerate(rows) if fits(row)]


def wall_clock(row: dt.datetime | None, zone: str) -> dt.datetime | None:
    """Read a stored time on the clock of a zone."""
    return row and row.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


# -- Texts -------------------------------------------------------------------------------------------------------------


def test_two_hundred_hostile_values_select_their_rows(select: Select) -> None:
    """Each value alone selects the rows that hold it, and no other of those that are nearly the same."""
    assert len(set(HOSTILE)) > 200

    wrong = [
        value
        for value in dict.fromkeys(HOSTILE)
        if select("texts", filters.eq(value)) != [n for n, row in enumerate(TEXTS) if row == value]
    ]

    assert wrong == []


def test_hostile_values_are_left_out(select: Select) -> None:
    """Each value alone leaves out the rows that hold it, and keeps those without a value."""
    wrong = [
        value
        for value in random.Random(3).sample(list(dict.fromkeys(HOSTILE)), 40)  # noqa: S311
        if select("texts", filters.ne(value)) != [n for n, row in enumerate(TEXTS) if row != value]
    ]

    assert wrong == []


@pytest.mark.parametrize("seed", range(5))
def test_lists_of_hostile_values(select: Select, seed: int) -> None:
    """Many values at once are those values, whatever stands next to what."""
    pick = random.Random(seed)  # noqa: S311
    values = pick.sample([None, "", *dict.fromkeys(HOSTILE)], 60)

    assert select("texts", filters.eq(*values)) == rows_where(TEXTS, lambda row: row in values)
    assert select("texts", filters.ne(*values)) == rows_where(TEXTS, lambda row: row not in values)


PATTERNS: list[tuple[Callable[..., str], Callable[[str, str], bool]]] = [
    (filters.contains, str.__contains__),
    (filters.starts_with, str.startswith),
    (filters.ends_with, str.endswith),
]


@pytest.mark.parametrize(("build", "fits"), PATTERNS)
def test_patterns_take_every_character_as_it_is(
    select: Select, build: Callable[..., str], fits: Callable[[str, str], bool]
) -> None:
    """What a pattern holds stands for itself, as in Python's own string methods."""
    short = [text for text in dict.fromkeys(HOSTILE) if len(text) <= 3]
    texts = [*random.Random(5).sample(short, 30), "a,b", "NULL", "NOT NULL", " -x"]  # noqa: S311
    wrong = [
        text
        for text in texts
        if select("texts", build(text)) != [n for n, row in enumerate(TEXTS) if row is not None and fits(row, text)]
    ]

    assert wrong == []


@pytest.mark.parametrize(("build", "fits"), PATTERNS)
def test_patterns_of_several_texts(select: Select, build: Callable[..., str], fits: Callable[[str, str], bool]) -> None:
    """Any of them will do."""
    texts = ("-", "%", "a,", " ")

    expected = rows_where(TEXTS, lambda row: row is not None and any(fits(row, text) for text in texts))

    assert select("texts", build(*texts)) == expected


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        (filters.is_null(), lambda row: row is None),
        (filters.eq(None), lambda row: row is None),
        (filters.not_null(str), lambda row: row is not None),
        (filters.is_empty(), lambda row: row in (None, "")),
        (filters.not_empty(), lambda row: row not in (None, "")),
        (filters.eq(""), lambda row: row == ""),
        (filters.eq("", "a"), lambda row: row in ("", "a")),
        (filters.eq("", "a", None), lambda row: row in ("", "a", None)),
        (filters.ne(""), lambda row: row != ""),
        (filters.ne("", "a"), lambda row: row not in ("", "a")),
        (filters.ne("", None), lambda row: row not in ("", None)),
        (filters.ne("a", None), lambda row: row not in ("a", None)),
        (
            filters.any_of(filters.eq("a,b", "-5"), filters.starts_with("%"), filters.is_null()),
            lambda row: row is None or row in ("a,b", "-5") or row.startswith("%"),
        ),
    ],
)
def test_texts_and_nothing(select: Select, expression: str, fits: Callable[[str | None], bool]) -> None:
    """Null and the empty text are told apart."""
    assert select("texts", expression) == rows_where(TEXTS, fits)


class Reader:
    """Reads expressions as the server does, without a request for each."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def __call__(self, expression: str, rows: Sequence[str | None]) -> list[str | None]:
        """Give those of `rows` that are selected."""
        values = ", ".join(f"({n}, ?::VARCHAR)" for n, _ in enumerate(rows))
        sql = f"SELECT n FROM (VALUES {values}) AS t(n, x) WHERE {parse(TEXT_FIELD, expression).sql('x')} ORDER BY n"  # noqa: S608
        return [rows[n] for (n,) in self.connection.execute(sql, list(rows)).fetchall()]


@pytest.fixture(scope="module")
def read() -> Iterator[Reader]:
    """Read without a server."""
    with duckdb.connect() as connection:
        yield Reader(connection)


ANY_TEXT = st.one_of(
    st.text(st.sampled_from("ab%_^-,\"' \n\\.5NOT"), max_size=6),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4),
    st.sampled_from(["NULL", "null ", "EMPTY", "NOT NULL", "NOT 5", "-NULL"]),
)


@given(rows=st.lists(ANY_TEXT, min_size=1, max_size=12, unique=True), seed=st.integers(0, 2**32))
def test_any_text_selects_itself(read: Reader, rows: list[str], seed: int) -> None:
    """Whatever the values are, `eq` selects them, `ne` the others, patterns what holds them, `any_of` a union."""
    every: list[str | None] = [*rows, None]
    wanted = random.Random(seed).sample(rows, len(rows) // 2 + 1)  # noqa: S311

    assert read(filters.eq(*wanted), every) == [row for row in every if row in wanted]
    assert read(filters.ne(*wanted), every) == [row for row in every if row not in wanted]
    if "" not in wanted:
        assert read(filters.any_of(*map(filters.eq, wanted)), every) == [row for row in every if row in wanted]
        for build, fits in PATTERNS:
            found = read(build(*wanted), every)
            assert found == [row for row in rows if any(fits(row, text) for text in wanted)]


@given(text=ANY_TEXT.filter(bool))
def test_no_exclusion_passes_for_a_choice(text: str) -> None:
    """`any_of` knows what `ne` writes from what `eq` writes."""
    assert filters.any_of(filters.eq(text), filters.is_null()) == f"{filters.eq(text)},NULL"
    with pytest.raises(InvalidQueryError):
        filters.any_of(filters.is_null(), filters.ne(text))


# -- Numbers -----------------------------------------------------------------------------------------------------------

COMPARISONS: list[tuple[Callable[[Any], str], Callable[[Any, Any], bool]]] = [
    (filters.gt, lambda row, value: row > value),
    (filters.ge, lambda row, value: row >= value),
    (filters.lt, lambda row, value: row < value),
    (filters.le, lambda row, value: row <= value),
]


@pytest.mark.parametrize("value", [5, -5, 0, 0.5, -0.5, Decimal("5.001"), 1e-3, 1e6, -1e6, Decimal("1E+2")])
def test_numbers(select: Select, value: float | Decimal) -> None:
    """One number is itself, its negation everything else, and each comparison what it is in Python."""
    exact = Decimal(str(value))

    assert select("numbers", filters.eq(value)) == rows_where(NUMBERS, lambda row: row == exact)
    assert select("numbers", filters.ne(value)) == rows_where(NUMBERS, lambda row: row != exact)
    for build, fits in COMPARISONS:
        expected = [n for n, row in enumerate(NUMBERS) if row is not None and fits(row, exact)]
        assert select("numbers", build(value)) == expected


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        (filters.eq(5, -5, 10.001, None), lambda row: row in (5, -5, Decimal("10.001"), None)),
        (filters.ne(5, -5), lambda row: row not in (5, -5)),
        (filters.ne(5, -5, None), lambda row: row not in (5, -5, None)),
        (filters.is_null(), lambda row: row is None),
        (filters.not_null(float), lambda row: row is not None),
        (filters.not_null(int), lambda row: row is not None),
        (filters.between(-5, 5), lambda row: row is not None and -5 <= row <= 5),
        (filters.between(5, 5), lambda row: row == 5),
        (filters.between(0.5, Decimal("9.999")), lambda row: row is not None and Decimal("0.5") <= row < 10),
        (
            filters.any_of(filters.between(-6, -5), filters.eq(-10, 2), filters.gt(100), filters.is_null()),
            lambda row: row is None or -6 <= row <= -5 or row in (-10, 2) or row > 100,
        ),
    ],
)
def test_lists_and_ranges_of_numbers(select: Select, expression: str, fits: Callable[[Decimal | None], bool]) -> None:
    """Both ends of a range belong to it; null is selected by `ne` alone, and where it is asked for."""
    assert select("numbers", expression) == rows_where(NUMBERS, fits)


def test_numbers_of_numpy_and_pandas() -> None:
    """Scalars of a column are numbers and times as Python's own are."""
    column = pd.Series([7, 9])
    days = pd.to_datetime(pd.Series(["2013-01-01", "2013-02-01"]))

    assert filters.between(column[0], column[1]) == "[7,9]"
    assert filters.eq(*pd.Series([0.5, 1e22])) == "0.5,10000000000000000000000"
    assert filters.between(days[0], days[1]) == "2013-01-01 to 2013-02-01"


# -- Yes and no --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        (filters.yes(), lambda row: row is True),
        (filters.no(), lambda row: row is not True),
        (filters.eq(*YES_AND_NO[:1]), lambda row: row is True),
        (filters.eq(*YES_AND_NO[1:]), lambda row: row is not True),
        (filters.ne(*YES_AND_NO[:1]), lambda row: row is not True),
        (filters.ne(*YES_AND_NO[1:]), lambda row: row is True),
        (filters.eq(*YES_AND_NO), lambda _: True),
    ],
)
def test_yes_and_no(select: Select, expression: str, fits: Callable[[bool | None], bool]) -> None:
    """Null is no."""
    assert select("flags", expression) == rows_where(FLAGS, fits)


# -- Dates and times ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("day", [dt.date(2013, 3, 10), dt.date(2013, 11, 3), dt.date(2013, 7, 1), dt.date(2013, 6, 30)])
def test_days(select: Select, day: dt.date, zone: str) -> None:
    """A date is the whole day in the query's time zone, be it 23 or 25 hours long, for every builder."""
    rows = [wall_clock(row, zone) for row in TIMES]
    expected: list[tuple[str, Callable[[Any], bool]]] = [
        (filters.eq(day), lambda row: row.date() == day),
        (filters.gt(day), lambda row: row.date() > day),
        (filters.ge(day), lambda row: row.date() >= day),
        (filters.after(day), lambda row: row.date() >= day),
        (filters.lt(day), lambda row: row.date() < day),
        (filters.before(day), lambda row: row.date() < day),
        (filters.le(day), lambda row: row.date() <= day),
        (filters.ne(day, None), lambda row: row.date() != day),
    ]

    for expression, fits in expected:
        found = select("times", expression, field="value_date", zone=zone)
        assert found == [n for n, row in enumerate(rows) if row is not None and fits(row)], expression


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("time", [wall(3, 10), wall(7, 1), wall(6, 30, 23, 59, 59)])
def test_moments(select: Select, time: dt.datetime, zone: str) -> None:
    """A datetime is its second on the clock of the query's time zone, at midnight too."""
    rows = [wall_clock(row, zone) for row in TIMES]
    expected: list[tuple[str, Callable[[Any], bool]]] = [
        (filters.eq(time), lambda row: row.replace(microsecond=0) == time),
        (filters.gt(time), lambda row: row.replace(microsecond=0) > time),
        (filters.ge(time), lambda row: row >= time),
        (filters.lt(time), lambda row: row < time),
        (filters.le(time), lambda row: row.replace(microsecond=0) <= time),
        (filters.ne(time, None), lambda row: row.replace(microsecond=0) != time),
    ]

    for expression, fits in expected:
        found = select("times", expression, field="value_time", zone=zone)
        assert found == [n for n, row in enumerate(rows) if row is not None and fits(row)], expression


@pytest.mark.parametrize("zone", ZONES)
def test_ranges_follow_each_other_without_gap_or_overlap(select: Select, zone: str) -> None:
    """A range of dates has its first day, to its last moment the day before its end, and not the end."""
    rows = [wall_clock(row, zone) for row in TIMES]
    bounds = [
        dt.date(2013, 3, 1),
        dt.date(2013, 3, 10),
        dt.date(2013, 3, 11),
        dt.date(2013, 7, 1),
        dt.date(2013, 12, 1),
    ]
    found = []

    for first, end in pairwise(bounds):
        ids = select("times", filters.between(first, end), field="value_date", zone=zone)
        assert ids == [n for n, row in enumerate(rows) if row is not None and first <= row.date() < end]
        found += ids

    assert sorted(found) == rows_where(rows, lambda row: row is not None)


def test_bounds_with_a_fraction_of_a_second(select: Select) -> None:
    """The start is included to the microsecond, the end is not."""
    first, end = wall(6, 30, 23, 59, 59, microsecond=250_000), wall(7, 1, microsecond=500_000)

    found = select("times", filters.between(first, end), field="value_time")

    assert found == rows_where(TIMES, lambda row: row is not None and first <= row < end)
    assert len(found) == 5


def test_days_are_left_out(select: Select) -> None:
    """Several days and a time are left out, in whatever order; rows without a time are kept, unless asked."""
    left_out = [dt.date(2013, 11, 3), dt.date(2013, 3, 9), dt.date(2013, 3, 10), wall(3, 9, 12)]
    days = {dt.date(2013, 11, 3), dt.date(2013, 3, 9), dt.date(2013, 3, 10)}

    found = select("times", filters.ne(*left_out), field="value_date")
    without_null = select("times", filters.ne(*left_out, None), field="value_date")

    assert found == rows_where(TIMES, lambda row: row is None or row.date() not in days)
    assert without_null == rows_where(TIMES, lambda row: row is not None and row.date() not in days)


def test_times_and_null(select: Select) -> None:
    """Lists of days, and null."""
    days = (dt.date(2013, 3, 9), dt.date(2013, 7, 1))

    assert select("times", filters.is_null(), field="value_date") == rows_where(TIMES, lambda row: row is None)
    for of in (dt.date, dt.datetime):
        found = select("times", filters.not_null(of), field="value_date")
        assert found == rows_where(TIMES, lambda row: row is not None)
    assert select("times", filters.eq(*days, None), field="value_date") == rows_where(
        TIMES, lambda row: row is None or row.date() in days
    )
    union = filters.any_of(filters.eq(days[0]), filters.after(days[1]), filters.is_null())
    assert select("times", union, field="value_date") == rows_where(
        TIMES, lambda row: row is None or row.date() == days[0] or row.date() >= days[1]
    )


def first_days(today: dt.date) -> dict[str, tuple[dt.date, dt.date]]:
    """Give, for periods, the first day that is in them and the first that is not any more."""
    monday = today - dt.timedelta(days=today.weekday())
    month = today.replace(day=1)
    return {
        "1 day": (today, today + dt.timedelta(days=1)),
        "7 days": (today - dt.timedelta(days=6), today + dt.timedelta(days=1)),
        "1 week": (monday, monday + dt.timedelta(days=7)),
        " 2  Weeks ": (monday - dt.timedelta(days=7), monday + dt.timedelta(days=7)),
        "01 month": (month, (month + dt.timedelta(days=32)).replace(day=1)),
        "2 years": (dt.date(today.year - 1, 1, 1), dt.date(today.year + 1, 1, 1)),
    }


def test_last(own_looker: Looker) -> None:
    """The last periods have the current one in them, all of it."""
    for period in first_days(dt.datetime.now(dt.UTC).date()):
        possible = []
        before = dt.datetime.now(dt.UTC).date()
        query = Query(
            model="values",
            explore="days",
            fields=["days.day_date"],
            filters={"days.day_date": filters.last(period)},
            sorts=["days.day_date"],
        )
        found = own_looker.run(query).to_arrow()[0].to_pylist()
        for today in {before, dt.datetime.now(dt.UTC).date()}:  # midnight may pass
            first, end = first_days(today)[period]
            possible.append([first + dt.timedelta(days=n) for n in range((end - first).days)])
        assert found in possible, period


# -- What is refused ---------------------------------------------------------------------------------------------------

AWARE = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)
DAY = dt.date(2013, 1, 1)


@pytest.mark.parametrize(
    ("build", "values", "met"),
    [
        (filters.eq, (), "at least one value; without any it would select every row"),
        (filters.ne, (), "at least one value"),
        (filters.eq, ("a", 1), "values of one type, not 'a', 1"),
        (filters.eq, (True, 1), "values of one type, not True, 1"),
        (filters.eq, (["a"],), "['a'] cannot be a value of a filter; expected text, numbers, bool, date"),
        (filters.eq, (b"a",), "b'a' cannot be a value"),
        (filters.eq, (float("nan"),), "nan is no number that can be filtered by; is_null() selects missing values"),
        (filters.gt, (float("inf"),), "inf is no number"),
        (filters.eq, (Decimal("NaN"),), "Decimal('NaN') is no number"),
        (filters.between, (Decimal("NaN"), 1), "Decimal('NaN') is no number"),
        (filters.eq, (pd.NaT,), "NaT is no time; is_null()"),
        (filters.eq, (pd.NA,), "<NA> cannot be a value"),
        (filters.eq, (AWARE,), "has a time zone; filters are read in that of the query, so drop it"),
        (filters.between, (DAY, AWARE), "has a time zone"),
        (filters.eq, (wall(1, 1, microsecond=1),), "a fraction of a second, and nothing shorter"),
        (filters.le, (wall(1, 1, microsecond=1),), "a fraction of a second"),
        (filters.gt, (dt.date.max,), "has no time after it"),
        (filters.eq, (True, None), "a yesno field is Yes or No, and null counts as No"),
        (filters.ne, (True, False), "a yesno field is Yes or No"),
        (filters.ne, (None,), "does not tell the type of the field; write not_null(str)"),
        (
            filters.not_null,
            (bool,),
            "takes the type of the field's values, str, float or datetime.date, not <class 'bool'>",
        ),
        (filters.between, (2, 1), "nothing lies between 2 and 1; the lower one comes first"),
        (filters.between, (DAY, DAY), "which is not included itself"),
        (filters.between, (1, DAY), "values of one type"),
        (filters.between, (1, None), "between() takes two numbers, dates or datetimes, not 1 and None"),
        (filters.between, ("a", "b"), "between() takes two numbers"),
        (filters.gt, ("a",), "gt() takes a number, date or datetime, not 'a'"),
        (filters.le, (True,), "le() takes a number, date or datetime, not True"),
        (filters.before, (5,), "before() takes a date or datetime, not 5"),
        (filters.after, ("2 days ago",), "after() takes a date or datetime, not '2 days ago'"),
        (filters.contains, (), "at least one text"),
        (filters.contains, ("",), "a text of at least one character, not ''"),
        (filters.starts_with, ("a", 5), "a text of at least one character, not 5"),
        (filters.last, ("week",), "'week' is no period; expected a number and a unit, as in last(\"7 days\")"),
        (filters.last, ("0 days",), "is no period"),
        (filters.last, (7,), "7 is no period"),
        (filters.any_of, (), "at least one expression"),
        (filters.any_of, ("",), "takes filter expressions, not ''"),
        (filters.any_of, (5,), "takes filter expressions, not 5"),
        (filters.any_of, (filters.ne("a"),), "cannot take '-a': Looker would exclude its values from the others too"),
        (filters.any_of, ("a", filters.ne(5)), "cannot take 'NOT 5'"),
        (filters.any_of, (filters.not_null(str),), "cannot take '-NULL'"),
        (filters.any_of, (filters.not_null(int),), "cannot take 'NOT NULL'"),
        (filters.any_of, (filters.eq(""),), "cannot take 'EMPTY,-NULL'"),
        (filters.any_of, ("5, <>6",), "cannot take '5, <>6'"),
    ],
)
def test_what_cannot_be_written(build: Callable[..., str], values: tuple[Any, ...], met: str) -> None:
    """The error says what was met, and what to do."""
    with pytest.raises(InvalidQueryError) as caught:
        build(*values)

    assert met in str(caught.value)
    assert isinstance(caught.value, LookerFrameError)
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [("filters", "invalid")]


# -- In a query --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["-a,%b%,^^", "  NULL  ", "", "7 days ago for 3 days", 'a"b'])
def test_raw_expressions_pass_untouched(text: str) -> None:
    """What is written by hand is sent as it is."""
    assert Query(model="m", explore="e", fields=["a.b"], filters={"a.b": text}).to_api()["filters"] == {"a.b": text}


def test_results_are_plain_text() -> None:
    """So every place that takes an expression takes them: a query, LookML, an address."""
    built = [filters.eq("a"), filters.between(1, 2), filters.last("7 days"), filters.any_of("a", "b"), filters.yes()]

    assert {type(expression) for expression in built} == {str}


def blocks() -> list[str]:
    """Give the examples of docs/filters.md."""
    text = (ROOT / "docs" / "filters.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_examples_of_the_documentation(looker: Looker) -> None:
    """They run, and give what the page says."""
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    text = "\n".join(blocks())
    examples = doctest.DocTestParser().get_doctest(text, {"looker": looker}, "filters.md", "docs/filters.md", 0)
    report: list[str] = []

    runner.run(examples, out=report.append)

    assert runner.summarize(verbose=False).failed == 0, "".join(report)
    assert len(examples.examples) > 20


def test_every_builder_is_documented() -> None:
    """The page has an example of each."""
    text = "\n".join(blocks())

    assert [name for name in filters.__all__ if f"filters.{name}(" not in text] == []
