"""Views of LookML: a table, and the dimensions, timeframes and measures over it.

Sources: Looker's docs for types; the LookML reference for defaults (a dimension is a string read from the column
of its own name, labels are names with capitals).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lookerframe.exceptions import LookMLError
from lookerframe.local import dimensions, liquid
from lookerframe.local.blocks import Block, Source
from lookerframe.local.measures import KINDS, PERCENTILES, refers_to_measures
from lookerframe.local.project import Field, Link, View
from lookerframe.local.timeframes import DEFAULT_TIMEFRAMES, TIMEFRAMES
from lookerframe.local.value_formats import NAMED_FORMATS, NumberFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DIMENSIONS = ("string", "number", "yesno", "zipcode", "tier", "bin", "location", "distance")
_TIMES = {"date": TIMEFRAMES["date"], **{f"date_{name}": timeframe for name, timeframe in TIMEFRAMES.items()}}
_GROUPS = ("time", "duration")
_DATATYPES = ("timestamp", "datetime", "date", "epoch", "yyyymmdd")
#: Datatypes without a time of day.
_DAYS = ("date", "yyyymmdd")
#: Parameters that mean something for some types only, and these.
_SPECIFIC = {
    "tiers": ("tier",),
    "bins": ("bin",),
    "style": ("tier", "bin"),
    "sql_latitude": ("location",),
    "sql_longitude": ("location",),
    "start_location_field": ("distance",),
    "end_location_field": ("distance",),
    "units": ("distance",),
    "timeframes": ("time",),
    "intervals": ("duration",),
    "sql_start": ("duration",),
    "sql_end": ("duration",),
    "percentile": PERCENTILES,
    "list_field": ("list",),
    "sql_distinct_key": ("sum_distinct", "average_distinct", "median_distinct", "percentile_distinct"),
}


@dataclass(frozen=True, slots=True)
class _Owner:
    """What fields take from their view, and from its model."""

    view: str
    label: str
    formats: Mapping[str, str]


def read_formats(source: Source) -> dict[str, str]:
    """Read the ``named_value_format`` of a file: formats by their names."""
    found = {}
    for item in source.content.get("named_value_formats", []):
        block = Block("named_value_format", item["name"], source.place("named_value_format", item["name"]), item)
        found[block.name] = block.text("value_format") or ""
    return found


def read_view(source: Source, parameters: dict[str, Any], formats: Mapping[str, str]) -> View:
    """Read one view of a file; its references are checked when an explore is over it.

    `formats` are those that the model names itself.

    Raises
    ------
    LookMLError
        A parameter that is not served, a name that is used twice.
    """
    name = parameters["name"]
    block = Block("view", name, source.place("view", name), parameters)
    owner = _Owner(name, block.text("view_label") or block.text("label") or title(name), NAMED_FORMATS | dict(formats))
    readers: dict[str, Callable[[Block, _Owner], list[Field]]] = {
        "dimension": _read_dimension,
        "dimension_group": _read_group,
        "measure": _read_measure,
    }
    fields: dict[str, Field] = {}
    for kind, reader in readers.items():
        for item in parameters.get(f"{kind}s", []):
            place = source.place("view", name, kind, item["name"])
            inner = Block(kind, f"{name}.{item['name']}", place, item)
            for found in reader(inner, owner):
                if found.name in fields:
                    raise inner.error(f"field {found.full_name!r} is defined twice in this view")
                fields[found.name] = found
    _check_keys([item for item in fields.values() if item.primary_key])
    return View(
        name,
        (block.sql("sql_table_name") or name).strip(),
        fields,
        block.place,
        owner.label,
        defined=name,
        derived=_derived(block),
        sets={item["name"]: block.inner("set", "set", item).texts("fields") for item in parameters.get("sets", [])},
    )


def _check_keys(keys: list[Field]) -> None:
    if len(keys) > 1:
        message = f"primary_key: yes stands at {keys[0].name!r} as well; one dimension tells the rows of a view apart"
        raise LookMLError(message, place=keys[1].place, subject=keys[1].full_name)


def title(name: str) -> str:
    """Make the label of what has none: ``dep_delay`` is Dep Delay."""
    return " ".join(word.capitalize() for word in name.split("_") if word)


def _derived(block: Block) -> str | None:
    if "derived_table" not in block.parameters:
        return None
    if "sql_table_name" in block.parameters:
        raise block.error("a view has sql_table_name or derived_table, not both")
    sql = block.inner("derived_table", "derived_table", block.parameters["derived_table"]).sql("sql")
    if sql is None:
        raise block.error("a derived_table needs sql; others are not served by the local Looker")
    return sql


def _read_dimension(block: Block, owner: _Owner) -> list[Field]:
    kind = block.choice("type", (*_DIMENSIONS, *_TIMES)) or "string"
    _check_specific(block, kind)
    base = _base(block, owner, sql=f"${{TABLE}}.{block.name}")
    timeframe = _TIMES.get(kind)
    field = replace(
        base,
        type=kind,
        timeframe=timeframe,
        primary_key=block.flag("primary_key"),
        **(_time_options(block) if timeframe else {}),
    )
    if "case" in block.parameters:
        if kind != "string":
            raise block.error(f"a case gives a string, so the dimension cannot be of type {kind}")
        return [dimensions.case(block, field)]
    if kind == "tier":
        return [dimensions.tier(block, field, "tiers")]
    if kind == "bin":
        return [dimensions.tier(block, field, "bins")]
    if kind == "location":
        return [dimensions.location(block, field)]
    return [dimensions.distance(block, field) if kind == "distance" else field]


def _read_group(block: Block, owner: _Owner) -> list[Field]:
    kind = block.choice("type", _GROUPS) or "time"
    _check_specific(block, kind)
    base = _base(block, owner, sql=f"${{TABLE}}.{block.name}")
    base = replace(base, group=f"{owner.view}.{block.name}")
    if kind == "time":
        return _timeframes(block, base)
    return [
        replace(
            field,
            label=f"{title(word)} {base.label}",
            group_label=base.group_label or f"Duration {base.label}",
            variant=title(word),
        )
        for word, field in dimensions.durations(block, base)
    ]


def _timeframes(block: Block, base: Field) -> list[Field]:
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
                name=f"{base.name}_{wanted}",
                type=f"date_{wanted}",
                timeframe=timeframe,
                label=f"{base.label} {title(wanted)}",
                group_label=base.group_label or f"{base.label} Date",
                variant=title(wanted),
                **_time_options(block),
            )
        )
    return found


def _read_measure(block: Block, owner: _Owner) -> list[Field]:
    kind = block.choice("type", KINDS)
    if kind is None:
        raise block.error(f"a measure needs a type; served: {', '.join(KINDS)}")
    _check_specific(block, kind)
    source = KINDS[kind].source
    if source and source not in block.parameters:
        raise block.error(f"a measure of type {kind} needs {source}")
    if source != "sql" and "sql" in block.parameters:
        raise block.error(f"a measure of type {kind} has no sql")
    base = _base(block, owner, sql=f"${{{block.text('list_field')}}}" if source == "list_field" else "")
    field = replace(
        base,
        type=kind,
        measure=True,
        timeframe=TIMEFRAMES["date"] if kind == "date" else None,
        filters=block.filters(),
        percentile=_percentile(block) if kind in PERCENTILES else None,
        distinct_key=block.sql("sql_distinct_key"),
        **(_time_options(block) if kind == "date" else {}),
    )
    if field.filters and refers_to_measures(field):
        raise block.error(f"a measure of type {kind} has no filters; put them on the measures that it refers to")
    return [field]


def _percentile(block: Block) -> float:
    text = block.text("percentile") or ""
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0 <= float(text) <= 100:  # noqa: PLR2004 - per cent
        raise block.error(f"percentile is {text!r}; expected a number from 0 to 100")
    return float(text) / 100


def _check_specific(block: Block, kind: str) -> None:
    for name, kinds in _SPECIFIC.items():
        if name in block.parameters and kind not in kinds:
            raise block.error(f"parameter {name!r} means nothing with type {kind}; it goes with {', '.join(kinds)}")


def _base(block: Block, owner: _Owner, *, sql: str) -> Field:
    """Read what all kinds of fields share."""
    label = block.text("label") or title(block.name)
    format_name = block.choice("value_format_name", owner.formats)
    value_format = block.text("value_format") or (owner.formats[format_name] if format_name else None)
    try:
        number_format = NumberFormat.parse(value_format) if value_format else None
    except ValueError as exc:
        raise block.error(str(exc)) from exc
    return Field(
        view=owner.view,
        name=block.name,
        type="string",
        sql=block.sql("sql") or sql,
        place=block.place,
        label=label,
        view_label=block.text("view_label") or owner.label,
        group_label=block.text("group_label"),
        variant=block.text("group_item_label") or label,
        description=block.text("description"),
        hidden=block.flag("hidden"),
        tags=block.texts("tags"),
        value_format=value_format,
        value_format_name=format_name,
        number_format=number_format,
        drill_fields=tuple(name if "." in name else f"{owner.view}.{name}" for name in block.texts("drill_fields")),
        html=_shown(block, "html"),
        links=_links(block),
        suggestions=block.texts("suggestions"),
    )


def _links(block: Block) -> tuple[Link, ...]:
    found = []
    for item in block.parameters.get("links") or []:
        link = block.inner("link", "link", item)
        label, url = _shown(link, "label"), _shown(link, "url")
        if label is None or url is None:
            raise block.error('a link needs label and url, as in link: { label: "..." url: "..." }')
        found.append(Link(label, url, _shown(link, "icon_url")))
    return tuple(found)


def _shown(block: Block, name: str) -> str | None:
    """Read what is shown with a cell, in which a little Liquid is served."""
    text = block.text(name)
    try:
        return None if text is None else liquid.checked(text)
    except ValueError as exc:
        raise block.error(f"{name}: {exc}") from exc


def _time_options(block: Block) -> dict[str, Any]:
    datatype = block.choice("datatype", _DATATYPES)
    # A day without a time of day has no other name in another time zone.
    return {"datatype": datatype, "convert_tz": block.flag("convert_tz", default=True) and datatype not in _DAYS}
