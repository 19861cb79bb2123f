"""The life of a task as Looker tells it, states that a real server seldom shows included."""

from __future__ import annotations

import json
import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import lookerframe as lf
from lookerframe import tasks
from lookerframe.deadline import Stats
from lookerframe.models import QueryTask, SavedQuery
from lookerframe.transport import Transport
from tests.clock import Clock
from tests.faults import Drip, FaultServer, Pause, cut, reply
from tests.scripted import DETAIL, ROWS, TASK, ScriptedLooker, connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lookerframe.deadline import Deadline
    from lookerframe.payload import Payload
    from tests.faults import Request, Script

QUERY = lf.Query(model="m", explore="e", fields=["orders.count"])
GONE = reply(404, {"message": "Not found", "documentation_url": "http://docs.looker.com/"})


@pytest.fixture
def connect() -> Iterator[Any]:
    """Give a function that makes a client of a scripted Looker."""
    yield from connections()


def test_a_running_task_is_waited_for(connect: Any) -> None:
    """Added and running are waited out, whatever their case; then the result is fetched."""
    script = ScriptedLooker("added", "running", "Running", "Complete")

    table = connect(script).task(TASK).result().to_arrow()

    assert table.to_pydict() == {"orders.count": [7]}
    assert script.calls.count(f"GET /query_tasks/{TASK}") == 4


@pytest.mark.parametrize("status", [202, 204])
def test_not_finished_is_asked_again(connect: Any, status: int) -> None:
    """202, since Looker 25.0, and 204, before, are no results, whatever their body holds."""
    body = b"" if status == 204 else json.dumps({"status": "running"}).encode()
    script = ScriptedLooker("complete", results=[reply(status, body), reply(status, body), reply(200, DETAIL)])

    assert connect(script).task(TASK).result().to_arrow().num_rows == 1
    assert script.calls.count(f"GET /query_tasks/{TASK}/results") == 3


@contextmanager
def _transport(script: Callable[[Request], Script]) -> Iterator[Transport]:
    with FaultServer(answer=script) as server:
        known: dict[str, Any] = {"base_url": server.url, "client_id": "id", "client_secret": lf.Secret("secret")}
        transport = Transport(lf.Settings(**known, poll_interval=1, poll_interval_max=3, expired_grace=20))
        yield transport
        transport.close()


def _fetch(transport: Transport, deadline: Deadline) -> Payload:
    task = QueryTask(id=TASK, result_format="json_detail", status="complete")
    return tasks.fetch(
        transport, task, limit=None, fields=dict, on_failure=lambda _: None, deadline=deadline, stats=Stats()
    )


#: What the pauses between looks at a task come to, from one second on.
GROWING = [1, 1.5, 2.25, 3, 3]


def test_looks_at_a_task_become_rarer() -> None:
    """Half as long again each time, up to the largest interval; so do requests for a result that is not finished."""
    clock, running = Clock(), QueryTask(id=TASK, status="running")
    with _transport(ScriptedLooker(*["running"] * 4, "complete")) as transport:
        task = tasks.wait(transport, running, alive=True, deadline=clock.deadline(600), stats=Stats())
    assert (task.state, clock.sleeps) == ("complete", GROWING)

    clock.sleeps.clear()
    with _transport(ScriptedLooker("complete", results=[*[reply(202)] * 5, reply(200, DETAIL)])) as transport:
        _fetch(transport, clock.deadline(600)).close()
    assert clock.sleeps == GROWING


def test_the_time_that_was_given_is_used_up() -> None:
    """A deadline that comes before the next look is waited for: who gave ten seconds gets ten."""
    clock, running = Clock(), QueryTask(id=TASK, status="running")
    with _transport(ScriptedLooker("running", results=[reply(202)])) as transport:
        with pytest.raises(lf.DeadlineError, match="running") as waiting:
            tasks.wait(transport, running, alive=True, deadline=clock.deadline(10), stats=Stats())
        with pytest.raises(lf.DeadlineError, match="running") as fetching:
            _fetch(transport, clock.deadline(10))

    assert (waiting.value.elapsed, waiting.value.task_id) == (10, TASK)
    assert (fetching.value.elapsed, fetching.value.task_id) == (10, TASK)
    assert sum(clock.sleeps) == 20


@pytest.mark.parametrize(("alive", "given"), [(True, 20), (False, 1)])
def test_expired_is_believed_after_the_time_that_is_due(alive: bool, given: float) -> None:
    """The grace for a task that was seen alive, one look more for another."""
    clock, expired = Clock(), QueryTask(id=TASK, status="expired")
    with _transport(ScriptedLooker("expired")) as transport, pytest.raises(lf.ResultExpiredError):
        tasks.wait(transport, expired, alive=alive, deadline=clock.deadline(600), stats=Stats())

    assert given <= sum(clock.sleeps) <= given + 3


def test_a_state_that_is_not_known_is_waited_out(connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The API grows: a new state is no failure, and is said in the log, once; those that are known are not."""
    script = ScriptedLooker("materializing", "materializing", "running", "complete")

    with caplog.at_level(logging.WARNING, logger="lookerframe.tasks"):
        connect(script).task(TASK).result()

    assert [record.args for record in caplog.records] == [(TASK, "materializing")]


def test_a_state_that_is_not_known_ends_with_the_deadline(connect: Any) -> None:
    """It is not waited for without end."""
    with pytest.raises(lf.DeadlineError) as caught:
        connect(ScriptedLooker("materializing")).task(TASK).result(timeout=0.3)

    assert caught.value.task_id == TASK


def test_a_killed_task_has_no_result(connect: Any) -> None:
    """Killed is final, and says so at once."""
    with pytest.raises(lf.TaskKilledError, match="run it again") as caught:
        connect(ScriptedLooker("running", "killed")).task(TASK).result()

    assert (caught.value.state, caught.value.task_id) == ("killed", TASK)


def test_a_task_of_another_user_is_not_seen(connect: Any) -> None:
    """Looker's word for it is `missing`."""
    with pytest.raises(lf.AccessError, match="may not see it"):
        connect(ScriptedLooker("missing")).task(TASK).result()


def test_expired_is_passed_through_on_the_way(connect: Any) -> None:
    """A task that was seen running may say `expired` for a while, and complete all the same."""
    script = ScriptedLooker("running", "expired", "expired", "running", "complete")

    assert connect(script).task(TASK).result().to_arrow().num_rows == 1


def test_expired_is_final_after_the_grace(connect: Any) -> None:
    """It is not waited for longer than the settings say."""
    with pytest.raises(lf.ResultExpiredError, match="run the query again"):
        connect(ScriptedLooker("running", "expired"), expired_grace=0.1).task(TASK).result()


def test_an_old_task_that_has_expired_is_not_waited_for(connect: Any) -> None:
    """A task that was never seen alive gets a second look, not five minutes."""
    script = ScriptedLooker("expired")

    with pytest.raises(lf.ResultExpiredError):
        connect(script).task(TASK).result()
    assert len(script.calls) < 10


def test_a_result_that_is_gone_is_not_an_empty_one(connect: Any) -> None:
    """404 on the result of a task that exists."""
    with pytest.raises(lf.ResultExpiredError, match="no longer keeps") as caught:
        connect(ScriptedLooker("complete", results=[GONE])).task(TASK).result()
    assert caught.value.status == 404


def test_a_task_that_does_not_exist(connect: Any) -> None:
    """404 on the task: what that may mean, and what to do."""
    with pytest.raises(lf.NotFoundError, match="check the id") as caught:
        connect(ScriptedLooker("complete")).task("0" * 32).result()
    assert caught.value.task_id == "0" * 32


@pytest.mark.parametrize("state", ["error", "failure", "complete"])
def test_a_400_for_a_result_is_a_failed_query(connect: Any, state: str) -> None:
    """Formats without a place for errors answer 400 with the database's message."""
    failed = reply(400, {"message": "relation does not exist", "documentation_url": None})

    with pytest.raises(lf.LookerSQLError, match="relation does not exist") as caught:
        connect(ScriptedLooker(state, results=[failed], result_format="json")).task(TASK).result()
    assert (caught.value.status, caught.value.task_id, caught.value.query_id) == (400, TASK, "q1")


def test_a_failed_query_says_what_was_asked(connect: Any) -> None:
    """Fields, model and explore, as Looker has them."""
    query = {"id": "q1", "model": "m", "view": "e", "fields": ["orders.count"], "slug": "s1"}
    task = {"id": TASK, "query_id": "q1", "status": "complete", "result_format": "json", "query": query}
    script = ScriptedLooker("complete", results=[reply(400, {"message": "no such table"})])

    def answer(request: Request) -> Script:
        is_task = request.target.split("?")[0].endswith(f"/query_tasks/{TASK}")
        return reply(200, task) if is_task else script(request)

    with pytest.raises(lf.LookerSQLError) as caught:
        connect(answer).task(TASK).result(detail="no")
    error = caught.value
    assert (list(error.fields), error.model, error.explore, error.slug) == (["orders.count"], "m", "e", "s1")


def test_silence_in_the_stream_names_the_task(connect: Any) -> None:
    """As every other error of its result does."""
    head = cut(reply(200, DETAIL), 5)[0]
    script = ScriptedLooker("complete", results=[[head, Pause(2)]])

    with pytest.raises(lf.NetworkError) as caught:
        connect(script, timeout=0.2, fetch_attempts=1).task(TASK).result()
    assert (caught.value.reason, caught.value.task_id) == ("timeout", TASK)


def test_a_page_with_a_400_is_no_failed_query(connect: Any) -> None:
    """A proxy wrote it, not the database."""
    page = reply(400, "<html><body>Bad request</body></html>", content_type="text/html")

    with pytest.raises(lf.FetchError) as caught:
        connect(ScriptedLooker("complete", results=[page], result_format="json")).task(TASK).result()
    assert not isinstance(caught.value, lf.LookerSQLError)
    assert (caught.value.status, caught.value.task_id) == (400, TASK)


def test_a_task_in_error_whose_issues_are_notes_is_a_result(connect: Any) -> None:
    """Looker gives a task the state `error` for a remark, too; the rows are there."""
    note = {"message": "Note: This query contains derived tables with Development Mode filters. ...", "fatal": False}
    script = ScriptedLooker("error", results=[reply(200, {**DETAIL, "errors": [note]})])

    result = connect(script).task(TASK).result()

    assert result.to_arrow().num_rows == 1
    assert any("Development Mode" in remark for remark in result.notes)


def test_the_deadline_kills_what_was_submitted_here(connect: Any) -> None:
    """A query that goes on after its deadline would cost money for nobody."""
    script = ScriptedLooker("running")
    task = connect(script).submit(QUERY)

    with pytest.raises(lf.DeadlineError) as caught:
        task.result(timeout=0.3)

    assert (caught.value.phase, caught.value.killed) == ("running", True)
    assert f"DELETE /running_queries/{TASK}" in script.calls


@pytest.mark.parametrize("state", ["added", "queued"])
def test_the_deadline_tells_of_a_task_that_never_ran(connect: Any, state: str) -> None:
    """It waited for its turn."""
    with pytest.raises(lf.DeadlineError) as caught:
        connect(ScriptedLooker(state)).task(TASK).result(timeout=0.1)

    assert (caught.value.phase, caught.value.task_id) == ("queued", TASK)


def test_a_kill_that_is_refused_names_the_task(connect: Any) -> None:
    """Of several, one may belong to another user."""
    with pytest.raises(lf.AccessError) as caught:
        connect(ScriptedLooker("running", killed=reply(403, {}))).task(TASK).cancel()

    assert caught.value.task_id == TASK


def test_the_deadline_leaves_a_task_of_others_alone(connect: Any) -> None:
    """A task that was named by its id goes on, and can be read later."""
    script = ScriptedLooker("running")

    with pytest.raises(lf.DeadlineError) as caught:
        connect(script).task(TASK).result(timeout=0.3)

    assert caught.value.killed is None
    assert f"DELETE /running_queries/{TASK}" not in script.calls


@pytest.mark.parametrize("answer", [reply(200, "<html>proxy</html>", content_type="text/html"), reply(403, {})])
def test_a_kill_that_fails_hides_nothing(connect: Any, answer: Script) -> None:
    """The error is that the time is over; that the query could not be stopped stands on it."""
    script = ScriptedLooker("running", killed=answer)
    task = connect(script).submit(QUERY)

    with pytest.raises(lf.DeadlineError) as caught:
        task.result(timeout=0.3)

    assert caught.value.killed is False


@pytest.mark.parametrize("status", [404, 422])
def test_a_kill_that_comes_too_late_is_no_failure(connect: Any, status: int) -> None:
    """Looker says so of a query that has ended: there was nothing to stop."""
    script = ScriptedLooker("running", killed=reply(status, {"message": "Not found", "documentation_url": ""}))
    task = connect(script).submit(QUERY)

    with pytest.raises(lf.DeadlineError) as caught:
        task.result(timeout=0.3)

    assert caught.value.killed is None
    assert task.cancel() is False


def test_a_deadline_in_the_stream_is_told_like_any_other(connect: Any) -> None:
    """Rows that drip beyond the deadline: the error has the task and what was asked."""
    rows = [{"orders.count": {"value": index}} for index in range(60_000)]
    body = json.dumps({**ROWS, "data": rows}, separators=(",", ":")).encode()
    head, rest = body[:1_000_000], body[1_000_000:]
    start = reply(200, b"", length=len(body))
    script = ScriptedLooker("complete", results=[[*start, head, Drip(rest, 0.05)]])
    query = QUERY
    result = connect(script).submit(query).result(timeout=1.5)

    with pytest.raises(lf.DeadlineError) as caught:
        result.to_arrow()

    assert (caught.value.phase, caught.value.task_id, caught.value.query) == ("downloading", TASK, query)


def test_a_handle_that_is_read_again_after_expiry_says_so(connect: Any) -> None:
    """It does not wait for a task that it has seen complete."""
    script = ScriptedLooker("running", "complete", results=[reply(200, DETAIL), GONE])
    task = connect(script).submit(QUERY)
    assert task.result().to_arrow().num_rows == 1

    with pytest.raises(lf.ResultExpiredError):
        task.result(timeout=5)


def test_a_query_of_our_own_that_expired_is_run_again_once(connect: Any) -> None:
    """Its result is the table, which says so; if that one expires too, it is an error."""
    script = ScriptedLooker("complete", results=[GONE, reply(200, DETAIL)])
    result = connect(script).run(QUERY)

    assert result.to_arrow().num_rows == 1
    assert script.calls.count("POST /query_tasks") == 2
    assert any("was run again" in note for note in result.notes)

    script = ScriptedLooker("complete", results=[GONE])
    with pytest.raises(lf.ResultExpiredError):
        connect(script).run(QUERY)
    assert script.calls.count("POST /query_tasks") == 2


def test_a_task_of_others_that_expired_is_run_again_on_demand(connect: Any) -> None:
    """By default it is not: what it would cost is for the caller to say."""
    script = ScriptedLooker("complete", results=[GONE, reply(200, DETAIL)])
    with pytest.raises(lf.ResultExpiredError):
        lf.read_looker_task(TASK, looker=connect(script))
    assert "POST /query_tasks" not in script.calls

    script = ScriptedLooker("complete", results=[GONE, reply(200, DETAIL)])
    assert len(lf.read_looker_task(TASK, looker=connect(script), on_expired="rerun")) == 1
    assert script.calls.count("POST /query_tasks") == 1

    with pytest.raises(lf.ConfigError, match="'raise', 'rerun'"):
        lf.read_looker_task(TASK, looker=connect(script), on_expired="again")  # type: ignore[arg-type]


def test_a_block_that_fails_stops_the_queries_that_it_submitted(connect: Any) -> None:
    """One that ends well leaves them: their ids may have been stored."""
    script = ScriptedLooker("running")
    with connect(script) as looker:
        left = looker.submit(QUERY)
    assert f"DELETE /running_queries/{TASK}" not in script.calls
    assert left.id == TASK

    def fail(looker: lf.Looker) -> None:
        with looker:
            looker.task(TASK)
            _kept = looker.submit(QUERY)
            raise KeyError

    with pytest.raises(KeyError):
        fail(connect(script))
    assert script.calls.count(f"DELETE /running_queries/{TASK}") == 1


UNREADABLE = {"nothing": reply(200, b""), "half": reply(200, b'{"id": "'), "page": reply(200, "<p>busy</p>")}


@pytest.mark.parametrize("unreadable", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_answer_that_cannot_be_read_is_asked_for_again(connect: Any, unreadable: Script) -> None:
    """Once, the table comes; always, it is an error, and the query is stopped."""
    for times in (1, 99):
        script = ScriptedLooker("running", "complete")
        answers = [unreadable] * times

        def answer(request: Request, script: ScriptedLooker = script, answers: list[Script] = answers) -> Script:
            if answers and request.target.startswith(f"/api/4.0/query_tasks/{TASK}?"):
                return answers.pop()
            return script(request)

        looker = connect(answer)
        if times == 1:
            assert looker.run(QUERY).to_arrow().num_rows == 1
            assert f"DELETE /running_queries/{TASK}" not in script.calls
        else:
            with pytest.raises(lf.PayloadError):
                looker.run(QUERY)
            assert f"DELETE /running_queries/{TASK}" in script.calls
            assert len(answers) == times - 3


@pytest.mark.parametrize("body", [{"message": "busy"}, {"status": 7}])
def test_a_status_that_is_none_ends_the_query(connect: Any, body: Any) -> None:
    """Nobody waits for it any more."""
    script = ScriptedLooker("running")

    def answer(request: Request) -> Script:
        is_look = request.target.startswith(f"/api/4.0/query_tasks/{TASK}?")
        return reply(200, body) if is_look else script(request)

    with pytest.raises((lf.SchemaError, lf.DeadlineError)):
        connect(answer).run(QUERY, timeout=1)
    assert f"DELETE /running_queries/{TASK}" in script.calls


def test_a_task_without_an_id_is_no_task(connect: Any) -> None:
    """The error says what lacks."""
    script = ScriptedLooker("running")

    def answer(request: Request) -> Script:
        is_made = request.target.startswith("/api/4.0/query_tasks") and request.method == "POST"
        return reply(200, {"status": "added"}) if is_made else script(request)

    with pytest.raises(lf.SchemaError, match="the id of the task that was made"):
        connect(answer).submit(QUERY)


def test_kills_at_the_end_of_a_block_do_not_wait_for_each_other(connect: Any) -> None:
    """Handles that were not kept are stopped as well, and one kill that hangs holds up none."""
    killed: list[str] = []
    made: list[str] = []
    script = ScriptedLooker("running")

    def answer(request: Request) -> Script:
        where = request.target.split("?")[0].removeprefix("/api/4.0")
        if request.method == "DELETE" and where.startswith("/running_queries/"):
            killed.append(where.rpartition("/")[2])
            return [Pause(8)] if len(killed) == 1 else reply(204)
        if where == "/query_tasks":
            made.append(f"{len(made):032x}")
            return reply(200, {"id": made[-1], "query_id": "q1", "status": "added", "result_format": "json_detail"})
        return script(request)

    def fail(looker: lf.Looker) -> None:
        with looker:
            for _ in range(5):
                looker.submit(QUERY)
            raise KeyError

    began = time.monotonic()
    with pytest.raises(KeyError):
        fail(connect(answer))
    assert set(killed) == set(made)
    assert time.monotonic() - began < 7  # and not until the connection gives up


def test_a_task_that_expires_until_the_deadline_has_expired(connect: Any) -> None:
    """What is said at the end is what Looker said last."""
    with pytest.raises(lf.ResultExpiredError):
        connect(ScriptedLooker("running", "expired")).task(TASK).result(timeout=0.4)


def test_the_deadline_covers_the_look_itself(connect: Any) -> None:
    """A Look that is not told ends with the time for the whole operation, not with that of one request."""
    script = ScriptedLooker("complete")

    def answer(request: Request) -> Script:
        return [Pause(8)] if "/looks/" in request.target else script(request)

    with pytest.raises(lf.DeadlineError) as caught:
        lf.read_looker_look(1, looker=connect(answer), timeout=0.5)

    assert caught.value.elapsed is not None
    assert caught.value.elapsed < 5


def test_all_options_of_the_create_call_are_sent(connect: Any) -> None:
    """Each by Looker's own name, in the place where the API takes it."""
    sent: list[Request] = []
    script = ScriptedLooker("complete")

    def answer(request: Request) -> Script:
        sent.append(request)
        return script(request)

    client = connect(answer)
    client.submit(
        QUERY,
        cache=False,
        cache_only=True,
        force_production=True,
        rebuild_pdts=False,
        server_table_calcs=True,
        apply_formatting=False,
        apply_vis=False,
        generate_links=True,
        path_prefix="/x",
        limit=-1,
        look_id=3,
        dashboard_id="4",
        source="nightly",
        deferred=True,
    )

    (request,) = [one for one in sent if one.target.startswith("/api/4.0/query_tasks")]
    params = dict(part.split("=") for part in request.target.split("?")[1].split("&"))
    assert params == {
        "cache": "false",
        "cache_only": "true",
        "force_production": "true",
        "rebuild_pdts": "false",
        "server_table_calcs": "true",
        "apply_formatting": "false",
        "apply_vis": "false",
        "generate_drill_links": "true",
        "path_prefix": "%2Fx",
        "limit": "-1",
    }
    assert json.loads(request.body) == {
        "query_id": "q1",
        "result_format": "json_detail",
        "look_id": "3",
        "dashboard_id": "4",
        "source": "nightly",
        "deferred": True,
    }


def test_an_option_that_does_not_exist_is_refused(connect: Any) -> None:
    """Nothing is sent; the known options are listed."""
    script = ScriptedLooker("complete")

    with pytest.raises(TypeError, match=r"no option 'cached'; known: .*cache_only"):
        connect(script).submit(QUERY, cached=True)
    assert "POST /query_tasks" not in script.calls


def test_every_property_of_a_task_is_an_attribute(connect: Any) -> None:
    """status() brings what Looker documents, typed."""
    status = connect(ScriptedLooker("Complete")).task(TASK).status()

    assert (status.id, status.query_id, status.state, status.result_format) == (TASK, "q1", "complete", "json_detail")
    assert status.is_finished


def test_a_cancelled_task_that_had_ended_says_so(connect: Any) -> None:
    """cancel() is True where it stopped something, False where there was nothing to stop."""
    client = connect(ScriptedLooker("running"))

    assert client.task(TASK).cancel() is True
    assert client.task("f" * 32).cancel() is False


def test_a_body_that_is_cut_off_is_no_table(connect: Any) -> None:
    """What arrived is not all of it."""
    script = ScriptedLooker("complete", results=[cut(reply(200, DETAIL), 10)])

    with pytest.raises(lf.IncompleteResultError):
        connect(script).task(TASK).result(timeout=5)


def test_an_html_page_is_no_table(connect: Any) -> None:
    """A proxy's page with status 200."""
    page = reply(200, "<html><body>Please log in</body></html>", content_type="text/html")

    with pytest.raises(lf.UnexpectedContentError, match="Please log in"):
        connect(ScriptedLooker("complete", results=[page])).task(TASK).result(timeout=2)


def test_the_last_look_leaves_time_to_fetch() -> None:
    """Whatever completes before it is a table, also where the pauses have grown beyond the time that is left."""
    clock, running = Clock(), QueryTask(id=TASK, status="running")
    deadline, script = clock.deadline(10), ScriptedLooker("running", results=[reply(202)])

    def answer(request: Request) -> Script:
        if clock.time >= ended:
            script.states, script.results = ["complete"], [reply(200, DETAIL)]
        return script(request)

    ended = clock.time + 8.9
    with _transport(answer) as transport:
        task = tasks.wait(transport, running, alive=True, deadline=deadline, stats=Stats())
        assert json.loads(_fetch(transport, deadline).read()) == DETAIL
    assert (task.state, clock.sleeps) == ("complete", [1, 1.5, 2.25, 3, 1.25])

    script.states, script.results = ["running"], [reply(202)]
    clock.sleeps.clear()
    ended, deadline = clock.time + 8.9, clock.deadline(10)
    with _transport(answer) as transport:
        assert json.loads(_fetch(transport, deadline).read()) == DETAIL
    assert clock.sleeps == [1, 1.5, 2.25, 3, 1.25]


@pytest.mark.parametrize(
    ("state", "end"),
    [
        ("complete", lambda looker, task: looker.task(task.id).result().to_arrow()),
        ("complete", lambda _looker, task: task.status()),
        ("killed", lambda looker, task: looker.task(task.id).status()),
        ("running", lambda _looker, task: task.cancel()),
        ("running", lambda looker, task: looker.task(task.id).cancel()),
    ],
    ids=["read by its id", "seen complete", "seen killed by its id", "cancelled", "cancelled by its id"],
)
def test_a_task_that_has_ended_is_not_stopped_with_its_block(
    connect: Any, state: str, end: Callable[[lf.Looker, lf.Task], object]
) -> None:
    """Nothing runs any more, whichever handle saw it end."""
    script = ScriptedLooker(state)
    before: list[str] = []

    def fail(looker: lf.Looker) -> None:
        with looker:
            end(looker, looker.submit(QUERY))
            before.extend(script.calls)
            raise KeyError

    with pytest.raises(KeyError):
        fail(connect(script))
    assert not any(call.startswith("DELETE /running_queries") for call in script.calls[len(before) :])


def test_many_queries_are_stopped_by_few_threads(connect: Any) -> None:
    """Each once, sixteen at a time: Looker is not flooded by a block that fails."""
    lock, script = threading.Lock(), ScriptedLooker("running")
    made: list[str] = []
    killed: list[str] = []
    at_work: list[int] = [0]

    def answer(request: Request) -> Script:
        where = request.target.split("?")[0].removeprefix("/api/4.0")
        if where == "/query_tasks":
            made.append(f"{len(made):032x}")
            return reply(200, {"id": made[-1], "query_id": "q1", "status": "added", "result_format": "json_detail"})
        if not where.startswith("/running_queries/"):
            return script(request)
        with lock:
            killed.append(where.rpartition("/")[2])
            at_work.append(at_work[-1] + 1)
        time.sleep(0.03)
        with lock:
            at_work.append(at_work[-1] - 1)
        return reply(204)

    def fail(looker: lf.Looker) -> None:
        with looker:
            query = SavedQuery(id="q1")
            for _ in range(40):
                looker.submit(query)
            raise KeyError

    with pytest.raises(KeyError):
        fail(connect(answer))
    assert sorted(killed) == made
    assert len(made) == 40
    assert 1 < max(at_work) <= 16
