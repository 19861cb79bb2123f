"""Answers for several tasks at once: the one result in them, or why there is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import lookerframe as lf
from lookerframe.exceptions import TaskError

if TYPE_CHECKING:
    from pathlib import Path

TASK = "f636b0257269e6ac9fb8b38527e50205"
DETAIL = {
    "fields": {"dimensions": [], "measures": [{"name": "o.total", "type": "sum", "measure": True}]},
    "data": [{"o.total": {"value": 1.5}}],
}
BI = {"metadata": {"fields": DETAIL["fields"]}, "rows": DETAIL["data"]}


def answer(status: str, data: Any) -> bytes:
    """Write the answer for one task."""
    return json.dumps({TASK: {"status": status, "result_source": "query", "data": data}}).encode()


@pytest.mark.parametrize("named", ["multi_results", None])
@pytest.mark.parametrize(
    "data", [DETAIL, BI, [{"o.total": 1.5}], "o.total\n1.5\n"], ids=["detail", "bi", "json", "csv"]
)
def test_the_result_is_decoded(data: Any, named: str | None) -> None:
    """Whatever format the task has; also where the kind of body is told from its first bytes."""
    result = lf.decode(answer("complete", data), named)

    assert result.to_arrow().to_pydict() == {"o.total": [1.5]}
    assert result.metadata["task_id"] == TASK


def test_a_recorded_failure_is_a_failed_query(payloads: Path) -> None:
    """With the database's words, and the place in the SQL."""
    with pytest.raises(lf.LookerSQLError) as caught:
        lf.decode(payloads / "multi_results_error_snowflake.json")

    (issue,) = caught.value.issues
    assert "invalid identifier 'USERS__FAIL.LAST'" in issue.message
    assert (issue.line, issue.column, caught.value.task_id) == (2, 4, TASK)


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("expired", lf.ResultExpiredError),
        ("killed", lf.TaskKilledError),
        ("missing", lf.AccessError),
        ("running", TaskError),
        ("added", TaskError),
        ("", TaskError),
    ],
)
def test_a_task_without_a_result_is_an_error(state: str, error: type[Exception]) -> None:
    """Never a table, whatever stands in ``data``."""
    with pytest.raises(error, match=f"{TASK} has the state '{state}' and no result"):
        lf.decode(answer(state, DETAIL))


def test_recorded_answers_without_one_result(payloads: Path) -> None:
    """Lost, or several."""
    with pytest.raises(lf.ResultExpiredError):
        lf.decode(payloads / "multi_results_expired.json")
    with pytest.raises(
        lf.UnexpectedContentError, match="expected the result of one task, met 6; decode them one by one"
    ):
        lf.decode(payloads / "multi_results_mixed_status.json")


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"a":1}', b'{"a":{"status":"complete"}}', b'{"a":{"status":"complete"']
)
def test_what_is_no_such_answer_is_refused(body: bytes) -> None:
    """With an error of this library."""
    with pytest.raises((lf.PayloadError, TaskError)):
        lf.decode(body, "multi_results")
