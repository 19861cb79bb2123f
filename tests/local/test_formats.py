"""Results on the wire: their shape is the recorded one, their cells are the database's."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import pytest

from lookerframe.local import formats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import duckdb

    from tests.local.calling import Api

COLUMNS = (
    *("year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay"),
    *("carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour"),
)
NAMES = [f"flights.{column}" for column in COLUMNS]
ROW_COUNT = 336_776


@pytest.fixture(scope="module")
def recorded(payloads: Path) -> list[dict[str, Any]]:
    """Give every ``json_detail`` object among the recorded answers of ``multi_results``."""
    entries = [
        entry
        for path in sorted(payloads.glob("multi_results_*.json"))
        for entry in json.loads(path.read_text(encoding="utf-8")).values()
    ]
    return [entry["data"] for entry in entries if "sql" in entry.get("data", {})]


def in_order(keys: list[str], model: list[str]) -> bool:
    """Tell whether `keys` come in the order that they have in `model`, which may have more."""
    remaining = iter(model)
    return all(key in remaining for key in keys)


def test_json_detail_has_the_recorded_keys_in_order(api: Api, recorded: list[dict[str, Any]]) -> None:
    """A complete and a failed result have the keys of the recorded ones, in their order."""
    complete = api.run("flights.carrier", limit="0", result_format="json_detail")
    failed = api.run("flights.broken", result_format="json_detail")
    by_outcome = {"errors" in payload: payload for payload in recorded}

    assert list(complete) == list(by_outcome[False])
    assert in_order(list(by_outcome[True]), list(failed))
    assert set(failed) - set(by_outcome[True]) == {"dialect_specific_metadata"}
    assert list(failed["errors"][0]) == list(by_outcome[True]["errors"][0])
    assert list(failed["errors"][0]["sql_error_loc"]) == ["line", "column"]


def test_values_of_the_envelope_have_the_recorded_types(api: Api, recorded: list[dict[str, Any]]) -> None:
    """Each key holds the kind of value that Looker was seen to send."""
    ours = api.run("flights.carrier", limit="0", result_format="json_detail")
    theirs = next(payload for payload in recorded if "errors" not in payload)
    different = {key for key, value in ours.items() if type(value) is not type(theirs[key])}

    # The demo's explore has a description and its queries no filter expression.
    assert different == {"applied_filter_expression"}
    assert {type(value) for value in ours["explore"].values()} == {str}


def test_fields_have_the_recorded_keys_in_order(api: Api, recorded: list[dict[str, Any]]) -> None:
    """Field metadata has every recorded key, in order; keys of later releases follow."""
    ours = api.run("flights.carrier", result_format="json_detail")["fields"]
    theirs = recorded[0]["fields"]

    assert list(ours) == list(theirs)
    model = [key for key in theirs["dimensions"][0] if key != "sorted"]
    assert list(ours["dimensions"][0])[: len(model)] == model
    assert ours["dimensions"][0]["sorted"] == theirs["dimensions"][0]["sorted"]


def test_json_detail_is_one_line(api: Api) -> None:
    """As recorded: no white space between the parts."""
    text = api.results(api.submit(api.create("flights.carrier", "flights.count"), "json_detail")).text

    assert text == json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def test_envelope(api: Api) -> None:
    """What was asked comes back: SQL, sorts, filters, time zone, explore."""
    before = dt.datetime.now(dt.UTC).replace(microsecond=0)
    task_id = api.submit(
        api.create(
            "flights.carrier",
            "flights.count",
            filters={"flights.origin": "JFK,LGA"},
            sorts=["flights.count desc", "flights.carrier"],
            query_timezone="Europe/Berlin",
        ),
        "json_detail",
    )
    detail = api.results(task_id).json()

    assert detail["id"] == task_id
    assert before <= dt.datetime.fromisoformat(detail["ran_at"]) <= dt.datetime.now(dt.UTC)
    assert float(detail["runtime"]) > 0
    assert isinstance(detail["runtime"], str)
    assert "added_params" not in detail
    assert "truncated" not in detail
    assert "errors" not in detail
    assert detail["sql_explain"] == f"EXPLAIN {detail['sql']}"
    assert detail["timezone"] == "Europe/Berlin"
    assert detail["explore"]["name"] == "flights"
    assert detail["applied_filters"]["flights.origin"]["value"] == "JFK,LGA"
    assert detail["applied_filters"]["flights.origin"]["field"]["name"] == "flights.origin"
    assert [field["name"] for field in detail["fields"]["dimensions"]] == ["flights.carrier"]
    assert detail["fields"]["dimensions"][0]["sorted"] == {"sort_index": 1, "desc": False}
    assert detail["fields"]["measures"][0]["sorted"] == {"sort_index": 0, "desc": True}


@pytest.mark.parametrize(
    ("limit", "rows", "truncated"),
    [("0", 0, True), ("15", 15, True), ("16", 16, True), ("17", 16, None), ("-1", 16, None), (None, 16, None)],
)
def test_truncated(api: Api, limit: str | None, rows: int, truncated: Literal[True] | None) -> None:
    """There when the rows reach the limit, even if there are no more; else absent."""
    detail = api.run("flights.carrier", limit=limit, result_format="json_detail")

    assert len(detail["data"]) == rows
    assert detail.get("truncated") is truncated


def test_cells(api: Api, flights: duckdb.DuckDBPyConnection) -> None:
    """A number with a format is always rendered, another from 1,000 up; text, parts of dates and nulls never."""
    fields = (
        *("flights.tailnum", "flights.is_cancelled", "flights.time_year", "flights.time_month"),
        *("flights.count", "flights.count_of_carriers", "flights.total_distance", "flights.average_dep_delay"),
    )
    detail = api.run(*fields, filters={"flights.month": "6"}, sorts=["flights.tailnum"], result_format="json_detail")
    count, carriers, distance = flights.execute(
        "SELECT COUNT(*), COUNT(DISTINCT carrier), SUM(distance) FROM flights "
        "WHERE tailnum IS NULL AND month = 6 AND MONTH(time_hour) = 6"
    ).fetchall()[0]

    assert next(row for row in detail["data"] if row["flights.time_month"]["value"] == "2013-06") == {
        "flights.tailnum": {"value": None},
        "flights.is_cancelled": {"value": "Yes"},
        "flights.time_year": {"value": 2013},
        "flights.time_month": {"value": "2013-06"},
        "flights.count": {"value": count},
        "flights.count_of_carriers": {"value": carriers},
        "flights.total_distance": {"value": distance, "rendered": f"{distance:,}"},
        "flights.average_dep_delay": {"value": None},
    }


def test_rendered_numbers(api: Api) -> None:
    """962 has none and 1,062 has one; a format is used even where it changes nothing."""
    detail = api.run("flights.year", "flights.distance", limit="-1", result_format="json_detail")
    rendered = {row["flights.distance"]["value"]: row["flights.distance"].get("rendered") for row in detail["data"]}

    assert {json.dumps(row["flights.year"]) for row in detail["data"]} == {'{"value": 2013, "rendered": "2013"}'}
    assert min(rendered) < 1_000 < max(rendered)
    assert rendered == {value: f"{value:,}" if value >= 1_000 else None for value in rendered}


def test_numbers(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """Integers of any width stay exact, whole floats and decimals are integers, NaN and infinities are null."""
    literals = {
        "big": "9223372036854775807",
        "huge": "170141183460469231731687303715884105727",
        "whole": "7.0::DOUBLE",
        "part": "80.47117647058822::DOUBLE",
        "tiny": "1e-7::DOUBLE",
        "vast": "1e300::DOUBLE",
        "money": "1234.50::DECIMAL(10, 2)",
        "round": "12.00::DECIMAL(10, 2)",
        "nan": "'nan'::DOUBLE",
        "infinite": "'-inf'::DOUBLE",
        "nothing": "NULL::INTEGER",
    }
    dimensions = "\n".join(f"dimension: {name} {{ type: number sql: {sql} ;; }}" for name, sql in literals.items())
    user = started(lookml=project(f"view: t {{ sql_table_name: (SELECT 1) ;; {dimensions} }}", "t"))
    fields = [f"t.{name}" for name in literals]

    row = user.run(*fields, model="m", view="t")[0]

    assert [(value, type(value)) for value in row.values()] == [
        (9223372036854775807, int),
        (170141183460469231731687303715884105727, int),
        (7, int),
        (80.47117647058822, float),
        (1e-07, float),
        (1e300, float),
        (1234.5, float),
        (12, int),
        (None, type(None)),
        (None, type(None)),
        (None, type(None)),
    ]
    detail = user.run(*fields, model="m", view="t", result_format="json_detail")["data"][0]
    assert {name: cell["value"] for name, cell in detail.items()} == row
    assert detail["t.big"]["rendered"] == "9,223,372,036,854,775,807"
    assert detail["t.money"]["rendered"] == "1,234.5"
    assert "rendered" not in detail["t.part"]


def test_text(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """Quotes, line ends, control characters and letters beyond ASCII arrive as they are."""
    texts = ['"', "\\", "a\nb\tc", "\x01\x7f", "Zürich", "😀", "</script>", "", " blank ", "null", "\u2028"]
    values = ", ".join("('" + text.replace("'", "''") + "')" for text in texts)
    view = f"""view: t {{ sql_table_name: (VALUES {values}, (NULL)) ;;
        dimension: text {{ sql: ${{TABLE}}.col0 ;; }} measure: count {{ type: count }} }}"""
    user = started(lookml=project(view, "t"))

    rows = user.run("t.text", "t.count", model="m", view="t")
    detail = user.run("t.text", "t.count", model="m", view="t", result_format="json_detail")

    assert {row["t.text"] for row in rows} == {*texts, None}
    assert {row["t.text"]["value"] for row in detail["data"]} == {*texts, None}


def test_nested_values(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """Days and times are text, a list is the text of its JSON, with totals as without."""
    view = """view: t { sql_table_name: (SELECT [1, 2] AS list, DATE '2013-01-02' AS day, TIME '10:11:12' AS clock) ;;
        dimension: list {} dimension: day {} dimension: clock {} }"""
    user = started(lookml=project(view, "t"))

    assert user.run("t.list", "t.day", "t.clock", model="m", view="t") == [
        {"t.list": "[1,2]", "t.day": "2013-01-02", "t.clock": "10:11:12"}
    ]


def test_empty_result(api: Api) -> None:
    """No rows are an empty array, with all metadata in ``json_detail``."""
    nobody = {"flights.carrier": "none"}

    assert api.run("flights.carrier", filters=nobody) == []
    detail = api.run("flights.carrier", "flights.dep_time", filters=nobody, result_format="json_detail")
    assert detail["data"] == []
    assert [field["type"] for field in detail["fields"]["dimensions"]] == ["string", "number"]


def test_sql_error_in_json_detail(api: Api, flights: duckdb.DuckDBPyConnection) -> None:
    """200 with DuckDB's own words, at the line and column of the broken name; no rows."""
    answer = api.results(api.submit(api.create("flights.carrier", "flights.broken"), "json_detail"))

    detail = answer.json()
    assert answer.status_code == 200
    assert detail["data"] == []
    (issue,) = detail["errors"]
    assert issue["message"] == "The DuckDB database encountered an error while running this query."
    assert issue["params"] == detail["sql"]
    assert issue["level"] == "error"
    assert issue["sql_error_loc"] == {"line": 3, "column": 5}
    assert detail["sql"].splitlines()[2] == '    flights.no_such_column AS "flights.broken"'
    with pytest.raises(Exception, match="no_such_column") as own:
        flights.execute(detail["sql"])
    assert issue["message_details"] == str(own.value).partition("\n\nLINE")[0]


def test_sql_error_in_json(api: Api, valid: Callable[[str, Any], None]) -> None:
    """A task answers 400; a run answers 200 with the text in a row."""
    query_id = api.create("flights.broken")

    task = api.results(api.submit(query_id))
    runs = [
        api("GET", f"/queries/{query_id}/run/json"),
        api("POST", "/queries/run/json", json={"model": "flights", "view": "flights", "fields": ["flights.broken"]}),
    ]

    assert task.status_code == 400
    valid("Error", task.json())
    assert "no_such_column" in task.json()["message"]
    assert [(run.status_code, run.json()) for run in runs] == [(200, [{"looker_error": task.json()["message"]}])] * 2


def test_sql_error_in_a_run_of_json_detail(api: Api) -> None:
    """A run carries it as a task does."""
    answer = api("GET", f"/queries/{api.create('flights.broken')}/run/json_detail")

    assert answer.status_code == 200
    assert answer.json()["errors"][0]["sql_error_loc"] == {"line": 2, "column": 5}


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("nothing", 2, 5),
        ("'Zürich 😀' || nothing", 2, 19),
        ("'1' ||\n  '😀' ||\n\tnothing", 4, 2),
        ("CAST('x' || '' AS INTEGER)", 2, 5),
        ("no_function(1)", 2, 5),
        ("(1", 2, 8),
    ],
)
def test_place_of_an_sql_error(
    started: Callable[..., Api], project: Callable[..., Path], sql: str, line: int, column: int
) -> None:
    """Line and column count from 1, in characters, in the SQL of the payload; also for errors of single rows."""
    user = started(
        lookml=project(f"view: t {{ sql_table_name: (SELECT 1 AS a) ;; dimension: d {{ sql: {sql} ;; }} }}", "t")
    )

    detail = user.run("t.d", model="m", view="t", result_format="json_detail")

    (issue,) = detail["errors"]
    assert issue["sql_error_loc"] == {"line": line, "column": column}, (detail["sql"], issue["message_details"])


def test_sql_error_without_a_place(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """Where DuckDB does not say where, nothing is made up."""
    view = "view: t { sql_table_name: (SELECT 1 AS a) ;; dimension: d { sql: error('boom 😀') ;; } }"
    user = started(lookml=project(view, "t"))

    (issue,) = user.run("t.d", model="m", view="t", result_format="json_detail")["errors"]

    assert issue["sql_error_loc"] == {}
    assert issue["message_details"] == "Invalid Input Error: boom 😀"


def test_drill_links(api: Api) -> None:
    """A measure with drill fields links to the rows behind each number, in the recorded shape."""
    query_id = api.create(
        "flights.carrier",
        "flights.tailnum",
        "flights.time_month",
        "flights.count",
        filters={"flights.origin": "JFK,LGA", "flights.carrier": "AA"},
        sorts=["flights.tailnum", "flights.time_month"],
        limit="1",
    )

    task_id = api.submit(
        query_id, "json_detail", parameters={"generate_drill_links": "true", "path_prefix": "%2Flooker"}
    )
    cell = api.results(task_id).json()["data"][0]["flights.count"]
    plain = api.results(api.submit(query_id, "json_detail")).json()["data"][0]["flights.count"]

    (link,) = cell.pop("links")
    assert cell == plain
    assert list(link) == ["label", "url", "type"]
    assert (link["label"], link["type"]) == (f"Show All {cell['value']}", "measure_default")
    path, _, given = link["url"].partition("?")
    assert path == "/looker/explore/flights/flights"
    assert given.split("&")[0] == (
        "fields=flights.time_date,flights.carrier,flights.flight,flights.origin,flights.dest"
    )
    assert given.split("&")[1:3] == ["f[flights.carrier]=AA", "f[flights.tailnum]=NULL"]
    assert given.split("&")[3].startswith("f[flights.time_month]=2013-")
    assert given.split("&")[4:] == ["f[flights.origin]=JFK%2CLGA", "query_timezone=UTC", "limit=500"]


def test_drill_links_of_special_values(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """What is special in a filter is escaped in the link, so that it finds the same rows."""
    view = """view: t { sql_table_name: (VALUES ('-a,b%_'), (''), ('"')) ;;
        dimension: text { sql: ${TABLE}.col0 ;; } measure: count { type: count drill_fields: [text] } }"""
    user = started(lookml=project(view, "t"))
    query_id = user.create("t.text", "t.count", model="m", view="t", sorts=["t.text"])

    rows = user.results(user.submit(query_id, "json_detail", parameters={"generate_drill_links": "true"})).json()[
        "data"
    ]

    filters = [row["t.count"]["links"][0]["url"].split("&")[1] for row in rows]
    assert filters == ["f[t.text]=EMPTY", "f[t.text]=%5E%22", "f[t.text]=%5E-a%5E%2Cb%5E%25%5E_"]


def test_gzip(api: Api) -> None:
    """Results are compressed for clients that take it, and only for them."""
    task_id = api.submit(api.create("flights.tailnum", "flights.count", limit="-1"))
    packed = api.results(task_id)

    bare = api("GET", f"/query_tasks/{task_id}/results", headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in bare.headers
    assert bare.headers["Transfer-Encoding"] == "chunked"
    assert bare.headers["Content-Type"] == "application/json"
    assert packed.content == bare.content
    assert len(bare.json()) == 4_044


@pytest.mark.parametrize("result_format", ["json_fe", "gsxml", "odc", "png", "pdf"])
def test_format_that_is_not_served(api: Api, result_format: str) -> None:
    """A run in another format is 422 and names the formats that there are."""
    answer = api("GET", f"/queries/{api.create('flights.carrier')}/run/{result_format}")

    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["field"] == "result_format"
    known = "is unknown" if result_format == "pdf" else "is not served by the local Looker"
    assert problem["message"] == f"result_format {result_format!r} {known}; served: {', '.join(formats.served())}"


class Cell(msgspec.Struct, gc=False):
    """One cell of ``json_detail``; what it is rendered as is left unread."""

    value: int | str | None


class Detail(msgspec.Struct):
    """The rows of ``json_detail``."""

    data: list[dict[str, Cell]]


@pytest.fixture(scope="module")
def every_flight(flights: duckdb.DuckDBPyConnection) -> set[tuple[Any, ...]]:
    """Read the whole table with SQL written by hand; no two of its rows are the same."""
    columns = ", ".join(COLUMNS[:-1])
    sql = f"SELECT {columns}, STRFTIME(time_hour, '%Y-%m-%d %H') FROM flights"  # noqa: S608
    return set(flights.execute(sql).fetchall())


def test_all_flights_as_json(api: Api, every_flight: set[tuple[Any, ...]]) -> None:
    """Every row and column of the table arrives, cell by cell as DuckDB has it."""
    answer = api.results(api.submit(api.create(*NAMES, limit="-1")))
    rows = msgspec.json.decode(answer.content, type=list[dict[str, int | str | None]])

    assert len(rows) == ROW_COUNT
    assert {tuple(row) for row in rows} == {tuple(NAMES)}
    assert {tuple(row.values()) for row in rows} == every_flight


def test_all_flights_as_json_detail(api: Api, every_flight: set[tuple[Any, ...]]) -> None:
    """The same in cells."""
    answer = api.results(api.submit(api.create(*NAMES, limit="-1"), "json_detail"))
    rows = msgspec.json.decode(answer.content, type=Detail).data

    assert len(rows) == ROW_COUNT
    assert {tuple(row) for row in rows} == {tuple(NAMES)}
    assert {tuple(cell.value for cell in row.values()) for row in rows} == every_flight
