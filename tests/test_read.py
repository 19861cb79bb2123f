"""The ``read_...`` functions and `decode`, against the local Looker."""

from __future__ import annotations

import gzip
import io
import json
import os
import time
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import duckdb
import looker_sdk
import pyarrow as pa
import pytest
import requests
from looker_sdk import models40

import lookerframe as lf
from lookerframe.deadline import Deadline, Stats
from tests.faults import FaultServer
from tests.scripted import TASK, ScriptedLooker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from lookerframe.client import Looker
    from lookerframe.local import Server

BY_CARRIER = lf.Query(
    model="flights",
    explore="flights",
    fields=["flights.carrier", "flights.count"],
    sorts=["flights.carrier"],
)
BROKEN = lf.Query(model="flights", explore="flights", fields=["flights.carrier", "flights.broken"])


@pytest.fixture
def _environment(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the environment name the server, in a directory without looker.ini."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOOKERSDK_BASE_URL", server.base_url)
    monkeypatch.setenv("LOOKERSDK_CLIENT_ID", server.client_id)
    monkeypatch.setenv("LOOKERSDK_CLIENT_SECRET", server.client_secret)


@pytest.fixture(scope="module")
def by_carrier() -> list[tuple[str, int]]:
    """Count the flights of each carrier in SQL."""
    from importlib.resources import files

    path = files("lookerframe") / "local" / "data" / "flights.parquet"
    with duckdb.connect() as connection:
        return connection.sql(f"SELECT carrier, count(*) FROM '{path}' GROUP BY 1 ORDER BY 1").fetchall()  # noqa: S608


def _pairs(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return list(frame.itertuples(index=False, name=None))


@pytest.mark.usefixtures("_environment")
def test_a_task_of_the_official_sdk_is_read(looker: Looker, by_carrier: list[tuple[str, int]]) -> None:
    """The SDK, unmodified, logs in, creates query and task and polls it; read_looker_task reads that task by its id."""
    sdk = looker_sdk.init40()
    query = sdk.create_query(
        models40.WriteQuery(
            model="flights", view="flights", fields=["flights.carrier", "flights.count"], sorts=["flights.carrier"]
        )
    )
    assert query.id
    created = sdk.create_query_task(
        models40.WriteCreateQueryTask(query_id=query.id, result_format=models40.ResultFormat.json_detail)
    )
    assert created.id
    while sdk.query_task(created.id).status not in ("complete", "error"):
        time.sleep(0.01)

    frame = lf.read_looker_task(created.id, looker=looker)

    assert _pairs(frame) == by_carrier
    assert frame.dtypes.astype(str).to_dict() == {
        "flights.carrier": "string[pyarrow]",
        "flights.count": "int64[pyarrow]",
    }
    sdk.auth.logout()


@pytest.mark.usefixtures("_environment")
def test_the_client_is_made_from_the_environment(by_carrier: list[tuple[str, int]]) -> None:
    """Without looker=, LOOKERSDK_* say whom to ask."""
    assert _pairs(lf.read_looker_query(BY_CARRIER)) == by_carrier


@pytest.mark.parametrize("result_format", ["json_detail", "json"])
@pytest.mark.parametrize(
    "spelling", ["{id}", "{base}/api/4.0/query_tasks/{id}", "{base}/api/4.0/query_tasks/{id}/results"]
)
def test_a_task_is_taken_by_id_and_by_address(
    looker: Looker, server: Server, by_carrier: list[tuple[str, int]], result_format: str, spelling: str
) -> None:
    """What people paste is understood, and the task's own result format decides how it is read."""
    task = looker.submit(BY_CARRIER, result_format=result_format)

    frame = lf.read_looker_task(spelling.format(id=task.id, base=server.base_url), looker=looker)

    assert _pairs(frame) == by_carrier


def test_a_handle_is_read(looker: Looker, by_carrier: list[tuple[str, int]]) -> None:
    """What submit() returned is taken as it is, again and again."""
    task = looker.submit(BY_CARRIER)

    assert _pairs(lf.read_looker_task(task, looker=looker)) == by_carrier
    assert _pairs(lf.read_looker_task(task, looker=looker)) == by_carrier
    assert _pairs(lf.read_looker_task(task.status(), looker=looker)) == by_carrier


@pytest.fixture
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let neither the environment nor a file name a Looker."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LOOKERSDK_")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("_no_environment")
def test_a_handle_is_read_by_its_own_client(looker: Looker, by_carrier: list[tuple[str, int]]) -> None:
    """It knows whom to ask, so that no environment is needed; the client stays open."""
    with pytest.raises(lf.ConfigError, match="base_url is not set"):
        lf.Looker.from_env()
    task = looker.submit(BY_CARRIER)

    assert _pairs(lf.read_looker_task(task)) == by_carrier
    assert _pairs(lf.read_looker_task(task)) == by_carrier


def test_a_handle_of_another_client_is_refused(looker: Looker, by_carrier: list[tuple[str, int]]) -> None:
    """Also where that one asks the same Looker; before any call, and the task can still be read."""
    task = looker.submit(BY_CARRIER)
    script = ScriptedLooker("complete")
    with FaultServer(answer=script) as server, lf.Looker(_settings(server)) as other:
        for wrong in (other, lf.Looker(looker.settings)):
            with pytest.raises(lf.ConfigError, match="belongs to another Looker than looker=") as caught:
                lf.read_looker_task(task, looker=wrong)
            assert caught.value.setting == "looker"

    assert script.calls == []
    assert _pairs(lf.read_looker_task(task, looker=looker)) == by_carrier


READS: dict[str, Callable[..., Any]] = {
    "task": lambda **given: lf.read_looker_task(TASK, **given),
    "query": lambda **given: lf.read_looker_query(BY_CARRIER, **given),
    "saved query": lambda **given: lf.read_looker_query("q1", **given),
    "look": lambda **given: lf.read_looker_look("1", **given),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_misspelt_dtype_backend_is_refused_before_anything_is_asked(read: Callable[..., Any]) -> None:
    """No query runs for minutes to end with that."""
    script = ScriptedLooker("complete")
    with FaultServer(answer=script) as server, lf.Looker(_settings(server)) as looker:
        with pytest.raises(lf.ConfigError, match="'numpy_nulable' is not known; give one of 'pyarrow'") as caught:
            read(looker=looker, dtype_backend="numpy_nulable")
        assert caught.value.setting == "dtype_backend"

    assert script.calls == []


def _settings(server: FaultServer) -> lf.Settings:
    return lf.Settings(base_url=server.url, client_id="id", client_secret=lf.Secret("secret"), poll_interval=0.01)


def test_a_query_is_taken_by_id_slug_and_address(looker: Looker, by_carrier: list[tuple[str, int]]) -> None:
    """A saved query is named by its id, its slug in an address, or an explore's address that spells it out."""
    saved = looker.submit(BY_CARRIER).status().query
    assert saved
    assert saved.id
    explore = (
        "https://company.looker.com/explore/flights/flights"
        "?fields=flights.carrier,flights.count&sorts=flights.carrier&limit=500"
    )

    for spelling in (
        saved,
        saved.id,
        f"https://company.looker.com/x/{saved.slug}",
        f"https://company.looker.com/explore/flights/flights?qid={saved.slug}&toggle=vis",
        explore,
    ):
        assert _pairs(lf.read_looker_query(spelling, looker=looker)) == by_carrier


def test_a_query_is_spelled_out_in_the_call(looker: Looker) -> None:
    """Model, explore, fields, filters, sorts and limit make a query."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = lf.read_looker_query(
            model="flights",
            explore="flights",
            fields=["flights.origin", "flights.count"],
            filters={"flights.carrier": "UA,AA", "flights.month": 7},
            sorts=["flights.count desc"],
            looker=looker,
        )

    assert list(frame["flights.origin"]) == ["EWR", "LGA", "JFK"]


@pytest.mark.parametrize("spelling", ["1", 1, "{base}/looks/1"])
def test_a_look_is_taken_by_id_and_by_address(looker: Looker, server: Server, spelling: str | int) -> None:
    """A Look runs the query that it holds."""
    look = spelling.format(base=server.base_url) if isinstance(spelling, str) else spelling
    expected = looker.look("1").query
    assert expected

    frame = lf.read_looker_look(look, looker=looker, on_truncate="ignore")

    assert tuple(frame.columns) == expected.fields
    assert len(frame) > 0


@pytest.mark.parametrize("result_format", ["json_detail", "json"])
def test_a_limit_is_never_silent(looker: Looker, result_format: str) -> None:
    """A result of as many rows as were asked for warns; limit=None is all rows and does not."""
    query = lf.Query(model="flights", explore="flights", fields=["flights.dest", "flights.count"], limit=5)

    with pytest.warns(lf.TruncatedWarning, match="limit of 5"):
        frame = lf.read_looker_query(query, looker=looker, result_format=result_format)
    assert len(frame) == 5

    with pytest.raises(lf.TruncatedError) as caught:
        lf.read_looker_query(query, looker=looker, result_format=result_format, on_truncate="raise")
    assert (caught.value.limit, caught.value.rows) == (5, 5)


def test_an_error_in_the_stream_names_the_query(looker: Looker) -> None:
    """What was asked is on the error also where it arises long after the result was handed out."""
    query = lf.Query(model="flights", explore="flights", fields=["flights.dest", "flights.count"], limit=5)
    result = looker.run(query, on_truncate="ignore")
    result.to_arrow()
    streamed = looker.run(query, dtypes={"flights.dest": "string"}, on_truncate="raise", numbers="float64", limit=6)

    with pytest.raises(lf.TruncatedError) as caught:
        for _ in streamed.batches():
            pass

    assert caught.value.query == query


def test_a_limit_of_the_call_holds_for_a_saved_query(looker: Looker) -> None:
    """A saved query is immutable; limit= goes to the task, and decides whether rows are missing."""
    saved = looker.submit(BY_CARRIER).status().query
    assert saved
    assert saved.id

    for result_format in ("json", "json_detail"):
        with pytest.warns(lf.TruncatedWarning, match="limit of 3: 3 rows"):
            assert len(lf.read_looker_query(saved.id, limit=3, looker=looker, result_format=result_format)) == 3
    few = looker.submit(lf.Query(model="flights", explore="flights", fields=BY_CARRIER.fields, limit=2)).status().query
    assert few
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(lf.read_looker_query(few, limit=-1, looker=looker, result_format="json")) == 16
    with pytest.raises(lf.InvalidQueryError, match="immutable"):
        lf.read_looker_query(saved.id, sorts=["flights.count"], looker=looker)


def test_a_failed_query_in_json_detail_names_the_place(looker: Looker) -> None:
    """HTTP 200 with errors: the database's words, Looker's sentence, the SQL, and a caret under the column."""
    with pytest.raises(lf.LookerSQLError) as caught:
        lf.read_looker_query(BROKEN, looker=looker)

    error = caught.value
    (issue,) = error.issues
    assert "no_such_column" in issue.message
    assert issue.summary == "The DuckDB database encountered an error while running this query."
    assert error.sql
    assert issue.line
    assert issue.column
    lines = str(error).splitlines()
    place = next(index for index, text in enumerate(lines) if text.startswith(f"> {issue.line} |"))
    assert lines[place][lines[place + 1].index("^") :].startswith("flights.no_such_column")
    assert issue.message in str(error)
    assert issue.summary in str(error)
    assert error.query == BROKEN
    assert (error.status, error.result_format) == (200, "json_detail")
    assert error.task_id


def test_a_failed_query_in_json_is_the_same_error(looker: Looker) -> None:
    """HTTP 400 for a task's result is a failed query too."""
    with pytest.raises(lf.LookerSQLError, match="no_such_column") as caught:
        lf.read_looker_query(BROKEN, looker=looker, result_format="json")

    assert (caught.value.status, caught.value.result_format) == (400, "json")


def test_a_failed_query_in_a_saved_json_body_is_the_same_error(server: Server) -> None:
    """A synchronous json answer is HTTP 200 with a row that holds the message: no table comes of it."""
    token = requests.post(
        f"{server.base_url}/api/4.0/login",
        data={"client_id": server.client_id, "client_secret": server.client_secret},
        timeout=10,
    ).json()["access_token"]
    body = requests.post(
        f"{server.base_url}/api/4.0/queries/run/json",
        json={"model": "flights", "view": "flights", "fields": ["flights.broken"]},
        headers={"Authorization": f"token {token}"},
        timeout=10,
    )
    assert body.status_code == 200

    with pytest.raises(lf.LookerSQLError, match="no_such_column"):
        lf.decode(body.content, "json")


def test_frames_keep_types_whatever_the_backend(looker: Looker) -> None:
    """An integer with nulls stays an integer unless plain numpy is asked for."""
    query = lf.Query(
        model="flights",
        explore="flights",
        fields=["flights.dep_delay", "flights.is_cancelled", "flights.time_date", "flights.count"],
        filters={"flights.month": 1, "flights.day": 1},
    )
    task = looker.submit(query)

    arrow = lf.read_looker_task(task, looker=looker)
    nullable = lf.read_looker_task(task, looker=looker, dtype_backend="numpy_nullable")
    plain = lf.read_looker_task(task, looker=looker, dtype_backend="numpy")

    kinds = ["int64", "bool", "date32[day]", "int64"]
    assert list(arrow.dtypes.astype(str)) == [f"{kind}[pyarrow]" for kind in kinds]
    assert list(nullable.dtypes.astype(str))[:2] == ["Int64", "boolean"]
    assert str(plain.dtypes.iloc[0]) == "float64"
    assert arrow["flights.dep_delay"].isna().sum() == nullable["flights.dep_delay"].isna().sum() > 0
    with pytest.raises(lf.ConfigError, match="numpy_nullable"):
        lf.read_looker_task(task, looker=looker, dtype_backend="arrow")  # type: ignore[arg-type]


def test_saved_payloads_are_decoded_from_anything(tmp_path: Path) -> None:
    """Bytes, a path, an open file and chunks are the same payload; the format is told from its first bytes."""
    body = json.dumps([{"orders.count": 1}, {"orders.count": 2}]).encode()
    path = tmp_path / "saved.json"
    path.write_bytes(body)
    fields = {"measures": [{"name": "orders.count", "type": "sum"}]}

    with path.open("rb") as file:
        for source in (body, bytearray(body), path, str(path), file, io.BytesIO(body), [body[:5], body[5:]]):
            table = lf.decode(source, fields=fields).to_arrow()
            assert table.to_pydict() == {"orders.count": [1.0, 2.0]}
            assert table.schema.field("orders.count").type == pa.float64()


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ("no/such/file.json", lf.ConfigError, "a str is a path"),
        ('[{"a":1}]', lf.ConfigError, "a str is a path"),
        (b"", lf.PayloadError, "the body is empty"),
        (7, lf.ConfigError, "met int"),
        ([{"a": 1}], lf.ConfigError, "met dict.*not what its JSON was parsed to"),
        ({"data": []}, lf.ConfigError, "met str"),
        (["text"], lf.ConfigError, "met str"),
        (io.StringIO("[]"), lf.ConfigError, "binary mode"),
    ],
)
def test_what_is_no_payload_is_refused(source: Any, error: type[Exception], words: str) -> None:
    """One clear error, with what to give instead."""
    with pytest.raises(error, match=words):
        lf.decode(source)


@pytest.mark.parametrize("result_format", ["json", "json_detail"])
def test_other_names_than_those_of_the_fields_are_refused(result_format: str) -> None:
    """Values under labels, as apply_vis writes them, do not become a column of nulls under the name."""
    fields = {"dimensions": [{"name": "orders.id", "type": "number"}], "measures": []}
    value = 7 if result_format == "json" else {"value": 7}
    rows = [{"Orders ID": value}]
    body = json.dumps(rows if result_format == "json" else {"fields": fields, "data": rows}).encode()

    with pytest.raises(lf.PayloadError, match=r"'Orders ID', but none of the fields .* 'orders\.id'; .* apply_vis"):
        lf.decode(body, result_format, fields=fields)


def test_the_query_says_that_json_is_pivoted(looker: Looker) -> None:
    """`json` has the values of pivots alone; their types are those of the explore, and without rows there are none."""
    query = lf.SavedQuery.from_api(
        {"id": "q", "model": "flights", "view": "flights", "fields": ["flights.count"], "pivots": ["flights.carrier"]}
    )
    fields = looker._explores.fields_of(query, Deadline(10), Stats())

    body = b'[{"flights.count":{"flights.carrier":{"AA":7,"":8}}}]'
    assert lf.decode(body, "json", fields=fields).to_arrow().to_pylist() == [
        {"flights.count|AA": 7, "flights.count|null": 8}
    ]
    long = lf.decode(body, "json", fields=fields, pivots="long").to_arrow()
    assert long.to_pydict() == {"flights.carrier": ["AA", None], "flights.count": [7, 8]}
    assert long.schema.types == [pa.string(), pa.int64()]
    assert lf.decode(b"[]", "json", fields=fields).to_arrow().shape == (0, 0)


def test_a_debugger_can_show_a_result_that_could_not_be_made() -> None:
    """Tools that print local variables meet the half-built object in the frames of its own error."""
    body = json.dumps({"fields": {}, "data": [], "errors": [{"message": "no such table"}]}).encode()

    with pytest.raises(lf.LookerSQLError) as caught:
        lf.decode(body, "json_detail")

    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "no such table" in shown
    assert "<Result: " in shown


def test_a_closed_file_is_refused(tmp_path: Path) -> None:
    """Not with Python's error about it, which names no argument."""
    path = tmp_path / "saved.json"
    path.write_bytes(b"[]")
    with path.open("rb") as file:
        pass

    with pytest.raises(lf.ConfigError, match="cannot be read"):
        lf.decode(file, "json")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"fields": None}, lf.InvalidQueryError),
        ({"fields": "flights.carrier"}, lf.InvalidQueryError),
        ({"fields": {"flights.carrier": 1}}, lf.InvalidQueryError),
        ({"sorts": 5}, lf.InvalidQueryError),
        ({"dtypes": "string"}, lf.ConfigError),
        ({"timeout": "10"}, lf.ConfigError),
        ({"looker": "https://company.looker.com"}, lf.ConfigError),
        ({"result_format": ["json"]}, lf.UnknownFormatError),
        ({"deferred": True}, lf.ConfigError),
        ({"numbers": "int"}, lf.ConfigError),
        ({"on_truncate": "no"}, lf.ConfigError),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else value.__name__,
)
def test_a_wrong_argument_is_refused_in_words(looker: Looker, wrong: dict[str, Any], error: type[Exception]) -> None:
    """The error names what was met and what is expected, before anything is waited for."""
    right = {"model": "flights", "explore": "flights", "fields": ["flights.carrier"], "looker": looker}

    with pytest.raises(error, match=next(iter(wrong)).removesuffix("s")):
        lf.read_looker_query(**{**right, **wrong})


def test_an_unknown_format_lists_the_known_ones() -> None:
    """The error says what can be decoded."""
    with pytest.raises(lf.UnknownFormatError, match=r"'pdf'; known: .*json, .*json_detail"):
        lf.decode(b"%PDF", "pdf")


def test_a_saved_file_may_be_compressed_whatever_its_format_is_called() -> None:
    """Gzip is told from its first bytes, whether the format is named or not."""
    body = gzip.compress(b'[{"a":1}]')

    for named in ("json", None):
        assert lf.decode(body, named).to_arrow().to_pydict() == {"a": [1]}
