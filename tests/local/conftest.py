"""What the tests of the local Looker share: calls over HTTP, the database by itself, the API's schemas."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from lookerframe import local
from lookerframe.local.engine import Engine
from tests.local.calling import Api

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lookerframe.local.engine import Session

_FLIGHTS = "lookerframe/local/data/flights.parquet"

#: A sum that ends long after any test has given up, so that only a kill ends it; and something quick beside it.
ENDLESS = """
view: numbers {
  sql_table_name: range(1000000000000) ;;
  measure: sum { type: sum sql: ${TABLE}.range % 7 ;; }
}
view: quick {
  sql_table_name: (SELECT 7 AS n) ;;
  dimension: n { type: number }
}
"""


@pytest.fixture(scope="session")
def api(server: local.Server) -> Iterator[Api]:
    """Call the server of the whole test run."""
    user = Api.login(server)
    yield user
    user.session.close()


@pytest.fixture(scope="session")
def other(server: local.Server) -> Iterator[Api]:
    """Call the same server as another user, who is no admin."""
    user = Api.login(server, server.users[1])
    yield user
    user.session.close()


@pytest.fixture
def started() -> Iterator[Callable[..., Api]]:
    """Start servers with options of one's own; they are closed after the test."""
    users = []

    def start(**options: Any) -> Api:
        user = Api.login(local.start(**options))
        users.append(user)
        return user

    yield start
    for user in users:
        user.session.close()
        user.server.close()


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """Open an empty database."""
    engine = Engine.open(None, {})
    with engine.session() as session:
        yield session
    engine.close()


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Write a project of one model ``m`` with the explores named, over the LookML given."""

    def write(view: str, *explores: str, model: str = "") -> Path:
        folder = tmp_path / "project"
        folder.mkdir(exist_ok=True)
        (folder / "v.view.lkml").write_text(view, encoding="utf-8")
        lines = ['include: "v.view"', *(f"explore: {name} {{}}" for name in explores), model]
        (folder / "m.model.lkml").write_text("\n".join(lines), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def endless(started: Callable[..., Api], project: Callable[..., Path]) -> Callable[..., tuple[Api, str]]:
    """Start a server with a query that never ends; give the caller and the id of the query."""

    def start(**options: Any) -> tuple[Api, str]:
        user = started(lookml=project(ENDLESS, "numbers", "quick"), **options)
        return user, user.create("numbers.sum", model="m", view="numbers")

    return start


@pytest.fixture(scope="session")
def flights(pytestconfig: pytest.Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give the demo's table ``flights`` to SQL written by hand."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.read_parquet(str(pytestconfig.rootpath / _FLIGHTS)).to_table("flights")
        yield connection


@pytest.fixture(scope="session")
def valid(spec: Path) -> Callable[[str, Any], None]:
    """Check a value against a schema of Looker's OpenAPI document."""
    document = _json_schema(json.loads(spec.read_text(encoding="utf-8")))
    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    registry: Registry[Any] = Registry().with_resource("urn:looker", resource)

    def check(name: str, value: Any) -> None:
        schema = {"$ref": f"urn:looker#/components/schemas/{name}"}
        validator = Draft202012Validator(schema, registry=registry)
        assert [error.message for error in validator.iter_errors(value)] == []
        unknown = set(value) - set(document["components"]["schemas"][name]["properties"])
        assert unknown == set(), f"keys that {name} does not have"

    return check


def _json_schema(node: Any) -> Any:
    """Write an OpenAPI 3.0 schema as JSON Schema: ``nullable`` becomes a type; a reference may be null in data."""
    if isinstance(node, list):
        return [_json_schema(item) for item in node]
    if not isinstance(node, dict):
        return node
    converted = {key: _json_schema(value) for key, value in node.items()}
    if node.get("type") == "array" and "enum" in node:
        # A slip of the document: recorded arrays hold these words, they are not one of them.
        converted["items"] = {**converted["items"], "enum": converted.pop("enum")}
    if node.get("nullable") and isinstance(node.get("type"), str):
        converted["type"] = [node["type"], "null"]
        if "enum" in converted:
            converted["enum"] = [*node["enum"], None]
    return {"anyOf": [converted, {"type": "null"}]} if "$ref" in node else converted
