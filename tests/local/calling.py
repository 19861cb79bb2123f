"""Calls of the local Looker's API over HTTP, as a client makes them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from lookerframe import local
    from lookerframe.local.accounts import User

_PAUSE = 0.01


@dataclass(frozen=True)
class Api:
    """A user of the API who is logged in."""

    server: local.Server
    session: requests.Session

    @classmethod
    def login(cls, server: local.Server, user: User | None = None) -> Api:
        """Log in at `server`, as its first user or another one."""
        session = requests.Session()
        who = user or server.users[0]
        key = {"client_id": who.client_id, "client_secret": who.client_secret}
        answer = session.post(f"{server.base_url}/api/4.0/login", data=key, timeout=30)
        session.headers["Authorization"] = f"token {answer.json()['access_token']}"
        return cls(server, session)

    def __call__(self, verb: str, path: str, **options: Any) -> requests.Response:
        """Make one call, below ``/api/4.0``."""
        return self.session.request(verb, f"{self.server.base_url}/api/4.0{path}", timeout=60, **options)

    def create(self, *fields: str, **query: Any) -> str:
        """Save a query over the demo's explore, or another one, and return its id."""
        answer = self("POST", "/queries", json={"model": "flights", "view": "flights", "fields": fields, **query})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def submit(
        self, query_id: str, result_format: str = "json", *, deferred: bool = False, parameters: Any = None
    ) -> str:
        """Create a task and return its id."""
        body = {"query_id": query_id, "result_format": result_format, "deferred": deferred}
        answer = self("POST", "/query_tasks", json=body, params=parameters)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def status(self, task_id: str) -> str:
        """Ask what a task does."""
        return str(self("GET", f"/query_tasks/{task_id}").json()["status"])

    def until(self, task_id: str, *states: str) -> str:
        """Wait until the task is in one of `states`."""
        found = self.status(task_id)
        for _ in range(6_000):
            if found in states:
                return found
            time.sleep(_PAUSE)
            found = self.status(task_id)
        pytest.fail(f"task {task_id} stayed {found!r} instead of becoming {states}")

    def results(self, task_id: str) -> requests.Response:
        """Wait for the end of a task and fetch what there is."""
        self.until(task_id, "complete", "error", "killed", "expired")
        return self("GET", f"/query_tasks/{task_id}/results")

    def run(self, *fields: str, result_format: str = "json", **query: Any) -> Any:
        """Run a query as a task and return its result."""
        return self.results(self.submit(self.create(*fields, **query), result_format)).json()
