"""Looker's API document → the JSON Schemas of `schemas/`, and what differs between two makings of them.

The document is OpenAPI 3.0, as it is published, or Swagger 2.0, as an instance gives it of itself. Its words become
JSON Schema 2020-12: ``nullable`` turns into a list of types, a reference into the ``$id`` of another schema, and what
only documents (descriptions, ``x-`` keys, number formats) is left out. Objects stay open, for every release of Looker
adds members. Where the document is wrong, silent or narrower than real answers, an overlay is laid over the outcome as
a JSON merge patch (RFC 7396), with its reason in ``$comment``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from lookerframe.exceptions import PayloadError, PayloadLimitError
from lookerframe.render import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Schema: TypeAlias = "dict[str, Any]"

#: Formats that JSON Schema knows; Looker's document also has those of OpenAPI (``int64``).
_FORMATS = frozenset({"date-time", "uri-reference"})
#: What Swagger 2.0 has no word for, and Looker's word for it. Source: Looker's published documents of both kinds.
_SWAGGER = {"nullable": "x-looker-nullable", "enum": "x-looker-values", "deprecated": "x-looker-deprecated"}
#: A type in Looker's document that stands for all of them.
_ANY = "any"
_PROSE = ("title", "description", "$comment")
_MAX_NAME = 60
_TOO_DEEP = "the document is nested too deeply"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a schema comes from: a component of the document, and which of its properties this library reads.

    The other properties stay known names, whatever they hold.
    """

    component: str
    read: frozenset[str] | None = None


def _source(component: str, *read: str) -> Source:
    return Source(component, frozenset(read))


SOURCES = {
    "access_token": Source("AccessToken"),
    "error": Source("Error"),
    "json_bi": Source("JsonBi"),
    "json_bi_field": Source("JsonBiField"),
    "json_bi_fields": Source("JsonBiFields"),
    "json_bi_metadata": Source("JsonBiMetadata"),
    "json_bi_pivots": Source("JsonBiPivots"),
    "json_bi_table_calc": Source("JsonBiTableCalc"),
    "look": _source("LookWithQuery", "id", "title", "query_id", "query"),
    "lookml_model": _source("LookmlModel", "explores", "has_content", "label", "name", "project_name"),
    "lookml_model_explore": _source("LookmlModelExplore", "id", "name", "label", "description", "model_name", "fields"),
    "lookml_model_explore_field": _source(
        "LookmlModelExploreField",
        "can_filter",
        "category",
        "convert_tz",
        "datatype",
        "description",
        "dimension_group",
        "fill_style",
        "is_numeric",
        "is_timeframe",
        "label",
        "label_short",
        "measure",
        "name",
        "sortable",
        "type",
        "value_format",
        "view_label",
    ),
    "lookml_model_explore_fieldset": Source("LookmlModelExploreFieldset"),
    "lookml_model_nav_explore": Source("LookmlModelNavExplore"),
    "query": Source("Query"),
    "query_task": Source("QueryTask"),
    "running_query": _source(
        "RunningQueries",
        "completed_at",
        "connection_name",
        "created_at",
        "id",
        "message",
        "query",
        "query_id",
        "query_task_id",
        "runtime",
        "source",
        "status",
    ),
    "user": _source("User", "id", "display_name", "email", "first_name", "last_name", "locale", "role_ids"),
    "validation_error": Source("ValidationError"),
    "validation_error_detail": Source("ValidationErrorDetail"),
    "version": Source("ApiVersionElement"),
    "versions": Source("ApiVersion"),
}

_NAMES = {source.component: name for name, source in SOURCES.items()}


def schema_id(name: str) -> str:
    """Return the ``$id`` of the schema that the file ``<name>.schema.json`` holds."""
    return f"urn:lookerframe:schema:{name}"


def derive(document: Any, overlay: Mapping[str, Schema]) -> dict[str, Schema]:
    """Make the schemas of `SOURCES`.

    Parameters
    ----------
    document
        Looker's API document: OpenAPI 3.0 or Swagger 2.0, decoded.
    overlay
        For each name, what is to be laid over the derived schema. It corrects properties; one that the document does
        not have is not made up.

    Returns
    -------
    dict
        A JSON Schema 2020-12 for each name whose component the document has; see `missing`.

    Raises
    ------
    PayloadError
        It is no API document, or a component is no schema; `PayloadLimitError`: it is nested too deeply.
    """
    components = _components(document)
    info = document.get("info")
    release = str(info.get("version", "unknown")) if isinstance(info, dict) else "unknown"
    try:
        return {
            name: _schema(name, source, components[source.component], release, overlay[name])
            for name, source in SOURCES.items()
            if source.component in components
        }
    except RecursionError:
        raise PayloadLimitError(_TOO_DEEP) from None


def missing(document: Any) -> tuple[str, ...]:
    """Name what this library reads and the document does not have: ``"LookWithQuery"``, ``"LookWithQuery.query"``.

    Raises
    ------
    PayloadError
        It is no API document.
    """
    components = _components(document)
    absent = []
    for source in SOURCES.values():
        known = _properties(components.get(source.component, {}))
        if source.component not in components:
            absent.append(source.component)
        else:
            absent += [f"{source.component}.{name}" for name in sorted((source.read or frozenset()) - known.keys())]
    return tuple(absent)


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


def drift(packaged: Mapping[str, Schema], derived: Mapping[str, Schema]) -> tuple[str, ...]:
    """Say how the schemas of one document differ from those of another.

    Parameters
    ----------
    packaged, derived
        Schemas by name, as `derive` makes them: those that are relied on, and those of another document. What the
        first has besides is not looked at.

    Returns
    -------
    tuple of str
        A remark on each member that is gone, is new, or has another type; on each that may now be null, or never is;
        that is now required, or no longer; on words that lists of words lost or gained. Prose does not count.

    Raises
    ------
    PayloadLimitError
        They are nested too deeply.
    """
    found: list[str] = []
    for name, source in SOURCES.items():
        if name not in packaged:
            continue
        if name not in derived:
            found.append(f"{name}: the document no longer has {source.component}")
        else:
            found += _listed(name, packaged[name], derived[name])
    return tuple(found)


# -- making ------------------------------------------------------------------------------------------------------------


def _components(document: Any) -> Mapping[str, Any]:
    found = None
    if isinstance(document, dict):
        nested = document.get("components")
        found = nested.get("schemas") if isinstance(nested, dict) else document.get("definitions")
    if not isinstance(found, dict):
        message = (
            "not a document of Looker's API: expected the OpenAPI or Swagger document of API 4.0, "
            "an object with `components.schemas` or `definitions`"
        )
        raise PayloadError(message)
    return found


def _properties(component: Any) -> Mapping[str, Any]:
    found = component.get("properties") if isinstance(component, dict) else None
    return found if isinstance(found, dict) else {}


def _schema(name: str, source: Source, component: Schema, release: str, overlay: Schema) -> Schema:
    if not isinstance(component, dict):
        raise _refused(source.component, component, "an object")
    known = _properties(component)
    if source.read is not None:
        component = {**component, "properties": {key: known[key] if key in source.read else {} for key in known}}
    origin = f"Derived from {source.component} of Looker's API document {release}."
    comment = " ".join([origin, overlay["$comment"]] if "$comment" in overlay else [origin])
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": schema_id(name)}
    prose = {"title": overlay["title"], "description": overlay["description"], "$comment": comment}
    changes = {key: value for key, value in overlay.items() if key not in _PROSE}
    if "properties" in changes:
        changes["properties"] = {key: value for key, value in changes["properties"].items() if key in known}
    return {**head, **prose, **merge(_convert(component, source.component), changes)}


def _convert(node: Any, path: str) -> Any:
    """Turn the schema at `path` from OpenAPI 3.0 or Swagger 2.0 into JSON Schema; `True` if it says nothing."""
    if not isinstance(node, dict):
        return True
    if "$ref" in node:
        name = _NAMES.get(str(node["$ref"]).rpartition("/")[2])
        return {"$ref": schema_id(name)} if name else True
    out: Schema = {}
    nullable = bool(_word(node, "nullable"))
    if kinds := _kinds(node, path):
        kinds += ["null"] if nullable and "null" not in kinds else []
        out["type"] = kinds[0] if len(kinds) == 1 else kinds
    if isinstance(words := _word(node, "enum"), list):
        out["enum"] = [*words, None] if nullable else words
    if (form := str(node.get("format"))) in _FORMATS:
        out["format"] = form
    out |= {flag: True for flag in ("readOnly", "deprecated") if _word(node, flag) and kinds}
    if "required" in node:
        out["required"] = _names(node, "required", path)
    if "properties" in node:
        known = _properties(node)
        out["properties"] = {key: _property(known[key], f"{path}.properties.{_name(key)}") for key in known}
    for key in ("items", "additionalProperties"):
        if key in node and (inner := _convert(node[key], f"{path}.{key}")) is not True:
            out[key] = inner
    return out or True


def _word(node: Schema, keyword: str) -> Any:
    return node.get(keyword, node.get(_SWAGGER.get(keyword, keyword)))


def _kinds(node: Schema, path: str) -> list[str]:
    if node.get("type") is None and "properties" in node:
        return ["object"]
    return [kind for kind in _names(node, "type", path) if kind != _ANY]


def _names(node: Schema, keyword: str, path: str) -> list[str]:
    """Read a member that is a word or a list of words; none if it is absent or null."""
    found = node.get(keyword)
    names = [] if found is None else found if isinstance(found, list) else [found]
    if not all(isinstance(name, str) for name in names):
        raise _refused(f"{path}.{keyword}", found, "a string or an array of strings")
    return names


def _refused(path: str, found: Any, expected: str) -> PayloadError:
    shown = shorten(json.dumps(found), _MAX_NAME)
    return PayloadError(f"not a document of Looker's API: expected {expected} as {path}, found {shown}")


def _property(node: Any, path: str) -> Any:
    # Beside a reference OpenAPI 3.0 cannot say `nullable`, and Looker does send null for an absent object.
    converted = _convert(node, path)
    if converted is not True and "$ref" in converted:
        return {"anyOf": [converted, {"type": "null"}]}
    return converted


# -- comparing ---------------------------------------------------------------------------------------------------------


def _listed(path: str, old: Schema, new: Schema) -> list[str]:
    try:
        return list(_differences(path, old, new))
    except RecursionError:
        raise PayloadLimitError(_TOO_DEEP) from None


def _differences(path: str, old: Any, new: Any) -> Iterator[str]:
    old, new = (node if isinstance(node, dict) else {} for node in (old, new))
    yield from _type_differences(path, _types(old), _types(new))
    yield from _word_differences(path, old.get("enum"), new.get("enum"))
    if bool(old.get("deprecated")) != bool(new.get("deprecated")):
        yield f"{path}: {'is deprecated now' if new.get('deprecated') else 'is no longer deprecated'}"
    if bool(old.get("readOnly")) != bool(new.get("readOnly")):
        yield f"{path}: {'is read-only now' if new.get('readOnly') else 'is no longer read-only'}"
    yield from _required_differences(path, old, new)
    known, given = _properties(old), _properties(new)
    yield from (f"{path}.{_name(key)}: is gone" for key in known if key not in given)
    yield from (f"{path}.{_name(key)}: is new ({_said(_types(given[key]))})" for key in given if key not in known)
    for key in known:
        if key in given:
            yield from _differences(f"{path}.{_name(key)}", known[key], given[key])
    for keyword, step in (("items", "[]"), ("additionalProperties", ".*")):
        yield from _differences(path + step, old.get(keyword), new.get(keyword)) if keyword in {**old, **new} else ()


def _type_differences(path: str, old: frozenset[str], new: frozenset[str]) -> Iterator[str]:
    if old - {"null"} != new - {"null"}:
        yield f"{path}: was {_said(old)}, is {_said(new)} now"
    elif old != new:
        yield f"{path}: {'may be null now' if 'null' in new else 'is never null now'}"


def _word_differences(path: str, old: Any, new: Any) -> Iterator[str]:
    if old is None and new is not None:
        yield f"{path}: has a list of words now"
    elif old is not None and new is None:
        yield f"{path}: has no list of words any more"
    elif old is not None:
        yield from (f"{path}: the word '{_name(word)}' is gone" for word in old if word not in new)
        yield from (f"{path}: the word '{_name(word)}' is new" for word in new if word not in old)


def _required_differences(path: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = old.get("required") or [], new.get("required") or []
    yield from (f"{path}.{_name(key)}: is required now" for key in after if key not in before)
    yield from (f"{path}.{_name(key)}: is no longer required" for key in before if key not in after)


def _types(node: Any) -> frozenset[str]:
    """Name the types of a schema, the names of other schemas among them; none if it may be anything."""
    if not isinstance(node, dict):
        return frozenset()
    if "$ref" in node:
        return frozenset({str(node["$ref"]).rpartition(":")[2]})
    if "anyOf" in node and "type" not in node:
        return frozenset().union(*map(_types, node["anyOf"]))
    kinds = node.get("type") or ()
    return frozenset([kinds] if isinstance(kinds, str) else map(str, kinds))


def _said(types: frozenset[str]) -> str:
    return " or ".join(map(_name, sorted(types - {"null"}) + sorted(types & {"null"}))) or "anything"


def _name(key: Any) -> str:
    """Quote a name of the document: on one line, and nothing in it that a terminal would act on."""
    text = shorten(str(key), _MAX_NAME)
    return text if text.isprintable() else repr(text)[1:-1]
