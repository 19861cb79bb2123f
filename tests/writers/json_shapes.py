"""Results as JSON: `json_detail`, its lite stream, `json_bi`, `json`, `inline_json`, `json_label`.

The shapes are those of recorded payloads; where none settles it, what `docs/local-formats.md` marks as assumed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.writers.queries import GROUPING, LINK, ROW_TOTAL, members, metadata, pivot_key, text, wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from random import Random

    from tests.writers.queries import Col, Query, Row, Slot

    Cell = Callable[[Slot, Any], Any]

#: Ways to spell one document, as arguments of `json.dumps`.
COMPACT: Mapping[str, Any] = {"separators": (",", ":"), "ensure_ascii": False}
SPACED: Mapping[str, Any] = {}
PRETTY: Mapping[str, Any] = {"indent": 2, "ensure_ascii": False}

#: Members of recorded answers, in their order; what a test gives replaces or adds to them.
MEMBERS: Mapping[str, Any] = {
    "from_cache": False,
    "id": "5f8a4ca7",
    "ran_at": "2026-01-31T08:00:00+00:00",
    "runtime": "0.624",
    "sql": 'SELECT carrier AS "flights.carrier",\n\tCOUNT(*) AS "flights.count"\nFROM flights',
    "fields": ...,
    "timezone": "UTC",
    "data": ...,
    "drill_menu_build_time": 0.01,
    "has_subtotals": False,
}


def dumped(document: Any, spelling: Mapping[str, Any] = COMPACT) -> bytes:
    """Write any document in UTF-8."""
    return json.dumps(document, **spelling).encode()


# -- rows of JSON values -----------------------------------------------------------------------------------------------


def cell(value: Any, *, rich: bool = False) -> dict[str, Any]:
    """Write a cell; a rich one has all that Looker may add to the value."""
    if not rich:
        return {"value": value}
    return {"value": value, "rendered": f'{value}"}},{{"', "links": [LINK, {"type": "url", "value": None}]}


def json_detail(
    columns: Sequence[Col],
    rows: Iterable[Mapping[str, Any]],
    *,
    rich: bool = False,
    spelling: Mapping[str, Any] = COMPACT,
    **facts: Any,
) -> bytes:
    """Write rows of JSON values as `json_detail`; ``facts`` go into the envelope, ``...`` leaves one out."""
    body = dict(MEMBERS)
    body["fields"] = metadata(columns)
    body["data"] = [{name: cell(value, rich=rich) for name, value in row.items()} for row in rows]
    body |= facts
    return dumped({key: value for key, value in body.items() if value is not ...}, spelling)


def json_rows(rows: Iterable[Mapping[str, Any]], *, spelling: Mapping[str, Any] = COMPACT) -> bytes:
    """Write rows of JSON values as `json`."""
    return dumped([dict(row) for row in rows], spelling)


# -- queries -----------------------------------------------------------------------------------------------------------


def detail(query: Query, *, rich: bool = False) -> dict[str, Any]:
    """Make the document of `json_detail`, its members in the order that was recorded."""
    write = _rich_cell if rich else _plain_cell
    body = dict(MEMBERS)
    body["timezone"] = query.timezone
    body["fields"] = metadata(query.fields, query.pivots)
    body["data"] = [_keyed(query, row, write) for row in query.rows]
    if query.subtotals:
        body["subtotals_data"] = {
            str(len(names)): [{**_keyed(query, row, write), GROUPING: list(names)} for row in rows]
            for names, rows in query.subtotals.items()
        }
        body["subtotal_sets"] = list(map(list, query.subtotals))
    if query.pivots:
        body["pivots"] = _pivots(query)
    if query.totals is not None:
        named = {item.name for item in query.dimensions}
        cells = _keyed(query, query.totals, write)
        body["totals_data"] = {name: value for name, value in cells.items() if name not in named}
    body |= {"has_totals": query.totals is not None, "has_row_totals": query.row_totals}
    return {key: body[key] for key in DETAIL_ORDER if key in body}


#: Where `subtotals_data` stands was recorded, where `pivots` and `totals_data` stand is assumed.
DETAIL_ORDER = (
    *("from_cache", "id", "ran_at", "runtime", "subtotals_data", "subtotal_sets", "sql", "fields", "pivots"),
    *("has_totals", "has_row_totals", "timezone", "totals_data", "data", "drill_menu_build_time", "has_subtotals"),
)


def detail_lite(query: Query) -> dict[str, Any]:
    """Make the document of `json_detail_lite_stream`: little metadata, ``data`` its last member."""
    body = detail(query)
    data = body.pop("data")
    nothing = dict.fromkeys(("added_params", "applied_filters", "errors", "from_cache", "ran_at", "truncated"))
    order = dict.fromkeys(sorted([*body, *nothing]))
    return {**order, **body, **nothing, "runtime": "", "data": data}


def bi(query: Query) -> dict[str, Any]:
    """Make the document of `json_bi`."""
    fields = metadata(query.fields, query.pivots)
    return {
        "metadata": {
            "big_query_metadata": None,
            "fields": {
                group: [{key: value for key, value in item.items() if key != "label_short"} for item in items]
                for group, items in {"pivots": [], **fields}.items()
            },
            "pivots": [
                {key: pivot[key] for key in ("key", "data", "sort_values", "is_total")} for pivot in _pivots(query)
            ],
            "filters": {},
            "filter_expression": None,
            "columns_truncated": False,
            "has_totals": query.totals is not None,
            "has_subtotals": bool(query.subtotals),
            "sql": "SELECT 1",
        },
        "rows": [_keyed(query, row, _plain_cell) for row in _all_rows(query)],
    }


def plain(query: Query, *, labels: bool = False) -> list[dict[str, Any]]:
    """Make the document of `json`; or of `json_label`, where labels stand for names."""
    return [_nested(query, row, labels=labels) for row in _all_rows(query)]


def shuffled(document: Any, random: Random) -> Any:
    """Bring the members of a document, or of its envelope, into any order; so the rows', all in the same."""
    if isinstance(document, list):
        return _reordered(document, random)
    members = {key: _reordered(rows, random) if key in ("data", "rows") else rows for key, rows in document.items()}
    return {key: members[key] for key in random.sample(list(members), len(members))}


def _reordered(rows: list[dict[str, Any]], random: Random) -> list[dict[str, Any]]:
    if not rows:
        return rows
    order = random.sample(list(rows[0]), len(rows[0]))
    return [{key: row[key] for key in order} for row in rows]


def _all_rows(query: Query) -> tuple[Row, ...]:
    return query.rows if query.totals is None else (*query.rows, query.totals)


def _plain_cell(slot: Slot, value: Any) -> dict[str, Any]:
    return {"value": wire(value, slot.field.type)}


def _rich_cell(slot: Slot, value: Any) -> dict[str, Any]:
    return {"value": wire(value, slot.field.type), **members(slot, value)}


def _keyed(query: Query, row: Row, write: Cell) -> dict[str, Any]:
    """Write a row of cells; those of a pivoted field lie under the keys of the pivots."""
    found: dict[str, Any] = {item.name: {} for item in (*query.dimensions, *query.spread)}
    for slot, value in zip(query.slots, row, strict=True):
        if slot.pivot is None and not slot.is_total:
            found[slot.field.name] = write(slot, value)
        else:
            found[slot.field.name][pivot_key(query, slot.pivot, is_total=slot.is_total)] = write(slot, value)
    return found


def _nested(query: Query, row: Row, *, labels: bool) -> dict[str, Any]:
    """Write a row of values; those of a pivoted field lie under each pivot field's name and value."""

    def name(item: Col) -> str:
        return (item.label or item.name) if labels else item.name

    found: dict[str, Any] = {name(item): None for item in query.dimensions}
    found |= {name(item): {name(query.pivots[0]): {}} for item in query.spread}
    for slot, value in zip(query.slots, row, strict=True):
        sent = wire(value, slot.field.type)
        if slot.is_total:
            found[name(slot.field)][name(query.pivots[0])][ROW_TOTAL] = sent
        elif slot.pivot is None:
            found[name(slot.field)] = sent
        else:
            level = found[name(slot.field)]
            for place, (item, met) in enumerate(zip(query.pivots, slot.pivot, strict=True)):
                level = level.setdefault(name(item), {})
                if place < len(slot.pivot) - 1:
                    level = level.setdefault(text(met, item.type), {})
            level[text(slot.pivot[-1], query.pivots[-1].type)] = sent
    return found


def _pivots(query: Query) -> list[dict[str, Any]]:
    found = []
    totals: list[tuple[Any, ...]] = [(None,) * len(query.pivots)] if query.row_totals else []
    for place, values in enumerate([*query.pivot_values, *totals]):
        is_total = place == len(query.pivot_values)
        data = {item.name: wire(value, item.type) for item, value in zip(query.pivots, values, strict=True)}
        found.append(
            {
                "key": pivot_key(query, values, is_total=is_total),
                "data": data,
                "sort_values": data,
                "labels": {name: None if value is None else str(value) for name, value in data.items()},
                "is_total": is_total,
                "metadata": {name: {"value": value} for name, value in data.items()},
            }
        )
    return found
