"""The local Looker's answers, over HTTP: every format of a query is read to one table.

The rows are DuckDB's; that the first of the formats has them exactly is shown in `tests/test_flights.py` and
`tests/local`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import lookerframe as lf
from tests.writers.bodies import BODIES
from tests.writers.comparing import bare

if TYPE_CHECKING:
    from lookerframe.client import Looker

#: What a task may be made in; `json_label` is for runs alone, the lite stream for schedules.
FORMATS = [name for name in BODIES if name not in ("json_label", "json_detail", "json_detail_lite_stream")]

FLIGHTS = lf.Query(
    model="flights",
    explore="flights",
    fields=[
        "flights.carrier",
        "flights.time_month",
        "flights.is_cancelled",
        "flights.count",
        "flights.average_dep_delay",
    ],
    sorts=["flights.carrier", "flights.time_month", "flights.is_cancelled"],
)
QUERIES: dict[str, lf.Query] = {
    "rows": replace(FLIGHTS, limit=100),
    "no rows": replace(FLIGHTS, filters={"flights.carrier": "ZZ"}),
    "times and numbers": lf.Query(
        model="thelook",
        explore="order_items",
        fields=["orders.id", "orders.created_time", "order_items.revenue_tier", "order_items.total_revenue"],
        sorts=["orders.id", "orders.created_time", "order_items.revenue_tier"],
        limit=300,
    ),
    "one pivot, totals": lf.Query(
        model="flights",
        explore="flights",
        fields=["flights.carrier", "flights.origin", "flights.count", "flights.average_dep_delay"],
        pivots=["flights.origin"],
        sorts=["flights.carrier"],
        total=True,
        row_total="right",
    ),
    "measures alone, totals": replace(
        FLIGHTS, fields=["flights.count", "flights.average_dep_delay"], sorts=[], total=True
    ),
    "two pivots, nulls": lf.Query(
        model="thelook",
        explore="order_items",
        fields=["products.category", "orders.created_year", "orders.status", "order_items.count"],
        pivots=["orders.created_year", "orders.status"],
        sorts=["products.category", "orders.created_year", "orders.status"],
        total=True,
    ),
    "a calculation": lf.Query(
        model="flights",
        explore="flights",
        fields=["flights.carrier", "flights.count"],
        sorts=["flights.carrier"],
        total=True,
        dynamic_fields=json.dumps(
            [
                {
                    "table_calculation": "share",
                    "label": "Share",
                    "expression": "${flights.count} / sum(${flights.count})",
                    "_type_hint": "number",
                }
            ]
        ),
    ),
}


@pytest.fixture(scope="module")
def expected(looker: Looker) -> dict[str, lf.Result]:
    """Fetch each query as `json_detail`."""
    return {name: looker.run(query, on_truncate="ignore") for name, query in QUERIES.items()}


@pytest.mark.parametrize("result_format", FORMATS)
@pytest.mark.parametrize("name", QUERIES)
def test_every_answer_of_a_query_is_the_same_table(
    looker: Looker, expected: dict[str, lf.Result], name: str, result_format: str
) -> None:
    """Rows, totals and totals of rows; the last digits are not in a workbook."""
    found = looker.run(QUERIES[name], result_format=result_format, on_truncate="ignore")
    due = expected[name]

    assert due.to_arrow().num_rows > 0 or name == "no rows"
    for ours, theirs in (
        (found.to_arrow(), due.to_arrow()),
        (found.totals, due.totals),
        (found.row_totals, due.row_totals),
    ):
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            digits = 10 if result_format == "xlsx" else None
            assert rounded(ours, digits).equals(rounded(theirs, digits))


def rounded(table: pa.Table, digits: int | None) -> pa.Table:
    """Round the numbers of a table, if digits are given."""
    table = bare(table)
    for place, field in enumerate(table.schema):
        if digits is not None and pa.types.is_floating(field.type):
            table = table.set_column(place, field, pc.round(table.column(place), digits))
    return table
