"""Table calculations, custom measures and filled dimensions: the formulas, and what results make of them."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.local.calculations import FUNCTIONS, ExpressionError, parse

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import duckdb

    from tests.local.calling import Api

TYPES = {"t.n": "number", "t.m": "number", "t.text": "string", "calc": "number"}
COLUMNS: dict[str, list[Any]] = {
    "t.n": [1, 2, None, 4],
    "t.m": [2, 0, 5, -8],
    "t.text": ["a", None, "C", ""],
    "calc": [0.5, 1.5, 2.5, 3.5],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", [1, 1, 1, 1]),
        ("1.5", [1.5] * 4),
        ("'it is'", ["it is"] * 4),
        ('"it\'s"', ["it's"] * 4),
        ("null", [None] * 4),
        ("${t.n} + ${t.m}", [3, 2, None, -4]),
        ("${t.n} - 1 - 1", [-1, 0, None, 2]),
        ("2 + 3 * ${t.n}", [5, 8, None, 14]),
        ("(2 + 3) * ${t.n}", [5, 10, None, 20]),
        ("-${t.n} * -2", [2, 4, None, 8]),
        ("${t.n} / ${t.m}", [0.5, None, None, -0.5]),
        ("12 / 3 / 2", [2, 2, 2, 2]),
        ("${t.n} > 1", [False, True, None, True]),
        ("${t.n} <= 2 and ${t.m} != 0", [True, False, None, False]),
        ("not ${t.n} = 1 or no", [False, True, None, True]),
        ("yes or ${t.n} = 1", [True] * 4),
        ("if(${t.n} > 1, 'big', 'small')", ["small", "big", "small", "big"]),
        ("if(is_null(${t.n}), 0, ${t.n})", [1, 2, 0, 4]),
        ("coalesce(${t.n}, 7)", [1, 2, 7, 4]),
        ("abs(${t.m})", [2, 0, 5, 8]),
        ("round(${calc}, 0)", [1, 2, 3, 4]),
        ("round(2.345, 2)", [2.35] * 4),
        ("round(1234, -2)", [1200] * 4),
        ("floor(${calc}) + ceiling(${calc})", [1, 3, 5, 7]),
        ("power(${t.n}, 2)", [1, 4, None, 16]),
        ("sqrt(${t.m})", [math.sqrt(2), 0, math.sqrt(5), None]),
        ("mod(${t.n}, ${t.m})", [1, None, None, 4]),
        ("power(${t.m}, 0.5)", [math.sqrt(2), 0, math.sqrt(5), None]),
        ("concat(${t.text}, '!')", ["a!", None, "C!", "!"]),
        ("upper(${t.text})", ["A", None, "C", ""]),
        ("LOWER(${t.text})", ["a", None, "c", ""]),
        ("row()", [1, 2, 3, 4]),
        ("sum(${t.n})", [7, 7, 7, 7]),
        ("${t.n} / sum(${t.n})", [1 / 7, 2 / 7, None, 4 / 7]),
        ("mean(${t.n})", [7 / 3] * 4),
        ("min(${t.m}) + max(${t.m})", [-3] * 4),
        ("sum(if(${t.n} > 9, 1, null))", [None] * 4),
        ("running_total(${t.n})", [1, 3, 3, 7]),
        ("offset(${t.n}, 1)", [2, None, 4, None]),
        ("offset(${t.text}, -1)", [None, "a", None, "C"]),
        ("${t.n} - offset(${t.n}, -1)", [None, 1, None, None]),
        ("offset(${t.n}, 1 - row())", [1, 1, 1, 1]),
    ],
)
def test_expressions(expression: str, expected: list[Any]) -> None:
    """A value for each row; null with anything is null, and so is what has no result."""
    assert parse(expression, TYPES).evaluate(COLUMNS.__getitem__, 4) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "the expression ends too early"),
        ("1 +", "the expression ends too early"),
        ("(1", "expected ')', met the end"),
        ("1 2", "unexpected '2'"),
        (")", "unexpected ')'"),
        ("1 ; 2", "cannot read '; 2'; expected a number, text or ${field}"),
        ("${t.x}", "unknown field ${t.x}; expected a field or calculation of the query"),
        ("pivot_index(${t.n}, 1)", "function 'pivot_index' is not served; served: abs, "),
        ("sum(1, 2)", "sum takes 1 arguments, met 2"),
        ("${t.text} + 1", "+ takes a number, met a string"),
        ("${t.text} = 1", "cannot compare a string with a number"),
        ("if(1, 2, 3)", "if takes a yesno, met a number"),
        ("if(yes, 2, 'a')", "if takes values of one type, met number and string"),
        ("sum(${t.text})", "sum takes a number, met a string"),
        ("round 1", "expected '(', met '1'"),
    ],
)
def test_wrong_expressions(expression: str, message: str) -> None:
    """What is wrong is said in the words of the expression."""
    with pytest.raises(ExpressionError) as caught:
        parse(expression, TYPES)

    assert str(caught.value).startswith(message)


def test_documented_functions(pytestconfig: pytest.Config) -> None:
    """The documentation lists every function that is served, and no other."""
    text = (pytestconfig.rootpath / "docs" / "local-formats.md").read_text(encoding="utf-8")
    listed = re.search(r"and `(abs [^`]+)`", text)

    assert listed is not None
    assert sorted(listed[1].split()) == sorted(FUNCTIONS)


def calculation(name: str, expression: str, **options: Any) -> dict[str, Any]:
    """Write a table calculation as clients send it."""
    return {"category": "table_calculation", "table_calculation": name, "expression": expression, **options}


def test_json_detail_has_the_recorded_shape(api: Api, payloads: Path) -> None:
    """The description has the recorded keys; a number is always rendered, and a null as the word."""
    response = json.loads((payloads / "vis_heatmap_table_calc.response.json").read_text(encoding="utf-8"))
    dynamic = [
        calculation("share", "round(${flights.count} / sum(${flights.count}), 2)", label="Share"),
        calculation("nothing", "offset(${flights.count}, 1)"),
        calculation("big", "${share} > 0.33"),
        calculation("name", "concat(${flights.origin}, '!')"),
    ]

    query: dict[str, Any] = {"dynamic_fields": json.dumps(dynamic), "sorts": ["flights.origin"]}
    detail = api.run("flights.origin", "flights.count", result_format="json_detail", **query)

    (theirs,), ours = response["fields"]["table_calculations"], detail["fields"]["table_calculations"]
    assert [list(item) for item in ours] == [list(theirs)] * 4
    assert {key: type(value) for key, value in ours[0].items()} == {key: type(value) for key, value in theirs.items()}
    assert [item["type"] for item in ours] == ["number", "number", "yesno", "string"]
    assert [item["measure"] for item in ours] == [True, True, True, False]
    row = {key: detail["data"][-1][key] for key in ("share", "nothing", "big", "name")}
    assert row == {
        "share": {"value": 0.31, "rendered": "0.31"},
        "nothing": {"value": None, "rendered": "null"},
        "big": {"value": "No"},
        "name": {"value": "LGA!"},
    }


def test_formats_of_calculations(api: Api) -> None:
    """Values go by their name, labels head tables, formats render them; the query says that it has them."""
    dynamic = [calculation("share", "${flights.count} / sum(${flights.count})", label="Share", value_format="0.0%")]
    query_id = api.create("flights.origin", "flights.count", "share", dynamic_fields=json.dumps(dynamic))

    bi, rows = (api("GET", f"/queries/{query_id}/run/{name}").json() for name in ("json_bi", "json"))
    csv = api("GET", f"/queries/{query_id}/run/csv").text
    detail = api("GET", f"/queries/{query_id}/run/json_detail").json()

    (described,) = bi["metadata"]["fields"]["table_calculations"]
    assert described == {
        "name": "share",
        "label": "Share",
        "align": "right",
        "expression": "${flights.count} / sum(${flights.count})",
        "value_format": "0.0%",
        "measure": True,
    }
    assert list(rows[0]) == ["flights.origin", "flights.count", "share"]
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    assert csv.splitlines()[0] == "Flights Origin,Flights Count,Share"
    assert detail["data"][0]["share"]["rendered"] == "35.9%"
    assert api("GET", f"/queries/{query_id}").json()["has_table_calculations"] is True


def test_ready_made_calculations(api: Api) -> None:
    """Those that Looker's pages offer come without an expression."""
    dynamic = [
        {"table_calculation": "so_far", "calculation_type": "running_total", "args": ["flights.count"]},
        {"table_calculation": "share", "calculation_type": "percent_of_column_sum", "args": ["flights.count"]},
    ]

    rows = api.run("flights.origin", "flights.count", dynamic_fields=json.dumps(dynamic))

    assert rows[-1]["so_far"] == sum(row["flights.count"] for row in rows)
    assert sum(row["share"] for row in rows) == pytest.approx(1)


def test_pivots(api: Api) -> None:
    """What is computed from measures or the pivot has a value for each pivot; columns are those of one pivot."""
    dynamic = [
        calculation("share", "${flights.count} / sum(${flights.count})"),
        calculation("where", "${flights.origin}"),
        calculation("who", "lower(${flights.carrier})"),
    ]
    query = {"pivots": ["flights.origin"], "row_total": "right", "total": True, "dynamic_fields": json.dumps(dynamic)}

    detail = api.run("flights.carrier", "flights.origin", "flights.count", result_format="json_detail", **query)

    shares = [{key: cell["value"] for key, cell in row["share"].items()} for row in detail["data"]]
    for pivot in detail["pivots"]:
        assert sum(row[pivot["key"]] or 0 for row in shares) == pytest.approx(1)
    assert {key: cell["value"] for key, cell in detail["data"][0]["where"].items()} == {
        "EWR": "EWR",
        "JFK": "JFK",
        "LGA": "LGA",
        "$$$_row_total_$$$": None,
    }
    assert detail["data"][0]["who"] == {"value": detail["data"][0]["flights.carrier"]["value"].lower()}
    assert detail["totals_data"]["share"]["EWR"]["value"] is None


def test_custom_measures(api: Api, flights: duckdb.DuckDBPyConnection) -> None:
    """The database computes them; their names have no view."""
    dynamic = [
        {"measure": "planes", "based_on": "flights.tailnum", "type": "count_distinct", "label": "Planes"},
        {"measure": "far", "based_on": "flights.distance", "type": "max", "value_format": "#,##0"},
        {
            "measure": "late",
            "based_on": "flights.dep_delay",
            "type": "median",
            "filters": {"flights.carrier": "AA,UA", "flights.time_month": "2013-02"},
        },
    ]
    expected = flights.execute(
        "SELECT origin, COUNT(DISTINCT tailnum), MAX(distance), "
        "MEDIAN(dep_delay) FILTER (WHERE carrier IN ('AA', 'UA') "
        "AND STRFTIME(time_hour AT TIME ZONE 'UTC', '%Y-%m') = '2013-02') FROM flights GROUP BY 1 ORDER BY 1"
    )

    fields = ("flights.origin", "planes", "far", "late")
    detail = api.run(
        *fields, dynamic_fields=json.dumps(dynamic), sorts=["flights.origin"], total=True, result_format="json_detail"
    )

    assert [tuple(row[name]["value"] for name in fields) for row in detail["data"]] == expected.fetchall()
    assert [item["name"] for item in detail["fields"]["measures"]] == ["planes", "far", "late"]
    assert [item["dynamic"] for item in detail["fields"]["measures"]] == [True] * 3
    assert [item["label"] for item in detail["fields"]["measures"]] == ["Planes", "far", "late"]
    assert detail["data"][0]["far"]["rendered"] == "4,963"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        (calculation("x", "1 +"), "table calculation 'x': the expression ends too early"),
        (calculation("x", "1", value_format="[>1]0"), "table calculation 'x': value_format '[>1]0' is not served"),
        (calculation("x", "1", value_format_name="no"), "table calculation 'x': unknown value_format_name 'no'"),
        (calculation("x y", "1"), "'x y' cannot be the name of a dynamic field"),
        (
            {"table_calculation": "x", "calculation_type": "rank"},
            "table calculation 'x': calculation_type 'rank' is not",
        ),
        ({"measure": "x", "type": "sum"}, "custom measure 'x': it needs a dimension in 'based_on'"),
        ({"measure": "x", "type": "sum", "based_on": "flights.count"}, "custom measure 'x': it needs a dimension"),
        ({"measure": "x", "type": "sum", "based_on": "flights.origin"}, "custom measure 'x': type 'sum' over "),
        (
            {"measure": "x", "type": "count_distinct", "based_on": "flights.origin", "filters": {"flights.count": "1"}},
            "custom measure 'x': filter on 'flights.count', which is no dimension",
        ),
        (
            {"measure": "x", "type": "count_distinct", "based_on": "flights.origin", "filters": {"flights.month": "a"}},
            "custom measure 'x': ",
        ),
        (
            {"measure": "x", "type": "count_distinct", "based_on": "flights.origin", "expression": "1"},
            "custom measure 'x': expressions are not served; use 'filters'",
        ),
        ({"dimension": "x", "expression": "1"}, "'x': custom dimensions are not served by the local Looker"),
        ({"dimension": "x", "measure": "y"}, "a dynamic field needs one of the keys"),
    ],
)
def test_wrong_dynamic_fields(api: Api, field: dict[str, Any], message: str) -> None:
    """422 says which field, and what is wrong with it."""
    body = {"model": "flights", "view": "flights", "fields": ["flights.count"], "dynamic_fields": json.dumps([field])}

    answer = api("POST", "/queries", json=body)

    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["field"] == "dynamic_fields"
    assert problem["message"].startswith(message)


DAYS = """
view: days {
  sql_table_name: (VALUES (DATE '2023-11-30', 1), (DATE '2024-02-28', 2), (DATE '2024-03-01', 3), (NULL, 9)) ;;
  dimension_group: on {
    type: time
    timeframes: [date, week, month, quarter, year, day_of_week]
    datatype: date
    convert_tz: no
    sql: ${TABLE}.col0 ;;
  }
  measure: total { type: sum sql: ${TABLE}.col1 ;; }
}
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("on_year", [(2024, 5), (2023, 1), (None, 9)]),
        ("on_quarter", [("2024-01", 5), ("2023-10", 1), (None, 9)]),
        ("on_month", [("2024-03", 3), ("2024-02", 2), ("2024-01", None), ("2023-12", None), ("2023-11", 1), (None, 9)]),
    ],
)
def test_fill(
    started: Callable[..., Api], project: Callable[..., Path], payloads: Path, name: str, expected: list[Any]
) -> None:
    """Gaps between the first and the last value have rows whose measures are null; the SQL says that it has not."""
    recorded = json.loads((payloads / "jd_actionhub_filled_months.json").read_text(encoding="utf-8"))
    user = started(lookml=project(DAYS, "days"))
    field = f"days.{name}"
    query: dict[str, Any] = {"model": "m", "view": "days", "fill_fields": [field]}

    detail = user.run(field, "days.total", result_format="json_detail", sorts=[f"{field} desc"], **query)
    upwards = user.run(field, "days.total", sorts=[field], **query)

    assert [(row[field]["value"], row["days.total"]["value"]) for row in detail["data"]] == expected
    assert [tuple(row.values()) for row in upwards] == expected[::-1]
    assert detail["fill_fields"] == [field]
    assert recorded["fill_fields"] == ["orders.created_month"]
    assert detail["sql"].splitlines()[:3] == [
        line.replace("orders.created_month", field) for line in recorded["sql"].splitlines()[:3]
    ]


def test_fill_of_days_and_names(started: Callable[..., Api], project: Callable[..., Path]) -> None:
    """Days and weeks are counted over the ends of months; a day of the week has all seven."""
    user = started(lookml=project(DAYS, "days"))
    query: dict[str, Any] = {"model": "m", "view": "days", "limit": "-1"}

    found = {
        name: user.run(f"days.{name}", "days.total", fill_fields=[f"days.{name}"], sorts=[f"days.{name}"], **query)
        for name in ("on_date", "on_week", "on_day_of_week")
    }

    assert len(found["on_date"]) == 94
    assert [row["days.on_date"] for row in found["on_date"][-3:]] == ["2024-02-28", "2024-02-29", "2024-03-01"]
    assert len(found["on_week"]) == 15
    assert [row["days.on_day_of_week"] for row in found["on_day_of_week"]] == [
        *(None, "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    ]
