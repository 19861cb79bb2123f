"""A query over an explore -> one SELECT in DuckDB's dialect, laid out as Looker lays out its SQL.

Looker's rules that are kept: dimensions before measures; only those joins that a query needs; rows grouped by every
dimension, unless there is no measure and a primary key that tells the rows apart is among them; one sort if none was
asked for: the first date descending, else the first measure descending, else the first dimension ascending (documented;
the recorded payloads agree, see ``added_params``).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from lookerframe.local import filters as language
from lookerframe.local.dimensions import quoted
from lookerframe.local.joins import KEYWORDS, may_lack, needed, repeats
from lookerframe.local.measures import aggregate, needs_key, refers_to_measures
from lookerframe.local.references import REFERENCE, TABLE, TABLE_NAME, Target, resolve, views_needed, views_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from lookerframe.local.filters import Condition
    from lookerframe.local.project import Explore, Field, Join, View


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
    joined: Iterable[str] = (),
    dynamic: Mapping[str, Field] = MappingProxyType({}),
    now: dt.datetime | None = None,
) -> Plan:
    """Compile a query whose names are known to exist in `explore`, or are among the `dynamic` fields of the query.

    `joined` are fields that are joined without being selected: totals are over the rows that they leave or repeat, too.
    `now` is the time that filters such as ``7 days`` count from, where the LookML itself has them.
    """
    known = {**explore.fields, **dynamic}
    asked = [known[name] for name in dict.fromkeys(fields)]
    selected = (*(item for item in asked if not item.measure), *(item for item in asked if item.measure))
    conditions = _conditions(explore, filters, timezone, now)
    joins = needed(explore, _views(explore, (*selected, *(known[name] for name in joined)), conditions))
    compiler = _Compiler(explore, joins, timezone, now)
    order = sorts or (_default_sort(selected),)
    having = compiler.conditions(conditions, explore.sql_always_having, measures=True)
    sql = "\n".join(
        [
            *compiler.derived_tables(),
            "SELECT",
            ",\n".join(f'    {compiler.selection(item)} AS "{item.full_name}"' for item in selected),
            *compiler.tables(),
            *_clause("WHERE", compiler.conditions(conditions, explore.sql_always_where, measures=False)),
            *compiler.group_by(selected, having),
            *_clause("HAVING", having),
            "ORDER BY",
            ",\n".join(f"    {_order_term(sort, selected)}" for sort in order),
            *(() if limit is None else (f"LIMIT {limit}",)),
        ]
    )
    return Plan(sql, selected, order, added_sort=not sorts, limit=limit, timezone=timezone)


def _conditions(
    explore: Explore, given: Mapping[str, Condition], timezone: str, now: dt.datetime | None
) -> list[Condition]:
    """Add the explore's own filters on fields that the query does not filter; leave out those that say nothing."""
    found = list(given.values())
    for name, text in explore.always_filter.items():
        target = resolve(name, None, explore.views)
        if target and name not in given:
            found.append(language.parse(target.field, text, timezone=timezone, now=now))
    return [condition for condition in found if condition]


def _views(explore: Explore, selected: Iterable[Field], conditions: Iterable[Condition]) -> set[str]:
    found = views_of(f"{explore.sql_always_where or ''} {explore.sql_always_having or ''}", explore)
    for item in (*selected, *(condition.field for condition in conditions)):
        found |= views_needed(Target(item, None), explore)
    return found


class _Compiler:
    """Writes the fields of one explore as SQL, with the joins of one query, in one time zone."""

    def __init__(self, explore: Explore, joins: list[Join], timezone: str, now: dt.datetime | None) -> None:
        self._explore = explore
        self._views = explore.views
        self._joins = joins
        self._timezone = timezone
        self._now = now

    def selection(self, item: Field) -> str:
        """Write a field as a column of the result."""
        expression = self.expression(item)
        if item.kind == "yesno":
            return f"CASE WHEN {expression} THEN 'Yes' ELSE 'No' END"
        return expression

    def expression(self, item: Field) -> str:
        """Write a field as other SQL refers to it: a yesno is its condition."""
        inner = self._inner(item)
        if item.timeframe is None or item.timeframe.is_raw:
            return inner
        local = self._local(_timestamp(inner, item), item)
        if item.timeframe.fiscal and self._explore.fiscal_month_offset:
            local = f"({local} - INTERVAL '{self._explore.fiscal_month_offset} months')"
        return item.timeframe.sql.format(local)

    def tables(self) -> list[str]:
        """Write what the query reads."""
        base = self._explore.view
        lines = [f"FROM {base.table}  AS {base.name}"]
        for join in self._joins:
            line = f"{KEYWORDS[join.type]} {join.view.table}  AS {join.name}"
            lines.append(f"{line} ON {self._resolved(join.sql_on, None)}" if join.sql_on else line)
        return lines

    def derived_tables(self) -> list[str]:
        """Write the derived tables that the query reads, each after those that it reads itself."""
        found: dict[str, str] = {}

        def add(view: View) -> None:
            if view.derived is None or view.table in found:
                return
            for name in REFERENCE.findall(view.derived):
                inner = self._explore.tables.get(name.removesuffix(TABLE_NAME))
                if inner:
                    add(inner)
            found[view.table] = self._resolved(view.derived, view)

        used = [self._explore.view, *(join.view for join in self._joins)]
        texts = [self._explore.sql_always_where or "", *(join.sql_on or "" for join in self._joins)]
        texts += [item.expression for view in used for item in view.fields.values()]
        named = [name.removesuffix(TABLE_NAME) for text in texts for name in REFERENCE.findall(text)]
        for view in (*used, *(self._explore.tables[name] for name in named if name in self._explore.tables)):
            add(view)
        if not found:
            return []
        return ["WITH " + ",\n".join(f"{name} AS (\n{sql}\n)" for name, sql in found.items())]

    def conditions(self, conditions: list[Condition], always: str | None, *, measures: bool) -> list[str]:
        """Write the filters on dimensions (``WHERE``) or on measures (``HAVING``)."""
        written = [self._condition(item) for item in conditions if item.field.measure == measures]
        return [*written, *([f"({self._resolved(always, None)})"] if always else [])]

    def group_by(self, selected: tuple[Field, ...], having: list[str]) -> tuple[str, ...]:
        """Group by every dimension, unless the rows are told apart by a primary key that is there once."""
        dimensions = [item for item in selected if not item.measure]
        if not dimensions:
            return ()
        if len(dimensions) == len(selected) and not having and any(map(self._tells_rows, dimensions)):
            return ()
        return ("GROUP BY", ",\n".join(f"    {position}" for position, _ in enumerate(dimensions, 1)))

    def _tells_rows(self, item: Field) -> bool:
        return item.primary_key and not (self._repeats(item.view) or may_lack(self._explore, item.view, self._joins))

    def _repeats(self, view: str) -> bool:
        return repeats(self._explore, view, self._joins)

    def _aggregate(self, item: Field) -> str:
        view = self._views[item.view]
        value = self._resolved(item.expression, view)
        if refers_to_measures(item):
            return value
        repeated, key = self._repeats(item.view), None
        if item.distinct_key:
            repeated, key = True, self._resolved(item.distinct_key, view)
        elif needs_key(item) and (repeated or may_lack(self._explore, item.view, self._joins)):
            key = self.expression(view.primary_key) if view.primary_key else None
        condition = " AND ".join(map(self._condition, self._filters(item, view)))
        return aggregate(item, value, key=key, condition=condition or None, repeated=repeated)

    def _filters(self, item: Field, view: View) -> list[Condition]:
        found = []
        for name, text in item.filters:
            target = resolve(name, view, self._views)
            if target:
                found.append(language.parse(target.field, text, timezone=self._timezone, now=self._now))
        return [condition for condition in found if condition]

    def _condition(self, condition: Condition) -> str:
        item = condition.field
        if not condition.on_stored_value:
            return condition.sql(self.expression(item))
        return condition.sql(_timestamp(self._inner(item), item))

    def _inner(self, item: Field) -> str:
        """Write a field before a time is cut."""
        return self._aggregate(item) if item.measure else self._resolved(item.expression, self._views[item.view])

    def _resolved(self, text: str, view: View | None) -> str:
        return REFERENCE.sub(lambda match: self._referred(match[1], view), text)

    def _referred(self, name: str, view: View | None) -> str:
        if name == TABLE and view:
            return view.name
        if name.endswith(TABLE_NAME):
            return self._explore.tables[name.removesuffix(TABLE_NAME)].table
        target = resolve(name, view, self._views)
        if target is None:  # checked when the explore was read
            raise KeyError(name)
        if target.part:
            return f"({self._resolved(target.expression, self._views[target.field.view])})"
        return f"({self.expression(target.field)})"

    def _local(self, expression: str, item: Field) -> str:
        # A TIMESTAMP without zone is in the connection's zone, UTC; the cast makes both kinds the same point in time.
        if item.convert_tz:
            return f"timezone('{self._timezone}', ({expression} )::TIMESTAMPTZ)"
        return f"({expression} )::TIMESTAMP"


def _timestamp(expression: str, item: Field) -> str:
    """Read a column that holds times as numbers."""
    if item.datatype == "epoch":
        return f"TO_TIMESTAMP({expression} )"
    if item.datatype == "yyyymmdd":
        return f"STRPTIME(CAST({expression} AS VARCHAR), '%Y%m%d')"
    return expression


def _default_sort(selected: tuple[Field, ...]) -> Sort:
    for item in selected:
        if item.kind == "datetime" and not item.measure:
            return Sort(item.full_name, descending=True)
    for item in selected:
        if item.measure:
            return Sort(item.full_name, descending=True)
    return Sort(selected[0].full_name)


def _order_term(sort: Sort, selected: tuple[Field, ...]) -> str:
    position, item = next((n, item) for n, item in enumerate(selected, 1) if item.full_name == sort.field)
    term = str(position)
    if item.order:
        # Weekdays, months and tiers are ordered as the calendar or the LookML has them, not by their letters.
        values = ", ".join(map(quoted, item.order))
        term = f'LIST_POSITION([{values}], "{item.full_name}")'
    return f"{term} DESC" if sort.descending else term


def _clause(keyword: str, conditions: list[str]) -> tuple[str, ...]:
    return (f"{keyword} " + " AND ".join(conditions),) if conditions else ()
