"""Saved queries: bodies checked in full, one id for one body.

Sources: the ``Query`` schema; "the same object for the same parameters; queries are immutable" and ids that are slugs
(looker-api.md §5.1). What the local Looker cannot compute yet is refused when the query is created.
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
from lookerframe.local.errors import Problem, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lookerframe.local.filters import Condition
    from lookerframe.local.project import Explore, Project

#: Rows of a query that names no limit: the default of Looker's own pages; what the API does is not documented.
DEFAULT_LIMIT = 500
_UNLIMITED = -1
_ID_LENGTH = 22
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

#: Values that ask for nothing; anything else in these keys would change the result.
_UNSERVED: dict[str, tuple[Any, ...]] = {
    "pivots": (None, []),
    "fill_fields": (None, []),
    "filter_expression": (None, ""),
    "total": (None, False),
    "row_total": (None, "", "off"),
    "subtotals": (None, []),
    "dynamic_fields": (None, "", "[]"),
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
    filters : mapping of str to Condition
        The parsed ``filters``, by field.
    """

    id: str
    body: Mapping[str, Any]
    project: Project
    explore: Explore
    filters: Mapping[str, Condition]
    sorts: tuple[Sort, ...]
    limit: int | None
    timezone: str

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.body["model"])

    def plan(self, limit: int | None = None) -> Plan:
        """Compile the query; `limit`, if given, stands in for its own and -1 is all rows."""
        rows = self.limit if limit is None else None if limit == _UNLIMITED else limit
        return compile_query(
            self.explore,
            self.body["fields"],
            filters=self.filters,
            sorts=self.sorts,
            limit=rows,
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
            "has_table_calculations": False,
        }

    def _explore_url(self) -> str:
        """Write the address of the explore page that spells the query out."""
        given = {
            "fields": ",".join(self.body["fields"]),
            **{f"f[{name}]": condition.text for name, condition in self.filters.items()},
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
        reader = _Reader(explore, body)
        timezone = body.get("query_timezone") or self._timezone
        if timezone not in self._timezones:
            reader.problem("query_timezone", f"unknown time zone {timezone!r}; expected a name such as Europe/Berlin")
        reader.check_fields()
        reader.check_unserved()
        conditions, sorts, limit = reader.filters(), reader.sorts(), reader.limit()
        if reader.problems:
            raise invalid(*reader.problems)
        return Query(_slug(body), body, self._project, explore, conditions, sorts, limit, timezone)


class _Reader:
    """Reads the parts of one body and gathers what is wrong with them."""

    def __init__(self, explore: Explore, body: Mapping[str, Any]) -> None:
        self._fields = explore.fields
        self._explore = explore
        self._body = body
        self.problems: list[Problem] = []

    def problem(self, field: str, message: str) -> None:
        self.problems.append(Problem(field, message))

    def check_fields(self) -> None:
        names = self._body.get("fields") or []
        if not names:
            self.problem("fields", "the query selects nothing; name at least one field in 'fields'")
        for name in names:
            self._known("fields", name)

    def check_unserved(self) -> None:
        for key, nothing in _UNSERVED.items():
            if self._body.get(key) not in nothing:
                self.problem(key, f"'{key}' is not served by the local Looker yet; leave it out")

    def filters(self) -> dict[str, Condition]:
        found = {}
        for name, text in (self._body.get("filters") or {}).items():
            if not isinstance(text, str):
                self.problem("filters", f"filter on {name!r} is {_kind(text)}; expected a string")
            elif self._known("filters", name):
                try:
                    found[name] = filters.parse(self._fields[name], text)
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
            else:
                found.append(sort)
        return tuple(found)

    def limit(self) -> int | None:
        text = self._body.get("limit", str(DEFAULT_LIMIT)).strip()
        value = int(text) if text.removeprefix("-").isdecimal() and text.isascii() else None
        if value is None or value < _UNLIMITED:
            self.problem("limit", f"limit {text!r} is not one; expected a whole number, or -1 for all rows")
            return None
        return None if value == _UNLIMITED else value

    def _known(self, key: str, name: str) -> bool:
        if name not in self._fields:
            self.problem(
                key, f"unknown field {name!r} in explore {self._explore.name!r} (model and view are case-sensitive)"
            )
        return name in self._fields


def _sort(text: str) -> Sort | None:
    name, *rest = text.split() or [""]
    # A number at the end names the column of a pivot; without pivots there is but one.
    if rest and rest[-1].isdecimal():
        rest.pop()
    direction = rest[0].lower() if len(rest) == 1 else ""
    if not name or (rest and direction not in ("asc", "desc")):
        return None
    return Sort(name, descending=direction == "desc")


def _mistyped(key: str, value: Any) -> Problem | None:
    expected = _WRITABLE[key]
    fits: dict[str, Callable[[Any], bool]] = {
        _TEXT: lambda found: isinstance(found, str),
        _TEXTS: lambda found: isinstance(found, list) and all(isinstance(item, str) for item in found),
        _OBJECT: lambda found: isinstance(found, dict),
        _FLAG: lambda found: isinstance(found, bool),
        _NUMBER_OR_TEXT: lambda found: (
            isinstance(found, str) or (isinstance(found, int) and not isinstance(found, bool))
        ),
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
    # `client_id` is a name for the address of the query, not a part of what it asks.
    asked = {key: value for key, value in body.items() if key != "client_id"}
    number = int.from_bytes(hashlib.sha256(msgspec.json.encode(asked, order="deterministic")).digest())
    digits = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(digits)
