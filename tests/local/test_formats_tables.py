"""Formats that are tables, ``json_bi``, and what formatting does: recorded shapes, quoting, types, failed queries."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import duckdb
import pytest

from lookerframe.local import formats
from lookerframe.local.engine import DatabaseError
from lookerframe.local.models import read_project
from lookerframe.local.outcome import Outcome, Run
from lookerframe.local.queries import Queries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.local.calling import Api

#: Everything that a table of text has to be careful with; and money.
THINGS = """
view: things {
  sql_table_name: (VALUES
    ('a,b', 1234567, 0.5), ('say "hi"', 962, 1.0), ('two' || chr(10) || 'lines' || chr(9) || 'tab', NULL, 2.25),
    ('<b>&|', -5, 0), (NULL, 0, NULL), ('=1+1', 1000, -0.125)) ;;
  dimension: text { label: "Name, in full" sql: ${TABLE}.col0 ;; }
  dimension: number { type: number sql: ${TABLE}.col1 ;; }
  measure: count { type: count }
  measure: money { type: sum sql: ${TABLE}.col2 ;; value_format: "$#,##0.00" }
}
"""
FIELDS = ("things.text", "things.number", "things.money")
HEADINGS = ["Things Name, in full", "Things Number", "Things Money"]
ROWS: list[tuple[Any, ...]] = [
    (None, 0, 0),
    ("<b>&|", -5, 0),
    ("=1+1", 1000, -0.125),
    ("a,b", 1234567, 0.5),
    ('say "hi"', 962, 1),
    ("two\nlines\ttab", None, 2.25),
]
NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def write(project: Callable[..., Path]) -> Callable[..., bytes]:
    """Run a query over things, without a server, and write it in a format."""
    queries = Queries(read_project(project(THINGS, "things")), timezone="UTC", timezones=frozenset({"UTC"}))

    def run(name: str, *fields: str, embedded: bool = False, error: bool = False, **options: Any) -> bytes:
        query = {"model": "m", "view": "things", "fields": list(fields or FIELDS), "sorts": ["things.text"]}
        query = {key: value for key, value in query.items() if key != "sorts" or "things.text" in (fields or FIELDS)}
        body = {key: options.pop(key) for key in ("total", "limit", "pivots", "sorts") if key in options}
        saved = queries.create({**query, **body})
        plan = saved.plan()
        with duckdb.connect() as connection:
            connection.execute("SET default_null_order = 'nulls_first_on_asc_last_on_desc'")
            table = connection.sql(plan.sql).to_arrow_table()
        failed = DatabaseError("Binder Error: no <such> column", line=1, column=2) if error else None
        outcome = Outcome(
            "t1", Run(saved, plan, **options), dt.datetime.now(dt.UTC), 0.5, None if error else table, failed
        )
        item = formats.find(name)
        assert item is not None
        return b"".join(formats.embedded(item, outcome) if embedded else item.write(outcome))

    return run


def test_csv(write: Callable[..., bytes]) -> None:
    """A spreadsheet reads back every cell; lines end in a line feed; a null is empty."""
    body = write("csv").decode()

    assert list(csv.reader(io.StringIO(body))) == [
        HEADINGS,
        *(["" if value is None else str(value) for value in row] for row in ROWS),
    ]
    assert body.splitlines()[0] == '"Things Name, in full",Things Number,Things Money'
    assert '\n"say ""hi""",962,1\n' in body
    assert body.endswith('tab",,2.25\n')
    assert "\r" not in body


def test_csv_of_a_dashboards_tile(payloads: Path, write: Callable[..., bytes]) -> None:
    """The documented attachment has a heading of labels, commas, line feeds, bare numbers: as ours."""
    theirs = (payloads / "webhook_doc_csv_attachment.csv").read_text(encoding="utf-8").splitlines()

    ours = write("csv", "things.number", "things.count", limit="1", sorts=["things.number desc"]).decode().splitlines()

    assert [line.count(",") for line in theirs] == [2, 2, 2]
    assert theirs[1].split(",")[1].isdecimal()
    assert ours == ["Things Number,Things Count", "1234567,1"]


def test_txt(write: Callable[..., bytes]) -> None:
    """Tabs part the cells, and are quoted within one."""
    body = write("txt").decode()

    rows = list(csv.reader(io.StringIO(body), delimiter="\t"))
    assert rows[0] == HEADINGS
    assert [row[0] for row in rows[1:]] == [row[0] or "" for row in ROWS]
    assert "\na,b\t1234567\t0.5\n" in body


def test_html_is_as_recorded(payloads: Path, api: Api, write: Callable[..., bytes]) -> None:
    """The table has the recorded lines; what is special in HTML is escaped."""
    theirs = (payloads / "html_two_columns.html").read_text(encoding="utf-8").strip().splitlines()

    query_id = api.create("flights.time_date", "flights.count", limit="1")
    answer = api("GET", f"/queries/{query_id}/run/html")

    ours = answer.text.splitlines()
    for text, own in (("Orders Created Date", "Flights Time Date"), ("Orders Count", "Flights Count")):
        theirs = [line.replace(text, own) for line in theirs]
    theirs = [line.replace("2019-12-22", "2014-01-01").replace("39", "66") for line in theirs]
    assert [line for line in ours if "<td>" not in line] == [line for line in theirs if "<td>" not in line]
    assert ours[2].startswith("<tr><td>20")
    assert ours[2].count("</td><td>") == 1
    assert answer.headers["Content-Type"] == "text/html;charset=utf-8"
    assert "<tr><td>&lt;b&gt;&amp;|</td><td>-5</td><td>0</td></tr>\n" in write("html").decode()


def test_md(write: Callable[..., bytes]) -> None:
    """A heading, a rule, a line for each row whatever is in it."""
    lines = write("md").decode().splitlines()

    assert lines[:2] == ["| Things Name, in full | Things Number | Things Money |", "| --- | --- | --- |"]
    assert lines[3] == "| <b>&\\| | -5 | 0 |"
    assert len(lines) == 2 + len(ROWS)


def test_xlsx(write: Callable[..., bytes]) -> None:
    """Numbers are numbers, text is text although it begins as a formula does, nulls are no cells."""
    rows = spreadsheet(write("xlsx"))

    assert rows[0] == HEADINGS
    assert rows[1:] == [[*row] for row in ROWS[:5]] + [["two\nlines\ttab", None, 2.25]]


def spreadsheet(body: bytes) -> list[list[Any]]:
    """Read the one sheet of a workbook."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        texts = [
            "".join(part.text or "" for part in item.iter(f"{NAMESPACE}t"))
            for item in ET.fromstring(archive.read("xl/sharedStrings.xml"))  # noqa: S314 - written by this test
        ]
        sheet = ET.fromstring(archive.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - written by this test
    rows = []
    for row in sheet.iter(f"{NAMESPACE}row"):
        cells: list[Any] = [None, None, None]
        for cell in row:
            value = cell.findtext(f"{NAMESPACE}v") or ""
            cells["ABC".index(cell.attrib["r"][0])] = texts[int(value)] if cell.get("t") == "s" else float(value)
        rows.append(cells)
    return rows


def test_sql(api: Api, payloads: Path) -> None:
    """The statement as ``json_detail`` has it, of a query that fails as well."""
    recorded = (payloads / "sql_users_snowflake.sql").read_text(encoding="utf-8")
    query_id, broken = api.create("flights.carrier"), api.create("flights.broken")

    answer = api("GET", f"/queries/{query_id}/run/sql")
    task = api.results(api.submit(broken, "sql"))

    assert answer.text == api("GET", f"/queries/{query_id}/run/json_detail").json()["sql"]
    assert answer.text.startswith(recorded.splitlines()[0])
    assert answer.headers["Content-Type"] == "application/sql"
    assert task.status_code == 200
    assert "no_such_column" in task.text


def test_json_label_and_inline_json(write: Callable[..., bytes], payloads: Path) -> None:
    """Labels are keys; ``inline_json`` is ``json``."""
    theirs = json.loads((payloads / "json_label_emails.json").read_text(encoding="utf-8"))

    rows = json.loads(write("json_label"))

    assert [list(row) for row in rows] == [HEADINGS] * len(ROWS)
    assert list(theirs[0]) == ["User Email"]
    assert write("inline_json") == write("json")


def test_json_bi(write: Callable[..., bytes], valid: Callable[[str, Any], None]) -> None:
    """Cells hold a value only; the metadata is what the API says, but for a flag that was recorded as one."""
    result = json.loads(write("json_bi", total=True))

    assert [tuple(cell["value"] for cell in row.values()) for row in result["rows"]] == [*ROWS, (None, None, 3.625)]
    assert {tuple(cell) for row in result["rows"] for cell in row.values()} == {("value",)}
    metadata = result["metadata"]
    assert metadata["columns_truncated"] is False
    valid("JsonBiMetadata", {**metadata, "columns_truncated": "false"})
    for field in (*metadata["fields"]["dimensions"], *metadata["fields"]["measures"]):
        valid("JsonBiField", field)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("json", {"things.text": "a,b", "things.number": "1,234,567", "things.money": "$0.50"}),
        ("json_label", dict(zip(HEADINGS, ("a,b", "1,234,567", "$0.50"), strict=True))),
        (
            "json_bi",
            {
                "things.text": {"value": "a,b"},
                "things.number": {"value": "1,234,567"},
                "things.money": {"value": "$0.50"},
            },
        ),
    ],
)
def test_formatting_in_json(write: Callable[..., bytes], name: str, expected: dict[str, Any]) -> None:
    """Numbers become text in the format of LookML, or with separators; nulls stay null."""
    found = json.loads(write(name, apply_formatting=True))

    rows = found["rows"] if name == "json_bi" else found
    assert rows[3] == expected
    number = list(rows[5].values())[1]
    assert number in (None, {"value": None})


def test_formatting_in_tables(write: Callable[..., bytes], payloads: Path) -> None:
    """Numbers are written for a reader, in quotes where a separator makes that necessary, as recorded."""
    assert "34.03K" in (payloads / "csv_tile_pivoted.csv").read_text(encoding="utf-8")

    body = write("csv", apply_formatting=True).decode()

    assert '"a,b","1,234,567",$0.50\n' in body
    assert "<td>-5</td><td>$0.00</td>" in write("html", apply_formatting=True).decode()
    assert spreadsheet(write("xlsx", apply_formatting=True))[4] == ["a,b", "1,234,567", "$0.50"]


def test_formatting_leaves_json_detail(write: Callable[..., bytes]) -> None:
    """``rendered`` is there either way, and ``value`` stays the number (recorded)."""
    plain, formatted = (json.loads(write("json_detail", apply_formatting=flag)) for flag in (False, True))

    assert plain["data"] == formatted["data"]
    assert plain["data"][3]["things.money"] == {"value": 0.5, "rendered": "$0.50"}


@pytest.mark.parametrize("name", ["csv", "txt", "md", "html", "json", "json_label", "json_bi"])
def test_no_rows(write: Callable[..., bytes], name: str) -> None:
    """Tables have their headings, JSON is empty but valid."""
    body = write(name, limit="0").decode()

    if name.startswith("json"):
        assert json.loads(body) == [] or json.loads(body)["rows"] == []
    else:
        assert "Things Number" in body


@pytest.mark.parametrize("name", formats.served())
def test_failed_query(write: Callable[..., bytes], name: str) -> None:
    """What a run answers has the text of the database in every format that has rows."""
    body = write(name, error=True)

    message = "The DuckDB database encountered an error while running this query. Binder Error: no <such> column"
    if name in ("json", "inline_json", "json_label"):
        assert json.loads(body) == [{"looker_error": message}]
    elif name == "json_bi":
        assert json.loads(body)["rows"] == [{"looker_error": message}]
    elif name == "xlsx":
        assert spreadsheet(body) == [[message, None, None]]
    elif name == "html":
        assert body.decode() == f"<p>{message.replace('<', '&lt;').replace('>', '&gt;')}</p>"
    elif name not in ("json_detail", "sql"):
        assert body.decode() == f"{message}\n"


@pytest.mark.parametrize("name", formats.served())
def test_results_inside_an_answer(write: Callable[..., bytes], name: str) -> None:
    """``multi_results`` holds JSON as it is, text as a string, a failed query in words of the format or an object."""
    complete, failed = (json.loads(write(name, embedded=True, error=error)) for error in (False, True))

    if name == "xlsx":
        assert spreadsheet(base64.b64decode(complete))[0] == HEADINGS
    elif not name.endswith(("json", "json_label", "json_detail", "json_bi")):
        assert complete == write(name).decode()
    if name == "json_bi":
        assert list(failed) == ["metadata", "rows"]
    elif name == "json_detail":
        assert failed["errors"]
    elif name != "sql":
        assert list(failed) == ["id", "error", "runtime", "sql"]


def test_content_types(api: Api) -> None:
    """Recorded for ``html``, ``sql`` and JSON; for others what the formats are called elsewhere."""
    query_id = api.create("flights.origin")

    found = {name: api("GET", f"/queries/{query_id}/run/{name}").headers["Content-Type"] for name in formats.served()}

    assert {name: kind for name, kind in found.items() if "json" not in name} == {
        "csv": "text/csv;charset=utf-8",
        "html": "text/html;charset=utf-8",
        "md": "text/markdown;charset=utf-8",
        "txt": "text/plain;charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "sql": "application/sql",
    }
    assert {kind for name, kind in found.items() if "json" in name} == {"application/json"}
