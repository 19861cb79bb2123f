"""Query tasks really run beside the calls: they queue, run, end, are killed and expire."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.local.formats import DOCUMENTED
from lookerframe.local.formats import served as every_format
from tests.local.calling import Api

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests


def test_task_as_the_api_describes_it(api: Api, valid: Callable[[str, Any], None]) -> None:
    """A new task is ``added``; a finished one names its source and how long it ran."""
    query_id = api.create("flights.origin")
    body = {"query_id": query_id, "result_format": "json_detail", "source": "test", "look_id": "1", "dashboard_id": "2"}
    options = {"generate_drill_links": "true", "force_production": "true", "path_prefix": "%2Fx", "cache": "false"}

    answer = api("POST", "/query_tasks", json=body, params=options)

    created = answer.json()
    valid("QueryTask", created)
    assert re.fullmatch("[0-9a-f]{32}", created["id"])
    assert (created["status"], created["runtime"], created["result_source"]) == ("added", None, None)
    assert (created["source"], created["look_id"], created["dashboard_id"]) == ("test", "1", "2")
    assert (created["generate_links"], created["force_production"], created["cache"]) == (True, True, False)
    assert (created["path_prefix"], created["query_id"], created["query"]["id"]) == ("%2Fx", query_id, query_id)

    api.until(created["id"], "complete")
    found = api("GET", f"/query_tasks/{created['id']}").json()
    valid("QueryTask", found)
    assert found["result_source"] == "query"
    assert 0 < found["runtime"] < 60
    assert {key: found[key] for key in created if key not in ("status", "runtime", "result_source")} == {
        key: created[key] for key in created if key not in ("status", "runtime", "result_source")
    }


def test_results_of_a_run_are_not_kept(api: Api) -> None:
    """What the caller waited for is freed when it is written; its task says that it was there."""
    body = {"model": "flights", "view": "flights", "fields": ["flights.origin"]}
    task_id = api("POST", "/queries/run/json_detail", json=body).json()["id"]

    answer = api("GET", f"/query_tasks/{task_id}/results")
    entry = api("GET", f"/query_tasks/multi_results?query_task_ids={task_id}").json()[task_id]

    assert api.status(task_id) == "complete"
    assert (answer.status_code, answer.json()["message"]) == (404, "Results have expired. Run the query again.")
    assert entry == {"status": "complete", "data": {"error": "Results have expired. Run the query again."}}


def test_fields_parameter(api: Api) -> None:
    """Only the keys asked for come back, also inside objects."""
    task_id = api.submit(api.create("flights.origin"))

    answer = api("GET", f"/query_tasks/{task_id}", params={"fields": "id, query(id,model), nothing"})

    assert answer.json() == {"id": task_id, "query": {"id": api.create("flights.origin"), "model": "flights"}}


@pytest.mark.parametrize("fields", ["id,query(id", "id)", "(id)"])
def test_fields_parameter_that_cannot_be_read(api: Api, fields: str) -> None:
    """Brackets that do not match are refused."""
    answer = api("GET", "/user", params={"fields": fields})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"].startswith("cannot read fields=")


@pytest.mark.parametrize("status", [202, 204])
def test_results_that_are_not_there_yet(endless: Callable[..., tuple[Api, str]], status: int) -> None:
    """The answer is 202, or 204 from a server started so, with no body, for a waiting and for a running task."""
    user, query_id = endless(not_ready_status=status, max_running=1)
    running, waiting = user.submit(query_id), user.submit(query_id)
    user.until(running, "running")
    assert user.status(waiting) == "added"

    for task_id in (running, waiting):
        answer = user("GET", f"/query_tasks/{task_id}/results")
        assert (answer.status_code, answer.content) == (status, b"")


def test_queue(endless: Callable[..., tuple[Api, str]]) -> None:
    """Beyond ``max_running`` tasks wait, in their order, until one ends."""
    user, query_id = endless(max_running=2)
    tasks = [user.submit(query_id) for _ in range(4)]
    for task_id in tasks[:2]:
        user.until(task_id, "running")
    assert [user.status(task_id) for task_id in tasks] == ["running", "running", "added", "added"]

    assert user("DELETE", f"/running_queries/{tasks[0]}").status_code == 204

    user.until(tasks[2], "running")
    assert [user.status(task_id) for task_id in tasks] == ["killed", "running", "running", "added"]


def test_latency_lets_a_task_be_seen_running(started: Callable[..., Api]) -> None:
    """A quick query takes as long as the server was told."""
    user = started(latency=1)
    task_id = user.submit(user.create("flights.origin"))

    user.until(task_id, "running")
    assert user("GET", f"/query_tasks/{task_id}/results").status_code == 202

    user.until(task_id, "complete")
    assert user("GET", f"/query_tasks/{task_id}").json()["runtime"] >= 1
    assert len(user.results(task_id).json()) == 3


def test_the_server_answers_while_queries_run(endless: Callable[..., tuple[Api, str]]) -> None:
    """A query that takes for ever holds up nobody else; who waits for it is answered when the server closes."""
    user, query_id = endless()
    other = Api.login(user.server)
    answers: list[requests.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(other("GET", f"/queries/{query_id}/run/json")))
    waiting.start()

    assert user("GET", "/user").status_code == 200
    assert user.run("quick.n", model="m", view="quick") == [{"quick.n": 7}]

    user.server.close()
    waiting.join(timeout=30)
    other.session.close()
    assert [(answer.status_code, answer.json()["message"]) for answer in answers] == [(400, "The query was killed.")]


def test_kill_running(endless: Callable[..., tuple[Api, str]]) -> None:
    """The database stops, the task is ``killed``, its place is free, and there are no results."""
    user, query_id = endless(max_running=1)
    task_id = user.submit(query_id)
    user.until(task_id, "running")

    answer = user("DELETE", f"/running_queries/{task_id}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert user.status(task_id) == "killed"
    results = user("GET", f"/query_tasks/{task_id}/results")
    assert (results.status_code, results.json()["message"]) == (400, "The query was killed.")
    multi = user("GET", "/query_tasks/multi_results", params={"query_task_ids": task_id})
    assert multi.json() == {task_id: {"status": "killed"}}
    assert user.run("quick.n", model="m", view="quick") == [{"quick.n": 7}]


def test_kill_waiting(endless: Callable[..., tuple[Api, str]]) -> None:
    """A task that never started is killed too, and never starts."""
    user, query_id = endless(max_running=1)
    running, waiting = user.submit(query_id), user.submit(query_id)
    user.until(running, "running")

    assert user("DELETE", f"/running_queries/{waiting}").status_code == 204
    assert user("DELETE", f"/running_queries/{running}").status_code == 204

    assert (user.status(waiting), user.status(running)) == ("killed", "killed")


def test_kill_during_latency(started: Callable[..., Api]) -> None:
    """The extra seconds do not outlive the task."""
    user = started(latency=3_600)
    task_id = user.submit(user.create("flights.origin"))
    user.until(task_id, "running")

    assert user("DELETE", f"/running_queries/{task_id}").status_code == 204
    assert user.status(task_id) == "killed"


@pytest.mark.parametrize("field", ["flights.origin", "flights.broken"])
def test_kill_finished(api: Api, field: str) -> None:
    """What has ended cannot be killed: 404, and it stays as it was."""
    task_id = api.submit(api.create(field))
    status = api.until(task_id, "complete", "error")

    assert api("DELETE", f"/running_queries/{task_id}").status_code == 404
    assert api.status(task_id) == status


def test_expiry(started: Callable[..., Api], valid: Callable[[str, Any], None]) -> None:
    """Results are kept for a time; then the task is ``expired`` and they are gone."""
    user = started(result_ttl=0.05)
    task_id = user.submit(user.create("flights.origin"))

    user.until(task_id, "expired")

    answer = user("GET", f"/query_tasks/{task_id}/results")
    valid("Error", answer.json())
    assert (answer.status_code, answer.json()["message"]) == (404, "Results have expired. Run the query again.")
    multi = user("GET", "/query_tasks/multi_results", params={"query_task_ids": task_id})
    assert multi.json() == {task_id: {"status": "expired", "data": {"error": answer.json()["message"]}}}


def test_results_can_be_fetched_again(api: Api) -> None:
    """Until then the same result comes as often as it is asked for."""
    task_id = api.submit(api.create("flights.origin"))

    assert api.results(task_id).json() == api.results(task_id).json() != []


@pytest.mark.parametrize("ask", ["/query_tasks/{}/results", "/query_tasks/multi_results?query_task_ids={}"])
def test_deferred(api: Api, ask: str) -> None:
    """A deferred task stays ``added`` however often it is looked at; asking for its results starts it."""
    task_id = api.submit(api.create("flights.origin"), deferred=True)
    other = api.submit(api.create("flights.origin"))
    api.until(other, "complete")
    assert api.status(task_id) == "added"

    api("GET", ask.format(task_id))

    api.until(task_id, "complete")
    assert len(api.results(task_id).json()) == 3


def test_deferred_and_killed(api: Api) -> None:
    """A task that was killed before it started is not started by asking."""
    task_id = api.submit(api.create("flights.origin"), deferred=True)

    assert api("DELETE", f"/running_queries/{task_id}").status_code == 204

    assert api("GET", f"/query_tasks/{task_id}/results").status_code == 400
    assert api.status(task_id) == "killed"


def test_multi_results(endless: Callable[..., tuple[Api, str]]) -> None:
    """One object by task id: rows of what is complete, the status alone of what is not."""
    user, endless_id = endless(max_running=2)
    complete = user.submit(user.create("quick.n", model="m", view="quick"))
    user.until(complete, "complete")
    tasks = [complete, *(user.submit(endless_id) for _ in range(3)), "0" * 32]
    for task_id in tasks[1:3]:
        user.until(task_id, "running")

    answer = user("GET", "/query_tasks/multi_results", params={"query_task_ids": ",".join(tasks)})

    assert list(answer.json().items()) == [
        (complete, {"status": "complete", "result_source": "query", "data": [{"quick.n": 7}]}),
        (tasks[1], {"status": "running"}),
        (tasks[2], {"status": "running"}),
        (tasks[3], {"status": "added"}),
        (tasks[4], {"status": "missing"}),
    ]


def test_multi_results_of_a_failed_query(api: Api) -> None:
    """``json_detail`` carries the error inside; the entry of ``json`` is about the error alone."""
    query_id = api.create("flights.broken")
    detail, rows = (api.submit(query_id, name) for name in ("json_detail", "json"))
    for task_id in (detail, rows):
        api.until(task_id, "error")

    found = api("GET", "/query_tasks/multi_results", params={"query_task_ids": f"{detail},{rows}"}).json()

    assert [entry["status"] for entry in found.values()] == ["error", "error"]
    assert found[detail]["data"]["errors"][0]["message_details"] in found[rows]["data"]["error"]
    assert list(found[rows]["data"]) == ["id", "error", "runtime", "sql"]
    assert found[rows]["data"]["sql"] == found[detail]["data"]["sql"]


@pytest.mark.parametrize("ids", ["", ","])
def test_multi_results_of_nothing(api: Api, ids: str) -> None:
    """A call without ids is a mistake, not an empty answer."""
    answer = api("GET", "/query_tasks/multi_results", params={"query_task_ids": ids})

    assert (answer.status_code, answer.json()["message"][:24]) == (400, "query_task_ids is empty;")


def test_many_tasks_from_many_threads(started: Callable[..., Api]) -> None:
    """Tasks made at once all end, each with the rows of its own query."""
    user = started(max_running=4)
    carriers = [row["flights.carrier"] for row in user.run("flights.carrier")]
    counts = {row["flights.carrier"]: row["flights.count"] for row in user.run("flights.carrier", "flights.count")}
    found: dict[str, Any] = {}

    def ask(carrier: str) -> None:
        caller = Api.login(user.server)
        rows = caller.run("flights.count", filters={"flights.carrier": carrier})
        found[carrier] = rows[0]["flights.count"]
        caller.session.close()

    threads = [threading.Thread(target=ask, args=(carrier,)) for carrier in carriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert found == counts
    assert len(found) == 16


def served() -> list[str]:
    """Name the formats that a task can have."""
    return [name for name in every_format() if name in DOCUMENTED]


@pytest.mark.parametrize(
    ("body", "parameters", "problems"),
    [
        ({}, {}, {"query_id": "'query_id' is required.", "result_format": "'result_format' is required."}),
        ({"query_id": 7, "result_format": "json"}, {}, {"query_id": "'query_id' is 7; expected a string"}),
        (
            {"query_id": "x", "result_format": "pdf"},
            {},
            {"result_format": "result_format 'pdf' is unknown; served: " + ", ".join(served())},
        ),
        (
            {"query_id": "x", "result_format": "json_fe"},
            {},
            {
                "result_format": "result_format 'json_fe' is not served by the local Looker; served: "
                + ", ".join(served())
            },
        ),
        (
            {"query_id": "x", "result_format": "json_label"},
            {},
            {"result_format": "result_format 'json_label' is unknown; served: " + ", ".join(served())},
        ),
        (
            {"query_id": "x", "result_format": "json", "deferred": "perhaps"},
            {"limit": "-2", "cache": "maybe", "apply_formatting": "x", "apply_vis": "true", "cache_only": "true"},
            {
                "apply_formatting": "'apply_formatting' is 'x'; expected true or false",
                "apply_vis": "'apply_vis=true' is not served by the local Looker; leave it out",
                "cache_only": "the local Looker keeps no result cache; leave 'cache_only' out",
                "limit": "'limit' is '-2'; expected a whole number, or -1 for all rows",
                "cache": "'cache' is 'maybe'; expected true or false",
                "deferred": "'deferred' is 'perhaps'; expected true or false",
            },
        ),
    ],
)
def test_wrong_task(
    api: Api,
    valid: Callable[[str, Any], None],
    body: dict[str, Any],
    parameters: dict[str, str],
    problems: dict[str, str],
) -> None:
    """422 lists everything that is wrong with the body and the parameters."""
    answer = api("POST", "/query_tasks", json=body, params=parameters)

    assert answer.status_code == 422
    valid("ValidationError", answer.json())
    assert {item["field"]: item["message"] for item in answer.json()["errors"]} == problems


def test_options_that_are_met(api: Api) -> None:
    """Every other option of the call is taken, in either of its values."""
    flags = ("apply_vis", "cache_only")
    query_id = api.create("flights.origin")

    for value in ("true", "false"):
        free = (
            "apply_formatting",
            "cache",
            "generate_drill_links",
            "force_production",
            "rebuild_pdts",
            "server_table_calcs",
        )
        parameters = {**dict.fromkeys(flags, "false"), **dict.fromkeys(free, value), "limit": "2", "path_prefix": "/p"}
        assert len(api.results(api.submit(query_id, parameters=parameters)).json()) == 2


def test_tasks_of_another_user(api: Api, other: Api) -> None:
    """Nobody sees, fetches or kills what another user has started; to ``multi_results`` it is ``missing``."""
    query_id = api.create("flights.origin")
    mine, theirs = api.submit(query_id), other.submit(query_id, deferred=True)
    api.until(mine, "complete")

    for user, task_id in ((other, mine), (api, theirs)):
        assert user("GET", f"/query_tasks/{task_id}").status_code == 404
        assert user("GET", f"/query_tasks/{task_id}/results").status_code == 404
        multi = user("GET", "/query_tasks/multi_results", params={"query_task_ids": task_id})
        assert multi.json() == {task_id: {"status": "missing"}}
    assert other("DELETE", f"/running_queries/{mine}").status_code == 404
    assert other.status(theirs) == "added"  # asking for it as somebody else has not started it
    assert other("GET", f"/queries/{query_id}").status_code == 200  # queries belong to nobody


def test_running_queries(endless: Callable[..., tuple[Api, str]], valid: Callable[[str, Any], None]) -> None:
    """An admin sees and kills everybody's queries; to others the call is not there."""
    admin, query_id = endless(max_running=1)
    user = Api.login(admin.server, admin.server.users[1])
    tasks = [admin.submit(query_id), admin.submit(query_id), user.submit(query_id)]
    admin.until(tasks[0], "running")
    user.until(tasks[2], "running")

    found = admin("GET", "/running_queries").json()

    for item in found:
        valid("RunningQueries", item)
    assert [(item["query_task_id"], item["status"], item["user"]["id"]) for item in found] == [
        (tasks[0], "running", "1"),
        (tasks[1], "added", "1"),
        (tasks[2], "running", "2"),
    ]
    assert {item["query"]["id"] for item in found} == {query_id}
    assert "SELECT" in found[0]["sql"]
    assert user("GET", "/running_queries").status_code == 404
    assert user("DELETE", f"/running_queries/{tasks[0]}").status_code == 404
    assert admin("DELETE", f"/running_queries/{tasks[2]}").status_code == 204
    assert user.status(tasks[2]) == "killed"
    assert [item["query_task_id"] for item in admin("GET", "/running_queries").json()] == tasks[:2]
    user.session.close()


def test_limit_is_for_each_user(endless: Callable[..., tuple[Api, str]]) -> None:
    """One user's full queue holds up nobody else."""
    admin, query_id = endless(max_running=1)
    user = Api.login(admin.server, admin.server.users[1])
    tasks = [admin.submit(query_id) for _ in range(3)]
    admin.until(tasks[0], "running")

    assert user.run("quick.n", model="m", view="quick") == [{"quick.n": 7}]
    assert [admin.status(task_id) for task_id in tasks] == ["running", "added", "added"]
    user.session.close()


def test_waiting_too_long(endless: Callable[..., tuple[Api, str]]) -> None:
    """What has waited in the queue for its time is killed; what runs goes on, and deferred tasks do not wait."""
    user, query_id = endless(max_running=1, queue_ttl=0.2)
    running, waiting = user.submit(query_id), user.submit(query_id)
    deferred = user.submit(query_id, deferred=True)

    user.until(waiting, "killed")

    assert [user.status(task_id) for task_id in (running, deferred)] == ["running", "added"]
