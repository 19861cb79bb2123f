"""Saved queries: bodies checked in full, one id for one body.

Sources: the ``Query`` schema; "the same object for the same parameters; queries are immutable" and ids that are slugs
(documented). What the local Looker cannot compute is refused when the query is created.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec

from lookerframe.local import filters
from lookerframe.local.compiler import Plan, Sort, compile_query
from lookerframe.local.custom import DynamicFields
from lookerframe.local.errors import Problem, invalid
from lookerframe.local.fills import can_fill
from lookerframe.local.layouts import DEFAULT_COLUMN_LIMIT, Layout, compile_layout
from lookerframe.local.references import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lookerframe.local.filters import Condition
    from lookerframe.local.project import Explore, Field, Project

#: Rows of a query that names no limit: the default of Looker's own pages; what the API does is not documented.
DEFAULT_LIMIT = 500
_UNLIMITED = -1
#: Values of ``row_total`` in LookML's dashboards; an empty one is "off".
_ROW_TOTALS = {"off": False, "right": True, "left": True}
_ID_LENGTH = 22
_MOST_DIGITS = 18
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

_TEXT = "a string"
_TEXTS = "an array of strings"
_OBJECT = "an object"
_FLAG = "true or false"
_NUMBER_OR_TEXT = "a whole number, as string"

#: Keys that a client may set, in the order of the API's schema, and what they hold.
_WRITABLE = {
    "model": _TEXT,
    "view": _TEXT,
    "fields": _TEXTS,
    "pivots": _TEXTS,
    "fill_fields": _TEXTS,
    "filters": _OBJECT,
    "filter_expression": _TEXT,
    "sorts": _TEXTS,
    "limit": _NUMBER_OR_TEXT,
    "column_limit": _NUMBER_OR_TEXT,
    "total": _FLAG,
    "row_total": _TEXT,
    "subtotals": _TEXTS,
    "vis_config": _OBJECT,
    "filter_config": _OBJECT,
    "visible_ui_sections": _TEXT,
    "dynamic_fields": _TEXT,
    "client_id": _TEXT,
    "query_timezone": _TEXT,
}


@dataclass(frozen=True, slots=True)
class Query:
    """A saved query that can be run.

    Attributes
    ----------
    id : str
        22 letters and digits, the same for the same `body`.
    body : mapping
        Every writable key that was sent; limits as text.
    explore : Explore
        With the custom fields of the query.
    filters : mapping of str to Condition
        The parsed ``filters``, by field.
    layout : Layout
        What is pivoted, totalled, filled and calculated.
    """

    id: str
    body: Mapping[str, Any]
    project: Project
    explore: Explore
    filters: Mapping[str, Condition]
    sorts: tuple[Sort, ...]
    limit: int | None
    timezone: str
    layout: Layout

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.body["model"])

    def plan(self, limit: int | None = None) -> Plan:
        """Compile the query; `limit`, if given, stands in for its own and -1 is all rows."""
        rows = self.limit if limit is None else None if limit == _UNLIMITED else limit
        if self.layout.is_plain:
            return self._compiled(self.body["fields"], rows)
        return compile_layout(self.layout, self._compiled, limit=rows, is_sorted=bool(self.sorts))

    def _compiled(self, names: Iterable[str], limit: int | None, default: tuple[Sort, ...] = ()) -> Plan:
        """Compile the query with some of its fields, over the joins of all; sorts on the others are left out."""
        selected = dict.fromkeys(names)
        return compile_query(
            self.explore,
            selected,
            joined=(name for name in self.body["fields"] if name in self.explore.fields),
            filters=self.filters,
            sorts=tuple(sort for sort in self.sorts or default if sort.field in selected),
            limit=limit,
            timezone=self.timezone,
        )

    def as_json(self, base_url: str) -> dict[str, Any]:
        """Write the query as the API does, read-only keys included."""
        url = self._explore_url()
        return {
            "can": {"index": True, "show": True, "create": True, "run": True, "download": True, "explore": True},
            "id": self.id,
            **{key: self.body.get(key) for key in _WRITABLE},
            "client_id": self.body.get("client_id") or self.id,
            "slug": self.id,
            "share_url": f"{base_url}/x/{self.id}",
            "expanded_share_url": f"{base_url}{url}",
            "url": url,
            "has_table_calculations": bool(self.layout.calculations),
        }

    def _explore_url(self) -> str:
        """Write the address of the explore page that spells the query out."""
        given = {
            "fields": ",".join(self.body["fields"]),
            **{f"f[{name}]": condition.text for name, condition in self.filters.items()},
            "pivots": ",".join(self.layout.pivot_names),
            "sorts": ",".join(map(str, self.sorts)),
            "limit": self.body.get("limit"),
            "query_timezone": self.body.get("query_timezone"),
        }
        path = "/".join(quote(str(self.body[key]), safe="") for key in ("model", "view"))
        return f"/explore/{path}?{urlencode({key: text for key, text in given.items() if text}, safe='[],')}"


class Queries:
    """The queries that were created, by id."""

    def __init__(self, project: Project, *, timezone: str, timezones: frozenset[str]) -> None:
        self._project = project
        self._timezone = timezone
        self._timezones = timezones
        self._saved: dict[str, Query] = {}
        self._lock = threading.Lock()

    def create(self, body: Any) -> Query:
        """Check `body` and save it; a body that was saved before gives the same query.

        Raises
        ------
        ApiError
            422, with everything that is wrong.
        """
        query = self.check(body)
        with self._lock:
            return self._saved.setdefault(query.id, query)

    def get(self, query_id: str) -> Query | None:
        """Find a query by its id, which is its slug."""
        return self._saved.get(query_id)

    def check(self, body: Any) -> Query:
        """Read a query without saving it."""
        if not isinstance(body, dict):
            raise invalid(
                Problem("body", f"the body is {_kind(body)}; expected a query, as in {{'model': 'flights', ...}}")
            )
        problems = [problem for key in _WRITABLE if (problem := _mistyped(key, body.get(key)))]
        problems += [
            Problem(key, f"'{key}' is required.", "missing_field") for key in ("model", "view") if not body.get(key)
        ]
        if problems:
            raise invalid(*problems)
        return self._check_names(
            {
                key: str(body[key]) if expected == _NUMBER_OR_TEXT else body[key]
                for key, expected in _WRITABLE.items()
                if body.get(key) is not None
            }
        )

    def _check_names(self, body: dict[str, Any]) -> Query:
        model = self._project.models.get(body["model"])
        if model is None:
            raise invalid(_unknown("model", body["model"], self._project.models))
        explore = model.explores.get(body["view"])
        if explore is None:
            raise invalid(_unknown("view", body["view"], model.explores, noun="explore"))
        timezone = body.get("query_timezone") or self._timezone
        reader = _Reader(explore, body, timezone if timezone in self._timezones else self._timezone)
        if timezone not in self._timezones:
            reader.problem("query_timezone", f"unknown time zone {timezone!r}; expected a name such as Europe/Berlin")
        reader.check_fields()
        conditions, sorts, limit = reader.filters(), reader.sorts(), reader.limit()
        layout = reader.layout(conditions)
        if reader.problems:
            raise invalid(*reader.problems)
        return Query(_slug(body), body, self._project, reader.explore, conditions, sorts, limit, timezone, layout)


class _Reader:
    """Reads the parts of one body and gathers what is wrong with them."""

    def __init__(self, explore: Explore, body: Mapping[str, Any], timezone: str) -> None:
        self.problems: list[Problem] = []
        self._body = body
        self._timezone = timezone
        self._dynamic = DynamicFields(body.get("dynamic_fields"), explore, self.problem)
        self.explore = self._dynamic.explore
        self._fields = self.explore.fields
        self._sort_columns: dict[str, int] = {}

    def problem(self, field: str, message: str) -> None:
        self.problems.append(Problem(field, message))

    def check_fields(self) -> None:
        names = self._body.get("fields") or []
        if all(map(self.calculates, names)):
            met = "only table calculations" if names else "nothing"
            self.problem("fields", f"the query selects {met}; name at least one field in 'fields'")
        for name in names:
            if not self.calculates(name):
                self._known("fields", name)
        if self._body.get("filter_expression"):
            self.problem("filter_expression", "'filter_expression' is not served by the local Looker; leave it out")

    def calculates(self, name: str) -> bool:
        """Tell whether `name` is a table calculation."""
        return name in self._dynamic.calculations

    def filters(self) -> dict[str, Condition]:
        found = {}
        for name, text in (self._body.get("filters") or {}).items():
            if not isinstance(text, str):
                self.problem("filters", f"filter on {name!r} is {_kind(text)}; expected a string")
            elif self._known("filters", name) and self._fields[name].type == "list":
                self.problem("filters", f"{name}: a filter on a measure of type list is not served")
            elif name in self._fields:
                try:
                    found[name] = filters.parse(self._fields[name], text, timezone=self._timezone)
                except filters.FilterError as exc:
                    self.problem("filters", f"{name}: {exc}")
        return found

    def sorts(self) -> tuple[Sort, ...]:
        found = []
        for text in self._body.get("sorts") or []:
            sort = _sort(text)
            if sort is None:
                self.problem("sorts", f"sort {text!r} is not one; expected 'view.field' or 'view.field desc'")
            elif sort.field not in (self._body.get("fields") or []):
                self.problem("sorts", f"sort {text!r} is on a field that the query does not select; add it to 'fields'")
            elif self.calculates(sort.field):
                self.problem("sorts", f"sort {text!r} is on a table calculation, which is not served; sort by a field")
            else:
                found.append(sort)
                self._sort_columns[sort.field] = _sort_column(text)
        return tuple(found)

    def layout(self, conditions: Mapping[str, Condition]) -> Layout:
        """Read what is pivoted, totalled, filled and calculated."""
        selected = [self._fields[name] for name in self._selected() if name in self._fields]
        pivots = self._pivots()
        rows = tuple(item for item in selected if not item.measure and item.full_name not in pivots)
        measures = tuple(item for item in selected if item.measure)
        if pivots and not measures:
            self.problem("pivots", "a query with pivots needs a measure; add one to 'fields'")
        total, row_total = bool(self._body.get("total")), self._row_total()
        subtotals = self._subtotals([item.full_name for item in rows])
        layout = Layout(
            rows,
            tuple(self._fields[name] for name in pivots),
            measures,
            sort_columns=self._sort_columns,
            total=total and bool(measures),
            row_total=row_total,
            subtotals=subtotals,
            column_limit=self._column_limit(),
            fill=self._fill(rows),
            calculations=self._dynamic.read([item.full_name for item in selected], pivots),
        )
        self._check_totals(layout, conditions)
        return layout

    def _selected(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._body.get("fields") or []))

    def _pivots(self) -> tuple[str, ...]:
        found = []
        for name in dict.fromkeys(self._body.get("pivots") or []):
            if name not in self._selected():
                self.problem("pivots", f"pivot on {name!r}, which the query does not select; add it to 'fields'")
            elif name in self._fields and self._fields[name].measure:
                self.problem("pivots", f"{name!r} is a measure; only dimensions can be pivoted")
            elif name in self._fields:
                found.append(name)
        return tuple(found)

    def _row_total(self) -> bool:
        text = self._body.get("row_total") or "off"
        if text not in _ROW_TOTALS:
            self.problem("row_total", f"'row_total' is {text!r}; expected {' or '.join(map(repr, _ROW_TOTALS))}")
        return _ROW_TOTALS.get(text, False)

    def _subtotals(self, rows: list[str]) -> tuple[tuple[str, ...], ...]:
        found = []
        for name in self._body.get("subtotals") or []:
            if name not in rows[:-1]:
                expected = f"one of {', '.join(rows[:-1])}" if rows[:-1] else "none, as there is nothing to group"
                self.problem("subtotals", f"cannot subtotal by {name!r}; expected {expected}")
            else:
                found.append(tuple(rows[: rows.index(name) + 1]))
        return tuple(sorted(set(found), key=len))

    def _fill(self, rows: tuple[Field, ...]) -> Field | None:
        names = self._body.get("fill_fields") or []
        if not names:
            return None
        if len(names) > 1 or [item.full_name for item in rows] != names:
            self.problem(
                "fill_fields", "only the one dimension of a query, unpivoted, can be filled by the local Looker"
            )
            return None
        if not can_fill(rows[0]):
            self.problem(
                "fill_fields", f"{names[0]!r} cannot be filled; its type {rows[0].type} does not say its values"
            )
        return rows[0]

    def _check_totals(self, layout: Layout, conditions: Mapping[str, Condition]) -> None:
        """Refuse totals of rows that a filter chose by their measures: no source says what they are totals of."""
        of_the_query = any(condition and condition.field.measure for condition in conditions.values())
        if not (of_the_query or self._filters_measures_always(conditions)):
            return
        asked = {"total": layout.total, "row_total": layout.row_total, "subtotals": bool(layout.subtotals)}
        for key, is_asked in asked.items():
            if is_asked:
                self.problem(key, f"'{key}' with a filter on a measure is not served by the local Looker")

    def _filters_measures_always(self, conditions: Mapping[str, Condition]) -> bool:
        """Whether the explore itself filters by a measure."""
        views = self.explore.views
        own = (resolve(name, None, views) for name in self.explore.always_filter if name not in conditions)
        return bool(self.explore.sql_always_having) or any(target and target.field.measure for target in own)

    def _column_limit(self) -> int:
        text = self._body.get("column_limit", str(DEFAULT_COLUMN_LIMIT)).strip()
        if not (_is_count(text) and int(text)):
            self.problem("column_limit", f"column limit {text!r} is not one; expected a whole number from 1 up")
            return DEFAULT_COLUMN_LIMIT
        return int(text)

    def limit(self) -> int | None:
        text = self._body.get("limit", str(DEFAULT_LIMIT)).strip()
        value = int(text) if _is_count(text.removeprefix("-")) else None
        if value is None or value < _UNLIMITED:
            self.problem("limit", f"limit {text!r} is not one; expected a whole number, or -1 for all rows")
            return None
        return None if value == _UNLIMITED else value

    def _known(self, key: str, name: str) -> bool:
        if name in self.explore.unusable:
            self.problem(
                key, f"field {name!r} cannot be used in explore {self.explore.name!r}: {self.explore.unusable[name]}"
            )
        elif name not in self._fields:
            self.problem(
                key, f"unknown field {name!r} in explore {self.explore.name!r} (model and view are case-sensitive)"
            )
        return name in self._fields


def _is_count(text: str) -> bool:
    """Whether a text is a whole number; what has more digits than 64 bits counts nothing."""
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _sort(text: str) -> Sort | None:
    name, *rest = text.split() or [""]
    if rest and _is_count(rest[-1]):
        rest.pop()
    direction = rest[0].lower() if len(rest) == 1 else ""
    if not name or (rest and direction not in ("asc", "desc")):
        return None
    return Sort(name, descending=direction == "desc")


def _sort_column(text: str) -> int:
    """Read the pivot that a sort on a measure counts by: the number at the end, the first if there is none."""
    last = text.rsplit(maxsplit=1)[-1]
    return int(last) if _is_count(last) else 0


def _mistyped(key: str, value: Any) -> Problem | None:
    expected = _WRITABLE[key]
    fits: dict[str, Callable[[Any], bool]] = {
        _TEXT: lambda found: isinstance(found, str),
        _TEXTS: lambda found: isinstance(found, list) and all(isinstance(item, str) for item in found),
        _OBJECT: lambda found: isinstance(found, dict),
        _FLAG: lambda found: isinstance(found, bool),
        _NUMBER_OR_TEXT: lambda found: isinstance(found, str) or (type(found) is int and abs(found) < 10**_MOST_DIGITS),
    }
    if value is None or fits[expected](value):
        return None
    return Problem(key, f"'{key}' is {_kind(value)}; expected {expected}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _unknown(field: str, name: str, known: Mapping[str, Any], *, noun: str | None = None) -> Problem:
    return Problem(field, f"unknown {noun or field} {name!r}; known: {', '.join(sorted(known))}")


def _slug(body: Mapping[str, Any]) -> str:
    # `client_id` is a name for the address of the query, not a part of what it asks; what is empty asks nothing.
    asked = {key: value for key, value in body.items() if key != "client_id" and value not in ({}, [], "", False)}
    number = int.from_bytes(hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).digest())
    digits = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(digits)
