"""The life of query tasks: create, wait, fetch, kill. It ends in a `Payload`.

Source: Looker API 4.0, ``create_query``, ``create_query_task``, ``query_task``, ``query_task_results``, ``kill_query``;
what the states mean in practice is observed (see ``docs/tasks.md``).
"""

from __future__ import annotations

import logging
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypedDict, get_type_hints

from lookerframe.exceptions import (
    AccessError,
    DeadlineError,
    FetchError,
    InvalidQueryError,
    LookerSQLError,
    NotFoundError,
    ResultExpiredError,
    SchemaError,
    SchemaProblem,
    SqlIssue,
    TaskKilledError,
)
from lookerframe.models import QueryTask, SavedQuery
from lookerframe.payload import Payload
from lookerframe.transport import path
from lookerframe.validation import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lookerframe.deadline import Deadline, Stats
    from lookerframe.query import Query
    from lookerframe.transport import Stream, Transport

_log = logging.getLogger(__name__)

#: States with something to fetch; a failed query has its error there, in the words of its result format.
_FETCHABLE: Final = frozenset({"complete", "error", "failure"})
#: States on the way to another one. The empty one is a task that Looker says nothing of.
_PENDING: Final = frozenset({"added", "running", "queued", ""})
#: Result formats that are, or may be, served as pages.
_PAGES: Final = frozenset({"html", "gsxml", "odc"})
#: How much longer to wait before each further look at a running task.
_POLL_GROWTH: Final = 1.5
#: Query parameters of ``create_query_task`` by the names used here, where they differ.
_SPELT: Final = {"generate_links": "generate_drill_links"}
_IN_BODY: Final = frozenset({"look_id", "dashboard_id", "source", "deferred"})


class RunOptions(TypedDict, total=False):
    """How Looker shall run a query: options of ``create_query_task``; what is left out is left to Looker.

    Attributes
    ----------
    cache : bool
        Take the result from Looker's cache if it is there.
    cache_only : bool
        Take it from there even if it has expired, and from nowhere else.
    force_production : bool
        Use the production models though the user is in Development Mode.
    rebuild_pdts : bool
        Rebuild the persistent derived tables that the query uses.
    server_table_calcs : bool
        Have table calculations computed by Looker.
    apply_formatting, apply_vis : bool
        Apply the model's value formats, or the visualization's settings, to the values. They then are texts, and a
        typed column cannot be made of them.
    generate_links : bool
        Add drill links to the cells of `json_detail`; the API calls it ``generate_drill_links``.
    path_prefix : str
        Put before the addresses of drill links.
    look_id, dashboard_id : str
        What the query belongs to, for Looker's usage records.
    source : str
        Who asks, for the same.
    deferred : bool
        Create the task without running it.
    """

    cache: bool | None
    cache_only: bool | None
    force_production: bool | None
    rebuild_pdts: bool | None
    server_table_calcs: bool | None
    apply_formatting: bool | None
    apply_vis: bool | None
    generate_links: bool | None
    path_prefix: str | None
    look_id: str | int | None
    dashboard_id: str | int | None
    source: str | None
    deferred: bool | None


class TaskOptions(RunOptions, total=False):
    """All options of ``create_query_task``.

    Attributes
    ----------
    limit : int
        Rows at most, in place of the query's own limit; -1 for all.
    """

    limit: int | None


def create_query(transport: Transport, query: Query, *, deadline: Deadline, stats: Stats) -> SavedQuery:
    """Save a query; Looker returns the existing one if there is one like it, so the call can be repeated.

    Raises
    ------
    InvalidQueryError, FetchError
        Looker refuses the query; the call fails.
    """
    reply = transport.request("POST", "/queries", json=query.to_api(), deadline=deadline, idempotent=True, stats=stats)
    body = reply.json()
    check(body, schema="query")
    return SavedQuery.from_api(body)


def create_task(
    transport: Transport,
    query_id: str,
    *,
    result_format: str,
    options: Mapping[str, Any],
    deadline: Deadline,
    stats: Stats,
) -> QueryTask:
    """Have a saved query run.

    Raises
    ------
    TypeError
        An option is none of `TaskOptions`.
    InvalidQueryError, FetchError
        Looker refuses; the call fails. It is not repeated where the first one may have worked.
    """
    known = get_type_hints(TaskOptions)
    if unknown := [name for name in options if name not in known]:
        message = f"there is no option {unknown[0]!r}; known: {', '.join(known)}"
        raise TypeError(message)
    given = {name: value for name, value in options.items() if value is not None}
    body = {"query_id": query_id, "result_format": result_format}
    for name in _IN_BODY & given.keys():
        body[name] = str(given[name]) if name.endswith("_id") else given[name]
    params = {_SPELT.get(name, name): value for name, value in given.items() if name not in _IN_BODY}
    reply = transport.request("POST", "/query_tasks", params=params, json=body, deadline=deadline, stats=stats)
    task = _task(reply.json())
    if not task.id:
        problem = SchemaProblem("$.id", "required", "the id of the task that was made", "none")
        raise SchemaError([problem], schema="query_task")
    return task


def get_task(
    transport: Transport, task_id: str, *, deadline: Deadline, stats: Stats, fields: str | None = None
) -> QueryTask:
    """Ask how a task stands.

    Raises
    ------
    NotFoundError, FetchError
        There is no such task, or this user may not see it; the call fails.
    """
    try:
        reply = transport.request(
            "GET", path("query_tasks", task_id), params={"fields": fields}, deadline=deadline, stats=stats
        )
    except NotFoundError as exc:
        exc.task_id = task_id
        exc.advice = (
            "Looker knows no such task, has dropped it (results are kept for some hours), or it belongs to another "
            "user: check the id, or run the query again"
        )
        raise
    except FetchError as exc:
        exc.task_id = task_id
        raise
    return _task(reply.json())


def wait(transport: Transport, task: QueryTask, *, alive: bool, deadline: Deadline, stats: Stats) -> QueryTask:
    """Wait until there is something to fetch.

    Parameters
    ----------
    task
        As it stood when it was last asked for.
    alive
        Whether the task is known not to have ended yet when it was last seen, so that ``expired`` cannot be final.

    Returns
    -------
    QueryTask
        The same with its last status: ``complete``, ``error`` or ``failure``.

    Raises
    ------
    TaskKilledError, ResultExpiredError, AccessError
        The task was cancelled; its result is gone; this user may not see it.
    DeadlineError, FetchError
        The time is over; a call fails.
    """
    settings = transport.settings
    task_id = task.id or ""
    pause, state, told, expired_since = settings.poll_interval, task.state, "", None
    while state not in _FETCHABLE:
        _refuse_final(state, task_id)
        alive = alive or state in _PENDING
        if state == "expired":
            # Looker says so of a task on its way to another state, and of one whose result is gone.
            expired_since = deadline.now() if expired_since is None else expired_since
            grace = settings.expired_grace if alive else settings.poll_interval
            if deadline.now() - expired_since >= grace:
                raise _expired(task_id)
        elif state not in _PENDING and state != told:
            told = state
            _log.warning("task %s has the state %r, which is not known; waiting on", task_id, state)
        if not _sleep(pause, deadline, settings.poll_interval):
            raise _late(deadline, state, task_id)
        pause = min(pause * _POLL_GROWTH, settings.poll_interval_max)
        try:
            state = get_task(transport, task_id, deadline=deadline, stats=stats, fields="id,status").state
        except DeadlineError as exc:
            raise _late(deadline, state, task_id) from exc  # what went on was the query, not our asking for it
    return replace(task, status=state)


def fetch(
    transport: Transport,
    task: QueryTask,
    *,
    limit: int | None,
    fields: Callable[[], Mapping[str, Any]],
    on_failure: Callable[[BaseException], None],
    deadline: Deadline,
    stats: Stats,
) -> Payload:
    """Ask for the result of a task, as often as Looker says that it is not finished.

    Parameters
    ----------
    limit
        Rows at most, if the task was created with a limit of its own.
    fields, on_failure
        See `Payload`.

    Raises
    ------
    LookerSQLError
        The query failed, and the result format has no place for it: HTTP 400, but for a page of HTML, which a proxy
        wrote.
    ResultExpiredError
        The result is gone (HTTP 404).
    DeadlineError, FetchError
        The time is over; the call fails.
    """
    settings = transport.settings
    task_id = task.id or ""
    pause = settings.poll_interval
    while True:
        stream = _results(transport, task, deadline=deadline, stats=stats)
        if stream.status == HTTPStatus.OK:
            break
        stream.close()  # 202 since Looker 25.0, 204 before: not finished
        if not _sleep(pause, deadline, settings.poll_interval):
            raise _late(deadline, "running", task_id)
        pause = min(pause * _POLL_GROWTH, settings.poll_interval_max)
    return Payload(
        task.result_format or "",
        _chunks(stream, task_id),
        origin=stream.endpoint,
        fields=fields,
        context=_context(task, limit),
        on_failure=on_failure,
        max_row_bytes=transport.settings.max_row_bytes,
        framed=stream.framed,
        stats=stats,
        close=stream.close,
    )


def kill(transport: Transport, task_id: str, *, deadline: Deadline, stats: Stats) -> bool:
    """Stop a running query; False if it had ended already, which Looker answers with 404 or 422 (assumed).

    Raises
    ------
    FetchError
        The call fails.
    """
    try:
        transport.request("DELETE", path("running_queries", task_id), deadline=deadline, stats=stats)
    except (NotFoundError, InvalidQueryError):
        return False
    except FetchError as exc:
        exc.task_id = task_id
        raise
    return True


def _task(body: Any) -> QueryTask:
    check(body, schema="query_task")
    return QueryTask.from_api(body)


def _results(transport: Transport, task: QueryTask, *, deadline: Deadline, stats: Stats) -> Stream:
    task_id = task.id or ""
    try:
        where = path("query_tasks", task_id, "results")
        html = task.result_format in _PAGES
        return transport.stream("GET", where, deadline=deadline, stats=stats, html=html)
    except NotFoundError as exc:
        raise _expired(task_id, exc) from exc
    except FetchError as exc:
        exc.task_id = task_id
        if exc.status != HTTPStatus.BAD_REQUEST or exc.is_page:
            raise
        facts = _context(task, None)
        raise LookerSQLError(
            [SqlIssue(message=exc.message)],
            result_format=task.result_format,
            **{name: facts.get(name) for name in ("task_id", "query_id", "slug", "model", "explore")},
            fields=facts.get("fields") or (),
            url=facts.get("share_url"),
            status=exc.status,
        ) from exc


def _chunks(stream: Stream, task_id: str) -> Iterator[bytes]:
    try:
        yield from stream.chunks()
    except FetchError as exc:
        exc.task_id = task_id
        raise
    finally:
        stream.close()


def _context(task: QueryTask, limit: int | None) -> dict[str, Any]:
    query = task.query or SavedQuery()
    facts = {
        **query.facts(),
        "task_id": task.id,
        "query_id": task.query_id or query.id,
        "limit": query.facts().get("limit") if limit is None else limit,
        "status": HTTPStatus.OK.value,
        "state": task.state,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _refuse_final(state: str, task_id: str) -> None:
    if state == "killed":
        message = "the query was cancelled, by a person or by a limit of the server; run it again"
        raise TaskKilledError(f"task {task_id}: {message}", state=state, task_id=task_id)
    if state == "missing":
        message = f"task {task_id}: this user may not see it; ask as the user who created it"
        raise AccessError(message, task_id=task_id)


def _expired(task_id: str, exc: FetchError | None = None) -> ResultExpiredError:
    message = f"task {task_id}: Looker no longer keeps its result; run the query again"
    if exc is None:
        return ResultExpiredError(message, state="expired", task_id=task_id)
    return ResultExpiredError(
        message,
        state="expired",
        task_id=task_id,
        endpoint=exc.endpoint,
        status=exc.status,
        documentation_url=exc.documentation_url,
        attempts=exc.attempts,
        elapsed=exc.elapsed,
    )


def _sleep(pause: float, deadline: Deadline, shortest: float) -> bool:
    """Sleep until the next look; False if there is no time for another. The last one leaves time to fetch."""
    left = deadline.remaining()
    if left <= shortest:
        deadline.sleep(left)
        return False
    deadline.sleep(min(pause, left - shortest))
    return True


def _late(deadline: Deadline, state: str, task_id: str) -> FetchError:
    if state == "expired":
        return _expired(task_id)
    error = deadline.error("queued" if state in {"added", "queued"} else "running")
    error.task_id = task_id
    return error
