"""Filter expressions -> conditions in SQL: Looker's language for strings, numbers, yesno and times.

Source: "Looker filter expressions" of Looker's documentation; each module says what it assumes beyond it. Whatever the
language does not say is refused, never taken for a plain value. An empty filter is "any value".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.local.filters.errors import FilterError
from lookerframe.local.filters.numbers import read_numbers
from lookerframe.local.filters.predicates import HOLE, Predicate, check_characters
from lookerframe.local.filters.strings import read_strings
from lookerframe.local.filters.times import TimePredicate, read_times

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from lookerframe.local.project import Field

__all__ = ["Condition", "FilterError", "parse"]

_YES = f"({HOLE} )"
_NO = f"NOT COALESCE({HOLE} , FALSE)"
_FLAGS = {"yes": _YES, "true": _YES, "no": _NO, "false": _NO}


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter on one field; it is false if any value will do.

    Attributes
    ----------
    text : str
        The expression as it was sent.
    """

    field: Field
    text: str
    predicate: Predicate | TimePredicate | None

    def __bool__(self) -> bool:
        return self.predicate is not None

    @property
    def on_stored_value(self) -> bool:
        """Whether the test is of the value as it is stored, not of what the field makes of it.

        A time is compared before it is cut to days or months and put into the query's time zone: the bounds are
        converted instead, which is right over a change of the clock too (see `periods`).
        """
        return isinstance(self.predicate, TimePredicate)

    def sql(self, expression: str) -> str:
        """Write the condition over `expression`: the field's own SQL, or its stored value if `on_stored_value`."""
        return self.predicate.sql(expression) if self.predicate else "TRUE"


def parse(field: Field, text: str, *, timezone: str = "UTC", now: dt.datetime | None = None) -> Condition:
    """Read the filter expression `text` on `field`.

    Parameters
    ----------
    timezone : str
        Zone of the query, in which dates are meant unless the field is not converted.
    now : datetime, optional
        With a zone; stands in for the time when the query runs.

    Raises
    ------
    FilterError
        The expression cannot be read: what was met, and what is understood.
    """
    check_characters(text)
    if field.kind == "datetime":
        return Condition(field, text, read_times(text, zone=timezone if field.convert_tz else None, now=now))
    readers: dict[str, Callable[[str], Predicate | None]] = {"number": read_numbers, "yesno": _read_yesno}
    return Condition(field, text, readers.get(field.kind, read_strings)(text))


def _read_yesno(text: str) -> Predicate | None:
    words = [part.strip().lower() for part in text.split(",")] if text.strip() else []
    if not set(words) <= set(_FLAGS):
        message = f"yesno filter {text!r} is not understood; expected Yes, No or Yes,No"
        raise FilterError(message)
    tests = list(dict.fromkeys(_FLAGS[word] for word in words))
    return Predicate.of(f"({' OR '.join(tests)})" if len(tests) > 1 else tests[0]) if tests else None
