"""Columns of text: typed as the same text is in JSON, by Arrow where that is the same, cell by cell where it is not."""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe import arrays
from lookerframe.arrays import Reader, build_array, read_exactly
from lookerframe.exceptions import ConversionError
from lookerframe.text_arrays import text_array

if TYPE_CHECKING:
    from collections.abc import Callable

READERS: dict[str, Reader] = {
    **{name: reader for name, reader in vars(arrays).items() if isinstance(reader, Reader) and name.isupper()},
    "decimal128(7, 2)": arrays.decimals(pa.decimal128(7, 2)),
    "New York": arrays.zoned("America/New_York", utc=False),
    "UTC": arrays.zoned("Europe/Berlin", utc=True),
}
#: What JSON has a spelling of its own for, so that its text is no guide; see the tests of single values.
del READERS["INFERRED"], READERS["JSON_TEXT"]
BARE = re.compile(r"true|false|\[.*|-?\d+(\.\d+)?[eE][+-]?\d+", re.ASCII | re.DOTALL)

NUMBERS = st.one_of(
    st.integers(-200, 200).map(str),
    st.integers(-(10**40), 10**40).map(str),
    st.sampled_from([2**53, 2**53 + 1, -(2**53), 2**63 - 1, 2**63, -(2**63), 10**37, 10**38]).map(str),
    st.decimals(-(10**5), 10**5, places=2).map(str),
    st.floats(-1e15, 1e15, allow_nan=False).map("{:.3f}".format),
    st.from_regex(r"\A-?[0-9]{1,4}(\.[0-9]{0,3})?\Z"),
    st.text("0123456789-+.eExnaif_ ", max_size=6),
)
TIMES = st.one_of(
    st.dates().map(str),
    st.dates().map("{:%Y-%m}".format),
    st.from_regex(r"\A(19|20)[0-9]{2}-(Q[1-5]|[01][0-9])\Z"),
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1)).map(str),  # noqa: DTZ001 - wall clocks
    st.from_regex(r"\A20[12]\d-0\d-[0-3]\d[ T][0-2]\d(:[0-5]\d(:[0-5]\d(\.\d{1,9})?)?)?(Z|\+01)?\Z", fullmatch=True),
    st.text("0123456789-:QT ", max_size=12),
)
OTHERS = st.sampled_from(["Yes", "No", "yes", "FY2017", "$1,234.50", "66.5%", "<a href", "٣"]) | st.text(max_size=4)
KINDS = st.sampled_from([NUMBERS, TIMES, OTHERS, st.sampled_from(["Yes", "No"]), st.integers().map(str)])
LISTS = KINDS.flatmap(lambda kind: st.lists(st.none() | kind, max_size=8))
TEXTS = LISTS | st.lists(NUMBERS | TIMES | OTHERS, max_size=5)


def made(step: Callable[[], pa.Array]) -> tuple[Any, ...]:
    """Say what array a step makes, to the bit, or what error it raises."""
    try:
        array = step()
    except ConversionError as exc:
        return exc.column, exc.row, str(exc.value), exc.arrow_type
    return array.type, repr(array.to_pylist())


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@given(texts=TEXTS, before=st.integers(0, 3))
def test_texts_are_typed_as_json_types_them(reader: Reader, texts: list[str | None], before: int) -> None:
    """Values and errors alike, with their rows; an empty text is no value, but in columns of text."""
    texts = [text for text in texts if text is None or not BARE.fullmatch(text)]
    cells = [None if text == "" and reader.arrow_type != pa.string() else text for text in texts]
    array = pa.array(["x"] * before + texts + ["y"], pa.string()).slice(before, len(texts))

    def by_json() -> pa.Array:
        values = [
            read_exactly(reader, json.dumps(cell).encode(), column="a", row=50 + row) for row, cell in enumerate(cells)
        ]
        return build_array(reader, values, column="a", first_row=50)

    if any(cell is not None for cell in cells):
        assert made(lambda: text_array(reader, array, column="a", first_row=50)) == made(by_json)
    else:
        found = text_array(reader, array, column="a", first_row=50)
        assert (len(found), found.null_count) == (len(cells), len(cells))
        assert found.type == (reader.arrow_type or pa.null())


def typed(reader: Reader, *texts: str | None) -> list[Any]:
    """Type a column of texts."""
    found: list[Any] = text_array(reader, pa.array(texts, pa.string()), column="v.a", first_row=0).to_pylist()
    return found


DAY = dt.date(2017, 9, 1)


@pytest.mark.parametrize(
    ("reader", "texts", "values"),
    [
        (arrays.YESNO, ["Yes", "No", "", None, "true", "false"], [True, False, None, None, True, False]),
        (arrays.INTEGER, ["7", "-7", "7.0", "FY2017", "1e3", ""], [7, -7, 7, 2017, 1000, None]),
        (arrays.FLOAT, ["7", "0.1", "-0.50", "", "1e22"], [7.0, 0.1, -0.5, None, 1e22]),
        (arrays.FLOAT, ["1.7976931348623157e+308", "5e-324", "1E3"], [1.7976931348623157e308, 5e-324, 1000.0]),
        (arrays.NUMBER, ["1", "9223372036854775807"], [1, 2**63 - 1]),
        (arrays.NUMBER, ["1", "0.5"], [1.0, 0.5]),
        (arrays.DECIMAL, ["1.50", "7"], [Decimal("1.50"), Decimal("7.00")]),
        (arrays.DATE, ["2017-09-01", ""], [DAY, None]),
        (arrays.PERIOD, ["2017-09", "2017-Q3", "2017-09-01"], [DAY, dt.date(2017, 7, 1), DAY]),
        (arrays.TEXT, ["007", "", None, " x"], ["007", "", None, " x"]),
        (arrays.TEXT_LIST, ['["a", null, 1.50]', "[]", ""], [["a", None, "1.50"], [], None]),
    ],
)
def test_spellings_of_looker(reader: Reader, texts: list[str | None], values: list[Any]) -> None:
    """What JSON has its own words, brackets or exponents for is read without quotes."""
    found = typed(reader, *texts)

    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_short_times() -> None:
    """Hours and minutes are written without the rest."""
    found = typed(arrays.TIMESTAMP, "2014-09-03 17", "2014-09-03 17:15", "2014-09-03 17:15:00.25", None)

    assert found == [
        dt.datetime(2014, 9, 3, 17),  # noqa: DTZ001 - wall clocks
        dt.datetime(2014, 9, 3, 17, 15),  # noqa: DTZ001
        dt.datetime(2014, 9, 3, 17, 15, 0, 250_000),  # noqa: DTZ001
        None,
    ]


#: Arrow makes another number of it, without a word.
OVER_38_DIGITS = "123456789012345678901234567890123456789.00"
#: Texts that have a value, by the type of the column where that is not a number.
GOOD = {
    pa.date32(): "2017-09-03",
    pa.timestamp("us"): "2017-09-03 10:00",
    pa.bool_(): "Yes",
    pa.list_(pa.string()): "[]",
}


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        *((arrays.INTEGER, text) for text in ["0x1F", " 1", "1 ", "1_000", "1.5", "9223372036854775808", "1e400", "٣"]),
        *((arrays.NUMBER, text) for text in ["007", "-007", "00.5", ".5", "5.", "+5", "nan", "inf", "0x1F"]),
        *((arrays.FLOAT, text) for text in ["9007199254740993", "9007199254740993.5", "01e5", "1.e5", "Infinity"]),
        *((arrays.DECIMAL, text) for text in [".5", "nan", "1" * 39, OVER_38_DIGITS]),
        *((arrays.DATE, text) for text in ["2017-02-30", "20170903", "2017-09-03 00", "0000-01-01", "03.09.2017"]),
        *((arrays.TIMESTAMP, text) for text in ["2014-09-03 17:15:00Z", "2014-09-03 17:15:00.1234567"]),
        *((arrays.YESNO, text) for text in ["yes", "1", "True"]),
        *((arrays.TEXT_LIST, text) for text in ["a,b", "a", "[a"]),
        (arrays.decimals(pa.decimal128(5, 2)), "1.555"),
        (arrays.decimals(pa.decimal128(5, 2)), "12345.00"),
    ],
)
@pytest.mark.parametrize("others", [0, 20_000])
def test_nothing_is_bent(reader: Reader, text: str, others: int) -> None:
    """What Arrow would take, round or cut is refused, however many good cells stand before it."""
    filler = GOOD.get(reader.arrow_type, "5")
    texts = pa.array([filler, None] * (others // 2) + [text, filler], pa.string())

    with pytest.raises(ConversionError) as caught:
        text_array(reader, texts, column="v.a", first_row=1_000)

    assert (caught.value.column, caught.value.row) == ("v.a", 1_000 + others)
    assert str(caught.value.value) == text
    assert "dtypes={'v.a': " in str(caught.value)


@pytest.mark.parametrize("reader", [arrays.FLOAT, arrays.NUMBER])
def test_numbers_beyond_float64(reader: Reader) -> None:
    """None becomes infinite."""
    with pytest.raises(ConversionError, match=r"row 1: 1E\+400 is not a value of type .*float64"):
        typed(reader, "1e300", "1e400")


@pytest.mark.parametrize("text", ["$1,234.50", "66.5%", "1,234,567", '<a href="/x">7</a>', "34.03K"])
def test_formatted_numbers_are_told(text: str) -> None:
    """The task was made with formatting; the message says so."""
    with pytest.raises(ConversionError, match="the task was made with apply_formatting"):
        typed(arrays.FLOAT, "1", text)


@pytest.mark.parametrize(
    ("texts", "arrow_type", "values"),
    [
        (["1", None, "-2"], pa.int64(), [1, None, -2]),
        (["1", "2.5", "1e-7"], pa.float64(), [1.0, 2.5, 1e-7]),
        (["true", None, "false"], pa.bool_(), [True, None, False]),
        ([None, None], pa.null(), [None, None]),
        (["Yes", "No"], pa.string(), ["Yes", "No"]),
        (["2017-09-03"], pa.string(), ["2017-09-03"]),
        (["1", "x"], pa.string(), ["1", "x"]),
        (["1", ""], pa.string(), ["1", ""]),
        (["7", "007"], pa.string(), ["7", "007"]),
        (["1", "true"], pa.string(), ["1", "true"]),
        (["9223372036854775808"], pa.string(), ["9223372036854775808"]),
        (["9007199254740993", "0.5"], pa.string(), ["9007199254740993", "0.5"]),
    ],
)
def test_inferred_columns(texts: list[str | None], arrow_type: pa.DataType, values: list[Any]) -> None:
    """Numbers and booleans where all texts are, and nothing is lost by it; else the texts."""
    found = text_array(arrays.INFERRED, pa.array(texts, pa.string()), column="a", first_row=0)

    assert found.type == arrow_type
    assert found.to_pylist() == values


def test_error_names_the_first_row_of_a_repeated_value() -> None:
    """Texts are read once each; the row is that of the first."""
    texts = pa.array(["a", None, "b", "a", "Yes", "b"], pa.string()).slice(1)

    with pytest.raises(ConversionError) as caught:
        text_array(arrays.YESNO, texts, column="a", first_row=10)

    assert (caught.value.row, caught.value.value) == (11, "b")


def test_values_that_fit_alone_but_not_together() -> None:
    """An integer that float64 cannot hold is named, not the fraction beside it."""
    with pytest.raises(ConversionError) as caught:
        typed(arrays.NUMBER, "0.5", "1", None, "9007199254740993", "1")

    assert (caught.value.row, caught.value.value) == (3, 9007199254740993)
    assert "give dtypes={'v.a': 'decimal128'}" in str(caught.value)
