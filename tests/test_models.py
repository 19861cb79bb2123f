"""The API's objects: every documented property, whatever else comes."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lookerframe.exceptions import SchemaError
from lookerframe.models import FINAL_STATES, Look, QueryTask, SavedQuery, User

if TYPE_CHECKING:
    from pathlib import Path

MODELS: tuple[tuple[Any, str, bool], ...] = (
    # class, schema of the API's document, whether it has all of its properties
    (QueryTask, "QueryTask", True),
    (SavedQuery, "Query", True),
    (Look, "LookWithQuery", False),
    (User, "User", False),
)
VALUES: dict[str, Any] = {
    "string": "a",
    "integer": 3,
    "number": 0.5,
    "boolean": True,
    "array": ["a"],
    "object": {"a": 1},
}
KINDS = pytest.mark.parametrize("model", [QueryTask, SavedQuery, Look, User])


def documented(spec: Path, schema: str) -> dict[str, Any]:
    """Return the properties of a schema of the API's document."""
    properties: dict[str, Any] = json.loads(spec.read_text())["components"]["schemas"][schema]["properties"]
    return properties


@pytest.mark.parametrize(("model", "schema", "whole"), MODELS)
def test_attributes_are_the_documented_properties(spec: Path, model: Any, schema: str, whole: bool) -> None:
    """None is missing where all are promised, and none is invented."""
    ours = {field.name for field in dataclasses.fields(model)} - {"extra"}
    theirs = set(documented(spec, schema))

    assert ours == theirs if whole else ours < theirs


@pytest.mark.parametrize(("model", "schema", "_whole"), MODELS)
def test_documented_types_are_read(spec: Path, model: Any, schema: str, _whole: bool) -> None:
    """A value of each documented type arrives under its name."""
    body = {
        name: VALUES[rules["type"]]
        for name, rules in documented(spec, schema).items()
        if rules.get("type") and rules.get("format") != "date-time"
    }

    read = model.from_api(body)

    for name, value in body.items():
        found = read.extra[name] if name in read.extra else getattr(read, name)
        assert found == (tuple(value) if isinstance(found, tuple) else value), name


@KINDS
def test_null_and_absent_are_one(model: Any) -> None:
    """A call with ``fields=`` leaves keys out; old servers send null."""
    names = [field.name for field in dataclasses.fields(model) if field.name != "extra"]

    assert model.from_api(dict.fromkeys(names)) == model.from_api({}) == model()


@KINDS
def test_unknown_keys_are_kept(model: Any) -> None:
    """Each release of Looker adds some."""
    read = model.from_api({"id": "1", "new_in_27": {"a": 1}})

    assert (read.id, read.extra) == ("1", {"new_in_27": {"a": 1}})


def test_ids_may_be_numbers_and_limits_too() -> None:
    """Older servers send what is text now as numbers."""
    task = QueryTask.from_api({"id": 12, "query_id": 3, "query": {"id": 3, "limit": 500}, "runtime": "0.5"})

    assert (task.id, task.query_id, task.runtime) == ("12", "3", 0.5)
    assert task.query is not None
    assert (task.query.id, task.query.limit) == ("3", "500")


def test_every_wrong_value_is_told_with_its_path() -> None:
    """Not only the first, and no foreign error."""
    body = {
        "id": ["a"],
        "cache": "perhaps",
        "runtime": True,
        "query": {"fields": ["a.b", None], "filters": "x", "sorts": "a.b"},
    }

    with pytest.raises(SchemaError) as caught:
        QueryTask.from_api(body)

    assert caught.value.schema == "query_task"
    assert [(problem.path, problem.expected) for problem in caught.value.problems] == [
        ("$.id", "string"),
        ("$.query.fields[1]", "string"),
        ("$.query.filters", "object"),
        ("$.query.sorts", "array"),
        ("$.cache", "boolean"),
        ("$.runtime", "number"),
    ]


@KINDS
@given(body=st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_a_body_that_is_no_object(model: Any, body: Any) -> None:
    """Text, lists, null: SchemaError at the root."""
    with pytest.raises(SchemaError) as caught:
        model.from_api(body)

    assert [problem.path for problem in caught.value.problems] == ["$"]


@given(data=st.data())
def test_any_values(data: st.DataObject) -> None:
    """Whatever stands at a known key, a task comes out or SchemaError."""
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    value = leaf | st.lists(leaf) | st.dictionaries(st.text(), leaf)
    names = st.sampled_from([field.name for field in dataclasses.fields(QueryTask)])
    body = data.draw(st.dictionaries(names, value))

    try:
        task = QueryTask.from_api(body)
    except SchemaError:
        return
    assert task.extra == {key: value for key, value in body.items() if key == "extra"}


@pytest.mark.parametrize(
    ("status", "state", "finished"),
    [
        ("Complete", "complete", True),
        ("complete", "complete", True),
        ("ERROR", "error", True),
        ("failure", "failure", True),
        ("killed", "killed", True),
        ("added", "added", False),
        ("running", "running", False),
        ("expired", "expired", False),
        ("missing", "missing", False),
        ("brand-new", "brand-new", False),
        (None, "", False),
    ],
)
def test_state(status: str | None, state: str, finished: bool) -> None:
    """Compared in lower case; an unknown or a passing state is not the end."""
    task = QueryTask.from_api({"status": status})

    assert (task.state, task.is_finished) == (state, finished)
    assert finished == (state in FINAL_STATES)


def test_is_frozen() -> None:
    """An answer does not change afterwards."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        QueryTask().status = "complete"  # type: ignore[misc]
