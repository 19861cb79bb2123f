"""The official ``looker_sdk``, unmodified: it knows nothing of this project and must find a Looker."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import looker_sdk
import pytest
from looker_sdk import error, models40
from looker_sdk.rtl.model import DelimSequence
from looker_sdk.rtl.requests_transport import RequestsTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import requests
    from looker_sdk.sdk.api40.methods import Looker40SDK

    from lookerframe import local
    from tests.local.calling import Api

QUERY = models40.WriteQuery(
    model="flights",
    view="flights",
    fields=["flights.origin", "flights.count"],
    filters={"flights.carrier": "UA"},
    sorts=["flights.origin"],
)
ROWS = [
    {"flights.origin": "EWR", "flights.count": 46_087},
    {"flights.origin": "JFK", "flights.count": 4_534},
    {"flights.origin": "LGA", "flights.count": 8_044},
]


@contextmanager
def connected(server: local.Server, folder: Path, *, client_id: str | None = None) -> Iterator[Looker40SDK]:
    """Configure the SDK with an ini file, as its documentation says."""
    ini = folder / "looker.ini"
    lines = ("[Looker]", f"base_url={server.base_url}", f"client_id={client_id or server.client_id}")
    ini.write_text("\n".join([*lines, f"client_secret={server.client_secret}"]), encoding="utf-8")
    client = looker_sdk.init40(str(ini))
    yield client
    session(client).close()


def session(client: Looker40SDK) -> requests.Session:
    """Give the connections that the SDK itself never closes."""
    assert isinstance(client.transport, RequestsTransport)
    return client.transport.session


@pytest.fixture
def sdk(server: local.Server, tmp_path: Path) -> Iterator[Looker40SDK]:
    """Give the SDK on the server of the test run."""
    with connected(server, tmp_path) as client:
        yield client


def finished(sdk: Looker40SDK, task_id: str) -> models40.QueryTask:
    """Poll as the SDK's own example does."""
    for _ in range(6_000):
        task = sdk.query_task(task_id)
        if task.status not in ("added", "running"):
            return task
        time.sleep(0.01)
    pytest.fail("the task did not end")


def submitted(sdk: Looker40SDK, query: models40.WriteQuery, result_format: models40.ResultFormat) -> str:
    """Create a query and a task for it; return the task's id."""
    return task_of(sdk, query, result_format).id or ""


def task_of(sdk: Looker40SDK, query: models40.WriteQuery, result_format: models40.ResultFormat) -> models40.QueryTask:
    """Create a query and a task for it."""
    saved = sdk.create_query(query)
    return sdk.create_query_task(models40.WriteCreateQueryTask(query_id=saved.id or "", result_format=result_format))


def test_settings_come_from_the_environment(
    server: local.Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variables that the SDK documents lead to a login."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOKERSDK_BASE_URL", server.base_url)
    monkeypatch.setenv("LOOKERSDK_CLIENT_ID", server.client_id)
    monkeypatch.setenv("LOOKERSDK_CLIENT_SECRET", server.client_secret)

    client = looker_sdk.init40()

    with client:
        assert client.me().display_name == "Local Looker"
    session(client).close()


def test_login_and_logout(sdk: Looker40SDK) -> None:
    """The SDK logs in by itself, and its token is worthless after its logout."""
    assert sdk.me().id == "1"
    token = sdk.auth.token.access_token

    sdk.auth.logout()

    answer = session(sdk).get(sdk._path("user"), headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert sdk.me().id == "1"


def test_logout_as_an_operation(sdk: Looker40SDK) -> None:
    """``DELETE /api/4.0/logout`` ends the session too."""
    sdk.me()

    sdk.logout()

    with pytest.raises(error.SDKError, match="Requires authentication"):
        sdk.me()


def test_query_task(sdk: Looker40SDK) -> None:
    """Create the query and the task, poll it, fetch its rows."""
    task = task_of(sdk, QUERY, models40.ResultFormat.json)
    assert task.status == "added"
    assert task.id is not None

    ended = finished(sdk, task.id)

    assert ended.status == "complete"
    assert ended.result_format == "json"
    assert ended.query is not None
    assert ended.query.fields == ["flights.origin", "flights.count"]
    assert json.loads(sdk.query_task_results(task.id)) == ROWS


def test_query_task_multi_results(sdk: Looker40SDK) -> None:
    """Results of several tasks come in one object, by their ids."""
    ids = [submitted(sdk, QUERY, kind) for kind in (models40.ResultFormat.json, models40.ResultFormat.json_detail)]
    for task_id in ids:
        finished(sdk, task_id)

    found: Any = sdk.query_task_multi_results(DelimSequence(ids))

    assert list(found) == ids
    assert [entry["status"] for entry in found.values()] == ["complete", "complete"]
    assert found[ids[0]]["data"] == ROWS
    assert [row["flights.origin"]["value"] for row in found[ids[1]]["data"]["data"]] == ["EWR", "JFK", "LGA"]


def test_run_query_and_inline_query(sdk: Looker40SDK) -> None:
    """The calls that wait give the same rows."""
    saved = sdk.create_query(QUERY)
    assert saved.id is not None

    assert json.loads(str(sdk.run_query(saved.id, "json"))) == ROWS
    assert json.loads(str(sdk.run_inline_query("json", QUERY))) == ROWS
    assert json.loads(str(sdk.run_inline_query("json", QUERY, limit=1))) == ROWS[:1]


def test_query_is_found_by_id_and_slug(sdk: Looker40SDK) -> None:
    """A saved query comes back as it was saved."""
    saved = sdk.create_query(QUERY)

    assert sdk.query(saved.id or "") == saved
    assert sdk.query_for_slug(saved.slug or "") == saved


def test_explore_and_look(sdk: Looker40SDK) -> None:
    """Metadata and saved content arrive in the SDK's own types."""
    explore = sdk.lookml_model_explore("flights", "flights")
    look = sdk.look("1")

    assert explore.fields is not None
    names = {field.name for field in explore.fields.dimensions or []}
    assert {"flights.carrier", "flights.time_hour", "flights.tailnum"} <= names
    assert look.query is not None
    assert look.query.view == "flights"
    assert json.loads(str(sdk.run_query(look.query.id or "", "json")))[0]["flights.carrier"] == "UA"


def test_versions(sdk: Looker40SDK) -> None:
    """The server says that it speaks 4.0."""
    current = sdk.versions().current_version
    assert current is not None
    assert current.version == "4.0"


def test_kill_query(endless: Callable[..., tuple[Api, str]], tmp_path: Path) -> None:
    """A running query is killed; a second kill finds nothing."""
    user, query_id = endless()
    with connected(user.server, tmp_path) as sdk:
        body = models40.WriteCreateQueryTask(query_id=query_id, result_format=models40.ResultFormat.json)
        task_id = sdk.create_query_task(body).id or ""
        user.until(task_id, "running")

        assert sdk.kill_query(task_id) == ""

        assert sdk.query_task(task_id).status == "killed"
        with pytest.raises(error.SDKError, match="Not found"):
            sdk.kill_query(task_id)


def test_unknown_id_is_an_sdk_error(sdk: Looker40SDK) -> None:
    """404 arrives as the SDK's own error, with Looker's words."""
    with pytest.raises(error.SDKError) as caught:
        sdk.query_task("0" * 32)

    assert caught.value.message == "Not found"
    assert caught.value.documentation_url == "http://docs.looker.com/"
    assert "Not found" in str(caught.value)


def test_wrong_query_is_an_sdk_error(sdk: Looker40SDK) -> None:
    """422 arrives with every problem, and the SDK finds nothing to look up on the net."""
    wrong = models40.WriteQuery(model="flights", view="flights", fields=["flights.nothing"], sorts=["flights.count"])

    with pytest.raises(error.SDKError) as caught:
        sdk.create_query(wrong)

    assert caught.value.message == "Validation Failed"
    assert [(item.field, item.code) for item in caught.value.errors] == [("fields", "invalid"), ("sorts", "invalid")]
    assert "unknown field 'flights.nothing'" in (caught.value.errors[0].message or "")
    assert "/err/4.0/422/post/queries" in caught.value.documentation_url
    assert caught.value.error_doc_url == ""


def test_wrong_credentials_are_an_sdk_error(server: local.Server, tmp_path: Path) -> None:
    """A wrong key is 404, as Looker has it."""
    with connected(server, tmp_path, client_id="x") as client, pytest.raises(error.SDKError, match="Not found"):
        client.me()


def test_sql_error(sdk: Looker40SDK) -> None:
    """``json_detail`` carries it with 200, ``json`` is 400 and so the SDK's error."""
    broken = models40.WriteQuery(model="flights", view="flights", fields=["flights.broken"])
    detail, rows = (
        finished(sdk, submitted(sdk, broken, kind))
        for kind in (models40.ResultFormat.json_detail, models40.ResultFormat.json)
    )
    assert (detail.status, rows.status) == ("error", "error")

    payload = json.loads(sdk.query_task_results(detail.id or ""))
    assert payload["data"] == []
    assert "no_such_column" in payload["errors"][0]["message_details"]
    with pytest.raises(error.SDKError, match="no_such_column"):
        sdk.query_task_results(rows.id or "")


# -- One by one --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """What the calls below are about."""

    query: str
    slug: str
    done: str
    failed: str
    deferred: str


@dataclass(frozen=True)
class Call:
    """One call of the SDK, and what it must bring: a value that `expected` accepts, or an `SDKError` with its words."""

    operation: str
    make: Callable[[Looker40SDK, Given], Any]
    expected: Callable[[Any], bool] | str

    def __str__(self) -> str:
        return self.operation


BROKEN = models40.WriteQuery(model="flights", view="flights", fields=["flights.broken"])
EXPLORE = ("flights", "flights")
NOBODY = "0" * 32


def task(query_id: str, kind: models40.ResultFormat, *, deferred: bool = False) -> models40.WriteCreateQueryTask:
    """Write the body of ``create_query_task``."""
    return models40.WriteCreateQueryTask(query_id=query_id, result_format=kind, deferred=deferred)


def rows(answer: Any) -> Any:
    """Read an answer in JSON."""
    return json.loads(str(answer))


def filtered(**filters: str) -> models40.WriteQuery:
    """Count the flights that filters let through."""
    named = {f"flights.{name}": text for name, text in filters.items()}
    return models40.WriteQuery(model="flights", view="flights", fields=["flights.count"], filters=named)


def counted(number: int) -> Callable[[Any], bool]:
    """Expect one row with a count."""
    return lambda answer: bool(rows(answer) == [{"flights.count": number}])


CALLS = [
    Call("create_query", lambda sdk, _: sdk.create_query(QUERY), lambda found: found.view == "flights"),
    Call("create_query", lambda sdk, _: sdk.create_query(QUERY, fields="model,view"), lambda found: found.id is None),
    Call(
        "create_query", lambda sdk, given: (sdk.create_query(QUERY).id, given.query), lambda both: len(set(both)) == 1
    ),
    Call(
        "create_query", lambda sdk, _: sdk.create_query(models40.WriteQuery(model="x", view="y")), "Validation Failed"
    ),
    Call("create_query", lambda sdk, _: sdk.create_query(models40.WriteQuery(model="flights", view="y")), "Validation"),
    Call("create_query", lambda sdk, _: sdk.create_query(filtered(count="x")), "Validation Failed"),
    Call("query", lambda sdk, given: sdk.query(given.query), lambda found: found.filters == {"flights.carrier": "UA"}),
    Call("query", lambda sdk, given: sdk.query(given.query, fields="model,view"), lambda found: found.id is None),
    Call("query", lambda sdk, _: sdk.query("nope"), "Not found"),
    Call("query_for_slug", lambda sdk, given: sdk.query_for_slug(given.slug), lambda found: found.model == "flights"),
    Call("query_for_slug", lambda sdk, _: sdk.query_for_slug("nope"), "Not found"),
    Call("run_query", lambda sdk, given: sdk.run_query(given.query, "json"), lambda found: rows(found) == ROWS),
    Call(
        "run_query", lambda sdk, given: sdk.run_query(given.query, "json", limit=2), lambda found: len(rows(found)) == 2
    ),
    Call("run_query", lambda sdk, given: sdk.run_query(given.query, "json", cache=False), lambda found: len(found) > 9),
    Call("run_query", lambda sdk, given: sdk.run_query(given.query, "pdf"), "Validation Failed"),
    Call("run_query", lambda sdk, given: sdk.run_query(given.query, "png"), "Validation Failed"),
    Call("run_query", lambda sdk, _: sdk.run_query("nope", "json"), "Not found"),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("json", QUERY), lambda found: rows(found) == ROWS),
    Call(
        "run_inline_query",
        lambda sdk, _: sdk.run_inline_query("json_detail", QUERY, generate_drill_links=True),
        lambda found: rows(found)["data"][0]["flights.count"]["value"] == 46_087,
    ),
    Call(
        "run_inline_query",
        lambda sdk, _: sdk.run_inline_query("json_bi", QUERY),
        lambda found: "metadata" in rows(found),
    ),
    Call(
        "run_inline_query",
        lambda sdk, _: sdk.run_inline_query("json_label", QUERY),
        lambda found: list(rows(found)[0].values()) == ["EWR", 46_087],
    ),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("csv", QUERY), lambda found: found.count("\n") == 4),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("txt", QUERY), lambda found: "EWR\t46087" in found),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("md", QUERY), lambda found: "|" in found),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("html", QUERY), lambda found: "<table" in found),
    Call(
        "run_inline_query", lambda sdk, _: sdk.run_inline_query("sql", QUERY), lambda found: found.startswith("SELECT")
    ),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("xlsx", QUERY), lambda found: found[:2] == b"PK"),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("json", filtered(carrier="U%,-UA")), counted(20_536)),
    Call(
        "run_inline_query", lambda sdk, _: sdk.run_inline_query("json", filtered(time_date="before 2013")), counted(0)
    ),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("json", filtered(carrier="NULL")), counted(0)),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("json", filtered(time_date="x")), "Validation Failed"),
    Call(
        "run_inline_query",
        lambda sdk, _: sdk.run_inline_query("json", BROKEN),
        lambda found: "no_such_column" in rows(found)[0]["looker_error"],
    ),
    Call(
        "run_inline_query",
        lambda sdk, _: sdk.run_inline_query("json_detail", BROKEN),
        lambda found: "no_such_column" in rows(found)["errors"][0]["message_details"],
    ),
    Call("run_inline_query", lambda sdk, _: sdk.run_inline_query("json", QUERY, apply_vis=True), "Validation Failed"),
    Call(
        "run_url_encoded_query",
        lambda sdk, _: sdk.run_url_encoded_query("flights", "flights", "json"),
        "Validation Failed",  # the SDK cannot name fields here
    ),
    Call("run_url_encoded_query", lambda sdk, _: sdk.run_url_encoded_query("x", "y", "json"), "Not found"),
    Call(
        "create_query_task",
        lambda sdk, given: sdk.create_query_task(task(given.query, models40.ResultFormat.csv)),
        lambda found: (found.status, found.result_format) == ("added", "csv"),
    ),
    Call(
        "create_query_task",
        lambda sdk, given: sdk.create_query_task(
            task(given.query, models40.ResultFormat.json), limit=1, cache=False, generate_drill_links=True, fields="id"
        ),
        lambda found: bool(found.id) and found.status is None,
    ),
    Call(
        "create_query_task",
        lambda sdk, given: sdk.create_query_task(task(given.query, models40.ResultFormat.json, deferred=True)),
        lambda found: found.status == "added",
    ),
    Call(
        "create_query_task",
        lambda sdk, _: sdk.create_query_task(task("nope", models40.ResultFormat.json)),
        "Not found",
    ),
    Call(
        "create_query_task",
        lambda sdk, given: sdk.create_query_task(task(given.query, models40.ResultFormat.gsxml)),
        "Validation Failed",
    ),
    Call("query_task", lambda sdk, given: sdk.query_task(given.done), lambda found: found.status == "complete"),
    Call("query_task", lambda sdk, given: sdk.query_task(given.failed), lambda found: found.status == "error"),
    Call("query_task", lambda sdk, given: sdk.query_task(given.deferred), lambda found: found.status == "added"),
    Call("query_task", lambda sdk, given: sdk.query_task(given.done, fields="status"), lambda found: found.id is None),
    Call("query_task", lambda sdk, _: sdk.query_task(NOBODY), "Not found"),
    Call(
        "query_task_results", lambda sdk, given: sdk.query_task_results(given.done), lambda found: rows(found) == ROWS
    ),
    Call("query_task_results", lambda sdk, given: sdk.query_task_results(given.failed), "no_such_column"),
    Call("query_task_results", lambda sdk, _: sdk.query_task_results(NOBODY), "Not found"),
    Call(
        "query_task_multi_results",
        lambda sdk, given: sdk.query_task_multi_results(DelimSequence([given.done, given.failed, NOBODY])),
        lambda found: [item["status"] for item in found.values()] == ["complete", "error", "missing"],
    ),
    Call("query_task_multi_results", lambda sdk, _: sdk.query_task_multi_results(DelimSequence([])), "is empty"),
    Call("kill_query", lambda sdk, given: sdk.kill_query(given.done), "Not found"),
    Call("kill_query", lambda sdk, _: sdk.kill_query(NOBODY), "Not found"),
    Call("all_running_queries", lambda sdk, _: sdk.all_running_queries(), lambda found: list(found) == []),
    Call(
        "all_lookml_models", lambda sdk, _: sdk.all_lookml_models(), lambda found: "flights" in [m.name for m in found]
    ),
    Call("all_lookml_models", lambda sdk, _: sdk.all_lookml_models(limit=1, offset=0), lambda found: len(found) == 1),
    Call(
        "all_lookml_models", lambda sdk, _: sdk.all_lookml_models(fields="name"), lambda found: found[0].label is None
    ),
    Call(
        "all_lookml_models",
        lambda sdk, _: sdk.all_lookml_models(exclude_empty=True, exclude_hidden=True, include_internal=True),
        lambda found: all(model.explores for model in found),
    ),
    Call("lookml_model", lambda sdk, _: sdk.lookml_model("flights"), lambda found: found.has_content is True),
    Call("lookml_model", lambda sdk, _: sdk.lookml_model("nope"), "Not found"),
    Call("lookml_model_explore", lambda sdk, _: sdk.lookml_model_explore(*EXPLORE), lambda found: bool(found.fields)),
    Call(
        "lookml_model_explore",
        lambda sdk, _: sdk.lookml_model_explore(*EXPLORE, fields="id,name"),
        lambda found: (found.id, found.fields) == ("flights::flights", None),
    ),
    Call("lookml_model_explore", lambda sdk, _: sdk.lookml_model_explore("flights", "nope"), "Not found"),
    Call("connection", lambda sdk, _: sdk.connection("flights"), lambda found: found.dialect.name == "duckdb"),
    Call("connection", lambda sdk, _: sdk.connection("nope"), "Not found"),
    Call("look", lambda sdk, _: sdk.look("1"), lambda found: found.title == "Flights by carrier"),
    Call("look", lambda sdk, _: sdk.look("1", fields="title,query_id"), lambda found: found.query is None),
    Call("look", lambda sdk, _: sdk.look("99"), "Not found"),
    Call("run_look", lambda sdk, _: sdk.run_look("1", "json"), lambda found: len(rows(found)) == 16),
    Call("run_look", lambda sdk, _: sdk.run_look("1", "csv", limit=5), lambda found: found.count("\n") == 6),
    Call("run_look", lambda sdk, _: sdk.run_look("99", "json"), "Not found"),
    Call("run_look", lambda sdk, _: sdk.run_look("1", "pdf"), "Validation Failed"),
    Call("me", lambda sdk, _: sdk.me(), lambda found: found.display_name == "Local Looker"),
    Call("me", lambda sdk, _: sdk.me(fields="id"), lambda found: (found.id, found.email) == ("1", None)),
    Call("versions", lambda sdk, _: sdk.versions(), lambda found: found.current_version.version == "4.0"),
    Call("login_user", lambda sdk, _: sdk.login_user("2"), lambda found: found.token_type == "Bearer"),
    Call("login_user", lambda sdk, _: sdk.login_user("99"), "Not found"),
    Call("logout", lambda sdk, _: sdk.logout(), lambda found: found == ""),
]


@pytest.fixture(scope="module")
def given(server: local.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Given]:
    """Prepare a query, and tasks that are complete, failed and deferred."""
    with connected(server, tmp_path_factory.mktemp("given")) as sdk:
        saved, broken = sdk.create_query(QUERY), sdk.create_query(BROKEN)
        bodies = [task(query.id or "", models40.ResultFormat.json) for query in (saved, broken)]
        done, failed = (finished(sdk, sdk.create_query_task(body).id or "").id or "" for body in bodies)
        deferred = sdk.create_query_task(task(saved.id or "", models40.ResultFormat.json, deferred=True))
        yield Given(saved.id or "", saved.slug or "", done, failed, deferred.id or "")


@pytest.mark.filterwarnings("ignore:login_user behavior changed")  # a note of the SDK on its own history
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_call(sdk: Looker40SDK, given: Given, call: Call) -> None:
    """Every call of the query family, models, Looks and users does what its documentation says."""
    if isinstance(call.expected, str):
        with pytest.raises(error.SDKError, match=call.expected) as caught:
            call.make(sdk, given)
        assert caught.value.documentation_url.startswith("http")
    else:
        assert call.expected(call.make(sdk, given))


def test_calls_are_all_of_them(spec: Path) -> None:
    """There are sixty calls at least, over every operation of the API's document but one.

    Queries of the SQL interface cannot be made with the operations that are there, so none can be run.
    """
    paths = json.loads(spec.read_text(encoding="utf-8"))["paths"]
    documented = {operation["operationId"] for verbs in paths.values() for operation in verbs.values()}

    assert len(CALLS) >= 60
    # The SDK logs in by itself: every call here has.
    assert {call.operation for call in CALLS} | {"login", "run_sql_interface_query"} == documented


def test_other_user(server: local.Server, tmp_path: Path, given: Given) -> None:
    """The SDK becomes another user, who sees no task of the first one."""
    with connected(server, tmp_path) as sdk:
        sdk.auth.login_user(2)
        assert sdk.me().id == "2"

        with pytest.raises(error.SDKError, match="Not found"):
            sdk.query_task(given.done)
        found: Any = sdk.query_task_multi_results(DelimSequence([given.done]))
        with pytest.raises(error.SDKError, match="Not found"):
            sdk.all_running_queries()

        assert found == {given.done: {"status": "missing"}}
        sdk.auth.logout()
        assert sdk.me().id == "1"


def test_running_queries_and_kill(endless: Callable[..., tuple[Api, str]], tmp_path: Path) -> None:
    """What runs is listed, with its query and its user, until it is killed."""
    user, query_id = endless()
    with connected(user.server, tmp_path) as sdk:
        task_id = sdk.create_query_task(task(query_id, models40.ResultFormat.json)).id or ""
        user.until(task_id, "running")

        (running,) = sdk.all_running_queries()

        assert running.query_task_id == task_id
        assert running.user is not None
        assert running.user.id == "1"
        assert running.query is not None
        assert running.query.id == query_id
        sdk.kill_query(task_id)
        assert list(sdk.all_running_queries()) == []


def test_too_many_requests(started: Callable[..., Api], tmp_path: Path) -> None:
    """429 is the SDK's own error too; it does not try again by itself."""
    user = started(calls_per_second=3)

    def ask(sdk: Looker40SDK) -> None:
        for _ in range(30):
            sdk.versions()

    with connected(user.server, tmp_path) as sdk, pytest.raises(error.SDKError, match="Too many requests") as caught:
        ask(sdk)

    assert caught.value.documentation_url.endswith("/err/4.0/429/get/versions")
