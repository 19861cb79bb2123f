"""The rows of ``json_detail``: cells with everything that a page shows of them.

Sources: recorded payloads: ``value`` first, then ``rendered``; ``sort_value`` with tiers; ``links``, the one to the
rows behind a measure before those that LookML names (recorded), and ``html`` last. Nulls have no ``html`` (assumed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from lookerframe.local import liquid
from lookerframe.local.cells import json_text, keyed, map_values, nested
from lookerframe.local.formats.describing import grouped_columns
from lookerframe.local.links import drill_filters, drill_url
from lookerframe.local.rendering import content, text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from lookerframe.local.cells import Column as Writer
    from lookerframe.local.outcome import Outcome
    from lookerframe.local.project import Field
    from lookerframe.local.sheets import Pivot, Sheet, Shown


def row_names(sheet: Sheet) -> tuple[str, ...]:
    """Name the dimensions that tell rows apart."""
    return tuple(column.shown.name for column in sheet.columns if column.shown.field and not column.shown.measure)


def row_writers(outcome: Outcome, sheet: Sheet, grouped: Collection[str]) -> list[Writer]:
    """Make a writer for each field; `grouped` are the dimensions that tell the rows apart."""
    writers = []
    for shown, columns in grouped_columns(sheet):
        parts = {
            key: _writer(outcome, sheet, place, shown.name if key is None else key, grouped)
            for key, place in columns.items()
        }
        writers.append(parts[None] if None in parts else nested(shown.name, list(parts.values())))
    return writers


def _writer(outcome: Outcome, sheet: Sheet, place: int, key: str, grouped: Collection[str]) -> Writer:
    shown, with_links = sheet.columns[place].shown, outcome.run.drill_links
    if with_links and shown.field and shown.field.drill_fields:
        return _linked(outcome, sheet, place, key, shown.field, grouped=grouped)

    def write(raw: Any) -> str:
        cell = _begun(shown, raw)
        links = _links(shown.field, cell) if with_links else []
        return json_text({**cell, **({"links": links} if links else {}), **_html(shown.field, cell)})

    return keyed(key, place, write)


def _begun(shown: Shown, raw: Any) -> dict[str, Any]:
    """Make the cell without its links."""
    cell = content(shown, raw)
    sort_value = shown.field.sort_value(raw) if shown.field and shown.field.enumerations else None
    return cell if sort_value is None else {**cell, "sort_value": sort_value}


def _links(field: Field | None, cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write the links of LookML for one cell; a null has none (assumed)."""
    if field is None or cell["value"] is None:
        return []
    values = _variables(cell)
    return [
        {
            "label": liquid.render(link.label, **values),
            "url": liquid.render(link.url, **values),
            "type": "url",
            **({"icon_url": liquid.render(link.icon_url, **values)} if link.icon_url else {}),
        }
        for link in field.links
    ]


def _html(field: Field | None, cell: Mapping[str, Any]) -> dict[str, str]:
    if field is None or field.html is None or cell["value"] is None:
        return {}
    return {"html": liquid.render(field.html, **_variables(cell))}


def _variables(cell: Mapping[str, Any]) -> dict[str, str]:
    value = text(cell["value"])
    shown = str(cell.get("rendered", value))
    return {"value": value, "rendered_value": shown, "linked_value": shown, "filterable_value": value}


def _linked(
    outcome: Outcome, sheet: Sheet, position: int, key: str, field: Field, *, grouped: Collection[str]
) -> Writer:
    """Write the cells of a measure with a link to the rows behind each: the link names the row's dimensions."""
    column = sheet.columns[position]
    pivots = _pivot_values(outcome, column.pivot)
    before, after = drill_url(outcome.run, field, {*grouped, *pivots})
    fixed = (drill_filters(item)(pivots[item.full_name]) for item in outcome.run.query.layout.pivots if pivots)
    opened, closed = _around_filters(column.shown, key, field, before, "".join(fixed) + after)
    filters = [
        (place, drill_filters(item.shown.field))
        for place, item in enumerate(sheet.columns)
        if item.shown.field and not item.shown.measure and item.shown.name in grouped
    ]

    def write(batch: pa.RecordBatch) -> pa.Array:
        values = batch.column(position)
        middle = [map_values(batch.column(place), written) for place, written in filters]
        parts = [map_values(values, opened), *middle, map_values(values, closed)]
        return pc.binary_join_element_wise(*parts, pa.scalar("", pa.large_string()))

    return write


def _around_filters(
    shown: Shown, key: str, field: Field, before: str, after: str
) -> tuple[Callable[[Any], str], Callable[[Any], str]]:
    """Write what comes in a cell before and after the filters of its row in the address of its link."""

    def opened(raw: Any) -> str:
        cell = _begun(shown, raw)
        label = f"Show All {cell.get('rendered', cell['value'])}"
        start = f"{json_text(key)}:{json_text(cell)}".removesuffix("}")
        return f'{start},"links":[{{"label":{json_text(label)},"url":"{json_text(before)[1:-1]}'

    def closed(raw: Any) -> str:
        cell = _begun(shown, raw)
        more = "".join(f",{json_text(link)}" for link in _links(field, cell))
        html = "".join(f',"html":{json_text(value)}' for value in _html(field, cell).values())
        return f'{json_text(after)[1:-1]}","type":"measure_default"}}{more}]{html}}}'

    return opened, closed


def _pivot_values(outcome: Outcome, pivot: Pivot | None) -> Mapping[str, Any]:
    if pivot is None or pivot.is_total:
        return {}
    return dict(zip(outcome.run.query.layout.pivot_names, pivot.values, strict=True))
