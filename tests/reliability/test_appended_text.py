"""The text of an error behind, between and in the rows, as Looker appends it when a stream breaks: never a table.

The form in which Looker appends it is in no source; the texts are those of databases, with what could pass for JSON or
for a row in them. A column of texts alone cannot tell one from a value: how often that is so is counted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from lookerframe.exceptions import ConversionError, LookerSQLError, PayloadError
from tests.writers import Col, Query, decode
from tests.writers.bodies import BODIES
from tests.writers.drawing import chance

if TYPE_CHECKING:
    from tests.counting import Counts

TEXTS = (
    "ERROR: canceling statement due to statement timeout",
    "\nERROR: canceling statement due to user request\n",
    "ERROR: deadlock detected\n  Detail: Process 41 waits for ShareLock on transaction 7; blocked by process 42.\n",
    'ERROR: relation "orders" does not exist [SQL State=42P01, DB Errorcode=0]',
    "[Amazon](500310) Invalid operation: disk full, query aborted;\n",
    "java.sql.SQLException: Communications link failure",
    "com.mysql.jdbc.exceptions.CommunicationsException: Communications link failure, last packet 10,012 ms ago\n",
    "net.snowflake.client.jdbc.SnowflakeSQLException: SQL execution canceled",
    "SQL compilation error: error line 3 at position 7, invalid identifier 'ORDERS.COUNT'\n",
    '{"error":{"code":403,"message":"Exceeded rate limits","errors":[{"reason":"rateLimitExceeded"}]}}',
    '[{"looker_error":"The database connection was lost"}]',
    "ORA-01555: snapshot too old: rollback segment number 9, too small\n",
    "Query failed (#20260131_1): Query exceeded per-node memory limit of 1GB [Allocated: 1GB, Delta: 8MB]\n",
    "Resources exceeded during query execution: The query could not be executed in the allotted memory.",
    "<html><body><h1>502 Bad Gateway</h1></body></html>\n",
    "Looker error: connection to the database was reset by peer\r\n",
    "\x1b[31mFATAL\x1b[0m: terminating connection due to administrator command",
    "Fehler: Verbindung zum Server \u201edb\u201c verloren \u202e",
    "null",
    "Error: " + "x" * 5_000,
)
POSITIONS = ("behind", "between", "within")
JSON = ("json", "json_bi", "json_detail", "json_detail_lite_stream", "inline_json", "json_label")
ROWS = 40
NUMBERS = (
    Col("orders.id", "number", label="Orders ID"),
    Col("orders.count", "count", "measures", label="Orders Count"),
)
MIXED = (NUMBERS[0], Col("orders.name", label="Orders Name"), NUMBERS[1])
NAME = (Col("orders.name", label="Orders Name"),)
TOLD: dict[str, int] = {}


def body_of(name: str, columns: tuple[Col, ...]) -> bytes:
    """Write rows of numbers and names."""

    def value(column: Col, row: int) -> object:
        return f"name {row}" if column.type == "string" else 1_000 + row

    rows = tuple(tuple(value(column, row) for column in columns) for row in range(ROWS))
    return BODIES[name](Query(fields=columns, rows=rows), chance(4))


def broken(body: bytes, text: str, position: str) -> bytes:
    """Put a text behind a body, or let it take the place of what comes behind a row or half of one."""
    if position == "behind":
        return body + text.encode()
    last = max(body.rindex(mark) for mark in (b"1030", b"name 30") if mark in body)
    if position == "within":
        return body[: last + 2] + text.encode()
    # Behind the row: after its brace, its line feed, its tag.
    end = re.compile(rb"\}(?=\s*,\s*\{)|\n").search(body, last)
    assert end is not None
    return body[: end.end()] + text.encode()


def raised(name: str, columns: tuple[Col, ...], body: bytes) -> Exception | None:
    """Decode a body; return the error, None if there was a table."""
    try:
        decode(body, name, columns=columns, context={"total": False}).to_arrow()
    except (PayloadError, ConversionError, LookerSQLError) as exc:
        return exc
    return None


def note(counts: Counts, **figures: int) -> None:
    """Add figures of one format to those of the others."""
    for figure, value in figures.items():
        TOLD[figure] = TOLD.get(figure, 0) + value
    counts("R4", texts=len(TEXTS), positions=len(POSITIONS), **TOLD)


@pytest.mark.parametrize("name", JSON)
def test_appended_text_never_makes_a_table_of_json(name: str, counts: Counts) -> None:
    """The message shows the text, without what a terminal would act on, and says where it may come from."""
    for columns in (MIXED, NAME):
        body = body_of(name, columns)
        assert raised(name, columns, body) is None
        for text in TEXTS:
            for position in POSITIONS:
                error = raised(name, columns, broken(body, text, position))
                assert isinstance(error, PayloadError), f"{text!r} {position} the rows: {error!r}"
                message = str(error)
                assert "Looker appends the text of a database error" in message
                word = max(re.findall(r"[A-Za-z]+", text[:200]), key=len)
                assert word[:100] in message, f"{text!r} {position} the rows: {message}"
                assert message.isprintable()
                note(counts, bodies=1)


@pytest.mark.parametrize("name", ["csv", "txt", "html", "md"])
@pytest.mark.parametrize("columns", [NUMBERS, MIXED], ids=["numbers", "mixed"])
def test_appended_text_never_makes_a_table_of_typed_cells(name: str, columns: tuple[Col, ...], counts: Counts) -> None:
    """A row has another number of cells, no line feed at its end, or a text where a number is due."""
    body = body_of(name, columns)
    assert raised(name, columns, body) is None
    for text in TEXTS:
        for position in POSITIONS:
            assert raised(name, columns, broken(body, text, position)) is not None, f"{text!r} {position} the rows"
            note(counts, bodies=1)


@pytest.mark.parametrize("name", ["csv", "txt"])
def test_one_column_of_texts_cannot_tell(name: str, counts: Counts) -> None:
    """A line is a row whatever it says; only one that is not ended, or has another cell, is refused."""
    body = body_of(name, NAME)
    passed = [
        (text, position)
        for text in TEXTS
        for position in POSITIONS
        if raised(name, NAME, broken(body, text, position)) is None
    ]

    # Those that end in a line feed, and have no separator.
    separator = "," if name == "csv" else "\t"
    due = [text for text in TEXTS if text.endswith("\n") and separator not in text]
    assert {text for text, _ in passed} == set(due)
    note(counts, bodies=len(TEXTS) * len(POSITIONS), accepted_in_one_column_of_texts=len(passed))
