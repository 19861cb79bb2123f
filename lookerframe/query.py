"""What to ask Looker for: `Query`, a frozen value; and `locate`, which understands ids, slugs and addresses."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

from lookerframe.exceptions import InvalidQueryError, QueryProblem
from lookerframe.render import shorten

FilterValue = str | bool | int | float | Decimal | dt.date
Kind = Literal["task", "query", "slug", "look", "explore"]

_ALL_ROWS = -1
_LISTS = ("fields", "pivots", "sorts", "subtotals", "fill_fields")
_TEXTS = ("query_timezone", "filter_expression", "visible_ui_sections", "client_id")
_OBJECTS = ("vis_config", "filter_config")
_TRUE = frozenset({"on", "true", "yes", "1"})
_FILTER = re.compile(r"f\[(.+)\]")
_EXPLORE = re.compile(r"/explore/([^/]+)/([^/]+)")
_ID = re.compile(r"[A-Za-z0-9_-]+")
# The end of a path, and what the id in it names. Source: pages of Looker (`Query.share_url`), paths of the API.
_ADDRESSES: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"/x/([^/]+)$"), "slug"),
    (re.compile(r"/queries/slug/([^/]+)$"), "slug"),
    (re.compile(r"/queries/([^/]+)(?:/run/[^/]+)?$"), "query"),
    (re.compile(r"/query_tasks/([^/]+)(?:/results)?$"), "task"),
    (re.compile(r"/looks/([^/]+)(?:/run/[^/]+)?$"), "look"),
)
_UNDERSTOOD = (
    "understood are: an id or slug; addresses that end in /x/<slug>, /explore/<model>/<explore>?qid=<slug>, "
    "/explore/<model>/<explore>?fields=..., /looks/<id>, /query_tasks/<id> or /queries/<id>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to Looker: an explore, its fields, and what narrows them down.

    Attributes
    ----------
    model, explore : str
        Where to ask. The API calls the explore ``view``.
    fields : sequence of str
        Field names, ``view.field``.
    filters : mapping
        Field name → filter expression. A `str` is sent as it stands. Numbers, booleans (``Yes``, ``No``), dates and
        naive date-times are written in Looker's words. Lists are refused: whether a comma parts values or belongs to
        one depends on the field, so write the expression.
    pivots, sorts, subtotals, fill_fields : sequence of str
        Field names; a sort may end in ``" desc"``.
    limit : int or None
        Rows at most. None, the default, asks for all of them, as does -1.
    column_limit : int or None
        Pivoted columns at most; None leaves it to Looker.
    query_timezone : str or None
        IANA name of the time zone in which Looker tells times.
    total : bool or None
        Whether to compute column totals.
    row_total : str, bool or None
        Where to put row totals; True is Looker's ``"right"``.
    filter_expression : str or None
        Condition in the language of table calculations.
    dynamic_fields : str, list or None
        Table calculations and custom fields: JSON text, or what is to be written as such.
    vis_config, filter_config : mapping or None
        State of Looker's own pages. The API asks to leave `filter_config` out.
    visible_ui_sections, client_id : str or None
        The same; `client_id` is a slug of 22 characters and has nothing to do with credentials.

    Raises
    ------
    InvalidQueryError
        Something cannot be sent as it was given; ``.problems`` lists everything that is wrong, not just the first.

    Notes
    -----
    Source: Looker API 4.0, schema ``Query``: all properties that are not read-only. Sequences become tuples, mappings
    are copied, filter values become text.
    """

    model: str
    explore: str
    fields: Sequence[str] = ()
    # Mappings have no hash; they take part in equality.
    filters: Mapping[str, FilterValue] = field(default_factory=dict, hash=False)
    pivots: Sequence[str] = ()
    sorts: Sequence[str] = ()
    limit: int | None = None
    column_limit: int | None = None
    query_timezone: str | None = None
    total: bool | None = None
    row_total: str | bool | None = None
    subtotals: Sequence[str] = ()
    fill_fields: Sequence[str] = ()
    filter_expression: str | None = None
    dynamic_fields: str | Sequence[Mapping[str, Any]] | None = None
    vis_config: Mapping[str, Any] | None = field(default=None, hash=False)
    filter_config: Mapping[str, Any] | None = field(default=None, hash=False)
    visible_ui_sections: str | None = None
    client_id: str | None = None

    def __post_init__(self) -> None:
        problems: list[QueryProblem] = []
        tidied = _tidied(self, problems)
        if problems:
            raise InvalidQueryError(problems)
        for name, value in tidied.items():
            object.__setattr__(self, name, value)  # the one way for a frozen dataclass to tidy its own arguments

    @property
    def view(self) -> str:
        """The explore, by the name that the API uses for it."""
        return self.explore

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Read the address of an explore page that spells the query out.

        Parameters
        ----------
        url : str
            ``.../explore/<model>/<explore>?fields=a.b,a.c&f[a.d]=v&sorts=a.b+desc&limit=500``. Read are also
            ``pivots``, ``column_limit``, ``query_timezone``, ``total``, ``row_total``, ``subtotals``, ``fill_fields``,
            ``filter_expression``, ``dynamic_fields`` and ``vis``. Everything else, the state of the page, is passed
            over. Without a ``limit`` the query asks for all rows.

        Raises
        ------
        InvalidQueryError
            The address is of another kind, or its query is not valid.

        Notes
        -----
        Source: addresses that Looker writes (`Query.expanded_share_url`). ``filter_config`` is not taken over: the
        API wants it null, and the same filters stand in ``f[...]``.
        """
        parts = _split(url)
        place = _EXPLORE.search(parts.path) if parts else None
        given = parse_qs(parts.query, keep_blank_values=True) if parts else {}
        if place is None or not given.get("fields", [""])[-1]:
            message = f"{_shown(url)} does not spell a query out: .../explore/<model>/<explore>?fields=... does"
            if "qid" in given:
                message += f" (this one names the saved query {given['qid'][-1]!r})"
            raise InvalidQueryError([QueryProblem(message)])
        return cls(model=unquote(place[1]), explore=unquote(place[2]), **_arguments(given))

    def to_api(self) -> dict[str, Any]:
        """Write the body of ``POST /queries``; what is not set is left out.

        Notes
        -----
        Source: Looker API 4.0, ``create_query``; limits are text there, and ``"-1"`` means all rows.
        """
        limit = _ALL_ROWS if self.limit is None else self.limit
        body: dict[str, Any] = {"model": self.model, "view": self.explore, "limit": str(limit)}
        body |= {name: list(getattr(self, name)) for name in _LISTS if getattr(self, name)}
        if self.filters:
            body["filters"] = dict(self.filters)
        if self.column_limit is not None:
            body["column_limit"] = str(self.column_limit)
        for name in (*_TEXTS, *_OBJECTS, "total", "row_total", "dynamic_fields"):
            value = getattr(self, name)
            if value is not None:
                body[name] = value
        return body


@dataclass(frozen=True, slots=True)
class Reference:
    """Something in Looker that a text points at.

    Attributes
    ----------
    kind : {"task", "query", "slug", "look", "explore"}
        A query task, a saved query by its id or by its slug, a Look, or a query spelled out in an address.
    id : str
        The id or slug; the whole address if it spells a query out (`Query.from_url` reads it).
    """

    kind: Kind
    id: str


def locate(text: str | int, *, bare: Literal["task", "query", "look"]) -> Reference:
    """Find out what an id, a slug or an address points at.

    Parameters
    ----------
    text : str or int
        As people paste it. The host of an address is not looked at, and nothing is fetched from it.
    bare : {"task", "query", "look"}
        What a text that is no address is the id of.

    Raises
    ------
    InvalidQueryError
        The text is none of what is understood; the message lists what is.
    """
    stripped = str(text).strip()
    if isinstance(text, str) or type(text) is int:
        if _ID.fullmatch(stripped):
            return Reference(bare, stripped)
        found = _located(stripped)
        if found is not None:
            return found
    message = f"{_shown(stripped)} points at nothing; {_UNDERSTOOD}"
    raise InvalidQueryError([QueryProblem(message)], message="there is nothing to read")


def _located(address: str) -> Reference | None:
    parts = _split(address)
    if parts is None or "/" not in address:
        return None
    path = parts.path.rstrip("/")
    if _EXPLORE.search(path):
        given = parse_qs(parts.query)
        if "qid" in given and _ID.fullmatch(given["qid"][-1]):
            return Reference("slug", given["qid"][-1])
        return Reference("explore", address) if "fields" in given else None
    for pattern, kind in _ADDRESSES:
        match = pattern.search(path)
        if match and _ID.fullmatch(match[1]):
            return Reference(kind, match[1])
    return None


def _split(address: object) -> Any:
    try:
        return urlsplit(address) if isinstance(address, str) else None
    except ValueError:
        return None


def _shown(text: object) -> str:
    return shorten(repr(text), 200)


def _arguments(given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Turn the parameters of an explore's address into arguments of `Query`."""
    last = {name: values[-1] for name, values in given.items() if values[-1]}
    found: dict[str, Any] = {name: last[name].split(",") for name in _LISTS if name in last}
    filters = {match[1]: values for name, values in given.items() if (match := _FILTER.fullmatch(name))}
    found["filters"] = {name: values[0] if len(values) == 1 else values for name, values in filters.items()}
    for name in ("limit", "column_limit", "query_timezone", "row_total", "filter_expression", "dynamic_fields"):
        found[name] = last.get(name)
    found["total"] = True if last.get("total", "").lower() in _TRUE else None
    look = last.get("vis", last.get("vis_config"))
    if look is not None:
        try:
            found["vis_config"] = json.loads(look)
        except ValueError:
            found["vis_config"] = look  # refused by `Query`, with the reason
    return found


def _tidied(query: Query, problems: list[QueryProblem]) -> dict[str, Any]:
    tidied: dict[str, Any] = {name: _names(name, getattr(query, name), problems) for name in _LISTS}
    problems.extend(
        QueryProblem("must be given, as text", field=name)
        for name in ("model", "explore")
        if not isinstance(getattr(query, name), str) or not getattr(query, name).strip()
    )
    for name in _TEXTS:
        tidied[name] = _text(name, getattr(query, name), problems)
    for name in _OBJECTS:
        tidied[name] = _mapping(name, getattr(query, name), problems)
        _json_text(name, tidied[name], problems)
    for name in ("limit", "column_limit"):
        tidied[name] = _count(name, getattr(query, name), problems)
    if tidied["limit"] == _ALL_ROWS:
        tidied["limit"] = None
    total: object = query.total
    if total is not None and not isinstance(total, bool):
        problems.append(QueryProblem(f"must be True, False or None, not {_shown(total)}", field="total"))
    side = query.row_total
    tidied["row_total"] = "right" if side is True else _text("row_total", side or None, problems)
    tidied["dynamic_fields"] = _json_text("dynamic_fields", query.dynamic_fields, problems)
    tidied["filters"] = {
        name: _expression(name, value, problems)
        for name, value in (_mapping("filters", query.filters, problems) or {}).items()
    }
    return tidied


def _names(name: str, value: object, problems: list[QueryProblem]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        problems.append(QueryProblem(f"must be a list of names, [{value!r}], not one text", field=name))
        return ()
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        problems.append(QueryProblem(f"must be a list of names, not {_shown(value)}", field=name))
        return ()
    names = tuple(value)
    problems.extend(
        QueryProblem(f"must hold names, not {_shown(item)}", field=name)
        for item in names
        if not isinstance(item, str) or not item.strip()
    )
    return names


def _text(name: str, value: object, problems: list[QueryProblem]) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    problems.append(QueryProblem(f"must be text, not {_shown(value)}", field=name))
    return None


def _mapping(name: str, value: object, problems: list[QueryProblem]) -> dict[str, Any] | None:
    if value is None:
        return None
    if isinstance(value, Mapping) and all(isinstance(key, str) and key for key in value):
        return dict(value)
    problems.append(QueryProblem(f"must be a dict with names as keys, not {_shown(value)}", field=name))
    return None


def _count(name: str, value: object, problems: list[QueryProblem]) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,18}", value):  # as the API and addresses spell it
        value = int(value)
    if not isinstance(value, bool) and isinstance(value, Integral):
        number = int(value)
        if number >= 1 or (name == "limit" and number == _ALL_ROWS):
            return number
    allowed = "a whole number from 1 up" + (", or None for all rows" if name == "limit" else "")
    problems.append(QueryProblem(f"must be {allowed}, not {_shown(value)}", field=name))
    return None


def _json_text(name: str, value: object, problems: list[QueryProblem]) -> str | None:
    if value is None or value == "":
        return None
    try:
        text = value if isinstance(value, str) else json.dumps(value, allow_nan=False)
        return text if json.loads(text) else None
    except (TypeError, ValueError, RecursionError) as exc:
        problems.append(QueryProblem(f"must be JSON, or what can be written as such: {exc}", field=name))
        return None


def _expression(name: str, value: object, problems: list[QueryProblem]) -> str:
    text = _spelled(value)
    if text is None:
        message = f"{_shown(value)} is no filter expression; {_advice(value)}"
        problems.append(QueryProblem(message, field=f"filters[{name!r}]"))
    return text or ""


def _spelled(value: object) -> str | None:
    """Write a value as Looker's filter expressions do; None if it has no one spelling there."""
    text: str | None = None
    if isinstance(value, str):
        text = value
    elif isinstance(value, bool):
        text = "Yes" if value else "No"
    elif isinstance(value, Integral):
        text = str(int(value))
    elif isinstance(value, Real | Decimal):
        number = value if isinstance(value, Decimal) else Decimal(repr(float(value)))
        text = f"{number:f}" if number.is_finite() else None  # an exponent is not understood
    elif isinstance(value, dt.datetime):
        text = value.isoformat(sep=" ") if value.tzinfo is None and value == value else None  # noqa: PLR0124 - NaT
    elif isinstance(value, dt.date):
        text = value.isoformat()
    return text


def _advice(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN, NaT
        return 'write "NULL" for the absence of a value, or leave the filter out'
    if isinstance(value, dt.datetime):
        return "drop its time zone; filters are read in the query's own (query_timezone)"
    if isinstance(value, Iterable):
        return 'write a list as Looker does, "AA,DL" (a value that holds a comma goes into double quotes)'
    return "write the expression as text"
