"""Every timeframe gives what Python's own calendar gives, over both changes of daylight saving time."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from lookerframe import local
from lookerframe.local.timeframes import DEFAULT_TIMEFRAMES, TIMEFRAMES
from tests.local.calling import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ZONE = "America/New_York"
#: Around both changes of 2013, the ends of a year and a quarter, a leap day, and with parts of a second.
INSTANTS = [
    dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    for text in (
        "2012-02-29 23:59:59.999999",
        "2012-12-31 04:30:00",
        "2013-01-01 04:59:59",
        "2013-01-01 05:00:00",
        "2013-03-10 06:59:59",
        "2013-03-10 07:00:00",
        "2013-03-31 12:34:56.123456",
        "2013-11-03 05:30:00",
        "2013-11-03 06:30:00",
        "2013-11-03 07:00:00",
        "1969-12-31 23:59:59",
    )
]


def floors(units: tuple[int, ...], name: str, minutes: int) -> dict[str, Callable[[dt.datetime], str]]:
    """Expect timeframes such as ``minute15``."""
    return {f"{name}{unit}": partial(floor, minutes=unit * minutes) for unit in units}


def floor(local: dt.datetime, minutes: int) -> str:
    """Cut a time to a multiple of minutes since midnight."""
    start = local.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (local - start) // dt.timedelta(minutes=minutes)
    return f"{start + passed * dt.timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}"


def milliseconds(*sizes: int) -> dict[str, Callable[[dt.datetime], str]]:
    """Expect timeframes such as ``millisecond250``."""
    return {f"millisecond{size}": partial(floor_milliseconds, size=size) for size in sizes}


def floor_milliseconds(local: dt.datetime, size: int) -> str:
    """Cut a time to a multiple of milliseconds since the full second."""
    return f"{local:%Y-%m-%d %H:%M:%S}.{local.microsecond // 1000 // size * size:03}"


def fiscal(local: dt.datetime) -> tuple[int, int]:
    """Give year and month of a fiscal year that begins in April."""
    months = local.year * 12 + local.month - 1 - 3
    return months // 12, months % 12 + 1


EXPECTED: dict[str, Callable[[dt.datetime], Any]] = {
    "time": lambda t: f"{t:%Y-%m-%d %H:%M:%S}",
    "time_of_day": lambda t: f"{t:%H:%M}",
    "second": lambda t: f"{t:%Y-%m-%d %H:%M:%S}",
    "millisecond": lambda t: f"{t:%Y-%m-%d %H:%M:%S}.{t.microsecond // 1000:03}",
    "microsecond": lambda t: f"{t:%Y-%m-%d %H:%M:%S}.{t.microsecond:06}",
    **milliseconds(2, 4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500),
    "minute": lambda t: f"{t:%Y-%m-%d %H:%M}",
    **floors((2, 3, 4, 5, 6, 10, 12, 15, 20, 30), "minute", 1),
    "hour": lambda t: f"{t:%Y-%m-%d %H}",
    **floors((2, 3, 4, 6, 8, 12), "hour", 60),
    "hour_of_day": lambda t: t.hour,
    "date": lambda t: f"{t:%Y-%m-%d}",
    "day_of_week": lambda t: f"{t:%A}",
    "day_of_week_index": lambda t: t.weekday(),
    "day_of_month": lambda t: t.day,
    "day_of_year": lambda t: t.timetuple().tm_yday,
    "week": lambda t: f"{t - dt.timedelta(days=t.weekday()):%Y-%m-%d}",
    "week_of_year": lambda t: t.isocalendar().week,
    "month": lambda t: f"{t:%Y-%m}",
    "month_num": lambda t: t.month,
    "month_name": lambda t: f"{t:%B}",
    "quarter": lambda t: f"{t.year}-{(t.month - 1) // 3 * 3 + 1:02}",
    "quarter_of_year": lambda t: f"Q{(t.month - 1) // 3 + 1}",
    "year": lambda t: t.year,
    "fiscal_month_num": lambda t: fiscal(t)[1],
    "fiscal_quarter": lambda t: f"{fiscal(t)[0]}-Q{(fiscal(t)[1] - 1) // 3 + 1}",
    "fiscal_quarter_of_year": lambda t: f"Q{(fiscal(t)[1] - 1) // 3 + 1}",
    "fiscal_year": lambda t: fiscal(t)[0],
    "yesno": lambda _: "Yes",
}

LOOKML = f"""
view: events {{
  dimension: id {{ type: number primary_key: yes sql: ${{TABLE}}.id ;; }}
  dimension_group: at {{ type: time timeframes: [{", ".join(TIMEFRAMES)}] sql: ${{TABLE}}.stored_at ;; }}
  dimension_group: naive {{ type: time timeframes: [time] sql: ${{TABLE}}.naive ;; }}
  dimension_group: stored {{ type: time timeframes: [time, date] convert_tz: no sql: ${{TABLE}}.naive ;; }}
  dimension_group: day {{ type: time timeframes: [date, month] datatype: date sql: ${{TABLE}}.day ;; }}
  dimension_group: epoch {{ type: time timeframes: [time] datatype: epoch sql: EPOCH(${{TABLE}}.stored_at) ;; }}
  dimension_group: digits {{
    type: time timeframes: [date] datatype: yyyymmdd sql: CAST(STRFTIME(${{TABLE}}.day, '%Y%m%d') AS INTEGER) ;;
  }}
  dimension: on {{ type: date sql: ${{TABLE}}.stored_at ;; }}
  dimension: hour {{ type: date_hour sql: ${{TABLE}}.stored_at ;; }}
}}
"""


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Serve a table of the instants, stored with a zone, without one, and as a day."""
    folder: Path = tmp_path_factory.mktemp("events")
    (folder / "v.view.lkml").write_text(LOOKML, encoding="utf-8")
    (folder / "m.model.lkml").write_text(
        'include: "*.view.lkml"\nfiscal_month_offset: 3\nexplore: events {}\n', encoding="utf-8"
    )
    with duckdb.connect(str(folder / "events.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE events (id INT, stored_at TIMESTAMPTZ, naive TIMESTAMP, day DATE)")
        for number, instant in enumerate(INSTANTS):
            bare = instant.replace(tzinfo=None)
            connection.execute("INSERT INTO events VALUES (?, ?::TIMESTAMP, ?, ?)", [number, bare, bare, bare.date()])
        connection.execute("INSERT INTO events VALUES (NULL, NULL, NULL, NULL)")
    with local.start(lookml=folder, database=folder / "events.duckdb") as server:
        user = Api.login(server)
        yield user
        user.session.close()


def values(events: Api, *fields: str, zone: str = ZONE) -> list[tuple[Any, ...]]:
    """Read fields of all events, in their order, the null first."""
    rows = events.run("events.id", *fields, model="m", view="events", query_timezone=zone, sorts=["events.id"])
    return [tuple(row[field] for field in fields) for row in rows]


def test_every_timeframe_is_tested() -> None:
    """The table of expectations is complete; raw has a test of its own."""
    assert set(EXPECTED) | {"raw"} == set(TIMEFRAMES)
    assert set(DEFAULT_TIMEFRAMES) <= set(TIMEFRAMES)


@pytest.mark.parametrize("zone", [ZONE, "UTC", "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize("name", EXPECTED)
def test_timeframe(events: Api, name: str, zone: str) -> None:
    """Times are cut in the query's time zone; a null stays null."""
    nothing = "No" if name == "yesno" else None
    expected = [(EXPECTED[name](instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)),) for instant in INSTANTS]

    assert values(events, f"events.at_{name}", zone=zone) == [(nothing,), *expected]


def test_raw_is_not_converted(events: Api) -> None:
    """A raw time is the stored one, with its fraction, whatever the query's zone."""
    fractions = [f".{instant.microsecond:06}" if instant.microsecond else "" for instant in INSTANTS]
    expected = [
        (f"{instant:%Y-%m-%d %H:%M:%S}{fraction} +0000",) for instant, fraction in zip(INSTANTS, fractions, strict=True)
    ]

    assert values(events, "events.at_raw") == [(None,), *expected]


def test_time_without_a_zone_is_in_the_database_zone(events: Api) -> None:
    """A TIMESTAMP and a TIMESTAMP WITH TIME ZONE of the same instant read the same."""
    assert values(events, "events.naive_time") == values(events, "events.at_time")


def test_convert_tz_no(events: Api) -> None:
    """The stored wall clock is shown."""
    expected = [(f"{instant:%Y-%m-%d %H:%M:%S}", f"{instant:%Y-%m-%d}") for instant in INSTANTS]

    assert values(events, "events.stored_time", "events.stored_date") == [(None, None), *expected]


def test_days_are_not_converted(events: Api) -> None:
    """A day stays that day in every zone."""
    expected = [(f"{instant:%Y-%m-%d}", f"{instant:%Y-%m}") for instant in INSTANTS]

    assert values(events, "events.day_date", "events.day_month") == [(None, None), *expected]


def test_times_that_are_stored_as_numbers(events: Api) -> None:
    """Seconds since 1970 are points in time, eight digits are days."""
    assert values(events, "events.epoch_time") == values(events, "events.at_time")
    assert values(events, "events.digits_date") == values(events, "events.day_date")


def test_single_dimensions_of_time(events: Api) -> None:
    """``type: date`` and ``type: date_hour`` are timeframes outside a group."""
    assert values(events, "events.on", "events.hour") == values(events, "events.at_date", "events.at_hour")


@pytest.mark.parametrize(
    ("name", "first", "last"), [("day_of_week", "Monday", "Sunday"), ("month_name", "January", "December")]
)
def test_names_are_sorted_as_in_the_calendar(api: Api, name: str, first: str, last: str) -> None:
    """Weekdays and months are not sorted by their letters."""
    field = f"flights.time_{name}"
    up = api.run(field, "flights.count", sorts=[field])
    down = api.run(field, "flights.count", sorts=[f"{field} desc"])

    assert (up[0][field], up[-1][field]) == (first, last)
    assert down == up[::-1]
