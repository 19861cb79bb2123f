"""What every format of JSON promises besides, byte by byte: cut, damaged, mixed with errors, in any spelling."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookerframe import formats
from lookerframe.columns import Decoding
from lookerframe.exceptions import (
    ConversionError,
    IncompleteResultError,
    LookerSQLError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.result import BATCH_ROWS
from tests.writers import (
    COMPACT,
    PRETTY,
    SPACED,
    Col,
    cell,
    chunked,
    decode,
    dumped,
    json_detail,
    json_rows,
    metadata,
    outcome,
    piece_size,
    wire,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


def plain(_columns: Sequence[Col], rows: Sequence[Mapping[str, Any]], **options: Any) -> bytes:
    """Write rows of JSON values as `json`."""
    return json_rows(rows, spelling=options.get("spelling", COMPACT))


def bi(
    columns: Sequence[Col],
    rows: Sequence[Mapping[str, Any]],
    *,
    spelling: Mapping[str, Any] = COMPACT,
    rich: bool = False,
    sql: str = "SELECT 2",
) -> bytes:
    """Write rows of JSON values as `json_bi`."""
    about = {"fields": metadata(columns), "pivots": [], "has_totals": False, "sql": sql}
    cells = [{name: cell(value, rich=rich) for name, value in row.items()} for row in rows]
    return dumped({"metadata": about, "rows": cells}, spelling)


#: Format → how a body of it is written from columns and rows of JSON values.
BODIES: dict[str, Callable[..., bytes]] = {"json": plain, "json_detail": json_detail, "json_bi": bi}

FORMATS = tuple(BODIES)


@pytest.mark.parametrize(
    ("name", "like"), [("inline_json", "json"), ("json_label", "json"), ("json_detail_lite_stream", "json_detail")]
)
def test_other_names_have_the_same_decoder(name: str, like: str) -> None:
    """So what is shown below of one holds for the other."""
    assert type(formats.require(name)) is type(formats.require(like))


COLUMNS = [
    Col("f.id", "number"),
    Col("f.carrier", "string"),
    Col("f.day", "date_date"),
    Col("f.late", "yesno"),
    Col("f.count", "count", "measures"),
    Col("f.mean", "average", "measures"),
]
ROWS: list[dict[str, Any]] = [
    {"f.id": 1, "f.carrier": "UA", "f.day": "2013-01-01", "f.late": "Yes", "f.count": 7, "f.mean": 1.5},
    {"f.id": 2**53 + 1, "f.carrier": 'é"\\\n{"f.id":', "f.day": None, "f.late": "No", "f.count": 0, "f.mean": 3},
    {"f.id": None, "f.carrier": None, "f.day": None, "f.late": None, "f.count": None, "f.mean": None},
    {"f.mean": -0.25, "f.late": "Yes", "f.carrier": "", "f.id": -3},
]
TABLE = pa.table(
    {
        "f.id": pa.array([1, 2**53 + 1, None, -3], pa.int64()),
        "f.carrier": pa.array(["UA", 'é"\\\n{"f.id":', None, ""], pa.string()),
        "f.day": pa.array([dt.date(2013, 1, 1), None, None, None], pa.date32()),
        "f.late": pa.array([True, False, None, True], pa.bool_()),
        "f.count": pa.array([7, 0, None, None], pa.int64()),
        "f.mean": pa.array([1.5, 3.0, None, -0.25], pa.float64()),
    }
)


def bare(table: pa.Table) -> pa.Table:
    """Leave out what Looker says of the fields."""
    return table.cast(pa.schema([pa.field(field.name, field.type) for field in table.schema]))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("spelling", [COMPACT, SPACED, PRETTY], ids=["compact", "spaced", "pretty"])
def test_same_rows_same_table(name: str, spelling: Mapping[str, Any]) -> None:
    """Types, values, nulls and order are those of the query, whatever carried them."""
    result = decode(BODIES[name](COLUMNS, ROWS, spelling=spelling), name, columns=COLUMNS)

    assert bare(result.to_arrow()).equals(TABLE)
    assert result.metadata["result_format"] == name
    assert result.schema.field("f.count").metadata[b"lookml.type"] == b"count"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("spelling", [COMPACT, PRETTY], ids=["compact", "pretty"])
def test_chunks_make_no_difference(name: str, spelling: Mapping[str, Any]) -> None:
    """Each single place to split, and each size of chunks: one table, one envelope, the same notes."""
    body = BODIES[name](COLUMNS[:2], ROWS[:3], spelling=spelling, sql="SELECT 1")
    whole = outcome(body, name, columns=COLUMNS[:2])
    assert len(whole) == 5

    for place in range(1, len(body)):
        assert outcome([body[:place], body[place:]], name, columns=COLUMNS[:2]) == whole
        assert outcome(chunked(body, place), name, columns=COLUMNS[:2]) == whole


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("described", [True, False])
def test_piece_sizes_make_no_difference(name: str, described: bool) -> None:
    """From single rows to all at once, with all that cells may hold, with and without metadata from elsewhere."""
    rows = [*ROWS[:2], {"f.id": 5, "f.carrier": "x" * 100, "f.other": 1}, *ROWS[:1]]
    body = BODIES[name](COLUMNS[:2], rows if described else ROWS[:2] * 2, rich=True)
    columns = COLUMNS[:2] if described else None
    *whole, _notes, _truncated = outcome(body, name, columns=columns)
    assert len(whole) == 3

    for size in range(1, len(body) + 2, 7):
        with piece_size(size):
            assert list(outcome(body, name, columns=columns)[:-2]) == whole


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("spelling", [COMPACT, PRETTY], ids=["compact", "pretty"])
def test_a_cut_at_every_byte_raises(name: str, spelling: Mapping[str, Any]) -> None:
    """No part of a body is taken for a result; only white space at its end may be missing."""
    body = BODIES[name](COLUMNS[:2], ROWS[:2], spelling=spelling, sql="é") + b" \r\n"
    whole = outcome(body, name, columns=COLUMNS[:2])

    for end in range(len(body)):
        for chunks in ([body[:end]], chunked(body[:end], 50)):
            found = outcome(chunks, name, columns=COLUMNS[:2])
            if body[end:].strip():
                assert issubclass(found[0], PayloadError)
                assert found[0] in (IncompleteResultError, UnexpectedContentError) or "UTF-8" in found[1]
            else:
                assert found == whole


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [1, 100, 10_000])
@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_failed_query_is_never_a_table(name: str, position: int, size: int) -> None:
    """A row of error text, first, in the middle or last, raises with the text, also without any metadata."""
    rows: list[dict[str, Any]] = [{"f.id": 1, "f.carrier": "UA"} for _ in range(3)]
    marked = [*rows[:position], {"looker_error": "@"}, *rows[position:]]
    body = BODIES[name](COLUMNS[:2], marked).replace(b'{"value":"@"}', b'"@"')
    body = body.replace(b'"@"', b'"division by zero\\nin line 2"')

    for columns in (COLUMNS[:2], None):
        with pytest.raises(LookerSQLError) as caught, piece_size(size):
            decode(
                chunked(body, size), name, columns=columns, context={"task_id": "t1", "query_id": "q1", "status": 200}
            )
        assert [issue.message for issue in caught.value.issues] == ["division by zero\nin line 2"]
        assert caught.value.result_format == name
        assert (caught.value.task_id, caught.value.query_id, caught.value.status) == ("t1", "q1", 200)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [1, 60, 10_000])
def test_every_error_row_is_told_also_if_the_body_breaks_after(name: str, size: int) -> None:
    """There is one object for each error; what comes after the first is no data, whole or not."""
    rows: list[dict[str, Any]] = [{"f.id": 1}, {"looker_error": "@1"}, {"f.id": 2}, {"looker_error": "@2"}, {"f.id": 3}]
    body = BODIES[name](COLUMNS[:1], rows).replace(b'{"value":"@1"}', b'"@1"').replace(b'{"value":"@2"}', b'"@2"')
    second = body.index(b"@2")

    for whole in (body, body[: second + 40], body[: second + 5] + b"connection lost"):
        with pytest.raises(LookerSQLError) as caught, piece_size(size):
            decode(whole, name, columns=COLUMNS[:1])
        messages = [issue.message for issue in caught.value.issues]
        assert messages == ["@1", "@2"] if whole == body else messages[0] == "@1"


@pytest.mark.parametrize("name", FORMATS)
def test_a_column_named_as_the_error_is_read(name: str) -> None:
    """If the query asked for it."""
    columns = [Col("f.id", "number"), Col("looker_error", "string", "table_calculations")]
    body = BODIES[name](columns, [{"f.id": 1, "looker_error": "no"}, {"f.id": 2, "looker_error": None}])

    assert decode(body, name, columns=columns).to_arrow()["looker_error"].to_pylist() == ["no", None]


@pytest.mark.parametrize("name", FORMATS)
def test_no_rows_have_the_schema_of_some(name: str) -> None:
    """With types by metadata alone, the same as with rows."""
    decoding = Decoding(numbers="float64")
    rows = [{**ROWS[0], "f.id": 1}]
    some = decode(BODIES[name](COLUMNS, rows), name, columns=COLUMNS, decoding=decoding)
    none = decode(BODIES[name](COLUMNS, []), name, columns=COLUMNS, decoding=decoding)

    assert none.schema.equals(some.schema, check_metadata=True)
    assert none.to_arrow().schema.equals(some.to_arrow().schema, check_metadata=True)
    assert none.to_arrow().num_rows == 0


@pytest.mark.parametrize("name", FORMATS)
def test_rows_stream_while_the_body_is_on_its_way(name: str) -> None:
    """An endless body is read as far as its batches are taken, and no further than the next one."""
    body = BODIES[name](COLUMNS[:2], [{"f.id": 1, "f.carrier": "UA"}] * 2)
    start, row, _ = body.partition(body[body.rindex(b',{"f.id"') : body.rindex(b"}", 0, body.rindex(b"]")) + 1])
    pulled = 0

    def endless() -> Iterator[bytes]:
        nonlocal pulled
        yield start
        while True:
            pulled += 1000
            yield row * 1000

    result = decode(endless(), name, columns=COLUMNS[:2])
    assert result.stats["rows"] < 3 * BATCH_ROWS
    taken = 0
    for batch in itertools.islice(result.batches(), 5):
        taken += batch.num_rows
        assert pulled <= taken + 3 * BATCH_ROWS
    assert taken >= 5 * BATCH_ROWS


#: What stands in the place of the second of three rows → the error.
DAMAGED: dict[str, tuple[bytes, type[PayloadError]]] = {
    "nothing": (b"", PayloadError),
    "comma": (b",", PayloadError),
    "bare word": (b"ERROR", PayloadError),
    "NaN": (b'{"f.id":NaN}', PayloadError),
    "bad UTF-8": (b'{"\xff":1}', PayloadError),
    "lone surrogate": (b'{"\\ud800":1}', PayloadError),
    "control character": (b'{"a":"\n"}', PayloadError),
    "no brace": (b'{"f.id":null', PayloadError),
    "two braces": (b"{}}", PayloadError),
    "bracket": (b"]", PayloadError),
    "null": (b"null", PayloadError),
    "text": (b'"x"', PayloadError),
    "array": (b"[]", PayloadError),
    "deep": (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", PayloadLimitError),
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("row", "error"), DAMAGED.values(), ids=DAMAGED)
def test_damage_is_refused_alike_however_the_body_is_cut(name: str, row: bytes, error: type[PayloadError]) -> None:
    """One class of error for a body, and the same words for all chunks."""
    body = BODIES[name](COLUMNS[:1], [{"f.id": 1}, {"@": 0}, {"f.id": 3}])
    body = body.replace(b'{"@":{"value":0}}', b"@").replace(b'{"@":0}', b"@").replace(b"@", row)
    whole = outcome(body, name, columns=COLUMNS[:1])
    assert issubclass(whole[0], error)

    sizes = range(1, len(body), 5) if len(body) < 1000 else (13, 1000, 30_000)
    for size in sizes:
        assert outcome(chunked(body, size), name, columns=COLUMNS[:1]) == whole
        with piece_size(size):
            assert issubclass(outcome(body, name, columns=COLUMNS[:1])[0], error)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", IncompleteResultError),
        (b" \n", IncompleteResultError),
        (b"null", UnexpectedContentError),
        (b'"text"', UnexpectedContentError),
        (b"5", UnexpectedContentError),
        (b"<html>502 Bad Gateway</html>", UnexpectedContentError),
        (b"Results have expired", UnexpectedContentError),
        (b"\xff\xfe[\x00]\x00", UnexpectedContentError),
        (b"\x1f\x8b\x08\x00", UnexpectedContentError),
    ],
)
def test_other_content_is_named(name: str, body: bytes, error: type[PayloadError]) -> None:
    """Nothing at all, a page, a text, another encoding, a body that nobody inflated."""
    for chunks in ([body], chunked(body, 1)):
        assert outcome(chunks, name)[0] is error


@pytest.mark.parametrize("name", FORMATS)
def test_a_member_that_stands_twice_in_a_row_is_refused(name: str) -> None:
    """A parser would keep one of the two values without a word."""
    body = BODIES[name](COLUMNS[:2], [{"f.id": 1, "f.carrier": "x"}] * 3).replace(b'"f.carrier"', b'"f.id"')

    for size in range(1, len(body), 7):
        with pytest.raises(PayloadError, match=r"the member 'f\.id' stands twice in one object"), piece_size(size):
            decode(chunked(body, size), name, columns=COLUMNS)


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("decoding", [{"numbers": "decimal128"}, {"dtypes": {"f.mean": "decimal128(38, 9)"}}], ids=str)
@pytest.mark.parametrize(
    "text", ["1_000", " 1.5 ", "١٢", "+5", ".5", "5.", "-.5", "007", "1,000", "0x1F", "NaN", "Infinity", "e5", ""]
)
def test_no_text_is_bent_into_a_decimal(name: str, decoding: dict[str, Any], text: str) -> None:
    """What JSON would not have as a number is none, as in a column of float64."""
    body = BODIES[name](COLUMNS[5:], [{"f.mean": 1.5}, {"f.mean": text}])
    for choices in (decoding, {"numbers": "float64"}):
        with pytest.raises(ConversionError) as caught:
            decode(body, name, columns=COLUMNS[5:], decoding=Decoding(**choices)).to_arrow()
        assert (caught.value.column, caught.value.row, caught.value.value) == ("f.mean", 1, text)


@pytest.mark.parametrize("name", FORMATS)
def test_decimals_are_exact_as_numbers_and_as_texts(name: str) -> None:
    """All digits are kept, of both spellings, beside columns of other types."""
    spelt = ["0.1", "-3.25", "7", "12345678901234567890.123456789", "1e-7", "-0", "9007199254740993", "2.50"]
    rows = [{"f.carrier": "x", "f.mean": f"@{number}"} for number in spelt]
    body = BODIES[name]([COLUMNS[1], COLUMNS[5]], [*rows, {"f.carrier": None, "f.mean": None}, *rows]).decode()
    for number in spelt:
        body = body.replace(f'"@{number}"', number, 1).replace(f'"@{number}"', f'"{number}"', 1)
    decoding = Decoding(numbers="decimal128")
    table = decode(body.encode(), name, columns=[COLUMNS[1], COLUMNS[5]], decoding=decoding).to_arrow()

    assert table["f.mean"].type == pa.decimal128(38, 9)
    assert table["f.mean"].to_pylist() == [*map(Decimal, spelt), None, *map(Decimal, spelt)]
    assert table["f.carrier"].to_pylist() == ["x"] * len(spelt) + [None] + ["x"] * len(spelt)


@pytest.mark.parametrize("name", FORMATS)
def test_decimals_may_all_be_whole(name: str) -> None:
    """Then they have no places; they may have more digits than integers of 64 bits."""
    values = [7, None, -(10**37), 2**64]
    body = BODIES[name](COLUMNS[5:], [{"f.mean": value} for value in values])
    column = decode(body, name, columns=COLUMNS[5:], decoding=Decoding(numbers="decimal128")).to_arrow()["f.mean"]

    assert column.type == pa.decimal128(38, 0)
    assert column.to_pylist() == values


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("value", [True, [1], {"a": "1.5"}, "x", 10**40], ids=str)
@pytest.mark.parametrize("column", [COLUMNS[4], COLUMNS[5]], ids=["beside", "among"])
def test_what_is_no_value_is_named_beside_and_among_decimals(name: str, value: Any, column: Col) -> None:
    """With its own column and row, wherever pieces end."""
    row = {"f.count": 1, "f.mean": 0.25}
    body = BODIES[name](COLUMNS[4:], [row, row, row | {column.name: value}, row])
    for size in (1, 60, 10_000):
        with pytest.raises(ConversionError) as caught, piece_size(size):
            decode(body, name, columns=COLUMNS[4:], decoding=Decoding(numbers="decimal128")).to_arrow()
        assert (caught.value.column, caught.value.row) == (column.name, 2)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("timestamps", ["aware", "utc"])
def test_a_time_that_is_before_year_one_in_utc_is_refused(name: str, timestamps: Any) -> None:
    """No calendar of Python's has it; the first moments of year one in the west are fine."""
    columns = [Col("f.time", "date_time")]
    rows = [{"f.time": None}, {"f.time": "0001-01-01 00:00:00"}]

    def read(zone: str) -> pa.Table:
        body = BODIES[name](columns, rows, **({"timezone": zone} if name == "json_detail" else {}))
        decoding = Decoding(timestamps=timestamps)
        return decode(body, name, columns=columns, decoding=decoding, context={"timezone": zone}).to_arrow()

    with pytest.raises(ConversionError) as caught:
        read("Asia/Tokyo")
    assert (caught.value.row, caught.value.value) == (1, "0001-01-01 00:00:00")

    west = read("Etc/GMT+5")
    assert west["f.time"].cast(pa.timestamp("us", "UTC")).to_pylist()[1] == dt.datetime(1, 1, 1, 5, tzinfo=dt.UTC)


# -- any schema, any rows ----------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(['{"v', "[", '"', "\\", ",", "]}", "\x00"])
INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
#: LookML type and list, Arrow type, Python values.
KINDS: list[tuple[str, str, pa.DataType, st.SearchStrategy[Any]]] = [
    ("string", "dimensions", pa.string(), TEXTS),
    ("zipcode", "dimensions", pa.string(), st.from_regex(r"\d{5}", fullmatch=True)),
    ("yesno", "dimensions", pa.bool_(), st.booleans()),
    ("date_date", "dimensions", pa.date32(), st.dates()),
    ("date_month", "dimensions", pa.date32(), st.dates().map(lambda day: day.replace(day=1))),
    (
        "date_quarter",
        "dimensions",
        pa.date32(),
        st.dates().map(lambda d: d.replace(month=(d.month - 1) // 3 * 3 + 1, day=1)),
    ),
    ("date_time", "dimensions", pa.timestamp("us"), st.datetimes()),
    ("date_year", "dimensions", pa.int64(), st.integers(0, 9999)),
    ("number", "dimensions", pa.int64(), INTEGERS),
    ("number", "dimensions", pa.float64(), FLOATS),
    ("count", "measures", pa.int64(), INTEGERS),
    ("sum", "measures", pa.float64(), st.integers(-(2**53), 2**53) | FLOATS),
    ("list", "measures", pa.list_(pa.string()), st.lists(st.none() | TEXTS, max_size=3)),
    ("string", "table_calculations", pa.string(), TEXTS),
]


@st.composite
def results(draw: st.DrawFn) -> tuple[list[Col], list[dict[str, Any]], pa.Table]:
    """Draw columns in Looker's order, rows of JSON values, and the table that pyarrow makes of the Python values."""
    kinds = sorted(draw(st.lists(st.integers(0, len(KINDS) - 1), min_size=1, max_size=5)))
    names = draw(st.lists(TEXTS, min_size=len(kinds), max_size=len(kinds), unique=True))
    names = [name if name != "looker_error" else "x" for name in names]
    count = draw(st.integers(0, 6))
    columns, arrays, values = [], [], []
    for name, kind in zip(names, kinds, strict=True):
        lookml, group, arrow_type, strategy = KINDS[kind]
        column = draw(st.lists(st.none() | strategy, min_size=count, max_size=count))
        if lookml == "number" and not any(isinstance(value, int) for value in column):
            arrow_type = pa.float64()
        columns.append(Col(name, lookml, group))
        arrays.append(pa.array(column, arrow_type))
        values.append([wire(value, lookml) for value in column])
    order = draw(st.permutations(range(len(columns))))
    rows = [{names[place]: values[place][row] for place in order} for row in range(count)]
    if draw(st.booleans()):  # a null may as well be left out
        rows = [{key: value for key, value in row.items() if value is not None} for row in rows]
    return columns, rows, pa.table(arrays, names)


SPELLINGS: Sequence[Mapping[str, Any]] = (COMPACT, PRETTY, SPACED, {"separators": (" ,\n", "\t: ")})


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_any_rows_come_back_as_pyarrow_would_have_them(name: str, data: st.DataObject) -> None:
    """Random schemas and values, through an independent writer, in random chunks and pieces."""
    columns, rows, table = data.draw(results())
    spelling = data.draw(st.sampled_from(SPELLINGS))
    body = BODIES[name](columns, rows, rich=data.draw(st.booleans()), spelling=spelling)
    sizes = st.integers(1, 64) | st.integers(1, len(body))
    with piece_size(data.draw(sizes)):
        result = decode(chunked(body, data.draw(sizes)), name, columns=columns)
        if data.draw(st.booleans()) and not any(column.type == "number" for column in columns):
            found = pa.Table.from_batches(result.batches(), result.schema)
        else:
            found = result.to_arrow()

    assert bare(found).equals(table)
    assert result.stats["rows"] == len(rows)


@pytest.mark.parametrize("name", FORMATS)
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_damaged_bytes_never_make_another_table(name: str, data: st.DataObject) -> None:
    """A byte changed, left out or doubled: an error of ours, or what the standard library reads from the same bytes."""
    columns, rows, _ = data.draw(results())
    body = bytearray(BODIES[name](columns, rows))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place : place + data.draw(st.integers(0, 2))] = data.draw(
        st.sampled_from(
            [b"", b"x", b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\xff", b"\x00", b"0", b" ", b",,"]
        )
    )
    damaged = bytes(body)
    whole = outcome(damaged, name, columns=columns)
    size = data.draw(st.integers(1, len(damaged) + 1))
    assert outcome(chunked(damaged, size), name, columns=columns) == whole
    if isinstance(whole[0], type):
        return
    try:
        document = json.loads(damaged)
    except ValueError:
        # The parsers differ in no more than this: what is skipped is only looked at as far as its end.
        pytest.fail(f"decoded, but not JSON: {damaged!r}")
    assert (
        len(document if name == "json" else document["rows" if name == "json_bi" else "data"])
        == decode(damaged, name, columns=columns).to_arrow().num_rows
    )
