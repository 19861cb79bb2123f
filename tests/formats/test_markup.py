"""Tables of HTML and Markdown, as an independent writer makes them: texts come back, damage does not."""

from __future__ import annotations

import html
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.exceptions import (
    IncompleteResultError,
    LookerFrameError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.formats.markup import batches, html_rows, md_rows
from lookerframe.payload import Payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

HEADINGS = ["Day", "Carrier <&> Name"]
ROWS = [["2013-01-01", "UA"], ["", "é\"'&lt; <b> | \\ 😀"], ["2013-01-02", "x"]]


def html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Write a table with what the standard library escapes."""
    lines = ["<table>", "<tr>" + "".join(f"<th>{html.escape(text)}</th>" for text in headings) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"]).encode()


def md_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """Write a table with a backslash before each backslash and pipe."""
    lines = [[re.sub(r"([\\|])", r"\\\1", text) for text in row] for row in (headings, *rows)]
    lines.insert(1, ["---"] * len(headings))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines).encode()


def chunked(body: bytes, size: int) -> Iterator[bytes]:
    """Cut a body into chunks of one size."""
    return (body[start : start + size] for start in range(0, len(body), size))


def read(name: str, body: bytes, *, size: int = 1 << 20, whole: bool = False) -> list[list[str]]:
    """Read all rows, headings first."""
    payload = Payload(name, chunked(body, size), whole=whole)
    return [cells for _, cells in html_rows(payload)] if name == "html" else list(md_rows(payload))


def outcome(name: str, body: bytes, *, size: int = 1 << 20) -> Any:
    """Give the rows, or the error and its text."""
    try:
        return read(name, body, size=size)
    except LookerFrameError as exc:
        return type(exc), str(exc)


TABLES: dict[str, Callable[[Sequence[str], Sequence[Sequence[str]]], bytes]] = {"html": html_table, "md": md_table}
names = pytest.mark.parametrize("name", TABLES)


def test_recorded_table_is_read(payloads: Path) -> None:
    """As a Looker wrote it, whatever the chunks."""
    body = (payloads / "html_two_columns.html").read_bytes()

    for size in range(1, len(body) + 1):
        assert list(html_rows(Payload("html", chunked(body, size)))) == [
            (True, ["Orders Created Date", "Orders Count"]),
            (False, ["2019-12-22", "39"]),
        ]


@names
def test_texts_come_back(name: str) -> None:
    """Headings and values, however they had to be escaped, and however the body is cut."""
    body = TABLES[name](HEADINGS, ROWS)

    for size in range(1, len(body) + 1):
        assert read(name, body, size=size) == [HEADINGS, *ROWS]


@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=width, max_size=width), min_size=1
        )
    ),
    size=st.integers(1, 100),
)
def test_any_text_comes_back_from_html(rows: list[list[str]], size: int) -> None:
    """Quotes, tags, entities, blanks, line breaks, control characters."""
    assert read("html", html_table(rows[0], rows), size=size) == [rows[0], *rows]


@given(
    rows=st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(
                st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n")).map(
                    lambda text: text.strip(" \t")
                ),
                min_size=width,
                max_size=width,
            ),
            min_size=1,
        )
    ),
    size=st.integers(1, 100),
)
def test_any_line_comes_back_from_markdown(rows: list[list[str]], size: int) -> None:
    """Only blanks around a text, and line breaks in it, have no place in such a table."""
    assert read("md", md_table(rows[0], rows), size=size) == [rows[0], *rows]


@names
def test_a_cut_at_every_byte_raises(name: str) -> None:
    """No part of a body is taken for a result; but lines of Markdown may end anywhere."""
    body = TABLES[name](HEADINGS, ROWS)
    whole_lines = [body.index(b"\n", body.index(b"-\x20|")) + 1] if name == "md" else []
    for end in range(len(body)):
        found = outcome(name, body[:end])
        if name == "md" and whole_lines[0] <= end and body[end - 1 : end] == b"\n":
            assert found[0] == HEADINGS
        else:
            assert found[0] in (IncompleteResultError, UnexpectedContentError) or "UTF-8" in found[1], body[:end]


def test_a_line_that_is_not_ended_is_whole_if_that_is_proven() -> None:
    """As in the JSON of a webhook."""
    body = md_table(["A"], [["1"], ["2"]]).removesuffix(b"\n")

    assert read("md", body, whole=True) == [["A"], ["1"], ["2"]]
    with pytest.raises(IncompleteResultError, match=r"the last line is not ended; it is '\| 2 \|'"):
        read("md", body)
    with pytest.raises(PayloadError, match="line 4 is no row between pipes"):
        read("md", body[:-1], whole=True)


def test_plain_rows_and_others_are_read_alike() -> None:
    """Attributes, capitals, sections, markup in cells and white space between tags change no text."""
    plain = html_table(["A", "B"], [["1", "x & y"], ["", "z"]]).decode()
    marked = (
        plain.replace("<td>1", "<TD class='a>b' >1")
        .replace("<td>x", '<td><a href="https://example.com?a=1&b=2">x')
        .replace("y</td>", "y</a></td>")
        .replace("<tr><td></td>", "<tr id=r2 ><td/>")
        .replace("</th></tr>", "</th></tr></thead>\n<tbody>")
        .replace("<table>\n<tr>", "<TABLE border=1>\r\n<thead>\t<tr>")
        .replace("</table>", "</tbody></table>\n \t")
    )

    for size in (1, 7, 1000):
        assert read("html", marked.encode(), size=size) == [["A", "B"], ["1", "x & y"], ["", "z"]]
    assert read("html", plain.replace("x &amp; y", "x<br>y").encode())[1] == ["1", "x\ny"]


def test_a_row_is_one_of_headings_if_all_its_cells_are() -> None:
    """A value may be marked as the heading of its row; a byte order mark is no text."""
    body = b"\xef\xbb\xbf<table><tr><th>A</th><th>B</th></tr><tr><th>x</th><td>1</td></tr></table>"

    assert list(html_rows(Payload("html", [body]))) == [(True, ["A", "B"]), (False, ["x", "1"])]
    assert read("md", b"\xef\xbb\xbf" + md_table(["A"], [])) == [["A"]]


def test_merged_headings_are_repeated() -> None:
    """One over the measures of a pivot stands for each of them."""
    body = (
        b'<table><tr><th>Day</th><th colspan="2">UA</th><th>AA</th></tr>'
        b"<tr><th>Date</th><th>Count</th><th>Mean</th><th>Count</th></tr><tr><td>d</td><td>1</td><td>2</td><td>3</td>"
        b"</tr></table>"
    )

    assert read("html", body) == [
        ["Day", "UA", "UA", "AA"],
        ["Date", "Count", "Mean", "Count"],
        ["d", "1", "2", "3"],
    ]


START = b"<table><tr><th>A</th></tr>"
#: Bodies of no result: format, error, words of its text.
REFUSED: dict[str, tuple[str, bytes, type[PayloadError], str]] = {
    "empty": ("html", b" \n", IncompleteResultError, "the body is empty"),
    "empty md": ("md", b"", IncompleteResultError, "the body is empty"),
    "page": (
        "html",
        b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx<table></table></body></html>",
        UnexpectedContentError,
        "expected a table of HTML, met '502 Bad Gateway nginx'",
    ),
    "page for md": ("md", b"<html>Log in</html>", UnexpectedContentError, "table of Markdown, met 'Log in'"),
    "json": ("html", b'{"message":"Not found"}', UnexpectedContentError, "met '{.*Not found"),
    "json for md": ("md", b'{"message":"Not found"}', UnexpectedContentError, "met '{.*Not found"),
    "failed query": ("html", b"<p>division by zero</p>", UnexpectedContentError, "met 'division by zero'"),
    "comment first": ("html", b"<!-- x -->" + START, UnexpectedContentError, "met 'A'"),
    "no row closed": ("html", START + b"<tr><td>1</table>", PayloadError, "row 1: '</table>' stands where"),
    "error text": ("html", START + b"<tr><td>1</td></tr>Connection lost", PayloadError, "row 2: 'Connection lost'"),
    "text after": ("html", START + b"</table> ERROR", PayloadError, "after the end of the table: 'ERROR'"),
    "tag after": ("html", START + b"</table><p", PayloadError, "after the end of the table: '<p'"),
    "table in cell": ("html", START + b"<tr><td><table></table></td></tr></table>", PayloadError, "row 1: '<table>'"),
    "script": ("html", START + b"<tr><td><script></table></script></td></tr></table>", PayloadError, "<script>"),
    "comment": ("html", START + b"<tr><!-- x --><td>1</td></tr></table>", PayloadError, "row 1: '<!-- x'"),
    "CDATA": ("html", START + b"<tr><td><![CDATA[1]]></td></tr></table>", PayloadError, r"row 1: '<!.*CDATA"),
    "marked": ("html", START + b"<tr><td><![CDAT|[1]]></td></tr></table>", PayloadError, "row 1: .* stands where"),
    "marked page": ("html", b"<![CDAT|[1]]> Bad Gateway</tr>", UnexpectedContentError, "met 'Bad Gateway'"),
    "instruction": ("html", START + b"<?xml x?></table>", PayloadError, "row 1: '<[?]xml x"),
    "declaration": ("html", START + b"<!DOCTYPE x></table>", PayloadError, "row 1: '<!DOCTYPE x'"),
    "cell spans rows": ("html", START + b'<tr><td rowspan="2">1</td></tr></table>', PayloadError, "spans 2 rows"),
    "value spans": ("html", START + b'<tr><td colspan="2">1</td></tr></table>', PayloadError, "a value spans 2"),
    "span": ("html", b"<table><tr><th colspan=99999>A</th></tr></table>", PayloadError, "and 99999 columns"),
    "many cells": ("html", b"<table><tr>" + b"<th colspan=1000>A</th>" * 66, PayloadLimitError, "more than 65,536"),
    "open tag": ("html", START + b"<tr><td a='" + b"x" * 2_000_000, PayloadLimitError, "more than 1,048,576"),
    "not UTF-8": ("html", START + b"<tr><td>\xff</td>", PayloadError, r"not UTF-8: byte 0xff \(at byte 34\)"),
    "not UTF-8 md": ("md", b"| a |\n| - |\n| \xe9 |\n", PayloadError, r"not UTF-8: byte 0xe9 \(at byte 14\)"),
    "no dashes": ("md", b"| a |\n| 1 |\n", UnexpectedContentError, "its second line of dashes, met '. a"),
    "only headings": ("md", b"| a |\n", IncompleteResultError, "before the line of dashes"),
    "error text md": ("md", b"| a |\n| - |\nConnection lost\n", PayloadError, "line 3 is no row between pipes: 'Conn"),
    "escaped pipe": ("md", b"| a |\n| - |\n| x \\|\n", PayloadError, "line 3 is no row between pipes"),
    "blank line": ("md", b"| a |\n| - |\n\n| 1 |\n", PayloadError, "line 3 is no row between pipes: ''"),
}


@pytest.mark.parametrize(("name", "body", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_is_refused_alike_however_it_is_cut(
    name: str, body: bytes, error: type[PayloadError], text: str
) -> None:
    """By the error that says what was met."""
    with pytest.raises(error, match=text) as caught:
        read(name, body)

    assert type(caught.value) is error
    for size in (1, 2, 7, 30) if len(body) < 10_000 else (70_000,):
        assert outcome(name, body, size=size) == (error, str(caught.value))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_rows_stream(size: int) -> None:
    """A table without end is read no further than its rows are taken, wherever its chunks end."""
    given: list[int] = []

    def endless() -> Iterator[bytes]:
        yield START
        for number in itertools.count():
            given.append(number)
            yield from chunked(b"<tr><td>%d</td></tr>" % number, size)

    rows = html_rows(Payload("html", endless()))

    assert [cells for _, cells in itertools.islice(rows, 5)] == [["A"], ["0"], ["1"], ["2"], ["3"]]
    assert len(given) <= 5


def test_batches_hold_all_rows_and_nulls_for_empty_texts() -> None:
    """Column by column; no row is lost between two batches."""
    rows = [[str(number), "" if number % 3 else "x"] for number in range(10_000)]
    found = list(batches(iter(rows), [["A", "B"]], "md"))

    assert len(found) > 1
    assert [text for batch in found for text in batch[0].to_pylist()] == [row[0] for row in rows]
    assert [text for batch in found for text in batch[1].to_pylist()] == [row[1] or None for row in rows]
    assert {str(array.type) for batch in found for array in batch} == {"string"}


@pytest.mark.parametrize("row", [["1"], ["1", "2", "3"]])
def test_a_row_of_another_width_is_refused(row: list[str]) -> None:
    """As is a row of headings."""
    with pytest.raises(PayloadError, match=f"row 1 has {len(row)} cells, the headings 2"):
        list(batches([["1", "2"], row], [["A", "B"]], "html"))
    with pytest.raises(PayloadError, match=f"heading row 0 has {len(row)} cells, the last one 2"):
        list(batches([], [row, ["A", "B"]], "html"))
