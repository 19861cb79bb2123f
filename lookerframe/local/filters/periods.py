"""Points in time and periods of the calendar, some of them relative to now.

Source: "Looker filter expressions", Date and Time. Weeks start on Monday.

A day, or anything longer, is a day of the calendar in the zone of the query, be it 23, 24 or 25 hours long. Hours and
less that are counted from now (``3 hours``) are elapsed time; counted from a given time (``2013-11-03 01:00 for 2
hours``) they are those of the clock on the wall, so that a period is what the rows show. Bounds become points in time
before they are compared, so periods that follow each other neither overlap nor leave a gap when the clock is changed.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass

_CLOCK = {"second": dt.timedelta(seconds=1), "minute": dt.timedelta(minutes=1), "hour": dt.timedelta(hours=1)}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}

UNITS = (*_CLOCK, *_DAYS, *_MONTHS)

#: A stretch of time that includes its start and not its end; None is open.
Bounds = tuple[dt.datetime | None, dt.datetime | None]


@dataclass(frozen=True, slots=True)
class Period:
    """`count` units of time; the first starts `offset` units from the one that `at` is in.

    Attributes
    ----------
    at : datetime or None
        A time on the wall, without zone; None is now.
    weekday : int or None
        The last day, today included, that is this day of the week; Monday is 0. Then `offset` does not count.
    """

    unit: str
    offset: int = 0
    count: int = 1
    at: dt.datetime | None = None
    weekday: int | None = None

    def start(self, now: dt.datetime) -> dt.datetime:
        """Say when the period starts, in the zone of `now`."""
        if self.at is not None:
            return self.at.replace(tzinfo=now.tzinfo)
        offset = self.offset if self.weekday is None else -((now.weekday() - self.weekday) % 7)
        return _shifted(_floor(now, self.unit), offset, self.unit, elapsed=True)

    def end(self, now: dt.datetime, length: tuple[int, str] | None = None) -> dt.datetime:
        """Say when it ends, or when `length` from its start has gone by."""
        count, unit = length or (self.count, self.unit)
        return _shifted(self.start(now), count, unit, elapsed=self.at is None)


@dataclass(frozen=True, slots=True)
class Span:
    """From the start of one period, or for ever before, to the start of another, its own end, or for ever after."""

    first: Period | None
    until: Period | None = None
    length: tuple[int, str] | None = None
    open_end: bool = False

    def bounds(self, now: dt.datetime) -> Bounds:
        """Say from when to when, in the zone of `now`."""
        start = self.first.start(now) if self.first else None
        if self.until:
            return start, self.until.start(now)
        return start, self.first.end(now, self.length) if self.first and not self.open_end else None


def _floor(moment: dt.datetime, unit: str) -> dt.datetime:
    if unit in _CLOCK:
        second = moment.second if unit == "second" else 0
        return moment.replace(minute=0 if unit == "hour" else moment.minute, second=second, microsecond=0)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if unit == "week":
        return day - dt.timedelta(days=day.weekday())
    if unit in _DAYS:
        return day
    months = _MONTHS[unit]
    return day.replace(day=1, month=(day.month - 1) // months * months + 1)


def _shifted(moment: dt.datetime, count: int, unit: str, *, elapsed: bool) -> dt.datetime:
    if unit in _CLOCK:
        if elapsed:
            return (moment.astimezone(dt.UTC) + count * _CLOCK[unit]).astimezone(moment.tzinfo)
        return moment + count * _CLOCK[unit]
    if unit in _DAYS:
        return moment + dt.timedelta(days=count * _DAYS[unit])
    year, month = divmod(moment.year * 12 + moment.month - 1 + count * _MONTHS[unit], 12)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        message = f"year {year} is out of range"
        raise OverflowError(message)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))
