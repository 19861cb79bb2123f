"""The errors of lookerframe, all in one tree.

::

    LookerFrameError                         .query: the question that led to it
    ├── ConfigError(ValueError)              .setting
    ├── LookMLError(ValueError)              .place .subject
    ├── InvalidQueryError(ValueError)        .problems
    ├── FetchError                           .status .message .documentation_url .endpoint .attempts .elapsed
    │   │                                    .retry_after .task_id
    │   ├── AuthError
    │   ├── AccessError
    │   ├── NotFoundError
    │   ├── RateLimitError
    │   ├── ServerError
    │   ├── NetworkError                     .reason
    │   ├── DeadlineError(TimeoutError)      .phase .killed
    │   └── TaskError                        .state
    │       ├── ResultExpiredError
    │       └── TaskKilledError
    ├── LookerSQLError                       .issues .sql .model .explore .fields .url .query_id .slug .task_id
    │                                        .result_format .status
    ├── PayloadError(ValueError)             .result_format .offset .task_id .attempts .elapsed
    │   ├── IncompleteResultError
    │   ├── UnexpectedContentError
    │   ├── PayloadLimitError
    │   └── SchemaError                      .problems .schema
    ├── ConversionError(ValueError)          .column .row .value .arrow_type
    ├── TruncatedError                       .limit .rows
    ├── ResultConsumedError                  a stream was asked for twice
    ├── ExportError(OSError)                 .target
    ├── UnknownFormatError(ValueError)       .name .known
    └── MissingDependencyError(ImportError)  .extra

Attributes hold the facts; ``str()`` is made from them. Every error pickles, and none holds a secret.
"""

from __future__ import annotations

import copyreg
import re
import sys
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lookerframe.panels import Entry, error_panel
from lookerframe.render import excerpt, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lookerframe.models import SavedQuery
    from lookerframe.query import Query

_MAX_TEXT = 4_000
_MAX_SQL = 100_000
_MAX_ISSUES = 20
#: Attributes of a `LookerSQLError` that say what was asked and where.
_WHERE = ("model", "explore", "query_id", "slug", "task_id", "result_format", "status", "url")
_DIGITS = re.compile(r"\d{1,9}", re.ASCII)

#: Remarks that Looker puts among the errors of a query that ran. Source: observed.
_NOTES = (
    "Note: This query contains derived tables with conditional SQL for Development Mode.",
    "Note: This query contains derived tables with Development Mode filters.",
)


class LookerFrameError(Exception):
    """What all errors of lookerframe have in common; catch it to catch them all."""

    #: The question that led to it, if the client knows.
    query: Query | SavedQuery | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Workers of pools and clusters send errors home pickled. By itself Python would call the constructor with
        # `args` alone, which ours do not take; and OSError forgets `args` unless they are part of the state.
        return copyreg.__newobj__, (type(self),), {**self.__dict__, "args": self.args}  # type: ignore[attr-defined]


class ConfigError(LookerFrameError, ValueError):
    """A setting is absent or cannot be used: `setting` names it."""

    def __init__(self, message: str, *, setting: str) -> None:
        self.setting = setting
        super().__init__(message)


class LookMLError(LookerFrameError, ValueError):
    """LookML that the local Looker was given cannot be served.

    Attributes
    ----------
    place : str
        File and line, ``flights.view.lkml:12``.
    subject : str or None
        The field, explore or view that is concerned.
    """

    def __init__(self, message: str, *, place: object, subject: str | None = None) -> None:
        self.message = message
        self.place = str(place)
        self.subject = subject
        super().__init__(message)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.subject, self.message) if part)


@dataclass(frozen=True, slots=True)
class QueryProblem:
    """One thing that is wrong with a query: Looker's ``errors[]`` item of a 422, or our own check."""

    message: str
    field: str | None = None
    code: str | None = None

    def __str__(self) -> str:
        return ": ".join(part for part in (self.field, self.message or self.code) if part)


class InvalidQueryError(LookerFrameError, ValueError):
    """The query cannot be run as it stands: `problems` lists everything that is wrong with it."""

    def __init__(
        self,
        problems: Iterable[QueryProblem],
        *,
        message: str | None = None,
        documentation_url: str | None = None,
        endpoint: str | None = None,
    ) -> None:
        self.problems = tuple(problems)
        self.message = message
        self.documentation_url = documentation_url
        self.endpoint = endpoint
        super().__init__(message, self.problems)

    def __str__(self) -> str:
        head = f"{self.endpoint}: " if self.endpoint else ""
        head += self.message or "the query is not valid"
        return printable("\n".join([head, *(f"  - {shorten(str(problem), _MAX_TEXT)}" for problem in self.problems)]))


class FetchError(LookerFrameError):
    """A call of the Looker API did not bring what was asked for.

    Attributes
    ----------
    message : str
        What was met, and what to do about it.
    endpoint : str or None
        Verb and path, ``GET /query_tasks/abc/results``.
    status : int or None
        HTTP status, if there was an answer.
    documentation_url : str or None
        As Looker sent it.
    attempts : int
        How often the call was sent.
    elapsed : float or None
        Seconds from the first attempt to the failure.
    retry_after : float or None
        Seconds that the server asked to wait.
    task_id : str or None
        The query task, if one was concerned.
    """

    #: Appended to every message of the class: what the reader can do next.
    advice: str | None = None
    #: Whether the answer was a page for people, as a proxy sends it, and not one of Looker's API.
    is_page: bool = False

    def __init__(
        self,
        message: str,
        *,
        endpoint: str | None = None,
        status: int | None = None,
        documentation_url: str | None = None,
        attempts: int = 1,
        elapsed: float | None = None,
        retry_after: float | None = None,
        task_id: str | None = None,
    ) -> None:
        self.message = message
        self.endpoint = endpoint
        self.status = status
        self.documentation_url = documentation_url
        self.attempts = attempts
        self.elapsed = elapsed
        self.retry_after = retry_after
        self.task_id = task_id
        super().__init__(message)

    def __str__(self) -> str:
        where = self.endpoint or ""
        if self.status is not None:
            where = f"{where} answered {self.status}".strip()
        text = f"{where}: {self.message}" if where else self.message
        if self.attempts > 1:
            text += f" (after {self.attempts} attempts)"
        return printable(f"{text}\n{self.advice}" if self.advice else text)


class AuthError(FetchError):
    """Looker does not accept the credentials or the token."""


class AccessError(FetchError):
    """The user is known but may not see or do this."""


class NotFoundError(FetchError):
    """There is no such thing, or this user may not see it: Looker answers 404 to both."""


class RateLimitError(FetchError):
    """Looker answered 429 until the retries or the time ran out."""


class ServerError(FetchError):
    """Looker or a proxy before it answered with a failure of its own (5xx)."""


class NetworkError(FetchError):
    """There was no usable answer: no connection, a reset, a bad certificate, a body that stopped."""

    def __init__(self, message: str, *, reason: str, **facts: Any) -> None:
        self.reason = reason
        super().__init__(message, **facts)


class DeadlineError(FetchError, TimeoutError):
    """The time given for the whole operation is over.

    Attributes
    ----------
    phase : str
        What was going on: ``connecting``, ``logging in``, ``waiting`` (for an answer), ``queued``, ``running``,
        ``downloading``.
    killed : bool or None
        Whether the query was stopped on the server; None if none was running, or none that was submitted by this
        client.
    """

    def __init__(self, message: str, *, phase: str, killed: bool | None = None, **facts: Any) -> None:
        self.phase = phase
        self.killed = killed
        super().__init__(message, **facts)


class TaskError(FetchError):
    """A query task ended in a state that has no result: `state` is Looker's word for it."""

    def __init__(self, message: str, *, state: str, **facts: Any) -> None:
        self.state = state
        super().__init__(message, **facts)


class ResultExpiredError(TaskError):
    """The task did run, but Looker no longer keeps its result."""


class TaskKilledError(TaskError):
    """The query was cancelled, by a person or by a limit of the server."""


@dataclass(frozen=True, slots=True)
class SqlIssue:
    """One entry of Looker's ``errors``: a failure of the query, or a note about it.

    Attributes
    ----------
    message : str
        The database's own words where Looker gave them, else Looker's sentence.
    summary : str or None
        Looker's sentence about it ("The ... database encountered an error while running this query.").
    line, column, character : int or None
        The place in the SQL, as Looker gives it (``sql_error_loc``). Lines count from 1; columns too, as is assumed,
        but from 0 where the database's own words say ``line 2 at position 4`` of the same place, as Snowflake's do.
    level : str or None
        As Looker sends it; only ``"error"`` has been seen.
    fatal : bool or None
        False on entries that did not stop the query; mostly absent.
    params : str or None
        What Looker calls so: the SQL text in every recorded case.
    error_pos, edit_url : str or None
        As Looker sends them.
    """

    message: str
    summary: str | None = None
    line: int | None = None
    column: int | None = None
    character: int | None = None
    level: str | None = None
    fatal: bool | None = None
    params: str | None = None
    error_pos: str | None = None
    edit_url: str | None = None

    @classmethod
    def from_api(cls, item: Any) -> SqlIssue:
        """Read an item of ``errors``; anything that is not an object is taken as its text.

        Source: the declaration of dashboard embed events and recorded 200 answers.
        """
        if not isinstance(item, dict):
            return cls(message=_text(item) or "(no message)")
        summary, details = _text(item.get("message")), _text(item.get("message_details"))
        place = item.get("sql_error_loc")
        place = place if isinstance(place, dict) else {}
        fatal = item.get("fatal")
        return cls(
            message=details or summary or "(no message)",
            summary=summary if details else None,
            line=_position(place.get("line")),
            column=_position(place.get("column"), least=0),
            character=_position(place.get("character"), least=0),
            level=_text(item.get("level")),
            fatal=fatal if isinstance(fatal, bool) else None,
            params=_text(item.get("params")),
            error_pos=_text(item.get("error_pos")),
            edit_url=_text(item.get("edit_url")),
        )

    @property
    def is_note(self) -> bool:
        """Whether the query ran all the same: ``fatal`` says so, or it is a known remark on Development Mode."""
        if self.fatal is not None:
            return not self.fatal
        return (self.summary or self.message).startswith(_NOTES)

    @property
    def place(self) -> tuple[int, int | None] | None:
        """Line and column, both counted from 1; None without a line."""
        if self.line is None:
            return None
        column = self.column
        if column is not None and re.search(rf"line {self.line} at position {column}\b", self.message):
            column += 1
        return self.line, column or None

    @property
    def where(self) -> str | None:
        """The place in words; None without one."""
        if self.place is not None:
            line, column = self.place
            return f"at line {line}" + (f", column {column}" if column is not None else "")
        return None if self.character is None else f"at character {self.character}"

    def render(self, sql: str | None = None) -> str:
        """Write the issue out: the database's words, Looker's sentence, the place in `sql`."""
        parts = [shorten(self.message, _MAX_TEXT)]
        if self.summary:
            parts.append(f"({shorten(self.summary, _MAX_TEXT)})")
        if self.where:
            parts.append(self.where)
        statement = sql or self.params
        shown = excerpt(statement, *self.place) if statement and self.place else ""
        return "\n".join([*map(printable, parts), *([shown] if shown else [])])


class LookerSQLError(LookerFrameError):
    """The query failed: Looker could not run it, or its database did not want to.

    Attributes
    ----------
    issues : tuple of SqlIssue
        All that was reported, failures and notes.
    sql : str or None
        The statement in which the issues' lines count, if Looker sent it.
    result_format, task_id, query_id, slug : str or None
        Where the error came from.
    model, explore : str or None
        What was asked.
    fields : tuple of str
        The fields that were asked for.
    url : str or None
        The address of the query in Looker's pages, where its explore opens.
    status : int or None
        HTTP status of the answer: 200 in `json_detail`, 400 in the others.
    """

    def __init__(
        self,
        issues: Iterable[SqlIssue],
        *,
        sql: str | None = None,
        result_format: str | None = None,
        task_id: str | None = None,
        query_id: str | None = None,
        slug: str | None = None,
        model: str | None = None,
        explore: str | None = None,
        fields: Iterable[str] = (),
        url: str | None = None,
        status: int | None = None,
    ) -> None:
        self.issues = tuple(issues)
        self.sql = sql
        self.result_format = result_format
        self.task_id = task_id
        self.query_id = query_id
        self.slug = slug
        self.model = model
        self.explore = explore
        self.fields = tuple(fields)
        self.url = url
        self.status = status
        self._shown_in: int | None = None  # the number of the notebook's cell
        super().__init__(self.issues)

    @property
    def failures(self) -> tuple[SqlIssue, ...]:
        """The issues that made the query fail; all of them if none stands out."""
        return tuple(issue for issue in self.issues if not issue.is_note) or self.issues

    @property
    def _ranked(self) -> tuple[SqlIssue, ...]:
        failures = self.failures
        return (*failures, *(issue for issue in self.issues if issue not in failures))

    def take_over(self, found: LookerSQLError) -> None:
        """Add what another error of the same query says: in place of what is said here, if it says it, too.

        Parameters
        ----------
        found
            Mostly from a result format that has a place for more.
        """
        words = [text for issue in found.issues for text in (issue.message, issue.summary or "")]
        is_told = found.is_located or all(any(issue.message in text for text in words) for issue in self.failures)
        self.issues = found.issues if is_told else (*self.issues, *found.issues)
        self.args = (self.issues,)
        self.sql = found.sql or self.sql
        for name in ("query_id", "slug", "model", "explore", "fields", "url"):
            setattr(self, name, getattr(self, name) or getattr(found, name))

    @property
    def is_located(self) -> bool:
        """Whether an issue says where in the SQL it arose."""
        return any(issue.line is not None for issue in self.issues)

    def __str__(self) -> str:
        shown = [issue.render(self.sql) for issue in self._ranked[:_MAX_ISSUES]]
        if len(self.issues) > _MAX_ISSUES:
            shown.append(f"... and {len(self.issues) - _MAX_ISSUES} more issues")
        text = "\n".join(shown) or "the query failed without a message"
        if self.result_format not in (None, "json_detail") and not self.is_located and self.sql is None:
            text += (
                f"\n({self.result_format} has no place for more; the same query as json_detail tells where in the SQL)"
            )
        return text

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as values that JSON can hold, for logs; long texts are cut, and say so.

        Returns
        -------
        dict
            ``error``, ``message``, ``issues`` (a dict each), and the attributes.
        """
        return {
            "error": type(self).__name__,
            "message": shorten(self.failures[0].message, _MAX_TEXT) if self.failures else "",
            "issues": [
                {name: shorten(value, _MAX_TEXT) if isinstance(value, str) else value for name, value in issue.items()}
                for issue in (asdict(issue) for issue in self._ranked[:_MAX_ISSUES])
            ],
            "sql": None if self.sql is None else shorten(self.sql, _MAX_SQL),
            **{name: getattr(self, name) for name in _WHERE},
            "fields": list(self.fields),
        }

    def _repr_html_(self) -> str:
        shown = self.failures[:_MAX_ISSUES]
        facts = [(name, str(value)) for name in _WHERE if (value := getattr(self, name)) is not None and name != "url"]
        if self.fields:
            facts.append(("fields", ", ".join(self.fields)))
        facts += [("note", note) for note in getattr(self, "__notes__", ())]
        links = [("open in Looker", self.url or "")]
        links += [("edit the LookML", issue.edit_url) for issue in shown if issue.edit_url]
        return error_panel(
            "The query failed",
            [Entry(issue.message, issue.summary, issue.where, *(issue.place or ())) for issue in shown],
            sql=self.sql or next((issue.params for issue in shown if issue.params), None),
            facts=facts,
            links=links,
        )

    def _render_traceback_(self) -> list[str]:
        # IPython asks for it in place of a traceback: what failed is the query, not the lines that led to it. Where
        # there are pages, the panel is shown; a terminal has the text alone. IPython asks twice for one failed cell.
        package = sys.modules.get("IPython")
        shell: Any = package.get_ipython() if package is not None else None
        if type(shell).__name__ == "ZMQInteractiveShell" and self._shown_in != shell.execution_count:
            from IPython.display import HTML, display

            self._shown_in = shell.execution_count
            display(HTML(self._repr_html_()))  # type: ignore[no-untyped-call]
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]


class PayloadError(LookerFrameError, ValueError):
    """A body is not what its result format says.

    Attributes
    ----------
    result_format : str or None
        The format that it was read as.
    offset : int or None
        Bytes from its start to the place, where known.
    task_id : str or None
        The query task, if the body was fetched.
    attempts : int
        How often it was fetched.
    elapsed : float or None
        Seconds from the start of the operation to the failure, if it was fetched.
    """

    task_id: str | None = None
    attempts: int = 1
    elapsed: float | None = None

    def __init__(self, message: str, *, result_format: str | None = None, offset: int | None = None) -> None:
        self.message = message
        self.result_format = result_format
        self.offset = offset
        super().__init__(message)

    def __str__(self) -> str:
        head = f"{self.result_format}: " if self.result_format else ""
        tail = f" (at byte {self.offset:,})" if self.offset is not None else ""
        if self.attempts > 1:
            tail += f" (after {self.attempts} attempts)"
        return f"{head}{self.message}{tail}"


class IncompleteResultError(PayloadError):
    """The body ended before the result did: what arrived is not all of it."""


class UnexpectedContentError(PayloadError):
    """The body is something else: an HTML page, another format, nothing at all."""


class PayloadLimitError(PayloadError):
    """The body passes a limit on size, inflation or depth that protects this process."""


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One difference between a body and its JSON Schema.

    Attributes
    ----------
    path
        JSON path of the place, ``$.fields.dimensions[0].name``.
    rule
        The schema keyword that is broken: ``type``, ``required``, ...
    expected, found
        What the schema asks for and what stands there, shortened.
    """

    path: str
    rule: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}, found {self.found}"


class SchemaError(PayloadError):
    """A body differs from its JSON Schema: `problems` lists how, the most telling first; `schema` names it."""

    def __init__(self, problems: Iterable[SchemaProblem], *, schema: str, result_format: str | None = None) -> None:
        self.problems = tuple(problems)
        self.schema = schema
        super().__init__(
            "\n  - ".join([f"not a valid {schema}:", *map(str, self.problems)]), result_format=result_format
        )

    @property
    def schema_id(self) -> str:
        """The ``$id`` of the JSON Schema."""
        return f"urn:lookerframe:schema:{self.schema}"


class ConversionError(LookerFrameError, ValueError):
    """A value does not fit the type of its column, and is not bent until it does.

    Attributes
    ----------
    column : str
        Field name.
    row : int or None
        Counted from 0 over the whole result.
    value : object
        What was met.
    arrow_type : str
        What the column holds.
    """

    def __init__(self, column: str, *, row: int | None, value: Any, arrow_type: str, advice: str | None = None) -> None:
        self.column = column
        self.row = row
        self.value = value
        self.arrow_type = arrow_type
        self.advice = advice
        super().__init__(column)

    def __str__(self) -> str:
        where = f"column {self.column!r}" + (f", row {self.row:,}" if self.row is not None else "")
        value = str(self.value) if isinstance(self.value, Decimal) else repr(self.value)
        text = f"{where}: {shorten(value, 200)} is not a value of type {self.arrow_type}"
        return f"{text}; {self.advice}" if self.advice else text


class TruncatedError(LookerFrameError):
    """Looker cut the result at a limit; raised only with ``on_truncate="raise"``."""

    def __init__(self, message: str, *, limit: int | None = None, rows: int | None = None) -> None:
        self.limit = limit
        self.rows = rows
        super().__init__(message)


class TruncatedWarning(UserWarning):
    """Looker cut the result at a limit; warned with ``on_truncate="warn"``, the default."""


class ResultConsumedError(LookerFrameError):
    """The rows were already streamed once, and not kept."""


class ExportError(LookerFrameError, OSError):
    """`target` could not be written.

    What stood there before is untouched, but for one case, which the message says: the new file is in place, whole, and
    its folder could not be flushed to the disk.
    """

    def __init__(self, message: str, *, target: str) -> None:
        self.message = message
        self.target = target
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.target}: {self.message}"


class UnknownFormatError(LookerFrameError, ValueError):
    """There is no decoder for a result format: `known` lists those there are."""

    def __init__(self, name: str | None, *, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(sorted(known))
        super().__init__(name)

    def __str__(self) -> str:
        return f"no decoder for result_format {self.name!r}; known: {', '.join(self.known)}"


class MissingDependencyError(LookerFrameError, ImportError):
    """A part of lookerframe needs a package that is not installed: `extra` brings it."""

    def __init__(self, feature: str, *, extra: str) -> None:
        self.feature = feature
        self.extra = extra
        super().__init__(feature)

    def __str__(self) -> str:
        return f"{self.feature} needs more packages; install them with: pip install 'lookerframe[{self.extra}]'"


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return str(value)


def _position(value: Any, *, least: int = 1) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = int(value) if _DIGITS.fullmatch(value) else None
    return value if isinstance(value, int) and value >= least else None


def problems_of(errors: Iterable[Mapping[str, Any]] | None) -> tuple[QueryProblem, ...]:
    """Read the ``errors`` of Looker's ``ValidationError``; items of another kind are kept as text."""
    found = []
    for item in errors or ():
        if isinstance(item, dict):
            message = _text(item.get("message")) or ""
            found.append(QueryProblem(message, field=_text(item.get("field")), code=_text(item.get("code"))))
        else:
            found.append(QueryProblem(_text(item) or ""))
    return tuple(found)
