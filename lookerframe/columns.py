"""What the caller decides about a result, and the columns that come of it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import pyarrow as pa

from lookerframe import arrays
from lookerframe.exceptions import ConfigError
from lookerframe.fields import Field, Numbers, reader_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lookerframe.arrays import Reader

#: What a timestamp column holds; see `Decoding`.
Timestamps: TypeAlias = Literal["naive", "aware", "utc"]
#: What columns are named by; see `Decoding`.
Names: TypeAlias = Literal["field", "label", "label_short"]
#: What a cell of `json_detail` holds besides its value; see `Decoding`.
Part: TypeAlias = Literal["value", "rendered", "html", "links"]
#: How pivoted measures are laid out; see `Decoding`.
Pivots: TypeAlias = Literal["wide", "long"]
#: What happens when Looker cut the result at a limit; see `Decoding`.
OnTruncate: TypeAlias = Literal["warn", "raise", "ignore"]

#: What `Decoding.dtypes` may ask for, besides ``decimal128(precision, scale)``.
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
_DECIMAL = re.compile(r"decimal128\((\d{1,2}), ?(\d{1,2})\)", re.ASCII)
_PARTS: dict[str, Reader] = {"rendered": arrays.TEXT, "html": arrays.TEXT, "links": arrays.JSON_TEXT}
_NULL = "null"


@dataclass(frozen=True, slots=True)
class Pivot:
    """One value, or combination of values, that heads a group of columns.

    Attributes
    ----------
    key : str
        As Looker writes it in rows: ``"complete"``, ``"2024|FIELD|complete"``, ``"orders.status___null"``.
    values : tuple
        The JSON values of the pivoted dimensions, outermost first; None for null.
    is_total : bool
        Whether it stands for the totals of the rows.
    """

    key: str
    values: tuple[Any, ...]
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One column that a decoder reads.

    Attributes
    ----------
    field : Field
        What Looker says of it.
    reader : Reader
        How its values become an array.
    heading : tuple of str
        Its name's parts: of the field, then of each pivot value.
    name : str
        What it is called in the result; no other column is.
    part : {"value", "rendered", "html", "links"}
        Which member of the cells it has.
    pivot : Pivot or None
        The pivot that it belongs to.
    path : tuple of str
        The names of the JSON members that lead from a row to the value.
    """

    field: Field
    reader: Reader
    heading: tuple[str, ...]
    name: str
    part: Part = "value"
    pivot: Pivot | None = None
    path: tuple[str, ...] = ()

    def arrow_field(self, arrow_type: pa.DataType) -> pa.Field:
        """Make the column's Arrow field: nullable, with the LookML facts as metadata."""
        facts = self.field.arrow_metadata()
        if self.part != "value":
            facts[b"lookml.part"] = self.part.encode()
        if self.pivot is not None and not self.pivot.is_total:
            facts[b"lookml.pivot"] = json.dumps(self.pivot.values, ensure_ascii=False, default=str).encode()
        return pa.field(self.name, arrow_type, metadata=facts)


@dataclass(frozen=True, slots=True)
class Decoding:
    """What the caller decides about a result; Looker's metadata decides the rest.

    Attributes
    ----------
    numbers : {"auto", "float64", "decimal128"}
        Number dimensions: int64 if all values are written as integers, else float64; always float64; or exact. The
        last also holds for measures other than counts.
    dtypes : mapping of str to str or pyarrow.DataType
        Name of a field, or of one of its columns → type, where it shall be another than the LookML type gives.
    timestamps : {"naive", "aware", "utc"}
        Times as Looker writes them, the wall clock of the query's time zone; the same with that zone; or in UTC.
    names : {"field", "label", "label_short"}
        What columns are named by. Where two have one name, the later ones become ``Name_2``, ``Name_3``, ...
    cells : tuple of {"value", "rendered", "html", "links"}
        Which members of `json_detail`'s cells become columns.
    pivots : {"wide", "long"}
        A column for each pivoted measure and pivot value; or a row for each pivot value.
    on_truncate : {"warn", "raise", "ignore"}
        What happens at the end of the rows if Looker cut them at a limit.
    strict : bool
        Whether what describes the rows may hold nothing that its JSON Schema does not know.
    """

    numbers: Numbers = "auto"
    dtypes: Mapping[str, str | pa.DataType] = dataclass_field(default_factory=dict)
    timestamps: Timestamps = "naive"
    names: Names = "field"
    cells: Sequence[Part] = ("value",)
    pivots: Pivots = "wide"
    on_truncate: OnTruncate = "warn"
    strict: bool = False

    def __post_init__(self) -> None:
        given: Any = self.dtypes
        if not isinstance(given, Mapping):
            message = f"dtypes maps field names to types, as in {{'orders.id': 'int64'}}; met {self.dtypes!r}"
            raise ConfigError(message, setting="dtypes")
        for name, dtype in self.dtypes.items():
            _chosen(name, dtype)
        _refuse_unknown("numbers", self.numbers, Numbers)
        _refuse_unknown("timestamps", self.timestamps, Timestamps)
        _refuse_unknown("names", self.names, Names)
        _refuse_unknown("pivots", self.pivots, Pivots)
        _refuse_unknown("on_truncate", self.on_truncate, OnTruncate)
        cells: Any = self.cells
        if isinstance(cells, str) or not isinstance(cells, Sequence) or not cells:
            message = f"cells is a list of members of cells, as in ['value', 'rendered']; met {self.cells!r}"
            raise ConfigError(message, setting="cells")
        for place, part in enumerate(cells):
            _refuse_unknown("cells", part, Part)
            if part in cells[:place]:
                message = f"cells={cells!r} names {part!r} twice"
                raise ConfigError(message, setting="cells")

    def reader(self, field: Field, name: str, *, timezone: str | None) -> Reader:
        """Decide how the values of a field are read, in the column called `name`.

        Parameters
        ----------
        timezone
            Of the query: an IANA name.

        Raises
        ------
        ConfigError
            Times shall have a zone, and it is not known.
        """
        for key in (name, field.name):
            if key in self.dtypes:
                return _chosen(key, self.dtypes[key])
        reader = reader_of(field, self.numbers)
        if reader is not arrays.TIMESTAMP or self.timestamps == "naive" or field.convert_tz is False:
            return reader
        if timezone is None:
            message = (
                f"timestamps={self.timestamps!r} needs the time zone of the query, which this result does not name; "
                "json_detail does, and so does a query with query_timezone"
            )
            raise ConfigError(message, setting="timestamps")
        return arrays.zoned(timezone, utc=self.timestamps == "utc")

    def refuse_strangers(self, columns: Iterable[Column]) -> None:
        """Refuse `dtypes` for what is no column of the result: most likely misspelt.

        Raises
        ------
        ConfigError
            There are some.
        """
        if not self.dtypes:
            return
        names = list(dict.fromkeys(name for column in columns for name in (column.field.name, column.name)))
        for name in self.dtypes:
            if name not in names:
                alike = difflib.get_close_matches(str(name), names, n=1)
                hint = f"; did you mean {alike[0]!r}?" if alike else ""
                message = f"dtypes names {name!r}, which is no column of this result{hint}"
                raise ConfigError(message, setting="dtypes")

    def refuse_cells(self, result_format: str) -> None:
        """Refuse to look for what only the cells of `json_detail` hold.

        Raises
        ------
        ConfigError
            Other members of cells than values are asked for.
        """
        if tuple(self.cells) != ("value",):
            message = f"cells={list(self.cells)!r}: {result_format} has values alone; json_detail has the rest"
            raise ConfigError(message, setting="cells")

    def label(self, field: Field) -> str:
        """Name a field as `names` says; by its own name where Looker gives no label."""
        if self.names == "label":
            return field.label or field.name
        if self.names == "label_short":
            return field.label_short or field.label or field.name
        return field.name


def part_reader(part: Part) -> Reader:
    """Return how a member of cells other than the value is read."""
    return _PARTS[part]


def flat_name(heading: Sequence[str], part: Part) -> str:
    """Join the parts of a column's name: ``orders.count|complete``, ``orders.count|complete.rendered``."""
    name = "|".join(heading)
    return name if part == "value" else f"{name}.{part}"


def unique(names: Iterable[str]) -> list[str]:
    """Make names unique: the second ``Name`` becomes ``Name_2``, or the next number that is free."""
    given = list(names)
    taken = set(given)
    met: set[str] = set()
    found = []
    for name in given:
        free, number = name, 2
        while free in met or (free != name and free in taken):
            free, number = f"{name}_{number}", number + 1
        met.add(free)
        found.append(free)
    return found


def pivot_text(value: Any) -> str:
    """Spell a pivot's value for the name of a column."""
    if value is None:
        return _NULL
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _refuse_unknown(setting: str, value: Any, choices: Any) -> None:
    if value not in get_args(choices):
        known = ", ".join(map(repr, get_args(choices)))
        message = f"{setting}={value!r} is not known; give one of {known}"
        if setting == "pivots" and isinstance(value, list | tuple):
            message += "; fields to pivot by are those of a Query: lf.Query(..., pivots=[...])"
        raise ConfigError(message, setting=setting)


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
