"""Where JSON formats say that a query failed, and what they say besides."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NoReturn

from lookerframe.exceptions import FetchError, LookerSQLError, PayloadError, SqlIssue, UnexpectedContentError
from lookerframe.render import shorten
from lookerframe.result import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lookerframe.payload import Payload
    from lookerframe.result import Findings
    from lookerframe.typed_rows import RowDecoder


#: Members of an envelope that is a result.
_RESULT = frozenset({"data", "fields", "metadata", "rows"})
#: Members of a query task. Source: the API's specification; some releases sent it in the place of a result.
_TASK = frozenset({"id", "status"})


def refuse_failed_query(envelope: Mapping[str, Any], payload: Payload, findings: Findings) -> None:
    """Raise what `json_detail` reports in ``errors`` or ``error``; remarks among it become notes.

    Raises
    ------
    LookerSQLError
        At least one of them is a failure.
    UnexpectedContentError
        The body is an error of the API, and nothing says that it is about a query; or it is a query task.
    """
    errors = envelope.get("errors") or []
    issues = [SqlIssue.from_api(item) for item in (errors if isinstance(errors, list) else [errors])]
    if envelope.get("error"):
        issues.append(SqlIssue.from_api(envelope["error"]))
    if envelope.get("message") and envelope.keys().isdisjoint({*_RESULT, "errors", "error"}):
        if payload.context.get("state") not in FAILED:
            message = f"expected a result, met an error of Looker's API: {shorten(str(envelope['message']), 500)!r}"
            raise UnexpectedContentError(message, result_format=payload.result_format)
        issues.append(SqlIssue.from_api({"message": envelope["message"]}))
    if not issues and _is_task(envelope):
        message = f"expected a result, met a query task, an object with the members {_named(envelope)}"
        raise UnexpectedContentError(message, result_format=payload.result_format)
    if all(issue.is_note for issue in issues):
        for issue in issues:
            findings.note(shorten(": ".join(filter(None, (issue.summary, issue.message))), 500))
            findings.excused = True
        return
    sql = envelope.get("sql")
    fail(issues, payload, sql=sql if isinstance(sql, str) else None)


def _is_task(envelope: Mapping[str, Any]) -> bool:
    return envelope.keys() >= _TASK and not any(envelope.get(name) is not None for name in _RESULT)


def _named(envelope: Mapping[str, Any]) -> str:
    return shorten(", ".join(map(repr, envelope)), 500)


def refuse_error_rows(errors: Sequence[Any], payload: Payload, *, sql: str | None = None) -> NoReturn:
    """Raise for rows ``{"looker_error": ...}``, one issue for each."""
    fail([SqlIssue.from_api(error) for error in errors], payload, sql=sql)


@contextlib.contextmanager
def failed_rows(decoder: RowDecoder, payload: Payload, findings: Findings) -> Iterator[None]:
    """Raise, at the end of the block that reads all rows, for those that `decoder` found to be error text.

    Raises
    ------
    LookerSQLError
        There were some; also if the body turned out to be broken after them.
    """
    try:
        yield
    except (PayloadError, FetchError):
        if not decoder.errors:
            raise
    if decoder.errors:
        refuse_error_rows(decoder.errors, payload, sql=findings.metadata.get("sql"))


def fail(issues: Sequence[SqlIssue], payload: Payload, *, sql: str | None) -> NoReturn:
    """Raise `issues` as the failure of the payload's query."""
    context = payload.context
    raise LookerSQLError(
        issues,
        sql=sql,
        result_format=payload.result_format,
        task_id=context.get("task_id"),
        query_id=context.get("query_id"),
        slug=context.get("slug"),
        model=context.get("model"),
        explore=context.get("explore"),
        fields=context.get("fields") or (),
        url=context.get("share_url"),
        status=context.get("status"),
    )
