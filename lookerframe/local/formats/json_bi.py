"""``json_bi``: metadata, then rows of cells that hold a value only.

Sources: ``json_bi_pivot_group_name.json`` (recorded) for keys and their order, ``JsonBi`` of the API for table
calculations; the row of totals is the last one, its dimensions null (documented). Rows of subtotals were not
seen, so there are none: ``has_subtotals`` alone tells. A failed query has one row that says so (observed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lookerframe.local.cells import json_text, json_value, keyed, nested, write_rows
from lookerframe.local.formats.describing import describe_selected, grouped_columns
from lookerframe.local.formats.json_rows import error_text
from lookerframe.local.rendering import formatted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lookerframe.local.cells import Column as Writer
    from lookerframe.local.layouts import Calculation
    from lookerframe.local.outcome import Outcome
    from lookerframe.local.project import Field
    from lookerframe.local.sheets import Sheet, Shown

_FIELD_KEYS = (
    *("sql", "view", "dimension_group", "category", "field_group_label", "name", "type", "view_label", "label"),
    *("field_group_variant", "hidden", "description"),
)


class JsonBi:
    """Rows with short metadata before them."""

    name = "json_bi"
    content_type = "application/json"
    carries_errors = False
    wraps_errors = True

    def write(self, outcome: Outcome) -> Iterator[bytes]:
        """Write the object as it comes; nothing but the rows of one batch is held."""
        sheet = outcome.sheet()
        yield b'{"metadata":' + json_text(_metadata(outcome, sheet)).encode() + b',"rows":['
        if outcome.table is None:
            yield json_text({"looker_error": error_text(outcome)}).encode()
        writers = _writers(outcome, sheet)
        yield from write_rows(sheet.table, writers)
        if sheet.totals is not None and outcome.table is not None:
            separator = b"," if sheet.table.num_rows else b""
            yield separator + b"".join(write_rows(sheet.totals, writers))
        yield b"]}"


def _metadata(outcome: Outcome, sheet: Sheet) -> dict[str, Any]:
    query, layout = outcome.run.query, outcome.run.query.layout
    return {
        "big_query_metadata": None,
        "fields": {
            "dimensions": [_describe(outcome, field) for field in layout.rows],
            "measures": [_describe(outcome, field) for field in layout.measures],
            "pivots": [_describe(outcome, field) for field in layout.pivots],
            "table_calculations": [_describe_calculation(item) for item in layout.calculations],
        },
        "pivots": [
            {
                "key": pivot.key,
                "data": dict(zip(layout.pivot_names, pivot.values, strict=True)),
                "sort_values": dict(zip(layout.pivot_names, pivot.values, strict=True)),
                "is_total": pivot.is_total,
            }
            for pivot in sheet.pivots
        ],
        "filters": {name: condition.text for name, condition in query.filters.items()},
        "filter_expression": None,
        "columns_truncated": sheet.columns_truncated,
        "has_totals": layout.total,
        "has_subtotals": bool(layout.subtotals),
        "sql": outcome.run.plan.sql,
    }


def _describe(outcome: Outcome, field: Field) -> dict[str, Any]:
    described = describe_selected(field, outcome.run.query)
    return {key: described[key] for key in _FIELD_KEYS}


def _describe_calculation(item: Calculation) -> dict[str, Any]:
    return {
        "name": item.name,
        "label": item.label,
        "align": "right" if item.type == "number" else "left",
        "expression": item.expression,
        "value_format": item.value_format,
        "measure": item.measure,
    }


def _writers(outcome: Outcome, sheet: Sheet) -> list[Writer]:
    writers = []
    for shown, columns in grouped_columns(sheet):
        cell = _cell(shown, apply_formatting=outcome.run.apply_formatting)
        parts = {key: keyed(shown.name if key is None else key, place, cell) for key, place in columns.items()}
        writers.append(parts[None] if None in parts else nested(shown.name, list(parts.values())))
    return writers


def _cell(shown: Shown, *, apply_formatting: bool) -> Callable[[Any], str]:
    def write(raw: Any) -> str:
        return json_text({"value": formatted(shown, raw) if apply_formatting else json_value(raw)})

    return write
