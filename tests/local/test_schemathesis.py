"""Calls made up by schemathesis from Looker's own OpenAPI document: no fault of the server, every answer as it says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS

from lookerframe.local import formats

if TYPE_CHECKING:
    from pathlib import Path

    from schemathesis.schemas import BaseSchema

    from tests.local.calling import Api

#: Every operation of the document that is served; the SQL interface is not.
SERVED = [
    ("POST", "/login"),
    ("POST", "/login/{user_id}"),
    ("GET", "/user"),
    ("GET", "/versions"),
    ("POST", "/queries"),
    ("GET", "/queries/{query_id}"),
    ("GET", "/queries/slug/{slug}"),
    ("GET", "/queries/{query_id}/run/{result_format}"),
    ("POST", "/queries/run/{result_format}"),
    ("GET", "/queries/models/{model_name}/views/{view_name}/run/{result_format}"),
    ("POST", "/query_tasks"),
    ("GET", "/query_tasks/multi_results"),
    ("GET", "/query_tasks/{query_task_id}"),
    ("GET", "/query_tasks/{query_task_id}/results"),
    ("GET", "/running_queries"),
    ("DELETE", "/running_queries/{query_task_id}"),
    ("GET", "/connections/{connection_name}"),
    ("GET", "/lookml_models"),
    ("GET", "/lookml_models/{lookml_model_name}"),
    ("GET", "/lookml_models/{lookml_model_name}/explores/{explore_name}"),
    ("GET", "/looks/{look_id}"),
    ("GET", "/looks/{look_id}/run/{result_format}"),
    ("DELETE", "/logout"),
]
#: The document says that these answer 200 with a string, of a media type "text"; a result is what its format is.
RESULTS = ("/run/{result_format}", "/query_tasks/{query_task_id}/results")
#: Answers that no operation of the document lists: no token, and a wrong parameter where no body can be wrong.
UNLISTED = {401, 422}
EXAMPLES = 25


@pytest.fixture(scope="module")
def schema(spec: Path, api: Api) -> BaseSchema:
    """Read the document, with what is known to be wrong in it put right."""
    document = _corrected(json.loads(spec.read_text(encoding="utf-8")))
    loaded = schemathesis.openapi.from_dict(document)
    loaded.config.update(base_url=f"{api.server.base_url}/api/4.0")
    return loaded


@pytest.fixture(scope="module")
def known(api: Api) -> dict[str, list[str]]:
    """Name what exists, by the parameter that asks for it."""
    queries = [api.create("flights.origin", "flights.count", limit="5"), api.create("flights.broken")]
    tasks = [api.submit(query_id, name) for query_id in queries for name in ("json", "json_detail")]
    for task_id in tasks:
        api.until(task_id, "complete", "error")
    return {
        "query_id": queries,
        "slug": queries,
        "query_task_id": tasks,
        "look_id": ["1", "2"],
        "user_id": ["1", "2"],
        "model_name": ["flights"],
        "view_name": ["flights"],
        "lookml_model_name": ["flights"],
        "explore_name": ["flights"],
        "connection_name": ["flights"],
        "result_format": [*formats.served(), "png"],
    }


@pytest.mark.parametrize(("verb", "path"), SERVED)
def test_operation(schema: BaseSchema, api: Api, known: dict[str, list[str]], verb: str, path: str) -> None:
    """Half of the calls are about things that exist."""
    operation = schema[path][verb]
    headers = dict(api.session.headers) if verb != "DELETE" or path != "/logout" else {"Authorization": "token x"}
    checks = {check.__name__: check for check in CHECKS.get_all()}
    wanted = [checks[name] for name in ("not_a_server_error", "response_schema_conformance")]

    @settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy(), data=st.data())
    def check(case: Any, data: st.DataObject) -> None:
        _make_meaningful(case, data, known)
        response = case.call(headers=headers, session=api.session, timeout=60)
        documented = {int(status) for status in operation.definition.raw["responses"]}
        assert response.status_code in documented | UNLISTED, response.text
        assert response.status_code != 422 or response.json()["errors"]
        if response.status_code == 200 and path.endswith(RESULTS):
            assert response.headers["content-type"]
        elif response.status_code in documented:
            # Who names `fields` gets only these, required or not.
            case.validate_response(response, checks=wanted[:1] if (case.query or {}).get("fields") else wanted)

    check()


def test_paths_are_all_of_the_document(spec: Path) -> None:
    """Only the SQL interface is missing."""
    paths = json.loads(spec.read_text(encoding="utf-8"))["paths"]
    documented = {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs}

    assert documented - set(SERVED) == {("GET", "/sql_interface_queries/{query_id}/run/{result_format}")}
    assert set(SERVED) <= documented


def _make_meaningful(case: Any, data: st.DataObject, known: dict[str, list[str]]) -> None:
    for name in case.path_parameters:
        if data.draw(st.booleans()):
            case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
    if isinstance(case.body, dict) and data.draw(st.booleans()):
        good = {"model": "flights", "view": "flights", "query_id": known["query_id"][0], "result_format": "json"}
        case.body |= {name: value for name, value in good.items() if name in case.body}
        if "model" in case.body:
            case.body |= {"fields": ["flights.origin", "flights.count"], "limit": "5"}


def _corrected(node: Any) -> Any:
    """Let what is described elsewhere be null, as recorded answers have it; an array with an enum has these items."""
    if isinstance(node, list):
        return [_corrected(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _corrected(value) for key, value in node.items()}
    for name, value in (found.get("properties") or {}).items():
        if isinstance(value, dict) and "$ref" in value:
            found["properties"][name] = {"nullable": True, "allOf": [{"$ref": value["$ref"]}]}
    if found.get("type") == "array" and "enum" in found:
        found["items"] = {**found["items"], "enum": found.pop("enum")}
    elif found.get("nullable") and "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found
