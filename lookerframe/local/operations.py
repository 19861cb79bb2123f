"""The operations of the API, by their operation ids.

Source: the OpenAPI document of Looker API 4.0. What it leaves open is marked "assumed" where it is decided.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from lookerframe.local import formats
from lookerframe.local.accounts import USER_ID
from lookerframe.local.cells import json_text
from lookerframe.local.errors import ApiError, not_found
from lookerframe.local.formats.json_rows import error_text
from lookerframe.local.metadata import describe_explore
from lookerframe.local.outcome import Outcome, Run
from lookerframe.local.parameters import Parameters, RunOptions, read_json
from lookerframe.local.responses import json_response, stream_response
from lookerframe.local.selection import select
from lookerframe.local.tasks import Status, Task, Tasks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

    from lookerframe.local.accounts import Accounts
    from lookerframe.local.content import Look
    from lookerframe.local.formats import Format
    from lookerframe.local.project import Project
    from lookerframe.local.queries import Queries, Query

#: The release whose API document is followed.
_RELEASE = "26.12"
_EXPIRED = "Results have expired. Run the query again."  # recorded


@dataclass(frozen=True, slots=True)
class Operations:
    """What can be called, over the services that do the work.

    Attributes
    ----------
    not_ready_status : int
        Answer to a call for results that are not there yet: 202, or 204 as releases before 25.0 had it.
    """

    project: Project
    accounts: Accounts
    queries: Queries
    looks: Mapping[str, Look]
    tasks: Tasks
    not_ready_status: int

    # -- Sessions ------------------------------------------------------------------------------------------------------

    async def login(self, request: Request) -> Response:
        """``POST /login``: the key comes as a form, or as query parameters."""
        form = {key: values[0] for key, values in parse_qs((await request.body()).decode(errors="replace")).items()}
        given = {**request.query_params, **form}
        return json_response(self.accounts.login(given.get("client_id"), given.get("client_secret")))

    async def logout(self, request: Request) -> Response:
        """``DELETE /logout``."""
        self.accounts.logout(request.state.token)
        return Response(status_code=204)

    async def me(self, request: Request) -> Response:
        """``GET /user``."""
        user = {
            "can": {"show": True, "index": True},
            "id": USER_ID,
            "first_name": "Local",
            "last_name": "Looker",
            "display_name": "Local Looker",
            "email": "local@example.com",
            "locale": "en",
            "is_disabled": False,
            "group_ids": ["1"],
            "role_ids": ["1"],
            "url": f"{_base_url(request)}/api/4.0/users/{USER_ID}",
        }
        return _selected(request, user)

    async def versions(self, request: Request) -> Response:
        """``GET /versions``."""
        current = {"version": "4.0", "full_version": f"4.0.{_RELEASE}", "status": "current", "swagger_url": None}
        answer = {
            "looker_release_version": _RELEASE,
            "current_version": current,
            "supported_versions": [current],
            "api_server_url": _base_url(request),
            "web_server_url": _base_url(request),
        }
        return _selected(request, answer)

    # -- Queries -------------------------------------------------------------------------------------------------------

    async def create_query(self, request: Request) -> Response:
        """``POST /queries``."""
        query = self.queries.create(read_json(await request.body()))
        return _selected(request, query.as_json(_base_url(request)))

    async def query(self, request: Request) -> Response:
        """``GET /queries/{query_id}``."""
        return _selected(request, self._query(request.path_params["query_id"]).as_json(_base_url(request)))

    async def query_for_slug(self, request: Request) -> Response:
        """``GET /queries/slug/{slug}``."""
        return _selected(request, self._query(request.path_params["slug"]).as_json(_base_url(request)))

    async def run_query(self, request: Request) -> Response:
        """``GET /queries/{query_id}/run/{result_format}``."""
        return await self._run(request, self._query(request.path_params["query_id"]))

    async def run_inline_query(self, request: Request) -> Response:
        """``POST /queries/run/{result_format}``."""
        return await self._run(request, self.queries.create(read_json(await request.body())))

    async def _run(self, request: Request, query: Query) -> Response:
        """Run a query while the caller waits; a query that its database refuses is 200 in every format."""
        parameters = Parameters(request.query_params)
        options = RunOptions.read(parameters)
        result_format = request.path_params["result_format"]
        served = _served(parameters, result_format, documented=(*formats.DOCUMENTED, *formats.ONLY_RUN))
        task = self.tasks.create(_run(query, options), served)
        wrapped = asyncio.wrap_future(self.tasks.start(task))
        await asyncio.wait([wrapped])
        outcome = None if wrapped.cancelled() else wrapped.result()
        if outcome is None:
            raise _without_outcome(task)
        return stream_response(request, served.write(outcome), served.content_type)

    def _query(self, query_id: str) -> Query:
        query = self.queries.get(query_id)
        if query is None:
            raise not_found()
        return query

    # -- Query tasks ---------------------------------------------------------------------------------------------------

    async def create_query_task(self, request: Request) -> Response:
        """``POST /query_tasks``."""
        body = _object(read_json(await request.body()))
        parameters = Parameters(request.query_params)
        options = RunOptions.read(parameters)
        values = Parameters(body, parameters.problems)
        query_id, result_format = values.text("query_id"), values.text("result_format")
        named = {name: values.text(name) for name in ("source", "look_id", "dashboard_id")}
        deferred = values.flag("deferred")
        for name in ("query_id", "result_format"):
            if body.get(name) is None:
                values.refuse(name, f"'{name}' is required.", "missing_field")
        served = _served(values, result_format or "", documented=formats.DOCUMENTED)
        task = self.tasks.create(_run(self._query(query_id or ""), options), served, **options.shown(), **named)
        answer = self._task_json(task, _base_url(request))
        if not deferred:
            self.tasks.start(task)
        return _selected(request, answer)

    async def query_task(self, request: Request) -> Response:
        """``GET /query_tasks/{query_task_id}``."""
        return _selected(request, self._task_json(self._task(request), _base_url(request)))

    async def query_task_results(self, request: Request) -> Response:
        """``GET /query_tasks/{query_task_id}/results``."""
        task = self._task(request)
        if task.status in (Status.ADDED, Status.RUNNING):
            self.tasks.start(task)  # assumed: this is what a deferred task waits for
            return Response(status_code=self.not_ready_status)
        outcome = task.outcome
        if outcome is None:
            raise _without_outcome(task)
        if outcome.error and not task.format.carries_errors:
            raise ApiError(400, error_text(outcome))
        return stream_response(request, task.format.write(outcome), task.format.content_type)

    async def query_task_multi_results(self, request: Request) -> Response:
        """``GET /query_tasks/multi_results``."""
        ids = [name for name in request.query_params.get("query_task_ids", "").split(",") if name]
        if not ids:
            raise ApiError(400, "query_task_ids is empty; expected task ids with commas between them.")
        entries = {task_id: self._entry(self.tasks.get(task_id)) for task_id in ids}
        return stream_response(request, _object_of(entries), "application/json")

    async def kill_query(self, request: Request) -> Response:
        """``DELETE /running_queries/{query_task_id}``; a task that has ended is 404 (observed)."""
        if not await run_in_threadpool(self.tasks.kill, self._task(request)):
            raise not_found()
        return Response(status_code=204)

    def _task(self, request: Request) -> Task:
        task = self.tasks.get(request.path_params["query_task_id"])
        if task is None:
            raise not_found()
        return task

    def _task_json(self, task: Task, base_url: str) -> dict[str, Any]:
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

    def _entry(self, task: Task | None) -> Iterator[bytes]:
        """Write what ``multi_results`` says of one task, as recorded."""
        if task is None:
            # Documented as the status of a task that the caller may not see; it does not tell that from an unknown one.
            return iter([b'{"status":"missing"}'])
        if task.status in (Status.ADDED, Status.RUNNING):
            self.tasks.start(task)
        outcome = task.outcome
        if outcome is None:
            data = {"data": {"error": _EXPIRED}} if task.status is Status.EXPIRED else {}
            return iter([json_text({"status": task.status, **data}).encode()])
        return _finished_entry(task, outcome)

    # -- Models and content --------------------------------------------------------------------------------------------

    async def lookml_model_explore(self, request: Request) -> Response:
        """``GET /lookml_models/{lookml_model_name}/explores/{explore_name}``."""
        model = self.project.models.get(request.path_params["lookml_model_name"])
        explore = model.explores.get(request.path_params["explore_name"]) if model else None
        if model is None or explore is None:
            raise not_found()
        return _selected(request, describe_explore(explore, model, self.project))

    async def look(self, request: Request) -> Response:
        """``GET /looks/{look_id}``."""
        look = self.looks.get(request.path_params["look_id"])
        if look is None:
            raise not_found()
        return _selected(request, look.as_json(_base_url(request), user_id=USER_ID))


def _run(query: Query, options: RunOptions) -> Run:
    return Run(
        query,
        query.plan(options.limit),
        drill_links=options.generate_drill_links,
        path_prefix=unquote(options.path_prefix or ""),
    )


def _served(parameters: Parameters, name: str, *, documented: tuple[str, ...]) -> Format:
    """Find the format, or answer 422 with this and every earlier problem of the call."""
    found = formats.find(name)
    if found is None and name:
        known = "is not served by the local Looker yet" if name in documented else "is unknown"
        parameters.refuse("result_format", f"result_format {name!r} {known}; served: {', '.join(formats.served())}")
    parameters.check()
    if found is None:
        raise not_found()
    return found


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ApiError(400, f"The body is {json_text(body)[:40]}; expected an object with query_id and result_format.")
    return body


def _without_outcome(task: Task) -> ApiError:
    """Answer for a task that has ended and has nothing to show."""
    if task.status is Status.KILLED:
        return ApiError(400, "The query was killed.")  # assumed
    if task.status is Status.EXPIRED:
        return ApiError(404, _EXPIRED)
    return ApiError(500, "The local Looker failed while running the query; its log has the details.")


def _finished_entry(task: Task, outcome: Outcome) -> Iterator[bytes]:
    yield b'{"status":' + json_text(task.status).encode() + b',"result_source":"query","data":'
    if outcome.error and not task.format.carries_errors:
        facts = {"id": task.id, "error": error_text(outcome), "runtime": f"{outcome.runtime:.3f}"}
        yield json_text({**facts, "sql": task.run.plan.sql}).encode()
    else:
        yield from task.format.write(outcome)
    yield b"}"


def _object_of(entries: Mapping[str, Iterator[bytes]]) -> Iterator[bytes]:
    separator = b"{"
    for name, chunks in entries.items():
        yield separator + json_text(name).encode() + b":"
        yield from chunks
        separator = b","
    yield b"}"


def _selected(request: Request, answer: dict[str, Any]) -> Response:
    return json_response(select(answer, request.query_params.get("fields")))


def _base_url(request: Request) -> str:
    return str(request.base_url).rstrip("/")
