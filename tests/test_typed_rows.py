"""`RowDecoder`: one piece of JSON rows becomes one array for each column."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lookerframe.columns import Column, Decoding
from lookerframe.exceptions import ConversionError, PayloadError, PayloadLimitError
from lookerframe.fields import Field
from lookerframe.layout import Layout
from lookerframe.typed_rows import RowDecoder

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Names that are hard on a decoder: JSON's own punctuation, names of its own attributes, names that need escapes.
NAMES = [
    "v.a",
    "value",
    "links",
    "c0",
    "c1",
    "looker_error_",
    "",
    " ",
    ",",
    ":",
    "{",
    "a/b",
    "é😀",
    "$$$_x_$$$",
    "class",
    "__init__",
    "\x7f",
    "a" * 3000,
]
ESCAPED = ['a"b', "a\\b", "a\nb", "\x00", '","b":1,"']


PIVOTED = "so it is in a pivoted result whose metadata lists no pivots"


def columns_of(names: list[str], kind: str, *, in_cells: bool) -> tuple[Column, ...]:
    """Make columns of one type that stand in rows under their names."""
    fields = [Field(name, kind, measure=False) for name in names]
    layout = Layout(
        fields,
        decoding=Decoding(),
        path=lambda field, _pivot, part: (field.name, part) if in_cells else (field.name,),
    )
    return layout.columns


def decoder(names: list[str], *, kind: str = "number", in_cells: bool = True, closed: bool = False) -> RowDecoder:
    """Make a decoder of columns of one type."""
    return RowDecoder(
        columns_of(names, kind, in_cells=in_cells),
        in_cells=in_cells,
        result_format="json_detail" if in_cells else "json",
        closed=closed,
    )


def piece(rows: list[Any], *, in_cells: bool = True) -> memoryview:
    """Write rows of values."""
    cells = [{k: {"value": v} for k, v in row.items()} for row in rows] if in_cells else rows
    return memoryview(json.dumps(cells).encode())


@pytest.mark.parametrize("in_cells", [True, False])
@pytest.mark.parametrize("name", NAMES + ESCAPED, ids=lambda name: repr(name[:20]))
def test_any_name_is_found(name: str, in_cells: bool) -> None:
    """Alone, first and last, however JSON spells it; each on the fast way and on the exact one."""
    others = ["v.x", "v.y"]
    for names in ([name], [name, *others], [*others, name]):
        rows: list[dict[str, Any]] = [dict.fromkeys(names, n) for n in range(3)]
        for row in ({}, {name: "7"}):
            found = decoder(names, in_cells=in_cells)(piece([*rows, row], in_cells=in_cells))
            expected = [0, 1, 2, 7 if row else None]
            assert [array.to_pylist() for array in found.arrays] == [
                expected if column == name else [0, 1, 2, None] for column in names
            ]
            assert (found.first_row, found.rows) == (0, 4)


def test_all_names_at_once() -> None:
    """None of them gets in the way of another."""
    names = NAMES + ESCAPED
    row = {name: n for n, name in enumerate(names)}

    for some in (NAMES, names):
        found = decoder(some)(piece([row]))
        assert [array.to_pylist() for array in found.arrays] == [[row[name]] for name in some]


@pytest.mark.parametrize("names", [["v.a", "v.b"], ["v.a", 'v."b']])
def test_members_come_in_any_order_and_may_be_absent_or_unlisted(names: list[str]) -> None:
    """A listed member that a row lacks is null; unlisted ones are named, and skipped whatever they hold."""
    one, two = names
    rows: list[dict[str, Any]] = [
        {one: {"value": 1}, two: {"value": 2}},
        {two: {"rendered": "x", "value": 3, "links": [{one: {"value": 9}}]}, one: {"value": 4, "value_": 5}},
        {two: {"value": 5}},
        {},
        {"v.z": [1, {"value": 2}], one: {"value": None}, "v.y": "text"},
    ]
    decode = decoder(names)
    found = decode(memoryview(json.dumps(rows).encode()))

    assert [array.to_pylist() for array in found.arrays] == [[1, 4, None, None, None], [2, 3, 5, None, None]]
    assert decode.unlisted == {}
    decode(memoryview(json.dumps(rows[::-1]).encode()))
    assert list(decode.unlisted) == ["v.z", "v.y"]


def test_rows_of_other_fields_are_refused_by_the_first() -> None:
    """Nulls in all columns would look like a result; a later row without any of them is one, wherever pieces end."""
    body = memoryview(b'[{"Label A":1,"Label B":{"value":2}}]')
    with pytest.raises(
        PayloadError, match=r"row 0 has 'Label A', 'Label B', but none of the fields .*: 'v\.a'; labels"
    ):
        decoder(["v.a"])(body)

    decode = decoder(["v.a"])
    decode(memoryview(b"[{}]"))
    assert decode(body).arrays[0].to_pylist() == [None]
    assert list(decode.unlisted) == ["Label A", "Label B"]


def test_pieces_count_on() -> None:
    """Rows are numbered over all pieces, in errors too."""
    decode = decoder(["v.a"])
    assert [decode(piece([{"v.a": n}] * 3)).first_row for n in range(4)] == [0, 3, 6, 9]
    assert decode.rows == 12

    with pytest.raises(ConversionError) as caught:
        decode(piece([{"v.a": 1}, {"v.a": "x"}]))
    assert caught.value.row == 13
    with pytest.raises(PayloadError, match=r"^json_detail: row 13 v.a: expected `object`, got `int`$"):
        decode(memoryview(b'[{"v.a":{"value":1}},{"v.a":1}]'))
    assert decode.rows == 12


def test_an_order_that_no_row_has_shown_is_not_kept() -> None:
    """A first row that is empty says nothing about the order of the next ones."""
    decode = decoder(["v.a", "v.b"])
    decode(piece([{}]))
    assert not decode._order_is_met
    decode(piece([{"v.b": 1, "v.a": 2}]))
    assert decode._order == (1, 0)
    assert [array.to_pylist() for array in decode(piece([{"v.a": 3, "v.b": 4}])).arrays] == [[3], [4]]


@pytest.mark.parametrize("name", ["v.a", 'v."a'])
@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([{"@": 1}], "row 0 @: expected `object`, got `int`"),
        ([{"@": {"value": 1}}, {"@": None}], "row 1 @: expected `object`, got `null`"),
        ([{"@": {"value": 1}}, {"@": [1]}], "row 1 @: expected `object`, got `array`"),
        (
            [{"@": {"rendered": "1"}}],
            f"row 0 @: object missing required field `value`; {PIVOTED}",
        ),
        ([{"@": {"value": 1}}, [1]], "row 1: expected `object`, got `array`"),
        ([None], "row 0: expected `object`, got `null`"),
        (["@"], "row 0: expected `object`, got `str`"),
    ],
)
def test_rows_of_another_shape_are_refused_by_place(name: str, rows: list[Any], text: str) -> None:
    """With row and field, in msgspec's words."""
    body = json.loads(json.dumps(rows).replace("@", json.dumps(name)[1:-1]))
    with pytest.raises(PayloadError) as caught:
        decoder([name])(memoryview(json.dumps(body).encode()))

    assert str(caught.value) == "json_detail: " + text.replace("@", name)
    assert caught.value.result_format == "json_detail"


@pytest.mark.parametrize("name", ["v.a", 'v."a'])
def test_closed_rows_have_no_other_members(name: str) -> None:
    """Where the first row says which columns there are, a later one must not have more."""
    decode = decoder([name], in_cells=False, closed=True)
    assert decode(piece([{name: 1}, {}], in_cells=False)).rows == 2

    with pytest.raises(PayloadError, match=r"contains unknown field `b`.*give fields="):
        decode(piece([{name: 1}, {name: 2, "b": 3}], in_cells=False))


@pytest.mark.parametrize("in_cells", [True, False])
@pytest.mark.parametrize("names", [["v.a"], ['v."a']])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_error_rows_are_never_data(names: list[str], position: int, in_cells: bool) -> None:
    """First, middle or last, in a piece with well-typed and with ill-typed values: from there on, all are gathered."""
    for value in (1, "7", "no number"):
        good = {names[0]: {"value": 1} if in_cells else 1}
        rows: list[dict[str, Any]] = [{names[0]: {"value": value} if in_cells else value} for _ in range(2)]
        rows.insert(position, {"looker_error": "division by zero"})
        rows.append({"looker_error": None})
        decode = decoder(names, in_cells=in_cells)
        bodies = [json.dumps(some).encode() for some in ([good], rows, [good], [{"looker_error": "late"}])]
        pieces = list(decode.data(decode(memoryview(body)) for body in bodies))

        assert decode.errors == ["division by zero", None, "late"]
        assert [found.rows for found in pieces] == [1]
        assert decode.rows == 1


def test_error_rows_are_kept_up_to_a_limit() -> None:
    """A body of nothing else does not fill the memory."""
    decode = decoder(["v.a"])
    for _ in range(20):
        decode(memoryview(json.dumps([{"looker_error": "x"}] * 100).encode()))

    assert len(decode.errors) == 1000


@pytest.mark.parametrize("other", ["v.a", 'v."a'])
def test_a_column_may_be_named_as_the_error_is(other: str) -> None:
    """If the metadata lists it, it holds values."""
    names = ["looker_error", other]
    for in_cells in (True, False):
        columns = columns_of(names, "string", in_cells=in_cells)
        decode = RowDecoder(columns, in_cells=in_cells, result_format="json")
        found = decode(piece([{"looker_error": "x", other: "y"}, {other: "z"}], in_cells=in_cells))
        assert [array.to_pylist() for array in found.arrays] == [["x", None], ["y", "z"]]


def test_rows_without_a_single_column_are_refused() -> None:
    """They would be lost; without rows there is nothing to lose."""
    decode = decoder([])
    assert decode(memoryview(b"[]")).rows == 0

    with pytest.raises(PayloadError, match="there are rows, but no field is known that they could have"):
        decode(piece([{"v.a": 1}]))


def test_values_outlive_the_piece() -> None:
    """The bytes may change as soon as the call is over."""
    columns = columns_of(["v.a", "v.b"], "string", in_cells=True)
    for rows in ([{"v.a": "x", "v.b": "y"}], [{"v.a": "x", "v.b": 1.10}]):
        buffer = bytearray(piece(rows))
        with memoryview(buffer) as view:
            found = RowDecoder(columns, in_cells=True, result_format="json_detail")(view)
        buffer[:] = b" " * len(buffer)
        del buffer[:10]
        assert [array.to_pylist()[0] for array in found.arrays] == [str(value) for value in rows[0].values()]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'[{"v.a":{"value":1}', msgspec.DecodeError),
        (b'[{"v.a":{"value":1}},]', msgspec.DecodeError),
        (b'[{"v.a":{"value":"x"}},]', msgspec.DecodeError),
        (b'[{"v.a":{"value":"x","rendered":"\xff"}}]', UnicodeDecodeError),
        (b'[{"v.a":{"value":1}},{"v.a":{"value":1,"links":' + b"[" * 100_000 + b"]" * 100_000 + b"}}]", RecursionError),
        (b'[{"v.a":{"value":1,"links":' + b"[" * 100_000 + b"]" * 100_000 + b"}}]", PayloadLimitError),
        (b'[{"v.a":{"value":1,"value":2}}]', PayloadError),
    ],
)
def test_what_callers_translate_comes_out(body: bytes, error: type[Exception]) -> None:
    """`RowArray` knows the classes of errors for bytes that are not well-formed."""
    with pytest.raises(error) as caught:
        decoder(["v.a"])(memoryview(body))
    assert type(caught.value) is error


@pytest.mark.parametrize("extra", [{}, {"rendered": "x"}, {"links": [{"value": 5}]}, {"html": "<b>", "sort_value": 2}])
def test_what_stands_beside_the_value_is_skipped(extra: Mapping[str, Any]) -> None:
    """Before and after it, and a `value` inside of it is another one."""
    rows = [{"v.a": {"value": 1, **extra}}, {"v.a": {**extra, "value": 2}}, {"v.a": {**extra, "value": "3", **extra}}]

    (array,) = decoder(["v.a"])(memoryview(json.dumps(rows).encode())).arrays
    assert array.to_pylist() == [1, 2, 3]


def test_conversion_errors_cross_processes() -> None:
    """Also those whose value was read from its characters."""
    with pytest.raises(ConversionError) as caught:
        decoder(["v.a"])(memoryview(b'[{"v.a":{"value":{"x":[1e400]}}}]'))

    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert str(copy) == str(caught.value)
