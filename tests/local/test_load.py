"""Many callers at once: every task ends as it should, whatever the others do."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.calling import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TASKS = 200
THREADS = 32


@pytest.fixture
def callers() -> Iterator[Callable[[Api], Api]]:
    """Give each thread connections of its own to a server, logged in as the user of another caller."""
    made: list[Api] = []
    local = threading.local()

    def of(user: Api) -> Api:
        if not hasattr(local, "api"):
            local.api = Api.login(user.server)
            made.append(local.api)
        api: Api = local.api
        return api

    yield of
    for api in made:
        api.session.close()


def statuses(user: Api, tasks: list[str]) -> list[str]:
    """Ask for all tasks at once."""
    found = user("GET", "/query_tasks/multi_results", params={"query_task_ids": ",".join(tasks)}).json()
    return [found[task_id]["status"] for task_id in tasks]


def test_two_hundred_tasks(started: Callable[..., Api], callers: Callable[[Api], Api]) -> None:
    """Of tasks made by 32 threads at once each brings the rows of its own query, and 15 at most run at one time."""
    user = started(latency=0.02)
    most = [0]
    done = threading.Event()

    def ask(day: int) -> tuple[int, Any]:
        caller = callers(user)
        asked = {"flights.time_date": f"2013-01-01 00:00 for {day} days"}
        return day, caller.run("flights.count", filters=asked)[0]["flights.count"]

    def watch() -> None:
        watcher = Api.login(user.server)
        while not done.wait(0.01):
            running = watcher("GET", "/running_queries").json()
            most[0] = max(most[0], sum(item["status"] == "running" for item in running))
        watcher.session.close()

    watching = threading.Thread(target=watch)
    watching.start()
    with ThreadPoolExecutor(THREADS) as pool:
        counts = dict(pool.map(ask, range(1, TASKS + 1)))
    done.set()
    watching.join(timeout=30)

    assert len(counts) == TASKS
    assert [counts[day] for day in sorted(counts)] == sorted(counts.values())
    assert len(set(counts.values())) == TASKS  # there were flights on every day
    assert 1 < most[0] <= 15
    assert user("GET", "/running_queries").json() == []


def test_queue_of_two_hundred_is_killed(endless: Callable[..., tuple[Api, str]], callers: Callable[[Api], Api]) -> None:
    """A queue that would never end is killed by 32 threads, each task once; then the server is as good as new."""
    user, query_id = endless(max_running=4)
    with ThreadPoolExecutor(THREADS) as pool:
        tasks = list(pool.map(lambda _: callers(user).submit(query_id), range(TASKS)))
        found: list[str] = []
        for _ in range(1_000):
            found = statuses(user, tasks)
            if found.count("running") == 4:
                break
            time.sleep(0.01)
        assert (found.count("running"), found.count("added")) == (4, TASKS - 4)

        # Twice each: the second finds nothing to kill.
        killed = list(pool.map(lambda task: callers(user)("DELETE", f"/running_queries/{task}").status_code, tasks * 2))

    assert sorted(killed) == [204] * TASKS + [404] * TASKS
    assert set(statuses(user, tasks)) == {"killed"}
    assert user.run("quick.n", model="m", view="quick") == [{"quick.n": 7}]


def test_expiry_under_load(started: Callable[..., Api], callers: Callable[[Api], Api]) -> None:
    """Whoever comes in time gets all rows, whoever comes too late is told so; nobody gets anything else."""
    user = started(result_ttl=0.2)
    query_id = user.create("flights.origin")

    def ask(number: int) -> tuple[int, Any]:
        caller = callers(user)
        task_id = caller.submit(query_id)
        caller.until(task_id, "complete", "expired")
        if number % 2:
            caller.until(task_id, "expired")
        answer = caller("GET", f"/query_tasks/{task_id}/results")
        return answer.status_code, len(answer.json())

    with ThreadPoolExecutor(THREADS) as pool:
        answers = set(pool.map(ask, range(TASKS)))

    assert answers <= {(200, 3), (404, 2)}
    assert (404, 2) in answers
