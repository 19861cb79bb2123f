"""The answer for several tasks at once, with the result of one in it.

Source: recorded answers of ``GET /query_tasks/multi_results``: an object, task id → ``status`` and ``data``; the latter
is the result in its own format. Text formats are assumed to be strings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lookerframe.exceptions import (
    AccessError,
    LookerSQLError,
    PayloadError,
    ResultExpiredError,
    SqlIssue,
    TaskError,
    TaskKilledError,
    UnexpectedContentError,
)
from lookerframe.formats.detection import MULTI_RESULTS, detect
from lookerframe.payload import Payload
from lookerframe.rows import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping

_START = 4_096
_WITH_RESULT = frozenset({"complete", "error", "failure"})
#: State → the error that it is.
_ENDED: Mapping[str, type[TaskError]] = {"expired": ResultExpiredError, "killed": TaskKilledError}


def unwrap(body: bytes, *, origin: str = MULTI_RESULTS) -> Payload:
    """Take the result out of an answer that has one.

    Parameters
    ----------
    body
        The whole of it.
    origin
        Its name, for messages.

    Returns
    -------
    Payload
        The result and its format; `Payload.whole`, for the end of the JSON around it was met.

    Raises
    ------
    ResultExpiredError, TaskKilledError, AccessError, TaskError
        The task has no result: it has lost it, was stopped, is another user's, or is still running.
    LookerSQLError
        The query failed, and the entry itself says so.
    UnexpectedContentError
        There are several results, or none.
    PayloadError
        It is not well-formed.
    """
    document = parse_object(body, result_format=MULTI_RESULTS)
    entries = document if isinstance(document, dict) else {}
    if len(entries) != 1:
        message = f"expected the result of one task, met {len(entries):,}; decode them one by one"
        raise UnexpectedContentError(message, result_format=MULTI_RESULTS)
    task_id, entry = next(iter(entries.items()))
    state = str(entry.get("status") or "").lower() if isinstance(entry, dict) else ""
    if state not in _WITH_RESULT:
        raise _without_result(state, task_id)
    errors = entry.get("errors") or entry.get("error")
    if errors:
        issues = [SqlIssue.from_api(error) for error in (errors if isinstance(errors, list) else [errors])]
        raise LookerSQLError(issues, task_id=task_id)
    content = _content(body, task_id, entry.get("data"))
    context = {"task_id": task_id, "state": state}
    return Payload(detect(content[:_START]), [content], origin=origin, context=context, whole=True)


def _content(body: bytes, task_id: str, data: Any) -> bytes:
    if isinstance(data, str):
        return data.encode()
    if data is None:
        message = f"task {task_id} has no `data`"
        raise PayloadError(message, result_format=MULTI_RESULTS)
    # Its own spelling, for numbers change when they are parsed and written again.
    return bytes(msgspec.json.decode(body, type=dict[str, dict[str, msgspec.Raw]])[task_id]["data"])


def _without_result(state: str, task_id: str) -> Exception:
    message = f"task {task_id} has the state {state!r} and no result"
    if state == "missing":
        return AccessError(message, task_id=task_id)
    return _ENDED.get(state, TaskError)(message, state=state, task_id=task_id)
