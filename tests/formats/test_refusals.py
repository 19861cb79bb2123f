"""Bodies that are not the result that is due, in every format: refused with what was met, never read as a table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lookerframe import formats
from lookerframe.exceptions import (
    ConversionError,
    IncompleteResultError,
    LookerFrameError,
    PayloadError,
    PayloadLimitError,
    UnexpectedContentError,
)
from lookerframe.payload import Payload
from tests.writers import Col, Query, decode
from tests.writers.bodies import BODIES
from tests.writers.drawing import chance

if TYPE_CHECKING:
    from collections.abc import Sequence

JSON = tuple(name for name in BODIES if "json" in name)
COLUMNS = (
    Col("v.a", label="V A"),
    Col("v.n", "number", label="V N"),
    Col("v.m", "average", "measures", label="V M"),
)
#: The marks stand for what is put in their places.
QUERY = Query(fields=COLUMNS, rows=(("MARK", 70077, 80088.5), ("second", 2, 3.5)))
#: A query task as the API's specification describes it; some releases sent it where its result was due.
TASK = {
    "can": {},
    "id": "5f8a4ca7",
    "query_id": "17",
    "query": {"id": "17", "model": "m", "view": "v", "fields": ["v.a"]},
    "result_format": "json",
    "status": "complete",
    "result_source": "cache",
    "data": None,
}
PAGE = b"<!DOCTYPE html>\n<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>\n"


def refused(name: str, body: bytes, columns: Sequence[Col] | None = COLUMNS) -> LookerFrameError:
    """Decode a body that is no result, and return the error."""
    with pytest.raises(LookerFrameError) as caught:
        decode(body, name, columns=columns, context={"total": False}).to_arrow()
    return caught.value


@pytest.mark.parametrize("columns", [COLUMNS, None], ids=["fields", "no fields"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_without_bytes_is_not_whole(name: str, columns: Sequence[Col] | None) -> None:
    """Every format has some even without rows."""
    error = refused(name, b"", columns)

    assert type(error) is IncompleteResultError
    assert "the body is empty" in str(error)


@pytest.mark.parametrize("columns", [COLUMNS, None], ids=["fields", "no fields"])
@pytest.mark.parametrize("name", BODIES)
def test_a_page_is_no_result(name: str, columns: Sequence[Col] | None) -> None:
    """A proxy may answer 200 with one; its words are quoted."""
    error = refused(name, PAGE, columns)

    assert type(error) is UnexpectedContentError
    assert "Bad Gateway" in str(error)


@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "pretty"])
@pytest.mark.parametrize("name", BODIES)
def test_a_query_task_is_no_result(name: str, indent: int | None) -> None:
    """Its members are named, so that it can be told what it is."""
    error = refused(name, json.dumps(TASK, indent=indent).encode() + b"\n")

    assert isinstance(error, PayloadError)
    if name not in ("csv", "txt"):  # they show their first line
        assert all(member in str(error) for member in ("can", "id", "query_id"))
    if name in JSON:
        assert type(error) is UnexpectedContentError
        assert "members 'can', 'id', 'query_id', 'query', 'result_format', 'status'" in str(error)


@pytest.mark.parametrize("columns", [COLUMNS, None], ids=["fields", "no fields"])
@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", [name for name in BODIES if name != "xlsx"])
def test_another_encoding_is_refused(name: str, encoding: str, columns: Sequence[Col] | None) -> None:
    """Never read as other characters: results are UTF-8."""
    body = BODIES[name](QUERY, chance(4)).replace(b"MARK", "Straße".encode())

    assert "Straße" in repr(decode(body, name, columns=columns).to_arrow().to_pylist())
    assert isinstance(refused(name, body.decode().encode(encoding, "replace"), columns), PayloadError)


@pytest.mark.parametrize("columns", [COLUMNS, None], ids=["fields", "no fields"])
@pytest.mark.parametrize("name", [name for name in BODIES if name != "xlsx"])
def test_half_of_a_surrogate_pair_is_refused(name: str, columns: Sequence[Col] | None) -> None:
    """As bytes and, in JSON, as an escape: no text has one."""
    body = BODIES[name](QUERY, chance(4))

    assert isinstance(refused(name, body.replace(b"MARK", b"\xed\xa0\x80"), columns), PayloadError)
    if name in JSON:
        assert isinstance(refused(name, body.replace(b"MARK", rb"\ud800"), columns), PayloadError)


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "nan", "inf", "1e400"])
@pytest.mark.parametrize("name", [name for name in BODIES if name != "xlsx"])
def test_what_is_no_finite_number_is_refused(name: str, token: str) -> None:
    """In a dimension and in a measure."""
    body = BODIES[name](QUERY, chance(4))
    for number in (b"70077", b"80088.5"):
        assert number in body
        error = refused(name, body.replace(number, token.encode()))
        assert isinstance(error, PayloadError | ConversionError)


# -- headings ----------------------------------------------------------------------------------------------------------

#: One column whose heading is blank.
BLANK = {"csv": b'" "\n7\n', "txt": b" \n7\n", "md": b"|  |\n| --- |\n| 7 |\n"} | {
    "html": b"<table>\n<tr><th></th></tr>\n<tr><td>7</td></tr>\n</table>"
}


@pytest.mark.parametrize("columns", [COLUMNS[:1], None], ids=["fields", "no fields"])
@pytest.mark.parametrize("name", BLANK)
def test_a_table_without_a_heading_is_refused(name: str, columns: Sequence[Col] | None) -> None:
    """Its values belong to no field, and must not become nulls of one."""
    error = refused(name, BLANK[name], columns)

    assert isinstance(error, PayloadError)
    assert "heading" in str(error)


@pytest.mark.parametrize("span", [1, 2, 4])
def test_html_headings_of_several_widths_are_refused(span: int) -> None:
    """A row of pivots that is not as wide as the labels below it."""
    body = (
        f"<table>\n<tr><th>V A</th><th colspan={span}>x</th></tr>\n"
        "<tr><th>V B</th><th>V M</th><th>V M</th><th>V M</th></tr>\n"
        "<tr><td>a</td><td>1</td><td>2</td><td>3</td></tr>\n</table>"
    ).encode()
    for columns in (COLUMNS, None):
        with pytest.raises(PayloadError, match=f"heading row 0 has {1 + span} cells, the last one 4"):
            decode(body, "html", columns=columns, pivots=(Col("v.a", label="V A"),) if columns else ())


# -- depth -------------------------------------------------------------------------------------------------------------


def nested(depth: int) -> str:
    """Write arrays and objects in each other."""
    opened = "".join('{"a":' if level % 2 else "[" for level in range(depth))
    return opened + "1" + "".join("}" if level % 2 else "]" for level in reversed(range(depth)))


FIELDS = '"fields":{"dimensions":[{"name":"v.a"}]}'
#: Bodies in which something stands in so many arrays and objects already, that a row or an envelope is made of.
DEEP = {
    "envelope": ("json_detail", 1, '{"x":%s,' + FIELDS + ',"data":[]}'),
    "behind the rows": ("json_detail", 1, "{" + FIELDS + ',"data":[],"x":%s}'),
    "links": ("json_detail", 2, "{" + FIELDS + ',"data":[{"v.a":{"value":"1","links":%s}}]}'),
    "links, fields last": ("json_detail", 2, '{"data":[{"v.a":{"value":"1","links":%s}}],' + FIELDS + "}"),
    "unlisted": ("json_bi", 1, '{"metadata":{' + FIELDS + '},"rows":[{"v.a":{"value":"1"},"x":%s}]}'),
    "row": ("json", 1, '[{"v.a":"1","x":%s}]'),
}


@pytest.mark.parametrize(("name", "above", "body"), DEEP.values(), ids=DEEP)
def test_nesting_ends_at_64(name: str, above: int, body: str) -> None:
    """That many arrays and objects in each other are read, one more is not."""
    columns = (Col("v.a"),)
    decode((body % nested(64 - above)).encode(), name, columns=columns).to_arrow()
    with pytest.raises(PayloadLimitError, match="nested more than 64 deep"):
        decode((body % nested(65 - above)).encode(), name, columns=columns).to_arrow()


PIVOTED = '[{"v.a":{"v.p":{"x":1}}},{"v.a":{"v.p":{"x":%s}}}]'


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("json", PIVOTED),
        ("json", '[{"looker_error":%s}]'),
        ("json_bi", '{"rows":[{"looker_error":%s}],"metadata":{}}'),
        ("json_bi", '{"metadata":{"fields":{"dimensions":[{"name":"v.a"}]}},"rows":[{},{"looker_error":%s}]}'),
    ],
)
def test_what_is_built_of_later_rows_is_not_deep(name: str, body: str) -> None:
    """Rows whose pivots are gathered, and texts of errors, are built whole whatever is in them."""
    with pytest.raises(PayloadLimitError, match="nested more than 64 deep"):
        decode((body % nested(70)).encode(), name).to_arrow()


def test_what_is_skipped_may_be_deep() -> None:
    """Nothing is built of it; what the parser itself cannot follow is refused."""
    body = '{"fields":{"dimensions":[{"name":"v.a"}]},"data":[{"v.a":{"value":"1"}},{"v.a":{"value":"2","links":%s}}]}'

    assert decode((body % nested(200)).encode()).to_arrow().to_pydict() == {"v.a": ["1", "2"]}
    with pytest.raises(PayloadLimitError, match="nested too deeply"):
        decode((body % nested(200_000)).encode()).to_arrow()


# -- what stands where a body breaks -----------------------------------------------------------------------------------

#: Where a text may be met: the body up to there, format.
BROKEN = {
    "after the array": ("json", b'[{"v.a":"x"}]'),
    "after a row": ("json", b'[{"v.a":"x"}\n'),
    "after a comma": ("json", b'[{"v.a":"x"},'),
    "in a text": ("json", b'[{"v.a":"x'),
    "before a member": ("json", b"[{"),
    "after the object": ("json_detail", b'{"fields":{},"data":[]}'),
    "in the envelope": ("json_detail", b'{"fields":{},"data":[],'),
    "before the rows": ("json_detail", b'{"fields":'),
    "after the table": ("html", b"<table><tr><th>V A</th></tr><tr><td>x</td></tr></table>"),
    "after a line": ("md", b"| V A |\n| --- |\n| x |\n"),
    "in a line": ("md", b"| V A |\n| --- |\n| x"),
}


@pytest.mark.parametrize(("name", "start"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("end", [b"", b"\n", b"]}"])
def test_what_is_appended_is_shown(name: str, start: bytes, end: bytes) -> None:
    """Up to a thousand characters, none of which a terminal would act on, and where they may come from."""
    text = "ERROR: the connection was \x1b[31mlost\x1b[0m \u202e after " + "9" * 2_000
    error = refused(name, start + text.encode() + end, COLUMNS[:1])

    assert isinstance(error, PayloadError)
    assert "ERROR: the connection was" in str(error) or name == "json"
    assert "9" * 100 in str(error)
    assert "9" * 1_001 not in str(error)
    assert str(error).isprintable()
    assert "Looker appends the text of a database error" in str(error)


@pytest.mark.parametrize("name", [name for name in BODIES if name != "xlsx"])
def test_a_row_without_end_is_refused(name: str) -> None:
    """It is not gathered for ever: `Payload.max_row_bytes` says how much may be."""
    body = BODIES[name](QUERY, chance(1)).replace(b"MARK", 5_000_000 * b"x")
    payload = Payload(name, [body[:2_500_000], body[2_500_000:]], max_row_bytes=3_000_000)

    with pytest.raises(PayloadLimitError, match="3,000,000"):
        formats.decode(payload).to_arrow()
