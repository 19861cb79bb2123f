"""Where formats come to other types or values than one another: each row of "What differs" in `docs/formats.md`.

Stored values are DuckDB's, and types those of `json_detail`, which describes all of its fields itself.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest

import lookerframe as lf
from lookerframe import formats
from lookerframe.columns import Decoding
from lookerframe.exceptions import ConversionError, LookerSQLError
from lookerframe.payload import Payload
from tests.writers import Col, Query, decode, dumped
from tests.writers.bodies import BODIES
from tests.writers.comparing import read
from tests.writers.drawing import chance
from tests.writers.losses import FLAT, JSON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lookerframe.client import Looker

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "formats.md"

UNKNOWN_ZONE = "whether `convert_tz` is no, where `decode` has no `fields=`"
NO_HINT = "the type of a calculation that has no `_type_hint` in the query"
NO_MEASURE = "whether a calculation of numbers is a measure"
DIGITS = "digits before the point of a fraction that float64 does not hold"
#: What differs → the formats in which it does.
DIFFERENCES = {
    UNKNOWN_ZONE: ("json_bi",),
    NO_HINT: ("json_bi", *JSON, *FLAT),
    NO_MEASURE: (*JSON, *FLAT),
    DIGITS: ("csv", "txt", "html", "md"),
}
#: What a task may be made in; `json_label` is for runs alone, the lite stream for schedules.
ASKED = [name for name in BODIES if name not in ("json_label", "json_detail_lite_stream")]

NOON = dt.datetime.fromisoformat("2024-07-01 12:00")
LOOKML = """
connection: "c"
explore: t {}
view: t {
  sql_table_name: t ;;
  dimension: id { type: number sql: ${TABLE}.id ;; }
  dimension_group: fixed { type: time timeframes: [time] convert_tz: no sql: ${TABLE}.at ;; }
  dimension_group: moved { type: time timeframes: [time] sql: ${TABLE}.at ;; }
  measure: count { type: count }
}
"""
TIMES = lf.Query(
    model="m",
    explore="t",
    fields=["t.fixed_time", "t.moved_time"],
    sorts=["t.fixed_time"],
    query_timezone="America/New_York",
    limit=-1,
)


@pytest.fixture(scope="module")
def times(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looker]:
    """Serve a table of two rows at noon."""
    folder: Path = tmp_path_factory.mktemp("times")
    (folder / "m.model.lkml").write_text(LOOKML, encoding="utf-8")
    with duckdb.connect(str(folder / "t.duckdb")) as connection:
        connection.execute("CREATE TABLE t AS SELECT unnest([1, 2]) AS id, TIMESTAMP '2024-07-01 12:00:00' AS at")
    with lf.local.start(lookml=folder, database=folder / "t.duckdb") as server, server.looker as looker:
        yield looker


def test_the_page_on_formats_lists_the_differences() -> None:
    """All of them, with the formats that have them."""
    section = DOCUMENTATION.read_text("utf-8").partition("\n## What differs\n")[2].partition("\n## ")[0]
    listed = dict(re.findall(r"^\| ([^|]+?) \| (`[^|]+?) \|", section, re.MULTILINE))

    assert {what: tuple(re.findall(r"`([a-z_]+)`", names)) for what, names in listed.items()} == DIFFERENCES


# -- times that Looker does not convert --------------------------------------------------------------------------------


@pytest.mark.parametrize("result_format", ASKED)
@pytest.mark.parametrize(("timestamps", "zone"), [("utc", "UTC"), ("aware", "America/New_York")])
def test_times_that_are_not_converted_stay_naive_in_every_format(
    times: Looker, result_format: str, timestamps: Any, zone: str
) -> None:
    """`convert_tz: no` leaves what the database has; the other field, of the same times, becomes a point in time."""
    result = times.run(TIMES, result_format=result_format, timestamps=timestamps)
    table = result.to_arrow()

    assert table.schema.types == [pa.timestamp("us"), pa.timestamp("us", zone)]
    assert table["t.fixed_time"].to_pylist() == [NOON]
    assert table["t.moved_time"].cast(pa.timestamp("us", "UTC")).to_pylist() == [NOON.replace(tzinfo=dt.UTC)]
    assert not any("convert_tz" in note for note in result.notes)


def test_a_pivoted_time_that_is_not_converted_stays_naive_in_json_bi(times: Looker) -> None:
    """What heads columns is described as short as what stands in rows."""
    query = lf.Query(
        model="m",
        explore="t",
        fields=["t.id", "t.fixed_time", "t.count"],
        pivots=["t.fixed_time"],
        query_timezone="America/New_York",
        limit=-1,
    )
    for result_format in ("json_detail", "json_bi"):
        table = times.run(query, result_format=result_format, timestamps="utc", pivots="long").to_arrow()
        assert table["t.fixed_time"].to_pylist() == [NOON, NOON]


MOVED = {"name": "v.t", "type": "date_time"}
SAVED = {"query_timezone": "America/New_York", "model": "m", "view": "v"}


def bi(fields: Mapping[str, Any], *rows: Mapping[str, Any]) -> bytes:
    """Write a body of `json_bi`."""
    return dumped({"metadata": {"fields": fields}, "rows": rows})


def test_json_bi_notes_that_convert_tz_is_not_known() -> None:
    """Nothing is asked of a saved body: the times are taken for converted ones, which `fields=` may deny."""
    body = bi({"dimensions": [MOVED]}, {"v.t": {"value": "2024-07-01 12:00:00"}})
    described = {"dimensions": [{**MOVED, "convert_tz": False}]}

    unknown = lf.decode(body, "json_bi", query=SAVED, timestamps="utc")
    known = lf.decode(body, "json_bi", query=SAVED, timestamps="utc", fields=described)

    assert unknown.to_arrow()["v.t"].to_pylist() == [dt.datetime(2024, 7, 1, 16, tzinfo=dt.UTC)]
    said = (
        "json_bi does not say whether convert_tz is no for v.t: the times are taken for those of the query's time zone"
    )
    assert unknown.notes == (f"{said}; give fields= for Looker's word",)
    assert (known.to_arrow()["v.t"].to_pylist(), known.notes) == ([NOON], ())
    assert lf.decode(body, "json_bi", query=SAVED).notes == ()
    assert lf.decode(body, "json_bi", query=SAVED, timestamps="utc", dtypes={"v.t": "string"}).notes == ()


CALCULATION = {"name": "c", "label": "C"}


@pytest.mark.parametrize(
    ("fields", "options", "asked"),
    [
        ({"dimensions": [MOVED]}, {}, 0),
        ({"dimensions": [MOVED]}, {"timestamps": "utc"}, 1),
        ({"pivots": [MOVED]}, {"timestamps": "aware"}, 1),
        ({"dimensions": [MOVED]}, {"timestamps": "utc", "dtypes": {"v.t": "string"}}, 0),
        ({"dimensions": [{**MOVED, "convert_tz": True}]}, {"timestamps": "utc"}, 0),
        ({"dimensions": [{**MOVED, "type": "date_date"}]}, {"timestamps": "utc"}, 0),
        ({"table_calculations": [CALCULATION]}, {}, 1),
        ({"table_calculations": [CALCULATION]}, {"dtypes": {"c": "bool"}}, 0),
        ({"table_calculations": [{**CALCULATION, "type": "number"}]}, {}, 0),
        ({"table_calculations": [{**CALCULATION, "type": "date_time"}]}, {"timestamps": "utc"}, 0),
        ({"dimensions": [MOVED], "table_calculations": [CALCULATION]}, {"timestamps": "utc"}, 1),
    ],
)
def test_json_bi_asks_for_the_explore_only_where_a_column_depends_on_it(
    fields: dict[str, Any], options: dict[str, Any], asked: int
) -> None:
    """Once for all, and not where the caller or the answer itself tells; `json_detail` never asks."""
    calls: list[None] = []

    def explore() -> dict[str, Any]:
        calls.append(None)
        return {"dimensions": [{**MOVED, "convert_tz": False}]}

    context = {"timezone": "America/New_York"}
    bodies = {"json_bi": bi(fields), "json_detail": dumped({"fields": fields, "data": []})}
    for result_format, due in (("json_bi", asked), ("json_detail", 0)):
        calls.clear()
        payload = Payload(result_format, [bodies[result_format]], fields=explore, context=context)
        formats.decode(payload, Decoding(**options)).to_arrow()
        assert len(calls) == due, result_format


@pytest.mark.parametrize("fields", [{"dimensions": [MOVED]}, {"table_calculations": [CALCULATION]}])
def test_json_bi_asks_nothing_for_a_query_that_failed(fields: dict[str, Any]) -> None:
    """Its error is what is told, not that of another request."""
    body = bi(fields, {"looker_error": "no such column"})
    context = {"timezone": "America/New_York"}

    with pytest.raises(LookerSQLError, match="no such column"):
        formats.decode(
            Payload("json_bi", [body], fields=_unreachable, context=context), Decoding(timestamps="utc")
        ).to_arrow()


def _unreachable() -> dict[str, Any]:
    raise AssertionError


# -- calculations ------------------------------------------------------------------------------------------------------


def calculated(expression: str, **hint: str) -> lf.Query:
    """Ask for two rows with a calculation."""
    calculation = {"table_calculation": "c", "label": "C", "expression": expression, **hint}
    return lf.Query(
        model="m",
        explore="t",
        fields=["t.id", "t.count", "c"],
        sorts=["t.id"],
        dynamic_fields=json.dumps([calculation]),
        limit=-1,
    )


@pytest.mark.parametrize("result_format", ASKED)
def test_a_hint_types_a_calculation_in_every_format(times: Looker, result_format: str) -> None:
    """The query has it where the answer has no type: a yesno is one everywhere."""
    table = times.run(calculated("${t.id} > 1", _type_hint="yesno"), result_format=result_format).to_arrow()

    assert table.schema.field("c").type == pa.bool_()
    assert table["c"].to_pylist() == [False, True]


@pytest.mark.parametrize("result_format", ASKED)
def test_without_a_hint_a_calculation_is_told_from_its_values(times: Looker, result_format: str) -> None:
    """A yesno is a text then, and a note says that the values decided; `json_detail` has the type."""
    result = times.run(calculated("${t.id} > 1"), result_format=result_format)
    values = result.to_arrow()["c"].to_pylist()

    if result_format in DIFFERENCES[NO_HINT]:
        assert values == ["No", "Yes"]
        assert "string was chosen by the values of all rows for c" in result.notes
    else:
        assert values == [False, True]


@pytest.mark.parametrize("result_format", ASKED)
def test_a_calculation_of_whole_numbers_over_a_measure(times: Looker, result_format: str) -> None:
    """It is a measure, which the query alone does not tell; `numbers="float64"` makes no difference of it."""
    query = calculated("${t.count} + 1", _type_hint="number")
    kinds = [
        times.run(query, result_format=result_format, numbers=numbers).to_arrow().schema.field("c").type
        for numbers in ("auto", "float64")
    ]

    assert kinds == [pa.int64() if result_format in DIFFERENCES[NO_MEASURE] else pa.float64(), pa.float64()]


# -- digits ------------------------------------------------------------------------------------------------------------

#: Sums with a mark where the digits shall be.
SUMS = Query(
    fields=(Col("v.name", label="V Name"), Col("v.sum", "sum", "measures", label="V Sum")),
    rows=(("x", 1.5), ("y", 123456789.25)),
)
LONG = Decimal("12345678901234567.89")


def long_number(result_format: str) -> bytes:
    """Write a sum that float64 does not hold; a workbook has float64 alone."""
    body = BODIES[result_format](SUMS, chance(0))
    assert b"123456789.25" in body
    return body.replace(b"123456789.25", str(LONG).encode())


@pytest.mark.parametrize("result_format", [name for name in BODIES if name != "xlsx"])
def test_digits_that_float64_does_not_hold(result_format: str) -> None:
    """JSON has a number, which is rounded as everywhere; a text loses none, and the error says how to keep them."""
    if result_format not in DIFFERENCES[DIGITS]:
        assert read(SUMS, result_format, long_number(result_format)).to_arrow()["v.sum"].to_pylist() == [
            1.5,
            float(LONG),
        ]
        return
    with pytest.raises(ConversionError, match=r"give dtypes=\{'v.sum': 'decimal128'\}$") as caught:
        read(SUMS, result_format, long_number(result_format)).to_arrow()
    assert "apply_formatting" not in str(caught.value)


@pytest.mark.parametrize("result_format", [name for name in BODIES if name != "xlsx"])
@pytest.mark.parametrize(
    "wanted",
    [lambda: Decoding(dtypes={"v.sum": "decimal128"}), lambda: Decoding(numbers="decimal128")],
    ids=["dtypes", "numbers"],
)
def test_decimals_keep_all_digits(result_format: str, wanted: Callable[[], Decoding]) -> None:
    """As the advice says, whatever carried them."""
    body = long_number(result_format)
    found = (
        decode(body, result_format, columns=SUMS.fields, decoding=wanted(), context=SUMS.context)
        .to_arrow()["v.sum"]
        .to_pylist()
    )

    assert found == [Decimal("1.50"), LONG]
