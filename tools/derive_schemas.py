"""Derive `schemas/` from Looker's OpenAPI 3.0 document.

    python tools/derive_schemas.py looker-4.0.oas.json

OpenAPI 3.0 words become JSON Schema 2020-12: ``nullable`` turns into a type list, a reference into the ``$id`` of
another schema, and what only documents (descriptions, ``x-`` keys, number formats) is left out. Objects stay open, for
every release of Looker adds members. Where the document is wrong, silent or narrower than real answers,
`tools/schema_overlay.json` is laid over the outcome as a JSON merge patch (RFC 7396), with its reason in ``$comment``.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OVERLAY = ROOT / "tools" / "schema_overlay.json"

Schema = dict[str, Any]

#: Formats that JSON Schema knows; Looker's document also has those of OpenAPI (``int64``).
_FORMATS = frozenset({"date-time", "uri-reference"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where a schema comes from: a component of the document, and which of its properties this library reads.

    The other properties stay known names, whatever they hold.
    """

    component: str
    read: frozenset[str] | None = None


SOURCES = {
    "access_token": Source("AccessToken"),
    "error": Source("Error"),
    "json_bi": Source("JsonBi"),
    "json_bi_field": Source("JsonBiField"),
    "json_bi_fields": Source("JsonBiFields"),
    "json_bi_metadata": Source("JsonBiMetadata"),
    "json_bi_pivots": Source("JsonBiPivots"),
    "json_bi_table_calc": Source("JsonBiTableCalc"),
    "look": Source("LookWithQuery", frozenset({"id", "title", "query_id", "query"})),
    "lookml_model_explore": Source(
        "LookmlModelExplore", frozenset({"id", "name", "label", "description", "model_name", "fields"})
    ),
    "lookml_model_explore_field": Source(
        "LookmlModelExploreField",
        frozenset(
            {
                "category",
                "convert_tz",
                "datatype",
                "description",
                "dimension_group",
                "is_numeric",
                "is_timeframe",
                "label",
                "label_short",
                "measure",
                "name",
                "type",
                "value_format",
                "view_label",
            }
        ),
    ),
    "lookml_model_explore_fieldset": Source("LookmlModelExploreFieldset"),
    "query": Source("Query"),
    "query_task": Source("QueryTask"),
    "user": Source("User", frozenset({"id", "display_name", "email", "first_name", "last_name", "locale", "role_ids"})),
    "validation_error": Source("ValidationError"),
    "validation_error_detail": Source("ValidationErrorDetail"),
}

_NAMES = {source.component: name for name, source in SOURCES.items()}


def schema_id(name: str) -> str:
    """Return the ``$id`` of the schema that the file ``<name>.schema.json`` holds."""
    return f"urn:lookerframe:schema:{name}"


def derive(document: Schema, overlay: Schema) -> dict[str, Schema]:
    """Make every schema of `SOURCES`.

    Parameters
    ----------
    document
        Looker's OpenAPI 3.0 document.
    overlay
        For each name, what is to be laid over the derived schema.

    Returns
    -------
    dict
        A JSON Schema 2020-12 for each name.
    """
    release = document["info"]["version"]
    components = document["components"]["schemas"]
    return {name: _schema(name, source, components, release, overlay[name]) for name, source in SOURCES.items()}


def main() -> None:
    """Write the schemas of `SOURCES`; those written by hand are left alone."""
    parser = argparse.ArgumentParser(description="Derive JSON Schemas from Looker's OpenAPI document.")
    parser.add_argument("document", type=Path, help="Looker's API 4.0 as an OpenAPI 3.0 document in JSON")
    parser.add_argument("--into", type=Path, default=ROOT / "schemas", help="folder to write to (default: schemas)")
    options = parser.parse_args()
    schemas = derive(_read(options.document), _read(OVERLAY))
    for name, schema in schemas.items():
        path = options.into / f"{name}.schema.json"
        path.write_text(render(schema), encoding="utf-8")
    print(f"wrote {len(schemas)} schemas to {options.into}")


def render(schema: Schema) -> str:
    """Lay a schema out as its file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def merge(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch: members replace, objects merge, null removes."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def _schema(name: str, source: Source, components: Schema, release: str, overlay: Schema) -> Schema:
    component = components[source.component]
    if source.read is not None:
        _refuse_unknown(source, component)
        properties = {key: value if key in source.read else {} for key, value in component["properties"].items()}
        component = {**component, "properties": properties}
    origin = f"Derived by tools/derive_schemas.py from {source.component} of Looker's API document {release}."
    comment = " ".join([origin, overlay["$comment"]] if "$comment" in overlay else [origin])
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schema_id(name)}
    prose = {"title": overlay["title"], "description": overlay["description"], "$comment": comment}
    changes = {key: value for key, value in overlay.items() if key not in prose}
    return {**head, **prose, **merge(_convert(component), changes)}


def _refuse_unknown(source: Source, component: Schema) -> None:
    missing = (source.read or frozenset()) - component["properties"].keys()
    if missing:
        message = f"{source.component} no longer has {', '.join(sorted(missing))}"
        raise SystemExit(message)


def _convert(node: Schema) -> Any:
    """Turn an OpenAPI 3.0 schema into JSON Schema; `True` if it says nothing."""
    if "$ref" in node:
        name = _NAMES.get(node["$ref"].rpartition("/")[2])
        return {"$ref": schema_id(name)} if name else True
    out: Schema = {}
    kind = node.get("type") or ("object" if "properties" in node else None)
    nullable = bool(node.get("nullable"))
    if kind:
        out["type"] = [kind, "null"] if nullable else kind
    if "enum" in node:
        out["enum"] = [*node["enum"], None] if nullable else node["enum"]
    if node.get("format") in _FORMATS:
        out["format"] = node["format"]
    out |= {flag: True for flag in ("readOnly", "deprecated") if node.get(flag) and kind}
    if "required" in node:
        out["required"] = node["required"]
    if "properties" in node:
        out["properties"] = {key: _property(value) for key, value in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in node and (inner := _convert(node[key])) is not True:
            out[key] = inner
    return out or True


def _property(node: Schema) -> Any:
    # Beside a reference OpenAPI 3.0 cannot say `nullable`, and Looker does send null for an absent object.
    converted = _convert(node)
    if "$ref" in node and converted is not True:
        return {"anyOf": [converted, {"type": "null"}]}
    return converted


def _read(path: Path) -> Schema:
    document: Schema = json.loads(path.read_text(encoding="utf-8"))
    return document


if __name__ == "__main__":
    main()
