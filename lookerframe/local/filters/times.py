"""Filters on times: ``7 days``, ``last month``, ``2013-01``, ``before 2013-02-01``, ``2013-01-05 10:00 for 3 hours``.

Source: "Looker filter expressions", Date and Time. Fiscal periods are refused, since no model here has a fiscal year.
Assumed, where that page is silent or says two things: ``7 days from now`` is the one day that ``2 months from now``
is the one month; a weekday is today if today is one; a time without length is its own second, minute or hour.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lookerframe.local.filters.errors import FilterError
from lookerframe.local.filters.periods import UNITS, Period, Span
from lookerframe.local.filters.predicates import HOLE, IS_NOT_NULL, IS_NULL, Predicate, combined

if TYPE_CHECKING:
    from collections.abc import Callable

_UNIT = rf"({'|'.join(UNITS)})"
_COUNT = rf"([0-9]{{1,6}}) {_UNIT}s?"
_CLOCK = r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?)?"
_TIME = re.compile(rf"([0-9]{{4}})(?:[-/]([0-9]{{2}})(?:[-/]([0-9]{{2}})(?: {_CLOCK})?)?)?")
#: The unit of a time, by how many numbers it is written with.
_WRITTEN = ("year", "month", "day", "hour", "minute", "second", "second")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_LENGTH = re.compile(rf"(.+) for {_COUNT}")
_TO_DATE = re.compile(rf"this {_UNIT} to {_UNIT}")


@dataclass(frozen=True, slots=True)
class TimePredicate:
    """Stretches of time, any of which will do.

    Relative ones are worked out anew each time the SQL is written: a saved query is not about the day it was saved.

    Attributes
    ----------
    zone : str or None
        Zone of the bounds; None is for values that are not converted, which are compared as they are stored.
    now : datetime or None
        Stands in for the time when the SQL is written.
    """

    spans: tuple[Span, ...]
    null: bool
    not_null: bool
    zone: str | None
    now: dt.datetime | None

    def sql(self, expression: str) -> str:
        """Write the test of `expression`, the stored value."""
        # Values that are not converted are in the database's zone (assumed for now as well).
        now = (self.now or dt.datetime.now(dt.UTC)).astimezone(ZoneInfo(self.zone or "UTC"))
        includes = [self._within(span, now) for span in self.spans]
        return Predicate.of(
            combined([*includes, *([IS_NULL] if self.null else [])], [IS_NOT_NULL] if self.not_null else [])
        ).sql(expression)

    def _within(self, span: Span, now: dt.datetime) -> str:
        kind = "TIMESTAMPTZ" if self.zone else "TIMESTAMP"
        tests = [
            f"({HOLE} )::{kind} {symbol} {kind} '{self._written(bound)}'"
            for symbol, bound in zip((">=", "<"), span.bounds(now), strict=True)
            if bound is not None
        ]
        return f"({' AND '.join(tests)})"

    def _written(self, bound: dt.datetime) -> str:
        moment = bound.astimezone(dt.UTC) if self.zone else bound.replace(tzinfo=None)
        return moment.isoformat(sep=" ")


def read_times(text: str, *, zone: str | None, now: dt.datetime | None) -> TimePredicate | None:
    """Read a filter on a time."""
    words = [" ".join(part.lower().split()) for part in text.split(",")]
    words = [word for word in words if word]
    if not words:
        return None
    nulls, not_nulls = {"null"} & set(words), {"not null", "-null"} & set(words)
    try:
        spans = tuple(_span(word) for word in words if word not in nulls | not_nulls)
        predicate = TimePredicate(spans, bool(nulls), bool(not_nulls), zone, now)
        predicate.sql("")
    except _UnreadableError as exc:
        raise _refused(text, str(exc)) from None
    except ZoneInfoNotFoundError as exc:
        message = f"time filter {text!r} cannot be put into the zone {zone!r}, which this computer does not know"
        raise FilterError(message) from exc
    except (ValueError, OverflowError) as exc:
        raise _refused(text, f"a time that does not exist ({exc})") from exc
    return predicate


class _UnreadableError(Exception):
    """Says what was met."""


def _span(text: str) -> Span:
    if found := _TO_DATE.fullmatch(text):
        return Span(Period(found[1]), until=Period(found[2]))
    word, _, rest = text.partition(" ")
    if word in ("before", "after"):
        period = _period(rest, text)
        return Span(None, until=period) if word == "before" else Span(period, open_end=True)
    if found := _LENGTH.fullmatch(text):
        return Span(_period(found[1], text), length=(int(found[2]), found[3]))
    if found := re.fullmatch(rf"(?:last )?{_COUNT}", text):
        return Span(_current(int(found[1]), found[2]))
    first, separator, until = text.partition(" to ")
    return Span(_absolute(first, text), until=_absolute(until, text)) if separator else Span(_period(text, text))


def _current(count: int, unit: str) -> Period:
    """Read ``3 days``: the current one and those before; of seconds, several that are over (both documented)."""
    past = count if unit == "second" and count > 1 else count - 1
    return Period(unit, offset=-past, count=count)


def _period(text: str, whole: str) -> Period:
    if text in _DAYS:
        return Period("day", offset=_DAYS[text])
    if text in _WEEKDAYS:
        return Period("day", weekday=_WEEKDAYS.index(text))
    for pattern, read in _RELATIVE:
        if found := pattern.fullmatch(text):
            return read(found)
    return _absolute(text, whole)


#: What is counted from now. "this day" and "next hour" are documented as not supported.
_RELATIVE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Period]], ...] = (
    (re.compile(r"this (week|month|quarter|year)"), lambda found: Period(found[1])),
    (re.compile(r"next (week|month|quarter|year)"), lambda found: Period(found[1], offset=1)),
    (re.compile(rf"last {_UNIT}"), lambda found: Period(found[1], offset=-1)),
    (re.compile(rf"{_COUNT} ago"), lambda found: Period(found[2], offset=-int(found[1]))),
    (re.compile(rf"{_COUNT} from now"), lambda found: Period(found[2], offset=int(found[1]))),
)


def _absolute(text: str, whole: str) -> Period:
    if quarter := re.fullmatch(r"([0-9]{4})-q([1-4])", text):
        return Period("quarter", at=dt.datetime(int(quarter[1]), 3 * int(quarter[2]) - 2, 1))  # noqa: DTZ001
    found = _TIME.fullmatch(text)
    if found is None:
        raise _UnreadableError(repr(text) if text == whole or not text else f"{text!r} in {whole!r}")
    written = [group for group in found.groups() if group is not None]
    numbers = [int(group) for group in written[:6]]
    microsecond = int((found[7] or "0").ljust(6, "0"))
    year, month, day, hour, minute, second = numbers + [1, 1, 1, 0, 0, 0][len(numbers) :]
    at = dt.datetime(year, month, day, hour, minute, second, microsecond)  # noqa: DTZ001 - on the wall
    return Period(_WRITTEN[len(written) - 1], at=at)


def _refused(text: str, met: str) -> FilterError:
    return FilterError(
        f"time filter {text!r} has {met}; understood: 2013, 2013-01, 2013-Q1, 2013-01-05, 2013-01-05 10:00, each "
        "also with 'for 3 hours', 'before' or 'after', 'A to B'; 7 days, last 7 days, 7 days ago, "
        "7 days ago for 2 days, 7 days from now, today, yesterday, tomorrow, monday, "
        "this/last/next week, month, quarter or year, this year to day; NULL, NOT NULL; lists of these"
    )
