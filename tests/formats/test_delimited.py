"""``csv`` and ``txt``: what the standard library writes is read, and what is not whole is refused."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lookerframe import formats
from lookerframe.columns import Decoding
from lookerframe.exceptions import (
    ConfigError,
    ConversionError,
    IncompleteResultError,
    LookerFrameError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.fields import fields_of
from lookerframe.formats.delimited import Csv, DelimitedRows, Txt
from lookerframe.layout import Layout
from lookerframe.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from lookerframe.result import Result

SEPARATORS = {"csv": ",", "txt": "\t"}
NO_METADATA = "no field metadata was given: types are inferred from the values; give fields= for Looker's"
UNKNOWN_QUERY = "nothing is known of the query: if it asks for totals, they are the last row of the table; give query="
METADATA = {
    "dimensions": [
        {"name": "o.day", "type": "date_date", "label": "Orders Day"},
        {"name": "o.name", "type": "string", "label": "Orders Name"},
        {"name": "o.is_new", "type": "yesno", "label": "Orders Is New"},
    ],
    "measures": [
        {"name": "o.count", "type": "count", "label": "Orders Count"},
        {"name": "o.sum", "type": "sum", "label": "Orders Sum"},
    ],
}
#: Labels in another order than the fields, as recorded.
BODY = (
    b"Orders Count,Orders Name,Orders Day,Orders Sum,Orders Is New\n"
    b'12,"a, ""b""\r\nc",2017-09-03,0.5,Yes\n'
    b"-3,\xc3\xa9,,7,No\n"
    b",,2017-09-05,,\n"
)
COLUMNS = {
    "o.day": [dt.date(2017, 9, 3), None, dt.date(2017, 9, 5)],
    "o.name": ['a, "b"\r\nc', "é", None],
    "o.is_new": [True, False, None],
    "o.count": [12, -3, None],
    "o.sum": [0.5, 7.0, None],
}


def read(
    body: bytes | Iterable[bytes],
    name: str = "csv",
    *,
    fields: Any = None,
    decoding: Decoding | None = None,
    whole: bool = False,
    **context: Any,
) -> Result:
    """Decode a body; with metadata, if there is any."""
    chunks = [body] if isinstance(body, bytes) else body
    known = None if fields is None else lambda: fields
    payload = Payload(name, chunks, fields=known, context=context, whole=whole)
    decoders: dict[str, Csv | Txt] = {"csv": Csv(), "txt": Txt()}
    return decoders[name].decode(payload, decoding or Decoding())


def written(rows: Iterable[Sequence[str | None]], separator: str = ",", **options: Any) -> bytes:
    """Write rows with the standard library; a null is empty."""
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator, **{"lineterminator": "\n", **options}).writerows(rows)
    return file.getvalue().encode()


def blocks(body: bytes, separator: str = ",", **options: Any) -> list[list[str | None]]:
    """Read rows of text: those below the heading."""
    rows = DelimitedRows([body], separator=separator, result_format="csv", **options)
    rows.heading()
    return [list(row) for texts in rows.batches() for row in zip(*(array.to_pylist() for array in texts), strict=True)]


# -- what comes back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_fields_are_found_by_label_and_typed(size: int) -> None:
    """Columns are in the fields' order and typed by them, wherever chunks end."""
    result = read((BODY[start : start + size] for start in range(0, len(BODY), size)), fields=METADATA)
    table = result.to_arrow()

    assert table.to_pydict() == COLUMNS
    assert table.schema.types == [pa.date32(), pa.string(), pa.bool_(), pa.int64(), pa.float64()]
    assert result.notes == (UNKNOWN_QUERY,)


TEXT = st.text(st.sampled_from("aZ09é😀 \",;|\t\n\r\u2028\ufeff\x1c\x85'\\"), max_size=5) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=5
)


def _may_begin(text: str) -> bool:
    """Tell whether a body may begin with a text: not with a byte order mark, nor as a page of HTML does."""
    return bool(text) and not text.startswith(("\ufeff", "<"))


TABLES = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(TEXT.filter(_may_begin), min_size=width, max_size=width),
        st.lists(st.lists(TEXT.map(lambda text: text or None), min_size=width, max_size=width), max_size=8),
    )
)


@pytest.mark.parametrize("name", SEPARATORS)
@settings(max_examples=300)
@given(
    table=TABLES,
    newline=st.sampled_from(["\n", "\r\n"]),
    quote_all=st.booleans(),
    chunk=st.integers(1, 40),
    block=st.integers(1, 80),
    bom=st.booleans(),
)
def test_what_the_standard_library_writes_is_read(
    name: str, table: tuple[list[str], list[Any]], newline: str, *, quote_all: bool, chunk: int, block: int, bom: bool
) -> None:
    """Any text in any cell, however quoted, whatever ends a line, wherever chunks and blocks end."""
    headings, rows = table
    separator = SEPARATORS[name]
    # Where lines end in line feeds alone, the standard library does not quote carriage returns.
    quote_all = quote_all or (
        newline == "\n" and any("\r" in (cell or "") for row in (headings, *rows) for cell in row)
    )
    quoting = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    if len(headings) == 1 and not quote_all:
        # The standard library quotes the empty cell of a line that would be empty.
        rows = [row for row in rows if row[0]]
    body = b"\xef\xbb\xbf" * bom + written([headings, *rows], separator, lineterminator=newline, quoting=quoting)
    chunks = (body[start : start + chunk] for start in range(0, len(body), chunk))

    found = DelimitedRows(chunks, separator=separator, result_format=name, block_bytes=block)

    assert found.heading() == headings
    assert [
        list(row) for texts in found.batches() for row in zip(*(array.to_pylist() for array in texts), strict=True)
    ] == rows


@pytest.mark.parametrize(
    ("body", "cells"),
    [
        (b'a,b\n"",\n,""\n', [["", None], [None, ""]]),
        (b'"a","b"\n"",\n,""\n', [[None, None], [None, None]]),
        (b'a\n\n""\nx\n\n', [[None], [""], ["x"], [None]]),
        (b'"a, b"\n""\n', [[None]]),
    ],
)
def test_quoted_and_bare_empty_cells(body: bytes, cells: list[list[str | None]]) -> None:
    """A quoted one is an empty text, unless all headings are quoted: then quotes say nothing."""
    assert blocks(body) == cells


@pytest.mark.parametrize(("headings", "text"), [(b"S,T", ""), (b'"S","T"', None)])
def test_a_quoted_empty_text_is_kept_in_a_table(headings: bytes, text: str | None) -> None:
    """A bare one is null."""
    fields = {"dimensions": [{"name": f"v.{name}", "type": "string", "label": name} for name in "ST"]}

    assert read(headings + b'\n"",\n', fields=fields).to_arrow().to_pylist() == [{"v.S": text, "v.T": None}]


def test_without_metadata_headings_are_names() -> None:
    """Made unique; types are told from the texts, and it is said."""
    result = read(b"Name,Count,Name,Price,Code\nx,1,z,2.5,007\ny,2,,3,\n")
    table = result.to_arrow()

    assert table.to_pydict() == {
        "Name": ["x", "y"],
        "Count": [1, 2],
        "Name_2": ["z", None],
        "Price": [2.5, 3.0],
        "Code": ["007", None],
    }
    assert result.notes[0] == NO_METADATA


def test_a_text_column_stays_one() -> None:
    """What looks like numbers in a later block is text if there was text before."""
    rows = [["Name"], ["x"], *([str(number)] for number in range(10**6, 10**6 + 300_000))]
    result = read(written(rows))

    assert result.to_arrow().column("Name").to_pylist() == [name for (name,) in rows[1:]]


def test_a_number_column_stays_one() -> None:
    """Text in a later block is refused: the numbers before have lost how they were spelt."""
    rows = [["Name"], *([str(number)] for number in range(10**6, 10**6 + 300_000)), ["x"]]

    with pytest.raises(ConversionError, match=r"give dtypes=\{'Name': 'string'\} to have their text"):
        read(written(rows)).to_arrow()


def test_tile_as_recorded(payloads: Path) -> None:
    """Row numbers are left out, a heading row is told from the rows, formatted numbers stay text."""
    result = read((payloads / "csv_tile_pivoted.csv").read_bytes())

    assert result.to_arrow().to_pydict() == {
        "Date": ["2021-12-19"],
        "Estimated Revenue|facebook": ["34.03K"],
        "Estimated Revenue|fb": [4.54],
    }


def test_attachment_of_a_webhook_as_documented(payloads: Path) -> None:
    """Its text ends without a line feed; the JSON around it proves that it is whole."""
    body = (payloads / "webhook_doc_csv_attachment.csv").read_bytes()

    with pytest.raises(IncompleteResultError, match="the body ends within line 3, without the line feed"):
        read(body)
    assert read(body, whole=True).to_arrow().to_pydict() == {
        "Division": ["Brick + Mortar", "Online"],
        "Revenue": [3828101, 7184918],
        "Profit": [739192, 4947684],
    }


PIVOTED = {
    "dimensions": [{"name": "o.day", "type": "date_date", "label": "Day", "measure": False}],
    "measures": [
        {"name": "o.count", "type": "count", "label": "Count"},
        {"name": "o.sum", "type": "sum", "label": "Sum"},
    ],
    "pivots": [{"name": "o.year", "type": "date_year", "label": "Year"}],
}
PIVOTED_BODY = (
    b"Year,2024,2024,,,Row Total,Row Total\nDay,Count,Sum,Count,Sum,Count,Sum\n"
    b"2024-01-01,1,0.5,,,1,0.5\n2024-01-02,2,1.5,3,2.5,5,4\n,3,2,3,2.5,6,4.5\n"
)


def test_pivots_totals_and_row_totals() -> None:
    """Columns are named by field and pivot; totals are no rows."""
    result = read(PIVOTED_BODY, fields=PIVOTED, total=True, row_total=True, pivots=["o.year"])
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 2)]

    assert result.to_arrow().to_pydict() == {
        "o.day": days,
        "o.count|2024": [1, 2],
        "o.sum|2024": [0.5, 1.5],
        "o.count|null": [None, 3],
        "o.sum|null": [None, 2.5],
    }
    assert result.totals is not None
    assert result.totals.to_pylist() == [
        {
            "o.day": None,
            "o.count|2024": 3,
            "o.sum|2024": 2.0,
            "o.count|null": 3,
            "o.sum|null": 2.5,
            "o.count": 6,
            "o.sum": 4.5,
        }
    ]
    assert result.row_totals is not None
    assert result.row_totals.to_pydict() == {"o.day": days, "o.count": [1, 5], "o.sum": [0.5, 4.0]}


@pytest.mark.parametrize("row_total", [True, False])
def test_row_totals_without_metadata(row_total: bool) -> None:
    """They are no rows, if the query asks for them; else `Row Total` is a value."""
    body = b"Status,a,b,Row Total\nYear,Count,Count,Count\n2022,1,2,3\n"
    result = read(body, pivots=["o.status"], row_total=row_total)
    rows = {"Year": [2022], "Count|a": [1], "Count|b": [2]}

    assert result.to_arrow().to_pydict() == (rows if row_total else rows | {"Count|Row Total": [3]})
    totals = None if result.row_totals is None else result.row_totals.to_pydict()
    assert totals == ({"Year": [2022], "Count": [3]} if row_total else None)


def test_row_totals_without_metadata_that_are_due_are_not_guessed() -> None:
    """Totals under another heading would pass for a pivot."""
    body = b"Status,a,Total\nYear,Count,Count\n2022,1,2\n"

    with pytest.raises(PayloadError, match=r"asks for totals of rows, but .*'Total'.* heads the last columns"):
        read(body, pivots=["o.status"], row_total=True)


@pytest.mark.parametrize("context", [{"total": False}, {"model": "m"}, {"query_id": "1"}])
def test_nothing_is_noted_of_totals_where_the_query_is_known(context: dict[str, Any]) -> None:
    """A query without totals may say so by saying nothing."""
    assert read(BODY, fields=METADATA, **context).notes == ()


def test_long_rows() -> None:
    """A row for each pivot; the pivoted dimension is typed."""
    result = read(PIVOTED_BODY, fields=PIVOTED, decoding=Decoding(pivots="long"), total=True, row_total=True)
    rows = result.to_arrow().to_pydict()

    assert rows["o.year"] == [2024, None, 2024, None]
    assert rows["o.count"] == [1, None, 2, 3]


@pytest.mark.parametrize(
    ("fields", "pivots", "columns"),
    [
        (METADATA, (), ["o.day", "o.name", "o.is_new", "o.count", "o.sum"]),
        (None, (), ["Orders Count", "Orders Name", "Orders Day", "Orders Sum", "Orders Is New"]),
    ],
)
def test_no_rows(fields: Any, pivots: Sequence[str], columns: list[str]) -> None:
    """Headings alone make an empty table."""
    table = read(BODY[: BODY.index(b"\n") + 1], fields=fields, pivots=pivots).to_arrow()

    assert (table.num_rows, table.column_names) == (0, columns)


#: Cells of a column of type `number`, a block for each, and the types of what is read.
NUMBERS: tuple[tuple[list[str], list[pa.DataType], list[Any]], ...] = (
    (["1", "-2", "30"], [pa.int64()] * 3, [1, -2, 30]),
    (["1", "", "3"], [pa.int64(), pa.null(), pa.int64()], [1, None, 3]),
    (["", ""], [pa.null()] * 2, [None, None]),
    (["1", "2.5", "3"], [pa.int64(), pa.string(), pa.string()], [1, "2.5", "3"]),
    (["1", "007", "3"], [pa.int64(), pa.string(), pa.int64()], [1, "007", 3]),
    (["1", "0x1F", "3"], [pa.int64(), pa.string(), pa.int64()], [1, "0x1F", 3]),
    (["1", "-0", " 3"], [pa.int64(), pa.string(), pa.string()], [1, "-0", " 3"]),
    (["9223372036854775807", "9223372036854775808"], [pa.int64(), pa.string()], [2**63 - 1, str(2**63)]),
)


@pytest.mark.parametrize(("cells", "types", "values"), NUMBERS)
def test_numbers_are_integers_until_one_is_not(
    cells: list[str], types: list[pa.DataType], values: list[int | str | None]
) -> None:
    """Blocks without a value say nothing; a text that may be no number is left to the reader of texts."""
    fields = {"dimensions": [{"name": "v.n", "type": "number", "label": "N"}]}
    layout = Layout(fields_of(fields), decoding=Decoding())
    rows = DelimitedRows(
        [b"N,T\n", *(f"{cell},t\n".encode() for cell in cells)], separator=",", result_format="csv", block_bytes=2
    )
    rows.heading()
    rows.expect({0: layout.columns[0]})
    found = [numbers for numbers, _ in rows.batches()]

    assert [array.type for array in found] == types
    assert [value for array in found for value in array.to_pylist()] == values


def test_columns_beside_a_doubtful_one_are_typed() -> None:
    """An odd spelling in one column leaves the others alone."""
    fields = {"measures": [{"name": f"v.{name}", "type": "count", "label": name} for name in "ABC"]}
    rows = DelimitedRows([b"A,B,C\n1, 2,3\n"], separator=",", result_format="csv")
    rows.heading()
    rows.expect(dict(enumerate(Layout(fields_of(fields), decoding=Decoding()).columns)))

    assert [array.to_pylist() for array in next(rows.batches())] == [[1], [" 2"], [3]]


@pytest.mark.parametrize("text", ["9007199254740992", "-9007199254740993", "nan", "inf", "-inf", "1e400"])
def test_floats_beyond_the_exact_ones_stay_texts(text: str) -> None:
    """Arrow would round them, or take them for infinite."""
    fields = {"measures": [{"name": "v.x", "type": "sum", "label": "X"}]}
    layout = Layout(fields_of(fields), decoding=Decoding())
    rows = DelimitedRows([f"X,Y\n,\n1,\n{text},\n".encode()], separator=",", result_format="csv")
    rows.heading()
    rows.expect({0: layout.columns[0]})

    assert next(rows.batches())[0].to_pylist() == [None, "1", text]


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEPARATORS)
def test_every_cut_is_met_but_those_between_rows(name: str) -> None:
    """A body cut between two rows is a whole body of fewer: nothing says how many there are to be."""
    body = BODY if name == "csv" else BODY.replace(b",", b"\t").replace(b"a\t", b"a,")
    ends = [len(body) - len(rest) for rest in (body.split(b"\n", 1)[1], b"-3" + body.split(b"\n-3")[1], body[-15:])]
    passed = []
    for cut in range(len(body)):
        try:
            rows = read(body[:cut], name, fields=METADATA).to_arrow().num_rows
        except IncompleteResultError:
            continue
        passed.append((cut, rows))

    assert passed == [(end, rows) for rows, end in enumerate(ends)]


HEAD = b"a,b\n1,x\n"


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        (b"", IncompleteResultError, "the body is empty: not even headings have come"),
        (b"\xef\xbb\xbf", IncompleteResultError, "the body is empty"),
        (b"\n", PayloadError, "the row of headings is empty"),
        (b"\n1\n", PayloadError, "the row of headings is empty"),
        (HEAD + b"2\n", PayloadError, "line 3: the headings have 2 cells, this row has 1; .*: '2'"),
        (HEAD + b"2,y,z\n", PayloadError, "line 3: the headings have 2 cells, this row has 3"),
        (HEAD + b"\n2,y\n", PayloadError, "line 3: the headings have 2 cells, this row has 1"),
        (HEAD + b'"\n\n",y\n2\n', PayloadError, "line 6: the headings have 2 cells, this row has 1"),
        (
            HEAD + b"Error: the database is gone\n",
            PayloadError,
            "this row has 1; Looker appends .*'Error: the database",
        ),
        (HEAD + b"Error: the database is gone", IncompleteResultError, "ends within line 3, .*'Error: the database"),
        (HEAD + b'2,"y\n3,z\n', IncompleteResultError, "ends within line 3, in quotes that are not closed: '2,\"y"),
        (HEAD + b'2,5" pipe\n', PayloadError, "line 3: a quote stands within a cell: '2,5\" pipe'"),
        (HEAD + b'2,5" or 6" pipe\n', PayloadError, "line 3: a quote stands within a cell"),
        (HEAD + b'2,"y"z\n', PayloadError, "line 3: a quote stands within a cell"),
        (HEAD + b'2,5" pipe\n3,"z\n', PayloadError, "line 3: a quote stands within a cell"),
        (HEAD + b"2,y\rz\n", PayloadError, "line 3: a carriage return stands alone, outside of quotes"),
        (b"a,b\r1,x\r", PayloadError, "line 1: a carriage return stands alone"),
        (HEAD + b"2,\0\n", PayloadError, "line 3: there is a zero byte"),
        (HEAD + b"2,\xff\n", PayloadError, r"not UTF-8: byte 0xff \(at byte 10\)"),
        (HEAD + b"2,\xed\xa0\x80\n", PayloadError, r"not UTF-8: byte 0xed \(at byte 10\)"),
        (b"a,\xff\n1,x\n", PayloadError, r"not UTF-8: byte 0xff \(at byte 2\)"),
        (HEAD.decode().encode("utf-16"), PayloadError, "zero byte|not UTF-8"),
        (
            b"  <html><title>502 Bad Gateway</title></html>\n",
            UnexpectedContentError,
            "a page of HTML: '502 Bad Gateway'",
        ),
        (b"<!DOCTYPE html><p>Sign in", UnexpectedContentError, "a page of HTML: 'Sign in'"),
        (b'{"message":"x"}\n', UnexpectedContentError, "met JSON"),
        (b",b\nx,1\n", PayloadError, "no heading and no row numbers; if the query is pivoted"),
    ],
)
@pytest.mark.parametrize("size", [1, 1_000])
def test_what_is_no_table_is_refused(body: bytes, error: type[Exception], text: str, size: int) -> None:
    """The message names the line, and shows what stands there."""
    with pytest.raises(error, match=text) as caught:
        read(body[start : start + size] for start in range(0, len(body), size)).to_arrow()
    assert type(caught.value) is error


@pytest.mark.parametrize("text", ["The database encountered an error", 'Binder Error: "x", at\n LINE 1: "', "a, b"])
def test_text_of_a_failed_query_is_no_table(text: str) -> None:
    """Where the fields are known, no heading is one of theirs."""
    with pytest.raises(PayloadError, match=text[:12]):
        read(f"{text}\n".encode(), fields=METADATA)


#: Whole cells, and pieces of them that make other cells.
SPELLINGS = (
    *(
        "1",
        "-1",
        "0",
        "-0",
        "-0.0",
        "0.5",
        "-.5",
        ".5",
        "+1",
        "1.",
        "-1.",
        "01",
        "-01",
        "00",
        "007",
        "-0.5",
        "1.e5",
        "1.E5",
    ),
    *("1e5", "01e5", "1E+5", "--1", "0x1F", "1_0", "inf", "nan", "Yes", "No", "true", "2024-01-02", "0024-01-02"),
    *("2024-01-02 03:04:05", "2024-01-02T03:04:05", "2024-01-02 03:04:05.5", "2024-01-02 03:04", "9007199254740993"),
)
EDGES = ("", " ", "\t", "\r", "+", "-", ".", "0", "'")
SPELT = st.tuples(*(st.sampled_from(items) for items in (EDGES, SPELLINGS, EDGES))).map("".join) | st.sampled_from(
    SPELLINGS
)
TYPES = ("count", "sum", "yesno", "date_date", "date_time", "date_year", "number", "string")


@pytest.mark.parametrize("name", SEPARATORS)
@settings(max_examples=1_000)
@given(
    cells=st.lists(
        st.tuples(SPELT, st.sampled_from(["", "a.", " b", "c, d", "e\tf", '"', ".e"])), min_size=1, max_size=3
    ),
    kind=st.sampled_from(TYPES),
    newline=st.sampled_from(["\n", "\r\n"]),
    quote_all=st.booleans(),
)
def test_cells_are_read_as_those_of_a_page(
    name: str, cells: list[tuple[str, str]], kind: str, newline: str, *, quote_all: bool
) -> None:
    """A number, date or boolean has one spelling in all formats of text, whatever stands beside it."""
    group = "measures" if kind in ("count", "sum") else "dimensions"
    fields = {group: [{"name": "v.x", "type": kind, "label": "X"}]}
    fields["dimensions"] = [*fields.get("dimensions", []), {"name": "v.y", "type": "string", "label": "Y"}]
    quoting = csv.QUOTE_ALL if quote_all or "\r" in str(cells) else csv.QUOTE_MINIMAL
    quoting = csv.QUOTE_ALL if any("\r" in text for row in cells for text in row) else quoting
    body = written([("X", "Y"), *cells], SEPARATORS[name], lineterminator=newline, quoting=quoting)
    lines = [f"<tr><td>{html.escape(x)}</td><td>{html.escape(y)}</td></tr>" for x, y in cells]
    page = "<table><tr><th>X</th><th>Y</th></tr>" + "".join(lines) + "</table>"

    assert _led_to(Payload(name, [body], fields=lambda: fields)) == _led_to(
        Payload("html", [page.encode()], fields=lambda: fields)
    )


def _led_to(payload: Payload) -> Any:
    try:
        table = formats.decode(payload, Decoding()).to_arrow()
    except ConversionError as exc:
        return exc.column, exc.row, exc.value
    return table.schema, repr(table.to_pylist())


def test_a_chosen_type_does_not_change_what_a_number_is() -> None:
    """``007`` is a code."""
    fields = {"dimensions": [{"name": "v.z", "type": "zipcode", "label": "Z"}]}

    with pytest.raises(ConversionError, match="007"):
        read(b"Z\n7\n007\n", fields=fields, decoding=Decoding(dtypes={"v.z": "float64"})).to_arrow()


def test_value_of_another_type_names_its_row() -> None:
    """Counted from the first row of the result, over all blocks."""
    rows: list[list[str | None]] = [
        ["Orders Day", "Orders Count"],
        *([None, str(number)] for number in range(400_000)),
        [None, "n/a"],
    ]
    fields = {"dimensions": METADATA["dimensions"][:1], "measures": METADATA["measures"][:1]}

    with pytest.raises(ConversionError) as caught:
        read(written(rows), fields=fields).to_arrow()

    assert (caught.value.column, caught.value.row, caught.value.value) == ("o.count", 400_000, "n/a")


def test_a_row_of_too_many_bytes() -> None:
    """One that fits is read, however small the blocks."""
    body = b"a,b\n1," + b"x" * 500 + b"\n"

    assert blocks(body, block_bytes=8, max_row_bytes=512) == [["1", "x" * 500]]
    with pytest.raises(PayloadLimitError, match="line 2 takes more than 256 bytes"):
        blocks(body, block_bytes=8, max_row_bytes=256)


def test_cells_have_values_alone() -> None:
    """Rendered text and links are in `json_detail`."""
    with pytest.raises(ConfigError, match="csv has values alone"):
        read(BODY, fields=METADATA, decoding=Decoding(cells=("value", "links")))


@settings(max_examples=1_000)
@given(body=st.binary(max_size=60) | st.text('a1,"\n\r\t<é', max_size=40).map(str.encode), block=st.integers(1, 30))
def test_any_bytes_are_read_or_refused(body: bytes, block: int) -> None:
    """What is read is what the standard library reads, strictly; no foreign error comes out."""
    try:
        found = blocks(b"a,b\n" + body, block_bytes=block)
    except LookerFrameError:
        return

    due = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
    assert [[cell or "" for cell in row] for row in found] == list(due)
