"""Which Arrow type a LookML type becomes, and which JSON it takes: one table, for all formats."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lookerframe.columns import Decoding
from lookerframe.exceptions import ConfigError, ConversionError
from lookerframe.fields import Field, fields_of
from tests.writers import Col, decode, json_detail, metadata

INT, FLOAT, BOOL, TEXT = pa.int64(), pa.float64(), pa.bool_(), pa.string()
DATE, TIME, TEXTS = pa.date32(), pa.timestamp("us"), pa.list_(pa.string())
DIMENSION, MEASURE, CALCULATION = "dimensions", "measures", "table_calculations"


def day(month: int, number: int = 1) -> dt.date:
    """Give a day of 2017."""
    return dt.date(2017, month, number)


def at(hour: int, minute: int = 0, second: int = 0, microsecond: int = 0) -> dt.datetime:
    """Give a time on the third of September 2014, by the wall clock of the query."""
    return dt.datetime(2014, 9, 3, hour, minute, second, microsecond)  # noqa: DTZ001


#: LookML type of a dimension, a value as JSON spells it, the Arrow type, the value in Python.
DIMENSIONS: list[tuple[str | None, str, pa.DataType, Any]] = [
    ("string", '"UA"', TEXT, "UA"),
    ("string", '""', TEXT, ""),
    ("string", '" é\\n\\ud83d\\ude00 "', TEXT, " é\n😀 "),
    ("string", "212782", TEXT, "212782"),
    ("string", "1.10", TEXT, "1.10"),
    ("string", "1E400", TEXT, "1E400"),
    ("string", "true", TEXT, "true"),
    ("string", '{"a" : [1.10, "é"]}', TEXT, '{"a" : [1.10, "é"]}'),
    (None, '"UA"', TEXT, "UA"),
    ("no_such_type", '"x"', TEXT, "x"),
    ("unquoted", "5", TEXT, "5"),
    ("zipcode", '"01234"', TEXT, "01234"),
    ("zipcode", "94103", TEXT, "94103"),
    ("location", '"40.7,-73.9"', TEXT, "40.7,-73.9"),
    ("location", "[40.70, -73.9]", TEXT, "[40.70, -73.9]"),
    ("tier", '"10 to 19"', TEXT, "10 to 19"),
    ("bin", '"Below 0"', TEXT, "Below 0"),
    ("yesno", '"Yes"', BOOL, True),
    ("yesno", '"No"', BOOL, False),
    ("yesno", "true", BOOL, True),
    ("yesno", "false", BOOL, False),
    ("date_yesno", '"Yes"', BOOL, True),
    ("distance", "12.5", FLOAT, 12.5),
    ("distance", "12", FLOAT, 12.0),
    ("number", "7", INT, 7),
    ("number", "-9223372036854775808", INT, -(2**63)),
    ("number", "9223372036854775807", INT, 2**63 - 1),
    ("number", "7.5", FLOAT, 7.5),
    ("number", "7.0", FLOAT, 7.0),
    ("number", "1e3", FLOAT, 1000.0),
    ("number", '"7"', INT, 7),
    ("number", '"7.5"', FLOAT, 7.5),
    ("number", "-0.0", FLOAT, 0.0),
    ("duration_day", "9", INT, 9),
    ("duration_hours", "9", INT, 9),
    ("date", '"2017-09-03"', DATE, day(9, 3)),
    ("date_date", '"2017-09-03"', DATE, day(9, 3)),
    ("date_date", '"0001-01-01"', DATE, dt.date(1, 1, 1)),
    ("date_date", '"9999-12-31"', DATE, dt.date(9999, 12, 31)),
    ("date_week", '"2017-09-04"', DATE, day(9, 4)),
    ("date_month", '"2017-09"', DATE, day(9)),
    ("date_month", '"2017-09-01"', DATE, day(9)),
    ("date_quarter", '"2017-Q3"', DATE, day(7)),
    ("date_quarter", '"2017-10"', DATE, day(10)),
    ("date_year", "2017", INT, 2017),
    ("date_year", '"2017"', INT, 2017),
    ("date_year", "2017.0", INT, 2017),
    ("date_fiscal_year", "2017", INT, 2017),
    ("date_fiscal_year", '"FY2017"', INT, 2017),
    ("date_fiscal_quarter", '"FY2017-Q3"', TEXT, "FY2017-Q3"),
    ("date_fiscal_quarter_of_year", '"Q3"', TEXT, "Q3"),
    ("date_fiscal_month_num", "9", INT, 9),
    ("date_quarter_of_year", '"Q3"', TEXT, "Q3"),
    ("date_month_name", '"September"', TEXT, "September"),
    ("date_month_num", "9", INT, 9),
    ("date_month_num", '"9"', INT, 9),
    ("date_day_of_month", "3", INT, 3),
    ("date_day_of_week", '"Wednesday"', TEXT, "Wednesday"),
    ("date_day_of_week_index", "2", INT, 2),
    ("date_day_of_year", "246", INT, 246),
    ("date_week_of_year", "36", INT, 36),
    ("date_hour_of_day", "17", INT, 17),
    ("date_time_of_day", '"17:15"', TEXT, "17:15"),
    ("date_raw", '"2014-09-03 17:15:00 +0000"', TEXT, "2014-09-03 17:15:00 +0000"),
    ("date_time", '"2014-09-03 17:15:01"', TIME, at(17, 15, 1)),
    ("date_time", '"2014-09-03 17:15:01.123456"', TIME, at(17, 15, 1, 123456)),
    ("date_time", '"2014-09-03 17:15"', TIME, at(17, 15)),
    ("date_time", '"2014-09-03T17:15:01"', TIME, at(17, 15, 1)),
    ("date_second", '"2014-09-03 17:15:01"', TIME, at(17, 15, 1)),
    ("date_millisecond", '"2014-09-03 17:15:01.123"', TIME, at(17, 15, 1, 123000)),
    ("date_millisecond250", '"2014-09-03 17:15:01.250"', TIME, at(17, 15, 1, 250000)),
    ("date_microsecond", '"2014-09-03 17:15:01.123456"', TIME, at(17, 15, 1, 123456)),
    ("date_minute", '"2014-09-03 17:15"', TIME, at(17, 15)),
    ("date_minute15", '"2014-09-03 17:15:00"', TIME, at(17, 15)),
    ("date_hour", '"2014-09-03 17"', TIME, at(17)),
    ("date_hour6", '"2014-09-03 12:00:00"', TIME, at(12)),
]
MEASURES: list[tuple[str | None, str, pa.DataType, Any]] = [
    ("count", "7", INT, 7),
    ("count", "7.0", INT, 7),
    ("count", "1e3", INT, 1000),
    ("count", '"7"', INT, 7),
    ("count", '"7.0"', INT, 7),
    ("count", "9007199254740993.0", INT, 2**53 + 1),
    ("count_distinct", "9007199254740993", INT, 2**53 + 1),
    ("int", "7", INT, 7),
    ("sum", "100", FLOAT, 100.0),
    ("sum", "100.5", FLOAT, 100.5),
    ("sum", '"100.5"', FLOAT, 100.5),
    ("sum", "9007199254740992", FLOAT, 2.0**53),
    ("sum_distinct", "100", FLOAT, 100.0),
    ("average", "80.47117647058822", FLOAT, 80.47117647058822),
    ("average_distinct", "1", FLOAT, 1.0),
    ("median", "1", FLOAT, 1.0),
    ("median_distinct", "1", FLOAT, 1.0),
    ("min", "-1.5", FLOAT, -1.5),
    ("max", "1", FLOAT, 1.0),
    ("percentile", "1", FLOAT, 1.0),
    ("percentile_distinct", "1", FLOAT, 1.0),
    ("percent_of_total", "0.25", FLOAT, 0.25),
    ("percent_of_previous", "0.25", FLOAT, 0.25),
    ("running_total", "1", FLOAT, 1.0),
    ("period_over_period", "1", FLOAT, 1.0),
    ("number", "1", FLOAT, 1.0),
    ("no_such_type", "1", FLOAT, 1.0),
    (None, "1", FLOAT, 1.0),
    ("date", '"2017-09-03"', DATE, day(9, 3)),
    ("date_time", '"2014-09-03 17:15:01"', TIME, at(17, 15, 1)),
    ("string", '"x"', TEXT, "x"),
    ("string", "1.10", TEXT, "1.10"),
    ("yesno", '"Yes"', BOOL, True),
    ("list", '["a", "b"]', TEXTS, ["a", "b"]),
    ("list", '[1.10, true, null, "b"]', TEXTS, ["1.10", "true", None, "b"]),
    ("list", "[]", TEXTS, []),
]
CALCULATIONS: list[tuple[str | None, str, pa.DataType, Any]] = [
    ("number", "7", INT, 7),
    ("number", "7.5", FLOAT, 7.5),
    ("string", '"x"', TEXT, "x"),
    ("yesno", '"No"', BOOL, False),
    ("date", '"2017-09-03"', DATE, day(9, 3)),
    (None, "7", INT, 7),
    (None, "7.5", FLOAT, 7.5),
    (None, '"x"', TEXT, "x"),
    (None, "true", BOOL, True),
]
CASES = [
    pytest.param(Col("v.a", kind, group, pivoted=group != CALCULATION), *rest, id=f"{group}-{kind}-{rest[0]}")
    for group, table in ((DIMENSION, DIMENSIONS), (MEASURE, MEASURES), (CALCULATION, CALCULATIONS))
    for kind, *rest in table
]
#: What a column is where its values decide and there are none.
UNDECIDED = {("number", DIMENSION): FLOAT, ("number", CALCULATION): FLOAT, (None, CALCULATION): TEXT}


def bodies(column: Col, *values: str) -> list[tuple[str, bytes]]:
    """Write one column of JSON spellings in every format."""
    cells = ",".join(f'{{"{column.name}":{{"value":{value}}}}}' for value in values)
    bare = ",".join(f'{{"{column.name}":{value}}}' for value in values)
    return [
        ("json_detail", json_detail([column], []).replace(b'"data":[]', f'"data":[{cells}]'.encode())),
        ("json", f"[{bare}]".encode()),
    ]


@pytest.mark.parametrize(("column", "spelt", "arrow_type", "value"), CASES)
def test_lookml_type_and_value_decide_type_and_value(
    column: Col, spelt: str, arrow_type: pa.DataType, value: Any
) -> None:
    """The same in every format, beside nulls, and in a piece where another value is of an unexpected JSON type."""
    for result_format, body in bodies(column, spelt, "null", spelt):
        table = decode(body, result_format, columns=[column]).to_arrow()
        assert table.schema.types == [arrow_type]
        assert table["v.a"].to_pylist() == [value, None, value]
        assert table.schema.field(0).nullable


@pytest.mark.parametrize(("column", "spelt", "arrow_type", "value"), CASES)
def test_nulls_and_no_rows_have_the_type_too(column: Col, spelt: str, arrow_type: pa.DataType, value: Any) -> None:  # noqa: ARG001
    """A column without a value has the type that the metadata gives; where values would decide, a fixed one."""
    due = UNDECIDED.get((column.type, column.group), arrow_type)
    for values in ([], ["null"], ["null"] * 3):
        for result_format, body in bodies(column, *values):
            table = decode(body, result_format, columns=[column]).to_arrow()
            assert table.schema.types == [due]
            assert table["v.a"].to_pylist() == [None] * len(values)


@pytest.mark.parametrize(("column", "spelt", "arrow_type", "value"), CASES)
def test_with_float64_the_schema_depends_on_the_metadata_alone(
    column: Col, spelt: str, arrow_type: pa.DataType, value: Any
) -> None:
    """No rows, nulls or values: one schema, so nightly runs fit each other."""
    if (column.type is None and column.group == CALCULATION) or abs(
        value if isinstance(value, int) else 0
    ) >= 2**63 - 1:
        return  # nothing is known of the one, and float64 cannot hold the other
    due = FLOAT if column.type == "number" else arrow_type
    decoding = Decoding(numbers="float64")
    for values in ([], ["null"], [spelt]):
        for result_format, body in bodies(column, *values):
            result = decode(body, result_format, columns=[column], decoding=decoding)
            assert result.schema.types == [due]
            table = result.to_arrow()
            assert table.schema == result.schema
            assert table["v.a"].to_pylist() == ([value] if values == [spelt] else [None] * len(values))


#: Column, spelling, what the error calls the type, and what it advises.
MISFITS: list[tuple[Col, str, str, str]] = [
    (Col("v.a", "number"), "9223372036854775808", "int64 or float64", "'decimal128'"),
    (Col("v.a", "number"), "-9223372036854775809", "int64 or float64", "'decimal128'"),
    (Col("v.a", "number"), "1" * 39, "int64 or float64", "'string'"),
    (Col("v.a", "number"), "1" * 400, "int64 or float64", "'string'"),
    (Col("v.a", "number"), "1" * 5000, "int64 or float64", "'string'"),
    (Col("v.a", "number"), "1e400", "int64 or float64", "'string'"),
    (Col("v.a", "number"), "1e99999999999999999999", "int64 or float64", "'string'"),
    (Col("v.a", "number"), '"x"', "int64 or float64", "'string'"),
    (Col("v.a", "number"), '"1_000"', "int64 or float64", "'string'"),
    (Col("v.a", "number"), '"NaN"', "int64 or float64", "'string'"),
    (Col("v.a", "number"), '""', "int64 or float64", "'string'"),
    (Col("v.a", "number"), "true", "int64 or float64", "'string'"),
    (Col("v.a", "number"), "[1]", "int64 or float64", "'string'"),
    (Col("v.a", "number"), '"12345678901234567.89"', "int64 or float64", "'decimal128'"),
    (Col("v.a", "sum", MEASURE), '"-12345678901234567.89"', "float64", "'decimal128'"),
    (Col("v.a", "sum", MEASURE), f'"{"1" * 30}.123456789"', "float64", "'string'"),
    (Col("v.a", "count", MEASURE), '"7.5"', "int64", "'float64'"),
    (Col("v.a", "count", MEASURE), '"12345678901234567.5"', "int64", "'decimal128'"),
    (Col("v.a", "number"), '"007"', "int64 or float64", "'string'"),
    (Col("v.a", "count", MEASURE), "7.5", "int64", "'float64'"),
    (Col("v.a", "count", MEASURE), "9223372036854775808", "int64", "'decimal128'"),
    (Col("v.a", "count", MEASURE), "1e9999999", "int64", "'string'"),
    (Col("v.a", "count", MEASURE), "1e-9999999", "int64", "'float64'"),
    (Col("v.a", "count", MEASURE), '"1e999999999"', "int64", "'string'"),
    (Col("v.a", "count", MEASURE), "\"<a href='x'>7</a>\"", "int64", "'string'"),
    (Col("v.a", "count", MEASURE), '{"x":{"y":1}}', "int64", "pivoted"),
    (Col("v.a", "string", MEASURE), '{"x":{"y":"z"}}', "string", "pivoted"),
    (Col("v.a", None, CALCULATION), '{"x":{"y":"z"}}', "bool, int64, float64 or string", "pivoted"),
    (Col("v.a", "date_year"), '"2017-09"', "int64", "'string'"),
    (Col("v.a", "sum", MEASURE), "9007199254740993", "float64", "'decimal128'"),
    (Col("v.a", "sum", MEASURE), "-9007199254740993", "float64", "'decimal128'"),
    (Col("v.a", "sum", MEASURE), "9223372036854775808", "float64", "'decimal128'"),
    (Col("v.a", "sum", MEASURE), "1e400", "float64", "'string'"),
    (Col("v.a", "sum", MEASURE), '"$1,234.50"', "float64", "'string'"),
    (Col("v.a", "max", MEASURE), '"2017-09-03"', "float64", "'string'"),
    (Col("v.a", "yesno"), '"yes"', "bool", "'string'"),
    (Col("v.a", "yesno"), '""', "bool", "'string'"),
    (Col("v.a", "yesno"), "1", "bool", "'string'"),
    (Col("v.a", "date_date"), '"2017-9-3"', "date32", "'string'"),
    (Col("v.a", "date_date"), '"2017-W01-1"', "date32", "'string'"),
    (Col("v.a", "date_date"), '"2017-02-30"', "date32", "'string'"),
    (Col("v.a", "date_date"), '"2017-09-03 00:00:00"', "date32", "'string'"),
    (Col("v.a", "date_date"), "20170903", "date32", "'string'"),
    (Col("v.a", "date_month"), '"2017-13"', "date32", "'string'"),
    (Col("v.a", "date_month"), '"2017"', "date32", "'string'"),
    (Col("v.a", "date_quarter"), '"2017-Q5"', "date32", "'string'"),
    (Col("v.a", "date_time"), '"2014-09-03 17:15:01 +0000"', "timestamp[us]", "'string'"),
    (Col("v.a", "date_time"), '"2014-09-03T17:15:01Z"', "timestamp[us]", "'string'"),
    (Col("v.a", "date_time"), '"2014-09-03 17:15:01.1234567"', "timestamp[us]", "'string'"),
    (Col("v.a", "date_time"), '"17:15"', "timestamp[us]", "'string'"),
    (Col("v.a", "date_time"), "1409764501", "timestamp[us]", "'string'"),
    (Col("v.a", "list", MEASURE), '"a, b"', "list<string>", "'string'"),
    (Col("v.a", "list", MEASURE), "[[1]]", "list<string>", "'string'"),
]


@pytest.mark.parametrize(
    ("column", "spelt", "kind", "advice"), MISFITS, ids=[f"{c.group}-{c.type}-{s[:30]}" for c, s, _, _ in MISFITS]
)
def test_values_that_do_not_fit_raise_and_name_the_way_out(column: Col, spelt: str, kind: str, advice: str) -> None:
    """The error has column, row over the whole result, value and type; what it advises does read the value."""
    for result_format, body in bodies(column, "null", "null", spelt, "null"):
        with pytest.raises(ConversionError) as caught:
            decode(body, result_format, columns=[column]).to_arrow()
        error = caught.value
        assert (error.column, error.row, error.arrow_type) == ("v.a", 2, kind)
        assert error.value is not None
        assert advice in str(error)
        assert "row 2" in str(error)
        if advice == "pivoted":
            continue
        assert "dtypes={'v.a': " in str(error)
        decoding = Decoding(dtypes={"v.a": advice.strip("'")})
        table = decode(body, result_format, columns=[column], decoding=decoding).to_arrow()
        assert table["v.a"].null_count == 3


def test_numbers_auto_looks_at_the_whole_result() -> None:
    """One fraction in any row makes the column float64, and a note says how it was decided."""
    column = Col("v.a", "number")
    for result_format, body in bodies(column, "1", "2", "null", "2.5"):
        result = decode(body, result_format, columns=[column])
        assert result.to_arrow()["v.a"].to_pylist() == [1.0, 2.0, None, 2.5]
        assert result.notes == ("float64 was chosen by the values of all rows for v.a",)


def test_an_integer_that_float64_cannot_hold_is_never_rounded() -> None:
    """Wherever it stands beside a fraction."""
    column = Col("v.a", "number")
    for values in (("9007199254740993", "0.5"), ("0.5", "9007199254740993")):
        for result_format, body in bodies(column, *values):
            with pytest.raises(ConversionError) as caught:
                decode(body, result_format, columns=[column]).to_arrow()
            assert caught.value.value == 2**53 + 1
            assert caught.value.row == values.index("9007199254740993")
            assert caught.value.arrow_type == "float64"


@pytest.mark.parametrize(
    ("values", "arrow_type", "expected"),
    [
        (["1", "2"], pa.decimal128(38, 0), [Decimal(1), Decimal(2)]),
        (["1.10", "2"], pa.decimal128(38, 2), [Decimal("1.10"), Decimal("2.00")]),
        (["0.1234567890123456789", "null"], pa.decimal128(38, 19), [Decimal("0.1234567890123456789"), None]),
        (["9007199254740993", "1e3"], pa.decimal128(38, 0), [Decimal(2**53 + 1), Decimal(1000)]),
        (["1" * 38], pa.decimal128(38, 0), [Decimal("1" * 38)]),
        (['"1.5"', "2"], pa.decimal128(38, 1), [Decimal("1.5"), Decimal("2.0")]),
        (["null"], pa.decimal128(38, 0), [None]),
        ([], pa.decimal128(38, 0), []),
    ],
)
def test_numbers_decimal128_is_exact(values: list[str], arrow_type: pa.DataType, expected: list[Any]) -> None:
    """Number dimensions and measures keep every digit; counts stay integers."""
    columns = [Col("v.a", "number"), Col("v.a", "sum", MEASURE), Col("v.a", "number", CALCULATION)]
    for column in columns:
        for result_format, body in bodies(column, *values):
            table = decode(body, result_format, columns=[column], decoding=Decoding(numbers="decimal128")).to_arrow()
            assert table.schema.types == [arrow_type]
            assert table["v.a"].to_pylist() == expected
    counts = Col("v.a", "count", MEASURE)
    for result_format, body in bodies(counts, "7"):
        table = decode(body, result_format, columns=[counts], decoding=Decoding(numbers="decimal128")).to_arrow()
        assert table.schema.types == [INT]


@pytest.mark.parametrize("values", [["1" * 39], ["1" * 38, "0.1"], ["1e50"], ["1e-50"], ['"NaN"'], ['"Infinity"']])
def test_decimals_that_decimal128_cannot_hold_raise(values: list[str]) -> None:
    """Never rounded, never decimal256."""
    column = Col("v.a", "number")
    for result_format, body in bodies(column, *values):
        with pytest.raises(ConversionError) as caught:
            decode(body, result_format, columns=[column], decoding=Decoding(numbers="decimal128")).to_arrow()
        assert caught.value.arrow_type.startswith("decimal128")
        assert "dtypes={'v.a': 'string'}" in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "kind", "spelt", "arrow_type", "value"),
    [
        ("string", "date_month", '"2017-Q9"', TEXT, "2017-Q9"),
        ("string", "number", "1.10", TEXT, "1.10"),
        ("string", "string", '"x"', TEXT, "x"),
        ("int64", "string", '"00123"', INT, 123),
        ("float64", "string", '"00123"', None, None),
        ("float64", "string", '"9007199254740993.0"', None, None),
        ("int64", "string", '"123"', INT, 123),
        ("int64", "number", "7.0", INT, 7),
        ("float64", "number", "7", FLOAT, 7.0),
        ("float64", "string", '"1.5"', FLOAT, 1.5),
        ("bool", "string", '"Yes"', BOOL, True),
        ("date32", "string", '"2017-09-03"', DATE, day(9, 3)),
        ("date32", "date_time", '"2017-09"', DATE, day(9)),
        ("timestamp[us]", "date_raw", '"2014-09-03 17:15:01"', TIME, at(17, 15, 1)),
        ("list<string>", "string", '["a"]', TEXTS, ["a"]),
        ("decimal128", "number", "1.10", pa.decimal128(38, 2), Decimal("1.10")),
        ("decimal128(10, 3)", "number", "1.10", pa.decimal128(10, 3), Decimal("1.100")),
        ("decimal128(10,3)", "number", '"1.1"', pa.decimal128(10, 3), Decimal("1.100")),
        ("decimal128(10, 1)", "number", "1.15", None, None),
        ("decimal128(3, 1)", "number", "123.4", None, None),
        (pa.decimal128(12, 2), "number", "1.1", pa.decimal128(12, 2), Decimal("1.10")),
        (pa.int64(), "string", '"5"', INT, 5),
        (pa.float64(), "string", '"5"', FLOAT, 5.0),
        (pa.bool_(), "string", "true", BOOL, True),
        (pa.string(), "count", "5", TEXT, "5"),
        (pa.date32(), "string", '"2017-09-03"', DATE, day(9, 3)),
        (pa.timestamp("us"), "string", '"2014-09-03 17:15"', TIME, at(17, 15)),
        (pa.list_(pa.string()), "string", "[]", TEXTS, []),
    ],
)
def test_dtypes_decide_over_metadata(
    dtype: Any, kind: str, spelt: str, arrow_type: pa.DataType | None, value: Any
) -> None:
    """The type is what was asked for, as a name or as pyarrow's; a value that does not fit it raises."""
    column = Col("v.a", kind)
    decoding = Decoding(dtypes={"v.a": dtype})
    for result_format, body in bodies(column, spelt, "null"):
        if arrow_type is None and value is None:
            with pytest.raises(ConversionError, match=f"is not a value of type {dtype}".replace("(", r"\(")[:30]):
                decode(body, result_format, columns=[column], decoding=decoding).to_arrow()
            continue
        table = decode(body, result_format, columns=[column], decoding=decoding).to_arrow()
        assert table.schema.types == [arrow_type]
        assert table["v.a"].to_pylist() == [value, None]


@pytest.mark.parametrize(
    "dtype",
    [
        *["int", "Int64", "float", "datetime64[ns]", "decimal128(39, 2)", "decimal128(3, 5)", "decimal256(40, 2)", ""],
        *[pa.int32(), pa.large_string(), pa.timestamp("ns"), pa.timestamp("us", "UTC"), pa.decimal256(40, 2), int],
        None,
    ],
    ids=str,
)
def test_types_that_no_column_can_have_are_refused_at_once(dtype: Any) -> None:
    """Before anything is read, with the list of those that are known."""
    with pytest.raises(ConfigError) as caught:
        Decoding(dtypes={"v.a": dtype})

    assert caught.value.setting == "dtypes"
    assert str(caught.value).startswith("dtypes['v.a']: no column can have the type ")
    assert "give one of int64, float64, bool, string, date32, timestamp[us], list<string>, decimal128, " in str(
        caught.value
    )


def test_misspelt_names_in_dtypes_are_refused() -> None:
    """A type that would be given to nothing is a mistake of the caller."""
    column = Col("v.amount", "number")
    for result_format, body in bodies(column, "1"):
        with pytest.raises(ConfigError, match=r"dtypes names 'v\.amout', which is no column .* 'v\.amount'\?"):
            decode(body, result_format, columns=[column], decoding=Decoding(dtypes={"v.amout": "string"}))


def test_unknown_numbers_are_refused() -> None:
    """With the words that are known."""
    with pytest.raises(ConfigError) as caught:
        Decoding(numbers="int64")  # type: ignore[arg-type]

    assert str(caught.value) == "numbers='int64' is not known; give one of 'auto', 'float64', 'decimal128'"
    assert caught.value.setting == "numbers"


# -- field metadata ----------------------------------------------------------------------------------------------------


def test_columns_stand_in_lookers_order() -> None:
    """Dimensions, measures, table calculations; whatever the order of the lists and of the members of rows."""
    described = {
        "measure_like": [{"name": "v.c"}],
        "table_calculations": [{"name": "t"}],
        "measures": [{"name": "v.c"}, {"name": "v.b"}],
        "pivots": [],
        "dimensions": [{"name": "v.z"}, {"name": "v.a"}],
    }
    assert [field.name for field in fields_of(described)] == ["v.z", "v.a", "v.c", "v.b", "t"]

    columns = [Col("v.z"), Col("v.a"), Col("v.c", "count", MEASURE), Col("t", "number", CALCULATION)]
    body = json_detail(columns, [{"t": 1, "v.c": 2, "v.a": "x", "v.z": "y"}])
    assert decode(body).to_arrow().to_pylist() == [{"v.z": "y", "v.a": "x", "v.c": 2, "t": 1}]


def test_filter_only_fields_and_parameters_are_no_columns() -> None:
    """No result has values of them."""
    described = {
        "dimensions": [{"name": "v.f", "is_filter": True}, {"name": "v.p", "parameter": True}, {"name": "v.a"}],
        "measures": None,
    }
    assert [field.name for field in fields_of(described)] == ["v.a"]


def test_a_field_that_is_listed_twice_is_one_column() -> None:
    """Its first entry counts."""
    described = {"dimensions": [{"name": "v.a", "type": "string"}] * 2, "measures": [{"name": "v.a", "type": "sum"}]}

    assert fields_of(described) == (Field("v.a", "string", measure=False),)
    body = json_detail([Col("v.a"), Col("v.a"), Col("v.a", "sum", MEASURE)], [{"v.a": "x"}])
    assert decode(body).to_arrow().to_pydict() == {"v.a": ["x"]}


@pytest.mark.parametrize(
    "described",
    [
        [{"name": "v.a"}],
        "v.a",
        None,
        {"dimensions": {"name": "v.a"}},
        {"dimensions": ["v.a"]},
        {"measures": [{"type": "count"}]},
        {"measures": [{"name": None}]},
        {"table_calculations": 5},
    ],
)
def test_metadata_of_another_shape_is_refused(described: Any) -> None:
    """Metadata that the caller gave; that of a payload was compared with its schema before."""
    with pytest.raises(ConfigError, match="field metadata is an object with the lists 'dimensions', ") as caught:
        fields_of(described)

    assert caught.value.setting == "fields"


@pytest.mark.parametrize(
    ("item", "group", "measure"),
    [
        ({}, DIMENSION, False),
        ({}, MEASURE, True),
        ({}, CALCULATION, None),
        ({"measure": True}, CALCULATION, None),
        ({"measure": True, "type": "number"}, CALCULATION, True),
        ({"measure": False, "type": "number"}, CALCULATION, None),
        ({"type": "number"}, CALCULATION, None),
        ({"measure": True}, DIMENSION, True),
        ({"measure": "yes"}, DIMENSION, False),
    ],
)
def test_measure_or_not(item: dict[str, Any], group: str, measure: bool | None) -> None:
    """The flag counts, else the list that the field stands in; without a type, nothing is known of a calculation."""
    assert Field.from_api({"name": "x", **item}, group=group).measure is measure


def test_what_looker_says_of_a_field_goes_into_the_schema() -> None:
    """Type, label, description, format and kind are metadata of the Arrow field; what is null or empty is left out."""
    described = metadata([Col("v.n", "count", MEASURE)]) | {
        "dimensions": [
            {
                "name": "v.a",
                "type": "number",
                "label": "Añ",
                "description": "",
                "value_format": "0.0%",
                "label_short": "A",
            },
            {"name": "v.b", "type": None, "label": None},
        ]
    }
    schema = decode(json_detail([], [], fields=described)).schema

    assert schema.field("v.a").metadata == {
        b"lookml.name": b"v.a",
        b"lookml.type": b"number",
        b"lookml.label": "Añ".encode(),
        b"lookml.value_format": b"0.0%",
        b"lookml.category": b"dimension",
    }
    assert schema.field("v.b").metadata == {b"lookml.name": b"v.b", b"lookml.category": b"dimension"}
    assert schema.field("v.n").metadata == {
        b"lookml.name": b"v.n",
        b"lookml.type": b"count",
        b"lookml.category": b"measure",
    }
