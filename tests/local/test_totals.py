"""Totals and subtotals: recorded shapes, numbers that the database grouped itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.shapes import shape

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import duckdb

    from tests.local.calling import Api

FEW = {"flights.carrier": "AA,OO,F9"}
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
