"""The timeframes of a time dimension: what each is called, how DuckDB computes it, what its values look like.

Sources: the documented formats and recorded values; where the two differ, as
for ``quarter``, the recorded value is served. Of a fiscal year, which is documented in two ways, the integer is served;
fiscal timeframes are filtered by their values, as the language of filters on times knows the calendar's year only.
"""

from __future__ import annotations

from dataclasses import dataclass

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Timeframe:
    """One way to cut a point in time.

    Attributes
    ----------
    name : str
        As LookML spells it; the field's type is ``date_<name>``.
    sql : str
        DuckDB expression; ``{0}`` is the point in time as a TIMESTAMP in the query's time zone.
    kind : {"datetime", "number", "string", "yesno"}
        How the field is filtered, and whether its values are numbers.
    interval : tuple of (str, int) or None
        The API's ``time_interval``: name and count.
    fiscal : bool
        Whether the point in time is first put back by the model's ``fiscal_month_offset``.
    order : tuple of str
        The values in the order Looker sorts them, where that is not their own order.
    """

    name: str
    sql: str
    kind: str = "datetime"
    interval: tuple[str, int] | None = None
    order: tuple[str, ...] = ()
    fiscal: bool = False

    @property
    def is_raw(self) -> bool:
        """The stored value: neither converted to the query's time zone nor written as text."""
        return self.name == "raw"


def _text(name: str, pattern: str, interval: str, *, cut: str = "{0}") -> Timeframe:
    return Timeframe(name, f"STRFTIME({cut}, '{pattern}')", interval=(interval, 1))


def _number(name: str, sql: str) -> Timeframe:
    return Timeframe(name, sql, kind="number")


def _buckets(unit: str, sizes: tuple[int, ...], pattern: str) -> list[Timeframe]:
    """Timeframes of several units, such as ``minute15``; every size divides the next larger unit."""
    return [
        Timeframe(
            f"{unit}{size}",
            f"STRFTIME(TIME_BUCKET(INTERVAL '{size} {unit}s', {{0}}), '{pattern}')",
            interval=(unit, size),
        )
        for size in sizes
    ]


_SECONDS = "%Y-%m-%d %H:%M:%S"


def _milliseconds(*sizes: int) -> list[Timeframe]:
    return [
        Timeframe(
            f"millisecond{size}",
            f"STRFTIME(TIME_BUCKET(INTERVAL '{size} milliseconds', {{0}}), '{_SECONDS}.%g')",
            interval=("millisecond", size),
        )
        for size in sizes
    ]


_ALL = (
    Timeframe("raw", "{0}"),
    _text("time", _SECONDS, "second"),
    Timeframe("time_of_day", "STRFTIME({0}, '%H:%M')", kind="string"),
    _text("second", _SECONDS, "second"),
    _text("millisecond", _SECONDS + ".%g", "millisecond"),
    *_milliseconds(2, 4, 5, 8, 10, 20, 25, 40, 50, 100, 125, 200, 250, 500),
    _text("microsecond", _SECONDS + ".%f", "microsecond"),
    _text("minute", "%Y-%m-%d %H:%M", "minute"),
    *_buckets("minute", (2, 3, 4, 5, 6, 10, 12, 15, 20, 30), _SECONDS),
    _text("hour", "%Y-%m-%d %H", "hour"),
    *_buckets("hour", (2, 3, 4, 6, 8, 12), _SECONDS),
    _number("hour_of_day", "CAST(HOUR({0}) AS INTEGER)"),
    _text("date", "%Y-%m-%d", "day"),
    Timeframe("day_of_week", "DAYNAME({0})", kind="string", order=_WEEKDAYS),
    _number("day_of_week_index", "CAST(ISODOW({0}) - 1 AS INTEGER)"),
    _number("day_of_month", "CAST(DAY({0}) AS INTEGER)"),
    _number("day_of_year", "CAST(DAYOFYEAR({0}) AS INTEGER)"),
    _text("week", "%Y-%m-%d", "week", cut="DATE_TRUNC('week', {0})"),
    _number("week_of_year", "CAST(WEEK({0}) AS INTEGER)"),
    _text("month", "%Y-%m", "month"),
    _number("month_num", "CAST(MONTH({0}) AS INTEGER)"),
    Timeframe("month_name", "MONTHNAME({0})", kind="string", order=_MONTHS),
    # Documented as 2017-Q3; every recorded payload has the first month.
    _text("quarter", "%Y-%m", "quarter", cut="DATE_TRUNC('quarter', {0})"),
    Timeframe("quarter_of_year", "'Q' || QUARTER({0})", kind="string"),
    # A period of time to Looker, so it is filtered as one, though its values are numbers.
    Timeframe("year", "CAST(YEAR({0}) AS INTEGER)", interval=("year", 1)),
    Timeframe("fiscal_month_num", "CAST(MONTH({0}) AS INTEGER)", kind="number", fiscal=True),
    Timeframe("fiscal_quarter", "YEAR({0}) || '-Q' || QUARTER({0})", kind="string", fiscal=True),
    Timeframe("fiscal_quarter_of_year", "'Q' || QUARTER({0})", kind="string", fiscal=True),
    Timeframe("fiscal_year", "CAST(YEAR({0}) AS INTEGER)", kind="number", fiscal=True),
    Timeframe("yesno", "{0} IS NOT NULL", kind="yesno"),
)

TIMEFRAMES = {timeframe.name: timeframe for timeframe in _ALL}

#: What a ``dimension_group`` without ``timeframes`` has; the documentation says "all", which no report wants listed.
DEFAULT_TIMEFRAMES = (
    *("raw", "time", "time_of_day", "second", "minute", "hour", "hour_of_day", "date"),
    *("day_of_week", "day_of_week_index", "day_of_month", "day_of_year", "week", "week_of_year"),
    *("month", "month_num", "month_name", "quarter", "quarter_of_year", "year"),
)
