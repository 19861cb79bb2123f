"""Filter expressions: each selects the rows that Looker's documentation says, everything else is refused."""

from __future__ import annotations

import datetime as dt
import pickle
import random
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.local.filters import FilterError, parse
from lookerframe.local.project import Field, Place
from lookerframe.local.timeframes import TIMEFRAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.local.calling import Api

#: The Friday that the documentation's examples are about.
FRIDAY = dt.datetime(2018, 5, 18, 18, 30, 2, tzinfo=dt.UTC)
NEW_YORK = ZoneInfo("America/New_York")


def field(kind: str, **options: Any) -> Field:
    """Make a field of a type."""
    timeframe = TIMEFRAMES.get(kind.removeprefix("date_")) if "date" in kind else None
    return Field("v", "f", kind, "x", Place("v.view.lkml"), label="F", view_label="V", timeframe=timeframe, **options)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """Run SQL as the server does, in UTC."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture(scope="module")
def select(database: duckdb.DuckDBPyConnection) -> Callable[..., list[Any]]:
    """Give those of `rows` that a condition selects, in their order."""

    def selected(condition: str, rows: Sequence[Any], kind: str) -> list[Any]:
        values = ", ".join(f"({place}, ?::{kind})" for place, _ in enumerate(rows))
        sql = f"SELECT n FROM (VALUES {values}) AS t(n, x) WHERE {condition} ORDER BY n"  # noqa: S608
        return [rows[place] for (place,) in database.execute(sql, list(rows)).fetchall()]

    return selected


# -- Strings -----------------------------------------------------------------------------------------------------------

WORDS = ["FOO", "BAR", "buFOOn", "FOOD", "xFOO", "fast FOOD", "UF", "zUF", "", None, "NULL", "a,b", " a ", "-x", "50%"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FOO", ["FOO"]),
        ("FOO,BAR", ["FOO", "BAR"]),
        (" FOO , BAR ,, BAR,", ["FOO", "BAR"]),
        ("%FOO%", ["FOO", "buFOOn", "FOOD", "xFOO", "fast FOOD"]),
        ("FOO%", ["FOO", "FOOD"]),
        ("%FOO", ["FOO", "xFOO"]),
        ("F%OD", ["FOOD"]),
        ("_UF", ["zUF"]),
        ("EMPTY", ["", None]),
        ("empty", ["", None]),
        ("NULL", [None]),
        ("null,FOO", ["FOO", None]),
        ("-FOO", [word for word in WORDS if word != "FOO"]),
        ("-FOO,-BAR", [word for word in WORDS if word not in ("FOO", "BAR")]),
        ("-%FOO%", [word for word in WORDS if word is None or "FOO" not in word]),
        ("-FOO%", [word for word in WORDS if word is None or not word.startswith("FOO")]),
        ("-%FOO", [word for word in WORDS if word is None or not word.endswith("FOO")]),
        ("-EMPTY", [word for word in WORDS if word]),
        ("-NULL", [word for word in WORDS if word is not None]),
        ("-FOO,-NULL", [word for word in WORDS if word not in ("FOO", None)]),
        ("FOO%,BAR", ["FOO", "BAR", "FOOD"]),
        ("FOO%,-FOOD", ["FOO"]),
        ("-FOOD,FOO%", ["FOO"]),
        ("%FOO%,-FOO%,-x%", ["buFOOn", "fast FOOD"]),
        ("a^,b", ["a,b"]),
        ('"a,b",FOO', ["FOO", "a,b"]),
        ('" a "', [" a "]),
        ('""', [""]),
        ("^-x", ["-x"]),
        ('"-x"', ["-x"]),
        ("--x", [word for word in WORDS if word != "-x"]),
        ("50^%", ["50%"]),
        ("5%^%", ["50%"]),
        ("^NULL", ["NULL"]),
        ('"NULL"', ["NULL"]),
        ("-^NULL,-NULL,-EMPTY", [word for word in WORDS if word and word != "NULL"]),
        ("foo", []),
        ("%", [word for word in WORDS if word is not None]),
    ],
)
def test_string_filter(select: Callable[..., list[Any]], text: str, expected: list[str | None]) -> None:
    """Values, patterns, words and their negations, in lists; a negation alone keeps nulls."""
    assert select(parse(field("string"), text).sql("x"), WORDS, "VARCHAR") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AA", "(x ) = 'AA'"),
        ("AA,UA", "(x ) IN ('AA', 'UA')"),
        ("-AA", "((x ) <> 'AA' OR (x ) IS NULL)"),
        ("A%", "(x ) LIKE 'A%' ESCAPE '^'"),
        ("O'Hare", "(x ) = 'O''Hare'"),
        ("'; DROP TABLE flights; --", "(x ) = '''; DROP TABLE flights; --'"),
        ("Zürich 😀", "(x ) = 'Zürich 😀'"),
        ("{0} {x} ^%s", "(x ) = '{0} {x} %s'"),
    ],
)
def test_sql_of_a_string_filter(text: str, expected: str) -> None:
    """Values are SQL literals, whatever is in them."""
    assert parse(field("string"), text).sql("x") == expected


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("NOT NULL", "'NOT NULL'; write -NULL"),
        ("a,not empty", "'not empty'; write -EMPTY"),
        ('"AA', "a quote that is not closed"),
        ("-", "a minus with nothing after it"),
        ("a\0b", "a NUL character"),
    ],
)
def test_string_filter_that_is_none(text: str, met: str) -> None:
    """The error says what was met."""
    with pytest.raises(FilterError) as caught:
        parse(field("string"), text)

    assert met in str(caught.value)


def escaped(value: str) -> str:
    """Write a value so that the language takes every character as it is."""
    return "".join(f"^{character}" for character in value) or '""'


HOSTILE = st.text(
    st.sampled_from("aA,\"'%_^-;\\ \n\t\r|()[]{}*?$\u00e9\u0301\u200b\u2028ß😀NULEMPTYnot"), max_size=8
) | st.sampled_from(["NULL", "EMPTY", "-NULL", "NOT NULL", "'; DROP TABLE t; --", "' OR ''='", "$1", "?", ":x", "--"])


@given(values=st.lists(HOSTILE, min_size=1, max_size=20, unique=True), seed=st.integers(0, 2**32))
def test_every_value_can_be_asked_for(select: Callable[..., list[Any]], values: list[str], seed: int) -> None:
    """With ^ before its characters a value selects itself, and with a minus everything else."""
    rows: list[str | None] = [*values, None]
    wanted = random.Random(seed).sample(values, len(values) // 2 + 1)  # noqa: S311
    text = ",".join(map(escaped, wanted))
    kept = ",".join(f"-{escaped(value)}" for value in wanted)

    assert select(parse(field("string"), text).sql("x"), rows, "VARCHAR") == [row for row in rows if row in wanted]
    assert select(parse(field("string"), kept).sql("x"), rows, "VARCHAR") == [row for row in rows if row not in wanted]


@given(values=st.lists(st.text("ab%_^-", max_size=5), min_size=1, max_size=20), pattern=st.text("ab%_", min_size=1))
def test_patterns(select: Callable[..., list[Any]], values: list[str], pattern: str) -> None:
    """``%`` is any characters, ``_`` is one."""
    shell = pattern.replace("%", "*").replace("_", "?")

    found = select(parse(field("string"), pattern).sql("x"), values, "VARCHAR")

    assert found == [value for value in values if fnmatchcase(value, shell)]


def test_two_hundred_hostile_strings(select: Callable[..., list[Any]]) -> None:
    """One by one, each of many strings selects the rows that hold it and no others."""
    pick = random.Random(7)  # noqa: S311
    values = list(dict.fromkeys("".join(pick.choices("ab,\"'%_^- \n;\\é😀", k=pick.randint(1, 6))) for _ in range(300)))
    assert len(values) > 200

    for value in values:
        assert select(parse(field("string"), escaped(value)).sql("x"), values, "VARCHAR") == [value]


# -- Numbers -----------------------------------------------------------------------------------------------------------

NUMBERS = [-3, 0, 1, 2, 3, 5, 6, 7, 9, 10, 12, 20, 66, 99, 100, 500, None]


def numbers(keep: Callable[[int], bool], *, null: bool = False) -> list[int | None]:
    """Give the numbers that are to be kept."""
    return [value for value in NUMBERS if (null if value is None else keep(value))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", [5]),
        ("-3", [-3]),
        ("5.0", [5]),
        ("1, 3, 5,7", [1, 3, 5, 7]),
        ("1 OR 3 or 5", [1, 3, 5]),
        ("NOT 5", numbers(lambda n: n != 5, null=True)),
        ("<>5", numbers(lambda n: n != 5, null=True)),
        ("!=5", numbers(lambda n: n != 5, null=True)),
        ("NOT 66, 99, 5", numbers(lambda n: n not in (66, 99, 5), null=True)),
        (">1 AND <100, NOT 2", numbers(lambda n: 1 < n < 100 and n != 2)),
        ("NOT >1, 2, <100", [None]),
        ("5, NOT 6, NOT 7", [5]),
        ("5.5 to 10", [6, 7, 9, 10]),
        ("5 TO 10", [5, 6, 7, 9, 10]),
        ("NOT 3 to 80.44", numbers(lambda n: n < 3 or n > 80.44, null=True)),
        ("100 to", [100, 500]),
        ("to 1", [-3, 0, 1]),
        (">10 AND <=20 OR 90,99", [12, 20, 99]),
        (">=5 AND <=7 OR >=100 AND <=500", [5, 6, 7, 100, 500]),
        (">99", [100, 500]),
        (">=99", [99, 100, 500]),
        ("<0", [-3]),
        ("<= 0", [-3, 0]),
        ("NULL", [None]),
        ("null,5", [5, None]),
        ("NOT NULL", numbers(lambda _: True)),
        ("NOT NULL, NOT 5", numbers(lambda n: n != 5)),
        ("(1, 7)", [2, 3, 5, 6]),
        ("[5, 10]", [5, 6, 7, 9, 10]),
        ("(12, 66]", [20, 66]),
        ("[12, 66)", [12, 20]),
        ("(100, inf)", [500]),
        ("(100,)", [500]),
        ("(-inf, 1]", [-3, 0, 1]),
        ("(,1]", [-3, 0, 1]),
        ("[0,2],[6,9]", [0, 1, 2, 6, 7, 9]),
        ("[0,2],20", [0, 1, 2, 20]),
        ("NOT (3,12)", numbers(lambda n: not 3 < n < 12, null=True)),
        ("NOT 2,[1,5)", [1, 3]),
        ("3,NOT [3,40]", []),
    ],
)
def test_number_filter(select: Callable[..., list[Any]], text: str, expected: list[int | None]) -> None:
    """Comparisons, ranges, intervals, their negations and lists, as documented."""
    assert select(parse(field("number"), text).sql("x"), NUMBERS, "DOUBLE") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("5,", "1e5", "x", "0x10", "1 OR 1=1", "٣", "to", "(,)", "[1,2", "> ", "5 6", "NOT", "NOT NOT 5", "1;2"),
        *("5 AND 6", "in(1,2)", "(inf,1)", "(1,-inf)", "NOTNULL5", "ORs", "1 -- x", "'1'", "3, NOT 5 OR"),
    ],
)
def test_number_filter_that_is_none(text: str) -> None:
    """What is no number, range or list is refused, and the error says what is one."""
    with pytest.raises(FilterError, match=r"number filter .* cannot be read at .*; understood: 5, >5 AND <=9"):
        parse(field("number"), text)


def test_not_in_the_middle() -> None:
    """Whether a NOT is about what follows it is open there, so it has to be said."""
    with pytest.raises(FilterError, match="write NOT before each"):
        parse(field("number"), "23, NOT 42, 43")


# -- Yesno -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes", "(x )"),
        ("no", "NOT COALESCE(x , FALSE)"),
        ("TRUE", "(x )"),
        ("false", "NOT COALESCE(x , FALSE)"),
        ("Yes,No", "((x ) OR NOT COALESCE(x , FALSE))"),
        ("Yes, yes", "(x )"),
    ],
)
def test_yesno_filter(text: str, expected: str) -> None:
    """A null is No, as in Looker."""
    assert parse(field("yesno"), text).sql("x") == expected


@pytest.mark.parametrize("text", ["maybe", "-Yes", "Yes,perhaps", "NULL", "Yes,"])
def test_yesno_filter_that_is_none(text: str) -> None:
    """Other words are refused."""
    with pytest.raises(FilterError, match="expected Yes, No or Yes,No"):
        parse(field("yesno"), text)


# -- Times -------------------------------------------------------------------------------------------------------------


def bounds(text: str, *, now: dt.datetime = FRIDAY, zone: str = "UTC", **options: Any) -> str:
    """Write a condition on ``x`` short: from when, until when."""
    sql = parse(field("date_date", **options), text, timezone=zone, now=now).sql("x")
    for noise in ("(x )::TIMESTAMPTZ ", "(x )::TIMESTAMP ", "TIMESTAMPTZ ", "TIMESTAMP ", "'", "+00:00", ":00:00", "("):
        sql = sql.replace(noise, "")
    return sql.replace(")", "").replace("x  IS", "IS")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018/05/29", ">= 2018-05-29 00 AND < 2018-05-30 00"),
        ("2018-05-29", ">= 2018-05-29 00 AND < 2018-05-30 00"),
        ("2018/05/10 for 3 days", ">= 2018-05-10 00 AND < 2018-05-13 00"),
        ("after 2018/05/10", ">= 2018-05-10 00"),
        ("before 2018/05/10", "< 2018-05-10 00"),
        ("before 2018-01-01 12:00:00", "< 2018-01-01 12"),
        ("2018/05", ">= 2018-05-01 00 AND < 2018-06-01 00"),
        ("2018/05 for 2 months", ">= 2018-05-01 00 AND < 2018-07-01 00"),
        ("2018/05/10 05:00 for 5 hours", ">= 2018-05-10 05 AND < 2018-05-10 10"),
        ("2018/05/10 for 5 months", ">= 2018-05-10 00 AND < 2018-10-10 00"),
        ("2018-01-31 for 1 month", ">= 2018-01-31 00 AND < 2018-02-28 00"),
        ("2018", ">= 2018-01-01 00 AND < 2019-01-01 00"),
        ("2018-Q4", ">= 2018-10-01 00 AND < 2019-01-01 00"),
        ("2018-07-01 for 1 quarter", ">= 2018-07-01 00 AND < 2018-10-01 00"),
        ("2018-05-18 12:00:00 to 2018-05-18 14:00:00", ">= 2018-05-18 12 AND < 2018-05-18 14"),
        ("2018-05-18 TO 2018-05-20", ">= 2018-05-18 00 AND < 2018-05-20 00"),
        ("2018-05-18 07", ">= 2018-05-18 07 AND < 2018-05-18 08"),
        ("2018-05-18 07:05", ">= 2018-05-18 07:05:00 AND < 2018-05-18 07:06:00"),
        ("2018-05-18 07:05:09", ">= 2018-05-18 07:05:09 AND < 2018-05-18 07:05:10"),
        ("after 2018-05-18 07:05:09.25", ">= 2018-05-18 07:05:09.250000"),
        ("1 second", ">= 2018-05-18 18:30:02 AND < 2018-05-18 18:30:03"),
        ("60 seconds", ">= 2018-05-18 18:29:02 AND < 2018-05-18 18:30:02"),
        ("60 seconds ago for 1 second", ">= 2018-05-18 18:29:02 AND < 2018-05-18 18:29:03"),
        ("1 minute", ">= 2018-05-18 18:30:00 AND < 2018-05-18 18:31:00"),
        ("60 minutes", ">= 2018-05-18 17:31:00 AND < 2018-05-18 18:31:00"),
        ("60 minutes ago for 1 minute", ">= 2018-05-18 17:30:00 AND < 2018-05-18 17:31:00"),
        ("1 hour", ">= 2018-05-18 18 AND < 2018-05-18 19"),
        ("24 hours", ">= 2018-05-17 19 AND < 2018-05-18 19"),
        ("24 hours ago for 1 hour", ">= 2018-05-17 18 AND < 2018-05-17 19"),
        ("today", ">= 2018-05-18 00 AND < 2018-05-19 00"),
        ("yesterday", ">= 2018-05-17 00 AND < 2018-05-18 00"),
        ("tomorrow", ">= 2018-05-19 00 AND < 2018-05-20 00"),
        ("2 days", ">= 2018-05-17 00 AND < 2018-05-19 00"),
        ("1 day ago", ">= 2018-05-17 00 AND < 2018-05-18 00"),
        ("0 days ago", ">= 2018-05-18 00 AND < 2018-05-19 00"),
        ("7 days ago for 7 days", ">= 2018-05-11 00 AND < 2018-05-18 00"),
        ("today for 7 days", ">= 2018-05-18 00 AND < 2018-05-25 00"),
        ("last 3 days", ">= 2018-05-16 00 AND < 2018-05-19 00"),
        ("last day", ">= 2018-05-17 00 AND < 2018-05-18 00"),
        ("7 days from now", ">= 2018-05-25 00 AND < 2018-05-26 00"),
        ("3 days from now for 2 weeks", ">= 2018-05-21 00 AND < 2018-06-04 00"),
        ("before 3 days ago", "< 2018-05-15 00"),
        ("monday", ">= 2018-05-14 00 AND < 2018-05-15 00"),
        ("Friday", ">= 2018-05-18 00 AND < 2018-05-19 00"),
        ("after monday", ">= 2018-05-14 00"),
        ("before Saturday", "< 2018-05-12 00"),
        ("1 week", ">= 2018-05-14 00 AND < 2018-05-21 00"),
        ("this week", ">= 2018-05-14 00 AND < 2018-05-21 00"),
        ("before this week", "< 2018-05-14 00"),
        ("after this week", ">= 2018-05-14 00"),
        ("next week", ">= 2018-05-21 00 AND < 2018-05-28 00"),
        ("2 weeks", ">= 2018-05-07 00 AND < 2018-05-21 00"),
        ("last week", ">= 2018-05-07 00 AND < 2018-05-14 00"),
        ("1 week ago", ">= 2018-05-07 00 AND < 2018-05-14 00"),
        ("1 month", ">= 2018-05-01 00 AND < 2018-06-01 00"),
        ("this month", ">= 2018-05-01 00 AND < 2018-06-01 00"),
        ("2 months", ">= 2018-04-01 00 AND < 2018-06-01 00"),
        ("last month", ">= 2018-04-01 00 AND < 2018-05-01 00"),
        ("2 months ago", ">= 2018-03-01 00 AND < 2018-04-01 00"),
        ("3 months ago for 2 days", ">= 2018-02-01 00 AND < 2018-02-03 00"),
        ("before 2 months ago", "< 2018-03-01 00"),
        ("next month", ">= 2018-06-01 00 AND < 2018-07-01 00"),
        ("2 months from now", ">= 2018-07-01 00 AND < 2018-08-01 00"),
        ("6 months from now for 3 months", ">= 2018-11-01 00 AND < 2019-02-01 00"),
        ("this quarter", ">= 2018-04-01 00 AND < 2018-07-01 00"),
        ("2 quarters", ">= 2018-01-01 00 AND < 2018-07-01 00"),
        ("last quarter", ">= 2018-01-01 00 AND < 2018-04-01 00"),
        ("2 quarters ago", ">= 2017-10-01 00 AND < 2018-01-01 00"),
        ("next quarter", ">= 2018-07-01 00 AND < 2018-10-01 00"),
        ("1 year", ">= 2018-01-01 00 AND < 2019-01-01 00"),
        ("2 years", ">= 2017-01-01 00 AND < 2019-01-01 00"),
        ("last year", ">= 2017-01-01 00 AND < 2018-01-01 00"),
        ("before 2 years ago", "< 2016-01-01 00"),
        ("next year", ">= 2019-01-01 00 AND < 2020-01-01 00"),
        ("this year to second", ">= 2018-01-01 00 AND < 2018-05-18 18:30:02"),
        ("this week to day", ">= 2018-05-14 00 AND < 2018-05-18 00"),
        ("NULL", "IS NULL"),
        ("NOT NULL", "IS NOT NULL"),
        ("-null", "IS NOT NULL"),
        ("today, NULL", ">= 2018-05-18 00 AND < 2018-05-19 00 OR IS NULL"),
        ("today, 7 days ago", ">= 2018-05-18 00 AND < 2018-05-19 00 OR >= 2018-05-11 00 AND < 2018-05-12 00"),
    ],
)
def test_time_filter(text: str, expected: str) -> None:
    """Every row of the documentation's tables, on the day that it takes for today."""
    assert bounds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "FY2018",
            "FY2018-Q1",
            "this fiscal year",
            "2018-1",
            "2018-1-05",
            "2018-13",
            "2018-02-30",
            "2018-05-10 25:00",
        ),
        *("this day", "next day", "before 2 days", "before", "after", "7", "7 day ago for", "days", "20180510", "x"),
        *("last", "999999 years ago", "9999 for 1 year", "2018-05-10T05:00", "2018-05-10 to", "yesterday to today"),
        *(
            "2018-Q5",
            "1 day ago for 1 fortnight",
            "today; DROP TABLE t",
            "٢٠١٨",
            "'2018'",
            "0000",
            "before 2018 for 2 days",
        ),
    ],
)
def test_time_filter_that_is_none(text: str) -> None:
    """Whatever cannot be read is refused, and the error says what can."""
    with pytest.raises(FilterError, match=r"time filter .* has .*; understood: 2013, 2013-01"):
        parse(field("date_date"), text, now=FRIDAY)


def test_zone_of_a_time_filter() -> None:
    """Dates are meant in the zone of the query, unless the field is not converted."""
    evening = dt.datetime(2018, 5, 19, 2, 0, tzinfo=dt.UTC)  # still Friday in New York

    assert bounds("today", now=evening, zone="America/New_York") == ">= 2018-05-18 04 AND < 2018-05-19 04"
    assert bounds("2018-01", now=evening, zone="America/New_York") == ">= 2018-01-01 05 AND < 2018-02-01 05"
    assert bounds("today", now=evening, zone="America/New_York", convert_tz=False) == (
        ">= 2018-05-19 00 AND < 2018-05-20 00"
    )
    with pytest.raises(FilterError, match="zone 'Mars/Base', which this computer does not know"):
        parse(field("date_date"), "today", timezone="Mars/Base")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Clocks go back at 06:00 UTC, so this day has 25 hours and one o'clock comes twice.
        ("2013-11-03", ">= 2013-11-03 04 AND < 2013-11-04 05"),
        ("2013-11-03 01:00 for 1 hour", ">= 2013-11-03 05 AND < 2013-11-03 07"),
        ("2013-11-03 00:00 to 2013-11-03 01:00", ">= 2013-11-03 04 AND < 2013-11-03 05"),
        ("2013-11-03 01:00 to 2013-11-03 02:00", ">= 2013-11-03 05 AND < 2013-11-03 07"),
        ("1 hour", ">= 2013-11-03 06 AND < 2013-11-03 07"),
        ("3 hours", ">= 2013-11-03 04 AND < 2013-11-03 07"),
        ("1 hour ago", ">= 2013-11-03 05 AND < 2013-11-03 06"),
        ("2 days", ">= 2013-11-02 04 AND < 2013-11-04 05"),
        # They went forward on 10 March: a day of 23 hours, without two o'clock.
        ("2013-03-10", ">= 2013-03-10 05 AND < 2013-03-11 04"),
        ("2013-03-10 01:00 for 2 hours", ">= 2013-03-10 06 AND < 2013-03-10 07"),
    ],
)
def test_time_filter_over_a_change_of_the_clock(text: str, expected: str) -> None:
    """Days are days of the calendar; hours from now are elapsed time, hours of a given day those on the clock."""
    now = dt.datetime(2013, 11, 3, 1, 30, tzinfo=NEW_YORK, fold=1)

    assert bounds(text, now=now, zone="America/New_York") == expected


@given(
    hours=st.lists(st.integers(0, 24 * 400), min_size=1, max_size=50),
    day=st.dates(dt.date(2013, 1, 1), dt.date(2013, 12, 31)),
    zone=st.sampled_from(["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo"]),
)
def test_day_filter_selects_what_is_shown_as_that_day(
    select: Callable[..., list[Any]], hours: list[int], day: dt.date, zone: str
) -> None:
    """In every zone, over changes of the clock too, a date selects the rows whose local date it is."""
    rows = [dt.datetime(2012, 12, 20, 0, 30) + dt.timedelta(hours=hour) for hour in hours]  # noqa: DTZ001

    found = select(parse(field("date_date"), day.isoformat(), timezone=zone).sql("x"), rows, "TIMESTAMP")

    assert found == [row for row in rows if row.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).date() == day]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Europe/Berlin", "Asia/Tokyo"])
@pytest.mark.parametrize("day", ["2013-03-09", "2013-03-10", "2013-11-03", "2013-11-04"])
def test_day_of_a_query(api: Api, flights: duckdb.DuckDBPyConnection, zone: str, day: str) -> None:
    """A filter on a date counts the rows that the field shows as that date, in the time zone of the query."""
    filters = {"flights.time_date": day}

    found = api.run("flights.time_date", "flights.count", filters=filters, query_timezone=zone)

    local = "timezone(?, time_hour::TIMESTAMPTZ)::DATE"
    (count,) = flights.execute(f"SELECT COUNT(*) FROM flights WHERE {local} = ?", [zone, day]).fetchall()[0]  # noqa: S608
    assert found == [{"flights.time_date": day, "flights.count": count}]
    assert count > 0


def test_relative_time_moves_on() -> None:
    """A saved filter is about the day it runs, not the day it was saved."""
    condition = parse(field("date_date"), "1 second")

    first = condition.sql("x")
    while condition.sql("x") == first:
        pass

    assert condition.sql("x") > first


@pytest.mark.parametrize("kind", ["date_date", "date_month", "date_year", "date_time", "date_raw"])
def test_times_are_compared_as_they_are_stored(kind: str) -> None:
    """However a time is cut, the filter is on the whole of it."""
    condition = parse(field(kind), "2013")

    assert condition.on_stored_value
    assert condition.sql("x").startswith("((x )::TIMESTAMPTZ >= TIMESTAMPTZ '2013-01-01 00:00:00+00:00' AND ")


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [("date_day_of_week", "Monday", "(x ) = 'Monday'"), ("date_hour_of_day", "5,6", "(x ) IN (5, 6)")],
)
def test_named_part_of_a_time(kind: str, text: str, expected: str) -> None:
    """Parts with names or numbers are filtered as such."""
    condition = parse(field(kind), text)

    assert condition.sql("x") == expected
    assert not condition.on_stored_value


# -- All ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["string", "number", "yesno", "date_date"])
@pytest.mark.parametrize("text", ["", "  "])
def test_empty_filter_is_any_value(kind: str, text: str) -> None:
    """A blank filter is no condition."""
    condition = parse(field(kind), text)

    assert not condition
    assert condition.sql("x") == "TRUE"


@pytest.mark.parametrize(("kind", "text"), [("string", "-a%"), ("number", "[1,5)"), ("date_date", "2 days")])
def test_conditions_are_values(kind: str, text: str) -> None:
    """Two readings of one text are equal, and go through a pickle."""
    condition = parse(field(kind), text)

    assert condition == parse(field(kind), text)
    assert pickle.loads(pickle.dumps(condition)) == condition  # noqa: S301


@given(text=st.text(max_size=30), kind=st.sampled_from(["string", "number", "yesno", "date_date"]))
def test_any_text_is_read_or_refused(database: duckdb.DuckDBPyConnection, text: str, kind: str) -> None:
    """Whatever is sent, the SQL of the condition is sound or the text is refused."""
    column = {"string": "''", "number": "1", "yesno": "TRUE", "date_date": "NOW()"}[kind]
    try:
        condition = parse(field(kind), text)
    except FilterError:
        return
    database.execute(f"SELECT 1 FROM (SELECT {column} AS x) WHERE {condition.sql('x')}").fetchall()  # noqa: S608
