"""A Looker that plays what it was given, for one query task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lookerframe as lf
from tests.faults import FaultServer, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults import Request, Script

TASK = "32ea04b764c885ebef9837b8ef4b6f4a"
ROWS = {"fields": {"dimensions": [], "measures": [{"name": "orders.count", "type": "count", "measure": True}]}}
DETAIL = {**ROWS, "data": [{"orders.count": {"value": 7}}]}


class ScriptedLooker:
    """Answers login, and for one task the states and result answers that it was given, the last of them for ever."""

    def __init__(
        self,
        *states: str,
        results: list[Script] | None = None,
        result_format: str = "json_detail",
        killed: Script | None = None,
    ) -> None:
        self.states = list(states)
        self.results = results or [reply(200, DETAIL)]
        self.result_format = result_format
        self.killed = killed or reply(204)
        self.calls: list[str] = []

    def __call__(self, request: Request) -> Script:
        """Answer one request."""
        where = request.target.split("?")[0].removeprefix("/api/4.0")
        self.calls.append(f"{request.method} {where}")
        if where == f"/query_tasks/{TASK}/results":
            return self.results.pop(0) if len(self.results) > 1 else self.results[0]
        status = "added"
        if where == f"/query_tasks/{TASK}":
            status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        task = {"id": TASK, "query_id": "q1", "status": status, "result_format": self.result_format}
        known = {
            "/login": reply(200, {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}),
            "/queries": reply(200, {"id": "q1", "model": "m", "view": "e", "limit": "-1"}),
            "/query_tasks": reply(200, task),
            f"/query_tasks/{TASK}": reply(200, task),
            f"/running_queries/{TASK}": self.killed,
        }
        return known.get(where) or reply(404, {"message": "Not found", "documentation_url": "http://docs.looker.com/"})


def connections() -> Iterator[Any]:
    """Give a function that makes a client of a scripted Looker, and close all that it made: for a fixture."""
    opened: list[Any] = []

    def connected(looker: ScriptedLooker, **settings: Any) -> lf.Looker:
        server = FaultServer(answer=looker)
        server.__enter__()
        patience = {"poll_interval": 0.01, "poll_interval_max": 0.02, "backoff_base": 0.01, **settings}
        client = lf.Looker(
            lf.Settings(base_url=server.url, client_id="id", client_secret=lf.Secret("secret"), **patience)
        )
        opened.extend((client, server))
        return client

    yield connected
    for one in opened:
        one.__exit__(None, None, None)
