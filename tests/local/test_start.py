"""Starting and stopping: what is loaded, what is refused, what is left behind."""

from __future__ import annotations

import math
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import requests

from lookerframe import local
from lookerframe.exceptions import ConfigError, LookerFrameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.calling import Api

VIEW = "view: t { dimension: n { type: number } measure: count { type: count } }"


def test_import_loads_nothing_heavy() -> None:
    """The packages of the extra are loaded by ``start``, not by the import."""
    heavy = ("duckdb", "lkml", "starlette", "uvicorn", "pandas", "pyarrow")
    code = f"import sys, lookerframe.local; print([name for name in {heavy} if name in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())

    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("missing", ["duckdb", "lkml", "starlette", "uvicorn", "xlsxwriter"])
def test_missing_extra(missing: str) -> None:
    """Without one of its packages the error names the extra to install."""
    code = (
        f"import sys\nsys.modules[{missing!r}] = None\nimport lookerframe.local as local\n"
        "try:\n    local.start()\nexcept ImportError as exc:\n    print(type(exc).__name__, exc.extra, exc)"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())

    assert found.stdout.startswith("MissingDependencyError local ")
    assert "pip install 'lookerframe[local]'" in found.stdout


def test_servers_do_not_share_anything(started: Callable[..., Api]) -> None:
    """Two servers have their own addresses, keys, tokens, queries and tasks."""
    one, two = started(), started()
    query_id = one.create("flights.origin")
    task_id = one.submit(query_id)

    assert one.server.base_url != two.server.base_url
    assert one.server.client_id != two.server.client_id
    assert one.server.client_secret != two.server.client_secret
    assert two("GET", f"/queries/{query_id}").status_code == 404
    assert two("GET", f"/query_tasks/{task_id}").status_code == 404
    assert two("GET", "/user", headers=dict(one.session.headers)).status_code == 401


def test_close(endless: Callable[..., tuple[Api, str]]) -> None:
    """Closing ends running queries, the port and every thread; closing again does nothing."""
    before = set(threading.enumerate())
    user, query_id = endless(max_running=1)
    running, waiting = user.submit(query_id), user.submit(query_id)
    user.until(running, "running")
    assert user.status(waiting) == "added"
    assert set(threading.enumerate()) > before

    user.server.close()
    user.server.close()

    left = [thread for thread in set(threading.enumerate()) - before if "lookerframe" in thread.name]
    assert left == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{user.server.base_url}/alive", timeout=5)


def test_script_that_ends_without_closing() -> None:
    """The server lives as long as the script, even if only its address is kept, and goes without a word."""
    code = (
        "import urllib.request, lookerframe.local\nurl = lookerframe.local.start().base_url\n"
        "print(urllib.request.urlopen(url + '/alive').status)"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())

    assert (found.stdout, found.stderr) == ("200\n", "")


def test_port_can_be_used_again() -> None:
    """A server that was closed leaves its port free at once."""
    with local.start() as first:
        assert requests.get(f"{first.base_url}/alive", timeout=5).status_code == 200
        port = int(first.base_url.rpartition(":")[2])

    with local.start(port=port) as second:
        assert second.base_url == first.base_url
        assert requests.get(f"{second.base_url}/alive", timeout=5).status_code == 200


def test_repr_shows_no_secret(server: local.Server) -> None:
    """Where it is, and nothing of the key."""
    assert repr(server) == f"<lookerframe.local.Server at {server.base_url}>"


@pytest.mark.parametrize(
    ("options", "setting", "message"),
    [
        ({"not_ready_status": 200}, "not_ready_status", "not_ready_status is '200'; expected 202 or 204"),
        ({"latency": -1}, "latency", "latency is '-1'; expected seconds, 0 or more"),
        ({"latency": math.nan}, "latency", "latency is 'nan'; expected seconds, 0 or more"),
        ({"result_ttl": math.nan}, "result_ttl", "result_ttl is 'nan'; expected more than 0"),
        ({"port": 99_999}, "port", "port is '99999'; expected a port from 0, which takes a free one, to 65535"),
        ({"port": -1}, "port", "port is '-1'; expected a port from 0"),
        ({"max_running": 0}, "max_running", "max_running is '0'; expected 1 or more"),
        ({"users": 0}, "users", "users is '0'; expected 1 or more"),
        ({"queue_ttl": 0}, "queue_ttl", "queue_ttl is '0'; expected more than 0"),
        ({"result_ttl": 0}, "result_ttl", "result_ttl is '0'; expected more than 0"),
        ({"token_ttl": -5}, "token_ttl", "token_ttl is '-5'; expected more than 0"),
        ({"calls_per_second": 0}, "calls_per_second", "calls_per_second is '0'; expected more than 0"),
        ({"timezone": "Mars/Base"}, "timezone", "timezone is 'Mars/Base', which is unknown; expected a name such as"),
        ({"lookml": "no/such"}, "lookml", "lookml is 'no/such'; expected a folder with *.model.lkml files"),
        ({"database": "no/such"}, "database", "database is 'no/such'; expected a DuckDB file"),
        ({"database": __file__}, "database", f"database is {__file__!r}; expected a folder of LookML about it as well"),
    ],
)
def test_option_that_cannot_be_used(options: dict[str, Any], setting: str, message: str) -> None:
    """The error names the option, what it was, and what it may be."""
    threads = threading.active_count()

    with pytest.raises(ConfigError) as caught:
        local.start(**options)

    assert caught.value.setting == setting
    assert str(caught.value).startswith(message)
    assert threading.active_count() == threads


def test_port_in_use() -> None:
    """The error says which port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1:{port}: .*; choose another port, or 0"):
            local.start(port=port)


def test_file_that_is_no_database(project: Callable[..., Path]) -> None:
    """DuckDB's words, under the name of the file."""
    folder = project(VIEW, "t")

    with pytest.raises(ConfigError, match=r"cannot open database .*v\.view\.lkml.*not a valid DuckDB database file"):
        local.start(lookml=folder, database=folder / "v.view.lkml")


def test_database_that_is_open_for_writing(project: Callable[..., Path], tmp_path: Path) -> None:
    """DuckDB allows no second kind of connection to a file in one process: the error says what to do."""
    path = tmp_path / "own.duckdb"
    with duckdb.connect(str(path)), pytest.raises(ConfigError, match="close the other connection to it, or open that"):
        local.start(lookml=project(VIEW, "t"), database=path)


def test_closing_while_an_answer_is_read() -> None:
    """What is cut off by closing leaves no traceback."""
    code = (
        "import lookerframe.local as local, requests\nserver = local.start()\n"
        "key = {'client_id': server.client_id, 'client_secret': server.client_secret}\n"
        "url = server.base_url + '/api/4.0'\ntoken = requests.post(url + '/login', data=key).json()['access_token']\n"
        "query = {'model': 'flights', 'view': 'flights', 'fields': ['flights.id', 'flights.tailnum'],"
        " 'limit': '-1'}\n"
        "answer = requests.post(url + '/queries/run/json_detail', json=query, stream=True,"
        " headers={'Authorization': 'token ' + token, 'Accept-Encoding': 'identity'})\n"
        "chunks = answer.iter_content(1000)\nprint(len(next(chunks)))\nserver.close()\n"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())

    assert (found.stdout, found.stderr) == ("1000\n", "")


def test_database_of_ones_own(started: Callable[..., Api], project: Callable[..., Path], tmp_path: Path) -> None:
    """A DuckDB file is served through LookML about it, and is not written to."""
    path = tmp_path / "own.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS n FROM range(3)")
    user = started(lookml=project(VIEW, "t"), database=path)

    assert user.run("t.count", model="m", view="t") == [{"t.count": 3}]
    with duckdb.connect(str(path), read_only=True) as reader:
        assert reader.execute("SELECT COUNT(*) FROM t").fetchall() == [(3,)]


def test_table_that_is_missing(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """A query over it fails with the database's own error; the server goes on."""
    user = started(lookml=project(VIEW, "t"))

    (issue,) = user.run("t.n", model="m", view="t", result_format="json_detail")["errors"]

    assert "Table with name t does not exist" in issue["message_details"]
    assert issue["sql_error_loc"] == {"line": 3, "column": 6}


def test_default_time_zone(started: Callable[..., Api]) -> None:
    """Queries that name no zone are in the server's."""
    user = started(timezone="America/New_York")

    detail = user.run("flights.time_year", result_format="json_detail")

    assert detail["timezone"] == "America/New_York"
    assert [row["flights.time_year"]["value"] for row in detail["data"]] == [2013]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "looks.json: "),
        ('[{"id": "1"}]', "missing required field `title`"),
        ('[{"id": "1", "title": "T", "query": {}, "x": 1}]', "unknown field `x`"),
        (
            '[{"id": "7", "title": "T", "query": {"model": "m"}}]',
            "the query of Look '7' cannot be run: view: 'view' is",
        ),
    ],
)
def test_looks_that_cannot_be_served(project: Callable[..., Path], text: str, message: str) -> None:
    """The error names the file, the Look and what is wrong."""
    folder = project(VIEW, "t")
    (folder / "looks.json").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        local.start(lookml=folder)

    assert "looks.json: " in str(caught.value)
    assert message in str(caught.value)
    assert isinstance(caught.value, LookerFrameError)


def test_project_without_looks(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """``looks.json`` may be absent; then there is no Look."""
    assert started(lookml=project(VIEW, "t"))("GET", "/looks/1").status_code == 404
