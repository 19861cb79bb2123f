"""Field metadata → columns: which Arrow type a LookML type becomes, in one table for all result formats.

Sources: the LookML types are those of Looker's reference on dimension, measure and timeframe types; the Arrow types are
decided in ``docs/types.md``. A type is never guessed where Looker names it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lookerframe import arrays
from lookerframe.exceptions import ConfigError
from lookerframe.render import shorten

if TYPE_CHECKING:
    from lookerframe.arrays import Reader
    from lookerframe.models import SavedQuery

#: How number dimensions, whose width Looker does not declare, are typed; see `columns.Decoding`.
Numbers: TypeAlias = Literal["auto", "float64", "decimal128"]

#: The arrays of ``fields`` whose members are columns of an unpivoted result, in Looker's column order. The last has the
#: measures and calculations that stand outside of a pivot; it mostly repeats members of the others.
GROUPS = ("dimensions", "measures", "table_calculations", "supermeasure_like")

#: LookML type → reader, for every type that means the same on a dimension and on a measure.
_LOOKML: dict[str, Reader] = {
    "bin": arrays.TEXT,
    "date": arrays.DATE,
    "date_date": arrays.DATE,
    "date_day_of_month": arrays.INTEGER,
    "date_day_of_week": arrays.TEXT,
    "date_day_of_week_index": arrays.INTEGER,
    "date_day_of_year": arrays.INTEGER,
    "date_fiscal_month_num": arrays.INTEGER,
    "date_fiscal_quarter": arrays.TEXT,  # its first day depends on the model's fiscal_month_offset
    "date_fiscal_quarter_of_year": arrays.TEXT,
    "date_fiscal_year": arrays.INTEGER,
    "date_hour": arrays.TIMESTAMP,
    "date_hour_of_day": arrays.INTEGER,
    "date_microsecond": arrays.TIMESTAMP,
    "date_millisecond": arrays.TIMESTAMP,
    "date_minute": arrays.TIMESTAMP,
    "date_month": arrays.PERIOD,
    "date_month_name": arrays.TEXT,
    "date_month_num": arrays.INTEGER,
    "date_quarter": arrays.PERIOD,
    "date_quarter_of_year": arrays.TEXT,
    "date_raw": arrays.TEXT,  # the database's own spelling, zone included
    "date_second": arrays.TIMESTAMP,
    "date_time": arrays.TIMESTAMP,
    "date_time_of_day": arrays.TEXT,
    "date_week": arrays.DATE,
    "date_week_of_year": arrays.INTEGER,
    "date_year": arrays.INTEGER,
    "date_yesno": arrays.YESNO,
    "distance": arrays.FLOAT,
    "list": arrays.TEXT_LIST,
    "location": arrays.TEXT,
    "string": arrays.TEXT,
    "tier": arrays.TEXT,
    "yesno": arrays.YESNO,
    "zipcode": arrays.TEXT,
}
#: date_minute15, date_hour6, date_millisecond250: periods of several units, written as a time.
_LOOKML_TIME_STEPS = re.compile(r"date_(?:millisecond|minute|hour)\d+", re.ASCII)
#: Assumed names of duration intervals (``duration_day``): whole numbers of the unit; no recorded payload holds one.
_LOOKML_DURATION = re.compile(r"duration_(?:second|minute|hour|day|week|month|quarter|year)s?", re.ASCII)

_WHOLE_MEASURES = frozenset({"count", "count_distinct", "int"})

#: What `json_bi` leaves out of its field metadata and types depend on: of calculations the first, of all the second.
_LEFT_OUT = ("type", "convert_tz")
#: Members of ``dynamic_fields`` that name a field → its group.
_DYNAMIC = {"table_calculation": "table_calculations", "measure": "measures", "dimension": "dimensions"}


@dataclass(frozen=True, slots=True)
class Field:
    """What Looker says about one field of a result.

    Attributes
    ----------
    name
        Fully scoped, ``flights.carrier``; a table calculation's name has no dot.
    type
        LookML type, ``date_month``; None where Looker gives none.
    measure
        Whether it is a measure; None where nothing is known of the field.
    label, label_short, description, value_format, category, tags
        As Looker sends them.
    is_calculation
        Whether it is a table calculation.
    convert_tz
        False where the database's times are shown as they are, not in the time zone of the query; None if unknown.
    """

    name: str
    type: str | None = None
    measure: bool | None = None
    label: str | None = None
    description: str | None = None
    value_format: str | None = None
    label_short: str | None = None
    category: str | None = None
    tags: tuple[str, ...] = ()
    convert_tz: bool | None = None
    is_calculation: bool = False

    @classmethod
    def from_api(cls, item: Mapping[str, Any], *, group: str) -> Field:
        """Read an item of one of the `GROUPS`, or of ``fields.pivots``."""
        measure = item.get("measure")
        if not isinstance(measure, bool):
            measure = {"dimensions": False, "pivots": False, "measures": True}.get(group)
        if group == "table_calculations" and (item.get("type") is None or not measure):
            # Older releases send no type with a calculation, which may well be a text; and one that is no measure may
            # be pivoted all the same, so it is no dimension either.
            measure = None

        def text(key: str) -> str | None:
            value = item.get(key)
            return value if isinstance(value, str) else None

        tags, convert_tz = item.get("tags"), item.get("convert_tz")
        return cls(
            item["name"],
            text("type"),
            measure,
            text("label"),
            text("description"),
            text("value_format"),
            text("label_short"),
            text("category"),
            tuple(map(str, tags)) if isinstance(tags, list) else (),
            convert_tz if isinstance(convert_tz, bool) else None,
            group == "table_calculations" or item.get("is_table_calculation") is True,
        )

    def arrow_metadata(self) -> dict[bytes, bytes]:
        """Return the metadata that the column's Arrow field carries: ``lookml.type``, ``lookml.label``, ..."""
        facts = {"name": self.name, "type": self.type, "label": self.label, "description": self.description}
        facts |= {"value_format": self.value_format, "category": self.category}
        if self.category is None and self.measure is not None:
            facts["category"] = "measure" if self.measure else "dimension"
        if self.tags:
            facts["tags"] = json.dumps(self.tags, ensure_ascii=False)
        return {f"lookml.{key}".encode(): value.encode() for key, value in facts.items() if value}


def reader_of(field: Field, numbers: Numbers) -> Reader:
    """Look up how the values of a field are read."""
    if field.type is None and field.measure is None:
        return arrays.INFERRED
    kind = field.type or ""
    if field.measure and kind in _WHOLE_MEASURES:
        return arrays.INTEGER
    reader = _of_type(kind)
    if reader is None and (field.measure or kind == "number"):
        if numbers == "decimal128":
            return arrays.DECIMAL
        return arrays.FLOAT if field.measure or numbers == "float64" else arrays.NUMBER
    if reader is None or reader is arrays.TEXT:
        return arrays.TEXT if field.measure is False else arrays.WORDS
    return reader


def fields_of(metadata: Mapping[str, Any]) -> tuple[Field, ...]:
    """Read the ``fields`` object of a payload or an explore, in Looker's column order.

    Filter-only fields and parameters are left out: no result has a column for them. So are pivoted dimensions, which
    head columns, and a second entry of one name.

    Raises
    ------
    ConfigError
        It is not such an object.
    """
    found: dict[str, Field] = {}
    heads = {field.name for field in pivot_fields_of(metadata)}
    for group in GROUPS:
        for item in _listed(metadata, group):
            if not (item.get("is_filter") or item.get("parameter") or item["name"] in heads):
                found.setdefault(item["name"], Field.from_api(item, group=group))
    return tuple(found.values())


def pivot_fields_of(metadata: Mapping[str, Any]) -> tuple[Field, ...]:
    """Read the dimensions by which a result is pivoted, outermost first.

    Raises
    ------
    ConfigError
        See `fields_of`.
    """
    return tuple(Field.from_api(item, group="pivots") for item in _listed(metadata, "pivots"))


def picked(metadata: Mapping[str, Any], query: SavedQuery) -> dict[str, list[Mapping[str, Any]]]:
    """Pick the fields of a query out of the ``fields`` object of its explore, as `json_detail` would carry them.

    Calculations that the object itself has, as that of an answer does, are kept. A field that nothing describes has its
    name alone.

    Raises
    ------
    ConfigError
        See `fields_of`.
    """
    groups = ("pivots", "dimensions", "measures", "table_calculations")
    known = {item["name"]: (group, item) for group in groups for item in _listed(metadata, group)}
    known |= _dynamic_fields(query.dynamic_fields)
    found: dict[str, list[Mapping[str, Any]]] = {group: [] for group in groups}
    found["pivots"] = [known.get(name, ("", {"name": name}))[1] for name in query.pivots]
    calculations = [name for name, (group, _) in known.items() if group == "table_calculations"]
    names = [name for name in dict.fromkeys([*query.fields, *calculations]) if name not in query.pivots]
    for name in names:
        group, item = known.get(name, ("table_calculations", {"name": name}))
        found["dimensions" if group == "pivots" else group].append(item)
    found["supermeasure_like"] = [item for item in _listed(metadata, "supermeasure_like") if item["name"] in names]
    return found


def completed(metadata: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Add what the ``fields`` object of a payload leaves out, from that of its explore: types and ``convert_tz``.

    Raises
    ------
    ConfigError
        See `fields_of`.
    """
    groups = (*GROUPS, "pivots")
    more = {item["name"]: item for group in groups for item in _listed(known, group)}

    def whole(item: Mapping[str, Any]) -> dict[str, Any]:
        found = {key: more[item["name"]][key] for key in _LEFT_OUT if key in more.get(item["name"], {})}
        return found | {key: value for key, value in item.items() if value is not None or key not in found}

    return {**metadata, **{group: [whole(item) for item in _listed(metadata, group)] for group in groups}}


def _dynamic_fields(text: str | None) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Read a query's ``dynamic_fields``: name → group and metadata.

    Source: the JSON text that Looker's own pages write; assumed where it names a kind, type or label.
    """
    try:
        items = json.loads(text) if text else []
    except ValueError:
        return {}
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for item in items if isinstance(items, list) else []:
        for key, group in _DYNAMIC.items():
            if isinstance(item, dict) and isinstance(item.get(key), str):
                kind = item.get("_type_hint") or item.get("type")
                found[item[key]] = (group, {"name": item[key], "label": item.get("label"), "type": kind})
                break
    return found


def _listed(metadata: Any, group: str) -> list[Mapping[str, Any]]:
    items = (metadata.get(group) or []) if isinstance(metadata, Mapping) else None
    if not isinstance(items, list | tuple) or not all(
        isinstance(item, Mapping) and isinstance(item.get("name"), str) for item in items
    ):
        message = (
            "field metadata is an object with the lists 'dimensions', 'measures' and 'table_calculations', of objects "
            f"that have a 'name'; met {shorten(repr(metadata if items is None else {group: items}), 120)}"
        )
        raise ConfigError(message, setting="fields")
    return list(items)


def _of_type(kind: str) -> Reader | None:
    if _LOOKML_TIME_STEPS.fullmatch(kind):
        return arrays.TIMESTAMP
    if _LOOKML_DURATION.fullmatch(kind):
        return arrays.INTEGER
    return _LOOKML.get(kind)
