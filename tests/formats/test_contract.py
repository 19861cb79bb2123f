"""What every format that carries a table promises: one query, one Arrow table, whatever carried it.

The formats are those of the table in `lookerframe.formats`. What one of them cannot carry is a row of `LOSSES`, which
`docs/formats.md` repeats.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lookerframe import formats
from lookerframe.exceptions import (
    IncompleteResultError,
    LookerFrameError,
    PayloadError,
    UnknownFormatError,
)
from tests.writers import Col, Query, chunked, expected
from tests.writers.bodies import BODIES
from tests.writers.comparing import bare, read, same
from tests.writers.drawing import chance
from tests.writers.expected import Choices
from tests.writers.losses import LOSSES, Loss, carried

if TYPE_CHECKING:
    from lookerframe.result import Result

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "formats.md"

#: Formats whose body is no table: text, images, and what no source gives a shape of.
OTHERS = {"sql", "gsxml", "odc", "png", "jpg", "json_fe"}

TABULAR = tuple(BODIES)

DIMENSIONS = (
    Col("orders.id", "number", label="Orders ID", label_short="ID"),
    Col("orders.status", label="Orders Status", label_short="Status"),
    Col("orders.created_time", "date_time", label="Orders Created Time", label_short="Created Time"),
    Col("orders.created_month", "date_month", label="Orders Created Month", label_short="Created Month"),
    Col("orders.is_late", "yesno", label="Orders Is Late (Yes / No)", label_short="Is Late"),
)
MEASURES = (
    Col("orders.count", "count", "measures", label="Orders Count", label_short="Count"),
    Col("orders.mean", "average", "measures", label="Orders Mean", label_short="Mean"),
)
CALCULATION = Col("share", "number", "table_calculations", label="Share")
#: A time like others; in the gap and in the fold of the clocks in New York.
TIME = dt.datetime.fromisoformat("2024-01-31 23:59:58")
GAP, FOLD = dt.datetime.fromisoformat("2024-03-10 02:30"), dt.datetime.fromisoformat("2024-11-03 01:30")

PLAIN = Query(
    fields=(*DIMENSIONS, *MEASURES, CALCULATION),
    rows=(
        (1, "complete", TIME, dt.date(2024, 1, 1), True, 7, 1.5, 0.25),
        (-3, 'é "a", b|c; <d> & \\e', GAP, None, False, 0, 80.47117647058822, -0.5),
        (None, None, None, None, None, None, None, None),
        (10**15 + 1, "Yes", FOLD, dt.date(1969, 12, 1), True, 2**53 - 1, 1e-07, 0.1),
    ),
    timezone="America/New_York",
)
TABLE = pa.table(
    {
        "orders.id": pa.array([1, -3, None, 10**15 + 1], pa.int64()),
        "orders.status": pa.array(["complete", 'é "a", b|c; <d> & \\e', None, "Yes"], pa.string()),
        "orders.created_time": pa.array([TIME, GAP, None, FOLD], pa.timestamp("us")),
        "orders.created_month": pa.array([dt.date(2024, 1, 1), None, None, dt.date(1969, 12, 1)], pa.date32()),
        "orders.is_late": pa.array([True, False, None, True], pa.bool_()),
        "orders.count": pa.array([7, 0, None, 2**53 - 1], pa.int64()),
        "orders.mean": pa.array([1.5, 80.47117647058822, None, 1e-07], pa.float64()),
        "share": pa.array([0.25, -0.5, None, 0.1], pa.float64()),
    }
)

ONE_PIVOT = Query(
    fields=(DIMENSIONS[1], *MEASURES),
    pivots=(Col("users.name", label="Users Name"),),
    pivot_values=(('a|FIELD|"b", c',), ("value",), (None,)),
    rows=(("x", 1, 1.5, 2, 2.5, None, None), (None, None, None, 3, -0.25, 4, 0.5)),
    totals=(None, 1, 1.5, 5, 1.25, 4, 0.5),
)
ONE_PIVOT_TABLE = pa.table(
    {
        "orders.status": pa.array(["x", None], pa.string()),
        'orders.count|a|FIELD|"b", c': pa.array([1, None], pa.int64()),
        'orders.mean|a|FIELD|"b", c': pa.array([1.5, None], pa.float64()),
        "orders.count|value": pa.array([2, 3], pa.int64()),
        "orders.mean|value": pa.array([2.5, -0.25], pa.float64()),
        "orders.count|null": pa.array([None, 4], pa.int64()),
        "orders.mean|null": pa.array([None, 0.5], pa.float64()),
    }
)

TWO_PIVOTS = Query(
    fields=(DIMENSIONS[0], *MEASURES[:1]),
    pivots=(Col("orders.year", "date_year", label="Orders Year"), Col("users.name", label="Users Name")),
    pivot_values=((2024, "A"), (2024, None), (2023, "A")),
    rows=((1, 10, 11, 12, 33), (2, None, 21, 22, 43)),
    totals=(None, 10, 32, 34, 76),
    row_totals=True,
)
TWO_PIVOTS_LONG = pa.table(
    {
        "orders.id": pa.array([1, 1, 1, 2, 2, 2], pa.int64()),
        "orders.year": pa.array([2024, 2024, 2023] * 2, pa.int64()),
        "users.name": pa.array(["A", None, "A"] * 2, pa.string()),
        "orders.count": pa.array([10, 11, 12, None, 21, 22], pa.int64()),
    }
)

QUERIES: dict[str, Query] = {
    "plain": PLAIN,
    "plain with totals": replace(PLAIN, totals=(*[None] * 5, 7, 27.3, -0.05)),
    "one pivot": ONE_PIVOT,
    "one pivot without totals": replace(ONE_PIVOT, totals=None),
    "two pivots": TWO_PIVOTS,
    "two pivots without row totals": replace(
        TWO_PIVOTS, row_totals=False, totals=None, rows=tuple(row[:-1] for row in TWO_PIVOTS.rows)
    ),
    "one label for a measure and a pivot": Query(
        fields=(DIMENSIONS[1], MEASURES[0]),
        pivots=(Col("users.name", label="Users Count", label_short="Count"),),
        pivot_values=(("A",), ("B",)),
        rows=(("x", 1, 2, 3),),
        totals=(None, 1, 2, 3),
        row_totals=True,
    ),
    "no dimensions": Query(fields=MEASURES, rows=((5, 0.5),)),
    "no rows": replace(PLAIN, rows=()),
    "no rows but totals": replace(ONE_PIVOT, rows=()),
    "all null": replace(PLAIN, rows=((None,) * 8,) * 3),
    "one column, all null": Query(fields=DIMENSIONS[1:2], rows=((None,),) * 3),
}


def spelt(query: Query, name: str, seed: int = 0) -> bytes:
    """Write a query; the seed decides what the format leaves open."""
    return BODIES[name](query, chance(seed))


def written(query: Query, name: str) -> Result:
    """Write a query and read it back."""
    return read(query, name, spelt(query, name))


#: Losses in cells that the writers here do not write: their dates are texts. `test_xlsx.py` shows it.
LOSSES_OF_CELLS = {"microseconds of a time in a cell of dates": ("xlsx",)}


def test_every_format_is_written_here() -> None:
    """Else the promises below are not tested for it."""
    assert set(formats.available()) - OTHERS == set(TABULAR)


@pytest.mark.parametrize("name", TABULAR)
def test_same_rows_same_table(name: str) -> None:
    """Types, values, nulls and order are those of the query, whatever carried them."""
    result = written(PLAIN, name)

    assert bare(result.to_arrow()).equals(TABLE)
    assert result.metadata["result_format"] == name
    assert result.schema.field("orders.count").metadata[b"lookml.type"] == b"count"


@pytest.mark.parametrize("name", TABULAR)
def test_same_pivots_same_table(name: str) -> None:
    """A column for each measure and pivot value, in Looker's order; the totals are no row."""
    result = written(ONE_PIVOT, name)

    assert bare(result.to_arrow()).equals(ONE_PIVOT_TABLE)
    assert result.totals is not None
    assert result.totals.to_pylist() == [dict(zip(ONE_PIVOT_TABLE.column_names, ONE_PIVOT.totals or (), strict=True))]
    assert result.row_totals is None


@pytest.mark.parametrize("name", TABULAR)
def test_same_long_rows_from_two_pivots(name: str) -> None:
    """A row for each row and pivot, the pivot fields typed; totals of rows have the measures' plain names."""
    result = read(TWO_PIVOTS, name, spelt(TWO_PIVOTS, name), Choices(pivots="long"))

    assert bare(result.to_arrow()).equals(TWO_PIVOTS_LONG)
    assert result.row_totals is not None
    assert result.totals is not None
    assert result.row_totals.to_pydict() == {"orders.id": [1, 2], "orders.count": [33, 43]}
    assert result.totals.column("orders.count").to_pylist() == [76]


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("pivots", ["wide", "long"])
@pytest.mark.parametrize("names", ["field", "label", "label_short"])
def test_every_shape_is_the_same_in_every_format(name: str, query: Query, pivots: str, names: str) -> None:
    """But for what is listed; in several spellings."""
    choices = Choices(pivots=pivots, names=names)
    for seed in range(3):
        same(read(query, name, spelt(query, name, seed), choices), query, name, choices)


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("total", [0.75, None])
def test_calculations_of_no_type_are_told_from_their_values(name: str, total: float | None) -> None:
    """As older releases and `json_bi` describe them; the totals may be null."""
    query = Query(
        fields=(DIMENSIONS[1], MEASURES[0], Col("share", None, "table_calculations", label="Share")),
        rows=(("x", 1, 0.25), ("y", 2, None), ("z", None, 0.5)),
        totals=(None, 3, total),
    )
    result = written(query, name)

    assert result.to_arrow()["share"].to_pylist() == [0.25, None, 0.5]
    assert result.totals is not None
    assert result.totals.to_pylist() == [{"orders.status": None, "orders.count": 3, "share": total}]
    assert result.totals.schema.types == result.to_arrow().schema.types


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("kind", ["number", "string", None])
def test_totals_without_dimensions_are_no_row(name: str, kind: str | None) -> None:
    """The query asked for them, so the last row is the totals; a calculation that is no measure does not hide it."""
    calculation = Col("note", kind, "table_calculations", label="Note", pivoted=False)
    value = 0.5 if kind == "number" else "x"
    query = Query(fields=(MEASURES[1], calculation), rows=((1.5, value),), totals=(1.5, None))
    result = written(query, name)

    assert result.to_arrow().to_pylist() == [{"orders.mean": 1.5, "note": value}]
    assert result.totals is not None
    assert result.totals.to_pylist() == [{"orders.mean": 1.5, "note": None}]


@pytest.mark.parametrize("name", [name for name in TABULAR if not name.startswith("json_detail")])
def test_the_only_row_of_measures_is_no_totals(name: str) -> None:
    """The query asked for totals, but nothing came besides a row: it is kept, and a note says so."""
    query = QUERIES["no dimensions"]
    body = spelt(query, name)
    if name == "json_bi":
        document = json.loads(body)
        document["metadata"]["has_totals"] = True
        body = json.dumps(document).encode()
    result = read(query, name, body, context={"total": True})

    assert result.to_arrow().to_pylist() == [{"orders.count": 5, "orders.mean": 0.5}]
    assert result.totals is None
    note = "the query asks for totals, but the only row has no dimension to tell them by: it is taken as a row"
    assert note in result.notes


@pytest.mark.parametrize("name", ["json_detail", "json_detail_lite_stream", "json_bi"])
@pytest.mark.parametrize("query", [TWO_PIVOTS, replace(TWO_PIVOTS, rows=())], ids=["rows", "no rows"])
def test_the_order_of_members_is_of_no_matter(name: str, query: Query) -> None:
    """No source says where `pivots` and `totals_data` stand: every rotation of the envelope is one table."""
    document = json.loads(spelt(query, name))
    about = document["metadata"] if name == "json_bi" else document
    for _ in range(len(about)):
        key = next(iter(about))
        about[key] = about.pop(key)
        for body in (document, dict(reversed(document.items()))):
            same(read(query, name, json.dumps(body).encode()), query, name)


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize(("timestamps", "zone"), [("aware", "America/New_York"), ("utc", "UTC")])
def test_times_are_instants_of_the_query_s_zone(name: str, timestamps: str, zone: str) -> None:
    """The first one after a gap, the earlier of two in a fold."""
    column = read(PLAIN, name, spelt(PLAIN, name), Choices(timestamps=timestamps)).to_arrow()["orders.created_time"]

    assert column.type == pa.timestamp("us", zone)
    assert column.cast(pa.timestamp("us", "UTC")).to_pylist() == [
        dt.datetime(2024, 2, 1, 4, 59, 58, tzinfo=dt.UTC),
        dt.datetime(2024, 3, 10, 7, tzinfo=dt.UTC),
        None,
        dt.datetime(2024, 11, 3, 5, 30, tzinfo=dt.UTC),
    ]


@pytest.mark.parametrize("name", TABULAR)
def test_no_rows_have_the_schema_of_some(name: str) -> None:
    """With types by metadata alone, the same as with rows."""
    choices = Choices(numbers="float64")
    some, none = (read(query, name, spelt(query, name), choices) for query in (PLAIN, replace(PLAIN, rows=())))

    assert none.schema.equals(some.schema, check_metadata=True)
    assert none.to_arrow().schema.equals(some.to_arrow().schema, check_metadata=True)
    assert none.to_arrow().num_rows == 0


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("shape", ["plain", "one pivot", "two pivots"])
def test_chunks_make_no_difference(name: str, shape: str) -> None:
    """Each size of chunks up to a hundred bytes: one table, one set of totals."""
    query = QUERIES[shape]
    body = spelt(query, name)

    for size in (*range(1, 100, 7), len(body) - 1):
        same(read(query, name, chunked(body, size)), query, name)


def _led_to(query: Query, name: str, body: bytes) -> LookerFrameError | None:
    try:
        same(read(query, name, body), query, name)
    except LookerFrameError as exc:
        return exc
    return None


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("shape", ["plain", "two pivots"])
def test_a_cut_body_is_never_a_table(name: str, shape: str) -> None:
    """A cut raises, or takes nothing but white space; in `csv`, `txt` and `md` a whole line less cannot be told."""
    query = QUERIES[shape]
    body = spelt(query, name)
    lines = body[:-1].count(b"\n") if name in ("csv", "txt", "md") else 0
    step = 1 if len(body) < 3000 else 7

    cut = body.rstrip()
    for end in range(0, len(cut) - (name not in ("csv", "txt", "md")), step):
        if lines and cut[:end].endswith(b"\n"):
            continue  # the transport proves the end: see the tests of each format
        error = _led_to(query, name, body[:end])
        assert isinstance(error, PayloadError), end


@pytest.mark.parametrize("name", TABULAR)
@pytest.mark.parametrize("body", [b"", b" \n", b"<html><body>502 Bad Gateway</body></html>", b"\x1f\x8b\x08\x00\x00"])
def test_no_result_is_refused(name: str, body: bytes) -> None:
    """Nothing at all, a page of a proxy, a body that nobody inflated."""
    with pytest.raises(PayloadError) as caught:
        read(PLAIN, name, body).to_arrow()
    assert type(caught.value) is not IncompleteResultError or not body.strip() or name != "json_detail"


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.what)
@pytest.mark.parametrize("name", TABULAR)
def test_what_a_format_loses_is_listed_and_nothing_else(loss: Loss, name: str) -> None:
    """Each loss is shown by an example, which comes back whole from all other formats."""
    query, choices = loss.example, loss.choices
    body = spelt(query, name)
    if name not in loss.formats:
        same(read(query, name, body, choices), query, name, choices)
        assert _tables(carried(query, name), choices) == _tables(query, choices)
    elif isinstance(loss.becomes, type):
        with pytest.raises(loss.becomes):
            read(query, name, body, choices).to_arrow()
    else:
        same(read(query, name, body, choices), query, name, choices)
        assert _tables(loss.becomes(query), choices) != _tables(query, choices)


def _tables(query: Query, choices: Choices) -> list[Any]:
    tables = [
        expected.table(query, choices),
        expected.totals(query, choices),
        expected.row_totals(query, choices),
        *expected.subtotals(query, choices).values(),
    ]
    return [None if table is None else (table.schema.to_string(), table.to_pylist()) for table in tables]


def test_the_page_on_formats_lists_the_losses() -> None:
    """All of them, with the formats that have them."""
    section = DOCUMENTATION.read_text("utf-8").partition("\n## What is lost\n")[2].partition("\n## ")[0]
    listed = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", section, re.MULTILINE))
    found = {what: tuple(re.findall(r"`([a-z_]+)`", names)) for what, names in listed.items() if "`" in names}

    assert found == {loss.what: loss.formats for loss in LOSSES} | LOSSES_OF_CELLS


def test_the_page_on_formats_has_every_format() -> None:
    """One row for each format that is decoded."""
    text = DOCUMENTATION.read_text("utf-8")

    for name in formats.available():
        assert re.search(rf"^\| .*`{name}`", text, re.MULTILINE), name


def test_unknown_format_is_named_with_the_known_ones() -> None:
    """Where a caller names it."""
    with pytest.raises(UnknownFormatError) as caught:
        formats.require("jsn_detail")

    known = ", ".join(sorted(formats.available()))
    assert str(caught.value) == f"no decoder for result_format 'jsn_detail'; known: {known}"
    with pytest.raises(UnknownFormatError):
        formats.require(None)
