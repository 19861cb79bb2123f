"""The operations of the API, by their operation ids.

Source: the OpenAPI document of Looker API 4.0. What it leaves open is marked "assumed" where it is decided. Assumed
everywhere is ``can``, which the document leaves to each installation: it has what this server lets the caller do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from lookerframe.local import formats
from lookerframe.local.catalog import connections, describe_connection, describe_model, describe_models
from lookerframe.local.cells import json_text
from lookerframe.local.errors import ApiError, Problem, invalid, not_found
from lookerframe.local.formats.json_rows import error_text
from lookerframe.local.metadata import describe_explore
from lookerframe.local.outcome import Run
from lookerframe.local.parameters import Parameters, RunOptions, read_json, read_url_query
from lookerframe.local.responses import base_url, json_response, selected_response, stream_response
from lookerframe.local.selection import select
from lookerframe.local.sheets import Shown
from lookerframe.local.task_answers import entry, missing_entry, object_of, running_json, task_json, without_outcome
from lookerframe.local.tasks import Status, Task, Tasks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

    from lookerframe.local.accounts import Accounts, User
    from lookerframe.local.content import Look
    from lookerframe.local.formats import Format
    from lookerframe.local.outcome import Outcome
    from lookerframe.local.project import Project
    from lookerframe.local.queries import Queries, Query

#: The release whose API document is followed.
_RELEASE = "26.12"


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

    async def login_user(self, request: Request) -> Response:
        """``POST /login/{user_id}``: an admin becomes another user."""
        return json_response(self.accounts.login_as(_user(request), request.path_params["user_id"]))

    async def logout(self, request: Request) -> Response:
        """``DELETE /logout``."""
        self.accounts.logout(request.state.session)
        return Response(status_code=204)

    async def me(self, request: Request) -> Response:
        """``GET /user``."""
        return selected_response(request, _user(request).as_json(base_url(request)))

    async def versions(self, request: Request) -> Response:
        """``GET /versions``."""
        current = {"version": "4.0", "full_version": f"4.0.{_RELEASE}", "status": "current", "swagger_url": None}
        answer = {
            "looker_release_version": _RELEASE,
            "current_version": current,
            "supported_versions": [current],
            "api_server_url": base_url(request),
            "web_server_url": base_url(request),
        }
        return selected_response(request, answer)

    # -- Queries -------------------------------------------------------------------------------------------------------

    async def create_query(self, request: Request) -> Response:
        """``POST /queries``."""
        query = self.queries.create(read_json(await request.body()))
        return selected_response(request, query.as_json(base_url(request)))

    async def query(self, request: Request) -> Response:
        """``GET /queries/{query_id}``."""
        return selected_response(request, self._query(request.path_params["query_id"]).as_json(base_url(request)))

    async def query_for_slug(self, request: Request) -> Response:
        """``GET /queries/slug/{slug}``."""
        return selected_response(request, self._query(request.path_params["slug"]).as_json(base_url(request)))

    async def run_query(self, request: Request) -> Response:
        """``GET /queries/{query_id}/run/{result_format}``."""
        return await self._run(request, self._query(request.path_params["query_id"]))

    async def run_inline_query(self, request: Request) -> Response:
        """``POST /queries/run/{result_format}``."""
        return await self._run(request, self.queries.create(read_json(await request.body())))

    async def run_look(self, request: Request) -> Response:
        """``GET /looks/{look_id}/run/{result_format}``."""
        return await self._run(request, self._look(request).query)

    async def run_url_encoded_query(self, request: Request) -> Response:
        """``GET /queries/models/{model_name}/views/{view_name}/run/{result_format}``."""
        model, view = request.path_params["model_name"], request.path_params["view_name"]
        if model not in self.project.models or view not in self.project.models[model].explores:
            raise not_found()
        body = {"model": model, "view": view, **read_url_query(request.query_params)}
        # The row limit is the query's own here.
        given = {key: value for key, value in request.query_params.items() if key != "limit"}
        return await self._run(request, self.queries.create(body), given)

    async def _run(self, request: Request, query: Query, given: Mapping[str, str] | None = None) -> Response:
        """Run a query while the caller waits; a query that its database refuses is 200 in every format."""
        parameters = Parameters(request.query_params if given is None else given)
        options = RunOptions.read(parameters)
        result_format = request.path_params["result_format"]
        served = _served(parameters, result_format, documented=(*formats.DOCUMENTED, *formats.ONLY_RUN))
        _check_labels(served, query)
        task = self.tasks.create(_user(request), _run(query, options), served, kept=False)
        await asyncio.wait([asyncio.wrap_future(self.tasks.start(task))])
        if task.outcome is None:
            raise without_outcome(task)
        return await stream_response(request, self._written(task, task.outcome), served.content_type)

    def _written(self, task: Task, outcome: Outcome) -> Iterator[bytes]:
        """Write what a run brought; nobody can ask for it again, so it is dropped then."""
        try:
            yield from task.format.write(outcome)
        finally:
            self.tasks.drop(task)

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
        run = _run(self._query(query_id or ""), options)
        task = self.tasks.create(_user(request), run, served, shown={**options.shown(), **named})
        answer = task_json(task, base_url(request))
        if not deferred:
            self.tasks.start(task)
        return selected_response(request, answer)

    async def query_task(self, request: Request) -> Response:
        """``GET /query_tasks/{query_task_id}``."""
        return selected_response(request, task_json(self._task(request), base_url(request)))

    async def query_task_results(self, request: Request) -> Response:
        """``GET /query_tasks/{query_task_id}/results``."""
        task = self._task(request)
        if task.status in (Status.ADDED, Status.RUNNING):
            self.tasks.start(task)  # assumed: this is what a deferred task waits for
            return Response(status_code=self.not_ready_status)
        outcome = task.outcome
        if outcome is None:
            raise without_outcome(task)
        if outcome.error and not task.format.carries_errors:
            raise ApiError(400, error_text(outcome))
        return await stream_response(request, task.format.write(outcome), task.format.content_type)

    async def query_task_multi_results(self, request: Request) -> Response:
        """``GET /query_tasks/multi_results``."""
        ids = [name for name in request.query_params.get("query_task_ids", "").split(",") if name]
        if not ids:
            raise ApiError(400, "query_task_ids is empty; expected task ids with commas between them.")
        found = {task_id: self.tasks.get(task_id, seen_by=_user(request)) for task_id in ids}
        for task in found.values():
            if task is not None and task.status in (Status.ADDED, Status.RUNNING):
                self.tasks.start(task)
        entries = await run_in_threadpool(_entries, found)
        return await stream_response(request, object_of(entries), "application/json")

    async def all_running_queries(self, request: Request) -> Response:
        """``GET /running_queries``: for admins only (documented); to others it is as if it were not there (assumed)."""
        if not _user(request).is_admin:
            raise not_found()
        return json_response([running_json(task, base_url(request)) for task in self.tasks.under_way()])

    async def kill_query(self, request: Request) -> Response:
        """``DELETE /running_queries/{query_task_id}``; a task that has ended is 404 (observed)."""
        found = self.tasks.find(request.path_params["query_task_id"]) if _user(request).is_admin else None
        if not await run_in_threadpool(self.tasks.kill, found or self._task(request)):
            raise not_found()
        return Response(status_code=204)

    def _task(self, request: Request) -> Task:
        task = self.tasks.get(request.path_params["query_task_id"], seen_by=_user(request))
        if task is None:
            raise not_found()
        return task

    # -- Models and content --------------------------------------------------------------------------------------------

    async def lookml_model_explore(self, request: Request) -> Response:
        """``GET /lookml_models/{lookml_model_name}/explores/{explore_name}``."""
        model = self.project.models.get(request.path_params["lookml_model_name"])
        explore = model.explores.get(request.path_params["explore_name"]) if model else None
        if model is None or explore is None:
            raise not_found()
        return selected_response(request, describe_explore(explore, model, self.project))

    async def all_lookml_models(self, request: Request) -> Response:
        """``GET /lookml_models``; every model has explores, so ``exclude_empty`` leaves none out."""
        parameters = Parameters(request.query_params)
        hidden = parameters.flag("exclude_hidden")
        for name in ("exclude_empty", "include_internal", "include_self_service"):
            parameters.flag(name)
        limit, offset = parameters.count("limit"), parameters.count("offset")
        parameters.check()
        start = offset or 0
        models = describe_models(self.project, exclude_hidden=hidden)[start:][:limit]
        return json_response(select(models, request.query_params.get("fields")))

    async def lookml_model(self, request: Request) -> Response:
        """``GET /lookml_models/{lookml_model_name}``."""
        model = self.project.models.get(request.path_params["lookml_model_name"])
        if model is None:
            raise not_found()
        return selected_response(request, describe_model(model, self.project))

    async def connection(self, request: Request) -> Response:
        """``GET /connections/{connection_name}``."""
        name = request.path_params["connection_name"]
        if name not in connections(self.project.models.values()):
            raise not_found()
        return selected_response(request, describe_connection(name))

    async def look(self, request: Request) -> Response:
        """``GET /looks/{look_id}``."""
        return selected_response(
            request, self._look(request).as_json(base_url(request), user_id=self.accounts.users[0].id)
        )

    def _look(self, request: Request) -> Look:
        look = self.looks.get(request.path_params["look_id"])
        if look is None:
            raise not_found()
        return look


def _entries(found: Mapping[str, Task | None]) -> dict[str, Iterator[bytes]]:
    return {task_id: missing_entry() if task is None else entry(task) for task_id, task in found.items()}


def _user(request: Request) -> User:
    """Name the caller, whom `app` has found."""
    user: User = request.state.session.user
    return user


def _run(query: Query, options: RunOptions) -> Run:
    return Run(
        query,
        query.plan(options.limit),
        drill_links=options.generate_drill_links,
        apply_formatting=options.apply_formatting,
        path_prefix=unquote(options.path_prefix or ""),
    )


def _check_labels(served: Format, query: Query) -> None:
    """Refuse rows whose cells would have the same key; what Looker does with them is not known."""
    layout = query.layout
    names: dict[str, str] = {}
    if served.name != "json_label":
        return
    fields = map(Shown.of, (*layout.rows, *layout.pivots, *layout.measures))
    columns = [
        *((item.name, item.label) for item in fields),
        *((item.name, item.label) for item in layout.calculations),
    ]
    for name, label in columns:
        if label in names:
            message = f"json_label cannot tell {names[label]} and {name} apart, whose label is {label!r}; use json"
            raise invalid(Problem("result_format", message))
        names[label] = name


def _served(parameters: Parameters, name: str, *, documented: tuple[str, ...]) -> Format:
    """Find the format, or answer 422 with this and every earlier problem of the call."""
    found = formats.find(name) if name in documented else None
    if found is None and name:
        served = ", ".join(item for item in formats.served() if item in documented)
        known = "is not served by the local Looker" if name in documented else "is unknown"
        parameters.refuse("result_format", f"result_format {name!r} {known}; served: {served}")
    parameters.check()
    if found is None:
        raise not_found()
    return found


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise ApiError(400, f"The body is {json_text(body)[:40]}; expected an object with query_id and result_format.")
    return body
