"""Views of LookML: a table, and the dimensions, timeframes and measures over it.

Sources: looker-api.md §3.1 for types; the LookML reference for defaults (a dimension is a string read from the column
of its own name, labels are names with capitals).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lookerframe.exceptions import LookMLError
from lookerframe.local.blocks import Block, Source
from lookerframe.local.project import Field, View
from lookerframe.local.timeframes import DEFAULT_TIMEFRAMES, TIMEFRAMES
from lookerframe.local.value_formats import NAMED_FORMATS, NumberFormat

if TYPE_CHECKING:
    from collections.abc import Callable

#: ``${TABLE}``, ``${field}``, ``${view.field}``.
REFERENCE = re.compile(r"\$\{([^}]*)\}")

#: Types of measures, and whether they need ``sql``.
_MEASURES = {"count": False, "count_distinct": True, "sum": True, "average": True, "min": True, "max": True}
_DIMENSIONS = ("string", "number", "yesno", "zipcode")
_TIMES = {"date": TIMEFRAMES["date"], **{f"date_{name}": timeframe for name, timeframe in TIMEFRAMES.items()}}
_DATATYPES = ("timestamp", "datetime", "date")


def read_view(source: Source, parameters: dict[str, Any]) -> View:
    """Read one view of a file.

    Raises
    ------
    LookMLError
        A parameter that is not served, a reference to nothing, a name that is used twice.
    """
    name = parameters["name"]
    block = Block("view", name, source.place("view", name), parameters)
    label = block.text("label") or title(name)
    readers: dict[str, Callable[[Block, str, str], list[Field]]] = {
        "dimension": _read_dimension,
        "dimension_group": _read_group,
        "measure": _read_measure,
    }
    fields: dict[str, Field] = {}
    for kind, reader in readers.items():
        for item in parameters.get(f"{kind}s", []):
            place = source.place("view", name, kind, item["name"])
            inner = Block(kind, f"{name}.{item['name']}", place, item)
            for found in reader(inner, name, label):
                if found.name in fields:
                    raise inner.error(f"field {found.full_name!r} is defined twice in this view")
                fields[found.name] = found
    view = View(name, (block.text("sql_table_name") or name).strip(), fields)
    for checked in fields.values():
        _check_references(checked, view, (checked.name,))
    return view


def title(name: str) -> str:
    """Make the label of what has none: ``dep_delay`` is Dep Delay."""
    return " ".join(word.capitalize() for word in name.split("_") if word)


def _read_dimension(block: Block, view: str, view_label: str) -> list[Field]:
    kind = block.choice("type", (*_DIMENSIONS, *_TIMES)) or "string"
    base = _base(block, view, view_label, sql=f"${{TABLE}}.{block.name}")
    timeframe = _TIMES.get(kind)
    return [
        replace(
            base,
            type=kind,
            timeframe=timeframe,
            primary_key=block.flag("primary_key"),
            **(_time_options(block) if timeframe else {}),
        )
    ]


def _read_group(block: Block, view: str, view_label: str) -> list[Field]:
    group = block.name
    block.choice("type", ("time",))
    base = _base(block, view, view_label, sql=f"${{TABLE}}.{group}")
    found = []
    for wanted in block.texts("timeframes") or DEFAULT_TIMEFRAMES:
        timeframe = TIMEFRAMES.get(wanted)
        if timeframe is None:
            raise block.error(
                f"timeframe {wanted!r} is not served by the local Looker; served: {', '.join(TIMEFRAMES)}"
            )
        found.append(
            replace(
                base,
                name=f"{group}_{wanted}",
                type=f"date_{wanted}",
                timeframe=timeframe,
                group=f"{view}.{group}",
                label=f"{base.label} {title(wanted)}",
                group_label=base.group_label or f"{base.label} Date",
                variant=title(wanted),
                **_time_options(block),
            )
        )
    return found


def _read_measure(block: Block, view: str, view_label: str) -> list[Field]:
    kind = block.choice("type", _MEASURES)
    if kind is None:
        raise block.error(f"a measure needs a type; served: {', '.join(_MEASURES)}")
    needs_sql = _MEASURES[kind]
    if needs_sql != ("sql" in block.parameters):
        raise block.error(f"a measure of type {kind} {'needs' if needs_sql else 'has no'} sql")
    base = _base(block, view, view_label, sql="")
    drills = tuple(name if "." in name else f"{view}.{name}" for name in block.texts("drill_fields"))
    return [replace(base, type=kind, measure=True, drill_fields=drills)]


def _base(block: Block, view: str, view_label: str, *, sql: str) -> Field:
    """Read what all kinds of fields share."""
    text = (block.text("sql") or sql).strip()
    if "{%" in text or "{{" in text:
        raise block.error("Liquid in sql is not served by the local Looker; write plain SQL")
    label = block.text("label") or title(block.name)
    format_name = block.choice("value_format_name", NAMED_FORMATS)
    value_format = block.text("value_format") or (NAMED_FORMATS[format_name] if format_name else None)
    try:
        number_format = NumberFormat.parse(value_format) if value_format else None
    except ValueError as exc:
        raise block.error(str(exc)) from exc
    return Field(
        view=view,
        name=block.name,
        type="string",
        sql=text,
        place=block.place,
        label=label,
        view_label=block.text("view_label") or view_label,
        group_label=block.text("group_label"),
        variant=block.text("group_item_label") or label,
        description=block.text("description"),
        hidden=block.flag("hidden"),
        tags=block.texts("tags"),
        value_format=value_format,
        value_format_name=format_name,
        number_format=number_format,
    )


def _time_options(block: Block) -> dict[str, Any]:
    datatype = block.choice("datatype", _DATATYPES)
    # A day without a time of day has no other name in another time zone.
    return {"datatype": datatype, "convert_tz": block.flag("convert_tz", default=True) and datatype != "date"}


def _check_references(item: Field, view: View, path: tuple[str, ...]) -> None:
    """Refuse a reference to nothing, or one that leads back to where it started."""
    for name in REFERENCE.findall(item.sql):
        if name == "TABLE":
            continue
        bare = name.removeprefix(f"{view.name}.")
        target = view.fields.get(bare)
        if target is None:
            message = f"sql refers to ${{{name}}}, which is no field of view {view.name}"
            raise LookMLError(message, place=item.place, subject=item.full_name)
        if target.measure:
            message = f"sql refers to ${{{name}}}, a measure; only dimensions can be referred to"
            raise LookMLError(message, place=item.place, subject=item.full_name)
        if bare in path:
            message = f"sql refers to itself: {' -> '.join((*path, bare))}"
            raise LookMLError(message, place=item.place, subject=item.full_name)
        _check_references(target, view, (*path, bare))
