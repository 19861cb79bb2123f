"""A LookML project as values: models, their explores, the views these are over, and the fields of the views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lookerframe.local.timeframes import Timeframe
    from lookerframe.local.value_formats import NumberFormat


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the project something is written."""

    file: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Field:
    """A dimension, one timeframe of a dimension group, or a measure.

    Attributes
    ----------
    view, name : str
        View, and name within it.
    type : str
        As the API names it: ``string``, ``date_month``, ``count``, ...
    sql : str
        As written, with its ``${references}``; empty for ``count``.
    timeframe : Timeframe or None
        How a time is cut.
    group : str or None
        Name of the dimension group that the timeframe belongs to.
    number_format : NumberFormat or None
        The parsed `value_format`.
    """

    view: str
    name: str
    type: str
    sql: str
    place: Place
    label: str
    view_label: str
    measure: bool = False
    timeframe: Timeframe | None = None
    group: str | None = None
    group_label: str | None = None
    variant: str | None = None
    description: str | None = None
    hidden: bool = False
    primary_key: bool = False
    convert_tz: bool = True
    datatype: str | None = None
    tags: tuple[str, ...] = ()
    value_format: str | None = None
    value_format_name: str | None = None
    number_format: NumberFormat | None = None
    drill_fields: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """``view.field``, as the API names it."""
        return f"{self.view}.{self.name}"

    @property
    def kind(self) -> str:
        """How values compare: ``string``, ``number``, ``yesno`` or ``datetime``."""
        if self.timeframe:
            return self.timeframe.kind
        if self.measure or self.type == "number":
            return "number"
        return "yesno" if self.type == "yesno" else "string"

    @property
    def is_numeric(self) -> bool:
        """Looker's own flag: false for every part of a date, numbers included (observed-payloads.md)."""
        return self.measure or self.type == "number"


@dataclass(frozen=True, slots=True)
class View:
    """A table and the fields over it."""

    name: str
    table: str
    fields: Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Explore:
    """What can be asked: a view under a name of its own."""

    name: str
    view: View
    place: Place
    label: str
    description: str | None = None
    hidden: bool = False
    group_label: str | None = None

    @property
    def fields(self) -> dict[str, Field]:
        """Every field by its full name."""
        return {item.full_name: item for item in self.view.fields.values()}


@dataclass(frozen=True, slots=True)
class Model:
    """One model file."""

    name: str
    connection: str
    label: str
    explores: Mapping[str, Explore]


@dataclass(frozen=True, slots=True)
class Project:
    """A folder of LookML."""

    name: str
    models: Mapping[str, Model]
