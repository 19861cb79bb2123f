"""Filter expressions, written from Python values: each function gives a `str` for `Query.filters`.

Looker reads an expression by the type of the field. The values say which language is written: `str` for fields of text,
`int`, `float` and `Decimal` for numbers, `bool` for yesno, `date` and `datetime` for dates and times.

Source: "Looker filter expressions" of Looker's documentation; for words and blanks that are meant as text, the quotes
that Looker's own pages write. Assumed: quotes keep blanks at the ends of a value, and so does ``^`` in a pattern; a
backslash stands for itself; a time may have a fraction of a second.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from lookerframe.exceptions import InvalidQueryError, QueryProblem
from lookerframe.render import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "after",
    "any_of",
    "before",
    "between",
    "contains",
    "ends_with",
    "eq",
    "ge",
    "gt",
    "is_empty",
    "is_null",
    "last",
    "le",
    "lt",
    "ne",
    "no",
    "not_empty",
    "not_null",
    "starts_with",
    "yes",
]

Number = int | float | Decimal
Value = str | bool | Number | dt.date
Kind = Literal["text", "flag", "number", "time"]

_SPECIAL = re.compile(r'[\^"%_,]')
#: Blanks at the ends; those further in are kept anyway.
_END_BLANK = re.compile(r"\A\s|\s\Z")
_WORD = re.compile(r"null|empty", re.IGNORECASE)
_NUMERIC = re.compile(r"[.\d]")
_PERIOD = re.compile(r"\s*(\d{1,6})\s+((?:second|minute|hour|day|week|month|quarter|year)s?)\s*", re.IGNORECASE)
#: The items of an expression; a comma parts them unless it is escaped or quoted.
_ITEM = re.compile(r'(?:\^.|"(?:\^.|[^"^])*"|[^,"^])+', re.DOTALL)
#: A minus before a digit is that of a number: `ne` quotes texts that start with one.
_NEGATION = re.compile(r"\s*(?:-(?![.\d])|!=|<>|not\s*(?:[-+.\d\[(<>]|(?:to|null|empty)\b))", re.IGNORECASE)
_DAY = dt.timedelta(days=1)
_SECOND = dt.timedelta(seconds=1)


def eq(*values: Value | None) -> str:
    """Be one of `values`.

    Parameters
    ----------
    *values
        At least one, all of one type; None is the absence of a value. A `date` is the whole day, a `datetime` the
        second that starts then, both in the time zone of the query. ``""`` is the empty text, and not null.

    Returns
    -------
    str
        The filter expression, as of all functions here.

    Raises
    ------
    InvalidQueryError
        There are no values, they are of several types, or one cannot be written: NaN, NaT, a `datetime` with a time
        zone or a fraction of a second.
    """
    kind, known = _sorted_out(values)
    has_null = None in values
    if kind == "text":
        empty = (["EMPTY"] if has_null else ["EMPTY", "-NULL"]) if "" in known else ["NULL"] * has_null
        return ",".join([_text(value) for value in known if value] + empty)
    if kind == "flag":
        return _flags(known, has_null=has_null)
    write = _number if kind == "number" else _span
    return ",".join([write(value) for value in known] + ["NULL"] * has_null)


def ne(*values: Value | None) -> str:
    """Be none of `values`. Rows without a value are selected, unless None is among `values`.

    Raises
    ------
    InvalidQueryError
        As for `eq`; there is nothing but None, or nothing that a yesno field could still be.
    """
    kind, known = _sorted_out(values)
    has_null = None in values
    if kind == "text":
        null = (["-EMPTY"] if has_null else ["_%", "NULL"]) if "" in known else ["-NULL"] * has_null
        return ",".join([f"-{_text(value, negated=True)}" for value in known if value] + null)
    if kind == "number":
        return ",".join([f"NOT {_number(value)}" for value in known] + ["NOT NULL"] * has_null)
    if kind == "flag":
        return _flags([value for value in (True, False) if value not in known], has_null=has_null)
    if kind == "time":
        return ",".join(_around(known) + ["NULL"] * (not has_null))
    raise _refused("ne(None) does not tell the type of the field; write not_null(str), or another type")


def contains(*texts: str) -> str:
    """Hold one of `texts`, in which every character stands for itself.

    Raises
    ------
    InvalidQueryError
        There are no texts, or one is empty and so would select all rows that have a value.
    """
    return _patterns(texts, "%{}%".format)


def starts_with(*texts: str) -> str:
    """Start with one of `texts`; see `contains`."""
    return _patterns(texts, "{}%".format)


def ends_with(*texts: str) -> str:
    """End with one of `texts`; see `contains`."""
    return _patterns(texts, "%{}".format)


def is_null() -> str:
    """Have no value; for fields of text, numbers, dates and times, not for yesno."""
    return "NULL"


def not_null(of: type[str | Number | dt.date]) -> str:
    """Have a value.

    Parameters
    ----------
    of : type
        That of the field's values, as each has its own spelling: `str`, `float` (`int` and `Decimal` are the same),
        `datetime.date` or `datetime.datetime`.

    Raises
    ------
    InvalidQueryError
        It is another type, such as `bool`: yesno fields are never null to Looker.
    """
    if of is str:
        return "-NULL"
    if of in (int, float, Decimal, dt.date, dt.datetime):
        return "NOT NULL"
    raise _refused(f"not_null() takes the type of the field's values, str, float or datetime.date, not {_shown(of)}")


def is_empty() -> str:
    """Be null, or a text without characters."""
    return "EMPTY"


def not_empty() -> str:
    """Be a text with at least one character."""
    return "-EMPTY"


def yes() -> str:
    """Be true; for yesno fields."""
    return "Yes"


def no() -> str:
    """Be false or null; for yesno fields."""
    return "No"


def between(low: Number | dt.date, high: Number | dt.date) -> str:
    """Lie between two numbers, both included; or from a time on and before another, which is not included.

    Parameters
    ----------
    low, high
        Two numbers, or two dates or times. A `date` is its midnight: ``between(date(2013, 1, 1), date(2013, 2, 1))``
        is January, to its last moment.

    Raises
    ------
    InvalidQueryError
        Nothing lies between them, or they are of two types.
    """
    kind, known = _sorted_out((low, high))
    if len(known) < len((low, high)) or kind not in ("number", "time"):
        raise _refused(f"between() takes two numbers, dates or datetimes, not {_shown(low)} and {_shown(high)}")
    if kind == "number":
        first, end = map(_number, known)
        if known[0] <= known[1]:
            return f"[{first},{end}]"
        raise _refused(f"nothing lies between {first} and {end}; the lower one comes first")
    if _start(known[0]) < _start(known[1]):
        return f"{_bound(_start(known[0]))} to {_bound(_start(known[1]))}"
    raise _refused(f"nothing lies between {_shown(low)} and {_shown(high)}, which is not included itself")


def gt(value: Number | dt.date) -> str:
    """Be greater than a number, or later: after the day of a `date`, after the second of a `datetime`."""
    return _compared("gt", ">", value, lambda time: f"after {_bound(_end(time))}")


def ge(value: Number | dt.date) -> str:
    """Be at least a number, or not before a day or time."""
    return _compared("ge", ">=", value, lambda time: f"after {_bound(_start(time))}")


def lt(value: Number | dt.date) -> str:
    """Be less than a number, or before a day or time."""
    return _compared("lt", "<", value, lambda time: f"before {_bound(_start(time))}")


def le(value: Number | dt.date) -> str:
    """Be at most a number, or not after the day of a `date`, the second of a `datetime`."""
    return _compared("le", "<=", value, lambda time: f"before {_bound(_end(time))}")


def before(time: dt.date) -> str:
    """Be before a day or time, which is not included."""
    if _kind(time) != "time":
        raise _not_ordered("before", time)
    return lt(time)


def after(time: dt.date) -> str:
    """Be at a day or time or later: Looker's ``after`` includes it; `gt` does not."""
    if _kind(time) != "time":
        raise _not_ordered("after", time)
    return ge(time)


def last(period: str) -> str:
    """Lie in the last so many days or other units, the current one included.

    Parameters
    ----------
    period : str
        ``"7 days"``: today, all of it, and the six days before. Units are second, minute, hour, day, week, month,
        quarter, year. Seconds alone are those that are over, if there are several.

    Raises
    ------
    InvalidQueryError
        It is not a number and a unit.
    """
    found = _PERIOD.fullmatch(str(period))
    if found is None or not int(found[1]):
        raise _refused(f'{_shown(period)} is no period; expected a number and a unit, as in last("7 days")')
    return f"{int(found[1])} {found[2].lower()}"


def any_of(*expressions: str) -> str:
    """Fit one of several expressions, all for one field: ``any_of(between(0, 9), between(20, 29))``.

    Raises
    ------
    InvalidQueryError
        There are none; one is empty, which is "any value"; or one excludes values, as that of `ne` does: in a list,
        Looker takes what is excluded away from all the others.
    """
    if not expressions:
        raise _refused("any_of() needs at least one expression")
    for text in expressions:
        if any(map(_NEGATION.match, _items(text))):
            raise _refused(f"any_of() cannot take {_shown(text)}: Looker would exclude its values from the others too")
    return ",".join(expressions)


def _items(text: object) -> list[str]:
    if not isinstance(text, str) or not text.strip():
        raise _refused(f"any_of() takes filter expressions, not {_shown(text)}")
    return _ITEM.findall(text)


def _sorted_out(values: Sequence[object]) -> tuple[Kind | None, list[Any]]:
    """Tell what kind the values are, and which are not None."""
    if not values:
        raise _refused("a filter needs at least one value; without any it would select every row")
    known = [value for value in values if value is not None]
    kinds = {_kind(value) for value in known}
    if len(kinds) > 1:
        raise _refused(f"a field has values of one type, not {', '.join(map(_shown, known))}")
    return (kinds.pop() if kinds else None), known


def _kind(value: object) -> Kind:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, dt.date):
        return "time"
    if isinstance(value, Integral | Real | Decimal):
        return "number"
    expected = "text, numbers, bool, date, datetime or None"
    raise _refused(f"{_shown(value)} cannot be a value of a filter; expected {expected}")


def _text(value: str, *, negated: bool = False) -> str:
    escaped = _SPECIAL.sub(r"^\g<0>", value)
    if value.startswith("-"):
        escaped = f"^{escaped}"
    looks_like_another = _WORD.fullmatch(value) or _NEGATION.match(escaped) or (negated and _NUMERIC.match(value))
    return f'"{escaped}"' if looks_like_another or value != value.strip() else escaped


def _patterns(texts: Sequence[object], write: Callable[[str], str]) -> str:
    if not texts:
        raise _refused("a filter needs at least one text; without any it would select every row")
    return ",".join(_pattern(text, write) for text in texts)


def _pattern(text: object, write: Callable[[str], str]) -> str:
    if not isinstance(text, str) or not text:
        raise _refused(f"expected a text of at least one character, not {_shown(text)}")
    pattern = write(_END_BLANK.sub(r"^\g<0>", _SPECIAL.sub(r"^\g<0>", text)))
    return f"^{pattern}" if pattern.startswith("-") else pattern


def _number(value: Any) -> str:
    if isinstance(value, Integral):
        return str(int(value))
    number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
    if not number.is_finite():
        raise _refused(f"{_shown(value)} is no number that can be filtered by; is_null() selects missing values")
    return f"{number:f}"  # Looker does not read exponents


def _flags(allowed: Iterable[bool], *, has_null: bool) -> str:
    words = ["Yes" if value else "No" for value in dict.fromkeys(allowed)]
    if has_null or not words:
        raise _refused("a yesno field is Yes or No, and null counts as No; expected one of True and False")
    return ",".join(words)


def _compared(name: str, symbol: str, value: Number | dt.date, write: Callable[[dt.date], str]) -> str:
    if isinstance(value, dt.date):
        return write(value)
    if _kind(value) != "number":
        raise _not_ordered(name, value)
    return f"{symbol}{_number(value)}"


def _start(time: dt.date) -> dt.datetime:
    """Give the moment at which a day or a second starts, on the clock of the query's time zone."""
    if not isinstance(time, dt.datetime):
        return dt.datetime(time.year, time.month, time.day)  # noqa: DTZ001 - of no zone
    if time != time:  # noqa: PLR0124 - pandas' NaT
        raise _refused("NaT is no time; is_null() selects missing values")
    if time.tzinfo is not None:
        raise _refused(f"{_shown(time)} has a time zone; filters are read in that of the query, so drop it")
    return time


def _end(time: dt.date) -> dt.datetime:
    start = _start(time)
    if start.microsecond:
        raise _refused(f"{_shown(time)} has a fraction of a second, and nothing shorter can be selected")
    try:
        return start + (_SECOND if isinstance(time, dt.datetime) else _DAY)
    except OverflowError:
        raise _refused(f"{_shown(time)} has no time after it") from None


def _bound(moment: dt.datetime) -> str:
    if moment.time() == dt.time():
        return moment.date().isoformat()
    return moment.isoformat(sep=" ")


def _span(time: dt.date) -> str:
    """Write a whole day, or a whole second."""
    if not isinstance(time, dt.datetime):
        return time.isoformat()
    _end(time)
    return f"{time.isoformat(sep=' ')} for 1 second"


def _around(times: Iterable[dt.date]) -> list[str]:
    """Write what is before, between and after days or seconds."""
    spans = sorted((_start(time), _end(time)) for time in times)
    parts = [f"before {_bound(spans[0][0])}"]
    reached = spans[0][1]
    for start, end in spans[1:]:
        if start > reached:
            parts.append(f"{_bound(reached)} to {_bound(start)}")
        reached = max(reached, end)
    return [*parts, f"after {_bound(reached)}"]


def _not_ordered(name: str, value: object) -> InvalidQueryError:
    allowed = "a date or datetime" if name in ("before", "after") else "a number, date or datetime"
    return _refused(f"{name}() takes {allowed}, not {_shown(value)}")


def _shown(value: object) -> str:
    return shorten(repr(value), 200)


def _refused(message: str) -> InvalidQueryError:
    problem = QueryProblem(message, field="filters", code="invalid")
    return InvalidQueryError([problem], message="the filter cannot be written")
