"""Drill links: addresses of the rows behind a number.

Source: the link of type ``measure_default`` in ``jd_actionhub_filled_months.json`` (recorded). Its filters are those of
the row and those of the query.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from lookerframe.local.cells import json_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from lookerframe.local.outcome import Run
    from lookerframe.local.project import Field

_SPECIAL = frozenset('%_^",')
_ROW_LIMIT = 500


def drill_url(run: Run, field: Field, row: Collection[str]) -> tuple[str, str]:
    """Write the address behind a measure in two parts; the filters of the dimensions `row` go between them."""
    query = run.query
    start = f"{run.path_prefix}/explore/{quote_plus(query.model)}/{quote_plus(query.explore.name)}"
    filters = "".join(_filter(name, condition.text) for name, condition in query.filters.items() if name not in row)
    end = f"{filters}&query_timezone={quote_plus(run.plan.timezone)}&limit={_ROW_LIMIT}"
    return f"{start}?fields={','.join(field.drill_fields)}", end


def drill_filters(field: Field) -> Callable[[Any], str]:
    """Write the filter that a dimension's value puts on the rows behind a number."""

    def write(raw: Any) -> str:
        value = json_value(raw)
        if value is None:
            return _filter(field.full_name, "NULL")
        text = str(value)
        return _filter(field.full_name, _escaped(text) if field.kind == "string" else text)

    return write


def _escaped(text: str) -> str:
    if text == "":
        return "EMPTY"
    escaped = "".join(f"^{character}" if character in _SPECIAL else character for character in text)
    return f"^{escaped}" if escaped.startswith("-") else escaped


def _filter(name: str, text: str) -> str:
    return f"&f[{name}]={quote_plus(text)}"
