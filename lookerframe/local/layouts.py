"""How the rows of a query are laid out: what is pivoted, totalled, filled and calculated, and the SQL that this takes.

Totals and subtotals are grouped by the database, not added up from the rows, so that averages and distinct counts are
right. The groupings of one query are one statement, told apart by a column; each is compiled as a query of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from lookerframe.local.compiler import Sort

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lookerframe.local.calculations import Node
    from lookerframe.local.compiler import Plan
    from lookerframe.local.project import Field
    from lookerframe.local.value_formats import NumberFormat

#: Pivots of a query that names no limit: that of Looker's own pages; what the API does is not documented.
DEFAULT_COLUMN_LIMIT = 50

#: Column that tells the groupings of a statement apart; no field has such a name.
PART = "$part"


@dataclass(frozen=True, slots=True)
class Calculation:
    """A table calculation.

    Attributes
    ----------
    type : str
        ``number``, ``string`` or ``yesno``.
    measure : bool
        Whether it is computed from measures; over pivots it then has a value for each.
    """

    name: str
    label: str
    expression: str
    node: Node
    measure: bool
    value_format: str | None = None
    number_format: NumberFormat | None = None

    @property
    def type(self) -> str:
        """``number``, ``string`` or ``yesno``."""
        return "string" if self.node.type == "any" else self.node.type


@dataclass(frozen=True, slots=True)
class Part:
    """One grouping: the dimensions that rows are told apart by, and whether by the pivots as well."""

    dimensions: tuple[str, ...]
    pivoted: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """What a query asks for beside fields, filters, sorts and a limit.

    Attributes
    ----------
    rows, pivots, measures : tuple of Field
        The selected fields by what they do.
    sort_columns : mapping of str to int
        For each measure that is sorted by, the pivot whose values count, from 0.
    subtotals : tuple of tuple of str
        The first dimensions, for each subtotal.
    fill : Field or None
        The dimension whose gaps are filled.
    """

    rows: tuple[Field, ...]
    pivots: tuple[Field, ...] = ()
    measures: tuple[Field, ...] = ()
    sort_columns: Mapping[str, int] = field(default_factory=dict)
    total: bool = False
    row_total: bool = False
    subtotals: tuple[tuple[str, ...], ...] = ()
    column_limit: int = DEFAULT_COLUMN_LIMIT
    fill: Field | None = None
    calculations: tuple[Calculation, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the rows of the database are the rows of the result."""
        return not (self.pivots or self.total or self.subtotals or self.fill or self.calculations)

    @property
    def row_names(self) -> tuple[str, ...]:
        """Names of the dimensions that tell rows apart."""
        return tuple(item.full_name for item in self.rows)

    @property
    def pivot_names(self) -> tuple[str, ...]:
        """Names of the pivot fields, in the order of the query."""
        return tuple(item.full_name for item in self.pivots)

    def parts(self) -> tuple[Part, ...]:
        """List the groupings, that of the rows first."""
        groups = [self.row_names, *self.subtotals, *([()] if self.total else [])]
        return tuple(
            dict.fromkeys(
                Part(group, pivoted)
                for group in groups
                for pivoted in ([True] if self.pivots else []) + ([False] if self.row_total or not self.pivots else [])
            )
        )

    def sort_text(self, sort: Sort) -> str:
        """Write a sort as ``added_params`` does: that of a pivoted measure names its column."""
        column = self.sort_columns.get(sort.field, 0)
        is_measure = any(item.full_name == sort.field for item in self.measures)
        return f"{sort} {column}" if self.pivots and is_measure else str(sort)


class CompilePart(Protocol):
    """Compiles a query with the same filters and, on these fields, the same sorts as another."""

    def __call__(self, names: Iterable[str], limit: int | None, default: tuple[Sort, ...] = ()) -> Plan:
        """Compile it with these fields; `default` is the order if the query names none."""
        ...


def compile_layout(layout: Layout, compile_part: CompilePart, *, limit: int | None, is_sorted: bool) -> Plan:
    """Compile every grouping of a query to one statement.

    Parameters
    ----------
    limit : int or None
        Most rows of the result; with pivots a row of the result takes many of the database.
    is_sorted : bool
        Whether the query says how it is sorted; if not, rows with subtotals are in the order of these (recorded).
    """
    measures = tuple(item.full_name for item in layout.measures)
    rows, pivots = layout.row_names, layout.pivot_names
    default = tuple(Sort(name) for name in layout.subtotals[-1]) if layout.subtotals else ()
    main = compile_part((*rows, *pivots, *measures), None if layout.pivots else limit, default)
    if layout.pivots:
        order = main.sorts if is_sorted else compile_part((*rows, *measures), None, default).sorts
        missing = tuple(Sort(name) for name in pivots if name not in {sort.field for sort in order})
        main = replace(main, sorts=(*order, *missing), limit=limit)
    statements = [main.sql] + [
        compile_part((*part.dimensions, *(pivots if part.pivoted else ()), *measures), None, default).sql
        for part in layout.parts()[1:]
    ]
    sql = statements[0] if len(statements) == 1 else _united(statements)
    return replace(main, sql=f"{_note(layout)}{sql}", added_sort=not is_sorted)


def _united(statements: list[str]) -> str:
    names = [f'"part_{number}"' for number, _ in enumerate(statements)]
    bodies = ",\n".join(f"{name} AS (\n{sql}\n)" for name, sql in zip(names, statements, strict=True))
    selects = [f'SELECT {number} AS "{PART}", * FROM {name}' for number, name in enumerate(names)]  # noqa: S608
    return f"WITH {bodies}\n" + "\nUNION ALL BY NAME\n".join(selects)


def _note(layout: Layout) -> str:
    """Say what the SQL does not do, in the words of a recorded payload."""
    if layout.fill is None:
        return ""
    return f"-- raw sql results do not include filled-in values for '{layout.fill.full_name}'\n\n\n"
