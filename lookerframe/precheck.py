"""What is wrong with a query, told from the field metadata of its explore, before anything is sent.

Source: Looker API 4.0, ``LookmlModelExploreField`` (``can_filter``, ``sortable``, ``fill_style``) and ``Query``;
recorded ``dynamic_fields``. Only what is certain is a problem: a query that Looker would run passes. Not looked into
are expressions of table calculations beyond the fields they name, and values of filters.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lookerframe.exceptions import QueryProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lookerframe.query import Query

#: Keys of explore metadata, and what a field under each is called.
_GROUPS = {"dimensions": "dimension", "measures": "measure", "filters": "filter", "parameters": "parameter"}
#: Keys of an entry of ``dynamic_fields`` that hold its name, and what it is.
_DYNAMIC = {"dimension": "dimension", "measure": "measure", "table_calculation": "table calculation"}
_SELECTABLE = frozenset({"dimension", "measure", "table calculation"})
#: Parts of a query that name dimensions, and what is done to these.
_VERBS = {"pivots": "pivoted", "subtotals": "subtotalled", "fill_fields": "filled"}
#: The word after the direction is the number of a pivoted column; it may be another that is not documented.
_SORT = re.compile(r"(\S+)(?:\s+(?:asc|desc)(?:\s+\S+)?|\s+\d+)?", re.IGNORECASE)
#: A field in an expression, with what may follow it: ``${orders.count:row_total}``.
_REFERENCE = re.compile(r"\$\{([^}:]+)(?::[^}]*)?\}")
_SUGGESTIONS = 3


def problems(query: Query, fields_metadata: Mapping[str, Any]) -> tuple[QueryProblem, ...]:
    """Find everything in `query` that its explore cannot answer.

    Parameters
    ----------
    query : Query
        Its model and explore are taken for granted.
    fields_metadata : mapping
        ``fields`` of the explore, as `Looker.explore_fields` gives them: ``dimensions``, ``measures``, ``filters``,
        ``parameters``.

    Returns
    -------
    tuple of QueryProblem
        Empty if there are none. ``field`` is the part of the query that is wrong, as ``fields`` or ``sorts``; ``code``
        is that of Looker's ``ValidationError``: ``missing_field`` if `query` has no fields, else ``invalid``.
    """
    check = _Check(query, _known(query, fields_metadata))
    return (*check.fields(), *check.filters(), *check.sorts(), *check.layout(), *check.expressions())


@dataclass(frozen=True, slots=True)
class _Known:
    """A field of the explore, or one that the query brings with it."""

    name: str
    kind: str
    item: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> set[str]:
        """What people call the field, beside its name."""
        labels = (self.item.get("label"), self.item.get("label_short"))
        return {_plain(text) for text in (self.name, self.name.rpartition(".")[2], *labels) if text}


class _Check:
    """Looks at the parts of one query."""

    def __init__(self, query: Query, known: Mapping[str, _Known]) -> None:
        self._query = query
        self._known = known

    def fields(self) -> Iterator[QueryProblem]:
        if not self._query.fields:
            yield QueryProblem("the query selects nothing; name at least one field", "fields", "missing_field")
        for name in dict.fromkeys(self._query.fields):
            if name not in self._known:
                yield self._unknown("fields", name)
            elif self._known[name].kind not in _SELECTABLE:
                yield _invalid("fields", f"{name!r} is a {self._known[name].kind}; it can be filtered, not selected")

    def filters(self) -> Iterator[QueryProblem]:
        for name in self._query.filters:
            found = self._known.get(name)
            if found is None:
                yield self._unknown("filters", name)
            elif found.kind == "table calculation":
                message = f"{name!r} is a table calculation, made from the rows; only what they are made of is filtered"
                yield _invalid("filters", message)
            elif found.kind in _SELECTABLE and found.item.get("can_filter") is False:
                yield _invalid("filters", f"{name!r} cannot be filtered")

    def sorts(self) -> Iterator[QueryProblem]:
        for text in self._query.sorts:
            found = _SORT.fullmatch(text.strip())
            if found is None:
                yield _invalid("sorts", f"{text!r} is not a sort; expected 'view.field' or 'view.field desc'")
            elif found[1] not in self._known:
                yield from self._unknown_beside_fields("sorts", found[1])
            elif not self._is_selected(found[1]):
                yield _invalid("sorts", f"sort {text!r} is on a field that is not selected; add it to 'fields'")
            elif self._known[found[1]].item.get("sortable") is False:
                yield _invalid("sorts", f"{found[1]!r} cannot be sorted by")

    def layout(self) -> Iterator[QueryProblem]:
        """Check pivots, subtotals and filled dimensions: each must be a dimension that is selected."""
        for part in _VERBS:
            for name in dict.fromkeys(getattr(self._query, part)):
                yield from self._dimension(part, name)
        if self._query.pivots and not self._has_values():
            yield _invalid("pivots", "a query with pivots needs a measure; add one to 'fields'")

    def expressions(self) -> Iterator[QueryProblem]:
        """Check the fields that dynamic fields and the filter expression refer to."""
        for entry in _dynamic_entries(self._query):
            filters = entry.get("filters")
            named = [entry.get("based_on"), *(filters if isinstance(filters, Mapping) else ())]
            texts = (entry.get("expression"), entry.get("filter_expression"))
            for name in dict.fromkeys([*named, *(name for text in texts for name in _references(text))]):
                if isinstance(name, str) and name and name not in self._known:
                    yield self._unknown("dynamic_fields", name)
        for name in dict.fromkeys(_references(self._query.filter_expression)):
            if name not in self._known:
                yield self._unknown("filter_expression", name)

    def _dimension(self, part: str, name: str) -> Iterator[QueryProblem]:
        found = self._known.get(name)
        if found is None:
            yield from self._unknown_beside_fields(part, name)
        elif found.kind != "dimension":
            yield _invalid(part, f"{name!r} is a {found.kind}; only dimensions can be {_VERBS[part]}")
        elif name not in self._query.fields:
            yield _invalid(part, f"{name!r} is not selected; add it to 'fields'")
        elif part == "fill_fields" and found.item.get("fill_style", "") is None:
            yield _invalid(part, f"{name!r} cannot be filled; Looker cannot tell all of its values")

    def _is_selected(self, name: str) -> bool:
        # Table calculations need not be among `fields`.
        return name in self._query.fields or self._known[name].kind == "table calculation"

    def _has_values(self) -> bool:
        """Tell whether something can stand under the pivots; what is unknown might."""
        if any(found.kind == "table calculation" for found in self._known.values()):
            return True
        return any(name not in self._known or self._known[name].kind == "measure" for name in self._query.fields)

    def _unknown_beside_fields(self, part: str, name: str) -> Iterator[QueryProblem]:
        """Say it once of a name that is among the selected fields as well."""
        if name not in self._query.fields:
            yield self._unknown(part, name)

    def _unknown(self, part: str, name: str) -> QueryProblem:
        message = f"unknown field {name!r} in explore {self._query.explore!r}"
        similar = _similar(name, self._known)
        if similar:
            *others, last = map(repr, similar)
            message += f"; did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
        return _invalid(part, message)


def _known(query: Query, metadata: Mapping[str, Any]) -> dict[str, _Known]:
    items = [
        _Known(item["name"], kind, item)
        for group, kind in _GROUPS.items()
        for item in metadata.get(group) or ()
        if item.get("name")
    ]
    for entry in _dynamic_entries(query):
        items += [_Known(str(entry[key]), kind) for key, kind in _DYNAMIC.items() if entry.get(key)]
    return {item.name: item for item in items}


def _dynamic_entries(query: Query) -> list[Mapping[str, Any]]:
    """Read ``dynamic_fields``, which `Query` holds as JSON text."""
    entries = json.loads(query.dynamic_fields) if isinstance(query.dynamic_fields, str) else []
    return [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []


def _references(text: object) -> list[str]:
    return _REFERENCE.findall(text) if isinstance(text, str) else []


def _similar(name: str, known: Mapping[str, _Known]) -> list[str]:
    """Find fields that `name` may have meant: by label, by name without its view, by misspelling."""
    bare = _plain(name.rpartition(".")[2])
    for word in (_plain(name), bare):
        called = [item.name for item in known.values() if word in item.words]
        if called:
            return difflib.get_close_matches(name, called, n=_SUGGESTIONS, cutoff=0)
    names = {item.casefold(): item for item in known}
    close = difflib.get_close_matches(name.casefold(), names, n=_SUGGESTIONS)
    return [names[item] for item in close] or _misspelt(bare, known.values())


def _misspelt(word: str, known: Iterable[_Known]) -> list[str]:
    """Compare labels, and names without their view."""
    called: dict[str, list[str]] = {}
    for item in known:
        for text in item.words:
            called.setdefault(text, []).append(item.name)
    close = difflib.get_close_matches(word, called, n=_SUGGESTIONS)
    return list(dict.fromkeys(name for text in close for name in called[text]))[:_SUGGESTIONS]


def _plain(text: str) -> str:
    """Write names and labels alike: ``Dep Delay`` and ``dep_delay``."""
    return " ".join(text.replace("_", " ").casefold().split())


def _invalid(part: str, message: str) -> QueryProblem:
    return QueryProblem(message, field=part, code="invalid")
