"""Queries: the same numbers as SQL written by hand, one id for one body, every mistake named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from tests.local.calling import Api

#: What is asked, and the SQL that a person would write for it.
ORACLE: dict[str, tuple[dict[str, Any], str]] = {
    "count": ({"fields": ["flights.count"]}, "SELECT COUNT(*) FROM flights"),
    "every measure": (
        {
            "fields": [
                "flights.origin",
                "flights.count",
                "flights.count_of_planes",
                "flights.count_of_carriers",
                "flights.total_distance",
                "flights.total_air_time",
                "flights.average_dep_delay",
                "flights.average_arr_delay",
                "flights.min_arr_delay",
                "flights.max_arr_delay",
            ],
            "sorts": ["flights.origin"],
        },
        """SELECT origin, COUNT(*), COUNT(DISTINCT tailnum), COUNT(DISTINCT carrier), SUM(distance)::DOUBLE,
        SUM(air_time)::DOUBLE, AVG(dep_delay), AVG(arr_delay), MIN(arr_delay), MAX(arr_delay)
        FROM flights GROUP BY origin ORDER BY origin""",
    ),
    "dimensions alone are distinct": (
        {"fields": ["flights.carrier", "flights.origin"], "sorts": ["flights.carrier desc", "flights.origin"]},
        "SELECT DISTINCT carrier, origin FROM flights ORDER BY carrier DESC, origin",
    ),
    "nulls sort low": (
        {"fields": ["flights.tailnum", "flights.count"], "sorts": ["flights.tailnum"], "limit": "3"},
        "SELECT tailnum, COUNT(*) FROM flights GROUP BY 1 ORDER BY 1 NULLS FIRST LIMIT 3",
    ),
    "nulls sort low, descending": (
        {"fields": ["flights.dep_time", "flights.count"], "sorts": ["flights.dep_time desc"], "limit": "3"},
        "SELECT dep_time, COUNT(*) FROM flights GROUP BY 1 ORDER BY 1 DESC NULLS LAST LIMIT 3",
    ),
    "string list": (
        {"fields": ["flights.carrier", "flights.count"], "filters": {"flights.carrier": "AA, UA"}},
        "SELECT carrier, COUNT(*) AS n FROM flights WHERE carrier IN ('AA', 'UA') GROUP BY 1 ORDER BY n DESC",
    ),
    "number and string together": (
        {"fields": ["flights.count"], "filters": {"flights.month": "1,2", "flights.dest": "LAX"}},
        "SELECT COUNT(*) FROM flights WHERE month IN (1, 2) AND dest = 'LAX'",
    ),
    "yesno": (
        {"fields": ["flights.is_cancelled", "flights.count"], "sorts": ["flights.is_cancelled"]},
        "SELECT CASE WHEN dep_time IS NULL THEN 'Yes' ELSE 'No' END AS c, COUNT(*) FROM flights GROUP BY 1 ORDER BY 1",
    ),
    "yesno filter": (
        {"fields": ["flights.count"], "filters": {"flights.is_cancelled": "Yes"}},
        "SELECT COUNT(*) FROM flights WHERE dep_time IS NULL",
    ),
    "filter on a measure": (
        {"fields": ["flights.dest", "flights.count"], "filters": {"flights.count": "1,8"}, "sorts": ["flights.dest"]},
        "SELECT dest, COUNT(*) FROM flights GROUP BY 1 HAVING COUNT(*) IN (1, 8) ORDER BY 1",
    ),
    "filter that nothing meets": (
        {"fields": ["flights.carrier", "flights.count"], "filters": {"flights.carrier": "none"}},
        "SELECT carrier, COUNT(*) FROM flights WHERE FALSE GROUP BY 1",
    ),
    "sum of nothing": (
        {"fields": ["flights.total_distance", "flights.average_dep_delay"], "filters": {"flights.carrier": "none"}},
        "SELECT 0, NULL",
    ),
    "days in the query's zone": (
        {"fields": ["flights.time_date", "flights.count"], "query_timezone": "America/New_York", "limit": "-1"},
        """SELECT STRFTIME(time_hour AT TIME ZONE 'America/New_York', '%Y-%m-%d') AS d, COUNT(*)
        FROM flights GROUP BY 1 ORDER BY d DESC""",
    ),
    "days in the server's zone": (
        {"fields": ["flights.time_date", "flights.count"], "limit": "-1"},
        """SELECT STRFTIME(time_hour AT TIME ZONE 'UTC', '%Y-%m-%d') AS d, COUNT(*)
        FROM flights GROUP BY 1 ORDER BY d DESC""",
    ),
    "a filter that would be another statement": (
        {"fields": ["flights.count"], "filters": {"flights.carrier": "'; DROP VIEW flights; --"}},
        "SELECT 0",
    ),
    "limit of none": ({"fields": ["flights.carrier"], "limit": "0"}, "SELECT 1 WHERE FALSE"),
    "a field twice": ({"fields": ["flights.carrier", "flights.carrier"], "limit": "1"}, "SELECT '9E'"),
}


@pytest.mark.parametrize("case", ORACLE)
def test_same_answer_as_sql_by_hand(api: Api, flights: duckdb.DuckDBPyConnection, case: str) -> None:
    """The compiled query gives the rows that hand-written SQL gives on the same table."""
    query, sql = ORACLE[case]

    rows = api.run(*query["fields"], **{key: value for key, value in query.items() if key != "fields"})

    expected = flights.execute(sql).fetchall()
    assert [tuple(row.values()) for row in rows] == [pytest.approx(row) for row in expected]
    assert all(list(row) == list(dict.fromkeys(query["fields"])) for row in rows)


def test_sql_is_laid_out_as_looker_does(api: Api) -> None:
    """One select item a line, positions in GROUP BY and ORDER BY."""
    detail = api.run(
        "flights.count", "flights.carrier", filters={"flights.month": "1"}, limit="5", result_format="json_detail"
    )

    assert detail["sql"] == (
        "SELECT\n"
        '    flights.carrier AS "flights.carrier",\n'
        '    COUNT(*) AS "flights.count"\n'
        "FROM flights  AS flights\n"
        "WHERE (flights.month ) = 1\n"
        "GROUP BY\n"
        "    1\n"
        "ORDER BY\n"
        "    2 DESC\n"
        "LIMIT 5"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["flights.carrier", "flights.time_month", "flights.count", "flights.time_year"], "flights.time_month desc"),
        (["flights.carrier", "flights.count", "flights.total_distance"], "flights.count desc"),
        (["flights.carrier", "flights.origin"], "flights.carrier"),
        (["flights.time_day_of_week"], "flights.time_day_of_week"),
    ],
)
def test_default_sort(api: Api, fields: list[str], expected: str) -> None:
    """The first date descending, else the first measure descending, else the first dimension; Looker says it did so."""
    detail = api.run(*fields, result_format="json_detail")

    assert detail["added_params"] == {"sorts": [expected]}


@pytest.mark.parametrize(
    ("sort", "descending"),
    [
        ("flights.carrier", False),
        ("flights.carrier asc", False),
        ("flights.carrier DESC", True),
        ("flights.carrier desc 0", True),
        ("flights.carrier 0", False),
    ],
)
def test_sort_spellings(api: Api, sort: str, *, descending: bool) -> None:
    """A sort may name its direction and, for pivots, a column."""
    rows = [row["flights.carrier"] for row in api.run("flights.carrier", sorts=[sort])]

    assert len(rows) == 16
    assert rows == sorted(rows, reverse=descending)


def test_primary_key_is_not_grouped(started: Callable[..., Api], project: Callable[..., Any]) -> None:
    """With its primary key a row is itself already; other rows are grouped."""
    view = """view: t { sql_table_name: (VALUES (1, 'a'), (1, 'a')) ;;
      dimension: id { primary_key: yes sql: ${TABLE}.col0 ;; }
      dimension: name { sql: ${TABLE}.col1 ;; } }"""
    user = started(lookml=project(view, "t"))

    assert user.run("t.id", "t.name", model="m", view="t") == [{"t.id": 1, "t.name": "a"}] * 2
    assert user.run("t.name", model="m", view="t") == [{"t.name": "a"}]


def test_default_limit_and_all_rows(api: Api) -> None:
    """500 rows unless the query says otherwise; -1 is all."""
    assert len(api.run("flights.tailnum")) == 500
    assert len(api.run("flights.tailnum", limit="-1")) == 4_044
    assert len(api.run("flights.tailnum", limit=-1)) == 4_044
    assert len(api.run("flights.tailnum", limit="7")) == 7


def test_limit_of_the_task_overrides(api: Api) -> None:
    """The ``limit`` of the call stands in for the query's."""
    query_id = api.create("flights.carrier", limit="3")

    assert len(api.results(api.submit(query_id, parameters={"limit": 5})).json()) == 5
    assert len(api.results(api.submit(query_id, parameters={"limit": -1})).json()) == 16
    assert len(api("GET", f"/queries/{query_id}/run/json", params={"limit": 2}).json()) == 2


def test_same_body_same_query(api: Api) -> None:
    """Equal bodies share id and slug, which are 22 letters and digits; another body has another."""
    first = api.create("flights.carrier", sorts=["flights.carrier"])

    assert api.create("flights.carrier", sorts=["flights.carrier"]) == first
    assert api.create("flights.carrier", sorts=["flights.carrier desc"]) != first
    assert re.fullmatch("[0-9A-Za-z]{22}", first)


def test_saved_query(api: Api, valid: Callable[[str, Any], None]) -> None:
    """What was sent comes back, with the read-only keys, under id and slug."""
    query_id = api.create("flights.carrier", filters={"flights.origin": "JFK, LGA"}, limit="10")
    found = api("GET", f"/queries/{query_id}").json()

    valid("Query", found)
    assert found["filters"] == {"flights.origin": "JFK, LGA"}
    assert (found["fields"], found["limit"], found["sorts"]) == (["flights.carrier"], "10", None)
    assert found["url"] == "/explore/flights/flights?fields=flights.carrier&f[flights.origin]=JFK,+LGA&limit=10"
    assert found["share_url"] == f"{api.server.base_url}/x/{found['slug']}"
    assert api("GET", f"/queries/slug/{found['slug']}").json() == found


def test_read_only_and_unknown_keys_are_passed_over(api: Api) -> None:
    """A query that was read can be sent back; it is the same query."""
    found = api("GET", f"/queries/{api.create('flights.carrier')}").json()

    again = api("POST", "/queries", json={**found, "new_key": 1})

    assert again.json() == found


def test_order_of_keys_and_kind_of_limit_do_not_matter(api: Api, valid: Callable[[str, Any], None]) -> None:
    """Bodies that say the same are the same query; a limit sent as a number comes back as text."""
    filters = {"flights.origin": "JFK", "flights.month": "1"}
    first = api.create("flights.carrier", limit=7, filters=filters)

    again = api.create("flights.carrier", filters=dict(reversed(filters.items())), limit="7")

    assert again == first
    found = api("GET", f"/queries/{first}").json()
    valid("Query", found)
    assert found["limit"] == "7"


@pytest.mark.parametrize(
    ("query", "problems"),
    [
        ({"model": None}, [("model", "'model' is required.")]),
        ({"model": None, "view": ""}, [("model", "'model' is required."), ("view", "'view' is required.")]),
        ({"model": "nope"}, [("model", "unknown model 'nope'; known: flights")]),
        ({"view": "nope"}, [("view", "unknown explore 'nope'; known: flights")]),
        ({"fields": []}, [("fields", "the query selects nothing; name at least one field in 'fields'")]),
        ({"fields": None}, [("fields", "the query selects nothing; name at least one field in 'fields'")]),
        ({"fields": "flights.count"}, [("fields", "'fields' is a string; expected an array of strings")]),
        ({"fields": [1]}, [("fields", "'fields' is an array; expected an array of strings")]),
        ({"fields": ["flights.x", "y"]}, [("fields", "unknown field 'flights.x'"), ("fields", "unknown field 'y'")]),
        ({"filters": []}, [("filters", "'filters' is an array; expected an object")]),
        ({"filters": {"flights.x": "1"}}, [("filters", "unknown field 'flights.x'")]),
        ({"filters": {"flights.month": 1}}, [("filters", "filter on 'flights.month' is a number; expected a string")]),
        ({"sorts": ["flights.origin"]}, [("sorts", "sort 'flights.origin' is on a field that the query does not")]),
        ({"sorts": ["flights.count down"]}, [("sorts", "sort 'flights.count down' is not one; expected")]),
        ({"sorts": [""]}, [("sorts", "sort '' is not one; expected")]),
        ({"limit": "many"}, [("limit", "limit 'many' is not one; expected a whole number, or -1 for all rows")]),
        ({"limit": "-2"}, [("limit", "limit '-2' is not one")]),
        ({"limit": True}, [("limit", "'limit' is a boolean; expected a whole number, as string")]),
        ({"query_timezone": "Mars/Base"}, [("query_timezone", "unknown time zone 'Mars/Base'; expected a name")]),
        ({"pivots": ["flights.origin"]}, [("pivots", "pivot on 'flights.origin', which the query does not select")]),
        ({"pivots": ["flights.count"]}, [("pivots", "'flights.count' is a measure; only dimensions can be pivoted")]),
        (
            {"fields": ["flights.origin"], "pivots": ["flights.origin"]},
            [("pivots", "a query with pivots needs a measure; add one to 'fields'")],
        ),
        ({"column_limit": "0"}, [("column_limit", "column limit '0' is not one; expected a whole number from 1 up")]),
        ({"row_total": "up"}, [("row_total", "'row_total' is 'up'; expected 'off' or 'right' or 'left'")]),
        ({"subtotals": ["flights.origin"]}, [("subtotals", "cannot subtotal by 'flights.origin'; expected none")]),
        (
            {"total": True, "filters": {"flights.count": "1"}},
            [("total", "'total' with a filter on a measure is not served by the local Looker")],
        ),
        ({"dynamic_fields": "{}"}, [("dynamic_fields", "'dynamic_fields' is not the JSON text of a list of objects")]),
        ({"dynamic_fields": '[{"a": 1}]'}, [("dynamic_fields", "a dynamic field needs one of the keys")]),
        (
            {"fill_fields": ["flights.time_date"]},
            [("fill_fields", "only the one dimension of a query, unpivoted, can")],
        ),
        (
            {"fields": ["flights.carrier", "flights.count"], "fill_fields": ["flights.carrier"]},
            [("fill_fields", "'flights.carrier' cannot be filled; its type string does not say its values")],
        ),
        ({"filter_expression": "1=1"}, [("filter_expression", "'filter_expression' is not served")]),
        (
            {"fields": ["flights.x"], "sorts": ["a b c"], "limit": "x", "pivots": ["y"], "filters": {"z": "1"}},
            [("fields", ""), ("filters", ""), ("sorts", ""), ("limit", ""), ("pivots", "")],
        ),
    ],
)
def test_wrong_query(
    api: Api, valid: Callable[[str, Any], None], query: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    """422 lists everything that is wrong: the key, what was met, what was expected."""
    body = {"model": "flights", "view": "flights", "fields": ["flights.count"], **query}

    created = api("POST", "/queries", json=body)
    inline = api("POST", "/queries/run/json", json=body)

    assert (created.status_code, inline.status_code) == (422, 422)
    answer = created.json()
    valid("ValidationError", answer)
    assert answer["message"] == "Validation Failed"
    assert answer["documentation_url"].endswith("/r/err/4.0/422/post/queries")
    assert [item["field"] for item in answer["errors"]] == [field for field, _ in problems]
    for item, (_, message) in zip(answer["errors"], problems, strict=True):
        assert item["message"].startswith(message)
        assert item["code"] == ("missing_field" if "is required" in message else "invalid")
    assert [item["message"] for item in inline.json()["errors"]] == [item["message"] for item in answer["errors"]]


@pytest.mark.parametrize(
    "nothing", [{"pivots": []}, {"total": False}, {"row_total": ""}, {"dynamic_fields": "[]"}, {"filters": {}}]
)
def test_asking_for_nothing_is_no_mistake(api: Api, nothing: dict[str, Any]) -> None:
    """Empty values of what is not served change nothing, as SDKs send them."""
    assert len(api.run("flights.origin", **nothing)) == 3
