"""Totals and subtotals: recorded shapes, numbers that the database grouped itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from tests.local.shapes import shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local.calling import Api

FEW = {"flights.carrier": "AA,OO,F9"}
ROW_TOTAL = "$$$_row_total_$$$"
MEASURES = ("flights.count", "flights.count_of_planes", "flights.average_dep_delay")


def read(payloads: Path, name: str) -> Any:
    """Read a recorded payload."""
    return json.loads((payloads / name).read_text(encoding="utf-8"))


def run(api: Api, *fields: str, result_format: str = "json_detail", **query: Any) -> Any:
    """Run a query over a few carriers while waiting."""
    query_id = api.create(*fields, filters=FEW, **query)
    answer = api("GET", f"/queries/{query_id}/run/{result_format}")
    assert answer.status_code == 200, answer.text
    return answer.json() if "json" in result_format else answer.text


def test_totals_have_the_recorded_shape(api: Api, payloads: Path) -> None:
    """One object of measures; over pivots each has its pivots, the row total last."""
    flat, pivoted = (read(payloads, name) for name in ("totals_data_flat.json", "totals_data_pivoted_row_total.json"))

    ours = run(api, "flights.carrier", "flights.count_of_planes", total=True)
    across = run(
        api,
        *("flights.carrier", "flights.origin", "flights.count_of_planes"),
        pivots=["flights.origin"],
        total=True,
        row_total="right",
    )

    assert (ours["has_totals"], ours["has_row_totals"]) == (True, False)
    assert (across["has_totals"], across["has_row_totals"]) == (True, True)
    assert list(ours["totals_data"]["flights.count_of_planes"]) == list(flat["orders.count"])
    assert shape(ours["totals_data"]["flights.count_of_planes"]) == shape(flat["orders.count"])
    assert list(pivoted["history.count"])[-1] == list(across["totals_data"]["flights.count_of_planes"])[-1]
    assert list(across["totals_data"]["flights.count_of_planes"]) == [pivot["key"] for pivot in across["pivots"]]


def test_totals_are_grouped_not_added_up(api: Api, flights: duckdb.DuckDBPyConnection) -> None:
    """Distinct counts and averages are those of all rows, also of rows beyond the limit."""
    expected = flights.execute(
        "SELECT COUNT(*), COUNT(DISTINCT tailnum), AVG(dep_delay) FROM flights WHERE carrier IN ('AA', 'OO', 'F9')"
    ).fetchall()[0]

    detail = run(api, "flights.carrier", "flights.dest", *MEASURES, total=True, limit="2")

    assert len(detail["data"]) == 2
    assert detail["truncated"] is True
    assert [detail["totals_data"][name]["value"] for name in MEASURES] == pytest.approx(expected)


def test_totals_are_over_the_joins_of_the_rows(api: Api, pytestconfig: pytest.Config) -> None:
    """An inner join that only a dimension needs leaves out the same rows of totals, subtotals and totals of rows."""
    data = pytestconfig.rootpath / "lookerframe" / "local" / "data"
    sql = """
        SELECT COALESCE(gender, 'all'), COUNT(DISTINCT users.id) FROM '{0}/users.parquet' AS users
        LEFT JOIN '{0}/orders.parquet' AS orders ON orders.user_id = users.id
        JOIN '{0}/order_items.parquet' AS items ON items.order_id = orders.id GROUP BY CUBE (gender)
    """
    with duckdb.connect() as connection:
        expected = dict(connection.execute(sql.format(data)).fetchall())
    query: dict[str, Any] = {"model": "thelook", "view": "users", "total": True, "limit": "-1"}
    fields = ("users.gender", "order_items.quantity", "users.count")

    rows = api.run(*fields, subtotals=["users.gender"], result_format="json_detail", **query)
    pivoted = api.run(*fields, pivots=["order_items.quantity"], row_total="right", result_format="json_detail", **query)

    by_gender = {"Female": expected["f"], "Male": expected["m"]}
    assert rows["totals_data"]["users.count"]["value"] == expected["all"]
    assert pivoted["totals_data"]["users.count"][ROW_TOTAL]["value"] == expected["all"]
    assert {
        row["users.gender"]["value"]: row["users.count"]["value"] for row in rows["subtotals_data"]["1"]
    } == by_gender
    assert {
        row["users.gender"]["value"]: row["users.count"][ROW_TOTAL]["value"] for row in pivoted["data"]
    } == by_gender


def test_row_totals_without_pivots_change_nothing(api: Api) -> None:
    """The flag can be there without pivots (recorded); there is nothing to total."""
    detail = run(api, "flights.carrier", "flights.count", row_total="right")

    assert detail["has_row_totals"] is True
    assert all(next(iter(row["flights.count"])) == "value" for row in detail["data"])


def test_a_total_without_measures_is_none(api: Api) -> None:
    """There is nothing to total."""
    detail = run(api, "flights.carrier", total=True)

    assert detail["has_totals"] is False
    assert "totals_data" not in detail


USERS = """
view: users {
  sql_table_name: (SELECT range AS age, IF(range % 2 = 0, 'f', 'm') AS gender FROM range(10, 45)) ;;
  dimension: age_tier { type: tier tiers: [0, 10, 20, 30, 40] style: integer sql: ${TABLE}.age ;; }
  dimension: gender {}
  measure: count { type: count drill_fields: [gender] }
}
"""


def test_subtotals_have_the_recorded_shape(
    started: Callable[..., Api], project: Callable[..., Path], payloads: Path
) -> None:
    """A list for each size of grouping; what is collapsed is empty, the grouping stands at the end of the row."""
    theirs = read(payloads, "jd_thelook_subtotals.excerpt.json")
    user = started(lookml=project(USERS, "users"))
    fields = ("users.age_tier", "users.gender", "users.count")
    query_id = user.create(*fields, model="m", view="users", subtotals=["users.age_tier"])

    ours = user("GET", f"/queries/{query_id}/run/json_detail", params={"generate_drill_links": "true"}).json()

    row, model = ours["subtotals_data"]["1"][0], theirs["subtotals_data"]["1"][0]
    assert model["users.count"].pop("rendered") == "1,062"  # ours are too few to be rendered
    assert list(row) == list(model)
    assert shape(row) == shape(model)
    assert row["users.age_tier"] == model["users.age_tier"]
    assert row["users.gender"] == model["users.gender"]
    assert row["$$$__grouping__$$$"] == model["$$$__grouping__$$$"]
    assert shape(ours["data"][0]) == shape(theirs["data"][0])
    assert [row["users.gender"]["value"] for row in ours["data"][:4]] == ["f", "m"] * 2
    assert ours["subtotal_sets"] == theirs["subtotal_sets"]
    assert ours["added_params"]["sorts"][-1] == theirs["added_params"]["sorts"][-1]
    shared = [key for key in theirs if key in ours]
    assert [key for key in ours if key in shared] == shared
    url = row["users.count"]["links"][0]["url"]
    assert "&f[users.age_tier]=10+to+19&query_timezone" in url
    assert "users.gender]" not in url


def test_subtotals_are_grouped_by_the_database(api: Api, flights: duckdb.DuckDBPyConnection) -> None:
    """Each subtotal is what the database says of its group."""
    fields = ("flights.carrier", "flights.origin", "flights.dest")
    detail = run(
        api,
        *fields,
        *MEASURES,
        subtotals=["flights.origin", "flights.carrier"],
        limit="-1",
        sorts=["flights.count desc"],
    )

    assert detail["has_subtotals"] is True
    assert detail["subtotal_sets"] == [["flights.carrier"], ["flights.carrier", "flights.origin"]]
    for size, columns in (("1", "carrier"), ("2", "carrier, origin")):
        rows = flights.execute(
            f"SELECT {columns}, COUNT(*), COUNT(DISTINCT tailnum), AVG(dep_delay) FROM flights "  # noqa: S608
            f"WHERE carrier IN ('AA', 'OO', 'F9') GROUP BY {columns} ORDER BY COUNT(*) DESC"
        ).fetchall()
        found = [
            tuple(row[name]["value"] for name in (*fields[: int(size)], *MEASURES))
            for row in detail["subtotals_data"][size]
        ]
        for ours, own in zip(found, rows, strict=True):
            assert ours[: int(size)] == own[: int(size)]
            assert ours[int(size) :] == pytest.approx(own[int(size) :])


def test_subtotals_of_pivots(api: Api) -> None:
    """The measures of a subtotal have the pivots of the rows."""
    detail = run(
        api,
        *("flights.carrier", "flights.dest", "flights.origin", "flights.count_of_planes"),
        pivots=["flights.origin"],
        row_total="right",
        subtotals=["flights.carrier"],
    )

    pivots = [pivot["key"] for pivot in detail["pivots"]]
    rows = {row["flights.carrier"]["value"]: row["flights.count_of_planes"] for row in detail["subtotals_data"]["1"]}
    assert all(list(cells) == pivots for cells in rows.values())
    assert [rows["F9"][key]["value"] for key in ("EWR", "JFK")] == [None, None]
    assert rows["F9"]["LGA"]["value"] == rows["F9"]["$$$_row_total_$$$"]["value"]
    assert rows["AA"]["$$$_row_total_$$$"]["value"] < sum(rows["AA"][key]["value"] for key in pivots[:-1])


def test_totals_are_the_last_row_of_other_formats(api: Api) -> None:
    """``json_bi`` with null dimensions (observed); tables with empty cells; ``json`` as ``json_bi``."""
    query: dict[str, Any] = {"pivots": ["flights.origin"], "total": True, "row_total": "right"}
    fields = ("flights.carrier", "flights.origin", "flights.count")

    detail = run(api, *fields, **query)
    bi, rows, csv, html = (
        run(api, *fields, result_format=name, **query) for name in ("json_bi", "json", "csv", "html")
    )

    totals = {key: cell["value"] for key, cell in detail["totals_data"]["flights.count"].items()}
    assert bi["metadata"]["has_totals"] is True
    assert len(bi["rows"]) == len(rows) == len(detail["data"]) + 1
    assert bi["rows"][-1] == {
        "flights.carrier": {"value": None},
        "flights.count": {key: {"value": value} for key, value in totals.items()},
    }
    assert rows[-1] == {"flights.carrier": None, "flights.count": {"flights.origin": totals}}
    assert csv.splitlines()[0] == "Flights Origin,EWR,JFK,LGA,Row Total"
    assert csv.splitlines()[-1] == "," + ",".join(map(str, totals.values()))
    assert html.splitlines()[-2].startswith("<tr><td></td><td>")


def test_totals_of_an_empty_result(api: Api) -> None:
    """Totals are there although no row is."""
    query_id = api.create("flights.carrier", "flights.count", filters={"flights.carrier": "none"}, total=True)

    detail = api("GET", f"/queries/{query_id}/run/json_detail").json()
    rows = api("GET", f"/queries/{query_id}/run/json").json()

    assert (detail["data"], detail["totals_data"]) == ([], {"flights.count": {"value": 0}})
    assert rows == [{"flights.carrier": None, "flights.count": 0}]


#: Sales by age, gender and status, one without a status; enough in one cell to be rendered.
SALES = """
view: sales {
  sql_table_name: (
    SELECT 10 + (range % 3) * 10 AS age, IF(range % 2 = 0, 'f', 'm') AS gender,
      ['Cancelled', 'Complete', 'Shipped', 'Shipped', NULL][1 + range % 5] AS status
    FROM range(60000)) ;;
  dimension: age_tier { type: tier tiers: [0, 10, 20, 30, 40] style: integer sql: ${TABLE}.age ;; }
  dimension: gender {}
  dimension: status {}
  measure: count { type: count drill_fields: [gender] }
  measure: average_age { type: average sql: ${TABLE}.age ;; }
}
"""


@pytest.fixture
def sales(started: Callable[..., Api], project: Callable[..., Path]) -> Callable[..., Any]:
    """Run one query with pivots, totals of rows and columns, and subtotals, in a format."""
    user = started(lookml=project(SALES, "sales"))

    def answer(result_format: str, *measures: str, **options: Any) -> Any:
        query_id = user.create(
            *("sales.age_tier", "sales.gender", "sales.status", *(measures or ("sales.count",))),
            model="m",
            view="sales",
            pivots=["sales.status"],
            sorts=["sales.age_tier", "sales.gender", "sales.status"],
            total=True,
            row_total="right",
            subtotals=["sales.age_tier"],
            filters={"sales.gender": "f,m"},
        )
        found = user("GET", f"/queries/{query_id}/run/{result_format}", params=options)
        assert found.status_code == 200, found.text
        return found.json() if "json" in result_format else found.text

    return answer


def renamed(payload: Any, **names: str) -> Any:
    """Write the fields of a recorded payload as ours; ``__`` stands for the dot."""
    text = json.dumps(payload)
    for own, theirs in names.items():
        text = text.replace(theirs, own.replace("__", "."))
    return json.loads(text)


def test_json_detail_of_everything(sales: Callable[..., Any], payloads: Path) -> None:
    """Pivots, totals and subtotals of one query: each part has the keys of the recorded payload that has this part."""
    flat = renamed(
        read(payloads, "jd_thelook_subtotals.excerpt.json"),
        sales__age_tier="users.age_tier",
        sales__gender="users.gender",
        sales__count="users.count",
    )
    names = {"sales__status": "game.result", "sales__age_tier": "game.friendly_class", "sales__count": "game.count"}
    response, rows = (
        renamed(read(payloads, f"vis_hearthstone_1_dim_1_pivot_1_meas.{part}.json"), **names)
        for part in ("response", "data")
    )
    totals = renamed(read(payloads, "totals_data_pivoted_row_total.json"), sales__count="history.count")

    ours = sales("json_detail", generate_drill_links="true")

    shared = [key for key in flat if key in ours]
    assert [key for key in ours if key in shared] == shared
    assert set(flat) - set(ours) == {"status", "result_source", "sortS", "added_params"}
    assert set(response) - set(ours) == {
        "is_local",
        "table_calcs_complete",
        "tracked_attributes",
        "sorts",
        "added_params",
    }
    assert list(ours["fields"]) == list(flat["fields"])
    assert set(response["fields"]["pivots"][0]) - set(ours["fields"]["pivots"][0]) == set()
    assert [(ours[key], flat[key]) for key in ("has_totals", "has_row_totals")] == [(True, False)] * 2
    # Pivots, the one without a value and the total of the row among them.
    *pivots, null, total = ours["pivots"]
    assert shape(pivots) == shape(response["pivots"])
    assert [pivot["key"] for pivot in (*pivots, null, total)] == [
        *("Cancelled", "Complete", "Shipped", "sales.status___null", ROW_TOTAL)
    ]
    assert {tuple(pivot) for pivot in ours["pivots"]} == {tuple(response["pivots"][0])}
    assert [pivot["is_total"] for pivot in ours["pivots"]] == [False] * 4 + [True]
    # Rows: dimensions as without pivots, a measure by its pivots.
    row, pivoted = ours["data"][0], rows[0]["sales.count"]
    assert list(row) == list(flat["data"][0])
    assert {name: shape(row[name]) for name in ("sales.age_tier", "sales.gender")} == {
        name: shape(flat["data"][0][name]) for name in ("sales.age_tier", "sales.gender")
    }
    assert list(row["sales.count"]) == [pivot["key"] for pivot in ours["pivots"]]
    assert shape(pivoted["loss"]["links"][0]) == shape(row["sales.count"]["Complete"]["links"][0])
    assert {tuple(cell) for cell in row["sales.count"].values()} == {tuple(pivoted["loss"])}
    # Totals: no dimension, the total of all last.
    assert list(ours["totals_data"]) == list(totals)
    assert list(totals["sales.count"])[-1] == list(ours["totals_data"]["sales.count"])[-1] == ROW_TOTAL
    assert list(ours["totals_data"]["sales.count"]) == list(row["sales.count"])
    assert {next(iter(cell)) for cell in totals["sales.count"].values()} == {"value"}
    assert ours["totals_data"]["sales.count"][ROW_TOTAL]["value"] == 60_000
    # Subtotals: as recorded, but a cell for each pivot.
    (size,) = flat["subtotals_data"]
    subtotal, recorded = ours["subtotals_data"][size][0], flat["subtotals_data"][size][0]
    assert list(subtotal) == list(recorded)
    assert list(subtotal["sales.count"]) == list(row["sales.count"])
    assert {json.dumps(shape(cell)) for cell in subtotal["sales.count"].values()} == {
        json.dumps(shape(recorded["sales.count"]))
    }
    assert {**subtotal, "sales.count": {}} == {**recorded, "sales.count": {}}
    assert ours["subtotal_sets"] == flat["subtotal_sets"]


def test_json_bi_of_everything(sales: Callable[..., Any], payloads: Path) -> None:
    """Metadata and rows have the recorded keys; totals are the last row (documented), subtotals have no rows."""
    names = {"sales__age_tier": "history.created_month", "sales__count": "history.count", "sales__status": "group.name"}
    theirs = renamed(read(payloads, "json_bi_pivot_group_name.json"), **names)

    ours = sales("json_bi")

    assert list(ours) == list(theirs)
    assert list(ours["metadata"]) == list(theirs["metadata"])
    assert {key: type(value) for key, value in ours["metadata"].items()} == {
        key: type(value) for key, value in theirs["metadata"].items()
    }
    assert (ours["metadata"]["has_totals"], ours["metadata"]["has_subtotals"]) == (True, True)
    for group, fields in theirs["metadata"]["fields"].items():
        assert {tuple(item) for item in ours["metadata"]["fields"][group]} == {tuple(item) for item in fields}
    *pivots, null, total = ours["metadata"]["pivots"]
    assert shape(pivots) == shape(theirs["metadata"]["pivots"][:-1])
    assert null == theirs["metadata"]["pivots"][-1]
    assert list(total) == list(null)
    assert (total["key"], total["is_total"]) == (ROW_TOTAL, True)
    model = theirs["rows"][0]
    *rows, last = ours["rows"]
    assert len(rows) == 6
    for row in rows:
        assert list(row) == ["sales.age_tier", "sales.gender", "sales.count"]
        assert shape(row["sales.age_tier"]) == shape(row["sales.gender"]) == shape(model["sales.age_tier"])
        assert list(row["sales.count"]) == [pivot["key"] for pivot in ours["metadata"]["pivots"]]
        assert shape(list(row["sales.count"].values())) == [{"value": "int"}]
    assert {key for cell in model["sales.count"].values() for key in cell} == {"value"}
    assert shape(last) == {
        **shape(rows[0]),
        "sales.age_tier": {"value": "NoneType"},
        "sales.gender": {"value": "NoneType"},
    }


def test_json_of_everything(sales: Callable[..., Any], payloads: Path) -> None:
    """A row has its dimensions, then each measure by the pivot field and its values, as recorded; so have totals."""
    theirs = renamed(
        read(payloads, "json_one_pivot.json")[0],
        sales__status="order_items_big.status",
        sales__count="order_items_big.count",
        sales__gender="status_custom_field",
    )

    rows = sales("json", "sales.count", "sales.average_age")

    for row in rows:
        assert list(row) == ["sales.age_tier", "sales.gender", "sales.count", "sales.average_age"]
        for name in ("sales.count", "sales.average_age"):
            assert list(row[name]) == list(theirs["sales.count"]) == ["sales.status"]
            assert set(theirs["sales.count"]["sales.status"]) - set(row[name]["sales.status"]) == {
                *("Processing", "Returned")
            }
            assert list(row[name]["sales.status"]) == ["Cancelled", "Complete", "Shipped", "", ROW_TOTAL]
            assert {type(value) for value in row[name]["sales.status"].values()} <= {int, float}
    assert type(theirs["sales.count"]["sales.status"]["Cancelled"]) is int
    assert [type(row["sales.gender"]) for row in rows] == [type(theirs["sales.gender"])] * 6 + [type(None)]
    assert rows[-1]["sales.count"]["sales.status"][ROW_TOTAL] == 60_000


def test_csv_of_everything(sales: Callable[..., Any], payloads: Path) -> None:
    """Two lines of headings with as many cells as a row; totals are the last line, their dimensions empty."""
    above, labels, row = (
        line.split(",")[1:]  # a tile numbers its rows
        for line in (payloads / "csv_tile_pivoted.csv").read_text(encoding="utf-8").splitlines()[:3]
    )

    text = sales("csv", "sales.count", "sales.average_age")

    ours = [line.split(",") for line in text.splitlines()]
    assert {len(line) for line in (above, labels, row)} == {3}
    assert {len(line) for line in ours} == {2 + 2 * 5}
    assert above[0] == "UTM Source"
    assert ours[0] == [
        *("", "Sales Status", "Cancelled", "Cancelled", "Complete", "Complete", "Shipped", "Shipped", "", ""),
        *("Row Total", "Row Total"),
    ]
    assert len(set(labels[1:])) == 1
    assert ours[1] == ["Sales Age Tier", "Sales Gender", *["Sales Count", "Sales Average Age"] * 5]
    assert len(ours) == 2 + 6 + 1
    assert ours[-1][:2] == ["", ""]
    assert ours[-1][-2:] == ["60000", "20"]
    assert text.endswith("\n")
