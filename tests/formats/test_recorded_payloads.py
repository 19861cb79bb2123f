"""Payloads recorded by others, decoded and compared with what the standard library reads from the same bytes.

The folder is not part of the project; `LOOKERFRAME_PAYLOADS` names it. Every file of it is listed here: as one to
decode, as one to refuse, or with the reason why it is neither.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.exceptions import (
    LookerFrameError,
    LookerSQLError,
    PayloadError,
    SchemaError,
    UnexpectedContentError,
)
from tests.writers import chunked, decode, dumped, piece_size

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Results in one file: format, and each column's type, written by hand.
WHOLE: dict[str, tuple[str, list[str]]] = {
    "jd_actionhub_filled_months.json": ("json_detail", ["date32[day]", "int64"]),
    "jd_handmade_pivots_first.json": ("json_detail", ["string"]),
    "jd_lite_stream_weeks.json": ("json_detail_lite_stream", ["date32[day]", "double"]),
    "jd_thelook_subtotals.excerpt.json": ("json_detail", ["string", "string", "int64"]),
    "json_bi_pivot_group_name.json": ("json_bi", ["date32[day]", *["int64"] * 4]),
    "json_label_emails.json": ("json_label", ["string"]),
    "json_one_pivot.json": ("json", ["string", *["int64", "int64", "string", "int64"] * 5]),
    "json_plain_one_row.json": ("json", ["string", "string", "int64"]),
    "vis_thelook_merged_query.response.json": ("json_detail", ["int64", "int64"]),
}
#: Rows in one file, the envelope or its `fields` in another.
PAIRS: dict[str, tuple[str, list[str]]] = {
    "jd_thelook_orders.data.json": ("jd_thelook_orders.fields.json", ["date32[day]", "int64", "double"]),
    "vis_hearthstone_1_dim_1_meas.data.json": ("vis_hearthstone_1_dim_1_meas.response.json", ["string", "int64"]),
    "vis_hearthstone_1_dim_1_pivot_1_meas.data.json": (
        "vis_hearthstone_1_dim_1_pivot_1_meas.response.json",
        ["string", *["int64"] * 3],
    ),
    "vis_heatmap_table_calc.data.json": ("vis_heatmap_table_calc.response.json", ["date32[day]", "string", "double"]),
}
#: Tables of text: format, and the columns that a person reads in the file.
TEXTS: dict[str, tuple[str, dict[str, list[Any]]]] = {
    "csv_tile_pivoted.csv": (
        "csv",
        {"Date": ["2021-12-19"], "Estimated Revenue|facebook": ["34.03K"], "Estimated Revenue|fb": [4.54]},
    ),
    "html_two_columns.html": ("html", {"Orders Created Date": ["2019-12-22"], "Orders Count": [39]}),
    "webhook_doc_csv_attachment.csv": (
        "csv",
        {"Division": ["Brick + Mortar", "Online"], "Revenue": [3828101, 7184918], "Profit": [739192, 4947684]},
    ),
}
#: Bodies that no table may be made of: format, error, words of its text.
REFUSED: dict[str, tuple[str, type[LookerFrameError], str]] = {
    "error_401_recorded.json": ("json_detail", UnexpectedContentError, "met an error of Looker's API: 'Requires auth"),
    "error_404_json.json": ("json_bi", UnexpectedContentError, "met an error of Looker's API: 'Not found'"),
    "error_404_recorded.json": ("json", UnexpectedContentError, "expected a JSON array of rows, met"),
    "error_422_theme.json": ("json_detail", LookerSQLError, "."),
    "jd_handmade_pivot_cells.json": ("json_detail", PayloadError, "row 0 users.count: .*lists no pivots"),
    "json_looker_error_handmade.json": ("json", LookerSQLError, "^What went wrong\\?\n"),
    "multi_results_expired.json": ("json_detail", SchemaError, "found only '7bc7d5fcca8510bfb178021035759c0b'"),
    "totals_data_flat.json": ("json_detail", SchemaError, "found only 'orders.average"),
    "totals_data_pivoted_row_total.json": ("json_detail", SchemaError, "found only 'history.count'"),
    "pivots_one_field.json": ("json_detail", UnexpectedContentError, "met '"),
}
#: Tasks that carry a result as `json_detail`: id → what it leads to.
TASKS: dict[str, dict[str, str]] = {
    "multi_results_error_snowflake.json": {"f636b0257269e6ac9fb8b38527e50205": "error"},
    "multi_results_mixed_status.json": {"231b9509786e03a9c59b961aa90d156c": "no rows"},
}
#: Results that are texts.
DOCUMENTS = ("sql_products_count.sql", "sql_users_snowflake.sql")
OTHERS: dict[str, str] = {
    "INDEX.md": "describes the others",
    "jd_thelook_orders.fields.json": "goes with its rows",
    "vis_hearthstone_1_dim_1_meas.response.json": "goes with its rows",
    "vis_hearthstone_1_dim_1_pivot_1_meas.response.json": "goes with its rows",
    "vis_heatmap_table_calc.response.json": "goes with its rows",
}


def test_every_file_is_listed(payloads: Path) -> None:
    """A new payload is tested as soon as it lies there."""
    listed = [name for table in (WHOLE, PAIRS, TEXTS, REFUSED, TASKS, DOCUMENTS, OTHERS) for name in table]

    assert sorted(listed) == sorted(path.name for path in payloads.iterdir())


READ: dict[str, Callable[[Any], Any]] = {
    "date32[day]": lambda text: dt.date.fromisoformat(text if len(text) == 10 else f"{text}-01"),
    "double": float,
    "int64": int,
    "string": str,
}


def typed(columns: dict[str, list[Any]], kinds: list[str]) -> dict[str, list[Any]]:
    """Read columns of JSON values with the conversion that each type calls for."""
    return {
        name: [None if value is None else READ[kind](value) for value in values]
        for (name, values), kind in zip(columns.items(), kinds, strict=True)
    }


def columns_of(
    rows: list[dict[str, Any]], fields: dict[str, Any], pivots: list[dict[str, Any]]
) -> dict[str, list[Any]]:
    """Gather the cells of each field, or of each pivot and field; pivots are named by their data."""
    found: dict[str, list[Any]] = {}
    for item in fields.get("dimensions") or ():
        found[item["name"]] = [row.get(item["name"], {"value": None})["value"] for row in rows]
    measures = [item["name"] for group in ("measures", "table_calculations") for item in fields.get(group) or ()]
    for pivot in pivots or [{}]:
        for name in measures:
            parts = ["null" if value is None else str(value) for value in pivot.get("data", {}).values()]
            cells = [row[name][pivot["key"]] if pivot else row.get(name, {"value": None}) for row in rows]
            found["|".join([name, *parts])] = [cell["value"] for cell in cells]
    return found


def nested_columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Gather the values of `json`, those of one pivot field by its values."""
    found = {key: [row[key] for row in rows] for key, value in rows[0].items() if not isinstance(value, dict)}
    nested = {key: next(iter(value)) for key, value in rows[0].items() if isinstance(value, dict)}
    for value in dict.fromkeys(value for key, field in nested.items() for row in rows for value in row[key][field]):
        for key, field in nested.items():
            found[f"{key}|{value}"] = [row[key][field].get(value) for row in rows]
    return found


def same(body: bytes, result_format: str, columns: dict[str, list[Any]], kinds: list[str]) -> None:
    """Check the table, for several chunkings and pieces."""
    columns = typed(columns, kinds)
    for chunk, piece in ((len(body), 10**6), (1000, 10**6), (777, 500), (len(body), 4000), (10_000, 1)):
        with piece_size(piece):
            table = decode(chunked(body, chunk), result_format).to_arrow()
        assert [str(arrow_type) for arrow_type in table.schema.types] == kinds
        assert table.to_pydict() == columns


@pytest.mark.parametrize("name", WHOLE)
def test_results_are_what_the_standard_library_reads(payloads: Path, name: str) -> None:
    """Cell by cell, in the spelling of the file and in another."""
    result_format, kinds = WHOLE[name]
    body = (payloads / name).read_bytes()
    document = json.loads(body)
    if isinstance(document, list):
        columns = nested_columns(document)
    elif result_format == "json_bi":
        columns = columns_of(document["rows"], document["metadata"]["fields"], document["metadata"]["pivots"])
    else:
        columns = columns_of(document["data"], document["fields"], [])

    assert all(columns.values())
    same(body, result_format, columns, kinds)
    same(dumped(document), result_format, columns, kinds)


@pytest.mark.parametrize("name", PAIRS)
def test_rows_and_their_envelope_make_a_result(payloads: Path, name: str) -> None:
    """In either order; members of rows that are not listed are no columns."""
    other, kinds = PAIRS[name]
    rows = json.loads((payloads / name).read_bytes())
    envelope = json.loads((payloads / other).read_bytes())
    envelope = envelope if "fields" in envelope else {"fields": envelope}
    columns = columns_of(rows, envelope["fields"], envelope.get("pivots") or [])

    assert len(rows) >= 9
    same(dumped({**envelope, "data": rows}), "json_detail", columns, kinds)
    same(dumped({"data": rows, **envelope}), "json_detail", columns, kinds)


@pytest.mark.parametrize("name", [name for name in PAIRS if "pivot" not in name])
def test_rows_alone_have_inferred_types(payloads: Path, name: str) -> None:
    """As a last resort, with a note; every member of a row is a column."""
    rows = json.loads((payloads / name).read_bytes())
    result = decode(dumped({"data": rows}))

    assert result.to_arrow().to_pydict() == {key: [row[key]["value"] for row in rows] for key in rows[0]}
    assert result.notes[0] == "the payload has no field metadata: types are inferred from the values"


def test_subtotals_are_beside_the_rows(payloads: Path) -> None:
    """As recorded: by the tier alone, the other dimension null."""
    body = (payloads / "jd_thelook_subtotals.excerpt.json").read_bytes()
    result = decode(body)
    result.to_arrow()
    due = json.loads(body)["subtotals_data"]["1"]

    (names,) = result.subtotals
    assert names == ("users.age_tier",)
    names_of_columns = ("users.age_tier", "users.gender", "users.count")
    assert result.subtotals[names].to_pylist() == [{key: row[key]["value"] for key in names_of_columns} for row in due]


@pytest.mark.parametrize("name", TEXTS)
def test_tables_of_text_are_what_a_person_reads(payloads: Path, name: str) -> None:
    """Without metadata the headings are names, and the values say what they are."""
    result_format, columns = TEXTS[name]
    body = (payloads / name).read_bytes()
    for size in (1, 10_000):
        # The attachment's last line is not ended; the JSON that it came in proves that it is whole.
        table = decode(chunked(body, size), result_format, whole=True).to_arrow()
        assert table.to_pydict() == columns


@pytest.mark.parametrize("name", DOCUMENTS)
def test_statements_are_text(payloads: Path, name: str) -> None:
    """As it stands in the file."""
    body = (payloads / name).read_bytes()

    assert decode(chunked(body, 10), "sql").text == body.decode()


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_result_is_refused_with_a_reason(payloads: Path, name: str) -> None:
    """By the error that says what it is."""
    result_format, error, text = REFUSED[name]
    body = (payloads / name).read_bytes()
    for size in (1, 10_000):
        with pytest.raises(error, match=text) as caught:
            decode(chunked(body, size), result_format)
        assert type(caught.value) is error


def test_pivoted_rows_without_metadata_of_pivots_are_refused(payloads: Path) -> None:
    """A cell is no object of cells: with fields that name no pivot, and without any metadata."""
    rows = json.loads((payloads / "vis_hearthstone_1_dim_1_pivot_1_meas.data.json").read_bytes())
    envelope = json.loads((payloads / "vis_hearthstone_1_dim_1_pivot_1_meas.response.json").read_bytes())
    for body in ({"fields": {**envelope["fields"], "pivots": []}, "data": rows}, {"data": rows}):
        with pytest.raises(PayloadError, match="pivot"):
            decode(dumped(body))


@pytest.mark.parametrize("name", TASKS)
def test_results_of_tasks_are_read(payloads: Path, name: str) -> None:
    """The `data` of a finished task is a result; one that is not finished has none."""
    tasks = json.loads((payloads / name).read_bytes())
    assert {key for key, task in tasks.items() if "data" in task} == set(TASKS[name])
    for key, meaning in TASKS[name].items():
        body = dumped(tasks[key]["data"])
        if meaning == "no rows":
            result = decode(body, on_truncate="ignore")
            assert result.to_arrow().schema.names == ["users.city"]
            assert result.to_arrow().num_rows == 0
            assert result.truncated is True
            assert result.notes == ()
            continue
        with pytest.raises(LookerSQLError) as caught:
            decode(body)
        (issue,) = caught.value.issues
        assert issue.message.endswith("invalid identifier 'USERS__FAIL.LAST'")
        assert issue.summary == "The Snowflake database encountered an error while running this query."
        assert (issue.line, issue.column) == (2, 4)
        assert '> 2 |     users__fail."LAST"  AS "users__fail.last_name"' in str(caught.value)
