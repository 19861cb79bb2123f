"""Bodies against the JSON Schemas of `schemas/`: the only module that opens them.

The check is lenient unless it is told otherwise, since every release of Looker adds to its answers: what a body must
have and the types of what is known are held, a member that no schema knows is a remark, and so is a new word in a list
of words. Strict, both are errors.
"""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from lookerframe.exceptions import ConfigError, PayloadLimitError, SchemaError, SchemaProblem
from lookerframe.render import shorten
from lookerframe.rows import parse_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.resources.abc import Traversable

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator
    from referencing import Registry

#: Whether what the schema does not know is let through with a remark, or refused.
Mode: TypeAlias = Literal["lenient", "strict"]

_SUFFIX = ".schema.json"
_OVERLAY = "overlay.json"

#: Result formats whose schema has another name.
_SCHEMA_OF = {"inline_json": "json", "json_detail_lite_stream": "json_detail", "json_label": "json"}

#: Schemas whose values are credentials: a message says of what type a value is, never the value.
_SECRET = frozenset({"access_token"})

#: Keywords that hold schemas: by name, in a list, alone. Those of conditions are left out: a condition asks for what
#: it names, and is no description.
_SCHEMAS_BY_NAME = frozenset({"properties", "$defs"})
_LISTS_OF_SCHEMAS = frozenset({"anyOf", "allOf"})
_SCHEMAS = frozenset({"items", "additionalProperties", "then", "else"})

#: Differences looked for, and problems or remarks listed; a body that is something else altogether has thousands.
_MAX_FOUND = 1_000
_MAX_LISTED = 20
_MAX_VALUE = 80
_MAX_WORDS = 200
_MAX_KEY = 60
_MAX_KEYS = 5

#: Keywords that fail for what is not known, rather than for what is wrong.
_DRIFT = frozenset({"additionalProperties", "enum"})
#: The keywords whose failure says most stand first among problems at the same depth.
_TELLING = ("type", "required")


def validate(
    payload: bytes | bytearray | memoryview | str | os.PathLike[str] | IO[bytes] | Mapping[str, Any] | Sequence[Any],
    schema: str,
    *,
    mode: Mode = "lenient",
) -> tuple[str, ...]:
    """Compare a whole JSON answer, rows included, with its schema; it is held in memory, and not decoded.

    Parameters
    ----------
    payload : bytes, path, binary file or decoded JSON
        The body of an answer, not compressed; a `str` is a path, a mapping or sequence is what its JSON was parsed to.
    schema : str
        A JSON result format (``"json_detail"``, ``"json_bi"``, ``"json"``, ...), or another answer of the API
        (``"query_task"``, ``"look"``, ...): the names of the files in ``schemas/``.
    mode : {"lenient", "strict"}
        Whether members and words that the schema does not know are remarks, or errors.

    Returns
    -------
    tuple of str
        The remarks.

    Raises
    ------
    SchemaError
        It differs: every problem with its JSON path, what was expected and what was found.
    PayloadError
        It is not JSON, or not whole; `PayloadLimitError`: it is nested too deeply.
    ConfigError
        There is no such schema or mode; the file cannot be read; decoded JSON has a key that is no `str`.

    Notes
    -----
    Small cells take some forty times as long as parsing them. `decode` has no need of it: it checks what describes the
    rows by the same schema, and each value by the type of its column.
    """
    names = (*schema_names(), *_SCHEMA_OF)
    if schema not in names:
        known = ", ".join(sorted(names))
        message = f"there is no schema of {schema!r}, only of JSON answers: {known}"
        raise ConfigError(message, setting="schema")
    name = _SCHEMA_OF.get(schema, schema)
    result_format = schema if schema in {*_SCHEMA_OF, "json", "json_bi", "json_detail"} else None
    if _is_decoded(payload):
        body = _decoded(payload, result_format)
    else:
        body = parse_object(_read(payload).removeprefix(codecs.BOM_UTF8), result_format=result_format)
    return check(body, schema=name, mode=mode, result_format=result_format)


def check(body: Any, *, schema: str, mode: Mode = "lenient", result_format: str | None = None) -> tuple[str, ...]:
    """Compare a decoded JSON body with its schema.

    Parameters
    ----------
    body
        What the JSON text held.
    schema : str
        One of `schema_names()`.
    mode : {"lenient", "strict"}
        Whether members that the schema does not name, and words that it does not list, are remarks or problems.
    result_format : str, optional
        Given to the error, where the body is a result.

    Returns
    -------
    tuple of str
        Remarks on what the schema does not know and lets through.

    Raises
    ------
    SchemaError
        The body differs from its schema; all problems are listed, up to a limit that the last one names.
    PayloadLimitError
        It is nested too deeply to be looked through.
    """
    if mode not in get_args(Mode):
        message = f"mode={mode!r} is not known; give one of {', '.join(map(repr, get_args(Mode)))}"
        raise ConfigError(message, setting="mode")
    try:
        broken, drifted = _differences(_validator(schema), body)
    except RecursionError:
        raise PayloadLimitError("the body is nested too deeply", result_format=result_format) from None
    problems = _problems(broken, secret=schema in _SECRET)
    if mode == "strict":
        problems += [problem for error in drifted for problem in _drift_problems(error)]
    if problems:
        raise SchemaError(_listed(problems, len(broken)), schema=schema, result_format=result_format)
    notes = dict.fromkeys(note for error in drifted for note in _notes(error, schema))
    return _bounded(list(notes))


def packaged() -> dict[str, dict[str, Any]]:
    """Return all schemas, by name."""
    return {name: dict(_document(name)) for name in schema_names()}


def overlay() -> dict[str, dict[str, Any]]:
    """Return what is laid over schemas that are derived from Looker's API document; see `derivation`."""
    document: dict[str, dict[str, Any]] = json.loads((folder() / _OVERLAY).read_text(encoding="utf-8"))
    return document


@cache
def schema_names() -> tuple[str, ...]:
    """Return the names that `check` takes, sorted."""
    files = (entry.name for entry in folder().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)))


def folder() -> Traversable:
    """Return the folder of the schemas."""
    # A wheel carries the schemas inside the package; in a checkout (editable install) they lie beside it.
    packaged = resources.files("lookerframe") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "schemas"


@cache
def _document(name: str) -> Mapping[str, Any]:
    if name not in schema_names():
        message = f"no schema {name!r}; known: {', '.join(schema_names())}"
        raise ValueError(message)
    document: dict[str, Any] = json.loads((folder() / f"{name}{_SUFFIX}").read_text(encoding="utf-8"))
    return document


@cache
def _registry() -> Registry[Any]:
    # It holds every schema and retrieves nothing: a reference to anything else fails instead of reaching for a network.
    from referencing import Registry, Resource

    return Registry().with_resources(
        (doc["$id"], Resource.from_contents(_closed(doc))) for doc in map(_document, schema_names())
    )


@cache
def _validator(name: str) -> Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_closed(_document(name)), registry=_registry())


def _closed(node: Any) -> Any:
    """Write a schema anew so that it refuses members which it does not name: that is how they are found."""
    if not isinstance(node, dict):
        return node
    closed = dict(node)
    for keyword, value in node.items():
        if keyword in _SCHEMAS_BY_NAME:
            closed[keyword] = {name: _closed(schema) for name, schema in value.items()}
        elif keyword in _LISTS_OF_SCHEMAS:
            closed[keyword] = [_closed(schema) for schema in value]
        elif keyword in _SCHEMAS:
            closed[keyword] = _closed(value)
    if "properties" in node:
        closed.setdefault("additionalProperties", False)
    return closed


def _is_decoded(payload: Any) -> bool:
    return isinstance(payload, Mapping | Sequence) and not isinstance(payload, str | bytes | bytearray | memoryview)


def _decoded(payload: Any, result_format: str | None) -> Any:
    try:
        return _plain(payload)
    except RecursionError:
        raise PayloadLimitError("the body is nested too deeply", result_format=result_format) from None


def _plain(value: Any) -> Any:
    """Write objects and arrays of any kind as `dict` and `list`, which is what the validator knows."""
    if not _is_decoded(value):
        return value
    if not isinstance(value, Mapping):
        return [_plain(item) for item in value]
    for key in value:
        if not isinstance(key, str):
            message = f"decoded JSON has the key {shorten(repr(key), _MAX_KEY)}; expected str alone, as in JSON"
            raise ConfigError(message, setting="payload")
    return {key: _plain(item) for key, item in value.items()}


def _read(payload: Any) -> bytes:
    if isinstance(payload, bytes | bytearray | memoryview):
        return bytes(payload)
    try:
        if isinstance(payload, str | os.PathLike):
            return Path(payload).read_bytes()
        content = payload.read() if hasattr(payload, "read") else payload
    except (OSError, ValueError) as exc:  # ValueError: the file is closed, or the path has a null character
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        message = f"the payload cannot be read: {reason}; a str is a path, give bytes to check its text"
        raise ConfigError(message, setting="payload") from exc
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    message = f"a payload is bytes, a path, a file in binary mode or decoded JSON; met {type(content).__name__}"
    raise ConfigError(message, setting="payload")


def _differences(validator: Validator, body: Any) -> tuple[list[ValidationError], list[ValidationError]]:
    """Tell what is broken from what is unknown; each list has a limit, but what is unknown hides nothing broken."""
    broken: list[ValidationError] = []
    drifted: list[ValidationError] = []
    for error in validator.iter_errors(body):
        for leaf in _leaves(error):
            found = drifted if leaf.validator in _DRIFT else broken
            if len(found) < _MAX_FOUND:
                found.append(leaf)
        if len(broken) >= _MAX_FOUND:
            break
    return broken, drifted


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Take an error of ``anyOf`` apart: the problems of the branch that was meant, or the error if none stands out."""
    if error.validator != "anyOf":
        yield error
        return
    branches: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [errors for errors in branches.values() if not any(_rejects(inner, error) for inner in errors)]
    if len(meant) != 1:
        yield error
        return
    for inner in meant[0]:
        yield from _leaves(inner)


def _rejects(inner: ValidationError, outer: ValidationError) -> bool:
    # A branch for values of another type is not the one that was meant.
    return inner.validator == "type" and inner.absolute_path == outer.absolute_path


def _problems(errors: Sequence[ValidationError], *, secret: bool) -> list[SchemaProblem]:
    # `required` fails once for each absent member, at one place: that is one problem, and it names them all.
    distinct = {(tuple(error.absolute_path), tuple(error.absolute_schema_path)): error for error in errors}
    return [_problem(error, secret=secret) for error in sorted(distinct.values(), key=_rank)]


def _listed(problems: list[SchemaProblem], found: int) -> list[SchemaProblem]:
    if len(problems) <= _MAX_LISTED:
        return problems
    more = f"{'at least ' if found >= _MAX_FOUND else ''}{len(problems) - _MAX_LISTED:,}"
    last = SchemaProblem("$", "limit", f"no more than {_MAX_LISTED} problems", f"{more} others, not listed")
    return [*problems[:_MAX_LISTED], last]


def _drift_problems(error: ValidationError) -> Iterator[SchemaProblem]:
    if error.validator == "enum":
        yield _problem(error, secret=False)
    for key in _strangers(error):
        yield SchemaProblem(
            path=_json_path([*error.absolute_path, key]),
            rule="additionalProperties",
            expected="members that the schema knows",
            found="one that it does not",
        )


def _notes(error: ValidationError, schema: str) -> Iterator[str]:
    if error.validator == "enum":
        yield f"{schema}: {_json_path(error.absolute_path)} is {_shown(error.instance)}, a word that is not known"
    # One remark for all items of an array that have the member.
    place = "".join("[]" if isinstance(step, int) else _step(step) for step in error.absolute_path)
    for key in _strangers(error):
        yield f"{schema}: unknown member {_key(key)}" + (f" in ${place}" if place else "")


def _strangers(error: ValidationError) -> list[str]:
    """Name the members that the schema does not know, if that is the error."""
    if error.validator != "additionalProperties":
        return []
    schema: Any = error.schema
    instance: Any = error.instance
    return [key for key in instance if key not in schema["properties"]]


def _rank(error: ValidationError) -> tuple[int, int]:
    # The nearer to the top, the more it explains: a body of another kind is one problem, not one for each member.
    rule = str(error.validator)
    return len(error.absolute_path), _TELLING.index(rule) if rule in _TELLING else len(_TELLING)


def _problem(error: ValidationError, *, secret: bool) -> SchemaProblem:
    return SchemaProblem(
        path=_json_path(error.absolute_path),
        rule=str(error.validator),
        expected=_expected(error),
        found=_kind(error.instance) if secret else _found(error),
    )


def _expected(error: ValidationError) -> str:
    value: Any = error.validator_value
    instance: Any = error.instance
    match error.validator:
        case "type":
            return " or ".join([value] if isinstance(value, str) else value)
        case "required":
            absent = [_key(key) for key in value if key not in instance]
            return f"the member {absent[0]}" if len(absent) == 1 else f"the members {', '.join(absent)}"
        case "anyOf":
            here = [inner for inner in error.context or () if inner.absolute_path == error.absolute_path]
            return " or ".join(dict.fromkeys(map(_expected, here)))
        case "enum":
            return f"one of {shorten(', '.join(repr(word) for word in value if word is not None), _MAX_WORDS)}"
        case rule:
            return f"{rule} {shorten(json.dumps(value), _MAX_VALUE)}"


def _found(error: ValidationError) -> str:
    value = error.instance
    if isinstance(value, dict) and value and error.validator != "type":
        return f"only {_keys(value)}"
    return _shown(value)


def _shown(value: Any) -> str:
    match value:
        case dict():
            return f"an object with {_keys(value)}" if value else "an empty object"
        case list():
            return f"an array of {len(value):,}"
        case None:
            return "null"
        case str():
            return f"the string {shorten(value, _MAX_VALUE)!r}"
        case _:
            return f"the {_kind(value)} {shorten(json.dumps(value, default=str), _MAX_VALUE)}"


def _keys(value: Mapping[str, Any]) -> str:
    first = ", ".join(_key(key) for key in islice(value, _MAX_KEYS))
    return first if len(value) <= _MAX_KEYS else f"{first} and {len(value) - _MAX_KEYS:,} more"


def _kind(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), "null" if value is None else type(value).__name__)


def _key(key: str) -> str:
    return repr(shorten(str(key), _MAX_KEY))


def _json_path(path: Iterable[str | int]) -> str:
    return "$" + "".join(_step(step) for step in path)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() and len(step) <= _MAX_KEY else f"[{_key(step)}]"


def _bounded(notes: list[str]) -> tuple[str, ...]:
    if len(notes) <= _MAX_LISTED:
        return tuple(notes)
    return (*notes[:_MAX_LISTED], f"and {len(notes) - _MAX_LISTED:,} more remarks of this kind")
