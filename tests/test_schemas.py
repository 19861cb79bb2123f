"""The schemas themselves: valid, complete, and true of every answer that was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from jsonschema import Draft202012Validator

from lookerframe.derivation import SOURCES
from lookerframe.exceptions import SchemaError
from lookerframe.validation import check, schema_names, validate
from tests.judging import judge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lookerframe.local import Server

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"

#: Schemas that Looker's document does not describe.
HAND_WRITTEN = {"json", "json_detail", "multi_results", "multi_results_entry", "result_cell", "result_row"}

#: Recorded or documented answers, and the schema that they must satisfy.
ANSWERS = {
    "error_401_recorded.json": "error",
    "error_404_json.json": "error",
    "error_404_recorded.json": "error",
    "error_422_theme.json": "validation_error",
    "jd_actionhub_filled_months.json": "json_detail",
    "jd_handmade_pivot_cells.json": "json_detail",
    "jd_handmade_pivots_first.json": "json_detail",
    "jd_lite_stream_weeks.json": "json_detail_lite_stream",
    "jd_thelook_subtotals.excerpt.json": "json_detail",
    "json_bi_pivot_group_name.json": "json_bi",
    "json_label_emails.json": "json_label",
    "json_looker_error_handmade.json": "json",
    "json_one_pivot.json": "json",
    "json_plain_one_row.json": "json",
    "multi_results_error_snowflake.json": "multi_results",
    "multi_results_expired.json": "multi_results",
    "multi_results_mixed_status.json": "multi_results",
    "vis_thelook_merged_query.response.json": "json_detail",
}

#: JSON payloads that are no whole answer of the API, and why.
NO_ANSWERS = {
    "jd_thelook_orders.data.json": "the rows of a result alone",
    "jd_thelook_orders.fields.json": "the field metadata of a result alone",
    "pivots_one_field.json": "a member of a result",
    "totals_data_flat.json": "a member of a result",
    "totals_data_pivoted_row_total.json": "a member of a result",
    "vis_hearthstone_1_dim_1_meas.data.json": "rows as a browser keeps them",
    "vis_hearthstone_1_dim_1_meas.response.json": "a result without its rows, as a browser keeps it",
    "vis_hearthstone_1_dim_1_pivot_1_meas.data.json": "rows as a browser keeps them",
    "vis_hearthstone_1_dim_1_pivot_1_meas.response.json": "a result without its rows, as a browser keeps it",
    "vis_heatmap_table_calc.data.json": "rows as a browser keeps them",
    "vis_heatmap_table_calc.response.json": "a result without its rows, as a browser keeps it",
}


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    return schema


@pytest.mark.parametrize("name", schema_names())
def test_is_valid_and_names_itself(name: str) -> None:
    """Each file is a schema of draft 2020-12 with the `$id` that its name promises, a title and its origin."""
    schema = _schema(name)

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:lookerframe:schema:{name}"
    assert schema["title"]
    assert schema["description"]
    assert schema["$comment"]


def test_each_is_derived_or_written_by_hand() -> None:
    """There is no third kind, and none is missing."""
    assert set(schema_names()) == SOURCES.keys() | HAND_WRITTEN


@pytest.mark.parametrize("name", schema_names())
def test_objects_are_open(name: str) -> None:
    """No schema forbids members that it does not know: each release of Looker adds some."""
    assert '"additionalProperties": false' not in json.dumps(_schema(name))
    assert "unevaluatedProperties" not in json.dumps(_schema(name))


@pytest.mark.parametrize("name", schema_names())
def test_examples_are_valid(name: str) -> None:
    """Each schema has examples, of which it knows all, also by the judgement of another validator."""
    examples = _schema(name)["examples"]

    assert examples
    for example in examples:
        assert check(example, schema=name, mode="strict") == ()
        assert judge(name).is_valid(example)


@pytest.mark.parametrize("name", schema_names())
def test_nothing_but_json_schema(name: str) -> None:
    """No key is one of OpenAPI's or Looker's own, and each reference leads to a schema that is here."""
    nodes = list(_nodes(_schema(name)))

    keys = {key for node in nodes for key in node}
    assert not [key for key in keys if key.startswith("x-")]
    assert not keys & {"nullable", "writeOnly", "swagger", "openapi"}
    references = {node["$ref"].removeprefix("urn:lookerframe:schema:") for node in nodes if "$ref" in node}
    assert references <= {*schema_names(), "#/$defs/field", "#/$defs/fields"}


def test_read_only_is_kept(spec: Path) -> None:
    """What the document marks as read-only is so marked in the schema."""
    document = json.loads(spec.read_text())["components"]["schemas"]["QueryTask"]["properties"]
    marked = {key for key, value in document.items() if value.get("readOnly")}

    properties = _schema("query_task")["properties"]

    assert marked
    assert {key for key, value in properties.items() if value is not True and value.get("readOnly")} == marked


@pytest.mark.parametrize("file", ANSWERS)
def test_recorded_answer_is_valid(payloads: Path, file: str) -> None:
    """Every answer that was recorded, or printed in documentation, satisfies its schema, rows included."""
    validate(payloads / file, ANSWERS[file])


@pytest.mark.parametrize(
    ("member", "wrong"), [("can_filter", "yes"), ("sortable", 1), ("fill_style", True), ("fill_style", ["range"])]
)
def test_what_the_check_of_a_query_reads_is_held(member: str, wrong: Any) -> None:
    """What says whether a field can be filtered, sorted by or filled has a type, or is null."""
    assert check({"name": "orders.count", member: None}, schema="lookml_model_explore_field", mode="strict") == ()
    with pytest.raises(SchemaError, match=rf"\$\.{member}: expected (boolean|string) or null"):
        check({"name": "orders.count", member: wrong}, schema="lookml_model_explore_field")


def test_recorded_fields_are_fields_of_an_explore(payloads: Path) -> None:
    """The field metadata of recorded results passes where that of an explore is checked."""
    documents = [json.loads(path.read_bytes()) for path in payloads.glob("*.json")]
    fields = [item for document in documents for item in _objects(document) if {"name", "sortable"} <= item.keys()]

    assert fields
    for item in fields:
        check(item, schema="lookml_model_explore_field")


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    if isinstance(node, dict | list):
        yield from (inner for value in (node.values() if isinstance(node, dict) else node) for inner in _objects(value))


@pytest.mark.parametrize("file", [file for file in ANSWERS if file.startswith("multi_results")])
def test_recorded_results_inside_multi_results_are_valid(payloads: Path, file: str) -> None:
    """So does the result inside each entry, by the schema of its own format."""
    entries = json.loads((payloads / file).read_bytes()).values()
    results = [entry["data"] for entry in entries if "data" in entry]

    assert results
    for result in results:
        validate(result, "json_detail")


def test_every_payload_is_accounted_for(payloads: Path) -> None:
    """A JSON payload is either checked here or listed with the reason why not."""
    found = {path.name for path in payloads.glob("*.json")}

    assert found == ANSWERS.keys() | NO_ANSWERS.keys()


def test_members_of_recorded_results_are_known(payloads: Path) -> None:
    """No member of a result that came from Looker itself is news to the schema, be it of a field or of a cell."""
    for file in _RECORDED:
        assert validate(payloads / file, ANSWERS[file], mode="strict") == ()


_RECORDED = (
    "jd_actionhub_filled_months.json",
    "jd_lite_stream_weeks.json",
    "json_bi_pivot_group_name.json",
    "vis_thelook_merged_query.response.json",
)


@pytest.mark.parametrize("pivots", [[], ["flights.origin"]])
@pytest.mark.parametrize("result_format", ["json_detail", "json_bi", "json", "json_label"])
def test_results_of_the_local_looker_are_known(server: Server, result_format: str, pivots: list[str]) -> None:
    """What the local Looker serves is what the schemas say, to the last member: cells, links, totals, pivots."""
    query = {
        "model": "flights",
        "view": "flights",
        "fields": ["flights.carrier", "flights.origin", "flights.count"],
        "pivots": pivots,
        "total": True,
        "limit": "20",
    }

    answer = _ask(server, "POST", f"queries/run/{result_format}?generate_drill_links=true", query)

    assert validate(answer, result_format, mode="strict") == ()


@pytest.mark.parametrize(
    ("call", "body", "schema"),
    [
        ("POST queries", {"model": "flights", "view": "flights", "fields": ["flights.count"]}, "query"),
        ("GET user", None, "user"),
        ("GET versions", None, "versions"),
        ("GET lookml_models/flights", None, "lookml_model"),
        ("GET lookml_models/flights/explores/flights", None, "lookml_model_explore"),
        ("GET looks/none", None, "error"),
        ("POST queries", {"fields": []}, "validation_error"),
    ],
)
def test_other_answers_of_the_local_looker_are_known(server: Server, call: str, body: Any, schema: str) -> None:
    """So are its other answers."""
    verb, path = call.split()

    assert validate(_ask(server, verb, path, body), schema, mode="strict") == ()


def _ask(server: Server, verb: str, path: str, body: Any) -> bytes:
    base = f"{server.base_url}/api/4.0"
    key = {"client_id": server.client_id, "client_secret": server.client_secret}
    token = requests.post(f"{base}/login", data=key, timeout=30).json()["access_token"]
    headers = {"Authorization": f"token {token}"}
    return requests.request(verb, f"{base}/{path}", json=body, headers=headers, timeout=60).content


@pytest.mark.parametrize("file", [file for file in NO_ANSWERS if file.endswith(("data.json", "response.json"))])
def test_rows_as_a_browser_keeps_them_are_rows(payloads: Path, file: str) -> None:
    """The rows and envelopes that browsers keep apart satisfy the schema once they are put together."""
    name = file.removesuffix(".json").removesuffix(".data").removesuffix(".response")
    rows = json.loads((payloads / f"{name}.data.json").read_bytes())
    beside = payloads / f"{name}.response.json"
    envelope = json.loads(beside.read_bytes()) if beside.exists() else {}

    validate({**envelope, "data": rows}, "json_detail")


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Give each schema inside a schema, the keys of examples and the names of properties left out."""
    if not isinstance(node, dict):
        return
    yield node
    for keyword, value in node.items():
        if keyword in {"properties", "$defs"}:
            yield from (inner for schema in value.values() for inner in _nodes(schema))
        elif keyword in {"anyOf", "allOf"}:
            yield from (inner for schema in value for inner in _nodes(schema))
        elif keyword != "examples":
            yield from _nodes(value)
