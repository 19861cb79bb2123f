"""Pivots: recorded shapes, the numbers of SQL by hand, the order of rows and columns, limits."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.shapes import keys, shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import duckdb

    from tests.local.calling import Api

#: Nulls, blanks and a separator among the values of the pivots; no rows for some pairs.
ORDERS = """
view: orders {
  sql_table_name: (VALUES
    ('a', 'x', 1, 10, DATE '2024-01-31'), ('a', 'y', 2, 20, DATE '2024-02-01'), ('a', NULL, 2, 5, DATE '2024-02-02'),
    ('b', 'x', 1, 7, DATE '2024-02-03'), ('b', '', NULL, 1, DATE '2024-04-01'), (NULL, 'y', 3, 9, NULL)) ;;
  dimension: name { sql: ${TABLE}.col0 ;; }
  dimension: group { sql: ${TABLE}.col1 ;; }
  dimension: year { type: number sql: ${TABLE}.col2 ;; }
  dimension_group: on { type: time timeframes: [date, month] datatype: date convert_tz: no sql: ${TABLE}.col4 ;; }
  measure: count { type: count }
  measure: total { type: sum sql: ${TABLE}.col3 ;; value_format: "$0.00" }
  measure: groups { type: count_distinct sql: ${group} ;; }
}
"""


@pytest.fixture
def orders(started: Callable[..., Api], project: Callable[..., Path]) -> Callable[..., Any]:
    """Run queries over a table of six orders."""
    user = started(lookml=project(ORDERS, "orders"))

    def run(*fields: str, result_format: str = "json_detail", **query: Any) -> Any:
        names = [f"orders.{name}" for name in fields]
        query_id = user.create(*names, model="m", view="orders", **query)
        answer = user("GET", f"/queries/{query_id}/run/{result_format}")
        assert answer.status_code == 200, answer.text
        return answer.json() if "json" in result_format else answer.text

    return run


def read(payloads: Path, name: str) -> Any:
    """Read a recorded payload."""
    return json.loads((payloads / name).read_text(encoding="utf-8"))


def values(detail: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Give the values of a pivoted field, row by row."""
    return [{key: cell["value"] for key, cell in row[name].items()} for row in detail["data"]]


def test_json_detail_has_the_recorded_shape(api: Api, payloads: Path) -> None:
    """Rows, ``pivots`` and ``fields.pivots`` are as in a recorded result of one dimension, pivot and measure."""
    response = read(payloads, "vis_hearthstone_1_dim_1_pivot_1_meas.response.json")
    rows = read(payloads, "vis_hearthstone_1_dim_1_pivot_1_meas.data.json")

    ours = api.run(
        "flights.carrier", "flights.origin", "flights.count", pivots=["flights.origin"], result_format="json_detail"
    )

    assert list(ours["data"][0]) == ["flights.carrier", "flights.count"]
    assert len(rows[0]) == 2
    assert list(ours["data"][0]["flights.count"]) == [pivot["key"] for pivot in ours["pivots"]]
    assert list(rows[0]["game.count"]) == [pivot["key"] for pivot in response["pivots"]]
    assert keys(ours["pivots"]) == keys(response["pivots"])
    theirs = json.dumps(shape(response["pivots"])).replace("game.result", "flights.origin")
    assert json.dumps(shape(ours["pivots"])) == theirs
    assert ours["added_params"] == {"sorts": ["flights.count desc 0", "flights.origin"]}
    assert response["added_params"] == {"sorts": ["game.count desc 0", "game.result"]}
    assert [field["sorted"] for field in ours["fields"]["pivots"]] == [
        field["sorted"] for field in response["fields"]["pivots"]
    ]
    assert [field["name"] for field in ours["fields"]["dimensions"]] == ["flights.carrier"]


def test_json_bi_has_the_recorded_shape(orders: Callable[..., Any], payloads: Path) -> None:
    """Metadata and rows have the recorded keys and types, a null pivot among them."""
    theirs = read(payloads, "json_bi_pivot_group_name.json")

    ours = orders("on_month", "group", "count", pivots=["orders.group"], result_format="json_bi")

    names = {"history.created_month": "orders.on_month", "history.count": "orders.count", "group.name": "orders.group"}
    text = json.dumps(theirs)
    for name, own in names.items():
        text = text.replace(name, own)
    theirs = json.loads(text)
    assert list(ours) == list(theirs)
    assert list(ours["metadata"]) == list(theirs["metadata"])
    assert keys(ours["metadata"]["pivots"])[0] == keys(theirs["metadata"]["pivots"])[0]
    assert ours["metadata"]["pivots"][-1] == theirs["metadata"]["pivots"][-1]
    for group, fields in theirs["metadata"]["fields"].items():
        assert keys(ours["metadata"]["fields"][group]) == keys(fields)
        assert [item["name"] for item in ours["metadata"]["fields"][group]] == [item["name"] for item in fields]
    assert shape(ours["rows"][0]["orders.on_month"]) == shape(theirs["rows"][0]["orders.on_month"])
    for row in ours["rows"]:
        assert list(row["orders.count"]) == [pivot["key"] for pivot in ours["metadata"]["pivots"]]
        assert all(list(cell) == ["value"] for cell in row["orders.count"].values())
    different = {key for key, value in ours["metadata"].items() if type(value) is not type(theirs["metadata"][key])}
    assert different == set()


def test_json_has_the_recorded_shape(api: Api, payloads: Path) -> None:
    """Each measure holds the pivot field, and that its values; what is missing is null."""
    theirs = read(payloads, "json_one_pivot.json")[0]["order_items_big.count"]

    ours = api.run(
        "flights.carrier", "flights.origin", "flights.count", pivots=["flights.origin"], sorts=["flights.carrier"]
    )

    assert list(theirs) == ["order_items_big.status"]
    assert set(theirs["order_items_big.status"].values()) == {87919, None}
    assert ours[0] == {
        "flights.carrier": "9E",
        "flights.count": {"flights.origin": {"EWR": 1268, "JFK": 14651, "LGA": 2541}},
    }
    assert {row["flights.carrier"]: row["flights.count"] for row in ours}["F9"] == {
        "flights.origin": {"EWR": None, "JFK": None, "LGA": 685}
    }


def test_two_pivots(orders: Callable[..., Any]) -> None:
    """Keys join the values; a null has a name of its own; JSON nests again, with a null as the empty text."""
    query = {"pivots": ["orders.group", "orders.year"], "sorts": ["orders.group desc", "orders.name desc"]}

    detail = orders("name", "group", "year", "count", **query)
    nested = orders("name", "group", "year", "count", result_format="json", **query)

    found = ["y|FIELD|2", "y|FIELD|3", "x|FIELD|1", "|FIELD|orders.year___null", "orders.group___null|FIELD|2"]
    assert [pivot["key"] for pivot in detail["pivots"]] == found
    assert [pivot["data"] for pivot in detail["pivots"]] == [
        {"orders.group": "y", "orders.year": 2},
        {"orders.group": "y", "orders.year": 3},
        {"orders.group": "x", "orders.year": 1},
        {"orders.group": "", "orders.year": None},
        {"orders.group": None, "orders.year": 2},
    ]
    assert [row["orders.name"]["value"] for row in detail["data"]] == ["b", "a", None]
    assert values(detail, "orders.count")[1] == dict(zip(found, (1, None, 1, None, 1), strict=True))
    assert nested[0]["orders.count"]["orders.group"]["y"] == {"orders.year": {"2": None, "3": None}}
    assert nested[1]["orders.count"]["orders.group"]["x"] == {"orders.year": {"1": 1}}


def test_null_and_empty_text_as_pivots(orders: Callable[..., Any]) -> None:
    """Plain rows would have one key for both, so they are refused; ``json_bi`` tells them apart."""
    query = {"pivots": ["orders.group"], "sorts": ["orders.name desc"]}

    rows, bi = (orders("name", "group", "total", result_format=name, **query) for name in ("json", "json_bi"))

    assert "json writes null and the empty text of a pivot under one key" in rows[0]["looker_error"]
    assert bi["rows"][1]["orders.total"]["orders.group___null"] == {"value": 5}


def test_cells_of_pivots(orders: Callable[..., Any]) -> None:
    """A cell is as without pivots; where there are no rows it is null and no more."""
    detail = orders("name", "group", "total", pivots=["orders.group"], sorts=["orders.name", "orders.group"])

    assert detail["data"][1]["orders.total"] == {
        "": {"value": None},
        "x": {"value": 10, "rendered": "$10.00"},
        "y": {"value": 20, "rendered": "$20.00"},
        "orders.group___null": {"value": 5, "rendered": "$5.00"},
    }


@pytest.mark.parametrize(
    ("sorts", "names"),
    [
        (["orders.name"], [None, "a", "b"]),
        (["orders.name desc"], ["b", "a", None]),
        (["orders.total desc 1"], ["a", "b", None]),
        (["orders.total 1"], ["b", "a", None]),
        (["orders.total desc 2"], ["a", None, "b"]),
        (["orders.total 2"], [None, "a", "b"]),
        (["orders.total 0"], ["b", "a", None]),
        (["orders.total desc"], ["b", "a", None]),
        (["orders.total desc 4"], ["a", None, "b"]),
        (["orders.total 4"], ["b", None, "a"]),
    ],
)
def test_order_of_rows(orders: Callable[..., Any], sorts: list[str], names: list[str | None]) -> None:
    """A measure is sorted by one pivot's values, rows without one last; past the pivots is the row total."""
    detail = orders("name", "group", "total", pivots=["orders.group"], sorts=sorts, row_total="right")

    assert [row["orders.name"]["value"] for row in detail["data"]] == names


def test_limit_counts_rows_of_the_result(orders: Callable[..., Any]) -> None:
    """A row of the result takes several of the database; all of its cells are there."""
    query = {"pivots": ["orders.group"], "sorts": ["orders.name desc"]}

    two, all_rows = (orders("name", "group", "count", limit=limit, **query) for limit in ("2", "4"))

    assert [row["orders.name"]["value"] for row in two["data"]] == ["b", "a"]
    assert two["data"] == all_rows["data"][:2]
    assert two["truncated"] is True
    assert "truncated" not in all_rows


def test_column_limit(orders: Callable[..., Any]) -> None:
    """The first pivots are kept, every row too; ``json_bi`` says that there were more."""
    query = {"pivots": ["orders.group"], "sorts": ["orders.name", "orders.group"], "row_total": "right"}

    cut, whole = (
        orders("name", "group", "count", "total", column_limit=limit, result_format="json_bi", **query)
        for limit in ("1", "4")
    )

    assert [pivot["key"] for pivot in cut["metadata"]["pivots"]] == ["", "$$$_row_total_$$$"]
    assert (cut["metadata"]["columns_truncated"], whole["metadata"]["columns_truncated"]) == (True, False)
    assert [row["orders.name"]["value"] for row in cut["rows"]] == [None, "a", "b"]
    assert [row["orders.count"]["$$$_row_total_$$$"]["value"] for row in cut["rows"]] == [1, 3, 2]


def test_csv_has_the_recorded_headings(orders: Callable[..., Any], payloads: Path) -> None:
    """The first line has the pivot's label over the last dimension, then its values; the second the labels."""
    first, second = (payloads / "csv_tile_pivoted.csv").read_text(encoding="utf-8").splitlines()[:2]

    ours = orders("name", "group", "total", pivots=["orders.group"], sorts=["orders.name"], result_format="csv")

    lines = ours.splitlines()
    # A tile has row numbers in front.
    assert first.split(",")[1:] == ["UTM Source", "facebook", "fb"]
    assert second.split(",")[2:] == ["Estimated Revenue"] * 2
    assert lines[0] == "Orders Group,,x,y,"
    assert lines[1] == "Orders Name" + ",Orders Total" * 4
    assert lines[2:] == [",,,9,", "a,,10,20,5", "b,1,7,,"]
    assert ours.endswith("\n")


def test_headings_of_two_pivots(orders: Callable[..., Any]) -> None:
    """Each pivot field has a line; ``html`` writes a value once over its measures."""
    query = {"pivots": ["orders.year", "orders.group"], "sorts": ["orders.year"], "limit": "0", "row_total": "right"}
    fields = ("name", "on_date", "year", "group", "count", "total")

    txt, html = (orders(*fields, result_format=name, **query) for name in ("txt", "html"))

    lines = [line.split("\t") for line in txt.splitlines()]
    assert lines[0] == ["", "Orders Year", *"11222233", "", "", "Row Total", "Row Total"]
    assert lines[1] == ["", "Orders Group", "x", "x", "y", "y", "", "", "y", "y", "", "", "", ""]
    assert lines[2][:4] == ["Orders Name", "Orders On Date", "Orders Count", "Orders Total"]
    assert '<tr><th></th><th>Orders Year</th><th colspan="2">1</th><th colspan="4">2</th>' in html


def test_no_rows(orders: Callable[..., Any]) -> None:
    """Without rows there are no pivots, in any format."""
    query = {"pivots": ["orders.group"], "filters": {"orders.name": "none"}, "total": True, "row_total": "right"}

    detail = orders("name", "group", "count", **query)

    assert detail["data"] == []
    assert [pivot["key"] for pivot in detail["pivots"]] == ["$$$_row_total_$$$"]
    assert detail["totals_data"] == {"orders.count": {"$$$_row_total_$$$": {"value": 0}}}
    for name in ("json", "json_bi", "csv", "txt", "md", "html"):
        orders("name", "group", "count", result_format=name, **query)


def test_only_pivots(orders: Callable[..., Any]) -> None:
    """Without a dimension beside the pivots there is one row."""
    detail = orders("group", "count", pivots=["orders.group"])

    assert values(detail, "orders.count") == [{"": 1, "x": 2, "y": 2, "orders.group___null": 1}]
    assert detail["added_params"] == {"sorts": ["orders.count desc 0", "orders.group"]}


def test_failed_query(api: Api) -> None:
    """A pivoted query that the database refuses fails as any other."""
    detail = api.run(
        "flights.broken", "flights.origin", "flights.count", pivots=["flights.origin"], result_format="json_detail"
    )

    assert (detail["data"], detail["pivots"]) == ([], [])
    assert "no_such_column" in detail["errors"][0]["message_details"]


def test_drill_links(api: Api) -> None:
    """The link of a cell names its row and its pivot, that of a row's total the row only."""
    query_id = api.create(
        "flights.carrier",
        "flights.origin",
        "flights.count",
        pivots=["flights.origin"],
        filters={"flights.carrier": "F9"},
        row_total="right",
    )

    answer = api("GET", f"/queries/{query_id}/run/json_detail", params={"generate_drill_links": "true"})

    cells = answer.json()["data"][0]["flights.count"]
    urls = {key: cell["links"][0]["url"].partition("?")[2].split("&")[1:3] for key, cell in cells.items()}
    assert urls == {
        "LGA": ["f[flights.carrier]=F9", "f[flights.origin]=LGA"],
        "$$$_row_total_$$$": ["f[flights.carrier]=F9", "query_timezone=UTC"],
    }


def test_links_and_html_of_lookml(started: Callable[..., Api], project: Callable[..., Path], payloads: Path) -> None:
    """A cell has the link to its rows, then those of LookML, as recorded; its ``html`` comes last."""
    theirs = read(payloads, "vis_hearthstone_1_dim_1_pivot_1_meas.data.json")[0]["game.count"]["loss"]
    view = """view: t { sql_table_name: (VALUES ('a', 'x'), ('b', 'y')) ;;
      dimension: name {
        sql: ${TABLE}.col0 ;; html: <b>{{ value }}</b> ;; link: { label: "{{ value }}" url: "/{{ value }}" }
      }
      dimension: group { sql: ${TABLE}.col1 ;; }
      measure: count { type: count drill_fields: [name] link: { label: "Other" url: "/?n={{ value }}" } } }"""
    user = started(lookml=project(view, "t"))
    fields = ("t.name", "t.group", "t.count")
    query_id = user.create(*fields, model="m", view="t", pivots=["t.group"], sorts=["t.name", "t.group"])

    row = user("GET", f"/queries/{query_id}/run/json_detail", params={"generate_drill_links": "true"}).json()["data"][0]
    plain = user("GET", f"/queries/{query_id}/run/json_detail").json()["data"][0]

    assert [list(link) for link in row["t.count"]["x"]["links"]] == [list(link) for link in theirs["links"]]
    assert [link["type"] for link in row["t.count"]["x"]["links"]] == [link["type"] for link in theirs["links"]]
    assert row["t.count"]["x"]["links"][1] == {"label": "Other", "url": "/?n=1", "type": "url"}
    assert row["t.name"] == {
        "value": "a",
        "links": [{"label": "a", "url": "/a", "type": "url"}],
        "html": "<b>a</b>",
    }
    assert plain == {
        "t.name": {"value": "a", "html": "<b>a</b>"},
        "t.count": {"x": {"value": 1}, "y": {"value": None}},
    }


DIMENSIONS = ("carrier", "dest", "month")
PIVOTS = ("origin", "day_of_week", "hour")
MEASURES = {
    "flights.count": "COUNT(*)",
    "flights.count_of_planes": "COUNT(DISTINCT tailnum)",
    "flights.average_dep_delay": "AVG(dep_delay)",
    "flights.max_arr_delay": "MAX(arr_delay)",
}
SQL = {"day_of_week": "DAYNAME(time_hour AT TIME ZONE 'UTC')"}
FIELDS = {"day_of_week": "flights.time_day_of_week"}


@pytest.mark.parametrize(("dimension", "pivot"), list(itertools.product(DIMENSIONS, PIVOTS)))
def test_same_numbers_as_sql_by_hand(api: Api, flights: duckdb.DuckDBPyConnection, dimension: str, pivot: str) -> None:
    """Every cell, row total and total is what the database says of just these rows."""
    pivot_name = FIELDS.get(pivot, f"flights.{pivot}")
    query = {
        "pivots": [pivot_name],
        "total": True,
        "row_total": "right",
        "limit": "-1",
        "filters": {"flights.day": "1"},
    }

    detail = api.run(f"flights.{dimension}", pivot_name, *MEASURES, result_format="json_detail", **query)

    by, across = dimension, SQL.get(pivot, pivot)
    sql = (
        f"SELECT {by}, {across} AS p, GROUPING({by}), GROUPING({across}), {', '.join(MEASURES.values())} "  # noqa: S608
        f"FROM flights WHERE day = 1 GROUP BY CUBE ({by}, {across})"
    )
    expected = {}
    for row, column, all_rows, all_columns, *numbers in flights.execute(sql).fetchall():
        key = "$$$_row_total_$$$" if all_columns else str(column)
        for name, number in zip(MEASURES, numbers, strict=True):
            expected[None if all_rows else row, key, name] = number
    found = {
        (row[f"flights.{dimension}"]["value"] if row is not detail["totals_data"] else None, key, name): cell["value"]
        for row in (*detail["data"], detail["totals_data"])
        for name in MEASURES
        for key, cell in row[name].items()
    }
    assert {place: number for place, number in found.items() if number is not None} == pytest.approx(
        {place: number for place, number in expected.items() if number is not None}
    )
