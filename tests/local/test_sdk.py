"""The official ``looker_sdk``, unmodified: it knows nothing of this project and must find a Looker."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
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
