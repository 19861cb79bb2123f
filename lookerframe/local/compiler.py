"""A query over an explore -> one SELECT in DuckDB's dialect, laid out as Looker lays out its SQL.

Looker's rules that are kept: dimensions before measures; rows grouped by every dimension, unless there is no measure
and the primary key is among them; one sort if none was asked for: the first date descending, else the first measure
descending, else the first dimension ascending (documented; the recorded payloads agree, see ``added_params``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lookerframe.local.views import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lookerframe.local.filters import Condition
    from lookerframe.local.project import Explore, Field

_AGGREGATES = {
    "count": "COUNT(*)",
    "count_distinct": "COUNT(DISTINCT {0} )",
    "sum": "COALESCE(SUM({0} ), 0)",
    "average": "AVG({0} )",
    "min": "MIN({0} )",
    "max": "MAX({0} )",
}


@dataclass(frozen=True, slots=True)
class Sort:
    """Order by one selected field."""

    field: str
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.field} desc" if self.descending else self.field


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled query.

    Attributes
    ----------
    sql : str
        What runs, and what the payload carries: lines of errors count in it.
    fields : tuple of Field
        One for each column of the result, in its order.
    sorts : tuple of Sort
        What the rows are ordered by.
    added_sort : bool
        Whether the order is the default one, because none was asked for.
    limit : int or None
        Most rows; None is all.
    """

    sql: str
    fields: tuple[Field, ...]
    sorts: tuple[Sort, ...]
    added_sort: bool
    limit: int | None
    timezone: str


def compile_query(
    explore: Explore,
    fields: Iterable[str],
    *,
    filters: Mapping[str, Condition],
    sorts: tuple[Sort, ...],
    limit: int | None,
    timezone: str,
) -> Plan:
    """Compile a query whose names are known to exist in `explore`."""
    known = explore.fields
    asked = [known[name] for name in dict.fromkeys(fields)]
    selected = (*(item for item in asked if not item.measure), *(item for item in asked if item.measure))
    compiler = _Compiler(explore, timezone)
    order = sorts or (_default_sort(selected),)
    sql = "\n".join(
        [
            "SELECT",
            ",\n".join(f'    {compiler.selection(item)} AS "{item.full_name}"' for item in selected),
            f"FROM {explore.view.table}  AS {explore.view.name}",
            *_clause("WHERE", compiler.conditions(filters, measures=False)),
            *_group_by(selected),
            *_clause("HAVING", compiler.conditions(filters, measures=True)),
            "ORDER BY",
            ",\n".join(f"    {_order_term(sort, selected)}" for sort in order),
            *(() if limit is None else (f"LIMIT {limit}",)),
        ]
    )
    return Plan(sql, selected, order, added_sort=not sorts, limit=limit, timezone=timezone)


class _Compiler:
    """Writes the fields of one explore as SQL, in one time zone."""

    def __init__(self, explore: Explore, timezone: str) -> None:
        self._view = explore.view
        self._timezone = timezone

    def selection(self, item: Field) -> str:
        """Write a field as a column of the result."""
        expression = self.expression(item)
        if item.kind == "yesno":
            return f"CASE WHEN {expression} THEN 'Yes' ELSE 'No' END"
        return expression

    def expression(self, item: Field) -> str:
        """Write a field as other SQL refers to it: a yesno is its condition."""
        inner = REFERENCE.sub(lambda match: self._referred(match[1]), item.sql)
        if item.measure:
            return _AGGREGATES[item.type].format(inner)
        if item.timeframe is None or item.timeframe.is_raw:
            return inner
        return item.timeframe.sql.format(self._local(inner, item))

    def conditions(self, filters: Mapping[str, Condition], *, measures: bool) -> list[str]:
        """Write the filters on dimensions (``WHERE``) or on measures (``HAVING``)."""
        return [
            condition.sql(self.expression(condition.field))
            for condition in filters.values()
            if condition.field.measure == measures and condition.values
        ]

    def _referred(self, name: str) -> str:
        if name == "TABLE":
            return self._view.name
        # A view may be known under another name in the explore, so only what follows the dot tells the field.
        return f"({self.expression(self._view.fields[name.rpartition('.')[2]])})"

    def _local(self, expression: str, item: Field) -> str:
        # A TIMESTAMP without zone is in the connection's zone, UTC; the cast makes both kinds the same point in time.
        if item.convert_tz:
            return f"timezone('{self._timezone}', ({expression} )::TIMESTAMPTZ)"
        return f"({expression} )::TIMESTAMP"


def _default_sort(selected: tuple[Field, ...]) -> Sort:
    for item in selected:
        if item.kind == "datetime":
            return Sort(item.full_name, descending=True)
    for item in selected:
        if item.measure:
            return Sort(item.full_name, descending=True)
    return Sort(selected[0].full_name)


def _group_by(selected: tuple[Field, ...]) -> tuple[str, ...]:
    dimensions = [item for item in selected if not item.measure]
    if not dimensions:
        return ()
    if len(dimensions) == len(selected) and any(item.primary_key for item in dimensions):
        return ()
    return ("GROUP BY", ",\n".join(f"    {position}" for position, _ in enumerate(dimensions, 1)))


def _order_term(sort: Sort, selected: tuple[Field, ...]) -> str:
    position, item = next((n, item) for n, item in enumerate(selected, 1) if item.full_name == sort.field)
    term = str(position)
    if item.timeframe and item.timeframe.order:
        # Weekdays and months are ordered as the calendar has them, not by their letters.
        values = ", ".join(f"'{value}'" for value in item.timeframe.order)
        term = f'LIST_POSITION([{values}], "{item.full_name}")'
    return f"{term} DESC" if sort.descending else term


def _clause(keyword: str, conditions: list[str]) -> tuple[str, ...]:
    return (f"{keyword} " + " AND ".join(conditions),) if conditions else ()
