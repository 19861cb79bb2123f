"""``json_detail``: rows, the metadata of their fields, the SQL and every SQL error, in one JSON object on one line.

Sources: observed-payloads.md; the keys come in the order of the task results recorded in 2022, ``fields`` before
``data``, ``errors`` after it. A failed query is 200 with ``data`` empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lookerframe.local.cells import json_text, json_value, keyed, map_values, write_rows
from lookerframe.local.engine import explained
from lookerframe.local.links import drill_filters, drill_url
from lookerframe.local.metadata import describe_field
from lookerframe.local.value_formats import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lookerframe.local.cells import Column
    from lookerframe.local.outcome import Outcome
    from lookerframe.local.project import Field

#: From here on a number without a format is rendered with separators, so differently from its value.
_GROUPED_FROM = 1_000


class JsonDetail:
    """Rows with everything around them."""

    name = "json_detail"
    content_type = "application/json"
    carries_errors = True

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the object as it comes; nothing but the rows of one batch is held."""
        head = json_text(_head(outcome))
        yield head.removesuffix("}").encode() + b',"data":['
        if outcome.table is not None:
            yield from write_rows(outcome.table, _columns(outcome))
        yield b"]," + json_text(_tail(outcome)).removeprefix("{").encode()


def _head(outcome: Outcome) -> dict[str, Any]:
    plan, query = outcome.run.plan, outcome.run.query
    return {
        "from_cache": False,
        "id": outcome.task_id,
        **({"truncated": True} if outcome.truncated else {}),
        "supports_pivot_in_db": False,
        "null_sort_treatment": "low",
        "expired": False,
        "ran_at": outcome.ran_at.isoformat(timespec="seconds"),
        "aggregate_table_used_info": None,
        "runtime": f"{outcome.runtime:.3f}",
        **({"added_params": {"sorts": [str(sort) for sort in plan.sorts]}} if plan.added_sort else {}),
        "forecast_result": None,
        "dialect_specific_metadata": {},
        "sql": plan.sql,
        "sql_explain": explained(plan.sql),
        "fields": _fields(outcome),
        "fill_fields": [],
        "has_totals": False,
        "has_row_totals": False,
        "applied_filters": {
            name: {"value": condition.text, "field": describe_field(condition.field, query.explore, query.project)}
            for name, condition in query.filters.items()
        },
        "applied_filter_expression": None,
        "number_format": "1,234.56",
        "explore": {
            "name": query.explore.name,
            "label": query.explore.label,
            "description": query.explore.description,
        },
        "timezone": plan.timezone,
    }


def _tail(outcome: Outcome) -> dict[str, Any]:
    issues = outcome.issues()
    return {
        **({"errors": issues} if issues else {}),
        # Links are written with the rows, so there is no menu to build before them.
        "drill_menu_build_time": 0.0,
        "has_subtotals": False,
    }


def _fields(outcome: Outcome) -> dict[str, Any]:
    plan, query = outcome.run.plan, outcome.run.query
    places = {sort.field: (place, sort.descending) for place, sort in enumerate(plan.sorts)}
    groups: dict[str, Any] = {"measures": [], "dimensions": [], "table_calculations": [], "pivots": []}
    for field in plan.fields:
        described = describe_field(field, query.explore, query.project)
        if field.full_name in places:
            place, descending = places[field.full_name]
            described["sorted"] = {"sort_index": place, "desc": descending}
        groups["measures" if field.measure else "dimensions"].append(described)
    return groups


def _columns(outcome: Outcome) -> list[Column]:
    run = outcome.run
    columns = []
    for position, field in enumerate(run.plan.fields):
        if run.drill_links and field.drill_fields:
            columns.append(_linked(outcome, position, field))
        else:
            columns.append(keyed(field.full_name, position, _cell(field)))
    return columns


def _cell(field: Field) -> Callable[[Any], str]:
    def write(raw: Any) -> str:
        return json_text(_content(field, raw))

    return write


def _content(field: Field, raw: Any) -> dict[str, Any]:
    value = json_value(raw)
    rendered = _rendered(field, value)
    return {"value": value} if rendered is None else {"value": value, "rendered": rendered}


def _rendered(field: Field, value: Any) -> str | None:
    """Write a number for a reader, where Looker does: always with a format, else when it differs from the value."""
    if not field.is_numeric or not isinstance(value, int | float):
        return None
    if field.number_format:
        return field.number_format.render(value)
    return plain(value) if abs(value) >= _GROUPED_FROM else None


def _linked(outcome: Outcome, position: int, field: Field) -> Column:
    """Write the cells of a measure with a link to the rows behind each: the link names the row's dimensions."""
    run = outcome.run
    before, after = (json_text(part)[1:-1] for part in drill_url(run, field))

    def opened(raw: Any) -> str:
        content = _content(field, raw)
        label = f"Show All {content.get('rendered', content['value'])}"
        text = f"{json_text(field.full_name)}:{json_text(content)}".removesuffix("}")
        return f'{text},"links":[{{"label":{json_text(label)},"url":"{before}'

    def write(batch: pa.RecordBatch) -> pa.Array:
        closing = pa.scalar(after + '","type":"measure_default"}]}', pa.large_string())
        filters = [
            map_values(batch.column(place), drill_filters(dimension))
            for place, dimension in enumerate(run.plan.fields)
            if not dimension.measure
        ]
        parts = [map_values(batch.column(position), opened), *filters, closing]
        return pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string()))

    return write
