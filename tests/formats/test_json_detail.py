"""``json_detail``: the envelope around the rows, in any order, and every way in which it reports a failure."""

from __future__ import annotations

import gc
import itertools
import json
import tempfile
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from lookerframe.columns import Decoding
from lookerframe.exceptions import (
    ConversionError,
    LookerSQLError,
    PayloadError,
    PayloadLimitError,
    SchemaError,
    SqlIssue,
    UnexpectedContentError,
)
from lookerframe.formats import spool
from lookerframe.result import BATCH_ROWS
from tests.writers import (
    COMPACT,
    Col,
    cell,
    chunked,
    decode,
    dumped,
    json_detail,
    metadata,
    outcome,
    piece_size,
)
from tests.writers.json_shapes import MEMBERS

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = [Col("v.a"), Col("v.n", "count", "measures")]
ROWS = [{"v.a": f"x{n}", "v.n": n} for n in range(4)]
TABLE = {"v.a": ["x0", "x1", "x2", "x3"], "v.n": [0, 1, 2, 3]}
NOTE = {"message": "The query is slow.", "fatal": False, "level": "error", "message_details": None}
DEVELOPMENT = {
    "message": "Note: This query contains derived tables with Development Mode filters. "
    "Query results in Production Mode might be different."
}
FAILURE = {
    "message": "The DuckDB database encountered an error while running this query.",
    "message_details": 'Binder Error: no column "nope"',
    "params": None,
    "edit_url": None,
    "error_pos": None,
    "level": "error",
    "sql_error_loc": {"line": 2, "column": 2},
}
SQL = 'SELECT\n\tnope AS "v.a"\nFROM t'


def ordered(members: dict[str, Any], *order: str) -> bytes:
    """Write an object with its members in this order."""
    return dumped({key: members[key] for key in order}, COMPACT)


# -- order of members --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(["fields", "data", "sql", "truncated"])))
@pytest.mark.parametrize("size", [1, 50, 10_000])
def test_members_may_stand_in_any_order(order: tuple[str, ...], size: int) -> None:
    """Rows before their metadata are kept until it comes; the result is the same, whatever the pieces."""
    members = {
        "fields": metadata(COLUMNS),
        "data": [{key: cell(value, rich=True) for key, value in row.items()} for row in ROWS],
        "sql": SQL,
        "truncated": True,
    }
    with piece_size(size):
        result = decode(chunked(ordered(members, *order), 7), on_truncate="ignore")
        table = result.to_arrow()

    assert table.to_pydict() == TABLE
    assert table.schema.types == [pa.string(), pa.int64()]
    assert result.truncated is True
    assert result.metadata["sql"] == SQL
    assert result.notes == ()


@pytest.mark.parametrize("size", [1, 64, 1000])
def test_rows_before_fields_are_read_like_others(size: int) -> None:
    """Each chunk border gives the same, each cut raises."""
    body = ordered(
        {"data": [{"v.a": {"value": "é"}}, {"v.n": {"value": "7"}}], "fields": metadata(COLUMNS)}, "data", "fields"
    )
    with piece_size(size):
        whole = outcome(body)
        assert "'v.n': 7" in whole[1]
        for place in range(1, len(body)):
            assert outcome([body[:place], body[place:]]) == whole
            assert issubclass(outcome(body[:place])[0], PayloadError)


def test_many_rows_before_fields_go_through_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than is held in memory, and the file is closed at the end, however it comes."""
    monkeypatch.setattr(spool, "_SPOOL_BYTES", 1000)
    opened: list[Any] = []
    real = tempfile.SpooledTemporaryFile

    def spy(*args: Any, **options: Any) -> Any:
        opened.append(real(*args, **options))
        return opened[-1]

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", spy)
    rows = [{"v.a": {"value": "x" * 50}, "v.n": {"value": n}} for n in range(2 * BATCH_ROWS)]
    body = dumped({"data": rows, "fields": metadata(COLUMNS)})

    def late() -> Iterator[bytes]:
        yield body[:-1]
        raise ConnectionResetError

    with piece_size(100_000):
        assert decode(body).to_arrow()["v.n"].to_pylist() == list(range(2 * BATCH_ROWS))
        result = decode(body)
        next(result.batches())
        decode(body).close()
        with pytest.raises(ConnectionResetError):
            decode(late())
        with pytest.raises(SchemaError):
            decode(body.replace(b'"dimensions":[', b'"dimensions":[5,'))
        gc.collect()

    assert len(opened) == 5
    assert all(file._rolled for file in opened)
    assert all(file.closed for file in opened)


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """In words that say why there is a file at all."""

    class Full:
        def write(self, _piece: memoryview) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda **_: Full())
    with pytest.raises(PayloadLimitError, match=r"the rows must wait .*: No space left on device"):
        decode(dumped({"data": [{"v.a": {"value": 1}}], "fields": {}}))


@pytest.mark.parametrize("size", [1, 30, 10_000])
@pytest.mark.parametrize("fields", [None, ...], ids=["null", "absent"])
def test_without_metadata_types_are_inferred(fields: Any, size: int) -> None:
    """From all rows, with a note; each member of any row is a column."""
    rows: list[dict[str, Any]] = [{"v.a": "x"}, {"v.b": 1, "v.a": None}, {"v.b": 2.5}, {"v.c": True}]
    with piece_size(size):
        result = decode(json_detail([], rows, fields=fields))
        table = result.to_arrow()

    assert table.to_pydict() == {
        "v.a": ["x", None, None, None],
        "v.b": [None, 1.0, 2.5, None],
        "v.c": [None, None, None, True],
    }
    assert table.schema.types == [pa.string(), pa.float64(), pa.bool_()]
    assert result.notes[0] == "the payload has no field metadata: types are inferred from the values"


def test_metadata_from_elsewhere_is_asked_for_only_where_it_is_missing() -> None:
    """It may cost a call."""
    asked = []

    def described() -> dict[str, Any]:
        asked.append(True)
        return metadata(COLUMNS)

    for fields, calls in ((metadata([Col("v.a")]), 0), (..., 1), (None, 1)):
        asked.clear()
        result = decode_with(json_detail([], ROWS, fields=fields), described)
        assert len(asked) == calls
        assert result.schema.names == (["v.a", "v.n"] if calls else ["v.a"])
    asked.clear()
    for body in (
        dumped({"message": "Not found"}),
        dumped({"errors": [FAILURE]}),
        dumped({"data": [{"looker_error": "x"}]}),
    ):
        with pytest.raises((UnexpectedContentError, LookerSQLError)):
            decode_with(body, described)
    assert asked == []


def decode_with(body: bytes, fields: Any) -> Any:
    """Decode with a callable that brings metadata."""
    from lookerframe import formats
    from lookerframe.payload import Payload

    return formats.decode(Payload("json_detail", [body], fields=fields))


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"fields": {}}, "$: expected the member 'data', found only 'fields'"),
        ({"errors": [], "error": None}, "$: expected the member 'data', found"),
        ({"errors": [NOTE]}, "$: expected the member 'data', found"),
        ({"data": None, "fields": {}}, "$.data: expected array, found null"),
        ({"data": {}, "fields": {}}, "$.data: expected array, found an empty object"),
        ({"fields": [], "data": []}, "$.fields: expected object"),
        ({"fields": {"measures": [{"type": "count"}]}, "data": []}, "$.fields.measures[0]: expected the member 'name'"),
        ({"data": [], "fields": {"measures": [{"type": "count"}]}}, "$.fields.measures[0]: expected the member 'name'"),
        ({"fields": {}, "data": [], "sql": 5}, "$.sql: expected string or null, found the integer 5"),
        ({"fields": {}, "sql": 5, "data": []}, "$.sql: expected string or null, found the integer 5"),
    ],
)
def test_an_envelope_of_another_shape_is_a_schema_error(body: dict[str, Any], problem: str) -> None:
    """Before and after the rows; the text names what is there instead."""
    with pytest.raises(SchemaError) as caught:
        decode(dumped(body))

    assert problem in str(caught.value)
    assert caught.value.schema == caught.value.result_format == "json_detail"


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_envelope_becomes_metadata() -> None:
    """What is known of the query and its run, from before and after the rows; nulls are left out."""
    more: dict[str, Any] = {"has_totals": False, "applied_filters": {"v.a": {"value": "x"}}, "added_params": None}
    result = decode(json_detail(COLUMNS, ROWS, explore={"name": "e"}, **more))

    for key in ("id", "ran_at", "runtime", "sql", "timezone", "from_cache", "has_subtotals"):
        assert result.metadata[key] == MEMBERS[key]
    assert result.metadata["explore"] == "e"
    assert result.metadata["applied_filters"] == {"v.a": {"value": "x"}}
    assert result.metadata["has_totals"] is False
    assert not {"fields", "data", "added_params", "drill_menu_build_time"} & set(result.metadata)


def test_members_that_no_release_had_so_far_are_noted() -> None:
    """Looker's answers grow: a new member is let through with a remark, wherever it stands."""
    body = json_detail(COLUMNS, ROWS, brand_new={"a": 1})

    assert decode(body).notes == ("json_detail: unknown member 'brand_new'",)
    assert decode(body).to_arrow().num_rows == 4


def test_members_of_rows_that_fields_does_not_list_are_noted() -> None:
    """They are not in the table, and no one need wonder why."""
    body = json_detail(COLUMNS, [{**row, "v.hidden": 5, "count_of_x": 1} for row in ROWS])
    result = decode(body)

    assert result.to_arrow().to_pydict() == TABLE
    assert result.notes == (
        "rows have members that `fields` does not list; they are not in the table: v.hidden, count_of_x",
    )


def test_rows_of_totals_and_subtotals_are_not_rows() -> None:
    """They look the same, before and after the rows."""
    rows = [{"v.a": cell("total"), "v.n": cell(99), "$$$__grouping__$$$": ["v.a"]}]
    around = {"totals_data": rows[0], "subtotals_data": {"1": rows, "2": rows * 3}}
    rest = {"fields": metadata(COLUMNS), "data": [{k: cell(v) for k, v in row.items()} for row in ROWS]}
    for order in (
        ("fields", *around, "data"),
        ("fields", "data", *around),
        (*around, "fields", "data"),
        ("data", *around, "fields"),
    ):
        for size in (1, 10, 100, 1000):
            with piece_size(size):
                assert decode(ordered({**around, **rest}, *order)).to_arrow().to_pydict() == TABLE


# -- failures ----------------------------------------------------------------------------------------------------------


def failures(**members: Any) -> list[bytes]:
    """Write a failed answer with its errors before and after the rows, with rows, without, and with no array at all."""
    rest = {"sql": SQL, "fields": metadata(COLUMNS)}
    data = [{"v.a": cell("x")}]
    return [
        dumped({**rest, "data": [], **members}),
        dumped({**rest, "data": data, **members}),
        dumped({**rest, **members, "data": data}),
        dumped({**members, **rest, "data": []}),
        dumped({"data": data, **rest, **members}),
        dumped({**rest, **members}),
        dumped({"sql": SQL, **members}),
        dumped({**rest, **members, "data": None}),
        dumped({**rest, **members, "data": "not what the schema says", "fields": 5}),
    ]


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("body", failures(errors=[FAILURE, NOTE]))
def test_errors_raise_wherever_they_stand(body: bytes, size: int) -> None:
    """A failed query is reported as one, whatever else is wrong with the envelope: all issues, SQL, and place."""
    with pytest.raises(LookerSQLError) as caught, piece_size(size):
        decode(chunked(body, 11), context={"task_id": "t1", "query_id": "q1", "status": 200})

    failure, note = caught.value.issues
    assert failure == SqlIssue.from_api(FAILURE)
    assert (failure.line, failure.column) == (2, 2)
    assert note.is_note
    assert caught.value.sql == SQL
    assert (caught.value.result_format, caught.value.status) == ("json_detail", 200)
    assert (caught.value.task_id, caught.value.query_id) == ("t1", "q1")
    assert str(caught.value).split("\n") == [
        'Binder Error: no column "nope"',
        "(The DuckDB database encountered an error while running this query.)",
        "at line 2, column 2",
        "  1 | SELECT",
        '> 2 |     nope AS "v.a"',
        "    |     ^",
        "  3 | FROM t",
        "The query is slow.",
    ]


@pytest.mark.parametrize("body", failures(error="Results have expired. Run the query again."))
def test_a_single_error_text_raises(body: bytes) -> None:
    """Some answers have `error` in place of `errors`."""
    with pytest.raises(LookerSQLError) as caught:
        decode(body)

    assert [issue.message for issue in caught.value.issues] == ["Results have expired. Run the query again."]


@pytest.mark.parametrize(
    ("errors", "messages"),
    [
        (["text"], ["text"]),
        ([{}], ["(no message)"]),
        ([None], ["(no message)"]),
        ("text", ["text"]),
        ({"message": "alone"}, ["alone"]),
        ([{"message": "x", "level": "warning"}], ["x"]),
        ([NOTE, "text"], ["The query is slow.", "text"]),
    ],
)
def test_errors_of_any_shape_raise(errors: Any, messages: list[str]) -> None:
    """What is not known to be a note is a failure."""
    for body in failures(errors=errors)[:7]:
        with pytest.raises(LookerSQLError) as caught:
            decode(body)
        assert [issue.message for issue in caught.value.issues] == messages


@pytest.mark.parametrize("errors", [None, [], ""], ids=["null", "empty", "text"])
def test_no_errors_are_no_failure(errors: Any) -> None:
    """The member may be there without any."""
    assert decode(json_detail(COLUMNS, ROWS, errors=errors, error=None)).to_arrow().to_pydict() == TABLE


def test_notes_are_no_failure() -> None:
    """What did not stop the query stands in the notes, once, and the rows are read."""
    for body in failures(errors=[NOTE, DEVELOPMENT])[1:5]:
        result = decode(body)
        assert result.to_arrow()["v.a"].to_pylist() in (["x"], [])
        assert result.notes == ("The query is slow.", DEVELOPMENT["message"])


def test_a_note_keeps_both_sentences() -> None:
    """Looker's, and the details."""
    note = {"message": "Looker says", "message_details": "the details", "fatal": False}

    assert decode(json_detail(COLUMNS, ROWS, errors=[note])).notes == ("Looker says: the details",)


def test_a_failure_after_a_full_first_batch_raises_in_the_stream() -> None:
    """Then there is a result already; it must not end well."""
    rows = [{"v.a": "x", "v.n": n} for n in range(BATCH_ROWS * 3)]
    result = decode(json_detail(COLUMNS, rows, errors=[FAILURE]))
    assert result.schema.names == ["v.a", "v.n"]
    with pytest.raises(LookerSQLError, match="Binder Error"):
        list(result.batches())

    with pytest.raises(LookerSQLError, match="Binder Error"):
        decode(json_detail(COLUMNS, rows, errors=[FAILURE])).to_arrow()


def test_error_rows_name_the_sql() -> None:
    """Where the envelope has it."""
    body = json_detail(COLUMNS, [], sql=SQL).replace(b'"data":[]', b'"data":[{"looker_error":"boom"}]')
    with pytest.raises(LookerSQLError) as caught:
        decode(body)
    assert caught.value.sql == SQL

    for members in (
        {"data": [{"looker_error": "boom"}], "sql": SQL},
        {"data": [{"looker_error": "boom"}], "fields": {}, "sql": SQL},
    ):
        with pytest.raises(LookerSQLError) as caught:
            decode(dumped(members))
        assert (caught.value.sql, caught.value.issues) == (SQL, (SqlIssue("boom"),))


@pytest.mark.parametrize(
    "members",
    [
        {"totals_data": {"looker_error": "boom"}},
        {"subtotals_data": {"1": [{"$$$__grouping__$$$": ["v.a"], "looker_error": "boom"}]}},
    ],
    ids=["totals", "subtotals"],
)
def test_error_text_in_the_place_of_totals_is_a_failure(members: dict[str, Any]) -> None:
    """As in the place of a row: with the text and the SQL."""
    result = decode(json_detail(COLUMNS, [], sql=SQL, has_totals=True, **members).replace(b'"data":[]', MANY_ROWS))
    with pytest.raises(LookerSQLError) as caught:
        result.to_arrow()

    assert (caught.value.sql, caught.value.issues) == (SQL, (SqlIssue("boom"),))


MANY_ROWS = b'"data":[' + b",".join([b'{"v.a":{"value":"x"}}'] * (BATCH_ROWS + 1)) + b"]"


# -- nulls -------------------------------------------------------------------------------------------------------------

NULLS = [None] * (2 * BATCH_ROWS)
NUMBER, CALCULATION = Col("v.n", "number"), Col("v.n", None, "table_calculations")


@pytest.mark.parametrize(
    ("column", "value", "arrow_type"),
    [
        (NUMBER, 7, pa.int64()),
        (NUMBER, 2**53 + 1, pa.int64()),
        (NUMBER, 1.5, pa.float64()),
        (CALCULATION, 1.5, pa.float64()),
        (CALCULATION, 7, pa.int64()),
        (CALCULATION, True, pa.bool_()),
        (CALCULATION, "x", pa.string()),
    ],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_whole_batches_of_nulls_change_no_type(
    column: Col, value: Any, arrow_type: pa.DataType, is_first: bool
) -> None:
    """A column has the type of its one value, which stands before the nulls or after them."""
    values = [value, *NULLS] if is_first else [*NULLS, value]
    with piece_size(50_000):
        found = decode(json_detail([column], [{"v.n": item} for item in values])).to_arrow()["v.n"]

    assert found.type == arrow_type
    assert found.to_pylist() == values


@pytest.mark.parametrize(("column", "arrow_type"), [(NUMBER, pa.float64()), (CALCULATION, pa.string())])
def test_a_column_of_nulls_alone_has_a_type(column: Col, arrow_type: pa.DataType) -> None:
    """In the table and in each batch of a stream, never Arrow's null type."""
    body = json_detail([column], [{"v.n": None} for _ in NULLS])
    with piece_size(50_000):
        assert decode(body).to_arrow().schema.types == [arrow_type]
        result = decode(body)
        batches = list(result.batches())

    assert len(batches) > 1
    assert {batch.schema.field("v.n").type for batch in batches} == {arrow_type}
    assert all(batch.schema.equals(result.schema, check_metadata=True) for batch in batches)


@pytest.mark.parametrize(("column", "value", "arrow_type"), [(NUMBER, 7, pa.int64()), (CALCULATION, 1.5, pa.float64())])
def test_batches_of_nulls_have_the_schema_of_the_stream(column: Col, value: Any, arrow_type: pa.DataType) -> None:
    """That is the type of the first batch, whatever else is null."""
    values = [value, *NULLS]
    with piece_size(50_000):
        result = decode(json_detail([column], [{"v.n": item} for item in values]))
        schema, batches = result.schema, list(result.batches())

    assert schema.types == [arrow_type]
    assert all(batch.schema.equals(schema, check_metadata=True) for batch in batches)
    assert [item for batch in batches for item in batch["v.n"].to_pylist()] == values


@pytest.mark.parametrize("pivots", ["wide", "long"])
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_nulls_below_pivots_change_no_type(pivots: Any, is_first: bool) -> None:
    """Nor where the cells of several pivots become one column."""
    full, empty = ({"v.n": {key: cell(value) for key in "kj"}} for value in (1.5, None))
    rows = [full, *[empty] * 1000] if is_first else [*[empty] * 1000, full]
    members = {
        "fields": metadata([CALCULATION], [Col("v.p")]),
        "pivots": [{"key": key, "data": {"v.p": key}} for key in "kj"],
        "data": rows,
    }
    with piece_size(1000):
        table = decode(dumped(members), decoding=Decoding(pivots=pivots)).to_arrow()

    assert {field.type for field in table.schema if field.name.startswith("v.n")} == {pa.float64()}
    column = table.columns[-1].to_pylist()
    assert len(column) == (2002 if pivots == "long" else 1001)
    assert {*column[2:-2]} == {None}
    assert {*column} == {1.5, None}


# -- pivots ------------------------------------------------------------------------------------------------------------

PIVOTS_FIRST = [("fields", "pivots", "data"), ("pivots", "fields", "data")]
ROWS_FIRST = [("data", "fields", "pivots"), ("data", "pivots", "fields"), ("pivots", "data", "fields")]


@pytest.mark.parametrize("order", list(itertools.permutations(["fields", "pivots", "data"])))
@pytest.mark.parametrize("size", [1, 10_000])
def test_pivots_may_be_listed_before_and_after_the_rows(order: tuple[str, ...], size: int) -> None:
    """The table is the same wherever they stand."""
    members = {
        "fields": metadata(COLUMNS) | {"pivots": [{"name": "v.p", "type": "number"}]},
        "pivots": [{"key": "7", "data": {"v.p": 7}}, {"key": "v.p___null", "data": {"v.p": None}}],
        "data": [{"v.a": cell("x"), "v.n": {"v.p___null": cell(1), "7": cell(2)}}, {"v.a": cell("y"), "v.n": {}}],
    }
    with piece_size(size):
        table = decode(ordered(members, *order)).to_arrow()

    assert table.to_pydict() == {"v.a": ["x", "y"], "v.n|7": [2, None], "v.n|null": [1, None]}
    assert table.schema.types == [pa.string(), pa.int64(), pa.int64()]


@pytest.mark.parametrize(
    ("order", "described"),
    [
        *((order, described) for order in (*PIVOTS_FIRST, *ROWS_FIRST) for described in (True, False)),
        (("fields", "data", "pivots"), True),
    ],
)
@pytest.mark.parametrize(
    ("measure", "text"),
    [
        (cell(1), "row 0 v.n: object contains unknown field `value`; the pivots of this result do not list it"),
        ({"j": cell(1)}, "row 0 v.n: object contains unknown field `j`; the pivots of this result do not list it"),
        ({"k": {"rendered": "1"}}, "row 0 v.n.k: object missing required field `value`"),
        ({"k": 1}, "row 0 v.n.k: expected `object`, got `int`"),
        (5, "row 0 v.n: expected `object`, got `int`"),
        ([cell(1)], "row 0 v.n: expected `object`, got `array`"),
    ],
)
def test_cells_that_contradict_the_pivots_are_refused(
    order: tuple[str, ...], described: bool, measure: Any, text: str
) -> None:
    """By row and field; an unlisted value of a pivot is no null."""
    fields = metadata(COLUMNS) | ({"pivots": [{"name": "v.p"}]} if described else {})
    members = {
        "fields": fields,
        "pivots": [{"key": "k", "data": {"v.p": "k"}}],
        "data": [{"v.a": cell("x"), "v.n": measure}],
    }
    with pytest.raises(PayloadError) as caught:
        decode(ordered(members, *order)).to_arrow()
    assert str(caught.value) == f"json_detail: {text}"


def test_no_totals_are_none() -> None:
    """The member may be there without any."""
    nothing: list[dict[str, Any] | None] = [{}, None]
    for totals in nothing:
        result = decode(json_detail(COLUMNS, ROWS, totals_data=totals))
        assert result.to_arrow().to_pydict() == TABLE
        assert result.totals is None


def test_a_fraction_among_totals_of_whole_numbers_is_kept() -> None:
    """The values of the rows decide the type of a calculation; that of its total may be another."""
    columns = [Col("v.a"), Col("c", "number", "table_calculations", pivoted=False)]
    rows = [{"v.a": "x", "c": 1}, {"v.a": "y", "c": 2}]
    result = decode(json_detail(columns, rows, totals_data={"c": cell(1.5)}))

    assert result.to_arrow()["c"].type == pa.int64()
    assert result.totals is not None
    assert result.totals["c"].to_pylist() == [1.5]


@pytest.mark.parametrize(
    ("word", "truncated"),
    [
        *((word, True) for word in (True, "true", "True", "yes", "YES")),
        *((word, False) for word in (False, "false", "False", "no", "No")),
        *((word, None) for word in ("", "some", "1", None)),
    ],
)
def test_words_for_cut_columns_are_read_in_any_case(word: Any, truncated: bool | None) -> None:
    """There are as many pivots as the query allows: of another word, or none, nobody knows what it means."""
    members = {
        "fields": metadata(COLUMNS, [Col("v.p")]),
        "pivots": [{"key": "k", "data": {"v.p": "k"}}],
        "columns_truncated": word,
        "data": [{"v.a": cell("x"), "v.n": {"k": cell(1)}}],
    }
    result = decode(dumped(members), on_truncate="ignore", context={"column_limit": 1})
    result.to_arrow()

    assert result.truncated is truncated


def test_pivots_of_unnamed_dimensions() -> None:
    """Where `fields` does not say by what it is pivoted, columns have the values all the same."""
    pivots = [{"key": "k|FIELD|1", "data": {"v.p": "k", "v.q": 1}}]
    data = [{"v.a": cell("x"), "v.n": {"k|FIELD|1": cell(5)}}]
    body = ordered({"fields": metadata(COLUMNS), "pivots": pivots, "data": data}, "fields", "pivots", "data")
    frame = decode(body).to_pandas(multiindex=True)

    assert decode(body).to_arrow().to_pydict() == {"v.a": ["x"], "v.n|k|1": [5]}
    found: list[Any] = frame.columns.tolist()
    assert found == [("v.a", "", ""), ("v.n", "k", "1")]


def test_pivoted_cells_without_a_list_of_pivots_are_refused_with_a_hint() -> None:
    """Hand-made payloads have been seen so; also with a pivot value that is named as a cell's member."""
    for key in ("k", "rendered"):
        body = json_detail(COLUMNS, []).replace(b'"data":[]', b'"data":[{"v.n":{"%s":{"value":1}}}]' % key.encode())
        with pytest.raises(
            PayloadError,
            match=r"row 0 v\.n: object missing required field `value`; so it is in a pivoted result whose metadata",
        ):
            decode(body)
    body = json_detail(COLUMNS, []).replace(b'"data":[]', b'"data":[{"v.n":{"value":{"value":1}}}]')
    with pytest.raises(ConversionError, match="as in a pivoted result whose metadata lists no pivots"):
        decode(body)


def test_empty_pivots_are_none() -> None:
    """An unpivoted answer may have the lists."""
    body = json_detail(COLUMNS, ROWS, pivots=[], fields=metadata(COLUMNS) | {"pivots": []})

    assert decode(body).to_arrow().to_pydict() == TABLE


def test_another_format_is_not_taken_for_this_one() -> None:
    """An array of rows is `json`."""
    with pytest.raises(UnexpectedContentError, match="expected a JSON object with its rows in 'data', met"):
        decode(json.dumps(ROWS).encode())
