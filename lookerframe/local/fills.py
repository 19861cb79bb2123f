"""Dimension fill: the values that a dimension has between its first and its last, whether or not there are rows.

Source: ``fill_fields`` of ``jd_actionhub_filled_months.json``: filled rows are whole rows, their measures null. Looker
fills to the ends of a date filter as well; here the rows alone say where the ends are.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.project import Field

_DAYS = {"date": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3}


def can_fill(field: Field) -> bool:
    """Tell whether the values of a dimension are known without its rows."""
    name = field.timeframe.name if field.timeframe else None
    return name in (*_DAYS, *_MONTHS, "year") or bool(field.order)


def filled(field: Field, present: list[Any]) -> list[Any]:
    """List the values of `field` from the first to the last of those `present`, ascending, without nulls."""
    if field.order:
        return list(field.order)
    known = sorted(value for value in present if value is not None)
    return list(_between(field, known[0], known[-1])) if known else []


def _between(field: Field, first: Any, last: Any) -> Iterator[Any]:
    name = field.timeframe.name if field.timeframe else ""
    if name == "year":
        yield from range(first, last + 1)
    elif name in _MONTHS:
        year, month = map(int, first.split("-"))
        for number in range(year * 12 + month - 1, 12 * int(last[:4]) + int(last[5:]), _MONTHS[name]):
            yield f"{number // 12:04}-{number % 12 + 1:02}"
    else:
        day, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
        while day <= end:
            yield day.isoformat()
            day += dt.timedelta(days=_DAYS[name])
