"""Query tasks as the API writes them: by themselves, in ``multi_results``, among the running queries.

Sources: the ``QueryTask`` and ``RunningQueries`` schemas; recorded bodies of ``multi_results``.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from lookerframe.local.cells import json_text
from lookerframe.local.errors import ApiError
from lookerframe.local.formats import embedded
from lookerframe.local.responses import begun
from lookerframe.local.tasks import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lookerframe.local.outcome import Outcome
    from lookerframe.local.tasks import Task

_EXPIRED = "Results have expired. Run the query again."  # recorded
#: Ended well, with results that are gone: those of a run while the caller waits are not kept at all (assumed).
_WITHOUT_RESULTS = (Status.EXPIRED, Status.COMPLETE)

_UNWRITABLE = "The local Looker failed to write the result; its log has the details."

_log = logging.getLogger(__name__)


def task_json(task: Task, base_url: str) -> dict[str, Any]:
    """Write a ``QueryTask``."""
    outcome = task.outcome
    return {
        "can": {"show": True, "kill": True},
        "id": task.id,
        "query_id": task.run.query.id,
        "query": task.run.query.as_json(base_url),
        "generate_links": task.run.drill_links,
        **task.shown,
        "cache_only": False,
        "cache_key": None,
        "status": task.status,
        "runtime": outcome.runtime if outcome else None,
        "result_source": "query" if outcome else None,
        "result_format": task.format.name,
    }


def running_json(task: Task, base_url: str) -> dict[str, Any]:
    """Write a task that waits or runs as one of the ``RunningQueries``."""
    query = task.run.query
    connection = query.project.models[query.model].connection
    return {
        "can": {"show": True, "kill": True},
        "id": task.id,
        "user": task.owner.public(base_url),
        "query": query.as_json(base_url),
        "created_at": task.created.isoformat(timespec="seconds"),
        "completed_at": None,
        "query_id": query.id,
        "source": task.shown.get("source") or "api4",
        "slug": query.id,
        "query_task_id": task.id,
        "connection_name": connection,
        "dialect": "duckdb",
        "status": task.status,
        "runtime": (dt.datetime.now(dt.UTC) - task.created).total_seconds(),
        "sql": task.run.plan.sql,
    }


def without_outcome(task: Task) -> ApiError:
    """Answer for a task that has ended and has nothing to show."""
    if task.status is Status.KILLED:
        return ApiError(400, "The query was killed.")  # assumed
    if task.status in _WITHOUT_RESULTS:
        return ApiError(404, _EXPIRED)
    return ApiError(500, "The local Looker failed while running the query; its log has the details.")


def missing_entry() -> Iterator[bytes]:
    """Write what ``multi_results`` says of a task that the caller may not see (documented), or that is unknown."""
    yield b'{"status":"missing"}'


def entry(task: Task) -> Iterator[bytes]:
    """Write what ``multi_results`` says of one task, as recorded."""
    outcome = task.outcome
    if outcome is not None:
        try:
            return begun(_finished(task, outcome))
        except Exception:  # noqa: BLE001 - the other tasks of the call are not to blame
            _log.exception("task %s: the result cannot be written", task.id)
            return iter([json_text({"status": Status.ERROR, "data": {"error": _UNWRITABLE}}).encode()])
    data = {"data": {"error": _EXPIRED}} if task.status in _WITHOUT_RESULTS else {}
    return iter([json_text({"status": task.status, **data}).encode()])


def object_of(entries: Mapping[str, Iterator[bytes]]) -> Iterator[bytes]:
    """Write a JSON object whose values are written already."""
    separator = b"{"
    for name, chunks in entries.items():
        yield separator + json_text(name).encode() + b":"
        yield from chunks
        separator = b","
    yield b"}"


def _finished(task: Task, outcome: Outcome) -> Iterator[bytes]:
    yield b'{"status":' + json_text(task.status).encode() + b',"result_source":"query","data":'
    yield from embedded(task.format, outcome)
    yield b"}"
