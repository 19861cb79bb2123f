"""Field metadata → columns: which Arrow type a LookML type becomes, in one table for all result formats.

Sources: the LookML types are those of Looker's reference on dimension, measure and timeframe types; the Arrow types are
decided in ``docs/types.md``. A type is never guessed where Looker names it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import pyarrow as pa

from lookerframe import arrays
from lookerframe.exceptions import ConfigError
from lookerframe.render import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lookerframe.arrays import Reader

#: How number dimensions, whose width Looker does not declare, are typed; see `columns`.
Numbers: TypeAlias = Literal["auto", "float64", "decimal128"]

#: The arrays of ``fields`` whose members are columns of an unpivoted result, in Looker's column order.
GROUPS = ("dimensions", "measures", "table_calculations")

#: What `Typing.dtypes` may ask for, besides ``decimal128(precision, scale)``.
_CHOICES: dict[str, Reader] = {
    "int64": arrays.INTEGER,
    "float64": arrays.FLOAT,
    "bool": arrays.YESNO,
    "string": arrays.TEXT,
    "date32": arrays.PERIOD,
    "timestamp[us]": arrays.TIMESTAMP,
    "list<string>": arrays.TEXT_LIST,
    "decimal128": arrays.DECIMAL,
}

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

_DECIMAL = re.compile(r"decimal128\((\d{1,2}), ?(\d{1,2})\)", re.ASCII)

_WHOLE_MEASURES = frozenset({"count", "count_distinct", "int"})


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
    label, description, value_format
        As Looker sends them.
    """

    name: str
    type: str | None = None
    measure: bool | None = None
    label: str | None = None
    description: str | None = None
    value_format: str | None = None

    @classmethod
    def from_api(cls, item: Mapping[str, Any], *, group: str) -> Field:
        """Read an item of ``fields.dimensions``, ``.measures`` or ``.table_calculations``."""
        measure = item.get("measure")
        if not isinstance(measure, bool):
            measure = {"dimensions": False, "measures": True}.get(group)
        if group == "table_calculations" and (item.get("type") is None or not measure):
            # Older releases send no type with a calculation, which may well be a text; and one that is no measure may
            # be pivoted all the same, so it is no dimension either.
            measure = None

        def text(key: str) -> str | None:
            value = item.get(key)
            return value if isinstance(value, str) else None

        return cls(item["name"], text("type"), measure, text("label"), text("description"), text("value_format"))

    def arrow_metadata(self) -> dict[bytes, bytes]:
        """Return the metadata that the column's Arrow field carries: ``lookml.type``, ``lookml.label``, ..."""
        facts = {"type": self.type, "label": self.label, "description": self.description}
        facts["value_format"] = self.value_format
        if self.measure is not None:
            facts["category"] = "measure" if self.measure else "dimension"
        return {f"lookml.{key}".encode(): value.encode() for key, value in facts.items() if value}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a result: its field, and how its values are read."""

    field: Field
    reader: Reader

    @property
    def name(self) -> str:
        """The field's name."""
        return self.field.name

    def arrow_field(self, arrow_type: pa.DataType) -> pa.Field:
        """Make the column's Arrow field: nullable, with the LookML facts as metadata."""
        return pa.field(self.name, arrow_type, metadata=self.field.arrow_metadata())


@dataclass(frozen=True, slots=True)
class Typing:
    """What the caller decides about types.

    Attributes
    ----------
    numbers : {"auto", "float64", "decimal128"}
        Number dimensions: int64 if all values are written as integers, else float64; always float64; or exact. The
        last also holds for measures other than counts.
    dtypes : mapping of str to str or pyarrow.DataType
        Field name → type, for columns that shall have another type than their LookML type gives.
    """

    numbers: Numbers = "auto"
    dtypes: Mapping[str, str | pa.DataType] = dataclass_field(default_factory=dict)

    def __post_init__(self) -> None:
        given: Any = self.dtypes
        if not isinstance(given, Mapping):
            message = f"dtypes maps field names to types, as in {{'orders.id': 'int64'}}; met {self.dtypes!r}"
            raise ConfigError(message, setting="dtypes")
        if self.numbers not in get_args(Numbers):
            known = ", ".join(map(repr, get_args(Numbers)))
            message = f"numbers={self.numbers!r} is not known; give one of {known}"
            raise ConfigError(message, setting="numbers")
        for name, dtype in self.dtypes.items():
            _chosen(name, dtype)

    def columns(self, fields: Iterable[Field]) -> tuple[Column, ...]:
        """Decide how each field is read.

        Raises
        ------
        ConfigError
            `dtypes` names what is no field of the result: most likely misspelt.
        """
        columns = tuple(Column(field, self._reader(field)) for field in fields)
        names = [column.name for column in columns]
        for name in self.dtypes:
            if name not in names:
                alike = difflib.get_close_matches(str(name), names, n=1)
                hint = f"; did you mean {alike[0]!r}?" if alike else ""
                message = f"dtypes names {name!r}, which is no column of this result{hint}"
                raise ConfigError(message, setting="dtypes")
        return columns

    def _reader(self, field: Field) -> Reader:
        if field.name in self.dtypes:
            return _chosen(field.name, self.dtypes[field.name])
        if field.type is None and field.measure is None:
            return arrays.INFERRED
        kind = field.type or ""
        if field.measure and kind in _WHOLE_MEASURES:
            return arrays.INTEGER
        reader = _of_type(kind)
        if reader is None and (field.measure or kind == "number"):
            return self._number(measure=bool(field.measure))
        if reader is None or reader is arrays.TEXT:
            return arrays.TEXT if field.measure is False else arrays.WORDS
        return reader

    def _number(self, *, measure: bool) -> Reader:
        if self.numbers == "decimal128":
            return arrays.DECIMAL
        return arrays.FLOAT if measure or self.numbers == "float64" else arrays.NUMBER


def fields_of(metadata: Mapping[str, Any]) -> tuple[Field, ...]:
    """Read the ``fields`` object of a payload or an explore, in Looker's column order.

    Filter-only fields and parameters are left out: no result has a column for them. So is a second entry of one name.

    Raises
    ------
    ConfigError
        It is not such an object.
    """
    found: dict[str, Field] = {}
    for group in GROUPS:
        for item in _listed(metadata, group):
            if not (item.get("is_filter") or item.get("parameter")):
                found.setdefault(item["name"], Field.from_api(item, group=group))
    return tuple(found.values())


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


def _chosen(name: str, dtype: str | pa.DataType) -> Reader:
    spelt = arrays.type_name(dtype) if isinstance(dtype, pa.DataType) else dtype
    reader = _CHOICES.get(spelt) or _decimals(spelt) if isinstance(spelt, str) else None
    if reader is None:
        known = ", ".join([*_CHOICES, "decimal128(38, 9), ..."])
        message = f"dtypes[{name!r}]: no column can have the type {str(dtype)!r}; give one of {known}"
        raise ConfigError(message, setting="dtypes")
    return reader


def _decimals(spelt: str) -> Reader | None:
    if match := _DECIMAL.fullmatch(spelt):
        precision, scale = int(match[1]), int(match[2])
        if 1 <= precision <= arrays.DECIMAL_DIGITS and scale <= precision:
            return arrays.decimals(pa.decimal128(precision, scale))
    return None
