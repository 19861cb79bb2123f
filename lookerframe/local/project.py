"""A LookML project as values: models, their explores, the views these are over, and the fields of the views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lookerframe.local.timeframes import Timeframe
    from lookerframe.local.value_formats import NumberFormat

_MEASURES_OF_TEXT = {"string", "list", "yesno", "date"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the project something is written."""

    file: str
    line: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of a cell's menu; its texts may have Liquid in them."""

    label: str
    url: str
    icon_url: str | None = None


@dataclass(frozen=True, slots=True)
class Enumeration:
    """One of the values that a dimension can have, in the order they are sorted by.

    Attributes
    ----------
    condition : str or None
        The SQL of a ``when``.
    """

    label: str
    condition: str | None = None


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
    formula : str or None
        What is computed, with ``${references}``, where that is not `sql` itself (tiers, cases, durations, ...).
    parts : mapping
        SQL of ``latitude`` and ``longitude`` of a location; ``${location::latitude}`` refers to one.
    enumerations : tuple of Enumeration
        Every value of a tier, a bin or a ``case``.
    filters : tuple of (str, str)
        Of a measure: field, as written, and filter expression.
    distinct_key : str or None
        ``sql_distinct_key`` of a measure.
    percentile : float or None
        Of a measure of type ``percentile``: 0 to 1.
    html, links
        How cells are shown; with Liquid.
    dynamic : bool
        Made by a query (``dynamic_fields``), so its name has no view in front.
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
    formula: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    enumerations: tuple[Enumeration, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    distinct_key: str | None = None
    percentile: float | None = None
    html: str | None = None
    links: tuple[Link, ...] = ()
    suggestions: tuple[str, ...] = ()
    dynamic: bool = False

    @property
    def full_name(self) -> str:
        """``view.field``, as the API names it."""
        return self.name if self.dynamic else f"{self.view}.{self.name}"

    @property
    def expression(self) -> str:
        """What is computed, with its ``${references}``."""
        return self.sql if self.formula is None else self.formula

    @property
    def order(self) -> tuple[str, ...]:
        """The values in the order they are sorted by, where that is not their own order."""
        if self.timeframe:
            return self.timeframe.order
        return tuple(item.label for item in self.enumerations)

    def sort_value(self, value: object) -> str | None:
        """Give the place of `value` in `order` as the cells of tiers carry it, ``00`` being the first (recorded)."""
        if not self.enumerations or value not in self.order:
            return None
        return f"{self.order.index(value):02}"

    @property
    def kind(self) -> str:
        """How values compare: ``string``, ``number``, ``yesno`` or ``datetime``."""
        if self.timeframe:
            return self.timeframe.kind
        if self.is_numeric:
            return "number"
        return "yesno" if self.type == "yesno" else "string"

    @property
    def is_numeric(self) -> bool:
        """Looker's own flag: false for every part of a date, numbers included (recorded)."""
        if self.measure:
            return self.type not in _MEASURES_OF_TEXT
        return self.type in ("number", "distance") or self.type.startswith("duration_")


@dataclass(frozen=True, slots=True)
class View:
    """A table and the fields over it.

    Attributes
    ----------
    name : str
        What an explore calls it, which is also the table's alias in SQL.
    table : str
        The table as SQL names it; for a derived table, the name of its common table expression.
    label : str
        What readers call it.
    defined : str
        What its own LookML calls it.
    derived : str or None
        The SQL of a derived table, with its ``${view.SQL_TABLE_NAME}``.
    sets : mapping
        Names of fields, as written, by name of the set.
    """

    name: str
    table: str
    fields: Mapping[str, Field]
    place: Place
    label: str
    defined: str
    derived: str | None = None
    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def primary_key(self) -> Field | None:
        """The dimension that tells its rows apart."""
        return next((item for item in self.fields.values() if item.primary_key), None)


@dataclass(frozen=True, slots=True)
class Join:
    """A view that is joined to an explore.

    Attributes
    ----------
    type : {"left_outer", "inner", "full_outer", "cross"}
        As LookML spells it.
    relationship : {"many_to_one", "one_to_one", "one_to_many", "many_to_many"}
        Rows of `parents` to rows of `view`.
    sql_on : str or None
        The condition, with its ``${references}``.
    parents : tuple of str
        The views that the condition is about, besides this one.
    required : tuple of str
        Joins that have to come before it: ``required_joins`` and `parents`.
    written : mapping
        Its parameters as the LookML has them.
    """

    view: View
    type: str
    relationship: str
    sql_on: str | None
    parents: tuple[str, ...]
    required: tuple[str, ...]
    place: Place
    written: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the explore calls the view."""
        return self.view.name


@dataclass(frozen=True, slots=True)
class Explore:
    """What can be asked: a view under a name of its own, and the views joined to it.

    Attributes
    ----------
    fields : mapping
        Every field that can be asked for, by its full name.
    tables : mapping
        What ``${view.SQL_TABLE_NAME}`` stands for: every view of the model, by its own name.
    unusable : mapping
        Why fields cannot be asked for that refer to views which are joined elsewhere, but not here; by full name.
    always_filter : mapping
        Filter expressions of fields that a query does not filter itself, by full name.
    """

    name: str
    view: View
    place: Place
    label: str
    fields: Mapping[str, Field]
    tables: Mapping[str, View]
    joins: tuple[Join, ...] = ()
    description: str | None = None
    hidden: bool = False
    group_label: str | None = None
    tags: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)
    always_filter: Mapping[str, str] = field(default_factory=dict)
    always_join: tuple[str, ...] = ()
    fiscal_month_offset: int = 0
    sql_always_where: str | None = None
    sql_always_having: str | None = None

    @property
    def views(self) -> dict[str, View]:
        """The view and all that are joined to it, by name."""
        return {self.view.name: self.view, **{join.name: join.view for join in self.joins}}


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
