"""The committed schemas are what the derivation makes, it keeps what the document says, and differences are told."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from lookerframe.derivation import SOURCES, derive, drift, merge, missing, render
from lookerframe.exceptions import PayloadError, PayloadLimitError
from lookerframe.validation import overlay, packaged

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"

#: A component that has every construct of Looker's document.
COMPONENT = {
    "properties": {
        "access_token": {"type": "string", "readOnly": True, "description": "Prose.", "nullable": False},
        "refresh_token": {"type": "string", "nullable": True, "x-looker-status": "beta"},
        "expires_in": {"type": "integer", "format": "int64"},
        "kind": {"type": "string", "enum": ["a", "b"], "nullable": True},
        "issued": {"type": "string", "format": "date-time"},
        "query": {"$ref": "#/components/schemas/Query"},
        "queries": {"type": "array", "items": {"$ref": "#/components/schemas/Query"}},
        "owner": {"$ref": "#/components/schemas/Folder"},
        "opaque": {"type": "object", "additionalProperties": {"x-upstream-type": "any"}},
        "flags": {"type": "object", "additionalProperties": {"type": "boolean"}},
        "dialect": {"type": "any", "format": "any"},
    },
    "required": ["access_token"],
    "x-looker-status": "stable",
}


def _document(**components: Any) -> dict[str, Any]:
    bare: dict[str, Any] = {
        source.component: {"properties": {key: {} for key in source.read or ()}} for source in SOURCES.values()
    }
    return {"info": {"version": "4.0.0"}, "components": {"schemas": bare | components}}


def _overlays(**overlays: Any) -> dict[str, Any]:
    prose = {"title": "A title", "description": "A description."}
    return {name: prose | overlays.get(name, {}) for name in SOURCES}


@pytest.fixture(scope="module")
def derived() -> dict[str, Any]:
    """Give the schema made of `COMPONENT`, with nothing laid over it."""
    return derive(_document(AccessToken=COMPONENT), _overlays())["access_token"]


def _swagger(document: dict[str, Any]) -> dict[str, Any]:
    """Spell an OpenAPI document as an instance does: Swagger 2.0, its words for null and for lists of words."""
    text = json.dumps(document["components"]["schemas"]).replace("#/components/schemas/", "#/definitions/")
    text = text.replace('"nullable":', '"x-looker-nullable":').replace('"enum":', '"x-looker-values":')
    definitions = json.loads(text)
    for component in definitions.values():
        for value in component["properties"].values():
            if "$ref" in value:  # here prose may stand beside a reference
                value |= {"readOnly": True, "description": "Prose.", "x-looker-nullable": True}
    return {"swagger": "2.0", "info": document["info"], "definitions": definitions}


def test_committed_schemas_are_derived(spec: Path) -> None:
    """What lies in schemas/ is what is made of Looker's document, to the letter."""
    made = derive(json.loads(spec.read_text()), overlay())
    committed = {name: (SCHEMAS / f"{name}.schema.json").read_text() for name in SOURCES}

    assert committed == {name: render(schema) for name, schema in made.items()}


def test_the_two_kinds_of_document_give_the_same(spec: Path) -> None:
    """Swagger 2.0, as an instance gives it of itself, is read like the OpenAPI document that is published."""
    document = json.loads(spec.read_text())

    assert derive(_swagger(document), overlay()) == derive(document, overlay())
    assert missing(_swagger(document)) == missing(document) == ()


def test_overlay_corrects_what_is_there(spec: Path) -> None:
    """Each property that the overlay corrects is one that the document has."""
    made = derive(json.loads(spec.read_text()), overlay())

    strangers = [
        f"{name}.{key}"
        for name, patch in overlay().items()
        for key in patch.get("properties", {})
        if key not in made[name]["properties"]
    ]
    assert strangers == []


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ("access_token", {"type": "string", "readOnly": True}),
        ("refresh_token", {"type": ["string", "null"]}),
        ("expires_in", {"type": "integer"}),
        ("kind", {"type": ["string", "null"], "enum": ["a", "b", None]}),
        ("issued", {"type": "string", "format": "date-time"}),
        ("query", {"anyOf": [{"$ref": "urn:lookerframe:schema:query"}, {"type": "null"}]}),
        ("queries", {"type": "array", "items": {"$ref": "urn:lookerframe:schema:query"}}),
        ("owner", True),
        ("opaque", {"type": "object"}),
        ("flags", {"type": "object", "additionalProperties": {"type": "boolean"}}),
        ("dialect", True),
    ],
)
def test_openapi_becomes_json_schema(derived: dict[str, Any], member: str, expected: Any) -> None:
    """Nullability, references and the rest are said in the words of JSON Schema; prose and x- keys are left out."""
    assert derived["properties"][member] == expected


def test_head_says_where_it_comes_from(derived: dict[str, Any]) -> None:
    """A schema names its draft, itself, and the component it was made from."""
    assert derived["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert derived["$id"] == "urn:lookerframe:schema:access_token"
    assert "AccessToken of Looker's API document 4.0.0" in derived["$comment"]
    assert derived["required"] == ["access_token"]


def test_overlay_corrects_and_says_why() -> None:
    """An overlay replaces, adds and removes members, and its reason joins the comment."""
    overlay = {
        "$comment": "Overlay: seen otherwise.",
        "required": None,
        "properties": {"expires_in": {"type": ["integer", "string"]}},
    }

    schema = derive(_document(AccessToken=COMPONENT), _overlays(access_token=overlay))["access_token"]

    assert "required" not in schema
    assert schema["properties"]["expires_in"] == {"type": ["integer", "string"]}
    assert schema["properties"]["access_token"] == {"type": "string", "readOnly": True}
    assert schema["$comment"].endswith("Overlay: seen otherwise.")


def test_overlay_makes_no_property_up() -> None:
    """What corrects a property that the document does not have is left out."""
    changes = {"properties": {"gone": {"type": "string"}}}

    schema = derive(_document(AccessToken=COMPONENT), _overlays(access_token=changes))["access_token"]

    assert "gone" not in schema["properties"]


def test_what_is_missing_is_named() -> None:
    """A component, or a property that this library reads, is named if the document no longer has it."""
    document = _document(LookWithQuery={"properties": {"id": {}, "title": {}}})
    del document["components"]["schemas"]["JsonBi"]

    assert missing(document) == ("JsonBi", "LookWithQuery.query", "LookWithQuery.query_id")
    assert "json_bi" not in derive(document, _overlays())


@pytest.mark.parametrize("document", [None, [], {}, {"components": 1}, {"definitions": []}, {"openapi": "3.0.0"}])
def test_what_is_no_api_document(document: Any) -> None:
    """Anything else is refused as such."""
    with pytest.raises(PayloadError, match="not a document of Looker's API: expected the OpenAPI or Swagger document"):
        derive(document, _overlays())


@pytest.mark.parametrize(
    ("component", "message"),
    [
        ({"type": 5}, "a string or an array of strings as AccessToken.type, found 5"),
        ({"type": ["object", 1]}, 'a string or an array of strings as AccessToken.type, found ["object", 1]'),
        ({"required": 5}, "a string or an array of strings as AccessToken.required, found 5"),
        ({"required": [["a"]]}, 'a string or an array of strings as AccessToken.required, found [["a"]]'),
        (
            {"properties": {"a": {"items": {"type": {}}}}},
            "a string or an array of strings as AccessToken.properties.a.items.type, found {}",
        ),
        ([1], "an object as AccessToken, found [1]"),
        (None, "an object as AccessToken, found null"),
    ],
)
def test_component_that_is_no_schema(component: Any, message: str) -> None:
    """The error names the place, what stands there and what was expected."""
    with pytest.raises(PayloadError) as caught:
        derive(_document(AccessToken=component), _overlays())

    assert str(caught.value) == f"not a document of Looker's API: expected {message}"


@pytest.mark.parametrize("keyword", ["format", "enum", "nullable", "properties", "items", "additionalProperties"])
@pytest.mark.parametrize("value", [5, "text", None, [], [[]], {}, {"a": 5}])
def test_words_of_a_kind_that_is_not_expected_say_nothing(keyword: str, value: Any) -> None:
    """Whatever else stands in a component, it can be compared."""
    made = derive(_document(AccessToken={"type": "string", keyword: value}), _overlays())

    assert drift(made, made) == ()
    assert drift(packaged(), made)


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"type": ["string", "null"]}, ["string", "null"]),
        ({"type": ["string", "null"], "nullable": True}, ["string", "null"]),
        ({"type": ["string"]}, "string"),
    ],
)
def test_list_of_types_is_read(member: Any, expected: Any) -> None:
    """So does OpenAPI 3.1 say what may be null."""
    made = derive(_document(AccessToken={"properties": {"a": member}}), _overlays())

    assert made["access_token"]["properties"]["a"]["type"] == expected


def test_document_that_is_nested_too_deeply() -> None:
    """It is refused as such, wherever the limit is reached."""
    node: dict[str, Any] = {"type": "string"}
    met = set()
    for _ in range(1_200):
        node = {"items": node}
        try:
            drift(packaged(), derive(_document(AccessToken=node), _overlays()))
        except PayloadLimitError as exc:
            met.add(str(exc))

    assert met == {"the document is nested too deeply"}


def test_names_of_the_document_are_quoted_on_one_line() -> None:
    """What a terminal would act on is written as Python writes it, and so is the end of a line."""
    hostile = "a\x1b[2J\n\x9b\u202eb"
    component = {"properties": {hostile: {"type": hostile, "enum": [hostile]}}, "required": [hostile]}
    bare = {"properties": {hostile: {"type": "string", "enum": []}}}
    empty, before, after = (derive(_document(AccessToken=item), _overlays()) for item in ({}, bare, component))
    quoted = r"a\x1b[2J\n\x9b\u202eb"

    assert f"access_token.{quoted}: is new ({quoted})" in drift(empty, after)
    assert drift(before, after) == (
        f"access_token.{quoted}: is required now",
        f"access_token.{quoted}: was string, is {quoted} now",
        f"access_token.{quoted}: the word '{quoted}' is new",
    )


def test_every_overlay_names_a_schema() -> None:
    """No overlay is left over from a schema that is gone."""
    assert overlay().keys() == SOURCES.keys()


def test_same_document_has_no_drift(spec: Path) -> None:
    """The document that the packaged schemas were made of does not differ from them."""
    assert drift(packaged(), derive(json.loads(spec.read_text()), overlay())) == ()


@pytest.mark.parametrize(
    ("member", "changed", "expected"),
    [
        ("refresh_token", None, "access_token.refresh_token: is gone"),
        ("colour", {"type": "string", "nullable": True}, "access_token.colour: is new (string or null)"),
        ("colour", {}, "access_token.colour: is new (anything)"),
        ("expires_in", {"type": "string"}, "access_token.expires_in: was integer, is string now"),
        ("expires_in", {}, "access_token.expires_in: was integer, is anything now"),
        ("expires_in", {"type": "integer", "nullable": True}, "access_token.expires_in: may be null now"),
        ("refresh_token", {"type": "string"}, "access_token.refresh_token: is never null now"),
        ("kind", {"type": "string", "enum": ["a"], "nullable": True}, "access_token.kind: the word 'b' is gone"),
        (
            "kind",
            {"type": "string", "enum": ["a", "b", "c"], "nullable": True},
            "access_token.kind: the word 'c' is new",
        ),
        ("kind", {"type": "string", "nullable": True}, "access_token.kind: has no list of words any more"),
        ("expires_in", {"type": "integer", "enum": [1]}, "access_token.expires_in: has a list of words now"),
        ("expires_in", {"type": "integer", "deprecated": True}, "access_token.expires_in: is deprecated now"),
        ("expires_in", {"type": "integer", "readOnly": True}, "access_token.expires_in: is read-only now"),
        ("access_token", {"type": "string"}, "access_token.access_token: is no longer read-only"),
        (
            "query",
            {"$ref": "#/components/schemas/QueryTask"},
            "access_token.query: was query or null, is query_task or null now",
        ),
        ("queries", {"type": "array", "items": {"type": "string"}}, "access_token.queries[]: was query, is string now"),
        (
            "flags",
            {"type": "object", "additionalProperties": {"type": "string"}},
            "access_token.flags.*: was boolean, is string now",
        ),
    ],
)
def test_drift_of_a_member_is_told_in_words(member: str, changed: Any, expected: str) -> None:
    """One remark for one change: what is gone, new, of another type, null or not, deprecated; and words of lists."""
    component: dict[str, Any] = copy.deepcopy(COMPONENT)
    component["properties"].pop(member, None)
    if changed is not None:
        component["properties"][member] = changed
    before, after = (derive(_document(AccessToken=item), _overlays()) for item in (COMPONENT, component))

    assert drift(before, after) == (expected,)


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        (
            ["expires_in", "access_token"],
            ("access_token.expires_in: is required now",),
        ),
        ([], ("access_token.access_token: is no longer required",)),
    ],
)
def test_drift_of_what_is_required(required: list[str], expected: tuple[str, ...]) -> None:
    """What an answer must have, and need not have any more, is told."""
    before, after = (
        derive(_document(AccessToken=COMPONENT | {"required": names}), _overlays())
        for names in (["access_token"], required)
    )

    assert drift(before, after) == expected


def test_drift_of_a_component_that_is_gone() -> None:
    """An older Looker may not have it at all; what the packaged schemas have besides is not looked at."""
    document = _document()
    before = derive(document, _overlays()) | {"json": {"type": "array"}}
    del document["components"]["schemas"]["JsonBi"]

    assert drift(before, derive(document, _overlays())) == ("json_bi: the document no longer has JsonBi",)


def test_prose_is_no_drift() -> None:
    """Descriptions, number formats, the release and x- keys change without a remark."""
    component = json.loads(json.dumps(COMPONENT).replace("Prose", "Poetry").replace("int64", "int32"))
    document = _document(AccessToken=component | {"x-looker-status": "beta"}) | {"info": {"version": "4.0.99"}}

    assert drift(derive(_document(AccessToken=COMPONENT), _overlays()), derive(document, _overlays())) == ()


@pytest.mark.parametrize(
    ("target", "patch", "expected"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [1]}, ["c"], ["c"]),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patch(target: Any, patch: Any, expected: Any) -> None:
    """`merge` gives the outcomes of the examples in RFC 7396, appendix A."""
    assert merge(target, patch) == expected
