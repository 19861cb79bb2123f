"""The API's own objects as typed, frozen values: `QueryTask`, `SavedQuery`, `Look`, `User`.

Each class lists what the spec documents; keys that it does not know yet are kept in ``extra``. Ids are text, even where
an old server sends numbers. Null and absent are one: None, or an empty tuple for lists; a call with ``fields=`` leaves
most keys out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from lookerframe.exceptions import SchemaError, SchemaProblem
from lookerframe.render import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    # Turns a JSON value into that of an attribute, or appends to the problems; the text is the value's JSON path.
    Reader = Callable[[Any, str, list[SchemaProblem]], Any]

#: States in which a task stays. Source: observed; ``expired`` and ``missing`` are not among them,
#: for the first is passed through on the way to others, and the second says only that this user may not look.
FINAL_STATES = frozenset({"complete", "error", "failure", "killed"})


def _text(value: Any, path: str, problems: list[SchemaProblem]) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    problems.append(_problem(path, "string", value))
    return None


def _flag(value: Any, path: str, problems: list[SchemaProblem]) -> bool | None:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    problems.append(_problem(path, "boolean", value))
    return None


def _number(value: Any, path: str, problems: list[SchemaProblem]) -> float | None:
    if not isinstance(value, bool) and isinstance(value, int | float | str):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    problems.append(_problem(path, "number", value))
    return None


def _texts(value: Any, path: str, problems: list[SchemaProblem]) -> tuple[str, ...]:
    if isinstance(value, list):
        read = (_text(item, f"{path}[{index}]", problems) for index, item in enumerate(value))
        return tuple(item for item in read if item is not None)
    problems.append(_problem(path, "array", value))
    return ()


def _object(value: Any, path: str, problems: list[SchemaProblem]) -> Mapping[str, Any] | None:
    if isinstance(value, dict):
        return value
    problems.append(_problem(path, "object", value))
    return None


def _problem(path: str, expected: str, value: Any) -> SchemaProblem:
    return SchemaProblem(path, rule="type", expected=expected, found=shorten(repr(value), 100))


def _read(reader: Reader, default: Any = None) -> Any:
    return field(default=default, metadata={"reader": reader})


def _values(cls: type[Any], body: Any, path: str, problems: list[SchemaProblem]) -> dict[str, Any]:
    """Read the constructor arguments of `cls` out of a JSON object."""
    if not isinstance(body, dict):
        problems.append(_problem(path, "object", body))
        return {}
    readers = {item.name: item.metadata["reader"] for item in fields(cls) if item.metadata}
    values: dict[str, Any] = {"extra": {key: value for key, value in body.items() if key not in readers}}
    for name, reader in readers.items():
        if body.get(name) is not None:
            values[name] = reader(body[name], f"{path}.{name}", problems)
    return values


def _checked(cls: type[Any], body: Any, schema: str) -> dict[str, Any]:
    problems: list[SchemaProblem] = []
    values = _values(cls, body, "$", problems)
    if problems:
        raise SchemaError(problems, schema=schema)
    return values


#: Values of ``row_total`` for none; others say where the totals stand. LookML's dashboards write "off".
_NO_ROW_TOTAL = frozenset({"", "off", "false", "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedQuery:
    """A query as Looker keeps it; immutable there too.

    Attributes
    ----------
    id, slug, client_id : str or None
        Names of the query; the slug is what addresses such as ``/x/<slug>`` hold.
    model, view : str or None
        Where it asks; `view` is the explore.
    fields, pivots, fill_fields, sorts, subtotals : tuple of str
        Field names.
    filters : mapping or None
        Field name → filter expression.
    limit, column_limit : str or None
        As the API spells them; a limit of ``"-1"`` means all rows.
    extra : mapping
        What Looker sent besides.

    Notes
    -----
    Source: Looker API 4.0, schema ``Query``, where the other attributes are described.
    """

    can: Mapping[str, Any] | None = _read(_object)
    id: str | None = _read(_text)
    model: str | None = _read(_text)
    view: str | None = _read(_text)
    fields: tuple[str, ...] = _read(_texts, ())
    pivots: tuple[str, ...] = _read(_texts, ())
    fill_fields: tuple[str, ...] = _read(_texts, ())
    filters: Mapping[str, Any] | None = _read(_object)
    filter_expression: str | None = _read(_text)
    sorts: tuple[str, ...] = _read(_texts, ())
    limit: str | None = _read(_text)
    column_limit: str | None = _read(_text)
    total: bool | None = _read(_flag)
    row_total: str | None = _read(_text)
    subtotals: tuple[str, ...] = _read(_texts, ())
    vis_config: Mapping[str, Any] | None = _read(_object)
    filter_config: Mapping[str, Any] | None = _read(_object)
    visible_ui_sections: str | None = _read(_text)
    slug: str | None = _read(_text)
    dynamic_fields: str | None = _read(_text)
    client_id: str | None = _read(_text)
    share_url: str | None = _read(_text)
    expanded_share_url: str | None = _read(_text)
    url: str | None = _read(_text)
    query_timezone: str | None = _read(_text)
    has_table_calculations: bool | None = _read(_flag)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_api(cls, body: Any) -> Self:
        """Read the body of an answer.

        Raises
        ------
        SchemaError
            A value is of the wrong kind; ``.problems`` lists all of them with their paths.
        """
        return cls(**_checked(cls, body, "query"))

    def facts(self) -> dict[str, Any]:
        """Name what a reader of the query's result has to know of it, and what belongs in its metadata."""
        facts = {
            "query_id": self.id,
            "slug": self.slug,
            "share_url": self.share_url,
            "model": self.model,
            "explore": self.view,
            "fields": list(self.fields) or None,
            "limit": _count(self.limit),
            "column_limit": _count(self.column_limit),
            "pivots": list(self.pivots) or None,
            "total": self.total,
            "row_total": None if self.row_total is None else self.row_total.lower() not in _NO_ROW_TOTAL,
            "subtotals": list(self.subtotals) or None,
            "timezone": self.query_timezone,
        }
        return {name: value for name, value in facts.items() if value is not None}


def _count(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None


def _query(value: Any, path: str, problems: list[SchemaProblem]) -> SavedQuery:
    return SavedQuery(**_values(SavedQuery, value, path, problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryTask:
    """One run of a query on the server, as it stood when Looker was asked.

    Attributes
    ----------
    id, query_id, look_id, dashboard_id : str or None
        What it is and what it belongs to.
    query : SavedQuery or None
        What is run.
    status : str or None
        Looker's word, as sent; `state` is for comparisons.
    result_format : str or None
        The format that the result was asked in.
    runtime : float or None
        Seconds that earlier runs of the query took.
    extra : mapping
        What Looker sent besides.

    Notes
    -----
    Source: Looker API 4.0, schema ``QueryTask``, where the other attributes are described.
    """

    can: Mapping[str, Any] | None = _read(_object)
    id: str | None = _read(_text)
    query_id: str | None = _read(_text)
    query: SavedQuery | None = field(default=None, metadata={"reader": _query})
    generate_links: bool | None = _read(_flag)
    force_production: bool | None = _read(_flag)
    path_prefix: str | None = _read(_text)
    cache: bool | None = _read(_flag)
    server_table_calcs: bool | None = _read(_flag)
    cache_only: bool | None = _read(_flag)
    cache_key: str | None = _read(_text)
    status: str | None = _read(_text)
    source: str | None = _read(_text)
    runtime: float | None = _read(_number)
    rebuild_pdts: bool | None = _read(_flag)
    result_source: str | None = _read(_text)
    look_id: str | None = _read(_text)
    dashboard_id: str | None = _read(_text)
    result_format: str | None = _read(_text)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_api(cls, body: Any) -> Self:
        """Read the body of an answer.

        Raises
        ------
        SchemaError
            A value is of the wrong kind; ``.problems`` lists all of them with their paths.
        """
        return cls(**_checked(cls, body, "query_task"))

    @property
    def state(self) -> str:
        """The status in lower case: docs write "Complete", the API "complete"; empty if Looker sent none."""
        return (self.status or "").lower()

    @property
    def is_finished(self) -> bool:
        """Whether the task stays as it is: complete, failed or killed."""
        return self.state in FINAL_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A saved question with a title.

    Attributes
    ----------
    id, title, description : str or None
        What people see of it.
    query_id : str or None
        The query that it runs.
    query : SavedQuery or None
        The same, spelled out, if Looker sent it.
    extra : mapping
        What Looker sent besides: addresses, folder, counts of views.

    Notes
    -----
    Source: Looker API 4.0, schema ``LookWithQuery``.
    """

    id: str | None = _read(_text)
    title: str | None = _read(_text)
    description: str | None = _read(_text)
    query_id: str | None = _read(_text)
    query: SavedQuery | None = field(default=None, metadata={"reader": _query})
    user_id: str | None = _read(_text)
    user_name: str | None = _read(_text)
    folder_id: str | None = _read(_text)
    public: bool | None = _read(_flag)
    deleted: bool | None = _read(_flag)
    created_at: str | None = _read(_text)
    updated_at: str | None = _read(_text)
    url: str | None = _read(_text)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_api(cls, body: Any) -> Self:
        """Read the body of an answer.

        Raises
        ------
        SchemaError
            A value is of the wrong kind; ``.problems`` lists all of them with their paths.
        """
        return cls(**_checked(cls, body, "look"))


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Whom Looker takes the client for.

    Attributes
    ----------
    id, display_name, email, locale : str or None
        Who it is, and in which language Looker answers.
    is_disabled : bool or None
        Whether the account is switched off.
    extra : mapping
        What Looker sent besides.

    Notes
    -----
    Source: Looker API 4.0, schema ``User``.
    """

    id: str | None = _read(_text)
    display_name: str | None = _read(_text)
    email: str | None = _read(_text)
    locale: str | None = _read(_text)
    is_disabled: bool | None = _read(_flag)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_api(cls, body: Any) -> Self:
        """Read the body of an answer.

        Raises
        ------
        SchemaError
            A value is of the wrong kind; ``.problems`` lists all of them with their paths.
        """
        return cls(**_checked(cls, body, "user"))
