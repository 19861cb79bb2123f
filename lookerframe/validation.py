"""Bodies against the JSON Schemas of `schemas/`: the only module that opens them.

The check is lenient, since every release of Looker adds to its answers: what a body must have and the types of what is
known are held, a member that no schema knows is a remark, and so is a new word in a list of words.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lookerframe.exceptions import PayloadLimitError, SchemaError, SchemaProblem
from lookerframe.render import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.resources.abc import Traversable

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator
    from referencing import Registry

_SUFFIX = ".schema.json"

#: Schemas whose values are credentials: a message says of what type a value is, never the value.
_SECRET = frozenset({"access_token"})

#: Differences looked for, and problems or remarks listed; a body that is something else altogether has thousands.
_MAX_FOUND = 1_000
_MAX_LISTED = 20
_MAX_VALUE = 80
_MAX_KEY = 60
_MAX_KEYS = 5

#: The keywords whose failure says most stand first among problems at the same depth.
_TELLING = ("type", "required")


def check(body: Any, *, schema: str, result_format: str | None = None) -> tuple[str, ...]:
    """Compare a decoded JSON body with its schema.

    Parameters
    ----------
    body
        What the JSON text held.
    schema : str
        One of `schema_names()`.
    result_format : str, optional
        Given to the error, where the body is a result.

    Returns
    -------
    tuple of str
        Remarks on what the schema does not know and lets through: new members of the body itself, and new words where
        the schema lists those it knows.

    Raises
    ------
    SchemaError
        The body differs from its schema; all problems are listed, up to a limit that the last one names.
    PayloadLimitError
        It is nested too deeply to be looked through.
    """
    validator = _validator(schema)
    try:
        found = [leaf for error in islice(validator.iter_errors(body), _MAX_FOUND) for leaf in _leaves(error)]
    except RecursionError:
        raise PayloadLimitError("the body is nested too deeply", result_format=result_format) from None
    broken = [error for error in found if error.validator != "enum"]
    if broken:
        raise SchemaError(_problems(broken, secret=schema in _SECRET), schema=schema, result_format=result_format)
    unknown = (f"{schema}: unknown member {_key(key)}" for key in _unknown(body, _document(schema)))
    words = (_new_word(error, schema) for error in found)
    return _bounded([*unknown, *words])


@cache
def schema_names() -> tuple[str, ...]:
    """Return the names that `check` takes, sorted."""
    files = (entry.name for entry in _folder().iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)))


def _folder() -> Traversable:
    # A wheel carries the schemas inside the package; in a checkout (editable install) they lie beside it.
    packaged = resources.files("lookerframe") / "schemas"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parent.parent / "schemas"


@cache
def _document(name: str) -> Mapping[str, Any]:
    if name not in schema_names():
        message = f"no schema {name!r}; known: {', '.join(schema_names())}"
        raise ValueError(message)
    document: dict[str, Any] = json.loads((_folder() / f"{name}{_SUFFIX}").read_text(encoding="utf-8"))
    return document


@cache
def _registry() -> Registry[Any]:
    # It holds every schema and retrieves nothing: a reference to anything else fails instead of reaching for a network.
    from referencing import Registry, Resource

    return Registry().with_resources(
        (doc["$id"], Resource.from_contents(doc)) for doc in map(_document, schema_names())
    )


@cache
def _validator(name: str) -> Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_document(name), registry=_registry())


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
    ranked = sorted(distinct.values(), key=_rank)
    problems = [_problem(error, secret=secret) for error in ranked[:_MAX_LISTED]]
    if len(ranked) > _MAX_LISTED:
        more = f"{'at least ' if len(errors) >= _MAX_FOUND else ''}{len(ranked) - _MAX_LISTED:,}"
        problems.append(
            SchemaProblem("$", "limit", f"no more than {_MAX_LISTED} problems", f"{more} others, not listed")
        )
    return problems


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
    return repr(shorten(key, _MAX_KEY))


def _json_path(path: Iterable[str | int]) -> str:
    return "$" + "".join(_step(step) for step in path)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() and len(step) <= _MAX_KEY else f"[{_key(step)}]"


def _unknown(body: Any, document: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(body, dict) and "properties" in document:
        yield from (key for key in body if key not in document["properties"])


def _new_word(error: ValidationError, schema: str) -> str:
    return f"{schema}: {_json_path(error.absolute_path)} is {_shown(error.instance)}, a word that is not known"


def _bounded(notes: list[str]) -> tuple[str, ...]:
    if len(notes) <= _MAX_LISTED:
        return tuple(notes)
    return (*notes[:_MAX_LISTED], f"and {len(notes) - _MAX_LISTED:,} more remarks of this kind")
