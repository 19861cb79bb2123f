"""`check` and `validate`: what a body must be, how a difference is told, what is let through with a remark."""

from __future__ import annotations

import io
import json
import pickle
import re
import subprocess
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

import lookerframe as lf
from lookerframe.exceptions import (
    ConfigError,
    IncompleteResultError,
    LookerFrameError,
    PayloadError,
    PayloadLimitError,
    SchemaError,
    SchemaProblem,
)
from lookerframe.validation import check, schema_names, validate

if TYPE_CHECKING:
    from pathlib import Path

    from lookerframe.validation import Mode

TASK = {"id": "a1", "status": "running", "result_format": "json_detail"}
QUERY = {"id": "q1", "model": "flights", "view": "flights"}
DETAIL = {"fields": {"dimensions": [{"name": "a.b"}]}, "data": [{"a.b": {"value": "x"}}]}


def problems(body: Any, schema: str) -> tuple[SchemaProblem, ...]:
    """Return what is wrong with a body that must not pass."""
    with pytest.raises(SchemaError) as caught:
        check(body, schema=schema)
    return caught.value.problems


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("access_token", {"access_token": "x", "token_type": "Bearer", "expires_in": 3600}),
        ("query", QUERY),
        ("query", QUERY | {"limit": None, "filters": {"flights.carrier": "UA"}}),
        ("query_task", TASK),
        ("query_task", {"status": "complete"}),
        ("query_task", TASK | {"query": QUERY}),
        ("query_task", TASK | {"query": None, "runtime": 0.5, "look_id": 7}),
        ("error", {"message": "Not found"}),
        ("validation_error", {"errors": [{"field": "model", "code": "missing_field"}]}),
        ("lookml_model_explore", {"fields": {"dimensions": [{"name": "flights.carrier"}], "measures": None}}),
        ("json_detail", {"fields": {"dimensions": []}, "data": []}),
        ("json_detail", {"errors": [{"message": "no such table"}]}),
        ("json_detail", {"error": "no such table"}),
        ("json", []),
        ("json", [{"flights.carrier": "UA", "flights.count": 3}]),
        ("multi_results", {"a1": {"status": "added"}, "a2": {"status": "complete", "data": [{"a": 1}]}}),
    ],
)
def test_valid_body_passes_without_remark(schema: str, body: Any) -> None:
    """What the API says, absent and null members included, gives no remark."""
    assert check(body, schema=schema) == ()


@pytest.mark.parametrize(
    ("schema", "body", "expected"),
    [
        ("query_task", [], ("$", "type", "object", "an array of 0")),
        ("query_task", {}, ("$", "anyOf", "the member 'id' or the member 'status'", "an empty object")),
        ("query_task", {"ID": 1}, ("$", "anyOf", "the member 'id' or the member 'status'", "only 'ID'")),
        ("query_task", TASK | {"cache": "yes"}, ("$.cache", "type", "boolean", "the string 'yes'")),
        ("query_task", TASK | {"cache": 1}, ("$.cache", "type", "boolean", "the integer 1")),
        ("query_task", TASK | {"id": None}, ("$.id", "type", "string or integer", "null")),
        ("query_task", TASK | {"query": 7}, ("$.query", "anyOf", "object or null", "the integer 7")),
        (
            "query_task",
            TASK | {"query": {"id": 1}},
            ("$.query", "required", "the members 'model', 'view'", "only 'id'"),
        ),
        (
            "query_task",
            TASK | {"query": QUERY | {"fields": ["a", {"b": 1}]}},
            ("$.query.fields[1]", "type", "string", "an object with 'b'"),
        ),
        ("json_detail", {"fields": {}}, ("$", "required", "the member 'data'", "only 'fields'")),
        ("json_detail", {"errors": []}, ("$", "required", "the member 'data'", "only 'errors'")),
        ("json_detail", {"error": None}, ("$", "required", "the member 'data'", "only 'error'")),
        (
            "json_detail",
            {"data": [], "fields": {"measures": [{"name": "a"}, {"type": "count"}]}},
            ("$.fields.measures[1]", "required", "the member 'name'", "only 'type'"),
        ),
        ("json", {"message": "no"}, ("$", "type", "array", "an object with 'message'")),
        ("json", [[1]], ("$[0]", "type", "object", "an array of 1")),
        ("multi_results", {"a.b 1": {}}, ("$['a.b 1']", "required", "the member 'status'", "an empty object")),
    ],
)
def test_difference_is_told_by_place_rule_and_values(
    schema: str, body: Any, expected: tuple[str, str, str, str]
) -> None:
    """A problem says where it is, which rule is broken, what the schema asks for and what stands there."""
    assert problems(body, schema) == (SchemaProblem(*expected),)


def test_every_problem_is_listed_the_most_telling_first() -> None:
    """What is wrong nearer to the top stands first: it explains the rest."""
    found = problems(TASK | {"query": {"limit": [], "model": 1, "view": "x"}, "cache": None, "id": 1.5}, "query_task")

    assert [problem.path for problem in found] == ["$.id", "$.cache", "$.query.model", "$.query.limit"]


def test_text_holds_every_problem() -> None:
    """The message can be read on its own, with the format in front."""
    with pytest.raises(SchemaError) as caught:
        check({"data": {}, "sql": 5}, schema="json_detail", result_format="json_detail")

    assert str(caught.value).splitlines() == [
        "json_detail: not a valid json_detail:",
        "  - $.sql: expected string or null, found the integer 5",
        "  - $.data: expected array, found an empty object",
    ]
    assert caught.value.schema == caught.value.result_format == "json_detail"
    assert caught.value.schema_id == "urn:lookerframe:schema:json_detail"


def test_error_survives_pickling() -> None:
    """A worker process can hand it back."""
    with pytest.raises(SchemaError) as caught:
        check([], schema="query_task")

    copy = pickle.loads(pickle.dumps(caught.value))  # noqa: S301

    assert copy.problems == caught.value.problems
    assert str(copy) == str(caught.value)


def test_number_of_problems_is_bounded_and_the_bound_said() -> None:
    """A body that is something else altogether does not flood the log."""
    found = problems({"data": list(range(50))}, "json_detail")

    assert len(found) == 21
    assert found[-1] == SchemaProblem("$", "limit", "no more than 20 problems", "30 others, not listed")
    assert problems({"data": [1] * 5_000}, "json_detail")[-1].found == "at least 980 others, not listed"


def test_long_values_and_keys_are_shortened() -> None:
    """A message stays readable whatever the server sent."""
    (problem,) = problems({"k" * 500: {"status": ["x" * 500]}}, "multi_results")

    assert problem.path == "$['" + "k" * 60 + "... (440 more characters)'].status"
    assert problem.found == "an array of 1"

    (problem,) = problems(TASK | {"cache": "x" * 500}, "query_task")

    assert problem.found == "the string '" + "x" * 80 + "... (420 more characters)'"


def test_secret_is_never_shown() -> None:
    """Of a login's answer only types are told, whatever is wrong with it."""
    secret = "s3cr3t"
    bodies = [
        {"access_token": [secret], "expires_in": secret},
        {"access_token": {"value": secret}, "expires_in": 1},
        {"access_token": secret, "refresh_token": {"a": secret}},
        secret,
        [secret],
    ]
    for body in bodies:
        with pytest.raises(SchemaError) as caught:
            check(body, schema="access_token")
        assert secret not in repr(caught.value.problems)
        assert secret not in str(caught.value)

    (problem,) = problems({"access_token": "x", "expires_in": secret}, "access_token")
    assert problem == SchemaProblem("$.expires_in", "type", "integer", "string")


def test_unknown_members_of_the_body_are_remarks() -> None:
    """The API grows: what no schema knows passes, and is named."""
    assert check(TASK | {"flavour": "mint", "b": 1}, schema="query_task") == (
        "query_task: unknown member 'flavour'",
        "query_task: unknown member 'b'",
    )


def test_unknown_word_is_a_remark() -> None:
    """So does a new word where the schema lists those it knows."""
    assert check(TASK | {"status": "paused"}, schema="query_task") == (
        "query_task: $.status is the string 'paused', a word that is not known",
    )


def test_unknown_members_further_in_are_remarks_too() -> None:
    """One remark for all items of an array that have it."""
    fields = [{"name": "a", "flavour": 1}, {"name": "b", "flavour": 2, "size": 3}]

    assert check({"data": [], "fields": {"measures": fields}}, schema="json_detail") == (
        "json_detail: unknown member 'flavour' in $.fields.measures[]",
        "json_detail: unknown member 'size' in $.fields.measures[]",
    )
    assert check(TASK | {"query": QUERY | {"flavour": 1}}, schema="query_task") == (
        "query_task: unknown member 'flavour' in $.query",
    )


def test_strict_refuses_what_is_not_known() -> None:
    """Any drift is an error: a member that no schema knows, wherever it stands, and a new word."""
    body = TASK | {"status": "paused", "b": 1, "query": QUERY | {"flavour": "mint"}}

    with pytest.raises(SchemaError) as caught:
        check(body, schema="query_task", mode="strict")

    known = "'added', 'running', 'complete', 'error', 'expired', 'killed', 'missing', 'failure'"
    assert set(caught.value.problems) == {
        SchemaProblem("$.b", "additionalProperties", "members that the schema knows", "one that it does not"),
        SchemaProblem(
            "$.query.flavour", "additionalProperties", "members that the schema knows", "one that it does not"
        ),
        SchemaProblem(
            "$.status",
            "enum",
            f"one of {known}",
            "the string 'paused'",
        ),
    }


def test_strict_lists_what_is_broken_first() -> None:
    """What is wrong stands before what is merely not known."""
    with pytest.raises(SchemaError) as caught:
        check(TASK | {"flavour": 1, "query": {"model": "m"}}, schema="query_task", mode="strict")

    assert [problem.path for problem in caught.value.problems] == ["$.query", "$.flavour"]


def test_what_is_not_known_hides_nothing_that_is_broken() -> None:
    """However many unknown members come first, a problem after them is found."""
    fields: list[Any] = [{"name": "a", "flavour": 1}] * 3_000

    with pytest.raises(SchemaError) as caught:
        check({"data": [], "fields": {"measures": [*fields, {"name": 1}]}}, schema="json_detail")

    assert [problem.path for problem in caught.value.problems] == ["$.fields.measures[3000].name"]


def test_mode_is_one_of_two() -> None:
    """A wrong word is answered with the right ones."""
    mode: Any = "loose"

    with pytest.raises(ConfigError, match="mode='loose' is not known; give one of 'lenient', 'strict'"):
        check(TASK, schema="query_task", mode=mode)


def test_number_of_remarks_is_bounded() -> None:
    """Remarks do not flood the notes of a result either."""
    notes = check(TASK | {f"new_{number}": 1 for number in range(100)}, schema="query_task")

    assert len(notes) == 21
    assert notes[-1] == "and 80 more remarks of this kind"


def test_task_ids_of_multi_results_are_no_unknown_members() -> None:
    """Where a schema lists no members, none is unknown."""
    assert check({"any": {"status": "added"}}, schema="multi_results") == ()


def test_deep_nesting_is_refused() -> None:
    """A body that cannot be looked through is refused as such, not by a RecursionError."""
    body: Any = []
    for _ in range(100_000):
        body = [body]

    with pytest.raises(PayloadLimitError, match="nested too deeply"):
        check(TASK | {"cache": body}, schema="query_task")


def test_unknown_schema_is_named() -> None:
    """A wrong name is answered with those there are."""
    with pytest.raises(ValueError, match="no schema 'jason'; known: access_token, error, json, json_bi, "):
        check({}, schema="jason")


def test_schema_names() -> None:
    """The names are those of the files, sorted."""
    assert {"access_token", "error", "json", "json_detail", "query", "query_task"} <= set(schema_names())
    assert list(schema_names()) == sorted(schema_names())


def test_jsonschema_is_loaded_on_use_only() -> None:
    """Importing the module costs nothing; the first check loads the validator."""
    code = (
        "import sys, lookerframe.validation as v; a = 'jsonschema' in sys.modules; v.check([], schema='json'); "
        "print(a, 'jsonschema' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("cell", "path", "expected", "found"),
    [
        ({}, "", "the member 'value'", "an empty object"),
        ({"rendered": "1"}, "", "the member 'value'", "only 'rendered'"),
        (1, "", "object", "the integer 1"),
        (None, "", "object", "null"),
        ({"value": 1, "rendered": 1}, ".rendered", "string or null", "the integer 1"),
        ({"value": 1, "links": {}}, ".links", "array or null", "an empty object"),
        ({"value": 1, "links": [{"url": 5}]}, ".links[0].url", "string or null", "the integer 5"),
        ({"2026": {"value": 1}, "2027": 2}, "['2027']", "object", "the integer 2"),
        ({"2026": {"value": 1}, "2027": {"html": "x"}}, "['2027']", "the member 'value'", "only 'html'"),
        ({"2026": {"value": 1, "html": 3}}, "['2026'].html", "string or null", "the integer 3"),
    ],
)
@pytest.mark.parametrize("result_format", ["json_detail", "json_bi"])
def test_rows_are_checked_cell_by_cell(result_format: str, cell: Any, path: str, expected: str, found: str) -> None:
    """Cells have a value, and what else they may have is of its type, also under a pivot."""
    rows = [{"a.b": {"value": "x"}}, {"a.b": cell}]
    body, key = ({"metadata": {}, "rows": rows}, "rows") if result_format == "json_bi" else ({"data": rows}, "data")

    with pytest.raises(SchemaError) as caught:
        validate(body, result_format)

    (problem,) = caught.value.problems
    assert (problem.path, problem.expected, problem.found) == (f"$.{key}[1]['a.b']{path}", expected, found)
    assert caught.value.result_format == result_format


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"a.b": {"value": None}},
        {"a.b": {"value": {"lat": 1, "lon": 2}, "rendered": None, "links": None, "sort_value": "01"}},
        {"a.b": {"2026": {"value": 1}, "a|FIELD|b": {"value": None}, "$$$_row_total_$$$": {"value": 1}}},
        {"a.b": {"value": {"value": 1}}},
        {"looker_error": "no such table"},
        {"$$$__grouping__$$$": ["a.b"]},
    ],
)
def test_rows_of_all_kinds_are_known(row: dict[str, Any]) -> None:
    """Cells, pivoted cells, error text, and what groups subtotals."""
    assert validate({"data": [row]}, "json_detail", mode="strict") == ()


def test_payload_may_be_bytes_a_path_a_file_or_an_object(tmp_path: Path) -> None:
    """All say the same of the same body."""
    text = json.dumps(DETAIL | {"flavour": "mint"}).encode()
    path = tmp_path / "saved.json"
    path.write_bytes(text)
    notes = ("json_detail: unknown member 'flavour'",)

    for payload in (text, bytearray(text), memoryview(text), path, str(path), io.BytesIO(text), json.loads(text)):
        assert validate(payload, "json_detail") == notes
    with pytest.raises(SchemaError, match=r"\$\.flavour: expected members that the schema knows"):
        validate(text, "json_detail", mode="strict")
    with path.open("rb") as file:
        assert validate(file, "json_detail") == notes


def test_byte_order_mark_is_no_part_of_the_json(tmp_path: Path) -> None:
    """A file that was saved with one is read, as `decode` does."""
    text = b'\xef\xbb\xbf[{"a": 1}]'
    path = tmp_path / "saved.json"
    path.write_bytes(text)

    assert lf.decode(text, "json").to_arrow().num_rows == 1
    for payload in (text, path, io.BytesIO(text)):
        assert validate(payload, "json", mode="strict") == ()


def test_any_mapping_and_sequence_is_decoded_json() -> None:
    """What is frozen is as good as a dict or a list, also further in."""
    row = MappingProxyType({"a.b": MappingProxyType({"value": 1, "links": ()})})

    assert validate(MappingProxyType({"data": (row,)}), "json_detail", mode="strict") == ()
    with pytest.raises(SchemaError, match=r"\$\.data\[0\]: expected object, found an array of 1"):
        validate(MappingProxyType({"data": ((1,),)}), "json_detail")


@pytest.mark.parametrize("key", [None, 5, (1, 2), True])
@pytest.mark.parametrize("mode", ["lenient", "strict"])
def test_key_that_json_cannot_have(key: Any, mode: Mode) -> None:
    """It is named, wherever it stands."""
    for payload in ({key: 1}, {"data": [{"a.b": {key: 1}}]}):
        with pytest.raises(ConfigError, match=f"the key {re.escape(repr(key))}; expected str alone, as in JSON"):
            validate(payload, "json_detail", mode=mode)


def test_decoded_json_that_holds_itself() -> None:
    """It has no end, and is refused as too deep."""
    body: dict[str, Any] = {}
    body["data"] = [body]

    with pytest.raises(PayloadLimitError, match="nested too deeply"):
        validate(body, "json_detail")


@pytest.mark.parametrize("result_format", ["json", "inline_json", "json_label"])
def test_plain_rows_have_one_schema(result_format: str) -> None:
    """The formats that differ in their keys alone."""
    assert validate(b'[{"Orders Count": 3}]', result_format) == ()
    with pytest.raises(SchemaError) as caught:
        validate(b"{}", result_format)
    assert caught.value.result_format == result_format


@pytest.mark.parametrize(
    ("payload", "error", "message"),
    [
        (b"", IncompleteResultError, "the JSON is not closed"),
        (b'{"data": [', IncompleteResultError, "the JSON is not closed"),
        (b'{"data": [,]}', PayloadError, "not well-formed JSON"),
        (b'{"data": []} x', PayloadError, "text stands after its end"),
        (b'{"data": [], "data": []}', PayloadError, "stands twice"),
        (b'{"data": [NaN]}', PayloadError, "not acceptable JSON"),
        (b"\xff", PayloadError, "not UTF-8"),
        (b"[]", SchemaError, r"\$: expected object, found an array of 0"),
        (b"null", SchemaError, r"\$: expected object, found null"),
        (b'"text"', SchemaError, r"\$: expected object, found the string 'text'"),
        (b'{"data": {}}', SchemaError, r"\$\.data: expected array, found an empty object"),
        (b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", PayloadLimitError, "nested too deeply"),
        (b'{"data": [' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"]}", PayloadLimitError, "nested too deeply"),
        (io.StringIO("{}"), ConfigError, "a file in binary mode or decoded JSON; met str"),
        (7, ConfigError, "met int"),
        (None, ConfigError, "met NoneType"),
        ("no/such/file.json", ConfigError, "No such file or directory; a str is a path"),
    ],
)
def test_bad_payload_is_a_clear_error(payload: Any, error: type[LookerFrameError], message: str) -> None:
    """Whatever comes, the error is one of the library's, says what it met, and is short."""
    with pytest.raises(error, match=message) as caught:
        validate(payload, "json_detail")

    assert len(str(caught.value)) < 1_000


def test_huge_error_text_passes_and_is_cut_where_it_is_shown() -> None:
    """A failed query's text may be of any length; an error that quotes it is short and says what it left out."""
    text = "x" * 1_000_000

    assert validate({"errors": [{"message": text}, None], "data": []}, "json_detail") == ()
    with pytest.raises(SchemaError) as caught:
        validate({"message": [text]}, "error")
    assert len(str(caught.value)) < 200
    with pytest.raises(SchemaError, match=r"\(999920 more characters\)"):
        validate({"data": text}, "json_detail")


@pytest.mark.parametrize("errors", [None, [], [None], [None, {"message": None}], ["text"], [[]], [1]])
def test_errors_of_a_query_are_read_not_checked(errors: Any) -> None:
    """What a failed query's errors look like is for the decoder to say: nothing hides that it failed."""
    assert validate({"errors": errors, "data": []}, "json_detail") == ()


def test_schema_that_is_not_there() -> None:
    """The message lists what can be checked; formats that are no JSON cannot."""
    with pytest.raises(ConfigError, match="there is no schema of 'csv', only of JSON answers: access_token, error, in"):
        validate(b"a,b", "csv")


@pytest.mark.parametrize("schema", [[], {}, None, 7])
def test_schema_that_is_no_name(schema: Any) -> None:
    """Neither is anything else than a name."""
    with pytest.raises(ConfigError, match=f"there is no schema of {re.escape(repr(schema))}, only of JSON answers: "):
        validate({}, schema)


@pytest.mark.parametrize(
    ("result_format", "body"),
    [
        (
            "json_detail",
            {"flavour": "mint", "fields": {"dimensions": [{"name": "a.b"}]}, "data": [{"a.b": {"value": 1}}]},
        ),
        ("json_detail", {"data": [{"a.b": {"value": 1}}], "fields": {"dimensions": [{"name": "a.b", "flavour": 1}]}}),
        (
            "json_detail",
            {"fields": {"dimensions": [{"name": "a.b"}]}, "data": [{"a.b": {"value": 1}}], "flavour": None},
        ),
        ("json_bi", {"metadata": {"flavour": 1, "fields": {"dimensions": [{"name": "a.b"}]}}, "rows": []}),
    ],
)
def test_strict_decoding_refuses_drift(result_format: str, body: dict[str, Any]) -> None:
    """Lenient decoding notes what it does not know of the envelope; with ``strict=True`` it is an error."""
    text = json.dumps(body).encode()

    lenient = lf.decode(text, result_format)
    lenient.to_arrow()
    assert any("flavour" in note for note in lenient.notes)
    with pytest.raises(SchemaError, match=r"flavour: expected members that the schema knows"):
        lf.decode(text, result_format, strict=True).to_arrow()
