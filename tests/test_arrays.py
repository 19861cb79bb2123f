"""Readers: decoded values become typed arrays, or an error that says which value did not."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from lookerframe import arrays
from lookerframe.arrays import Reader, build_array, fit, read_exactly, type_name
from lookerframe.exceptions import ConversionError

READERS: dict[str, Reader] = {
    name: reader for name, reader in vars(arrays).items() if isinstance(reader, Reader) and name.isupper()
}
CANONICAL = {
    pa.int64(),
    pa.float64(),
    pa.bool_(),
    pa.string(),
    pa.date32(),
    pa.timestamp("us"),
    pa.list_(pa.string()),
    pa.decimal128(38, 0),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("values", [[], [None], [None, None, None]])
def test_columns_without_values_have_a_canonical_type(reader: Reader, values: list[None]) -> None:
    """No rows and nulls alone: never Arrow's null type in the end."""
    array = build_array(reader, values, column="a", first_row=0)
    settled = reader.settle([array.type] if values else [])

    assert settled in CANONICAL
    assert fit(array, settled, column="a", first_row=0).equals(pa.nulls(len(values), settled))


SPELT = [
    *["1", "-0", "7.0", "1.5e-7", "1e400", "9007199254740993", "9223372036854775808", "1" * 300, "1" * 1001],
    *["1e99999999999999999999", '"x"', '""', '"Yes"', "true", "[]", '["a",null]', "[1,[2]]", "{}"],
    *['"2017-09-03"', '"2017-02-30"', '"2017-Q3"', '"0000-01"', '"FY17"', '"2014-09-03 17:15"'],
    *['"NaN"', '"1_000"', '"' + "1" * 5000 + '"', '"1e999999999"'],
]


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("spelt", SPELT, ids=lambda spelt: spelt[:24])
def test_any_json_value_is_read_or_refused(reader: Reader, spelt: str) -> None:
    """On both ways, fast and exact: no error of pyarrow or msgspec comes out, and both make the same of a value."""
    made = []
    for value in values_of(reader, spelt):
        try:
            array = build_array(reader, [None, value], column="a", first_row=40)
        except ConversionError as exc:
            made.append((exc.column, exc.row, len(str(exc)) < 500))
        else:
            settled = reader.settle([array.type])
            assert settled in CANONICAL or pa.types.is_decimal128(settled)
            made.append(array.to_pylist())
    assert made[1:] == made[:-1]
    assert made in ([], [("a", 41, True)], [("a", 41, True)] * 2) or isinstance(made[0], list)


def values_of(reader: Reader, spelt: str) -> list[Any]:
    """Decode a value in each way that takes it."""
    found = []
    with contextlib.suppress(msgspec.ValidationError):
        found.append(msgspec.json.decode(spelt, type=reader.annotation))
    with contextlib.suppress(ConversionError):
        found.append(read_exactly(reader, msgspec.Raw(spelt.encode()), column="a", row=7))
    return found


def test_misfit_is_found_among_many_values() -> None:
    """The row counts over the whole result."""
    values = [*range(5_000), 2**63, *range(10)]

    with pytest.raises(ConversionError) as caught:
        build_array(arrays.INTEGER, values, column="v.n", first_row=100_000)

    assert str(caught.value) == (
        "column 'v.n', row 105,000: 9223372036854775808 is not a value of type int64; give dtypes={'v.n': 'decimal128'}"
    )


@pytest.mark.parametrize(
    ("values", "row"),
    [([1, 2, "x", None], 2), (["x", None, 1], 2), ([True, None, 1], 2), ([1, True], 1), ([None, 1.5, "x"], 2)],
)
def test_values_of_several_types_are_refused(values: list[Any], row: int) -> None:
    """Nothing is known of the column, and nothing is guessed."""
    with pytest.raises(ConversionError) as caught:
        build_array(arrays.INFERRED, values, column="a", first_row=0)

    assert caught.value.row == row
    assert "the column has values of several types: give dtypes={'a': 'string'} to have their text" in str(caught.value)


@pytest.mark.parametrize(
    ("reader", "values", "row", "text"),
    [
        (arrays.NUMBER, [1.5, 3, None, 2**53 + 1], 3, "of type float64; give dtypes={'a': 'decimal128'}"),
        (arrays.NUMBER, [-(2**60), 2**55, 0.5], 0, "of type float64; give dtypes={'a': 'decimal128'}"),
        (arrays.INFERRED, [2**60, 0.5], 0, "of type float64; give dtypes={'a': 'decimal128'}"),
        (arrays.INFERRED, [2**60, "x"], 1, "the column has values of several types"),
        (arrays.DECIMAL, [Decimal("0.1"), None, Decimal("1" * 38)], 2, "together the values need more than 38 digits"),
    ],
)
def test_values_that_fit_alone_but_not_together(reader: Reader, values: list[Any], row: int, text: str) -> None:
    """The one is named that stands in the way."""
    with pytest.raises(ConversionError) as caught:
        build_array(reader, values, column="a", first_row=0)

    assert (caught.value.row, caught.value.value) == (row, values[row])
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("reader", "types", "settled"),
    [
        (arrays.NUMBER, [pa.int64(), pa.null(), pa.int64()], pa.int64()),
        (arrays.NUMBER, [pa.int64(), pa.float64()], pa.float64()),
        (arrays.NUMBER, [pa.null()], pa.float64()),
        (arrays.DECIMAL, [pa.decimal128(38, 2), pa.decimal128(38, 5), pa.null()], pa.decimal128(38, 5)),
        (arrays.INFERRED, [pa.int64(), pa.float64()], pa.float64()),
        (arrays.INFERRED, [pa.null(), pa.bool_()], pa.bool_()),
        (arrays.INFERRED, [pa.int64(), pa.string()], pa.string()),
        (arrays.INFERRED, [pa.bool_(), pa.int64()], pa.string()),
        (arrays.TEXT, [pa.string()], pa.string()),
        (arrays.decimals(pa.decimal128(5, 2)), [], pa.decimal128(5, 2)),
    ],
)
def test_pieces_settle_on_one_type(reader: Reader, types: list[pa.DataType], settled: pa.DataType) -> None:
    """In whatever order the pieces come."""
    assert reader.settle(types) == reader.settle(types[::-1]) == settled


@pytest.mark.parametrize(
    ("array", "target", "expected"),
    [
        (pa.array([1, None]), pa.float64(), [1.0, None]),
        (pa.array([1.0, 2.0**60, None]), pa.int64(), [1, 2**60, None]),
        (pa.array([Decimal("1.5")]).cast(pa.decimal128(38, 1)), pa.decimal128(38, 3), [Decimal("1.500")]),
        (pa.array([Decimal("1.500")]).cast(pa.decimal128(38, 3)), pa.decimal128(38, 1), [Decimal("1.5")]),
        (pa.nulls(2), pa.string(), [None, None]),
        (pa.nulls(2), pa.list_(pa.string()), [None, None]),
        (pa.array(["x"]), pa.string(), ["x"]),
    ],
)
def test_fit_brings_a_piece_to_the_type_of_its_column(array: pa.Array, target: pa.DataType, expected: Any) -> None:
    """Where no value changes by it."""
    fitted = fit(array, target, column="a", first_row=0)

    assert fitted.type == target
    assert fitted.to_pylist() == expected


@pytest.mark.parametrize(
    ("array", "target", "row", "advice"),
    [
        (pa.array([1.0, None, 2.5, 3.5]), pa.int64(), 2, "dtypes={'a': 'float64'}"),
        (pa.array([1.0, 1e300]), pa.int64(), 1, "dtypes={'a': 'string'}"),
        (pa.array([1, 2**53 + 1]), pa.float64(), 1, "dtypes={'a': 'decimal128'}"),
        (pa.array([Decimal("1.5"), Decimal("1.55")]), pa.decimal128(38, 1), 1, "dtypes={'a': 'decimal128(38, 2)'}"),
        (pa.array([Decimal("1" * 38)]), pa.decimal128(38, 1), 0, "dtypes={'a': 'string'}"),
        (pa.array([None, 1]), pa.string(), 1, "dtypes={'a': 'string'}"),
        (pa.array([None, True]), pa.string(), 1, "dtypes={'a': 'string'}"),
        (pa.array(["x"]), pa.int64(), 0, "dtypes={'a': 'string'}"),
        (pa.array([True]), pa.int64(), 0, "dtypes={'a': 'string'}"),
    ],
)
def test_fit_refuses_what_would_change_a_value(array: pa.Array, target: pa.DataType, row: int, advice: str) -> None:
    """It names the value that would change, and a type that holds it."""
    with pytest.raises(ConversionError) as caught:
        fit(array, target, column="a", first_row=10)

    assert caught.value.row == 10 + row
    assert caught.value.value == array[row].as_py()
    assert caught.value.arrow_type == type_name(target)
    assert advice in str(caught.value)


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_null_is_null_in_every_column(reader: Reader) -> None:
    """The exact way knows it too."""
    assert read_exactly(reader, msgspec.Raw(b"null"), column="a", row=0) is None


@pytest.mark.parametrize("reader", [arrays.TEXT, arrays.WORDS], ids=["TEXT", "WORDS"])
@pytest.mark.parametrize("spelt", ["1.10", "1E5", "1" * 5000, "true", "[1.10, {}]", "1e99999999999999999999"])
def test_text_columns_keep_the_spelling(reader: Reader, spelt: str) -> None:
    """A number in a column of texts is its own characters."""
    assert read_exactly(reader, msgspec.Raw(spelt.encode()), column="a", row=0) == spelt


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_refusals_are_short(reader: Reader) -> None:
    """Also of values that are not."""
    for spelt in ('"' + "x" * 10_000 + '"', "[" + "1," * 5000 + "[1]]", '{"a":' + "1" * 5000 + "}"):
        try:
            read_exactly(reader, msgspec.Raw(spelt.encode()), column="a", row=0)
        except ConversionError as exc:
            text = str(exc)
            assert len(text) < 500


@pytest.mark.parametrize(
    ("arrow_type", "name"),
    [
        (pa.int64(), "int64"),
        (pa.float64(), "float64"),
        (pa.bool_(), "bool"),
        (pa.string(), "string"),
        (pa.date32(), "date32"),
        (pa.timestamp("us"), "timestamp[us]"),
        (pa.list_(pa.string()), "list<string>"),
        (pa.decimal128(38, 2), "decimal128(38, 2)"),
    ],
)
def test_types_are_named_as_dtypes_takes_them(arrow_type: pa.DataType, name: str) -> None:
    """What a message says can be given back."""
    assert type_name(arrow_type) == name
