"""Another validator than the library's: what it says of a body counts in tests.

It reads the schemas from their files, with none of the library's code.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"


@cache
def judge(name: str) -> Any:
    """Return the validator of a schema."""
    documents = {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")}
    registry = jsonschema_rs.Registry([(schema["$id"], schema) for schema in documents.values()])
    return jsonschema_rs.Draft202012Validator(documents[f"{name}.schema.json"], registry=registry)


def refusals(name: str, body: Any) -> set[tuple[str, str]]:
    """Say where a body breaks a schema, and by which rule.

    Returns
    -------
    set of (str, str)
        JSON path, plain names after a dot and others in quotes; keyword. Where there are several branches, they are
        those of the branch that was meant.
    """
    found = [leaf for error in judge(name).iter_errors(body) for leaf in _leaves(error)]
    return {(_told(error.instance_path, body), error.kind.name) for error in found}


def _leaves(error: Any) -> list[Any]:
    if error.kind.name != "anyOf":
        return [error]
    # A branch that refuses the value for its type is for other values.
    branches = [
        branch
        for branch in error.kind.context
        if not any(inner.instance_path == error.instance_path and inner.kind.name == "type" for inner in branch)
    ]
    return [leaf for inner in branches[0] for leaf in _leaves(inner)] if len(branches) == 1 else [error]


def _told(place: list[str | int], body: Any) -> str:
    path = "$"
    for step in place:
        if isinstance(body, list):
            path += f"[{step}]"
            body = body[int(step)]
        else:  # the judge also writes names that are digits as numbers
            name = str(step)
            path += f".{name}" if name.isidentifier() else f"[{name!r}]"
            body = body[name]
    return path
