"""The committed schemas are what the tool makes, and the tool keeps what OpenAPI says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tools.derive_schemas import OVERLAY, ROOT, SOURCES, derive, merge, render

if TYPE_CHECKING:
    from pathlib import Path

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


def test_committed_schemas_are_derived(spec: Path) -> None:
    """What lies in schemas/ is what the tool makes of Looker's document, to the letter."""
    made = derive(json.loads(spec.read_text()), json.loads(OVERLAY.read_text()))
    committed = {name: (ROOT / "schemas" / f"{name}.schema.json").read_text() for name in SOURCES}

    assert committed == {name: render(schema) for name, schema in made.items()}


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


def test_property_that_is_gone_is_not_passed_over() -> None:
    """A property that this library reads, and that the document no longer has, stops the derivation."""
    document = _document(LookWithQuery={"properties": {"id": {}, "title": {}}})

    with pytest.raises(SystemExit, match="LookWithQuery no longer has query, query_id"):
        derive(document, _overlays())


def test_every_overlay_names_a_schema() -> None:
    """No overlay is left over from a schema that is gone."""
    assert json.loads(OVERLAY.read_text()).keys() == SOURCES.keys()


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
