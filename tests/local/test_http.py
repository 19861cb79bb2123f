"""Sessions, and the answers to wrong calls."""

from __future__ import annotations

import html
import json
import time
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest
import requests

from lookerframe.local.accounts import RateLimit
from lookerframe.local.app import build_app
from lookerframe.local.dashboard_operations import DashboardOperations
from lookerframe.local.serving import Listener

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lookerframe import local
    from lookerframe.local.operations import Operations
    from tests.local.calling import Api


VIEW = "view: t { sql_table_name: (SELECT 1 AS n) ;; dimension: n { type: number } }"


def credentials(server: local.Server) -> dict[str, str]:
    """Give the right key."""
    return {"client_id": server.client_id, "client_secret": server.client_secret}


def login(server: local.Server, **options: Any) -> requests.Response:
    """Call ``POST /login``."""
    return requests.post(f"{server.base_url}/api/4.0/login", timeout=30, **options)


@pytest.mark.parametrize("how", ["data", "params"])
def test_login(server: local.Server, valid: Callable[[str, Any], None], how: str) -> None:
    """The key comes as a form or as query parameters; the token is good for an hour."""
    answer = login(server, **{how: credentials(server)})

    assert answer.status_code == 200
    valid("AccessToken", answer.json())
    assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 3_600)


@pytest.mark.parametrize(
    "wrong",
    [{"client_secret": "x"}, {"client_id": "x"}, {"client_id": "", "client_secret": ""}, {"client_secret": "ü"}],
)
def test_login_with_a_wrong_key(server: local.Server, payloads: Path, wrong: dict[str, str]) -> None:
    """Wrong credentials are 404, in the recorded words."""
    answer = login(server, data={**credentials(server), **wrong})

    assert answer.status_code == 404
    assert answer.json() == json.loads((payloads / "error_404_recorded.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("scheme", ["token", "Bearer", "bearer"])
def test_both_spellings_of_the_header(server: local.Server, scheme: str) -> None:
    """The documentation says ``token``, the SDK ``Bearer``."""
    token = login(server, data=credentials(server)).json()["access_token"]

    answer = requests.get(f"{server.base_url}/api/4.0/user", headers={"Authorization": f"{scheme} {token}"}, timeout=30)

    assert answer.status_code == 200


@pytest.mark.parametrize("header", [None, "", "token", "token x", "Basic {}", "{}"])
def test_call_without_a_good_token(server: local.Server, payloads: Path, header: str | None) -> None:
    """401 in the recorded words."""
    token = login(server, data=credentials(server)).json()["access_token"]
    headers = {"Authorization": header.format(token)} if header is not None else {}

    answer = requests.get(f"{server.base_url}/api/4.0/user", headers=headers, timeout=30)

    assert answer.status_code == 401
    assert answer.json() == json.loads((payloads / "error_401_recorded.json").read_text(encoding="utf-8"))


def test_token_expires(started: Callable[..., Api]) -> None:
    """After its time a token is worthless, and a new login helps."""
    user = started(token_ttl=1)
    answer = login(user.server, data=credentials(user.server))
    headers = {"Authorization": f"token {answer.json()['access_token']}"}
    assert answer.json()["expires_in"] == 1

    time.sleep(1.05)

    assert user("GET", "/user", headers=headers).status_code == 401
    token = login(user.server, data=credentials(user.server)).json()["access_token"]
    assert user("GET", "/user", headers={"Authorization": f"token {token}"}).status_code == 200


@pytest.mark.parametrize("path", ["/api/4.0/logout", "/api/logout"])
def test_logout(server: local.Server, path: str) -> None:
    """Both paths end the session, and only that one."""
    first, second = (login(server, data=credentials(server)).json()["access_token"] for _ in range(2))
    headers = {"Authorization": f"token {first}"}

    answer = requests.delete(server.base_url + path, headers=headers, timeout=30)

    assert (answer.status_code, answer.content) == (204, b"")
    user = f"{server.base_url}/api/4.0/user"
    assert requests.get(user, headers=headers, timeout=30).status_code == 401
    assert requests.get(user, headers={"Authorization": f"token {second}"}, timeout=30).status_code == 200


def test_login_as_another_user(api: Api, other: Api, valid: Callable[[str, Any], None]) -> None:
    """An admin becomes another user, each time with a new token; nobody else may."""
    first, second = (api("POST", "/login/2") for _ in range(2))

    valid("AccessToken", first.json())
    assert first.json()["access_token"] != second.json()["access_token"]
    me = other("GET", "/user", headers={"Authorization": f"token {first.json()['access_token']}"}).json()
    assert (me["id"], me["display_name"]) == ("2", "Local User2")
    refused = other("POST", "/login/1")
    assert refused.status_code == 403
    valid("Error", refused.json())


def test_users(server: local.Server, api: Api, other: Api, valid: Callable[[str, Any], None]) -> None:
    """Each has a key and a name of their own; no secret is in a ``repr``."""
    for user, caller in zip(server.users, (api, other), strict=True):
        found = caller("GET", "/user").json()
        valid("User", found)
        assert (found["id"], found["display_name"]) == (user.id, user.display_name)
        assert user.client_secret not in repr(user)
    assert len({user.client_id for user in server.users}) == len(server.users)


def test_models(api: Api, valid: Callable[[str, Any], None]) -> None:
    """Models are listed with their explores, in parts if asked so."""
    models = api("GET", "/lookml_models").json()

    for model in models:
        valid("LookmlModel", model)
        assert api("GET", f"/lookml_models/{model['name']}").json() == model
        connection = api("GET", f"/connections/{model['allowed_db_connection_names'][0]}").json()
        valid("DBConnection", connection)
        for explore in model["explores"]:
            assert api("GET", f"/lookml_models/{model['name']}/explores/{explore['name']}").status_code == 200
    names = [model["name"] for model in models]
    assert "flights" in names
    page = api("GET", "/lookml_models", params={"limit": 1, "offset": len(names) - 1, "fields": "name"})
    assert page.json() == [{"name": names[-1]}]
    assert api("GET", "/lookml_models", params={"limit": "x"}).status_code == 422


def test_hidden_explore(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """A hidden explore is listed unless the caller asks for the others only."""
    user = started(lookml=project(VIEW, "t", model="explore: h { from: t hidden: yes }"))

    every, shown = (
        user("GET", "/lookml_models", params={"exclude_hidden": value}).json()[0]["explores"]
        for value in ("false", "true")
    )

    assert [explore["name"] for explore in every] == ["t", "h"]
    assert [explore["name"] for explore in shown] == ["t"]


def test_run_look(api: Api) -> None:
    """A Look is run by its id; the caller may ask for fewer rows."""
    assert len(api("GET", "/looks/1/run/json").json()) == 16
    assert len(api("GET", "/looks/1/run/json", params={"limit": 3}).json()) == 3


def test_query_spelled_out_in_an_address(api: Api) -> None:
    """The address of an explore says what is asked, filters in brackets."""
    path = "/queries/models/flights/views/flights/run/json"
    asked = {
        "fields": "flights.origin,flights.count",
        "f[flights.carrier]": "UA,-AA",
        "f[flights.time_date]": "2013-07",
        "sorts": "flights.count desc 0",
        "limit": "2",
        "query_timezone": "America/New_York",
    }

    answer = api("GET", path, params=asked)

    assert [row["flights.origin"] for row in answer.json()] == ["EWR", "LGA"]
    assert api("GET", path, params={"fields": "flights.nope", "total": "perhaps"}).status_code == 422


def test_page(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """The page names what is served and what was run, and what it shows is text, not markup."""
    view = 'view: t { sql_table_name: (SELECT 1 AS n) ;; dimension: n { type: number label: "<b>&" } }'
    user = started(lookml=project(view, "t"))
    empty = requests.get(user.server.base_url, timeout=30)
    user.run("t.n", model="m", view="t", filters={"t.n": "NOT 5"})

    page = requests.get(user.server.base_url, timeout=30)

    assert "None was run yet" in empty.text
    assert "There is none" in empty.text
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "<code>m / t</code>, 1 fields" in page.text
    assert "&lt;b&gt;&amp;" in page.text
    assert "<b>" not in page.text
    assert "(SELECT 1 AS n)" in page.text
    assert "&lt;&gt; 5 OR " in page.text
    assert "complete" in page.text
    assert "http" not in page.text.replace(user.server.base_url, "")
    for secret in (user.server.client_id, user.server.client_secret):
        assert secret not in page.text


def test_page_lists_dashboards(server: local.Server, api: Api) -> None:
    """Each with its id and title."""
    dashboards = api("GET", "/dashboards").json()

    page = requests.get(server.base_url, timeout=30).text

    assert dashboards
    for item in dashboards:
        assert f"<li><code>{item['id']}</code> {html.escape(item['title'])}" in page


def test_log(started: Callable[..., Api]) -> None:
    """Each call is a line; what is in an address is neither a key nor a second line."""
    lines: list[str] = []
    user = started(log=lines.append)

    user("GET", "/queries/a%0Ab%C3%BC?client_secret=x")

    until = time.monotonic() + 10
    while len(lines) < 2 and time.monotonic() < until:  # a line is written when its answer has gone out
        time.sleep(0.01)
    assert [line.split(maxsplit=1)[1].rsplit(maxsplit=2)[0] for line in lines] == [
        "POST /api/4.0/login 200",
        "GET /api/4.0/queries/a%0Ab%C3%BC 404",
    ]
    assert all(line.endswith(" ms") for line in lines)


def test_alive(server: local.Server) -> None:
    """A blank page, for anybody."""
    answer = requests.get(f"{server.base_url}/alive", timeout=30)

    assert (answer.status_code, answer.content) == (200, b"")


def test_user_versions_look_and_explore_validate(api: Api, valid: Callable[[str, Any], None]) -> None:
    """What is read is what the API's schemas say."""
    for path, schema in {
        "/user": "User",
        "/versions": "ApiVersion",
        "/looks/1": "LookWithQuery",
        "/looks/2": "LookWithQuery",
        "/lookml_models/flights/explores/flights": "LookmlModelExplore",
    }.items():
        answer = api("GET", path)
        assert answer.status_code == 200
        valid(schema, answer.json())


def test_explore(api: Api, valid: Callable[[str, Any], None]) -> None:
    """Every field of the explore is described, in the terms of the API."""
    explore = api("GET", "/lookml_models/flights/explores/flights").json()
    fields = {field["name"]: field for group in ("dimensions", "measures") for field in explore["fields"][group]}

    for field in fields.values():
        valid("LookmlModelExploreField", field)
    assert explore["id"] == "flights::flights"
    hour = fields["flights.time_hour"]
    assert (hour["type"], hour["dimension_group"], hour["time_interval"], hour["is_timeframe"]) == (
        "date_hour",
        "flights.time",
        {"name": "hour", "count": 1},
        True,
    )
    delay = fields["flights.average_dep_delay"]
    assert (delay["category"], delay["measure"], delay["type"], delay["is_numeric"]) == (
        "measure",
        True,
        "average",
        True,
    )
    assert (delay["value_format"], delay["value_format_name"]) == ("#,##0.00", "decimal_2")
    assert (delay["label"], delay["label_short"], delay["view_label"]) == (
        "Flights Average Dep Delay",
        "Average Dep Delay",
        "Flights",
    )
    assert "on purpose" in fields["flights.broken"]["description"]
    assert fields["flights.is_cancelled"]["enumerations"] == [
        {"label": "Yes", "value": "Yes"},
        {"label": "No", "value": "No"},
    ]


def test_fields_of_a_result_and_of_the_explore_agree(api: Api) -> None:
    """The metadata in ``json_detail`` is the explore's, with the sort added."""
    explore = api("GET", "/lookml_models/flights/explores/flights").json()["fields"]
    described = {field["name"]: field for group in ("dimensions", "measures") for field in explore[group]}

    found = api.run("flights.carrier", "flights.time_month", "flights.count", result_format="json_detail")["fields"]

    for field in (*found["dimensions"], *found["measures"]):
        field.pop("sorted", None)
        assert field == described[field["name"]]


def test_look(api: Api) -> None:
    """A Look brings its query, which can be run by its id."""
    look = api("GET", "/looks/1").json()

    assert (look["title"], look["query_id"]) == ("Flights by carrier", look["query"]["id"])
    assert len(api("GET", f"/queries/{look['query_id']}/run/json").json()) == 16


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/queries/nope"),
        ("GET", "/queries/slug/nope"),
        ("GET", "/queries/nope/run/json"),
        ("GET", "/query_tasks/nope"),
        ("GET", "/query_tasks/nope/results"),
        ("DELETE", "/running_queries/nope"),
        ("GET", "/looks/99"),
        ("GET", "/looks/99/run/json"),
        ("GET", "/lookml_models/nope"),
        ("GET", "/connections/nope"),
        ("GET", "/queries/models/nope/views/flights/run/json"),
        ("GET", "/queries/models/flights/views/nope/run/json"),
        ("GET", "/sql_interface_queries/1/run/json_bi"),
        ("POST", "/login/99"),
        ("GET", "/lookml_models/nope/explores/flights"),
        ("GET", "/lookml_models/flights/explores/nope"),
        ("GET", "/folders/1"),
        ("GET", "/"),
    ],
)
def test_unknown_id_or_path(api: Api, payloads: Path, verb: str, path: str) -> None:
    """404 says little, in the recorded words."""
    answer = api(verb, path)

    assert answer.status_code == 404
    assert answer.json() == json.loads((payloads / "error_404_recorded.json").read_text(encoding="utf-8"))


def test_task_of_an_unknown_query(api: Api) -> None:
    """404, as for every unknown id."""
    answer = api("POST", "/query_tasks", json={"query_id": "nope", "result_format": "json"})

    assert answer.status_code == 404


def test_wrong_method(api: Api, valid: Callable[[str, Any], None]) -> None:
    """405 with an error body."""
    answer = api("POST", "/user")

    assert answer.status_code == 405
    valid("Error", answer.json())


@pytest.mark.parametrize("path", ["/queries", "/queries/run/json", "/query_tasks"])
@pytest.mark.parametrize("body", [b"", b"{", b"{'a': 1}", b"\xff", b'{"a": 1} x', b"[" * 100_000], ids=range(6))
def test_malformed_body(api: Api, valid: Callable[[str, Any], None], path: str, body: bytes) -> None:
    """400: the body is not JSON."""
    answer = api("POST", path, data=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    valid("Error", answer.json())
    assert answer.json()["message"].startswith("The body is not JSON: ")
    pattern = path.replace("run/json", "run/:result_format")
    assert answer.json()["documentation_url"].endswith(f"/r/err/4.0/400/post{pattern}")


def test_body_of_another_kind(api: Api) -> None:
    """An array where an object is expected is named as such."""
    query = api("POST", "/queries", json=["flights"])
    task = api("POST", "/query_tasks", json=["flights"])

    assert (query.status_code, query.json()["errors"][0]["message"][:33]) == (422, "the body is an array; expected a ")
    assert (task.status_code, task.json()["message"]) == (
        400,
        'The body is ["flights"]; expected an object with query_id and result_format.',
    )


@pytest.mark.parametrize("retry_after", [True, False])
def test_too_many_requests(
    started: Callable[..., Api], valid: Callable[[str, Any], None], *, retry_after: bool
) -> None:
    """Above the limit every call is 429, login included, with or without a word on how long to wait."""
    user = started(calls_per_second=0.001, retry_after=retry_after)

    for answer in (user("GET", "/user"), login(user.server, data=credentials(user.server))):
        assert answer.status_code == 429
        valid("Error", answer.json())
        assert answer.json()["message"] == "Too many requests: more than 0.001 calls a second."
        assert ("Retry-After" in answer.headers) == retry_after
        assert not retry_after or 0 < int(answer.headers["Retry-After"]) <= 1_000


def test_waiting_as_told(started: Callable[..., Api]) -> None:
    """After the seconds named, a call is answered again."""
    user = started(calls_per_second=1)
    refused = next(answer for _ in range(100) if (answer := user("GET", "/user")).status_code == 429)

    time.sleep(int(refused.headers["Retry-After"]))

    assert user("GET", "/user").status_code == 200


class Broken:
    """Operations that all fail in a way that nobody foresaw."""

    def __getattr__(self, name: str) -> Any:
        async def operation(_: object) -> NoReturn:
            message = f"internal detail of {name}"
            raise RuntimeError(message)

        return operation


def test_fault_of_the_server_itself(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake of ours is 500 with an error body that shows nothing of it; the log has it."""
    dashboards = DashboardOperations({}, user_id="1")
    app = build_app(cast("Operations", Broken()), dashboards, RateLimit(None, retry_after=True))
    listener = Listener(app, host="127.0.0.1", port=0)
    listener.start()
    try:
        answer = requests.post(f"{listener.base_url}/api/4.0/login", timeout=30)
    finally:
        listener.close()

    assert answer.status_code == 500
    assert answer.json()["message"] == "The local Looker failed to answer; its log has the details."
    assert "internal detail" not in answer.text
    assert "internal detail of login" in caplog.text
