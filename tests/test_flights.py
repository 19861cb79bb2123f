"""The whole way, on real data: every flight through a task equals DuckDB's own table, cell by cell."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

import lookerframe as lf

if TYPE_CHECKING:
    from lookerframe.client import Looker

COLUMNS = [
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
    "minute",
    "time_hour",
]
WHOLE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}  # with nulls: cancelled flights
EVERY_COLUMN = lf.Query(model="flights", explore="flights", fields=[f"flights.{name}" for name in COLUMNS])


@pytest.fixture(scope="module")
def expected() -> pa.Table:
    """Read the table as DuckDB has it, in types that LookML's `number`, `string` and `date_hour` become."""
    path = files("lookerframe") / "local" / "data" / "flights.parquet"
    casts = ", ".join(
        f'CAST(timezone(\'UTC\', "{name}") AS TIMESTAMP) AS "flights.{name}"'
        if name == "time_hour"
        else f'"{name}"{"" if name in {"carrier", "tailnum", "origin", "dest"} else "::BIGINT"} AS "flights.{name}"'
        for name in COLUMNS
    )
    with duckdb.connect() as connection:
        return connection.sql(f"SELECT {casts} FROM '{path}' ORDER BY ALL").to_arrow_table()  # noqa: S608


@pytest.mark.parametrize("result_format", ["json_detail", "json"])
def test_every_flight_equals_the_database(looker: Looker, expected: pa.Table, result_format: str) -> None:
    """All 336,776 rows and 19 columns come back through a task, with DuckDB's values and Looker's types."""
    task = looker.submit(EVERY_COLUMN, result_format=result_format)

    table = task.result().to_arrow()

    assert table.num_rows == 336_776
    ordered = table.sort_by([(name, "ascending") for name in table.column_names]).cast(pa.schema(expected.schema))
    # DuckDB puts nulls last in ascending order, as Arrow does.
    assert table.schema.names == expected.schema.names
    assert [str(t) for t in table.schema.types] == [str(t) for t in expected.schema.types]
    assert ordered.equals(expected)


def test_the_expected_table_has_nulls_and_text(expected: pa.Table) -> None:
    """The comparison means something: cancelled flights leave nulls, and tail numbers are text."""
    assert all(expected[f"flights.{name}"].null_count > 0 for name in WHOLE)
    assert expected.schema.field("flights.tailnum").type == pa.string()


@pytest.mark.parametrize("result_format", ["json_detail", "json"])
def test_an_empty_result_has_the_same_schema(looker: Looker, result_format: str) -> None:
    """With numbers="float64" the types are decided by metadata alone, rows or no rows."""
    some = looker.run(_filtered("UA"), result_format=result_format, numbers="float64").to_arrow()
    none = looker.run(_filtered("no such carrier"), result_format=result_format, numbers="float64").to_arrow()

    assert some.num_rows > 0
    assert none.num_rows == 0
    # Each has its own task in the metadata of the whole; that of the fields is the same.
    assert none.schema.remove_metadata().equals(some.schema.remove_metadata(), check_metadata=True)
    assert none.schema.field("flights.year").type == pa.float64()
    assert none.schema.field("flights.count").type == pa.int64()


def _filtered(carrier: str) -> lf.Query:
    return lf.Query(
        model="flights",
        explore="flights",
        fields=["flights.year", "flights.time_date", "flights.carrier", "flights.count", "flights.average_dep_delay"],
        filters={"flights.carrier": carrier, "flights.month": 1},
    )
