"""``json_detail``: rows, the metadata of their fields, the SQL and every SQL error, in one JSON object on one line.

Sources: recorded payloads; the keys come in the order of the task results recorded in 2022, ``fields`` before
``data``, ``errors`` after it. A failed query is 200 with ``data`` empty. No source says where ``pivots`` and
``totals_data`` stand; here they come before ``data``, as in ``json_bi`` and the lite stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lookerframe.local.cells import json_text, write_rows
from lookerframe.local.engine import explained
from lookerframe.local.formats.describing import describe_calculation, describe_selected
from lookerframe.local.formats.detail_rows import row_names, row_writers
from lookerframe.local.metadata import describe_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from lookerframe.local.outcome import Outcome
    from lookerframe.local.sheets import Pivot, Sheet

_GROUPING = "$$$__grouping__$$$"

#: What a dimension holds in the subtotals that it is not a part of (recorded).
_COLLAPSED = {"value": None, "filterable_value": "EMPTY"}


class JsonDetail:
    """Rows with everything around them."""

    name = "json_detail"
    content_type = "application/json"
    carries_errors = True
    wraps_errors = True

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the object as it comes; nothing but the rows of one batch is held."""
        sheet = outcome.sheet()
        head = json_text(_head(outcome, sheet))
        yield head.removesuffix("}").encode() + b',"data":['
        yield from write_rows(sheet.table, row_writers(outcome, sheet, row_names(sheet)))
        yield b"]," + json_text(_tail(outcome)).removeprefix("{").encode()


def _head(outcome: Outcome, sheet: Sheet) -> dict[str, Any]:
    run = outcome.run
    plan, query, layout = run.plan, run.query, run.query.layout
    sorts = [layout.sort_text(sort) for sort in plan.sorts]
    return {
        "from_cache": False,
        "id": outcome.task_id,
        **({"truncated": True} if sheet.truncated and outcome.table is not None else {}),
        "supports_pivot_in_db": False,
        "null_sort_treatment": "low",
        "expired": False,
        "ran_at": outcome.ran_at.isoformat(timespec="seconds"),
        "aggregate_table_used_info": None,
        "runtime": f"{outcome.runtime:.3f}",
        **({"added_params": {"sorts": sorts}} if plan.added_sort else {}),
        "forecast_result": None,
        "dialect_specific_metadata": {},
        **_subtotals(outcome, sheet),
        "sql": plan.sql,
        "sql_explain": explained(plan.sql),
        "fields": _fields(outcome),
        **({"pivots": [_describe_pivot(outcome, pivot) for pivot in sheet.pivots]} if layout.pivots else {}),
        "fill_fields": [layout.fill.full_name] if layout.fill else [],
        "has_totals": layout.total,
        "has_row_totals": layout.row_total,
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
        **_totals(outcome, sheet),
    }


def _tail(outcome: Outcome) -> dict[str, Any]:
    issues = outcome.issues()
    return {
        **({"errors": issues} if issues else {}),
        # Links are written with the rows, so there is no menu to build before them.
        "drill_menu_build_time": 0.0,
        "has_subtotals": bool(outcome.run.query.layout.subtotals),
    }


def _fields(outcome: Outcome) -> dict[str, Any]:
    run = outcome.run
    plan, query, layout = run.plan, run.query, run.query.layout
    places = {sort.field: (place, sort.descending) for place, sort in enumerate(plan.sorts)}
    groups: dict[str, Any] = {"measures": [], "dimensions": [], "table_calculations": [], "pivots": []}
    for field in plan.fields:
        described = describe_selected(field, query)
        if field.full_name in places:
            place, descending = places[field.full_name]
            described["sorted"] = {"sort_index": place, "desc": descending}
        pivoted = field.full_name in layout.pivot_names
        groups["measures" if field.measure else "pivots" if pivoted else "dimensions"].append(described)
    groups["table_calculations"] += [describe_calculation(item) for item in layout.calculations]
    return groups


def _describe_pivot(outcome: Outcome, pivot: Pivot) -> dict[str, Any]:
    fields = outcome.run.query.layout.pivots
    names = [field.full_name for field in fields]
    values = dict(zip(names, pivot.values, strict=True))
    cells = {field.full_name: {"value": values[field.full_name]} for field in fields}
    labels = {name: None if value is None else str(value) for name, value in values.items()}
    return {
        "key": pivot.key,
        "data": values,
        "sort_values": {
            field.full_name: field.sort_value(value) or value for field, value in zip(fields, pivot.values, strict=True)
        },
        "labels": labels,
        "is_total": pivot.is_total,
        "metadata": cells,
    }


# -- Totals ------------------------------------------------------------------------------------------------------------


def _totals(outcome: Outcome, sheet: Sheet) -> dict[str, Any]:
    """Write the measures of the one row of totals; the dimensions have no part in it."""
    if sheet.totals is None:
        return {}
    rows = _cells(outcome, sheet, sheet.totals, ())
    # Without any value of the pivots there is no cell.
    row = rows[0] if rows else {}
    return {"totals_data": {name: cell for name, cell in row.items() if name not in row_names(sheet)}}


def _subtotals(outcome: Outcome, sheet: Sheet) -> dict[str, Any]:
    if not sheet.subtotals:
        return {}
    data = {}
    for part in sheet.subtotals:
        rows = _cells(outcome, sheet, part.table, part.fields)
        collapsed = {name: _COLLAPSED for name in row_names(sheet) if name not in part.fields}
        data[str(len(part.fields))] = [{**row, **collapsed, _GROUPING: list(part.fields)} for row in rows]
    return {"subtotals_data": data, "subtotal_sets": [list(part.fields) for part in sheet.subtotals]}


def _cells(outcome: Outcome, sheet: Sheet, table: pa.Table, grouped: tuple[str, ...]) -> list[dict[str, Any]]:
    text = b"".join(write_rows(table, row_writers(outcome, sheet, grouped)))
    # The cells stay as they are written, with every digit of their numbers.
    rows: list[dict[str, Any]] = msgspec.json.decode(b"[" + text + b"]", type=list[dict[str, msgspec.Raw]])
    return rows
