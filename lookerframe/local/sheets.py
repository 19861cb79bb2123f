"""A result as formats write it: columns in order, pivots spread over them, totals and subtotals beside the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lookerframe.local.cells import json_value

if TYPE_CHECKING:
    import pyarrow as pa

    from lookerframe.local.project import Field
    from lookerframe.local.value_formats import NumberFormat

#: Key of the column that totals a row over its pivots (observed).
ROW_TOTAL = "$$$_row_total_$$$"
_SEPARATOR = "|FIELD|"


@dataclass(frozen=True, slots=True)
class Shown:
    """What formats need to know of a field of the explore, or of a table calculation.

    Attributes
    ----------
    name, label : str
        In the API, and in the heading of a table.
    measure : bool
        Whether it is a measure, or computed from one.
    number_format : NumberFormat or None
        How its numbers are rendered.
    field : Field or None
        None for a table calculation.
    """

    name: str
    label: str
    measure: bool
    is_numeric: bool
    number_format: NumberFormat | None
    field: Field | None = None

    @classmethod
    def of(cls, field: Field) -> Shown:
        """Describe a field of the explore; its label is that of ``fields``."""
        label = f"{field.view_label} {field.label}".strip()
        return cls(field.full_name, label, field.measure, field.is_numeric, field.number_format, field)

    @property
    def is_calculation(self) -> bool:
        """Whether it is computed from the rows of the result."""
        return self.field is None


@dataclass(frozen=True, slots=True)
class Pivot:
    """One column of a pivoted result.

    Attributes
    ----------
    values : tuple
        Values of the pivot fields, as JSON has them; nulls for the total of the row.
    key : str
        What cells are found under.
    """

    key: str
    values: tuple[Any, ...]
    is_total: bool = False

    @classmethod
    def of(cls, names: tuple[str, ...], raw: tuple[Any, ...]) -> Pivot:
        """Make the pivot of some values of the database; keys as observed."""
        values = tuple(map(json_value, raw))
        parts = (f"{name}___null" if value is None else str(value) for name, value in zip(names, values, strict=True))
        return cls(_SEPARATOR.join(parts), values)

    @classmethod
    def row_total(cls, names: tuple[str, ...]) -> Pivot:
        """Make the pivot that totals the others."""
        return cls(ROW_TOTAL, (None,) * len(names), is_total=True)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the sheet's tables, at the same place."""

    shown: Shown
    pivot: Pivot | None = None


@dataclass(frozen=True, slots=True)
class Subtotals:
    """Rows grouped by the first dimensions only: the others are null in `table`."""

    fields: tuple[str, ...]
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Sheet:
    """A finished result.

    Attributes
    ----------
    table, totals : pyarrow.Table
        The rows, and one row of totals if the query asked for it; both with a column for each of `columns`.
    pivots : tuple of Pivot
        In the order of their columns, the total of the row last; empty without pivots.
    truncated, columns_truncated : bool
        Whether the rows or the pivots reach their limit.
    """

    table: pa.Table
    columns: tuple[Column, ...]
    pivots: tuple[Pivot, ...] = ()
    totals: pa.Table | None = None
    subtotals: tuple[Subtotals, ...] = ()
    truncated: bool = False
    columns_truncated: bool = False
