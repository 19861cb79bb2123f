"""The ASGI application: which call leads to which operation, and what is checked before."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route

from lookerframe.local.errors import ApiError, not_found
from lookerframe.local.page import show_page
from lookerframe.local.responses import error_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from lookerframe.local.accounts import RateLimit
    from lookerframe.local.dashboard_operations import DashboardOperations
    from lookerframe.local.operations import Operations

    Handler = Callable[[Request], Awaitable[Response]]
    Call = tuple[str, str, Handler]

_API = "/api/4.0"


def build_app(operations: Operations, dashboards: DashboardOperations, limit: RateLimit) -> Starlette:
    """Put the operations under their paths."""
    return Starlette(
        routes=[
            Route("/", _page(operations, dashboards)),
            Route("/alive", _alive),
            _route("POST", f"{_API}/login", operations.login, limit),
            # The Python SDK logs out without a version.
            _route("DELETE", "/api/logout", _authenticated(operations, operations.logout), limit),
            *(
                _route(verb, _API + path, _authenticated(operations, call), limit)
                for verb, path, call in (*_calls(operations), *dashboards.calls())
            ),
        ],
        exception_handlers={HTTPException: _unrouted, Exception: _failed},  # type: ignore[dict-item]
    )


def operations_of(app: Starlette) -> frozenset[str]:
    """Name the operations by their ids."""
    return frozenset(route.name for route in app.routes if isinstance(route, Route) and route.path.startswith("/api/"))


def operation_of(app: Starlette, method: str, path: str) -> tuple[str, str | None]:
    """Name the operation that a call leads to, and the query task in its path; empty and None if there is none."""
    scope = {"type": "http", "method": method, "path": unquote(path)}
    for route in app.routes:
        match, found = route.matches(scope)
        if match is Match.FULL and isinstance(route, Route) and route.path.startswith("/api/"):
            return route.name, found["path_params"].get("query_task_id")
    return "", None


def _calls(operations: Operations) -> list[Call]:
    """List the operations that need a login, with their verbs and paths."""
    return [
        ("POST", "/login/{user_id}", operations.login_user),
        ("GET", "/user", operations.me),
        ("GET", "/versions", operations.versions),
        ("DELETE", "/logout", operations.logout),
        ("POST", "/queries", operations.create_query),
        ("POST", "/queries/run/{result_format}", operations.run_inline_query),
        ("GET", "/queries/slug/{slug}", operations.query_for_slug),
        (
            "GET",
            "/queries/models/{model_name}/views/{view_name}/run/{result_format}",
            operations.run_url_encoded_query,
        ),
        ("GET", "/queries/{query_id}", operations.query),
        ("GET", "/queries/{query_id}/run/{result_format}", operations.run_query),
        ("POST", "/query_tasks", operations.create_query_task),
        ("GET", "/query_tasks/multi_results", operations.query_task_multi_results),
        ("GET", "/query_tasks/{query_task_id}", operations.query_task),
        ("GET", "/query_tasks/{query_task_id}/results", operations.query_task_results),
        ("GET", "/running_queries", operations.all_running_queries),
        ("DELETE", "/running_queries/{query_task_id}", operations.kill_query),
        ("GET", "/connections/{connection_name}", operations.connection),
        ("GET", "/lookml_models", operations.all_lookml_models),
        ("GET", "/lookml_models/{lookml_model_name}", operations.lookml_model),
        ("GET", "/lookml_models/{lookml_model_name}/explores/{explore_name}", operations.lookml_model_explore),
        ("GET", "/looks/{look_id}", operations.look),
        ("GET", "/looks/{look_id}/run/{result_format}", operations.run_look),
    ]


def _route(verb: str, path: str, handler: Handler, limit: RateLimit) -> Route:
    documented = re.sub(r"\{(\w+)\}", r":\1", path.removeprefix(_API))

    async def endpoint(request: Request) -> Response:
        try:
            limit.take()
            return await handler(request)
        except ApiError as exc:
            return error_response(exc, verb, documented)

    return Route(path, endpoint, methods=[verb], name=handler.__name__)


def _authenticated(operations: Operations, handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def checked(request: Request) -> Response:
        request.state.session = operations.accounts.check(request.headers.get("Authorization", ""))
        return await handler(request)

    return checked


def _page(operations: Operations, dashboards: DashboardOperations) -> Handler:
    async def page(request: Request) -> Response:
        return show_page(operations, dashboards.dashboards.values(), request)

    return page


async def _alive(_: Request) -> Response:
    return Response()


async def _unrouted(request: Request, exc: HTTPException) -> Response:
    error = not_found() if exc.status_code == 404 else ApiError(exc.status_code, exc.detail)  # noqa: PLR2004
    return error_response(error, request.method, request.url.path.removeprefix(_API))


async def _failed(request: Request, _: Exception) -> Response:
    # Starlette raises the exception again afterwards, so that the server's log has it in full.
    error = ApiError(500, "The local Looker failed to answer; its log has the details.")
    return error_response(error, request.method, request.url.path.removeprefix(_API))
