"""``json``: an array of flat rows, with metadata from elsewhere or none."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest

from lookerframe import formats
from lookerframe.columns import Decoding
from lookerframe.exceptions import (
    ConfigError,
    ConversionError,
    LookerSQLError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.payload import Payload
from tests.writers import Col, chunked, decode, dumped, json_rows, metadata, piece_size

COLUMNS = [Col("v.a"), Col("v.day", "date_date"), Col("v.n", "count", "measures")]
NO_METADATA = "no field metadata was given: types are inferred from the values; give fields= for Looker's"


@pytest.mark.parametrize("size", [1, 20, 10_000])
def test_metadata_gives_columns_order_and_types(size: int) -> None:
    """A column that a row lacks is null there; a member that nothing describes is noted."""
    rows: list[dict[str, Any]] = [
        {"v.n": 1, "v.day": "2026-01-31", "v.a": 5, "v.z": [1]},
        {"v.n": None},
        {"v.a": "x", "v.z": {}},
    ]
    with piece_size(size):
        result = decode(json_rows(rows), "json", columns=COLUMNS)
        table = result.to_arrow()

    assert table.to_pydict() == {
        "v.a": ["5", None, "x"],
        "v.day": [dt.date(2026, 1, 31), None, None],
        "v.n": [1, None, None],
    }
    assert table.schema.types == [pa.string(), pa.date32(), pa.int64()]
    assert result.notes == ("rows have members that no field metadata describes; they are not in the table: v.z",)


@pytest.mark.parametrize("size", [1, 20, 10_000])
def test_without_metadata_types_are_inferred_and_it_is_said(size: int) -> None:
    """The first row says which columns there are, all rows of which type; texts stay texts."""
    rows: list[dict[str, Any]] = [
        {"a": 1, "b": 1, "c": "2026-01-31", "d": True, "e": None, "f": "00123"},
        {"a": 2, "b": 2.5, "c": None, "d": False, "e": None, "f": ""},
        {"b": None, "f": "x", "a": None},
    ]
    with piece_size(size):
        result = decode(json_rows(rows), "json")
        table = result.to_arrow()

    assert table.to_pydict() == {
        "a": [1, 2, None],
        "b": [1.0, 2.5, None],
        "c": ["2026-01-31", None, None],
        "d": [True, False, None],
        "e": [None, None, None],
        "f": ["00123", "", "x"],
    }
    expected = [pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.string(), pa.string()]
    assert table.schema.types == expected
    assert result.notes == (
        NO_METADATA,
        "int64 was chosen by the values of all rows for a",
        "float64 was chosen by the values of all rows for b",
        "string was chosen by the values of all rows for c, e, f",
        "bool was chosen by the values of all rows for d",
    )


@pytest.mark.parametrize("size", [1, 20, 10_000])
@pytest.mark.parametrize(
    ("rows", "error", "text"),
    [
        (
            [{"a": 1}, {"a": 2}, {"a": 3, "b": 4}],
            PayloadError,
            "row 2: object contains unknown field `b`; .*give fields=",
        ),
        (
            [{}, {"a": 1}],
            PayloadError,
            "row 1: object contains unknown field `a`|no field is known that they could have",
        ),
        ([{}], PayloadError, "there are rows, but no field is known that they could have"),
        (
            [{"a": 1}, {"a": "x"}],
            ConversionError,
            "column 'a', row [01]: .* several types: give dtypes={'a': 'string'}",
        ),
        (
            [{"a": True}, {"a": 1}],
            ConversionError,
            "column 'a', row [01]: .* several types: give dtypes={'a': 'string'}",
        ),
        ([{"a": {"p": 1}}], PayloadError, "row 0 a: expected values by p, met {'p': 1}"),
        ([{"a": {"p": {"x": 1}}}, {"a": {"q": {"x": 1}}}], PayloadError, "row 1 a: object contains unknown field `q`"),
        ([{"a": {"p": {"x": 1}}}, {"a": 1}], PayloadError, "row 1 a: expected `object`, got `int`"),
        ([{"a": {"p": {"x": 1}}}, {"a": {"p": {"x": {"q": 1}}}}], ConversionError, "there is an object where a plain"),
        ([{"a": [1]}], ConversionError, "dtypes={'a': 'string'}"),
        ([{"a": 2**63}], ConversionError, "dtypes={'a': 'decimal128'}"),
        ([1, 2], PayloadError, "row 0: expected `object`, got `int`|row 1: expected"),
        ([[{"a": 1}]], PayloadError, "row 0: expected `object`, got `array`"),
    ],
)
def test_without_metadata_nothing_is_guessed(rows: Any, error: type[Exception], text: str, size: int) -> None:
    """What the first row did not have, and what is of several types, is refused, whatever the pieces."""
    with piece_size(size), pytest.raises(error, match=text) as caught:
        decode(dumped(rows), "json").to_arrow()
    assert type(caught.value) is error


def test_dtypes_help_without_metadata() -> None:
    """Columns of several types become text, in their own spelling."""
    decoding = Decoding(dtypes={"a": "string", "b": "date32"})
    body = b'[{"a":1.10,"b":"2026-01-31"},{"a":"x","b":null},{"a":{"p":1},"b":"2026-02"}]'
    table = decode(body, "json", decoding=decoding).to_arrow()

    assert table.to_pydict() == {
        "a": ["1.10", "x", '{"p":1}'],
        "b": [dt.date(2026, 1, 31), None, dt.date(2026, 2, 1)],
    }


def test_empty_result() -> None:
    """With metadata it has its columns; without, none, and a note says why."""
    for body in (b"[]", b" [ ] \n"):
        assert decode(body, "json", columns=COLUMNS).to_arrow().schema.names == ["v.a", "v.day", "v.n"]
        bare = decode(body, "json")
        assert bare.to_arrow().shape == (0, 0)
        assert bare.notes == (NO_METADATA,)


@pytest.mark.parametrize("described", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        b'[{"looker_error":"boom"}]',
        b'[{"looker_error":"boom"},{"looker_error":"boom"}]',
        b'[{"v.a":"x"},{"looker_error":"boom"}]',
        b'[{"v.a":"x","looker_error":"boom"}]',
        b'[{"looker_error":"boom","v.a":"x"},{"v.a":"x"}]',
        b'[{"v.a":"x"},{"v.a":"y","looker_error":"boom"},{"v.a":"z"}]',
    ],
)
def test_error_rows_raise(body: bytes, described: bool) -> None:
    """Alone, beside values, or after them; and nothing is looked up for a query that failed outright."""
    asked = []

    def fields() -> dict[str, Any]:
        asked.append(True)
        return metadata(COLUMNS)

    for size in range(1, len(body) + 1):
        with pytest.raises(LookerSQLError) as caught:
            formats.decode(Payload("json", chunked(body, size), fields=fields if described else None))
        assert [issue.message for issue in caught.value.issues] == ["boom"] * body.count(b"boom")
        assert caught.value.sql is None
    assert bool(asked) is (described and b"v.a" in body)


def test_metadata_is_asked_for_once() -> None:
    """It may cost a call."""
    asked = []

    def fields() -> dict[str, Any]:
        asked.append(True)
        return metadata(COLUMNS)

    formats.decode(Payload("json", [json_rows([{"v.a": "x"}] * 3)], fields=fields)).to_arrow()
    assert asked == [True]


MEASURES = [
    Col("v.n", "count", "measures"),
    Col("v.n", "sum", "measures"),
    Col("v.n", "string", "measures"),
    Col("v.n", "list", "measures"),
    Col("v.n", None, "measures"),
    Col("v.n", "string", "table_calculations"),
    Col("v.n", "string", "table_calculations", pivoted=False),
    Col("v.n", None, "table_calculations"),
]


@pytest.mark.parametrize("column", MEASURES, ids=lambda column: f"{column.group}-{column.type}-{column.pivoted}")
@pytest.mark.parametrize("size", [1, 10_000])
def test_pivoted_rows_are_known_by_their_values(column: Col, size: int) -> None:
    """Where metadata lists no pivots, a measure of any type that is an object is pivoted; no text is made of it."""
    value = ["q"] if column.type == "list" else "q" if column.type == "string" else 1
    rows = [{"v.a": "x", "v.n": {"v.p": {"x": value, "": None}}}, {"v.a": "y", "v.n": {"v.p": {"z": value}}}]
    with piece_size(size):
        table = decode(json_rows(rows), "json", columns=[Col("v.a"), column]).to_arrow()

    assert table.to_pydict() == {
        "v.a": ["x", "y"],
        "v.n|x": [value, None],
        "v.n|null": [None, None],
        "v.n|z": [None, value],
    }


@pytest.mark.parametrize("column", MEASURES, ids=lambda column: f"{column.group}-{column.type}-{column.pivoted}")
def test_values_under_no_pivot_are_refused(column: Col) -> None:
    """Where no row has a pivot, a value of a pivoted field would be in no column."""
    facts: dict[str, Any] = {"columns": [Col("v.a"), column], "pivots": [Col("v.p")]}
    bare: list[Any] = [{"v.q": {"k": 1}}, {"v.p": 1}]
    if column.group == "measures":
        bare += [5, [], "x", 0, False, ""]
    for value in bare:
        rows: list[dict[str, Any]] = [{"v.a": "x", "v.n": {"v.p": {}}}, {"v.a": "y", "v.n": value}]
        with pytest.raises(PayloadError, match=r"row 1 v\.n: expected values by v\.p, met "):
            decode(json_rows(rows), "json", **facts)
    nothing: list[Any] = [{"v.p": {}}, {}, None, {"v.p": None}]
    empty = [{"v.a": "x", "v.n": value} for value in nothing]
    result = decode(json_rows(empty), "json", **facts)
    assert result.to_arrow().to_pydict() == {"v.a": ["x"] * 4}
    assert result.notes == ()


@pytest.mark.parametrize("column", MEASURES, ids=lambda column: f"{column.group}-{column.type}-{column.pivoted}")
def test_values_that_are_nested_in_one_row_alone_are_refused(column: Col) -> None:
    """The first row says what is pivoted; no text is made of an object."""
    nested = {"v.p": {"x": 1, "y": None}}
    rows: list[dict[str, Any]] = [{"v.a": "x", "v.n": None}, {"v.a": "y", "v.n": nested}]
    for some in (rows, rows[::-1]):
        with pytest.raises((ConversionError, PayloadError)) as caught:
            decode(json_rows(some), "json", columns=[Col("v.a"), column]).to_arrow()
        assert "row 1" in str(caught.value) or (column.type == "list" and "row 0: 1 is not" in str(caught.value))


@pytest.mark.parametrize("fields", [[{"name": "v.a"}], {"dimensions": [{"type": "string"}]}, "v.a", 5])
def test_metadata_of_another_shape_is_the_callers_mistake(fields: Any) -> None:
    """Told at once, with what is expected."""
    with pytest.raises(ConfigError, match="field metadata is an object with the lists 'dimensions', 'measures'"):
        formats.decode(Payload("json", [b'[{"v.a":1}]'], fields=lambda: fields))


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        (b'{"message":"Not found"}', UnexpectedContentError, "expected a JSON array of rows, met"),
        (b'[{"\\ud800":1}]', PayloadError, "half of a surrogate pair in the member name"),
        (b'[{"a":1}]]', PayloadError, "text stands after the end of the rows: ']'"),
        (b'[{"a":1}][{"a":2}]', PayloadError, "text stands after the end of the rows"),
        (b'[{"a":1}]\nQuery killed', PayloadError, "text stands after the end of the rows: 'Query killed'"),
        (b'[{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}]", PayloadLimitError, "a value is nested too deeply"),
    ],
)
@pytest.mark.parametrize("described", [True, False])
def test_other_bodies_are_refused(body: bytes, error: type[PayloadError], text: str, described: bool) -> None:
    """With and without metadata."""
    columns = [Col("a", "number")] if described else None
    for size in (1, 4096) if len(body) < 1000 else (4096,):
        with pytest.raises(error, match=text):
            decode(chunked(body, size), "json", columns=columns)


def test_labels_are_no_names_even_if_some_are() -> None:
    """A calculation is called by its label in both, so one name that fits says nothing of the others."""
    fields = metadata([Col("a.s"), Col("a.c", "count", "measures"), Col("margin", "number", "table_calculations")])
    fields["dimensions"][0]["label"] = "A S"
    fields["measures"][0]["label"] = "A C"
    body = dumped([{"A S": "x", "A C": 5, "margin": 0.5}])

    with pytest.raises(PayloadError, match=r"row 0 has 'A S', 'A C', 'margin', but not all of .* json_label"):
        formats.decode(Payload("json", [body], fields=lambda: fields))
    table = formats.decode(Payload("json_label", [body], fields=lambda: fields)).to_arrow()
    assert table.to_pydict() == {"a.s": ["x"], "a.c": [5], "margin": [0.5]}


def test_supermeasures_stand_outside_of_the_pivot() -> None:
    """They have one value in a row."""
    fields = metadata([Col("v.a"), Col("v.n", "count", "measures"), Col("v.all", "count", "measures")])
    fields |= {"pivots": [{"name": "v.p", "type": "string"}], "supermeasure_like": [{"name": "v.all"}]}
    body = dumped([{"v.a": "x", "v.n": {"v.p": {"k": 1}}, "v.all": 7}])

    table = formats.decode(Payload("json", [body], fields=lambda: fields)).to_arrow()

    assert table.to_pydict() == {"v.a": ["x"], "v.n|k": [1], "v.all": [7]}
