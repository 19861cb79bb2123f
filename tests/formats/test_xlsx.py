"""Workbooks, as two independent writers make them: values come back as their text, and damage or a bomb does not."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import itertools
import re
import struct
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl  # type: ignore[import-untyped]
import pytest
import xlsxwriter  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.columns import Decoding
from lookerframe.exceptions import (
    ConversionError,
    IncompleteResultError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.formats.xlsx import Workbook, Xlsx, filled
from lookerframe.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lookerframe.result import Result

Row = list[Any]

ROWS: list[Row] = [
    ["Carrier", "Count", "Mean"],
    ["UA", 7, 1.5],
    [None, -3, 0.1],
    ["=1+1", 10**15, 1e-7],
    ["#DIV/0!", None, 1e300],
    [' é"<&>\n_x000D_\r\x01\t x005F_ 😀 ', 0, -0.25],
    [None, None, None],
    ["last", 123456789012, 3.0],
]
TEXTS = [
    ["Carrier", "Count", "Mean"],
    ["UA", "7", "1.5"],
    [None, "-3", "0.1"],
    ["=1+1", "1000000000000000", "1e-07"],
    ["#DIV/0!", None, "1e+300"],
    [' é"<&>\n_x000D_\r\x01\t x005F_ 😀 ', "0", "-0.25"],
    [],
    ["last", "123456789012", "3"],
]


def written(rows: Sequence[Row], *, inline: bool = False, epoch_1904: bool = False) -> bytes:
    """Write a workbook with xlsxwriter; with texts in the cells themselves if they shall be inline."""
    file = io.BytesIO()
    options = {"constant_memory": inline, "in_memory": not inline, "date_1904": epoch_1904}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet()
        formats = {
            dt.date: book.add_format({"num_format": "yyyy-mm-dd"}),
            dt.datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"}),
            int: book.add_format({"num_format": '[Red]#,##0 "days";\\d0'}),
        }
        for place, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(place, column, value)
                elif isinstance(value, bool):
                    sheet.write_boolean(place, column, value)
                elif isinstance(value, dt.date):
                    sheet.write_datetime(place, column, value, formats[type(value)])
                elif value is not None:
                    sheet.write_number(place, column, value, formats.get(type(value)))
    return file.getvalue()


def written_by_openpyxl(rows: Sequence[Row]) -> bytes:
    """Write a workbook with openpyxl."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def read(body: bytes) -> list[list[str | None]]:
    """Read all rows."""
    return list(Workbook(body).rows())


def changed(body: bytes, edits: dict[str, Callable[[bytes], bytes]], **added: bytes) -> bytes:
    """Write an archive anew, with other parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, edits[name](part) if name in edits else part)
        for name, part in added.items():
            new.writestr(name, part)
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def sheet(rows: bytes, *, before: bytes = b"") -> bytes:
    """Write a workbook whose rows are given as XML."""

    def edit(part: bytes) -> bytes:
        return re.sub(rb"<sheetData.*</sheetData>|<sheetData/>", lambda _: b"<sheetData>%s</sheetData>" % rows, part)

    return changed(written([["A"]]), {SHEET: lambda part: edit(part).replace(b"<worksheet", before + b"<worksheet")})


def decode(body: bytes, *, decoding: Decoding | None = None, **facts: Any) -> Result:
    """Decode a workbook in chunks."""
    chunks = (body[start : start + 1000] for start in range(0, len(body), 1000))
    return Xlsx().decode(Payload("xlsx", chunks, **facts), decoding or Decoding())


@pytest.mark.parametrize("inline", [False, True])
def test_cells_become_their_text(inline: bool) -> None:
    """Numbers in their shortest spelling, texts as they are, formulas only as text."""
    assert read(written(ROWS, inline=inline)) == TEXTS


def test_another_writer_is_read_alike() -> None:
    """Its files have other parts, attributes and namespaces."""
    rows: list[Row] = [["A", "B", "C"], ["x", 1.5, True], [None, 2**40, False], [" y\nz ", -1, None]]

    assert read(written_by_openpyxl(rows)) == [
        ["A", "B", "C"],
        ["x", "1.5", "Yes"],
        [None, "1099511627776", "No"],
        [" y\nz ", "-1"],
    ]


@given(
    rows=st.lists(
        st.lists(
            st.none()
            | st.integers(-(2**53) + 1, 2**53 - 1)
            | st.booleans()
            | st.floats(-1e300, 1e300).map(lambda number: float(f"{number:.15g}"))
            | st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
            min_size=3,
            max_size=3,
        ).filter(lambda row: row[-1] is not None),
        min_size=1,
        max_size=20,
    ),
    inline=st.booleans(),
)
def test_any_cell_comes_back(rows: list[Row], inline: bool) -> None:
    """Numbers of the fifteen digits that a workbook keeps, and all texts."""
    for given_row, found in zip(rows, read(written(rows, inline=inline)), strict=True):
        for value, text in zip(given_row, found, strict=True):
            if isinstance(value, bool):
                assert text == ("Yes" if value else "No")
            elif isinstance(value, int | float):
                assert text is not None
                assert float(text) == value
                assert ("." in text or "e" in text) == (not float(value).is_integer() or abs(value) >= 2**53)
            else:
                assert text == value


@pytest.mark.parametrize("epoch_1904", [False, True])
def test_dates_become_iso_text(epoch_1904: bool) -> None:
    """In both ways to count days, told by the number format of the cell."""
    days = [dt.date(2013, 1, 1), dt.datetime(2013, 1, 1, 17, 5), dt.datetime(2013, 1, 1, 17, 5, 9, 250_000)]  # noqa: DTZ001

    assert read(written([[*days, dt.date(9999, 12, 31), dt.date(1950, 2, 28), 5]], epoch_1904=epoch_1904)) == [
        ["2013-01-01", "2013-01-01 17:05:00", "2013-01-01 17:05:09.250", "9999-12-31", "1950-02-28", "5"]
    ]


def test_microseconds_of_a_cell_of_dates_are_rounded_away() -> None:
    """A day and its fraction are one number, which holds no more than milliseconds; a text is what it says."""
    fields = {"dimensions": [{"name": "f.time", "type": "date_microsecond", "label": "Time"}]}
    times = [dt.datetime(2020, 1, 1, 10, 0, 0, 123_456), dt.datetime(2020, 1, 1, 23, 59, 59, 999_900)]  # noqa: DTZ001
    rows: list[Row] = [["Time"], *([time] for time in times), [times[0].isoformat(" ")]]

    assert decode(written(rows), fields=lambda: fields).to_arrow()["f.time"].to_pylist() == [
        dt.datetime(2020, 1, 1, 10, 0, 0, 123_000),  # noqa: DTZ001
        dt.datetime(2020, 1, 2),  # noqa: DTZ001
        times[0],
    ]


def test_texts_in_several_runs_are_one() -> None:
    """Looks, and the reading of Japanese signs, are no part of the text."""
    body = changed(
        written([["x"]]),
        {
            "xl/sharedStrings.xml": lambda part: part.replace(
                b"<si><t>x</t></si>",
                b'<si><r><t xml:space="preserve">a </t></r><r><rPr><b/></rPr><t>b</t></r>'
                b'<rPh sb="0" eb="1"><t>c</t></rPh></si>',
            )
        },
    )

    assert read(body) == [["a b"]]


def test_merged_headings_are_repeated() -> None:
    """As Looker's documentation says they are, should they be merged all the same."""
    book = openpyxl.Workbook()
    for row in (["Carrier", "UA", None, "AA"], ["Day", "Count", "Mean", "Count"], ["d", 1, 2, 3]):
        book.active.append(row)
    book.active.merge_cells("B1:C1")
    file = io.BytesIO()
    book.save(file)
    workbook = Workbook(file.getvalue())
    headings = list(itertools.islice(workbook.rows(), 2))
    table = decode(file.getvalue(), context={"pivots": ["f.carrier"]}).to_arrow()

    assert filled(headings, workbook.merged()) == [["Carrier", "UA", "UA", "AA"], ["Day", "Count", "Mean", "Count"]]
    assert table.to_pylist() == [{"Day": "d", "Count|UA": 1, "Mean|UA": 2, "Count|AA": 3}]


# -- tables ------------------------------------------------------------------------------------------------------------

FIELDS = {
    "dimensions": [
        {"name": "f.carrier", "type": "string", "label": "Carrier"},
        {"name": "f.day", "type": "date_date", "label": "Day"},
        {"name": "f.id", "type": "number", "label": "ID"},
        {"name": "f.late", "type": "yesno", "label": "Late"},
    ],
    "measures": [
        {"name": "f.count", "type": "count", "label": "Count"},
        {"name": "f.sum", "type": "sum", "label": "Sum"},
    ],
}


def test_a_workbook_is_a_typed_table() -> None:
    """Types are those of the fields; rows that end early, or have no cell, have nulls."""
    rows: list[Row] = [
        ["Carrier", "Day", "ID", "Late", "Count", "Sum"],
        ["UA", dt.date(2013, 1, 1), 5, "Yes", 7, 1e17],
        ["007", "2013-01-02", None, True],
        [None],
        ["AA", None, 2**53 - 1, "No", None, 2.5],
    ]
    table = decode(written(rows), fields=lambda: FIELDS).to_arrow()

    assert table.to_pydict() == {
        "f.carrier": ["UA", "007", None, "AA"],
        "f.day": [dt.date(2013, 1, 1), dt.date(2013, 1, 2), None, None],
        "f.id": [5, None, None, 2**53 - 1],
        "f.late": [True, True, None, False],
        "f.count": [7, None, None, None],
        "f.sum": [1e17, None, None, 2.5],
    }


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**60, 1e20])
@pytest.mark.parametrize("label", ["ID", "Count", "Carrier"])
def test_whole_numbers_that_may_have_been_rounded_are_refused(label: str, value: float) -> None:
    """But in columns of float64 they are what they are."""
    rows: list[Row] = [[label, "Sum"], [1, 2.0], [value, value]]
    fields = {group: [item for item in items if item["label"] in (label, "Sum")] for group, items in FIELDS.items()}

    with pytest.raises(ConversionError, match="xlsx keeps numbers as float64, which rounds whole ones") as caught:
        decode(written(rows), fields=lambda: fields).to_arrow()
    name = f"f.{label.lower()}"
    kind = "string" if label == "Carrier" else "int64"
    found = caught.value
    assert (found.column, found.row, found.value, found.arrow_type) == (name, 1, value, kind)
    advised = re.search(r"give dtypes=\{'(.*?)': 'float64'\}", str(found))
    assert advised is not None
    followed = Decoding(dtypes={advised[1]: "float64"})
    assert decode(written(rows), fields=lambda: fields, decoding=followed).to_arrow().to_pydict() == {
        name: [1.0, float(value)],
        "f.sum": [2.0, float(value)],
    }
    with pytest.raises(ConversionError, match=f"give dtypes={{'{label}': 'float64'}}"):
        decode(written(rows)).to_arrow()
    table = decode(written(rows), decoding=Decoding(dtypes={label: "float64", "Sum": "float64"})).to_arrow()
    assert table.to_pydict() == {label: [1.0, float(value)], "Sum": [2.0, float(value)]}


def test_of_two_fields_with_one_label_each_is_judged_by_itself() -> None:
    """They stand in the order of the fields."""
    fields = {"dimensions": [{"name": "f.id", "type": "number", "label": "Sum"}], "measures": [FIELDS["measures"][1]]}

    assert decode(written([["Sum", "Sum"], [1, 2**60]]), fields=lambda: fields).to_arrow().to_pydict() == {
        "f.id": [1],
        "f.sum": [2.0**60],
    }
    with pytest.raises(ConversionError, match=r"f\.id.*xlsx keeps numbers as float64"):
        decode(written([["Sum", "Sum"], [2**60, 1]]), fields=lambda: fields).to_arrow()


def test_a_rounded_number_of_a_pivot_names_the_field() -> None:
    """The advice holds for all pivots."""
    fields = {
        "dimensions": [FIELDS["dimensions"][0]],
        "measures": [FIELDS["measures"][0]],
        "pivots": [{"name": "f.origin", "type": "string", "label": "Origin"}],
    }
    body = written([["Origin", "EWR", "JFK"], ["Carrier", "Count", "Count"], ["UA", 1, 2**60]])

    with pytest.raises(ConversionError, match=r"dtypes=\{'f\.count': 'float64'\}"):
        decode(body, fields=lambda: fields).to_arrow()
    table = decode(body, fields=lambda: fields, decoding=Decoding(dtypes={"f.count": "float64"})).to_arrow()
    assert table.column("f.count|JFK").to_pylist() == [2.0**60]


def test_a_rounded_number_below_the_headings_of_a_tile_is_refused() -> None:
    """Which of its rows are headings is known only after the first of them are read."""
    rows: list[Row] = [[None, "Origin", "EWR"], [None, "Carrier", "Count"], [1, "UA", 2**60]]

    with pytest.raises(ConversionError, match=r"dtypes=\{'Count\|EWR': 'float64'\}"):
        decode(written(rows)).to_arrow()


def test_pivoted_headings_are_read() -> None:
    """A row for each pivoted dimension stands above the labels."""
    fields = {
        "dimensions": [FIELDS["dimensions"][0]],
        "measures": FIELDS["measures"],
        "pivots": [{"name": "f.origin", "type": "string", "label": "Origin"}],
    }
    rows: list[Row] = [
        ["Origin", "EWR", "EWR", "JFK", "JFK"],
        ["Carrier", "Count", "Sum", "Count", "Sum"],
        ["UA", 1, 1.5, 2, 2.5],
        ["AA", None, None, 4],
    ]
    table = decode(written(rows), fields=lambda: fields).to_arrow()

    assert table.to_pydict() == {
        "f.carrier": ["UA", "AA"],
        "f.count|EWR": [1, None],
        "f.sum|EWR": [1.5, None],
        "f.count|JFK": [2, 4],
        "f.sum|JFK": [2.5, None],
    }


def test_a_row_wider_than_its_headings_is_refused() -> None:
    """It has a value that belongs to no column."""
    with pytest.raises(PayloadError, match="row 1 has 3 cells, the headings 2"):
        decode(written([["A", "B"], [1, 2], [1, 2, 3]])).to_arrow()
    with pytest.raises(PayloadError, match="the sheet has no headings"):
        decode(written([]))


# -- damage ------------------------------------------------------------------------------------------------------------


def test_a_cut_at_every_byte_raises() -> None:
    """The archive's directory is at its end."""
    body = written([["A"], [1]])
    for end in range(len(body)):
        with pytest.raises(IncompleteResultError):
            read(body[:end])


def test_a_changed_byte_changes_nothing_or_raises() -> None:
    """Parts carry checksums, which are looked at."""
    body = written([["A", "B"], [1, "x"]])
    whole = read(body)
    for place in range(0, len(body), 3):
        damaged = body[:place] + bytes([body[place] ^ 0x55]) + body[place + 1 :]
        try:
            found = read(damaged)
        except PayloadError:
            continue
        assert found == whole


C = b'<row r="1"><c r="A1" t="inlineStr"><is><t>A</t></is></c></row>'
#: Bodies of no result: the file, error, words of its text.
REFUSED: dict[str, tuple[bytes, type[PayloadError], str]] = {
    "empty": (b"", IncompleteResultError, "the body is empty: expected a workbook"),
    "page": (b"<html><h1>502 Bad Gateway</h1></html>", UnexpectedContentError, "met '502 Bad Gateway'"),
    "json": (b'{"message":"Not found"}', UnexpectedContentError, "met '{.*Not found"),
    "no workbook": (changed(written([]), {"_rels/.rels": lambda _: b"<x/>"}), UnexpectedContentError, "officeDocument"),
    "no sheet": (
        changed(written([]), {"xl/_rels/workbook.xml.rels": lambda _: b"<x/>"}),
        UnexpectedContentError,
        "to its worksheet",
    ),
    "error": (
        sheet(C + b'<row r="2"><c r="A2" t="e"><v>#DIV/0!</v></c></row>'),
        PayloadError,
        "A2 has the error #DIV/0!",
    ),
    "formula": (sheet(C + b'<row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>'), PayloadError, "cell A2 has a formula"),
    "no number": (sheet(C + b'<row r="2"><c r="A2"><v>0x1F</v></c></row>'), PayloadError, "A2: '0x1F' is no value"),
    "infinite": (sheet(C + b'<row r="2"><c r="A2"><v>1e999</v></c></row>'), PayloadError, "A2: '1e999' is no value"),
    "no text": (sheet(C + b'<row r="2"><c r="A2" t="s"><v>1</v></c></row>'), PayloadError, "A2: '1' is no value"),
    "minus": (sheet(C + b'<row r="2"><c r="A2" t="s"><v>-1</v></c></row>'), PayloadError, "A2: '-1' is no value"),
    "bool": (sheet(C + b'<row r="2"><c r="A2" t="b"><v>2</v></c></row>'), PayloadError, "A2: '2' is no value"),
    "kind": (sheet(C + b'<row r="2"><c r="A2" t="x"><v>2</v></c></row>'), PayloadError, "of its kind, 'x'"),
    "row order": (sheet(b'<row r="2"/><row r="1"/>'), PayloadError, "row 1 stands after row 2"),
    "row number": (sheet(b'<row r="-1"/>'), PayloadError, "'-1' stands where a workbook has a number"),
    "cell order": (sheet(b'<row><c r="B1"/><c r="A1"/></row>'), PayloadError, "'A1' stands in row 1, after 2 cells"),
    "cell twice": (sheet(b'<row><c r="A1"/><c r="A1"/></row>'), PayloadError, "'A1' stands in row 1, after 1 cells"),
    "cell elsewhere": (sheet(b'<row r="1"><c r="A2"/></row>'), PayloadError, "'A2' stands in row 1, after 0 cells"),
    "cell place": (sheet(b'<row><c r="a1"/></row>'), PayloadError, "'a1' stands where a workbook has the place"),
    "far right": (sheet(b'<row><c r="ZZZ1"/></row>'), PayloadError, "'ZZZ1' stands in row 1"),
    "full": (sheet(C + b'<row r="1048576"/>'), PayloadLimitError, "reaches row 1,048,576: it is full"),
    "far down": (sheet(b'<row><c r="ABC1"/></row><row r="1000000"/>'), PayloadLimitError, "reaches row 1,000,000"),
    "not XML": (
        sheet(C + b"</row>"),
        PayloadError,
        "'xl/worksheets/sheet1.xml' is not well-formed XML: mismatched tag",
    ),
    "long text": (
        sheet(b"<row><c t='str'><v>%s</v></c></row>" % (b"x" * 32_767)),
        PayloadLimitError,
        "so it may be cut",
    ),
    "long tag": (
        sheet(b"<row x='%s'/>" % (b"".join(b"%d" % i for i in range(400_000)))),
        PayloadLimitError,
        "a tag or",
    ),
    "entities": (
        sheet(b"<row><c t='str'><v>&b;</v></c></row>", before=b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'),
        PayloadError,
        "declares a document type",
    ),
    "file entity": (
        sheet(
            b"<row><c t='str'><v>&b;</v></c></row>", before=b'<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
        ),
        PayloadError,
        "declares a document type",
    ),
    "undefined entity": (sheet(b"<row><c t='str'><v>&b;</v></c></row>"), PayloadError, "not well-formed XML"),
}


@pytest.mark.parametrize(("body", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_sheet_of_values_is_refused(body: bytes, error: type[PayloadError], text: str) -> None:
    """By the error that says what was met, and where."""
    with pytest.raises(error, match=text) as caught:
        read(body)
    assert type(caught.value) is error


def test_several_sheets_are_refused() -> None:
    """A result has one."""
    book = openpyxl.Workbook()
    book.create_sheet()
    file = io.BytesIO()
    book.save(file)

    with pytest.raises(PayloadError, match="the workbook has 2 sheets, a result has one"):
        read(file.getvalue())


def test_parts_of_one_name_or_a_secret_are_refused() -> None:
    """Which of two is meant, readers do not agree on."""
    file = io.BytesIO(written([["A"]]))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "a") as archive:
        archive.writestr(SHEET, b"")
    with pytest.raises(UnexpectedContentError, match="one of its parts is there twice"):
        read(file.getvalue())

    body = written([["A"]])
    for place in (body.index(b"PK\x01\x02") + 8,):
        with pytest.raises(UnexpectedContentError, match="its parts are encrypted"):
            read(body[:place] + b"\x01" + body[place + 1 :])


def declared(body: bytes, size: int) -> bytes:
    """Let the archive's directory say that the sheet inflates to so many bytes."""
    place = body.rindex(SHEET.encode()) - 46 + 24  # the length of a directory's entry, and where the size stands in it
    return body[:place] + struct.pack("<I", size) + body[place + 4 :]


@pytest.mark.parametrize(("more", "size"), [(0, 50_000_000), (2_000_000, 1_100_000_000)])
def test_a_bomb_is_refused_before_it_is_inflated(more: int, size: int) -> None:
    """By what its directory says of the sizes: more than a thousandfold, or more than a gigabyte."""
    noise = hashlib.shake_128(b"").digest(more)
    bomb = declared(changed(written([["A"]]), {}, noise=noise), size)
    assert zipfile.ZipFile(io.BytesIO(bomb)).getinfo(SHEET).file_size == size
    assert (1000 * len(bomb) > size) == bool(more)

    with pytest.raises(PayloadLimitError, match=r"inflate to 11 parts of \d"):
        read(bomb)


def test_a_directory_that_lies_about_sizes_is_found_out() -> None:
    """A part that is larger than it says is not read further than that."""
    body = sheet(C + b'<row r="2"><c r="A2" t="str"><v>%s</v></c></row>' % (b"x" * 1000))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        size = archive.getinfo(SHEET).file_size

    with pytest.raises(PayloadError, match=r"the workbook is damaged|not well-formed"):
        read(declared(body, size - 500))


def test_a_text_without_end_is_not_gathered() -> None:
    """A cell is refused as soon as it has more characters than cells can have."""
    body = sheet(b"<row><c t='str'><v>%s</v></c></row>" % (b"x" * 20_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(PayloadLimitError, match="cell A1 has as many characters as a cell can"):
            read(body)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
