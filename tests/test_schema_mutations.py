"""Answers that were changed in one place: whatever another validator refuses is reported, where it says.

The changes are listed mechanically: each value becomes one of each other JSON type, each member is dropped. The answers
are recorded ones, cut to the first items of their arrays, and the examples of the schemas.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from lookerframe.exceptions import SchemaError
from lookerframe.validation import check, schema_names
from tests.judging import SCHEMAS, refusals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lookerframe.validation import Mode

#: A value of each JSON type.
VALUES: dict[type, Any] = {
    type(None): None,
    bool: True,
    int: 7,
    float: 0.5,
    str: "text",
    list: ["text"],
    dict: {},
}
RECORDED = {
    "error_404_recorded.json": "error",
    "error_422_theme.json": "validation_error",
    "jd_actionhub_filled_months.json": "json_detail",
    "jd_handmade_pivot_cells.json": "json_detail",
    "jd_lite_stream_weeks.json": "json_detail",
    "jd_thelook_subtotals.excerpt.json": "json_detail",
    "json_bi_pivot_group_name.json": "json_bi",
    "json_one_pivot.json": "json",
    "multi_results_error_snowflake.json": "multi_results",
    "multi_results_mixed_status.json": "multi_results",
    "vis_thelook_merged_query.response.json": "json_detail",
}
ITEMS = 2


@dataclass(slots=True)
class Count:
    """What became of the changes."""

    made: int = 0
    forbidden: int = 0
    missed: list[str] = field(default_factory=list)


def cut(value: Any) -> Any:
    """Leave the first items of each array."""
    if isinstance(value, dict):
        return {key: cut(inner) for key, inner in value.items()}
    return [cut(item) for item in value[:ITEMS]] if isinstance(value, list) else value


def changes(body: Any, place: str = "$") -> Iterator[str]:
    """Change one thing after the other, in place; say what, and take it back afterwards."""
    members = body.items() if isinstance(body, dict) else enumerate(body)
    for key, value in list(members):
        for kind, other in VALUES.items():
            if kind is not type(value):
                body[key] = other
                yield f"{place}[{key!r}] becomes {other!r}"
        body[key] = value
        if isinstance(body, dict):
            kept = dict(body)
            del body[key]
            yield f"{place}[{key!r}] is dropped"
            body.clear()
            body.update(kept)
        if isinstance(value, dict | list):
            yield from changes(value, f"{place}[{key!r}]")


def reported(body: Any, schema: str, mode: Mode) -> set[tuple[str, str]]:
    """Say where the library finds problems, and by which rule."""
    try:
        check(body, schema=schema, mode=mode)
    except SchemaError as exc:
        return {(problem.path, problem.rule) for problem in exc.problems}
    return set()


def count(body: Any, schema: str) -> Count:
    """Compare what the library says of each change with what the other validator says.

    A new word where the schema lists those it knows is an error in strict mode alone.
    """
    counted = Count()
    unchanged = reported(body, schema, "strict")
    for change in changes(body):
        counted.made += 1
        expected = refusals(schema, body)
        counted.forbidden += bool(expected)
        words = {(path, rule) for path, rule in expected if rule == "enum"}
        found = reported(body, schema, "strict") - unchanged, reported(body, schema, "lenient")
        if found != (expected, expected - words):
            counted.missed.append(f"{change}: expected {sorted(expected)}, found {found}")
    return counted


@pytest.mark.parametrize("file", RECORDED)
def test_changed_answer(file: str, payloads: Path) -> None:
    """Of a recorded answer."""
    body = cut(json.loads((payloads / file).read_bytes()))

    counted = count(body, RECORDED[file])

    print(f"{file}: {counted.made} changes, {counted.forbidden} forbidden, {len(counted.missed)} missed")  # noqa: T201
    assert counted.forbidden
    assert counted.missed == []


@pytest.mark.parametrize("name", schema_names())
def test_changed_example(name: str) -> None:
    """Of the examples of each schema."""
    examples = json.loads((SCHEMAS / f"{name}.schema.json").read_text())["examples"]

    counted = [count(example, name) for example in examples]

    made, forbidden = sum(item.made for item in counted), sum(item.forbidden for item in counted)
    print(f"{name}: {made} changes, {forbidden} forbidden")  # noqa: T201
    assert forbidden
    assert [missed for item in counted for missed in item.missed] == []
