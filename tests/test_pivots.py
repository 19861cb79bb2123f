"""Pivoted results: which pivots there are, and where the value of each row and pivot ends up."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lookerframe as lf
from lookerframe.arrays import INTEGER
from lookerframe.columns import Column, Decoding, Pivot
from lookerframe.exceptions import ConversionError, PayloadError
from lookerframe.fields import Field
from lookerframe.layout import Layout
from lookerframe.pivots import TOTAL, melted, pivot_columns, pivots_of
from lookerframe.typed_rows import Piece
from tests.writers import Col, cell, decode, dumped, metadata, piece_size

if TYPE_CHECKING:
    from pathlib import Path

TOTAL_KEY = "$$$_row_total_$$$"
WIDE, LONG = Decoding(), Decoding(pivots="long")
A, N, S = Col("v.a"), Col("v.n", "count", "measures"), Col("v.s", "sum", "measures")
P, Q = Col("v.p"), Col("v.q", "number")


def detail(
    columns: list[Col], heads: list[Col], pivots: list[dict[str, Any]], rows: list[Any], **members: Any
) -> bytes:
    """Write a pivoted `json_detail` in which rows have the values of unpivoted fields, and objects of pivoted ones."""
    data = [
        {
            name: {key: cell(item) for key, item in value.items()} if isinstance(value, dict) else cell(value)
            for name, value in row.items()
        }
        for row in rows
    ]
    return dumped({"fields": metadata(columns, heads), "pivots": pivots, **members, "data": members.get("data", data)})


def pivot(key: str, **values: Any) -> dict[str, Any]:
    """Write an entry of ``pivots``; ``p=`` is the value of ``v.p``."""
    return {"key": key, "data": {f"v.{name}": value for name, value in values.items()}}


# -- which there are ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "item", "values"),
    [
        (["v.p"], pivot("k", p="k"), ("k",)),
        (["v.p"], pivot("v.p___null", p=None), (None,)),
        (["v.p"], pivot("v.p___null", p="v.p___null"), ("v.p___null",)),
        (["v.p"], pivot("7", p=7), (7,)),
        (["v.p"], pivot("a|FIELD|b", p="a|FIELD|b"), ("a|FIELD|b",)),
        (["v.p", "v.q"], pivot("k|FIELD|7", q=7, p="k"), ("k", 7)),
        (["v.p", "v.q"], pivot("a|FIELD|b|FIELD|c", p="a", q="b|FIELD|c"), ("a", "b|FIELD|c")),
        (["v.p", "v.q"], pivot("a|FIELD|b|FIELD|c", p="a|FIELD|b", q="c"), ("a|FIELD|b", "c")),
        (["v.p", "v.q"], pivot("v.p___null|FIELD|v.q___null", p=None, q=None), (None, None)),
        (["v.p"], {"key": "k"}, ("k",)),
        (["v.p"], {"key": "v.p___null", "data": None}, (None,)),
        (["v.p"], {"key": ""}, ("",)),
        (["v.p", "v.q"], {"key": "k|FIELD|v.q___null"}, ("k", None)),
        (["v.p", "v.q"], {"key": "v.q___null|FIELD|v.p___null"}, ("v.q___null", "v.p___null")),
        (["v.p", "v.q"], {"key": "k"}, ("k", "")),
        (["v.p", "v.q"], {"key": "a|FIELD|7", "data": {"v.p": "a"}}, ("a", "7")),
        ([], pivot("k|FIELD|7", p="k", q=7), ("k", 7)),
        ([], {"key": "k|FIELD|7"}, ("k", "7")),
        ([], {"key": "k", "data": {}}, ("k",)),
    ],
)
def test_values_are_those_of_the_data_else_of_the_key(names: list[str], item: Any, values: tuple[Any, ...]) -> None:
    """Only the data tell a separator inside a value from one between two."""
    assert pivots_of([item], names, result_format="json_detail") == (Pivot(item["key"], values),)


def test_row_totals_are_no_value() -> None:
    """They are known by Looker's own key, whatever their data say."""
    items = [pivot("k", p="k"), {"key": TOTAL_KEY, "data": {"v.p": None}, "is_total": True}]

    assert pivots_of(items, ["v.p"], result_format="json_bi") == (Pivot("k", ("k",)), TOTAL)


@pytest.mark.parametrize("items", [None, [], ()])
def test_no_pivots(items: Any) -> None:
    """Absent, null or empty."""
    assert pivots_of(items, ["v.p"], result_format="json_detail") == ()


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([{"data": {}}], r"`pivots` is a list of objects with a 'key'; met"),
        ([{"key": 5}], r"`pivots` is a list of objects with a 'key'; met"),
        ([5], r"`pivots` is a list of objects with a 'key'; met"),
        ({"key": "k"}, r"`pivots` is a list of objects with a 'key'; met"),
        ("k", r"`pivots` is a list of objects with a 'key'; met"),
        ([{"key": "k"}, {"key": "j"}, {"key": "k"}], "`pivots` lists the key 'k' twice"),
    ],
)
def test_other_lists_are_refused(items: Any, text: str) -> None:
    """Two columns of one key would have the same values."""
    with pytest.raises(PayloadError, match=text) as caught:
        pivots_of(items, ["v.p"], result_format="json_bi")
    assert caught.value.result_format == "json_bi"


def test_values_of_pivots_have_the_types_of_their_fields() -> None:
    """As values in rows have; what does not fit is told."""
    fields = [Field("v.d", "date_month", measure=False), Field("v.y", "yesno", measure=False)]
    columns = Layout(fields, decoding=Decoding()).columns
    pivots = [Pivot("1", ("2024-02", "Yes")), Pivot("2", (None, None)), Pivot("3", ("2024-01-01", False))]

    found = pivot_columns(pivots, columns)
    assert [array.type for array in found] == [pa.date32(), pa.bool_()]
    assert [array.to_pylist() for array in found] == [
        [dt.date(2024, 2, 1), None, dt.date(2024, 1, 1)],
        [True, None, False],
    ]
    with pytest.raises(ConversionError, match=r"column 'v\.d', row 1: 'x' is not a value of type date32"):
        pivot_columns([pivots[0], Pivot("x", ("x", None))], columns)


def test_melting_goes_row_by_row() -> None:
    """First all pivots of the first row; what is not pivoted is repeated."""
    field = Field("v.n", "count", measure=True)
    columns = [Column(field, INTEGER, ("x",), "x")] * 4
    piece = Piece(tuple(pa.array(values) for values in ([1, 2], [10, 20], [11, 21], [5, 6])), 100, 2)
    heads = pa.array(["k", "j"])

    long = melted(piece, [(0,), heads, (1, 2), (3,)], columns, count=2)
    assert [array.to_pylist() for array in long.arrays] == [
        [1, 1, 2, 2],
        ["k", "j", "k", "j"],
        [10, 11, 20, 21],
        [5, 5, 6, 6],
    ]
    assert (long.first_row, long.rows) == (200, 4)


# -- where values end up -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 60, 10_000])
def test_one_pivot_field(size: int) -> None:
    """In the order of `pivots`, whatever that of the rows; a cell that a row lacks is null; calculations follow."""
    calculation = Col("c", "number", "table_calculations", pivoted=False)
    pivots = [pivot("k", p="k"), pivot("v.p___null", p=None), pivot("", p="")]
    rows = [
        {"v.a": "x", "c": 0.5, "v.n": {"": 3, "k": 1, "v.p___null": 2}, "v.s": {"k": 1.5}},
        {"v.s": {}, "v.n": {"v.p___null": None}, "v.a": "y", "c": None},
        {"v.a": "z"},
    ]
    body = detail([A, N, S, calculation], [P], pivots, rows)
    with piece_size(size):
        wide, long = (decode(body, decoding=decoding).to_arrow() for decoding in (WIDE, LONG))

    assert wide.to_pydict() == {
        "v.a": ["x", "y", "z"],
        "v.n|k": [1, None, None],
        "v.s|k": [1.5, None, None],
        "v.n|null": [2, None, None],
        "v.s|null": [None, None, None],
        "v.n|": [3, None, None],
        "v.s|": [None, None, None],
        "c": [0.5, None, None],
    }
    assert long.to_pydict() == {
        "v.a": ["x"] * 3 + ["y"] * 3 + ["z"] * 3,
        "v.p": ["k", None, ""] * 3,
        "v.n": [1, 2, 3] + [None] * 6,
        "v.s": [1.5] + [None] * 8,
        "c": [0.5] * 3 + [None] * 6,
    }


def test_two_pivot_fields_and_row_totals() -> None:
    """Names have both values; totals of rows are no pivot, and in no row."""
    pivots = [
        pivot("k|FIELD|1", p="k", q=1),
        pivot("k|FIELD|v.q___null", p="k", q=None),
        pivot("a|FIELD|b|FIELD|1", p="a|FIELD|b", q=1),
        {"key": TOTAL_KEY, "data": {"v.p": None, "v.q": None}, "is_total": True},
    ]
    cells = {item["key"]: place for place, item in enumerate(pivots)}
    body = detail([A, N], [P, Q], pivots, [{"v.a": "x", "v.n": cells}], has_row_totals=True)
    wide, long = decode(body), decode(body, decoding=LONG)

    assert wide.to_arrow().to_pylist() == [{"v.a": "x", "v.n|k|1": 0, "v.n|k|null": 1, "v.n|a|FIELD|b|1": 2}]
    assert long.to_arrow().to_pylist() == [
        {"v.a": "x", "v.p": "k", "v.q": 1, "v.n": 0},
        {"v.a": "x", "v.p": "k", "v.q": None, "v.n": 1},
        {"v.a": "x", "v.p": "a|FIELD|b", "v.q": 1, "v.n": 2},
    ]
    assert long.to_arrow().schema.types == [pa.string(), pa.string(), pa.int64(), pa.int64()]
    for result in (wide, long):
        assert result.row_totals is not None
        assert result.row_totals.to_pylist() == [{"v.a": "x", "v.n": 3}]


def test_totals_of_a_pivoted_result() -> None:
    """Wide whatever the rows are; the total of all stands under the measure's own name."""
    pivots = [pivot("k", p="k"), pivot("j", p="j"), pivot(TOTAL_KEY, p=None)]
    totals = {"v.n": {"j": {"value": 20, "html": "20"}, "k": {"value": 10}, TOTAL_KEY: {"value": 30}}}
    rows = [{"v.a": "x", "v.n": {"k": 10, "j": 20, TOTAL_KEY: 30}}]
    body = detail([A, N], [P], pivots, rows, has_totals=True, has_row_totals=True, totals_data=totals)

    for decoding in (WIDE, LONG):
        result = decode(body, decoding=decoding)
        assert result.to_arrow().num_rows == (1 if decoding is WIDE else 2)
        assert result.totals is not None
        assert result.totals.to_pylist() == [{"v.a": None, "v.n|k": 10, "v.n|j": 20, "v.n": 30}]


def test_supermeasures_stand_outside_of_the_pivot() -> None:
    """One value a row, after what is pivoted."""
    fields = metadata([A, N, S], [P])
    fields["supermeasure_like"] = [{"name": "v.s", "type": "sum", "measure": True}]
    body = detail([], [], [pivot("k", p="k")], [{"v.a": "x", "v.n": {"k": 1}, "v.s": 2.5}], fields=fields)

    assert decode(body).to_arrow().to_pylist() == [{"v.a": "x", "v.n|k": 1, "v.s": 2.5}]
    assert decode(body, decoding=LONG).to_arrow().to_pylist() == [{"v.a": "x", "v.p": "k", "v.n": 1, "v.s": 2.5}]


def test_empty_results_have_the_columns_of_their_pivots() -> None:
    """If any are listed; of a result without pivots there are the dimensions, and all fields of long rows."""
    for pivots, wide in (([pivot("k", p="k")], ["v.a", "v.n|k"]), ([], ["v.a"]), (None, ["v.a"])):
        body = detail([A, N], [P], pivots, [])  # type: ignore[arg-type]
        assert decode(body).to_arrow().schema.names == wide
        table = decode(body, decoding=LONG).to_arrow()
        assert table.schema.names == ["v.a", "v.p", "v.n"]
        assert table.schema.types == [pa.string(), pa.string(), pa.int64()]
        assert table.num_rows == 0


def test_rows_whose_pivots_have_no_values_make_no_long_rows() -> None:
    """Plain `json` lists no pivots: where no row has a value there are none."""
    body = dumped([{"v.a": "x", "v.n": {"v.p": {}}}])
    table = decode(body, "json", columns=[A, N], pivots=[P], decoding=LONG).to_arrow()

    assert table.schema.types == [pa.string(), pa.string(), pa.int64()]
    assert table.num_rows == 0


@pytest.mark.parametrize("name", ["k", 'k"', "k\\", "k\n"])
@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            {"v.n": {"@": {"value": 1}, "z": {"value": 2}}},
            "object contains unknown field `z`; the pivots of this result",
        ),
        ({"v.n": {TOTAL_KEY: {"value": 2}}}, "object contains unknown field `$$$_row_total_$$$`; the pivots of this"),
        ({"v.n": {"value": 1}}, "object contains unknown field `value`"),
        ({"v.n": {"@": 1}}, "expected `object`, got `int`"),
        ({"v.n": {"@": None}}, "expected `object`, got `null`"),
        ({"v.n": {"@": {"rendered": "1"}}}, "object missing required field `value`"),
        ({"v.n": {"@": {"@": {"value": 1}}}}, "object missing required field `value`"),
        ({"v.n": None}, "expected `object`, got `null`"),
        ({"v.n": [{"value": 1}]}, "expected `object`, got `array`"),
        ({"v.a": {"@": {"value": "x"}}}, "object missing required field `value`"),
    ],
)
def test_cells_that_contradict_the_pivots_are_refused(name: str, row: Any, text: str) -> None:
    """By their row, whether or not a key needs escapes; never a null in place of what is there."""
    rows = [{"v.a": cell("x"), "v.n": {"@": cell(0)}}, row]
    data = json.loads(json.dumps(rows).replace("@", json.dumps(name)[1:-1]))
    body = detail([A, N], [P], [pivot(name, p=name)], [], data=data)

    with pytest.raises(PayloadError) as caught:
        decode(body).to_arrow()
    assert "row 1" in str(caught.value)
    assert text in str(caught.value)


KEYS = st.text(st.sampled_from('ab"\\|{}[]:,é\n\x00\x7f/'), max_size=4) | st.sampled_from(
    ["value", "rendered", "v.n", "looker_error", "c0", "|FIELD|", "null", "v.p___null"]
)
VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(0, 9).map(str)


@given(
    st.lists(KEYS, unique=True, min_size=1, max_size=4),
    st.lists(st.lists(VALUES | st.just(...), min_size=8, max_size=8), max_size=4),
    st.sampled_from([1, 40, 10_000]),
    st.booleans(),
)
def test_any_key_is_found(keys: list[str], rows: list[list[Any]], size: int, has_total: bool) -> None:
    """However JSON spells it, in pieces of any size, beside absent cells and values of another JSON type."""
    pivots = [pivot(key, p=key) for key in keys] + ([pivot(TOTAL_KEY, p=None)] if has_total else [])
    all_keys = [item["key"] for item in pivots]
    written = [
        {"v.a": "x", "v.n": {key: value for key, value in zip(all_keys, row, strict=False) if value is not ...}}
        for row in rows
    ]
    due = [[None if v in (..., None) else int(v) for v in row] for row in rows]
    body = detail([A, N], [P], pivots, written)
    with piece_size(size):
        wide, long = decode(body), decode(body, decoding=LONG)
        tables = wide.to_arrow(), long.to_arrow()

    columns = [tables[0].column(place + 1).to_pylist() for place in range(len(keys))]
    assert columns == [[row[place] for row in due] for place in range(len(keys))]
    assert tables[1].to_pydict() == {
        "v.a": ["x"] * len(rows) * len(keys),
        "v.p": keys * len(rows),
        "v.n": [row[place] for row in due for place in range(len(keys))],
    }
    for result in (wide, long):
        totals = None if result.row_totals is None else result.row_totals["v.n"].to_pylist()
        assert totals == ([row[len(keys)] for row in due] if has_total else None)


# -- pandas and Parquet ------------------------------------------------------------------------------------------------


def frames_body() -> bytes:
    """Write a result that is pivoted by two fields, with much that is known of it."""
    pivots = [pivot("k|FIELD|1", p="k", q=1), pivot("é|FIELD|v.q___null", p="é", q=None)]
    calculation = Col("c", "number", "table_calculations", "Calc", pivoted=False)
    rows = [{"v.a": "x", "v.n": {"k|FIELD|1": 1, "é|FIELD|v.q___null": 2}, "c": 0.5}]
    facts: dict[str, Any] = {
        "id": "t1",
        "sql": "SELECT 'é'",
        "timezone": "Europe/Berlin",
        "from_cache": False,
        "applied_filters": {"v.a": {"value": "x", "n": [1, None]}},
    }
    return detail(
        [Col("v.a", label="V A"), Col("v.n", "count", "measures", "Count"), calculation], [P, Q], pivots, rows, **facts
    )


def test_a_multiindex_has_a_level_for_each_pivot_field() -> None:
    """What is not pivoted has empty texts there; the values are those of the flat columns."""
    result = decode(frames_body())
    flat, frame = result.to_pandas(), result.to_pandas(multiindex=True)

    assert list(flat.columns) == ["v.a", "v.n|k|1", "v.n|é|null", "c"]
    found: list[Any] = frame.columns.tolist()
    assert found == [("v.a", "", ""), ("v.n", "k", "1"), ("v.n", "é", "null"), ("c", "", "")]
    assert frame.columns.names == ["field", "v.p", "v.q"]
    assert frame.to_numpy().tolist() == flat.to_numpy().tolist()
    assert frame["v.n"]["é"]["null"].tolist() == [2]
    assert list(result.to_pandas().columns) == list(flat.columns)


@pytest.mark.parametrize(
    ("decoding", "columns", "names"),
    [
        (
            Decoding(names="label"),
            [("V A", "", ""), ("Count", "k", "1"), ("Count", "é", "null"), ("Calc", "", "")],
            ["field", "v.p", "v.q"],
        ),
        (
            Decoding(cells=("value", "rendered")),
            [
                *[("v.a", "", ""), ("v.a.rendered", "", ""), ("v.n", "k", "1"), ("v.n.rendered", "k", "1")],
                *[("v.n", "é", "null"), ("v.n.rendered", "é", "null"), ("c", "", ""), ("c.rendered", "", "")],
            ],
            ["field", "v.p", "v.q"],
        ),
    ],
    ids=["label", "cells"],
)
def test_a_multiindex_has_the_names_that_were_asked_for(
    decoding: Decoding, columns: list[tuple[str, ...]], names: list[str]
) -> None:
    """Labels, members of cells."""
    frame = decode(frames_body(), decoding=decoding).to_pandas(multiindex=True)

    found: list[Any] = frame.columns.tolist()
    assert found == columns
    assert frame.columns.names == names


def test_without_pivots_there_is_no_multiindex() -> None:
    """Rows that are long, or were never pivoted, have nothing to put into another."""
    unpivoted = detail([A, N], [], [], [{"v.a": "x", "v.n": 1}])
    for result, due in (
        (decode(unpivoted), ["v.a", "v.n"]),
        (decode(frames_body(), decoding=LONG), ["v.a", "v.p", "v.q", "v.n", "c"]),
    ):
        frame = result.to_pandas(multiindex=True)
        assert frame.columns.tolist() == due
        assert not isinstance(frame.columns, pd.MultiIndex)


def test_attributes_of_a_frame_are_json() -> None:
    """Pandas writes them into Parquet, and reads them back; so does whoever keeps them elsewhere."""
    for decoding in (WIDE, LONG, Decoding(cells=("value", "links"), names="label")):
        frame = decode(
            frames_body(), decoding=decoding, context={"query_id": "q", "at": dt.date(2024, 1, 1)}
        ).to_pandas()
        assert json.loads(json.dumps(frame.attrs)) == frame.attrs
        assert frame.attrs["sql"] == "SELECT 'é'"
        assert frame.attrs["query_id"] == "q"
        assert frame.attrs["at"] == "2024-01-01"
        assert frame.attrs["applied_filters"] == {"v.a": {"value": "x", "n": [1, None]}}
        assert list(frame.attrs["fields"]) == list(frame.columns)

        file = io.BytesIO()
        frame.to_parquet(file)
        back = pd.read_parquet(file, dtype_backend="pyarrow")
        assert back.attrs == frame.attrs
        pd.testing.assert_frame_equal(back, frame)


def test_attributes_of_a_frame_say_what_looker_says_of_its_columns() -> None:
    """Name, type and label of the field, and the pivot's values as JSON."""
    fields = decode(frames_body()).to_pandas().attrs["fields"]

    assert fields["v.a"] == {"name": "v.a", "type": "string", "label": "V A", "category": "dimension"}
    assert fields["v.n|é|null"] == {
        "name": "v.n",
        "type": "count",
        "label": "Count",
        "category": "measure",
        "pivot": '["é", null]',
    }


def test_attributes_are_the_frames_own() -> None:
    """Whoever changes them changes no other frame, nor the result."""
    result = decode(frames_body())
    result.to_pandas().attrs["applied_filters"]["v.a"]["value"] = "changed"

    assert result.to_pandas().attrs["applied_filters"]["v.a"]["value"] == "x"
    assert result.metadata["applied_filters"]["v.a"]["value"] == "x"


def test_metadata_of_the_schema_is_text() -> None:
    """Known words as they are, the rest as JSON; it survives a Parquet file."""
    table = decode(frames_body()).to_arrow()
    file = io.BytesIO()
    pq.write_table(table, file)
    back = pq.read_schema(file)

    assert back.metadata[b"looker.sql"] == "SELECT 'é'".encode()
    assert back.metadata[b"looker.timezone"] == b"Europe/Berlin"
    assert json.loads(back.metadata[b"looker.applied_filters"]) == {"v.a": {"value": "x", "n": [1, None]}}
    assert json.loads(back.metadata[b"looker.from_cache"]) is False
    assert json.loads(back.field("v.n|é|null").metadata[b"lookml.pivot"]) == ["é", None]
    assert back.field("v.n|k|1").metadata[b"lookml.label"] == b"Count"


def test_public_decode_takes_the_options(tmp_path: Path) -> None:
    """From a file, by the words that the readers take."""
    path = tmp_path / "saved.json"
    path.write_bytes(frames_body())

    with lf.decode(path, "json_detail", pivots="long", names="label_short", numbers="float64") as result:
        table = result.to_arrow()
    assert table.schema.names == ["V A", "v.p", "v.q", "Count", "Calc"]
    assert table.schema.field("v.q").type == pa.float64()
