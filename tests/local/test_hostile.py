"""Values, formulas and bodies that nobody means well: each is answered in full or refused, and the server goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from lookerframe import local
from lookerframe.local.columns import readable
from lookerframe.local.responses import begun
from tests.local.calling import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Columns that Python cannot hold or compare, or JSON cannot write, and how the local Looker writes each.
COLUMNS: dict[str, tuple[str, Any]] = {
    "list": ("[1, 2]", "[1,2]"),
    "struct": ("{'a': 1}", '{"a":1}'),
    "map": ("MAP {'k': 1}", '{"k":1}'),
    "forever": ("'infinity'::TIMESTAMP", "infinity"),
    "always": ("'-infinity'::TIMESTAMPTZ", "-infinity"),
    "never": ("'infinity'::DATE", "infinity"),
    "far": ("DATE '12013-01-02'", "12013-01-02"),
    "far_time": ("TIMESTAMP '12013-01-02 03:04:05.5'", "12013-01-02 03:04:05.500000 +0000"),
    "nanoseconds": ("TIMESTAMP_NS '2013-01-02 03:04:05.123456789'", "2013-01-02 03:04:05.123456 +0000"),
    "fraction": ("TIMESTAMP '2013-01-02 03:04:05.25'", "2013-01-02 03:04:05.250000 +0000"),
    "whole": ("TIMESTAMP '0913-01-02 03:04:05'", "0913-01-02 03:04:05 +0000"),
    "interval": ("INTERVAL '14 months 3 days 2 hours'", "1 year 2 months 3 days 02:00:00"),
    "not_a_number": ("'nan'::DOUBLE", None),
    "infinite": ("'inf'::DOUBLE", None),
    "huge": ("1e300", 1e300),
    "bytes": ("'\\xAA'::BLOB", "qg=="),
}
MODES: dict[str, dict[str, Any]] = {
    "plain": {},
    "total": {"total": True},
    "pivots": {"row_total": "right"},
}


def lookml() -> str:
    """Write a view with every column, as text and as a number with a format."""
    fields = [
        f'dimension: {name} {{}} dimension: n_{name} {{ type: number value_format: "#,##0.00" sql: ${{{name}}} ;; }}'
        for name in COLUMNS
    ]
    broken = "dimension: broken { sql: [DATE '12013-01-01'] ;; }"
    exact = "dimension: exact { type: number sql: 123456789012345.6789::DECIMAL(20, 4) ;; }"
    usual = "dimension: id { type: number primary_key: yes } dimension: text {} measure: count { type: count }"
    measure = 'measure: money { type: sum sql: ${exact} ;; value_format: "#,##0.00" }'
    return f"view: t {{ {usual} {exact} {broken} {measure} {' '.join(fields)} }}"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Serve a table of such columns: two rows, of which the second has nulls."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "m.model.lkml").write_text(f"{lookml()} explore: t {{}}", encoding="utf-8")
    selected = ", ".join(f'{sql} AS "{name}"' for name, (sql, _) in COLUMNS.items())
    with duckdb.connect(str(folder / "t.duckdb")) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT 1 AS id, 'a' AS text, {selected}")
        connection.execute("INSERT INTO t (id) VALUES (2)")
    with local.start(lookml=folder, database=folder / "t.duckdb") as server:
        user = Api.login(server)
        yield user
        user.session.close()


def query(*fields: str, **more: Any) -> dict[str, Any]:
    """Write a query over the columns."""
    return {"model": "m", "view": "t", "fields": [f"t.{name}" for name in fields], **more}


@pytest.mark.parametrize("name", COLUMNS)
def test_values_as_they_are_written(hostile: Api, name: str) -> None:
    """What Python or JSON cannot hold is text or null; a null stays one."""
    rows = hostile("POST", "/queries/run/json", json=query("id", name, sorts=["t.id"])).json()

    assert [row[f"t.{name}"] for row in rows] == [COLUMNS[name][1], None]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("result_format", ["json", "json_detail", "json_bi", "csv", "html", "xlsx"])
@pytest.mark.parametrize("name", [name for column in COLUMNS for name in (column, f"n_{column}")])
def test_values_in_every_layout(hostile: Api, name: str, result_format: str, mode: str) -> None:
    """Every format writes each in full, also with totals and as pivots."""
    options = MODES[mode] if mode != "pivots" else {**MODES[mode], "pivots": [f"t.{name}"]}
    body = query("id", name, "count", **options)

    answer = hostile("POST", f"/queries/run/{result_format}", json=body, params={"apply_formatting": "true"})

    assert answer.status_code == 200
    if mode == "pivots" and COLUMNS[name.removeprefix("n_")][1] is None:
        assert result_format == "xlsx" or "several values of the pivots are written as" in answer.text
        return
    assert "looker_error" not in answer.text
    if result_format.startswith("json"):
        found = answer.json()
        assert len(found if isinstance(found, list) else found.get("data") or found["rows"]) >= 2
        assert "errors" not in found


def test_decimals_keep_their_digits(hostile: Api) -> None:
    """A decimal is a number of JSON with all its digits, in rows and in totals."""
    body = query("exact", "money", total=True, limit="1")
    texts = {
        name: hostile("POST", f"/queries/run/{name}", json=body).text
        for name in ("json", "json_detail", "json_bi", "csv")
    }

    assert texts["json"].count('"t.exact":123456789012345.6789') == 1
    assert texts["json"].count('"t.money":246913578024691.3578') == 2
    assert texts["json_bi"].count('{"value":246913578024691.3578}') == 2
    assert texts["json_detail"].count('{"value":246913578024691.3578,"rendered":"246,913,578,024,691.36"}') == 2
    assert "123456789012345.6789,246913578024691.3578" in texts["csv"]


def test_result_that_cannot_be_laid_out(hostile: Api) -> None:
    """It is an error of its query, also among the results of several tasks, of which the others are not to blame."""
    bad, good = (hostile.submit(hostile.create(model="m", view="t", fields=[f"t.{name}"])) for name in ("broken", "id"))
    for task_id in (bad, good):
        hostile.until(task_id, "complete", "error")

    entries = hostile("GET", f"/query_tasks/multi_results?query_task_ids={bad},{good}").json()
    alone = hostile("GET", f"/query_tasks/{bad}/results")
    run = hostile("POST", "/queries/run/json", json=query("broken"))

    assert entries[good]["data"] == [{"t.id": 1}, {"t.id": 2}]
    assert entries[bad]["status"] == "error"
    assert "cannot lay out these values" in entries[bad]["data"]["error"]
    assert (alone.status_code, run.status_code) == (400, 200)
    assert "cannot lay out these values" in run.json()[0]["looker_error"]


@pytest.mark.parametrize(
    "interval",
    [
        *("14 months", "-14 months", "3 days 2 hours", "0 seconds", "-1 hour", "1 day -1 second", "1.5 seconds"),
        *("1 year", "-1 day", "100 hours"),
    ],
)
def test_intervals_are_written_as_the_database_does(interval: str) -> None:
    """Years, months, days and a time, each with its sign."""
    with duckdb.connect() as connection:
        table = connection.sql(f"SELECT INTERVAL '{interval}' AS i").to_arrow_table()
        expected = connection.sql(f"SELECT (INTERVAL '{interval}')::VARCHAR").fetchall()

    assert readable(table).column("i").to_pylist() == [expected[0][0]]


def test_answer_that_fails_before_it_begins() -> None:
    """What cannot be written fails before the first byte is sent, not in the middle."""

    def chunks() -> Iterator[bytes]:
        yield b"["
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        begun(chunks())


def test_answer_that_is_long() -> None:
    """Of a long answer only the beginning is made before it is sent."""
    made = []

    def chunks() -> Iterator[bytes]:
        for number in range(100):
            made.append(number)
            yield bytes(10_000)

    found = begun(chunks())

    assert len(made) < 10
    assert sum(map(len, found)) == 1_000_000


# -- Calculations ------------------------------------------------------------------------------------------------------


def calculated(api: Api, expression: str, **options: Any) -> Any:
    """Run a calculation over the demo and give the answer."""
    item = {"table_calculation": "c", "expression": expression, **options}
    body = {
        "model": "flights",
        "view": "flights",
        "fields": ["flights.origin", "flights.count"],
        "dynamic_fields": json.dumps([item]),
    }
    return api("POST", "/queries/run/json", json=body)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("power(10, 400)", None),
        ("power(9, power(9, 9))", None),
        ("mean(power(10, 400))", None),
        ("power(10, 300) * power(10, 300)", None),
        ("power(10, 300) + 1", 1e300),
        ("9007199254740993 * 9007199254740993 * 9007199254740993", pytest.approx(9007199254740993**3)),
        ("offset(${flights.count}, power(10, 300))", None),
        ("round(1.5, power(10, 30))", None),
        ("1" + " + 1" * 199, 200),
    ],
)
def test_numbers_without_end(api: Api, expression: str, expected: Any) -> None:
    """Numbers are those of spreadsheets: what is too large is null, and computed at once."""
    assert [row["c"] for row in calculated(api, expression).json()] == [expected] * 3


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 3_000 + "1" + ")" * 3_000,
        "-" * 3_000 + "1",
        "not " * 3_000 + "yes",
        "abs(" * 300 + "1" + ")" * 300,
        "1" + " + 1" * 3_000,
        "9" * 5_000,
        "9" * 400 + ".5",
    ],
)
def test_formulas_without_end(api: Api, expression: str) -> None:
    """They are refused, with the field that is wrong."""
    answer = calculated(api, expression)

    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["field"] == "dynamic_fields"
    assert problem["message"].startswith("table calculation 'c': ")
    assert "Exceeds" not in problem["message"]


@pytest.mark.parametrize(
    "options",
    [
        {"value_format_name": ["usd"]},
        {"value_format_name": {"a": 1}},
        {"expression": "", "calculation_type": "running_total", "args": 5},
        {"expression": "", "calculation_type": ["running_total"], "args": ["flights.count"]},
        {"expression": "", "calculation_type": "running_total", "args": [{}]},
    ],
)
def test_dynamic_fields_of_wrong_kinds(api: Api, options: dict[str, Any]) -> None:
    """Whatever stands where a name is expected is refused."""
    given = {"expression": "1", **options}
    answer = calculated(api, given.pop("expression"), **given)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "dynamic_fields"


# -- Bodies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [99, 100, 400, 900])
def test_nested_bodies(api: Api, depth: int) -> None:
    """What is nested too deep to be written again is refused before it is saved."""
    config: Any = {}
    for _ in range(depth - 3):
        config = {"a": config}
    body = {"model": "flights", "view": "flights", "fields": ["flights.origin"], "vis_config": config}

    answer = api("POST", "/queries", json=body)

    assert answer.status_code == (200 if depth < 101 else 400)
    if answer.status_code == 200:
        task = {"query_id": answer.json()["id"], "result_format": "json"}
        assert api("POST", "/query_tasks", json=task).status_code == 200


# -- Queries -----------------------------------------------------------------------------------------------------------

COUNTS = ["flights.origin", "flights.count"]
CALCULATION = json.dumps([{"table_calculation": "c", "expression": "row()"}])
NINES = "9" * 5_000


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ({"limit": NINES}, "limit", "limit '999"),
        ({"limit": "9" * 20}, "limit", "limit '999"),
        ({"limit": 10**19}, "limit", "'limit' is a number; expected a whole number"),
        ({"column_limit": NINES}, "column_limit", "column limit '999"),
        ({"sorts": [f"flights.count desc {NINES}"]}, "sorts", "sort 'flights.count desc 999"),
        ({"sorts": ["flights.count desc ²"]}, "sorts", "sort 'flights.count desc ²' is not one"),
        ({"fields": ["c"]}, "fields", "the query selects only table calculations; name at least one field"),
        ({"fields": [*COUNTS, "c"], "sorts": ["c desc"]}, "sorts", "sort 'c desc' is on a table calculation, which is"),
    ],
)
def test_query_that_cannot_be_run(api: Api, query: dict[str, Any], field: str, message: str) -> None:
    """It is refused, with the key that is wrong."""
    body = {"model": "flights", "view": "flights", "fields": COUNTS, "dynamic_fields": CALCULATION, **query}

    answer = api("POST", "/queries", json=body)

    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["field"] == field
    assert problem["message"].startswith(message)


@pytest.mark.parametrize(
    "empty", [{"filters": {}}, {"sorts": []}, {"pivots": []}, {"total": False}, {"row_total": ""}, {"vis_config": None}]
)
def test_what_is_empty_asks_nothing(api: Api, empty: dict[str, Any]) -> None:
    """A query with it is the same query as without."""
    assert api.create("flights.origin", **empty) == api.create("flights.origin")


HAVING = """
view: t {
  sql_table_name: (SELECT * FROM (VALUES (1, 'a'), (2, 'a'), (3, 'b')) AS v(id, name)) ;;
  dimension: id { type: number primary_key: yes label: "X" }
  dimension: name { label: "X" }
  dimension: is_a { type: yesno sql: ${name} = 'a' ;; }
  measure: count { type: count }
  measure: names { type: list list_field: name }
  measure: many { type: yesno sql: ${count} > 1 ;; }
}
"""
EXPLORES = """
explore: plain { view_name: t }
explore: having { view_name: t sql_always_having: ${t.count} > 1 ;; }
explore: filtered { view_name: t always_filter: { filters: [t.count: ">1"] } }
"""


@pytest.mark.parametrize(
    "asked", [{"total": True}, {"row_total": "right", "pivots": ["t.id"]}, {"subtotals": ["t.name"]}]
)
def test_totals_of_an_explore_that_filters_by_measures(
    started: Callable[..., Api], project: Callable[..., Path], asked: dict[str, Any]
) -> None:
    """They are refused as those of a query that does so itself; a query may put such a filter off."""
    user = started(lookml=project(HAVING, model=EXPLORES))
    body = {"model": "m", "fields": ["t.name", "t.id", "t.count"], **asked}

    found = {
        view: user("POST", "/queries", json={**body, "view": view}).status_code
        for view in ("plain", "having", "filtered")
    }
    without = user("POST", "/queries", json={**body, "view": "filtered", "filters": {"t.count": ""}})

    assert found == {"plain": 200, "having": 422, "filtered": 422}
    assert without.status_code == 200


def test_rows_by_label(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """Two fields of one label would be one key, so they are refused, and served by their names."""
    user = started(lookml=project(HAVING, model=EXPLORES))
    body = {"model": "m", "view": "plain", "fields": ["t.id", "t.name"], "limit": "1"}

    refused = user("POST", "/queries/run/json_label", json=body)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["message"].startswith("json_label cannot tell t.id and t.name apart")
    assert user("POST", "/queries/run/json", json=body).json() == [{"t.id": 1, "t.name": "a"}]
    assert user("POST", "/queries/run/json_label", json={**body, "fields": ["t.id"]}).json() == [{"T X": 1}]


def test_filter_on_a_list(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """What it would compare is not known."""
    user = started(lookml=project(HAVING, model=EXPLORES))
    body = {"model": "m", "view": "plain", "fields": ["t.names"], "filters": {"t.names": "a"}}

    answer = user("POST", "/queries", json=body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"] == "t.names: a filter on a measure of type list is not served"


@pytest.mark.parametrize("pivots", [[], ["t.is_a"]])
def test_yesno_in_calculations(started: Callable[..., Api], project: Callable[..., Path], pivots: list[str]) -> None:
    """Fields of type yesno are true or false, as rows, measures and pivots."""
    user = started(lookml=project(HAVING, model=EXPLORES))
    dynamic = [
        {"table_calculation": "one", "expression": "if(${t.is_a}, ${t.count}, -1)"},
        {"table_calculation": "two", "expression": "if(${t.many} and ${t.is_a} = yes, 'x', 'y')"},
    ]
    fields = ("t.is_a", "t.count", "t.many", "one", "two")

    detail = user.run(
        *fields,
        model="m",
        view="plain",
        dynamic_fields=json.dumps(dynamic),
        pivots=pivots,
        sorts=["t.is_a"],
        result_format="json_detail",
    )

    if pivots:
        (row,) = detail["data"]
        found = [tuple(row[name][key]["value"] for name in ("one", "two")) for key in ("No", "Yes")]
    else:
        found = [tuple(row[name]["value"] for name in ("one", "two")) for row in detail["data"]]
    assert found == [(-1, "y"), (2, "x")]


@pytest.mark.parametrize("result_format", ["json", "json_detail", "json_bi", "csv", "html", "md", "txt", "xlsx"])
def test_pivots_and_totals_of_no_rows(api: Api, result_format: str) -> None:
    """Where no row is left there is no pivot, and no total to show."""
    body = {
        "model": "flights",
        "view": "flights",
        "fields": COUNTS,
        "pivots": COUNTS[:1],
        "total": True,
        "filters": {"flights.origin": "nowhere"},
    }

    answer = api("POST", f"/queries/run/{result_format}", json=body)

    assert answer.status_code == 200
    if result_format == "json_detail":
        assert (answer.json()["data"], answer.json()["totals_data"], answer.json()["pivots"]) == ([], {}, [])
