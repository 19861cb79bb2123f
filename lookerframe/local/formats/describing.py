"""What several formats say alike of the columns of a result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lookerframe.local.metadata import describe_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local.layouts import Calculation
    from lookerframe.local.project import Field
    from lookerframe.local.queries import Query
    from lookerframe.local.sheets import Sheet, Shown


def grouped_columns(sheet: Sheet) -> Iterator[tuple[Shown, dict[str | None, int]]]:
    """Give each field with the places of its columns by their pivot's key; None is the key of an unpivoted one."""
    found: dict[str, tuple[Shown, dict[str | None, int]]] = {}
    for place, column in enumerate(sheet.columns):
        key = column.pivot.key if column.pivot else None
        found.setdefault(column.shown.name, (column.shown, {}))[1][key] = place
    return iter(found.values())


def describe_selected(field: Field, query: Query) -> dict[str, Any]:
    """Describe a field of a query; one that the query made itself has no view in front of its label."""
    described = describe_field(field, query.explore, query.project)
    return {**described, "dynamic": field.dynamic, "label": described["label"].strip()}


def describe_calculation(item: Calculation) -> dict[str, Any]:
    """Describe a table calculation; keys and order as recorded (``vis_heatmap_table_calc.response.json``)."""
    return {
        "label": item.label,
        "name": item.name,
        "expression": item.expression,
        "can_pivot": item.measure,
        "sortable": True,
        "type": item.type,
        "align": "right" if item.type == "number" else "left",
        "measure": item.measure,
        "is_table_calculation": True,
        "dynamic": True,
        "value_format": item.value_format,
        "is_numeric": item.type == "number",
    }
